"""FHIR R4 out: a chart, facts and scores as a bundle, each fact with the place of its words.

What was told in an interview is nobody's finding: it goes out unconfirmed, with the response that
it is from, the span of its words, and a Provenance that says who told it and who put it there.
"""

import re
from collections.abc import Container, Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from attenda.packs.clinic.chart import Chart
from attenda.packs.clinic.formulary import Formulary
from attenda.packs.clinic.provenance import span_extension
from attenda.packs.clinic.result import Result
from attenda.packs.clinic.summary import Fact, shown

__all__ = ["bundle_of", "of_chart", "of_facts", "of_filing", "of_observations", "of_score"]

_NO_ID = re.compile(r"[^A-Za-z0-9.-]")
"""What stands in no id of FHIR."""
_BASE = "https://attenda.invalid/fhir"
"""Beside it a reference such as `Patient/P-1` is one to an entry; nobody fetches from there."""
_USERS = "urn:attenda:user"
_CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"
_VERIFICATION = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
_ALLERGY_CLINICAL = "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical"
_ALLERGY_VERIFIED = "http://terminology.hl7.org/CodeSystem/allergyintolerance-verification"
_CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
_AGENT = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
_ABSENT = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
_LOINC = "http://loinc.org"
_UCUM = "http://unitsofmeasure.org"
_MEASURES: Mapping[str, tuple[str, str, str]] = {
    "weight_kg": ("29463-7", "Body weight", "kg"),
    "height_cm": ("8302-2", "Body height", "cm"),
    "creatinine_mg_dl": ("2160-0", "Creatinine", "mg/dL"),
    "temperature_c": ("8310-5", "Body temperature", "Cel"),
    "respiratory_rate": ("9279-1", "Respiratory rate", "/min"),
    "spo2": ("59408-5", "Oxygen saturation", "%"),
    "pulse": ("8867-4", "Heart rate", "/min"),
    "systolic": ("8480-6", "Systolic blood pressure", "mm[Hg]"),
    "diastolic": ("8462-4", "Diastolic blood pressure", "mm[Hg]"),
}
Resource = dict[str, Any]


def bundle_of(resources: Iterable[Resource]) -> Resource:
    """A collection of resources; each is to have its id."""
    entries = [{"fullUrl": f"{_BASE}/{one['resourceType']}/{one['id']}", "resource": one}
               for one in resources]  # fmt: skip
    return {"resourceType": "Bundle", "type": "collection", "entry": entries}


def of_chart(chart: Chart, taken: Iterable[Mapping[str, Any]] = ()) -> Iterator[Resource]:
    """Patient, conditions, medicines, allergies and measures of a chart.

    Args:
        chart: as it is kept here.
        taken: rows of the table `taken_facts`, those that stand in it, with times as FHIR writes
            them: their entries go out with who told them, where, and who took them over.
    """
    told = {one["row_id"]: one for one in taken}
    patient: Resource = {"resourceType": "Patient", "id": chart.id}
    if chart.name:
        patient["name"] = [{"text": chart.name}]
    if chart.sex:
        patient["gender"] = chart.sex
    if chart.birth_date:
        patient["birthDate"] = chart.birth_date.isoformat()
    yield patient
    subject = {"reference": f"Patient/{chart.id}"}
    for number, condition in enumerate(chart.conditions or ()):
        status = "active" if condition.active else "resolved"
        made = _condition(f"{chart.id}-c{number}", condition.text, subject, status)
        yield from _with_source(made, subject, told.get(condition.key))
    for number, medicine in enumerate(chart.medicines or ()):
        made = _statement(f"{chart.id}-m{number}", medicine.text, subject,
                          "active" if medicine.active else "stopped")  # fmt: skip
        yield from _with_source(made, subject, told.get(medicine.key))
    for number, allergy in enumerate(chart.allergies or ()):
        made = _allergy(f"{chart.id}-a{number}", allergy.substance, subject) | {
            "criticality": allergy.criticality
        }
        yield from _with_source(made, subject, told.get(allergy.key))
    for name, value in (("weight_kg", chart.weight_kg), ("height_cm", chart.height_cm),
                        ("creatinine_mg_dl", chart.creatinine_mg_dl)):  # fmt: skip
        if value is not None:
            yield _measure(f"{chart.id}-{name.replace('_', '-')}", name, value, subject)


def _with_source(
    entry: Resource, person: Resource, taken: Mapping[str, Any] | None
) -> Iterator[Resource]:
    """An entry of a list; one that was taken over from an interview with where it is from."""
    if taken is None:
        yield entry
        return
    fact, response = taken["fact"], _response(taken["intake_id"])
    place = fact["message_id"], fact["start"], fact["end"], fact["words"]
    yield {**_told_by(entry, person, response), "extension": [span_extension(*place)]}
    made = _provenance(f"{taken['id']}-from", taken["taken_at"], [entry], person,
                       taken["taken_by"], response)  # fmt: skip
    yield made | ({"occurredDateTime": taken["said_at"]} if taken["said_at"] else {})


