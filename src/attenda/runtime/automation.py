"""Automations: durable programs longer than a turn, as data: what sets them off, and their steps.

What stands in a YAML file is read into these values by `automation_file`. Nested steps are laid
out as one list of instructions, so that a place in an automation is a number; each is done once.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator

from attenda.core.duration import read_duration
from attenda.core.principal import Role
from attenda.dialogue.expression import Expression, names_in_text, parse
from attenda.dialogue.flow import Jump, Reckoned, Words
from attenda.runtime.schedule import BadSchedule, read_schedule

__all__ = [
    "EVENTS",
    "Automation",
    "Branch",
    "CallStep",
    "EventTrigger",
    "Fields",
    "FolderTrigger",
    "FormField",
    "FormStep",
    "IfStep",
    "Instruction",
    "Jump",
    "MessageStep",
    "ModelStep",
    "ScheduleTrigger",
    "SearchStep",
    "SetStep",
    "Step",
    "StopStep",
    "Trigger",
    "WaitStep",
    "WebhookStep",
    "WebhookTrigger",
    "names_read",
]

EVENTS = ("session.queued", "session.resolved")


def _duration(text: str) -> str:
    if text:
        read_duration(text)
    return text


Duration = Annotated[str, AfterValidator(_duration)]
"""A number and a unit, such as `15m`; empty for none."""
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Variable = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,79}$")]
"""Name of an environment variable."""


class _Written(BaseModel):
    """Something that is written in an automation's file; unknown keys are mistakes."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class FormField(_Written):
    """A value that a person or a program gives."""

    type: Literal["text", "number", "date", "yes_no", "choice"] = "text"
    title: Words = Field(default_factory=dict)
    choices: tuple[str, ...] = ()
    optional: bool = False

    @field_validator("choices")
    @classmethod
    def _distinct(cls, choices: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(choices)) != len(choices) or "" in choices:
            raise ValueError("choices differ from one another, and none is empty")
        return choices


Fields = dict[Name, FormField]


class ScheduleTrigger(_Written):
    """At times of day."""

    schedule: str
    """Five fields, as of cron."""
    zone: str = "UTC"
    missed: Literal["skip", "once", "all"] = "once"
    """What becomes of times that passed while nobody ran."""

    @field_validator("schedule")
    @classmethod
    def _reads(cls, text: str) -> str:
        try:
            read_schedule(text, "UTC")
        except BadSchedule as error:
            raise ValueError(str(error)) from error
        return text

    @field_validator("zone")
    @classmethod
    def _known(cls, zone: str) -> str:
        try:
            read_schedule("@daily", zone)
        except BadSchedule as error:
            raise ValueError(str(error)) from error
        return zone


class WebhookTrigger(_Written):
    """A signed request from another program, at `/hooks/NAME`."""

    webhook: Name
    secret_env: Variable
    """The environment variable that holds the secret it is signed with."""
    trust: Literal["user", "untrusted"] = "untrusted"
    """Whether what it says counts as a known person's words, or as a stranger's."""


class FolderTrigger(_Written):
    """A file that is new or changed in a folder."""

    folder: str = Field(min_length=1)
    """A path; one that does not begin with a slash is of the home."""
    files: str = "*"
    """Names that count, as in `*.csv`."""


class MailTrigger(_Written):
    """A mail that comes into a mailbox of the settings."""

    mail: str = Field(min_length=1)
    """The mailbox's name."""
    sender: str = "*"
    """Addresses that count, as in `*@supplier.example`."""
    subject: str = "*"
    """Subjects that count, as in `*invoice*`."""


class EventTrigger(_Written):
    """Something that happened here."""

    event: Literal["session.queued", "session.resolved"]


Trigger = ScheduleTrigger | WebhookTrigger | FolderTrigger | MailTrigger | EventTrigger


class _Step(_Written):
    id: str = Field(default="", pattern=r"^[a-z0-9_.]{0,60}$")
    """Names the step in the history; by default its place."""


class _Tried(_Step):
    tries: int = Field(default=3, ge=1, le=20)
    """How often it is tried in all where a failure may pass."""
    pause: Duration = "10s"
    """After the first failure; doubled after each further one."""


class CallStep(_Tried):
    """Calls a tool of the pack; its result is kept under a name."""

    call: str
    args: dict[str, Reckoned] = Field(default_factory=dict, alias="with")
    into: str = ""


class ModelStep(_Tried):
    """Asks a model; with a schema its answer is JSON that fits."""

    model: Words
    """What it is asked."""
    output: dict[str, Any] = Field(default_factory=dict, alias="schema")
    """JSON schema of the answer; without one it is text."""
    named: str = ""
    """The model's name; by default the installation's."""
    max_tokens: int = Field(default=400, ge=1, le=8000)
    into: str = ""


class SearchStep(_Tried):
    """Looks for passages in the documents."""

    search: Reckoned
    passages: int = Field(default=5, ge=1, le=20)
    into: str = ""


class WaitStep(_Step):
    """Waits for a while, or until an instant."""

    wait: Duration = ""
    until: Reckoned = ""
    """An expression that gives a date, or a date and time in UTC."""


class FormStep(_Step):
    """Waits for a person to fill a form in."""

    form: Words
    role: Role = "agent"
    """Who may fill it in: this role and those above it."""
    fields: Fields
    into: str = ""
    deadline: Duration = ""
    otherwise: "tuple[Step, ...]" = ()
    """Done when nobody has answered by the deadline; else the run fails then."""


