"""A typed function becomes a tool: a contract with a schema, limits and what its values may be.

`@tool` takes the arguments from the function's own signature; the first one is the `Deed` it is
called in. What it declares is what the monitor holds each call against.
"""

import datetime
import enum
import inspect
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Literal, Self, get_args, get_origin, get_type_hints

from pydantic import (
    BaseModel,
    ConfigDict,
    JsonValue,
    PydanticUserError,
    TypeAdapter,
    ValidationError,
    create_model,
)

from attenda.core.errors import UserError
from attenda.core.form import Form, FormAnswer
from attenda.core.label import SYSTEM, Integrity, Label, Labelled, Span, at_least
from attenda.core.opening import Opening
from attenda.core.principal import Principal
from attenda.store.pack_tables import Rows
from attenda.store.staff_mail import NewMail, WrittenMail
from attenda.tools.passage import Passage

__all__ = ["ANYTHING", "Ask", "BadResult", "Deed", "Sink", "Tool", "ToolRefused", "tool"]

ANYTHING: TypeAdapter[Any] = TypeAdapter(Any)
_BOUNDED = (bool, int, float, Decimal, datetime.date, datetime.time, enum.Enum)


class ToolRefused(Exception):
    """The tool will not do this, and says why in words for the person."""


class BadResult(UserError):
    """What a tool gave is not what it promises, so it is no data; it may have done its deed."""


Ask = Callable[[Form, float], Awaitable[FormAnswer]]
"""Shows a form and waits so many seconds for its answer."""


def _none(_query: str, limit: int = 5) -> Sequence[Passage]:
    return ()


def _always() -> Opening | None:
    return None


def _no_mail(_letter: NewMail) -> WrittenMail:
    raise UserError("mail.none_out")


@dataclass(frozen=True, slots=True)
class Deed:
    """What a tool is called in."""

    who: Principal
    """For whom it is done."""
    key: str
    """Idempotency key: the same for the same deed, to be passed on to the outside."""
    now: int
    """Microseconds since 1970, UTC."""
    rows: Callable[[str], Rows]
    """Rows of one of the pack's tables; of a tool in the database alone."""
    ask: Ask | None = None
    """Asks the person a question of somebody else's program; none where nobody can be asked."""
    session_id: str = ""
    """Of the talk that it is done in; `page` where it is done from a screen."""
    sources: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """By argument: ids of the messages and calls that its value is from."""
    spans: Mapping[str, Span] = field(default_factory=dict)
    """By argument: where the person said it; of those alone that their own words gave."""
    passages: Callable[..., Sequence[Passage]] = _none
    """`passages(query, limit=5)`: of documents that the person may read, found by their words; of
    a tool in the database alone."""
    approved_by: str = ""
    """Who said yes to this very deed; empty where the policy alone allowed it."""
    opening: Callable[[], Opening | None] = _always
    """`opening()`: the hours of the people behind the pack; none where somebody is always there.
    Of a tool in the database alone."""
    mail: Callable[[NewMail], WrittenMail] = _no_mail
    """Writes down a mail to somebody outside, which the pack's mail channel sends once, and whose
    replies come to the desk; raises `UserError` where the pack has none. Of a tool in the database
    alone."""


Run = Callable[..., Any]
Sink = frozenset[str] | Callable[..., Collection[str]]
"""Who learns of a call's arguments, as readers of labels are named: the same for each call, or
by what it is given: `lambda deed, to: {to}`."""


