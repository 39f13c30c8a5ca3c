"""Strict models: what goes out as FHIR and as cards, whatever a record sends along with a hook."""

import datetime
import itertools
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal as D
from pathlib import Path
from typing import Any

import pytest

from attenda.packs.clinic.cds_hooks import Setting, answer, discovery
from attenda.packs.clinic.chart import Chart, Medicine
from attenda.packs.clinic.fhir_in import chart_of, read_bundle
from attenda.packs.clinic.fhir_out import bundle_of, of_chart, of_observations
from attenda.packs.clinic.formulary import starter
from attenda.packs.clinic.samples import SAMPLES
from attenda.packs.clinic.tables import TABLES, chart_of_rows
from attenda.packs.clinic.ways_in import read_fhir
from tests.packs.clinic.cds_hooks_models import HookResponse, Services, of_fhir

DATA = Path(os.environ.get("ATTENDA_DATA", "nowhere")) / "synthea_fhir_r4"
TODAY = datetime.date(2026, 11, 29)
KEYS = {"medications": "MedicationRequest", "statements": "MedicationStatement",
        "allergies": "AllergyIntolerance", "conditions": "Condition",
        "observations": "Observation"}  # fmt: skip
KEPT = Chart("P-1", birth_date=datetime.date(1966, 5, 1), sex="male", creatinine_mg_dl=D("0.9"),
             allergies=(), medicines=(Medicine("Warfarin 5 mg"),))  # fmt: skip
Resources = Sequence[dict[str, Any]]


class SampleRows:
    """A table's sample rows, as the pack reads them."""

    def __init__(self, table: str) -> None:
        columns = next((one.columns for one in TABLES if one.name == table), {})
        empty: dict[str, Any] = dict.fromkeys(columns)
        self._rows = [{**empty, **one} for one in SAMPLES.get(table, ())]

    def find(self, **equal: object) -> list[dict[str, Any]]:
        return [one for one in self._rows if equal.items() <= one.items()]


def sample_chart(patient: str) -> Chart:
    chart = chart_of_rows(SampleRows, patient)  # type: ignore[arg-type]
    assert chart
    return chart


def hold(resources: Resources) -> dict[str, Any]:
    """A bundle as it goes out: strict, each id legal and once, each reference to an entry."""
    bundle: dict[str, Any] = json.loads(json.dumps(bundle_of(resources)))
    of_fhir(bundle)
    named = [f"{one['resource']['resourceType']}/{one['resource']['id']}"
             for one in bundle["entry"]]  # fmt: skip
    assert len(set(named)) == len(named)
    urls = [one["fullUrl"] for one in bundle["entry"]]  # relative references stand beside them
    assert urls == [f"https://attenda.invalid/fhir/{one}" for one in named]
    assert all(re.fullmatch(r"[A-Za-z]+/[A-Za-z0-9.-]{1,64}", one) for one in named)
    assert set(_references(bundle)) <= set(named)
    return bundle


def _references(written: Any) -> Iterator[str]:
    if isinstance(written, dict):
        if isinstance(written.get("reference"), str):
            yield written["reference"]
        written = list(written.values())
    for one in written if isinstance(written, list) else ():
        yield from _references(one)


def searched(resources: Resources, **more: Any) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": "searchset",
            "entry": [{"resource": one} for one in resources], **more}  # fmt: skip


def _of(resources: Resources, kind: str) -> Resources:
    return [one for one in resources if one["resourceType"] == kind]


WRONG = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "exception"}]}
SHAPES: Mapping[str, Callable[[Resources], Any]] = {
    "whole": searched,
    "wrapped": lambda all_: {"response": {"status": "200 OK"}, "resource": searched(all_)},
    "page": lambda all_: searched(all_, total=99, link=[{"relation": "next", "url": "x"}]),
    "empty": lambda _: searched([]),
    "null": lambda _: None,
    "error": lambda _: WRONG,
    "warned": lambda all_: searched([*all_, {**WRONG, "issue": [{"severity": "warning"}]}]),
    "alone": lambda all_: all_[0] if all_ else None,
    "odd": lambda _: ["x", 3, {"resourceType": "Bundle", "entry": "none"}],
}
"""How a record may send the answer to one of our searches."""
SILENT = frozenset({"none", "null", "error", "odd"})
"""Shapes by which no list came."""


