"""A chat model on a server: llama-server, Ollama, vLLM or any cloud that speaks OpenAI's API.

No prompt is cut in silence: what does not fit is refused before it is sent, and an answer whose
server read far less than it was sent is an error. Whatever else goes wrong becomes one sentence;
text that came before it is with the caller already. The key is in one header and nowhere else.
"""

import asyncio
import contextlib
import json
import os
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import httpx
from pydantic import BaseModel, ConfigDict, Field

from attenda.core.errors import ModelError, OperatorError, UserError
from attenda.core.message import Message
from attenda.core.ports import ModelChunk, ModelSettings, Usage
from attenda.llm.endpoint_answer import AnswerReader, chat_request, one_line, without_refused
from attenda.llm.endpoint_server import (
    ASSUMED_CONTEXT,
    Probe,
    count_by_server,
    estimate_tokens,
    fewest_tokens,
    probe_server,
)
from attenda.llm.grammar import check_output, compile_grammar
from attenda.llm.sse import SseBroken, SseParser
from attenda.llm.stops import StopFilter

__all__ = ["Deadlines", "EndpointModel", "EndpointSpec", "open_endpoint"]

_PAUSES_S = (0.25, 0.5)
"""Waits before the second and the third try; a server that names a longer one is believed."""
_LONGEST_WAIT_S = 5.0
_TRIED_AGAIN = frozenset({429, 500, 502, 503})
_NO_SUCH_PAGE = frozenset({404, 405, 501})
_MAX_JSON_BYTES = 8 << 20
_MAX_ERROR_BYTES = 16 << 10
_AFTER_END_S = 2.0
"""How long the usage is waited for once the answer has ended."""
_READ_AT_LEAST = 0.6
"""Share of the prompt's tokens that a server must have read; a template accounts for the rest."""


class EndpointSpec(BaseModel):
    """Where a server is and what is known of its model; its key is not part of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: str = Field(min_length=1)
    """The model's name here."""
    base_url: str
    """Where the OpenAI-compatible API begins, as in `http://127.0.0.1:8080/v1`."""
    model: str
    """The model's name on the server."""
    key_env: str = ""
    """Name of the environment variable that holds the key; empty where no key is needed."""
    context_tokens: int = Field(default=0, ge=0)
    """Tokens to read at most; 0 for as many as the server does."""
    languages: frozenset[str] = frozenset({"en", "zh"})
    """Languages that the model is good at."""


@dataclass(frozen=True, slots=True)
class Deadlines:
    """How long a server may be silent, and how long an answer may take."""

    first_token_s: float = 60.0
    """From the request to the first event of the answer; for other requests, to their end."""
    gap_s: float = 30.0
    """Between two events."""
    total_s: float = 600.0
    """For the whole answer, all tries included."""


def open_endpoint(spec: EndpointSpec, deadlines: Deadlines | None = None) -> "EndpointModel":
    """The chat model that `spec` describes; nothing is sent before it is first used.

    Raises:
        OperatorError: the address is none, or the key is not in its variable.
    """
    key = os.environ.get(spec.key_env, "") if spec.key_env else ""
    if spec.key_env and not key.strip():
        raise OperatorError("endpoint.no_key", name=spec.name, variable=spec.key_env)
    return EndpointModel(spec, key=key, deadlines=deadlines)


