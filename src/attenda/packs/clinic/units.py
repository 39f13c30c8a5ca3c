"""Units: one quantity in another unit, exactly; a unit that is not known is refused.

Factors: creatinine 113.12 g/mol gives 88.4 µmol/L for 1 mg/dL; glucose 180.16 g/mol gives 18.016
mg/dL for 1 mmol/L; urea nitrogen 28.0134 g/mol gives 2.801 mg/dL for 1 mmol/L of urea; the pound
is 0.45359237 kg by definition. General knowledge, unreviewed.
"""

from decimal import Decimal

__all__ = ["KNOWN_UNITS", "UnknownUnit", "convert"]

_SAME = {
    "umol/l": "µmol/L",
    "µmol/l": "µmol/L",
    "μmol/l": "µmol/L",
    "micromol/l": "µmol/L",
    "微摩尔/升": "µmol/L",
    "微摩尔每升": "µmol/L",
    "mcmol/l": "µmol/L",
    "微摩/升": "µmol/L",
    "微摩": "µmol/L",
    "mg/dl": "mg/dL",
    "mg%": "mg/dL",
    "毫克/分升": "mg/dL",
    "毫克每分升": "mg/dL",
    "mmol/l": "mmol/L",
    "毫摩尔/升": "mmol/L",
    "c": "°C",
    "°c": "°C",
    "cel": "°C",
    "℃": "°C",
    "度": "°C",
    "f": "°F",
    "°f": "°F",
    "[degf]": "°F",
    "℉": "°F",
    "kg": "kg",
    "kgs": "kg",
    "kilo": "kg",
    "kilos": "kg",
    "kilogram": "kg",
    "kilograms": "kg",
    "公斤": "kg",
    "千克": "kg",
    "lb": "lb",
    "lbs": "lb",
    "[lb_av]": "lb",
    "磅": "lb",
    "斤": "jin",
    "g": "g",
    "cm": "cm",
    "厘米": "cm",
    "m": "m",
    "米": "m",
    "in": "in",
    "[in_i]": "in",
    "mmhg": "mmHg",
    "mm[hg]": "mmHg",
    "kpa": "kPa",
    "ms": "ms",
    "s": "s",
}
_FACTORS: dict[tuple[str, str, str], Decimal] = {
    ("creatinine", "µmol/L", "mg/dL"): 1 / Decimal("88.4"),
    ("creatinine", "mg/dL", "µmol/L"): Decimal("88.4"),
    ("glucose", "mmol/L", "mg/dL"): Decimal("18.016"),
    ("glucose", "mg/dL", "mmol/L"): 1 / Decimal("18.016"),
    ("urea", "mg/dL", "mmol/L"): 1 / Decimal("2.801"),  # as urea nitrogen (BUN)
    ("weight", "lb", "kg"): Decimal("0.45359237"),
    ("weight", "kg", "lb"): 1 / Decimal("0.45359237"),
    ("weight", "jin", "kg"): Decimal("0.5"),
    ("weight", "g", "kg"): Decimal("0.001"),
    ("height", "m", "cm"): Decimal(100),
    ("height", "in", "cm"): Decimal("2.54"),
    ("pressure", "kPa", "mmHg"): Decimal("7.50062"),
    ("time", "s", "ms"): Decimal(1000),
}
KNOWN_UNITS = frozenset(_SAME)
"""As they are written, in lower case."""


class UnknownUnit(ValueError):
    """A unit that is not known for this quantity: its value is not used."""


def convert(value: Decimal, quantity: str, unit: str, wanted: str) -> Decimal:
    """A value in another unit, unrounded.

    Args:
        value: in `unit`.
        quantity: creatinine, glucose, urea, weight, height, temperature, pressure, time.
        unit: as it is written.
        wanted: as this module writes it.

    Raises:
        UnknownUnit: there is no such unit of this quantity.
    """
    known = _SAME.get(unit.strip().lower(), unit)
    if known == wanted:
        return value
    if (quantity, known, wanted) == ("temperature", "°F", "°C"):
        return (value - 32) * 5 / 9
    if (quantity, known, wanted) == ("temperature", "°C", "°F"):
        return value * 9 / 5 + 32
    factor = _FACTORS.get((quantity, known, wanted))
    if factor is None:
        raise UnknownUnit(f"{unit or '—'} is no known unit of {quantity}")
    return value * factor
