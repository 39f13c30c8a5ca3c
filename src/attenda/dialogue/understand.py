"""Perceive: what the person wants, from their own words and the state alone.

What is asked just now is looked for first, then values for the flows under way, then another
flow, by the nearest of its examples. Documents and results of tools are never looked at.
"""

import datetime
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from attenda.core.command import (
    Affirm,
    AskHuman,
    Cancel,
    Clarify,
    Command,
    NotUnderstood,
    Refuse,
    SetSlot,
    StartFlow,
)
from attenda.core.label import Label
from attenda.dialogue.book import FlowBook
from attenda.dialogue.extract_answers import yes_or_no
from attenda.dialogue.flow import CallFlowStep, CollectStep, ConfirmStep, Flow, Instruction, Slot
from attenda.dialogue.state import DialogueState
from attenda.dialogue.values import values_in, without_values

__all__ = ["Understanding"]

_CERTAIN, _POSSIBLE, _CLOSE = 0.7, 0.5, 0.05
"""Cosines: from which on a flow is meant, may be meant, and two are told apart."""
_CANCEL = re.compile(r"\b(cancel (this|that|it)|forget (it|that)|never mind)\b|算了|不办了", re.I)
_HUMAN = re.compile(
    r"\b(human|real person|(talk|speak) to (a|some)\s?(person|one|body)|agent please)\b|人工|真人",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Understanding:
    """The flows of a book and their examples as vectors."""

    book: FlowBook
    names: Sequence[str]
    """Flow of each example."""
    vectors: NDArray[np.float32]
    """(examples, D)."""

    def wish(self, text: str) -> str:
        """The part of a message that says what the person wants, of which the vector is made."""
        slots = [slot for flow in self.book.current.values() for slot in flow.slots.values()]
        return without_values(text, slots)

    def commands(
        self,
        text: str,
        vector: NDArray[np.float32],
        state: DialogueState,
        label: Label,
        today: datetime.date,
    ) -> list[Command]:
        """What a message wants.

        Args:
            text: of the message.
            vector: of its `wish`, (D,).
            state: where the dialogue stands.
            label: that values taken from the message get.
            today: when it was said.
        """
        if _HUMAN.search(text):
            return [AskHuman()]
        asked = _asked(state, self.book)
        slots = dict(_slots(state, self.book))
        wanted = asked.collect if isinstance(asked, CollectStep) else ""
        if isinstance(asked, ConfirmStep) and (said := yes_or_no(text)) is not None:
            return _answered(said.value, list(values_in(text, slots, "", today, label)), state)
        if state.top and _CANCEL.search(text):
            return [Cancel()]
        likely = self._flow(vector)
        begun = {frame.flow for frame in state.frames}
        flow = self.book.current[likely[0]] if len(likely) == 1 else None
        begins = flow if flow and flow.name not in begun else None
        if begins:
            slots |= dict(_all_slots(begins, self.book))
        named = values_in(text, slots, "" if begins else wanted, today, label)
        found: list[Command] = [StartFlow(flow=begins.name)] if begins else []
        found += named
        if not found and len(likely) > 1:
            return [Clarify(flows=tuple(likely))]
        return found or [NotUnderstood()]

    def _flow(self, vector: NDArray[np.float32]) -> list[str]:
        """The flow that is meant, or those that may be."""
        if not len(self.names):
            return []
        best: dict[str, float] = {}
        for name, cosine in zip(self.names, (self.vectors @ vector).tolist(), strict=True):
            best[name] = max(best.get(name, -1.0), cosine)
        ranked = sorted(best, key=lambda name: -best[name])
        first = best[ranked[0]]
        near = [name for name in ranked if first - best[name] < _CLOSE]
        if first >= _CERTAIN and len(near) == 1:
            return near
        return [name for name in ranked if best[name] >= _POSSIBLE][:3] if first >= 0.6 else []


def _answered(yes: bool, named: list[SetSlot], state: DialogueState) -> list[Command]:
    """A yes or a no, with other values in the same breath.

    A value that comes with a yes voids it where it is another one; a no with another value is a
    correction.
    """
    known = state.top.values if state.top else {}
    other = [
        one for one in named if one.slot not in known or known[one.slot].value != one.value.value
    ]
    if yes:
        return [Affirm(), *other]
    return [*other] if other else [Refuse()]


def _asked(state: DialogueState, book: FlowBook) -> Instruction | None:
    if state.top is None:
        return None
    steps = book.of(state.top).instructions
    return steps[state.top.at] if 0 <= state.top.at < len(steps) else None


def _slots(state: DialogueState, book: FlowBook) -> Iterator[tuple[str, Slot]]:
    for frame in state.frames:
        yield from _all_slots(book.of(frame), book)


def _all_slots(flow: Flow, book: FlowBook) -> Iterator[tuple[str, Slot]]:
    """Slots of a flow and of those that it calls."""
    yield from flow.slots.items()
    for step in flow.instructions:
        if isinstance(step, CallFlowStep) and step.call_flow in book.current:
            yield from book.current[step.call_flow].slots.items()