def of_observations(rows: Iterable[Mapping[str, Any]]) -> Iterator[Resource]:
    """What was measured, each number with its time.

    Args:
        rows: of the table `observations`, of one patient.
    """
    for row in rows:
        value = Decimal(str(row["value"]))
        coding = {"system": _LOINC, "code": row["code"], "display": row["name"]}
        code = {"coding": [coding]} if row["code"] else {}
        made: Resource = {
            "resourceType": "Observation", "id": _NO_ID.sub("-", row["id"])[:64],
            "status": "final", "subject": {"reference": f"Patient/{row['patient_id']}"},
            "code": {**code, "text": row["name"]}, "valueQuantity": {"value": float(value)},
        }  # fmt: skip
        if row["unit"]:
            made["valueQuantity"] |= {"unit": row["unit"], "system": _UCUM, "code": row["unit"]}
        if row["at"]:
            made["effectiveDateTime"] = row["at"]
        yield made


def of_facts(
    facts: Iterable[Fact],
    patient: str,
    formulary: Formulary,
    language: str = "en",
    number: str = "",
) -> Iterator[Resource]:
    """What was said, as resources that point to the words; what is unsure is marked so.

    Args:
        facts: of one conversation.
        patient: id.
        formulary: for names.
        language: of the names.
        number: of what the facts are from, for ids; the patient's where there is none.
    """
    subject = {"reference": f"Patient/{patient}"}
    for count, fact in enumerate(facts):
        id = f"{number or patient}-f{count}"
        made = _of_fact(fact, id, subject, shown(fact, language, formulary))
        if made:
            place = fact.message_id, fact.start, fact.end, fact.words
            made["extension"] = [span_extension(*place)]
            yield made


def of_filing(
    filing: Mapping[str, Any],
    formulary: Formulary,
    language: str = "en",
    taken: Container[int] = frozenset(),
) -> Iterator[Resource]:
    """An interview in a chart: its response, what was told in it, and where all that is from.

    Args:
        filing: a row of the table `filings`, with `filed_at` as FHIR writes a moment.
        formulary: for names.
        language: of the names.
        taken: places of facts that stand in the chart's own lists, and go out as these.
    """
    patient, number = filing["patient_id"], filing["intake_id"]
    person = {"reference": f"Patient/{patient}"}
    yield filing["response"]
    facts = [Fact(**one) for place, one in enumerate(filing["facts"] or ()) if place not in taken]
    from_ = _response(filing["response"]["id"])
    made = [_told_by(one, person, from_)
            for one in of_facts(facts, patient, formulary, language, number)]  # fmt: skip
    yield from made
    if made:
        yield _provenance(f"{number}-from", filing["filed_at"], made, person, filing["filed_by"],
                          from_)  # fmt: skip


def _response(number: str) -> Resource:
    return {"reference": f"QuestionnaireResponse/{number}"}


def _provenance(
    id: str, recorded: str, made: Iterable[Resource], person: Resource, by: str, response: Resource
) -> Resource:
    """That a patient told something in a response, and who of the house put it there."""
    entered = {"identifier": {"system": _USERS, "value": by}}
    return {
        "resourceType": "Provenance", "id": id, "recorded": recorded,
        "target": [{"reference": f"{one['resourceType']}/{one['id']}"} for one in made],
        "agent": [{"type": _concept(_AGENT, "author"), "who": person},
                  {"type": _concept(_AGENT, "enterer"), "who": entered}],
        "entity": [{"role": "source", "what": response}],
    }  # fmt: skip


def _told_by(resource: Resource, person: Resource, response: Resource) -> Resource:
    """A fact with who told it and the response that it is from, where its kind has a place."""
    match resource["resourceType"]:
        case "Condition":
            more: Resource = {"asserter": person, "evidence": [{"detail": [response]}]}
        case "AllergyIntolerance":
            more = {"asserter": person}
        case "MedicationStatement":
            more = {"informationSource": person, "derivedFrom": [response]}
        case "Observation":
            more = {"performer": [person], "derivedFrom": [response]}
        case _:
            more = {}
    return {**resource, **more}


