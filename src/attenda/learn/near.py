"""How alike conversations are: words as hashed n-grams, near twins by MinHash, overlap with others.

The same words give the same numbers on every machine. It knows words only, nothing of rows.
MinHash: Broder, “On the resemblance and containment of documents”, 1997, with the bands of
Leskovec et al., “Mining of Massive Datasets”, section 3.4.
"""

import hashlib
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Grams",
    "Overlap",
    "Twins",
    "is_han",
    "overlap_grams",
    "separate_han",
    "shingles",
    "words_of",
]

Grams = NDArray[np.uint64]
"""Hashed n-grams, sorted, each once."""

_HAN = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WORD = re.compile(f"[{_HAN}]|[^\\W{_HAN}]+")
_IS_HAN = re.compile(f"[{_HAN}]")

_SHINGLE = 5
_OVERLAP_WORDS, _OVERLAP_HAN = 8, 13
_BANDS, _BAND_ROWS = 25, 5
_TWIN = 0.8
"""Least share of n-grams in common, as MinHash estimates it, that makes near twins."""
_FACTOR = 0x9E3779B97F4A7C15


def _drawn(name: str) -> NDArray[np.uint64]:
    """A number for each hash function, the same everywhere."""
    count = _BANDS * _BAND_ROWS
    digests = (hashlib.blake2b(f"{name} {n}".encode(), digest_size=8) for n in range(count))
    return np.array([int.from_bytes(one.digest(), "little") for one in digests], np.uint64)


_MULTIPLIERS = _drawn("multiplier") | np.uint64(1)
_OFFSETS = _drawn("offset")


def words_of(text: str) -> list[str]:
    """The words in small letters; of Chinese and Japanese, the characters."""
    return _WORD.findall(text.casefold())


def is_han(words: Sequence[str]) -> bool:
    """Whether most of the words are Chinese or Japanese characters."""
    return len(_IS_HAN.findall(" ".join(words))) * 2 > len(words)


def separate_han(text: str) -> str:
    """The text with a space on both sides of each Chinese or Japanese character."""
    return _IS_HAN.sub(r" \g<0> ", text)


def shingles(words: Sequence[str]) -> Grams:
    """Short n-grams, by which two whole conversations are compared; none without words."""
    return _grams(words, _SHINGLE)


def overlap_grams(words: Sequence[str]) -> Grams:
    """Long n-grams (8 words, or 13 characters of Chinese), which two texts share by copying alone.

    A shorter text is one gram.
    """
    return _grams(words, _OVERLAP_HAN if is_han(words) else _OVERLAP_WORDS)


class Overlap:
    """The n-grams of many conversations, to look others up in; 8 bytes for each."""

    def __init__(self) -> None:
        self._parts: list[Grams] = []
        self._all: Grams = np.empty(0, np.uint64)

    def add(self, grams: Grams) -> None:
        """Take a conversation in."""
        self._parts.append(grams)

    def share(self, grams: Grams) -> float:
        """The share of these n-grams that were taken in; 0 without any."""
        if self._parts:
            self._all = np.unique(np.concatenate([self._all, *self._parts]))
            self._parts = []
        if not len(grams) or not len(self._all):
            return 0.0
        places = np.minimum(np.searchsorted(self._all, grams), len(self._all) - 1)
        return float(np.mean(self._all[places] == grams))


class Twins:
    """Near twins among many conversations; half a kilobyte for each."""

    def __init__(self) -> None:
        self._signatures: list[NDArray[np.uint32]] = []

    def add(self, grams: Grams) -> None:
        """Take the next conversation in; it needs at least one n-gram."""
        mixed = grams[None, :] * _MULTIPLIERS[:, None] + _OFFSETS[:, None]
        self._signatures.append((mixed.min(axis=1) >> np.uint64(32)).astype(np.uint32))

    def find(self) -> dict[int, int]:
        """For each conversation that nearly repeats an earlier one, the number of that one."""
        if not self._signatures:
            return {}
        signatures = np.stack(self._signatures)
        twins: dict[int, int] = {}
        for first in range(0, _BANDS * _BAND_ROWS, _BAND_ROWS):
            for earlier, later in _candidates(signatures[:, first : first + _BAND_ROWS]):
                alike = np.mean(signatures[earlier] == signatures[later], axis=1) >= _TWIN
                for one, other in zip(later[alike].tolist(), earlier[alike].tolist(), strict=True):
                    twins[one] = min(other, twins.get(one, other))
        return twins


def _candidates(band: NDArray[np.uint32]) -> list[tuple[NDArray[Any], NDArray[Any]]]:
    """Pairs that agree in a band: each with the first of its kind, and with the one before it."""
    factors = np.uint64(_FACTOR) ** np.arange(1, _BAND_ROWS + 1, dtype=np.uint64)
    keys = (band.astype(np.uint64) * factors).sum(axis=1, dtype=np.uint64)
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    sizes = np.diff(np.r_[starts, len(ordered)])
    follows = np.ones(len(ordered), bool)
    follows[starts] = False
    leaders = order[np.repeat(starts, sizes)]
    before = np.r_[order[:1], order[:-1]]
    return [(leaders[follows], order[follows]), (before[follows], order[follows])]


def _grams(words: Sequence[str], size: int) -> Grams:
    if not words:
        return np.empty(0, np.uint64)
    numbers = np.fromiter(map(_number, words), np.uint64, len(words))
    size = min(size, len(numbers))
    total = np.full(len(numbers) - size + 1, size, np.uint64)
    for offset in range(size):
        total = total * np.uint64(_FACTOR) + numbers[offset : len(numbers) - size + 1 + offset]
    total ^= total >> np.uint64(31)
    return np.unique(total * np.uint64(_FACTOR))


_NUMBERS: dict[str, int] = {}
_MOST_NUMBERS = 1 << 18


def _number(word: str) -> int:
    found = _NUMBERS.get(word)
    if found is None:
        if len(_NUMBERS) >= _MOST_NUMBERS:
            _NUMBERS.clear()
        digest = hashlib.blake2b(word.encode("utf-8", "replace"), digest_size=8).digest()
        found = _NUMBERS[word] = int.from_bytes(digest, "little")
    return found
