"""The OpenAI API: chat completions, responses, models, embeddings.

`model` names an agent (`attenda` is the plain one), which answers from the documents; `raw/NAME`
is the bare model. Calls keep nothing, except a response, which can be continued by its id.
"""

import asyncio
import base64
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import StreamingResponse

from attenda.core.errors import AttendaError, Conflict, ModelError, NotFound, UserError
from attenda.core.event import Cited, RunFinished, TextAdded
from attenda.core.label import Label
from attenda.core.message import Message
from attenda.core.ports import ModelSettings, Usage
from attenda.core.principal import Principal
from attenda.llm import catalogue
from attenda.runtime.bounds import Meter
from attenda.runtime.house import House
from attenda.runtime.started import Noted
from attenda.serve import openai_shapes as shapes
from attenda.serve.gate import house_of, require
from attenda.store import agents, runs, sessions
from attenda.store.database import Connection

__all__ = ["router"]

router = APIRouter(prefix="/v1", tags=["openai"])
Chatter = Annotated[Principal, Depends(require("chat"))]
_PLAIN = "attenda"
_RAW = "raw/"


@dataclass
class _Answer:
    """An answer as it grows."""

    text: str = ""
    citations: list[dict[str, Any]] = field(default_factory=list)
    finish: str = "stop"
    usage: Usage = Usage()

    def plain(self) -> dict[str, Any]:
        """The same as data."""
        return {
            "text": self.text,
            "citations": self.citations,
            "finish": self.finish,
            **self.usage.model_dump(),
        }


@dataclass
class _Call:
    """One request: who asks what of whom, and the answer as it grows."""

    house: House
    who: Principal
    name: str
    messages: list[Message]
    settings: ModelSettings
    keep: bool = False
    before: str | None = None
    """Id of the response that this one continues."""
    answer: _Answer = field(default_factory=_Answer)
    run_id: str = ""


@router.get("/models")
async def list_models(request: Request, who: Chatter) -> dict[str, Any]:
    """Agents and bare models."""
    house = house_of(request)
    rows = await house.database.read(lambda c: agents.list_agents(c, who))
    installed = await asyncio.to_thread(catalogue.installed, house.settings.home)
    chats = {one.name for one in installed if one.kind == "chat"} | set(house.models.names())
    names = [_PLAIN, *(row["name"] for row in rows), *(_RAW + name for name in sorted(chats))]
    names += [one.name for one in installed if one.kind == "embedder"]
    data = [
        {"id": name, "object": "model", "created": 0, "owned_by": "attenda"}
        for name in dict.fromkeys(names)
    ]
    return {"object": "list", "data": data}


@router.post("/embeddings")
async def embed(request: Request, who: Chatter, body: shapes.EmbeddingRequest) -> dict[str, Any]:
    """Vectors of texts."""
    if body.model != catalogue.DEFAULT_EMBEDDER:
        known = catalogue.DEFAULT_EMBEDDER
        raise NotFound("openai.no_model", name=body.model[:100], known=known)
    texts = [body.input] if isinstance(body.input, str) else body.input
    if not texts or len(texts) > 2048:
        raise UserError("openai.inputs", most=2048)
    vectors = await house_of(request).embedder.embed(texts)
    rows = [
        {"object": "embedding", "index": place, "embedding": _encoded(vector, body)}
        for place, vector in enumerate(vectors)
    ]
    count = sum(len(text.split()) for text in texts)
    usage = {"prompt_tokens": count, "total_tokens": count}
    return {"object": "list", "data": rows, "model": body.model, "usage": usage}


def _encoded(vector: Any, body: shapes.EmbeddingRequest) -> Any:
    if body.encoding_format == "base64":
        return base64.b64encode(vector.astype("<f4").tobytes()).decode()
    return vector.tolist()


