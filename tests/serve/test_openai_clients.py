"""Unmodified clients of the OpenAI API: the `openai` package and the `llm` command."""

import asyncio
import contextlib
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import openai
import pytest

from attenda.api import Message, Principal
from attenda.cli.owner import listen_tcp, serve_house
from attenda.store import sessions
from tests.scripted_house import SAVINGS, add_text, scripted_house

QUESTION = "How long must a customer have held a checking account?"
SAID = "The customer must have held a checking account for 14 days."


def script(messages: list[Message]) -> str:
    if any("Passages:" in one.text for one in messages):
        return SAID
    return f"You said {messages[-1].text} after {len(messages) - 1} messages."


@contextlib.asynccontextmanager
async def served(home: Path, owner: Principal, *, documents: bool) -> AsyncIterator[Any]:
    async with scripted_house(home, script) as (house, _):
        if documents:
            await add_text(house, owner, "savings.md", SAVINGS)
        listener = listen_tcp("127.0.0.1", 0)
        async with serve_house(house, [listener]):
            port = listener.getsockname()[1]
            yield house, f"http://127.0.0.1:{port}/v1"


def with_client(
    home: Path, owner: Principal, work: Callable[[openai.OpenAI], None], *, documents: bool = False
) -> None:
    async def body() -> None:
        async with served(home, owner, documents=documents) as (house, url):
            client = openai.OpenAI(base_url=url, api_key=house.owner_key, max_retries=0)
            await asyncio.to_thread(work, client)
            kept = await house.database.read(lambda c: sessions.list_sessions(c, owner))
            assert len(kept) == getattr(work, "keeps", 0)

    asyncio.run(body())


def test_chat_whole_and_streamed_with_citations(home: Path, owner: Principal) -> None:
    def work(client: openai.OpenAI) -> None:
        asked = [{"role": "user", "content": QUESTION}]
        whole = client.chat.completions.create(model="attenda", messages=asked)
        assert whole.choices[0].message.content == f"{SAID} [1]"
        assert whole.choices[0].finish_reason == "stop"
        (cited,) = whole.choices[0].message.model_extra["citations"]
        assert "14 days" in cited["quote"]
        stream = client.chat.completions.create(
            model="attenda", messages=asked, stream=True, stream_options={"include_usage": True}
        )
        chunks = list(stream)
        text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
        assert text == f"{SAID} [1]"
        assert chunks[-1].usage.total_tokens > 0
        assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "stop"

    with_client(home, owner, work, documents=True)


def test_history_belongs_to_the_call(home: Path, owner: Principal) -> None:
    def work(client: openai.OpenAI) -> None:
        talk = [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "one"},
            {"role": "assistant", "content": "two"},
            {"role": "user", "content": [{"type": "text", "text": "three"}]},
        ]
        for model in ("attenda", "raw/scripted"):
            answer = client.chat.completions.create(model=model, messages=talk, max_tokens=50)
            assert answer.choices[0].message.content == "You said three after 3 messages."

    with_client(home, owner, work)


def test_raw_models_take_settings_and_a_schema(home: Path, owner: Principal) -> None:
    def work(client: openai.OpenAI) -> None:
        asked = [{"role": "user", "content": "hello"}]
        cut = client.chat.completions.create(model="raw/scripted", messages=asked, max_tokens=2)
        assert cut.choices[0].finish_reason == "length"
        assert cut.choices[0].message.content == "You said "
        with pytest.raises(openai.BadRequestError, match="tool"):
            client.chat.completions.create(
                model="raw/scripted", messages=asked, tool_choice="required", tools=[]
            )

    with_client(home, owner, work)


def test_responses_go_on_by_their_id(home: Path, owner: Principal) -> None:
    def work(client: openai.OpenAI) -> None:
        first = client.responses.create(model="attenda", input="one")
        assert first.output_text == "You said one after 0 messages."
        second = client.responses.create(
            model="attenda", input="two", previous_response_id=first.id
        )
        assert second.output_text == "You said two after 2 messages."
        with client.responses.stream(
            model="attenda", input="three", previous_response_id=second.id
        ) as stream:
            text = "".join(e.delta for e in stream if e.type == "response.output_text.delta")
            assert stream.get_final_response().output_text == text
        assert text == "You said three after 4 messages."

    work.keeps = 1  # type: ignore[attr-defined]
    with_client(home, owner, work)


def test_models_embeddings_and_errors(home: Path, owner: Principal) -> None:
    def work(client: openai.OpenAI) -> None:
        names = [one.id for one in client.models.list()]
        assert {"attenda", "raw/scripted"} <= set(names)
        both = client.embeddings.create(model="all-minilm-l6-v2", input=["a cat", "a dog"])
        assert len(both.data) == 2
        assert abs(sum(x * x for x in both.data[0].embedding) - 1) < 1e-3
        with pytest.raises(openai.NotFoundError, match="No|no model"):
            client.chat.completions.create(
                model="gpt-9", messages=[{"role": "user", "content": "hi"}]
            )
        with pytest.raises(openai.UnprocessableEntityError):
            client.chat.completions.create(model="attenda", messages=[])
        with pytest.raises(openai.AuthenticationError):
            client.with_options(api_key="wrong").models.list()

    with_client(home, owner, work)


def test_the_llm_command(home: Path, owner: Principal, tmp_path: Path) -> None:
    folder = tmp_path / "llm"
    folder.mkdir()

    def run(*words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "llm", *words],
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=120,
            check=False,
            env={**os.environ, "LLM_USER_PATH": str(folder)},
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    async def body() -> None:
        async with served(home, owner, documents=True) as (house, url):
            card = {"model_id": "ours", "model_name": "attenda", "api_base": url}
            card["api_key_name"] = "attenda"
            (folder / "keys.json").write_text(json.dumps({"attenda": house.owner_key}))
            (folder / "extra-openai-models.yaml").write_text(json.dumps([card]))
            listed = await asyncio.to_thread(run, "models", "list")
            assert "ours" in listed
            said = await asyncio.to_thread(run, "-m", "ours", QUESTION)
            assert said.strip() == f"{SAID} [1]"
            whole = await asyncio.to_thread(run, "-m", "ours", "--no-stream", QUESTION)
            assert whole.strip() == said.strip()

    asyncio.run(body())
