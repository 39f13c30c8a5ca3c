"""A call of a tool: what is to be done, the keys that name it, and what became of it."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from pydantic import JsonValue

from attenda.core.errors import UserError
from attenda.core.label import Label, Labelled, join_all
from attenda.core.principal import DESK, Principal
from attenda.tools.policy import Ruling
from attenda.tools.tool import Ask

__all__ = ["Call", "Outcome", "approval_hash", "canonical", "effect_key", "where_it_is_called"]


@dataclass(frozen=True, slots=True)
class Call:
    """What is to be done, why and for whom."""

    session_id: str
    instance: str
    """Of the flow: the same deed of another instance is another deed."""
    step: str
    tool: str
    arguments: Mapping[str, Labelled]
    because: Label
    who: Principal
    asks: bool = False
    """It is of a talk in which a model chooses, and people may be asked: the person whether it
    shall be done, another one where a stranger chose a value. Else that is denied."""
    confirmed: bool = False
    """Of a flow, which asks the person by itself before it calls."""
    origins: Mapping[str, str] = field(default_factory=dict)
    """Where values of arguments come from, in words for that person."""
    ask: Ask | None = None
    """Asks the person in the chat."""
    awaited: str = ""
    """The approval that it waited for, of a program that ends where that has expired."""
    sink: frozenset[str] = frozenset()
    """Who would learn of its arguments; worked out by the executor, whoever says otherwise."""

    @property
    def plain(self) -> dict[str, JsonValue]:
        """Its arguments without their labels."""
        return {name: one.value for name, one in self.arguments.items()}

    @property
    def row(self) -> dict[str, str]:
        """Which call it is, as the journal keeps it of deeds and approvals."""
        return {
            "session_id": self.session_id,
            "instance": self.instance,
            "step": self.step,
            "tool": self.tool,
            "arguments": canonical(self.plain),
        }

    @property
    def label(self) -> Label:
        """Of all that led to it."""
        return join_all([self.because, *(one.whole_label for one in self.arguments.values())])


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a call."""

    state: Literal["done", "waiting", "denied", "failed", "unknown"]
    key: str = ""
    """Of an effect; a read has none."""
    result: Labelled | None = None
    approval_id: str = ""
    sink: frozenset[str] = frozenset()
    """Who would learn of it, where it waits."""
    confirms: bool = False
    """It waits for the yes of the person it is done for, and for nobody else's."""
    problem: UserError | None = None
    """Why it was not done, for the person."""
    endorsed: tuple[str, ...] = ()
    """Arguments that a stranger chose and a table of ours vouched for."""
    simulated: bool = False
    """A draft is tried: nothing was done, and the result is what it would have been."""
    would_ask: str = ""
    """Of a simulated one: whose yes it would wait for, a role's or the `asker`'s."""


def canonical(arguments: Mapping[str, JsonValue]) -> str:
    """Arguments as the one text that is hashed, stored, shown and carried out."""
    return json.dumps(arguments, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def effect_key(call: Call) -> str:
    """The idempotency key of a call; who runs it, and when, does not matter."""
    parts = [call.session_id, call.instance, call.step, call.tool, canonical(call.plain)]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def approval_hash(call: Call) -> str:
    """Of the deed, who learns of it and every label of it; for whom it is done stands beside it.

    The hash is what people were shown: one that is made otherwise voids what waits for them.
    """
    labels = {"": call.because, **{n: one.whole_label for n, one in call.arguments.items()}}
    parts = [
        [name, label.integrity, sorted(label.readers), sorted(label.sources)]
        for name, label in sorted(labels.items())
    ]
    if sink := call.sink - {DESK}:  # who decides is no news; what waits for them goes on waiting
        parts.append(["", "sink", sorted(sink), []])
    return hashlib.sha256((effect_key(call) + json.dumps(parts)).encode()).hexdigest()


def where_it_is_called(ruling: Ruling, call: Call) -> Ruling:
    """A `confirm` as it is there: a flow has asked by itself, and without a talk others decide."""
    if ruling.do != "confirm" or call.asks:
        return ruling
    return ruling.model_copy(update={"do": "allow" if call.confirmed else "ask"})
