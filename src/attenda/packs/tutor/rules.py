"""The arithmetic of tutoring: what a learner knows, when it counts, and what may be told when.

Pure functions and their constants. Mastery follows Bayesian knowledge tracing (Corbett and Anderson
1995, User Modeling and User-Adapted Interaction 4, 253-278; its formulas were read as the article
"Bayesian Knowledge Tracing" of Wikipedia restates them, not in the paper). All other numbers here
are choices of ours: general knowledge, unreviewed by a teacher.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

__all__ = [
    "BOTTOM_OUT",
    "MASTERED",
    "TARGET",
    "Attempt",
    "Tracing",
    "counts",
    "hint_level",
    "interval",
    "item_rate",
    "may_tell_answer",
    "predicted",
    "traced",
    "updated",
]

MASTERED = 0.95
"""From this probability on a skill counts as mastered (the customary threshold of the field)."""
TARGET = (0.60, 0.85)
"""Exercises of a skill are chosen so that success is about as likely as this."""
BOTTOM_OUT = 4
"""The last step of the hint ladder: the answer with its way."""
HINTS_BEFORE_ANSWER = 3
ATTEMPTS_BEFORE_ANSWER = 2


@dataclass(frozen=True, slots=True)
class Tracing:
    """The parameters of one skill; all are probabilities."""

    prior: float = 0.30
    """P(L0): the skill is known before the first attempt."""
    learn: float = 0.20
    """P(T): it is learned by one attempt."""
    guess: float = 0.20
    """P(G): a right answer without knowing."""
    slip: float = 0.10
    """P(S): a wrong answer in spite of knowing."""
    forget: float = 0.0
    """P(F): it is lost between two attempts; 0 is the classical model."""

    def __post_init__(self) -> None:
        """Raises ValueError where a number is no probability, or right answers would mean less."""
        for name in ("prior", "learn", "guess", "slip", "forget"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ValueError(f"{name} must be between 0 and 1, not {getattr(self, name)}")
        if self.guess + self.slip >= 1.0:
            raise ValueError("guess + slip must be below 1, else a right answer means less")


@dataclass(frozen=True, slots=True)
class Attempt:
    """What of an attempt matters to tracing."""

    right: bool
    hints: int = 0
    """Hints that were shown for this exercise before."""
    told: bool = False
    """The answer itself was shown before."""
    guessable_again: bool = False
    """Another try at a choice, where one option fewer is left."""


def predicted(known: float, skill: Tracing) -> float:
    """P(correct) = P(L)(1 - P(S)) + (1 - P(L))P(G)."""
    return known * (1.0 - skill.slip) + (1.0 - known) * skill.guess


def updated(known: float, right: bool, skill: Tracing) -> float:
    """P(L) after one scored attempt: Bayes on what was seen, then learning (and forgetting).

    P(L | right) = P(L)(1 - P(S)) / (P(L)(1 - P(S)) + (1 - P(L))P(G))
    P(L | wrong) = P(L)P(S) / (P(L)P(S) + (1 - P(L))(1 - P(G)))
    P(L next) = P(L | seen)(1 - P(F)) + (1 - P(L | seen))P(T)
    """
    if right:
        of_known, of_unknown = known * (1.0 - skill.slip), (1.0 - known) * skill.guess
    else:
        of_known, of_unknown = known * skill.slip, (1.0 - known) * (1.0 - skill.guess)
    total = of_known + of_unknown
    seen = of_known / total if total > 0.0 else known  # what could not happen tells nothing
    return seen * (1.0 - skill.forget) + (1.0 - seen) * skill.learn


def counts(attempt: Attempt) -> bool:
    """Whether an attempt moves mastery: unaided, and more than what is left of a choice."""
    return attempt.hints == 0 and not attempt.told and not attempt.guessable_again


def traced(attempts: Iterable[Attempt], skill: Tracing) -> list[float]:
    """P(L) after each attempt that counts, in order."""
    known, values = skill.prior, []
    for one in attempts:
        if counts(one):
            known = updated(known, one.right, skill)
            values.append(known)
    return values


def item_rate(rate: float, difficulty: float) -> float:
    """The success rate of one exercise: that of its skill, moved on the logit scale.

    Args:
        rate: of the skill, by `predicted`.
        difficulty: 0 is as hard as the skill's exercises are on the whole, 1 is harder by a
            factor of e in the odds.
    """
    inside = min(max(rate, 1e-6), 1.0 - 1e-6)
    return 1.0 / (1.0 + math.exp(difficulty - math.log(inside / (1.0 - inside))))


def interval(known: float, attempts: int) -> tuple[float, float]:
    """A rough range around a mastery, for people: wide after few attempts, never beyond 0 and 1.

    Wilson's score interval of a share `known` seen `attempts` + 1 times, at 80 %. It says how
    little was seen, not how wrong the model is.
    """
    n, z = attempts + 1, 1.2816
    middle = (known + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(known * (1 - known) / n + z * z / (4 * n * n))
    return max(0.0, middle - half), min(1.0, middle + half)


def may_tell_answer(hints: int, honest_attempts: int) -> bool:
    """Whether the answer may be shown: after every hint, and two attempts of one's own."""
    return hints >= HINTS_BEFORE_ANSWER and honest_attempts >= ATTEMPTS_BEFORE_ANSWER


def hint_level(hints: int, honest_attempts: int) -> int:
    """The rung that the next request for help gets.

    1 points to the idea, 2 makes a step, 3 works a parallel example, 4 tells the answer. Whoever
    has seen three rungs and not tried twice gets the third again.
    """
    if hints < HINTS_BEFORE_ANSWER:
        return hints + 1
    return BOTTOM_OUT if may_tell_answer(hints, honest_attempts) else HINTS_BEFORE_ANSWER
