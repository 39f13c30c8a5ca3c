"""A pack: what makes an agent able to do the work of one field. A value, checked when it is opened.

A pack brings tools and tables as Python values; flows and rules are files in its folder.
"""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import JsonValue

from attenda.core.command import Command
from attenda.core.errors import UserError
from attenda.core.label import Label
from attenda.core.opening import Opening
from attenda.core.ports import Account
from attenda.core.principal import DESK
from attenda.core.silence import SilenceTimes
from attenda.core.words import sentence
from attenda.dialogue.book import FlowBook
from attenda.dialogue.flow import Flow
from attenda.dialogue.flow_check import FlowMistake, check_flows
from attenda.dialogue.flow_file import FlowProblem, read_flows
from attenda.dialogue.machine import Given
from attenda.dialogue.opening import Catalogue
from attenda.dialogue.state import DialogueState
from attenda.runtime.agent import AgentMode
from attenda.runtime.automation import Automation
from attenda.runtime.automation_pack import as_kept, read_folder
from attenda.runtime.flow_lines import flow_lines
from attenda.runtime.pack_face import Endpoint, Importer, Panel, Screen, Tables, Told
from attenda.store import agents, automations, hours
from attenda.store import flows as kept
from attenda.store.database import Connection, Database
from attenda.store.pack_tables import PackTable, create_tables
from attenda.store.stamps import Stamps
from attenda.tools.effects import Executor
from attenda.tools.policy import Policy, read_policy
from attenda.tools.tool import Deed, Tool

__all__ = [
    "OpenPack",
    "Pack",
    "Said",
    "Understand",
    "check_pack",
    "open_pack",
    "read_pack",
]


_NAME = re.compile(r"[a-z][a-z0-9_]{0,29}")


@dataclass(frozen=True, slots=True)
class Said:
    """What is to be understood, and where it was said."""

    text: str
    message_id: str
    label: Label
    """Of the words: theirs, and what was understood from them."""
    given: Given
    state: DialogueState
    account: Account | None = None
    """On which a model is asked that chooses where examples leave it open."""
    begins: frozenset[str] | None = None
    """Names of the flows that the agent may begin; none is all of the pack's."""


Understand = Callable[[Said], Awaitable[Sequence[Command]]]
"""What the person wants, from their own words and the state alone."""


SampleRows = Mapping[str, Sequence[Mapping[str, object]]]
"""Rows by table."""


@dataclass(frozen=True, slots=True)
class Pack:
    """What a pack's `pack.py` calls `PACK`."""

    name: str
    """Letters, digits and underscores; begins the names of its tables."""
    title: Mapping[str, str]
    """By language."""
    folder: Path
    """Holds `flows/*.yaml` and `policy.toml`; may hold `automations/*.yaml`, `knowledge/` and
    `scenarios/`."""
    tools: Sequence[Tool] = ()
    mode: AgentMode = "flows"
    """Of the agent that comes with it: flows decide what is done, or its model chooses tools."""
    tables: Sequence[PackTable] = ()
    read_by: frozenset[str] = frozenset({DESK})
    """Who reads its tables beside the person that something is done for: they learn of whatever a
    tool in the database writes, unless the tool itself says who does."""
    samples: SampleRows | Callable[[int], SampleRows] = field(default_factory=dict)
    """Rows by table, put in when a table is made; or how they are on a day (microseconds, UTC)."""
    first: Callable[[Said], Sequence[Command]] | None = None
    """Looks at every message before it is understood; what it gives is all that it means."""
    alarms: Sequence[str] = ()
    """Flows that `first` begins where somebody may be in danger: every agent of the pack has them,
    whatever else is taken from it. Where none is named, those that call a person."""
    catalogues: Mapping[str, Catalogue] = field(default_factory=dict)
    """By the name in a slot's `catalogue`: where a text names something of the pack's own."""
    notice: Mapping[str, str] = field(default_factory=dict)
    """By language: what it is meant for, shown above each chat and noted in its log."""
    guard: Callable[[Deed, str, str], str | None] | None = None
    """Looks over the whole of what a model wrote, in a language, before a word of it is shown: a
    text is shown in its place, none lets it stand. It changes nothing."""
    masked: Callable[[str], str] | None = None
    """What is kept of a person's words instead of them: without a card's number, say."""
    screens: Sequence[Screen] = ()
    endpoints: Sequence[Endpoint] = ()
    importers: Sequence[Importer] = ()
    told: Callable[[str, Mapping[str, JsonValue], JsonValue], Told | None] | None = None
    """What a page says once it has called a tool, from its name, its arguments and what it gave;
    none where nothing is to be said."""
    panel: Panel | None = None
    asks_rating: bool = False
    """Whether customers are asked how they were helped, once a flow with a deed has ended or a
    person has closed their conversation."""
    opening: Opening | None = None
    """When the people behind it are there, where nobody has set other hours at the desk."""
    silence: SilenceTimes | None = None
    """What happens when nobody answers its flows' questions, where a flow says nothing else; none
    leaves it to the house."""
    articles: Callable[[Tables], Mapping[str, str]] | None = None
    """Texts of its tables that stand among the documents too, by file name."""
    faults: Callable[[str], Sequence[str]] | None = None
    """All that is wrong with what the pack itself knows of its files, in a language, each with its
    file; `attenda pack check` says it, and it may take its time: no start waits for it."""

    def samples_on(self, now: int) -> SampleRows:
        """Its samples as they are put in at a moment; their keys are always the same."""
        return self.samples(now) if callable(self.samples) else self.samples


