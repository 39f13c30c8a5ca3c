"""A model of sentences, and what it says of one: a logit for each flow, and how near it is.

The logits are linear in the features; the five examples with the likest vectors have a vote beside
them, which counts where the examples show that it helps. Two signals tell a sentence of a known
flow from a strange one: the highest logit, and the cosine of the nearest flow's centre.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from attenda.dialogue.nearest_softmax import fit_softmax

__all__ = ["SentenceModel", "Signals"]

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]

_VOTERS = 5
_MOST_VECTORS = 10_000
"""With more examples nobody votes: the scan would cost more than all the rest."""
_BLOCK = 512
"""Rows compared with all examples at once: bounds the memory."""


@dataclass(frozen=True, slots=True)
class Signals:
    """What the model says of N sentences."""

    logits: Floats  # (N, C)
    votes: Floats  # (N, C)
    """Summed cosines of the nearest examples."""
    evidence: Floats  # (N, 2)
    """Highest logit and nearest centre: the higher, the less strange."""


@dataclass(frozen=True, slots=True)
class SentenceModel:
    """Weights, the centres of the flows, and the examples that vote."""

    weights: Floats  # (D, C)
    centres: Floats  # (C, D - 1), without the column of ones
    vectors: Floats  # (N, W)
    labels: Integers  # (N,)

    @classmethod
    def fit(
        cls,
        rows: Floats,
        labels: Integers,
        *,
        width: int,
        weight_decay: float,
        products: Floats | None = None,
    ) -> "SentenceModel":
        """Learn from `rows` (N, D), whose first `width` columns are unit vectors.

        `labels` (N,) count from 0, and some may have no row; `products` as `fit_softmax`.
        """
        targets = np.zeros((len(rows), int(labels.max()) + 1), dtype=np.float32)
        targets[np.arange(len(rows)), labels] = 1
        weights = fit_softmax(rows, targets, weight_decay=weight_decay, products=products)
        centres = _unit((targets.T @ rows)[:, :-1])
        voters = len(rows) if len(rows) <= _MOST_VECTORS else 0
        vectors = np.ascontiguousarray(rows[:voters, :width])
        return cls(weights, centres, vectors, labels[:voters])

    def signals(self, rows: Floats) -> Signals:
        """What it says of `rows` (N, D)."""
        logits = rows @ self.weights
        nearness = (_unit(rows[:, :-1]) @ self.centres.T).max(axis=1)
        votes = np.zeros_like(logits)
        for first in range(0, len(rows), _BLOCK) if len(self.vectors) else ():
            self._vote(votes[first : first + _BLOCK], rows[first : first + _BLOCK])
        return Signals(logits, votes, np.column_stack([logits.max(axis=1), nearness]))

    def _vote(self, votes: Floats, rows: Floats) -> None:
        """Add the cosines of each row's nearest examples to their flows' `votes`."""
        cosines = rows[:, : self.vectors.shape[1]] @ self.vectors.T
        count = min(_VOTERS, len(self.vectors))
        nearest = np.argpartition(-cosines, count - 1, axis=1)[:, :count]
        of_nearest = np.take_along_axis(cosines, nearest, axis=1)
        np.add.at(votes, (np.arange(len(rows))[:, None], self.labels[nearest]), of_nearest)


def _unit(rows: Floats) -> Floats:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(lengths, 1e-9), dtype=np.float32)
