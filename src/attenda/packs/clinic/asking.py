"""Deeds about scores of findings: each item asked by itself, then the sum, or what is missing.

Nobody's silence is a no: what is not known stays missing, and then there is no total.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from attenda.api import Deed, tool
from attenda.packs.clinic.extract import mentions
from attenda.packs.clinic.plain_answer import yes_no_or_unknown
from attenda.packs.clinic.result import Result
from attenda.packs.clinic.rules import WELLS_DVT, WELLS_PE, wells_dvt, wells_pe
from attenda.packs.clinic.scoring import kept_and_told
from attenda.packs.clinic.words import phrase

__all__ = ["BY_FINDINGS", "ask_item", "reckon_findings"]

MOST_TRIES = 2
"""Times that an item is asked before it counts as not known."""
BY_FINDINGS: Mapping[str, tuple[tuple[str, ...], Callable[[Mapping[str, bool | None]], Result]]] = {
    "wells_dvt": (tuple(WELLS_DVT), wells_dvt),
    "wells_pe": (tuple(WELLS_PE), wells_pe),
}
_FINDINGS: Mapping[str, str] = {
    "signs_of_dvt": "leg_swelling", "haemoptysis": "haemoptysis",
    "cancer": "cancer", "active_cancer": "cancer",
    "previous_dvt": "venous_clot", "previous_clot": "venous_clot",
    "bedridden_or_surgery": "surgery", "immobile_or_surgery": "surgery",
}  # fmt: skip
"""The finding that an item asks for, where it is one by itself."""
_RATE = re.compile(
    r"(?P<over>\b(?:above|over|more than)\s*|[>＞]\s*|超过|大于"
    r"|高于)?(?<!\d)(?P<rate>\d{2,3})(?!\d)",
    re.IGNORECASE,
)
Heard = dict[str, list[Any]]
"""By item: yes, no or nothing known; then the message, place and words that say so."""


@tool()
def ask_item(
    deed: Deed, score: str, answer: str = "", given: Heard | None = None, tries: int = 0
) -> dict[str, Any]:
    """Take an answer to the item that was asked, if there was one, and ask the next."""
    items, _ = BY_FINDINGS[score]
    heard = dict(given or {})
    if answer:
        heard, tries = _heard(deed, items, heard, answer, tries)
    left = [one for one in items if one not in heard]
    asked = {
        language: phrase(
            language, "score.ask", number=len(heard) + 1, count=len(items),
            item=phrase(language, f"ask.{left[0]}"),
        )
        for language in ("en", "zh-CN") if left
    }  # fmt: skip
    return {
        "done": not left, "given": heard, "tries": tries,
        "ask_en": asked.get("en", ""), "ask_zh": asked.get("zh-CN", ""),
    }  # fmt: skip


def _heard(
    deed: Deed, items: tuple[str, ...], heard: Heard, answer: str, tries: int
) -> tuple[Heard, int]:
    """What is known with an answer, and how often its item was asked in vain."""
    item = next(one for one in items if one not in heard)
    found = _answer_to(item, answer)
    if found is None and tries + 1 < MOST_TRIES:
        return heard, tries + 1
    value, (start, end) = found or (None, (0, len(answer)))
    span = deed.spans.get("answer")
    place = [span.message_id, span.start + start, span.start + end] if span else ["", start, end]
    return {**heard, item: [value, *place, answer[start:end]]}, 0


def _answer_to(item: str, answer: str) -> tuple[bool | None, tuple[int, int]] | None:
    """What an answer says of an item: a number against its bound, yes or no, or the finding."""
    plain = yes_no_or_unknown(answer)
    if item == "pulse_above_100" and (rate := _RATE.search(answer)):
        above = int(rate["rate"]) > 100 or (rate["rate"] == "100" and bool(rate["over"]))
        agrees = not _begins_otherwise(answer[: rate.start()], above)
        return (above, rate.span()) if agrees else None
    if plain:
        return plain
    for one in mentions(answer):
        if one.finding == _FINDINGS.get(item) and one.assertion.status != "unsure":
            return one.assertion.status == "present", (one.start, one.end)
    return None


def _begins_otherwise(words: str, above: bool) -> bool:
    """Whether a yes or a no before a number says something else than the number does."""
    said = yes_no_or_unknown(words)
    return said is not None and said[0] == (not above)


@tool(writes=True)
def reckon_findings(deed: Deed, score: str, given: Heard) -> dict[str, Any]:
    """Reckon a score of findings, and keep it with the words of each."""
    _, rule = BY_FINDINGS[score]
    found = rule({name: one[0] for name, one in given.items()})
    said = [[name, *one[1:]] for name, one in given.items() if one[0] is not None]
    return kept_and_told(deed, found, said)
