"""Deeds that take a single fact, told in an interview, over into the chart's own lists, and back.

What a patient told stands in the chart unconfirmed; a person of the clinic takes one thing of it
over at a time. The row says who told it, in which answer and when, and who took it over.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from attenda.api import Deed, Rows, ToolRefused, tool
from attenda.packs.clinic.extract import mentions
from attenda.packs.clinic.formulary import Formulary
from attenda.packs.clinic.installed import formulary_for
from attenda.packs.clinic.ordering import chart_for
from attenda.packs.clinic.told import list_of, words_of
from attenda.packs.clinic.words import both

__all__ = ["end_taken", "give_fact_back", "take_fact", "taken_in"]

_TEXT = {"medicines": "text", "allergies": "substance", "conditions": "text"}
"""The column of each list in which its words stand."""


@tool(writes=True, needs={"filing": "operator", "place": "operator"})
def take_fact(deed: Deed, filing: str, place: int) -> dict[str, Any]:
    """Take one fact of an interview in a chart over into the chart's list of its kind."""
    row = deed.rows("filings").get(filing)
    if row["state"] != "current":
        raise ToolRefused(both("file.not_current", filing=filing))
    patient, facts = row["patient_id"], row["facts"] or ()
    fact = facts[place] if 0 <= place < len(facts) else None
    part = list_of(fact) if fact and fact["status"] == "present" else None
    if fact is None or part is None:
        raise ToolRefused(both("taken.not_this"))
    chart_for(deed, patient)  # refuses where it is sealed
    text = words_of(fact)
    if there := _in_list(deed.rows, patient, part, text, formulary_for(deed.rows)):
        raise ToolRefused(both("taken.there", text=text, there=there))
    number, said = f"TF-{deed.key[:8].upper()}", _answer(deed.rows, row, fact["message_id"])
    key = f"{patient}-{number}"
    more = {} if part == "allergies" else {"active": True}
    deed.rows(part).add(id=key, patient_id=patient, **{_TEXT[part]: text}, **more)
    deed.rows("taken_facts").add(
        id=number, filing_id=filing, intake_id=row["intake_id"], patient_id=patient, place=place,
        part=part, row_id=key, fact=fact, answer=said[0], said_at=said[1],
        taken_by=deed.who.id, taken_at=deed.now, state="current",
    )  # fmt: skip
    return {"taken": number, "patient": patient, "text": text}


@tool(writes=True, needs={"taken": "operator"})
def give_fact_back(deed: Deed, taken: str) -> dict[str, Any]:
    """Take a fact out of the chart's list again; that it stood there is kept."""
    row = deed.rows("taken_facts").get(taken)
    if row["state"] != "current":
        raise ToolRefused(both("taken.not_current", taken=taken))
    chart_for(deed, row["patient_id"])
    end_taken(deed, [row])
    return {"taken": taken, "patient": row["patient_id"]}


def end_taken(deed: Deed, rows: Iterable[Mapping[str, Any]]) -> None:
    """Take facts out of their lists, each with who did it and when."""
    for row in rows:
        deed.rows(row["part"]).remove(row["row_id"])
        deed.rows("taken_facts").change(
            row["id"], state="given-back", ended_by=deed.who.id, ended_at=deed.now
        )


def taken_in(rows: Callable[[str], Rows], **equal: str) -> list[dict[str, Any]]:
    """The facts that stand in a list: of a chart (`patient_id`) or of a filing (`filing_id`)."""
    return rows("taken_facts").find(state="current", **equal)


def _answer(
    rows: Callable[[str], Rows], filing: Mapping[str, Any], message_id: str
) -> tuple[int | None, int | None]:
    """The number of the answer in which it was told, and when; none where that is erased."""
    found = rows("words").find(intake_id=filing["intake_id"], message_id=message_id)
    said_at = found[0]["said_at"] if found else None
    ids = [one["id"] for one in filing["words"] or ()]
    return (ids.index(message_id) + 1 if message_id in ids else None), said_at


def _in_list(
    rows: Callable[[str], Rows], patient: str, part: str, text: str, rules: Formulary
) -> str:
    """What of a list says the same already; empty where nothing does."""
    meant = _meant(part, text, rules)
    for one in rows(part).find(patient_id=patient):
        there = str(one[_TEXT[part]] or "")
        same = there.casefold() == text.casefold() or meant & _meant(part, there, rules)
        if same and one.get("active", True):
            return there
    return ""


def _meant(part: str, text: str, rules: Formulary) -> frozenset[str]:
    """What words of a list name that is known: ingredients, what is reacted to, illnesses."""
    match part:
        case "medicines":
            return frozenset(name for _, _, name in rules.spans(text))
        case "allergies":
            return rules.reacted_to(text)
    return frozenset(one.finding for one in mentions(text))
