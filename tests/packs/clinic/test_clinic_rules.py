"""Scores and formulas of the clinic, by worked examples that a domain reader can check by hand."""

from decimal import Decimal as D
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attenda.packs.clinic.formulas import (
    body_mass_index,
    ckd_epi_2021,
    cockcroft_gault,
    corrected_qt,
)
from attenda.packs.clinic.rules import (
    NEWS2_STEPS,
    WELLS_DVT,
    WELLS_PE,
    curb_65,
    news2,
    qsofa,
    wells_dvt,
    wells_pe,
)
from attenda.packs.clinic.scoring import told_result
from attenda.packs.clinic.units import UnknownUnit, convert

WELL: dict[str, Any] = {
    "respiratory_rate": D(16),
    "spo2": D(98),
    "oxygen": False,
    "systolic": D(120),
    "diastolic": D(80),
    "pulse": D(70),
    "consciousness": "alert",
    "temperature_c": D("36.8"),
    "urea_mmol_l": D(5),
    "age": D(40),
}


@pytest.mark.parametrize(
    ("changed", "parts", "total", "band"),
    [
        ({}, "0 0 0 0 0 0 0", 0, "routine"),
        (
            {"respiratory_rate": D(24), "spo2": D(93), "systolic": D(98), "pulse": D(118),
             "temperature_c": D("38.6")},
            "2 2 0 2 2 0 1", 9, "emergency",
        ),
        ({"respiratory_rate": D(8)}, "3 0 0 0 0 0 0", 3, "single_red"),
        ({"respiratory_rate": D(9)}, "1 0 0 0 0 0 0", 1, "low"),
        ({"respiratory_rate": D(21)}, "2 0 0 0 0 0 0", 2, "low"),
        ({"respiratory_rate": D(25)}, "3 0 0 0 0 0 0", 3, "single_red"),
        ({"spo2": D(95)}, "0 1 0 0 0 0 0", 1, "low"),
        ({"spo2": D(91), "oxygen": True}, "0 3 2 0 0 0 0", 5, "urgent"),
        ({"systolic": D(90)}, "0 0 0 3 0 0 0", 3, "single_red"),
        ({"systolic": D(220)}, "0 0 0 3 0 0 0", 3, "single_red"),
        ({"systolic": D(110), "pulse": D(110)}, "0 0 0 1 1 0 0", 2, "low"),
        ({"pulse": D(40)}, "0 0 0 0 3 0 0", 3, "single_red"),
        ({"pulse": D(131)}, "0 0 0 0 3 0 0", 3, "single_red"),
        ({"consciousness": "confused"}, "0 0 0 0 0 3 0", 3, "single_red"),
        ({"temperature_c": D("35.0")}, "0 0 0 0 0 0 3", 3, "single_red"),
        ({"temperature_c": D("35.1")}, "0 0 0 0 0 0 1", 1, "low"),
        ({"temperature_c": D("38.1")}, "0 0 0 0 0 0 1", 1, "low"),
        ({"temperature_c": D("39.1")}, "0 0 0 0 0 0 2", 2, "low"),
        ({"oxygen": True, "spo2": D(94), "pulse": D(95), "temperature_c": D("38.4")},
         "0 1 2 0 1 0 1", 5, "urgent"),
    ],
)  # fmt: skip
def test_news2(changed: dict[str, Any], parts: str, total: int, band: str) -> None:
    found = news2(WELL | changed)
    assert " ".join(str(one.points) for one in found.parts) == parts
    assert (found.total, found.band, found.state) == (total, band, "complete")


@pytest.mark.parametrize(
    ("spo2", "oxygen", "points"),
    [(83, False, 3), (84, False, 2), (87, False, 1), (88, False, 0), (97, False, 0),
     (92, True, 0), (93, True, 1), (95, True, 2), (97, True, 3), (83, True, 3)],
)  # fmt: skip
def test_oxygen_scale_2_of_news2(spo2: int, oxygen: bool, points: int) -> None:
    found = news2(WELL | {"spo2": D(spo2), "oxygen": oxygen}, scale_2=True)
    assert found.parts[1].points == points
    assert found.rule == "NEWS2-SCALE-2"
    assert "not the default" in told_result(found, "en")
    assert "量表2" in told_result(found, "zh-CN")
    lacking = news2(WELL | {"spo2": None}, scale_2=True)
    assert (lacking.state, lacking.rule) == ("incomplete", "NEWS2-SCALE-2")
    assert "not the default" not in told_result(news2(WELL), "en")


@pytest.mark.parametrize("name", ["spo2", "oxygen", "consciousness", "temperature_c"])
def test_a_score_without_an_input_has_no_total(name: str) -> None:
    found = news2(WELL | {name: None})
    assert (found.state, found.total, found.parts) == ("incomplete", None, ())
    assert found.missing == (name,)
    assert found.shown_total == ""


