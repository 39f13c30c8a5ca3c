"""Conversations in which the agent spoke last and somebody's answer may be waited for.

It finds them by what they are; nothing is kept about them, so nothing can be out of date.
"""

from sqlalchemy import Connection, or_, select

from attenda.store.schema import messages, runs, sessions
from attenda.store.sessions import StoredMessage

__all__ = ["is_newest", "said_at", "unanswered"]

_NOTHING_UNDER_WAY = '%"frames":[]%'
_NOTHING_ASKED = '%"candidates":[]%'
"""How a dialogue's state is written in which no question is open."""


def unanswered(connection: Connection, since: int) -> dict[str, str]:
    """The last message of each such session of the bot in which something was said since, by id.

    Not one that says by its own state that nothing is asked.
    """
    open_ = or_(
        messages.c.state.is_(None),
        messages.c.state.not_like(_NOTHING_UNDER_WAY),
        messages.c.state.not_like(_NOTHING_ASKED),
    )
    statement = (
        select(sessions.c.id, messages.c.id)
        .join(messages, messages.c.id == sessions.c.head_id)
        .where(sessions.c.updated_at >= since, sessions.c.owner == "bot")
        .where(sessions.c.deleted_at.is_(None), messages.c.author_id.is_(None), open_)
        .where(messages.c.role == "assistant", messages.c.status == "done")
    )
    return {str(session): str(message) for session, message in connection.execute(statement)}


def said_at(connection: Connection, message: StoredMessage) -> int:
    """When all of a message had been said: an answer takes a while."""
    statement = select(runs.c.finished_at).where(runs.c.id == message.run_id)
    return int(connection.execute(statement).scalar() or message.created_at)


def is_newest(connection: Connection, message: StoredMessage) -> bool:
    """Whether nothing was said later in its session: nobody went back to an older branch."""
    later = select(messages.c.id).where(
        messages.c.session_id == message.session_id, messages.c.created_at > message.created_at
    )
    return connection.execute(later.limit(1)).first() is None