@dataclass(frozen=True, slots=True)
class Tool:
    """A contract, and the function that keeps it."""

    name: str
    about: str
    run: Run
    model: type[BaseModel]
    """Its arguments."""
    writes: bool = False
    outside: bool = False
    """It is asynchronous and reaches beyond our database."""
    needs: Mapping[str, Integrity] = field(default_factory=dict)
    """The least trust of single arguments; `user` where nothing is said."""
    free_text: frozenset[str] = frozenset()
    """Arguments that may come from anywhere, since they are only carried."""
    endorse: Mapping[str, Callable[[Deed, Any], bool]] = field(default_factory=dict)
    """By argument: whether a value that a stranger wrote may stand, since a table of ours has it
    and it belongs to the person, or since it is within bounds; never because it looks right."""
    sink: Sink | None = None
    """Who learns of the arguments beyond the person it is done for; none is nobody. One that is
    worked out names the arguments that it rests on, and is worked out before each call."""
    releases: frozenset[str] = frozenset()
    """Arguments that whoever learns of the call may be told whoever may read them, since it can't
    be done without: numbers, dates, options, or ids that our tables gave; never free words."""
    gives: Integrity = "operator"
    """Trust of its result."""
    promises: TypeAdapter[Any] = ANYTHING
    """What its result is, as its function says behind the arrow."""
    gives_untrusted: frozenset[str] = frozenset()
    """Fields of its result that strangers write."""
    timeout_s: float = 30.0
    most_bytes: int = 100_000
    """Of its result."""
    query: Callable[..., Awaitable[Any]] | None = None
    """Of an outside tool: what became of the deed with a key; none if it was never done."""
    words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """By language, for a person who is asked to confirm it: its arguments' names, and under the
    empty one what it does. Where nothing stands, the function's own are shown."""
    rehearsed: Callable[..., Mapping[str, Any]] | None = None
    """Of an outside tool that writes: what it would give, for who tries a draft; nothing is sent.
    Without it a trial goes on with an empty result."""
    before: Callable[..., None] | None = None
    """Of an outside tool that writes: called like it, in the transaction that writes the deed down.
    It looks in our tables whether the deed may begin, and may note there that it did; it raises
    `ToolRefused` before it writes anything. A deed that is sent again was let through once."""
    opens: bool = False
    """What it does lets somebody read more, as a seal that is broken: since a trial reads in
    earnest, and keeps no record, it is refused there."""
    by_form: bool = True
    """Whether a form of a screen may call it by itself; else flows and endpoints alone do, which
    know by what it must be preceded."""
    takes_key: bool = False
    """The outside does a deed once for each key: it may be sent again."""

    def __post_init__(self) -> None:
        """Hold what it says of its readers against its arguments.

        Raises:
            TypeError: it rests on what it is not given, or on what a stranger may choose, or would
                let out what may be anything.
        """
        named = set(self.sink_names)
        if lost := sorted((named | self.releases) - self.arguments.keys()):
            raise TypeError(f"{self.name}: its readers rest on {lost[0]}, which is no argument")
        if free := sorted((named | self.releases) & self.free_text):
            raise TypeError(f"{self.name}: its readers can't rest on {free[0]}, which is free text")
        for name in sorted(self.releases):
            if self.needed(name) not in ("operator", "system") and not self._is_bounded(name):
                raise TypeError(f"{self.name}: {name} is let out, so it needs “operator” at least")

    def _is_bounded(self, argument: str) -> bool:
        field = self.model.model_fields.get(argument)
        return field is not None and _says_little(field.annotation)

    def told_to(self, readers: frozenset[str]) -> Self:
        """The same tool where a write into our tables that says nothing is read by `readers`."""
        silent = self.writes and not self.outside and self.sink is None
        return replace(self, sink=readers) if silent and readers else self

    @property
    def sink_names(self) -> tuple[str, ...]:
        """The arguments that decide who learns of a call."""
        if not callable(self.sink):
            return ()
        return tuple(inspect.signature(self.sink).parameters)[1:]

    @property
    def guarded(self) -> bool:
        """Whether a call may do something, or tell somebody, that a stranger might want."""
        return self.writes or bool(self.needs) or self.sink is not None

    @property
    def strangers_about(self) -> bool:
        """Whether its own explanation is a stranger's."""
        return False

    @property
    def arguments(self) -> dict[str, bool]:
        """Names of arguments, and whether each must be given."""
        return {name: one.is_required() for name, one in self.model.model_fields.items()}

    def needed(self, argument: str) -> Integrity:
        """The least trust that an argument must have."""
        if argument in self.free_text:
            return "untrusted"
        return self.needs.get(argument, "user" if self.writes else "untrusted")

    def schema(self) -> dict[str, Any]:
        """Its arguments as JSON schema."""
        return self.model.model_json_schema()

    def checked(self, arguments: Mapping[str, JsonValue]) -> dict[str, Any]:
        """Arguments as the function takes them.

        Raises:
            UserError: one is missing, unknown or of another type.
        """
        try:
            made = self.model.model_validate(dict(arguments))
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            place = ".".join(map(str, first["loc"]))
            raise UserError(
                "tool.argument", tool=self.name, name=place, problem=first["msg"]
            ) from error
        return {name: getattr(made, name) for name in self.model.model_fields}

    def result(
        self, value: Any, readers: frozenset[str], call_id: str, given: Label = SYSTEM
    ) -> Labelled:
        """What it gave, as JSON with its label.

        A look-up keyed by what the person may decide is as good as the table it is from; one
        keyed by a stranger's words is a stranger's choice.

        Args:
            value: that it gave.
            readers: who may read it.
            call_id: of the call, its source.
            given: label of the arguments and of all that led to the call.

        Raises:
            BadResult: it is too large, no JSON, or not what the tool promises.
        """
        try:
            text = ANYTHING.dump_json(value)
            plain: JsonValue = ANYTHING.validate_json(text)
        except (ValueError, TypeError) as error:
            raise BadResult("tool.result", tool=self.name) from error
        if len(text) > self.most_bytes:
            raise BadResult("tool.too_large", tool=self.name, limit=self.most_bytes)
        try:
            self.promises.validate_json(text, strict=True)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            place = ".".join(map(str, first["loc"]))[:80]
            what = f"{place}: {first['msg']}".removeprefix(": ")
            raise BadResult("tool.bad_result", tool=self.name, problem=what) from error
        gives = self.gives if at_least(given, "user") else "untrusted"
        sources = given.sources | {call_id}
        label = Label(integrity=gives, readers=readers, sources=sources)
        lower = label.model_copy(update={"integrity": "untrusted"})
        return Labelled(
            value=plain, label=label, fields={name: lower for name in self.gives_untrusted}
        )


