"""Whether a number in an English clause is an answer, by the words around it.

Nothing but small words follows an answer, and what stands before it is about the exercise: from the
nearest subject on, every word is one of `answer_words.toml`, slips of typing allowed. Pure.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

from attenda.packs.tutor.answer_words import CALCULATION, NUMBER, english_words, ways
from attenda.packs.tutor.short_answer import distance

__all__ = ["english_answers", "is_slip"]

_SHORTEST_SLIP, _LONG = 4, 6
"""Letters of a word that may be mistyped, and of one in which a letter may be a wrong one."""
_NEAR = 5
"""Words from a "don't think" to the number that it denies, at most."""
_ASKS = re.compile(
    r"\b(?:why|who|whos|whose|whether|where(?! i\b)|when(?! (?:i|we|you)\b)"
    r"|how(?! (?:about|i)\b)|whats?(?! (?:i|ive|id|im|we|comes?|came|about)\b))\b"
    r"|\b(?:can|could|will|would) (?:you|u)\b"
    r"(?!.*\b(?:take|put|note|write|record|enter|accept|mark)\b)"
    r"|\b(?:can|could|may) (?:i|we) (?:please )?(?:have|get|do|see)\b"
    r"|\b(?:give|show|tell|send|bring|ask|pass|set|find) (?:me|us)\b|\bgimme\b"
    r"|\b(?:is|was) (?:it|this|that) (?:over|above|under|below|near|past)\b"
    r"|\b(?:do|did) you\b|\byou (?:mean|meant|said|told)\b"
)
_EARLIER = re.compile(
    r"\blast (?:one|question|exercise|problem|task|time|test|week|year|lesson|exam)\b"
)


_INTERJECTION = re.compile(r"e+r*m*|u+[hm]+|h+m+|a+h+|o+h+|m+|a+r+g+h*|u+g+h+|e+h+")
_OUTRIGHT = re.compile(
    r"\b(?:(?:so|then|and|but|now) )?(?:i(?:d| would)? (?:say|get|make (?:it|this|that))"
    r"|(?:my|the) (?:answer|result|solution) is)\s*\Z"
)
"""Right before a number it is the learner's own answer, whatever the day was like."""
_OF_THINGS = re.compile(
    r"\bthey (?:all |both |together )*(?:make|give|are|equal|come to|add up to|show)\s*\Z"
)
"""Right before a number "they" are pieces, and nobody else."""
_AGREED = re.compile(r"\b(?:he|she|they|mum|mom|dad) also (?:says?|gets?|got|makes?(?: it)?)\s*\Z")
"""Somebody else comes to what the learner says, too."""
_SUPPOSED = re.compile(
    r"\b(?:would|must|should|could|might|may|ought to|has to|have to|got to|gotta|can only) be\s*\Z"
)
"""What would be a number is no fact of the day, whatever it is called."""


def english_answers(before: str, after: str) -> bool:
    """Whether a number between two parts of a clause is an answer."""
    left, right = _tokens(before), _tokens(after)
    if _ASKS.search(before) or _EARLIER.search(before + after):
        return False
    if _OUTRIGHT.search(before.strip()):
        left = [one for one in left if one not in english_words("elsewhere")]
    if _OF_THINGS.search(before.strip()) or _AGREED.search(before.strip()):
        left = [one for one in left if one not in ("he", "she", "they")]
    supposed = _SUPPOSED.search(before) and not _tells_of_the_day(left)
    return _ends(right) and (bool(supposed) or _leads_up(left))


def _tells_of_the_day(left: Sequence[str]) -> bool:
    """Whether a clause speaks of times, ages, scores or somebody else, or denies."""
    told = english_words("elsewhere") | english_words("others") | english_words("denying")
    return not told.isdisjoint(left)


def _tokens(text: str) -> list[str]:
    return re.findall(rf"[a-z]+|[{NUMBER}{CALCULATION}=()<>\[\]{{}}$€£+*/^%&@|\\-]", text)


