"""What is ordered together, just signed or not known: checked, or said not to be, never passed."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from attenda.packs.clinic.chart import Allergy, Chart, Medicine
from attenda.packs.clinic.formulary import starter
from attenda.store.stamps import Stamps
from tests.packs.clinic.test_clinic_cds_hooks import (
    ON_WARFARIN,
    TODAY,
    answered,
    order,
    rules_in,
    signing,
)
from tests.packs.clinic.test_clinic_medication import checked, found, taking
from tests.packs.clinic.test_clinic_pages import Clinic, clinic
from tests.runtime.test_flows import rows

PATIENT = {"resourceType": "Patient", "id": "P-1", "gender": "male", "birthDate": "1966-05-01"}
NOTHING: dict[str, Any] = {"resourceType": "Bundle", "entry": []}
NO_ALLERGY = {"code": {"coding": [{"code": "716186003"}]}}
BROKEN = {"medicationCodeableConcept": {"coding": {"x": 1}}}
FAILED = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "timeout"}]}


def bundle(kind: str, *entries: dict[str, Any], **more: Any) -> dict[str, Any]:
    subject = "patient" if kind == "AllergyIntolerance" else "subject"
    own = {"resourceType": kind, "id": "x", subject: {"reference": "Patient/P-1"}}
    return {"resourceType": "Bundle", "entry": [{"resource": own | one} for one in entries]} | more


def drug(text: str) -> dict[str, Any]:
    return {"status": "active", "medicationCodeableConcept": {"text": text}}


WHOLE = {
    "patient": PATIENT, "conditions": NOTHING, "medications": NOTHING, "statements": NOTHING,
    "allergies": bundle("AllergyIntolerance", NO_ALLERGY),
}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "chart", "cards", "said"),
    [
        ("warfarin 5 mg and ibuprofen 400 mg", {}, [("DDI-ANTICOAG-NSAID", "warning")],
         ("warfarin with ibuprofen (same order)", "华法林与布洛芬（同一医嘱）合用")),
        ("ibuprofen + naproxen", {}, [("DUP-NSAID", "warning")],
         ("ibuprofen beside naproxen (same order)", "布洛芬与萘普生（同一医嘱）")),
        ("ibuprofen",
         {"ordered": (Medicine("warfarin 5 mg", origin="signed", number="OR-1A2B3C"),)},
         [("DDI-ANTICOAG-NSAID", "warning")],
         ("warfarin (signed, OR-1A2B3C)", "华法林（已签署，OR-1A2B3C）")),
        ("布洛芬", {"ordered": (Medicine("华法林", origin="drafted", number="OR-1A2B3C"),)},
         [("DDI-ANTICOAG-NSAID", "warning")],
         ("warfarin (drafted beside it)", "华法林（同时起草）")),
        ("loratadine", {"ordered": (Medicine("Zorvamax", origin="signed", number="OR-1A2B3C"),)},
         [("UNKNOWN-IN-CHART", "info"), ("NO-RULE", "info")],
         ("Zorvamax, signed as OR-1A2B3C, is not known", "不识别已签署的Zorvamax")),
        ("amoxicillin", {"allergies": (Allergy("Novalgin"),)},
         [("ALLERGY-NOT-CHECKED", "warning"), ("NO-RULE", "info")],
         ("Not checked: the allergy “Novalgin”", "未检查：入门用药规则不识别过敏“Novalgin”")),
        ("amoxicillin", {"allergies": (Allergy("antibiotics, unsure which"),)},
         [("ALLERGY-NOT-CHECKED", "warning"), ("NO-RULE", "info")],
         ("“antibiotics, unsure which”", "“antibiotics, unsure which”")),
        ("阿莫西林", {"allergies": (Allergy("青霉素、安乃近过敏"),)},
         [("ALG-BETALACTAM", "critical"), ("ALLERGY-NOT-CHECKED", "warning")],
         ("安乃近", "安乃近")),
        ("Zorvamax", {"allergies": (Allergy("zorva"),)}, [("UNKNOWN-DRUG", "warning")],
         ("nothing was checked", "未做任何检查")),
        ("Novalgin 500 mg", {"allergies": (Allergy("novalgin", "shock"),)},
         [("ALG-SAME", "critical"), ("UNKNOWN-DRUG", "warning")],
         ("the very drug that was reacted to", "正是曾致过敏的药物")),
        ("amoxicillin", {"allergies": (Allergy("Penicillin, rash as a child"), Allergy("pollen"),
                                       Allergy("花粉过敏"), Allergy("NKDA"))},
         [("ALG-BETALACTAM", "critical")], ("penicillins", "青霉素")),
        ("ibuprofen", {"medicines": None}, [("MEDICINES-UNKNOWN", "warning"), ("NO-RULE", "info")],
         ("Medicines not known: not checked", "用药情况未知：未检查")),
        ("propranolol", {"conditions": None}, [("CONDITIONS-UNKNOWN", "info"), ("NO-RULE", "info")],
         ("Conditions not known: propranolol not checked", "疾病情况未知")),
    ],
)  # fmt: skip
def test_worked_checks_of_what_stands_beside_an_order(
    text: str, chart: dict[str, Any], cards: list[tuple[str, str]], said: tuple[str, str]
) -> None:
    assert found(text, **chart) == cards
    for language, words in zip(("en", "zh-CN"), said, strict=True):
        summaries = " ".join(one.summary for one in checked(text, language, **chart).cards)
        assert words in summaries
        assert not any(one in summaries.lower() for one in ("safe", "安全"))


@pytest.mark.parametrize(
    ("allergy", "named"),
    [
        ("Penicillins", ""), ("sulfa drugs", ""), ("ibuprofen (stomach upset)", ""), ("NKA.", ""),
        ("No known drug allergies", ""), ("无药物过敏史", ""), ("对花粉过敏", ""),
        ("Allergy to mould", ""), ("hay fever", ""),
        ("penicillin and pollen", ""), ("头孢类皮疹", ""),
        ("latex", "latex"), ("造影剂", "造影剂"), ("drug allergy", "drug allergy"), ("", "?"),
        ("rash", "rash"), ("药物过敏", "药物过敏"), ("Co-trimoxazole; Novalgin", "Novalgin"),
        ("unknown antibiotic in 1990", "unknown antibiotic in 1990"),
    ],
)  # fmt: skip
def test_an_allergy_is_known_names_no_drug_or_is_said_not_to_be_checked(
    allergy: str, named: str
) -> None:
    cards = checked("loratadine", allergies=(Allergy(allergy),)).cards
    told = [one.summary for one in cards if one.rule == "ALLERGY-NOT-CHECKED"]
    assert bool(told) == bool(named)
    assert all(f"“{named}”" in one for one in told)


def test_a_pair_shows_the_words_of_the_order_that_it_is_from() -> None:
    signed = Medicine("Coumadin 5 mg", origin="signed", number="OR-1A2B3C")
    (card,) = checked("Advil", ordered=(signed,)).cards
    assert "ordered: Advil; signed here (OR-1A2B3C), not ended: Coumadin 5 mg" in card.detail
    assert card.suggestions == ("paracetamol",)
    allergic = checked("Advil", ordered=(Medicine("paracetamol", origin="signed"), signed))
    assert allergic.cards[0].suggestions == (), "what was signed counts for alternatives too"
    stopped = replace(signed, active=False)
    assert [one.rule for one in checked("Advil", ordered=(stopped,)).cards] == ["NO-RULE"]
    both = checked("warfarin and ibuprofen", medicines=taking("warfarin"))
    assert sorted(one.rule for one in both.cards) == ["DDI-ANTICOAG-NSAID", "DUP-SAME"]


@pytest.mark.parametrize("hook", ["order-sign", "order-select"])
def test_orders_of_one_request_are_held_against_each_other_once(hook: str) -> None:
    orders = order("Warfarin 5 mg", "o1"), order("Ibuprofen 400 mg", "o2")
    request = signing(*orders, hook=hook) | {"prefetch": WHOLE}
    if hook == "order-select":
        request["context"]["selections"] = ["MedicationRequest/o2"]
    cards = answered(request).body["cards"]
    (card,) = [one for one in cards if one["source"]["topic"]["code"] == "DDI-ANTICOAG-NSAID"]
    assert "drafted beside it (MedicationRequest/o" in card["detail"]
    assert "NO-RULE" not in [one["source"]["topic"]["code"] for one in cards]
    gone = [act["resourceId"] for one in card["suggestions"] for act in one.get("actions", ())]
    both = ["MedicationRequest/o1", "MedicationRequest/o2"]
    assert gone == (both if hook == "order-sign" else both[1:])
    stops = signing(orders[0] | {"status": "stopped"}, orders[1]) | {"prefetch": WHOLE}
    assert "DDI-ANTICOAG-NSAID" not in rules_in(answered(stops)), "what stops is not taken"


@pytest.mark.parametrize(
    ("change", "alone", "with_kept"),
    [
        ({}, set(), set()),
        ({"medications": None, "statements": None}, {"MEDICINES-UNKNOWN"},
         {"LISTS-KEPT", "DDI-ANTICOAG-NSAID"}),
        ({"medications": FAILED, "statements": FAILED}, {"MEDICINES-UNKNOWN"},
         {"LISTS-KEPT", "DDI-ANTICOAG-NSAID"}),
        ({"medications": "", "statements": ["x"]}, {"MEDICINES-UNKNOWN"},
         {"LISTS-KEPT", "DDI-ANTICOAG-NSAID"}),
        ({"medications": bundle("MedicationRequest", drug("loratadine")), "statements": None},
         {"LISTS-PART"}, {"LISTS-PART", "LISTS-KEPT", "DDI-ANTICOAG-NSAID"}),
        ({"medications": bundle("MedicationRequest", drug("loratadine"), total=20)},
         {"LISTS-PART"}, {"LISTS-PART", "LISTS-KEPT", "DDI-ANTICOAG-NSAID"}),
        ({"medications": bundle("MedicationRequest", {**drug("apixaban"), "subject": None})},
         {"MEDICINES-UNKNOWN"}, {"LISTS-PART", "LISTS-KEPT", "DDI-ANTICOAG-NSAID"}),
        ({"medications": bundle("MedicationRequest", BROKEN)},
         {"MEDICINES-UNKNOWN"}, {"LISTS-PART", "LISTS-KEPT", "DDI-ANTICOAG-NSAID"}),
        ({"medications": bundle("MedicationOrder", drug("apixaban")), "statements": 3},
         {"MEDICINES-UNKNOWN"}, {"LISTS-KEPT", "DDI-ANTICOAG-NSAID"}),
        ({"medications": bundle("MedicationRequest", {"status": "unknown", "medicationReference": {
            "reference": "Medication/m"}}, {"resourceType": "Medication", "id": "m", "code": {
                "text": "Warfarin"}})}, {"DDI-ANTICOAG-NSAID"}, {"DDI-ANTICOAG-NSAID"}),
        ({"medications": bundle("MedicationRequest", {"medicationReference": {
            "reference": "Medication/elsewhere"}})}, {"UNKNOWN-IN-CHART"}, {"UNKNOWN-IN-CHART"}),
        ({"medications": bundle("MedicationRequest", drug("warfarin"), link=5)},
         {"DDI-ANTICOAG-NSAID"}, {"DDI-ANTICOAG-NSAID"}),
        ({"allergies": FAILED}, {"ALLERGIES-UNKNOWN"}, {"LISTS-KEPT"}),
        ({"conditions": None}, {"CONDITIONS-UNKNOWN"}, {"LISTS-KEPT"}),
    ],
)  # fmt: skip
def test_a_list_that_did_not_come_is_never_taken_for_an_empty_one(
    change: dict[str, Any], alone: set[str], with_kept: set[str]
) -> None:
    request = signing(order("ibuprofen")) | {"prefetch": WHOLE | change}
    passed_over = {"NOT-COMPUTABLE", "NO-RULE"}
    assert set(rules_in(answered(request))) - passed_over == alone
    assert set(rules_in(answered(request, chart=ON_WARFARIN))) - passed_over == with_kept
    kept = answered(request, "zh-CN", chart=ON_WARFARIN).body["cards"]
    told = [one["summary"] for one in kept if one["source"]["topic"]["code"] == "LISTS-KEPT"]
    assert bool(told) == ("LISTS-KEPT" in with_kept)
    assert all("病历系统未提供" in one and "本机构保存" in one for one in told)


@pytest.mark.parametrize("concept", [7, {"coding": {"x": 1}}, {"coding": ["x"]}, {"text": 5}])
def test_an_order_whose_drug_cannot_be_read_is_said_to_be_unknown(concept: Any) -> None:
    request = signing({**order("x"), "medicationCodeableConcept": concept}) | {"prefetch": WHOLE}
    assert rules_in(answered(request)) == ["UNKNOWN-DRUG"]


def test_a_review_says_what_it_could_not_review() -> None:
    request = {"hook": "patient-view", "hookInstance": "x",
               "context": {"userId": "Practitioner/1", "patientId": "P-1"}}  # fmt: skip
    assert rules_in(answered(request)) == ["MEDICINES-UNKNOWN"]
    kept = Chart("P-1", birth_date=ON_WARFARIN.birth_date, sex="male", medicines=taking("warfarin"),
                 allergies=(Allergy("Novalgin"),),
                 ordered=(Medicine("ibuprofen", origin="signed", number="OR-1A2B3C"),
                          Medicine("naproxen", origin="drafted", number="OR-2")))  # fmt: skip
    found = answered(request, chart=kept)
    assert rules_in(found) == ["DDI-ANTICOAG-NSAID", "ALLERGY-NOT-CHECKED", "LISTS-KEPT"]
    assert starter().about.expires and starter().about.expires > TODAY


class Clock:
    """Microseconds since 1970, each a little later than the last; moved by hours."""

    def __init__(self) -> None:
        self.at = 1_795_946_400_000_000  # 2026-11-29 10:00 UTC

    def __call__(self) -> int:
        self.at += 1
        return self.at

    def wait(self, hours: float) -> None:
        self.at += int(hours * 3_600_000_000)


def test_orders_here_and_sealed_charts_over_time(home: Path) -> None:
    async def story() -> None:
        clock = Clock()
        async with clinic(home, Stamps(clock=clock)) as c:
            await drafts_and_signatures_stand_beside_an_order(c)
            await a_card_that_was_followed_is_kept_and_reported(c)
            await a_sealed_chart_closes_again_and_every_look_is_kept(c, clock)

    asyncio.run(story())


async def drafts_and_signatures_stand_beside_an_order(c: Clinic) -> None:
    first = await draft(c, "a", "warfarin 5 mg")
    assert "NO-RULE" in first["en"]
    second = await draft(c, "b", "ibuprofen 400 mg")
    assert "warfarin (drafted beside it)" in second["en"]
    assert (await c.call("doc", "sign_order", "c", order=first["order"])).status_code == 200
    page = (await c.ask("doc", "GET", "/packs/clinic/patients/P-102")).text
    assert f"warfarin (signed, {first['order']})" in page and "signed here" in page
    shown = await c.call("nurse", "open_chart", "d", patient="P-102")
    assert sorted(shown.json()["result"]["medicines"].split(", ")) == [
        f"ibuprofen 400 mg ({second['order']})", f"warfarin 5 mg ({first['order']})",
    ]  # fmt: skip
    hook = signing(order("aspirin 100 mg"))
    hook["context"]["patientId"] = "P-102"
    path = "/packs/clinic/api/cds-services/clinic-order-sign"
    told = (await c.ask("doc", "POST", path, json=hook)).json()["cards"]
    assert [one for one in told if f"signed here ({first['order']})" in one["detail"]]


async def a_card_that_was_followed_is_kept_and_reported(c: Clinic) -> None:
    signed, changed = sorted(await rows(c.house, "clinic_orders"), key=lambda one: one["status"])[
        ::-1
    ]
    assert (signed["text"], changed["text"]) == ("warfarin 5 mg", "ibuprofen 400 mg")
    rule = "DDI-ANTICOAG-NSAID"
    new = {"order": changed["id"], "text": "paracetamol 500 mg"}
    wrong = await c.call("nurse", "change_order", "e", **new, because="DDI-OTHER")
    assert wrong.status_code == 400 and "DDI-OTHER" in wrong.text
    for _ in range(2):  # sent twice, done once
        done = await c.call("nurse", "change_order", "f", **new, because=rule)
        assert done.status_code == 200 and "paracetamol" in done.json()["result"]["en"], done.text
    third = await draft(c, "g", "aspirin 100 mg")
    back = {"order": third["order"], "because": "DDI-ANTICOAG-ANTIPLATELET"}
    assert (await c.call("nurse", "withdraw_order", "h", **back)).status_code == 200
    assert (await c.call("doc", "sign_order", "i", order=third["order"])).status_code == 400
    assert (await c.call("nurse", "withdraw_order", "j", order=signed["id"])).status_code == 400
    assert (await c.call("nurse", "end_order", "k", order=signed["id"])).status_code == 403
    assert (await c.call("doc", "end_order", "l", order=signed["id"])).status_code == 200
    told = await rows(c.house, "clinic_feedback")
    assert sorted((one["rule"], one["outcome"], one["user_id"]) for one in told) == [
        ("DDI-ANTICOAG-ANTIPLATELET", "accepted", "usr_nurse"), (rule, "accepted", "usr_nurse"),
    ]  # fmt: skip
    page = (await c.ask("doc", "GET", "/packs/clinic/alerts")).text
    assert page.count("accepted 1") == 2
    free = await draft(c, "m", "ibuprofen 400 mg")
    assert rule not in free["en"] and "warfarin" not in free["en"], "it was ended"
    states = {one["text"]: one["status"] for one in await rows(c.house, "clinic_orders")}
    assert states == {"warfarin 5 mg": "ended", "paracetamol 500 mg": "draft",
                      "aspirin 100 mg": "withdrawn", "ibuprofen 400 mg": "draft"}  # fmt: skip


async def a_sealed_chart_closes_again_and_every_look_is_kept(c: Clinic, clock: Clock) -> None:
    page = "/packs/clinic/patients/P-112"
    reason = {"patient": "P-112", "reason": "collapsed in the hall"}
    assert (await c.call("doc", "note_look", "n", patient="P-112")).status_code == 400
    assert (await c.call("doc", "break_glass", "o", **reason)).status_code == 200
    read = await c.call("doc", "open_chart", "p", patient="P-112")
    assert "Lithium" in read.json()["result"]["medicines"]
    clock.wait(7)
    read = await c.call("doc", "open_chart", "q", patient="P-112")
    assert read.json()["result"] == {"found": True, "sealed": False, "to_note": True}
    shown = (await c.ask("doc", "GET", page)).text
    assert "Lithium" in shown and "doc · opened: collapsed in the hall" in shown
    assert "doc · looked" in shown
    assert "Lithium" in (await c.ask("doc", "GET", page)).text
    read = await c.call("doc", "open_chart", "r", patient="P-112")
    assert "Lithium" in read.json()["result"]["medicines"]
    (opened,) = await rows(c.house, "clinic_accesses")
    looks = await rows(c.house, "clinic_looks")
    assert {(one["user_id"], one["access_id"]) for one in looks} == {("usr_doc", opened["id"])}
    hours = sorted((one["looked_at"] - opened["opened_at"]) // 3_600_000_000 for one in looks)
    assert hours == [0, 7], "the page wrote one row, and looking again at once none"
    clock.wait(1)
    for path in (page, "/packs/clinic/patients"):
        assert "Lithium" not in (await c.ask("doc", "GET", path)).text
    assert (await c.call("doc", "draft_order", "s", patient="P-112", order="x")).status_code == 400
    assert len(await rows(c.house, "clinic_looks")) == 2
    assert (await c.call("doc", "break_glass", "t", **reason)).status_code == 200
    assert "Lithium" in (await c.ask("doc", "GET", page)).text
    owner = (await c.ask("boss", "GET", page)).text
    assert "Lithium" not in owner and "Who opened this chart" in owner


async def draft(c: Clinic, once: str, text: str, patient: str = "P-102") -> Any:
    made = await c.call("nurse", "draft_order", once, patient=patient, order=text)
    assert made.status_code == 200, made.text
    return made.json()["result"]
