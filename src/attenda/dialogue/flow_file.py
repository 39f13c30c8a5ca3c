"""Flows from YAML files: read, checked, each mistake with its file and line.

A file is a mapping from the names of flows to their bodies. Scalars are text; what looks like a
date or a `no` stays what was written.
"""

from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from attenda.core.lined_yaml import BadYaml, Lines, Place, line_of, lined_yaml
from attenda.dialogue import flow as flows
from attenda.dialogue.flow import Flow

__all__ = ["FlowProblem", "Mistakes", "note_invalid", "read_flows"]

_VERBS: dict[str, type[Any]] = {
    "collect": flows.CollectStep,
    "call": flows.CallStep,
    "confirm": flows.ConfirmStep,
    "say": flows.SayStep,
    "if": flows.IfStep,
    "set": flows.SetStep,
    "ask_again": flows.ForgetStep,
    "search": flows.SearchStep,
    "hand_off": flows.HandOffStep,
    "call_flow": flows.CallFlowStep,
}
_INNER = ("then", "else", "otherwise")
_KEYS = {"extra_forbidden": "flow.unknown_key", "missing": "flow.missing_key"}
"""Of the catalogue, by what a model says is wrong."""
_CALLED = {"otherwise": "no"}
"""What the ids of steps call keys of steps within a step."""


@dataclass(frozen=True, slots=True)
class FlowProblem:
    """What is wrong with a file, and where."""

    file: str
    line: int
    key: str
    """Of the catalogue."""
    values: dict[str, str]


def read_flows(text: str, file: str) -> tuple[dict[str, Flow], list[FlowProblem]]:
    """The flows of one file and what is wrong in it; a flow with a mistake is left out."""
    problems: list[FlowProblem] = []
    try:
        tree, lines = lined_yaml(text)
    except BadYaml as error:
        return {}, [FlowProblem(file, error.line, "flow.yaml", {"problem": error.problem})]
    found: dict[str, Flow] = {}
    if not isinstance(tree, dict):
        return {}, [FlowProblem(file, 1, "flow.no_mapping", {})]
    for name, body in tree.items():
        bad = Mistakes(file, (name,), lines)
        flow = _flow(str(name), body, bad)
        problems += bad.found
        if flow is not None and not bad.found:
            found[flow.name] = flow
    return found, problems


class Mistakes:
    """Collects mistakes of one body by their place in the file."""

    def __init__(self, file: str, root: Place, lines: Lines) -> None:
        self.file, self.root, self.lines = file, root, lines
        self.found: list[FlowProblem] = []

    def add(self, place: Place, key: str, **values: object) -> None:
        """Note one; the line is that of the nearest thing that has one."""
        plain = {name: str(value) for name, value in values.items()}
        line = line_of(self.lines, (*self.root, *place))
        self.found.append(FlowProblem(self.file, line, key, plain))


def _flow(name: str, body: Any, bad: Mistakes) -> Flow | None:
    if not isinstance(body, dict):
        bad.add((), "flow.no_body", name=name)
        return None
    steps = _steps(body.get("steps", []), ("steps",), bad)
    if bad.found:
        return None
    try:
        return Flow.model_validate({**body, "name": name, "steps": steps})
    except ValidationError as error:
        note_invalid(error, (), bad)
    return None


def _steps(rows: Any, place: Place, bad: Mistakes) -> tuple[Any, ...]:
    """Steps as values, each by its verb, so that a mistake is told of that verb alone."""
    if not isinstance(rows, list):
        bad.add(place, "flow.no_steps")
        return ()
    made: list[Any] = []
    for number, row in enumerate(rows):
        here = (*place, number)
        verbs = [key for key in row if key in _VERBS] if isinstance(row, dict) else []
        if len(verbs) != 1:
            bad.add(here, "flow.no_verb", known=", ".join(_VERBS))
            continue
        if verbs == ["if"] and row.get("then") is None:
            bad.add(here, "flow.no_then", step=_named(row, here), condition=row["if"])
            continue
        inner = {key: _steps(row[key], (*here, key), bad) for key in _INNER if key in row}
        try:
            made.append(_VERBS[verbs[0]].model_validate({**row, **inner}))
        except ValidationError as error:
            note_invalid(error, here, bad)
    return tuple(made)


def _named(row: dict[str, Any], place: Place) -> str:
    """A step as its flow names it where no other step has a name: by its id, or its place."""
    path = [_CALLED.get(one, one) if isinstance(one, str) else one + 1 for one in place[1:]]
    return str(row.get("id") or ".".join(map(str, path)))


def note_invalid(error: ValidationError, place: Place, bad: Mistakes) -> None:
    """Note what a model found wrong with what stands at a place."""
    for one in error.errors(include_url=False):
        where: Place = tuple(one["loc"])
        key = _KEYS.get(one["type"], "flow.value")
        said = one["msg"].removeprefix("Value error, ")
        bad.add((*place, *where), key, name=".".join(map(str, where)), problem=said)
