"""People: users and teams; passwords as Argon2 hashes, tokens as SHA-256.

The first administrator is a row with a fixed id, so there can be one only, however many ask at
once. Whatever takes rights away also raises the access version, by which open streams learn.
"""

import asyncio
import contextlib
import hashlib
import secrets
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import Any, get_args

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from sqlalchemy import Connection, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from attenda.core.errors import Conflict, Denied, NotFound, Unauthenticated, UserError
from attenda.core.principal import Principal, Role
from attenda.store import audit
from attenda.store.database import Database, apart
from attenda.store.schema import access, logins, memberships, teams, users
from attenda.store.stamps import Stamps

__all__ = [
    "OWNER",
    "OWNER_ID",
    "Team",
    "User",
    "access_version",
    "bump_access",
    "change_user",
    "check_email",
    "check_password",
    "create_team",
    "end_logins",
    "ensure_owner",
    "get_user",
    "hash_token",
    "hash_password",
    "is_set_up",
    "list_teams",
    "list_users",
    "principal_of",
    "set_password",
    "set_teams",
    "set_up_owner",
    "teams_of",
]

OWNER_ID = "usr_owner"
"""The first administrator: who holds the home's key."""
OWNER = Principal(id=OWNER_ID, role="owner")

_ACCESS = 1
"""The row of `access` that counts changes of rights; the audit log has the next."""
_FREE_FAILURES = 5
_MIN_PASSWORD = 10


@dataclass(frozen=True, slots=True)
class User:
    """A person without their secrets."""

    id: str
    email: str | None
    name: str
    role: Role
    language: str
    tokens_a_day: int | None
    created_at: int
    disabled_at: int | None


@dataclass(frozen=True, slots=True)
class Team:
    """A named group."""

    id: str
    name: str


@cache
def _hasher() -> PasswordHasher:
    return PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)


def hash_token(token: str) -> str:
    """What is stored of a token of 256 random bits."""
    return hashlib.sha256(token.encode()).hexdigest()


def ensure_owner(connection: Connection, stamps: Stamps) -> None:
    """Make the first administrator's row if it is not there."""
    if connection.execute(select(users.c.id).where(users.c.id == OWNER_ID)).first() is None:
        row = insert(users).values(id=OWNER_ID, role="owner", name="", created_at=stamps.now())
        with contextlib.suppress(IntegrityError), apart(connection):
            connection.execute(row)  # another process may be making it this moment


def set_up_owner(
    connection: Connection, stamps: Stamps, name: str, email: str, password: str
) -> None:
    """Give the first administrator a name and a password, once.

    Raises:
        Conflict: it was done before, or the e-mail is taken.
        UserError: the e-mail or the password will not do.
    """
    check_email(email)
    hashed = hash_password(password)
    statement = update(users).where(users.c.id == OWNER_ID, users.c.password_hash.is_(None))
    values = {"name": name.strip(), "email": email.strip().lower(), "password_hash": hashed}
    try:
        done = connection.execute(statement.values(**values))
    except IntegrityError:
        raise Conflict("people.email_taken") from None
    if done.rowcount == 0:
        raise Conflict("people.already_set_up")
    audit.note(connection, stamps, OWNER_ID, "owner.set_up", OWNER_ID)


def is_set_up(connection: Connection) -> bool:
    """Whether the first administrator has a password."""
    statement = select(users.c.password_hash).where(users.c.id == OWNER_ID)
    return connection.execute(statement).scalar_one_or_none() is not None


def hash_password(password: str) -> str:
    """The Argon2id hash of a password.

    Raises:
        UserError: it is too short, or far too long.
    """
    if not _MIN_PASSWORD <= len(password) <= 1000:
        raise UserError("people.weak_password", least=_MIN_PASSWORD)
    return _hasher().hash(password)


