"""A curve as SVG text: axes with round numbers, lines, a level to compare with.

Colours and letters come from the page that it stands in. Knows nothing of runs.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from html import escape

__all__ = ["Line", "curve", "round_ticks", "thinned"]

_WIDTH, _HEIGHT = 460, 252
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 26, 12, 44
_MOST_POINTS = 400
_MOST = 1e30

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Line:
    """Points to be joined, or a level over the whole width."""

    name: str
    points: Sequence[Point]
    kind: str = "first"
    """Its class: `first`, `second`, `level` or `faint`."""


def curve(
    lines: Sequence[Line],
    across: str,
    say: Callable[[float], str],
    title: str,
    *,
    from_zero: bool = False,
) -> str:
    """An SVG picture of `lines`.

    Args:
        lines: at least one with a point; what is no number, or
            beyond 1e30, is left out. A `level` has one point.
        across: name of the horizontal axis.
        say: a value of the vertical axis as text.
        title: for those who can't see it.
        from_zero: the vertical axis begins at 0.
    """
    lines = [Line(one.name, _finite(one.points), one.kind) for one in lines]
    xs = [x for one in lines if one.kind != "level" for x, _ in one.points]
    ys = [y for one in lines for _, y in one.points]
    if not xs:
        return ""
    ends = (min(*xs, 0), max(*xs, 4))
    right = round_ticks(*ends, 5)
    up = round_ticks(min(*ys, 0) if from_zero else min(ys), max(ys), 5)
    scale = _Scale(ends, (up[0], up[-1]))
    parts = [_grid(scale, right, up, say, across)]
    parts += [_drawn(one, scale) for one in lines if one.points]
    told = "; ".join([title, *(_told(one, say) for one in lines if one.name and one.points)])
    return (
        f'<svg class="curve" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'aria-label="{escape(told)}">{"".join(parts)}</svg>'
    )


def _told(line: Line, say: Callable[[float], str]) -> str:
    """A line in words: where it begins and where it ends."""
    ends = [say(line.points[place][1]) for place in ((0,) if line.kind == "level" else (0, -1))]
    return f"{line.name} {' → '.join(ends)}"


def round_ticks(least: float, most: float, about: int) -> list[float]:
    """Round numbers from at or below `least` to at or above `most`, `about` so many of them.

    They stand 1, 2 or 5 times a power of ten apart.
    """
    size = max(abs(least), abs(most))
    if most - least <= max(size * 1e-9, 1e-30):  # as good as one value
        spread = size * 0.1 if size > 1e-30 else 1.0
        least, most = least - spread, most + spread
    raw = (most - least) / max(about - 1, 1)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= raw * 0.999)
    first, last = math.floor(least / step + 1e-9), math.ceil(most / step - 1e-9)
    return [float(f"{number * step:.12g}") for number in range(first, last + 1)]


def thinned(points: Sequence[Point]) -> list[Point]:
    """At most 400 points: means of neighbours, each at the last one's place."""
    if len(points) <= _MOST_POINTS:
        return list(points)
    found = []
    for number in range(_MOST_POINTS):
        start = number * len(points) // _MOST_POINTS
        part = points[start : (number + 1) * len(points) // _MOST_POINTS]
        found.append((part[-1][0], sum(y for _, y in part) / len(part)))
    return found


@dataclass(frozen=True, slots=True)
class _Scale:
    across: tuple[float, float]
    up: tuple[float, float]

    def x(self, value: float) -> float:
        least, most = self.across
        return round(_LEFT + (value - least) / (most - least) * (_WIDTH - _LEFT - _RIGHT), 1)

    def y(self, value: float) -> float:
        least, most = self.up
        share = (value - least) / (most - least)
        return round(_HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM), 1)


def _finite(points: Iterable[Point]) -> list[Point]:
    return [(x, y) for x, y in points if abs(x) < _MOST and abs(y) < _MOST]


def _grid(
    scale: _Scale,
    right: Sequence[float],
    up: Sequence[float],
    say: Callable[[float], str],
    across: str,
) -> str:
    parts = []
    for value in up:
        y = scale.y(value)
        parts.append(f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y}" y2="{y}"/>')
        label = escape(say(value))
        parts.append(f'<text x="{_LEFT - 6}" y="{y + 4}" text-anchor="end">{label}</text>')
    below = _HEIGHT - _BOTTOM
    for value in right:
        if value > scale.across[1]:
            continue
        x = scale.x(value)
        parts.append(f'<line class="axis" x1="{x}" x2="{x}" y1="{below}" y2="{below + 4}"/>')
        parts.append(f'<text x="{x}" y="{below + 17}" text-anchor="middle">{value:,.10g}</text>')
    parts.append(
        f'<line class="axis" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{below}" y2="{below}"/>'
        f'<text x="{(_LEFT + _WIDTH - _RIGHT) / 2}" y="{_HEIGHT - 6}" text-anchor="middle">'
        f"{escape(across)}</text>"
    )
    return "".join(parts)


def _drawn(line: Line, scale: _Scale) -> str:
    kind = escape(line.kind)
    if line.kind == "level":
        y = scale.y(line.points[0][1])
        return f'<line class="{kind}" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y}" y2="{y}"/>'
    points = [(scale.x(x), scale.y(y)) for x, y in line.points]
    joined = " ".join(f"{x},{y}" for x, y in points)
    dots = ""
    if len(points) <= 40 and line.kind != "faint":
        dots = "".join(
            f'<circle class="{kind}" cx="{x}" cy="{y}" r="2.6"><title>{_step(at)}: {value:.5g}'
            "</title></circle>"
            for (x, y), (at, value) in zip(points, line.points, strict=True)
        )
    return f'<polyline class="{kind}" points="{joined}"/>{dots}'


def _step(value: float) -> str:
    return f"{value:,.10g}"
