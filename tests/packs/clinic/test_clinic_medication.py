"""The medication check: every rule fires with all its card must say, silence is no consent."""

import datetime
from dataclasses import replace
from decimal import Decimal as D
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attenda.packs.clinic.cards import (
    MOST_SUMMARY,
    must_give_reason,
    not_yet_shown,
    report_on_alerts,
)
from attenda.packs.clinic.chart import Allergy, Chart, Condition, Medicine
from attenda.packs.clinic.formulary import Rule, starter
from attenda.packs.clinic.safety import Checked, check_order

TODAY = datetime.date(2026, 11, 29)
RULES = starter()
WELL = Chart(
    "P-1",
    birth_date=datetime.date(1980, 5, 1),
    sex="male",
    weight_kg=D(75),
    creatinine_mg_dl=D("0.9"),
    pregnant=False,
    allergies=(),
    medicines=(),
)


def checked(order: str, language: str = "en", **chart: Any) -> Checked:
    return check_order(order, replace(WELL, **chart), RULES, TODAY, language)


def taking(*names: str) -> tuple[Medicine, ...]:
    return tuple(Medicine(one) for one in names)


def found(order: str, **chart: Any) -> list[tuple[str, str]]:
    return [(one.rule, one.severity) for one in checked(order, **chart).cards]


def _member(term: str, but: str = "") -> str:
    return next(one for one in RULES.classes_of if RULES.belongs(one, term) and one != but)


def _chart_for(rule: Rule) -> tuple[str, dict[str, Any]]:
    """An order and a chart that a rule speaks of."""
    drug = _member(rule.terms[0])
    match rule.kind:
        case "interaction":
            return drug, {"medicines": taking(_member(rule.terms[1], but=drug))}
        case "allergy":
            return drug, {"allergies": (Allergy(RULES.shown(rule.allergy, "en")),)}
        case "kidney":
            low = rule.below or D(10)
            creatinine = {15: "9", 30: "3.5", 45: "2.2", 50: "2", 60: "1.8"}[int(low)]
            if rule.at_least:
                creatinine = "2.2"
            return drug, {"creatinine_mg_dl": D(creatinine)}
        case "pregnancy":
            return drug, {"pregnant": True, "sex": "female"}
        case "age":
            years = int(rule.at_least) if rule.at_least else int(rule.below or 1) - 1
            return drug, {"birth_date": datetime.date(2026 - years, 1, 1)}
        case "disease":
            return drug, {"conditions": (Condition(RULES.conditions[rule.condition][0]),)}


def test_the_pack_has_the_size_and_says_what_it_is() -> None:
    assert len(RULES.classes_of) >= 120
    assert len(RULES.class_pairs) >= 15
    assert len(RULES.rules) - len(RULES.class_pairs) >= 60
    about = RULES.about
    assert about.source == "general knowledge, unreviewed"
    assert about.date < about.expires
    assert all((about.version, about.author, about.licence))
    assert len({one.id for one in RULES.rules}) == len(RULES.rules)


def test_every_rule_fires_in_both_languages_with_all_that_a_card_must_say() -> None:
    for rule in RULES.rules:
        order, chart = _chart_for(rule)
        for language in ("en", "zh-CN"):
            result = checked(order, language, **chart)
            card = next((one for one in result.cards if one.rule == rule.id), None)
            # a graver rule of the same pair of allergy, drug or disease speaks in its place
            if card is None:
                assert rule.kind in ("allergy", "disease", "kidney"), rule.id
                assert any(one.kind == rule.kind for one in result.cards), rule.id
                continue
            effect, why, do = rule.texts[language]
            assert result.status == "found"
            assert card.severity == rule.severity
            assert effect in card.summary
            assert len(card.summary) <= MOST_SUMMARY, card.summary
            assert why in card.detail
            assert do in card.detail
            assert rule.id in card.detail
            assert "2026-11-01" in card.source
            assert ("unreviewed" in card.source) or ("未经审核" in card.source)
            unreviewed = {"en": "Unreviewed sample knowledge", "zh-CN": "未经审核的示例知识"}
            assert unreviewed[language] in card.detail


