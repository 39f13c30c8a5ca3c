"""A value found in a message, with the place and the words that said it.

Offsets are code points of the message as it was written. Full-width digits and letters, which
Chinese keyboards write, are read as their plain forms; one code point stays one code point.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

__all__ = ["Found", "first_of_overlapping", "folded", "outside"]

T = TypeVar("T")
Value = TypeVar("Value", covariant=True)

_PLAIN_FORMS = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
_PLAIN_FORMS |= {0x3000: 0x20, 0xFFE5: 0xA5, 0x2019: 0x27, 0xA0: 0x20, 0x202F: 0x20}
_CAPITALS = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}


@dataclass(frozen=True, slots=True)
class Found(Generic[Value]):
    """One value that the user said."""

    value: Value
    start: int
    """First code point of the words."""
    end: int
    """One past the last."""
    words: str
    """The message between both."""


def folded(text: str) -> str:
    """`text` in plain forms and small Latin letters, of the same length.

    `str.lower` won't do: it makes two code points of some letters, and spans would drift.
    """
    return text.translate(_PLAIN_FORMS).translate(_CAPITALS)


def first_of_overlapping(found: Iterable[Found[T]]) -> list[Found[T]]:
    """In reading order, the longest where several begin together or overlap with an earlier one."""
    kept: list[Found[T]] = []
    for one in sorted(found, key=lambda each: (each.start, -each.end)):
        if not kept or one.start >= kept[-1].end:
            kept.append(one)
    return kept


def outside(found: Iterable[Found[T]], taken: Iterable[Found[object]]) -> list[Found[T]]:
    """Those of `found` that share no code point with `taken`."""
    spans = [(each.start, each.end) for each in taken]
    return [
        one for one in found if all(one.end <= start or end <= one.start for start, end in spans)
    ]
