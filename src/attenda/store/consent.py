"""Consent: which chats may become material for training, by whose word and since when.

A chat's own answer counts before its person's, and that before the installation's default. Each
answer is a row that stays, so what was allowed when can be told afterwards. Only the person whose
chat it is may answer.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from sqlalchemy import Connection, Row, insert, select

from attenda.core.errors import NotFound
from attenda.core.principal import Principal
from attenda.store import sessions
from attenda.store.schema import messages
from attenda.store.schema import sessions as session_rows
from attenda.store.schema_consent import consents
from attenda.store.stamps import Stamps

__all__ = [
    "Consent",
    "Shift",
    "allow_person",
    "allow_session",
    "consent_rows",
    "offered_sessions",
    "person_consent",
    "session_consent",
    "take_back",
    "withdrawn_in",
    "with_consent",
]


@dataclass(frozen=True, slots=True)
class Consent:
    """Whether chats may be used for training, and whose word that is."""

    allowed: bool
    source: Literal["session", "person", "installation"]
    at: int | None = None
    """When it was said; never for the installation's default."""
    by: str | None = None


@dataclass(frozen=True, slots=True)
class Shift:
    """Ids of sessions that an answer allowed, and of those that it took back."""

    allowed: tuple[str, ...] = ()
    withdrawn: tuple[str, ...] = ()


class _Answers:
    """The newest answers of one person."""

    def __init__(self, rows: Iterable[Row[Any]], default: bool) -> None:
        self._default = Consent(default, "installation")
        self._own: dict[str | None, Row[Any]] = {row.session_id: row for row in rows}

    @property
    def said_of(self) -> set[str | None]:
        """Sessions with an answer of their own; None stands for all others."""
        return set(self._own)

    def of(self, session_id: str | None) -> Consent:
        """What counts for a session, or for those that nothing was said of."""
        row = self._own.get(session_id) or self._own.get(None)
        if row is None:
            return self._default
        source: Literal["session", "person"] = "session" if row.session_id else "person"
        return Consent(bool(row.allowed), source, row.at, row.by)


def _answers(connection: Connection, person_id: str, default: bool) -> _Answers:
    rows = select(consents).where(consents.c.person_id == person_id).order_by(consents.c.number)
    return _Answers(connection.execute(rows), default)


def person_consent(connection: Connection, person_id: str, default: bool) -> Consent:
    """What counts for a person's chats that have no answer of their own."""
    return _answers(connection, person_id, default).of(None)


def session_consent(connection: Connection, session: sessions.Session, default: bool) -> Consent:
    """What counts for one session."""
    return _answers(connection, session.owner_id, default).of(session.id)


def allow_session(
    connection: Connection, stamps: Stamps, who: Principal, session_id: str, allowed: bool
) -> Shift:
    """Take a person's answer for one chat of theirs.

    Raises:
        NotFound: it is not there or not their own, whatever teams they share.
    """
    session = sessions.get_session(connection, who, session_id)
    if session.owner_id != who.id:
        raise NotFound("session.missing")
    _note(connection, stamps, who, session_id, allowed)
    return Shift((session_id,), ()) if allowed else Shift((), (session_id,))


def take_back(
    connection: Connection, stamps: Stamps, who: Principal, session_id: str, default: bool
) -> Shift:
    """Take back what a person allowed of a chat of theirs, as they delete it."""
    mine = session_rows.c.id == session_id, session_rows.c.owner_id == who.id
    is_own = connection.execute(select(session_rows.c.id).where(*mine)).first() is not None
    if not is_own or not _answers(connection, who.id, default).of(session_id).allowed:
        return Shift()
    _note(connection, stamps, who, session_id, False)
    return Shift((), (session_id,))


def allow_person(connection: Connection, stamps: Stamps, who: Principal, allowed: bool) -> Shift:
    """Take a person's answer for all their chats that have none of their own, later ones too."""
    said_of = _answers(connection, who.id, False).said_of
    _note(connection, stamps, who, None, allowed)
    mine = select(session_rows.c.id).where(session_rows.c.owner_id == who.id)
    moved = tuple(one for one in connection.execute(mine).scalars() if one not in said_of)
    return Shift(moved, ()) if allowed else Shift((), moved)


def _note(
    connection: Connection, stamps: Stamps, who: Principal, session_id: str | None, allowed: bool
) -> None:
    row = {"person_id": who.id, "session_id": session_id, "allowed": allowed}
    connection.execute(insert(consents).values(**row, at=stamps.now(), by=who.id))


def withdrawn_in(connection: Connection) -> list[str]:
    """Ids of all sessions that somebody's own word keeps out of training."""
    people = _by_person(connection)
    gone = [one for own in people.values() for one, row in own.items() if one and not row.allowed]
    silent = [id_ for id_, own in people.items() if None in own and not own[None].allowed]
    theirs = select(session_rows.c.id, session_rows.c.owner_id)
    for row in connection.execute(theirs.where(session_rows.c.owner_id.in_(silent))):
        if row.id not in people[row.owner_id]:
            gone.append(row.id)
    return gone


def _by_person(connection: Connection) -> dict[str, dict[str | None, Row[Any]]]:
    """The newest answers of everyone, by person and session."""
    found: dict[str, dict[str | None, Row[Any]]] = {}
    for row in connection.execute(select(consents).order_by(consents.c.number)):
        found.setdefault(row.person_id, {})[row.session_id] = row
    return found


def consent_rows(connection: Connection, person_id: str) -> list[dict[str, Any]]:
    """All that a person ever answered, in order."""
    rows = select(consents).where(consents.c.person_id == person_id).order_by(consents.c.number)
    return [dict(row) for row in connection.execute(rows).mappings()]


def with_consent(
    connection: Connection, person_id: str, rows: Iterable[Mapping[str, Any]], default: bool
) -> list[dict[str, Any]]:
    """Rows of a person's sessions, each with what counts for it as `consent`."""
    answers = _answers(connection, person_id, default)
    return [{**row, "consent": asdict(answers.of(row["id"]))} for row in rows]


def offered_sessions(connection: Connection, default: bool) -> Iterator[dict[str, Any]]:
    """Every session that is not in the trash, with its consent; with its messages if allowed.

    Trials of drafts are nobody's talk, and left out.

    Meant for the one who makes a data set: the reader of such rows leaves out what may not be used.
    """
    people = {one: _Answers(rows.values(), default) for one, rows in _by_person(connection).items()}
    nobody = _Answers((), default)
    earnest = session_rows.c.deleted_at.is_(None), session_rows.c.uses_draft.is_(False)
    rows = select(session_rows).where(*earnest)
    for session in connection.execute(rows.order_by(session_rows.c.created_at)).mappings().all():
        counts = people.get(session["owner_id"], nobody).of(session["id"])
        said = _messages(connection, session["id"]) if counts.allowed else []
        yield {**session, "consent": asdict(counts), "messages": said}


def _messages(connection: Connection, session_id: str) -> list[dict[str, Any]]:
    rows = select(messages).where(messages.c.session_id == session_id)
    found = connection.execute(rows.order_by(messages.c.created_at, messages.c.id)).mappings()
    return [dict(row) for row in found]
