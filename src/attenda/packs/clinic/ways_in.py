"""Ways in for programs and files: CDS Hooks, charts as FHIR, bundles read in."""

import itertools
import json
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from attenda.api import (
    Asked,
    Deed,
    Endpoint,
    Importer,
    NotFound,
    ReadIn,
    Tables,
    UserError,
    tool,
)
from attenda.packs.clinic.cds_hooks import (
    Feedback,
    HookProblem,
    Setting,
    answer,
    discovery,
    feedback,
)
from attenda.packs.clinic.chart import Chart
from attenda.packs.clinic.fhir_in import LOINC, Imported, Record, chart_of, read_bundle
from attenda.packs.clinic.fhir_out import bundle_of, of_chart, of_filing, of_observations
from attenda.packs.clinic.formulary import Formulary
from attenda.packs.clinic.installed import formulary_for
from attenda.packs.clinic.medication_files import IMPORTERS as MEDICATION
from attenda.packs.clinic.questionnaire_files import IMPORTER as QUESTIONNAIRES
from attenda.packs.clinic.tables import chart_of_rows, moment
from attenda.packs.clinic.taking_over import taken_in

__all__ = ["ENDPOINTS", "IMPORTERS", "keep_cards", "keep_feedback"]


@tool(writes=True, free_text=frozenset({"cards"}))
def keep_cards(deed: Deed, context: str, cards: list[dict[str, str]]) -> dict[str, int]:
    """Keep which cards a record was shown, so that each is shown once in its context."""
    alerts = deed.rows("alerts")
    before = {row["id"] for row in alerts.find(context=context)}
    for one in cards:
        if one["id"] not in before:
            alerts.add(**one, context=context, shown_at=deed.now)
    return {"kept": len(cards)}


@tool(writes=True, free_text=frozenset({"entries"}))
def keep_feedback(deed: Deed, entries: list[dict[str, str]]) -> dict[str, int]:
    """Keep what was done with cards: accepted, or overridden with a reason."""
    for number, one in enumerate(entries):
        deed.rows("feedback").add(id=f"FB-{deed.key[:10]}-{number}", user_id=deed.who.id, **one)
    return {"kept": len(entries)}


async def _services(asked: Asked) -> Any:
    return discovery(asked.language)


async def _hook(asked: Asked) -> Any:
    """Cards for a request; what is shown is kept, by its uuid."""
    request = _object(asked.body)
    context = request.get("context")
    patient = str(context.get("patientId", "")) if isinstance(context, Mapping) else ""

    def known(rows: Tables) -> tuple[Chart | None, list[str], Formulary]:
        sealed = rows("patients").find(id=patient, sealed=True)
        keys = [row["card_key"] for row in rows("alerts").find() if row["card_key"]]
        chart = None if sealed else chart_of_rows(rows, patient)
        return chart, keys, formulary_for(rows)

    chart, shown, rules = await asked.read(known)
    text = f"{asked.who.id} {json.dumps(request, sort_keys=True)}"
    numbers = itertools.count()
    setting = Setting(
        rules, moment(asked.now).date(), lambda: _name_of(f"{text} {next(numbers)}"),
        asked.language,
    )  # fmt: skip
    try:
        found = answer(asked.values["service"], request, setting, chart=chart, shown=shown)
    except HookProblem as error:
        raise UserError("request.refused", problem=str(error)) from error
    cards = [
        {"id": id, "card_key": key, "rule": card.rule, "severity": card.severity,
         "summary": card.summary}
        for id, key, card in found.shown
    ]  # fmt: skip
    if cards:
        arguments: dict[str, Any] = {"context": found.context, "cards": cards}
        await asked.do("keep_cards", arguments, once=cards[0]["id"])
    return found.body


async def _feedback(asked: Asked) -> Any:
    rules = await asked.read(lambda rows: {r["id"]: r["rule"] for r in rows("alerts").find()})
    now = moment(asked.now).isoformat()
    try:
        entries = feedback(_object(asked.body), rules, now)
    except HookProblem as error:
        raise UserError("request.refused", problem=str(error)) from error
    rows: list[Any] = [_feedback_row(one) for one in entries]
    once = json.dumps(rows, sort_keys=True)
    await asked.do("keep_feedback", {"entries": rows}, once=_name_of(once))
    return {}


def _feedback_row(one: Feedback) -> dict[str, str]:
    return {
        "alert_id": one.card, "rule": one.rule, "outcome": one.outcome, "reason": one.reason,
        "comment": one.comment, "given_at": one.at,
    }  # fmt: skip


