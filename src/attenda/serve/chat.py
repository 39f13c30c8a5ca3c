"""Sessions over HTTP: list, read, ask, follow, stop, branch, rate.

Asking starts a run on the server and answers at once; the words come from following the
session's events, which any tab may do from any event on.
"""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field, JsonValue

from attenda.core.form import FormAction
from attenda.core.principal import Principal
from attenda.runtime.desk import Desk
from attenda.runtime.live import DESK
from attenda.serve.access import OpenStreams
from attenda.serve.consent import trash_session
from attenda.serve.gate import credential, house_of, identify, principal, require
from attenda.serve.session_view import session_view
from attenda.serve.streams import event_stream
from attenda.serve.visit_view import Score
from attenda.serve.watch import watched
from attenda.store import agent_versions, agents, consent, sessions, visitors
from attenda.store.database import Connection

__all__ = ["router"]

router = APIRouter(prefix="/api/sessions", tags=["sessions"])
Who = Annotated[Principal, Depends(principal)]
Chatter = Annotated[Principal, Depends(require("chat"))]


class NewSession(BaseModel):
    """Whom to talk to."""

    agent_id: str | None = None
    draft: bool = False
    """Try the agent's draft out, for those who may change it."""


class Ask(BaseModel):
    """A message of the person."""

    text: str
    parent_id: str | None = None
    """Message to hang it on: the head by default, `""` for a new root (an edited first message)."""
    model: str = Field(default="", max_length=200)
    """Model for this answer alone; empty for the agent's."""


class Again(BaseModel):
    """Which message to answer again."""

    message_id: str
    model: str = Field(default="", max_length=200)


class Change(BaseModel):
    """What to change of a session."""

    title: str | None = Field(default=None, min_length=1, max_length=200)
    pinned: bool | None = None


class Head(BaseModel):
    """Which message to show the branch of."""

    message_id: str


class FormReply(BaseModel):
    """An answer to a form: its values, or that it is declined or put away."""

    action: FormAction
    values: dict[str, JsonValue] = Field(default_factory=dict, max_length=60)


class Rating(BaseModel):
    """A thumb."""

    thumb: int = Field(ge=-1, le=1)
    reason: str = Field(default="", max_length=2000)


@router.get("")
async def list_(request: Request, who: Who, words: str = "") -> list[dict[str, Any]]:
    """Sessions, pinned first, newest first."""
    rows = await house_of(request).database.read(
        lambda c: sessions.list_sessions(c, who, words=words)
    )
    return [asdict(row) for row in rows]


@router.post("", status_code=201)
async def create(request: Request, who: Chatter, body: NewSession | None = None) -> dict[str, Any]:
    """A new session, with one of the agents or the plain one."""
    house = house_of(request)
    agent_id = body.agent_id if body else None

    def make(connection: Connection) -> dict[str, Any]:
        if agent_id is not None:
            agents.get_agent(connection, who, agent_id)
        draft = bool(body and body.draft and agent_id)
        if draft and agent_id:
            agent_versions.draft_of(connection, who, agent_id)  # theirs to change, or not there
        made = sessions.create_session(connection, house.stamps, who, agent_id, uses_draft=draft)
        counts = consent.session_consent(connection, made, house.settings.train_on_chats)
        return {**asdict(made), "consent": asdict(counts)}

    return await house.database.write(make)


@router.get("/{session_id}")
async def read(request: Request, who: Who, session_id: str) -> dict[str, Any]:
    """A session with its whole message tree; while it answers, also where to follow it from."""
    house = house_of(request)

    return await house.database.read(lambda c: session_view(c, house, who, session_id))


@router.patch("/{session_id}", status_code=204)
async def change(request: Request, who: Chatter, session_id: str, body: Change) -> None:
    """Rename or pin."""
    values = body.model_dump(exclude_none=True)
    if values:
        await house_of(request).database.write(
            lambda c: sessions.update_session(c, who, session_id, **values)
        )


@router.delete("/{session_id}", status_code=204)
async def delete(request: Request, who: Chatter, session_id: str) -> None:
    """Put a session into the trash."""
    await trash_session(house_of(request), who, session_id)


@router.post("/{session_id}/restore", status_code=204)
async def restore(request: Request, who: Chatter, session_id: str) -> None:
    """Bring a session back from the trash."""
    await house_of(request).database.write(
        lambda c: sessions.update_session(c, who, session_id, deleted_at=None)
    )


