"""Formulas of the clinic: kidney, heart rhythm, body mass; Decimal in and out, inputs shown.

The papers are named so that a reader can hold each formula against them. They were not read when
this was written: general knowledge, unreviewed.
"""

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal

from attenda.packs.clinic.result import UNREVIEWED, Result, band_below, complete, incomplete

__all__ = ["Sex", "body_mass_index", "ckd_epi_2021", "cockcroft_gault", "corrected_qt"]

Sex = Literal["female", "male"]

COCKCROFT_GAULT = f"Cockcroft & Gault, Nephron 1976;16:31–41 ({UNREVIEWED})"
CKD_EPI = f"Inker et al., N Engl J Med 2021;385:1737–1749, CKD-EPI creatinine 2021 ({UNREVIEWED})"
BAZETT = f"Bazett, Heart 1920;7:353–370 ({UNREVIEWED})"
FRIDERICIA = f"Fridericia, Acta Med Scand 1920;53:469–486 ({UNREVIEWED})"
BMI = f"WHO Technical Report Series 894, 2000 ({UNREVIEWED})"

POSSIBLE: Mapping[str, tuple[Decimal, Decimal]] = {
    "age": (Decimal(18), Decimal(120)),
    "weight_kg": (Decimal(20), Decimal(400)),
    "height_cm": (Decimal(80), Decimal(250)),
    "creatinine_mg_dl": (Decimal("0.1"), Decimal(30)),
    "qt_ms": (Decimal(150), Decimal(900)),
    "pulse": (Decimal(20), Decimal(300)),
}
"""What an adult's values can be; outside, a formula says so instead of reckoning."""

KIDNEY_STAGES: tuple[tuple[Decimal | int | None, str], ...] = (
    (15, "G5"),
    (30, "G4"),
    (45, "G3b"),
    (60, "G3a"),
    (90, "G2"),
    (None, "G1"),
)
"""Stages of KDIGO, each with the mL/min that it stays below."""
BMI_BANDS: tuple[tuple[Decimal | int | None, str], ...] = (
    (Decimal("18.5"), "underweight"),
    (25, "normal"),
    (30, "overweight"),
    (None, "obese"),
)
QTC_LONG_MS: Mapping[str, int] = {"male": 450, "female": 460}
QTC_DANGER_MS = 500


def cockcroft_gault(
    age: Decimal | None,
    weight_kg: Decimal | None,
    creatinine_mg_dl: Decimal | None,
    sex: Sex | None,
) -> Result:
    """Creatinine clearance in mL/min: (140 − age) × weight / (72 × creatinine), × 0.85 in women."""
    given = {
        "age": age,
        "weight_kg": weight_kg,
        "creatinine_mg_dl": creatinine_mg_dl,
        "sex": sex,
    }
    if wrong := _unfit("COCKCROFT-GAULT", given, COCKCROFT_GAULT):
        return wrong
    assert age and weight_kg and creatinine_mg_dl
    clearance = (140 - age) * weight_kg / (72 * creatinine_mg_dl)
    if sex == "female":
        clearance *= Decimal("0.85")
    band = band_below(clearance, KIDNEY_STAGES)
    return complete("COCKCROFT-GAULT", _rounded(clearance), band, given, COCKCROFT_GAULT, "mL/min")


def ckd_epi_2021(age: Decimal | None, creatinine_mg_dl: Decimal | None, sex: Sex | None) -> Result:
    """Glomerular filtration in mL/min/1.73 m², without race.

    142 × min(S/κ, 1)^α × max(S/κ, 1)^−1.200 × 0.9938^age, × 1.012 in women; κ 0.7 (women) or
    0.9 (men), α −0.241 or −0.302.
    """
    given = {"age": age, "creatinine_mg_dl": creatinine_mg_dl, "sex": sex}
    if wrong := _unfit("CKD-EPI-2021", given, CKD_EPI):
        return wrong
    assert age and creatinine_mg_dl
    kappa, alpha = (
        (Decimal("0.7"), Decimal("-0.241"))
        if sex == "female"
        else (Decimal("0.9"), Decimal("-0.302"))
    )
    ratio = creatinine_mg_dl / kappa
    rate = 142 * min(ratio, Decimal(1)) ** alpha * max(ratio, Decimal(1)) ** Decimal("-1.2")
    rate *= Decimal("0.9938") ** age
    if sex == "female":
        rate *= Decimal("1.012")
    band = band_below(rate, KIDNEY_STAGES)
    return complete("CKD-EPI-2021", _rounded(rate), band, given, CKD_EPI, "mL/min/1.73 m²")


def corrected_qt(
    qt_ms: Decimal | None,
    pulse: Decimal | None,
    sex: Sex | None,
    method: Literal["bazett", "fridericia"] = "fridericia",
) -> Result:
    """QT at a pulse of 60, in ms: QT / √RR (Bazett) or QT / ∛RR (Fridericia).

    RR is 60 / pulse, in seconds.
    """
    rule = f"QTC-{method.upper()}"
    source = BAZETT if method == "bazett" else FRIDERICIA
    given = {"qt_ms": qt_ms, "pulse": pulse, "sex": sex}
    if wrong := _unfit(rule, given, source):
        return wrong
    assert qt_ms and pulse and sex
    interval_s = 60 / pulse
    root = interval_s.sqrt() if method == "bazett" else interval_s ** (Decimal(1) / 3)
    corrected = _rounded(qt_ms / root, "1")
    band = "normal"
    if corrected > QTC_LONG_MS[sex]:
        band = "long"
    if corrected > QTC_DANGER_MS:
        band = "danger"
    return complete(rule, corrected, band, given, source, "ms")


def body_mass_index(weight_kg: Decimal | None, height_cm: Decimal | None) -> Result:
    """Weight in kg by the square of height in m."""
    given = {"weight_kg": weight_kg, "height_cm": height_cm}
    if wrong := _unfit("BMI", given, BMI):
        return wrong
    assert weight_kg and height_cm
    index = weight_kg / (height_cm / 100) ** 2
    return complete("BMI", _rounded(index), band_below(index, BMI_BANDS), given, BMI, "kg/m²")


def _unfit(rule: str, given: Mapping[str, object], source: str) -> Result | None:
    """A result without a total where an input is missing or impossible."""
    missing = [name for name, value in given.items() if value is None]
    if missing:
        return incomplete(rule, given, missing, source)
    odd = [
        name
        for name, value in given.items()
        if isinstance(value, Decimal) and not POSSIBLE[name][0] <= value <= POSSIBLE[name][1]
    ]
    return incomplete(rule, given, odd, source, implausible=True) if odd else None


def _rounded(value: Decimal, to: str = "0.1") -> Decimal:
    return value.quantize(Decimal(to), ROUND_HALF_UP)
