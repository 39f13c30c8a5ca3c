"""FHIR R4 in and out: real bundles read whole, and what we write held by strict models."""

import datetime
import json
import os
from decimal import Decimal as D
from pathlib import Path
from typing import Any

import pytest

from attenda.packs.clinic.chart import Allergy
from attenda.packs.clinic.fhir_in import SHAPES, chart_of, read_bundle, read_resource
from attenda.packs.clinic.fhir_out import bundle_of, of_chart, of_facts, of_score
from attenda.packs.clinic.formulary import starter
from attenda.packs.clinic.provenance import SPAN_URL
from attenda.packs.clinic.rules import news2
from attenda.packs.clinic.summary import Message, facts_of

DATA = Path(os.environ.get("ATTENDA_DATA", "nowhere")) / "synthea_fhir_r4"
SUBJECT = {"reference": "Patient/P-1"}


def coded(text: str, code: str = "x", system: str = "http://loinc.org") -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code, "display": text}], "text": text}


def observed(id: str, code: str, value: float, unit: str, day: str) -> dict[str, Any]:
    return {
        "resourceType": "Observation", "id": id, "status": "final", "code": coded(id, code),
        "subject": SUBJECT, "effectiveDateTime": day,
        "valueQuantity": {"value": value, "code": unit},
    }  # fmt: skip


RESOURCES: list[dict[str, Any]] = [
    {"resourceType": "Patient", "id": "P-1", "gender": "female", "birthDate": "1955-03-01",
     "name": [{"given": ["Eva"], "family": "Roth"}]},
    observed("w1", "29463-7", 120, "[lb_av]", "2024-01-01"),
    observed("w2", "29463-7", 52, "kg", "2026-01-01"),
    observed("c1", "2160-0", 141, "umol/L", "2026-02-01"),
    observed("c2", "2160-0", 9, "stone", "2026-03-01"),
    {"resourceType": "MedicationRequest", "id": "m1", "status": "active", "intent": "order",
     "subject": {"reference": "urn:uuid:P-1"}, "medicationCodeableConcept": coded("Warfarin 5 MG"),
     "dosageInstruction": [{"text": "once a day"}]},
    {"resourceType": "MedicationRequest", "id": "m2", "status": "stopped", "intent": "order",
     "subject": SUBJECT, "medicationCodeableConcept": coded("Ibuprofen 200 MG")},
    {"resourceType": "AllergyIntolerance", "id": "a1", "patient": SUBJECT, "criticality": "high",
     "clinicalStatus": coded("Active", "active"), "code": coded("Penicillin"),
     "reaction": [{"manifestation": [coded("anaphylaxis")]}]},
    {"resourceType": "Condition", "id": "d1", "subject": SUBJECT, "code": coded("Asthma"),
     "clinicalStatus": coded("Active", "active"), "onsetDateTime": "2001"},
    {"resourceType": "Condition", "id": "d2", "subject": SUBJECT, "code": coded("Sinusitis"),
     "clinicalStatus": coded("Resolved", "resolved")},
    {"resourceType": "Claim", "id": "k1", "patient": SUBJECT, "status": "active"},
    {"resourceType": "Observation", "id": "o9", "status": "final", "code": coded("lost")},
    {"resourceType": "Condition", "subject": SUBJECT},
]  # fmt: skip


def test_a_bundle_becomes_a_chart_and_says_what_it_could_not_keep() -> None:
    found = read_bundle(
        {"resourceType": "Bundle", "entry": [{"resource": one} for one in RESOURCES]}
    )
    assert found.present == len(RESOURCES)
    assert found.rejects == (
        ("entry 11", "Observation o9 belongs to no patient"), ("entry 12", "Condition has no id"),
    )  # fmt: skip
    chart = chart_of("P-1", found.records, found.names["P-1"])
    assert (chart.name, chart.sex, chart.birth_date) == (
        "Eva Roth", "female", datetime.date(1955, 3, 1),
    )  # fmt: skip
    assert (chart.weight_kg, chart.height_cm) == (D(52), None)
    assert chart.creatinine_mg_dl is not None
    assert round(chart.creatinine_mg_dl, 2) == D("1.60")  # the newer one is in no known unit
    assert [(one.text, one.active) for one in chart.medicines or ()] == [
        ("Warfarin 5 MG", True), ("Ibuprofen 200 MG", False),
    ]  # fmt: skip
    assert chart.allergies == (Allergy("Penicillin", "anaphylaxis", "high"),)
    assert {one.text: one.active for one in chart.conditions} == {
        "Asthma": True, "Sinusitis": False,
    }  # fmt: skip
    assert chart.pregnant is None
    other = chart_of("P-2", found.records)
    assert (other.medicines, other.allergies, other.conditions) == (None, None, ())


def test_a_reference_may_name_an_address_in_the_bundle() -> None:
    whole = "urn:uuid:0b6c5a6e-0000-4000-8000-000000000001"
    allergy = {"resourceType": "AllergyIntolerance", "id": "a", "patient": {"reference": whole},
               "code": coded("Penicillin")}  # fmt: skip
    entries = [{"fullUrl": whole, "resource": {"resourceType": "Patient", "id": "P-7"}},
               {"fullUrl": "urn:uuid:2", "resource": allergy}]  # fmt: skip
    found = read_bundle({"resourceType": "Bundle", "entry": entries})
    chart = chart_of("P-7", found.records)
    assert [one.substance for one in chart.allergies or ()] == ["Penicillin"]


