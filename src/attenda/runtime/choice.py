"""What an agent has of its pack: the flows that it begins, and the tools that it may call.

What is chosen is a list of names, or nothing, which is all. A flow begins only where all that it
needs is chosen too; so a flow that an upgrade gave a new tool waits for a person's choice. Alarms
are never taken away, and whoever is in a flow finishes it.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from attenda.dialogue.flow import CallFlowStep, CallStep, Flow, HandOffStep
from attenda.runtime.agent import Agent
from attenda.runtime.pack import OpenPack, Pack
from attenda.tools.tool import Tool

__all__ = [
    "Chosen",
    "Needs",
    "Unmet",
    "alarms_of",
    "always",
    "beginnings",
    "begins",
    "choosable",
    "needs_of",
    "tools_of",
    "unmet",
]

Flows = Mapping[str, Flow]
"""A pack's, by name."""
Chosen = Collection[str] | None
"""Names; none is all, also what a later pack brings."""


@dataclass(frozen=True, slots=True)
class Needs:
    """What a flow calls, itself or by way of flows that it calls."""

    flows: frozenset[str] = frozenset()
    """Of those that one can choose."""
    tools: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Unmet:
    """A flow that is chosen, and what it needs that isn't."""

    flow: str
    needs: Needs


def always(pack: Pack) -> frozenset[str]:
    """The pack's alarms, which every agent with it has."""
    return frozenset(pack.alarms if pack.first else ())


def alarms_of(pack: Pack, flows: Flows) -> frozenset[str]:
    """Flows that the pack's first look begins where somebody may be in danger.

    A pack that names none leaves it to what the flows do: those that call a person.
    """
    if pack.first is None:
        return frozenset()
    return always(pack) or frozenset(
        name
        for name, flow in flows.items()
        if any(isinstance(step, HandOffStep) for step in flow.instructions)
    )


def choosable(pack: Pack, flows: Flows) -> list[str]:
    """Names of the flows that one can choose; a hidden one comes with those that call it."""
    alarms = always(pack)
    return [name for name, flow in flows.items() if not (flow.hidden or name in alarms)]


def needs_of(pack: Pack, flows: Flows, name: str) -> Needs:
    """What a flow needs."""
    seen, waiting, tools = {name}, [name], set[str]()
    while waiting:
        for step in flows[waiting.pop()].instructions:
            if isinstance(step, CallStep):
                tools.add(step.call)
            elif isinstance(step, CallFlowStep) and step.call_flow in flows.keys() - seen:
                seen.add(step.call_flow)
                waiting.append(step.call_flow)
    return Needs(frozenset(choosable(pack, flows)) & (seen - {name}), frozenset(tools))


def unmet(pack: Pack, flows: Flows, chosen: Chosen, tools: Chosen) -> list[Unmet]:
    """Chosen flows that need what isn't chosen."""
    found = []
    for name in choosable(pack, flows):
        if chosen is None or name in chosen:
            needs = needs_of(pack, flows, name)
            lacks = Needs(
                needs.flows - set(needs.flows if chosen is None else chosen),
                needs.tools - set(needs.tools if tools is None else tools),
            )
            if lacks != Needs():
                found.append(Unmet(name, lacks))
    return found


def beginnings(pack: Pack, flows: Flows, chosen: Chosen, tools: Chosen) -> frozenset[str]:
    """Flows that can begin: those chosen whose needs are met, and all that one can't choose."""
    out = {one.flow for one in unmet(pack, flows, chosen, tools)}
    if chosen is not None:
        out |= set(choosable(pack, flows)) - set(chosen)
    return frozenset(flows.keys() - out)


def begins(pack: OpenPack, agent: Agent) -> frozenset[str] | None:
    """Flows that an agent whose flows decide can begin; none is all."""
    if agent.mode != "flows" or (agent.flows is None and agent.tools is None):
        return None
    return beginnings(pack.pack, pack.book.current, agent.flows, agent.tools)


def tools_of(pack: OpenPack, agent: Agent) -> list[Tool]:
    """The tools that a model may choose among."""
    every = pack.executor.tools.values()
    return [one for one in every if agent.tools is None or one.name in agent.tools]
