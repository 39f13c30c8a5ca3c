"""Scenarios as values: who talks, what is said and done, and what must be so afterwards.

What stands in a YAML file is read into these values by `scenario_file`. Scalars are text; they are
compared with a database's values as text.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, JsonValue
from pydantic import model_validator as validator

from attenda.core.command import (
    Affirm,
    AskDocuments,
    AskHuman,
    Cancel,
    Clarify,
    Command,
    NotUnderstood,
    Recall,
    Refuse,
    Remember,
    SetSlot,
    StartFlow,
    Wait,
)
from attenda.core.duration import read_duration
from attenda.core.label import SYSTEM, Label, Labelled
from attenda.core.principal import EVERYONE, Principal, Role
from attenda.core.words import sentence
from attenda.evals.on_screen import OnScreen
from attenda.evals.simulated import Brief, Texts

__all__ = [
    "ANYTHING",
    "AtDesk",
    "Calls",
    "Decision",
    "Expected",
    "Person",
    "RequiredCall",
    "Scenario",
    "ScenarioProblem",
    "SqlCheck",
    "System",
    "TableState",
    "Turn",
    "commands_from",
    "commands_written",
]

ANYTHING = "*"
"""A cell that may hold whatever it likes."""

_PLAIN: dict[str, Command] = {
    one.type: one
    for one in (
        Affirm(),
        Refuse(),
        Wait(),
        Cancel(),
        AskHuman(),
        AskDocuments(),
        NotUnderstood(),
        Recall(),
    )
}
_VERBS = ("say", "approve", "deny", "desk", "screen", "restart", "advance", "silence")


@dataclass(frozen=True, slots=True)
class ScenarioProblem:
    """What is wrong with a file, and where."""

    file: str
    line: int
    key: str
    """Of the catalogue."""
    values: dict[str, str]

    def text(self, language: str) -> str:
        """It as `FILE:LINE: sentence`."""
        return f"{self.file}:{self.line}: {sentence(language, self.key, **self.values)}"


def commands_from(rows: Sequence[JsonValue], label: Label) -> list[Command]:
    """Commands as a file writes them: `affirm`, `{start_flow: NAME}`, `{set: {SLOT: VALUE}}`.

    Raises:
        ValueError: one is none of those; the message is for whoever wrote it.
    """
    found: list[Command] = []
    for row in rows:
        match row:
            case str() if row in _PLAIN:
                found.append(_PLAIN[row])
            case {"start_flow": str(name), **more} if not more:
                found.append(StartFlow(flow=name))
            case {"set": dict(values), **more} if not more:
                found += [_set(slot, value, label) for slot, value in values.items()]
            case {"remember": str(fact), **more} if not more:
                found.append(Remember(text=fact))
            case {"clarify": list(names), **more} if not more:
                found.append(Clarify(flows=tuple(map(str, names))))
            case _:
                known = ", ".join([*_PLAIN, "start_flow: …", "set: …", "remember: …", "clarify: …"])
                raise ValueError(f"a command is one of {known}")
    return found


def _set(slot: str, value: JsonValue, label: Label) -> SetSlot:
    """A file has text alone: of a slot that is yes or no, the value is written as `true`."""
    plain = {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value
    return SetSlot(slot=slot, value=Labelled(value=plain, label=label), words=str(value))


def commands_written(commands: Sequence[Command]) -> list[JsonValue]:
    """Commands as a file writes them, to be read again by `commands_from`."""
    rows: list[JsonValue] = []
    for command in commands:
        match command:
            case StartFlow(flow=name):
                rows.append({"start_flow": name})
            case SetSlot(slot=slot, value=value):
                plain = value.value
                text = str(plain).lower() if isinstance(plain, bool) else str(plain)
                rows.append({"set": {slot: text}})
            case Remember(text=text):
                rows.append({"remember": text})
            case Clarify(flows=names):
                rows.append({"clarify": list(names)})
            case _:
                rows.append(command.type)
    return rows


def _as_list(value: Any) -> Any:
    return value if isinstance(value, list | tuple) else [value]


def _seconds(value: Any) -> Any:
    return read_duration("".join(value.split()) if isinstance(value, str) else "")


def _readable(rows: tuple[JsonValue, ...]) -> tuple[JsonValue, ...]:
    commands_from(rows, SYSTEM)
    return rows


def _only_reads(query: str) -> str:
    if not re.match(r"\s*(select|with)\b", query, re.IGNORECASE):
        raise ValueError("a query begins with SELECT or WITH")
    return query


def _in_utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("a clock needs its zone, as in 2026-03-10T10:00:00Z")
    return moment.astimezone(UTC)


def _free(name: str) -> str:
    if name in ("public", EVERYONE):
        raise ValueError(f"nobody may be called {name}")
    return name


Message = Annotated[str, Field(min_length=1)]
Ways = Annotated[
    tuple[Message | Annotated[tuple[Message, ...], Field(min_length=1)], ...],
    BeforeValidator(_as_list),
]
"""Ways to say something: each a message, or several in a row."""
Row = dict[str, JsonValue]
"""Cells by column."""
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,59}$")]
PersonName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,29}$"), AfterValidator(_free)]


class _Written(BaseModel):
    """Something that is written in a scenario's file; unknown keys are mistakes."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Person(_Written):
    """One who takes part."""

    role: Role = "agent"
    name: str = ""