@dataclass(frozen=True, slots=True)
class OpenPack:
    """A pack at work in one database."""

    pack: Pack
    book: FlowBook
    executor: Executor
    understand: Understand
    automations: Mapping[str, Automation] = field(default_factory=dict)
    is_new: bool = False
    """Opened here for the first time."""


def read_pack(
    pack: Pack, language: str = "en", outside: Sequence[Tool] = ()
) -> tuple[dict[str, Flow], Policy, list[str]]:
    """A pack's flows, its rules, and all that is wrong with it, with file and line.

    `outside` are tools of other servers, which its flows may call too.
    """
    found: dict[str, Flow] = {}
    texts: dict[str, str] = {}
    bad: list[FlowProblem] = []
    for path in sorted((pack.folder / "flows").glob("*.yaml")):
        file = f"flows/{path.name}"
        try:
            texts[file] = path.read_text("utf-8")
        except UnicodeDecodeError as error:
            line = path.read_bytes()[: error.start].count(b"\n") + 1
            bad.append(FlowProblem(file, line, "flow.yaml", {"problem": "it is not UTF-8"}))
            continue
        flows, wrong = read_flows(texts[file], file)
        bad += wrong
        for name in flows.keys() & found.keys():
            line = flow_lines(texts[file])[name, ""]
            bad.append(FlowProblem(file, line, "flow.twice", {"name": name}))
        found |= flows
    problems = _wrong_tables(pack, language) + [_told(one, language) for one in bad]
    tools = {one.name: one for one in (*outside, *pack.tools)}
    policy, wrong_rules = _read_rules(pack, tools, language)
    if not bad:
        ruled = None if wrong_rules else {one.tool for one in policy.rule}
        mistakes = check_flows(found, tools, pack.catalogues, ruled)
        problems += _told_mistakes(mistakes, texts, language)
        strange = [one for one in pack.alarms if one not in found]
        problems += [f"pack.py: {sentence(language, 'pack.alarm', name=one)}" for one in strange]
    wrong_automations = read_folder(pack.folder, tools, policy, language)[1]
    return found, policy, problems + wrong_rules + wrong_automations


def _read_rules(pack: Pack, tools: Mapping[str, Tool], language: str) -> tuple[Policy, list[str]]:
    """A pack's rules and what is wrong with them."""
    path = pack.folder / "policy.toml"
    if not path.exists():
        return Policy(), []
    text = path.read_text("utf-8")
    begins = [n for n, line in enumerate(text.splitlines(), 1) if line.strip() == "[[rule]]"]
    try:
        policy = read_policy(text, "policy.toml")
    except UserError as error:
        number = re.match(r"rule\.(\d+)", str(error.values["problem"]))
        at = int(number[1]) - 1 if number else len(begins)
        place = f"policy.toml:{begins[at]}" if at < len(begins) else "policy.toml"
        return Policy(), [f"{place}: {error.text(language)}"]
    problems: list[str] = []
    for number_, rule in enumerate(policy.rule):
        if rule.tool != "*" and rule.tool not in tools:
            place = f"policy.toml:{begins[number_]}" if number_ < len(begins) else "policy.toml"
            said = sentence(language, "pack.rule_tool", rule=rule.id, name=rule.tool)
            problems.append(f"{place}: {said}")
    for name in policy.offer:
        if name not in tools or tools[name].writes:
            problems.append(f"policy.toml: {sentence(language, 'pack.offer', name=name)}")
    return policy, problems


