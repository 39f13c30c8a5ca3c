"""In scope or not: one likelihood from the model's signals, one threshold, from examples alone.

Cross-validation shows how sentences that the model has not seen look; sentences out of scope, or
flows left out of a fold, show how strange ones look. Shares are made honest by one factor on the
logits (temperature scaling: Guo et al., "On calibration of modern neural networks", 2017).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from attenda.dialogue.nearest_model import SentenceModel, Signals
from attenda.dialogue.nearest_softmax import softmax

__all__ = ["Gate", "Trial", "best_vote", "fit_gate", "share_factor", "try_out"]

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]

_FOLDS = 5
_ALL_FOLDS_UP_TO = 2000
"""Rows; with more, one fold is measure enough and five would take minutes."""
_ENOUGH_STRANGE = 10
_MOST_RIGHT_REFUSED = 0.02
"""Share of sentences understood rightly that the threshold may refuse."""
_DECAY = 1.0


@dataclass(frozen=True, slots=True)
class Trial:
    """One fold's sentences, judged by a model that has seen none of them."""

    inside: Signals
    labels: Integers  # of the inside ones
    strange: Floats  # (S, 2), evidence of those out of scope

    def right(self, vote: float) -> Booleans:
        """Which inside ones are understood rightly where `vote` weighs the examples' votes."""
        logits = self.inside.logits + np.float32(vote) * self.inside.votes
        return np.asarray(logits.argmax(axis=1) == self.labels)


@dataclass(frozen=True, slots=True)
class Gate:
    """A logistic judge of evidence."""

    centre: Floats  # (2,)
    spread: Floats  # (2,)
    weights: Floats  # (2,)
    bias: float
    threshold: float
    """The least likelihood that passes."""

    def likelihood(self, evidence: Floats) -> Floats:
        """Of being in scope, 0 to 1, for each row of `evidence` (N, 2)."""
        score = (evidence - self.centre) / self.spread @ self.weights + self.bias
        return np.asarray(1 / (1 + np.exp(-np.clip(score, -30, 30))), dtype=np.float32)


_UNMEASURED = Gate(
    centre=np.array([0, 0.5], dtype=np.float32),
    spread=np.array([1, 0.1], dtype=np.float32),
    weights=np.array([0, 1], dtype=np.float32),
    bias=2.0,
    threshold=0.5,
)
"""Where examples are too few to measure: nearness alone."""


def try_out(
    rows: Floats,
    labels: Integers,
    *,
    width: int,
    weight_decay: float,
    products: Floats | None = None,
) -> list[Trial]:
    """Cross-validate on `rows` (N, D), as `SentenceModel.fit`; a label of -1 is out of scope."""
    fold_of, group_of = _folds(labels)
    known_strange = int((labels < 0).sum()) >= _ENOUGH_STRANGE
    count = _FOLDS if len(rows) <= _ALL_FOLDS_UP_TO else 1
    trials = []
    for fold in range(count):
        held = fold_of == fold
        left = np.zeros(len(rows), dtype=bool) if known_strange else group_of == fold
        taught = ~held & ~left & (labels >= 0)
        if len(np.unique(labels[taught])) < 2:
            continue
        inside = held & ~left & np.isin(labels, labels[taught])
        strange = left | (labels < 0)
        model = SentenceModel.fit(
            rows[taught],
            labels[taught],
            width=width,
            weight_decay=weight_decay,
            products=None if products is None else products[np.ix_(taught, taught)],
        )
        evidence = model.signals(rows[strange]).evidence
        trials.append(Trial(model.signals(rows[inside]), labels[inside], evidence))
    return trials


def _folds(labels: Integers) -> tuple[Integers, Integers]:
    """The fold of each row, flows spread evenly, and the fold in which its flow is left out."""
    chance = np.random.default_rng(0)
    fold_of = np.empty(len(labels), dtype=np.int64)
    group_of = np.full(len(labels), -1, dtype=np.int64)
    known = [label for label in np.unique(labels) if label >= 0]
    for place, label in enumerate(chance.permutation(known)):
        group_of[labels == label] = place % _FOLDS if len(known) > 2 else -1
    for label in np.unique(labels):
        of_label = chance.permutation(np.flatnonzero(labels == label))
        fold_of[of_label] = (np.arange(len(of_label)) + chance.integers(_FOLDS)) % _FOLDS
    return fold_of, group_of