def _of_fact(fact: Fact, id: str, subject: Resource, name: str) -> Resource | None:
    """Nothing for what is denied and has no place of its own; the response holds it."""
    match fact.section:
        case "family":
            return _family(fact, id, subject, name)
        case "complaint" | "symptoms" | "history":
            return _told_condition(fact, id, subject, name)
        case "medication" if fact.status != "absent":
            said = name if fact.name != "unnamed" else fact.words
            state = "completed" if fact.when == "past" else "active"
            state = state if fact.status == "present" else "unknown"
            made = _statement(id, said, subject, state)
            if fact.value:
                made["dosage"] = [{"text": fact.value}]
            return made
        case "allergies" if fact.status != "absent":
            verified = {"verificationStatus": _concept(_ALLERGY_VERIFIED, "unconfirmed")}
            return _allergy(id, name, subject) | verified
        case "measured" if fact.name in _MEASURES:
            return _measure(id, fact.name, Decimal(fact.value), subject)
        case "measured" | "course" | "social":
            return _told_observation(fact, id, subject, name)
    return None


def _told_condition(fact: Fact, id: str, subject: Resource, name: str) -> Resource:
    made = _condition(id, name, subject, "active" if fact.when == "now" else "resolved")
    if fact.status == "absent":
        del made["clinicalStatus"]
    verified = {"present": "unconfirmed", "unsure": "provisional", "absent": "refuted"}
    made["verificationStatus"] = _concept(_VERIFICATION, verified[fact.status])
    return made


def _told_observation(fact: Fact, id: str, subject: Resource, name: str) -> Resource:
    """What has no resource of its own, in its words: how long, a habit, a value without a code."""
    kind = {"social": "social-history", "measured": "vital-signs"}.get(fact.section, "survey")
    made: Resource = {
        "resourceType": "Observation", "id": id, "status": "preliminary", "subject": subject,
        "category": [_concept(_CATEGORY, kind)], "code": {"text": name},
    }  # fmt: skip
    if fact.status == "unsure":
        return made | {"dataAbsentReason": _concept(_ABSENT, "asked-unknown")}
    if fact.section == "social":
        return made | {"valueBoolean": fact.status == "present"}
    return made | {"valueString": fact.value or fact.words}


def _family(fact: Fact, id: str, subject: Resource, name: str) -> Resource | None:
    if fact.status == "absent":
        return None
    return {
        "resourceType": "FamilyMemberHistory", "id": id, "status": "partial", "patient": subject,
        "relationship": {"text": "family member"}, "condition": [{"code": {"text": name}}],
    }  # fmt: skip


def of_score(result: Result, id: str, patient: str, at: str) -> Resource:
    """A score as an observation: its total and parts, or why there is none.

    Args:
        result: of a rule.
        id: of the observation.
        patient: id.
        at: when, as FHIR writes it.
    """
    made: Resource = {
        "resourceType": "Observation", "id": id, "status": "final",
        "code": {"text": result.rule}, "subject": {"reference": f"Patient/{patient}"},
        "effectiveDateTime": at, "note": [{"text": result.source}],
    }  # fmt: skip
    if result.total is None:
        missing = ", ".join(result.missing)
        made["dataAbsentReason"] = {"text": f"{result.state}: {missing}"}
        return made
    made["valueQuantity"] = {"value": float(result.total)}
    if result.unit:
        made["valueQuantity"]["unit"] = result.unit
    if result.band:
        made["interpretation"] = [{"text": result.band}]
    if result.parts:
        made["component"] = [
            {"code": {"text": f"{one.name}: {one.value}"}, "valueInteger": int(one.points)}
            if one.points == int(one.points)
            else {"code": {"text": one.name}, "valueQuantity": {"value": float(one.points)}}
            for one in result.parts
        ]
    return made


def _concept(system: str, code: str) -> Resource:
    return {"coding": [{"system": system, "code": code}]}


def _condition(id: str, text: str, subject: Resource, status: str) -> Resource:
    return {
        "resourceType": "Condition", "id": id, "clinicalStatus": _concept(_CLINICAL, status),
        "code": {"text": text}, "subject": subject,
    }  # fmt: skip


def _statement(id: str, text: str, subject: Resource, status: str) -> Resource:
    return {
        "resourceType": "MedicationStatement", "id": id, "status": status,
        "medicationCodeableConcept": {"text": text}, "subject": subject,
    }  # fmt: skip


def _allergy(id: str, text: str, subject: Resource) -> Resource:
    return {
        "resourceType": "AllergyIntolerance", "id": id, "patient": subject,
        "clinicalStatus": _concept(_ALLERGY_CLINICAL, "active"), "code": {"text": text},
    }  # fmt: skip


def _measure(id: str, name: str, value: Decimal, subject: Resource) -> Resource:
    code, text, unit = _MEASURES[name]
    return {
        "resourceType": "Observation", "id": id, "status": "final", "subject": subject,
        "code": {"coding": [{"system": _LOINC, "code": code, "display": text}], "text": text},
        "valueQuantity": {"value": float(value), "unit": unit, "system": _UCUM, "code": unit},
    }  # fmt: skip
