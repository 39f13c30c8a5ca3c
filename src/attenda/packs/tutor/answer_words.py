"""Words that stand around an answer, from `answer_words.toml`, and the marks of what is no word."""

import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Any

__all__ = ["CALCULATION", "NUMBER", "chinese_words", "english_words", "ways"]

NUMBER, CALCULATION = "\u0001", "\u0002"
"""Stand for a number and for a calculation in a sentence that is looked at."""


@lru_cache(maxsize=1)
def _words() -> dict[str, Any]:
    return tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))


@lru_cache(maxsize=32)
def english_words(name: str) -> frozenset[str]:
    """An English list, without apostrophes."""
    return frozenset(_words()["en"][name].split())


@lru_cache(maxsize=1)
def ways() -> dict[str, tuple[str, ...]]:
    """By a little word: how verbs begin that lead by way of it to a number ("come to")."""
    return {word: tuple(verbs.split()) for word, verbs in _words()["en"]["by_way_of"].items()}


def chinese_words(name: str) -> list[str]:
    """A Chinese list."""
    return str(_words()["zh"][name]).split()
