"""Quantities with units: 3 km is 3000 m. Only units of school are known; all factors are exact.

Factors of the SI are by definition. Pure; a unit that is not in the table is no unit.
"""

import re
from dataclasses import dataclass
from fractions import Fraction

from attenda.packs.tutor.numbers import plain, read_number

__all__ = ["Quantity", "read_quantity", "unit_of"]

_BASE = {
    "length": {"mm": "0.001", "cm": "0.01", "dm": "0.1", "m": "1", "km": "1000"},
    "mass": {"mg": "0.001", "g": "1", "kg": "1000", "t": "1000000"},
    "time": {"s": "1", "min": "60", "h": "3600", "d": "86400"},
    "volume": {"ml": "0.001", "cl": "0.01", "dl": "0.1", "l": "1", "cm^3": "0.001", "dm^3": "1",
               "m^3": "1000"},
    "area": {"mm^2": "0.000001", "cm^2": "0.0001", "dm^2": "0.01", "m^2": "1", "ha": "10000",
             "km^2": "1000000"},
    "speed": {"m/s": "1", "km/h": "5/18"},
    "money": {"eur": "1"}, "dollars": {"usd": "1"}, "yuan": {"cny": "1"}, "angle": {"°": "1"},
}  # fmt: skip
_NAMES = {
    "millimetre": "mm", "millimeter": "mm", "centimetre": "cm", "centimeter": "cm",
    "decimetre": "dm", "decimeter": "dm", "metre": "m", "meter": "m", "kilometre": "km",
    "kilometer": "km", "gram": "g", "kilogram": "kg", "kilo": "kg", "tonne": "t", "second": "s",
    "sec": "s", "minute": "min", "hour": "h", "hr": "h", "day": "d", "litre": "l", "liter": "l",
    "millilitre": "ml", "milliliter": "ml", "euro": "eur", "€": "eur", "dollar": "usd", "$": "usd",
    "degree": "°", "cm2": "cm^2", "m2": "m^2", "km2": "km^2", "cm3": "cm^3", "m3": "m^3",
    "kmh": "km/h", "kph": "km/h", "hectare": "ha", "square metre": "m^2", "square meter": "m^2",
    "square centimetre": "cm^2", "square centimeter": "cm^2",
    "毫米": "mm", "厘米": "cm", "分米": "dm", "米": "m", "千米": "km", "公里": "km", "克": "g",
    "千克": "kg", "公斤": "kg", "吨": "t", "秒": "s", "分钟": "min", "小时": "h", "天": "d",
    "升": "l", "毫升": "ml", "元": "cny", "块": "cny", "欧元": "eur", "美元": "usd", "度": "°",
    "平方米": "m^2", "平方厘米": "cm^2", "立方米": "m^3", "立方厘米": "cm^3", "公顷": "ha",
}  # fmt: skip
_MADE = {
    unit: (kind, Fraction(factor))
    for kind, units in _BASE.items()
    for unit, factor in units.items()
}
_SUPERSCRIPTS = str.maketrans({"²": "2", "³": "3"})


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number of something."""

    value: Fraction
    """In the base unit of its kind."""
    kind: str
    """Length, mass, …; empty where no unit was written."""
    factor: Fraction = Fraction(1)
    """Of the unit that was written."""


def unit_of(name: str) -> tuple[str, Fraction] | None:
    """The kind and the factor of a unit, however it is spelled; nothing for what is no unit."""
    said = plain(name.translate(_SUPERSCRIPTS)).strip(" .").lower()
    for spelled in (said, said.removesuffix("s"), said.removesuffix("es")):
        known = _NAMES.get(spelled, spelled)
        if known in _MADE:
            return _MADE[known]
    return None


def read_quantity(text: str) -> Quantity | None:
    """A number with or without a unit; nothing where it is none, or the unit is unknown."""
    bare = read_number(text)
    if bare is not None:
        return Quantity(bare.value, "")
    said = plain(text.translate(_SUPERSCRIPTS)).rstrip("。!！ ")
    front = re.fullmatch(r"(.*?)([€$])\s*(\S.*)", said)
    if front and not front[3].strip().endswith(("€", "$")):
        said = f"{front[1]}{front[3]} {front[2]}"
    for cut in range(len(said) - 1, 0, -1):
        unit, number = unit_of(said[cut:]), read_number(said[:cut])
        if unit is not None and number is not None:
            return Quantity(number.value * unit[1], unit[0], unit[1])
    return None
