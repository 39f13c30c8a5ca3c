"""Agents as `attenda doctor` looks at them: what a session of each may hold without a person."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from attenda.api import Pack, Tool
from attenda.cli.finding import Finding
from attenda.cli.packs import load_pack, pack_folders
from attenda.core.config import Settings
from attenda.core.errors import OperatorError, UserError
from attenda.core.words import sentence
from attenda.dialogue.flow import Flow, words_in
from attenda.runtime.choice import beginnings
from attenda.runtime.pack import read_pack
from attenda.runtime.rule_of_two import Means, Together, held_together
from attenda.store.health import KeptAgent, agents_beside
from attenda.tools.mcp import Servers
from attenda.tools.policy import Policy

__all__ = ["examine_agents"]


@dataclass(frozen=True, slots=True)
class _Known:
    """A pack as it was read."""

    pack: Pack
    flows: Mapping[str, Flow]
    policy: Policy
    tools: tuple[Tool, ...]
    """Its own, and those of other servers."""


def examine_agents(settings: Settings, language: str) -> Iterator[Finding]:
    """A finding for each agent; and one for each pack, or file of servers, that can't be read."""
    known: dict[str, _Known] = {}
    servers: tuple[Tool, ...] = ()
    try:
        servers = tuple(Servers(settings.home).tools())
    except OperatorError as error:
        yield Finding("mcp", False, error.text(language), "attenda mcp list")
    for folder in pack_folders(settings.home):
        try:
            pack = load_pack(folder)
            flows, policy, problems = read_pack(pack, language, servers)
        except UserError as error:
            problems = [error.text(language)]
        if problems:  # it stays shut, and so do its agents
            yield Finding("pack", False, problems[0], f"attenda pack check {folder.name}")
        else:
            known[pack.name] = _Known(pack, flows, policy, (*servers, *pack.tools))
    for agent in _agents(settings, known.values(), language):
        if not agent.pack or agent.pack in known:
            yield _examined(agent, known.get(agent.pack), language)


def _agents(settings: Settings, known: Iterable[_Known], language: str) -> list[KeptAgent]:
    """Those that there are; before the first start, those that the packs will bring."""
    file = settings.home / "attenda.db"
    place: Path | str = settings.database or file
    if settings.database or file.exists():
        return asyncio.run(agents_beside(place))
    return [
        KeptAgent(words_in(dict(one.pack.title), language), one.pack.name, one.pack.mode)
        for one in known
    ]


def _examined(agent: KeptAgent, known: _Known | None, language: str) -> Finding:
    found = held_together(_means(agent, known))
    documents, none = sentence(language, "doctor.documents"), sentence(language, "doctor.none")

    def listed(names: Iterable[str]) -> str:
        return ", ".join(documents if one == "documents" else one for one in names) or none

    detail = sentence(
        language,
        "doctor.agent",
        name=agent.name,
        strangers=listed(found.strangers),
        private=listed(found.private),
        alone=listed(found.alone),
    )
    if found.reasoned:
        detail += sentence(language, "doctor.agent_reasoned", names=listed(found.reasoned))
    about = {
        "agent": agent.name,
        "pack": agent.pack,
        "mode": agent.mode,
        "strangers": found.strangers,
        "private": found.private,
        "alone": found.alone,
        "reasoned": dict(found.reasoned),
    }
    fix = _fix(agent, found, language) if found.breaks else ""
    return Finding("agent", not found.breaks, detail, fix, about)


def _means(agent: KeptAgent, known: _Known | None) -> Means:
    if known is None:
        return Means(documents=agent.documents)
    loop, tools = agent.mode == "loop", agent.tools
    begun = beginnings(known.pack, known.flows, agent.flows, tools)
    return Means(
        tools=[one for one in known.tools if not loop or tools is None or one.name in tools],
        flows=[flow for name, flow in known.flows.items() if name in begun],
        policy=known.policy,
        mode="loop" if loop else "flows",
        documents=agent.documents,
    )


def _fix(agent: KeptAgent, found: Together, language: str) -> str:
    """What to change, for deeds and for what goes out with a read."""
    untold = ", ".join(found.untold)
    deeds = ", ".join(one for one in found.alone if one not in found.untold)
    said = [
        sentence(language, "doctor.agent_deeds", pack=agent.pack, tools=deeds) if deeds else "",
        sentence(language, "doctor.agent_untold", tools=untold) if untold else "",
    ]
    return " ".join(one for one in said if one)
