"""Where a turn of the tool loop stands: what was asked and found so far, and what is still to do.

It hangs on a message as JSON while the turn waits for a person, so that the decision can go on
with just what was decided.
"""

from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from attenda.core.label import SYSTEM, Label, Labelled, at_least
from attenda.core.message import Message
from attenda.runtime.loop_values import as_text, names_in
from attenda.tools.call import Outcome
from attenda.tools.tool import Tool

__all__ = ["Came", "LoopState", "LoopStep", "in_words", "openly_failed", "origin", "read_state"]


class LoopStep(BaseModel):
    """One call that the model chose."""

    model_config = ConfigDict(frozen=True)
    name: str
    """Of its result: `r1`."""
    call_id: str
    tool: str
    arguments: dict[str, JsonValue]
    """As the model wrote them, references and all."""


class LoopState(BaseModel):
    """What a turn knows; it begins empty with each message of the person."""

    kind: Literal["loop"] = "loop"
    instance: str = ""
    """Of the deeds: the place in the conversation that they were asked for at."""
    label: Label = SYSTEM
    """Of all that the model has seen: of every choice it makes."""
    messages: list[Message] = Field(default_factory=list)
    """What the model is shown."""
    results: dict[str, Labelled] = Field(default_factory=dict)
    called: dict[str, str] = Field(default_factory=dict)
    """How each result came about, in words."""
    count: int = 0
    """Of calls so far."""
    steps: list[LoopStep] = Field(default_factory=list)
    """Still to be carried out."""
    approval_id: str = ""
    """The first of them waits for this approval."""
    confirms: bool = False
    """It is the person's own yes."""
    handed_off: bool = False
    asks: str = ""
    """What the model asked the person for, where it waits for their answer."""
    reminded: int = 0
    """How many times they were reminded of what they were asked."""


def read_state(text: str | None) -> LoopState:
    """The state kept with a message; an empty one where there is none of the loop's."""
    if text and '"kind":"loop"' in text.replace(" ", ""):
        try:
            return LoopState.model_validate_json(text)
        except ValidationError:  # of a release that kept it otherwise: nothing is under way
            return LoopState()
    return LoopState()


@dataclass(frozen=True, slots=True)
class Came:
    """What came of a step."""

    led_to_it: Label
    """Of all that led to it."""
    outcome: Outcome
    openly: bool
    """The model may see that it failed: no stranger can have had a hand in that."""


def openly_failed(tool: Tool, led_to_it: Label, outcome: Outcome) -> bool:
    """Whether the model may see that a call of a tool failed."""
    ours = at_least(Label(integrity=tool.gives), "user") and not tool.gives_untrusted
    return at_least(led_to_it, "user") and (ours or outcome.state == "denied")


def in_words(step: LoopStep) -> str:
    """A step, for who must know where a value is from."""
    arguments = ", ".join(f"{name}: {as_text(one)[:80]}" for name, one in step.arguments.items())
    return f"{step.tool}({arguments})"


def origin(state: LoopState, written: JsonValue) -> str:
    """Where the values of an argument come from: the calls, one behind the other."""
    found = [state.called.get(name, name) for name in names_in(written)]
    return " ← ".join(dict.fromkeys(found))[:400]