class MessageStep(_Step):
    """Says something in a session."""

    message: Words
    session: Reckoned
    learns: Literal["reader", "asker"] = "reader"
    """What may be said beside what whoever reads the session may read and, in runs of the house
    itself, what the house may: `asker` adds what the person who began the run may read."""
    unless_confirmed: str = ""
    """Why nobody need be asked first, for those who look over the installation."""


class WebhookStep(_Tried):
    """Tells another program, signed."""

    webhook: str = Field(pattern=r"^https?://[^\s{}]+$", max_length=1000)
    """A fixed address; no part of it is filled in."""
    secret_env: Variable
    body: dict[str, Reckoned] = Field(default_factory=dict)
    learns: Literal["public", "asker"] = "public"
    """What it may be told beside what everybody may read and, in runs of the house itself, what
    the house may: `asker` adds what the person who began the run may read."""
    unless_confirmed: str = ""
    """Why nobody need be asked first, for those who look over the installation."""
    tries: int = Field(default=6, ge=1, le=20)
    into: str = ""


class SetStep(_Step):
    """Gives names values."""

    set: dict[Name, Reckoned]


class IfStep(_Step):
    """One way or the other."""

    condition: Reckoned = Field(alias="if")
    then: "tuple[Step, ...]"
    otherwise: "tuple[Step, ...]" = Field(default=(), alias="else")


class StopStep(_Step):
    """Ends the run, and says why."""

    stop: Words


Step = Annotated[
    CallStep
    | ModelStep
    | SearchStep
    | FormStep
    | MessageStep
    | WebhookStep
    | SetStep
    | IfStep
    | StopStep
    | WaitStep,
    Field(union_mode="left_to_right"),
]


@dataclass(frozen=True, slots=True)
class Branch:
    """Goes on at `otherwise` unless the condition holds; `ends` is where both ways meet."""

    id: str
    condition: str
    otherwise: int
    ends: int


Instruction = (
    CallStep
    | ModelStep
    | SearchStep
    | WaitStep
    | FormStep
    | MessageStep
    | WebhookStep
    | SetStep
    | StopStep
    | Branch
    | Jump
)


class Automation(_Written):
    """A durable program."""

    name: Name
    title: Words
    about: Words = Field(default_factory=dict)
    triggers: tuple[Trigger, ...] = Field(default=(), alias="on")
    """What sets it off; a person may always, on the page or by a command."""
    input: Fields = Field(default_factory=dict)
    """What it must be told; from a person by a form, from a program in its request."""
    steps: tuple[Step, ...] = Field(min_length=1)

    @cached_property
    def fingerprint(self) -> str:
        """The same for the same automation: a run that waits ends on the text that it began."""
        text = json.dumps(self.model_dump(mode="json", by_alias=True), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @cached_property
    def instructions(self) -> tuple[Instruction, ...]:
        """The steps laid out; the place after the last ends the run."""
        return tuple(_lay_out(self.steps))

    def after(self, at: int) -> int:
        """Where it goes on once the instruction at a place is done as it should be."""
        following = at + 1
        if following < len(self.instructions):
            step = self.instructions[following]
            if isinstance(self.instructions[at], FormStep) and isinstance(step, Jump):
                return step.to
        return following


def _lay_out(steps: "Sequence[Step]", path: str = "", start: int = 0) -> list[Instruction]:
    laid: list[Instruction] = []
    for number, step in enumerate(steps, start=1):
        id_ = step.id or f"{path}{number}"
        here = start + len(laid)
        match step:
            case IfStep():
                then = _lay_out(step.then, f"{id_}.then.", here + 1)
                after = here + 1 + len(then) + 1
                otherwise = _lay_out(step.otherwise, f"{id_}.else.", after)
                end = after + len(otherwise)
                laid.append(Branch(id_, step.condition, after, end))
                laid += [*then, Jump(f"{id_}.end", end), *otherwise]
            case FormStep() if step.otherwise:
                late = _lay_out(step.otherwise, f"{id_}.late.", here + 2)
                laid.append(step.model_copy(update={"id": id_}))
                laid += [Jump(f"{id_}.answered", here + 2 + len(late)), *late]
            case _:
                laid.append(step.model_copy(update={"id": id_}))
    return laid


def names_read(instruction: Instruction) -> frozenset[str]:
    """Names that an instruction reads."""
    texts, words = _texts_in(instruction), _words_in(instruction)
    expressions: list[Expression] = [parse(text) for text in texts if text]
    read = {name for one in expressions for name in one.names}
    return frozenset(read | {name for text in words.values() for name in names_in_text(text)})


def _texts_in(instruction: Instruction) -> Sequence[str]:
    match instruction:
        case CallStep(args=values) | WebhookStep(body=values) | SetStep(set=values):
            return tuple(values.values())
        case Branch(condition=text) | SearchStep(search=text) | WaitStep(until=text):
            return (text,)
        case MessageStep(session=text):
            return (text,)
    return ()


def _words_in(instruction: Instruction) -> Words:
    match instruction:
        case ModelStep(model=words) | FormStep(form=words) | StopStep(stop=words):
            return words
        case MessageStep(message=words):
            return words
    return {}


for _model in (FormStep, IfStep, Automation):
    _model.model_rebuild()
