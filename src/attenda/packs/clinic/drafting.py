"""Deeds that draft: a note from a dialogue, options to weigh; each with where it comes from."""

import re
from typing import Any

from attenda.api import Deed, ToolRefused, tool
from attenda.packs.clinic.differential import candidates, told_candidates
from attenda.packs.clinic.note import draft
from attenda.packs.clinic.ordering import chart_for
from attenda.packs.clinic.words import both

__all__ = ["draft_note", "weigh"]

_PATIENT = re.compile(r"(?<![A-Z0-9])P-\d{3}(?!\d)", re.IGNORECASE)


@tool(writes=True, free_text=frozenset({"dialogue"}))
def draft_note(deed: Deed, dialogue: str) -> dict[str, Any]:
    """A note of what was said; every sentence with its words."""
    english, chinese = draft(dialogue), draft(dialogue, "zh-CN")
    if not english:
        raise ToolRefused(both("note.nothing"))
    number = f"NO-{deed.key[:8].upper()}"
    deed.rows("notes").add(
        id=number, user_id=deed.who.id, written_at=deed.now, dialogue=dialogue,
        sentences=[{"section": one.section, "text": one.text,
                    "sources": [list(span) for span in one.sources]} for one in english],
    )  # fmt: skip
    return {"id": number} | {
        name: "\n".join(
            f"- {one.text} “{' … '.join(words for _, _, words in one.sources)}”" for one in made
        )
        for name, made in (("en", english), ("zh", chinese))
    }


@tool(writes=True, free_text=frozenset({"findings"}))
def weigh(deed: Deed, findings: str) -> dict[str, Any]:
    """Options for what was found, for a clinician to weigh; a patient's number adds the chart."""
    named = _PATIENT.search(findings)
    patient = named.group().upper() if named else ""
    found = candidates(findings, chart_for(deed, patient) if patient else None)
    span = deed.spans.get("findings")
    deed.rows("differentials").add(
        id=f"DF-{deed.key[:10]}", user_id=deed.who.id, asked_at=deed.now, asked=findings,
        candidates=[one.as_row() for one in found], message_id=span.message_id if span else None,
        patient_id=patient or None,
    )  # fmt: skip
    cites = {
        number: cited
        for number, one in enumerate(found, 1)
        if (cited := _cited(deed, number, one.quote))
    }
    return {
        "count": len(found),
        "en": told_candidates(found, "en", cites),
        "zh": told_candidates(found, "zh-CN", cites),
        "cites": list(cites.values()),
    }


def _cited(deed: Deed, number: int, quote: str) -> dict[str, Any] | None:
    """Where a sentence stands in the documents of the library; nothing where it is not there."""
    for one in deed.passages(quote):
        if found := one.cited(number, quote):
            return found.model_dump(mode="json")
    return None