def test_a_score_refuses_what_cannot_be() -> None:
    found = news2(WELL | {"spo2": D(930), "consciousness": "fine"})
    assert (found.state, found.total) == ("implausible", None)
    assert found.missing == ("spo2", "consciousness")


@given(st.sampled_from(sorted(NEWS2_STEPS)), st.decimals(40, 100, places=1))
def test_each_part_of_news2_is_one_of_its_points(name: str, value: D) -> None:
    if name == "temperature_c":
        value = value * 15 / 60 + 20
    found = news2(WELL | {name: value})
    assert found.state in ("complete", "implausible")
    if found.total is not None:
        assert found.total == sum(one.points for one in found.parts)
        assert all(0 <= one.points <= 3 for one in found.parts)


@pytest.mark.parametrize(
    ("changed", "total", "band"),
    [
        ({}, 0, "negative"),
        ({"respiratory_rate": D(22)}, 1, "negative"),
        ({"respiratory_rate": D(22), "systolic": D(100)}, 2, "positive"),
        ({"respiratory_rate": D(21), "systolic": D(101)}, 0, "negative"),
        ({"respiratory_rate": D(30), "systolic": D(85), "consciousness": "voice"}, 3, "positive"),
    ],
)
def test_qsofa(changed: dict[str, Any], total: int, band: str) -> None:
    found = qsofa(WELL | changed)
    assert (found.total, found.band) == (total, band)


@pytest.mark.parametrize(
    ("changed", "total", "band"),
    [
        ({}, 0, "low"),
        ({"age": D(65)}, 1, "low"),
        ({"age": D(64), "urea_mmol_l": D(7), "diastolic": D(61)}, 0, "low"),
        ({"age": D(78), "urea_mmol_l": D("7.1")}, 2, "moderate"),
        ({"age": D(78), "diastolic": D(60), "respiratory_rate": D(30)}, 3, "severe"),
        ({"age": D(81), "consciousness": "confused", "urea_mmol_l": D(12),
          "respiratory_rate": D(34), "systolic": D(84)}, 5, "severe"),
    ],
)  # fmt: skip
def test_curb_65(changed: dict[str, Any], total: int, band: str) -> None:
    found = curb_65(WELL | changed)
    assert (found.total, found.band) == (total, band)


@pytest.mark.parametrize(
    ("present", "total", "band"),
    [
        ((), 0, "unlikely"),
        (("active_cancer",), 1, "unlikely"),
        (("calf_swelling_3_cm", "tenderness_along_veins"), 2, "likely"),
        (("calf_swelling_3_cm", "tenderness_along_veins", "other_diagnosis_as_likely"), 0,
         "unlikely"),
        (tuple(name for name, points in WELLS_DVT.items() if points > 0), 9, "likely"),
    ],
)  # fmt: skip
def test_wells_of_deep_vein_thrombosis(present: tuple[str, ...], total: int, band: str) -> None:
    found = wells_dvt({name: name in present for name in WELLS_DVT})
    assert (found.total, found.band) == (total, band)


@pytest.mark.parametrize(
    ("present", "total", "band"),
    [
        ((), "0", "unlikely"),
        (("pe_most_likely", "haemoptysis"), "4", "unlikely"),
        (("pe_most_likely", "pulse_above_100"), "4.5", "likely"),
        (tuple(WELLS_PE), "12.5", "likely"),
    ],
)
def test_wells_of_pulmonary_embolism(present: tuple[str, ...], total: str, band: str) -> None:
    found = wells_pe({name: name in present for name in WELLS_PE})
    assert (found.shown_total, found.band) == (total, band)
    silent = wells_pe({name: True for name in WELLS_PE if name != "cancer"})
    assert (silent.state, silent.total, silent.missing) == ("incomplete", None, ("cancer",))


@pytest.mark.parametrize(
    ("age", "weight", "creatinine", "sex", "clearance", "stage"),
    [
        (78, "52", "1.6", "female", "23.8", "G4"),  # 62 × 52 / 115.2 × 0.85
        (40, "72", "1.0", "male", "100.0", "G1"),  # 100 × 72 / 72
        (40, "72", "1.0", "female", "85.0", "G2"),
        (60, "90", "2.0", "male", "50.0", "G3a"),  # 80 × 90 / 144
        (80, "60", "1.5", "male", "33.3", "G3b"),  # 60 × 60 / 108
        (90, "45", "3.0", "male", "10.4", "G5"),  # 50 × 45 / 216
    ],
)
def test_cockcroft_gault(
    age: int, weight: str, creatinine: str, sex: Any, clearance: str, stage: str
) -> None:
    found = cockcroft_gault(D(age), D(weight), D(creatinine), sex)
    assert (found.shown_total or "", found.band) == (clearance.removesuffix(".0"), stage)


