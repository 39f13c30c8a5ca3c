"""Flows as pictures: each step a box, from top to bottom, on one page that needs nothing else.

Layers follow from how steps are nested: a sequence runs down its axis, the ways of an `if` stand
side by side and meet again, what is done after a no stands on the right. Nothing can be changed.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from html import escape

from attenda.core.static_page import static_page
from attenda.core.svg import text_width
from attenda.core.words import sentence
from attenda.dialogue.flow import (
    CallFlowStep,
    CallStep,
    CollectStep,
    ConfirmStep,
    Flow,
    FlowStep,
    ForgetStep,
    HandOffStep,
    IfStep,
    SayStep,
    SearchStep,
    SetStep,
    words_in,
)

__all__ = ["flow_outline", "flow_svg", "flows_page"]

_WIDTH, _LINE, _PAD, _GAP, _BETWEEN = 236, 17, 8, 26, 28
"""Of a box, a line, its margin; between two boxes of a way, and between two ways. In pixels."""
_LETTERS, _LINES = 34, 4
"""Letters of a line (Han count twice) and lines of a box at most."""

_STYLE = """\
svg text { font: 12px system-ui, "Noto Sans SC", sans-serif; fill: var(--ink); }
svg .kind { font-size: 10px; fill: var(--faint); }
svg .box { fill: var(--card); stroke: var(--faint); }
svg .asks .box { stroke: var(--accent); }
svg .confirms .box { stroke: var(--accent); stroke-width: 3; }
svg .writes .box { stroke: var(--bad); stroke-width: 3; }
svg .writes .kind { fill: var(--bad); font-weight: bold; }
svg .way { fill: none; stroke: var(--faint); }
svg .head { fill: var(--faint); stroke: none; }
"""


@dataclass(frozen=True, slots=True)
class _Block:
    """A drawn part: its axis is x = 0, its top is y = 0."""

    left: float
    right: float
    height: float
    svg: str
    goes_on: bool = True
    """Whether the way goes on below it."""


@dataclass(frozen=True, slots=True)
class _Pen:
    """What a drawing needs to know."""

    writes: Collection[str]
    language: str

    def say(self, key: str) -> str:
        """A word of the picture."""
        return sentence(self.language, key)


def flows_page(
    title: str, flows: Iterable[Flow], writes: Collection[str], language: str = "en"
) -> str:
    """All flows of a pack on one page.

    Args:
        title: of the pack.
        flows: in the order in which they are shown.
        writes: names of tools that change something.
        language: of words and sentences.
    """
    body = "".join(_section(flow, writes, language) for flow in flows)
    return static_page(sentence(language, "graph.title", name=title), body, language, _STYLE)


def _section(flow: Flow, writes: Collection[str], language: str) -> str:
    examples = flow.examples.get(language) or next(iter(flow.examples.values()), ())
    if flow.hidden:
        about = sentence(language, "graph.hidden")
    else:
        quoted = " · ".join(f"“{one}”" for one in examples)
        about = f"{sentence(language, 'graph.examples')}: {quoted}"
    return (
        f'<section id="{escape(flow.name)}"><h2>{escape(flow.name)}: '
        f"{escape(words_in(flow.title, language))}</h2>"
        f'<p class="faint">{escape(about)}</p>{flow_svg(flow, writes, language)}</section>'
    )


def flow_svg(flow: Flow, writes: Collection[str], language: str = "en") -> str:
    """One flow as an SVG element."""
    pen = _Pen(writes, language)
    steps = _sequence(flow.steps, pen)
    whole = _stacked([steps, *([_end(pen)] if steps.goes_on else [])])
    width, height = whole.left + whole.right + 8, whole.height + 8
    return (
        f'<svg role="img" aria-label="{escape(words_in(flow.title, language))}" '
        f'width="{width:.0f}" height="{height:.0f}" viewBox="{-whole.left - 4:.0f} -4 '
        f'{width:.0f} {height:.0f}" xmlns="http://www.w3.org/2000/svg">{whole.svg}</svg>'
    )


def flow_outline(
    flow: Flow, writes: Collection[str], language: str = "en"
) -> list[tuple[int, str, str]]:
    """The same as text, for who sees no picture: of each step its depth, its kind, its words."""
    return list(_outline(flow.steps, _Pen(writes, language), 0))


def _outline(steps: Sequence[FlowStep], pen: _Pen, depth: int) -> Iterator[tuple[int, str, str]]:
    for step in steps:
        yield depth, pen.say(_kind(step, pen)), _told(step, pen.language)
        ways: list[tuple[str, Sequence[FlowStep]]] = []
        if isinstance(step, IfStep):
            ways = [("graph.yes", step.then), ("graph.no", step.otherwise)]
        elif isinstance(step, ConfirmStep):
            ways = [("graph.no", step.otherwise)]
        for name, inner in ways:
            if inner:
                yield depth + 1, f"{pen.say(name)}:", ""
                yield from _outline(inner, pen, depth + 2)


def _kind(step: FlowStep, pen: _Pen) -> str:
    """Key of the word for a step's kind."""
    match step:
        case IfStep():
            return "graph.asks_whether"
        case ConfirmStep():
            return "graph.confirms"
        case ForgetStep():
            return "graph.forgets"
        case CallStep(call=tool) if tool in pen.writes:
            return "graph.writes"
    return _KINDS[_NAMED[type(step)]]


