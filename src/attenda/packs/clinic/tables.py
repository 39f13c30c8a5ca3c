"""The tables of the clinic, and a patient's chart from their rows."""

import datetime
from collections.abc import Callable, Container, Iterable, Mapping
from decimal import Decimal
from typing import Any

from attenda.api import PackTable, Rows
from attenda.packs.clinic.chart import Allergy, Chart, Condition, Measure, Medicine, Origin, Part
from attenda.packs.clinic.told import told_in

__all__ = ["TABLES", "chart_of_rows", "moment"]

_ORDERED: Mapping[str, Origin] = {"draft": "drafted", "signed": "signed"}
"""Orders that count as taken, by their state."""

TABLES = (
    PackTable(
        "patients",
        {
            "id": "text", "name": "text", "birth_date": "date", "sex": "text",
            "weight_kg": "amount", "height_cm": "amount", "creatinine_mg_dl": "amount",
            "pregnant": "flag", "allergies_asked": "flag", "medicines_asked": "flag",
            "sealed": "flag",  # opened only with a reason that is kept
        },
    ),
    PackTable(
        "medicines", {"id": "text", "patient_id": "text", "text": "text", "active": "flag"},
        indexes=(("patient_id",),),
    ),
    PackTable(
        "allergies",
        {
            "id": "text", "patient_id": "text", "substance": "text", "reaction": "text",
            "criticality": "text",
        },
        indexes=(("patient_id",),),
    ),
    PackTable(
        "conditions",
        {
            "id": "text", "patient_id": "text", "text": "text", "active": "flag", "onset": "text",
        },
        indexes=(("patient_id",),),
    ),
    PackTable(
        "observations",
        {
            "id": "text", "patient_id": "text", "name": "text", "value": "amount", "unit": "text",
            "at": "text", "code": "text",  # of LOINC, where it came with one
        },
        indexes=(("patient_id",),),
    ),
    PackTable(
        "records",  # all that came in as FHIR, as it came
        {
            "id": "text", "type": "text", "patient": "text", "status": "text", "text": "text",
            "system": "text", "code": "text", "at": "text", "value": "text", "unit": "text",
            "said": "text", "parts": "json",
        },
    ),
    PackTable(
        "intakes",
        {
            "id": "text", "user_id": "text", "state": "text", "started_at": "time",
            "tries": "integer", "answers": "json", "response": "json",
            "questionnaire": "text",  # of the clinic's own; none for the one that comes along
            "facts": "json",  # each with its message and the span of its words
        },
        person="user_id", ages="started_at",
    ),
    PackTable(
        "filings",  # interviews that somebody of the clinic put into a chart, as they were then
        {
            "id": "text", "intake_id": "text", "patient_id": "text", "user_id": "text",
            "title": "text", "response": "json", "facts": "json", "words": "json",
            "filed_by": "text", "filed_at": "time",
            "state": "text",  # current, or entered-in-error
            "ended_by": "text", "ended_at": "time", "reason": "text",
        },
        person="user_id", redacted=("user_id",), indexes=(("patient_id",), ("intake_id",)),
    ),
    PackTable(
        "taken_facts",  # of interviews in charts, that somebody of the clinic put into a list
        {
            "id": "text", "filing_id": "text", "intake_id": "text", "patient_id": "text",
            "place": "integer",  # among the filing's facts
            "part": "text", "row_id": "text",  # the list, and the key of its row there
            "fact": "json", "answer": "integer", "said_at": "time",
            "taken_by": "text", "taken_at": "time",
            "state": "text",  # current, or given-back
            "ended_by": "text", "ended_at": "time",
        },
        indexes=(("patient_id",), ("filing_id",)),
    ),
    PackTable(
        "questionnaires",  # a clinic's own beside the one that comes along
        {
            "id": "text", "title": "text", "url": "text", "version": "text", "digest": "text",
            "body": "json", "notes": "json", "in_use": "flag",
        },
    ),
    PackTable(
        "words",  # what the person wrote, verbatim
        {
            "id": "text", "intake_id": "text", "number": "integer", "message_id": "text",
            "text": "text", "said_at": "time",
        },
        person="intake_id", through="intakes", ages="said_at",
    ),
    PackTable(
        "escalations",
        {
            "id": "text", "rule": "text", "kind": "text", "words": "text", "message_id": "text",
            "user_id": "text", "raised_at": "time", "state": "text",
        },
        person="user_id", redacted=("words", "user_id"),
    ),
    PackTable(
        "scores",
        {
            "id": "text", "rule": "text", "state": "text", "total": "text", "unit": "text",
            "band": "text", "parts": "json", "inputs": "json", "missing": "json",
            "source": "text", "user_id": "text", "reckoned_at": "time",
            "said": "json",  # each input's message, the span of its words, and these
        },
        person="user_id",
    ),
    PackTable(
        "orders",
        {
            "id": "text", "patient_id": "text", "text": "text", "status": "text",
            "ordered_by": "text", "ordered_at": "time", "signed_by": "text", "signed_at": "time",
            "reason": "text",
            "ended_by": "text", "ended_at": "time",  # a draft taken back, a signed one ended
        },
        indexes=(("patient_id",),),
    ),
    PackTable(
        "check_results",
        {
            "id": "text", "order_id": "text", "status": "text", "cards": "json", "pack": "text",
            "pack_date": "date", "checked_at": "time",
        },
    ),
    PackTable(
        "alerts",
        {
            "id": "text", "context": "text", "rule": "text", "severity": "text", "summary": "text",
            "shown_at": "time",
            "card_key": "text",  # the same for the same card in one context
        },
        indexes=(("context",),),
    ),
    PackTable(
        "feedback",
        {
            "id": "text", "alert_id": "text", "rule": "text", "outcome": "text", "reason": "text",
            "comment": "text", "user_id": "text", "given_at": "text",
        },
        person="user_id", redacted=("comment", "user_id"),
    ),
    PackTable(
        "drug_packs",  # knowledge that was read in beside the starter's
        {
            "id": "text", "title": "text", "version": "text", "date": "date", "expires": "date",
            "author": "text", "licence": "text", "source": "text", "kind": "text",
            "digest": "text",  # of the file: rows of an older one say nothing any more
        },
    ),
    PackTable(
        "drug_names",
        {"id": "text", "pack": "text", "digest": "text", "said": "text", "ingredient": "text"},
    ),
    PackTable(
        "drug_pairs",
        {
            "id": "text", "pack": "text", "digest": "text", "one": "text", "two": "text",
            "severity": "text", "effect": "text", "why": "text", "management": "text",
        },
    ),
    PackTable(
        "drug_labels",
        {"id": "text", "title": "text", "date": "text", "version": "text", "text": "text"},
    ),
    PackTable("drug_label_names", {"id": "text", "label_id": "text", "said": "text"},
        indexes=(("said",),),
    ),
    PackTable(
        "accesses",
        {
            "id": "text", "patient_id": "text", "user_id": "text", "reason": "text",
            "opened_at": "time",
        },
        person="user_id", redacted=(),
    ),
    PackTable(
        "looks",  # at a sealed chart that was opened
        {
            "id": "text", "access_id": "text", "patient_id": "text", "user_id": "text",
            "looked_at": "time",
        },
        person="user_id", redacted=(), indexes=(("patient_id",),),
    ),
    PackTable(
        "notes",
        {
            "id": "text", "user_id": "text", "written_at": "time", "dialogue": "text",
            "sentences": "json",
        },
        person="user_id", ages="written_at",
    ),
    PackTable(
        "differentials",
        {
            "id": "text", "user_id": "text", "asked_at": "time", "asked": "text",
            "candidates": "json", "message_id": "text", "patient_id": "text",
        },
        person="user_id", ages="asked_at",
    ),
)  # fmt: skip


