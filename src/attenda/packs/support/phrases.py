"""Sentences of the pages and deeds of customer service, by language, from `phrases.toml`."""

import functools
import tomllib
from pathlib import Path

__all__ = ["phrase", "phrase_or"]


@functools.cache
def _catalogue() -> dict[str, dict[str, str]]:
    return tomllib.loads((Path(__file__).parent / "phrases.toml").read_text("utf-8"))


def phrase(language: str, key: str, **values: object) -> str:
    """A sentence in a language, in English where it has none.

    Raises:
        KeyError: there is no such sentence, or a value for it is missing.
    """
    words = _catalogue()[key]
    return (words.get(language) or words["en"]).format(**values)


def phrase_or(language: str, key: str, otherwise: str) -> str:
    """A sentence in a language; what is given where there is no such sentence."""
    return phrase(language, key) if key in _catalogue() else otherwise
