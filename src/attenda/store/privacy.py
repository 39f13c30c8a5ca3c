"""A person's data: everything kept about them in one export, erased on demand, kept no longer.

Erasure takes the account, sign-ins, keys, chats, memory, private documents and what packs keep
about them for good; what they shared with a team stays the team's, and the audit log keeps that
something was done, not what was said.
"""

from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, select, update

from attenda.core.errors import Denied
from attenda.core.principal import Principal
from attenda.store import (
    audit,
    consent,
    facts,
    lexical,
    mail,
    passages,
    people,
    personal_rows,
    trials,
    visitors,
)
from attenda.store import automation_runs as automations
from attenda.store.schema import (
    agents,
    collections,
    documents,
    keys,
    logins,
    memberships,
    messages,
    runs,
    sessions,
    usage,
    users,
)
from attenda.store.schema import (
    audit as audit_rows,
)
from attenda.store.schema_automations import automation_runs
from attenda.store.schema_consent import consents
from attenda.store.schema_deeds import approvals, effects
from attenda.store.schema_memory import facts as remembered
from attenda.store.schema_notices import notice_rules
from attenda.store.stamps import Stamps

__all__ = ["erase_person", "erase_visit", "expire", "export_person"]

_TOGETHER = 500
"""Documents named in one statement; databases limit how many."""


def export_person(
    connection: Connection, user_id: str, training_default: bool = False
) -> dict[str, Any]:
    """Everything that is kept about a person, as plain data; no hash of a secret among it.

    Each chat says whether it may be used for training; `training_default` counts where nobody said.

    Raises:
        NotFound: there is no such user.
    """
    user = people.get_user(connection, user_id)
    mine = select(sessions.c.id).where(sessions.c.owner_id == user_id)

    def rows(statement: Any) -> list[dict[str, Any]]:
        return [dict(row) for row in connection.execute(statement).mappings()]

    shown_keys = [column for column in keys.c if column.name != "secret_hash"]
    shown_rules = [column for column in notice_rules.c if column.name != "secret"]
    shown_logins = [column for column in logins.c if column.name != "token_hash"]
    return {
        "user": {name: getattr(user, name) for name in people.User.__slots__},
        "teams": rows(select(memberships.c.team_id).where(memberships.c.user_id == user_id)),
        "sessions": consent.with_consent(
            connection,
            user_id,
            rows(select(sessions).where(sessions.c.owner_id == user_id)),
            training_default,
        ),
        "consents": consent.consent_rows(connection, user_id),
        "messages": rows(select(messages).where(messages.c.session_id.in_(mine))),
        "runs": rows(select(runs).where(runs.c.session_id.in_(mine))),
        "memory": rows(select(remembered).where(remembered.c.owner_id == user_id)),
        "notice_rules": rows(select(*shown_rules).where(notice_rules.c.owner_id == user_id)),
        "documents": rows(select(documents).where(documents.c.owner_id == user_id)),
        "collections": rows(select(collections).where(collections.c.owner_id == user_id)),
        "agents": rows(select(agents).where(agents.c.owner_id == user_id)),
        "automation_runs": rows(
            select(automation_runs).where(automation_runs.c.owner_id == user_id)
        ),
        "effects": rows(select(effects).where(effects.c.owner_id == user_id)),
        "approvals": rows(select(approvals).where(approvals.c.asked_for == user_id)),
        "usage": rows(select(usage).where(usage.c.user_id == user_id)),
        "keys": rows(select(*shown_keys).where(keys.c.user_id == user_id)),
        "sign_ins": rows(select(*shown_logins).where(logins.c.user_id == user_id)),
        "audit": rows(select(audit_rows).where(audit_rows.c.actor_id == user_id)),
        "packs": personal_rows.rows_about(connection, user_id),
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
    private = documents.c.owner_id == user_id, documents.c.team_id.is_(None)
    _remove_documents(connection, *private)
    for table in (collections, agents):
        mine = table.c.owner_id == user_id, table.c.team_id.is_(None)
        connection.execute(delete(table).where(*mine))
    facts.forget_all(connection, user_id)
    connection.execute(delete(notice_rules).where(notice_rules.c.owner_id == user_id))
    connection.execute(delete(automation_runs).where(automation_runs.c.owner_id == user_id))
    _remove_sessions(connection, sessions.c.owner_id == user_id)
    _forget_deeds(connection, user_id)
    personal_rows.forget(connection, user_id)
    connection.execute(delete(consents).where(consents.c.person_id == user_id))
    connection.execute(delete(usage).where(usage.c.user_id == user_id))
    connection.execute(delete(users).where(users.c.id == user_id))
    lexical.forget_words(connection)
    people.bump_access(connection)
    audit.note(connection, stamps, actor.id, "user.erased", user_id)


def erase_visit(connection: Connection, who: Principal) -> None:
    """Erase a visitor's conversation for good, and the visitor when it was their last."""
    assert who.grant is not None
    _remove_sessions(connection, sessions.c.id == who.grant.session_id)
    _sweep_visitors(connection)
    people.bump_access(connection)


def expire(connection: Connection, stamps: Stamps, *, trash_days: int, chat_days: int) -> int:
    """Erase what lies in the trash longer than `trash_days`, and chats older than `chat_days`.

    0 keeps for ever. Returns how many rows of chats and documents went.
    """
    now, day_us = stamps.now(), 86_400_000_000
    gone = 0
    if trash_days:
        before = now - trash_days * day_us
        gone += _remove_documents(connection, documents.c.deleted_at < before)
        gone += _remove_sessions(connection, sessions.c.deleted_at < before)
    if chat_days:
        before = now - chat_days * day_us
        gone += _remove_sessions(connection, sessions.c.updated_at < before)
        automations.forget_old(connection, before)
        mail.forget_old(connection, before)
        personal_rows.forget_old(connection, before)
    _sweep_visitors(connection)
    return gone


def _sweep_visitors(connection: Connection) -> None:
    """Forget the visitors of whom no conversation is left."""
    for visitor_id in visitors.sweep(connection):
        facts.forget_all(connection, visitor_id)
        personal_rows.forget(connection, visitor_id)
        _forget_deeds(connection, visitor_id)


def _forget_deeds(connection: Connection, user_id: str) -> None:
    """Take what was said out of the journal; that something was done, and once, stays."""
    silent: dict[str, Any] = {"arguments": "", "result": None, "problem": "", "label": {}}
    connection.execute(update(effects).where(effects.c.owner_id == user_id).values(**silent))
    connection.execute(delete(approvals).where(approvals.c.asked_for == user_id))


def _remove_sessions(connection: Connection, which: ColumnElement[bool]) -> int:
    """Delete conversations, with what packs keep of them; how many."""
    personal_rows.forget_sessions(connection, which)
    trials.forget_deeds(connection, which)
    return connection.execute(delete(sessions).where(which)).rowcount


def _remove_documents(connection: Connection, *which: ColumnElement[bool]) -> int:
    """Delete documents with all that hangs on them; how many."""
    chosen = connection.execute(select(documents.c.id).where(*which)).scalars().all()
    for first in range(0, len(chosen), _TOGETHER):
        some = chosen[first : first + _TOGETHER]
        passages.remove_passages(connection, some)
        connection.execute(delete(documents).where(documents.c.id.in_(some)))
    return len(chosen)
