"""Deeds that put a finished interview into a patient's chart, or take it out of a wrong one.

Who is at the other end of a chat proves no identity: a person of the clinic says whose chart it
is. The chart keeps the interview as it was then, so that no chat that goes takes it along.
"""

from collections.abc import Callable, Mapping
from typing import Any

from attenda.api import Deed, Rows, ToolRefused, tool
from attenda.packs.clinic.ordering import chart_for
from attenda.packs.clinic.questionnaire_files import sheet_of
from attenda.packs.clinic.taking_over import end_taken, taken_in
from attenda.packs.clinic.words import both

__all__ = ["file_intake", "filed_before", "withdraw_filing"]

FEWEST_LETTERS = 5
"""Of a reason."""


@tool(writes=True, needs={"intake": "operator", "patient": "operator"})
def file_intake(deed: Deed, intake: str, patient: str) -> dict[str, Any]:
    """Put a finished interview into the chart of a patient, with its response and its words."""
    patient = patient.strip()
    found = deed.rows("intakes").find(id=intake)
    if not found or found[0]["state"] != "done":
        raise ToolRefused(both("file.not_done", intake=intake))
    for one in deed.rows("filings").find(intake_id=intake, state="current"):
        raise ToolRefused(both("file.there", intake=intake, patient=one["patient_id"]))
    chart_for(deed, patient)  # refuses where there is none, and where it is sealed
    row = found[0]
    subject = {"reference": f"Patient/{patient}"}
    said = [{"id": one["message_id"], "text": one["text"]}
            for one in deed.rows("words").find(intake_id=intake)]  # fmt: skip
    number = f"FI-{deed.key[:8].upper()}"
    deed.rows("filings").add(
        id=number, intake_id=intake, patient_id=patient, user_id=row["user_id"],
        title=sheet_of(deed.rows, row["questionnaire"]).title,
        response={**row["response"], "subject": subject, "source": subject},
        facts=row["facts"], words=said, filed_by=deed.who.id, filed_at=deed.now,
        state="current",
    )  # fmt: skip
    return {"filing": number, "intake": intake, "patient": patient}


@tool(writes=True, needs={"filing": "operator"}, free_text=frozenset({"reason"}))
def withdraw_filing(deed: Deed, filing: str, reason: str) -> dict[str, Any]:
    """Take an interview out of a chart that it does not belong to; the row and the reason stay.

    What was taken over from it leaves the chart's lists with it.
    """
    row = deed.rows("filings").get(filing)
    if row["state"] != "current":
        raise ToolRefused(both("file.not_current", filing=filing))
    if len(reason.strip()) < FEWEST_LETTERS:
        raise ToolRefused(both("file.no_reason", filing=filing))
    chart_for(deed, row["patient_id"])
    end_taken(deed, taken_in(deed.rows, filing_id=filing))
    deed.rows("filings").change(
        filing, state="entered-in-error", ended_by=deed.who.id, ended_at=deed.now,
        reason=reason.strip(),
    )  # fmt: skip
    return {"filing": filing, "intake": row["intake_id"], "patient": row["patient_id"]}


def filed_before(rows: Callable[[str], Rows], intake: Mapping[str, Any]) -> str:
    """The chart that the newest interview of the same person stands in; empty where none does."""
    found = rows("filings").find_sorted("-filed_at", user_id=intake["user_id"], state="current")
    return found[0]["patient_id"] if found else ""
