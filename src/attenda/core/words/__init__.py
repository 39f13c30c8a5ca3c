"""The catalogue: every sentence that a person sees, in English and Chinese.

One module a language, each a flat table from key to sentence with named places. Both hold the
same keys and places; a test keeps them so.
"""

from attenda.core.words.en import ENGLISH
from attenda.core.words.zh_cn import CHINESE

__all__ = ["LANGUAGES", "catalogue", "sentence"]

LANGUAGES: dict[str, dict[str, str]] = {"en": ENGLISH, "zh-CN": CHINESE}


def catalogue(language: str) -> dict[str, str]:
    """The table of `language`; English where there is none."""
    return LANGUAGES.get(language, ENGLISH)


def sentence(language: str, key: str, **values: object) -> str:
    """The sentence behind `key`, its places filled with `values`.

    Raises:
        KeyError: when the catalogue has no such key, or a place has no value.
    """
    return catalogue(language)[key].format(**values)
