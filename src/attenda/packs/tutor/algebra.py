"""Terms of school algebra: read by our own small grammar, compared exactly by SymPy.

Nothing a learner types is ever evaluated. A text becomes a tree of numbers, letters, sums,
products, quotients and small powers, or it is refused; the tree is bounded in letters, depth,
degree and number of terms before SymPy sees it, so that a comparison ends soon.
"""

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

from attenda.packs.tutor.numbers import plain

__all__ = [
    "AlgebraMissing",
    "NotATerm",
    "Term",
    "equal_terms",
    "is_expanded",
    "letters_of",
    "read_term",
    "value_at",
]

_LONGEST, _DEEPEST, _DIGITS = 120, 24, 9
_MOST_POWER, _MOST_DEGREE, _MOST_TERMS, _MOST_LETTERS, _MOST_QUOTIENTS = 9, 12, 2000, 3, 4
_TOKEN = re.compile(r"\s*(?:(\d+(?:\.\d+)?|\.\d+)|(sqrt|√)|([a-zA-Z])|(\*\*|[-+*/^()=]))")


class NotATerm(ValueError):
    """It cannot be read as a term, or is larger than any answer needs to be."""


class AlgebraMissing(RuntimeError):
    """SymPy is not installed."""


@dataclass(frozen=True, slots=True)
class Term:
    """A tree: a number, a letter, or an operation on one or two parts."""

    kind: Literal["number", "letter", "+", "-", "*", "/", "^", "neg", "sqrt"]
    value: Fraction | str = ""
    parts: tuple["Term", ...] = ()
    degree: int = 0
    """The highest power that may come out, counted before anything is worked out."""
    terms: int = 1
    """How many summands it may have once multiplied out."""


def read_term(text: str) -> Term:
    """A term, or the right side of "x = …".

    Raises:
        NotATerm: it is none, or too large.
    """
    said = plain(text).rstrip(".。!！")
    if len(said) > _LONGEST:
        raise NotATerm("longer than any answer here")
    tokens = _tokens(said)
    if len(tokens) > 2 and tokens[1] == "=" and tokens[0].isalpha():
        tokens = tokens[2:]
    reader = _Reader(tokens)
    found = reader.sum(0)
    if reader.left:
        raise NotATerm(f"{reader.left[0]} has no place there")
    return found


def _tokens(text: str) -> list[str]:
    found, at = [], 0
    while at < len(text.rstrip()):
        token = _TOKEN.match(text, at)
        if token is None:
            raise NotATerm(f"{text[at]!r} is no part of a term")
        found.append(next(part for part in token.groups() if part))
        at = token.end()
    if not found:
        raise NotATerm("there is nothing")
    if any(sum(map(str.isdigit, one)) > _DIGITS for one in found):
        raise NotATerm("a number has too many digits")
    if len({one for one in found if len(one) == 1 and one.isalpha()}) > _MOST_LETTERS:
        raise NotATerm("too many letters")
    return ["sqrt" if one == "√" else "^" if one == "**" else one for one in found]


class _Reader:
    """Recursive descent over tokens; a product needs no sign (2x, 3(x + 1))."""

    def __init__(self, tokens: list[str]) -> None:
        self.left = tokens
        self.quotients = 0

    def next(self) -> str:
        return self.left[0] if self.left else ""

    def take(self) -> str:
        if not self.left:
            raise NotATerm("it ends too early")
        first, self.left = self.left[0], self.left[1:]
        return first

    def sum(self, depth: int) -> Term:
        if depth > _DEEPEST:
            raise NotATerm("too many brackets")
        found = self.product(depth)
        while self.next() in ("+", "-"):
            sign = self.take()
            found = _joined(sign, found, self.product(depth))
        return found

    def product(self, depth: int) -> Term:
        found = self.signed(depth)
        while self.next():
            if self.next() in ("*", "/"):
                sign, right = self.take(), self.signed(depth)
                self.quotients += sign == "/" and right.degree > 0
                if self.quotients > _MOST_QUOTIENTS:
                    raise NotATerm("too many quotients")
                found = _joined(sign, found, right)
            elif self.next() == "(" or self.next()[0].isalnum():
                found = _joined("*", found, self.power(depth))
            else:
                break
        return found

    def signed(self, depth: int) -> Term:
        if self.next() in ("+", "-"):
            if depth > _DEEPEST:
                raise NotATerm("too many signs")
            sign, inner = self.take(), self.signed(depth + 1)
            return inner if sign == "+" else Term("neg", "", (inner,), inner.degree, inner.terms)
        return self.power(depth)

    def power(self, depth: int) -> Term:
        base = self.atom(depth)
        if self.next() != "^":
            return base
        self.take()
        exponent = self.atom(depth)
        if exponent.kind != "number" or self.next() == "^":
            raise NotATerm("a power needs a plain number")
        assert isinstance(exponent.value, Fraction)
        times = exponent.value
        if times.denominator != 1 or not 0 <= times <= _MOST_POWER:
            raise NotATerm(f"a power goes from 0 to {_MOST_POWER}")
        many = int(times)
        return _bounded(
            Term("^", "", (base, exponent), base.degree * many, max(1, base.terms) ** max(1, many))
        )

    def atom(self, depth: int) -> Term:
        first = self.take()
        if first == "(":
            inner = self.sum(depth + 1)
            if self.take() != ")":
                raise NotATerm("a bracket is not closed")
            return inner
        if first == "sqrt":
            inner = self.atom(depth + 1)
            if inner.kind != "number":
                raise NotATerm("a root needs a plain number")
            return Term("sqrt", "", (inner,))
        if first[0].isdigit() or first[0] == ".":
            return Term("number", Fraction(first))
        if first.isalpha():
            return Term("letter", first.lower(), (), 1)
        raise NotATerm(f"{first} has no place there")


