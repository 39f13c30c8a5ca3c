"""The statistical model that came before: n-grams with interpolated Kneser–Ney smoothing.

Every Transformer here is compared with it, on the same tokens and the same split. It counts ids
and knows no text. Counts are sorted arrays, which take half of what dictionaries do.

Source: Chen and Goodman 1999, section 2.7 and equation 18 (interpolated, one discount an order).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["KneserNey"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

_START = -1
"""Stands before a text, so that its first tokens have a history too."""


@dataclass(frozen=True, slots=True)
class _Level:
    """N-grams of one length: a history, which has a number, and the word after it."""

    histories: Ints
    """Sorted; a history is the number of the one that is a word shorter, and its oldest word."""
    grams: Ints
    """Sorted; a history's number, and a word."""
    counts: Ints
    """How often each n-gram was seen; of shorter ones, after how many words."""
    totals: Ints
    """The counts of each history's words together."""
    kinds: Ints
    """How many words each history has."""
    discount: float
    """D = n₁ / (n₁ + 2 n₂), from how many n-grams were seen once and twice."""


class KneserNey:
    """How likely each token is after the few before it."""

    def __init__(self, texts: Iterable[Sequence[int]], vocabulary: int, order: int = 5) -> None:
        """Count n-grams.

        Args:
            texts: as ids.
            vocabulary: how many ids there are.
            order: the longest n-gram; at least 1.
        """
        self.order, self.vocabulary = order, vocabulary
        padded, places = self._padded(texts)
        history = np.zeros(len(places), np.int64)
        histories = [np.zeros(1, np.int64)]  # the empty one
        for length in range(1, order):
            key = self._longer(history, padded[places - length])
            known, history = np.unique(key, return_inverse=True)
            histories.append(known)
        grams, counts = np.unique(history * vocabulary + padded[places], return_counts=True)
        self._levels: list[_Level] = []
        for known in reversed(histories):
            self._levels.insert(0, _level(known, grams, counts, vocabulary))
            history, word = np.divmod(grams, vocabulary)  # each has been after one word more
            shorter = known[history] // (vocabulary + 1)
            grams, counts = np.unique(shorter * vocabulary + word, return_counts=True)

    def probability(self, history: Sequence[int], word: int) -> float:
        """Share of `word` after `history` (the ids before it, in order); shares sum to 1."""
        return float(self.shares([*history, word])[-1])

    def nats(self, text: Sequence[int], learned: Sequence[bool]) -> tuple[float, int]:
        """Sum of −log share over the places that are learned, and how many they are."""
        counts = np.array(learned, bool)
        counts[:1] = False  # nothing stands before the first
        return float(-np.log(self.shares(text)[counts]).sum()), int(counts.sum())

    def shares(self, text: Sequence[int]) -> Floats:
        """The share of each id of `text` after those before it: (T,)."""
        padded, places = self._padded([text])
        share = np.full(len(places), 1 / self.vocabulary)
        history, seen = np.zeros(len(places), np.int64), np.ones(len(places), bool)
        for length, level in enumerate(self._levels):
            if not len(level.grams):
                break
            if length:
                key = self._longer(history, padded[places - length])
                history, known = _find(level.histories, key)
                seen &= known
            gram, known = _find(level.grams, history * self.vocabulary + padded[places])
            found = np.where(known, np.maximum(level.counts[gram] - level.discount, 0), 0)
            spared = level.discount * level.kinds[history] * share
            share = np.where(seen, (found + spared) / level.totals[history], share)
        return share

    def _padded(self, texts: Iterable[Sequence[int]]) -> tuple[Ints, Ints]:
        """Texts one after another, each with its starts before it, and where their words are."""
        before = np.full(self.order - 1, _START, np.int64)
        parts = [part for text in texts for part in (before, np.array(text, np.int64))]
        padded = np.concatenate(parts) if parts else before
        return padded, np.flatnonzero(padded != _START)

    def _longer(self, history: Ints, word: Ints) -> Ints:
        """Histories with one word more before them, as one number each."""
        return history * (self.vocabulary + 1) + (word - _START)


def _level(histories: Ints, grams: Ints, counts: Ints, vocabulary: int) -> _Level:
    history = grams // vocabulary
    once, twice = int((counts == 1).sum()), int((counts == 2).sum())
    return _Level(
        histories=histories,
        grams=grams,
        counts=counts,
        totals=np.bincount(history, counts, len(histories)).astype(np.int64),
        kinds=np.bincount(history, minlength=len(histories)),
        discount=once / (once + 2 * twice) if once and twice else 0.5,
    )


def _find(known: Ints, keys: Ints) -> tuple[Ints, npt.NDArray[np.bool_]]:
    """Where each key stands among the sorted ones, and whether it is there."""
    place = np.searchsorted(known, keys).clip(max=len(known) - 1)
    return place, known[place] == keys
