"""Does a tuned model choose better than a pack's examples, where these leave it open?

A fifth of the examples is held back from the lessons and from the judge. Of these the model is
asked all, for how often it takes the right name; those that the judge left open decide whether
it is of use: a flow that is rightly begun counts one, one that is wrongly begun takes one away, and
it must come to more than beginning the likeliest flow each time would.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from attenda.dialogue.choosing import NONE, Choice, Lesson, Ranked, is_held_back, lessons
from attenda.dialogue.nearest import (
    MOST_CANDIDATES,
    Certain,
    Judgement,
    Nearest,
)
from attenda.dialogue.nearest_features import language_by_script
from attenda.runtime.choosing import Chooser
from attenda.runtime.understanding import Examples

__all__ = ["LEAST_RIGHT", "ChoiceMarks", "HeldBack", "examine_chooser", "hold_back", "teach"]

LEAST_RIGHT = 0.75
"""Share of the sentences held back in which a model must take the right name to be of use."""
_FOLDS = 5


@dataclass(frozen=True, slots=True)
class HeldBack:
    """A sentence that neither the judge nor the model has learned."""

    ranked: Ranked
    offered: tuple[str, ...]
    """The flows that may be meant, by name: their order says nothing."""
    best: str
    """The likeliest of them, as the judge has it."""
    open: bool
    """Whether the examples leave open what it means."""


@dataclass(frozen=True, slots=True)
class ChoiceMarks:
    """How a model chose in one language."""

    asked: int
    right: int
    """Of these; what is out of scope is rightly called none."""
    left_open: int
    """Sentences that the examples alone leave open."""
    begun_right: int
    """Flows that the model rightly begins among these."""
    begun_wrong: int
    best_right: int
    """How many would be if the likeliest flow were begun each time, without a model."""
    best_wrong: int

    @property
    def is_useful(self) -> bool:
        """Whether people are better understood with it than without, however that is done."""
        surely = self.asked > 0 and self.right >= LEAST_RIGHT * self.asked
        without = max(0, self.best_right - self.best_wrong)
        return surely and self.begun_right - self.begun_wrong > without

    def figures(self) -> dict[str, int | bool]:
        """As they are kept and told."""
        return {**asdict(self), "useful": self.is_useful}


def teach(examples: Examples, languages: Sequence[str]) -> list[Lesson]:
    """The lessons of a pack: each example among the flows that others would take it for."""
    kept = np.array([not is_held_back(text) for text in examples.texts])
    fold_of = np.random.default_rng(0).integers(_FOLDS, size=len(kept))
    ranked = [
        one
        for fold in range(_FOLDS)
        for one, _ in _judged(examples, kept & (fold_of != fold), kept & (fold_of == fold))
    ]
    return list(
        lessons([one for one in ranked if language_by_script(one.text) in languages], languages)
    )


def hold_back(examples: Examples, languages: Sequence[str]) -> list[HeldBack]:
    """The examples that lessons leave out, as the others judge them."""
    kept = np.array([not is_held_back(text) for text in examples.texts])
    return [
        HeldBack(
            one,
            _names(one, said),
            said.best.name,
            not isinstance(said, Certain),
        )
        for one, said in _judged(examples, kept, ~kept)
        if language_by_script(one.text) in languages
    ]


def _names(one: Ranked, said: Judgement) -> tuple[str, ...]:
    if isinstance(said, Certain):
        return tuple(sorted(one.order[:MOST_CANDIDATES]))
    return tuple(sorted(candidate.name for candidate in said.candidates))


def _judged(
    examples: Examples, taught: NDArray[np.bool_], asked: NDArray[np.bool_]
) -> list[tuple[Ranked, Judgement]]:
    """What a judge says of the rows `asked`, (N,), that has learned the rows `taught`, (N,)."""
    known = np.flatnonzero(taught)
    judge = Nearest.fit(
        [examples.flows[at] for at in known],
        [examples.texts[at] for at in known],
        examples.vectors[known],
    )
    found = []
    for at in np.flatnonzero(asked):
        flow, text, vector = examples.flows[at], examples.texts[at], examples.vectors[at]
        if flow in (None, *judge.names):
            order = tuple(one.name for one in judge.rank(text, vector)[: MOST_CANDIDATES + 1])
            if flow and flow not in order:
                order = (*order, flow)
            found.append((Ranked(text, flow, order), judge.judge(text, vector)))
    return found


async def examine_chooser(
    chooser: Chooser, held: Sequence[HeldBack], told: Callable[[], None] = lambda: None
) -> dict[str, ChoiceMarks]:
    """How a model chooses, by language; `told` is called after each sentence."""
    found: dict[str, list[tuple[HeldBack, str]]] = {}
    async for one, name in _answers(chooser, held, told):
        found.setdefault(language_by_script(one.ranked.text), []).append((one, name))
    return {language: _marks(answers) for language, answers in sorted(found.items())}


async def _answers(
    chooser: Chooser, held: Sequence[HeldBack], told: Callable[[], None]
) -> AsyncIterator[tuple[HeldBack, str]]:
    for one in held:
        choice = Choice(one.ranked.text, one.offered)
        yield one, await chooser.choose(choice)
        told()


def _marks(answers: Sequence[tuple[HeldBack, str]]) -> ChoiceMarks:
    def right(one: HeldBack, name: str) -> bool:
        flow = one.ranked.flow
        return name == (flow if flow in one.offered else NONE)

    begun = [(one, name) for one, name in answers if one.open and name in one.offered]
    well = sum(name == one.ranked.flow for one, name in begun)
    best = [one.best == one.ranked.flow for one, _ in answers if one.open]
    return ChoiceMarks(
        asked=len(answers),
        right=sum(right(one, name) for one, name in answers),
        left_open=sum(one.open for one, _ in answers),
        begun_right=well,
        begun_wrong=len(begun) - well,
        best_right=sum(best),
        best_wrong=len(best) - sum(best),
    )
