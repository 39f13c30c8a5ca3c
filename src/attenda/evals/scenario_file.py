"""Scenarios from YAML files: read, and held against their pack; each mistake with file and line.

A file is a mapping from the names of scenarios to their bodies.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from attenda.core.command import Clarify, SetSlot, StartFlow
from attenda.core.label import SYSTEM
from attenda.core.lined_yaml import BadYaml, Place, line_of, lined_yaml
from attenda.evals.scenario import (
    ANYTHING,
    Expected,
    Scenario,
    ScenarioProblem,
    TableState,
    Turn,
    commands_from,
)
from attenda.runtime.pack import Pack, read_pack

__all__ = ["KnownPack", "known_pack", "read_scenarios"]

_Found = Iterator[tuple[Place, str, dict[str, object]]]
"""Place, key of the catalogue, its values."""


@dataclass(frozen=True, slots=True)
class KnownPack:
    """What scenarios may name of a pack."""

    tables: Mapping[str, frozenset[str]]
    """Columns by table."""
    tools: frozenset[str]
    outside: frozenset[str]
    """Tools that reach outside."""
    flows: frozenset[str]
    slots: frozenset[str]


def known_pack(pack: Pack) -> KnownPack:
    """What scenarios may name of a pack."""
    flows = read_pack(pack)[0]
    return KnownPack(
        tables={one.name: frozenset(one.columns) for one in pack.tables},
        tools=frozenset(one.name for one in pack.tools),
        outside=frozenset(one.name for one in pack.tools if one.outside),
        flows=frozenset(flows),
        slots=frozenset(slot for flow in flows.values() for slot in flow.slots),
    )


def read_scenarios(
    text: str, file: str, packs: Mapping[str, KnownPack]
) -> tuple[list[Scenario], list[ScenarioProblem]]:
    """The scenarios of one file and what is wrong in it; one with a mistake is left out."""
    try:
        tree, lines = lined_yaml(text)
    except BadYaml as error:
        return [], [ScenarioProblem(file, error.line, "scenario.yaml", {"problem": error.problem})]
    if not isinstance(tree, dict):
        return [], [ScenarioProblem(file, 1, "scenario.no_mapping", {})]
    found: list[Scenario] = []
    problems: list[ScenarioProblem] = []
    for name, body in tree.items():
        bad = [
            ScenarioProblem(
                file,
                line_of(lines, (name, *place)),
                key,
                {one: str(value) for one, value in values.items()},
            )
            for place, key, values in _read(name, body, packs, found)
        ]
        problems += bad
        if bad and found and found[-1].name == name:
            found.pop()
    return found, problems


def _read(name: str, body: Any, packs: Mapping[str, KnownPack], found: list[Scenario]) -> _Found:
    """Read one scenario into `found`; its mistakes."""
    if not isinstance(body, dict):
        yield (), "scenario.no_body", {"name": name}
        return
    try:
        scenario = Scenario.model_validate({**body, "name": name})
    except ValidationError as error:
        yield from _unreadable(error)
        return
    found.append(scenario)
    pack = packs.get(scenario.pack)
    if pack is None:
        known = ", ".join(sorted(packs)) or "—"
        yield ("pack",), "scenario.unknown_pack", {"name": scenario.pack, "known": known}
        return
    yield from _unknown_people(scenario)
    for tool in scenario.outside:
        if tool not in pack.outside:
            known = ", ".join(sorted(pack.outside)) or "—"
            yield ("outside", tool), "scenario.not_outside", {"name": tool, "known": known}
    for number, turn in enumerate(scenario.turns):
        yield from _commands(turn, pack, ("turns", number, "commands"))
        if turn.expect:
            yield from _expected(turn.expect, pack, ("turns", number, "expect"))
    yield from _expected(scenario.expect, pack, ("expect",))


def _unreadable(error: ValidationError) -> _Found:
    for one in error.errors(include_url=False, include_input=False):
        place: Place = tuple(part for part in one["loc"] if part != "[key]")
        key = "scenario.unknown_key" if one["type"] == "extra_forbidden" else "scenario.value"
        said = one["msg"].removeprefix("Value error, ")
        yield place, key, {"name": ".".join(map(str, place)), "problem": said}


def _unknown_people(scenario: Scenario) -> _Found:
    named: list[tuple[Place, str]] = [(("customer",), scenario.customer)]
    for number, turn in enumerate(scenario.turns):
        here: Place = ("turns", number)
        named.append(((*here, "by"), turn.by))
        for verb in ("approve", "deny", "desk", "screen"):
            decision = getattr(turn, verb)
            named.append(((*here, verb, "by"), decision.by if decision else ""))
    for place, name in named:
        if name and name not in scenario.people:
            known = ", ".join(scenario.people)
            yield place, "scenario.unknown_person", {"name": name, "known": known}


def _commands(turn: Turn, pack: KnownPack, place: Place) -> _Found:
    for command in commands_from(turn.commands, SYSTEM):
        match command:
            case StartFlow(flow=name) if name not in pack.flows:
                yield place, "flow.unknown_flow", {"name": name}
            case Clarify(flows=names):
                for name in names:
                    if name not in pack.flows:
                        yield place, "flow.unknown_flow", {"name": name}
            case SetSlot(slot=name) if name not in pack.slots:
                yield place, "flow.unknown_slot", {"name": name}


def _expected(expected: Expected, pack: KnownPack, place: Place) -> _Found:
    for name, state in (expected.tables or {}).items():
        here = (*place, "tables", name)
        if name not in pack.tables:
            known = ", ".join(sorted(pack.tables)) or "—"
            yield here, "scenario.unknown_table", {"name": name, "known": known}
            continue
        for where, column in _columns(state):
            if column not in pack.tables[name]:
                known = ", ".join(sorted(pack.tables[name]))
                unknown = {"name": column, "table": name, "known": known}
                yield (*here, *where), "scenario.unknown_column", {**unknown}
    for number, call in enumerate(expected.calls.required):
        if call.tool not in pack.tools:
            yield (*place, "calls", "required", number), *_unknown_tool(call.tool, pack)
    for number, tool in enumerate(expected.calls.forbidden):
        if tool not in pack.tools:
            yield (*place, "calls", "forbidden", number), *_unknown_tool(tool, pack)


def _unknown_tool(name: str, pack: KnownPack) -> tuple[str, dict[str, object]]:
    return "flow.unknown_tool", {"name": name, "known": ", ".join(sorted(pack.tools)) or "—"}


def _columns(state: TableState) -> Iterator[tuple[Place, str]]:
    added = () if state.added == ANYTHING else state.added
    for way, rows in (("rows", state.rows or ()), ("added", added)):
        for number, row in enumerate(rows):
            yield from (((way, number, column), column) for column in row)
    for way, keyed in (("changed", state.changed), ("has", state.has)):
        for key, row in keyed.items():
            yield from (((way, key, column), column) for column in row)