@router.post("/{session_id}/messages", status_code=202)
async def ask(request: Request, who: Chatter, session_id: str, body: Ask) -> dict[str, Any]:
    """Take a message and begin to answer it; 409 while another answer runs.

    While a person has the session, the message is kept for them: no `run_id` comes back.
    """
    started = await house_of(request).runs.start(
        who, session_id, body.text, parent_id=body.parent_id, model=body.model
    )
    return asdict(started)


@router.post("/{session_id}/person", status_code=204)
async def ask_person(request: Request, who: Chatter, session_id: str) -> None:
    """Ask for a person instead; an answer that runs is withdrawn."""
    await Desk(house_of(request)).ask_person(who, session_id)


@router.post("/{session_id}/again", status_code=202)
async def answer_again(
    request: Request, who: Chatter, session_id: str, body: Again
) -> dict[str, Any]:
    """Answer a message again, beside the answers it has."""
    started = await house_of(request).runs.regenerate(
        who, session_id, body.message_id, model=body.model
    )
    return asdict(started)


@router.post("/{session_id}/stop")
async def stop(request: Request, who: Chatter, session_id: str) -> dict[str, bool]:
    """Stop the running answer."""
    return {"stopped": await house_of(request).runs.stop(who, session_id)}


@router.post("/{session_id}/typing", status_code=204)
async def write(request: Request, who: Chatter, session_id: str) -> None:
    """Let it be known that its owner writes: they are not reminded, and the desk may see it."""
    house = house_of(request)
    await house.database.read(lambda c: sessions.get_session(c, who, session_id))
    house.typing.note(session_id, house.stamps.now(), staff=False)
    house.runs.bells.ring(DESK)


@router.post("/{session_id}/forms/{form_id}", status_code=204)
async def answer_form(
    request: Request, who: Chatter, session_id: str, form_id: str, body: FormReply
) -> None:
    """Answer what a program of others asks in the middle of a call."""
    house = house_of(request)
    await house.database.read(lambda c: sessions.get_session(c, who, session_id))
    house.runs.forms.answer(session_id, form_id, body.action, body.values)


@router.put("/{session_id}/head", status_code=204)
async def head(request: Request, who: Chatter, session_id: str, body: Head) -> None:
    """Show another branch."""

    def move(connection: Connection) -> None:
        sessions.get_session(connection, who, session_id)
        sessions.set_head(connection, session_id, body.message_id)

    await house_of(request).database.write(move)


@router.put("/{session_id}/messages/{message_id}/thumb", status_code=204)
async def rate(
    request: Request, who: Chatter, session_id: str, message_id: str, body: Rating
) -> None:
    """Keep a thumb and why."""

    def keep(connection: Connection) -> None:
        sessions.get_session(connection, who, session_id)
        sessions.rate_message(connection, session_id, message_id, body.thumb, body.reason)

    await house_of(request).database.write(keep)


@router.put("/{session_id}/rating", status_code=204)
async def rate_session(request: Request, who: Chatter, session_id: str, body: Score) -> None:
    """Keep how one was helped."""
    house = house_of(request)

    def keep(connection: Connection) -> None:
        sessions.get_session(connection, who, session_id)
        visitors.rate(connection, house.stamps, session_id, body.score, body.comment)

    await house.database.write(keep)
    house.runs.bells.ring(DESK, session_id)


@router.get("/{session_id}/events")
async def events(
    request: Request,
    who: Who,
    session_id: str,
    after: int = 0,
    last_event_id: Annotated[int | None, Header()] = None,
) -> StreamingResponse:
    """The session's events after a number, then live until its run ends."""
    house = house_of(request)
    await house.database.read(lambda c: sessions.get_session(c, who, session_id))
    start = last_event_id if last_event_id is not None else after
    secret = credential(request)

    async def proof() -> None:
        again = await identify(house, secret)
        await house.database.read(lambda c: sessions.get_session(c, again, session_id))

    follower = house.runs.follower(session_id, start)
    frames = event_stream(follower, who.language)
    streams: OpenStreams = request.app.state.streams
    return StreamingResponse(
        streams.while_allowed(frames, follower.close, proof), media_type="text/event-stream"
    )


@router.get("/{session_id}/watch")
async def watch(request: Request, who: Who, session_id: str) -> StreamingResponse:
    """The session as it is, then what changes of it: for as long as people take part in it."""
    house = house_of(request)
    await house.database.read(lambda c: sessions.get_session(c, who, session_id))

    def look(connection: Connection) -> dict[str, Any]:
        return session_view(connection, house, who, session_id)

    return watched(request, who, [session_id], look)
