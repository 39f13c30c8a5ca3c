"""The exam of calls: which function a request means, with which arguments, and when none fits.

Rows are of the Berkeley Function-Calling Leaderboard (BFCL v4, Apache-2.0). A model answers under
a grammar of the row's functions; its calls are compared with the accepted ones as values, after
the leaderboard's rules: names equal, no argument missing or strange, types kept (a whole number
may stand for a float), texts without regard to capitals, spaces and some punctuation. The
multi-turn part is left out: its functions are a program that the data do not bring.
"""

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from attenda.core.errors import ModelError, OperatorError, UserError
from attenda.core.message import Message, text_message
from attenda.core.ports import ChatModel, Grammar, ModelSettings

__all__ = ["PARTS", "Call", "Case", "examine_calls", "fault_of", "load_cases", "prompt_of"]

PARTS = ("simple_python", "multiple", "parallel", "live_simple", "irrelevance", "live_relevance")
"""In the first four there are accepted calls; then none fits; then one fits, whichever."""

_MOST_TOKENS = 384
_TYPES = {"dict": "object", "float": "number", "tuple": "array", "list": "array"}
_KEPT = ("enum", "description")
_LOOSE = re.compile(r"[ ,./\-_*^]")


@dataclass(frozen=True, slots=True)
class Call:
    """One call that a model wants."""

    name: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Case:
    """One row."""

    id: str
    part: str
    messages: tuple[Message, ...]
    functions: tuple[Mapping[str, Any], ...]
    """As the data write them."""
    accepted: tuple[Mapping[str, Mapping[str, Sequence[Any]]], ...] = ()
    """A call each: function, argument, accepted values; "" may be left out."""


def load_cases(folder: Path, rows: int = 0) -> list[Case]:
    """The rows of all parts, or `rows` of each, drawn by a hash of their ids.

    Raises:
        OperatorError: the data are not there, or not what they should be.
    """
    if not (folder / "bfcl").is_dir():
        raise OperatorError("exam.no_data", name="bfcl", folder=folder)
    try:
        found = [_part(folder / "bfcl", part) for part in PARTS]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise OperatorError("exam.bad_data", name="bfcl", reason=repr(error)) from error
    return [case for part in found for case in _drawn(part, rows)]


def _drawn(cases: list[Case], rows: int) -> list[Case]:
    by_chance = sorted(cases, key=lambda case: hashlib.sha256(case.id.encode()).digest())
    return by_chance[:rows] if rows else cases


def _part(folder: Path, part: str) -> list[Case]:
    key = folder / "possible_answer" / f"{part}.jsonl"
    answers = {row["id"]: row["ground_truth"] for row in _rows(key)} if key.exists() else {}
    return [
        Case(
            id=row["id"],
            part=part,
            messages=tuple(text_message(one["role"], one["content"]) for one in row["question"][0]),
            functions=tuple(row["function"]),
            accepted=tuple(answers[row["id"]]) if answers else (),
        )
        for row in _rows(folder / f"{part}.jsonl")
    ]


def _rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]


async def examine_calls(
    model: ChatModel, cases: Sequence[Case], each: Callable[[], None] = lambda: None
) -> dict[str, object]:
    """Figures of a model by part: rows, share right, and answers that were no calls at all.

    `each` hears of each row that is over.

    Raises:
        ModelError: the model failed.
    """
    faults: dict[str, list[str]] = {}
    for case in cases:
        faults.setdefault(case.part, []).append(fault_of(case, await _asked(model, case)))
        each()
    told = {part: _share(found) for part, found in faults.items()}
    with_calls = [one for part in PARTS[:4] for one in faults.get(part, [])]
    return {
        "set": "bfcl",
        "model": model.name,
        "accuracy": _share(with_calls)["right"] if with_calls else None,
        "restraint": told["irrelevance"]["right"] if "irrelevance" in told else None,
        "parts": told,
    }


def _share(faults: Sequence[str]) -> dict[str, float | int]:
    right = sum(not one for one in faults)
    return {
        "rows": len(faults),
        "right": round(right / len(faults), 4),
        "unreadable": faults.count("unreadable"),
    }


def prompt_of(case: Case) -> list[Message]:
    """What a model is asked."""
    template = files("attenda.evals").joinpath("prompts/function_calls.txt").read_text("utf-8")
    listed = "\n".join(
        json.dumps({**one, "parameters": _schema(one["parameters"])}, ensure_ascii=False)
        for one in case.functions
    )
    return [text_message("system", template.replace("{functions}", listed)), *case.messages]


