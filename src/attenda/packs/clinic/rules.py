"""Scores of the clinic as tables: early warning, sepsis, pneumonia, clots; each shows its parts.

A domain reader can hold each table against the paper that it names. The papers were not read when
this was written: general knowledge, unreviewed.
"""

from collections.abc import Mapping
from decimal import Decimal

from attenda.packs.clinic.result import (
    UNREVIEWED,
    Part,
    Result,
    Steps,
    band_of,
    complete,
    incomplete,
    points_of,
)

__all__ = ["NEWS2_SCALE_2", "Vitals", "curb_65", "news2", "qsofa", "wells_dvt", "wells_pe"]

Bands = tuple[tuple[Decimal | int | None, str], ...]
Vitals = Mapping[str, Decimal | bool | str | None]
"""By name: respiratory_rate, spo2, oxygen, systolic, diastolic, pulse, consciousness and more."""

NEWS2_SOURCE = f"Royal College of Physicians, NEWS2, London 2017 ({UNREVIEWED})"
NEWS2_STEPS: Mapping[str, Steps] = {
    "respiratory_rate": ((8, 3), (11, 1), (20, 0), (24, 2), (None, 3)),
    "spo2": ((91, 3), (93, 2), (95, 1), (None, 0)),
    "systolic": ((90, 3), (100, 2), (110, 1), (219, 0), (None, 3)),
    "pulse": ((40, 3), (50, 1), (90, 0), (110, 1), (130, 2), (None, 3)),
    "temperature_c": (
        (Decimal("35.0"), 3),
        (Decimal("36.0"), 1),
        (Decimal("38.0"), 0),
        (Decimal("39.0"), 1),
        (None, 2),
    ),
}
"""Upper bounds, included, with their points."""
SPO2_SCALE_2_AIR: Steps = ((83, 3), (85, 2), (87, 1), (None, 0))
SPO2_SCALE_2_OXYGEN: Steps = ((83, 3), (85, 2), (87, 1), (92, 0), (94, 1), (96, 2), (None, 3))
"""Scale 2: a target of 88 to 92 %, where a clinician has set it."""
NEWS2_SCALE_2 = "NEWS2-SCALE-2"
NEWS2_ORDER = (
    "respiratory_rate",
    "spo2",
    "oxygen",
    "systolic",
    "pulse",
    "consciousness",
    "temperature_c",
)
NEWS2_BANDS: Bands = ((0, "routine"), (4, "low"), (6, "urgent"), (None, "emergency"))
OXYGEN_POINTS, NOT_ALERT_POINTS = 2, 3
SINGLE_RED = 3
"""One part of so many points alone asks for an urgent look."""
CONSCIOUSNESS = frozenset({"alert", "confused", "voice", "pain", "unresponsive"})

QSOFA_SOURCE = f"Singer et al., JAMA 2016;315:801–810 ({UNREVIEWED})"
CURB_65_SOURCE = f"Lim et al., Thorax 2003;58:377–382 ({UNREVIEWED})"
WELLS_DVT_SOURCE = f"Wells et al., N Engl J Med 2003;349:1227–1235 ({UNREVIEWED})"
WELLS_PE_SOURCE = f"Wells et al., Thromb Haemost 2000;83:416–420 ({UNREVIEWED})"

WELLS_DVT: Mapping[str, int] = {
    "active_cancer": 1,
    "paralysis_or_plaster": 1,
    "bedridden_or_surgery": 1,
    "tenderness_along_veins": 1,
    "whole_leg_swollen": 1,
    "calf_swelling_3_cm": 1,
    "pitting_oedema": 1,
    "collateral_veins": 1,
    "previous_dvt": 1,
    "other_diagnosis_as_likely": -2,
}
WELLS_PE: Mapping[str, Decimal] = {
    "signs_of_dvt": Decimal(3),
    "pe_most_likely": Decimal(3),
    "pulse_above_100": Decimal("1.5"),
    "immobile_or_surgery": Decimal("1.5"),
    "previous_clot": Decimal("1.5"),
    "haemoptysis": Decimal(1),
    "cancer": Decimal(1),
}

POSSIBLE: Mapping[str, tuple[int, int]] = {
    "respiratory_rate": (0, 80),
    "spo2": (40, 100),
    "systolic": (30, 300),
    "diastolic": (10, 200),
    "pulse": (0, 300),
    "temperature_c": (25, 45),
    "age": (0, 120),
    "urea_mmol_l": (0, 100),
}


def news2(vitals: Vitals, *, scale_2: bool = False) -> Result:
    """National Early Warning Score 2 of an adult; all seven parts or no total.

    Args:
        vitals: by name; `oxygen` is true on extra oxygen, `consciousness` one of `CONSCIOUSNESS`.
        scale_2: a clinician has set an oxygen target of 88 to 92 %; the result's rule says so.
    """
    rule = NEWS2_SCALE_2 if scale_2 else "NEWS2"
    given = {name: vitals.get(name) for name in NEWS2_ORDER}
    if wrong := _unfit(rule, given, NEWS2_SOURCE):
        return wrong
    parts = [_news2_part(name, given, scale_2=scale_2) for name in NEWS2_ORDER]
    total = sum((one.points for one in parts), Decimal(0))
    band = band_of(total, NEWS2_BANDS)
    if band in ("routine", "low") and any(one.points >= SINGLE_RED for one in parts):
        band = "single_red"
    return complete(rule, total, band, given, NEWS2_SOURCE, parts=parts)