def _ends(right: Sequence[str]) -> bool:
    """Whether nothing but small words follows, or another number is denied."""
    if right[:2] == ["out", "of"]:
        return False
    if NUMBER in right:
        words = list(right[: right.index(NUMBER)])
        while words and words[-1] in ("not", "and", "than", "rather", "instead", "of"):
            words.pop()
        denied = len(words) < right.index(NUMBER)
        return all(map(_is_known, words)) and (denied or words[-1:] not in ([], ["to"], ["from"]))
    if {"maths", "math"} & {*right} or right[-1:] == ["what"]:
        return False  # "a 2 in maths", "12 / 3 is what"
    first = right[0] if right else ""
    if (
        first in english_words("labels")
        or first.endswith("s")
        and first[:-1] in english_words("nouns")
    ):
        return False
    besides = english_words("labels") | english_words("behind")
    return all(one in besides or _is_known(one) for one in right)


def _leads_up(left: list[str]) -> bool:
    """Whether what stands before a number in its clause is about the exercise."""
    core = _core(left)
    rest = left[: len(left) - len(core)]
    if not (english_words("elsewhere") | english_words("others")).isdisjoint(left):
        return False
    if rest and (rest[-1] in english_words("denying") and len(core) <= _NEAR):
        return False
    return _has_subject(core, rest) and _is_joined(core)


def _core(left: Sequence[str]) -> list[str]:
    """The known words right before a number; "this exercise" is one, "exercise" is not."""
    core: list[str] = []
    for at in range(len(left) - 1, -1, -1):
        label = left[at] in english_words("labels") and left[at - 1 : at] in (
            ["this"],
            ["that"],
            ["the"],
        )
        if not (_is_known(left[at]) or label or (core and left[at] in english_words("labels"))):
            break
        core.insert(0, _meant(left[at]))
    return core


def _has_subject(core: Sequence[str], rest: Sequence[str]) -> bool:
    """Whether the nearest subject is the learner, the exercise or its answer."""
    nouns, subjects = english_words("nouns"), english_words("subjects")
    named = core[:-1] if len(core) > 1 and core[-1] in nouns else core  # "number 8"
    told = subjects | nouns | {CALCULATION, "="}
    at = next((n for n in range(len(named) - 1, -1, -1) if named[n] in told), -1)
    if at < 0:
        return not rest
    last = next((one for one in reversed(core) if not _is_hedge(one)), "")
    if rest and rest[-1] in english_words("reporting") and not {"i", "we"} & {*rest}:
        return False
    if core[at] in english_words("people") and last in english_words("being"):
        return False  # "I am 12"
    if not rest:
        return True
    first = core[0] if core else ""
    if first in english_words("reporting") or (at == 0 and core[0] in nouns):
        return (
            core[0] in nouns
            and core[0] not in english_words("anybodys")
            and not rest[-1].endswith("s")
        )
    return True


def _is_hedge(word: str) -> bool:
    return word in english_words("hedges") or (word.endswith("ly") and len(word) > 4)


def _is_joined(core: Sequence[str]) -> bool:
    """Whether the word right before a number may stand there."""
    words = [one for one in core if not _is_hedge(one)]
    if len(words) > 1 and words[-1] in english_words("apart"):
        words.pop()
        if words[-1] in english_words("being") | {"its", "thats"}:
            return False  # "I'm number 1"
    if not words or core[-1] == NUMBER:
        return not words
    last = words[-1]
    if last in english_words("wishing") and core[-1] not in ("out", "up"):
        return False
    said = [*core, *("_".join(pair) for pair in pairwise(core))]
    return last not in ways() or any(one.startswith(ways()[last]) for one in said)


@lru_cache(maxsize=4096)
def _meant(word: str) -> str:
    """The known word that a word is, or that it is a slip of; "" where it is none."""
    known = english_words("small") | english_words("deeds") | english_words("nouns")
    if _INTERJECTION.fullmatch(word):
        return word
    if word in known or word in (NUMBER, CALCULATION, "="):
        return word
    if not word.isalpha() or len(word) < _SHORTEST_SLIP or word in english_words("no_slips"):
        return ""
    if word.endswith("ly"):
        return word
    return next((one for one in sorted(known) if is_slip(word, one)), "")


def is_slip(word: str, known: str) -> bool:
    """Whether a letter is left out, doubled or swapped; in longer words a wrong one, too."""
    if len(known) < _SHORTEST_SLIP or known + "s" == word or word[0] != known[0]:
        return False
    wrong = len(word) == len(known) and sorted(word) != sorted(known)
    return (not wrong or len(word) >= _LONG) and distance(word, known) == 1


def _is_known(word: str) -> bool:
    return bool(_meant(word))
