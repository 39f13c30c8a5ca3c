"""Quotas: a person's tokens of a day, counted as they are spent and checked before they are.

The count stands apart from the chats, so erasing a chat gives no tokens back.
"""

from sqlalchemy import Connection, bindparam, func, insert, select, update

from attenda.core.errors import Denied
from attenda.core.ports import Usage
from attenda.core.principal import Principal
from attenda.store.schema import usage, users
from attenda.store.schema_channels import channels, visitors

__all__ = ["check", "spend", "spent"]

_DAY_US = 86_400_000_000
_LIMIT = select(users.c.tokens_a_day).where(users.c.id == bindparam("user"))
_SPENT = select(usage.c.prompt_tokens + usage.c.answer_tokens).where(
    usage.c.user_id == bindparam("user"), usage.c.day == bindparam("on")
)


def spent(connection: Connection, user_id: str, now_us: int) -> int:
    """Tokens read and written for a user on this day (UTC)."""
    given = {"user": user_id, "on": now_us // _DAY_US}
    return int(connection.execute(_SPENT, given).scalar_one_or_none() or 0)


def spend(connection: Connection, user_id: str, now_us: int, used: Usage) -> None:
    """Add to the day's count."""
    if not (used.prompt_tokens or used.answer_tokens):
        return
    day = now_us // _DAY_US
    mine = update(usage).where(usage.c.user_id == user_id, usage.c.day == day)
    values = {
        "prompt_tokens": usage.c.prompt_tokens + used.prompt_tokens,
        "answer_tokens": usage.c.answer_tokens + used.answer_tokens,
    }
    if connection.execute(mine.values(**values)).rowcount == 0:
        connection.execute(insert(usage).values(user_id=user_id, day=day, **used.model_dump()))


def check(connection: Connection, who: Principal, now_us: int) -> int | None:
    """Refuse when the day's tokens reach the user's quota, or that of a visitor's channel.

    Gives the tokens that are left; none where there is no limit.

    Raises:
        Denied: they do; the sentence names the quota, but to visitors.
    """
    if who.grant is not None:
        return _check_channel(connection, who.grant.channel_id, now_us)
    limit = connection.execute(_LIMIT, {"user": who.id}).scalar_one_or_none()
    if limit is None:
        return None
    left = int(limit) - spent(connection, who.id, now_us)
    if left <= 0:
        raise Denied("quota.used_up", limit=limit)
    return left


def _check_channel(connection: Connection, channel_id: str, now_us: int) -> int:
    theirs = select(visitors.c.id).where(visitors.c.channel_id == channel_id)
    together = select(func.sum(usage.c.prompt_tokens + usage.c.answer_tokens)).where(
        usage.c.user_id.in_(theirs), usage.c.day == now_us // _DAY_US
    )
    used = int(connection.execute(together).scalar() or 0)
    limit = select(channels.c.tokens_a_day).where(channels.c.id == channel_id)
    left = int(connection.execute(limit).scalar() or 0) - used
    if left <= 0:
        raise Denied("channel.used_up")
    return left
