"""A model on a server: what it is asked, what of its answer is shown, what is said of a failure."""

import asyncio
import json
from typing import Any

import pytest

from attenda.api import Grammar, ModelError, ModelSettings, UserError
from attenda.core.message import text_message
from attenda.llm.endpoint import Deadlines
from attenda.llm.endpoint_answer import MAX_ANSWER_BYTES, AnswerReader
from tests.llm.far_model import HELLO, LLAMA, VLLM, far, requests, said, text_of, writes
from tests.llm.faulty_server import Wire, chunk

KEY = "sk-0123456789abcdef"
SCHEMA = Grammar(kind="json_schema", text='{"type": "object", "required": ["a"]}')
DONE = b"data: [DONE]\n\n"


def test_the_request_is_what_the_settings_say() -> None:
    async def body() -> None:
        async with far() as (server, model):
            asked = [text_message("system", "Be brief."), *HELLO]
            chunks = await said(
                model, asked, max_tokens=9, temperature=0.5, top_p=0.9, seed=3, stop=("\n\n",)
            )
            assert text_of(chunks) == server.answer
            assert chunks[-1].stop_reason == "stop"
            assert requests(server) == [
                {
                    "model": "m",
                    "messages": [
                        {"role": "system", "content": "Be brief."},
                        {"role": "user", "content": "Hello"},
                    ],
                    "stream": True,
                    "stream_options": {"include_usage": True},
                    "max_tokens": 9,
                    "temperature": 0.5,
                    "top_p": 0.9,
                    "seed": 3,
                    "stop": ["\n\n"],
                }
            ]

    asyncio.run(body())


@pytest.mark.parametrize(
    ("pages", "field"),
    [(LLAMA, "repeat_penalty"), (VLLM, "repetition_penalty"), ({}, None)],
)
def test_a_penalty_goes_by_the_name_of_the_server(pages: dict[str, Any], field: str | None) -> None:
    async def body() -> None:
        async with far(pages) as (server, model):
            await said(model, repetition_penalty=1.1)
            named = {
                name: value for name, value in requests(server)[0].items() if "penalty" in name
            }
            assert named == ({field: 1.1} if field else {})

    asyncio.run(body())


def test_a_field_that_the_server_refuses_is_left_out_from_then_on() -> None:
    def problem(sent: dict[str, Any]) -> str:
        if "max_tokens" in sent:
            return "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."
        return "Unknown field: seed" if "seed" in sent else ""

    async def chat(wire: Wire) -> None:
        if words := problem(wire.server.asked[-1].body):
            error = json.dumps({"error": {"message": words}}).encode()
            await wire.whole(error, "400 Bad Request", kind="application/json")
        else:
            await writes(chunk({"content": "Fine."}, finish_reason="stop"), DONE)(wire)

    async def body() -> None:
        async with far() as (server, model):
            server.chat = chat
            assert text_of(await said(model, max_tokens=9)) == "Fine."
            assert text_of(await said(model, max_tokens=8)) == "Fine."
            assert len(requests(server)) == 4
            last = requests(server)[-1]
            assert last["max_completion_tokens"] == 8
            assert not last.keys() & {"max_tokens", "seed"}

    asyncio.run(body())


def test_a_stop_string_over_two_chunks_ends_the_answer_and_the_connection() -> None:
    async def chat(wire: Wire) -> None:
        await wire.head()
        for words in ("One. E", "ND ", "never"):
            await wire.send(chunk({"content": words}))
        await wire.until_left()

    async def body() -> None:
        async with far() as (server, model):
            server.chat = chat
            chunks = await said(model, stop=("END",))
            assert text_of(chunks) == "One. "
            assert chunks[-1].stop_reason == "stop"
            async with asyncio.timeout(5):
                await server.left.wait()

    asyncio.run(body())


def test_what_might_have_been_a_stop_string_is_not_lost_with_the_connection() -> None:
    async def body() -> None:
        async with far() as (server, model):
            server.chat = writes(chunk({"content": "One. EN"}))
            heard = ""
            with pytest.raises(ModelError, match="broke off"):
                async for one in model.stream(HELLO, ModelSettings(stop=("END",))):
                    heard += one.text
            assert heard == "One. EN"

    asyncio.run(body())


def test_closing_the_iterator_closes_the_connection() -> None:
    async def body() -> None:
        async with far() as (server, model):
            answer = model.stream([text_message("user", "Go on [gap]")], ModelSettings())
            assert (await anext(answer)).text
            await answer.aclose()
            async with asyncio.timeout(5):
                await server.left.wait()
            waiting = asyncio.create_task(said(model, [text_message("user", "Now [hang]")]))
            while not requests(server)[1:]:
                await asyncio.sleep(0.01)
            server.left.clear()
            waiting.cancel()
            async with asyncio.timeout(5):
                await server.left.wait()

    asyncio.run(body())


@pytest.mark.parametrize(
    ("pages", "grammar", "fields"),
    [
        (
            LLAMA,
            SCHEMA,
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "answer", "schema": json.loads(SCHEMA.text)},
                }
            },
        ),
        (
            VLLM,
            Grammar(kind="regex", text="yes|no"),
            {"structured_outputs": {"regex": "yes|no"}, "guided_regex": "yes|no"},
        ),
        (LLAMA, Grammar(kind="regex", text="yes|no"), {}),
    ],
)
def test_a_grammar_is_sent_and_checked_on_the_way_out(
    pages: dict[str, Any], grammar: Grammar, fields: dict[str, Any]
) -> None:
    async def body() -> None:
        async with far(pages) as (server, model):
            server.answer = '{"a": 1}' if grammar is SCHEMA else "yes"
            assert text_of(await said(model, grammar=grammar)) == server.answer
            sent = requests(server)[0]
            bound = ("response_format", "structured_outputs", "guided_regex", "grammar")
            assert {name: sent[name] for name in bound if name in sent} == fields
            server.answer = "I would rather chat."
            with pytest.raises(ModelError) as caught:
                await said(model, grammar=grammar)
            assert caught.value.key == "model.broke_grammar"

    asyncio.run(body())