class EndpointModel:
    """A `ChatModel` over one model of one server."""

    def __init__(
        self,
        spec: EndpointSpec,
        *,
        key: str = "",
        deadlines: Deadlines | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """`transport` replaces the network.

        Raises:
            OperatorError: the address or the key can't be one.
        """
        self.name = spec.name
        self.context_tokens = spec.context_tokens or ASSUMED_CONTEXT
        """Declared or assumed until the server was asked, which its first use does."""
        self.languages = spec.languages
        self._spec = spec
        self._deadlines = deadlines or Deadlines()
        self._wire = _Wire(spec, key.strip(), self._deadlines, transport)
        self._known: Probe | None = None
        self._scale = 1.0
        """How much more the server counted than the estimate, at most so far."""

    async def probe(self) -> Probe:
        """What the server is and how much it truly reads; asked anew each time.

        Raises:
            ModelError: it can't be reached, refuses the key, or has no such model.
        """
        spec = self._spec
        found = await probe_server(
            self._wire.ask, spec.model, spec.context_tokens, self._wire.where
        )
        self._known, self.context_tokens = found, found.context_tokens
        return found

    async def count_tokens(self, messages: Sequence[Message]) -> int:
        """Tokens of the rendered prompt, by the server's tokenizer where it lends one.

        Elsewhere it is an estimate from above: see `estimate_tokens`.

        Raises:
            ModelError: the server can't be reached or fails.
        """
        return (await self._count(messages))[0]

    async def stream(
        self, messages: Sequence[Message], settings: ModelSettings
    ) -> AsyncGenerator[ModelChunk, None]:
        """Write an answer; closing the iterator closes the connection at once.

        Raises:
            UserError: the prompt does not fit the context, or the grammar does not compile.
            ModelError: the server failed, broke the grammar, or cut the prompt.
        """
        checker = compile_grammar(settings.grammar) if settings.grammar else None
        known = self._known or await self.probe()
        tokens, exact = await self._count(messages)
        room = self.context_tokens - tokens
        if room <= 0:
            raise UserError("model.too_long", tokens=tokens, limit=self.context_tokens)
        limit = max(1, min(settings.max_tokens, room))
        body = chat_request(self._spec.model, known.server, messages, settings, limit)
        reader = AnswerReader(self._wire.where, limit)
        stops = StopFilter(settings.stop)
        whole: list[str] = []
        try:
            async with aclosing(self._pieces(body, reader)) as pieces:
                async for piece in pieces:
                    if text := stops.feed(piece):
                        whole.append(text)
                        yield ModelChunk(text=text)
                    if stops.hit:
                        break
        except ModelError:
            if held := stops.rest():  # it was no stop string: the caller gets all that came
                yield ModelChunk(text=held)
            raise
        text = stops.rest()
        if checker is not None:
            check_output(checker, "".join([*whole, text]))
        yield self._last(text, reader, messages, tokens, exact)

    async def close(self) -> None:
        """Close what is open; whoever still reads an answer gets an error."""
        await self._wire.close()

    async def _count(self, messages: Sequence[Message]) -> tuple[int, bool]:
        """Tokens of the prompt, and whether the server's own tokenizer counted them."""
        known = self._known or await self.probe()
        counted = await count_by_server(
            self._wire.ask, known.server, self._spec.model, messages
        )
        if counted is not None:
            return counted, True
        return int(estimate_tokens(messages) * self._scale) + 1, False

    async def _pieces(
        self, body: dict[str, Any], reader: AnswerReader
    ) -> AsyncGenerator[str, None]:
        """The texts of the answer as they come; returns when it has ended well."""
        parser = SseParser()
        async with self._wire.answer(body) as data:
            async for events in data.events(parser, reader):
                ...
                yield ""

    def _last(
        self,
        text: str,
        reader: AnswerReader,
        messages: Sequence[Message],
        counted: int,
        exact: bool,
    ) -> ModelChunk:
        """The last chunk, once what the server says it read was held against what was sent."""
        read = reader.prompt_tokens
        least = counted if exact else fewest_tokens(messages)
        if 0 < read < _READ_AT_LEAST * least:
            raise ModelError("endpoint.cut_prompt", **self._wire.where, read=read, sent=least)
        if not exact and read > counted:
            self._scale *= read / counted
        usage = Usage(prompt_tokens=read or counted, answer_tokens=reader.answer_tokens)
        return ModelChunk(text=text, stop_reason=reader.stop_reason, usage=usage)
