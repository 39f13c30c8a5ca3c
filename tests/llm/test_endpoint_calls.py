"""Tool calls of a server: the same however they are cut, and none is lost because it is broken."""

import asyncio
import json
import random
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attenda.api import ModelError, ModelSettings, UserError
from attenda.core.message import Message, TextPart, ToolCallPart, result_message, text_message
from attenda.core.ports import ToolOffer
from attenda.llm.endpoint_answer import AnswerReader
from attenda.llm.sse import SseParser
from tests.llm.far_model import HELLO, VLLM, far, requests, said, text_of, writes
from tests.llm.faulty_server import Wire, chunk

DONE = b"data: [DONE]\n\n"
OFFER = ToolOffer(name="find", about="Find one.", parameters={"type": "object"})
WHERE = {"name": "far", "place": "x"}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=4,
)
CALLS = st.lists(
    st.tuples(st.from_regex(r"[a-z_]{1,12}", fullmatch=True), st.dictionaries(st.text(), JSON)),
    min_size=1,
    max_size=5,
)


def pieces_of(text: str, chance: random.Random) -> list[str]:
    cuts = sorted(chance.choices(range(len(text) + 1), k=chance.randrange(6)))
    bounds = [0, *cuts, len(text)]
    return [text[start:end] for start, end in zip(bounds, bounds[1:], strict=False)]


def streamed(calls: Sequence[tuple[str, dict[str, Any]]], chance: random.Random) -> bytes:
    """The calls as a server would stream them, their pieces in any order that keeps each whole."""
    queues: list[list[dict[str, Any]]] = []
    for index, (name, arguments) in enumerate(calls):
        first, *rest = pieces_of(json.dumps(arguments), chance)
        head = {"id": f"id_{index}", "type": "function"}
        queue = [{"index": index, **head, "function": {"name": name, "arguments": first}}]
        queue += [{"index": index, "function": {"arguments": one}} for one in rest]
        queues.append(queue)
    begun, events = 0, []
    while any(queues):  # a call begins after the one before it has begun
        open_ = [one for one in queues[: begun + 1] if one]
        queue = chance.choice(open_)
        begun += queue is queues[begun] and begun + 1 < len(queues)
        events.append(chunk({"tool_calls": [queue.pop(0)]}))
    return b"".join([chunk({"content": "So: "}), *events, chunk({}, finish_reason="tool_calls")])


def read(data: bytes, cuts: Sequence[int]) -> AnswerReader:
    reader = AnswerReader(WHERE, 4000, takes_calls=True)
    parser = SseParser()
    bounds = [0, *sorted(cuts), len(data)]
    for start, end in zip(bounds, bounds[1:], strict=False):
        for event in parser.feed(data[start:end]):
            reader.take(event)
    return reader


@settings(max_examples=80, deadline=None)
@given(CALLS, st.randoms(use_true_random=False))
def test_calls_are_the_same_at_every_split(
    calls: list[tuple[str, dict[str, Any]]], chance: random.Random
) -> None:
    data = streamed(calls, chance) + DONE
    cuts = chance.choices(range(len(data) + 1), k=chance.randrange(60))
    for places in ([], cuts):
        reader = read(data, list(places))
        found = reader.calls.calls()
        assert [(one.name, json.dumps(one.arguments)) for one in found] == [
            (name, json.dumps(arguments)) for name, arguments in calls
        ]
        assert not any(one.problem for one in found)
        assert reader.complete and reader.failure is None and reader.stop_reason == "tool_calls"


@pytest.mark.parametrize("end", ["tool_calls", "length", "stop"])
@given(text=st.text(max_size=30), at=st.integers(0, 40))
@settings(max_examples=30, deadline=None)
def test_arguments_that_are_none_are_an_error_and_never_silence(
    end: str, text: str, at: int
) -> None:
    """Whatever text comes as arguments: a call comes out of it, readable or with its problem."""
    whole = json.dumps({"query": text})
    for arguments in (text, whole[:at], whole + text):
        function = {"name": "find", "arguments": arguments}
        reader = AnswerReader(WHERE, 4000, takes_calls=True)
        reader.take(json.dumps({"choices": [{"delta": {"tool_calls": [{"function": function}]}}]}))
        reader.take(json.dumps({"choices": [{"delta": {}, "finish_reason": end}]}))
        (call,) = reader.calls.calls()
        try:
            wanted = json.loads(arguments or "{}")
            readable = isinstance(wanted, dict) or not arguments.strip()
        except ValueError:
            readable = not arguments.strip()
        assert bool(call.problem) is not readable
        assert call.name == "find" and reader.complete