@router.post("/chat/completions", response_model=None)
async def chat(
    request: Request, who: Chatter, body: shapes.ChatRequest
) -> StreamingResponse | dict[str, Any]:
    """A chat completion, streamed or whole."""
    house = house_of(request)
    settings = body.drawn()
    messages = body.conversation()
    id_, created = house.stamps.new_id("chatcmpl"), house.stamps.now() // 1_000_000
    call = _Call(house, who, body.model, messages, settings)
    answer, pieces = call.answer, _pieces(call)
    if not body.stream:
        async for _ in pieces:
            pass
        return shapes.chat_completion(id_, created, body.model, answer.plain())
    first = await anext(pieces, "")  # what is wrong with the request is a status, not an event
    wants_usage = bool((body.stream_options or {}).get("include_usage"))

    async def frames() -> AsyncGenerator[dict[str, Any], None]:
        yield shapes.chat_chunk(id_, created, body.model, {"role": "assistant", "content": first})
        async for piece in pieces:
            yield shapes.chat_chunk(id_, created, body.model, {"content": piece})
        end = {"citations": answer.citations} if answer.citations else {}
        yield shapes.chat_chunk(id_, created, body.model, end, answer.finish)
        if wants_usage:
            last = shapes.chat_chunk(id_, created, body.model, {})
            yield {**last, "choices": [], "usage": shapes.usage_of(answer.plain())}

    return StreamingResponse(_sse(frames(), done=True), media_type="text/event-stream")


@router.post("/responses", response_model=None)
async def respond(
    request: Request, who: Chatter, body: shapes.ResponseRequest
) -> StreamingResponse | dict[str, Any]:
    """A response, streamed or whole; it can be continued by its id."""
    house = house_of(request)
    messages = shapes.input_messages(body)
    created = house.stamps.now() // 1_000_000
    settings = body.settings(body.max_output_tokens)
    before = body.previous_response_id
    call = _Call(house, who, body.model, messages, settings, keep=True, before=before)
    answer, pieces = call.answer, _pieces(call)
    first = await anext(pieces, "")
    id_ = f"resp_{(call.run_id or house.stamps.new_id('run')).removeprefix('run_')}"
    if not body.stream:
        async for _ in pieces:
            pass
        return shapes.response_object(id_, created, body, answer.plain(), "completed")
    frames = _response_frames(id_, created, body, first, pieces, answer)
    return StreamingResponse(_sse(frames, done=False), media_type="text/event-stream")


async def _response_frames(
    id_: str,
    created: int,
    body: shapes.ResponseRequest,
    first: str,
    pieces: AsyncGenerator[str, None],
    answer: _Answer,
) -> AsyncGenerator[dict[str, Any], None]:
    """The events of a streamed response, in the order that clients expect."""
    open_ = shapes.response_object(id_, created, body, _Answer().plain(), "in_progress")
    number = 0
    item_id = f"msg_{id_.removeprefix('resp_')}"
    part = {"type": "output_text", "text": "", "annotations": []}
    item = {"id": item_id, "type": "message", "role": "assistant", "content": []}
    where = {"item_id": item_id, "output_index": 0, "content_index": 0}

    def event(kind: str, **more: Any) -> dict[str, Any]:
        nonlocal number
        number += 1
        return {"type": f"response.{kind}", "sequence_number": number, **more}

    yield event("created", response=open_)
    yield event("in_progress", response=open_)
    yield event("output_item.added", output_index=0, item={**item, "status": "in_progress"})
    yield event("content_part.added", **where, part=part)
    if first:
        yield event("output_text.delta", **where, delta=first, logprobs=[])
    async for piece in pieces:
        yield event("output_text.delta", **where, delta=piece, logprobs=[])
    whole = shapes.response_object(id_, created, body, answer.plain(), "completed")
    done = whole["output"][0]
    yield event("output_text.done", **where, text=answer.text, logprobs=[])
    yield event("content_part.done", **where, part=done["content"][0])
    yield event("output_item.done", output_index=0, item=done)
    yield event("completed", response=whole)


async def _pieces(call: _Call) -> AsyncGenerator[str, None]:
    """The words of an answer as they come; the call's answer grows with them.

    Raises:
        AttendaError: there is no such model, or the answer failed.
    """
    source = _raw_pieces(call) if call.name.startswith(_RAW) else _agent_pieces(call)
    async with aclosing(source) as pieces:
        async for piece in pieces:
            call.answer.text += piece
            if piece:
                yield piece


