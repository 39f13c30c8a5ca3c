"""Grading by program: what a learner wrote against what is right. No model, nothing evaluated.

A grade is right, wrong, partly right, or unreadable: what cannot be read as an answer of its kind
is no wrong answer. Open questions are left to a person.
"""

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from attenda.packs.tutor.algebra import (
    NotATerm,
    Term,
    equal_terms,
    is_expanded,
    letters_of,
    read_term,
)
from attenda.packs.tutor.answers import answer_in, said_number
from attenda.packs.tutor.item import Item
from attenda.packs.tutor.numbers import Number, plain, read_number
from attenda.packs.tutor.short_answer import folded, matches, unframed
from attenda.packs.tutor.units import read_quantity, unit_of

__all__ = ["ROUNDING", "Grade", "grade", "same_number"]

ROUNDING = Fraction(1, 1000)
"""An endless decimal may be this far off."""

Verdict = Literal["right", "wrong", "partly", "unreadable", "person"]


@dataclass(frozen=True, slots=True)
class Grade:
    """What came of an answer."""

    verdict: Verdict
    score: float = 0.0
    """0 to 1."""
    mistake: str = ""
    """The misconception that a wrong answer shows."""
    remark: Literal["", "lowest", "expanded", "unit"] = ""
    """The value is right, the form that was asked for is not."""


def grade(item: Item, answer: str) -> Grade:
    """Grade an answer.

    Raises:
        AlgebraMissing: it is a term, and SymPy is not installed.
    """
    found = _GRADERS[item.kind](item, answer)
    if found.verdict == "wrong" and not found.remark:
        return Grade("wrong", found.score, _mistake(item, answer))
    return found


def same_number(number: Number, key: Fraction, tolerance: float = 0.0) -> bool:
    """Whether a written number is the key; only what has no end as a decimal may be rounded."""
    if tolerance:
        return abs(number.value - key) <= Fraction(str(tolerance))
    if number.value == key:
        return True
    return number.decimal and not _ends(key) and abs(number.value - key) <= ROUNDING


def _ends(key: Fraction) -> bool:
    """Whether it can be written as a decimal."""
    below = key.denominator
    for prime in (2, 5):
        while below % prime == 0:
            below //= prime
    return below == 1


def _right(is_so: bool) -> Grade:
    return Grade("right", 1.0) if is_so else Grade("wrong")


def _number(item: Item, answer: str) -> Grade:
    said = said_number(answer)
    if said is None:
        return Grade("unreadable")
    readings = [said]
    if item.form == "percent" and not said.percent:
        readings.append(Number(said.value / 100, True, said.decimal))
    for key in item.keys:
        if any(_is_key(one, key, item.tolerance) for one in readings):
            if item.form == "lowest" and not said.reduced:
                return Grade("wrong", remark="lowest")
            return Grade("right", 1.0)
    for key, share in item.part_scores:
        if _is_key(said, key, item.tolerance):
            return Grade("partly", share)
    return Grade("wrong")


def _is_key(said: Number, key: str, tolerance: float) -> bool:
    """A key is a number, `LOW..HIGH`, or `NUMBER:TOLERANCE`."""
    if ".." in key:
        low, high = (read_number(part) for part in key.split("..", 1))
        return low is not None and high is not None and low.value <= said.value <= high.value
    number, _, own = key.partition(":")
    wanted = read_number(number)
    return wanted is not None and same_number(said, wanted.value, float(own or tolerance))


def _quantity(item: Item, answer: str) -> Grade:
    said = read_quantity(answer) or read_quantity(answer_in(answer, _is_unit))
    keys = [read_quantity(key) for key in item.keys]
    if said is None:
        return Grade("unreadable")
    for key in keys:
        if key is None:
            continue
        if said.kind == key.kind and said.value == key.value:
            return Grade("right", 1.0)
        if not said.kind and said.value * key.factor == key.value:
            return Grade("right", 1.0) if item.form != "lowest" else Grade("wrong", remark="unit")
    return Grade("wrong")


def _is_unit(name: str) -> bool:
    return unit_of(name) is not None


def _term(item: Item, answer: str) -> Grade:
    try:
        said = read_term(answer)
    except NotATerm:
        return Grade("unreadable")
    asked = frozenset[str]().union(*(letters_of(read_term(key)) for key in item.keys))
    if answer.strip().isalpha() and not letters_of(said) <= asked:
        return Grade("unreadable")  # a word, not a product of letters
    for key in item.keys:
        if _equal(said, read_term(key)):
            if item.form == "expanded" and not is_expanded(said):
                return Grade("wrong", remark="expanded")
            return Grade("right", 1.0)
    return Grade("wrong")


def _equal(one: Term, other: Term) -> bool:
    try:
        return equal_terms(one, other)
    except NotATerm:
        return False


