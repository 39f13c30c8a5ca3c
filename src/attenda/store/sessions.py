"""Sessions, their message trees, runs and event logs.

A message hangs on its parent, so regenerating makes a sibling and editing makes a branch; nothing
is overwritten. A session has one running answer at most. Events are numbered within their session
and only added. Each function works on a connection inside someone's transaction.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from attenda.core.errors import AttendaError, Conflict, NotFound
from attenda.core.event import Cited, Event, RunStarted, TextAdded, event_from_json
from attenda.core.label import Label
from attenda.core.message import CitationPart, Message, Part, TextPart
from attenda.core.ports import Usage
from attenda.core.principal import Principal
from attenda.store.rights import changeable, visible
from attenda.store.schema import events, messages, runs, sessions
from attenda.store.stamps import Stamps

__all__ = [
    "NumberedEvent",
    "RunNote",
    "Session",
    "StoredMessage",
    "add_message",
    "answer_from_events",
    "append_events",
    "begin_run",
    "create_session",
    "erase_session",
    "events_after",
    "fail_orphans",
    "finish_run",
    "get_session",
    "list_sessions",
    "message_path",
    "message_tree",
    "rate_message",
    "run_notes",
    "set_head",
    "update_session",
]


@dataclass(frozen=True, slots=True)
class Session:
    """One row of the list of chats."""

    id: str
    agent_id: str | None
    title: str
    pinned: bool
    owner: str
    head_id: str | None
    last_event: int
    created_at: int
    updated_at: int
    deleted_at: int | None
    owner_id: str
    team_id: str | None


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """A message with its place in the tree."""

    id: str
    session_id: str
    parent_id: str | None
    run_id: str | None
    status: str
    """`running`, `done`, `stopped` or `failed`."""
    message: Message
    created_at: int
    thumb: int = 0
    thumb_reason: str = ""


@dataclass(slots=True)
class RunNote:
    """A run's state, and what it searched and found."""

    state: str
    error: dict[str, Any] | None
    """Key and values of the catalogue."""
    model: str
    first_event: int = 0
    events: list[Event] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class NumberedEvent:
    """An event with its number in the session's log."""

    number: int
    run_id: str
    event: Event


def create_session(
    connection: Connection, stamps: Stamps, who: Principal, agent_id: str | None = None
) -> Session:
    """A new, empty session of `who`."""
    now = stamps.now()
    row = {"id": stamps.new_id("ses"), "agent_id": agent_id, "owner_id": who.id}
    connection.execute(insert(sessions).values(**row, created_at=now, updated_at=now))
    return get_session(connection, who, row["id"] or "")


def get_session(connection: Connection, who: Principal, session_id: str) -> Session:
    """The session, if `who` may see it.

    Raises:
        NotFound: it is not there or not theirs.
    """
    statement = select(sessions).where(sessions.c.id == session_id, visible(sessions, who))
    row = connection.execute(statement.where(sessions.c.deleted_at.is_(None))).mappings().first()
    if row is None:
        raise NotFound("session.missing")
    return Session(**row)


def list_sessions(
    connection: Connection, who: Principal, *, words: str = "", limit: int = 200
) -> list[Session]:
    """Sessions of `who`, pinned first, newest first; `words` looks in titles and messages."""
    statement = select(sessions).where(visible(sessions, who), sessions.c.deleted_at.is_(None))
    if words.strip():
        like = f"%{words.strip().replace('%', '').replace('_', '')}%"
        spoken = select(messages.c.session_id).where(
            func.lower(func.cast(messages.c.parts, _text())).like(like.lower())
        )
        statement = statement.where(
            func.lower(sessions.c.title).like(like.lower()) | sessions.c.id.in_(spoken)
        )
    ordered = statement.order_by(sessions.c.pinned.desc(), sessions.c.updated_at.desc())
    return [Session(**row) for row in connection.execute(ordered.limit(limit)).mappings()]


def _text() -> Any:
    from sqlalchemy import Text

    return Text()


def update_session(
    connection: Connection, who: Principal, session_id: str, **values: object
) -> None:
    """Change title, pin, agent or deletion of a session.

    Raises:
        NotFound: it is not there or not theirs to change.
    """
    statement = update(sessions).where(sessions.c.id == session_id, changeable(sessions, who))
    if connection.execute(statement.values(**values)).rowcount == 0:
        raise NotFound("session.missing")


