"""What a server says of itself: believed where it is measured, and no prompt cut in silence."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from attenda.api import AttendaError, Grammar, ModelError, ModelSettings, UserError
from attenda.core.message import text_message
from attenda.core.words import sentence
from attenda.llm.endpoint import EndpointModel, EndpointSpec
from attenda.llm.endpoint_server import ServerKind, estimate_tokens, fewest_tokens
from tests.llm.far_model import HELLO, LLAMA, OLLAMA, VLLM, far, requests, said, text_of

KEY = "sk-0123456789abcdef"


@pytest.mark.parametrize(
    ("pages", "declared", "server", "tokens", "source", "note"),
    [
        (LLAMA, 0, "llama-server", 1536, "server", ""),
        (LLAMA, 1000, "llama-server", 1000, "declared", ""),
        (LLAMA, 9000, "llama-server", 1536, "server", "endpoint.note_smaller"),
        (VLLM, 0, "vllm", 2048, "server", ""),
        (OLLAMA, 0, "ollama", 4096, "server", ""),
        (
            OLLAMA | {"/api/ps": {"models": [{"name": "other", "context_length": 9}]}},
            0,
            "ollama",
            2048,
            "server",
            "endpoint.note_ollama",
        ),
        (
            OLLAMA
            | {
                "/api/ps": {"models": [{"name": "m"}]},
                "/api/show": {"parameters": 'stop "x"\nnum_ctx    8192', "model_info": {}},
            },
            0,
            "ollama",
            8192,
            "server",
            "",
        ),
        (
            {"/v1/models": {"data": [{"id": "m", "context_length": 32768}]}},
            0,
            "other",
            32768,
            "server",
            "",
        ),
        ({}, 0, "other", 4096, "assumed", "endpoint.note_assumed"),
        ({}, 16000, "other", 16000, "declared", "endpoint.note_declared"),
        (
            {"/v1/models": ["?"], "/props": [], "/api/version": 3},
            0,
            "other",
            4096,
            "assumed",
            "endpoint.note_assumed",
        ),
    ],
)
def test_the_context_is_what_the_server_truly_reads(
    pages: dict[str, Any],
    declared: int,
    server: ServerKind,
    tokens: int,
    source: str,
    note: str,
) -> None:
    async def body() -> None:
        async with far(pages, context_tokens=declared) as (_, model):
            found = await model.probe()
            assert (found.server, found.context_tokens) == (server, tokens)
            assert (found.context_from, found.note) == (source, note)
            assert model.context_tokens == tokens
            if note:
                for language in ("en", "zh-CN"):
                    assert sentence(language, note, **found.model_dump())

    asyncio.run(body())


@pytest.mark.parametrize("pages", [OLLAMA | {"/api/show": None}, VLLM], ids=["ollama", "vllm"])
def test_a_model_that_the_server_lacks_is_said_with_those_it_has(pages: dict[str, Any]) -> None:
    async def body() -> None:
        async with far(pages, model="nowhere") as (_, model):
            with pytest.raises(ModelError, match="no model “nowhere”; it has: m") as caught:
                await model.probe()
            assert caught.value.key == "endpoint.no_model"

    asyncio.run(body())


@pytest.mark.parametrize(
    ("pages", "tokens"), [(LLAMA, 3), (VLLM, 10), ({}, estimate_tokens(HELLO))]
)
def test_tokens_are_counted_by_the_server_where_it_can(pages: dict[str, Any], tokens: int) -> None:
    async def body() -> None:
        asked = [text_message("user", "one two three")] if pages is LLAMA else HELLO
        async with far(pages) as (_, model):
            assert await model.count_tokens(asked) == tokens

    asyncio.run(body())


def test_a_prompt_that_does_not_fit_is_not_sent() -> None:
    async def body() -> None:
        async with far(LLAMA) as (server, model):
            with pytest.raises(UserError) as caught:
                await said(model, [text_message("user", "word " * 1536)])
            assert caught.value.values == {"tokens": 1536, "limit": 1536}
            assert not requests(server)
            await said(model, [text_message("user", "word " * 1535)], max_tokens=100)
            await said(model, [text_message("user", "word " * 1500)], max_tokens=100)
            assert [one["max_tokens"] for one in requests(server)] == [1, 36]

    asyncio.run(body())


@pytest.mark.parametrize(("pages", "read"), [(LLAMA, 50), ({}, 50)], ids=["exact", "estimate"])
def test_a_prompt_that_the_server_cut_is_an_error(pages: dict[str, Any], read: int) -> None:
    async def body() -> None:
        async with far(pages) as (server, model):
            asked = [text_message("user", "word " * 100)]
            server.prompt_tokens = 99
            chunks = await said(model, asked)
            assert chunks[-1].usage is not None
            assert chunks[-1].usage.prompt_tokens == 99
            server.prompt_tokens, server.sent, heard = read, "", ""
            with pytest.raises(ModelError, match=f"read {read} tokens of at least 100") as caught:
                async for one in model.stream(asked, ModelSettings()):
                    heard += one.text
            assert caught.value.key == "endpoint.cut_prompt"
            assert heard == server.sent

    asyncio.run(body())


@pytest.mark.parametrize("words", [1, 300], ids=["of a short prompt", "of a long prompt"])
def test_a_server_that_counts_more_than_the_estimate_is_believed(words: int) -> None:
    async def body() -> None:
        asked = [text_message("user", "word " * words)]
        async with far(context_tokens=4096) as (server, model):
            before = await model.count_tokens(asked)
            short = await model.count_tokens(HELLO)
            server.prompt_tokens = before + 400
            await said(model, asked)
            assert await model.count_tokens(asked) >= before + 400
            assert (await model.count_tokens(HELLO) > 2 * short) == (words == 1)

    asyncio.run(body())


@pytest.mark.parametrize(
    "text",
    ["The customer pays 12.50 EUR; see page 3.", "定期存款账户", "x = {'a': [1, 2]}\n", "naïve 🎈"],
)
def test_the_estimate_lies_above_the_fewest(text: str) -> None:
    messages = [text_message("user", text)]
    assert fewest_tokens(messages) < estimate_tokens(messages)


SERVER = """
import os
import sys
import xllamacpp
settings = xllamacpp.CommonParams()
settings.model.path, settings.api_keys = sys.argv[1], [sys.argv[2]]
settings.n_ctx, settings.n_parallel, settings.n_gpu_layers = 1024, 1, 0
settings.hostnames, settings.port = ["127.0.0.1"], 0
server = xllamacpp.Server(settings)
print("ADDRESS", server.listening_address, flush=True)
os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
sys.stdin.read()
"""


@pytest.fixture(scope="module")
def llama_server(weights_home: Path) -> Iterator[str]:
    """The address of a real llama-server over the default weights, in a process of its own."""
    pytest.importorskip("xllamacpp", reason="xllamacpp is not here (attenda[llamacpp])")
    weights = weights_home / "models" / "smollm2-135m-instruct" / "model.gguf"
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", SERVER, str(weights), KEY]
    with subprocess.Popen(
        command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            assert process.stdout is not None
            lines = (line for line in process.stdout if line.startswith("ADDRESS "))
            yield next(lines).split()[1]
        finally:
            process.kill()


def test_a_real_server(llama_server: str) -> None:
    async def body(model: EndpointModel) -> None:
        found = await model.probe()
        assert (found.server, found.context_tokens) == ("llama-server", 1024)
        asked = [text_message("user", "What is the capital of France? Answer in one sentence.")]
        tokens = await model.count_tokens(asked)
        chunks = await said(model, asked, max_tokens=40)
        assert "Paris" in text_of(chunks)
        assert chunks[-1].usage is not None
        assert chunks[-1].usage.prompt_tokens == tokens
        assert tokens < estimate_tokens(asked)
        assert text_of(await said(model, asked, stop=("Paris",))).endswith("is ")
        assert (await said(model, asked, max_tokens=2))[-1].stop_reason == "length"
        choice = Grammar(kind="json_schema", text='{"enum": ["north", "south"]}')
        assert json.loads(text_of(await said(model, asked, grammar=choice))) in ("north", "south")
        with pytest.raises(UserError) as caught:
            await said(model, [text_message("user", "word " * 1100)])
        assert caught.value.key == "model.too_long"
        stream = model.stream(asked, ModelSettings(max_tokens=500))
        assert (await anext(stream)).text
        await stream.aclose()
        stranger = EndpointModel(EndpointSpec(name="far", base_url=llama_server, model="m"))
        with pytest.raises(AttendaError, match="refused the key"):
            await stranger.probe()
        await stranger.close()
        await model.close()

    spec = EndpointSpec(name="far", base_url=f"{llama_server}/v1", model="m")
    asyncio.run(body(EndpointModel(spec, key=KEY)))
