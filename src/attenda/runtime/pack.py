"""A pack: what makes an agent able to do the work of one field. A value, checked when it is opened.

A pack brings tools and tables as Python values; flows and rules are files in its folder.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from attenda.core.command import Command
from attenda.core.errors import UserError
from attenda.core.label import Label
from attenda.core.words import sentence
from attenda.dialogue.book import FlowBook
from attenda.dialogue.flow import Flow
from attenda.dialogue.flow_check import FlowMistake, check_flows
from attenda.dialogue.flow_file import FlowProblem, read_flows
from attenda.dialogue.machine import Given
from attenda.dialogue.state import DialogueState
from attenda.store import agents
from attenda.store import flows as kept
from attenda.store.database import Connection, Database
from attenda.store.pack_tables import PackTable, create_tables, fill_if_empty
from attenda.store.stamps import Stamps
from attenda.tools.effects import Executor
from attenda.tools.policy import Policy, read_policy
from attenda.tools.tool import Tool

__all__ = ["OpenPack", "Pack", "Said", "Understand", "check_pack", "open_pack", "read_pack"]


@dataclass(frozen=True, slots=True)
class Said:
    """What is to be understood, and where it was said."""

    text: str
    message_id: str
    label: Label
    """Of the words: theirs, and what was understood from them."""
    given: Given
    state: DialogueState


Understand = Callable[[Said], Awaitable[Sequence[Command]]]
"""What the person wants, from their own words and the state alone."""


@dataclass(frozen=True, slots=True)
class Pack:
    """What a pack's `pack.py` calls `PACK`."""

    name: str
    """Letters, digits and underscores; begins the names of its tables."""
    title: Mapping[str, str]
    """By language."""
    folder: Path
    """Holds `flows/*.yaml` and `policy.toml`; may hold `knowledge/` and `scenarios/`."""
    tools: Sequence[Tool] = ()
    tables: Sequence[PackTable] = ()
    samples: Mapping[str, Sequence[Mapping[str, object]]] = field(default_factory=dict)
    """Rows by table, put in where a table is empty."""


@dataclass(frozen=True, slots=True)
class OpenPack:
    """A pack at work in one database."""

    pack: Pack
    book: FlowBook
    executor: Executor
    understand: Understand


def read_pack(pack: Pack) -> tuple[dict[str, Flow], Policy, list[str]]:
    """A pack's flows, its rules, and in English all that is wrong with them."""
    found: dict[str, Flow] = {}
    problems: list[str] = []
    for path in sorted((pack.folder / "flows").glob("*.yaml")):
        flows, bad = read_flows(path.read_text("utf-8"), f"flows/{path.name}")
        problems += [_told(problem) for problem in bad]
        problems += [
            f"flows/{path.name}: {sentence('en', 'flow.twice', name=name)}"
            for name in flows.keys() & found.keys()
        ]
        found |= flows
    tools = {one.name: one for one in pack.tools}
    if not problems:
        problems += [_told_mistake(one) for one in check_flows(found, tools)]
    policy = Policy()
    try:
        if (rules := pack.folder / "policy.toml").exists():
            policy = read_policy(rules.read_text("utf-8"), "policy.toml")
    except UserError as error:
        problems.append(str(error))
    for rule in policy.rule:
        if rule.tool != "*" and rule.tool not in tools:
            problems.append(f"policy.toml: {rule.id}: there is no tool “{rule.tool}”")
    return found, policy, problems


def check_pack(pack: Pack) -> list[str]:
    """All that is wrong with a pack, in English, each with its file and line where it has one."""
    return read_pack(pack)[2]


async def open_pack(
    pack: Pack,
    database: Database,
    stamps: Stamps,
    understanding: Callable[[FlowBook], Awaitable[Understand]],
    passing: Callable[[str], None] = lambda point: None,
) -> OpenPack:
    """A pack at work: tables made, samples put in, flows kept and learned, an agent that has it.

    Raises:
        UserError: something is wrong with it; all of it is named.
    """
    flows, policy, problems = read_pack(pack)
    if problems:
        raise UserError("pack.wrong", name=pack.name, problems="\n".join(problems))
    tables = await create_tables(database, pack.name, pack.tables)
    for name, rows in pack.samples.items():
        await fill_if_empty(database, tables[name], rows)
    bodies = {
        flow.fingerprint: (flow.name, flow.model_dump_json(by_alias=True))
        for flow in flows.values()
    }

    def note(connection: Connection) -> None:
        kept.keep_flows(connection, stamps, bodies)
        agents.ensure_pack_agent(connection, stamps, pack.name, pack.title)

    await database.write(note)
    older = await database.read(kept.kept_flows)
    book = FlowBook(flows, [Flow.model_validate_json(body) for body in older.values()])
    tools = {one.name: one for one in pack.tools}
    executor = Executor(database, stamps, tools, policy, tables, passing)
    return OpenPack(pack, book, executor, await understanding(book))


def _told(problem: FlowProblem) -> str:
    return f"{problem.file}:{problem.line}: {sentence('en', problem.key, **problem.values)}"


def _told_mistake(mistake: FlowMistake) -> str:
    step = f", step {mistake.step}" if mistake.step else ""
    return f"{mistake.flow}{step}: {sentence('en', mistake.key, **mistake.values)}"
