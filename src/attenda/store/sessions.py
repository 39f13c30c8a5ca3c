"""Sessions and their message trees.

A message hangs on its parent, so regenerating makes a sibling and editing makes a branch; nothing
is overwritten. Each function works on a connection inside someone's transaction.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from attenda.core.errors import Conflict, NotFound
from attenda.core.label import Integrity, Label
from attenda.core.message import Message
from attenda.core.principal import Principal
from attenda.store import personal_rows, trials
from attenda.store.rights import changeable, given, visible, visible_to_staff
from attenda.store.schema import messages, sessions
from attenda.store.stamps import Stamps

__all__ = [
    "Session",
    "StoredMessage",
    "add_message",
    "change_owner",
    "create_session",
    "erase_session",
    "get_session",
    "hold_session",
    "insert_message",
    "insert_session",
    "list_sessions",
    "message_path",
    "message_tree",
    "move_head",
    "name_message",
    "named_message",
    "rate_message",
    "session_by_id",
    "set_head",
    "update_session",
]

# What each turn needs is made once: making a statement costs more than running it.
_HOLD = (
    select(sessions.c.owner, sessions.c.owner_id)
    .where(sessions.c.id == bindparam("session"))
    .with_for_update()
)
_THEIRS = select(sessions).where(
    sessions.c.id == bindparam("session"),
    visible_to_staff(sessions),
    sessions.c.deleted_at.is_(None),
)
_IS_MESSAGE = select(messages.c.id).where(
    messages.c.id == bindparam("message"), messages.c.session_id == bindparam("session")
)
_TREE = (
    select(messages)
    .where(messages.c.session_id == bindparam("session"))
    .order_by(messages.c.created_at, messages.c.id)
)
_INSERT = insert(messages)
_MOVE = (
    update(sessions)
    .where(sessions.c.id == bindparam("session"))
    .values(head_id=bindparam("message"), updated_at=bindparam("now"))
)


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
    owner_at: int = 0
    """When its owner (`bot`, `queued`, `human`, `waiting`, `resolved`) changed last."""
    claimed_by: str | None = None
    """The person who has it, or had it when it was resolved."""
    handoff_reason: str = ""
    """`asked`, `unclear`, or a flow's own words."""
    promised_at: int | None = None
    """When somebody will be there, as the customer was told who came outside the hours."""
    uses_draft: bool = False
    """Whether its agent's draft answers: a trial of who may change it."""


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """A message with its place in the tree."""

    id: str
    session_id: str
    parent_id: str | None
    run_id: str | None
    status: str
    """`running`, `done`, `stopped`, `failed`, or `withdrawn` since a person took over."""
    message: Message
    created_at: int
    thumb: int = 0
    thumb_reason: str = ""
    state: str | None = None
    """Where the dialogue stands after this message, as JSON; none where no flow was asked."""
    author_id: str | None = None
    """The person of the desk who wrote it."""
    integrity: Integrity = "untrusted"
    """Of its label: how far it may be trusted."""


def create_session(
    connection: Connection,
    stamps: Stamps,
    who: Principal,
    agent_id: str | None = None,
    *,
    uses_draft: bool = False,
) -> Session:
    """A new, empty session of `who`."""
    id_ = insert_session(connection, stamps, who, agent_id, uses_draft=uses_draft)
    return get_session(connection, who, id_)


def insert_session(
    connection: Connection,
    stamps: Stamps,
    who: Principal,
    agent_id: str | None = None,
    *,
    uses_draft: bool = False,
) -> str:
    """The id of a new session, for one who may not see it yet."""
    now = stamps.now()
    row = {"id": stamps.new_id("ses"), "agent_id": agent_id, "owner_id": who.id}
    values = {**row, "uses_draft": uses_draft, "created_at": now, "updated_at": now}
    connection.execute(insert(sessions).values(**values))
    return str(row["id"])


def get_session(
    connection: Connection, who: Principal, session_id: str, *, hold: bool = False
) -> Session:
    """The session, if `who` may see it; `hold` keeps others from changing it meanwhile.

    Raises:
        NotFound: it is not there or not theirs.
    """
    statement, values = _THEIRS, {"session": session_id, **given(who)}
    if who.role is None:  # a visitor
        found = sessions.c.id == session_id, sessions.c.deleted_at.is_(None)
        statement, values = select(sessions).where(visible(sessions, who), *found), {}
    if hold:  # until the transaction ends; on SQLite, who writes is alone
        statement = statement.with_for_update()
    row = connection.execute(statement, values).mappings().first()
    if row is None:
        raise NotFound("session.missing")
    return Session(**row)


