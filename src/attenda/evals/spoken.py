"""What people say in a trial: a scenario's own ways, or what is kept beside its file.

Beside `FILE.yaml` may stand `paraphrases/FILE.yaml`, words of somebody who did not see the flows,
and `commands/FILE.yaml`, what each turn means. Both name scenarios, turns (from 1) and what is to
take the place of what the scenario says there.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import JsonValue, TypeAdapter, ValidationError

from attenda.core.command import NotUnderstood
from attenda.core.lined_yaml import BadYaml, Place, line_of, lined_yaml
from attenda.evals.scenario import Scenario, ScenarioProblem, Turn

__all__ = ["Beside", "in_trial", "read_beside", "with_commands", "with_paraphrases"]

Beside = Mapping[str, Mapping[int, Sequence[JsonValue]]]
"""By scenario and number of the turn: ways to say it, or commands."""
_LISTS: TypeAdapter[dict[int, list[JsonValue]]] = TypeAdapter(dict[int, list[JsonValue]])


def in_trial(scenario: Scenario, number: int) -> Scenario:
    """The scenario as it is spoken in trial `number`, from 0: each turn says one thing.

    A way of several messages becomes as many turns; the last of them is answered as the scenario
    wants, the others must only not say what it must not.
    """
    turns = tuple(part for turn in scenario.turns for part in _parts(turn, number))
    return scenario.model_copy(update={"turns": turns})


def _parts(turn: Turn, number: int) -> Iterator[Turn]:
    if not turn.say:
        yield turn
        return
    way = turn.say[number % len(turn.say)]
    *before, last = (way,) if isinstance(way, str) else way
    for text in before:
        yield Turn(say=(text,), by=turn.by, must_not_say=turn.must_not_say)
    yield turn.model_copy(update={"say": (last,)})


def with_paraphrases(scenario: Scenario, ways: Mapping[int, Sequence[JsonValue]]) -> Scenario:
    """The scenario in others' words; what it says that a message means is left out there."""
    return _changed(scenario, {number: {"say": ways[number], "commands": ()} for number in ways})


def with_commands(scenario: Scenario, meant: Mapping[int, Sequence[JsonValue]]) -> Scenario:
    """The scenario with what is meant, where it does not say so itself.

    Nothing is left to be understood: a turn of which nothing is said means nothing.
    """
    unsaid = [
        number
        for number, turn in enumerate(scenario.turns, start=1)
        if turn.speaks and not turn.commands
    ]
    nothing: Sequence[JsonValue] = (NotUnderstood().type,)
    return _changed(scenario, {n: {"commands": meant.get(n, nothing)} for n in unsaid})


def _changed(scenario: Scenario, changes: Mapping[int, dict[str, Any]]) -> Scenario:
    plain = [turn.model_dump(by_alias=True, exclude_unset=True) for turn in scenario.turns]
    turns = tuple(
        Turn.model_validate({**plain[number - 1], **changes[number]}) if number in changes else turn
        for number, turn in enumerate(scenario.turns, start=1)
    )
    return scenario.model_copy(update={"turns": turns})


def read_beside(
    text: str, file: str, scenarios: Sequence[Scenario], *, commands: bool = False
) -> tuple[Beside, list[ScenarioProblem]]:
    """What stands beside a file of scenarios, and what is wrong with it.

    Args:
        text: of the file.
        file: its name.
        scenarios: those that it may name.
        commands: it says what is meant; else it has ways to say it.
    """
    try:
        tree, lines = lined_yaml(text)
    except BadYaml as error:
        return {}, [ScenarioProblem(file, error.line, "scenario.yaml", {"problem": error.problem})]
    if not isinstance(tree, dict):
        return {}, [ScenarioProblem(file, 1, "scenario.no_mapping", {})]
    known = {one.name: one for one in scenarios}
    found: dict[str, dict[int, list[JsonValue]]] = {}
    problems: list[ScenarioProblem] = []
    for name, body in tree.items():
        for place, key, values in _read(known.get(name), name, body, found, commands=commands):
            problems.append(ScenarioProblem(file, line_of(lines, (name, *place)), key, values))
    return found, problems


def _read(
    scenario: Scenario | None,
    name: str,
    body: Any,
    found: dict[str, dict[int, list[JsonValue]]],
    *,
    commands: bool,
) -> Iterator[tuple[Place, str, dict[str, str]]]:
    if scenario is None:
        yield (), "scenario.not_beside", {"name": name}
        return
    try:
        lists = _LISTS.validate_python(body)
    except ValidationError as error:
        place = tuple(error.errors()[0]["loc"][:1])
        yield place, "scenario.value", {"name": name, "problem": error.errors()[0]["msg"]}
        return
    for number, ways in lists.items():
        if not 1 <= number <= len(scenario.turns) or not scenario.turns[number - 1].speaks:
            yield (str(number),), "scenario.nobody_speaks", {"name": name, "n": str(number)}
            continue
        try:
            change = {"commands": ways} if commands else {"say": ways, "commands": ()}
            _changed(scenario, {number: change})
        except ValidationError as error:
            problem = error.errors()[0]["msg"].removeprefix("Value error, ")
            yield (str(number),), "scenario.value", {"name": f"{name}.{number}", "problem": problem}
            continue
        found.setdefault(name, {})[number] = ways