def add_message(
    connection: Connection,
    stamps: Stamps,
    session_id: str,
    message: Message,
    label: Label,
    *,
    parent_id: str | None,
) -> StoredMessage:
    """Hang a finished message on `parent_id` and make it the head.

    Raises:
        NotFound: the parent is not a message of this session.
    """
    if parent_id is not None:
        statement = select(messages.c.id).where(
            messages.c.id == parent_id, messages.c.session_id == session_id
        )
        if connection.execute(statement).first() is None:
            raise NotFound("message.missing")
    stored = StoredMessage(
        id=stamps.new_id("msg"),
        session_id=session_id,
        parent_id=parent_id,
        run_id=None,
        status="done",
        message=message,
        created_at=stamps.now(),
    )
    _insert_message(connection, stored, label)
    _move_head(connection, session_id, stored.id, stamps.now())
    return stored


def begin_run(
    connection: Connection, stamps: Stamps, user_message: StoredMessage, model: str, label: Label
) -> tuple[str, StoredMessage]:
    """Open a run that answers `user_message`: its id and the empty answer.

    Raises:
        Conflict: the session has a running answer.
    """
    session_id = user_message.session_id
    running = select(runs.c.id).where(runs.c.session_id == session_id, runs.c.state == "running")
    if connection.execute(running).first() is not None:
        raise Conflict("session.busy")
    run_id = stamps.new_id("run")
    answer = StoredMessage(
        id=stamps.new_id("msg"),
        session_id=session_id,
        parent_id=user_message.id,
        run_id=run_id,
        status="running",
        message=Message(role="assistant"),
        created_at=stamps.now(),
    )
    connection.execute(
        insert(runs).values(
            id=run_id,
            session_id=session_id,
            message_id=answer.id,
            model=model,
            state="running",
            started_at=stamps.now(),
        )
    )
    _insert_message(connection, answer, label)
    _move_head(connection, session_id, answer.id, stamps.now())
    return run_id, answer


def finish_run(
    connection: Connection,
    stamps: Stamps,
    run_id: str,
    message: Message,
    status: str,
    *,
    usage: Usage = Usage(),  # noqa: B008 - frozen
    error: AttendaError | None = None,
) -> None:
    """Close a run: its answer, usage and state, in the caller's one transaction."""
    reason = {"key": error.key, "values": _texts(error.values)} if error else None
    connection.execute(
        update(runs)
        .where(runs.c.id == run_id, runs.c.state == "running")
        .values(
            state=status,
            error=reason,
            prompt_tokens=usage.prompt_tokens,
            answer_tokens=usage.answer_tokens,
            finished_at=stamps.now(),
        )
    )
    parts = message.model_dump(mode="json")["parts"]
    connection.execute(
        update(messages).where(messages.c.run_id == run_id).values(parts=parts, status=status)
    )


def append_events(
    connection: Connection, stamps: Stamps, session_id: str, run_id: str, new: Sequence[Event]
) -> list[NumberedEvent]:
    """Number and store events; returns them with their numbers."""
    if not new:
        return []
    statement = (
        update(sessions)
        .where(sessions.c.id == session_id)
        .values(last_event=sessions.c.last_event + len(new))
        .returning(sessions.c.last_event)
    )
    last = connection.execute(statement).scalar_one()
    first = last - len(new) + 1
    rows = [
        {
            "session_id": session_id,
            "number": first + place,
            "run_id": run_id,
            "kind": event.type,
            "body": event.model_dump_json(),
            "at": stamps.now(),
        }
        for place, event in enumerate(new)
    ]
    connection.execute(insert(events), rows)
    return [NumberedEvent(first + place, run_id, event) for place, event in enumerate(new)]


def events_after(
    connection: Connection, session_id: str, number: int, run_id: str | None = None
) -> list[NumberedEvent]:
    """The events of a session (or one run of it) after `number`, in order."""
    statement = select(events.c.number, events.c.run_id, events.c.body).where(
        events.c.session_id == session_id, events.c.number > number
    )
    if run_id is not None:
        statement = statement.where(events.c.run_id == run_id)
    rows = connection.execute(statement.order_by(events.c.number))
    return [NumberedEvent(number, run, event_from_json(body)) for number, run, body in rows]


def run_notes(connection: Connection, session_id: str) -> dict[str, RunNote]:
    """What a page shows of each run besides its words, by run id."""
    columns = [runs.c.id, runs.c.state, runs.c.error, runs.c.model]
    rows = connection.execute(select(*columns).where(runs.c.session_id == session_id))
    notes = {id_: RunNote(state, error, model) for id_, state, error, model in rows}
    kinds = ("run.started", "searched", "nearest")
    statement = (
        select(events.c.number, events.c.run_id, events.c.body)
        .where(events.c.session_id == session_id, events.c.kind.in_(kinds))
        .order_by(events.c.number)
    )
    for number, run_id, body in connection.execute(statement):
        event = event_from_json(body)
        if isinstance(event, RunStarted):
            notes[run_id].first_event = number
        else:
            notes[run_id].events.append(event)
    return notes


