"""A sentence as numbers: its vector beside its hashed words and character n-grams.

The vector brings meaning where the embedder knows the language; n-grams bring spelling, rare words
and languages that it does not know. Feature hashing: Weinberger et al. (2009); tf-idf with
sublinear counts: Manning et al., "Introduction to Information Retrieval", 6.4.
"""

import re
import unicodedata
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

__all__ = ["SentenceFeatures", "has_han", "language_by_script"]

Floats = NDArray[np.float32]
Hashes = NDArray[np.int64]

CHARACTER_BUCKETS = 2048
WORD_BUCKETS = 2048
SURFACE_WEIGHT = 0.5
"""Length of each of the two hashed parts beside a vector of length 1."""
_RARITY_BITS = 18

_ENOUGH = 100
"""Examples in a script from which on they show what is said there."""
_MOST_UNUSUAL = 0.01
"""Share of the examples that are made of fewer familiar n-grams than is usual."""
_OF_USUAL = 0.75
"""How much of that a wish must have: names of things and slips are like nothing else."""

_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)?|[?？]")
_HAN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")
_HAN_RUN = re.compile(rf"{_HAN.pattern}+")
_LETTERS = re.compile(r"[^\W\d_]+")
_DIGIT = re.compile(r"\d")


class SentenceFeatures:
    """Turns sentences into rows of features, with rarities learned from examples."""

    def __init__(self, texts: Sequence[str], *, han: float = 1.0) -> None:
        """Learn from `texts` how rare each word and n-gram is.

        `han` is the length of the vector of a sentence in Han: below 1 its n-grams count more,
        where the embedder does not know the language.
        """
        self.han = han
        seen = np.zeros(1 << _RARITY_BITS, dtype=np.float32)
        for text in texts:
            for hashes in _hashed(text):
                seen[np.unique(hashes % len(seen))] += 1
        self._rarity = 1 + np.log((1 + len(texts)) / (1 + seen))
        self._heard = {
            script: _heard([one for one in texts if has_han(one) == script])
            for script in (True, False)
        }

    def rows(self, texts: Sequence[str], vectors: Floats) -> Floats:
        """(N, W) unit vectors and their texts → (N, W + 2048 + 2048 + 1) float32.

        The last column is 1: the weight on it is the class's bias.
        """
        surface = np.zeros((len(texts), CHARACTER_BUCKETS + WORD_BUCKETS), dtype=np.float32)
        for row, text in zip(surface, texts, strict=True):
            characters, words = _hashed(text)
            self._put(row[:CHARACTER_BUCKETS], characters)
            self._put(row[CHARACTER_BUCKETS:], words)
        ones = np.ones((len(texts), 1), dtype=np.float32)
        vectors = vectors.astype(np.float32)
        if self.han < 1:
            found = np.array([has_han(text) for text in texts], dtype=bool)
            vectors[found] *= np.float32(self.han)
            left = (1 - self.han**2) / (2 * SURFACE_WEIGHT**2)  # whole rows keep their length
            surface[found] *= np.sqrt(1 + left)
        return np.hstack([vectors, surface, ones])

    def is_unheard(self, text: str) -> bool:
        """Whether a sentence is hardly made of what the examples in its script are made of.

        An embedder finds sounds near to something, and all of a language that it does not know.
        """
        heard, least = self._heard[has_han(text)]
        grams = _familiar(text)
        return sum(gram in heard for gram in grams) < least * len(grams)

    def _put(self, row: Floats, hashes: Hashes) -> None:
        """Add the weights of `hashes` to their buckets, then scale the part to its length."""
        distinct, counts = np.unique(hashes, return_counts=True)
        weights = (1 + np.log(counts)) * self._rarity[distinct % len(self._rarity)]
        signs = 1 - 2 * (distinct >> 31 & 1)  # collisions cancel on average
        np.add.at(row, (distinct * 2654435761 >> 9) % len(row), signs * weights)
        row *= SURFACE_WEIGHT / max(float(np.linalg.norm(row)), 1e-9)


def _heard(texts: Sequence[str]) -> tuple[frozenset[str], float]:
    """What `texts` of one script are made of, and the share of it that a sentence must have.

    Of nearly every example more than that is said by another one as well.
    """
    rows = [grams for grams in map(_familiar, texts) if grams]
    if len(rows) < _ENOUGH:
        return frozenset(), 0.0
    often = Counter(gram for grams in rows for gram in grams)
    shares = [sum(often[gram] > 1 for gram in grams) / len(grams) for grams in rows]
    return frozenset(often), _OF_USUAL * float(np.quantile(shares, _MOST_UNUSUAL))


def _familiar(text: str) -> set[str]:
    """Characters and pairs of Han where there are any, else three letters of words in a row."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    if runs := _HAN_RUN.findall(plain):
        return {
            run[at : at + size]
            for run in runs
            for size in (1, 2)
            for at in range(len(run) - size + 1)
        }
    words = (f" {word} " for word in _LETTERS.findall(plain))
    return {word[at : at + 3] for word in words for at in range(len(word) - 2)}


def has_han(text: str) -> bool:
    """Whether a sentence is in Chinese characters, in part at least."""
    return _HAN.search(text) is not None


def language_by_script(text: str) -> str:
    """The language that a sentence shows by its letters: `zh-CN` if it has Han, else `en`."""
    return "zh-CN" if has_han(text) else "en"


@lru_cache(maxsize=4096)
def _hashed(text: str) -> tuple[Hashes, Hashes]:
    """32-bit hashes of the character n-grams and of the words and word pairs of `text`."""
    plain = _DIGIT.sub("0", unicodedata.normalize("NFKC", text).casefold())
    words = _WORD.findall(plain)
    grams = [gram for word in words for gram in _grams(word)]
    pairs = [
        f"{first} {second}" for first, second in zip(["^", *words], [*words, "$"], strict=True)
    ]
    return _crc(grams), _crc([*words, *pairs])


def _grams(word: str) -> Iterator[str]:
    """Two to five characters of a word with its borders; one to three of a run of Han."""
    if _HAN.search(word):
        sizes, padded = range(1, 4), word
    else:
        sizes, padded = range(2, 6), f" {word} "
    for size in sizes:
        yield from (padded[at : at + size] for at in range(len(padded) - size + 1))


def _crc(parts: Sequence[str]) -> Hashes:
    hashes = [zlib.crc32(part.encode("utf-8", "replace")) for part in parts]
    return np.array(hashes, dtype=np.int64)
