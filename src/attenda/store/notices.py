"""Notices: whom to tell when somebody waits at the desk, once for each rule and stretch of waiting.

An alarm is told at once, however long a rule waits otherwise, and once for each.

A notice is written down before it is sent. Whoever takes one to send it has it for a while: if
they die meanwhile, another takes it again under the same id, by which a receiver knows it.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, case, delete, exists, insert, select, text, update

from attenda.core.errors import NotFound, Unauthenticated
from attenda.core.principal import Principal
from attenda.store import audit, desk, people
from attenda.store.schema import agents, sessions, users
from attenda.store.schema_desk import alarms
from attenda.store.schema_notices import notice_rules, notices
from attenda.store.stamps import Stamps

__all__ = [
    "Notice",
    "add_rule",
    "end_notice",
    "get_rule",
    "has_work",
    "list_rules",
    "note_waiting",
    "remove_rule",
    "take_due",
]

_TURNS = text("SELECT pg_advisory_xact_lock(7303)")
"""Lets processes write notices down one after the other."""
_LEASE_US = 120_000_000
"""How long a notice is whose sending began: longer than any sending takes."""
_WORK = select(
    (
        (
            select(sessions.c.id).where(sessions.c.owner == "queued").exists()
            | select(alarms.c.message_id).where(alarms.c.seen_at.is_(None)).exists()
        )
        & select(notice_rules.c.id).exists()
    )
    | select(notices.c.id)
    .where(notices.c.state == "pending", notices.c.next_at <= bindparam("now"))
    .exists()
)
"""Made once: it is asked after each answer."""


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice to be sent, as a receiver is told of it; nothing that a customer wrote is in it."""

    id: str
    kind: str
    target: str
    secret: str
    session_id: str
    """Empty in a trial."""
    agent: str
    waits_since: int
    attempts: int
    """How often it was tried, this time included."""
    language: str = "en"
    """Of who set the rule."""
    alarm: bool = False
    """Somebody may be in danger, since then."""


def add_rule(
    connection: Connection, stamps: Stamps, who: Principal, *, kind: str, target: str, **rest: Any
) -> str:
    """Tell somebody from now on; the rule's id. `rest` is `secret` and `after_s`."""
    id_ = stamps.new_id("nrl")
    row = {"id": id_, "kind": kind, "target": target, "owner_id": who.id, **rest}
    connection.execute(insert(notice_rules).values(**row, created_at=stamps.now()))
    audit.note(connection, stamps, who.id, "notice.rule", id_, kind=kind)
    return id_


def list_rules(connection: Connection, who: Principal) -> list[dict[str, Any]]:
    """The rules of `who`, without their secrets, each with what became of its last notice."""
    shown = [column for column in notice_rules.c if column.name not in ("secret", "owner_id")]
    mine = select(*shown).where(notice_rules.c.owner_id == who.id)
    rules = connection.execute(mine.order_by(notice_rules.c.created_at, notice_rules.c.id))
    return [{**rule, "last": _last(connection, rule["id"])} for rule in rules.mappings()]


def _last(connection: Connection, rule_id: str) -> dict[str, Any] | None:
    columns = [notices.c[name] for name in ("state", "attempts", "problem", "made_at", "ended_at")]
    newest = select(*columns).where(notices.c.rule_id == rule_id)
    row = connection.execute(newest.order_by(notices.c.made_at.desc()).limit(1)).mappings().first()
    return dict(row) if row else None


def get_rule(connection: Connection, who: Principal, rule_id: str) -> dict[str, Any]:
    """A rule of `who`, with its secret.

    Raises:
        NotFound: there is none.
    """
    mine = notice_rules.c.id == rule_id, notice_rules.c.owner_id == who.id
    row = connection.execute(select(notice_rules).where(*mine)).mappings().first()
    if row is None:
        raise NotFound("notice.no_rule")
    return dict(row)


def remove_rule(connection: Connection, stamps: Stamps, who: Principal, rule_id: str) -> None:
    """Tell them no more.

    Raises:
        NotFound: there is no such rule of theirs.
    """
    get_rule(connection, who, rule_id)
    connection.execute(delete(notice_rules).where(notice_rules.c.id == rule_id))
    audit.note(connection, stamps, who.id, "notice.rule_removed", rule_id)


def has_work(connection: Connection, stamps: Stamps) -> bool:
    """Whether there may be something to write down or to send; looking costs no write."""
    return bool(connection.execute(_WORK, {"now": stamps.now()}).scalar())


