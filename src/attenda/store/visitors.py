"""Visitors: who comes in by a channel, and the token that one visit to one session is held by.

A visitor is a row of their own kind, never a user: no role, no team, no way to sign in. A token
names one session, is stored as its hash, ends a day after it was last used, and dies with its
channel. How often visitors may come and write is counted here, so all processes count together.
"""

import secrets
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, exists, func, insert, select, update

from attenda.core.errors import TooMany, Unauthenticated
from attenda.core.principal import Grant, Principal
from attenda.store import sessions
from attenda.store.channels import Channel, is_open
from attenda.store.people import hash_token, principal_of
from attenda.store.schema import messages
from attenda.store.schema import sessions as session_rows
from attenda.store.schema_channels import channels, ratings, visitors, visits
from attenda.store.stamps import Stamps

__all__ = [
    "TOKEN_PREFIX",
    "Known",
    "as_of_now",
    "authenticate",
    "begin_visit",
    "check_pace",
    "is_in",
    "is_visitor",
    "names_of",
    "owner_of",
    "principal_of_session",
    "rate",
    "rating_of",
    "start_session",
    "stay",
    "sweep",
]

TOKEN_PREFIX = "vst_"  # noqa: S105 - the beginning of every token, no secret
_VISITOR = "vis"
_DAY_US = 86_400_000_000
_MINUTE_US = 60_000_000
_VISITS_A_MINUTE = 60
"""New conversations of one channel."""
_MESSAGES_A_MINUTE = 12
"""Of one conversation."""
_MESSAGES = 300
"""Of one conversation, ever."""


@dataclass(frozen=True, slots=True)
class Known:
    """Whom somebody we trust says that a visitor is."""

    customer: str
    name: str = ""


def start_session(
    connection: Connection, stamps: Stamps, channel: Channel, known: Known | None = None
) -> tuple[Principal, str]:
    """A new session of a new visitor, or of the customer that they are; the visitor and its id.

    Raises:
        TooMany: too many came in by this channel within a minute.
    """
    now = stamps.now()
    theirs = select(visitors.c.id).where(visitors.c.channel_id == channel.id)
    recent = select(func.count()).select_from(session_rows).where(
        session_rows.c.created_at > now - _MINUTE_US, session_rows.c.owner_id.in_(theirs)
    )  # fmt: skip
    if int(connection.execute(recent).scalar_one()) >= _VISITS_A_MINUTE:
        raise TooMany("channel.too_many_visits")
    visitor_id = _visitor(connection, stamps, channel, known)
    maker = Principal(id=visitor_id, role=None)
    made = sessions.insert_session(connection, stamps, maker, channel.agent_id)
    return principal_of_session(connection, made), made


def _visitor(connection: Connection, stamps: Stamps, channel: Channel, known: Known | None) -> str:
    """The visitor's id: the customer's own where they came before, else a new one."""
    here = select(visitors.c.id).where(
        visitors.c.channel_id == channel.id, visitors.c.customer == (known and known.customer)
    )
    found = connection.execute(here).scalar() if known else None
    if known and found:
        named = update(visitors).where(visitors.c.id == found)
        connection.execute(named.values(name=known.name[:120]))
        return str(found)
    row: dict[str, Any] = {"id": stamps.new_id(_VISITOR), "channel_id": channel.id}
    if known:
        row |= {"customer": known.customer, "name": known.name[:120]}
    connection.execute(insert(visitors).values(**row, created_at=stamps.now()))
    return str(row["id"])


def begin_visit(
    connection: Connection, stamps: Stamps, who: Principal, language: str
) -> tuple[str, int]:
    """The token that holds a visitor's session for a browser, shown this once; when it ends."""
    assert who.grant is not None
    token = TOKEN_PREFIX + secrets.token_urlsafe(32)
    now = stamps.now()
    ends = now + _DAY_US
    connection.execute(
        insert(visits).values(
            id=stamps.new_id("vst"),
            token_hash=hash_token(token),
            visitor_id=who.id,
            session_id=who.grant.session_id,
            language=language,
            created_at=now,
            expires_at=ends,
        )
    )
    return token, ends


def authenticate(connection: Connection, stamps: Stamps, token: str) -> Principal:
    """Whose visit a token is, with what its channel grants at this moment.

    Raises:
        Unauthenticated: it is unknown or over, or its channel is closed.
    """
    if not token.startswith(TOKEN_PREFIX):
        raise Unauthenticated("channel.visit_over")
    statement = select(visits.c.session_id, visits.c.language).where(
        visits.c.token_hash == hash_token(token), visits.c.expires_at > stamps.now()
    )
    row = connection.execute(statement).first()
    if row is None:
        raise Unauthenticated("channel.visit_over")
    who = principal_of_session(connection, row.session_id)
    return who.model_copy(update={"language": row.language})


