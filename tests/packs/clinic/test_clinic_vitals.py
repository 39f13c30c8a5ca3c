"""Vital signs are read however a ward tells them, and none is made up."""

import pathlib
from decimal import Decimal
from typing import Any

import pytest
import yaml

from attenda.packs.clinic.measured import readings, vitals_of
from attenda.packs.clinic.opening import order_in, order_told, variant_in
from attenda.packs.clinic.wishes import wish_in

SAID = yaml.safe_load(
    (pathlib.Path(__file__).parents[2] / "data" / "clinic_vitals.yaml").read_text("utf-8")
)
VITALS = {
    "respiratory_rate": 18, "spo2": 90, "systolic": 128, "pulse": 96, "consciousness": "alert",
    "temperature_c": 37,
}  # fmt: skip


def told(text: str) -> dict[str, Any]:
    return {
        name: int(value) if isinstance(value, Decimal) else value
        for name, value in vitals_of(text).items()
    }


@pytest.mark.parametrize(("kind", "oxygen"), [("oxygen", True), ("air", False)])
def test_all_of_them_are_read(kind: str, oxygen: bool) -> None:
    for text in SAID[kind]:
        found = told(text)
        wanted = {**VITALS, "oxygen": oxygen}
        assert {name: found.get(name) for name in wanted} == wanted, text
        assert all(text[one.start : one.end] == one.words for one in readings(text)), text


def test_what_is_not_told_is_not_read() -> None:
    for row in SAID["some"]:
        found = told(row["said"])
        wanted = {name: value for name, value in row.items() if name != "said"}
        assert {name: found.get(name) for name in wanted} == wanted, row["said"]


@pytest.mark.parametrize(
    ("said", "variant"),
    [
        (
            "do NEWS2 but on scale 2; NEWS2, SpO2 scale 2. Calculate.; using scale 2, a NEWS2"
            "; NEWS2 with the second oxygen scale; scale two NEWS please; a NEWS2, hmm, scale... 2"
            "; 算个NEWS2，用量表2; NEWS2，量表2，请计算。; 用第二个量表算NEWS2; NEWS2 用量表二",
            "news2_scale2",
        ),
        (
            "QTc w Bazett pls; QTc, Bazett formula. Calculate.; QTc算下，用Bazett; a QTc, by Bazett"
            "; QTc, not Fridericia but Bazett",
            "qtc_bazett",
        ),
        (
            "NEWS2; NEWS2, not on scale 2; NEWS2 on scale 1, not scale 2; NEWS2不用量表2; scale 20"
            "; pain scale 2; QTc; QTc, not Bazett",
            "",
        ),
    ],
)
def test_the_form_of_a_score_is_heard_wherever_it_stands(said: str, variant: str) -> None:
    assert {one: variant_in(one) for one in said.split("; ")} == dict.fromkeys(
        said.split("; "), variant
    )


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("P-102 is to get, hmm, warfarin... yes, check an order for P-102: warfarin 5 mg",
         "warfarin 5 mg"),
        ("嗯我看看，P-102 该用……华法林，对，给 P-102 开华法林 5毫克", "华法林 5毫克"),
        ("P-102 再来个布洛芬 400毫克", "布洛芬 400毫克"),
        ("ibuprofen, hmm... 400 mg for P-102", "ibuprofen, hmm... 400 mg"),
        ("P-102, hmm, ibuprofen 200 mg... no, ibuprofen 400 mg", "ibuprofen 400 mg"),
        ("for P-101 I was thinking ibuprofen, yes, 400 mg ibuprofen", "400 mg ibuprofen"),
        ("P-102: ibuprofen 400 mg in the morning, ibuprofen 200 mg at night", None),
        ("P-102 also needs ibuprofen 400 mg, check it", "ibuprofen 400 mg"),
        ("P-102 needs warfarin, 5 mg, would you check", "warfarin, 5 mg"),
        ("给P-102开布洛芬400毫克，您给看看", "布洛芬400毫克"),
        ("stop warfarin 5 mg for P-102. warfarin 5 mg", None),
    ],
)  # fmt: skip
def test_a_drug_named_again_is_ordered_where_its_dose_stands(text: str, order: str | None) -> None:
    place = order_in(text)
    assert (text[slice(*place)] if place else None) == order
    assert wish_in(text) == ("check_order" if order else "")


def test_what_was_taken_is_no_order_and_an_unknown_drug_is_taken_where_its_dose_stands() -> None:
    assert wish_in("P-102 had ibuprofen 400 mg yesterday") == ""
    text = "what was it called, hmm... Zorvamax, yes, Zorvamax 20 mg"
    assert text[slice(*order_told(text))] == "Zorvamax 20 mg"