def best_vote(trials: list[Trial], weight: float) -> tuple[int, float]:
    """How many are understood rightly, and with which weight of the votes: none, or `weight`.

    Votes must gain two sentences: one may be chance.
    """
    without, voted = (sum(int(t.right(w).sum()) for t in trials) for w in (0.0, weight))
    return (voted, weight) if voted >= without + 2 else (without, 0.0)


def share_factor(trials: list[Trial], vote: float) -> float:
    """What to multiply logits with, so that shares are as often right as they say."""
    factors = np.geomspace(0.5, 16, 31)
    losses = [sum(_loss(trial, vote, factor) for trial in trials) for factor in factors]
    return float(factors[int(np.argmin(losses))]) if trials else 1.0


def _loss(trial: Trial, vote: float, factor: float) -> float:
    logits = trial.inside.logits + np.float32(vote) * trial.inside.votes
    shares = softmax(logits * np.float32(factor))
    return float(-np.log(shares[np.arange(len(trial.labels)), trial.labels] + 1e-9).sum())


def fit_gate(trials: list[Trial], vote: float) -> Gate:
    """The gate that best tells what `trials` show apart; the fixed one where they show too little.

    The threshold maximises the share of right and passed plus that of strange and refused, and
    refuses at most 2 % of those that are right, and one more.
    """
    right = [trial.inside.evidence[trial.right(vote)] for trial in trials]
    strange = [trial.strange for trial in trials]
    good = np.concatenate([np.zeros((0, 2), np.float32), *right])
    bad = np.concatenate([np.zeros((0, 2), np.float32), *strange])
    if len(good) < _ENOUGH_STRANGE or len(bad) < _ENOUGH_STRANGE:
        return _UNMEASURED
    centre, spread = good.mean(axis=0), good.std(axis=0) + 1e-3
    weights = _logistic((good - centre) / spread, (bad - centre) / spread)
    if (weights[:2] < 0).any():  # few examples, by chance: a higher signal is never stranger
        kept = weights[:2] > 0
        weights = _logistic((good - centre) / spread * kept, (bad - centre) / spread * kept)
    gate = Gate(centre, spread, weights[:2], float(weights[2]), 0.5)
    threshold = _threshold(np.sort(gate.likelihood(good)), np.sort(gate.likelihood(bad)))
    return Gate(centre, spread, weights[:2], float(weights[2]), threshold)


def _threshold(good: Floats, bad: Floats) -> float:
    """Of two sorted lists of likelihoods."""
    strictest = good[1 + int(_MOST_RIGHT_REFUSED * len(good))]
    options = np.concatenate([good, bad])
    options = options[options <= strictest]
    passed = 1 - np.searchsorted(good, options) / len(good)
    refused = np.searchsorted(bad, options) / len(bad)
    return float(options[int(np.argmax(passed + refused))])


def _logistic(good: Floats, bad: Floats) -> Floats:
    """Weights (3,), the last one the bias, with both sides weighing the same; Newton's method."""
    rows = np.hstack([np.vstack([good, bad]), np.ones((len(good) + len(bad), 1))])
    targets = np.r_[np.ones(len(good)), np.zeros(len(bad))]
    importance = np.r_[np.full(len(good), 0.5 / len(good)), np.full(len(bad), 0.5 / len(bad))]
    importance *= len(bad) * 2
    weights = np.zeros(3)
    for _ in range(20):
        shares = 1 / (1 + np.exp(-np.clip(rows @ weights, -30, 30)))
        gradient = rows.T @ (importance * (shares - targets)) + _DECAY * weights
        curvature = (rows.T * (importance * shares * (1 - shares))) @ rows + _DECAY * np.eye(3)
        weights = weights - np.linalg.solve(curvature, gradient)
    return np.asarray(weights, dtype=np.float32)
