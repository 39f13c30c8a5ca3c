"""Opening hours: a week of local times in one time zone, with days on which nobody is there.

Clocks that are put forward or back are reckoned with: hours are those on the wall, and what they
mean in UTC is looked up for each day anew.
"""

import datetime
from collections.abc import Iterator
from typing import Annotated, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

__all__ = ["Opening"]

_DAYS_AHEAD = 400
"""Days in which the next opening is looked for: a year of holidays, and some."""


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, OSError, ValueError) as error:
        raise ValueError(f"“{name}”") from error
    return name


# What is wrong is told by the text that is wrong alone: whoever shows it knows the language.


def _rising(spans: "tuple[tuple[str, str], ...]") -> "tuple[tuple[str, str], ...]":
    flat = [moment for span in spans for moment in span]
    if any(not one < other for one, other in zip(flat, flat[1:], strict=False)):
        raise ValueError(f"“{', '.join('-'.join(span) for span in spans)}”")
    return spans


_Moment = Annotated[str, Field(pattern=r"^(?:(?:[01]\d|2[0-3]):[0-5]\d|24:00)$")]
_Day = Annotated[tuple[tuple[_Moment, _Moment], ...], Field(max_length=4), AfterValidator(_rising)]


class Opening(BaseModel):
    """When somebody is there."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    zone: Annotated[str, Field(max_length=64), AfterValidator(_known_zone)]
    """As in `Europe/Berlin`."""
    week: Annotated[tuple[_Day, ...], Field(min_length=7, max_length=7)]
    """From Monday: hours of each day as (from, to), `24:00` for the day's end."""
    holidays: Annotated[tuple[datetime.date, ...], Field(max_length=400)] = ()
    """Local days on which nobody is there."""

    @model_validator(mode="after")
    def _ever(self) -> Self:
        if not any(self.week):
            raise ValueError("“”")
        return self

    def opens(self, now: int) -> int | None:
        """When somebody is there next; `now` itself while somebody is, None if that is never.

        Args:
            now: microseconds since 1970, UTC; so is what is returned.
        """
        today = datetime.datetime.fromtimestamp(now // 1_000_000, ZoneInfo(self.zone)).date()
        for start, end in self._spans(today - datetime.timedelta(days=1)):
            if now < end:
                return max(start, now)
        return None

    def _spans(self, first: datetime.date) -> Iterator[tuple[int, int]]:
        """Hours as instants. An hour that comes twice is open twice; one that is skipped, not."""
        for number in range(_DAYS_AHEAD):
            day = first + datetime.timedelta(days=number)
            for start, end in () if day in self.holidays else self.week[day.weekday()]:
                span = self._instant(day, start, 0), self._instant(day, end, 1)
                if span[0] < span[1]:
                    yield span

    def _instant(self, day: datetime.date, moment: str, fold: int) -> int:
        hours, minutes = map(int, moment.split(":"))
        day += datetime.timedelta(days=hours // 24)
        at = datetime.time(hours % 24, minutes, fold=fold)
        local = datetime.datetime.combine(day, at, ZoneInfo(self.zone))
        return int(local.timestamp()) * 1_000_000