def _sequence(steps: Sequence[FlowStep], pen: _Pen) -> _Block:
    return _stacked([_step(step, pen) for step in steps])


def _stacked(blocks: Sequence[_Block]) -> _Block:
    """One below the other on one axis, joined by arrows."""
    svg, y, goes_on = "", 0.0, True
    for block in blocks:
        if y and goes_on:
            svg += _arrow([(0, y), (0, y + _GAP)])
        y += _GAP if y else 0
        svg += _at(0, y, block.svg)
        y += block.height
        goes_on = block.goes_on
    left = max((block.left for block in blocks), default=0)
    right = max((block.right for block in blocks), default=0)
    return _Block(left, right, y, svg, goes_on)


def _step(step: FlowStep, pen: _Pen) -> _Block:
    match step:
        case IfStep():
            return _branches(step, pen)
        case ConfirmStep():
            return _confirmation(_box("confirms", step, pen), step, pen)
        case ForgetStep():
            return replace(_box("forgets", step, pen), goes_on=False)
        case CallStep(call=tool) if tool in pen.writes:
            return _box("writes", step, pen)
    return _box(_NAMED[type(step)], step, pen)


def _told(step: FlowStep, language: str) -> str:
    """What stands in a step's box."""
    match step:
        case CallStep(call=tool, args=args, into=into):
            given = ", ".join(f"{name}: {text}" for name, text in args.items())
            return f"{tool}({given})" + (f" → {into}" if into else "")
        case SetStep(set=values):
            return ", ".join(f"{name} = {value}" for name, value in values.items())
        case ForgetStep(ask_again=slots):
            return ", ".join(slots)
        case SayStep(say=words) | ConfirmStep(confirm=words) | HandOffStep(hand_off=words):
            return words_in(words, language)
        case CollectStep(collect=text) | SearchStep(search=text) | CallFlowStep(call_flow=text):
            return text
        case IfStep(condition=text):
            return text


_NAMED: dict[type, str] = {
    CollectStep: "asks",
    CallStep: "reads",
    SayStep: "says",
    SetStep: "sets",
    SearchStep: "searches",
    HandOffStep: "hands_off",
    CallFlowStep: "calls_flow",
}
_MARKS = {"confirms": "? ", "writes": "✎ ", "forgets": "↺ ", "hands_off": "→ "}
_KINDS = {
    "confirms": "graph.confirms",
    "asks": "graph.asks",
    "writes": "graph.writes",
    "reads": "graph.reads",
    "says": "graph.says",
    "sets": "graph.sets",
    "forgets": "graph.forgets",
    "searches": "graph.searches",
    "hands_off": "graph.hands_off",
    "calls_flow": "graph.calls_flow",
}


def _box(kind: str, step: FlowStep, pen: _Pen) -> _Block:
    lines = _wrapped(_told(step, pen.language))
    height = _PAD * 2 + _LINE * (len(lines) + 1)
    x, radius = -_WIDTH / 2, 14 if kind == "asks" else 4
    name = escape(_MARKS.get(kind, "") + pen.say(_KINDS[kind]))
    svg = (
        f'<rect class="box" x="{x}" y="0" width="{_WIDTH}" height="{height}" rx="{radius}"/>'
        f'<text class="kind" x="{x + 10}" y="{_PAD + 10}">{name}</text>'
        f"{_text(lines, x + 10, _PAD + _LINE)}"
    )
    return _Block(_WIDTH / 2, _WIDTH / 2, height, f'<g class="{kind}">{svg}</g>')