def stay(connection: Connection, stamps: Stamps, session_id: str) -> None:
    """Let the visits of a session last a day from now."""
    now = stamps.now()
    mine = update(visits).where(visits.c.session_id == session_id, visits.c.expires_at > now)
    connection.execute(mine.values(expires_at=now + _DAY_US))


def principal_of_session(connection: Connection, session_id: str) -> Principal:
    """The visitor whose session it is, with what their channel grants at this moment.

    Raises:
        Unauthenticated: it is no visitor's, or gone, or the channel is closed.
    """
    statement = (
        select(
            visitors.c.id,
            visitors.c.customer,
            visitors.c.name,
            channels.c.id.label("channel_id"),
            channels.c.agent_id,
            channels.c.collection_ids,
        )
        .join(visitors, visitors.c.channel_id == channels.c.id)
        .join(session_rows, session_rows.c.owner_id == visitors.c.id)
        # A channel that was given another agent answers old sessions no more.
        .where(session_rows.c.id == session_id, session_rows.c.deleted_at.is_(None), is_open())
        .where(session_rows.c.agent_id == channels.c.agent_id)
    )
    row = connection.execute(statement).first()
    if row is None:
        raise Unauthenticated("channel.visit_over")
    grant = Grant(
        channel_id=row.channel_id,
        session_id=session_id,
        agent_id=row.agent_id,
        collection_ids=frozenset(row.collection_ids),
        customer=row.customer or "",
    )
    return Principal(id=row.id, role=None, name=row.name, grant=grant)


def is_in(connection: Connection, session_id: str) -> bool:
    """Whether a visitor's session goes on: it is there, and its channel open with its agent."""
    try:
        principal_of_session(connection, session_id)
    except Unauthenticated:
        return False
    return True


def as_of_now(connection: Connection, who: Principal) -> Principal | None:
    """A visitor with what is granted at this moment; none once it is nothing."""
    if who.grant is None:
        return None
    try:
        return principal_of_session(connection, who.grant.session_id)
    except Unauthenticated:
        return None


def check_pace(connection: Connection, stamps: Stamps, session_id: str) -> None:
    """Refuse one who writes faster than people do.

    Raises:
        TooMany: the sentence says how long to wait, or that the conversation is too long.
    """
    spoken = select(func.count()).select_from(messages).where(
        messages.c.session_id == session_id, messages.c.role == "user"
    )  # fmt: skip
    recent = spoken.where(messages.c.created_at > stamps.now() - _MINUTE_US)
    if int(connection.execute(recent).scalar_one()) >= _MESSAGES_A_MINUTE:
        raise TooMany("channel.too_fast")
    if int(connection.execute(spoken).scalar_one()) >= _MESSAGES:
        raise TooMany("channel.too_long")


def owner_of(connection: Connection, session_id: str) -> Principal:
    """Whose session it is: a user, or a visitor with what is granted at this moment.

    Raises:
        Unauthenticated: whoever it belongs to is gone, or the session is.
    """
    statement = select(session_rows.c.owner_id).where(session_rows.c.id == session_id)
    owner_id = str(connection.execute(statement).scalar() or "")
    if is_visitor(owner_id):
        return principal_of_session(connection, session_id)
    return principal_of(connection, owner_id)


def is_visitor(owner_id: str) -> bool:
    """Whether the owner of a row is a visitor, by the kind of its id."""
    return owner_id.startswith(f"{_VISITOR}_")


def names_of(connection: Connection, ids: list[str]) -> dict[str, str]:
    """The names of customers by visitors' ids, as somebody we trust gave them."""
    statement = select(visitors.c.id, visitors.c.name, visitors.c.customer).where(
        visitors.c.id.in_(ids)
    )
    rows = connection.execute(statement)
    return {row.id: row.name or row.customer for row in rows if row.name or row.customer}


def rate(connection: Connection, stamps: Stamps, session_id: str, score: int, comment: str) -> None:
    """Keep how a conversation was, from 1 to 5; a later word replaces an earlier one."""
    connection.execute(delete(ratings).where(ratings.c.session_id == session_id))
    row = {"session_id": session_id, "score": score, "comment": comment}
    connection.execute(insert(ratings).values(**row, created_at=stamps.now()))


def rating_of(connection: Connection, session_id: str) -> dict[str, Any] | None:
    """How a conversation was: `score` and `comment`; nothing while nobody said."""
    statement = select(ratings.c.score, ratings.c.comment).where(ratings.c.session_id == session_id)
    row = connection.execute(statement).mappings().first()
    return dict(row) if row else None


def sweep(connection: Connection) -> list[str]:
    """Remove visitors of whom no conversation is left; their ids."""
    left = exists().where(session_rows.c.owner_id == visitors.c.id)
    gone = delete(visitors).where(~left).returning(visitors.c.id)
    return [str(id_) for (id_,) in connection.execute(gone)]