def moment(now: int) -> datetime.datetime:
    """A time in microseconds as a date and time, UTC."""
    return datetime.datetime.fromtimestamp(now / 1_000_000, datetime.UTC)


def chart_of_rows(rows: Callable[[str], Rows], patient: str, but_order: str = "") -> Chart | None:
    """A patient's chart with the orders of this clinic; nothing where there is no such patient.

    Args:
        rows: of the pack's tables, by name.
        patient: id.
        but_order: an order that is looked at, and so stands not beside itself.
    """
    found = rows("patients").find(id=patient)
    if not found:
        return None
    one = found[0]
    filed = rows("filings").find(patient_id=patient, state="current")
    taken = rows("taken_facts").find(patient_id=patient, state="current")
    allergies = tuple(
        Allergy(
            each["substance"] or "",
            each["reaction"] or "",
            each["criticality"] or "unable-to-assess",
            key=each["id"],
        )
        for each in rows("allergies").find(patient_id=patient)
    )
    medicines = tuple(
        Medicine(each["text"], active=bool(each["active"]), key=each["id"])
        for each in rows("medicines").find(patient_id=patient)
    )
    return Chart(
        patient,
        name=one["name"] or "",
        birth_date=_day(one["birth_date"]),
        sex=one["sex"] or None,
        weight_kg=_amount(one["weight_kg"]),
        height_cm=_amount(one["height_cm"]),
        creatinine_mg_dl=_amount(one["creatinine_mg_dl"]),
        pregnant=one["pregnant"],
        medicines=medicines if medicines or one["medicines_asked"] else None,
        ordered=tuple(
            Medicine(each["text"], origin=_ORDERED[each["status"]], number=each["id"])
            for each in rows("orders").find(patient_id=patient)
            if each["status"] in _ORDERED and each["id"] != but_order
        ),
        allergies=allergies if allergies or one["allergies_asked"] else None,
        conditions=tuple(
            Condition(
                each["text"],
                active=bool(each["active"]),
                onset=each["onset"] or "",
                key=each["id"],
            )
            for each in rows("conditions").find(patient_id=patient)
        ),
        measures={
            each["name"]: Measure(each["name"], Decimal(each["value"]), each["unit"], each["at"])
            for each in sorted(
                rows("observations").find(patient_id=patient), key=lambda each: each["at"] or ""
            )
        },
        partly=_partly(medicines, allergies, one, {each["row_id"] for each in taken}),
        told=told_in(filed, {(each["filing_id"], each["place"]) for each in taken}),
    )


def _partly(
    medicines: Iterable[Medicine],
    allergies: Iterable[Allergy],
    patient: Mapping[str, Any],
    taken: Container[str],
) -> frozenset[Part]:
    """Lists that nobody asked for, and that hold only what was taken over from interviews."""
    lists: Mapping[Part, Iterable[Medicine | Allergy]] = {
        "medicines": medicines,
        "allergies": allergies,
    }
    return frozenset(
        part
        for part, rows in lists.items()
        if not patient[f"{part}_asked"]
        and (keys := [one.key for one in rows])
        and all(key in taken for key in keys)
    )


def _day(text: Any) -> datetime.date | None:
    return datetime.date.fromisoformat(str(text)) if text else None


def _amount(text: Any) -> Decimal | None:
    return Decimal(str(text)) if text not in (None, "") else None
