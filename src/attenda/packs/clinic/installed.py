"""Medication knowledge at work: the starter pack with what was read in beside it.

Each rule keeps the pack that it is from, with its version and date. Where both name a drug, the
starter's name holds; text of labels is found here, and never judged.
"""

import datetime
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from attenda.api import Rows
from attenda.packs.clinic.chart import Chart
from attenda.packs.clinic.formulary import About, Formulary, Rule, starter

__all__ = ["formulary_for", "installed_packs", "label_texts"]

_MOST_SENTENCES = 3
_MOST_LETTERS = 600
_SENTENCE = re.compile(r"[^.!?。！？]+[.!?。！？]*\s*")
_kept: dict[tuple[str, ...], Formulary] = {}
"""The last one that was put together, by what it is made of."""


def formulary_for(rows: Callable[[str], Rows]) -> Formulary:
    """The rules that hold in this clinic: the starter's, and those that were read in."""
    packs = [one for one in rows("drug_packs").find() if one["kind"] in ("rules", "names")]
    if not packs:
        return starter()
    key = tuple(f"{one['id']} {one['digest']} {one['expires']}" for one in packs)
    found = _kept.get(key)
    if found is None:
        found = _put_together(rows, packs)
        _kept.clear()
        _kept[key] = found
    return found


def _put_together(rows: Callable[[str], Rows], packs: Sequence[Mapping[str, Any]]) -> Formulary:
    fresh = {one["id"]: one["digest"] for one in packs}
    abouts = {one["id"]: _about(one) for one in packs}

    def newest(table: str) -> Iterable[Mapping[str, Any]]:
        """What the newest file of each pack had; an older one's rows say nothing any more."""
        return (one for one in rows(table).find() if fresh.get(one["pack"]) == one["digest"])

    names = {str(one["said"]): str(one["ingredient"]) for one in newest("drug_names")}
    rules = [(one, abouts[one["pack"]]) for one in newest("drug_pairs")]
    base = starter()
    terms = {word: base.term(word) for one, _ in rules for word in (one["one"], one["two"])}
    names |= {word.lower(): word.lower() for word, term in terms.items() if not term}
    made = [
        Rule(
            id=one["id"], kind="interaction", severity=one["severity"],
            texts={"en": (one["effect"], one["why"], one["management"])},
            terms=tuple(terms[one[side]] or one[side].lower() for side in ("one", "two")),
            about=about,
        )
        for one, about in rules
    ]  # fmt: skip
    return base.extended(names, made, tuple(abouts.values()))


def _about(row: Mapping[str, Any]) -> About:
    return About(
        id=row["id"], title={"en": row["title"]}, version=row["version"], date=_day(row["date"]),
        expires=_day(row["expires"]), author=row["author"] or "", licence=row["licence"] or "",
        source=row["source"] or "",
    )  # fmt: skip


def _day(text: Any) -> datetime.date | None:
    return datetime.date.fromisoformat(str(text)) if text else None


def installed_packs(rows: Callable[[str], Rows], today: datetime.date) -> list[dict[str, Any]]:
    """Every pack of knowledge at work, with what a reader must know of it."""
    about = starter().about
    ours = {
        "id": about.id, "title": about.title["en"], "version": about.version, "kind": "rules",
        "date": about.date, "expires": about.expires, "author": about.author,
        "licence": about.licence, "source": about.source,
    }  # fmt: skip
    found = [ours, *rows("drug_packs").find()]
    return [
        {**one, "expired": bool(one["expires"]) and str(one["expires"]) < today.isoformat()}
        for one in found
    ]


def label_texts(
    rows: Callable[[str], Rows], order: str, chart: Chart, formulary: Formulary
) -> list[dict[str, str]]:
    """What labels say of an order's drugs and the medicines of a chart: their own sentences.

    A label that names none of the medicines is not quoted; that says nothing about them.
    """
    taken = {
        drug for one in chart.taken
        for drug in formulary.find(one.text).ingredients
    }  # fmt: skip
    found: list[dict[str, str]] = []
    for drug in formulary.find(order).ingredients:
        for named in rows("drug_label_names").find(said=drug):
            label = rows("drug_labels").get(named["label_id"])
            words = _sentences_on(label["text"], taken - {drug}, formulary)
            if words and label["id"] not in {one["id"] for one in found}:
                found.append({"id": label["id"], "title": label["title"], "words": words,
                              "date": label["date"] or ""})  # fmt: skip
    return found


def _sentences_on(text: str, drugs: set[str], formulary: Formulary) -> str:
    """The first sentences that name one of these drugs, shortened as a whole."""
    chosen = [
        one.group().strip()
        for one in _SENTENCE.finditer(text)
        if any(name in drugs for _, _, name in formulary.spans(one.group()))
    ]
    joined = " … ".join(chosen[:_MOST_SENTENCES])
    return joined if len(joined) <= _MOST_LETTERS else f"{joined[:_MOST_LETTERS]}…"
