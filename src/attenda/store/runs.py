"""Runs and their event logs: opened, appended to, closed; what a dead process left is mended.

A session has one running answer at most. Events are numbered within their session and only
added. Each function works on a connection inside someone's transaction.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Connection, bindparam, insert, select, update

from attenda.core.errors import AttendaError, Conflict, NotFound
from attenda.core.event import Cited, Event, RunFinished, RunStarted, TextAdded, event_from_json
from attenda.core.label import Label
from attenda.core.message import CitationPart, Message, Part, TextPart
from attenda.core.ports import Usage
from attenda.core.principal import Principal
from attenda.store.rights import visible
from attenda.store.schema import events, messages, runs, sessions
from attenda.store.sessions import StoredMessage, insert_message, move_head
from attenda.store.stamps import Stamps

__all__ = [
    "NumberedEvent",
    "RunNote",
    "answer_from_events",
    "append_events",
    "append_many",
    "begin_run",
    "events_after",
    "events_of_kind",
    "events_of_run",
    "fail_orphans",
    "finish_run",
    "get_run",
    "keep_dialogue",
    "label_answer",
    "list_runs",
    "run_notes",
    "timed_events",
    "withdraw_run",
]

# What each turn needs is made once: making a statement costs more than running it.
_RUNNING = select(runs.c.id).where(
    runs.c.session_id == bindparam("session"), runs.c.state == "running"
)
_BEGIN = insert(runs)
_CLOSE = (
    update(runs)
    .where(runs.c.id == bindparam("run"), runs.c.state == "running")
    .values(
        state=bindparam("now_is"),
        error=bindparam("why"),
        prompt_tokens=bindparam("prompt"),
        answer_tokens=bindparam("answer"),
        finished_at=bindparam("now"),
    )
)
_ANSWERS = update(messages).where(messages.c.run_id == bindparam("run"))
_FILL = _ANSWERS.values(parts=bindparam("said"), status=bindparam("now_is"))
_STATE = _ANSWERS.values(state=bindparam("kept"))
_NEXT = (
    update(sessions)
    .where(sessions.c.id == bindparam("session"))
    .values(last_event=sessions.c.last_event + bindparam("more"))
    .returning(sessions.c.last_event)
)
_MOVED = (
    update(sessions).where(sessions.c.id == bindparam("which")).values(last_event=bindparam("to"))
)
_ADD = insert(events)


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


def begin_run(
    connection: Connection,
    stamps: Stamps,
    user_message: StoredMessage,
    model: str,
    label: Label,
    lost: AttendaError | None = None,
) -> tuple[str, StoredMessage]:
    """Open a run that answers `user_message`: its id and the empty answer.

    `lost` is why a run that is open ended, where it is known to; it is closed.

    Raises:
        Conflict: the session has a running answer.
    """
    session_id = user_message.session_id
    if connection.execute(_RUNNING, {"session": session_id}).first() is not None:
        if lost is None:
            raise Conflict("session.busy")
        fail_orphans(connection, stamps, lost, session_id=session_id)
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
        _BEGIN,
        {
            "id": run_id,
            "session_id": session_id,
            "message_id": answer.id,
            "model": model,
            "state": "running",
            "started_at": stamps.now(),
        },
    )
    insert_message(connection, answer, label)
    move_head(connection, session_id, answer.id, stamps.now())
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
) -> bool:
    """Close a run: its answer, usage and state, in the caller's one transaction.

    Returns whether it was open; of one that was withdrawn meanwhile nothing changes.
    """
    reason = {"key": error.key, "values": error.plain_values} if error else None
    closed = connection.execute(
        _CLOSE,
        {
            "run": run_id,
            "now_is": status,
            "why": reason,
            "prompt": usage.prompt_tokens,
            "answer": usage.answer_tokens,
            "now": stamps.now(),
        },
    )
    if closed.rowcount == 0:
        return False
    said = message.model_dump(mode="json")["parts"]
    connection.execute(_FILL, {"run": run_id, "said": said, "now_is": status})
    return True


def withdraw_run(
    connection: Connection, stamps: Stamps, session_id: str, run_id: str | None = None
) -> list[NumberedEvent]:
    """Take back the running answer of a session, or just this one; its words are no message.

    What was already said of it stays in the log. Returns the event of its end, if it ran.
    """
    statement = _RUNNING if run_id is None else _RUNNING.where(runs.c.id == run_id)
    for (found,) in connection.execute(statement, {"session": session_id}).all():
        if finish_run(connection, stamps, found, Message(role="assistant"), "withdrawn"):
            end = RunFinished(run_id=found, reason="withdrawn")
            return append_events(connection, stamps, session_id, found, [end])
    return []


def keep_dialogue(connection: Connection, run_id: str, state: str) -> None:
    """Hang where the dialogue stands, as JSON, on the answer of a run."""
    connection.execute(_STATE, {"run": run_id, "kept": state})


def label_answer(connection: Connection, run_id: str, label: Label) -> None:
    """Label the answer of a run by what it was made from."""
    values = {
        "integrity": label.integrity,
        "readers": sorted(label.readers),
        "sources": sorted(label.sources),
    }
    connection.execute(_ANSWERS.values(**values), {"run": run_id})


def append_events(
    connection: Connection, stamps: Stamps, session_id: str, run_id: str, new: Sequence[Event]
) -> list[NumberedEvent]:
    """Number and store events; returns them with their numbers."""
    more = {"session": session_id, "more": len(new)}
    last = connection.execute(_NEXT, more).scalar() if new else None
    if last is None:  # nothing to say, or the session was erased meanwhile
        return []
    first = int(last) - len(new) + 1
    numbered = [NumberedEvent(n, run_id, event) for n, event in enumerate(new, first)]
    connection.execute(_ADD, [_row(session_id, one, stamps.now()) for one in numbered])
    return numbered


def append_many(
    connection: Connection, stamps: Stamps, batches: Sequence[tuple[str, str, Sequence[Event]]]
) -> list[list[NumberedEvent]]:
    """Number and store the events of many runs, given as (session, run, events), at once."""
    wanted = {session_id for session_id, _, _ in batches}
    chosen = select(sessions.c.id, sessions.c.last_event).where(sessions.c.id.in_(wanted))
    # On PostgreSQL a run and a person may add to one log at once: they take turns.
    chosen = chosen.order_by(sessions.c.id).with_for_update()
    last = {str(id_): int(number) for id_, number in connection.execute(chosen)}
    now, rows = stamps.now(), []
    numbered: list[list[NumberedEvent]] = []
    for session_id, run_id, new in batches:
        mine: list[NumberedEvent] = []
        for event in new if session_id in last else ():  # the session may be erased meanwhile
            last[session_id] += 1
            mine.append(NumberedEvent(last[session_id], run_id, event))
        rows += [_row(session_id, one, now) for one in mine]
        numbered.append(mine)
    if rows:
        connection.execute(_ADD, rows)
        connection.execute(_MOVED, [{"which": id_, "to": number} for id_, number in last.items()])
    return numbered


def _row(session_id: str, one: NumberedEvent, now: int) -> dict[str, Any]:
    return {
        "session_id": session_id,
        "number": one.number,
        "run_id": one.run_id,
        "kind": one.event.type,
        "body": one.event.model_dump_json(),
        "at": now,
    }


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


def events_of_kind(connection: Connection, session_id: str, kind: str) -> list[Event]:
    """The events of a session that are of one kind, in order."""
    statement = select(events.c.body).where(
        events.c.session_id == session_id, events.c.kind == kind
    )
    rows = connection.execute(statement.order_by(events.c.number)).scalars()
    return [event_from_json(body) for body in rows]


def events_of_run(
    connection: Connection, session_id: str, run_id: str, kinds: Sequence[str]
) -> list[Event]:
    """The events of one run that are of these kinds, in order."""
    statement = select(events.c.body).where(
        events.c.session_id == session_id, events.c.run_id == run_id, events.c.kind.in_(kinds)
    )
    rows = connection.execute(statement.order_by(events.c.number)).scalars()
    return [event_from_json(body) for body in rows]


def run_notes(connection: Connection, session_id: str) -> dict[str, RunNote]:
    """What a page shows of each run besides its words, by run id."""
    columns = [runs.c.id, runs.c.state, runs.c.error, runs.c.model]
    rows = connection.execute(select(*columns).where(runs.c.session_id == session_id))
    notes = {id_: RunNote(state, error, model) for id_, state, error, model in rows}
    kinds = ("run.started", "searched", "nearest", "silence", "run.finished")
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


def list_runs(connection: Connection, who: Principal, limit: int) -> list[dict[str, Any]]:
    """Runs in sessions that `who` may see, newest first."""
    statement = (
        select(runs, sessions.c.title)
        .join(sessions, sessions.c.id == runs.c.session_id)
        .where(visible(sessions, who), sessions.c.deleted_at.is_(None))
        .order_by(runs.c.started_at.desc(), runs.c.id)
    )
    return [dict(row) for row in connection.execute(statement.limit(limit)).mappings()]


def get_run(connection: Connection, who: Principal, run_id: str) -> dict[str, Any]:
    """One run.

    Raises:
        NotFound: it is not there or not theirs.
    """
    statement = (
        select(runs, sessions.c.title)
        .join(sessions, sessions.c.id == runs.c.session_id)
        .where(runs.c.id == run_id, visible(sessions, who))
    )
    row = connection.execute(statement).mappings().first()
    if row is None:
        raise NotFound("run.missing")
    return dict(row)


def timed_events(connection: Connection, run_id: str) -> list[dict[str, Any]]:
    """The events of a run with their numbers and times."""
    statement = select(events.c.number, events.c.at, events.c.body).where(events.c.run_id == run_id)
    rows = connection.execute(statement.order_by(events.c.number))
    return [
        {**event_from_json(body).model_dump(mode="json"), "number": number, "time": at}
        for number, at, body in rows
    ]


def fail_orphans(
    connection: Connection, stamps: Stamps, error: AttendaError, *, session_id: str | None = None
) -> list[str]:
    """Close runs that were left open, in one session or all, keeping their text; their ids."""
    statement = select(runs.c.id, runs.c.session_id).where(runs.c.state == "running")
    if session_id is not None:
        statement = statement.where(runs.c.session_id == session_id)
    left = connection.execute(statement).all()
    for run_id, in_session in left:
        try:
            answer = answer_from_events(events_after(connection, in_session, 0, run_id))
        except ValidationError:  # a damaged row must not keep the program from starting
            answer = Message(role="assistant")
        finish_run(connection, stamps, run_id, answer, "failed", error=error)
    return [run_id for run_id, _ in left]


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
