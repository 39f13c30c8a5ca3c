"""Choose: where examples leave open what a person wants, a tuned model takes one of few names.

It reads the person's own wish and the names of what is possible now, nothing else, and what it
writes is held to those names by a grammar. The same questions, with the answers that examples
give, are what it is tuned on; a fifth of the examples is held back to see whether it learned.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from attenda.core.message import Message, text_message
from attenda.core.ports import Grammar, ModelSettings
from attenda.dialogue.choosing_words import PERSON_WORDS, STOP_WORDS
from attenda.dialogue.nearest import MOST_CANDIDATES

__all__ = [
    "NONE",
    "PERSON",
    "STOP",
    "Choice",
    "Lesson",
    "Ranked",
    "as_row",
    "is_held_back",
    "lessons",
    "question",
    "settings_for",
]

PERSON, STOP, NONE = "person", "stop", "none"
"""What is possible besides flows: a person of the desk, the flow under way ended, none of these."""
_MOST_LETTERS = 300
"""Of a wish; the end of a longer one says more than its beginning."""
_MOST_TOKENS = 32
"""Of an answer; a flow's name has 40 letters at most."""
_HELD_BACK = 5
"""One in so many examples is."""
_WITHOUT = 0.2
"""Share of the lessons from which the right flow is taken out, so that none is right."""
_UNDER_WAY = 0.3
"""Share of the lessons that are asked as in the middle of a flow."""
_TIMES = 2
"""Lessons made of one example, in different company."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What is to be chosen from."""

    wish: str
    """The person's own words, without values and courtesies."""
    flows: tuple[str, ...]
    """Those that may be meant, in an order that says nothing of how likely they are."""
    under_way: bool = False
    """Whether there is a flow that could be stopped."""

    @property
    def names(self) -> tuple[str, ...]:
        """All that may be answered, each once: a flow may be called as one of the others."""
        besides = (PERSON, *((STOP,) if self.under_way else ()), NONE)
        return tuple(dict.fromkeys((*self.flows, *besides)))


@dataclass(frozen=True, slots=True)
class Lesson:
    """A choice, and the right answer."""

    choice: Choice
    right: str


@dataclass(frozen=True, slots=True)
class Ranked:
    """An example, and how a judge that has not learned it ranks the flows."""

    text: str
    flow: str | None
    """None for what is out of scope."""
    order: tuple[str, ...]
    """Flows, the likeliest first; at least so many as are offered at once."""


def question(choice: Choice) -> list[Message]:
    """What the model reads."""
    names = ", ".join(choice.names)
    said = f"Options: {names}\nMessage: {choice.wish[-_MOST_LETTERS:]}"
    return [text_message("system", "Name what is asked for."), text_message("user", said)]


def as_row(lesson: Lesson) -> dict[str, list[dict[str, str]]]:
    """A lesson as a conversation that a model is tuned on."""
    said = [*question(lesson.choice), text_message("assistant", lesson.right)]
    return {"messages": [{"role": one.role, "content": one.text} for one in said]}


def settings_for(choice: Choice) -> ModelSettings:
    """How it answers: one of the names, the likeliest."""
    names = "|".join(re.escape(name) for name in choice.names)
    grammar = Grammar(kind="regex", text=f"({names})")
    return ModelSettings(max_tokens=_MOST_TOKENS, grammar=grammar)


def is_held_back(text: str) -> bool:
    """Whether an example is kept from the lessons; the same for the same text, always."""
    return hashlib.sha256(text.encode()).digest()[0] % _HELD_BACK == 0


def lessons(ranked: Iterable[Ranked], languages: Sequence[str], seed: int = 0) -> Iterator[Lesson]:
    """What examples teach, in an order and company drawn by `seed`."""
    chance = np.random.default_rng(seed)
    for one in ranked:
        for _ in range(_TIMES if one.flow else 1):
            yield _lesson(one, chance)
    known = [one for one in ranked if one.flow]
    for language in languages:
        for right, texts in ((PERSON, PERSON_WORDS[language]), (STOP, STOP_WORDS[language])):
            for text in texts:
                company = known[int(chance.integers(len(known)))]
                lesson = _lesson(replace(company, text=text, flow=None), chance)
                choice = replace(lesson.choice, under_way=right == STOP or lesson.choice.under_way)
                yield Lesson(choice, right)


def _lesson(one: Ranked, chance: np.random.Generator) -> Lesson:
    order = list(one.order)
    right = NONE
    if one.flow:
        order.remove(one.flow)
    offered = order[:MOST_CANDIDATES]
    if one.flow and chance.random() >= _WITHOUT:
        right, offered = one.flow, [one.flow, *offered[: MOST_CANDIDATES - 1]]
    flows = tuple(offered[at] for at in chance.permutation(len(offered)))
    return Lesson(Choice(one.text, flows, bool(chance.random() < _UNDER_WAY)), right)
