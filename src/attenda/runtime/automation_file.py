"""Automations from YAML files: read, held against the pack's tools, each mistake with its line.

A file is a mapping from the names of automations to their bodies.
"""

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

import jsonschema
from pydantic import ValidationError

from attenda.core.lined_yaml import BadYaml, Place, lined_yaml
from attenda.dialogue.flow_check import ToolShape
from attenda.dialogue.flow_file import FlowProblem, Mistakes, note_invalid
from attenda.runtime import automation as made_of
from attenda.runtime.automation import Automation, CallStep, FormStep, Instruction, ModelStep

__all__ = ["read_automations"]

_VERBS: dict[str, type[Any]] = {
    "call": made_of.CallStep,
    "model": made_of.ModelStep,
    "search": made_of.SearchStep,
    "form": made_of.FormStep,
    "message": made_of.MessageStep,
    "webhook": made_of.WebhookStep,
    "set": made_of.SetStep,
    "if": made_of.IfStep,
    "stop": made_of.StopStep,
    "wait": made_of.WaitStep,
    "until": made_of.WaitStep,
}
_TRIGGERS: dict[str, type[Any]] = {
    "schedule": made_of.ScheduleTrigger,
    "webhook": made_of.WebhookTrigger,
    "folder": made_of.FolderTrigger,
    "mail": made_of.MailTrigger,
    "event": made_of.EventTrigger,
}
_INNER = {"then": "then", "else": "else", "otherwise": "late"}
"""Keys of nested steps, and what they are called in the ids of these."""
_GIVEN = frozenset({"input", "run", "today", "now"})
"""Names that every automation may read."""


def read_automations(
    text: str, file: str, tools: Mapping[str, ToolShape], may_write: Collection[str]
) -> tuple[dict[str, Automation], list[FlowProblem]]:
    """The automations of one file and what is wrong in it; one with a mistake is left out.

    Args:
        text: of the file.
        file: its name, for mistakes.
        tools: that they may call, by name.
        may_write: names of writing tools that a rule of the pack speaks of, or `*`.
    """
    try:
        tree, lines = lined_yaml(text)
    except BadYaml as error:
        return {}, [FlowProblem(file, error.line, "flow.yaml", {"problem": error.problem})]
    if not isinstance(tree, dict):
        return {}, [FlowProblem(file, 1, "automation.no_mapping", {})]
    found: dict[str, Automation] = {}
    problems: list[FlowProblem] = []
    for name, body in tree.items():
        bad = Mistakes(file, (name,), lines)
        automation = _automation(str(name), body, bad)
        if automation is not None:
            _check(automation, body, bad, tools, may_write)
        problems += bad.found
        if automation is not None and not bad.found:
            found[automation.name] = automation
    return found, problems


def _automation(name: str, body: Any, bad: Mistakes) -> Automation | None:
    if not isinstance(body, dict):
        bad.add((), "automation.no_body", name=name)
        return None
    steps = _steps(body.get("steps", []), ("steps",), bad)
    triggers = _each(body.get("on", []), ("on",), bad, _TRIGGERS, _plain_row)
    if bad.found:
        return None
    try:
        return Automation.model_validate({**body, "name": name, "steps": steps, "on": triggers})
    except ValidationError as error:
        note_invalid(error, (), bad)
    return None


def _steps(rows: Any, place: Place, bad: Mistakes) -> tuple[Any, ...]:
    return _each(rows, place, bad, _VERBS, _step_row)


def _step_row(row: dict[str, Any], place: Place, bad: Mistakes) -> dict[str, Any]:
    inner = {key: _steps(row[key], (*place, key), bad) for key in _INNER if key in row}
    schema = {"schema": _as_json(row["schema"])} if "schema" in row else {}
    return {**row, **inner, **schema}


def _plain_row(row: dict[str, Any], place: Place, bad: Mistakes) -> dict[str, Any]:
    del place, bad
    return row


