"""A chat model on a server: llama-server, Ollama, vLLM or any cloud that speaks OpenAI's API.

No prompt is cut in silence: what does not fit is refused before it is sent, and an answer whose
server read far less than it was sent is an error. Whatever else goes wrong becomes one sentence;
text that came before it is with the caller already. The key is in one header and nowhere else.
"""

import math
import os
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import aclosing
from typing import Any

import httpx

from attenda.core.config import EndpointSpec
from attenda.core.errors import ModelError, OperatorError, UserError
from attenda.core.message import Message
from attenda.core.ports import ModelChunk, ModelSettings, ToolOffer, Usage
from attenda.llm.endpoint_answer import AnswerReader, chat_request
from attenda.llm.endpoint_server import (
    ASSUMED_CONTEXT,
    Probe,
    count_by_server,
    estimate_tokens,
    fewest_tokens,
    probe_server,
)
from attenda.llm.endpoint_wire import Deadlines, Wire
from attenda.llm.grammar import check_output, compile_grammar
from attenda.llm.sse import SseBroken, SseParser
from attenda.llm.stops import StopFilter

__all__ = ["Deadlines", "EndpointModel", "EndpointSpec", "Probe", "open_endpoint"]

_AFTER_END_S = 2.0
"""How long the usage is waited for once the answer has ended."""
_READ_AT_LEAST = 0.6
"""Share of the prompt's tokens that a server must have read; a template accounts for the rest."""
_SHORT_PROMPT = 200
"""Tokens up to which a prompt that was longer than estimated tells what the server adds to each;
beyond, what its vocabulary makes of words."""


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
        self.calls_tools = spec.tools
        self._spec = spec
        self._wire = Wire(
            spec.name, spec.base_url, key.strip(), deadlines or Deadlines(), transport
        )
        self._where = self._wire.where
        self._known: Probe | None = None
        self._scale, self._added = 1.0, 0
        """How far the estimate was below the server's count, at most so far."""

    async def probe(self) -> Probe:
        """What the server is and how much it truly reads; asked anew each time.

        Raises:
            ModelError: it can't be reached, refuses the key, or has no such model.
        """
        spec = self._spec
        found = await probe_server(self._wire.ask, spec.model, spec.context_tokens, self._where)
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
            UserError: the prompt does not fit the context, the grammar does not compile, or tools
                are offered to a model that can't choose any.
            ModelError: the server failed, broke the grammar, or cut the prompt.
        """
        checker = compile_grammar(settings.grammar) if settings.grammar else None
        if settings.tools and not self.calls_tools:
            raise UserError("model.no_tools", name=self.name)
        known = self._known or await self.probe()
        tokens, exact = await self._count(messages, settings.tools)
        room = self.context_tokens - tokens
        if room <= 0:
            raise UserError("model.too_long", tokens=tokens, limit=self.context_tokens)
        limit = max(1, min(settings.max_tokens, room))
        body = chat_request(self._spec.model, known.server, messages, settings, limit)
        asked = bool(settings.tools)
        reader = AnswerReader(self._where, limit, self._wire.scrubbed, takes_calls=asked)
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
            self._known = None  # the server may come back as another
            if held := stops.rest():  # it was no stop string: the caller gets all that came
                yield ModelChunk(text=held)
            raise
        if text := stops.rest():
            whole.append(text)
            yield ModelChunk(text=text)
        if checker is not None and not reader.calls:
            check_output(checker, "".join(whole))
        usage = self._usage(reader, messages, tokens, exact)
        calls = () if stops.hit else reader.calls.calls()
        yield ModelChunk(text="", stop_reason=reader.stop_reason, usage=usage, calls=calls)

    async def close(self) -> None:
        """Close what is open; whoever still reads an answer gets an error."""
        await self._wire.close()

    async def _count(
        self, messages: Sequence[Message], tools: tuple[ToolOffer, ...] = ()
    ) -> tuple[int, bool]:
        """Tokens of the prompt, and whether the server's own tokenizer counted them."""
        known = self._known or await self.probe()
        model = self._spec.model
        counted = await count_by_server(self._wire.ask, known.server, model, messages, tools)
        if counted is not None:
            return counted, True
        return math.ceil(estimate_tokens(messages, tools) * self._scale) + self._added, False

    async def _pieces(
        self, body: Mapping[str, Any], reader: AnswerReader
    ) -> AsyncGenerator[str, None]:
        """The texts of the answer as they come; returns when it has ended well."""
        parser, gap_s = SseParser(), self._wire.deadlines.gap_s
        async with self._wire.streamed("/chat/completions", body) as incoming:
            try:
                if incoming.is_whole:
                    for text in self._texts(iter([await incoming.read_whole()]), reader):
                        yield text
                    reader.over = True
                while not reader.over:
                    data, before = await incoming.read(), reader.events
                    for text in self._texts(parser.feed(data) if data else parser.finish(), reader):
                        yield text
                    if not data:
                        break
                    if reader.events > before:  # bytes alone are no sign of life
                        incoming.expect_within(
                            min(gap_s, _AFTER_END_S) if reader.complete else gap_s
                        )
            except ModelError:
                if not reader.complete or reader.failure is not None:
                    raise
        if not reader.complete:
            problem = "it closed before the answer's end"
            raise ModelError("endpoint.cut_off", **self._where, problem=problem)

    def _texts(self, events: Iterator[str], reader: AnswerReader) -> Iterator[str]:
        """The texts of the events, each before what is wrong after it."""
        try:
            for event in events:
                if text := reader.take(event):
                    yield text
                if reader.failure is not None:
                    raise reader.failure
        except SseBroken as error:
            raise ModelError("endpoint.broken", **self._where, problem=str(error)) from error

    def _usage(
        self, reader: AnswerReader, messages: Sequence[Message], counted: int, exact: bool
    ) -> Usage:
        """The usage, once what the server says it read was held against what was sent."""
        read = reader.prompt_tokens
        least = counted if exact else fewest_tokens(messages)
        if 0 < read < _READ_AT_LEAST * least:
            self._known = None
            raise ModelError("endpoint.cut_prompt", **self._where, read=read, sent=least)
        if not exact and read > counted:
            estimate = estimate_tokens(messages)
            if estimate < _SHORT_PROMPT:
                self._added = max(self._added, read - estimate)
            else:
                self._scale = max(self._scale, read / estimate)
        return Usage(prompt_tokens=read or counted, answer_tokens=reader.answer_tokens)
