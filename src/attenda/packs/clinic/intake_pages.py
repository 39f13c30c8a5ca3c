"""Screens of interviews: who waits, and a summary with the words that it rests on."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from attenda.api import Asked, Deed, NotFound, Tables, tool
from attenda.packs.clinic.extract import lexicon
from attenda.packs.clinic.filing import filed_before
from attenda.packs.clinic.formulary import starter
from attenda.packs.clinic.red_flags import red_flag_rules
from attenda.packs.clinic.sealed import LOOK_HOLDS, seal_of
from attenda.packs.clinic.summary import SECTIONS, Message, facts_of
from attenda.packs.clinic.tables import moment
from attenda.packs.clinic.taking_over import taken_in
from attenda.packs.clinic.told import list_of
from attenda.packs.clinic.words import phrase

__all__ = ["settle", "summary", "waiting"]

_MOST_LISTED = 200
"""Interviews that are listed: those that nobody put into a chart first, then the newest."""
_ORDER = ("to_file", "open", "filed")
_WORDS_ALONE = frozenset({"unnamed", "any", "duration", "course"})
"""Facts that have no name but their words."""


@tool(writes=True)
def settle(deed: Deed, escalation: str) -> dict[str, str]:
    """Mark a red flag as dealt with."""
    deed.rows("escalations").change(escalation, state="settled")
    return {"escalation": escalation}


async def waiting(asked: Asked) -> Mapping[str, Any]:
    """Red flags that nobody dealt with, then interviews, each with whose it is."""
    titles = {one.id: one.title for one in red_flag_rules()}

    def found(rows: Tables) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        flags = rows("escalations").find(state="open")
        newest = rows("intakes").find_sorted("-started_at", limit=_MOST_LISTED)
        return flags, [_listed(one, rows, asked) for one in newest]

    flags, intakes = await asked.read(found)
    names = await _names(asked, (one["user_id"] for one in (*flags, *intakes)))
    return {
        "flags": [
            {**one, "title": titles[one["rule"]][asked.language], "at": _time(one["raised_at"]),
             "person": names.get(one["user_id"], "")}
            for one in flags
        ],
        "intakes": [
            {**one, "person": "" if one["sealed"] else names.get(one["user_id"], "")}
            for one in sorted(intakes, key=lambda one: _ORDER.index(one["state"]))
        ],
    }  # fmt: skip


def _listed(intake: Mapping[str, Any], rows: Tables, asked: Asked) -> dict[str, Any]:
    """One interview of the list; of one in a sealed chart neither whose nor which chart."""
    filing = _filing(intake["id"], rows)
    patient = filing["patient_id"] if filing else ""
    sealed = bool(patient) and _seal(patient, rows, asked) == "sealed"
    state = "filed" if filing else "to_file" if intake["state"] == "done" else "open"
    return {
        "id": intake["id"], "state": state, "at": _time(intake["started_at"]), "sealed": sealed,
        "user_id": intake["user_id"], "patient": "" if sealed else patient,
    }  # fmt: skip


async def summary(asked: Asked) -> Mapping[str, Any]:
    """What was told in an interview, and the chart that it stands in or may be put into."""
    number = asked.values["intake"]
    seal, patient = await asked.read(lambda rows: _sealed(number, rows, asked))
    if seal == "to_note":
        once = f"look {patient} {asked.now // LOOK_HOLDS}"
        await asked.do("note_look", {"patient": patient}, once=once)
        seal, patient = await asked.read(lambda rows: _sealed(number, rows, asked))
    if seal not in ("none", "open"):
        return {"sealed": True, "id": number, "patient": patient}

    def found(
        rows: Tables,
    ) -> tuple[Any, list[dict[str, Any]], dict[str, Any] | None, str, dict[int, str]]:
        intake = next(iter(rows("intakes").find(id=number)), None)
        before = filed_before(rows, intake) if intake else ""
        if before and _seal(before, rows, asked) == "sealed":
            before = ""
        filing = _filing(number, rows)
        facts = taken_in(rows, filing_id=filing["id"]) if filing else []
        taken = {one["place"]: one["id"] for one in facts}
        return intake, rows("words").find(intake_id=number), filing, before, taken

    intake, words, filing, before, taken = await asked.read(found)
    if intake is None:
        raise NotFound("request.no_page")
    names = await _names(asked, [intake["user_id"]])
    return {
        "sealed": False, "id": number, "state": intake["state"], "filing": filing,
        "person": names.get(intake["user_id"], ""), "at": _time(intake["started_at"]),
        "before": before, **_told(intake, words, asked.language, taken),
    }  # fmt: skip


def _sealed(number: str, rows: Tables, asked: Asked) -> tuple[str, str]:
    """How the chart that an interview stands in is to who asks, and which it is."""
    filing = _filing(number, rows)
    patient = str(filing["patient_id"]) if filing else ""
    return (_seal(patient, rows, asked) if patient else "none"), patient


def _seal(patient: str, rows: Tables, asked: Asked) -> str:
    return seal_of(rows, asked.who.id, patient, asked.now)


def _filing(number: str, rows: Tables) -> dict[str, Any] | None:
    return next(iter(rows("filings").find(intake_id=number, state="current")), None)


async def _names(asked: Asked, ids: Iterable[str | None]) -> dict[str, str]:
    """Names by id; who has none in the house came as a visitor."""
    known = [one for one in ids if one]
    names = {asked.who.id: asked.who.name} | await asked.names(known)
    return {one: names.get(one) or phrase(asked.language, "who.visitor") for one in known}


def _told(
    intake: Mapping[str, Any],
    words: Sequence[Mapping[str, Any]],
    language: str,
    taken: Mapping[int, str],
) -> dict[str, Any]:
    """The facts by section, and the messages with the words marked that they rest on.

    Each fact has its `place`, whether a list of a chart could take it (`fits`), and under which
    number it is `taken` there.
    """
    said = [Message(one["message_id"], one["text"]) for one in words]
    facts: Sequence[Mapping[str, Any]] = intake["facts"] or [
        one.as_row() for one in facts_of(said, starter())
    ]
    numbers = {one["message_id"]: one["number"] for one in words}
    named = [
        {
            **one,
            "number": numbers.get(one["message_id"]),
            "shown": _shown(one, language),
            "place": place,
            "taken": taken.get(place, ""),
            "fits": one["status"] == "present" and list_of(one) is not None,
        }
        for place, one in enumerate(facts)
    ]
    return {
        "sections": [
            (phrase(language, f"section.{section}"),
             [one for one in named if one["section"] == section])
            for section in SECTIONS if any(one["section"] == section for one in facts)
        ],
        "messages": [
            {"number": one["number"], "pieces": _pieces(one, facts)} for one in words
        ],
    }  # fmt: skip


def _shown(fact: Mapping[str, Any], language: str) -> str:
    known = lexicon().shown.get(fact["name"], {}).get(language)
    if known or fact["name"] in _WORDS_ALONE:
        return known or str(fact["words"])
    return starter().shown(fact["name"], language)


def _pieces(
    message: Mapping[str, Any], facts: Sequence[Mapping[str, Any]]
) -> list[tuple[str, bool]]:
    """A message cut where facts point: text, and whether a fact rests on it."""
    text = str(message["text"])
    marked = [False] * len(text)
    for fact in facts:
        if fact["message_id"] == message["message_id"]:
            for at in range(int(fact["start"]), min(int(fact["end"]), len(text))):
                marked[at] = True
    pieces: list[tuple[str, bool]] = []
    for letter, mark in zip(text, marked, strict=True):
        if pieces and pieces[-1][1] is mark:
            pieces[-1] = (pieces[-1][0] + letter, mark)
        else:
            pieces.append((letter, mark))
    return pieces


def _time(now: int) -> str:
    return moment(now).strftime("%Y-%m-%d %H:%M")
