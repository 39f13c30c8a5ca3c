"""A trend as SVG text: lines over time with round numbers beside them. A pure function to markup.

All text is escaped; lines are the page's own colour, the second one dashed, so that they are told
apart in the dark and without colour; the picture says in words what it shows.
"""

import datetime
from collections.abc import Sequence
from decimal import Decimal
from html import escape

from attenda.api import short_text, svg_picture
from attenda.packs.clinic.trends import ticks

__all__ = ["Line", "over_time"]

Line = tuple[str, Sequence[tuple[datetime.datetime, Decimal]]]
"""What a line is called, and its values, the oldest first."""
_WIDE, _LEFT, _RIGHT, _TOP, _HIGH, _BELOW = 296, 44, 12, 10, 120, 22
_DASHES = ("", "5 4", "2 3")
_DAYS, _DAY = 300, datetime.timedelta(days=2)
_LEGEND = 18


def over_time(lines: Sequence[Line], unit: str, about: str) -> str:
    """A line for each series, over the same time and numbers.

    Args:
        lines: at least one with two times.
        unit: of all values.
        about: what the picture shows, in words.
    """
    values = [value for _, points in lines for _, value in points]
    times = [at for _, points in lines for at, _ in points]
    rungs, first, last = ticks(min(values), max(values)), min(times), max(times)
    seconds = (last - first).total_seconds() or 1.0

    def place(at: datetime.datetime, value: Decimal) -> tuple[float, float]:
        x = _LEFT + (_WIDE - _LEFT - _RIGHT) * (at - first).total_seconds() / seconds
        return x, _TOP + _HIGH * float((rungs[-1] - value) / (rungs[-1] - rungs[0]))

    body = [_rung(place(first, one)[1], one) for one in rungs]
    body += _dates(first, last)
    for number, (name, points) in enumerate(lines):
        spots = [(*place(at, value), at, value) for at, value in points]
        path = "L".join(f"{x:.1f} {y:.1f}" for x, y, _, _ in spots)
        dashes = f' stroke-dasharray="{_DASHES[number % 3]}"' if number % 3 else ""
        body.append(
            f'<path d="M{path}" fill="none" stroke="currentColor" stroke-width="2"{dashes}/>'
        )
        body += [_spot(x, y, f"{name}: {value} {unit}, {at:%Y-%m-%d %H:%M}")
                 for x, y, at, value in spots]  # fmt: skip
    below = _TOP + _HIGH + _BELOW
    if len(lines) > 1:
        body += [_legend(number, below, name) for number, (name, _) in enumerate(lines)]
        below += _LEGEND * len(lines)
    return svg_picture(_WIDE, below, about, body)


def _rung(y: float, value: Decimal) -> str:
    return (
        f'<path d="M{_LEFT} {y:.1f}H{_WIDE - _RIGHT}" stroke="currentColor" stroke-opacity="0.15"/>'
        f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end" fill-opacity="0.8">'
        f"{format(value.normalize(), 'f')}</text>"
    )


def _dates(first: datetime.datetime, last: datetime.datetime) -> list[str]:
    """The first and the last time, as exact as the span needs; the middle where there is room."""
    span = last - first
    shown = "%Y-%m" if span.days > _DAYS else "%Y-%m-%d" if span > _DAY else "%m-%d %H:%M"
    y, right = _TOP + _HIGH + 16, _WIDE - _RIGHT
    return [
        f'<text x="{x}" y="{y}" text-anchor="{anchor}" fill-opacity="0.8">{at:{shown}}</text>'
        for x, anchor, at in ((_LEFT, "start", first), ((_LEFT + right) // 2, "middle",
                              first + span / 2), (right, "end", last))
    ]  # fmt: skip


def _spot(x: float, y: float, about: str) -> str:
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3"><title>{escape(about)}</title></circle>'


def _legend(number: int, below: int, name: str) -> str:
    x, dashes = _LEFT, _DASHES[number % 3]
    below += number * _LEGEND
    return (
        f'<path d="M{x} {below + 8}h22" stroke="currentColor" stroke-width="2" '
        f'stroke-dasharray="{dashes or "none"}"/>'
        f'<text x="{x + 28}" y="{below + 12}">{escape(short_text(name, 34))}</text>'
    )