@pytest.mark.parametrize(
    ("deltas", "names"),
    [
        # each server's own way: all as 0, no index, whole and parsed, the old single call
        ([{"index": 0, "id": "a", "function": {"name": "f", "arguments": "{}"}},
          {"index": 0, "id": "b", "function": {"name": "g", "arguments": "{}"}}], ["f", "g"]),
        ([{"id": "a", "function": {"name": "f", "arguments": '{"a"'}},
          {"function": {"arguments": ":1}"}},
          {"id": "b", "function": {"name": "f", "arguments": {"a": 1}}}], ["f", "f"]),
        ([{"index": 0, "id": "a", "function": {"name": "f", "arguments": ""}},
          {"index": 0, "id": "a", "function": {"name": "f", "arguments": "{}"}}], ["f"]),
        ([{"function": {"name": "f"}}, {"function": {"name": "g"}}], ["f", "g"]),
    ],
)  # fmt: skip
def test_servers_that_cut_calls_otherwise(deltas: list[Any], names: list[str]) -> None:
    reader = AnswerReader(WHERE, 400, takes_calls=True)
    for one in deltas:
        reader.take(json.dumps({"choices": [{"delta": {"tool_calls": [one]}}]}))
    found = reader.calls.calls()
    assert [one.name for one in found] == names and not any(one.problem for one in found)
    assert len({one.id for one in found}) == len(found)


@pytest.mark.parametrize(
    "piece",
    ["x", 3, {"function": []}, {"id": "a"}, {"function": {"arguments": '{"a": "\\ud83c"}'}}],
)
def test_what_is_no_call_is_one_with_a_problem(piece: Any) -> None:
    reader = AnswerReader(WHERE, 400, takes_calls=True)
    reader.take(json.dumps({"choices": [{"delta": {"tool_calls": [piece]}}]}))
    (call,) = reader.calls.calls()
    assert call.problem


def test_tools_are_offered_and_calls_come_back_streamed_or_whole() -> None:
    function = {"name": "find", "arguments": '{"query": "bread"}'}
    call = {"id": "c1", "type": "function", "function": function}
    message = {"role": "assistant", "content": "So: ", "tool_calls": [call]}
    whole = {"choices": [{"message": message, "finish_reason": "tool_calls"}]}

    async def at_once(wire: Wire) -> None:
        await wire.whole(json.dumps(whole).encode(), kind="application/json")

    async def body() -> None:
        async with far() as (server, model):
            streams = writes(
                chunk({"content": "So: "}),
                chunk({"tool_calls": [{"index": 0, **call}]}),
                chunk({}, finish_reason="tool_calls"),
                DONE,
            )
            for chat in (streams, at_once):
                server.chat = chat
                chunks = await said(model, tools=(OFFER,))
                assert text_of(chunks) == "So: "
                assert chunks[-1].stop_reason == "tool_calls"
                (found,) = chunks[-1].calls
                assert (found.id, found.arguments) == ("c1", {"query": "bread"})
            sent = requests(server)[0]["tools"]
            assert sent[0]["function"] == {
                "name": "find",
                "description": "Find one.",
                "parameters": {"type": "object"},
            }

    asyncio.run(body())


def test_calls_and_results_are_sent_back_as_servers_read_them() -> None:
    asked = Message(
        role="assistant",
        parts=(
            TextPart(text="So: "),
            ToolCallPart(id="c1", name="find", arguments={"query": "b"}),
        ),
    )
    messages = [*HELLO, asked, result_message("c1", "two loaves"), text_message("user", "And?")]

    async def body() -> None:
        async with far(VLLM) as (server, model):
            await said(model, messages, tools=(OFFER,))
            counted = next(one.body for one in server.asked if one.path.endswith("/tokenize"))
            assert counted["messages"] == requests(server)[0]["messages"]
            assert "tools" in counted
            _, calling, result, _ = requests(server)[0]["messages"]
            assert calling["tool_calls"][0]["function"]["arguments"] == '{"query": "b"}'
            assert result == {"role": "tool", "tool_call_id": "c1", "content": "two loaves"}

    asyncio.run(body())


def test_a_model_that_can_not_is_not_offered_any() -> None:
    async def body() -> None:
        async with far(tools=False) as (server, model):
            with pytest.raises(UserError, match="can't choose tools"):
                async for _ in model.stream(HELLO, ModelSettings(tools=(OFFER,))):
                    pass
            assert not requests(server)
        async with far() as (server, model):  # and none is called that was not offered
            server.chat = writes(chunk({"tool_calls": [{"function": {"name": "find"}}]}))
            with pytest.raises(ModelError) as caught:
                await said(model)
            assert caught.value.key == "endpoint.unasked_tool"

    asyncio.run(body())