@pytest.mark.parametrize(
    ("order", "chart", "cards"),
    [
        ("ibuprofen 400 mg", {"medicines": taking("Warfarin 5 mg tablet")},
         [("DDI-ANTICOAG-NSAID", "warning")]),
        ("布洛芬", {"medicines": taking("华法林")}, [("DDI-ANTICOAG-NSAID", "warning")]),
        ("Advil", {"medicines": taking("Coumadin")}, [("DDI-ANTICOAG-NSAID", "warning")]),
        ("ibuprofen", {"medicines": (Medicine("warfarin", active=False),)}, [("NO-RULE", "info")]),
        ("amoxicillin 500 mg", {"allergies": (Allergy("penicillin", "anaphylaxis", "high"),)},
         [("ALG-BETALACTAM", "critical")]),
        ("cefazolin", {"allergies": (Allergy("penicillin", "anaphylaxis", "high"),)},
         [("ALG-PENICILLIN-CEPHALOSPORIN", "info")]),
        ("cefalexin", {"allergies": (Allergy("青霉素", "皮疹"),)},
         [("ALG-PENICILLIN-SIDECHAIN", "warning")]),
        ("loratadine", {"allergies": (Allergy("Claritin"),)}, [("ALG-SAME", "critical")]),
        ("metformin 500 mg",
         {"sex": "female", "birth_date": datetime.date(1955, 3, 1), "creatinine_mg_dl": D("2.1")},
         [("REN-METFORMIN", "critical")]),
        ("metformin", {"creatinine_mg_dl": D("1.9")}, [("REN-METFORMIN-45", "warning")]),
        ("metformin", {"creatinine_mg_dl": None},
         [("NOT-COMPUTABLE", "info"), ("NO-RULE", "info")]),
        ("enoxaparin", {"weight_kg": None}, [("NOT-COMPUTABLE", "info"), ("NO-RULE", "info")]),
        ("naproxen", {"medicines": taking("ibuprofen")}, [("DUP-NSAID", "warning")]),
        ("Tylenol", {"medicines": taking("paracetamol 500 mg")}, [("DUP-SAME", "warning")]),
        ("propranolol", {"conditions": (Condition("Asthma (disorder)"),)},
         [("DIS-BETABLOCKER-ASTHMA", "critical")]),
        ("ramipril", {"sex": "female", "pregnant": None},
         [("PREGNANCY-UNKNOWN", "info"), ("NO-RULE", "info")]),
        ("ramipril", {"sex": "female", "pregnant": True}, [("PRG-RAAS", "critical")]),
        ("aspirin", {"birth_date": datetime.date(2015, 1, 1)}, [("AGE-ASPIRIN-CHILD", "critical")]),
        ("simvastatin", {"medicines": taking("clarithromycin")},
         [("DDI-STATIN-CYP3A4", "critical")]),
        ("loratadine", {"allergies": None},
         [("ALLERGIES-UNKNOWN", "info"), ("NO-RULE", "info")]),
        ("loratadine", {"medicines": taking("Zorvamax")},
         [("UNKNOWN-IN-CHART", "info"), ("NO-RULE", "info")]),
    ],
)  # fmt: skip
def test_worked_checks(order: str, chart: dict[str, Any], cards: list[tuple[str, str]]) -> None:
    assert found(order, **chart) == cards


@pytest.mark.parametrize("language", ["en", "zh-CN"])
@pytest.mark.parametrize("order", ["Zorvamax 20 mg", "阿伐莫司汀片", "loratadine 10 mg"])
def test_nothing_found_is_never_called_harmless(order: str, language: str) -> None:
    result = checked(order, language)
    assert result.status == ("no_rule" if "loratadine" in order else "unknown_drug")
    assert result.cards
    for card in result.cards:
        said = f"{card.summary} {card.detail} {card.source}".lower()
        assert not [one for one in ("safe", "no interaction", "harmless", "安全") if one in said]
        title = {"en": "Starter medication rules", "zh-CN": "入门用药规则"}[language]
        assert title in card.summary
    if "loratadine" in order:
        assert "2026-11-01" in result.cards[0].summary


