"""The hint ladder, and the guard that no answer gets through before it may.

The ladder is a program: which rung comes next is counted in `rules`, not asked of a model. Every
text is looked through for the answer in all forms that are known here (equal numbers and terms,
words in six languages, base64, reversed, rot13) before it is shown.
"""

import base64
import binascii
import codecs
import re
from collections.abc import Iterator
from fractions import Fraction

from attenda.packs.tutor.algebra import NotATerm, Term, letters_of, read_term, value_at
from attenda.packs.tutor.foreign_numbers import foreign_numbers
from attenda.packs.tutor.grade import same_number
from attenda.packs.tutor.item import Item, Texts, text_in
from attenda.packs.tutor.numbers import numbers_in, plain, read_number
from attenda.packs.tutor.rules import BOTTOM_OUT
from attenda.packs.tutor.short_answer import folded
from attenda.packs.tutor.units import read_quantity

__all__ = ["hint_text", "leaks"]

_POINTS = (Fraction(7, 3), Fraction(-5, 7), Fraction(11, 2))
"""Where terms are compared; two that agree at three such places are taken for equal."""
_LONGEST = 20_000
"""Letters that are looked through at once; a longer text in pieces that overlap."""
_OVERLAP = 1000
_NEAR = 0.005
"""A decimal that is so near to the answer, in shares of it, gives it away."""


def hint_text(item: Item, level: int, language: str, about_mistake: Texts | None = None) -> str:
    """The words of a rung, never with the answer below the last one.

    Args:
        item: the exercise.
        level: 1 to 4.
        language: of the learner.
        about_mistake: what to think over after the last wrong answer; put before the rung.

    Returns "" where the exercise has no such rung, or its words would tell the answer.
    """
    if level >= BOTTOM_OUT:
        return text_in(item.solution, language) or ", ".join(item.keys[:1])
    before = text_in(about_mistake or {}, language)
    text = text_in(item.hints[level - 1], language) if level <= len(item.hints) else ""
    safe = [part for part in (before, text) if part and not leaks(item, part, hidden=False)]
    return " ".join(safe)


def leaks(item: Item, text: str, hidden: bool = True) -> bool:
    """Whether a text has the answer of an exercise, in whatever form.

    Args:
        item: the exercise.
        text: what would be shown.
        hidden: look for what is written backwards or encoded too; of a model's words always,
            of hints that people wrote for the course not.
    """
    if not hidden:
        return _tells(item, text)
    pieces = (text[at : at + _LONGEST] for at in range(0, len(text) or 1, _LONGEST - _OVERLAP))
    return any(_tells(item, one) for piece in pieces for one in _readings(piece))


def _readings(text: str) -> Iterator[str]:
    """The text, and what it hides."""
    yield text
    yield text[::-1]
    yield codecs.encode(text, "rot13")
    yield re.sub(r"(?<=\b\w)[\s.·-](?=\w\b)", "", text)  # f i v e
    for token in re.findall(r"[A-Za-z0-9+/]{4,}={0,2}", text):
        try:
            yield base64.b64decode(token + "=" * (-len(token) % 4), validate=True).decode("utf-8")
        except (binascii.Error, UnicodeDecodeError):
            continue
    for token in re.findall(r"\b0[bxo][0-9a-f]+\b", text.lower()):
        try:
            yield str(int(token[:20], 0))
        except ValueError:
            continue


def _tells(item: Item, text: str) -> bool:
    match item.kind:
        case "number":
            return _tells_number(item, text)
        case "quantity":
            bare = [str(one.value / one.factor) for key in item.keys if (one := read_quantity(key))]
            return _tells_number(item, text, [*bare, *item.keys])
        case "term":
            return any(_tells_term(read_term(key), text) for key in item.keys)
        case "choice" | "several":
            return _tells_choice(item, text)
        case "short":
            said = f" {folded_all(text)} "
            return any(
                f" {folded(key)} " in said for key in item.keys if folded(key) and "*" not in key
            )
        case "set" | "order":
            wanted = {one.value for key in item.keys for one in numbers_in(key)}
            return bool(wanted) and wanted <= {one.value for one in numbers_in(text)}
    return False


def folded_all(text: str) -> str:
    """A long text as short answers are compared, piece by piece."""
    return " ".join(folded(text[at : at + 200]) for at in range(0, len(text), 150))


def _tells_number(item: Item, text: str, keys: list[str] | None = None) -> bool:
    found = numbers_in(text)
    values = {one.value for one in found} | set(foreign_numbers(text))
    for key in keys or list(item.keys):
        read = read_number(key.partition(":")[0])
        if read is None:
            continue
        wanted = read.value
        if wanted in values or (item.form == "percent" and wanted * 100 in values):
            return True
        near = max(float(abs(wanted)) * _NEAR, item.tolerance)
        if any(same_number(one, wanted, near) for one in found if one.decimal):
            return True
    return False


def _tells_choice(item: Item, text: str) -> bool:
    """It names the right option and not all the others, or its letter as the answer."""
    said = f" {folded_all(text)} "
    named = [
        any(f" {folded(t)} " in said for t in one.text.values() if folded(t))
        for one in item.options
    ]
    right = {at for at, one in enumerate(item.options) if one.right}
    letters = re.findall(
        r"(?:answer|option|choice|答案|选项?)\W*(?:is|:|是)?\s*\(?([a-z])\b", text.lower()
    )
    if any(ord(one) - ord("a") in right for one in letters):
        return True
    return any(named[at] for at in right) and not all(named)


def _tells_term(key: Term, text: str) -> bool:
    letters = letters_of(key)
    wanted = _values(key, letters)
    return any(_values(one, letters) == wanted for one in _terms(text, letters))


def _values(term: Term, letters: frozenset[str]) -> tuple[Fraction | None, ...]:
    return tuple(
        value_at(term, {one: point + at for at, one in enumerate(sorted(letters))})
        for point in _POINTS
    )


def _terms(text: str, letters: frozenset[str]) -> Iterator[Term]:
    """What within a text can be read as terms in these letters: whole runs and parts of them."""
    marks = "".join(sorted(letters))
    for run in re.findall(
        rf"(?:[\d+\-*/^().\s]|\b[{marks or '#'}]+\b|(?<=\d)[{marks or '#'}])+", plain(text).lower()
    ):
        tokens = re.findall(r"\d+(?:\.\d+)?|\*\*|\S", run)[:40]
        for at in range(len(tokens)):
            for end in range(at + 1, min(len(tokens), at + 14) + 1):
                try:
                    yield read_term(" ".join(tokens[at:end]))
                except NotATerm:
                    continue
