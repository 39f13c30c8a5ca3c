"""What the people of the desk write for themselves: notes, labels, and replies for many times.

None of it is a message: no prompt holds it and no customer sees it.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from attenda.core.errors import Denied, NotFound, UserError
from attenda.core.principal import Principal
from attenda.store.desk import desk_session
from attenda.store.schema import users
from attenda.store.schema_desk import canned_replies, labels, notes
from attenda.store.stamps import Stamps

__all__ = [
    "add_note",
    "add_reply",
    "labels_of",
    "list_replies",
    "notes_of",
    "remove_reply",
    "set_labels",
]

_MOST_LABELS = 12


def add_note(
    connection: Connection, stamps: Stamps, who: Principal, session_id: str, text: str
) -> str:
    """Keep a note on a session of their desk; its id.

    Raises:
        NotFound: it is not on their desk.
        UserError: the note is empty.
    """
    desk_session(connection, who, session_id)
    if not text.strip():
        raise UserError("message.empty")
    id_ = stamps.new_id("not")
    row = {"id": id_, "session_id": session_id, "author_id": who.id, "text": text.strip()}
    connection.execute(insert(notes).values(**row, created_at=stamps.now()))
    return id_


def notes_of(connection: Connection, session_id: str) -> list[dict[str, Any]]:
    """The notes on a session with their authors' names, oldest first."""
    statement = (
        select(notes, users.c.name.label("author"))
        .outerjoin(users, users.c.id == notes.c.author_id)
        .where(notes.c.session_id == session_id)
        .order_by(notes.c.created_at, notes.c.id)
    )
    return [dict(row) for row in connection.execute(statement).mappings()]


def labels_of(connection: Connection, session_id: str) -> list[str]:
    """The labels of a session, in order."""
    statement = select(labels.c.name).where(labels.c.session_id == session_id)
    return list(connection.execute(statement.order_by(labels.c.name)).scalars())


def set_labels(
    connection: Connection, who: Principal, session_id: str, names: Sequence[str]
) -> list[str]:
    """Let a session of their desk have just these labels; they, tidied.

    Raises:
        NotFound: it is not on their desk.
        UserError: there are too many, or one is too long.
    """
    desk_session(connection, who, session_id)
    wanted = sorted({" ".join(name.split()) for name in names} - {""})
    if len(wanted) > _MOST_LABELS or any(len(name) > 40 for name in wanted):
        raise UserError("desk.labels", most=_MOST_LABELS, length=40)
    connection.execute(delete(labels).where(labels.c.session_id == session_id))
    if wanted:
        rows = [{"session_id": session_id, "name": name} for name in wanted]
        connection.execute(insert(labels), rows)
    return wanted


def list_replies(connection: Connection) -> list[dict[str, Any]]:
    """The replies kept for many times, by title."""
    statement = select(canned_replies).order_by(canned_replies.c.title, canned_replies.c.id)
    return [dict(row) for row in connection.execute(statement).mappings()]


def add_reply(connection: Connection, stamps: Stamps, who: Principal, title: str, text: str) -> str:
    """Keep a reply; its id.

    Raises:
        UserError: it says nothing or has no title.
    """
    if not (title.strip() and text.strip()):
        raise UserError("message.empty")
    id_ = stamps.new_id("rep")
    row = {"id": id_, "title": title.strip(), "text": text.strip(), "author_id": who.id}
    connection.execute(insert(canned_replies).values(**row, created_at=stamps.now()))
    return id_


def remove_reply(connection: Connection, who: Principal, reply_id: str) -> None:
    """Forget a reply: whoever wrote it may, and supervisors.

    Raises:
        NotFound: there is no such reply.
        Denied: another wrote it.
    """
    statement = select(canned_replies.c.author_id).where(canned_replies.c.id == reply_id)
    author = connection.execute(statement).scalar()
    if author is None:
        raise NotFound("desk.no_reply")
    if author != who.id and not who.ranks("supervisor"):
        raise Denied("gate.not_allowed")
    connection.execute(delete(canned_replies).where(canned_replies.c.id == reply_id))
