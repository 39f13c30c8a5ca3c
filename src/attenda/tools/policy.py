"""Policy as data: which calls are allowed, which a person must approve, which are denied.

Rules are read from TOML, in order; the first that fits decides. Reads are allowed unless a rule
says otherwise; a write that no rule names is denied. Beside the rules stands the monitor: what
becomes of values that are not trusted enough, or would reach whom they must not, is data too, and
no rule allows it.
"""

import operator
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from attenda.core.errors import UserError
from attenda.core.principal import Kind, Principal, Role
from attenda.tools.tool import Tool

__all__ = [
    "Budget",
    "Disclosure",
    "Objection",
    "Policy",
    "Rule",
    "Ruling",
    "Untrusted",
    "read_policy",
]

_DAY_S = 86_400


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


_SIZES: dict[str, Callable[[Decimal, Decimal], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def _comparison(text: str) -> str:
    sign, _, wanted = text.partition(" ")
    if not wanted or not (sign == "in" or sign in _SIZES):
        raise ValueError("write it as “> 200”, “== EUR” or “in a, b”")
    if sign in ("<", "<=", ">", ">=") and _number(wanted) is None:
        raise ValueError(f"“{wanted}” is no number")
    return text


def _number(value: object) -> Decimal | None:
    try:
        return Decimal(str(value))
    except InvalidOperation:
        return None


class Rule(_Data):
    """One rule."""

    id: str = Field(min_length=1, max_length=80)
    tool: str
    """Name of a tool, or `*`."""
    do: Literal["allow", "confirm", "ask", "deny"]
    """`confirm`: where a model chooses, the person it is done for must say yes to just this deed;
    a flow asks that by itself, and where there is no talk it is an `ask`."""
    when: dict[str, Annotated[str, AfterValidator(_comparison)]] = Field(default_factory=dict)
    """By argument: a comparison that must hold (`> 200`); all must."""
    roles: tuple[Kind, ...] = ()
    """Only for people of these roles; none is for all, `visitor` and `customer` among them."""
    at_most: int | None = Field(default=None, ge=0)
    """Only while the tool has done so much less for this person within `within_s`."""
    within_s: int = _DAY_S
    approver: Role = "supervisor"
    """Of an `ask`: who may approve."""
    lasts_s: int = Field(default=_DAY_S, gt=0)
    """Of an `ask` or a `confirm`: how long the question stands."""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Objection:
    """Why a value may not go where a call would take it."""

    argument: str
    """Its name, or `because` for all that led to the call."""
    readers: tuple[str, ...] = ()
    """Who would learn of it and may not; none where it is trusted too little."""
    theirs: bool = False
    """The person may read it, so they may let it out where the policy leaves it to them."""


class Ruling(_Data):
    """What the policy says of one call."""

    do: Literal["allow", "confirm", "ask", "deny"]
    rule: str = ""
    approver: Role = "supervisor"
    lasts_s: int = _DAY_S
    reason: str = ""
    objection: Objection | None = None
    """What denied it, where that was no rule."""


class Untrusted(_Data):
    """What becomes of a write of the tool loop whose values a stranger chose."""

    do: Literal["ask", "deny"] = "ask"
    approver: Role = "supervisor"
    lasts_s: int = Field(default=_DAY_S, gt=0)


class Disclosure(_Data):
    """What becomes of a write whose values would reach somebody who may not read them."""

    do: Literal["confirm", "ask", "deny"] = "deny"
    """`confirm`: of a value that the person may read they decide themselves, as rules' `confirm`
    does; of any other it is an `ask`."""
    approver: Role = "supervisor"
    lasts_s: int = Field(default=_DAY_S, gt=0)


class Budget(_Data):
    """What one turn may take; each is held before a call, never after.

    `tokens` and `seconds` hold in every turn of the pack's agent, the others in the tool loop.
    """

    rounds: int = Field(default=12, gt=0, le=100)
    """Times that the model is asked what to do next."""
    calls: int = Field(default=40, gt=0, le=500)
    """Tools called."""
    tokens: int = Field(default=100_000, gt=0)
    """Read and written by the model, together."""
    seconds: int = Field(default=600, gt=0)


class Policy(_Data):
    """Rules in order."""

    rule: tuple[Rule, ...] = ()
    offer: tuple[str, ...] = ()
    """Reading tools that a person's programs may call by themselves, over MCP."""
    untrusted: Untrusted = Untrusted()
    readers: Disclosure = Disclosure()
    budget: Budget = Budget()

    def windows(self, tool: str) -> frozenset[int]:
        """Spans of time in which its rules count a tool's deeds, in seconds."""
        return frozenset(
            one.within_s for one in self.rule if one.at_most is not None and one.tool in (tool, "*")
        )

    def rules_for(self, tool: str) -> tuple[Rule, ...]:
        """Its rules that speak of a tool, in order."""
        return tuple(one for one in self.rule if one.tool in (tool, "*"))

    def doubting(self, ruling: Ruling, objections: Sequence[Objection]) -> Ruling:
        """What a ruling comes to where the monitor objects.

        Nothing is allowed; of two who may approve, it needs the higher one.
        """
        for one in objections:
            ruling = self._doubting(ruling, one)
        return ruling

    def _doubting(self, ruling: Ruling, why: Objection) -> Ruling:
        held, kind = (self.readers, "readers") if why.readers else (self.untrusted, "untrusted")
        if ruling.do == "deny":
            return ruling
        if held.do == "deny":
            return ruling.model_copy(update={"do": "deny", "objection": why})
        if held.do == "confirm" and why.theirs:
            do, approver = "confirm", ruling.approver
        else:
            do, approver = "ask", held.approver
        if ruling.do == do == "confirm" or self._asks_more(ruling, approver, do):
            return ruling
        update = {"do": do, "approver": approver, "lasts_s": held.lasts_s}
        rule = ruling.rule if ruling.do == "ask" else f"{kind}: {why.argument}"
        return ruling.model_copy(update={**update, "rule": rule[:80]})

    def _asks_more(self, ruling: Ruling, approver: Role, do: str) -> bool:
        """Whether a ruling asks somebody already who may say as much."""
        higher = Principal(id="", role=ruling.approver).ranks(approver)
        return ruling.do == "ask" and (do == "confirm" or higher)

    def rules_on(
        self,
        tool: Tool,
        arguments: Mapping[str, object],
        who: Principal,
        done: Mapping[int, int],
    ) -> Ruling:
        """What it says of a call.

        Args:
            tool: that would be called.
            arguments: checked, as the function takes them.
            who: for whom.
            done: how often it did something for them within each of `windows`.
        """
        for rule in self.rule:
            if rule.tool in (tool.name, "*") and _fits(rule, arguments, who, done):
                return Ruling(
                    do=rule.do,
                    rule=rule.id,
                    approver=rule.approver,
                    lasts_s=rule.lasts_s,
                    reason=rule.reason,
                )
        return Ruling(do="deny" if tool.writes else "allow")


def _fits(
    rule: Rule, arguments: Mapping[str, object], who: Principal, done: Mapping[int, int]
) -> bool:
    if rule.roles and who.kind not in rule.roles:
        return False
    if rule.at_most is not None and done.get(rule.within_s, 0) >= rule.at_most:
        return False
    return all(_holds(arguments.get(name), text) for name, text in rule.when.items())


def _holds(value: object, text: str) -> bool:
    sign, _, wanted = text.partition(" ")
    if sign == "in":
        return str(value) in [one.strip() for one in wanted.split(",")]
    one, other = _number(value), _number(wanted)
    if one is not None and other is not None:
        return _SIZES[sign](one, other)
    return {"==": str(value) == wanted, "!=": str(value) != wanted}.get(sign, False)


def read_policy(text: str, file: str) -> Policy:
    """The rules of a file.

    Raises:
        UserError: it is no TOML, or a rule is wrong; the sentence says which.
    """
    try:
        return Policy.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise UserError("policy.file", file=file, problem=error) from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, _counted(first["loc"])))
        problem = f"{place}: {first['msg'].removeprefix('Value error, ')}"
        raise UserError("policy.file", file=file, problem=problem) from error


def _counted(place: Sequence[int | str]) -> list[int | str]:
    """Rules are counted from 1."""
    return [one + 1 if isinstance(one, int) else one for one in place]
