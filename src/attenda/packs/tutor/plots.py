"""Plots as SVG text: a map of mastery, plots over weeks, a class as a heat map.

Pure functions from numbers to markup. All text is escaped; colours are the page's own
(`currentColor`), so that they hold in the dark; every picture says in words what it shows.
"""

from collections.abc import Mapping, Sequence
from html import escape
from types import MappingProxyType

from attenda.api import short_text, svg_picture, text_width
from attenda.packs.tutor.rules import MASTERED
from attenda.packs.tutor.skills import SkillGraph

__all__ = ["heat_map", "known_by_week", "mastery_map", "week_bars"]

_BOX, _GAP, _HIGH, _ROW = 148, 22, 34, 44


def mastery_map(graph: SkillGraph, known: Mapping[str, float], language: str, about: str) -> str:
    """Skills in columns by how much they rest on; each box filled as far as it is known.

    Args:
        graph: the skills.
        known: P(known) of those that were seen.
        language: of the titles.
        about: what the picture shows, in words.
    """
    place: dict[str, tuple[int, int]] = {}
    rows: dict[int, int] = {}
    for id_ in graph.skills:
        depth = graph.depth(id_)
        place[id_] = (depth * (_BOX + _GAP), rows.get(depth, 0) * _ROW)
        rows[depth] = rows.get(depth, 0) + 1
    body = [
        _edge(place[need], place[id_]) for id_, one in graph.skills.items() for need in one.needs
    ]
    body += [
        _box(*place[id_], skill.title.get(language) or skill.title["en"], known.get(id_))
        for id_, skill in graph.skills.items()
    ]
    across = max(x for x, _ in place.values()) + _BOX
    return svg_picture(across + 2, max(rows.values()) * _ROW, about, body)


def _edge(start: tuple[int, int], end: tuple[int, int]) -> str:
    x1, y1, x2, y2 = start[0] + _BOX, start[1] + _HIGH // 2, end[0], end[1] + _HIGH // 2
    return (
        f'<path d="M{x1} {y1}C{x1 + 8} {y1} {x2 - 8} {y2} {x2} {y2}" fill="none" '
        'stroke="currentColor" stroke-opacity="0.25"/>'
    )


def _box(x: int, y: int, title: str, known: float | None) -> str:
    share = 0.0 if known is None else min(max(known, 0.0), 1.0)
    heavy = ' stroke-width="2"' if share >= MASTERED else ""
    said = "—" if known is None else f"{100 * share:.0f} %"
    inside = f'x="{x + 1}" y="{y + 1}" height="{_HIGH - 2}" rx="5"'
    return (
        f"<g><title>{escape(title)}: {said}</title>"
        f'<rect {inside} width="{_BOX - 2}" fill="none" stroke="currentColor" '
        f'stroke-opacity="0.5"{heavy}/>'
        f'<rect {inside} width="{(_BOX - 2) * share:.1f}" fill-opacity="0.2"/>'
        f'<text x="{x + 7}" y="{y + 15}">{escape(short_text(title, 21))}</text>'
        f'<text x="{x + 7}" y="{y + 28}" fill-opacity="0.7" font-size="10">{said}</text></g>'
    )


_WIDE, _TALL, _LEFT, _FOOT = 336, 132, 44, 20
"""Of a plot over weeks: it fits a page of 360 pixels."""


def week_bars(weeks: Sequence[tuple[str, int, int]], about: str) -> str:
    """Answers a week as bars, the right ones filled.

    Args:
        weeks: what each is called, its answers and the right ones among them.
        about: what the picture shows, in words.
    """
    most = max((answers for _, answers, _ in weeks), default=0) or 1
    step, high = (_WIDE - _LEFT) / max(1, len(weeks)), _TALL - _FOOT - 12
    body = [_label(0, 12 + high, "0"), _label(0, 16, str(most))]
    for at, (name, answers, right) in enumerate(weeks):
        x, wide = _LEFT + at * step + 4, step - 8
        for count, opacity in ((answers, 0.18), (right, 0.6)):
            tall = high * count / most
            body.append(
                f'<rect x="{x:.1f}" y="{8 + high - tall:.1f}" width="{wide:.1f}" '
                f'height="{tall:.1f}" fill-opacity="{opacity}"/>'
            )
        body.append(_below(x + wide / 2, name))
        body.append(_hover(x, wide, f"{name}: {right} / {answers}"))
    body.append(_ground())
    return svg_picture(_WIDE, _TALL, about, body)