def _each(
    rows: Any,
    place: Place,
    bad: Mistakes,
    kinds: Mapping[str, type[Any]],
    whole: Callable[[dict[str, Any], Place, Mistakes], dict[str, Any]],
) -> tuple[Any, ...]:
    """Rows as values, each by its verb, so that a mistake is told of that verb alone."""
    if not isinstance(rows, list):
        bad.add(place, "automation.no_list", name=str(place[-1]))
        return ()
    made: list[Any] = []
    for number, row in enumerate(rows):
        here = (*place, number)
        verbs = {kinds[key] for key in row if key in kinds} if isinstance(row, dict) else set()
        if len(verbs) != 1:
            bad.add(here, "automation.no_verb", known=", ".join(kinds))
            continue
        try:
            made.append(verbs.pop().model_validate(whole(row, here, bad)))
        except ValidationError as error:
            note_invalid(error, here, bad)
    return tuple(made)


def _as_json(value: Any) -> Any:
    """A JSON schema: a scalar that reads as a number, `true`, `false` or `null` is that."""
    if isinstance(value, dict):
        return {name: _as_json(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_as_json(one) for one in value]
    try:
        plain = json.loads(value)
    except ValueError:
        return value
    return plain if isinstance(plain, bool | int | float) or plain is None else value


def _check(
    automation: Automation,
    body: dict[str, Any],
    bad: Mistakes,
    tools: Mapping[str, ToolShape],
    may_write: Collection[str],
) -> None:
    """What can be seen before it runs."""
    places = dict(_places(body.get("steps", []), "", ("steps",)))
    known = set(_GIVEN)
    seen: set[str] = set()
    for step in automation.instructions:
        here = places.get(step.id, ())
        if step.id in seen and here:
            bad.add(here, "automation.same_id", id=step.id)
        seen.add(step.id)
        for name in sorted(made_of.names_read(step) - known):
            bad.add(here, "flow.unset_name", name=name)
        _check_step(step, here, bad, tools, may_write)
        known |= {into} if (into := getattr(step, "into", "")) else set()
        known |= set(step.set) if isinstance(step, made_of.SetStep) else set()
    _check_fields(automation.input, ("input",), bad)


def _check_step(
    step: Instruction,
    here: Place,
    bad: Mistakes,
    tools: Mapping[str, ToolShape],
    may_write: Collection[str],
) -> None:
    match step:
        case CallStep():
            _check_call(step, here, bad, tools, may_write)
        case FormStep(fields=fields):
            if not fields:
                bad.add(here, "automation.no_fields")
            _check_fields(fields, (*here, "fields"), bad)
        case ModelStep(output=schema) if schema:
            try:
                jsonschema.Draft202012Validator.check_schema(schema)
            except jsonschema.SchemaError as error:
                bad.add((*here, "schema"), "automation.schema", problem=error.message)
        case made_of.WaitStep(wait=wait, until=until) if bool(wait) == bool(until):
            bad.add(here, "automation.wait_for_one")


def _check_call(
    step: CallStep,
    here: Place,
    bad: Mistakes,
    tools: Mapping[str, ToolShape],
    may_write: Collection[str],
) -> None:
    name, tool = step.call, tools.get(step.call)
    if tool is None:
        bad.add(here, "flow.unknown_tool", name=name, known=", ".join(sorted(tools)) or "—")
        return
    for argument in sorted(step.args.keys() - tool.arguments.keys()):
        bad.add(here, "flow.unknown_argument", tool=name, name=argument)
    wanting = {one for one, must in tool.arguments.items() if must} - step.args.keys()
    for argument in sorted(wanting):
        bad.add(here, "flow.missing_argument", tool=name, name=argument)
    if tool.writes and not {name, "*"} & set(may_write):
        bad.add(here, "policy.no_rule", tool=name)


def _check_fields(fields: made_of.Fields, place: Place, bad: Mistakes) -> None:
    for name, field in fields.items():
        if (field.type == "choice") != bool(field.choices):
            bad.add((*place, name), "automation.choices", name=name)


def _places(rows: Any, path: str, place: Place) -> Iterator[tuple[str, Place]]:
    """Ids of steps, as they are laid out, with their places in the file."""
    for number, row in enumerate(rows, start=1):
        here = (*place, number - 1)
        id_ = row.get("id") or f"{path}{number}"
        yield id_, here
        for key, called in _INNER.items():
            if key in row:
                yield from _places(row[key], f"{id_}.{called}.", (*here, key))