def requests(patient: str, prefetch: dict[str, Any] | None) -> Iterator[dict[str, Any]]:
    order = {"resourceType": "MedicationRequest", "id": "o1", "status": "draft", "intent": "order",
             "subject": {"reference": f"Patient/{patient}"},
             "medicationCodeableConcept": {"text": "ibuprofen 400 mg"}}  # fmt: skip
    of_fhir(order)
    for hook in ("patient-view", "order-select", "order-sign"):
        context: dict[str, Any] = {"userId": "Practitioner/1", "patientId": patient}
        if hook != "patient-view":
            context["draftOrders"] = searched([order])
        if hook == "order-select":
            context["selections"] = ["MedicationRequest/o1"]
        made = {"hook": hook, "hookInstance": "i", "context": context}
        yield made if prefetch is None else {**made, "prefetch": prefetch}


def hold_hooks(patient: str, resources: Resources, kept: Chart | None = None) -> int:
    """Every hook, with every shape of prefetch; how many cards that gave."""
    count = 0
    for shape, form in (("none", None), *SHAPES.items()):
        prefetch = None
        if form:
            prefetch = {key: form(_of(resources, kind)) for key, kind in KEYS.items()}
            prefetch["patient"] = next(iter(_of(resources, "Patient")), None)
        for request in requests(patient, prefetch):
            ids = (f"00000000-0000-4000-8000-{n:012}" for n in itertools.count(1))
            setting = Setting(starter(), TODAY, ids.__next__, ("en", "zh-CN")[count % 2])
            body = answer(f"clinic-{request['hook']}", request, setting, chart=kept).body
            HookResponse.model_validate(json.loads(json.dumps(body)))
            rules = {one["source"]["topic"]["code"] for one in body["cards"]}
            if kept is None and shape in SILENT and request["hook"] == "order-sign":
                assert {"MEDICINES-UNKNOWN", "ALLERGIES-UNKNOWN"} <= rules, shape
            if kept is not None and shape in SILENT and request["hook"] == "order-sign":
                assert {"DDI-ANTICOAG-NSAID", "LISTS-KEPT"} <= rules, shape
            count += len(body["cards"])
    return count


def test_sample_charts_go_out_strictly_and_are_answered_in_every_shape() -> None:
    Services.model_validate(discovery("zh-CN"))
    for one in SAMPLES["patients"]:
        patient = str(one["id"])
        rows = SampleRows("observations").find(patient_id=patient)
        hold([*of_chart(sample_chart(patient)), *of_observations(rows)])
    whole = list(of_chart(sample_chart("P-110")))
    assert hold_hooks("P-110", whole) > 30
    assert hold_hooks("P-1", [], KEPT) > 30


def _real(path: Path) -> None:
    written = json.loads(path.read_text("utf-8"))
    found = read_bundle(written)
    (patient,) = found.names
    rows = read_fhir(path.name, path.read_bytes()).rows
    chart = chart_of(patient, found.records, found.names[patient])
    bundle = hold([*of_chart(chart), *of_observations(rows["observations"])])
    assert len(_of([one["resource"] for one in bundle["entry"]], "Observation")) > 10
    resources = [entry["resource"] for entry in written["entry"]]
    assert hold_hooks(patient, resources) > 10


@pytest.mark.skipif(not DATA.is_dir(), reason="the synthetic patients are not here")
def test_a_real_patient_is_answered_in_every_shape() -> None:
    _real(sorted(DATA.glob("*.json"))[0])


@pytest.mark.long
@pytest.mark.skipif(not DATA.is_dir(), reason="the synthetic patients are not here")
def test_all_real_patients_are_answered_in_every_shape() -> None:
    paths = sorted(DATA.glob("*.json"))
    assert len(paths) >= 7
    for path in paths:
        _real(path)
