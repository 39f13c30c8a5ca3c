"""What happens in a run: the one union that is streamed, stored, traced and graded.

A run's events are append-only and numbered within their session by the store. Text carries its
place (`at`, in code points of the answer), so that a reader who sees a piece twice writes it
twice to the same place and nothing doubles.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from attenda.core.form import Form, FormAction
from attenda.core.label import Label, Labelled
from attenda.core.message import Citation
from attenda.core.ports import Usage

__all__ = [
    "Called",
    "Cited",
    "Confirmed",
    "DialogueEvent",
    "Event",
    "FinishReason",
    "FlowBegan",
    "FlowEnded",
    "FlowMoved",
    "FormAsked",
    "FormEnded",
    "Found",
    "HandedBack",
    "HandedOff",
    "Kept",
    "Nearest",
    "ProposalDeclined",
    "Remembered",
    "RunFinished",
    "RunStarted",
    "SaidAhead",
    "Searched",
    "Silent",
    "SlotProposed",
    "SlotRefused",
    "SlotSet",
    "SlotsForgotten",
    "TextAdded",
    "TooLate",
    "Unclear",
    "Understood",
    "event_from_json",
]

FinishReason = Literal["done", "stopped", "failed", "withdrawn"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class RunStarted(_Frozen):
    """The run took the user's message and began."""

    type: Literal["run.started"] = "run.started"
    run_id: str
    user_message_id: str
    message_id: str
    """Id that the answer will have."""
    model: str


class Found(_Frozen):
    """One passage that a search brought, with its place in the ranking."""

    passage_id: str
    document_id: str
    document: str
    heading: str = ""
    page: int | None = None
    start: int
    end: int
    score: float
    text: str


class Searched(_Frozen):
    """The documents were searched; these passages were given to the model, best first."""

    type: Literal["searched"] = "searched"
    query: str
    passages: tuple[Found, ...]


class TextAdded(_Frozen):
    """Words of the answer, checked, at their place."""

    type: Literal["text"] = "text"
    at: int
    """Code points of the answer before this piece."""
    text: str


class Cited(_Frozen):
    """A marker of the answer resolved to a span of a passage."""

    type: Literal["cited"] = "cited"
    citation: Citation


class Nearest(_Frozen):
    """Nothing supports an answer; these passages came nearest."""

    type: Literal["nearest"] = "nearest"
    passages: tuple[Found, ...]


class Noticed(_Frozen):
    """What the pack is meant for stood above the chat when it began."""

    type: Literal["noticed"] = "noticed"
    pack: str
    text: str


class Withheld(_Frozen):
    """A model's words were not shown; the pack's guard put others in their place."""

    type: Literal["withheld"] = "withheld"
    letters: int
    """Of what was withheld; the words themselves are kept nowhere."""


class Remembered(_Frozen):
    """A fact that the person told is kept, as soon as the answer stands."""

    type: Literal["remembered"] = "remembered"
    message_id: str
    """In which they told it."""
    pack: str = ""
    name: str = ""
    """The slot that it filled; empty for what they asked to be remembered."""
    fact: Labelled


class RunFinished(_Frozen):
    """The run ended: done, stopped, failed with a reason, or withdrawn since a person took over."""

    type: Literal["run.finished"] = "run.finished"
    run_id: str
    reason: FinishReason
    error_key: str | None = None
    """Key of the catalogue; the sentence's values are in `error_values`."""
    error_values: dict[str, str] = Field(default_factory=dict)
    usage: Usage = Usage()
    context_tokens: int = 0
    """What the model can read at once, prompt and answer together; 0 when unknown."""


class FlowBegan(_Frozen):
    """A flow began; `instance` names this time of doing it, from the message that asked for it."""

    type: Literal["flow.began"] = "flow.began"
    flow: str
    fingerprint: str
    instance: str
    called: bool = False
    """By another flow, which waits for it."""


class SlotSet(_Frozen):
    """A slot got a value, or another one."""

    type: Literal["flow.slot"] = "flow.slot"
    instance: str
    slot: str
    value: Labelled
    words: str = ""
    because: Label | None = None
    """Label of what its check was held against."""


class SlotRefused(_Frozen):
    """What was named for a slot may not be."""

    type: Literal["flow.slot_refused"] = "flow.slot_refused"
    instance: str
    slot: str
    value: Labelled
    because: Label | None = None


class SlotProposed(_Frozen):
    """A remembered fact is offered for a slot; only a yes to it sets the slot."""

    type: Literal["flow.proposed"] = "flow.proposed"
    instance: str
    slot: str
    fact: Labelled
    """In the words in which it is remembered."""


