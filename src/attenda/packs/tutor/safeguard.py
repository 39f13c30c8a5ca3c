"""Signs that a learner may be in danger, and the fixed words that are said then.

Both stand in `safeguard.toml`, where a school reads and changes them; no model judges, none words
them. Wishes to die are read in any words beside that. Made to miss little rather than to be always
right.
"""

import re
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from attenda.api import dying_said
from attenda.packs.tutor.numbers import plain

__all__ = ["Concern", "look", "words_for"]

_LONGEST = 4000
_QUOTES = str.maketrans({"’": "'", "‘": "'", "`": "'"})


@dataclass(frozen=True, slots=True)
class Concern:
    """What was seen."""

    kind: str
    """`self_harm` or `abuse`."""
    rule: str
    """Names the sign, for the person who looks into it."""


_STUCK = re.compile(
    r"\b(?:do not|don'?t) know how (?:to|i (?:can|should|could)) (?:go on|carry on|continue)\b"
    r"(?! living| like this| any ?more)",
    re.IGNORECASE,
)
_AT_WORK = re.compile(
    r"\b(?:exercise|question|sum|fractions?|task|hint|calculation|with this|this one|from here)\b",
    re.IGNORECASE,
)
"""Who speaks of the exercise, and does not know how to go on, means that."""
_DYING = Concern("self_harm", "SG-DYING")
"""A wish to die in words that the file does not have."""


@lru_cache(maxsize=1)
def _file() -> dict[str, Any]:
    return tomllib.loads((Path(__file__).parent / "safeguard.toml").read_text("utf-8"))


@lru_cache(maxsize=1)
def _signs() -> list[tuple[Concern, re.Pattern[str]]]:
    return [
        (Concern(sign["kind"], sign["id"]), re.compile(pattern, re.IGNORECASE))
        for sign in _file()["sign"]
        for pattern in sign["any"]
    ]


def look(text: str) -> Concern | None:
    """The first sign of danger in what a learner wrote; nothing where there is none."""
    said = plain(text[:_LONGEST].translate(_QUOTES))
    listed = (concern for concern, pattern in _signs() if pattern.search(said))
    left = _STUCK.sub(" ", said) if _AT_WORK.search(said) else said
    return next(listed, _DYING if any(so for _, _, so in dying_said(left)) else None)


def words_for(concern: Concern, language: str) -> str:
    """The fixed words, in a language; English where there are none."""
    words = _file()["words"][concern.kind]
    return str(words.get(language) or words["en"])