def _condition(text: str) -> _Block:
    lines = _wrapped(text)
    height = _PAD * 2 + _LINE * len(lines) + 6
    half, edge = _WIDTH / 2, 16
    corners = [
        (-half, height / 2), (-half + edge, 0), (half - edge, 0),
        (half, height / 2), (half - edge, height), (-half + edge, height),
    ]  # fmt: skip
    points = " ".join(f"{x:.0f},{y:.0f}" for x, y in corners)
    svg = f'<polygon class="box" points="{points}"/>{_text(lines, -half + edge + 6, _PAD + 3)}'
    return _Block(half, half, height, svg)


def _branches(step: IfStep, pen: _Pen) -> _Block:
    """The condition, its ways below it, and where they meet again."""
    head = _condition(step.condition)
    then, other = _sequence(step.then, pen), _sequence(step.otherwise, pen)
    top = head.height + _GAP + _LINE
    if not step.otherwise:
        x = max(_WIDTH / 2, 0) + _BETWEEN + then.left
        sides = [(0.0, _Block(0, 0, 0, "")), (x, then)]
        names = ["graph.no", "graph.yes"]
    else:
        sides = [(-then.right - _BETWEEN / 2, then), (other.left + _BETWEEN / 2, other)]
        names = ["graph.yes", "graph.no"]
    return _joined(head, sides, [pen.say(name) for name in names], top)


def _confirmation(head: _Block, step: ConfirmStep, pen: _Pen) -> _Block:
    """A yes goes down; a no goes to the right and ends there."""
    no = _stacked([_sequence(step.otherwise, pen), _end(pen)]) if step.otherwise else _end(pen)
    x = _WIDTH / 2 + _BETWEEN + no.left
    sides = [
        (0.0, _Block(0, 0, 0, "")),
        (x, _Block(no.left, no.right, no.height, no.svg, goes_on=False)),
    ]
    names = [pen.say("graph.yes"), pen.say("graph.no")]
    return _joined(head, sides, names, head.height + _GAP + _LINE)


def _joined(
    head: _Block, sides: Sequence[tuple[float, _Block]], names: Sequence[str], top: float
) -> _Block:
    height = top + max(block.height for _, block in sides)
    meets = height + _GAP / 2
    svg = head.svg
    for (x, block), name in zip(sides, names, strict=True):
        bend = head.height + 10
        svg += _arrow([(0, head.height), (0, bend), (x, bend), (x, top)], head=bool(block.svg))
        svg += f'<text class="kind" x="{x + 5:.0f}" y="{bend + 14:.0f}">{escape(name)}</text>'
        svg += _at(x, top, block.svg)
        if block.goes_on:
            svg += _arrow([(x, top + block.height), (x, meets), (0, meets)], head=False)
    left = max([head.left, *(block.left - x for x, block in sides)])
    right = max([head.right, *(block.right + x for x, block in sides)])
    return _Block(left, right, meets, svg, any(block.goes_on for _, block in sides))


def _end(pen: _Pen) -> _Block:
    name = escape(pen.say("graph.end"))
    svg = '<rect class="box" x="-24" y="0" width="48" height="22" rx="11"/>'
    svg += f'<text class="kind" x="0" y="15" text-anchor="middle">{name}</text>'
    return _Block(24, 24, 22, svg)


def _at(x: float, y: float, svg: str) -> str:
    return f'<g transform="translate({x:.0f} {y:.0f})">{svg}</g>' if svg else ""


def _arrow(points: Sequence[tuple[float, float]], *, head: bool = True) -> str:
    path = " ".join(f"{x:.0f},{y:.0f}" for x, y in points)
    line = f'<polyline class="way" points="{path}"/>'
    if not head:
        return line
    x, y = points[-1]
    return f'{line}<path class="head" d="M{x - 4:.0f},{y - 7:.0f} h8 L{x:.0f},{y:.0f} z"/>'


def _text(lines: Sequence[str], x: float, y: float) -> str:
    return "".join(
        f'<text x="{x:.0f}" y="{y + _LINE * number + 13:.0f}">{escape(line)}</text>'
        for number, line in enumerate(lines)
    )


def _wrapped(text: str) -> list[str]:
    lines = list(_lines(" ".join(text.split())))
    return [*lines[: _LINES - 1], f"{lines[_LINES - 1]}…"] if len(lines) > _LINES else lines or [""]


def _lines(text: str) -> Iterator[str]:
    """Broken at spaces, or anywhere where there are none near."""
    while text:
        fits = _fitting(text)
        if fits < len(text):
            space = text.rfind(" ", 0, fits + 1)
            fits = space if space > fits // 2 else fits
        yield text[:fits].strip()
        text = text[fits:].strip()


def _fitting(text: str) -> int:
    """How many letters go into a line."""
    width = 0
    for number, letter in enumerate(text):
        width += text_width(letter)
        if width > _LETTERS:
            return number
    return len(text)