def test_a_grammar_that_does_not_compile_is_not_sent() -> None:
    async def body() -> None:
        async with far() as (server, model):
            with pytest.raises(UserError):
                await said(model, grammar=Grammar(kind="regex", text="("))
            assert not server.asked

    asyncio.run(body())


def test_thoughts_are_not_shown_and_numbers_are_the_servers() -> None:
    async def body() -> None:
        async with far() as (server, model):
            server.chat = writes(
                chunk({"role": "assistant", "reasoning_content": "They greet me."}),
                chunk({"reasoning": "Greet back."}),
                chunk({"content": [{"type": "thinking"}, {"type": "text", "text": "Good "}]}),
                chunk({"content": "day\0."}, finish_reason="length"),
                chunk(None, usage={"prompt_tokens": 40, "completion_tokens": 12}),
                DONE,
            )
            chunks = await said(model)
            assert text_of(chunks) == "Good day."
            assert chunks[-1].stop_reason == "length"
            assert chunks[-1].usage is not None
            assert chunks[-1].usage.model_dump() == {"prompt_tokens": 40, "answer_tokens": 12}

    asyncio.run(body())


@pytest.mark.parametrize("tail", [b"", b"data: {half", b": \xe6\n", b"data: \xe6\n\n"])
def test_an_answer_that_has_ended_is_whole_whatever_follows(tail: bytes) -> None:
    async def chat(wire: Wire) -> None:
        await wire.head()
        await wire.send(chunk({"content": "All."}) + chunk({}, finish_reason="stop") + tail)
        wire.reset()

    async def body() -> None:
        async with far() as (server, model):
            server.chat = chat
            assert text_of(await said(model)) == "All."

    asyncio.run(body())


@pytest.mark.parametrize(
    ("events", "heard", "key"),
    [
        ([b'data: {"error": {"message": "no memory"}}\n\n'], "", "endpoint.failed"),
        ([chunk({"content": "A"}, finish_reason="content_filter")], "A", "endpoint.filtered"),
        ([chunk({"content": "A"}, finish_reason="abort")], "A", "endpoint.failed"),
        ([chunk({"content": "A"}, finish_reason="tool_calls")], "A", "endpoint.unasked_tool"),
        (
            [chunk({"content": "A", "function_call": {"name": "f"}})],
            "A",
            "endpoint.unasked_tool",
        ),
        ([chunk({"content": "A"}), b"data: [1]\n\n"], "A", "endpoint.broken"),
        ([b'data: {"choices": ["x"]}\n\n'], "", "endpoint.broken"),
        ([b'data: {"choices": {"x": 1}}\n\n'], "", "endpoint.broken"),
        ([b"data: " + b"[" * 100_000 + b"\n\n"], "", "endpoint.broken"),
        ([b'data: {"choices": [{"delta": {"content": "\\ud83c x"}}]}\n\n'], "", "endpoint.broken"),
    ],
)
def test_what_is_no_answer_is_an_error(events: list[bytes], heard: str, key: str) -> None:
    async def body() -> None:
        async with far() as (server, model):
            server.chat = writes(*events)
            got = ""
            with pytest.raises(ModelError) as caught:
                async for one in model.stream(HELLO, ModelSettings()):
                    got += one.text
            assert (caught.value.key, got) == (key, heard)

    asyncio.run(body())


@pytest.mark.parametrize(
    ("event", "seconds", "key"),
    [
        (chunk({"content": "on "}), "0.6", "endpoint.slow"),
        (b": alive\n\n", "0.3", "endpoint.silent"),
    ],
    ids=["an endless trickle", "signs of life alone"],
)
def test_an_answer_is_given_up_that_does_not_end(event: bytes, seconds: str, key: str) -> None:
    async def chat(wire: Wire) -> None:
        await wire.head()
        await wire.send(chunk({"content": "It goes "}))
        while True:
            await wire.send(event)
            await asyncio.sleep(0.02)

    async def body() -> None:
        async with far(deadlines=Deadlines(5, 0.3, 0.6)) as (server, model):
            server.chat = chat
            heard = ""
            with pytest.raises(ModelError, match=f"{seconds} seconds") as caught:
                async for one in model.stream(HELLO, ModelSettings()):
                    heard += one.text
            assert caught.value.key == key
            assert heard.startswith("It goes ")

    asyncio.run(body())


def test_a_character_in_two_escaped_halves_is_joined() -> None:
    reader = AnswerReader({"name": "far", "place": "x"}, 9)
    first = '{"choices": [{"delta": {"content": "a\\ud83c"}}]}'
    second = '{"choices": [{"delta": {"content": "\\udf88b"}}]}'
    assert [reader.take(first), reader.take(second)] == ["a", "🎈b"]


def test_an_answer_has_an_end_even_if_all_of_it_is_thought() -> None:
    reader = AnswerReader({"name": "far", "place": "x"}, 10)
    for _ in range(75):
        reader.take('{"choices": [{"delta": {"reasoning_content": "hmm "}}]}')
    assert reader.failure is not None
    assert reader.failure.key == "endpoint.endless"
    reader = AnswerReader({"name": "far", "place": "x"}, 10)
    reader.take(json.dumps({"choices": [{"delta": {"content": "x" * (MAX_ANSWER_BYTES + 1)}}]}))
    assert reader.failure is not None
    assert reader.failure.key == "endpoint.too_much"