def _joined(sign: str, left: Term, right: Term) -> Term:
    if sign in "+-":
        degree, terms = max(left.degree, right.degree), left.terms + right.terms
    else:
        degree, terms = left.degree + right.degree, left.terms * right.terms
    return _bounded(Term(sign, "", (left, right), degree, terms))  # type: ignore[arg-type]


def _bounded(term: Term) -> Term:
    if term.degree > _MOST_DEGREE or term.terms > _MOST_TERMS:
        raise NotATerm("larger than any answer here")
    return term


def _sympy() -> Any:
    try:
        import sympy
    except ImportError as error:
        raise AlgebraMissing("pip install -e '.[tutor]'") from error
    return sympy


def _as_sympy(term: Term, sympy: Any) -> Any:
    parts = [_as_sympy(one, sympy) for one in term.parts]
    if isinstance(term.value, Fraction):
        return sympy.Rational(term.value.numerator, term.value.denominator)
    if term.kind == "letter":
        return sympy.Symbol(term.value)
    if term.kind == "sqrt":
        return sympy.sqrt(parts[0])
    if term.kind == "neg":
        return -parts[0]
    if term.kind == "/" and parts[1] == 0:
        raise NotATerm("nothing can be divided by 0")
    return _OPERATIONS[term.kind](*parts)


_OPERATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "^": operator.pow,
}


def equal_terms(one: Term, other: Term) -> bool:
    """Whether two terms are equal for all values of their letters.

    Raises:
        AlgebraMissing: SymPy is not installed.
        NotATerm: something is divided by nothing.
    """
    sympy = _sympy()
    difference = _as_sympy(one, sympy) - _as_sympy(other, sympy)
    if difference.has(sympy.zoo, sympy.nan, sympy.oo):
        raise NotATerm("nothing can be divided by 0")
    top, _ = sympy.fraction(sympy.together(difference))
    return bool(sympy.expand(top) == 0)


def is_expanded(term: Term) -> bool:
    """Whether nothing is left to multiply out: no sum stands within a product or a power."""
    sums = ("+", "-")
    if term.kind in ("*", "/", "^") and any(
        part.kind in sums or (part.kind == "neg" and part.parts[0].kind in sums)
        for part in term.parts
    ):
        return False
    if term.kind == "neg" and term.parts[0].kind in sums:
        return False
    return all(map(is_expanded, term.parts))


def value_at(term: Term, letters: dict[str, Fraction]) -> Fraction | None:
    """The exact value of a term for values of its letters; nothing for roots and divisions by 0.

    A cheap look before (or, where being too careful does no harm, instead of) a comparison.
    """
    if isinstance(term.value, Fraction):
        return term.value
    if term.kind == "letter":
        return letters.get(term.value)
    parts = [value_at(one, letters) for one in term.parts]
    known = [one for one in parts if one is not None]
    if len(known) < len(parts) or term.kind == "sqrt" or (term.kind == "/" and not known[1]):
        return None
    if term.kind == "neg":
        return -known[0]
    return Fraction(_OPERATIONS[term.kind](*known))


def letters_of(term: Term) -> frozenset[str]:
    """The letters in a term."""
    own = {str(term.value)} if term.kind == "letter" else set()
    return frozenset(own.union(*map(letters_of, term.parts)))
