"""The exam of calls: the judge accepts what the data accept and nothing near it."""

import asyncio
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from attenda.api import Message, ScriptedModel
from attenda.core.errors import OperatorError
from attenda.evals.exams.function_calls import (
    Call,
    Case,
    examine_calls,
    fault_of,
    load_cases,
    prompt_of,
)

WEATHER = {
    "name": "weather.get",
    "description": "The weather of a place.",
    "parameters": {
        "type": "dict",
        "properties": {
            "place": {"type": "string", "description": "A town."},
            "days": {"type": "integer"},
            "rate": {"type": "float"},
            "units": {"type": "string", "enum": ["metric", "imperial"]},
            "at": {"type": "tuple", "items": {"type": "float"}},
            "more": {"type": "dict", "properties": {"wind": {"type": "boolean"}}},
        },
        "required": ["place"],
    },
}
ACCEPTED = {
    "weather.get": {
        "place": ["San Francisco", "SF"],
        "days": [3],
        "rate": [1.0, ""],
        "units": ["metric", ""],
        "at": [[1.0, 2.5], ""],
        "more": [{"wind": [True, ""]}, ""],
    }
}
GOOD: dict[str, Any] = {"place": "san francisco", "days": 3}


def case(part: str = "simple_python", accepted: Sequence[dict[str, Any]] = (ACCEPTED,)) -> Case:
    row = {"id": "x", "part": part, "functions": (WEATHER,), "accepted": tuple(accepted)}
    return Case(messages=(), **row)


@pytest.mark.parametrize(
    "more",
    [
        {}, {"rate": 1}, {"rate": 1.0, "units": "metric"}, {"at": [1, 2.5]},
        {"more": {"wind": True}}, {"more": {}}, {"place": "S.F."},
    ],
)  # fmt: skip
def test_what_is_accepted(more: dict[str, Any]) -> None:
    assert fault_of(case(), [Call("weather.get", GOOD | more)]) == ""


@pytest.mark.parametrize(
    ("name", "arguments", "fault"),
    [
        ("weather", GOOD, "function"),
        ("weather.get", {"days": 3}, "missing place"),
        ("weather.get", {"place": "SF"}, "missing days"),
        ("weather.get", GOOD | {"colour": "red"}, "strange colour"),
        ("weather.get", GOOD | {"days": "3"}, "value of days"),
        ("weather.get", GOOD | {"days": 3.0}, "value of days"),
        ("weather.get", GOOD | {"days": True}, "value of days"),
        ("weather.get", GOOD | {"place": "Oakland"}, "value of place"),
        ("weather.get", GOOD | {"rate": 1.5}, "value of rate"),
        ("weather.get", GOOD | {"at": [1.0]}, "value of at"),
        ("weather.get", GOOD | {"more": {"wind": False}}, "value of more"),
        ("weather.get", GOOD | {"more": {"rain": True}}, "value of more"),
    ],
)
def test_what_is_not(name: str, arguments: dict[str, Any], fault: str) -> None:
    assert fault_of(case(), [Call(name, arguments)]) == fault


def test_several_calls_in_any_order_and_none_where_none_fits() -> None:
    other = {"weather.get": {"place": ["Oakland"], "days": [1]}}
    two = case("parallel", [ACCEPTED, other])
    calls = [Call("weather.get", {"place": "Oakland", "days": 1}), Call("weather.get", GOOD)]
    assert fault_of(two, calls) == fault_of(two, calls[::-1]) == ""
    assert fault_of(two, calls[:1]) == "number of calls"
    assert fault_of(two, [calls[0], calls[0]]) != ""
    assert fault_of(case("irrelevance", ()), []) == ""
    assert fault_of(case("irrelevance", ()), calls[:1]) == "called"
    assert fault_of(case("live_relevance", ()), []) == "nothing called"
    assert fault_of(case(), None) == "unreadable"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small set in the data's shape."""
    made = tmp_path / "bfcl"
    (made / "possible_answer").mkdir(parents=True)
    for part in ("simple_python", "multiple", "parallel", "live_simple"):
        rows = [row(f"{part}_{n}", f"The weather of SF, {n}?") for n in range(4)]
        keys = [{"id": one["id"], "ground_truth": [ACCEPTED]} for one in rows]
        write(made / f"{part}.jsonl", rows)
        write(made / "possible_answer" / f"{part}.jsonl", keys)
    for part in ("irrelevance", "live_relevance"):
        write(made / f"{part}.jsonl", [row(f"{part}_{n}", "Sing.") for n in range(4)])
    return tmp_path


def row(id_: str, text: str) -> dict[str, Any]:
    return {"id": id_, "question": [[{"role": "user", "content": text}]], "function": [WEATHER]}


def write(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    path.write_text("\n".join(map(json.dumps, rows)), "utf-8")


def test_a_model_that_knows_the_answers_gets_them_all_and_one_that_calls_always_not(
    folder: Path,
) -> None:
    cases = load_cases(folder, rows=3)
    assert len(cases) == 18 and cases == load_cases(folder, rows=3)
    always = json.dumps({"calls": [{"name": "weather.get", "arguments": GOOD}]})

    def knows(messages: Sequence[Message]) -> str:
        assert "weather.get" in messages[0].text and '"type": "object"' in messages[0].text
        return always if "weather" in messages[-1].text else '{"calls": []}'

    found = asyncio.run(examine_calls(ScriptedModel(knows), cases))
    assert found["accuracy"] == found["restraint"] == 1.0
    blunt = asyncio.run(examine_calls(ScriptedModel(lambda _: always), cases))
    assert (blunt["accuracy"], blunt["restraint"]) == (1.0, 0.0)
    mute = asyncio.run(examine_calls(ScriptedModel(lambda _: "I would love to"), cases))
    assert mute["accuracy"] == mute["restraint"] == 0.0
    assert mute["parts"]["parallel"] == {"rows": 3, "right": 0.0, "unreadable": 3}  # type: ignore[index]


def test_what_is_missing_is_said_plainly(folder: Path) -> None:
    with pytest.raises(OperatorError, match="bfcl is not in"):
        load_cases(folder / "elsewhere")
    (folder / "bfcl" / "multiple.jsonl").write_text("{", "utf-8")
    with pytest.raises(OperatorError, match="bfcl can’t be read"):
        load_cases(folder)


def test_the_real_set_is_read_and_its_own_answers_are_right() -> None:
    data = Path(os.environ.get("ATTENDA_DATA", ""))
    if not (data / "bfcl").is_dir():
        pytest.skip("bfcl is not here (ATTENDA_DATA)")
    cases = [case for case in load_cases(data) if case.accepted]
    assert len(cases) == 707
    wrong = [one.id for one in cases if fault_of(one, [call_of(each) for each in one.accepted])]
    assert wrong == []
    assert all(prompt_of(one) for one in cases)


def call_of(accepted: Any) -> Call:
    """A call out of the first of each argument's accepted values."""
    ((name, values),) = accepted.items()
    return Call(name, {key: first(one) for key, one in values.items() if one[:1] != [""]})


def first(accepted: Sequence[Any]) -> Any:
    value = accepted[0] if accepted else []
    if isinstance(value, dict):
        return {key: first(one) for key, one in value.items() if one[0] != ""}
    if isinstance(value, list):
        return [first([one]) for one in value]
    return value
