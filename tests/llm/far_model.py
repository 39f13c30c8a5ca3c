"""A model on the faulty server, the pages by which servers differ, and short ways to ask."""

import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from attenda.api import Message, ModelChunk, ModelSettings
from attenda.core.message import text_message
from attenda.llm.endpoint import Deadlines, EndpointModel, EndpointSpec
from tests.llm.faulty_server import FaultyServer, Wire, serving

__all__ = ["HELLO", "LLAMA", "OLLAMA", "VLLM", "far", "requests", "said", "text_of", "writes"]

PATIENT = Deadlines(first_token_s=10, gap_s=10, total_s=30)
HELLO = [text_message("user", "Hello")]
LLAMA = {
    "/v1/models": {"data": [{"id": "m", "owned_by": "llamacpp"}]},
    "/props": {"default_generation_settings": {"n_ctx": 1536}},
    "/apply-template": lambda body: {"prompt": body["messages"][-1]["content"]},
    "/tokenize": lambda body: {"tokens": body["content"].split()},
}
OLLAMA = {
    "/v1/models": {"data": [{"id": "m:latest", "owned_by": "library"}]},
    "/api/version": {"version": "0.13.0"},
    "/api/show": {"model_info": {"llama.context_length": 131072}, "parameters": "stop x"},
    "/api/generate": {"done": True},
    "/api/ps": {"models": [{"name": "m:latest", "context_length": 4096}]},
}
VLLM = {
    "/v1/models": {"data": [{"id": "m", "owned_by": "vllm", "max_model_len": 2048}]},
    "/tokenize": lambda body: {"count": 10 * len(body["messages"]), "max_model_len": 2048},
}


@contextlib.asynccontextmanager
async def far(
    pages: dict[str, Any] | None = None,
    *,
    key: str = "",
    deadlines: Deadlines = PATIENT,
    **spec: Any,
) -> AsyncIterator[tuple[FaultyServer, EndpointModel]]:
    """A server with these pages, and a model on it; `spec` replaces fields of its description."""
    async with serving() as server:
        server.pages = server.pages if pages is None else pages
        given = EndpointSpec(**{"name": "far", "base_url": server.url(), "model": "m"} | spec)
        model = EndpointModel(given, key=key, deadlines=deadlines)
        try:
            yield server, model
        finally:
            await model.close()


async def said(
    model: EndpointModel, messages: Sequence[Message] = HELLO, **settings: Any
) -> list[ModelChunk]:
    """Every chunk of an answer."""
    return [chunk async for chunk in model.stream(messages, ModelSettings(**settings))]


def text_of(chunks: list[ModelChunk]) -> str:
    return "".join(chunk.text for chunk in chunks)


def requests(server: FaultyServer) -> list[dict[str, Any]]:
    """The bodies of the requests for an answer."""
    return [one.body for one in server.asked if one.path.endswith("/chat/completions")]


def writes(*events: bytes) -> Callable[[Wire], Any]:
    """A chat that writes these events and closes."""

    async def chat(wire: Wire) -> None:
        await wire.whole(b"".join(events))

    return chat