async def check_password(
    database: Database, stamps: Stamps, email: str, password: str
) -> str | None:
    """Id of the user whose password this is, or nothing; failures slow further tries down.

    A try counts as a failure before it is made, so those made at once do not get more of them. The
    work that makes guessing dear is done outside any transaction: no write waits for it.

    Raises:
        Denied: too many failures; the sentence says how long to wait.
    """
    tried = await database.write(lambda c: _begin_try(c, stamps, email))
    hashed = tried.password_hash or _decoy()
    loop = asyncio.get_running_loop()
    right = await loop.run_in_executor(_verifiers(), lambda: _verify(hashed, password))
    if not right or tried.password_hash is None:
        return None
    cleared = await database.write(lambda c: _clear_failures(c, tried))
    return tried.user_id if cleared else None


@dataclass(frozen=True, slots=True)
class _Try:
    """A try at an account; without a hash there is none to get into."""

    user_id: str = ""
    password_hash: str | None = None


def _begin_try(connection: Connection, stamps: Stamps, email: str) -> _Try:
    address = email.strip().lower().replace("\0", "")  # which PostgreSQL does not take
    statement = select(users).where(users.c.email == address, users.c.disabled_at.is_(None))
    row = connection.execute(statement.with_for_update()).mappings().first()
    if row is None:
        return _Try()
    now = stamps.now()
    if row["locked_until"] > now:
        raise Denied("people.locked", seconds=(row["locked_until"] - now) // 1_000_000 + 1)
    failures = row["failures"] + 1
    over = failures - _FREE_FAILURES
    wait_us = min(900, 2**over) * 1_000_000 if over >= 0 else 0
    counted = update(users).where(users.c.id == row["id"])
    connection.execute(
        counted.values(failures=failures, locked_until=now + wait_us if wait_us else 0)
    )
    return _Try(str(row["id"]), row["password_hash"])


def _clear_failures(connection: Connection, tried: _Try) -> bool:
    """Forget the failures; not if the password or the account changed meanwhile."""
    mine = update(users).where(
        users.c.id == tried.user_id,
        users.c.password_hash == tried.password_hash,
        users.c.disabled_at.is_(None),
    )
    return connection.execute(mine.values(failures=0, locked_until=0)).rowcount == 1


@cache
def _verifiers() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(2, thread_name_prefix="attenda-password")


@cache
def _decoy() -> str:
    """A hash to compare with when there is no such user, so that both take as long."""
    return _hasher().hash(secrets.token_hex())


def _verify(hashed: str, password: str) -> bool:
    try:
        return _hasher().verify(hashed, password[:1000])
    except (Argon2Error, InvalidHashError):
        return False


def get_user(connection: Connection, user_id: str) -> User:
    """A user.

    Raises:
        NotFound: there is none.
    """
    for user in list_users(connection):
        if user.id == user_id:
            return user
    raise NotFound("people.missing")


def list_users(connection: Connection) -> list[User]:
    """All users, oldest first."""
    columns = [users.c[name] for name in User.__slots__]
    rows = connection.execute(select(*columns).order_by(users.c.created_at, users.c.id))
    return [User(**row) for row in rows.mappings()]


def principal_of(connection: Connection, user_id: str) -> Principal:
    """The user as one who asks, with teams.

    Raises:
        Unauthenticated: the user is gone or disabled.
    """
    columns = [users.c[name] for name in ("id", "role", "name", "email", "language")]
    statement = select(*columns).where(users.c.id == user_id, users.c.disabled_at.is_(None))
    row = connection.execute(statement).mappings().first()
    if row is None:
        raise Unauthenticated("gate.unknown")
    chosen = select(memberships.c.team_id).where(memberships.c.user_id == user_id)
    return Principal(
        id=row["id"],
        role=row["role"],
        name=row["name"] or row["email"] or "",
        language=row["language"],
        teams=frozenset(str(team) for (team,) in connection.execute(chosen)),
    )


def change_user(
    connection: Connection, stamps: Stamps, actor: Principal, user_id: str, **values: Any
) -> None:
    """Change role, name, language, quota, or disable (`disabled=True`); rights end at once.

    Raises:
        NotFound: there is no such user.
        UserError: no such role.
        Denied: it would leave the installation without its owner.
    """
    if "disabled" in values:
        values["disabled_at"] = stamps.now() if values.pop("disabled") else None
    if values.get("role") not in (None, *get_args(Role)):
        raise UserError("people.no_role", role=values["role"])
    loses = values.get("role", "owner") != "owner" or values.get("disabled_at") is not None
    if user_id == OWNER_ID and loses:
        raise Denied("people.last_owner")
    done = connection.execute(update(users).where(users.c.id == user_id).values(**values))
    if done.rowcount == 0:
        raise NotFound("people.missing")
    bump_access(connection)
    shown = {name: value for name, value in values.items() if name != "password_hash"}
    audit.note(connection, stamps, actor.id, "user.changed", user_id, **shown)


def end_logins(connection: Connection, user_id: str) -> None:
    """Sign a user out everywhere."""
    connection.execute(delete(logins).where(logins.c.user_id == user_id))
    bump_access(connection)


def set_password(connection: Connection, stamps: Stamps, user_id: str, password: str) -> None:
    """Set a user's password and end all their sign-ins.

    Raises:
        UserError: the password will not do.
    """
    values = {"password_hash": hash_password(password), "failures": 0, "locked_until": 0}
    connection.execute(update(users).where(users.c.id == user_id).values(**values))
    end_logins(connection, user_id)
    audit.note(connection, stamps, user_id, "password.set", user_id)


def create_team(connection: Connection, stamps: Stamps, actor: Principal, name: str) -> Team:
    """A new team.

    Raises:
        Conflict: the name is taken.
        UserError: the name is empty.
    """
    if not name.strip():
        raise UserError("people.no_name")
    team = Team(stamps.new_id("team"), name.strip()[:80])
    taken = select(func.count()).select_from(teams).where(teams.c.name == team.name)
    if connection.execute(taken).scalar_one():
        raise Conflict("people.team_taken", name=team.name)
    connection.execute(insert(teams).values(id=team.id, name=team.name, created_at=stamps.now()))
    audit.note(connection, stamps, actor.id, "team.created", team.id)
    return team


def list_teams(connection: Connection) -> list[Team]:
    """All teams, by name."""
    rows = connection.execute(select(teams.c.id, teams.c.name).order_by(teams.c.name))
    return [Team(**row) for row in rows.mappings()]


def teams_of(connection: Connection) -> dict[str, list[str]]:
    """Ids of the teams of each user who is in one."""
    of: dict[str, list[str]] = {}
    rows = connection.execute(select(memberships).order_by(memberships.c.team_id))
    for row in rows:
        of.setdefault(row.user_id, []).append(row.team_id)
    return of


def set_teams(
    connection: Connection, stamps: Stamps, actor: Principal, user_id: str, team_ids: set[str]
) -> None:
    """Put a user into exactly these teams; rights from others end at once.

    Raises:
        NotFound: no such user or team.
    """
    get_user(connection, user_id)
    if not team_ids <= {team.id for team in list_teams(connection)}:
        raise NotFound("people.no_team")
    connection.execute(delete(memberships).where(memberships.c.user_id == user_id))
    rows = [{"user_id": user_id, "team_id": team_id} for team_id in sorted(team_ids)]
    if rows:
        connection.execute(insert(memberships), rows)
    bump_access(connection)
    audit.note(connection, stamps, actor.id, "user.teams", user_id, teams=sorted(team_ids))


def bump_access(connection: Connection) -> None:
    """Let every process know that somebody's rights changed."""
    counter = update(access).where(access.c.id == _ACCESS)
    connection.execute(counter.values(version=access.c.version + 1))


def access_version(connection: Connection) -> int:
    """A number that rises with each change of rights."""
    statement = select(access.c.version).where(access.c.id == _ACCESS)
    return int(connection.execute(statement).scalar_one())


def check_email(email: str) -> None:
    """Refuse what can't be an e-mail address.

    Raises:
        UserError: it has no name, no domain, a space or a null.
    """
    local, at, domain = email.strip().partition("@")
    odd = any(one in email.strip() for one in " \0")
    if not (local and at and "." in domain) or len(email) > 254 or odd:
        raise UserError("people.bad_email")
