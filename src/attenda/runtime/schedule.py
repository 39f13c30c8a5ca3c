"""When a schedule is due: the five fields of cron, read in a time zone, over changes of its clocks.

A time of day that the clocks skip in spring is due when they have jumped (02:30 at what is then
03:30); one that comes twice in autumn is due the first time. A schedule for every hour (`*`) is
due in each hour that passes, in both of autumn's. Pure: it is told the instant.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

__all__ = ["BadSchedule", "Schedule", "read_schedule"]

_FIELDS = (("minute", 0, 59), ("hour", 0, 23), ("day", 1, 31), ("month", 1, 12), ("weekday", 0, 7))
_NAMES = {
    "month": ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"),
    "weekday": ("sun", "mon", "tue", "wed", "thu", "fri", "sat"),
}
_RANGE = re.compile(r"(\*|\w+)(?:-(\w+))?(?:/(\d{1,2}))?")
_SHORT = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
}
_FARTHEST_DAYS = 366 * 9
"""The 29th of February comes within that time, over a century's end too."""


class BadSchedule(ValueError):
    """The text is no schedule; it says why."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """Which minutes of which days, in a zone."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    """0 is Sunday."""
    either_day: bool
    """Day of the month and weekday are both named: one of them is enough, as in cron."""
    every_hour: bool
    zone: tzinfo

    def next_after(self, instant: int) -> int | None:
        """The first time that is due after an instant; both in microseconds since 1970, UTC."""
        after = datetime.fromtimestamp(instant / 1e6, UTC)
        begin = self._day_of(after, -1)
        for offset in range(_FARTHEST_DAYS):
            day = begin + timedelta(days=offset)
            if self._has(day):
                found = min((one for one in self._instants(day) if one > after), default=None)
                if found is not None:
                    return int(found.timestamp()) * 1_000_000
        return None

    def all_between(self, first: int, last: int, most: int) -> list[int]:
        """The latest `most` times that are due from `first` to `last`, both included.

        It goes back from the last, so what lies before them costs nothing.
        """
        begin, end = (datetime.fromtimestamp(one / 1e6, UTC) for one in (first, last))
        day, oldest = self._day_of(end, 1), self._day_of(begin, -1)
        found: set[datetime] = set()
        enough_at = oldest
        while day >= max(oldest, enough_at):
            if self._has(day):
                found.update(one for one in self._instants(day) if begin <= one <= end)
            if len(found) >= most and enough_at == oldest:
                enough_at = day - timedelta(days=2)  # where a clock skips a day, days overlap
            day -= timedelta(days=1)
        return [int(one.timestamp()) * 1_000_000 for one in sorted(found)[-most:]]

    def _day_of(self, instant: datetime, beyond: int) -> datetime:
        """The day of an instant on the wall's calendar, and so many days beyond it."""
        day = instant.astimezone(self.zone).date()
        return datetime(day.year, day.month, day.day) + timedelta(days=beyond)  # noqa: DTZ001

    def _has(self, day: datetime) -> bool:
        by_date = day.day in self.days
        by_weekday = day.isoweekday() % 7 in self.weekdays
        fits = by_date or by_weekday if self.either_day else by_date and by_weekday
        return day.month in self.months and fits

    def _instants(self, day: datetime) -> Iterator[datetime]:
        for hour in self.hours:
            for minute in self.minutes:
                yield from self._instants_of(day.replace(hour=hour, minute=minute))

    def _instants_of(self, local: datetime) -> Iterator[datetime]:
        """The instants that a clock on the wall shows as this."""
        first = local.replace(tzinfo=self.zone).astimezone(UTC)
        exists = first.astimezone(self.zone).replace(tzinfo=None, fold=0) == local
        if exists or not self.every_hour:
            yield first
        second = local.replace(tzinfo=self.zone, fold=1).astimezone(UTC)
        if self.every_hour and exists and second != first:
            yield second


def read_schedule(text: str, zone: str) -> Schedule:
    """Read minute, hour, day of the month, month and weekday, as in `30 9 * * mon-fri`.

    Raises:
        BadSchedule: it cannot be read, no such day ever comes, or there is no such zone.
    """
    fields = _SHORT.get(text.strip(), text).split()
    if len(fields) != len(_FIELDS):
        raise BadSchedule("a schedule has five fields: minute hour day month weekday")
    sets = [_read(field, *about) for field, about in zip(fields, _FIELDS, strict=True)]
    made = Schedule(
        minutes=tuple(sorted(sets[0])),
        hours=tuple(sorted(sets[1])),
        days=sets[2],
        months=sets[3],
        weekdays=frozenset(one % 7 for one in sets[4]),
        either_day=not fields[2].startswith("*") and not fields[4].startswith("*"),
        every_hour=fields[1].startswith("*"),
        zone=_zone(zone),
    )
    if made.next_after(0) is None:
        raise BadSchedule(f"{text}: no such day ever comes")
    return made


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError) as error:
        raise BadSchedule(f"{name}: no such time zone; write it as in Europe/Berlin") from error


def _read(field: str, kind: str, least: int, most: int) -> frozenset[int]:
    found: set[int] = set()
    for part in field.lower().split(","):
        match = _RANGE.fullmatch(part)
        if match is None:
            raise BadSchedule(f"{part}: cannot be read as a {kind}")
        first, last, step = match.groups()
        if first == "*":
            begin, end = least, most
        else:
            begin = _number(first, kind)
            end = _number(last, kind) if last else (most if step else begin)
        if not least <= begin <= end <= most or step == "0" or (first == "*" and last):
            raise BadSchedule(f"{part}: a {kind} is from {least} to {most}")
        found |= set(range(begin, end + 1, int(step or 1)))
    return frozenset(found)


def _number(text: str, kind: str) -> int:
    names = _NAMES.get(kind, ())
    if text in names:
        return names.index(text) + (kind == "month")
    if not re.fullmatch("[0-9]{1,2}", text):
        raise BadSchedule(f"{text}: cannot be read as a {kind}")
    return int(text)
