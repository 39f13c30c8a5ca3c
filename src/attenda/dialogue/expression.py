"""Expressions in flows: names, fields, comparisons, arithmetic; each answer carries its label.

Written as in Python (`order.total > 200 and not order.final_sale`) and parsed by its grammar, but
no Python runs: what is not listed here is refused when a flow is loaded. Numbers are decimals.
"""

import ast
import operator
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal, DivisionByZero, InvalidOperation
from typing import Any

from pydantic import JsonValue

from attenda.core.label import SYSTEM, Label, Labelled, join, join_all

__all__ = ["BadExpression", "Expression", "fill", "names_in_text", "parse", "value_of"]

_COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda one, many: one in many if many is not None else False,
    ast.NotIn: lambda one, many: one not in many if many is not None else True,
}
_ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_NODES = (
    ast.Expression,
    ast.BoolOp,
    ast.And,
    ast.Or,
    ast.UnaryOp,
    ast.Not,
    ast.USub,
    ast.Compare,
    *_COMPARISONS,
    ast.BinOp,
    *_ARITHMETIC,
    ast.Name,
    ast.Attribute,
    ast.Load,
    ast.Constant,
    ast.List,
    ast.Tuple,
)
_MOST_LETTERS = 400


class BadExpression(ValueError):
    """It is not an expression that a flow may hold, or its values do not fit it."""


class Expression:
    """One expression, checked."""

    def __init__(self, text: str, tree: ast.expr) -> None:
        self.text = text
        self._tree = tree
        self.names = frozenset(n.id for n in ast.walk(tree) if isinstance(n, ast.Name))
        """Names that it reads."""
        self.compared = frozenset(_compared(tree))
        """Names that are held against a text, each with it."""

    def value(self, names: Mapping[str, Labelled]) -> Labelled:
        """What it comes to; a name that has no value, and a field of nothing, is nothing.

        Raises:
            BadExpression: its values cannot be compared or reckoned with.
        """
        try:
            return _value(self._tree, names)
        except (TypeError, InvalidOperation, DivisionByZero) as error:
            raise BadExpression(f"{self.text}: {error}") from error


def parse(text: str) -> Expression:
    """Read an expression.

    Raises:
        BadExpression: it cannot be read, or does more than it may.
    """
    if len(text) > _MOST_LETTERS:
        raise BadExpression(f"{text[:40]}…: longer than {_MOST_LETTERS} letters")
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise BadExpression(f"{text}: not an expression") from error
    for node in ast.walk(tree):
        if not isinstance(node, _NODES) or getattr(node, "attr", "").startswith("_"):
            raise BadExpression(f"{text}: {type(node).__name__} has no place in a flow")
        if isinstance(node, ast.Constant):
            _json(node.value)
    return Expression(text.strip(), tree.body)


def _compared(tree: ast.expr) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            parts = [node.left, *node.comparators]
            lists = [one for one in parts if isinstance(one, ast.List | ast.Tuple)]
            texts = [*parts, *(each for one in lists for each in one.elts)]
            for one in parts:
                if isinstance(one, ast.Name):
                    yield from (
                        (one.id, text.value)
                        for text in texts
                        if isinstance(text, ast.Constant) and isinstance(text.value, str)
                    )


def _value(node: ast.expr, names: Mapping[str, Labelled]) -> Labelled:
    match node:
        case ast.Constant(value=constant):
            return Labelled(value=_json(constant), label=SYSTEM)
        case ast.Name(id=name):
            return names.get(name, Labelled(value=None, label=SYSTEM))
        case ast.Attribute(value=inner, attr=field):
            return _field(_value(inner, names), field)
        case ast.List(elts=parts) | ast.Tuple(elts=parts):
            found = [_value(part, names) for part in parts]
            return _made([one.value for one in found], *found)
        case ast.UnaryOp(op=ast.Not(), operand=inner):
            one = _value(inner, names)
            return _made(not one.value, one)
        case ast.UnaryOp(operand=inner):
            one = _value(inner, names)
            return _made(_json(-_number(one.value)), one)
        case ast.BinOp(left=left, op=op, right=right):
            one, other = _value(left, names), _value(right, names)
            found_number = _ARITHMETIC[type(op)](_number(one.value), _number(other.value))
            return _made(_json(found_number), one, other)
        case ast.BoolOp(op=op, values=parts):
            return _all_or_any(isinstance(op, ast.And), parts, names)
        case ast.Compare(left=left, ops=ops, comparators=others):
            found = [_value(part, names) for part in (left, *others)]
            holds = all(
                _compare(op, one.value, other.value)
                for op, one, other in zip(ops, found, found[1:], strict=False)
            )
            return _made(holds, *found)
    raise BadExpression(type(node).__name__)


