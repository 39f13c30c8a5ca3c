"""The statistical model that came before: n-grams with interpolated Kneser–Ney smoothing.

Every Transformer here is compared with it, on the same tokens and the same split. It counts ids
and knows no text.

Source: Chen and Goodman 1999, section 2.7 and equation 18 (interpolated, one discount an order).
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

__all__ = ["KneserNey"]

_START = -1
"""Stands before a text, so that its first tokens have a history too."""


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
        counts: list[dict[tuple[int, ...], Counter[int]]] = [
            defaultdict(Counter) for _ in range(order)
        ]
        for text in texts:
            padded = [*[_START] * (order - 1), *text]
            for place in range(order - 1, len(padded)):
                history = tuple(padded[place - order + 1 : place])
                counts[order - 1][history][padded[place]] += 1
        for length in range(order - 1, 0, -1):  # lower orders count how many histories a word has
            for history, words in counts[length].items():
                for word in words:
                    counts[length - 1][history[1:]][word] += 1
        self._counts = counts
        self._totals = [
            {history: sum(words.values()) for history, words in level.items()} for level in counts
        ]
        self._discounts = [_discount(level.values()) for level in counts]

    def probability(self, history: Sequence[int], word: int) -> float:
        """Share of `word` after `history` (the ids before it, in order); shares sum to 1."""
        padded = [*[_START] * (self.order - 1), *history]
        share = 1 / self.vocabulary
        for length in range(self.order):
            key = tuple(padded[len(padded) - length :])
            words = self._counts[length].get(key)
            if words is None:
                break
            total, discount = self._totals[length][key], self._discounts[length]
            found = max(words[word] - discount, 0.0) if word in words else 0.0
            share = (found + discount * len(words) * share) / total
        return share

    def nats(self, text: Sequence[int], learned: Sequence[bool]) -> tuple[float, int]:
        """Sum of −log share over the places that are learned, and how many they are."""
        total, count = 0.0, 0
        for place, counts in enumerate(learned):
            if counts and place:
                history = text[max(place - self.order + 1, 0) : place]
                total -= math.log(self.probability(history, text[place]))
                count += 1
        return total, count


def _discount(levels: Iterable[Counter[int]]) -> float:
    """D = n₁ / (n₁ + 2 n₂), from how many n-grams were seen once and twice."""
    seen = Counter(count for words in levels for count in words.values() if count <= 2)
    return seen[1] / (seen[1] + 2 * seen[2]) if seen[1] and seen[2] else 0.5