def message_tree(connection: Connection, session_id: str) -> list[StoredMessage]:
    """All messages of a session, oldest first."""
    statement = select(messages).where(messages.c.session_id == session_id)
    rows = connection.execute(statement.order_by(messages.c.created_at, messages.c.id)).mappings()
    return [_stored(dict(row)) for row in rows]


def message_path(tree: Sequence[StoredMessage], head_id: str | None) -> list[StoredMessage]:
    """The way from the root of `tree` to `head_id`."""
    by_id = {stored.id: stored for stored in tree}
    path: list[StoredMessage] = []
    while head_id is not None and head_id in by_id:
        path.append(by_id[head_id])
        head_id = by_id[head_id].parent_id
    return path[::-1]


def set_head(connection: Connection, session_id: str, message_id: str) -> None:
    """Show the branch that ends in `message_id`.

    Raises:
        NotFound: it is not a message of this session.
    """
    statement = select(messages.c.id).where(
        messages.c.id == message_id, messages.c.session_id == session_id
    )
    if connection.execute(statement).first() is None:
        raise NotFound("message.missing")
    connection.execute(
        update(sessions).where(sessions.c.id == session_id).values(head_id=message_id)
    )


def rate_message(
    connection: Connection, session_id: str, message_id: str, thumb: int, reason: str
) -> None:
    """Keep a thumb (1, -1, or 0 for none) and why.

    Raises:
        NotFound: it is not a message of this session.
    """
    statement = update(messages).where(
        messages.c.id == message_id, messages.c.session_id == session_id
    )
    if connection.execute(statement.values(thumb=thumb, thumb_reason=reason)).rowcount == 0:
        raise NotFound("message.missing")


def fail_orphans(connection: Connection, stamps: Stamps, error: AttendaError) -> list[str]:
    """Close the runs that a dead process left open, keeping the text they had; their ids."""
    open_runs = connection.execute(
        select(runs.c.id, runs.c.session_id).where(runs.c.state == "running")
    ).all()
    for run_id, session_id in open_runs:
        log = events_after(connection, session_id, 0, run_id)
        finish_run(connection, stamps, run_id, answer_from_events(log), "failed", error=error)
    return [run_id for run_id, _ in open_runs]


def answer_from_events(log: Sequence[NumberedEvent]) -> Message:
    """The answer that a run's events spell: what the log says is what is shown."""
    text = ""
    cited: list[Part] = []
    for numbered in log:
        event = numbered.event
        if isinstance(event, TextAdded):
            text = text[: event.at] + event.text
        elif isinstance(event, Cited):
            cited.append(CitationPart(citation=event.citation))
    return Message(role="assistant", parts=(TextPart(text=text), *cited))


def _texts(values: dict[str, object]) -> dict[str, str]:
    return {name: str(value) for name, value in values.items()}


def _insert_message(connection: Connection, stored: StoredMessage, label: Label) -> None:
    connection.execute(
        insert(messages).values(
            id=stored.id,
            session_id=stored.session_id,
            parent_id=stored.parent_id,
            run_id=stored.run_id,
            role=stored.message.role,
            parts=stored.message.model_dump(mode="json")["parts"],
            status=stored.status,
            created_at=stored.created_at,
            integrity=label.integrity,
            readers=sorted(label.readers),
            sources=sorted(label.sources),
        )
    )


def _move_head(connection: Connection, session_id: str, message_id: str, now: int) -> None:
    connection.execute(
        update(sessions)
        .where(sessions.c.id == session_id)
        .values(head_id=message_id, updated_at=now)
    )


def _stored(row: dict[str, Any]) -> StoredMessage:
    parts = row["parts"] if isinstance(row["parts"], list) else json.loads(row["parts"])
    return StoredMessage(
        id=row["id"],
        session_id=row["session_id"],
        parent_id=row["parent_id"],
        run_id=row["run_id"],
        status=row["status"],
        message=Message.model_validate({"role": row["role"], "parts": parts}),
        created_at=row["created_at"],
        thumb=row["thumb"],
        thumb_reason=row["thumb_reason"],
    )


def erase_session(connection: Connection, session_id: str) -> None:
    """Delete a session with all its messages, runs and events, for good."""
    connection.execute(delete(sessions).where(sessions.c.id == session_id))