def _news2_part(name: str, given: Vitals, *, scale_2: bool) -> Part:
    value = given[name]
    if name == "oxygen":
        points = OXYGEN_POINTS if value else 0
    elif name == "consciousness":
        points = 0 if value == "alert" else NOT_ALERT_POINTS
    else:
        steps = NEWS2_STEPS[name]
        if name == "spo2" and scale_2:
            steps = SPO2_SCALE_2_OXYGEN if given["oxygen"] else SPO2_SCALE_2_AIR
        assert isinstance(value, Decimal)
        points = points_of(value, steps)
    return Part(name, _as_written(value), Decimal(points))


def qsofa(vitals: Vitals) -> Result:
    """Quick SOFA: a point each for breathing ≥ 22, altered mind, systolic ≤ 100; 2 is positive."""
    given = {name: vitals.get(name) for name in ("respiratory_rate", "consciousness", "systolic")}
    if wrong := _unfit("QSOFA", given, QSOFA_SOURCE):
        return wrong
    signs = {
        "respiratory_rate": _number(given, "respiratory_rate") >= 22,
        "consciousness": given["consciousness"] != "alert",
        "systolic": _number(given, "systolic") <= 100,
    }
    return _signs("QSOFA", given, signs, ((1, "negative"), (None, "positive")), QSOFA_SOURCE)


def curb_65(vitals: Vitals) -> Result:
    """CURB-65 of pneumonia: confusion, urea > 7 mmol/L, breathing ≥ 30, low pressure, age ≥ 65."""
    names = ("consciousness", "urea_mmol_l", "respiratory_rate", "systolic", "diastolic", "age")
    given = {name: vitals.get(name) for name in names}
    if wrong := _unfit("CURB-65", given, CURB_65_SOURCE):
        return wrong
    low = _number(given, "systolic") < 90 or _number(given, "diastolic") <= 60
    signs = {
        "consciousness": given["consciousness"] != "alert",
        "urea_mmol_l": _number(given, "urea_mmol_l") > 7,
        "respiratory_rate": _number(given, "respiratory_rate") >= 30,
        "systolic": low,
        "age": _number(given, "age") >= 65,
    }
    bands: Bands = ((1, "low"), (2, "moderate"), (None, "severe"))
    return _signs("CURB-65", given, signs, bands, CURB_65_SOURCE)


def wells_dvt(findings: Mapping[str, bool | None]) -> Result:
    """Wells score of deep vein thrombosis; from 2 on it is likely."""
    weights = {name: Decimal(points) for name, points in WELLS_DVT.items()}
    bands: Bands = ((1, "unlikely"), (None, "likely"))
    return _weighed("WELLS-DVT", findings, weights, bands, WELLS_DVT_SOURCE)


def wells_pe(findings: Mapping[str, bool | None]) -> Result:
    """Wells score of pulmonary embolism; above 4 it is likely."""
    bands: Bands = ((4, "unlikely"), (None, "likely"))
    return _weighed("WELLS-PE", findings, WELLS_PE, bands, WELLS_PE_SOURCE)


def _weighed(
    rule: str,
    findings: Mapping[str, bool | None],
    weights: Mapping[str, Decimal],
    bands: Bands,
    source: str,
) -> Result:
    """A sum of weights of what is found; a finding nobody spoke of is missing, not absent."""
    given = {name: findings.get(name) for name in weights}
    missing = [name for name, found in given.items() if found is None]
    if missing:
        return incomplete(rule, given, missing, source)
    parts = [
        Part(name, _as_written(given[name]), points if given[name] else Decimal(0))
        for name, points in weights.items()
    ]
    total = sum((one.points for one in parts), Decimal(0))
    return complete(rule, total, band_of(total, bands), given, source, parts=parts)


def _signs(
    rule: str, given: Vitals, signs: Mapping[str, bool], bands: Bands, source: str
) -> Result:
    parts = [Part(name, _as_written(given[name]), Decimal(int(met))) for name, met in signs.items()]
    total = Decimal(sum(signs.values()))
    return complete(rule, total, band_of(total, bands), given, source, parts=parts)


def _unfit(rule: str, given: Vitals, source: str) -> Result | None:
    missing = [name for name, value in given.items() if value is None]
    if missing:
        return incomplete(rule, given, missing, source)
    odd = [name for name, value in given.items() if not _possible(name, value)]
    return incomplete(rule, given, odd, source, implausible=True) if odd else None


def _possible(name: str, value: object) -> bool:
    if name == "consciousness":
        return value in CONSCIOUSNESS
    if name in POSSIBLE:
        low, high = POSSIBLE[name]
        return isinstance(value, Decimal) and low <= value <= high
    return True


def _number(given: Vitals, name: str) -> Decimal:
    value = given[name]
    assert isinstance(value, Decimal)
    return value


def _as_written(value: object) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