def _says_little(kind: Any) -> bool:
    """Whether values of a type are numbers, dates, yes or no, or one of a list: no words."""
    if get_origin(kind) is Literal or kind is type(None):
        return True
    if inner := get_args(kind):
        return all(_says_little(one) for one in inner)
    return isinstance(kind, type) and issubclass(kind, _BOUNDED)


def _adapter(name: str, kind: Any) -> TypeAdapter[Any]:
    try:
        return TypeAdapter(kind)
    except PydanticUserError as error:
        raise TypeError(f"{name}: its results can't be held against {kind!r}") from error


def tool(**contract: Any) -> Callable[[Run], Tool]:
    """Make a tool of a function: `@tool(writes=True) def refund(deed: Deed, order: str) -> dict`.

    Args:
        contract: fields of `Tool`; name, explanation and arguments come from the function.

    Raises:
        TypeError: the function's signature is no tool's.
    """

    def make(run: Run) -> Tool:
        parameters = list(inspect.signature(run).parameters.values())
        hints = get_type_hints(run)
        if not parameters or hints.get(parameters[0].name) is not Deed:
            raise TypeError(f"{run.__name__}: the first argument of a tool is its Deed")
        fields: dict[str, Any] = {}
        for one in parameters[1:]:
            if one.kind is not one.POSITIONAL_OR_KEYWORD or one.name not in hints:
                raise TypeError(f"{run.__name__}: {one.name} must be a plain, typed argument")
            default = ... if one.default is one.empty else one.default
            fields[one.name] = (hints[one.name], default)
        model = create_model(run.__name__, __config__=ConfigDict(extra="forbid"), **fields)
        outside = inspect.iscoroutinefunction(run)
        about = inspect.getdoc(run) or ""
        promises = _adapter(run.__name__, hints.get("return", Any))
        made = {"name": run.__name__, "about": about, "run": run, "model": model}
        return Tool(**made, outside=outside, **{"promises": promises, **contract})

    return make
