"""CDS Hooks: every public example is answered, and each card has the shape of the specification."""

import copy
import datetime
import itertools
import json
import os
import re
from collections.abc import Iterator
from decimal import Decimal as D
from pathlib import Path
from typing import Any

import pytest

from attenda.packs.clinic.cards import REASONS
from attenda.packs.clinic.cds_hooks import Hooked, HookProblem, Setting, answer, discovery, feedback
from attenda.packs.clinic.chart import Chart, Medicine
from attenda.packs.clinic.formulary import starter
from tests.packs.clinic.cds_hooks_models import HookResponse, Services

EXAMPLES = Path(os.environ.get("ATTENDA_DATA", "nowhere")) / "cds_hooks_examples/examples.jsonl"
TODAY = datetime.date(2026, 11, 29)
ON_WARFARIN = Chart(
    "P-1", birth_date=datetime.date(1966, 5, 1), sex="male", weight_kg=D(75),
    creatinine_mg_dl=D("0.9"), allergies=(), medicines=(Medicine("Warfarin 5 MG Oral Tablet"),),
)  # fmt: skip


def order(text: str, id: str = "o1", kind: str = "MedicationRequest") -> dict[str, Any]:
    return {"resourceType": kind, "id": id, "status": "draft",
            "medicationCodeableConcept": {"text": text}}  # fmt: skip


def signing(*orders: dict[str, Any], hook: str = "order-sign") -> dict[str, Any]:
    bundle = {"resourceType": "Bundle", "entry": [{"resource": one} for one in orders]}
    return {
        "hook": hook, "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "context": {"userId": "Practitioner/1", "patientId": "P-1", "draftOrders": bundle},
    }  # fmt: skip


def setting(language: str = "en") -> Setting:
    count = itertools.count(1)
    new_id = lambda: f"00000000-0000-4000-8000-{next(count):012}"  # noqa: E731
    return Setting(starter(), TODAY, new_id, language)


def answered(request: dict[str, Any], language: str = "en", **more: Any) -> Hooked:
    found = answer(f"clinic-{request['hook']}", request, setting(language), **more)
    HookResponse.model_validate(found.body)
    assert all("2026-11-01" in one["source"]["label"] for one in found.body["cards"])
    return found


def rules_in(found: Hooked) -> list[str]:
    return [one["source"]["topic"]["code"] for one in found.body["cards"]]


def test_an_order_against_a_medicine_gives_one_card_with_an_alternative() -> None:
    found = answered(signing(order("Ibuprofen 400 MG Oral Tablet")), chart=ON_WARFARIN)
    card, kept = found.body["cards"]
    assert card["source"]["topic"]["code"] == "DDI-ANTICOAG-NSAID"
    assert kept["source"]["topic"]["code"] == "LISTS-KEPT"
    assert "Warfarin 5 MG Oral Tablet" in card["detail"]
    assert card["indicator"] == "warning"
    labels = [one["label"] for one in card["suggestions"]]
    assert labels == ["Consider paracetamol", "Remove this order"]
    assert [one["code"] for one in card["overrideReasons"]] == list(REASONS)


def test_what_comes_with_the_request_goes_before_what_is_kept() -> None:
    request = signing(order("ibuprofen"))
    request["prefetch"] = {
        "patient": {"resourceType": "Patient", "id": "P-1", "gender": "male", "birthDate": "1990"},
        "allergies": {"resourceType": "Bundle", "entry": [{"resource": {
            "resourceType": "AllergyIntolerance", "id": "a",
            "patient": {"reference": "Patient/P-1"}, "code": {"text": "NSAIDs"}}}]},
    }  # fmt: skip
    nothing = {"resourceType": "Bundle", "entry": []}
    request["prefetch"] |= {"medications": nothing, "statements": nothing}
    rules = rules_in(answered(request, chart=ON_WARFARIN))
    assert "ALG-NSAID" in rules
    assert "DDI-ANTICOAG-NSAID" not in rules and "MEDICINES-UNKNOWN" not in rules


def test_only_what_is_selected_is_checked_while_choosing() -> None:
    request = signing(order("ibuprofen", "o1"), order("aspirin", "o2"), hook="order-select")
    request["context"]["selections"] = ["MedicationRequest/o2", "NutritionOrder/x"]
    found = answered(request, chart=ON_WARFARIN)
    assert rules_in(found) == ["DDI-ANTICOAG-ANTIPLATELET", "LISTS-KEPT"]


