"""Conversations of a pack's agents as figures need them: when what happened, hardly a word.

Who reads them may manage agents, and sees the conversations of agents that are theirs to talk to.
Questions that nobody could answer are told in the customer's words, and so only where staff may
read those: on the desk, from a channel's visitor, or one's own.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, or_, select

from attenda.core.event import HandedOff, event_from_json
from attenda.core.message import Message
from attenda.core.principal import Principal
from attenda.store.desk import on_desk
from attenda.store.rights import visible
from attenda.store.schema import agents, audit, events, messages, runs, sessions
from attenda.store.schema_channels import ratings

__all__ = ["OpenQuestion", "Talk", "open_questions", "talks_of"]


@dataclass(frozen=True, slots=True)
class Talk:
    """One conversation; times are microseconds since 1970, UTC."""

    id: str
    customer: str
    """The id of whom it belongs to."""
    owner: str
    """Who has it now: `bot`, `queued`, `human`, `waiting` or `resolved`."""
    begun_at: int
    asked_at: tuple[int, ...]
    """When its customer wrote."""
    answered_at: tuple[int, ...]
    """When the bot had answered."""
    person_at: tuple[int, ...]
    """When a person had."""
    handoffs: tuple[tuple[int, str], ...]
    """When it was handed off, and why: `asked`, `unclear`, or a flow's own words."""
    closed_at: tuple[int, ...]
    """When a person closed it."""
    score: int | None
    """How it was, from 1 to 5, if its customer said."""
    comment: str


@dataclass(frozen=True, slots=True)
class OpenQuestion:
    """What somebody asked and the bot could not answer."""

    session_id: str
    message_id: str
    text: str
    at: int
    """Microseconds since 1970, UTC."""


def _of_pack(who: Principal, pack: str, since: int) -> ColumnElement[bool]:
    """Sessions with agents of a pack that `who` may talk to, not those that try a draft."""
    theirs = select(agents.c.id).where(agents.c.pack == pack)
    if who.role != "owner":
        theirs = theirs.where(visible(agents, who))
    return and_(
        sessions.c.agent_id.in_(theirs),
        sessions.c.deleted_at.is_(None),
        sessions.c.uses_draft.is_(False),
        sessions.c.updated_at >= since,
    )


def talks_of(connection: Connection, who: Principal, pack: str, since: int) -> list[Talk]:
    """The conversations with a pack's agents of which something is newer than `since`."""
    these = _of_pack(who, pack, since)
    ids = select(sessions.c.id).where(these)
    said = _said(connection, ids)
    handed = _handoffs(connection, ids)
    closed = _grouped(connection, _noted("session.resolved", ids))
    columns = [sessions.c[name] for name in ("id", "owner_id", "owner", "created_at")]
    statement = (
        select(*columns, ratings.c.score, ratings.c.comment)
        .outerjoin(ratings, ratings.c.session_id == sessions.c.id)
        .where(these)
        .order_by(sessions.c.created_at, sessions.c.id)
    )
    return [
        Talk(
            id=row.id,
            customer=row.owner_id,
            owner=row.owner,
            begun_at=row.created_at,
            asked_at=tuple(said[row.id, "user"]),
            answered_at=tuple(said[row.id, "bot"]),
            person_at=tuple(said[row.id, "person"]),
            handoffs=tuple(sorted(handed[row.id])),
            closed_at=tuple(closed[row.id]),
            score=row.score,
            comment=row.comment or "",
        )
        for row in connection.execute(statement)
    ]


def _said(connection: Connection, ids: Select[Any]) -> dict[tuple[str, str], list[int]]:
    """Times by session and speaker; an answer's is when it was whole."""
    statement = (
        select(
            messages.c.session_id,
            messages.c.role,
            messages.c.author_id,
            messages.c.run_id,
            messages.c.created_at,
            runs.c.finished_at,
        )
        .outerjoin(runs, runs.c.id == messages.c.run_id)
        .where(messages.c.session_id.in_(ids), messages.c.status == "done")
        .order_by(messages.c.created_at, messages.c.id)
    )
    found: dict[tuple[str, str], list[int]] = defaultdict(list)
    for row in connection.execute(statement):
        if row.role == "user":
            found[row.session_id, "user"].append(row.created_at)
        elif row.author_id:
            found[row.session_id, "person"].append(row.created_at)
        elif row.run_id:  # what the house says by itself answers nobody
            found[row.session_id, "bot"].append(row.finished_at or row.created_at)
    return found


def _handoffs(connection: Connection, ids: Select[Any]) -> dict[str, list[tuple[int, str]]]:
    """By session: those that flows began, from the log, and those that were asked for beside it."""
    found: dict[str, list[tuple[int, str]]] = defaultdict(list)
    statement = select(events.c.session_id, events.c.at, events.c.body).where(
        events.c.session_id.in_(ids), events.c.kind == "handed_off"
    )
    for row in connection.execute(statement):
        event = event_from_json(row.body)
        assert isinstance(event, HandedOff)
        found[row.session_id].append((row.at, event.reason))
    for row in connection.execute(_noted("session.queued", ids)):
        found[row.object_id].append((row.at, "asked"))
    return found


def _noted(action: str, ids: Select[Any]) -> Select[Any]:
    return (
        select(audit.c.object_id, audit.c.at)
        .where(audit.c.action == action, audit.c.object_id.in_(ids))
        .order_by(audit.c.number)
    )


def _grouped(connection: Connection, statement: Select[Any]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = defaultdict(list)
    for row in connection.execute(statement):
        found[row.object_id].append(row.at)
    return found


def open_questions(
    connection: Connection, who: Principal, pack: str, since: int, limit: int = 2000
) -> list[OpenQuestion]:
    """What was asked since then and found no answer in the documents, the newest first."""
    readable = or_(on_desk(who), sessions.c.owner_id.startswith("vis_"), visible(sessions, who))
    answers = messages.alias("answers")
    statement = (
        select(
            messages.c.session_id, messages.c.id, messages.c.role, messages.c.parts,
            messages.c.created_at,
        )
        .join(
            answers,
            and_(
                answers.c.session_id == messages.c.session_id,
                answers.c.parent_id == messages.c.id,
            ),
        )
        .join(
            events,
            and_(
                events.c.session_id == answers.c.session_id, events.c.run_id == answers.c.run_id
            ),
        )
        .join(sessions, sessions.c.id == messages.c.session_id)
        .where(events.c.kind == "nearest", events.c.at >= since, messages.c.role == "user")
        .where(_of_pack(who, pack, since), readable)
        .order_by(messages.c.created_at.desc(), messages.c.id)
        .limit(limit)
    )  # fmt: skip
    return list(_each_once(connection.execute(statement)))


def _each_once(rows: Iterable[Any]) -> Iterable[OpenQuestion]:
    """A message that was answered several times counts once."""
    told: set[str] = set()
    for row in rows:
        if row.id not in told:
            told.add(row.id)
            text = Message.model_validate({"role": row.role, "parts": row.parts}).text
            yield OpenQuestion(row.session_id, row.id, text, row.created_at)
