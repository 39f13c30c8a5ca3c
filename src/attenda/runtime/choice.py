"""What an agent has of its pack: the flows that it begins, and the tools that it may call.

What is chosen is a list of names, or nothing, which is all. A flow begins only where all that it
needs is chosen too; so a flow that an upgrade gave a new tool waits for a person's choice. Alarms
are never taken away, and whoever is in a flow finishes it.
"""

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

from attenda.core.command import Command, StartFlow
from attenda.dialogue.flow import CallFlowStep, CallStep, HandOffStep
from attenda.runtime.agent import Agent
from attenda.runtime.pack import OpenPack, Said, Understand, after_first
from attenda.tools.tool import Tool

__all__ = [
    "Chosen",
    "Needs",
    "Unmet",
    "alarms_of",
    "always",
    "as_chosen",
    "begin_learning",
    "beginnings",
    "choosable",
    "needs_of",
    "stop_learning",
    "tools_of",
    "unmet",
]

_MOST_LEARNED = 16
"""Choices of one pack whose examples are kept learned."""

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


def always(pack: OpenPack) -> frozenset[str]:
    """The pack's alarms, which every agent with it has."""
    return frozenset(pack.pack.alarms if pack.pack.first else ())


def alarms_of(pack: OpenPack) -> frozenset[str]:
    """Flows that the pack's first look begins where somebody may be in danger.

    A pack that names none leaves it to what the flows do: those that call a person.
    """
    if pack.pack.first is None:
        return frozenset()
    return always(pack) or frozenset(
        name
        for name, flow in pack.book.current.items()
        if any(isinstance(step, HandOffStep) for step in flow.instructions)
    )


def choosable(pack: OpenPack) -> list[str]:
    """Names of the flows that one can choose; a hidden one comes with those that call it."""
    flows = pack.book.current.items()
    return [name for name, flow in flows if not (flow.hidden or name in always(pack))]


def needs_of(pack: OpenPack, name: str) -> Needs:
    """What a flow needs."""
    flows, seen, waiting, tools = pack.book.current, {name}, [name], set[str]()
    while waiting:
        for step in flows[waiting.pop()].instructions:
            if isinstance(step, CallStep):
                tools.add(step.call)
            elif isinstance(step, CallFlowStep) and step.call_flow in flows.keys() - seen:
                seen.add(step.call_flow)
                waiting.append(step.call_flow)
    return Needs(frozenset(choosable(pack)) & (seen - {name}), frozenset(tools))


def unmet(pack: OpenPack, chosen: Chosen, tools: Chosen) -> list[Unmet]:
    """Chosen flows that need what isn't chosen."""
    found = []
    for name in choosable(pack):
        if chosen is None or name in chosen:
            needs = needs_of(pack, name)
            lacks = Needs(
                needs.flows - set(needs.flows if chosen is None else chosen),
                needs.tools - set(needs.tools if tools is None else tools),
            )
            if lacks != Needs():
                found.append(Unmet(name, lacks))
    return found


def beginnings(pack: OpenPack, chosen: Chosen, tools: Chosen) -> frozenset[str]:
    """Flows that can begin: those chosen whose needs are met, and all that one can't choose."""
    out = {one.flow for one in unmet(pack, chosen, tools)}
    if chosen is not None:
        out |= set(choosable(pack)) - set(chosen)
    return frozenset(pack.book.current.keys() - out)


def tools_of(pack: OpenPack, agent: Agent) -> list[Tool]:
    """The tools that a model may choose among."""
    every = pack.executor.tools.values()
    return [one for one in every if agent.tools is None or one.name in agent.tools]


async def as_chosen(pack: OpenPack, chosen: Chosen, tools: Chosen) -> OpenPack:
    """The pack as an agent with this choice has it: only its flows are understood.

    The first time, their examples are learned, which takes seconds where there are many.
    """
    task = begin_learning(pack, chosen, tools)
    return pack if task is None else replace(pack, understand=await asyncio.shield(task))


def begin_learning(
    pack: OpenPack, chosen: Chosen, tools: Chosen
) -> asyncio.Task[Understand] | None:
    """Let the examples of a choice be learned, unless they are; none where it is the whole pack."""
    if pack.learn is None or (chosen is None and tools is None):
        return None
    names = beginnings(pack, chosen, tools)
    if names == pack.book.current.keys():
        return None
    task = pack.learned.pop(names, None)
    if task is None or _went_wrong(task):
        task = asyncio.create_task(_learn(pack, names), name="learning of a choice")
        task.add_done_callback(_went_wrong)
    pack.learned[names] = task
    for old in [one for one, made in pack.learned.items() if made.done()][:-_MOST_LEARNED]:
        del pack.learned[old]
    return task


def _went_wrong(task: asyncio.Task[Understand]) -> bool:
    """Whether it ended without a result; who waits for it hears why."""
    return task.done() and (task.cancelled() or task.exception() is not None)


async def _learn(pack: OpenPack, names: frozenset[str]) -> Understand:
    assert pack.learn is not None
    understand = await pack.learn(pack.book.only(names))
    return after_first(_first_of(pack, names | alarms_of(pack)), understand)


def _first_of(pack: OpenPack, names: Collection[str]) -> Callable[[Said], Sequence[Command]] | None:
    """The pack's first look, which finds nothing where it would begin a flow that isn't there."""
    first = pack.pack.first
    if first is None:
        return None

    def look(said: Said) -> Sequence[Command]:
        found = first(said)
        begun = {one.flow for one in found if isinstance(one, StartFlow)}
        return found if begun <= set(names) else ()

    return look


async def stop_learning(packs: Collection[OpenPack]) -> None:
    """End what is being learned."""
    tasks = [task for pack in packs for task in pack.learned.values()]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
