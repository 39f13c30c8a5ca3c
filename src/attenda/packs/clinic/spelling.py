"""Slips of typing in English words, mended against the words that are known here. Pure.

A word that is not known is taken for the one known word from which a single slip parts it: a
letter too few or in the wrong place, a doubled one, "in" for "ing". Short words stay as they are.
"""

import re
from collections.abc import Iterable

__all__ = ["Speller"]

_SHORTEST = 5
_WORD = re.compile(r"[a-z]+(?:'[a-z]+)?")
_LATIN_WORD = re.compile(r"[a-z]+")

_ORDINARY = frozenset(
    (
        "table tables three weigh weighs tried form forms eight rise though bought lose sleep "
        "bother gaps force lots stem sentence thing problem quit moth sports hear heat seat "
        "tied diary trail trial angle quite quiet their untied casual angel does dose caned "
        "since sine wile while were where board broad crate barely rarely collapse operate "
        "breast beast cheat chat sweet star stars tar left felt slat salt lift calm clam beard "
        "bread spilt split slit silt tings sting stings loud cloud fame flame"
    ).split()
)
"""Words of the language that are no slip of another one."""


class Speller:
    """Mends a text; every place of the mended text is known in the written one."""

    def __init__(self, phrases: Iterable[str]) -> None:
        self._known = {word for one in phrases for word in _LATIN_WORD.findall(one)}
        self._slips: dict[str, set[str]] = {}
        for word in self._known:
            for slip in _slips_of(word):
                self._slips.setdefault(slip, set()).add(word)

    def mended(self, text: str) -> tuple[str, list[int]]:
        """The text with its slips mended, and for each of its places that in `text`.

        The list has one place more, for the end.
        """
        parts: list[str] = []
        places: list[int] = []
        last = 0
        for one in _WORD.finditer(text):
            word = self._meant(one.group())
            if word != one.group():
                parts += [text[last : one.start()], word]
                places += range(last, one.start())
                places += [one.start(), *[one.end() - 1] * (len(word) - 1)]
                last = one.end()
        parts.append(text[last:])
        places += range(last, len(text) + 1)
        return "".join(parts), places

    def _meant(self, word: str) -> str:
        if word in self._known or word in _ORDINARY:
            return word
        if word.endswith("in") and word + "g" in self._known:
            return word + "g"
        meant = self._slips.get(word, set())
        return next(iter(meant)) if len(meant) == 1 else word


def _slips_of(word: str) -> set[str]:
    """What one slip after its first letter makes of a word."""
    if len(word) < _SHORTEST - 1:
        return set()
    few = {
        word[:at] + word[at + 1 :] for at in range(1, len(word))
        if len(word) > _SHORTEST or (len(word) == _SHORTEST and word[at] in "aeiou")
    }  # fmt: skip
    swapped = {
        word[:at] + word[at + 1] + word[at] + word[at + 2 :] for at in range(1, len(word) - 1)
    }
    doubled = {word[:at] + word[at] + word[at:] for at in range(1, len(word))}
    if len(word) < _SHORTEST:
        return swapped - {word}
    return (few | swapped | doubled) - {word}