class ProposalDeclined(_Frozen):
    """What is remembered is not for this slot: they said no, or it can't be read as its value."""

    type: Literal["flow.declined"] = "flow.declined"
    instance: str
    slot: str
    because: Label | None = None
    """Label of a fact that can't be read."""


class SaidAhead(_Frozen):
    """A value was named for a flow that the one under way will call."""

    type: Literal["flow.ahead"] = "flow.ahead"
    slot: str
    value: Labelled
    words: str = ""


class TooLate(_Frozen):
    """A slot was to get another value, but what rests on it is done and stays done."""

    type: Literal["flow.too_late"] = "flow.too_late"
    instance: str
    slot: str


class SlotsForgotten(_Frozen):
    """Slots lost their values, to be asked for again."""

    type: Literal["flow.forgotten"] = "flow.forgotten"
    instance: str
    slots: tuple[str, ...]


class FlowMoved(_Frozen):
    """A flow stands at another instruction."""

    type: Literal["flow.moved"] = "flow.moved"
    instance: str
    at: int
    because: Label | None = None
    """Label of what decided the way; it lowers what is done from here on."""


class Kept(_Frozen):
    """A result, or a reckoned value, got a name in a flow."""

    type: Literal["flow.kept"] = "flow.kept"
    instance: str
    name: str
    value: Labelled


class Confirmed(_Frozen):
    """The person said yes to what a step said it would do."""

    type: Literal["flow.confirmed"] = "flow.confirmed"
    instance: str
    step: str


class FlowEnded(_Frozen):
    """A flow is over."""

    type: Literal["flow.ended"] = "flow.ended"
    instance: str
    outcome: Literal["done", "refused", "cancelled", "failed", "abandoned"]


class Silent(_Frozen):
    """Nobody answered: they were reminded of what was asked, or it is asked no more."""

    type: Literal["silence"] = "silence"
    reminders: int = 0
    """Of this question; none once somebody speaks again."""
    ended: bool = False


class Unclear(_Frozen):
    """The person was not understood, or it could be one of several flows."""

    type: Literal["unclear"] = "unclear"
    flows: tuple[str, ...] = ()


class Understood(_Frozen):
    """The person was understood: misunderstandings are counted from here."""

    type: Literal["understood"] = "understood"


class Called(_Frozen):
    """A tool was called and this became of it."""

    type: Literal["called"] = "called"
    instance: str
    step: str
    tool: str
    effect: str = ""
    """Idempotency key of a write; a read has none."""
    state: Literal["done", "waiting", "denied", "failed", "unknown"]
    arguments: dict[str, str] = Field(default_factory=dict)
    """As a person reads them."""
    approval_id: str = ""
    problem: str = ""
    endorsed: tuple[str, ...] = ()
    """Arguments that a stranger chose and a table of ours vouched for."""
    simulated: bool = False
    """A draft was tried: nothing was done."""


class FormAsked(_Frozen):
    """A program of others asks the person something, in the middle of a call."""

    type: Literal["form.asked"] = "form.asked"
    form_id: str
    form: Form


class FormEnded(_Frozen):
    """A form waits no longer; what was answered is not kept."""

    type: Literal["form.ended"] = "form.ended"
    form_id: str
    action: FormAction


class HandedOff(_Frozen):
    """The session waits for a person."""

    type: Literal["handed_off"] = "handed_off"
    reason: str


class HandedBack(_Frozen):
    """A person gave the session back."""

    type: Literal["handed_back"] = "handed_back"


DialogueEvent = Annotated[
    FlowBegan
    | SlotSet
    | SlotRefused
    | SlotsForgotten
    | SlotProposed
    | ProposalDeclined
    | SaidAhead
    | TooLate
    | FlowMoved
    | Kept
    | Confirmed
    | FlowEnded
    | Silent
    | Unclear
    | Understood
    | Called
    | HandedOff
    | HandedBack,
    Field(discriminator="type"),
]
"""What changes the state of a dialogue."""

Event = Annotated[
    RunStarted
    | Searched
    | TextAdded
    | Cited
    | Nearest
    | Noticed
    | Withheld
    | Remembered
    | FormAsked
    | FormEnded
    | DialogueEvent
    | RunFinished,
    Field(discriminator="type"),
]

_EVENT: TypeAdapter[Event] = TypeAdapter(Event)


def event_from_json(text: str | bytes) -> Event:
    """Read one stored event.

    Raises:
        pydantic.ValidationError: when the text is not an event.
    """
    return _EVENT.validate_json(text)
