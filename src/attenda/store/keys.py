"""Ways to prove who one is: sign-ins of browsers and API keys, stored as hashes alone.

A sign-in lasts thirty days, a key until it expires or is revoked; a key may be limited to some
actions. Ending either is a row's change, and is seen by the next request and by open streams.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

from sqlalchemy import Connection, delete, insert, or_, select, update

from attenda.core.errors import NotFound, Unauthenticated, UserError
from attenda.core.principal import Action, Principal
from attenda.store import audit
from attenda.store.people import bump_access, hash_token, principal_of
from attenda.store.schema import keys, logins
from attenda.store.stamps import Stamps

__all__ = [
    "KEY_PREFIX",
    "Key",
    "authenticate",
    "create_key",
    "end_login",
    "list_keys",
    "revoke_key",
    "sign_in",
]

KEY_PREFIX = "att_"
_LOGIN_US = 30 * 86_400_000_000


@dataclass(frozen=True, slots=True)
class Key:
    """A key without its secret."""

    id: str
    user_id: str
    name: str
    scopes: list[str] | None
    created_at: int
    expires_at: int | None
    revoked_at: int | None


def sign_in(connection: Connection, stamps: Stamps, user_id: str) -> str:
    """A new sign-in of a user; returns the token for the browser's cookie."""
    token = secrets.token_urlsafe(32)
    now = stamps.now()
    connection.execute(delete(logins).where(logins.c.expires_at < now))
    connection.execute(
        insert(logins).values(
            id=stamps.new_id("log"),
            token_hash=hash_token(token),
            user_id=user_id,
            created_at=now,
            expires_at=now + _LOGIN_US,
        )
    )
    audit.note(connection, stamps, user_id, "signed_in", user_id)
    return token


def end_login(connection: Connection, token: str) -> None:
    """Sign one browser out; a token that nobody holds changes nothing."""
    ended = connection.execute(delete(logins).where(logins.c.token_hash == hash_token(token)))
    if ended.rowcount:
        bump_access(connection)


def authenticate(connection: Connection, stamps: Stamps, secret: str) -> Principal:
    """Who holds this token or key, with the rights of this moment.

    Raises:
        Unauthenticated: it is unknown, expired or revoked, or its user is disabled.
    """
    now = stamps.now()
    if secret.startswith(KEY_PREFIX):
        statement = select(keys.c.user_id, keys.c.scopes).where(
            keys.c.secret_hash == hash_token(secret),
            keys.c.revoked_at.is_(None),
            or_(keys.c.expires_at.is_(None), keys.c.expires_at > now),
        )
        row = connection.execute(statement).first()
        if row is None:
            raise Unauthenticated("gate.unknown")
        who = principal_of(connection, row.user_id)
        return who.model_copy(update={"scopes": _scopes(row.scopes)})
    statement = select(logins.c.user_id).where(
        logins.c.token_hash == hash_token(secret), logins.c.expires_at > now
    )
    user_id = connection.execute(statement).scalar_one_or_none()
    if user_id is None:
        raise Unauthenticated("gate.unknown")
    return principal_of(connection, str(user_id))


def _scopes(stored: object) -> frozenset[str] | None:
    """What a key is limited to; a row that does not hold a list of names allows nothing."""
    if stored is None:
        return None
    names = stored if isinstance(stored, list) else []
    return frozenset(name for name in names if isinstance(name, str))


def create_key(
    connection: Connection,
    stamps: Stamps,
    who: Principal,
    name: str,
    *,
    scopes: Sequence[str] | None = None,
    days: int | None = None,
) -> tuple[str, str]:
    """A new key of `who`: its id and its secret, which is shown this once.

    Raises:
        UserError: no name, or a scope that does not exist.
    """
    unknown = set(scopes or ()) - set(get_args(Action))
    if not name.strip():
        raise UserError("people.no_name")
    if unknown:
        raise UserError(
            "people.no_scope", scope=sorted(unknown)[0], known=", ".join(get_args(Action))
        )
    secret = KEY_PREFIX + secrets.token_urlsafe(32)
    key_id = stamps.new_id("key")
    now = stamps.now()
    connection.execute(
        insert(keys).values(
            id=key_id,
            secret_hash=hash_token(secret),
            user_id=who.id,
            name=name.strip()[:80],
            scopes=None if scopes is None else sorted(scopes),
            created_at=now,
            expires_at=now + days * 86_400_000_000 if days else None,
        )
    )
    audit.note(connection, stamps, who.id, "key.created", key_id)
    return key_id, secret


def list_keys(connection: Connection, who: Principal) -> list[Key]:
    """The keys of `who`, newest first."""
    columns = [keys.c[name] for name in Key.__slots__]
    statement = select(*columns).where(keys.c.user_id == who.id)
    rows = connection.execute(statement.order_by(keys.c.created_at.desc(), keys.c.id))
    return [Key(**row) for row in rows.mappings()]


def revoke_key(connection: Connection, stamps: Stamps, who: Principal, key_id: str) -> None:
    """End a key of `who`, or of anybody for one who manages people.

    Raises:
        NotFound: it is not there or not theirs.
    """
    statement = update(keys).where(keys.c.id == key_id, keys.c.revoked_at.is_(None))
    if not who.may("manage_people"):
        statement = statement.where(keys.c.user_id == who.id)
    if connection.execute(statement.values(revoked_at=stamps.now())).rowcount == 0:
        raise NotFound("people.no_key")
    bump_access(connection)
    audit.note(connection, stamps, who.id, "key.revoked", key_id)
