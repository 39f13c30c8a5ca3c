"""A guess at a text's language: by its script, and among Latin ones by the most common words.

It tells apart what such lists can tell; a text with none of these words is `?`.
"""

import re
from collections import Counter
from collections.abc import Sequence

__all__ = ["guess_language"]

_COMMON = {
    "en": "the and you is to of that it what i a are do have not this in we can my your for be",
    "es": "el la de que y los es en un una por con se para está cómo qué más su lo pero hola",
    "fr": "le la les de et est vous je un une des que pas pour dans ce il nous avec sur au qui",
    "de": "der die das und ist ich sie nicht ein eine zu mit wir es auf den für wie was auch im",
    "it": "il lo la di che e è un una per non sono con mi come del ho ma si questo cosa gli",
    "pt": "o os de que e é um uma não para com em por você eu se da como mais isso",
    "nl": "de het een en is ik je niet dat van wat te op voor met zijn maar we er hoe",
}
_LISTS = {name: frozenset(words.split()) for name, words in _COMMON.items()}
_SCRIPTS = (
    ("ja", re.compile("[\u3040-\u30ff]")),
    ("zh", re.compile("[\u3400-\u4dbf\u4e00-\u9fff]")),
    ("ko", re.compile("[\uac00-\ud7af]")),
    ("ru", re.compile("[\u0400-\u04ff]")),
    ("ar", re.compile("[\u0600-\u06ff]")),
    ("hi", re.compile("[\u0900-\u097f]")),
    ("el", re.compile("[\u0370-\u03ff]")),
    ("he", re.compile("[\u0590-\u05ff]")),
    ("th", re.compile("[\u0e00-\u0e7f]")),
)
"""Scripts, each under the language that most often uses it."""
_LATIN = re.compile("[a-z\u00df-\u024f]")
_LEAST_SHARE = 0.3
_KANA_SHARE = 0.1
_LOOKED_AT = 200


def guess_language(words: Sequence[str]) -> str:
    """A code such as `en` or `zh` for words in small letters; `?` where nothing tells.

    The first two hundred words decide.
    """
    words = words[:_LOOKED_AT]
    text = "".join(words)
    for name, script in _SCRIPTS:
        found = len(script.findall(text))
        if found and found >= len(text) * (_KANA_SHARE if name == "ja" else _LEAST_SHARE):
            return name
    if not _LATIN.search(text):
        return "?"
    counts = Counter(words)
    hits = {name: sum(counts[word] for word in known) for name, known in _LISTS.items()}
    best = max(hits, key=hits.__getitem__)
    return best if hits[best] else "?"