def _as_rows(value: Any) -> Any:
    return {"rows": value} if isinstance(value, list) else value


class TableState(_Written):
    """What a pack's table must hold: all of it, what differs from the seed, or some rows of it.

    Of a row that is given whole, a column that is not named must be empty; `*` is anything.
    """

    rows: tuple[Row, ...] | None = None
    """All its rows, in any order."""
    added: tuple[Row, ...] | Literal["*"] = ()
    """Rows that the seed does not have; `*` is any, however many."""
    changed: dict[str, Row] = Field(default_factory=dict)
    """By key: the cells that differ from the seed."""
    removed: tuple[str, ...] = ()
    """Keys of rows that only the seed has."""
    has: dict[str, Row] = Field(default_factory=dict)
    """By key: cells of rows that are there, whatever else there is."""

    @validator(mode="after")
    def _one_way(self) -> "TableState":
        ways = (self.rows is not None, bool(self.added or self.changed or self.removed), self.has)
        if sum(map(bool, ways)) != 1:
            raise ValueError("give rows, or has, or some of added, changed and removed")
        return self


class SqlCheck(_Written):
    """A query that must give no row, or one value."""

    query: Annotated[str, AfterValidator(_only_reads)]
    value: str | None = None


def _as_call(value: Any) -> Any:
    return {"tool": value} if isinstance(value, str) else value


class RequiredCall(_Written):
    """A call that must happen."""

    tool: str
    state: Literal["done", "waiting", "denied", "failed", "unknown"] = "done"
    args: dict[str, str] = Field(default_factory=dict, alias="with")
    """Arguments, some or all."""


class Calls(_Written):
    """Which tools must be called, in this order, and which must not."""

    required: tuple[Annotated[RequiredCall, BeforeValidator(_as_call)], ...] = ()
    forbidden: Texts = ()


class System(_Written):
    """Rows of the system's own tables: exactly these, by the cells that are named."""

    effects: tuple[Row, ...] | None = None
    approvals: tuple[Row, ...] | None = None


class Expected(_Written):
    """What must be so."""

    tables: dict[str, Annotated[TableState, BeforeValidator(_as_rows)]] | None = None
    """By table of the pack; one that is not named must be as the seed, byte for byte.

    After a single turn, tables are looked at where this is given; at the end they always are.
    """
    sql: tuple[SqlCheck, ...] = ()
    calls: Calls = Calls()
    system: System = System()
    owner: Literal["", "bot", "queued", "human", "waiting", "resolved"] = ""
    """Whose the session is."""
    must_say: Texts = ()
    must_not_say: Texts = ()


