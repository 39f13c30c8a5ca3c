"""A patient's chart as rules see it: plain values in fixed units, unknown where unknown."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from attenda.packs.clinic.formulas import Sex

__all__ = ["Allergy", "Chart", "Condition", "Measure", "Medicine"]


@dataclass(frozen=True, slots=True)
class Medicine:
    """A medicine that is taken, as it is written."""

    text: str
    code: str = ""
    active: bool = True


@dataclass(frozen=True, slots=True)
class Allergy:
    """What was reacted to, and how."""

    substance: str
    reaction: str = ""
    criticality: Literal["low", "high", "unable-to-assess"] = "unable-to-assess"


@dataclass(frozen=True, slots=True)
class Condition:
    """A problem on the list; active unless it says otherwise."""

    text: str
    code: str = ""
    active: bool = True
    onset: str = ""


@dataclass(frozen=True, slots=True)
class Measure:
    """One measured value, in the unit it was given in."""

    name: str
    value: Decimal
    unit: str
    at: str = ""


@dataclass(frozen=True, slots=True)
class Chart:
    """What is known of one patient. None is unknown, which is not the same as absent."""

    id: str
    name: str = ""
    birth_date: datetime.date | None = None
    sex: Sex | None = None
    weight_kg: Decimal | None = None
    height_cm: Decimal | None = None
    creatinine_mg_dl: Decimal | None = None
    pregnant: bool | None = None
    medicines: tuple[Medicine, ...] = ()
    allergies: tuple[Allergy, ...] | None = None
    """None where nobody asked; empty where there are none."""
    conditions: tuple[Condition, ...] = ()
    measures: Mapping[str, Measure] = field(default_factory=dict)
    """The newest of each, by name."""

    def age_on(self, day: datetime.date) -> Decimal | None:
        """Whole years on a day."""
        born = self.birth_date
        if born is None:
            return None
        had = (day.month, day.day) >= (born.month, born.day)
        return Decimal(day.year - born.year - (not had))
