r"""Ids, e-mail addresses and phone numbers in a user's words.

An id is found by the pattern of the pack that gives it out, such as `O-\d{4}`, however a person
types it: o1042, "O 1042", "o – 1042". Whether it exists is another room's question.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from attenda.dialogue.extract_span import Found, first_of_overlapping, folded

__all__ = ["emails", "ids", "phones"]

_PIECE = re.compile(
    r"(?P<kind>\\[dw]|\[[^\]\\]+\]|\\?[-_/. ]|\\?[A-Za-z0-9#])"
    r"(?P<times>\{\d{1,2}(?:,\d{1,2})?\}|[?+])?"
)
_SEPARATORS = r"[\s_/.\-\u2010-\u2015]*"
_WORDY = r"[^\W\u3400-\u9fff]"
"""A sign of a word; Chinese is written up to a number or an address without a space."""
_EMAIL = re.compile(
    rf"(?<!{_WORDY})(?<![.+%-])[a-z0-9][a-z0-9._%+-]{{0,63}}@"
    r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,24}"
    r"(?![a-z0-9-])"
)
_PHONE = re.compile(
    rf"(?<!{_WORDY})(?<![.,/€$£¥#-])"
    r"(?:\+|00)?\(?[0-9](?:[\s().\-/]{0,2}[0-9]){6,14}"
    rf"(?!{_WORDY}|[%€$£元块]|[.,/-][0-9])"
)
_NO_PHONE = re.compile(
    r".*(?:[0-9]{4}[-./][0-9]{1,2}[-./][0-9]{1,2}|[0-9]{1,2}[-./][0-9]{1,2}[-./][0-9]{4}).*"
    r"|[0-9]{1,3}(?:[.,][0-9]{3})+"
)
"""Dates, and numbers with grouped digits."""
_FEWEST_DIGITS, _MOST_DIGITS = 7, 15


@dataclass(frozen=True, slots=True)
class _Part:
    """One element of an id's pattern."""

    text: str
    separator: bool
    letters: bool
    """A capital or small letter as such, whose case is put right."""


def ids(text: str, pattern: str) -> list[Found[str]]:
    r"""What in `text` has the form of `pattern`, each value written as the pattern writes it.

    `pattern` is made of letters, digits, the marks - _ / . and space, `\d`, `\w` and classes such
    as `[A-Z]`, each with `{n}`, `{n,m}`, `?` or `+` if need be; several are parted by `|`, and the
    longest counts. Case does not count, nor do spaces, nor that a mark is missing or another one.

    Raises:
        ValueError: the pattern has anything else in it.
    """
    found = [one for way in pattern.split("|") for one in _of_one_form(text, way.strip())]
    return first_of_overlapping(found)


def _of_one_form(text: str, pattern: str) -> list[Found[str]]:
    parts, tolerant = _form(pattern)
    return [
        Found(_canonical(match, parts), *match.span(), text[slice(*match.span())])
        for match in tolerant.finditer(folded(text))
    ]


@lru_cache(maxsize=256)
def _form(pattern: str) -> tuple[list[_Part], re.Pattern[str]]:
    parts = list(_parts(pattern))
    return parts, re.compile(rf"(?<![a-z0-9]){_tolerant(parts)}(?![a-z0-9])")


def _parts(pattern: str) -> Iterator[_Part]:
    at = 0
    while at < len(pattern):
        match = _PIECE.match(pattern, at)
        if match is None:
            raise ValueError(f"the pattern {pattern!r} can't be read from character {at + 1} on")
        kind, times = match["kind"], match["times"] or ""
        literal = kind.removeprefix("\\") if kind[-1] not in "dw]" or len(kind) == 1 else ""
        separator = literal in tuple("-_/. ")
        yield _Part(
            (literal if separator else kind) + ("" if separator else times),
            separator,
            literal.isalpha(),
        )
        at = match.end()


def _tolerant(parts: list[_Part]) -> str:
    """Write it for small letters: marks may be missing, a space may part letter and digit."""
    written: list[str] = []
    for before, part in zip([None, *parts], parts, strict=False):
        if part.separator:
            written.append(f"(?:{_SEPARATORS})")
            continue
        if before and not before.separator and before.letters != part.letters:
            written.append(r"\s?")
        body = part.text if part.text.startswith("\\") else part.text.lower()
        written.append(
            f"({body.replace(chr(92) + 'w', '[a-z0-9]').replace(chr(92) + 'd', '[0-9]')})"
        )
    return "".join(written)


def _canonical(match: re.Match[str], parts: list[_Part]) -> str:
    said = iter(match.groups())
    return "".join(part.text if part.separator else _cased(part, next(said)) for part in parts)


def _cased(part: _Part, said: str) -> str:
    """`said` in capitals where the pattern has capitals."""
    return said.upper() if any("A" <= letter <= "Z" for letter in part.text) else said


def emails(text: str) -> list[Found[str]]:
    """The e-mail addresses in `text`, in small letters."""
    return [
        Found(match.group(), *match.span(), text[slice(*match.span())])
        for match in _EMAIL.finditer(folded(text))
    ]


def phones(text: str) -> list[Found[str]]:
    """The phone numbers in `text`: the digits alone, after a + where a country's code is said."""
    found = []
    for match in _PHONE.finditer(folded(text)):
        digits = re.sub(r"[^0-9]", "", match.group())
        if _NO_PHONE.fullmatch(match.group()) or not _FEWEST_DIGITS <= len(digits) <= _MOST_DIGITS:
            continue
        international = match.group().startswith(("+", "00"))
        value = "+" + digits.removeprefix("00") if international else digits
        found.append(Found(value, *match.span(), text[slice(*match.span())]))
    return first_of_overlapping(found)