async def _chart(asked: Asked) -> Any:
    """A chart as a FHIR bundle; a sealed one is not handed out."""
    patient = asked.values["patient"]

    def found(rows: Tables) -> list[dict[str, Any]]:
        sealed = rows("patients").find(id=patient, sealed=True)
        chart = None if sealed else chart_of_rows(rows, patient)
        if chart is None:
            return []
        rules = formulary_for(rows)
        taken = taken_in(rows, patient_id=patient)
        told: list[dict[str, Any]] = []
        for one in rows("filings").find_sorted("filed_at", patient_id=patient, state="current"):
            dated = {**one, "filed_at": moment(one["filed_at"]).isoformat()}
            places = {each["place"] for each in taken if each["filing_id"] == one["id"]}
            told += of_filing(dated, rules, asked.language, places)
        measured = of_observations(rows("observations").find(patient_id=patient))
        dated_facts = [
            {**one, "taken_at": moment(one["taken_at"]).isoformat(),
             "said_at": one["said_at"] and moment(one["said_at"]).isoformat()}
            for one in taken
        ]  # fmt: skip
        return [*of_chart(chart, dated_facts), *measured, *told]

    resources = await asked.read(found)
    if not resources:
        raise NotFound("request.no_page")
    return bundle_of(resources)


def _object(body: Any) -> Mapping[str, Any]:
    if not isinstance(body, Mapping):
        raise UserError("request.refused", problem="a JSON object is needed")
    return body


def read_fhir(name: str, content: bytes) -> ReadIn:
    """A FHIR bundle (R4) as rows: the chart in the clinic's tables, all else as records.

    Raises:
        UserError: it is no FHIR at all.
    """
    try:
        found = read_bundle(json.loads(content))
    except (ValueError, AttributeError) as error:
        raise UserError("request.refused", problem=f"{name}: {error}") from error
    rows: dict[str, list[Mapping[str, object]]] = {
        "patients": [], "medicines": [], "allergies": [], "conditions": [], "observations": [],
        "records": [one.as_row() for one in found.records],
    }  # fmt: skip
    for patient, person in found.names.items():
        _add_chart(rows, chart_of(patient, found.records, person), found)
    return ReadIn({table: all_ for table, all_ in rows.items() if all_}, found.rejects)


def _add_chart(rows: dict[str, list[Mapping[str, object]]], chart: Chart, found: Imported) -> None:
    rows["patients"].append({
        "id": chart.id, "name": chart.name, "birth_date": chart.birth_date, "sex": chart.sex,
        "weight_kg": chart.weight_kg, "height_cm": chart.height_cm,
        "creatinine_mg_dl": chart.creatinine_mg_dl, "pregnant": chart.pregnant,
        "allergies_asked": chart.allergies is not None,
        "medicines_asked": chart.medicines is not None, "sealed": False,
    })  # fmt: skip
    for number, medicine in enumerate(chart.medicines or ()):
        rows["medicines"].append({"id": f"{chart.id}-M{number}", "patient_id": chart.id,
                                  "text": medicine.text, "active": medicine.active})  # fmt: skip
    for number, allergy in enumerate(chart.allergies or ()):
        rows["allergies"].append({"id": f"{chart.id}-A{number}", "patient_id": chart.id,
                                  "substance": allergy.substance, "reaction": allergy.reaction,
                                  "criticality": allergy.criticality})  # fmt: skip
    for number, condition in enumerate(chart.conditions or ()):
        rows["conditions"].append({"id": f"{chart.id}-C{number}", "patient_id": chart.id,
                                   "text": condition.text, "active": condition.active,
                                   "onset": condition.onset})  # fmt: skip
    for one in found.records:
        if one.type == "Observation" and one.patient == chart.id:
            rows["observations"] += _measured(one)


def _measured(one: Record) -> Iterator[Mapping[str, object]]:
    """The numbers of an observation: its own, and those of its parts, such as blood pressure."""
    same = {"patient_id": one.patient, "at": one.at}
    loinc = one.system == LOINC
    if one.value is not None:
        yield {**same, "id": one.id, "name": one.text, "value": one.value, "unit": one.unit,
               "code": one.code if loinc else ""}  # fmt: skip
    for code, value, unit in one.parts:
        if loinc and unit:
            yield {**same, "id": f"{one.id}-{code}"[:80], "name": code, "value": value,
                   "unit": unit, "code": code}  # fmt: skip


def _name_of(text: str) -> str:
    """The same uuid for the same text: what is sent twice is named alike."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, text))


ENDPOINTS = (
    Endpoint("GET", "cds-services", _services),
    Endpoint("POST", "cds-services/{service}", _hook),
    Endpoint("POST", "cds-services/{service}/feedback", _feedback),
    Endpoint("GET", "fhir/{patient}", _chart),
)
IMPORTERS = (
    Importer(
        "fhir", {"en": "Patients as FHIR R4 bundles", "zh-CN": "FHIR R4 患者数据包"},
        (".json",), read_fhir,
    ),
    QUESTIONNAIRES,
    *MEDICATION,
)  # fmt: skip
