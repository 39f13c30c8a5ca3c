"""Commands: what the user wants, typed. Understanding proposes them; they do nothing themselves."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from attenda.core.label import Labelled

__all__ = [
    "Affirm",
    "Another",
    "AskDocuments",
    "AskHuman",
    "Cancel",
    "Clarify",
    "Command",
    "NotUnderstood",
    "Recall",
    "Refuse",
    "Remember",
    "SetSlot",
    "Silence",
    "StartFlow",
    "Wait",
]


class _Command(BaseModel):
    model_config = ConfigDict(frozen=True)


class StartFlow(_Command):
    """They want this done."""

    type: Literal["start_flow"] = "start_flow"
    flow: str


class SetSlot(_Command):
    """They named a value, or corrected it."""

    type: Literal["set_slot"] = "set_slot"
    slot: str
    value: Labelled
    words: str = ""
    """Their own words for it."""


class Affirm(_Command):
    """Yes."""

    type: Literal["affirm"] = "affirm"


class Refuse(_Command):
    """No."""

    type: Literal["refuse"] = "refuse"


class Another(_Command):
    """Not this one: they want another value, and have not said which."""

    type: Literal["another"] = "another"
    slot: str


class Wait(_Command):
    """Neither yes nor no: they want time, or to talk of something else first."""

    type: Literal["wait"] = "wait"


class Silence(_Command):
    """Nobody answered for so long that they are reminded of what was asked, or it is put down."""

    type: Literal["silence"] = "silence"
    reminders: int = 1
    """How many are due by now, those that were given included."""
    ends: bool = False
    """What was asked is asked no more, and what is under way is over."""


class Cancel(_Command):
    """They no longer want what is under way."""

    type: Literal["cancel"] = "cancel"


class AskHuman(_Command):
    """They want a person."""

    type: Literal["ask_human"] = "ask_human"


class AskDocuments(_Command):
    """They ask something that the documents may answer."""

    type: Literal["ask_documents"] = "ask_documents"


class Remember(_Command):
    """They want something kept for later."""

    type: Literal["remember"] = "remember"
    text: str


class Recall(_Command):
    """They ask what is remembered about them."""

    type: Literal["recall"] = "recall"


class Clarify(_Command):
    """It could be one of these; they must say which."""

    type: Literal["clarify"] = "clarify"
    flows: tuple[str, ...]


class NotUnderstood(_Command):
    """It could be anything."""

    type: Literal["not_understood"] = "not_understood"


Command = Annotated[
    StartFlow
    | SetSlot
    | Affirm
    | Refuse
    | Another
    | Wait
    | Silence
    | Cancel
    | AskHuman
    | AskDocuments
    | Remember
    | Recall
    | Clarify
    | NotUnderstood,
    Field(discriminator="type"),
]
