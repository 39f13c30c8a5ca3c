"""The desk over HTTP: who waits, taking, answering, notes and labels, giving back; all live."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from attenda.core.errors import NotFound
from attenda.core.principal import Principal
from attenda.core.words import sentence
from attenda.runtime.desk import Desk
from attenda.runtime.handoff import summary
from attenda.runtime.house import House
from attenda.runtime.live import DESK
from attenda.runtime.suggesting import Suggesting
from attenda.serve.approvals import approval_rows, approvals_in, lost_in
from attenda.serve.gate import house_of, require
from attenda.serve.session_view import messages_view
from attenda.serve.visit_view import customer_names, desk_facts
from attenda.serve.watch import watched
from attenda.store import alarms, desk, desk_notes, lost_effects, runs, sessions, suggestions
from attenda.store.database import Connection

__all__ = ["router"]

router = APIRouter(prefix="/api/desk", tags=["desk"])
Staff = Annotated[Principal, Depends(require("desk"))]
Approver = Annotated[Principal, Depends(require("approve"))]
_PATH = "/sessions/{session_id}"


class Claim(BaseModel):
    """How a session is taken."""

    take_over: bool = False
    """From another person; supervisors may."""


class Words(BaseModel):
    """A reply or a note."""

    text: str


class Answer(Words):
    """A reply."""

    suggestion_id: str = Field(default="", max_length=40)
    """The suggestion that it was made of."""


class Found(BaseModel):
    """What somebody found out of a deed whose answer was lost."""

    done: bool


class Labels(BaseModel):
    """All labels of a session."""

    labels: list[str]


class Reply(BaseModel):
    """A reply for many times."""

    title: str = Field(min_length=1, max_length=80)
    text: str = Field(min_length=1, max_length=20_000)


@router.get("")
async def list_(request: Request, who: Staff) -> dict[str, Any]:
    """The sessions of the desk, alarms first, then those that wait longest; how many wait."""
    return await house_of(request).database.read(lambda c: _lists(c, who))


@router.get("/events")
async def events(request: Request, who: Staff, session: str = "") -> StreamingResponse:
    """The desk live: its lists, its approvals, and one conversation if it is named."""
    house = house_of(request)

    def look(connection: Connection) -> dict[str, Any]:
        found = _lists(connection, who)
        found["approvals"] = approval_rows(connection, house, who) if who.may("approve") else []
        if session:
            found["conversation"] = _conversation_or_none(connection, house, who, session)
        return found

    return watched(request, who, [DESK, session], look)


@router.get(_PATH)
async def read(request: Request, who: Staff, session_id: str) -> dict[str, Any]:
    """One conversation, with all that a person must know who takes it."""
    house = house_of(request)
    return await house.database.read(lambda c: _conversation(c, house, who, session_id))


@router.post(f"{_PATH}/claim", status_code=204)
async def claim(request: Request, who: Staff, session_id: str, body: Claim | None = None) -> None:
    """Take a session; of many who try, one gets it and the others learn who."""
    take_over = body.take_over if body else False
    await Desk(house_of(request)).claim(who, session_id, take_over=take_over)


@router.post(f"{_PATH}/messages", status_code=201)
async def reply(request: Request, who: Staff, session_id: str, body: Answer) -> dict[str, str]:
    """Answer as a person."""
    house = house_of(request)
    message_id = await Desk(house).reply(who, session_id, body.text, body.suggestion_id)
    house.typing.note(session_id, house.stamps.now(), staff=True, stopped=True)
    return {"id": message_id}


@router.post(f"{_PATH}/suggestion")
async def suggest(request: Request, who: Staff, session_id: str) -> dict[str, Any]:
    """A draft of an answer, from documents or the flow's state; nothing is sent.

    Without an id there is none, and `reason` says why.
    """
    made = await Suggesting(house_of(request)).suggest(who, session_id)
    if made is None:
        return {"id": "", "reason": sentence(who.language, "desk.no_suggestion")}
    cited = [one.model_dump() for one in made.citations]
    return {"id": made.id, "text": made.text, "citations": cited}


@router.post(f"{_PATH}/typing", status_code=204)
async def write(request: Request, who: Staff, session_id: str) -> None:
    """Let the customer see that their person writes."""
    house = house_of(request)
    await house.database.read(lambda c: desk.require_claim(c, who, session_id))
    house.typing.note(session_id, house.stamps.now(), staff=True)
    house.runs.bells.ring(session_id)


@router.post(f"{_PATH}/return", status_code=204)
async def hand_back(request: Request, who: Staff, session_id: str) -> None:
    """Give a session back to the bot."""
    await Desk(house_of(request)).hand_back(who, session_id)


@router.post(f"{_PATH}/resolve", status_code=204)
async def resolve(request: Request, who: Staff, session_id: str) -> None:
    """Close a session until its customer writes again."""
    await Desk(house_of(request)).resolve(who, session_id)


@router.post(f"{_PATH}/effects/{{key}}", status_code=204)
async def settle(request: Request, who: Approver, session_id: str, key: str, body: Found) -> None:
    """Say whether a deed was done whose answer was lost; undone, it may be asked for anew."""
    house = house_of(request)

    def work(connection: Connection) -> None:
        desk.desk_session(connection, who, session_id)
        lost_effects.settle(connection, house.stamps, who, session_id, key, done=body.done)

    await house.database.write(work)
    house.runs.bells.ring(session_id, DESK)


@router.post(f"{_PATH}/notes", status_code=201)
async def add_note(request: Request, who: Staff, session_id: str, body: Words) -> dict[str, str]:
    """Keep a note that the desk alone sees."""
    house = house_of(request)
    id_ = await house.database.write(
        lambda c: desk_notes.add_note(c, house.stamps, who, session_id, body.text)
    )
    house.runs.bells.ring(DESK)
    return {"id": id_}


@router.put(f"{_PATH}/labels")
async def set_labels(request: Request, who: Staff, session_id: str, body: Labels) -> list[str]:
    """Let a session have just these labels."""
    house = house_of(request)
    kept = await house.database.write(
        lambda c: desk_notes.set_labels(c, who, session_id, body.labels)
    )
    house.runs.bells.ring(DESK)
    return kept


@router.get("/replies")
async def replies(request: Request, who: Staff) -> list[dict[str, Any]]:
    """The replies kept for many times."""
    del who
    return await house_of(request).database.read(desk_notes.list_replies)


@router.post("/replies", status_code=201)
async def add_reply(request: Request, who: Staff, body: Reply) -> dict[str, str]:
    """Keep a reply for many times."""
    house = house_of(request)
    id_ = await house.database.write(
        lambda c: desk_notes.add_reply(c, house.stamps, who, body.title, body.text)
    )
    return {"id": id_}


@router.delete("/replies/{reply_id}", status_code=204)
async def remove_reply(request: Request, who: Staff, reply_id: str) -> None:
    """Forget a reply."""
    await house_of(request).database.write(lambda c: desk_notes.remove_reply(c, who, reply_id))


def _lists(connection: Connection, who: Principal) -> dict[str, Any]:
    rows = desk.list_desk(connection, who)
    names = customer_names(connection, [one.session.owner_id for one in rows], who.language)
    return {
        "sessions": [_row(one, names) for one in rows],
        "waiting": desk.count_queued(connection, who),
    }


def _row(row: desk.DeskRow, visitors: Mapping[str, str]) -> dict[str, Any]:
    session = row.session
    kept = ("id", "title", "owner", "owner_at", "claimed_by", "updated_at", "promised_at")
    return {
        **{name: getattr(session, name) for name in kept},
        "customer": row.customer or visitors.get(session.owner_id, ""),
        "agent": row.agent,
        "person": row.claimed_name,
        "last_role": row.last_role,
        "last_text": row.last_text,
        "labels": list(row.labels),
        "alarm": row.alarm,
    }


def _conversation_or_none(
    connection: Connection, house: House, who: Principal, session_id: str
) -> dict[str, Any] | None:
    """Nothing where it has left the desk meanwhile."""
    try:
        return _conversation(connection, house, who, session_id)
    except NotFound:
        return None


def _conversation(
    connection: Connection, house: House, who: Principal, session_id: str
) -> dict[str, Any]:
    session = desk.desk_session(connection, who, session_id)
    tree = sessions.message_tree(connection, session_id)
    path = sessions.message_path(tree, session.head_id)
    found = runs.run_notes(connection, session_id)
    people = [one for one in (session.claimed_by, session.owner_id) if one]
    names = desk.user_names(connection, people)
    names |= customer_names(connection, people, who.language)
    drafted = suggestions.outcomes(connection, session_id)
    raised = alarms.alarms_in(connection, session_id)
    shown = messages_view(connection, path, found, who.language)
    return {
        **asdict(session),
        "customer": names.get(session.owner_id, ""),
        "person": names.get(session.claimed_by or "", ""),
        "messages": [
            {**one, "drafted": drafted.get(one["id"], ""), "alarm": raised.get(one["id"], "")}
            for one in shown
        ],
        "alarm": alarms.standing_alarms(connection, [session_id]).get(session_id, ""),
        "summary": summary(house, connection, session, who.language),
        "notes": desk_notes.notes_of(connection, session_id),
        "labels": desk_notes.labels_of(connection, session_id),
        "approvals": approvals_in(connection, house, who, session_id),
        "lost": lost_in(connection, who, session_id),
        "others": desk.other_sessions(connection, who, session),
        **desk_facts(connection, house, session),
    }
