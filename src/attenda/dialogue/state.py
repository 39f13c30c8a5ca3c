"""Where a dialogue stands: the flows under way, one upon another, and what they know.

The state hangs on a message, as JSON: each branch of a conversation has its own. It changes by
events alone, so that the log replayed gives the same state.
"""

from collections.abc import Mapping, Sequence
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field

from attenda.core.event import (
    Called,
    Confirmed,
    DialogueEvent,
    FlowBegan,
    FlowEnded,
    FlowMoved,
    HandedBack,
    HandedOff,
    Kept,
    ProposalDeclined,
    SaidAhead,
    Silent,
    SlotProposed,
    SlotRefused,
    SlotSet,
    SlotsForgotten,
    Unclear,
    Understood,
)
from attenda.core.label import SYSTEM, Label, Labelled, join

__all__ = ["DialogueState", "Frame", "apply", "replay"]


_Value = TypeVar("_Value", bound=BaseModel)


class Frame(BaseModel):
    """One flow under way."""

    model_config = ConfigDict(frozen=True)

    flow: str
    fingerprint: str
    instance: str
    called: bool = False
    """By the frame below, which goes on when this one is done."""
    at: int = 0
    """Number of the next instruction."""
    values: dict[str, Labelled] = Field(default_factory=dict)
    """Slots, results of tools and reckoned values."""
    refused: dict[str, Labelled] = Field(default_factory=dict)
    """Slots whose last value may not be."""
    offers: dict[str, Labelled | None] = Field(default_factory=dict)
    """Slots for which a remembered fact was offered: the fact while the offer stands, then none."""
    confirmed: frozenset[str] = frozenset()
    """Steps that the person said yes to."""
    written: dict[str, str] = Field(default_factory=dict)
    """Steps whose write is done, and its idempotency key."""
    approval_id: str = ""
    """It waits for this approval."""
    because: Label = SYSTEM
    """Label of all that decided the way so far."""


class DialogueState(BaseModel):
    """All flows under way, the newest last."""

    model_config = ConfigDict(frozen=True)

    version: int = 1
    frames: tuple[Frame, ...] = ()
    unclear: int = 0
    """How many times in a row the person was not understood."""
    candidates: tuple[str, ...] = ()
    """They were asked which of these flows they want."""
    handed_off: bool = False
    reminded: int = 0
    """How many times they were reminded of what they were asked."""
    last: str = ""
    """The flow that was done last; “another one” means it again."""
    ahead: dict[str, Labelled] = Field(default_factory=dict)
    """Values named before the flow began that needs them."""

    @property
    def top(self) -> Frame | None:
        """The flow that is talked about."""
        return self.frames[-1] if self.frames else None


def replay(state: DialogueState, events: Sequence[DialogueEvent]) -> DialogueState:
    """The state after these events."""
    for event in events:
        state = apply(state, event)
    return state


def apply(state: DialogueState, event: DialogueEvent) -> DialogueState:
    """The state after one event; what is about a flow that is over changes nothing."""
    match event:
        case FlowBegan():
            frame = Frame(**event.model_dump(exclude={"type"}))
            return _with(state, frames=(*state.frames, frame), candidates=())
        case FlowEnded(instance=instance, outcome=outcome):
            return _ended(state, instance, done=outcome == "done")
        case Unclear(flows=flows):
            return _with(state, unclear=state.unclear + 1, candidates=flows)
        case Understood():
            return _with(state, unclear=0, candidates=())
        case HandedOff():
            return _with(state, handed_off=True, unclear=0, candidates=())
        case SaidAhead(slot=slot, value=value):
            return _with(state, ahead={**state.ahead, slot: value})
        case Silent(reminders=reminders, ended=ended):
            asked = {"unclear": 0, "candidates": ()} if ended else {}
            return _with(state, reminded=reminders, **asked)
        case HandedBack():
            return _with(state, handed_off=False)
    frames = tuple(
        _in_frame(frame, event) if frame.instance == event.instance else frame
        for frame in state.frames
    )
    return _with(state, frames=frames)


def _in_frame(frame: Frame, event: DialogueEvent) -> Frame:
    match event:
        case SlotSet() | SlotRefused() | SlotsForgotten() | Kept():
            return _knowing(frame, event)
        case SlotProposed(slot=slot, fact=fact):
            offers = {**frame.offers, slot: fact}
            return _with(_because(frame, fact.whole_label), offers=offers)
        case ProposalDeclined(slot=slot, because=because):
            return _with(_because(frame, because), offers={**frame.offers, slot: None})
        case FlowMoved(at=at, because=because):
            moved = _with(_because(frame, because), at=at)
            back = at <= frame.at  # what was agreed to further on must be agreed to anew
            return _with(moved, confirmed=frozenset(), approval_id="") if back else moved
        case Confirmed(step=step):
            return _with(frame, confirmed=frame.confirmed | {step})
        case Called(step=step, effect=effect, state=outcome, approval_id=approval_id):
            done = {step: effect} if effect and outcome == "done" else {}
            waits = approval_id if outcome == "waiting" else ""
            return _with(frame, written={**frame.written, **done}, approval_id=waits)
    return frame


def _knowing(frame: Frame, event: SlotSet | SlotRefused | SlotsForgotten | Kept) -> Frame:
    """The frame with a value more, or some fewer; a slot that changes voids what was agreed to."""
    match event:
        case Kept(name=name, value=value):
            return _with(frame, values={**frame.values, name: value})
        case SlotSet(slot=slot, value=value):
            frame, changed = _because(frame, event.because), (slot,)
            values, refused = {**frame.values, slot: value}, _without(frame.refused, slot)
        case SlotRefused(slot=slot, value=value):
            frame, changed = _because(frame, event.because), (slot,)
            values, refused = _without(frame.values, slot), {**frame.refused, slot: value}
        case SlotsForgotten(slots=changed):
            values, refused = _without(frame.values, *changed), frame.refused
    offers = {name: None if name in changed else fact for name, fact in frame.offers.items()}
    known = {"values": values, "refused": refused, "offers": offers}
    return _with(frame, **known, confirmed=frozenset())


def _because(frame: Frame, label: Label | None) -> Frame:
    return _with(frame, because=join(frame.because, label)) if label else frame


def _ended(state: DialogueState, instance: str, *, done: bool) -> DialogueState:
    """Without the frame; what a called flow found out, its caller knows."""
    frames: list[Frame] = []
    last = state.last
    for frame in state.frames:
        last = frame.flow if frame.instance == instance and not frame.called else last
        if frame.instance != instance:
            frames.append(frame)
        elif frame.called and frames and done:
            known = {**frame.values, **frames[-1].values}
            because = join(frames[-1].because, frame.because)
            frames[-1] = _with(frames[-1], values=known, because=because)
    return _with(state, frames=tuple(frames), last=last, ahead=state.ahead if frames else {})


def _without(values: Mapping[str, Labelled], *names: str) -> dict[str, Labelled]:
    return {key: value for key, value in values.items() if key not in names}


def _with(value: _Value, **changes: object) -> _Value:
    return value.model_copy(update=changes)
