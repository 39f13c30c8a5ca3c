"""Flows: a business process as data, with the slots it needs and the steps it takes.

What stands in a YAML file is read into these values by `flow_file`. Nested steps are laid out as
one list of instructions, so that a place in a flow is a number, and a frame can be stored.
"""

import hashlib
import json
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
)

from attenda.core.label import Integrity
from attenda.core.silence import SilenceTimes
from attenda.dialogue.expression import Expression, names_in_text, parse
from attenda.dialogue.extract_span import folded

__all__ = [
    "Branch",
    "CallFlowStep",
    "CallStep",
    "CollectStep",
    "ConfirmStep",
    "Flow",
    "FlowStep",
    "ForgetStep",
    "HandOffStep",
    "IfStep",
    "Instruction",
    "Jump",
    "Reckoned",
    "SayStep",
    "SearchStep",
    "SetStep",
    "Slot",
    "SlotType",
    "Words",
    "words_in",
]


def _readable(text: str) -> str:
    if text:
        parse(text)
    return text


def _fillable(words: dict[str, str]) -> dict[str, str]:
    for text in words.values():
        names_in_text(text)
    return words


Reckoned = Annotated[str, AfterValidator(_readable)]
"""An expression."""

Words = Annotated[dict[str, str], AfterValidator(_fillable)]
"""A sentence by language (`en`, `zh-CN`), with expressions in `{…}`."""

SlotType = Literal[
    "text", "choice", "date", "time", "amount", "number", "id", "email", "phone", "yes_no"
]


def words_in(words: Words, language: str) -> str:
    """The sentence in a language; else the English one, else any."""
    return words.get(language) or words.get("en") or next(iter(words.values()), "")