def _all_or_any(every: bool, parts: list[ast.expr], names: Mapping[str, Labelled]) -> Labelled:
    """As in Python, the first value that decides; its label counts those that were looked at."""
    seen: list[Labelled] = []
    for part in parts:
        seen.append(_value(part, names))
        if bool(seen[-1].value) is not every:
            break
    return _made(seen[-1].value, *seen)


def _field(record: Labelled, name: str) -> Labelled:
    value = record.value.get(name) if isinstance(record.value, dict) else None
    label = join(record.label, record.fields[name]) if name in record.fields else record.label
    return Labelled(value=value, label=label)


def _made(value: JsonValue, *parts: Labelled) -> Labelled:
    return Labelled(value=value, label=join_all(part.whole_label for part in parts))


def _compare(op: ast.cmpop, one: JsonValue, other: JsonValue) -> bool:
    """Numbers by size, also where one is written as text; all else as it is."""
    if isinstance(op, ast.In | ast.NotIn):
        return _COMPARISONS[type(op)](one, other)
    first, second = _number_or_none(one), _number_or_none(other)
    if first is not None and second is not None:
        return _COMPARISONS[type(op)](first, second)
    if isinstance(op, ast.Eq | ast.NotEq):
        return _COMPARISONS[type(op)](one, other)
    if one is None or other is None:
        return False  # what is unknown is neither more nor less
    return _COMPARISONS[type(op)](one, other)


def _number_or_none(value: JsonValue) -> Decimal | None:
    try:
        return _number(value)
    except (TypeError, InvalidOperation):
        return None


def _number(value: JsonValue) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise TypeError(f"{value!r} is no number")
    return Decimal(str(value))


def _json(value: Any) -> JsonValue:
    """Numbers are kept as they are written, so that no cent is lost."""
    if isinstance(value, Decimal | float):
        return str(value)
    if value is None or isinstance(value, bool | int | str):
        return value
    raise BadExpression(f"{value!r} has no place in a flow")


def names_in_text(text: str) -> frozenset[str]:
    """Names that `{…}` places of a text read.

    Raises:
        BadExpression: a place cannot be read.
    """
    return frozenset(name for _, place in _pieces(text) if place for name in place.names)


def fill(text: str, names: Mapping[str, Labelled]) -> tuple[str, Label]:
    """A text with its `{…}` places filled, and the label of what stands in it.

    Raises:
        BadExpression: a place cannot be read.
    """
    words: list[str] = []
    labels: list[Label] = []
    for plain, place in _pieces(text):
        words.append(plain)
        if place is not None:
            try:
                found = place.value(names)
            except BadExpression:  # the rest of the sentence can still be said
                read = [names[name].whole_label for name in place.names if name in names]
                found = Labelled(value=None, label=join_all(read))
            words.append(_shown(found.value))
            labels.append(found.whole_label)
    return "".join(words), join_all(labels)


def value_of(text: str, known: Mapping[str, Labelled]) -> Labelled:
    """What an expression comes to; nothing where its values do not fit it.

    A flow does not end by it: whether it goes on must not depend on what a stranger wrote.
    """
    expression = parse(text)
    try:
        return expression.value(known)
    except BadExpression:
        labels = [known[name].whole_label for name in expression.names if name in known]
        return Labelled(value=None, label=join_all(labels))


def _pieces(text: str) -> list[tuple[str, Expression | None]]:
    """Plain text and the place after it, again and again."""
    pieces: list[tuple[str, Expression | None]] = []
    rest = text
    while "{" in rest:
        plain, _, rest = rest.partition("{")
        inside, closed, rest = rest.partition("}")
        if not closed:
            raise BadExpression(f"{text}: a brace is not closed")
        pieces.append((plain, parse(inside)))
    return [*pieces, (rest, None)]


def _shown(value: JsonValue) -> str:
    if value is None:
        return "—"
    if isinstance(value, list):
        return ", ".join(_shown(one) for one in value)
    return str(value)
