"""The desk: which handed-off sessions its people see, and how one passes from hand to hand.

Whose a session is changes by compare-and-set alone. People of the desk see a session while it is
not the bot's and its agent is one they may talk to; what is the bot's stays its owner's alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, func, or_, select, update

from attenda.core.errors import Conflict, Denied, NotFound
from attenda.core.principal import Principal
from attenda.store import alarms, audit, hours
from attenda.store.automations import note_event
from attenda.store.rights import visible
from attenda.store.schema import agents, messages, sessions, users
from attenda.store.schema_desk import labels
from attenda.store.sessions import Session, change_owner
from attenda.store.stamps import Stamps

__all__ = [
    "DeskRow",
    "alarmed",
    "claim",
    "count_queued",
    "customer_wrote",
    "desk_people",
    "desk_session",
    "enqueue",
    "has_people",
    "list_desk",
    "on_desk",
    "other_sessions",
    "queued_before",
    "release",
    "require_claim",
    "session_with_people",
    "staff_replied",
    "user_names",
    "waiting_since",
]

_STAFF = ("owner", "supervisor", "agent")
_HELD = ("human", "waiting")


@dataclass(frozen=True, slots=True)
class DeskRow:
    """One row of the desk's list."""

    session: Session
    customer: str
    agent: str
    claimed_name: str
    last_role: str
    last_text: str
    labels: tuple[str, ...]
    alarm: str
    """Why somebody may be in danger; empty where nobody is, or a person saw to it."""


def on_desk(who: Principal) -> ColumnElement[bool]:
    """Sessions that are not the bot's, of agents that `who` may talk to."""
    theirs = select(agents.c.id).where(visible(agents, who))
    ours = or_(sessions.c.agent_id.is_(None), sessions.c.agent_id.in_(theirs))
    open_to_all = who.role == "owner"
    earnest = sessions.c.deleted_at.is_(None), sessions.c.uses_draft.is_(False)
    handed_off = and_(sessions.c.owner != "bot", *earnest)
    return handed_off if open_to_all else and_(handed_off, ours)


def list_desk(connection: Connection, who: Principal, limit: int = 200) -> list[DeskRow]:
    """Sessions of the desk: where an alarm stands, then those that wait longest, then the others.

    Those come last that are closed.
    """
    claimer = users.alias("claimer")
    statement = (
        select(
            sessions,
            users.c.name.label("customer"),
            users.c.email.label("customer_email"),
            agents.c.name.label("agent"),
            claimer.c.name.label("claimed_name"),
            claimer.c.email.label("claimed_email"),
            messages.c.role,
            messages.c.parts,
        )
        .outerjoin(users, users.c.id == sessions.c.owner_id)
        .outerjoin(claimer, claimer.c.id == sessions.c.claimed_by)
        .outerjoin(agents, agents.c.id == sessions.c.agent_id)
        .outerjoin(messages, messages.c.id == sessions.c.head_id)
        .where(on_desk(who))
        .order_by(
            case((alarms.stands(), 0), else_=1),
            case((sessions.c.owner == "queued", 0), (sessions.c.owner == "resolved", 2), else_=1),
            case((sessions.c.owner == "queued", sessions.c.owner_at), else_=-sessions.c.updated_at),
            sessions.c.id,
        )
    )
    rows = connection.execute(statement.limit(limit)).mappings().all()
    ids = [row["id"] for row in rows]
    named, raised = _labels_of(connection, ids), alarms.standing_alarms(connection, ids)
    return [_desk_row(dict(row), named, raised.get(row["id"], "")) for row in rows]


def _desk_row(row: dict[str, Any], named: dict[str, list[str]], alarm: str) -> DeskRow:
    session = Session(**{name: row[name] for name in Session.__slots__})
    parts = row["parts"] or []
    text = "".join(part["text"] for part in parts if part["type"] == "text")
    return DeskRow(
        session=session,
        customer=row["customer"] or row["customer_email"] or "",
        agent=row["agent"] or "",
        claimed_name=row["claimed_name"] or row["claimed_email"] or "",
        last_role=row["role"] or "",
        last_text=text[:160],
        labels=tuple(named.get(session.id, ())),
        alarm=alarm,
    )