async def _asked(model: ChatModel, case: Case) -> list[Call] | None:
    """The calls that a model wants; nothing where its answer can't be read."""
    grammar = Grammar(kind="json_schema", text=json.dumps(_answers(case.functions)))
    settings = ModelSettings(max_tokens=_MOST_TOKENS, grammar=grammar)
    try:
        pieces = [chunk.text async for chunk in model.stream(prompt_of(case), settings)]
        found = json.loads("".join(pieces))["calls"]
        return [Call(str(one["name"]), dict(one["arguments"])) for one in found]
    except ModelError as error:
        if error.key != "model.broke_grammar":
            raise
        return None
    except (UserError, ValueError, KeyError, TypeError):  # a prompt that is too long, too
        return None


def _answers(functions: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The schema of answers: a list of calls of these functions."""
    calls = [
        _object({"name": {"const": one["name"]}, "arguments": _schema(one["parameters"])})
        for one in functions
    ]
    return _object({"calls": {"type": "array", "maxItems": 8, "items": {"anyOf": calls}}})


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _schema(written: Mapping[str, Any]) -> dict[str, Any]:
    """A type as the data write it, as JSON schema."""
    kind = str(written.get("type", "any"))
    made: dict[str, Any] = {name: written[name] for name in _KEPT if name in written}
    if kind != "any":
        made["type"] = _TYPES.get(kind, kind)
    if "items" in written:
        made["items"] = _schema(written["items"])
    if "properties" in written:
        inside = {name: _schema(one) for name, one in written["properties"].items()}
        made |= _object(inside) | {"required": list(written.get("required", []))}
    return made


def fault_of(case: Case, calls: Sequence[Call] | None) -> str:
    """Why an answer is wrong, in a word or two for the log; empty where it is right."""
    if calls is None:
        return "unreadable"
    if case.part == "irrelevance":
        return "called" if calls else ""
    if case.part == "live_relevance":
        return "" if calls else "nothing called"
    if len(calls) != len(case.accepted):
        return "number of calls"
    left = list(calls)
    for wanted in case.accepted:  # in any order; the first that fits is taken
        found = next((one for one in left if not _call_fault(case, wanted, one)), None)
        if found is None:
            return _call_fault(case, wanted, left[0])
        left.remove(found)
    return ""


def _call_fault(case: Case, wanted: Mapping[str, Mapping[str, Sequence[Any]]], call: Call) -> str:
    ((name, values),) = wanted.items()
    if call.name != name:
        return "function"
    contract = next(one["parameters"] for one in case.functions if one["name"] == name)
    if missing := set(contract.get("required", [])) - call.arguments.keys():
        return f"missing {sorted(missing)[0]}"
    for argument, value in call.arguments.items():
        typed = contract["properties"].get(argument)
        if typed is None or argument not in values:
            return f"strange {argument}"
        if not _is_typed(typed, value) or not _is_accepted(values[argument], value):
            return f"value of {argument}"
    absent = [
        one for one in values if one not in call.arguments and values[one] and "" not in values[one]
    ]
    return f"missing {absent[0]}" if absent else ""


def _is_typed(written: Mapping[str, Any], value: Any) -> bool:
    match _TYPES.get(str(written.get("type", "any")), written.get("type", "any")):
        case "integer":
            return isinstance(value, int) and not isinstance(value, bool)
        case "number":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "string":
            return isinstance(value, str)
        case "boolean":
            return isinstance(value, bool)
        case "array":
            inside = written.get("items", {})
            return isinstance(value, list) and all(_is_typed(inside, one) for one in value)
        case "object":
            return isinstance(value, dict)
        case _:
            return True


def _is_accepted(accepted: Sequence[Any], value: Any) -> bool:
    """Where no value is listed, as in two rows, only an empty one is meant."""
    return any(_is_same(one, value) for one in accepted) or not (accepted or value)


def _is_same(wanted: Any, value: Any) -> bool:
    """Whether a value is the accepted one; in objects each key has a list of accepted values."""
    if isinstance(wanted, dict):
        return (
            isinstance(value, dict)
            and all(key in wanted and _is_accepted(wanted[key], one) for key, one in value.items())
            and all(key in value or not one or "" in one for key, one in wanted.items())
        )
    if isinstance(wanted, list):
        return (
            isinstance(value, list)
            and len(value) == len(wanted)
            and all(map(_is_same, wanted, value))
        )
    if isinstance(wanted, str):
        return isinstance(value, str) and _plain(wanted) == _plain(value)
    if isinstance(wanted, bool) or isinstance(value, bool):
        return wanted is value
    return bool(wanted == value)


def _plain(text: str) -> str:
    return _LOOSE.sub("", text).lower().replace("'", '"')
