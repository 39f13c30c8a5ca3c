"""A visit over HTTP: what a visitor may do, in the one session that their token holds.

The token comes in the `Authorization` header alone, never in a cookie, and is no way into anything
else: no other route knows visitors, and these know no users.
"""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from attenda.core.errors import Conflict, TooLarge, Unauthenticated
from attenda.core.principal import Grant, Principal
from attenda.runtime.desk import Desk
from attenda.runtime.house import House
from attenda.runtime.live import DESK
from attenda.serve.access import OpenStreams
from attenda.serve.gate import house_of
from attenda.serve.streams import event_stream
from attenda.serve.visit_view import Score, visit_body, visit_view
from attenda.serve.watch import watched
from attenda.store import privacy, sessions, visitors
from attenda.store.database import Connection

__all__ = ["router"]

router = APIRouter(prefix="/api/visit", tags=["visit"])
_MOST = 4_000
"""Characters of one message."""


def _secret(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


async def identify_visitor(house: House, secret: str) -> Principal:
    """Whose visit a token is.

    Raises:
        Unauthenticated: nobody's, any more.
    """
    return await house.database.read(lambda c: visitors.authenticate(c, house.stamps, secret))


async def visitor(request: Request) -> Principal:
    """Who asks, with what is granted at this moment.

    Raises:
        Unauthenticated: no visitor.
    """
    return await identify_visitor(house_of(request), _secret(request))


Visitor = Annotated[Principal, Depends(visitor)]


class Words(BaseModel):
    """A message."""

    text: str
    client_id: str = Field(min_length=8, max_length=64)
    """A name that the client gives it: sent again under the same name, it comes in once."""


class Writing(BaseModel):
    """Whether the visitor writes at this moment."""

    stopped: bool = False


def _grant(who: Principal) -> Grant:
    if who.grant is None:
        raise Unauthenticated("channel.visit_over")
    return who.grant


@router.get("")
async def read(request: Request, who: Visitor) -> dict[str, Any]:
    """The conversation, and who has it."""
    house = house_of(request)
    return await house.database.read(lambda c: visit_view(c, house, who))


@router.post("/messages", status_code=202)
async def say(request: Request, who: Visitor, body: Words) -> dict[str, Any]:
    """Take a message and begin to answer it; once, however often it is sent."""
    house, session_id = house_of(request), _grant(who).session_id
    if len(body.text) > _MOST:
        raise TooLarge("message.too_long", limit=_MOST)

    def before(connection: Connection) -> str | None:
        came = sessions.named_message(connection, session_id, body.client_id)
        if came is None:
            visitors.check_pace(connection, house.stamps, session_id)
            visitors.stay(connection, house.stamps, session_id)
        return came

    came = await house.database.write(before)
    if came is None:
        try:
            started = await house.runs.start(who, session_id, body.text, client_id=body.client_id)
        except Conflict as problem:
            if problem.key != "message.came_already":
                raise
        else:
            house.typing.note(session_id, house.stamps.now(), staff=False, stopped=True)
            return asdict(started)
    find = sessions.named_message
    return {"user_message_id": came or await house.database.read(
        lambda c: find(c, session_id, body.client_id)
    )}  # fmt: skip


@router.post("/person", status_code=204)
async def ask_person(request: Request, who: Visitor) -> None:
    """Ask for a person instead."""
    await Desk(house_of(request)).ask_person(who, _grant(who).session_id)


@router.post("/stop")
async def stop(request: Request, who: Visitor) -> dict[str, bool]:
    """Stop the running answer."""
    return {"stopped": await house_of(request).runs.stop(who, _grant(who).session_id)}


@router.post("/typing", status_code=204)
async def write(request: Request, who: Visitor, body: Writing | None = None) -> None:
    """Let the desk see that the visitor writes."""
    house, session_id = house_of(request), _grant(who).session_id
    house.typing.note(
        session_id, house.stamps.now(), staff=False, stopped=bool(body and body.stopped)
    )
    house.runs.bells.ring(DESK, session_id)


@router.put("/rating", status_code=204)
async def rate(request: Request, who: Visitor, body: Score) -> None:
    """Keep how it was."""
    house, session_id = house_of(request), _grant(who).session_id
    await house.database.write(
        lambda c: visitors.rate(c, house.stamps, session_id, body.score, body.comment)
    )
    house.runs.bells.ring(DESK, session_id)


@router.delete("", status_code=204)
async def forget(request: Request, who: Visitor) -> None:
    """Erase the conversation for good."""
    house, session_id = house_of(request), _grant(who).session_id
    await house.runs.silence(session_id)
    await house.database.write(lambda c: privacy.erase_visit(c, who))
    house.runs.bells.ring(DESK, session_id)


@router.get("/events")
async def events(
    request: Request,
    who: Visitor,
    after: int = 0,
    last_event_id: Annotated[int | None, Header()] = None,
) -> StreamingResponse:
    """The words of the answer after a number, then live until it has ended."""
    house, session_id, secret = house_of(request), _grant(who).session_id, _secret(request)

    async def proof() -> None:
        await identify_visitor(house, secret)

    start = last_event_id if last_event_id is not None else after
    follower = house.runs.follower(session_id, start)
    frames = event_stream(follower, who.language, visit_body)
    streams: OpenStreams = request.app.state.streams
    return StreamingResponse(
        streams.while_allowed(frames, follower.close, proof), media_type="text/event-stream"
    )


@router.get("/watch")
async def watch(request: Request, who: Visitor) -> StreamingResponse:
    """The conversation as it is, then what changes of it."""
    house = house_of(request)

    def look(connection: Connection) -> dict[str, Any]:
        return visit_view(connection, house, who)

    return watched(request, who, [_grant(who).session_id], look, (_secret, identify_visitor))