def _labels_of(connection: Connection, ids: Sequence[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    statement = select(labels).where(labels.c.session_id.in_(ids)).order_by(labels.c.name)
    for row in connection.execute(statement).mappings():
        found.setdefault(row["session_id"], []).append(row["name"])
    return found


def desk_session(connection: Connection, who: Principal, session_id: str) -> Session:
    """A session of the desk.

    Raises:
        NotFound: it is the bot's, not there, or of an agent that is not for them.
    """
    row = connection.execute(select(sessions).where(sessions.c.id == session_id, on_desk(who)))
    found = row.mappings().first()
    if found is None:
        raise NotFound("desk.missing")
    return Session(**found)


def other_sessions(
    connection: Connection, who: Principal, session: Session
) -> list[dict[str, Any]]:
    """The customer's other sessions that are on the desk, the newest first."""
    columns = [sessions.c[name] for name in ("id", "title", "owner", "updated_at")]
    theirs = sessions.c.owner_id == session.owner_id, sessions.c.id != session.id
    statement = select(*columns).where(on_desk(who), *theirs)
    rows = connection.execute(statement.order_by(sessions.c.updated_at.desc()).limit(10))
    return [dict(row) for row in rows.mappings()]


def count_queued(connection: Connection, who: Principal) -> int:
    """How many sessions wait for somebody to take them."""
    statement = select(func.count()).select_from(sessions)
    found = connection.execute(statement.where(on_desk(who), sessions.c.owner == "queued"))
    return int(found.scalar_one())


def alarmed(connection: Connection, who: Principal) -> list[tuple[str, int]]:
    """The sessions in which alarms stand, with when each was raised."""
    return alarms.raised_in(connection, on_desk(who))


def waiting_since(connection: Connection, who: Principal, before: int) -> list[tuple[str, int]]:
    """The sessions that wait since `before` or longer, each with since when."""
    statement = select(sessions.c.id, sessions.c.owner_at).where(
        on_desk(who), sessions.c.owner == "queued", sessions.c.owner_at <= before
    )
    rows = connection.execute(statement.order_by(sessions.c.owner_at, sessions.c.id))
    return [(str(id_), int(since)) for id_, since in rows]


def queued_before(connection: Connection, session: Session) -> int:
    """How many wait longer than a session that waits."""
    earlier = or_(
        sessions.c.owner_at < session.owner_at,
        and_(sessions.c.owner_at == session.owner_at, sessions.c.id < session.id),
    )
    statement = select(func.count()).select_from(sessions)
    waits = sessions.c.owner == "queued", sessions.c.deleted_at.is_(None), earlier
    return int(connection.execute(statement.where(*waits)).scalar_one())


def has_people(connection: Connection, but: str) -> bool:
    """Whether somebody else could answer."""
    statement = select(users.c.id).where(
        users.c.id != but, users.c.role.in_(_STAFF), users.c.disabled_at.is_(None)
    )
    return connection.execute(statement.limit(1)).first() is not None


def session_with_people(connection: Connection, who: Principal, agent_id: str | None) -> str | None:
    """The newest session of `who` with an agent that waits for a person, or that one has."""
    theirs = sessions.c.owner_id == who.id, sessions.c.agent_id == agent_id
    open_ = sessions.c.owner.in_(("queued", *_HELD)), sessions.c.deleted_at.is_(None)
    statement = select(sessions.c.id).where(*theirs, *open_).order_by(sessions.c.id.desc())
    found: str | None = connection.execute(statement.limit(1)).scalar()
    return found


def enqueue(connection: Connection, stamps: Stamps, session_id: str, reason: str) -> bool:
    """Let a session of the bot's, or a closed one, wait for a person; whether it does now.

    Outside the hours it is promised when somebody will be there.
    """
    now = stamps.now()
    values = {"owner_at": now, "claimed_by": None, "handoff_reason": reason}
    values["promised_at"] = hours.promise(connection, session_id, now)
    if not change_owner(connection, session_id, ["bot", "resolved"], "queued", **values):
        return False
    note_event(connection, stamps, "session.queued", session_id, {"session": session_id})
    return True


def claim(
    connection: Connection,
    stamps: Stamps,
    who: Principal,
    session_id: str,
    *,
    take_over: bool = False,
) -> None:
    """Take a session that waits; of many who try, one gets it.

    A supervisor may `take_over` one that another has; so may anybody from a person who is gone.

    Raises:
        NotFound: it is not on their desk.
        Conflict: somebody else has it, or it does not wait.
    """
    desk_session(connection, who, session_id)
    free = sessions.c.owner == "queued"
    held = sessions.c.owner.in_(_HELD)
    here = select(users.c.id).where(users.c.disabled_at.is_(None), users.c.role.in_(_STAFF))
    may_take = or_(free, and_(held, sessions.c.claimed_by.not_in(here)))
    if take_over and who.ranks("supervisor"):
        may_take = or_(free, held)
    statement = update(sessions).where(sessions.c.id == session_id, may_take)
    values = {"owner": "human", "owner_at": stamps.now(), "claimed_by": who.id}
    if connection.execute(statement.values(**values)).rowcount == 0:
        session = desk_session(connection, who, session_id)
        if session.claimed_by == who.id and session.owner in _HELD:
            return  # clicked twice
        raise _taken(connection, session)
    audit.note(connection, stamps, who.id, "session.claimed", session_id)


def _taken(connection: Connection, session: Session) -> Conflict:
    if session.owner in _HELD and session.claimed_by:
        name = user_names(connection, [session.claimed_by]).get(session.claimed_by, "")
        return Conflict("desk.claimed", name=name)
    return Conflict("desk.not_waiting")


def require_claim(connection: Connection, who: Principal, session_id: str) -> Session:
    """A session that `who` has taken.

    Raises:
        NotFound: it is not on their desk.
        Denied: another has it, or nobody yet.
    """
    session = desk_session(connection, who, session_id)
    if session.owner not in _HELD or session.claimed_by != who.id:
        raise Denied("desk.claim_first")
    return session


def staff_replied(
    connection: Connection, stamps: Stamps, who: Principal, session_id: str
) -> Session:
    """A person answers, and from now on the customer is waited for; the session until then.

    Raises:
        NotFound: it is not on their desk.
        Denied: another has it, or nobody.
    """
    session = require_claim(connection, who, session_id)
    theirs = sessions.c.owner.in_(_HELD), sessions.c.claimed_by == who.id
    statement = update(sessions).where(sessions.c.id == session_id, *theirs)
    values = {"owner": "waiting", "owner_at": stamps.now()}
    if connection.execute(statement.values(**values)).rowcount == 0:
        raise Denied("desk.claim_first")  # it was taken over this very moment
    alarms.see_alarms(connection, stamps, session_id)
    return session


def customer_wrote(connection: Connection, stamps: Stamps, session_id: str) -> bool:
    """Whose turn it is when the customer writes: their person's, or the queue's once more.

    Returns whether it waits anew.
    """
    now = stamps.now()
    change_owner(connection, session_id, ["waiting"], "human", owner_at=now)
    promised = hours.promise(connection, session_id, now)
    values = {"owner_at": now, "claimed_by": None, "promised_at": promised}
    return change_owner(connection, session_id, ["resolved"], "queued", **values)


def release(
    connection: Connection, stamps: Stamps, who: Principal, session_id: str, new: str
) -> None:
    """Give a session back to the bot, or close it (`resolved`).

    Its person may, a supervisor may, and one that waits may be closed by anybody.

    Raises:
        NotFound: it is not on their desk.
        Denied: another has it, or nobody yet.
        Conflict: it has changed hands in between.
    """
    session = desk_session(connection, who, session_id)
    if not (who.ranks("supervisor") or (new == "resolved" and session.owner == "queued")):
        require_claim(connection, who, session_id)
    values: dict[str, object] = {"owner_at": stamps.now()}
    if new == "bot":
        values |= {"claimed_by": None, "handoff_reason": "", "promised_at": None}
    if not change_owner(connection, session_id, ["queued", *_HELD], new, **values):
        raise Conflict("desk.not_waiting")
    alarms.see_alarms(connection, stamps, session_id)
    action = "session.resolved" if new == "resolved" else "session.returned"
    audit.note(connection, stamps, who.id, action, session_id)
    if new == "resolved":
        note_event(connection, stamps, action, session_id, {"session": session_id})


def desk_people(connection: Connection) -> dict[str, str]:
    """The names of all who may work at the desk, by id; who has none is called by the id."""
    there = users.c.role.in_(_STAFF), users.c.disabled_at.is_(None)
    statement = select(users.c.id, users.c.name).where(*there).order_by(users.c.name, users.c.id)
    return {id_: name or id_ for id_, name in connection.execute(statement)}


def user_names(connection: Connection, ids: Sequence[str]) -> dict[str, str]:
    """The names of people by id; one without a name, or gone, is missing."""
    statement = select(users.c.id, users.c.name).where(users.c.id.in_(ids))
    return {id_: name for id_, name in connection.execute(statement) if name}
