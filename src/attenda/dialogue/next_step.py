"""What comes next: the closed union of things that a dialogue may decide."""

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from attenda.core.event import DialogueEvent, FlowMoved, Kept
from attenda.core.label import Label, Labelled

__all__ = [
    "AskSlot",
    "AskWhich",
    "AskYesNo",
    "Await",
    "CallTool",
    "HandOver",
    "Idle",
    "Next",
    "Say",
    "SearchFor",
]


@dataclass(frozen=True, slots=True)
class Say:
    """These words, which code has filled in."""

    text: str
    label: Label
    cites: JsonValue = None
    """Citations to which its markers lead, as a tool gave them."""


@dataclass(frozen=True, slots=True)
class AskSlot:
    """Ask for a slot."""

    instance: str
    slot: str
    text: str
    label: Label
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AskYesNo:
    """Say what would happen, and wait for a yes."""

    instance: str
    step: str
    text: str
    label: Label


@dataclass(frozen=True, slots=True)
class AskWhich:
    """Ask which of these flows they want; of none, ask them to say it in other words."""

    flows: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CallTool:
    """Call a tool."""

    instance: str
    step: str
    tool: str
    arguments: Mapping[str, Labelled]
    because: Label
    """Of all that led here: a tool is called by what decided that it is."""
    into: str
    after: int
    """The instruction that comes when it is done."""

    def done(self, result: Labelled | None, because: Label) -> list[DialogueEvent]:
        """What a dialogue is told when it is done: its result where one is kept, and to go on."""
        moved = FlowMoved(instance=self.instance, at=self.after, because=because)
        if not self.into:
            return [moved]
        value = result or Labelled(value=None)
        return [Kept(instance=self.instance, name=self.into, value=value), moved]


@dataclass(frozen=True, slots=True)
class Await:
    """Somebody must approve before it goes on."""

    instance: str
    approval_id: str


@dataclass(frozen=True, slots=True)
class SearchFor:
    """Answer from the documents."""

    instance: str
    query: str
    after: int


@dataclass(frozen=True, slots=True)
class HandOver:
    """A person must take over."""

    instance: str
    reason: str
    after: int


@dataclass(frozen=True, slots=True)
class Idle:
    """Nothing is under way."""


Next = Say | AskSlot | AskYesNo | AskWhich | CallTool | Await | SearchFor | HandOver | Idle
"""What the dialogue decided: the closed union that the runtime carries out."""