def test_what_is_no_resource_is_refused() -> None:
    with pytest.raises(ValueError, match="resourceType is missing"):
        read_bundle({"entry": []})
    with pytest.raises(ValueError, match="no id"):
        read_resource({"resourceType": "Patient"})
    assert read_bundle({"resourceType": "Bundle", "entry": ["x"]}).rejects == (
        ("entry 0", "the entry has no resource"),
    )


def test_a_chart_goes_out_and_comes_back() -> None:
    records = [read_resource(one) for one in RESOURCES[:10]]
    before = chart_of("P-1", records)
    bundle = bundle_of(of_chart(before))
    found = read_bundle(json.loads(json.dumps(bundle)))
    assert found.rejects == ()
    after = chart_of("P-1", found.records)
    for name in ("sex", "birth_date", "weight_kg"):
        assert getattr(after, name) == getattr(before, name)
    assert before.medicines and after.medicines
    assert [one.text for one in after.medicines] == [one.text for one in before.medicines]
    assert [one.substance for one in after.allergies or ()] == ["Penicillin"]
    strict(bundle)


def test_what_was_said_goes_out_with_the_place_of_its_words() -> None:
    text = (
        "Cough for 5 days, no haemoptysis, maybe a fever. I take metformin 500 mg, "
        "I'm allergic to penicillin. My father had a heart attack. 38.6 °C"
    )
    resources = list(of_facts(facts_of([Message("m1", text)], starter()), "P-1", starter()))
    for one in resources:
        (span,) = [each["extension"] for each in one["extension"] if each["url"] == SPAN_URL]
        found = {part["url"]: part.get("valueInteger", part.get("valueString")) for part in span}
        assert text[found["start"] : found["end"]] == found["words"]
        assert found["message"] == "m1"
    status = {
        one["code"]["text"]: one["verificationStatus"]["coding"][0]["code"]
        for one in resources if one["resourceType"] == "Condition"
    }  # fmt: skip
    assert status == {"cough": "unconfirmed", "haemoptysis": "refuted", "fever": "provisional"}
    kinds = [one["resourceType"] for one in resources]
    assert kinds.count("FamilyMemberHistory") == kinds.count("AllergyIntolerance") == 1
    assert kinds.count("MedicationStatement") == 1
    told = [one.get("valueString") or one["valueQuantity"]["value"]
            for one in resources if one["resourceType"] == "Observation"]  # fmt: skip
    assert told == ["for 5 days", 38.6]
    strict(bundle_of(resources))


def test_what_somebody_took_back_is_no_entry_of_a_chart() -> None:
    def said(kind: str, id: str, text: str, how: str) -> dict[str, Any]:
        whose = "patient" if kind == "AllergyIntolerance" else "subject"
        return {"resourceType": kind, "id": id, whose: SUBJECT, "code": coded(text),
                "verificationStatus": coded(how, how)}  # fmt: skip

    taken_back = [
        said("Condition", "1", "Asthma", "refuted"), said("Condition", "2", "Gout", "provisional"),
        said("AllergyIntolerance", "3", "Penicillin", "entered-in-error"),
    ]  # fmt: skip
    chart = chart_of("P-1", [read_resource(one) for one in taken_back])
    assert [one.text for one in chart.conditions or ()] == ["Gout"]
    assert chart.allergies is None  # an entry made in error tells of nobody who asked


def test_a_score_goes_out_with_its_parts_or_with_what_is_missing() -> None:
    vitals: dict[str, Any] = {
        "respiratory_rate": D(24), "spo2": D(93), "oxygen": False, "systolic": D(98),
        "pulse": D(118), "consciousness": "alert", "temperature_c": D("38.6"),
    }  # fmt: skip
    whole = of_score(news2(vitals), "s1", "P-1", "2026-03-10T10:00:00Z")
    assert whole["valueQuantity"]["value"] == 9
    assert [one["valueInteger"] for one in whole["component"]] == [2, 2, 0, 2, 2, 0, 1]
    lacking = of_score(news2(vitals | {"spo2": None}), "s2", "P-1", "2026-03-10T10:00:00Z")
    assert "valueQuantity" not in lacking
    assert lacking["dataAbsentReason"]["text"] == "incomplete: spo2"
    strict(bundle_of([whole, lacking]))


def strict(bundle: dict[str, Any]) -> None:
    model = pytest.importorskip("fhir.resources.R4B.bundle")
    model.Bundle.model_validate(bundle)


@pytest.mark.skipif(not DATA.is_dir(), reason="the synthetic patients are not here")
def test_real_bundles_are_read_whole() -> None:
    present = kept = known = observations = with_value = 0
    for path in sorted(DATA.glob("*.json")):
        bundle = json.loads(path.read_text("utf-8"))
        found = read_bundle(bundle)
        present += found.present
        kept += len(found.records)
        known += sum(one.type in SHAPES for one in found.records)
        for one in found.records:
            if one.type == "Observation":
                observations += 1
                with_value += bool(one.value is not None or one.said or one.parts)
        (patient,) = found.names
        chart = chart_of(patient, found.records, found.names[patient])
        assert chart.birth_date
        assert chart.sex
        assert chart.weight_kg
        requests = [one for one in found.records if one.type == "MedicationRequest"]
        assert len(chart.medicines or ()) == len(requests)
        strict(bundle_of(of_chart(chart)))
    assert present > 900
    assert kept == present
    assert known / present > 0.75  # the rest are claims, bills and addresses, kept and not used
    assert with_value / observations >= 0.95
