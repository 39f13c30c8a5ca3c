"""A person's data: everything kept about them in one export, erased on demand, kept no longer.

Erasure takes the account, sign-ins, keys, chats and private documents for good; what they shared
with a team stays the team's, and the audit log keeps that something was done, not what was said.
"""

from typing import Any

from sqlalchemy import Connection, delete, select

from attenda.core.errors import Denied
from attenda.core.principal import Principal
from attenda.store import audit, passages, people
from attenda.store.schema import (
    audit as audit_rows,
)
from attenda.store.schema import (
    documents,
    keys,
    logins,
    memberships,
    messages,
    runs,
    sessions,
    users,
)
from attenda.store.stamps import Stamps

__all__ = ["erase_person", "expire", "export_person"]


def export_person(connection: Connection, user_id: str) -> dict[str, Any]:
    """Everything that is kept about a person, as plain data; no hash of a secret among it.

    Raises:
        NotFound: there is no such user.
    """
    user = people.get_user(connection, user_id)
    mine = select(sessions.c.id).where(sessions.c.owner_id == user_id)

    def rows(statement: Any) -> list[dict[str, Any]]:
        return [dict(row) for row in connection.execute(statement).mappings()]

    plain = [column for column in documents.c if column.name != "text"]
    shown_keys = [column for column in keys.c if column.name != "secret_hash"]
    shown_logins = [column for column in logins.c if column.name != "token_hash"]
    return {
        "user": {name: getattr(user, name) for name in people.User.__slots__},
        "teams": rows(select(memberships.c.team_id).where(memberships.c.user_id == user_id)),
        "sessions": rows(select(sessions).where(sessions.c.owner_id == user_id)),
        "messages": rows(select(messages).where(messages.c.session_id.in_(mine))),
        "runs": rows(select(runs).where(runs.c.session_id.in_(mine))),
        "documents": rows(select(*plain).where(documents.c.owner_id == user_id)),
        "keys": rows(select(*shown_keys).where(keys.c.user_id == user_id)),
        "sign_ins": rows(select(*shown_logins).where(logins.c.user_id == user_id)),
        "audit": rows(select(audit_rows).where(audit_rows.c.actor_id == user_id)),
    }


def erase_person(connection: Connection, stamps: Stamps, actor: Principal, user_id: str) -> None:
    """Erase a person for good.

    Raises:
        NotFound: there is no such user.
        Denied: it is the installation's owner.
    """
    people.get_user(connection, user_id)
    if user_id == people.OWNER_ID:
        raise Denied("people.last_owner")
    private = select(documents.c.id).where(
        documents.c.owner_id == user_id, documents.c.team_id.is_(None)
    )
    ids = [str(id_) for (id_,) in connection.execute(private)]
    passages.remove_passages(connection, ids)
    connection.execute(delete(documents).where(documents.c.id.in_(ids)))
    connection.execute(delete(sessions).where(sessions.c.owner_id == user_id))
    connection.execute(delete(users).where(users.c.id == user_id))
    people.bump_access(connection)
    audit.note(connection, stamps, actor.id, "user.erased", user_id)


def expire(connection: Connection, stamps: Stamps, *, trash_days: int, chat_days: int) -> int:
    """Erase what lies in the trash longer than `trash_days`, and chats older than `chat_days`.

    0 keeps for ever. Returns how many rows of chats and documents went.
    """
    now, day_us = stamps.now(), 86_400_000_000
    gone = 0
    if trash_days:
        before = now - trash_days * day_us
        old = select(documents.c.id).where(documents.c.deleted_at < before)
        ids = [str(id_) for (id_,) in connection.execute(old)]
        passages.remove_passages(connection, ids)
        gone += connection.execute(delete(documents).where(documents.c.id.in_(ids))).rowcount
        gone += connection.execute(delete(sessions).where(sessions.c.deleted_at < before)).rowcount
    if chat_days:
        before = now - chat_days * day_us
        gone += connection.execute(delete(sessions).where(sessions.c.updated_at < before)).rowcount
    return gone