def known_by_week(weeks: Sequence[tuple[str, float | None]], about: str) -> str:
    """Mastery at the end of each week, with the line of mastery; nothing before it was tried.

    Args:
        weeks: what each is called, and P(known) when it ended.
        about: what the picture shows, in words.
    """
    step, high = (_WIDE - _LEFT) / max(1, len(weeks)), _TALL - _FOOT - 12

    def level(share: float) -> float:
        return 8 + high * (1 - min(max(share, 0.0), 1.0))

    body = [_label(0, level(share) + 4, f"{100 * share:.0f} %") for share in (0.0, 0.5, 1.0)]
    body.append(
        f'<path d="M{_LEFT} {level(MASTERED):.1f}H{_WIDE}" stroke="currentColor" '
        'stroke-dasharray="4 4" stroke-opacity="0.5"/>'
    )
    points = [
        (_LEFT + (at + 0.5) * step, level(known), f"{name}: {100 * known:.0f} %")
        for at, (name, known) in enumerate(weeks)
        if known is not None
    ]
    if points:
        path = "L".join(f"{x:.1f} {y:.1f}" for x, y, _ in points)
        body.append(f'<path d="M{path}" fill="none" stroke="currentColor" stroke-width="2"/>')
    body += [
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5"><title>{escape(said)}</title></circle>'
        for x, y, said in points
    ]
    body += [_below(_LEFT + (at + 0.5) * step, name) for at, (name, _) in enumerate(weeks)]
    return svg_picture(_WIDE, _TALL, about, [*body, _ground()])


def _label(x: float, y: float, text: str) -> str:
    return f'<text x="{x:.0f}" y="{y:.1f}" fill-opacity="0.7">{escape(text)}</text>'


def _below(x: float, name: str) -> str:
    """The name of a week under its place."""
    return (
        f'<text x="{x:.1f}" y="{_TALL - 4}" text-anchor="middle" font-size="10" '
        f'fill-opacity="0.7">{escape(name)}</text>'
    )


def _hover(x: float, wide: float, said: str) -> str:
    return (
        f'<rect x="{x:.1f}" y="0" width="{wide:.1f}" height="{_TALL - _FOOT}" fill-opacity="0">'
        f"<title>{escape(said)}</title></rect>"
    )


def _ground() -> str:
    return (
        f'<path d="M{_LEFT} {_TALL - _FOOT - 4}H{_WIDE}" stroke="currentColor" '
        'stroke-opacity="0.4"/>'
    )


def heat_map(
    learners: Sequence[tuple[str, str]],
    skills: Sequence[tuple[str, str]],
    known: Mapping[str, Mapping[str, float]],
    about: str,
    marks: Mapping[tuple[str, str], str] = MappingProxyType({}),
) -> str:
    """Learners down, skills across; the fuller a cell, the better it is known.

    Args:
        learners: id and name.
        skills: id and title.
        known: P(known) by learner and skill; a cell that nobody saw is empty.
        about: what the picture shows, in words.
        marks: by learner and skill, what else is to be said of a cell; it gets a dot.
    """
    left, cell = 110, 24
    longest = max((text_width(short_text(title, 22)) for _, title in skills), default=0)
    top = 24 + round(5.6 * longest)
    body = [
        f'<text transform="translate({left + cell * at + 16} {top - 6}) rotate(-60)">'
        f"{escape(short_text(title, 22))}</text>"
        for at, (_, title) in enumerate(skills)
    ]
    for row, (id_, name) in enumerate(learners):
        y = top + row * cell
        body.append(f'<text x="0" y="{y + 16}">{escape(short_text(name or id_, 16))}</text>')
        for at, (skill, title) in enumerate(skills):
            mark = marks.get((id_, skill), "")
            body.append(_cell(left + at * cell, y, cell, f"{name or id_}, {title}",
                              known.get(id_, {}).get(skill), mark))  # fmt: skip
            if mark:
                body.append(_dot(left + at * cell + cell / 2, y + cell / 2))
    width = left + cell * len(skills) + 70
    return svg_picture(width, top + cell * max(1, len(learners)) + 4, about, body)


def _dot(x: float, y: float) -> str:
    return (
        f'<circle cx="{x:.0f}" cy="{y:.0f}" r="4" fill="Canvas" stroke="currentColor" '
        'pointer-events="none"/>'
    )


def _cell(x: int, y: int, size: int, about: str, known: float | None, mark: str) -> str:
    said = "—" if known is None else f"{100 * known:.0f} %"
    said = f"{said}, {mark}" if mark else said
    inside = "" if known is None else f' fill-opacity="{0.08 + 0.72 * known:.2f}"'
    fill = ' fill="none"' if known is None else ""
    ring = ' stroke-width="2"' if known is not None and known >= MASTERED else ""
    return (
        f'<rect x="{x + 1}" y="{y + 1}" width="{size - 2}" height="{size - 2}" rx="3"'
        f'{fill}{inside} stroke="currentColor" stroke-opacity="0.4"{ring}>'
        f"<title>{escape(about)}: {said}</title></rect>"
    )
