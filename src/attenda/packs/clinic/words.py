"""What the clinic says, by language, from its own catalogue `words.yaml`."""

import functools
from pathlib import Path
from typing import Any

import yaml

__all__ = ["both", "catalogue", "phrase", "read_yaml"]

FOLDER = Path(__file__).parent


def read_yaml(path: Path) -> Any:
    """A file of the pack as plain values."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(path.read_text("utf-8"))
    try:
        return loader.get_single_data()  # plain values alone; in C where it is built in
    finally:
        loader.dispose()


@functools.cache
def catalogue() -> dict[str, dict[str, str]]:
    """Sentences by language and key."""
    found: dict[str, dict[str, str]] = read_yaml(FOLDER / "words.yaml")
    return found


def both(key: str, **values: object) -> str:
    """A sentence in English and in Chinese, for who may read either.

    Raises:
        KeyError: no language has it, or a value for it is missing.
    """
    return " / ".join(phrase(language, key, **values) for language in ("en", "zh-CN"))


def phrase(language: str, key: str, **values: object) -> str:
    """A sentence in a language, in English where it has none.

    Raises:
        KeyError: no language has it, or a value for it is missing.
    """
    words = catalogue()
    text = words.get(language, {}).get(key) or words["en"][key]
    return text.format(**values)
