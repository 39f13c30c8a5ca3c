"""Perceive: what the person wants, from their own words and the state alone.

What is asked just now is looked for first, then values for the flows under way, then another
flow, by the nearest of its examples. Documents and results of tools are never looked at.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
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
from attenda.core.label import Label, Labelled
from attenda.dialogue.book import FlowBook
from attenda.dialogue.flow import CallFlowStep, CollectStep, ConfirmStep, Flow, Instruction, Slot
from attenda.dialogue.state import DialogueState

__all__ = ["Understanding"]

_CERTAIN, _POSSIBLE, _CLOSE = 0.7, 0.5, 0.05
"""Cosines: from which on a flow is meant, may be meant, and two are told apart."""
_YES = re.compile(
    r"\W*(yes|yeah|yep|sure|ok(ay)?|please do|do it|go ahead|confirm(ed)?|correct|right|"
    r"好的?|是的?|可以|对的?|行|确认|没问题|继续)\b.*|\W*(好|是|对|行|可以|确认|继续).{0,6}",
    re.IGNORECASE | re.DOTALL,
)
_NO = re.compile(
    r"\W*(no|nope|don'?t|do not|not? (thanks|now)|stop|never mind|不|别|算了|取消).*",
    re.IGNORECASE | re.DOTALL,
)
_CANCEL = re.compile(r"\b(cancel (this|that|it)|forget (it|that)|never mind)\b|算了|不办了", re.I)
_HUMAN = re.compile(
    r"\b(human|real person|(talk|speak) to (a|some)\s?(person|one|body)|agent please)\b|人工|真人",
    re.IGNORECASE,
)
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")


@dataclass(frozen=True, slots=True)
class Understanding:
    """The flows of a book and their examples as vectors."""

    book: FlowBook
    names: Sequence[str]
    """Flow of each example."""
    vectors: NDArray[np.float32]
    """(examples, D)."""

    def commands(
        self,
        text: str,
        vector: NDArray[np.float32],
        state: DialogueState,
        label: Label,
    ) -> list[Command]:
        """What a message wants.

        Args:
            text: of the message.
            vector: of the same, (D,).
            state: where the dialogue stands.
            label: that values taken from the message get.
        """
        if _HUMAN.search(text):
            return [AskHuman()]
        asked = _asked(state, self.book)
        if isinstance(asked, ConfirmStep):
            if _NO.fullmatch(text):
                return [Refuse()]
            if _YES.fullmatch(text):
                return [Affirm()]
        if state.top and _CANCEL.search(text):
            return [Cancel()]
        started = self._flow(vector)
        flow = self.book.current[started[0]] if len(started) == 1 else None
        begins = [StartFlow(flow=flow.name)] if flow else []
        slots = dict(_slots(state, self.book)) | (dict(_all_slots(flow, self.book)) if flow else {})
        named = list(_values(text, slots, asked, label))
        if begins or named:
            return [*begins, *named]
        if started:
            return [Clarify(flows=tuple(started))]
        return [NotUnderstood()]

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


def _values(
    text: str, slots: Mapping[str, Slot], asked: Instruction | None, label: Label
) -> Iterator[SetSlot]:
    wanted = asked.collect if isinstance(asked, CollectStep) else ""
    for name, slot in slots.items():
        words = _found(text, slot, asked=name == wanted)
        if words:
            yield SetSlot(slot=name, value=Labelled(value=words, label=label), words=words)


def _found(text: str, slot: Slot, *, asked: bool) -> str:
    match slot.type:
        case "id" if slot.pattern:
            found = re.search(slot.pattern, text, re.IGNORECASE)
            return found[0].upper() if found else ""
        case "email":
            found = _EMAIL.search(text)
            return found[0] if found else ""
        case "choice":
            lowered = text.lower()
            for choice, words in slot.choices.items():
                if any(word.lower() in lowered for word in (choice, *words)):
                    return choice
            return ""
        case "text" if asked:
            return text.strip()
    return ""