def _wrong_tables(pack: Pack, language: str) -> list[str]:
    """What is wrong with a pack's name, its tables and its samples."""
    tables = {one.name: one for one in pack.tables}
    said: list[tuple[str, dict[str, str]]] = []
    if not _NAME.fullmatch(pack.name):
        said.append(("pack.bad_name", {"name": pack.name}))
    said += [("pack.bad_table_name", {"name": one}) for one in tables if not _NAME.fullmatch(one)]
    for name, rows in pack.samples_on(0).items():
        if name not in tables:
            said.append(("pack.sample_table", {"name": name}))
            continue
        columns = {column for row in rows for column in row} - tables[name].columns.keys()
        said += [("pack.sample_column", {"table": name, "name": one}) for one in sorted(columns)]
    for one in pack.tables:
        said += [
            ("pack.person_column", {"table": one.name, "name": n}) for n in _amiss(one, tables)
        ]
    return [f"pack.py: {sentence(language, key, **values)}" for key, values in said]


def _amiss(table: PackTable, tables: Mapping[str, PackTable]) -> list[str]:
    """What a table says of its person or its age that cannot be."""
    indexed = [column for columns in table.indexes for column in columns]
    wrong = [one for one in (table.person, table.session, *(table.redacted or ()), *indexed) if one]
    wrong = [one for one in wrong if one not in table.columns]
    wrong += [one for one in table.redacted or () if one == next(iter(table.columns))]
    wrong += [table.session] if table.session and table.person else []
    wrong += [table.through] if table.through and table.through not in tables else []
    return wrong + ([table.ages] if table.ages and table.columns.get(table.ages) != "time" else [])


def check_pack(pack: Pack, language: str = "en", outside: Sequence[Tool] = ()) -> list[str]:
    """All that is wrong with a pack, each with its file and line where it has one.

    Beside what holds for every pack it is what the pack itself looks for.
    """
    own = pack.faults(language) if pack.faults else ()
    return [*read_pack(pack, language, outside)[2], *own]


async def open_pack(
    pack: Pack,
    database: Database,
    stamps: Stamps,
    understanding: Callable[[FlowBook], Awaitable[Understand]],
    passing: Callable[[str], None] = lambda point: None,
    outside: Sequence[Tool] = (),
) -> OpenPack:
    """A pack at work: tables made, samples put in, flows kept and learned, an agent that has it.

    `outside` are tools of other servers, which its flows may call too.

    Raises:
        UserError: something is wrong with it; all of it is named.
    """
    flows, policy, problems = read_pack(pack, outside=outside)
    if problems:
        raise UserError("pack.wrong", name=pack.name, problems="\n".join(problems))
    tables = await create_tables(database, pack.name, pack.tables, pack.samples_on(stamps.now()))
    bodies = {
        flow.fingerprint: (flow.name, flow.model_dump_json(by_alias=True))
        for flow in flows.values()
    }

    tools = {one.name: one.told_to(pack.read_by) for one in (*outside, *pack.tools)}
    automatic, _ = read_folder(pack.folder, tools, policy, "en")
    kept_so = [as_kept(one, stamps.now()) for one in automatic.values()]

    def note(connection: Connection) -> bool:
        kept.keep_flows(connection, stamps, bodies)
        automations.keep_automations(connection, stamps, pack.name, kept_so)
        hours.keep_own(connection, stamps, pack.name, pack.opening)
        return agents.ensure_pack_agent(connection, stamps, pack.name, pack.title, pack.mode)

    is_new = await database.write(note)
    older = await database.read(kept.kept_flows)
    before = [Flow.model_validate_json(body) for body in older.values()]
    book = FlowBook(flows, before, pack.catalogues)
    executor = Executor(database, stamps, tools, policy, tables, passing, pack.name)
    understand = _after(pack.first, await understanding(book))
    return OpenPack(pack, book, executor, understand, automatic, is_new)


def _after(first: Callable[[Said], Sequence[Command]] | None, then: Understand) -> Understand:
    """Understanding that a pack's own first look goes before."""
    if first is None:
        return then

    async def understand(said: Said) -> Sequence[Command]:
        return first(said) or await then(said)

    return understand


def _told(problem: FlowProblem, language: str) -> str:
    said = sentence(language, problem.key, **problem.values)
    return f"{problem.file}:{problem.line}: {said}"


def _told_mistakes(
    mistakes: Sequence[FlowMistake], texts: Mapping[str, str], language: str
) -> list[str]:
    """Each with the place of its step, or of its flow."""
    if not mistakes:
        return []
    places = {
        where: f"{file}:{line}"
        for file, text in texts.items()
        for where, line in flow_lines(text).items()
    }
    told: list[str] = []
    for one in mistakes:
        flow = places.get((one.flow, ""), one.flow)
        step = f", {one.step}" if one.step else ""
        said = sentence(language, one.key, **one.values)
        told.append(f"{places.get((one.flow, one.step), flow)}: {one.flow}{step}: {said}")
    return told
