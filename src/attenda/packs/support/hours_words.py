"""Opening hours in words: days with the same hours together, and the next days that are closed."""

import datetime
from itertools import groupby

from attenda.api import Opening
from attenda.packs.support.words import both

__all__ = ["in_words"]

_SOON = datetime.timedelta(days=14)


def in_words(opening: Opening, today: datetime.date) -> dict[str, str]:
    """The week, and holidays of the next two weeks, as `{en: …, zh: …}`."""
    return {name: _told(opening, today, name) for name in ("en", "zh")}


def _told(opening: Opening, today: datetime.date, name: str) -> str:
    days = both("hours", "days")[name].split(", ")
    runs = [
        _run([days[number] for number in numbers], spans, name)
        for spans, group in groupby(range(7), lambda number: opening.week[number])
        if spans and (numbers := list(group))
    ]
    closed = [str(day) for day in opening.holidays if today <= day <= today + _SOON]
    more = both("hours", "closed", days=", ".join(closed))[name] if closed else ""
    return both("hours", "between")[name].join(runs) + more


def _run(days: list[str], spans: tuple[tuple[str, str], ...], name: str) -> str:
    told = both("hours", "run", first=days[0], last=days[-1])[name] if days[1:] else days[0]
    times = both("hours", "and")[name].join(
        both("hours", "span", start=_moment(start), end=_moment(end))[name] for start, end in spans
    )
    return both("hours", "open", days=told, spans=times)[name]


def _moment(text: str) -> str:
    """A time of day as people write it: `9:00`."""
    return text.removeprefix("0")