class Decision(_Written):
    """A person decides what waits for approval."""

    by: str
    refused: bool = False
    """The decision itself must be refused, and change nothing."""
    shown: str = ""
    """The hash that they were shown, where it is not that of what would be done."""
    reason: str = ""


class AtDesk(_Written):
    """A person of the desk takes the session, answers, gives it back or closes it."""

    by: str
    claim: bool = False
    reply: str = ""
    give_back: bool = False
    resolve: bool = False

    @validator(mode="after")
    def _one_deed(self) -> "AtDesk":
        if self.claim + bool(self.reply) + self.give_back + self.resolve != 1:
            raise ValueError("give one of claim, reply, give_back and resolve")
        return self


class Turn(_Written):
    """One thing that happens: somebody says something, decides, restarts it, or time passes."""

    say: Ways = ()
    """Ways to say it; trial k takes the k-th, and begins anew after the last."""
    commands: Annotated[tuple[JsonValue, ...], AfterValidator(_readable)] = ()
    """What is understood, instead of understanding it."""
    by: str = ""
    """Who says it; the customer where nobody is named."""
    approve: Decision | None = None
    deny: Decision | None = None
    desk: AtDesk | None = None
    screen: OnScreen | None = None
    restart: bool = False
    advance: Annotated[int, BeforeValidator(_seconds)] = 0
    """Seconds by which the clock moves, written as in `2h`."""
    silence: Annotated[int, BeforeValidator(_seconds)] = 0
    """Seconds in which nobody says anything; what the agent says meanwhile is its answer."""
    must_say: Texts = ()
    must_not_say: Texts = ()
    expect: Expected | None = None
    """What must be so right after."""

    @validator(mode="after")
    def _one_verb(self) -> "Turn":
        verbs = [verb for verb in _VERBS if getattr(self, verb)]
        if len(verbs) + (bool(self.commands) and "say" not in verbs) != 1:
            raise ValueError(f"a turn has exactly one of {', '.join(_VERBS)}, or commands")
        if not self.answered and (self.must_say or self.must_not_say):
            raise ValueError("nothing is answered here, so nothing can be said")
        return self

    @property
    def speaks(self) -> bool:
        """Whether somebody says something."""
        return bool(self.say or self.commands)

    @property
    def answered(self) -> bool:
        """Whether the agent answers it."""
        decision = self.approve or self.deny
        decided = decision and not decision.refused
        return bool(self.say or self.commands or decided or self.silence)


class Scenario(_Written):
    """One story with its end."""

    name: Name
    pack: str
    about: str = ""
    language: Literal["en", "zh-CN"] = "en"
    """Of those who take part."""
    clock: Annotated[datetime, AfterValidator(_in_utc)]
    """When it begins; time stands still but for `advance` and `silence`."""
    people: dict[PersonName, Person] = Field(min_length=1)
    """By id."""
    customer: str = ""
    """Who talks to the agent; the first of the people where nobody is named."""
    outside: dict[str, Annotated[tuple[JsonValue, ...], BeforeValidator(_as_list)]] = Field(
        default_factory=dict
    )
    """What tools that reach outside answer, call by call; `lost` is an answer that never came."""
    user: Brief | None = None
    """Who talks to the agent first, played by a model; what stands in `turns` happens after."""
    turns: tuple[Turn, ...] = ()
    expect: Expected = Expected()

    @validator(mode="after")
    def _something_happens(self) -> "Scenario":
        if self.user is None and not self.turns:
            raise ValueError("give turns, or a user to be simulated")
        return self

    @property
    def begins_at(self) -> int:
        """Microseconds since 1970, UTC."""
        return int(self.clock.timestamp()) * 1_000_000

    @property
    def speaker(self) -> str:
        """Who talks to the agent."""
        return self.customer or next(iter(self.people))

    def principal(self, name: str) -> Principal:
        """One of the people, as one who asks."""
        one = self.people[name]
        return Principal(id=name, role=one.role, name=one.name, language=self.language)