def test_a_part_that_is_not_known_is_said_beside_what_is() -> None:
    result = checked("ibuprofen 200 mg / zorvamaxine 5 mg", medicines=taking("warfarin"))
    assert result.status == "unknown_drug"
    assert {one.rule for one in result.cards} == {"UNKNOWN-DRUG", "DDI-ANTICOAG-NSAID"}
    assert result.unknown == ("zorvamaxine 5 mg",)


def test_what_is_missing_is_named_and_no_number_is_made_up() -> None:
    card = checked("enoxaparin", weight_kg=None).cards[0]
    assert "creatinine clearance not computable: weight" in card.summary
    assert not any(letter.isdigit() for letter in card.summary)
    assert "缺少：体重" in checked("enoxaparin", "zh-CN", weight_kg=None).cards[0].summary


def test_an_alternative_is_checked_too() -> None:
    chart = {"medicines": taking("warfarin")}
    assert checked("ibuprofen", **chart).cards[0].suggestions == ("paracetamol",)
    allergic = {**chart, "allergies": (Allergy("paracetamol"),)}
    assert checked("ibuprofen", **allergic).cards[0].suggestions == ()


def test_a_pack_past_its_date_says_so_and_lowers_nothing() -> None:
    late = RULES.about.expires + datetime.timedelta(days=1)
    chart = replace(WELL, medicines=taking("warfarin"))
    before = check_order("ibuprofen", chart, RULES, RULES.about.expires).cards
    after = check_order("ibuprofen", chart, RULES, late).cards
    assert [one.rule for one in after] == ["DDI-ANTICOAG-NSAID", "PACK-EXPIRED"]
    assert before == after[:1]


def test_a_critical_card_wants_a_kept_reason() -> None:
    cards = checked("amoxicillin", allergies=(Allergy("penicillin"),)).cards
    assert must_give_reason(cards, {}) == ["ALG-BETALACTAM"]
    assert must_give_reason(cards, {"ALG-BETALACTAM": "because"}) == ["ALG-BETALACTAM"]
    assert must_give_reason(cards, {"ALG-BETALACTAM": "tolerated"}) == []
    assert (
        must_give_reason(checked("cefazolin", allergies=(Allergy("penicillin"),)).cards, {}) == []
    )


def test_a_card_is_shown_once_in_a_context_and_a_critical_one_always() -> None:
    chart = {"medicines": taking("warfarin"), "allergies": (Allergy("NSAIDs"),)}
    cards = checked("ibuprofen", **chart).cards
    assert [one.severity for one in cards] == ["critical", "warning"]
    shown = {one.key_in("visit-1") for one in cards}
    assert [one.severity for one in not_yet_shown(cards, "visit-1", shown)] == ["critical"]
    assert len(not_yet_shown(cards, "visit-2", shown)) == 2


def test_the_report_names_the_rules_that_are_always_overridden() -> None:
    answers = [("A", "overridden", "benefit")] * 4 + [("A", "overridden", "wrong")]
    answers += [("B", "overridden", "benefit"), ("B", "accepted", "")]
    report = report_on_alerts(["A"] * 6 + ["B"] * 2 + ["C"], answers)
    assert [(one.rule, one.shown, one.overridden, one.always_overridden) for one in report] == [
        ("A", 6, 5, True), ("B", 2, 1, False), ("C", 1, 0, False),
    ]  # fmt: skip
    assert report[0].reasons == {"benefit": 4, "wrong": 1}


@settings(max_examples=25, deadline=None)
@given(st.text(max_size=40), st.text(max_size=40))
def test_any_words_give_a_card(order: str, other: str) -> None:
    result = checked(order, medicines=taking(other))
    assert result.cards
    assert result.ingredients or result.status == "unknown_drug"
    assert all(len(one.summary) <= MOST_SUMMARY for one in result.cards)
