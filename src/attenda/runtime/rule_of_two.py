"""The rule of two: what one session of an agent may hold together without a person's yes.

Of the words of strangers, private data, and deeds that change or tell something, a session should
hold two at most; where it holds all three, a person should stand before the deeds. Labels hold the
values in any case: this looks at how an installation is set up, before anything happens.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from attenda.dialogue.flow import CallStep, Flow
from attenda.runtime.agent import AgentMode
from attenda.tools.policy import Policy
from attenda.tools.tool import Tool

__all__ = ["Means", "Together", "held_together"]


@dataclass(frozen=True, slots=True)
class Means:
    """What an agent has."""

    tools: Iterable[Tool] = ()
    flows: Iterable[Flow] = ()
    """None of a model that chooses tools itself."""
    policy: Policy = Policy()
    mode: AgentMode = "flows"
    documents: bool = True
    """It answers from documents."""


@dataclass(frozen=True, slots=True)
class Together:
    """What one session may hold; `documents` stands for all of them."""

    strangers: tuple[str, ...] = ()
    """By what it reads words that strangers wrote."""
    private: tuple[str, ...] = ()
    """By what it reads data that not everybody may read."""
    alone: tuple[str, ...] = ()
    """What it may do without anybody's yes, and nobody has said why."""
    reasoned: Mapping[str, str] = field(default_factory=dict)
    """What it may do so, and why nobody need be asked."""
    untold: tuple[str, ...] = ()
    """Of `alone`, what only reads, and says not who outside learns of what it is asked."""

    @property
    def breaks(self) -> bool:
        """Whether it holds all three."""
        return bool(self.strangers and self.private and self.alone)


def held_together(means: Means) -> Together:
    """What a session of an agent may hold."""
    documents = ("documents",) if means.documents else ()
    used = _used(means)
    reads = [one for one in used if not one.writes]
    strangers = [one.name for one in used if one.gives == "untrusted" or one.gives_untrusted]
    private = [one.name for one in reads if not one.outside or one.sink is None]
    reasoned = _of_flows(means) if means.mode == "flows" else _of_a_model(means)
    untold = [one.name for one in reads if one.outside and one.sink is None]
    return Together(
        strangers=(*documents, *strangers),
        private=(*documents, *private),
        alone=(*(name for name, why in reasoned.items() if not why), *untold),
        reasoned={name: why for name, why in reasoned.items() if why},
        untold=tuple(untold),
    )


def _used(means: Means) -> list[Tool]:
    """The tools that it may call: all of them, or those that its flows name."""
    if means.mode == "loop":
        return list(means.tools)
    named = {step.call for step in _calls(means.flows)}
    return [one for one in means.tools if one.name in named]


def _calls(flows: Iterable[Flow]) -> list[CallStep]:
    return [one for flow in flows for one in flow.instructions if isinstance(one, CallStep)]


def _of_flows(means: Means) -> dict[str, str]:
    """Writes that a flow makes without having asked, and why it says that none need be asked.

    No flow opens that writes and says neither; its own question is also what `confirm` wants.
    """
    writes = {one.name for one in means.tools if one.writes}
    return {
        step.call: step.unless_confirmed
        for step in _calls(means.flows)
        if step.call in writes
        and step.unless_confirmed
        and _allowed(means.policy, step.call, ("allow", "confirm")) is not None
    }


def _of_a_model(means: Means) -> dict[str, str]:
    """Writes that a rule allows as a model chooses them, and the reason that the rule gives."""
    found = {
        one.name: _allowed(means.policy, one.name, ("allow",)) for one in means.tools if one.writes
    }
    return {name: why for name, why in found.items() if why is not None}


def _allowed(policy: Policy, tool: str, ways: tuple[str, ...]) -> str | None:
    """The reason of the first rule that lets a tool act in one of these ways; none if none does.

    A rule without a reason goes before one that has it; what stands behind a rule for every call
    is not looked at.
    """
    reasons: list[str] = []
    for rule in policy.rule:
        if rule.tool not in (tool, "*"):
            continue
        if rule.do in ways:
            reasons.append(rule.reason)
        if not (rule.when or rule.roles or rule.at_most is not None):
            break
    return min(reasons, default=None)