async def _raw_pieces(call: _Call) -> AsyncGenerator[str, None]:
    """The bare model's words."""
    house, answer = call.house, call.answer
    model = house.models.chat(call.name.removeprefix(_RAW))
    meter = Meter(model, call.who, house.runs.allowance)
    with house.runs.at_once.one(call.who):
        try:
            async with aclosing(meter.stream(call.messages, call.settings)) as chunks:
                async for chunk in chunks:
                    answer.finish = chunk.stop_reason or answer.finish
                    answer.usage = chunk.usage or answer.usage
                    yield chunk.text
        finally:  # whoever goes away in the middle has read until there
            await asyncio.shield(house.runs.allowance.settle(meter))


def _raise_unless_answered(event: RunFinished) -> None:
    if event.reason == "withdrawn":
        raise Conflict("desk.with_person")
    if event.reason == "failed":
        raise ModelError(event.error_key or "run.broken", **event.error_values)


async def _agent_pieces(call: _Call) -> AsyncGenerator[str, None]:
    """Ask an agent in a session of its own, which is erased at the end unless kept."""
    house, who = call.house, call.who
    if not call.messages or call.messages[-1].role != "user":
        raise UserError("openai.last_message")
    session_id, parent_id = await house.database.write(lambda c: _session_for(c, call))
    ended = False
    try:
        text = call.messages[-1].text
        started = await house.runs.start(who, session_id, text, parent_id=parent_id or "")
        if isinstance(started, Noted):
            raise Conflict("desk.with_person")
        call.run_id = started.run_id
        async for heard in house.runs.follow(session_id, started.after):
            event = heard.event
            if isinstance(event, TextAdded) and event.text:
                yield event.text
            elif isinstance(event, Cited):
                call.answer.citations.append(event.citation.model_dump())
            elif isinstance(event, RunFinished):
                ended = True
                call.answer.usage = event.usage
                _raise_unless_answered(event)
    finally:
        if not ended:
            await house.runs.stop(who, session_id)
        if not call.keep:
            await house.database.write(lambda c: sessions.erase_session(c, session_id))


def _session_for(connection: Connection, call: _Call) -> tuple[str, str | None]:
    """A session with the conversation so far: its id and the message to hang the next one on."""
    stamps, who = call.house.stamps, call.who
    if call.before is not None:
        run = runs.get_run(connection, who, f"run_{call.before.removeprefix('resp_')}")
        return str(run["session_id"]), str(run["message_id"])
    agent_id = None
    if call.name != _PLAIN:
        rows = agents.list_agents(connection, who)
        named = (str(row["id"]) for row in rows if call.name in (row["name"], row["id"]))
        agent_id = next(named, None)
        if agent_id is None:
            raise NotFound("openai.no_model", name=call.name[:100], known=f"{_PLAIN}, {_RAW}…")
    session = sessions.create_session(connection, stamps, who, agent_id)
    label = Label(integrity="user", readers=frozenset({who.id}))
    parent: str | None = None
    for message in call.messages[:-1]:
        stored = sessions.add_message(
            connection, stamps, session.id, message, label, parent_id=parent
        )
        parent = stored.id
    return session.id, parent


async def _sse(
    frames: AsyncGenerator[dict[str, Any], None], *, done: bool
) -> AsyncGenerator[bytes, None]:
    """Frames as server-sent events; a failure in the middle is an event of its own."""
    try:
        async with aclosing(frames):
            async for frame in frames:
                kind = f"event: {frame['type']}\n" if "type" in frame else ""
                yield f"{kind}data: {json.dumps(frame, ensure_ascii=False)}\n\n".encode()
    except AttendaError as error:
        body = {"error": {"message": str(error), "type": "server_error", "code": error.key}}
        yield f"data: {json.dumps(body, ensure_ascii=False)}\n\n".encode()
    if done:
        yield b"data: [DONE]\n\n"