def _chosen(item: Item, answer: str) -> set[int] | None:
    """Options by letter, by number (where none is itself a number), or by their text."""
    words = [{folded(text) for text in one.text.values()} for one in item.options]
    by_text = {at for at, texts in enumerate(words) if folded(answer) in texts}
    if by_text:
        return by_text
    bare = plain(answer).rstrip(".)。").lstrip("(")
    letters = re.sub(r"[\s,;、和&]+(?:and\s)?", " ", bare.lower()).split()
    if "".join(letters).isascii() and all(len(one) == 1 and one.isalpha() for one in letters):
        found = {ord(one) - ord("a") for one in letters}
        if found and max(found) < len(item.options):
            return found
    numeric = any(map(str.isdigit, "".join(text for texts in words for text in texts)))
    places = re.findall(r"\d+", bare) if re.fullmatch(r"[\d\s,;、和and]+", bare) else []
    if places and not numeric and all(1 <= int(one) <= len(item.options) for one in places):
        return {int(one) - 1 for one in places}
    parts = [part for part in re.split(r"[,;、\n]| and |和", answer) if part.strip()]
    if len(parts) > 1:
        each = [
            next((at for at, texts in enumerate(words) if folded(part) in texts), -1)
            for part in parts
        ]
        return set(each) if -1 not in each else None
    near = {at for at, texts in enumerate(words) if matches(answer, texts)}
    return near if len(near) == 1 else None


def _picked(item: Item, answer: str) -> set[int] | None:
    """Options that are chosen, also where words around them only say so."""
    found = _chosen(item, answer)
    return _chosen(item, unframed(answer)) if found is None else found


def _choice(item: Item, answer: str) -> Grade:
    chosen = _picked(item, answer)
    if chosen is None or len(chosen) != 1:
        return Grade("unreadable")
    option = item.options[chosen.pop()]
    if option.right:
        return Grade("right", 1.0)
    return Grade("partly", option.share) if option.share > 0 else Grade("wrong")


def _several(item: Item, answer: str) -> Grade:
    chosen = _picked(item, answer)
    if chosen is None:
        return Grade("unreadable")
    right = {at for at, one in enumerate(item.options) if one.right}
    if chosen == right:
        return Grade("right", 1.0)
    share = sum(item.options[at].share for at in chosen)
    return Grade("partly", min(share, 0.99)) if share > 0 else Grade("wrong")


def _short(item: Item, answer: str) -> Grade:
    if not folded(answer):
        return Grade("unreadable")
    bare = unframed(answer)
    if matches(answer, item.keys) or matches(bare, item.keys, typos=False):
        return Grade("right", 1.0)
    for key, share in item.part_scores:
        if matches(answer, [key]) or matches(bare, [key], typos=False):
            return Grade("partly", share) if share > 0 else Grade("wrong")
    return Grade("wrong")


def _list(answer: str) -> list[Fraction] | None:
    parts = [
        part for part in re.split(r"[,;、\n<>]|\band\b|和|或|\bor\b", plain(answer)) if part.strip()
    ]
    read = [said_number(part) for part in parts]
    return [one.value for one in read if one is not None] if read and None not in read else None


def _set(item: Item, answer: str) -> Grade:
    said = _list(answer)
    if said is None:
        return Grade("unreadable")
    return _right(any(set(said) == set(_list(key) or []) for key in item.keys))


def _order(item: Item, answer: str) -> Grade:
    said = _list(answer)
    if said is None:
        return Grade("unreadable")
    return _right(any(said == _list(key) for key in item.keys))


def _match(item: Item, answer: str) -> Grade:
    """`1 - b, 2 - a`: places of the pairs, letters of the sorted partners."""
    pairs = re.findall(r"(\d+)\s*[-=:>→]+\s*([a-zA-Z])", plain(answer))
    partners = sorted({text for one in item.options for text in one.partner.values()})
    if not pairs or len(pairs) > len(item.options):
        return Grade("unreadable")
    right = 0
    for place, letter in pairs:
        at, to = int(place) - 1, ord(letter.lower()) - ord("a")
        if not (0 <= at < len(item.options) and to < len(partners)):
            return Grade("unreadable")
        right += partners[to] in item.options[at].partner.values()
    share = right / max(1, sum(bool(next(iter(one.text.values()), "")) for one in item.options))
    return Grade("right", 1.0) if share >= 1 else Grade("partly" if right else "wrong", share)


def _open(item: Item, answer: str) -> Grade:
    return Grade("person") if answer.strip() else Grade("unreadable")


_GRADERS = {
    "number": _number,
    "quantity": _quantity,
    "term": _term,
    "choice": _choice,
    "several": _several,
    "short": _short,
    "set": _set,
    "order": _order,
    "match": _match,
    "open": _open,
}


def _mistake(item: Item, answer: str) -> str:
    """The misconception whose answer this is; the first where two lead to the same."""
    for tag, key in item.mistakes:
        probe = Item(item.id, item.skill, item.kind, item.prompt, (key,), options=item.options)
        if item.kind in ("choice", "several"):
            chosen = _picked(item, answer)
            if chosen is not None and chosen == _chosen(item, key):
                return tag
        elif _GRADERS[item.kind](probe, answer).verdict == "right":
            return tag
    return ""