@pytest.mark.parametrize(
    ("age", "creatinine", "sex", "rate", "stage"),
    [
        (71, "2.1", "female", "24.7", "G4"),  # 142 × 3^−1.2 × 0.9938^71 × 1.012
        (50, "0.9", "male", "104.0", "G1"),  # 142 × 0.9938^50
        (50, "0.7", "female", "105.3", "G1"),  # × 1.012
        (60, "1.8", "male", "42.5", "G3b"),  # 142 × 2^−1.2 × 0.9938^60
    ],
)
def test_ckd_epi_2021(age: int, creatinine: str, sex: Any, rate: str, stage: str) -> None:
    found = ckd_epi_2021(D(age), D(creatinine), sex)
    assert found.total is not None
    assert abs(found.total - D(rate)) <= D("0.1")
    assert found.band == stage


def test_a_kidney_formula_says_what_is_missing_or_cannot_be() -> None:
    found = cockcroft_gault(D(78), None, D("1.6"), "female")
    assert (found.state, found.missing, found.total) == ("incomplete", ("weight_kg",), None)
    assert found.inputs == {"age": "78", "creatinine_mg_dl": "1.6", "sex": "female"}
    odd = ckd_epi_2021(D(71), D(141), "female")  # µmol/L taken for mg/dL
    assert (odd.state, odd.missing, odd.total) == ("implausible", ("creatinine_mg_dl",), None)
    assert ckd_epi_2021(D(12), D("0.6"), "male").state == "implausible"  # made for adults


@pytest.mark.parametrize(
    ("qt", "pulse", "sex", "method", "corrected", "band"),
    [
        (400, 60, "male", "bazett", "400", "normal"),
        (400, 60, "male", "fridericia", "400", "normal"),
        (360, 100, "female", "bazett", "465", "long"),  # 360 / √0.6
        (360, 100, "female", "fridericia", "427", "normal"),  # 360 / ∛0.6
        (440, 80, "male", "bazett", "508", "danger"),  # 440 / √0.75
        (440, 80, "male", "fridericia", "484", "long"),
    ],
)
def test_corrected_qt(
    qt: int, pulse: int, sex: Any, method: Any, corrected: str, band: str
) -> None:
    found = corrected_qt(D(qt), D(pulse), sex, method)
    assert (str(found.total), found.band) == (corrected, band)


@pytest.mark.parametrize(
    ("weight", "height", "index", "band"),
    [("70", "175", "22.9", "normal"), ("50", "170", "17.3", "underweight"),
     ("76.5625", "175", "25", "overweight"), ("100", "170", "34.6", "obese")],
)  # fmt: skip
def test_body_mass_index(weight: str, height: str, index: str, band: str) -> None:
    found = body_mass_index(D(weight), D(height))
    assert (found.shown_total, found.band) == (index, band)


@pytest.mark.parametrize(
    ("value", "quantity", "unit", "wanted", "gives"),
    [
        ("141", "creatinine", "µmol/L", "mg/dL", "1.6"),
        ("141", "creatinine", "umol/L", "mg/dL", "1.6"),
        ("1.6", "creatinine", "mg/dL", "µmol/L", "141.4"),
        ("101.5", "temperature", "°F", "°C", "38.6"),
        ("98.6", "temperature", "[degF]", "°C", "37.0"),
        ("38.6", "temperature", "Cel", "°C", "38.6"),
        ("154", "weight", "lb", "kg", "69.9"),
        ("140", "weight", "斤", "kg", "70.0"),
        ("5.5", "glucose", "mmol/L", "mg/dL", "99.1"),
        ("20", "urea", "mg/dL", "mmol/L", "7.1"),
        ("1.75", "height", "m", "cm", "175.0"),
    ],
)
def test_units(value: str, quantity: str, unit: str, wanted: str, gives: str) -> None:
    assert round(convert(D(value), quantity, unit, wanted), 1) == D(gives)


def test_an_unknown_unit_is_refused() -> None:
    with pytest.raises(UnknownUnit, match="stone"):
        convert(D(11), "weight", "stone", "kg")
    with pytest.raises(UnknownUnit):
        convert(D(11), "weight", "mg/dL", "kg")


def test_the_same_band_in_either_unit() -> None:
    mg = cockcroft_gault(D(78), D(52), D("1.6"), "female")
    umol = cockcroft_gault(D(78), D(52), convert(D(141), "creatinine", "µmol/L", "mg/dL"), "female")
    assert mg.band == umol.band == "G4"


def test_each_result_names_its_source_and_that_it_was_not_read() -> None:
    for one in (
        news2(WELL), qsofa(WELL), curb_65(WELL), wells_dvt({}), wells_pe({}),
        cockcroft_gault(D(78), D(52), D("1.6"), "female"), ckd_epi_2021(D(71), D(2), "male"),
        corrected_qt(D(400), D(60), "male"), body_mass_index(D(70), D(175)),
    ):  # fmt: skip
        assert "general knowledge, unreviewed" in one.source
        assert one.as_row()["inputs"] is not None
