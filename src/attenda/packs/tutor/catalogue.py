"""The tutor's sentences, from `words.toml`; and what a learner may say instead of an answer.

Every sentence exists in English and Chinese; a tool gives both, and the flow says the one that is
spoken.
"""

import re
import tomllib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from attenda.packs.tutor.asking import asks_for_help, without_slips
from attenda.packs.tutor.item import Texts, text_in
from attenda.packs.tutor.numbers import plain

__all__ = ["LANGUAGES", "both", "said_both", "wish"]

LANGUAGES = ("en", "zh-CN")
Wish = Literal["", "help", "stop", "skip"]
_ORDER: tuple[Wish, ...] = ("help", "skip", "stop")
_CLOSING = re.compile(r"^[\s,.!。，！]+|[\s,.!~。，！了吧呢啊呀嘛呗哦啦哈]+$")
"""Around a wish of one word: marks, and particles that end a sentence."""
_MORE = re.compile(r"\{(\w+)\}([^{}]*?)\(s\)")
_HERE = Path(__file__).parent


@lru_cache(maxsize=1)
def _words() -> dict[str, dict[str, str]]:
    return tomllib.loads((_HERE / "words.toml").read_text("utf-8"))


def both(key: str, **values: object) -> dict[str, str]:
    """A sentence in both languages; a value may be a text by language."""
    sentence = _words()[key]
    return {
        language: _MORE.sub(lambda one: _counted(one, values), sentence[language]).format(
            **{name: _in(value, language) for name, value in values.items()}
        )
        for language in LANGUAGES
    }


def _counted(found: re.Match[str], values: Mapping[str, object]) -> str:
    """A place and its noun, in the plural where the number is not one."""
    place, noun = found.groups()
    return f"{{{place}}}{noun}" + ("" if str(values[place]) == "1" else "s")


def _in(value: object, language: str) -> object:
    return text_in(value, language) if isinstance(value, Mapping) else value


def said_both(*parts: Texts, glue: str = " ") -> dict[str, str]:
    """Several texts as one, in both languages; Chinese sentences need no space between."""
    return {
        "en": glue.join(text_in(part, "en") for part in parts if part),
        "zh-CN": (glue if "\n" in glue else "").join(
            text_in(part, "zh-CN") for part in parts if part
        ),
    }


@lru_cache(maxsize=1)
def _wishes() -> dict[str, Any]:
    return tomllib.loads((_HERE / "wishes.toml").read_text("utf-8"))


def wish(text: str) -> Wish:
    """What a text that is no answer wants; "" where it wants nothing that is known."""
    said = without_slips(plain(text).lower().replace("’", "'"))
    alone = _CLOSING.sub("", said)
    for name in _ORDER:
        if alone in _wishes().get(f"{name}_alone", ()):
            return name
    if _has(said, "skip_first") and not asks_for_help(said.replace("'", "")):
        return "skip"
    found = (name for name in _ORDER if _has(said, name))
    return next(found, "help" if _has(said, "gives_up") else "")


def _has(said: str, name: str) -> bool:
    """Whether a text has a phrase of a list, English ones as whole words."""
    return _any_of(name).search(said) is not None


@lru_cache(maxsize=8)
def _any_of(name: str) -> re.Pattern[str]:
    whole = [re.escape(one) for one in _wishes()[name] if one.isascii()]
    parts = [re.escape(one) for one in _wishes()[name] if not one.isascii()]
    return re.compile("|".join([rf"(?<![a-z0-9_])(?:{'|'.join(whole)})(?![a-z0-9_])", *parts]))
