"""What a rule gives: its total, or what is missing for it; always with inputs, parts and source.

A rule that lacks an input has no total at all: a part of a sum is never shown as if it were one.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

__all__ = [
    "UNREVIEWED",
    "Part",
    "Result",
    "State",
    "Steps",
    "band_below",
    "band_of",
    "complete",
    "incomplete",
    "points_of",
]

UNREVIEWED = "general knowledge, unreviewed"
"""Stands beside every rule whose source was named from memory and not read."""

State = Literal["complete", "incomplete", "implausible"]
Steps = Sequence[tuple[Decimal | int | None, int]]
"""Upper bounds (included) with their points, in rising order; none stands for all above."""


@dataclass(frozen=True, slots=True)
class Part:
    """One line of a sum."""

    name: str
    value: str
    """As it was given."""
    points: Decimal


@dataclass(frozen=True, slots=True)
class Result:
    """What a rule gave, and all that a reader needs to check it by hand."""

    rule: str
    state: State
    total: Decimal | None = None
    """None unless the state is complete."""
    unit: str = ""
    band: str = ""
    parts: tuple[Part, ...] = ()
    inputs: Mapping[str, str] | None = None
    """All that was given, as it was given."""
    missing: tuple[str, ...] = ()
    """Names of inputs that are not there, or are no possible value."""
    source: str = ""

    @property
    def shown_total(self) -> str:
        """The total as it is written; nothing where there is none."""
        return "" if self.total is None else format(self.total.normalize(), "f")

    def as_row(self) -> dict[str, object]:
        """As it is kept in a table and handed to words."""
        return {
            "rule": self.rule,
            "state": self.state,
            "total": self.shown_total,
            "unit": self.unit,
            "band": self.band,
            "parts": [
                [one.name, one.value, format(one.points.normalize(), "f")] for one in self.parts
            ],
            "inputs": dict(self.inputs or {}),
            "missing": list(self.missing),
            "source": self.source,
        }


def points_of(value: Decimal, steps: Steps) -> int:
    """The points of the first step that the value does not exceed.

    Raises:
        ValueError: the steps end below the value.
    """
    for upper, points in steps:
        if upper is None or value <= upper:
            return points
    raise ValueError(f"{value} is above every step")


def band_of(total: Decimal, bands: Sequence[tuple[Decimal | int | None, str]]) -> str:
    """The name of the first band that the total does not exceed.

    Raises:
        ValueError: the bands end below the total.
    """
    for upper, name in bands:
        if upper is None or total <= upper:
            return name
    raise ValueError(f"{total} is above every band")


def band_below(total: Decimal, bands: Sequence[tuple[Decimal | int | None, str]]) -> str:
    """The name of the first band whose upper bound (excluded) the total stays below.

    Raises:
        ValueError: the bands end below the total.
    """
    for upper, name in bands:
        if upper is None or total < upper:
            return name
    raise ValueError(f"{total} is above every band")


def complete(
    rule: str,
    total: Decimal,
    band: str,
    inputs: Mapping[str, object],
    source: str,
    unit: str = "",
    parts: Iterable[Part] = (),
) -> Result:
    """A result that has all it needs."""
    return Result(rule, "complete", total, unit, band, tuple(parts), _shown(inputs), (), source)


def incomplete(
    rule: str,
    inputs: Mapping[str, object],
    missing: Sequence[str],
    source: str,
    *,
    implausible: bool = False,
) -> Result:
    """A result that has no total, and says what is missing or cannot be."""
    state: State = "implausible" if implausible else "incomplete"
    return Result(rule, state, inputs=_shown(inputs), missing=tuple(missing), source=source)


def _shown(inputs: Mapping[str, object]) -> dict[str, str]:
    return {name: str(value) for name, value in inputs.items() if value is not None}
