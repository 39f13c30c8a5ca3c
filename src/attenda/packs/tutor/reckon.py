"""Expressions of course files and worked steps: exact numbers, a few functions, nothing else.

Written as in Python and parsed by its grammar, but no Python runs: what is not listed here is
refused. Numbers are fractions, so nothing is rounded; powers and sizes are bounded.
"""

import ast
import math
import operator
from collections.abc import Callable, Mapping
from fractions import Fraction

__all__ = ["BadSum", "Value", "reckon", "shown"]

Value = Fraction | str
_LONGEST, _MOST_POWER, _MOST_BITS = 200, 12, 256

_BINARY: dict[type[ast.operator], Callable[[Fraction, Fraction], Fraction]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: lambda one, other: Fraction(one // other),
    ast.Mod: operator.mod,
}
_COMPARE: dict[type[ast.cmpop], Callable[[Value, Value], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


class BadSum(ValueError):
    """It cannot be read, or does more than it may."""


def _whole(value: Fraction) -> int:
    if value.denominator != 1:
        raise BadSum(f"{value} is no whole number")
    return value.numerator


_FUNCTIONS: dict[str, Callable[..., Fraction]] = {
    "gcd": lambda *many: Fraction(math.gcd(*map(_whole, many))),
    "lcm": lambda *many: Fraction(math.lcm(*map(_whole, many))),
    "abs": abs,
    "min": min,
    "max": max,
    "top": lambda one: Fraction(one.numerator),
    "below": lambda one: Fraction(one.denominator),
}


def reckon(text: str, names: Mapping[str, Value] | None = None) -> Value:
    """What an expression comes to.

    Raises:
        BadSum: it cannot be read, names nothing, or divides by 0.
    """
    if len(text) > _LONGEST:
        raise BadSum(f"{text[:30]}… is longer than {_LONGEST} letters")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
        return _value(tree, names or {})
    except (SyntaxError, ZeroDivisionError, TypeError, RecursionError, MemoryError) as error:
        raise BadSum(f"{text}: {error}") from error


def _value(node: ast.expr, names: Mapping[str, Value]) -> Value:
    match node:
        case ast.Constant(value=bool() | None):
            raise BadSum("only numbers and words")
        case ast.Constant(value=int() | float() | str() as constant):
            return constant if isinstance(constant, str) else _bounded(Fraction(str(constant)))
        case ast.Name(id=name) if name in names:
            return names[name]
        case ast.UnaryOp(op=ast.USub() | ast.UAdd() as sign, operand=inner):
            value = _number(inner, names)
            return -value if isinstance(sign, ast.USub) else value
        case ast.IfExp(test=test, body=then, orelse=otherwise):
            return _value(then if _holds(test, names) else otherwise, names)
        case ast.BinOp(left=left, op=ast.Pow(), right=right):
            return _power(_number(left, names), _number(right, names))
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
            return _bounded(_BINARY[type(op)](_number(left, names), _number(right, names)))
        case ast.Call(func=ast.Name(id=name), args=parts, keywords=[]) if name in _FUNCTIONS:
            return _FUNCTIONS[name](*(_number(part, names) for part in parts))
    raise BadSum(f"{ast.unparse(node)[:40]} has no place there")


def _holds(node: ast.expr, names: Mapping[str, Value]) -> bool:
    match node:
        case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _COMPARE:
            return _COMPARE[type(op)](_value(left, names), _value(right, names))
    raise BadSum(f"{ast.unparse(node)[:40]} is no comparison")


def _number(node: ast.expr, names: Mapping[str, Value]) -> Fraction:
    value = _value(node, names)
    if isinstance(value, str):
        raise BadSum(f"“{value}” is no number")
    return value


def _power(base: Fraction, exponent: Fraction) -> Fraction:
    if not 0 <= exponent <= _MOST_POWER:
        raise BadSum(f"a power goes from 0 to {_MOST_POWER}")
    return _bounded(Fraction(base ** _whole(exponent)))


def _bounded(value: Fraction) -> Fraction:
    if max(value.numerator.bit_length(), value.denominator.bit_length()) > _MOST_BITS:
        raise BadSum("the number is too large")
    return value


def shown(value: Value) -> str:
    """A value as it is written: whole, as a decimal where it is short, else as a fraction."""
    if isinstance(value, str) or value.denominator == 1:
        return str(value)
    return f"{value.numerator}/{value.denominator}"


def decimal(value: Fraction) -> str:
    """A value as a decimal; BadSum where it has no end within six places."""
    scaled = value * 10**6
    if scaled.denominator != 1:
        raise BadSum(f"{value} has no short decimal")
    whole, part = divmod(abs(scaled.numerator), 10**6)
    digits = f"{part:06}".rstrip("0")
    return f"{'-' if value < 0 else ''}{whole}{'.' if digits else ''}{digits}"
