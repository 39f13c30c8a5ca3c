"""What customer service says beside its flows, from `words.yaml`: always in both languages."""

import functools
from collections.abc import Mapping
from pathlib import Path

from attenda.packs.support.shop_policy import Texts, read_yaml

__all__ = ["LANGUAGES", "both", "filled", "refusal"]

LANGUAGES = ("en", "zh-CN")
_NAMES = {"en": "en", "zh-CN": "zh"}


@functools.cache
def _words() -> dict[str, dict[str, Texts]]:
    found: dict[str, dict[str, Texts]] = read_yaml(Path(__file__).parent / "words.yaml")
    return found


def both(group: str, key: str, **values: object) -> dict[str, str]:
    """A sentence as `{en: …, zh: …}`, as flows read it; a value may be a text by language.

    Raises:
        KeyError: there is no such sentence, or a value for it is missing.
    """
    return filled(_words()[group][key], **values)


def filled(texts: Mapping[str, str], **values: object) -> dict[str, str]:
    """Texts by language with their places filled, as `{en: …, zh: …}`."""
    return {
        _NAMES[language]: texts.get(language, texts["en"]).format(
            **{name: _in(value, language) for name, value in values.items()}
        )
        for language in LANGUAGES
    }


def _in(value: object, language: str) -> object:
    if isinstance(value, Mapping):
        return value.get(language) or value.get(_NAMES[language], "")
    return value


def refusal(key: str) -> str:
    """Why something is not done, in both languages at once: the tool knows neither."""
    found = both("refused", key)
    return f"{found['en']} / {found['zh']}"