def session_by_id(connection: Connection, session_id: str) -> Session:
    """A session for the house's own work, whoever's it is.

    Raises:
        NotFound: it is not there.
    """
    row = connection.execute(select(sessions).where(sessions.c.id == session_id)).mappings().first()
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
    author_id: str | None = None,
) -> StoredMessage:
    """Hang a finished message on `parent_id` and make it the head.

    Raises:
        NotFound: the parent is not a message of this session.
    """
    if parent_id is not None:
        _check_message(connection, session_id, parent_id)
    stored = StoredMessage(
        id=stamps.new_id("msg"),
        session_id=session_id,
        parent_id=parent_id,
        run_id=None,
        status="done",
        message=message,
        created_at=stamps.now(),
        author_id=author_id,
        integrity=label.integrity,
    )
    insert_message(connection, stored, label)
    move_head(connection, session_id, stored.id, stamps.now())
    return stored


def message_tree(connection: Connection, session_id: str) -> list[StoredMessage]:
    """All messages of a session, oldest first."""
    rows = connection.execute(_TREE, {"session": session_id}).mappings()
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
    _check_message(connection, session_id, message_id)
    connection.execute(
        update(sessions).where(sessions.c.id == session_id).values(head_id=message_id)
    )


def _check_message(connection: Connection, session_id: str, message_id: str) -> None:
    given = {"message": message_id, "session": session_id}
    if connection.execute(_IS_MESSAGE, given).first() is None:
        raise NotFound("message.missing")


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


def insert_message(connection: Connection, stored: StoredMessage, label: Label) -> None:
    """Store a message whose place in the tree is already checked."""
    connection.execute(
        _INSERT,
        {
            "id": stored.id,
            "session_id": stored.session_id,
            "parent_id": stored.parent_id,
            "run_id": stored.run_id,
            "author_id": stored.author_id,
            "role": stored.message.role,
            "parts": stored.message.model_dump(mode="json")["parts"],
            "status": stored.status,
            "created_at": stored.created_at,
            "integrity": label.integrity,
            "readers": sorted(label.readers),
            "sources": sorted(label.sources),
        },
    )


def named_message(connection: Connection, session_id: str, client_id: str) -> str | None:
    """Id of the message that came under a client's name, if it has come."""
    statement = select(messages.c.id).where(
        messages.c.session_id == session_id, messages.c.client_id == client_id
    )
    return connection.execute(statement).scalar()


def name_message(connection: Connection, session_id: str, message_id: str, client_id: str) -> None:
    """Note the name that a client gave a message just added, so that it comes in once.

    Raises:
        Conflict: a message of that name is in this session.
    """
    if named_message(connection, session_id, client_id) is not None:
        raise Conflict("message.came_already")
    statement = update(messages).where(messages.c.id == message_id)
    try:
        with connection.begin_nested():
            connection.execute(statement.values(client_id=client_id))
    except IntegrityError as error:  # it came twice in one moment
        raise Conflict("message.came_already") from error


def move_head(connection: Connection, session_id: str, message_id: str, now: int) -> None:
    """Show the branch that ends in a message which was just added."""
    connection.execute(_MOVE, {"session": session_id, "message": message_id, "now": now})


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
        state=row["state"],
        author_id=row["author_id"],
        integrity=row["integrity"],
    )


def change_owner(
    connection: Connection, session_id: str, old: Sequence[str], new: str, **values: object
) -> bool:
    """Hand a session from one of `old` owners (`bot`, `queued`, `human` …) to a new one, or not.

    `values` are columns that change with it. A trial of a draft stays the bot's.
    """
    earnest = sessions.c.uses_draft.is_(False), sessions.c.owner.in_(old)
    statement = update(sessions).where(sessions.c.id == session_id, *earnest)
    return connection.execute(statement.values(owner=new, **values)).rowcount > 0


def hold_session(connection: Connection, session_id: str) -> tuple[str, str] | None:
    """Who answers in a session, until the transaction ends, and whose it is; none when erased."""
    row = connection.execute(_HOLD, {"session": session_id}).first()
    return None if row is None else (str(row.owner), str(row.owner_id))


def erase_session(connection: Connection, session_id: str) -> None:
    """Delete a session with its messages, runs, events and what packs keep of it, for good."""
    personal_rows.forget_sessions(connection, sessions.c.id == session_id)
    trials.forget_deeds(connection, sessions.c.id == session_id)
    connection.execute(delete(sessions).where(sessions.c.id == session_id))
