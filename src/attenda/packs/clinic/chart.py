"""A patient's chart as rules see it: plain values in fixed units, unknown where unknown."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from attenda.packs.clinic.formulas import Sex

__all__ = ["Allergy", "Chart", "Condition", "Measure", "Medicine", "Origin", "Part", "Told"]

Origin = Literal["chart", "kept", "same", "drafted", "signed", "told"]
"""Where a medicine stands: in the list, in the one kept here, in the order itself, in another, or
told in an interview and confirmed by nobody."""
Part = Literal["medicines", "allergies", "conditions"]
"""The lists of a chart that may be unknown, known in part, or taken from what is kept here."""


@dataclass(frozen=True, slots=True)
class Medicine:
    """A medicine that is taken, as it is written."""

    text: str
    code: str = ""
    active: bool = True
    origin: Origin = "chart"
    number: str = ""
    """Of the order or the interview that it is from."""
    key: str = ""
    """Of its row in the list that is kept here."""


@dataclass(frozen=True, slots=True)
class Allergy:
    """What was reacted to, and how."""

    substance: str
    reaction: str = ""
    criticality: Literal["low", "high", "unable-to-assess"] = "unable-to-assess"
    number: str = ""
    """Of the interview in which it was told; empty where it stands in the chart."""
    key: str = ""
    """Of its row in the list that is kept here."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A problem on the list; active unless it says otherwise."""

    text: str
    code: str = ""
    active: bool = True
    onset: str = ""
    number: str = ""
    """Of the interview in which it was told; empty where it stands in the chart."""
    key: str = ""
    """Of its row in the list that is kept here."""


@dataclass(frozen=True, slots=True)
class Measure:
    """One measured value, in the unit it was given in."""

    name: str
    value: Decimal
    unit: str
    at: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """What was told in interviews that stand in a chart, and confirmed by nobody.

    It is checked like what stands in the lists, and makes no list known that nobody asked for.
    """

    medicines: tuple[Medicine, ...] = ()
    allergies: tuple[Allergy, ...] = ()
    conditions: tuple[Condition, ...] = ()


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
    medicines: tuple[Medicine, ...] | None = None
    """None where nobody knows; empty where none is taken."""
    ordered: tuple[Medicine, ...] = ()
    """Drafted beside an order, or signed; in no list of medicines yet."""
    allergies: tuple[Allergy, ...] | None = None
    """None where nobody asked; empty where there are none."""
    conditions: tuple[Condition, ...] | None = ()
    """None where a record was asked for them and sent none."""
    measures: Mapping[str, Measure] = field(default_factory=dict)
    """The newest of each, by name."""
    partly: frozenset[Part] = frozenset()
    """Lists of which only a part is known."""
    kept: frozenset[Part] = frozenset()
    """Lists that a record did not send, and that are those kept here."""
    told: Told = Told()

    @property
    def taken(self) -> tuple[Medicine, ...]:
        """What is taken or about to be: the active ones of the list, those ordered, those told."""
        listed = (*(self.medicines or ()), *self.ordered, *self.told.medicines)
        return tuple(one for one in listed if one.active)

    def age_on(self, day: datetime.date) -> Decimal | None:
        """Whole years on a day."""
        born = self.birth_date
        if born is None:
            return None
        had = (day.month, day.day) >= (born.month, born.day)
        return Decimal(day.year - born.year - (not had))
