"""Calendar arithmetic: the day that an incomplete date means, seen from the day it was said.

It reads no words; `extract_dates` does.
"""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Literal

__all__ = ["Prefer", "day_of_week", "in_month", "month_later", "of_year"]

Prefer = Literal["future", "past"]
"""Which year, week or month is meant where none is said: of a booking or of a purchase."""


def month_later(day: date, months: int) -> date:
    """The same day `months` later, or the month's last where that day is missing.

    Raises:
        ValueError: before the year 1 or after 9999.
    """
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    for number in range(day.day, day.day - 4, -1):
        try:
            return date(year, month + 1, number)
        except ValueError:
            continue
    raise ValueError(f"there is no month {months} after {day}")


def day_of_week(today: date, weekday: int, weeks: int | None, prefer: Prefer = "future") -> date:
    """A weekday (Monday is 0): of the week `weeks` after this one, or the nearest if None.

    Nearest is the first after today, or the last before it: who means today says "today".
    """
    if weeks is not None:
        return today + timedelta(weekday - today.weekday() + 7 * weeks)
    ahead = (weekday - today.weekday() - 1) % 7 + 1  # 1 to 7
    return today + timedelta(ahead if prefer == "future" else ahead - 7 or -7)


def of_year(day: int, month: int, year: int | None, today: date, prefer: Prefer) -> date | None:
    """A day of a month in `year`, else in the nearest year that has it on the preferred side.

    Raises:
        ValueError: `year` is given and has no such day.
    """
    if year is not None:
        return date(year, month, day)
    step = 1 if prefer == "future" else -1
    # 29 February comes within eight years.
    return _first_there(((today.year + step * at, month, day) for at in range(9)), today, prefer)


def in_month(day: int, months: int | None, today: date, prefer: Prefer) -> date | None:
    """A day of the month `months` after this one, else of the nearest month that has it.

    Raises:
        ValueError: `months` is given and that month has no such day.
    """
    first = today.replace(day=1)
    if months is not None:
        return month_later(first, months).replace(day=day)
    step = 1 if prefer == "future" else -1
    starts = [month_later(first, step * at) for at in range(3)]
    return _first_there(((start.year, start.month, day) for start in starts), today, prefer)


def _first_there(
    options: Iterable[tuple[int, int, int]], today: date, prefer: Prefer
) -> date | None:
    """The first that is in the calendar and on the preferred side of today, which counts."""
    for year, month, day in options:
        try:
            candidate = date(year, month, day)
        except ValueError:
            continue
        if candidate == today or (candidate > today) == (prefer == "future"):
            return candidate
    return None
