"""Trends: observations of a chart as series over time, each in one unit; nothing is judged. Pure.

Values in units that do not go into each other are series of their own, never one line. What has no
date stands in the table and in no plot.
"""

import datetime
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from attenda.packs.clinic.units import UnknownUnit, convert

__all__ = ["NAMES", "Point", "Series", "Trend", "ticks", "trends_of"]

NAMES: Mapping[str, tuple[str, str, str]] = {
    "8480-6": ("systolic", "pressure", "mmHg"), "8462-4": ("diastolic", "pressure", "mmHg"),
    "8867-4": ("pulse", "", ""), "9279-1": ("respiratory_rate", "", ""),
    "59408-5": ("spo2", "", ""), "2708-6": ("spo2", "", ""),
    "8310-5": ("temperature_c", "temperature", "°C"),
    "8331-1": ("temperature_c", "temperature", "°C"),
    "29463-7": ("weight_kg", "weight", "kg"), "3141-9": ("weight_kg", "weight", "kg"),
    "8302-2": ("height_cm", "height", "cm"), "39156-5": ("bmi", "", ""),
    "2160-0": ("creatinine_mg_dl", "creatinine", "mg/dL"),
    "38483-4": ("creatinine_mg_dl", "creatinine", "mg/dL"),
    "14682-9": ("creatinine_mg_dl", "creatinine", "mg/dL"),
    "33914-3": ("egfr", "", ""), "62238-1": ("egfr", "", ""), "98979-8": ("egfr", "", ""),
    "4548-4": ("hba1c", "", ""), "2339-0": ("glucose", "glucose", "mg/dL"),
    "2345-7": ("glucose", "glucose", "mg/dL"), "2823-3": ("potassium", "", ""),
    "6298-4": ("potassium", "", ""), "2951-2": ("sodium", "", ""), "2947-0": ("sodium", "", ""),
    "718-7": ("haemoglobin", "", ""),
}  # fmt: skip
"""LOINC codes that have a name of ours: the name, and quantity and unit where values are turned."""
_BY_WORDS: Mapping[str, str] = {
    "body temperature": "8310-5", "body weight": "29463-7", "body height": "8302-2",
    "heart rate": "8867-4", "respiratory rate": "9279-1", "oxygen saturation": "59408-5",
    "systolic blood pressure": "8480-6", "diastolic blood pressure": "8462-4",
    "creatinine": "2160-0",
}  # fmt: skip
"""Codes of observations that came without one."""
_TOGETHER: Mapping[str, str] = {"systolic": "pressure", "diastolic": "pressure"}
"""Names that are plotted together, and as what."""
_ORDER = (
    "pressure", "pulse", "respiratory_rate", "spo2", "temperature_c", "weight_kg", "height_cm",
    "bmi", "creatinine_mg_dl", "egfr", "potassium", "sodium", "glucose", "hba1c", "haemoglobin",
)  # fmt: skip
_SHOWN_UNITS: Mapping[str, str] = {
    "mm[Hg]": "mmHg", "Cel": "°C", "/min": "1/min", "{beats}/min": "1/min", "{score}": "",
    "mL/min/{1.73_m2}": "mL/min/1.73 m²", "kg/m2": "kg/m²", "10*3/uL": "10³/µL",
    "10*6/uL": "10⁶/µL",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Point:
    """One value."""

    at: datetime.datetime | None
    """UTC; none where it has no date."""
    said: str
    """The time as it came."""
    value: Decimal


@dataclass(frozen=True, slots=True)
class Series:
    """One thing over time, the oldest value first."""

    name: str
    """A name of ours, or the words that it came with."""
    points: tuple[Point, ...]

    @property
    def dated(self) -> list[tuple[datetime.datetime, Decimal]]:
        """The values that have a time."""
        return [(one.at, one.value) for one in self.points if one.at is not None]


@dataclass(frozen=True, slots=True)
class Trend:
    """What stands in one plot: one series, or two that belong together, in one unit."""

    name: str
    unit: str
    series: tuple[Series, ...]

    @property
    def has_plot(self) -> bool:
        """Whether there is a line to draw: two times at least."""
        return any(len({at for at, _ in one.dated}) > 1 for one in self.series)


def trends_of(observations: Iterable[Mapping[str, Any]]) -> list[Trend]:
    """Observations by what was measured, vital signs first, then what has a name, then the rest.

    Args:
        observations: rows of the table, of one patient.
    """
    found: dict[tuple[str, str], dict[str, list[Point]]] = {}
    for row in observations:
        value = _decimal(row["value"])
        if value is None:
            continue
        name, unit, value = _named(row, value)
        at = _moment(str(row["at"] or ""))
        plot = found.setdefault((_TOGETHER.get(name, name), unit), {})
        plot.setdefault(name, []).append(Point(at, str(row["at"] or ""), value))
    made = [
        Trend(name, unit, tuple(Series(one, tuple(sorted(points, key=_by_time)))
                                for one, points in sorted(series.items(), reverse=True)))
        for (name, unit), series in found.items()
    ]  # fmt: skip
    return sorted(made, key=_place)


def _place(trend: Trend) -> tuple[int, str, str]:
    known = _ORDER.index(trend.name) if trend.name in _ORDER else len(_ORDER)
    return known, trend.name.casefold(), trend.unit


def _named(row: Mapping[str, Any], value: Decimal) -> tuple[str, str, Decimal]:
    """Name, unit and value: in our unit where the value goes into it, else as it came."""
    words, unit = str(row["name"] or "?"), str(row["unit"] or "")
    code = row.get("code") or _BY_WORDS.get(words.casefold(), "")
    name, quantity, wanted = NAMES.get(code, (words, "", ""))
    if quantity:
        try:
            turned = convert(value, quantity, unit, wanted)
            return name, wanted, value if turned == value else round(turned, 2)
        except UnknownUnit:
            pass
    return name, _SHOWN_UNITS.get(unit, unit), value


def _by_time(point: Point) -> tuple[bool, float, str]:
    return point.at is not None, point.at.timestamp() if point.at else 0.0, point.said


def _decimal(text: object) -> Decimal | None:
    try:
        return None if text in (None, "") else Decimal(str(text))
    except InvalidOperation:
        return None


def _moment(text: str) -> datetime.datetime | None:
    """A FHIR dateTime; of a year or a month alone its first day, without a zone UTC."""
    whole = text + {4: "-01-01", 7: "-01"}.get(len(text), "")
    try:
        found = datetime.datetime.fromisoformat(whole)
    except ValueError:
        return None
    aware = found if found.tzinfo else found.replace(tzinfo=datetime.UTC)
    return aware.astimezone(datetime.UTC)


def ticks(low: Decimal, high: Decimal) -> Sequence[Decimal]:
    """Round numbers, evenly spaced, two to six, from `low` or below it to `high` or above it."""
    span = high - low or abs(high) or Decimal(1)
    step = Decimal(10) ** (span / 3).adjusted()
    step = next(step * one for one in (1, 2, 5, 10) if span / (step * one) <= 4)
    first = low // step * step
    first -= step if first > low else 0  # of a negative number `//` cuts towards zero
    found = [first]
    while found[-1] < high or len(found) < 2:
        found.append(found[-1] + step)
    return found
