"""Plots as SVG text: bars, columns in layers, scores. Pure functions from numbers to markup.

All text is escaped; colours are the page's own (`currentColor`, told apart by how full they are),
so that they hold in the dark; every picture says in words what it shows.
"""

from collections.abc import Mapping, Sequence
from html import escape

from attenda.api import short_text, svg_picture

__all__ = ["bars", "columns"]

_ROW, _BAR = 38, 220
_HIGH, _STEP, _WIDE = 140, 24, 17


def bars(rows: Sequence[tuple[str, float, str]], about: str) -> str:
    """A bar for each row.

    Args:
        rows: what it is of, how much, and how that is written.
        about: what the picture shows, in words.
    """
    most = max((value for _, value, _ in rows), default=0) or 1
    body = []
    for at, (name, value, said) in enumerate(rows):
        y, long = at * _ROW, max(0.0, _BAR * value / most)
        body.append(
            f"<g><title>{escape(f'{name}: {said}')}</title>"
            f'<text x="0" y="{y + 13}">{escape(short_text(name, 46))}</text>'
            f'<rect x="0" y="{y + 18}" width="{long:.1f}" height="13" rx="3" fill-opacity="0.45"/>'
            f'<text x="{long + 6:.1f}" y="{y + 29}" fill-opacity="0.8">{escape(said)}</text></g>'
        )
    return svg_picture(_BAR + 110, max(1, len(rows)) * _ROW, about, body)


def columns(
    steps: Sequence[tuple[str, Mapping[str, int]]], layers: Sequence[tuple[str, str]], about: str
) -> str:
    """A column for each step, in layers from below; every second is named, a legend stands beneath.

    Args:
        steps: what a column is of, and how many there are of each layer.
        layers: key and title, from below.
        about: what the picture shows, in words.
    """
    most = max((sum(counts.values()) for _, counts in steps), default=0) or 1
    body, left = [], 28
    body.append(f'<text x="0" y="14" fill-opacity="0.7">{most}</text>')
    body.append(f'<text x="0" y="{_HIGH + 8}" fill-opacity="0.7">0</text>')
    for at, (name, counts) in enumerate(steps):
        x, y = left + at * _STEP, float(_HIGH + 4)
        for number, (key, title) in enumerate(layers):
            n = counts.get(key, 0)
            high = (_HIGH - 6) * n / most
            y -= high
            if n:
                body.append(_box(x, y, _WIDE, high, number, len(layers), f"{name}, {title}: {n}"))
        if (len(steps) - at) % 2:  # there is room for every second name
            body.append(
                f'<text x="{x + _WIDE / 2}" y="{_HIGH + 20}" text-anchor="middle" font-size="10" '
                f'fill-opacity="0.8">{escape(name)}</text>'
            )
    body.append(
        f'<path d="M{left - 4} {_HIGH + 4}H{left + len(steps) * _STEP}" stroke="currentColor" '
        'stroke-opacity="0.4"/>'
    )
    width = max(left + len(steps) * _STEP + 8, 340)
    for number, (_, title) in enumerate(layers):
        x, y = number % 2 * 170, _HIGH + 36 + number // 2 * 20
        body.append(_box(x, y, 12, 12, number, len(layers), title))
        body.append(f'<text x="{x + 18}" y="{y + 11}">{escape(short_text(title, 22))}</text>')
    return svg_picture(width, _HIGH + 40 + (len(layers) + 1) // 2 * 20, about, body)


def _box(
    x: float, y: float, wide: float, high: float, number: int, of: int, about: str
) -> str:  # a layer's box
    full = 0.85 - 0.7 * number / max(1, of - 1)
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{wide}" height="{high:.1f}" '
        f'fill-opacity="{full:.2f}" stroke="currentColor" stroke-opacity="0.5">'
        f"<title>{escape(about)}</title></rect>"
    )
