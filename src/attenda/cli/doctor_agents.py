"""Agents and automations as `attenda doctor` looks at them: what each may hold without a person."""

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
from attenda.runtime.automation import Automation
from attenda.runtime.automation_pack import read_folder
from attenda.runtime.choice import beginnings
from attenda.runtime.pack import read_pack
from attenda.runtime.rule_of_two import Means, Together, held_by_run, held_together
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
    automations: Mapping[str, Automation]


def examine_agents(settings: Settings, language: str) -> Iterator[Finding]:
    """A finding for each agent and automation, and for each pack or file that can't be read."""
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
            tools = (*servers, *pack.tools)
            by_name = {one.name: one for one in tools}
            runs, _ = read_folder(pack.folder, by_name, policy, language)
            known[pack.name] = _Known(pack, flows, policy, tools, runs)
    for agent in _agents(settings, known.values(), language):
        if not agent.pack or agent.pack in known:
            yield _examined(agent, known.get(agent.pack), language)
    for one in known.values():
        for automation in one.automations.values():
            yield _examined_run(automation, one, language)


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
    about = {"agent": agent.name, "pack": agent.pack, "mode": agent.mode}
    fix = _fix("doctor.agent_deeds", agent.pack, found, language)
    return _finding("agent", about, found, fix, language)


def _examined_run(automation: Automation, known: _Known, language: str) -> Finding:
    found = held_by_run(automation, known.tools, known.policy)
    about = {"automation": automation.name, "pack": known.pack.name}
    fix = _fix("doctor.automation_deeds", known.pack.name, found, language)
    return _finding("automation", about, found, fix, language)


def _finding(
    check: str, about: Mapping[str, str], found: Together, fix: str, language: str
) -> Finding:
    """What one holds, in words and by name; a fault with its mend where it is all three."""
    documents, none = sentence(language, "doctor.documents"), sentence(language, "doctor.none")

    def listed(names: Iterable[str]) -> str:
        return ", ".join(documents if one == "documents" else one for one in names) or none

    detail = sentence(
        language,
        "doctor.agent",
        name=about[check],
        strangers=listed(found.strangers),
        private=listed(found.private),
        alone=listed(found.alone),
    )
    if found.reasoned:
        detail += sentence(language, "doctor.agent_reasoned", names=listed(found.reasoned))
    held = {
        "strangers": found.strangers,
        "private": found.private,
        "alone": found.alone,
        "reasoned": dict(found.reasoned),
    }
    return Finding(check, not found.breaks, detail, fix, {**about, **held})


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


def _fix(key: str, pack: str, found: Together, language: str) -> str:
    """What to change, for deeds (by a sentence's `key`) and for what goes out with a read."""
    if not found.breaks:
        return ""
    untold = ", ".join(found.untold)
    deeds = ", ".join(one for one in found.alone if one not in found.untold)
    said = [
        sentence(language, key, pack=pack, tools=deeds) if deeds else "",
        sentence(language, "doctor.agent_untold", tools=untold) if untold else "",
    ]
    return " ".join(one for one in said if one)