class _Written(BaseModel):
    """Something that is written in a flow's file; unknown keys are mistakes."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Slot(_Written):
    """A value that a flow needs."""

    type: SlotType = "text"
    ask: Words = Field(default_factory=dict)
    """Asks for it; a slot without one is never asked for."""
    pattern: str = ""
    """Of an id: how it is written, as a regular expression."""
    choices: dict[str, list[str]] = Field(default_factory=dict)
    """Of a choice: each with the words that mean it."""
    currency: str = Field(default="", pattern=r"^([A-Z]{3})?$")
    """Of an amount: the one it must be in (ISO 4217); said in another, it is asked for again."""
    check: Reckoned = ""
    """Must hold, or it is asked for again; reads slots, and `today`."""
    otherwise: Words = Field(default_factory=dict)
    """Said when `check` does not hold."""
    needs: Integrity = "user"
    """The least trust that its value must have."""
    outranks: tuple[str, ...] = ()
    """Flows that don't begin while it is asked for: what sounds like them is its value then."""
    remember: bool = False
    """Whether what the person says for it is kept for their later conversations."""
    origin: Literal["", "memory"] = Field(default="", alias="from")
    """`memory`: what is remembered is offered, and taken only after a yes."""
    catalogue: str = ""
    """Of a text: the pack's catalogue whose things a sentence that begins the flow may name."""
    beside: bool = False
    """Of a text: what a sentence that begins the flow says beside the wish is its value."""

    @model_serializer(mode="wrap")
    def _written(self, plain: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without what is newer than flows that wait and isn't used: their fingerprint stays."""
        newer: dict[str, object] = {
            "remember": self.remember, "from": self.origin, "origin": self.origin,
            "catalogue": self.catalogue, "beside": self.beside, "currency": self.currency,
        }  # fmt: skip
        found: dict[str, Any] = plain(self)
        return {name: value for name, value in found.items() if newer.get(name, True)}


class _Step(_Written):
    id: str = ""
    """Names the step for the journal; by default its place."""


class CollectStep(_Step):
    """Asks for a slot until it has a value."""

    collect: str


class CallStep(_Step):
    """Calls a tool; its result is kept under a name."""

    call: str
    args: dict[str, Reckoned] = Field(default_factory=dict, alias="with")
    """Expressions by argument."""
    into: str = ""
    unless_confirmed: str = ""
    """Why this write needs no confirmation; else one must stand before it."""


class ConfirmStep(_Step):
    """Says what would happen, and waits for a yes."""

    confirm: Words
    otherwise: "tuple[FlowStep, ...]" = ()
    """Done after a no, instead of ending the flow."""
    agree: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """By language: words that are a yes here beside the usual ones, such as “open it”."""
    others: Reckoned = ""
    """Expression of the names of other things of the kind: an answer that says one is no yes."""

    @model_serializer(mode="wrap")
    def _plain(self, plain: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without what is newer than flows that wait and isn't used: their fingerprint stays."""
        found: dict[str, Any] = plain(self)
        newer = ("agree", "others")
        return {name: value for name, value in found.items() if name not in newer or value}


class SayStep(_Step):
    """Says something."""

    say: Words
    cite: Reckoned = ""
    """Expression of the citations to which its markers `[1]` lead, as a tool gave them."""

    @model_serializer(mode="wrap")
    def _plain(self, plain: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without what is newer than flows that wait and isn't used: their fingerprint stays."""
        found: dict[str, Any] = plain(self)
        return {name: value for name, value in found.items() if name != "cite" or value}


class IfStep(_Step):
    """One way or the other."""

    condition: Reckoned = Field(alias="if")
    then: "tuple[FlowStep, ...]"
    otherwise: "tuple[FlowStep, ...]" = Field(default=(), alias="else")


class SetStep(_Step):
    """Gives a name a value."""

    set: dict[str, Reckoned]


class ForgetStep(_Step):
    """Forgets slots, so that they are asked for again from the first of them on."""

    ask_again: tuple[str, ...]


class SearchStep(_Step):
    """Answers from the documents."""

    search: Reckoned
    """Expression of what is looked for."""


class HandOffStep(_Step):
    """Hands the session to a person."""

    hand_off: Words


class CallFlowStep(_Step):
    """Does another flow first."""

    call_flow: str


FlowStep = Annotated[
    CollectStep
    | CallStep
    | ConfirmStep
    | SayStep
    | IfStep
    | SetStep
    | ForgetStep
    | SearchStep
    | HandOffStep
    | CallFlowStep,
    Field(union_mode="left_to_right"),
]


@dataclass(frozen=True, slots=True)
class Branch:
    """Goes on at `otherwise` unless the condition holds."""

    id: str
    condition: str
    otherwise: int


@dataclass(frozen=True, slots=True)
class Jump:
    """Goes on at `to`."""

    id: str
    to: int


Instruction = (
    CollectStep
    | CallStep
    | ConfirmStep
    | SayStep
    | SetStep
    | ForgetStep
    | SearchStep
    | HandOffStep
    | CallFlowStep
    | Branch
    | Jump
)


class Flow(_Written):
    """A business process."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")
    title: Words
    """What a person calls it, as in “Would you like to …?”."""
    examples: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Sentences that ask for it, by language."""
    slots: dict[str, Slot] = Field(default_factory=dict)
    steps: tuple[FlowStep, ...] = Field(min_length=1)
    hidden: bool = False
    """Begun by other flows alone."""
    asked_by: tuple[str, ...] = ()
    """Roles of those who ask for it as a rule; of others it is believed less easily."""
    silence: SilenceTimes | None = None
    """What happens when nobody answers its questions; none leaves it to the pack."""

    @cached_property
    def fingerprint(self) -> str:
        """The same for the same flow: a session that waits finishes on the flow that it began.

        How long it waits is no part of it: other times hold at once, in every session.
        """
        plain = self.model_dump(mode="json", by_alias=True, exclude={"silence"})
        for slot in plain["slots"].values():
            if not slot["outranks"]:
                del slot["outranks"]  # flows from before it keep their fingerprint
        if not self.asked_by:
            del plain["asked_by"]
        text = json.dumps(plain, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @cached_property
    def instructions(self) -> tuple[Instruction, ...]:
        """The steps laid out; the place after the last ends the flow."""
        return tuple(_lay_out(self.steps))

    @cached_property
    def all_examples(self) -> str:
        """Its examples in all languages, a line each, folded: what words they have."""
        return "\n".join(folded(text) for texts in self.examples.values() for text in texts)

    def first_collect(self, slots: Collection[str]) -> int:
        """The place where the first of these slots is asked for; else the beginning."""
        for at, step in enumerate(self.instructions):
            if isinstance(step, CollectStep) and step.collect in slots:
                return at
        return 0

    def reads(self, at: int) -> frozenset[str]:
        """Names that the instruction at a place reads."""
        return _names(self.instructions[at])

    def on_the_way(self, back: int, here: int) -> int:
        """The place to go back to for what stands at `back`: itself, or the question before it.

        What stands in the other arm of a question, or in either arm of one that is over, must not
        be entered past the question: it may decide otherwise.
        """
        for at, step in enumerate(self.instructions[:back]):
            if isinstance(step, Branch) and self._arm(at, back) not in (0, self._arm(at, here)):
                return at
        return back

    def _arm(self, branch: int, at: int) -> int:
        """In which arm of a question a place lies, 1 or 2; 0 where it lies beside both."""
        question = self.instructions[branch]
        assert isinstance(question, Branch)
        jump = self.instructions[question.otherwise - 1]
        assert isinstance(jump, Jump)
        if at <= branch or at >= jump.to:
            return 0
        return 1 if at < question.otherwise else 2


def _lay_out(steps: "tuple[FlowStep, ...]", path: str = "", start: int = 0) -> list[Instruction]:
    laid: list[Instruction] = []
    for number, step in enumerate(steps, start=1):
        id_ = step.id or f"{path}{number}"
        here = start + len(laid)
        match step:
            case IfStep():
                then = _lay_out(step.then, f"{id_}.then.", here + 1)
                after = here + 1 + len(then) + 1
                otherwise = _lay_out(step.otherwise, f"{id_}.else.", after)
                laid.append(Branch(id_, step.condition, after))
                laid += [*then, Jump(f"{id_}.end", after + len(otherwise)), *otherwise]
            case ConfirmStep() if step.otherwise:
                # after a yes the flow goes on behind the steps of a no
                no = _lay_out(step.otherwise, f"{id_}.no.", here + 2)
                laid.append(step.model_copy(update={"id": id_}))
                laid += [Jump(f"{id_}.yes", here + 2 + len(no) + 1), *no]
                laid.append(Jump(f"{id_}.over", -1))
            case _:
                laid.append(step.model_copy(update={"id": id_}))
    return laid


def _names(instruction: Instruction) -> frozenset[str]:
    texts: list[str] = []
    match instruction:
        case CallStep(args=args):
            texts = list(args.values())
        case Branch(condition=condition):
            texts = [condition]
        case SetStep(set=values):
            texts = list(values.values())
        case SearchStep(search=search):
            texts = [search]
        case ConfirmStep(confirm=words) | SayStep(say=words):
            more = instruction.cite if isinstance(instruction, SayStep) else instruction.others
            places = frozenset(name for text in words.values() for name in names_in_text(text))
            return places | (parse(more).names if more else frozenset())
    expressions: list[Expression] = [parse(text) for text in texts]
    return frozenset(name for one in expressions for name in one.names)


for _model in (ConfirmStep, IfStep, Flow):
    _model.model_rebuild()
