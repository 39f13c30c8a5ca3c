"""Alarms at the desk: messages by which somebody may be in danger, each raised once.

One stands until a person answers in its conversation, closes it or gives it back. What is danger
and what is done about it is decided elsewhere.
"""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, insert, select, update

from attenda.store.schema import sessions
from attenda.store.schema_desk import alarms
from attenda.store.stamps import Stamps

__all__ = ["alarms_in", "raise_alarm", "raised_in", "see_alarms", "stands", "standing_alarms"]


def stands() -> ColumnElement[bool]:
    """Of a session in a statement: whether an alarm stands in it."""
    mine = alarms.c.session_id == sessions.c.id, alarms.c.seen_at.is_(None)
    return select(alarms.c.message_id).where(*mine).exists()


def raise_alarm(
    connection: Connection, stamps: Stamps, session_id: str, message_id: str, reason: str
) -> bool:
    """Raise an alarm for a message; whether it is the first for it."""
    same = select(alarms.c.message_id).where(alarms.c.message_id == message_id)
    if connection.execute(same).first() is not None:
        return False
    row = {"message_id": message_id, "session_id": session_id, "reason": reason}
    connection.execute(insert(alarms).values(**row, raised_at=stamps.now()))
    return True


def see_alarms(connection: Connection, stamps: Stamps, session_id: str) -> None:
    """Whoever has a session has seen to what was raised in it."""
    open_ = alarms.c.session_id == session_id, alarms.c.seen_at.is_(None)
    connection.execute(update(alarms).where(*open_).values(seen_at=stamps.now()))


def standing_alarms(connection: Connection, session_ids: Sequence[str]) -> dict[str, str]:
    """By session, why the newest alarm that stands there was raised."""
    open_ = alarms.c.session_id.in_(session_ids), alarms.c.seen_at.is_(None)
    columns = alarms.c.session_id, alarms.c.reason
    found = connection.execute(select(*columns).where(*open_).order_by(alarms.c.raised_at))
    return {session_id: reason for session_id, reason in found}


def raised_in(connection: Connection, where: ColumnElement[bool]) -> list[tuple[str, int]]:
    """The sessions, of those that are meant, with when each alarm that stands there was raised."""
    statement = select(alarms.c.session_id, alarms.c.raised_at)
    joined = statement.join(sessions, sessions.c.id == alarms.c.session_id)
    found = connection.execute(
        joined.where(alarms.c.seen_at.is_(None), where).order_by(alarms.c.raised_at)
    )
    return [(str(session_id), int(at)) for session_id, at in found]


def alarms_in(connection: Connection, session_id: str) -> dict[str, str]:
    """By message, why it raised an alarm, whether or not somebody has seen to it."""
    columns = alarms.c.message_id, alarms.c.reason
    found = connection.execute(select(*columns).where(alarms.c.session_id == session_id))
    return {message_id: reason for message_id, reason in found}
