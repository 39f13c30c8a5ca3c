"""The parameters of knowledge tracing, fitted to sequences of right and wrong answers by EM.

Knowledge tracing is a hidden Markov model of two states, so the parameters that explain answers
best are found by the forward-backward algorithm (Baum and Welch; general knowledge). NumPy alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from attenda.packs.tutor.rules import Tracing, predicted, updated

__all__ = ["Answers", "Fitted", "area_under_curve", "by_skill", "fit", "predictions"]

Floats = NDArray[np.float64]
Answers = Sequence[int]
"""0 and 1 of one learner at one skill, in order."""

_MOST_GUESS, _MOST_SLIP = 0.50, 0.40
"""Beyond these a right answer says little, and the two states may swap their names."""
_LEAST = 1e-4


@dataclass(frozen=True, slots=True)
class Fitted:
    """What EM found."""

    skill: Tracing
    log_likelihood: float
    rounds: int


def fit(sequences: Sequence[Answers], start: Tracing | None = None, rounds: int = 60) -> Fitted:
    """The parameters under which the sequences are most likely, from one starting point.

    Args:
        sequences: one a learner; empty ones are left out.
        start: where EM begins.
        rounds: at most so many; fewer where the likelihood no longer rises.

    Raises:
        ValueError: there is no answer to learn from.
    """
    seen, length = _padded([one for one in sequences if len(one)])
    skill, before, done = start or Tracing(), -np.inf, 0
    while done < rounds:
        done += 1
        smoothed, moved, likelihood = _expect(seen, length, skill)
        skill = _maximize(seen, length, smoothed, moved)
        if likelihood - before < 1e-6 * max(1.0, abs(likelihood)):
            break
        before = likelihood
    return Fitted(skill, float(_expect(seen, length, skill)[2]), done)


def _padded(sequences: Sequence[Answers]) -> tuple[Floats, NDArray[np.bool_]]:
    """Answers (N, T) with 0 behind the end, and which places are answers (N, T)."""
    if not sequences:
        raise ValueError("there are no answers to fit to")
    longest = max(map(len, sequences))
    seen = np.zeros((len(sequences), longest))
    there = np.zeros((len(sequences), longest), dtype=bool)
    for row, one in enumerate(sequences):
        seen[row, : len(one)] = one
        there[row, : len(one)] = True
    return seen, there


def _emission(seen: Floats, skill: Tracing) -> Floats:
    """P(answer | state): (N, T, 2), state 0 unknown and 1 known."""
    unknown = np.where(seen == 1, skill.guess, 1 - skill.guess)
    known = np.where(seen == 1, 1 - skill.slip, skill.slip)
    return np.stack([unknown, known], axis=-1)


def _expect(seen: Floats, there: NDArray[np.bool_], skill: Tracing) -> tuple[Floats, Floats, float]:
    """P(state) (N, T, 2), expected moves between states (2, 2), and the log likelihood."""
    move = np.array([[1 - skill.learn, skill.learn], [skill.forget, 1 - skill.forget]])
    emission = np.where(there[..., None], _emission(seen, skill), 1.0)
    learners, steps = seen.shape
    forward, scale = np.empty((learners, steps, 2)), np.ones((learners, steps))
    state = np.tile([1 - skill.prior, skill.prior], (learners, 1))
    for step in range(steps):
        weighed = state * emission[:, step]
        scale[:, step] = weighed.sum(axis=1)
        forward[:, step] = weighed / scale[:, step, None]
        state = forward[:, step] @ move
    backward = np.ones((learners, steps, 2))
    moved = np.zeros((2, 2))
    for step in range(steps - 2, -1, -1):
        ahead = emission[:, step + 1] * backward[:, step + 1] / scale[:, step + 1, None]
        backward[:, step] = ahead @ move.T
        pairs = forward[:, step, :, None] * move * ahead[:, None, :]
        moved += (pairs * there[:, step + 1, None, None]).sum(axis=0)
    smoothed = forward * backward * there[..., None]
    return smoothed, moved, float(np.log(scale[there]).sum())


def _maximize(seen: Floats, there: NDArray[np.bool_], smoothed: Floats, moved: Floats) -> Tracing:
    right = (seen * there)[..., None] * smoothed
    total = smoothed.sum(axis=(0, 1))
    guess, known_right = right.sum(axis=(0, 1)) / np.maximum(total, 1e-12)
    learn = moved[0, 1] / max(moved[0].sum(), 1e-12)
    return Tracing(
        prior=_inside(smoothed[:, 0, 1].mean(), 1 - _LEAST),
        learn=_inside(learn, 1 - _LEAST),
        guess=_inside(guess, _MOST_GUESS),
        slip=_inside(1 - known_right, _MOST_SLIP),
    )


def _inside(value: float, most: float) -> float:
    return float(min(max(value, _LEAST), most))


def predictions(sequence: Answers, skill: Tracing) -> list[float]:
    """P(correct) of each answer, told before it is seen."""
    known, told = skill.prior, []
    for answer in sequence:
        told.append(predicted(known, skill))
        known = updated(known, bool(answer), skill)
    return told


def area_under_curve(truth: Sequence[int], scores: Sequence[float]) -> float:
    """The area under the ROC curve: how often a right answer was thought likelier than a wrong one.

    Ties count half (Mann and Whitney's U over the number of pairs).

    Raises:
        ValueError: all answers are right, or all are wrong.
    """
    right = np.asarray(truth) == 1
    pairs = int(right.sum()) * int((~right).sum())
    if not pairs:
        raise ValueError("an area needs right and wrong answers")
    values = np.asarray(scores, dtype=float)
    _, place, size = np.unique(values, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(size) - (size - 1) / 2)[place]
    least = right.sum() * (right.sum() + 1) / 2
    return float((ranks[right].sum() - least) / pairs)


def by_skill(rows: Sequence[Mapping[str, str]]) -> dict[str, dict[str, list[int]]]:
    """Answers by skill and learner, from rows with `student`, `skill`, `correct`, in order."""
    found: dict[str, dict[str, list[int]]] = {}
    for row in rows:
        learner = found.setdefault(row["skill"], {}).setdefault(row["student"], [])
        learner.append(int(row["correct"]))
    return found
