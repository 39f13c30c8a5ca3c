"""Quotas: a person's tokens of a day, checked before a run begins, never after."""

from sqlalchemy import Connection, func, select

from attenda.core.errors import Denied
from attenda.store.schema import runs, sessions, users

__all__ = ["check", "tokens_since"]

_DAY_US = 86_400_000_000


def tokens_since(connection: Connection, user_id: str, since_us: int) -> int:
    """Tokens read and written for a user in runs that began after a time."""
    used = func.coalesce(func.sum(runs.c.prompt_tokens + runs.c.answer_tokens), 0)
    statement = (
        select(used)
        .join(sessions, sessions.c.id == runs.c.session_id)
        .where(sessions.c.owner_id == user_id, runs.c.started_at > since_us)
    )
    return int(connection.execute(statement).scalar_one())


def check(connection: Connection, user_id: str, now_us: int) -> None:
    """Refuse when the tokens of the last 24 hours reach the user's quota.

    Raises:
        Denied: they do; the sentence names the quota.
    """
    statement = select(users.c.tokens_a_day).where(users.c.id == user_id)
    limit = connection.execute(statement).scalar_one_or_none()
    if limit is not None and tokens_since(connection, user_id, now_us - _DAY_US) >= limit:
        raise Denied("quota.used_up", limit=limit)