def note_waiting(connection: Connection, stamps: Stamps) -> int:
    """Write down a notice for whoever waits long enough for a rule and has none yet; how many.

    So is one for each alarm, before the others.

    A rule sees what its owner sees on the desk; of one who may not see the desk it sees nothing.
    """
    if connection.dialect.name == "postgresql":  # as SQLite's one writer does it anyway
        connection.execute(_TURNS)
    made, now = 0, stamps.now()
    for rule in connection.execute(select(notice_rules)).mappings().all():
        who = _owner(connection, rule["owner_id"])
        if who is None:
            continue
        for session_id, at in desk.alarmed(connection, who):
            made += _note(connection, stamps, rule["id"], session_id, at, alarm=True)
        for session_id, since in desk.waiting_since(connection, who, now - rule["after_s"] * 10**6):
            made += _note(connection, stamps, rule["id"], session_id, since, alarm=False)
    return made


def _owner(connection: Connection, user_id: str) -> Principal | None:
    """Whose rule it is, if they may still see the desk."""
    try:
        who = people.principal_of(connection, user_id)
    except Unauthenticated:
        return None
    return who if who.may("desk") else None


def _note(
    connection: Connection,
    stamps: Stamps,
    rule_id: str,
    session_id: str,
    since: int,
    *,
    alarm: bool,
) -> bool:
    same = (
        notices.c.rule_id == rule_id,
        notices.c.session_id == session_id,
        notices.c.waits_since == since,
    )
    if connection.execute(select(exists().where(*same))).scalar():
        return False
    row = {"id": stamps.new_id("ntc"), "rule_id": rule_id, "session_id": session_id}
    times = {"waits_since": since, "next_at": stamps.now(), "made_at": stamps.now()}
    connection.execute(insert(notices).values(**row, **times, state="pending", alarm=alarm))
    return True


def take_due(connection: Connection, stamps: Stamps, most: int = 20) -> list[Notice]:
    """Notices to be sent now, each to one taker alone; of who waits no more they are dropped."""
    now = stamps.now()
    over = select(sessions.c.id).where(
        sessions.c.id == notices.c.session_id,
        (sessions.c.owner != "queued") | (sessions.c.owner_at != notices.c.waits_since),
    )
    stands = select(alarms.c.message_id).where(
        alarms.c.session_id == notices.c.session_id, alarms.c.seen_at.is_(None)
    )
    needless = case((notices.c.alarm, ~stands.exists()), else_=over.exists())
    due = notices.c.state == "pending", notices.c.next_at <= now
    dropped = update(notices).where(*due, needless)
    connection.execute(dropped.values(state="dropped", ended_at=now))
    statement = (
        select(
            notices,
            notice_rules.c.kind,
            notice_rules.c.target,
            notice_rules.c.secret,
            agents.c.name.label("agent"),
            users.c.language,
        )
        .join(notice_rules, notice_rules.c.id == notices.c.rule_id)
        .join(sessions, sessions.c.id == notices.c.session_id)
        .join(users, users.c.id == notice_rules.c.owner_id)
        .outerjoin(agents, agents.c.id == sessions.c.agent_id)
        .where(*due)
        .order_by(notices.c.next_at, notices.c.id)
    )
    rows = connection.execute(statement.limit(most)).mappings().all()
    return [_notice(dict(row)) for row in rows if _take(connection, dict(row), now)]


def _take(connection: Connection, row: dict[str, Any], now: int) -> bool:
    same = notices.c.id == row["id"], notices.c.next_at == row["next_at"]
    values = {"attempts": notices.c.attempts + 1, "next_at": now + _LEASE_US}
    taken = update(notices).where(*same, notices.c.state == "pending").values(**values)
    return connection.execute(taken).rowcount > 0


def _notice(row: dict[str, Any]) -> Notice:
    same = ("id", "kind", "target", "secret", "session_id", "waits_since", "alarm")
    kept = {name: row[name] for name in same}
    told = {"agent": row["agent"] or "", "language": row["language"]}
    return Notice(**kept, **told, attempts=row["attempts"] + 1)


def end_notice(
    connection: Connection,
    stamps: Stamps,
    notice_id: str,
    *,
    problem: dict[str, Any] | None,
    again_in_s: int | None,
) -> None:
    """Note that a notice was sent, or failed with a problem: for good, or to be tried again."""
    now = stamps.now()
    values: dict[str, Any] = {"problem": problem, "state": "failed" if problem else "sent"}
    if problem and again_in_s is not None:
        values |= {"state": "pending", "next_at": now + again_in_s * 10**6}
    else:
        values["ended_at"] = now
    connection.execute(update(notices).where(notices.c.id == notice_id).values(**values))
