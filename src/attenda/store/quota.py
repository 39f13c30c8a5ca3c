"""Quotas: a person's tokens of a day, counted as they are spent and checked before a run begins.

The count stands apart from the chats, so erasing a chat gives no tokens back.
"""

from sqlalchemy import Connection, insert, select, update

from attenda.core.errors import Denied
from attenda.core.ports import Usage
from attenda.store.schema import usage, users

__all__ = ["check", "spend", "spent"]

_DAY_US = 86_400_000_000


def spent(connection: Connection, user_id: str, now_us: int) -> int:
    """Tokens read and written for a user on this day (UTC)."""
    statement = select(usage.c.prompt_tokens + usage.c.answer_tokens).where(
        usage.c.user_id == user_id, usage.c.day == now_us // _DAY_US
    )
    return int(connection.execute(statement).scalar_one_or_none() or 0)


def spend(connection: Connection, user_id: str, now_us: int, used: Usage) -> None:
    """Add to the day's count."""
    day = now_us // _DAY_US
    mine = update(usage).where(usage.c.user_id == user_id, usage.c.day == day)
    values = {
        "prompt_tokens": usage.c.prompt_tokens + used.prompt_tokens,
        "answer_tokens": usage.c.answer_tokens + used.answer_tokens,
    }
    if connection.execute(mine.values(**values)).rowcount == 0:
        connection.execute(insert(usage).values(user_id=user_id, day=day, **used.model_dump()))


def check(connection: Connection, user_id: str, now_us: int) -> None:
    """Refuse when the day's tokens reach the user's quota.

    Raises:
        Denied: they do; the sentence names the quota.
    """
    statement = select(users.c.tokens_a_day).where(users.c.id == user_id)
    limit = connection.execute(statement).scalar_one_or_none()
    if limit is not None and spent(connection, user_id, now_us) >= limit:
        raise Denied("quota.used_up", limit=limit)