def test_a_review_of_the_chart_names_each_pair_once() -> None:
    chart = Chart("P-1", birth_date=datetime.date(1990, 1, 1), sex="male", allergies=(),
                  medicines=(Medicine("warfarin"), Medicine("ibuprofen")))  # fmt: skip
    request = {"hook": "patient-view", "hookInstance": "x",
               "context": {"userId": "Practitioner/1", "patientId": "P-1"}}  # fmt: skip
    found = answered(request, chart=chart)
    assert rules_in(found) == ["DDI-ANTICOAG-NSAID", "LISTS-KEPT"]
    assert "suggestions" not in found.body["cards"][0]


def test_a_card_is_not_shown_twice_in_a_visit() -> None:
    request = signing(order("ibuprofen"))
    request["context"]["encounterId"] = "E-1"
    first = answered(request, chart=ON_WARFARIN)
    keys = [key for _, key, _ in first.shown]
    assert answered(request, chart=ON_WARFARIN, shown=keys).body == {"cards": []}
    other = copy.deepcopy(request)
    other["context"]["encounterId"] = "E-2"
    assert len(answered(other, chart=ON_WARFARIN, shown=keys).body["cards"]) == len(keys) == 2


def test_feedback_becomes_rows_or_none_is_kept() -> None:
    entry = {
        "card": "u1", "outcome": "overridden", "outcomeTimestamp": "2026-11-29T10:00:00Z",
        "overrideReason": {"reason": {"code": "monitored", "system": "x"}, "userComment": "INR"},
    }  # fmt: skip
    taken = {"card": "u1", "outcome": "accepted", "acceptedSuggestions": [{"id": "s"}]}
    rows = feedback({"feedback": [entry, taken]}, {"u1": "DDI-X"}, now="2026-11-30T00:00:00Z")
    assert [(one.rule, one.outcome, one.reason, one.comment, one.at) for one in rows] == [
        ("DDI-X", "overridden", "monitored", "INR", "2026-11-29T10:00:00Z"),
        ("DDI-X", "accepted", "", "", "2026-11-30T00:00:00Z"),
    ]
    for wrong in (
        {}, {"feedback": []}, {"feedback": [entry, {**entry, "card": "u2"}]},
        {"feedback": [{**entry, "outcome": "ignored"}]}, {"feedback": ["x"]},
        {"feedback": [{**taken, "acceptedSuggestions": []}]},
    ):  # fmt: skip
        with pytest.raises(HookProblem, match="feedback"):
            feedback(wrong, {"u1": "DDI-X"}, now="")


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"hook": "patient-view"}, "came to the service"), ({"hookInstance": ""}, "hookInstance"),
        ({"context": None}, "context is missing"), ({"context": {"userId": "u"}}, "patientId"),
    ],
)  # fmt: skip
def test_a_request_that_cannot_be_answered_says_why(change: dict[str, Any], problem: str) -> None:
    with pytest.raises(HookProblem, match=problem):
        answer("clinic-order-sign", signing() | change, setting())
    with pytest.raises(HookProblem, match="no service"):
        answer("weather", signing(), setting())


def test_discovery_lists_the_services() -> None:
    services = discovery()["services"]
    Services.model_validate({"services": services})
    assert [one["hook"] for one in services] == ["patient-view", "order-select", "order-sign"]
    for one in services:
        tokens = re.findall(r"\{\{(.*?)\}\}", " ".join(one["prefetch"].values()))
        assert set(tokens) == {"context.patientId"}


def _examples() -> Iterator[tuple[str, dict[str, Any]]]:
    """Requests, and contexts alone made into requests of the hook whose page they stand on."""
    for line in EXAMPLES.read_text("utf-8").splitlines():
        row = json.loads(line)
        written = row["json"]
        if row["kind"] == "hook request":
            yield written["hook"], written
        elif row["kind"] == "hook context":
            page = row["page"].rsplit("/", 1)[-1].removesuffix(".md")
            orders = "medications" in written["context"] or "draftOrders" in written["context"]
            hook = page if page in ("order-select", "order-sign") else "patient-view"
            if orders and hook == "patient-view":
                hook = "order-sign"
            context = {"userId": "Practitioner/1", "patientId": "P-1"} | written["context"]
            yield hook, {"hook": hook, "hookInstance": "x", "context": context}


@pytest.mark.skipif(not EXAMPLES.is_file(), reason="the public examples are not here")
def test_every_public_example_is_answered() -> None:
    count = with_cards = 0
    for hook, request in _examples():
        for language in ("en", "zh-CN"):
            found = answered(request, language=language)
            with_cards += bool(found.body["cards"])
        count += 1
        assert request["hook"] == hook
    assert count >= 15
    assert with_cards >= 10
