"""The journal: effects written down before they happen and finished after, and approvals.

A local effect, its row and what it changed are one transaction. Each function works on a
connection inside someone's transaction.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection, and_, bindparam, func, insert, or_, select, text, update

from attenda.core.errors import Conflict, Denied, NotFound
from attenda.core.label import Label
from attenda.core.principal import Principal, Role
from attenda.store import audit
from attenda.store.schema import runs, sessions, users
from attenda.store.schema_deeds import approvals, effects
from attenda.store.stamps import Stamps

__all__ = [
    "ASKER",
    "Approval",
    "Effect",
    "approval_for",
    "ask_approval",
    "begin_again",
    "begin_effect",
    "count_effects",
    "decide",
    "end_effect",
    "expire_approval",
    "find_effect",
    "get_approval",
    "left_decided",
    "is_pending",
    "may_decide",
    "list_approvals",
    "list_effects",
    "pending_in",
    "spend_approval",
    "take_turns",
    "withdraw_approval",
]

# What each effect needs is made once: making a statement costs more than running it.
_FIND = select(effects).where(effects.c.key == bindparam("effect"))
_BEGIN = insert(effects)
_DONE_SINCE = select(func.count()).where(
    effects.c.owner_id == bindparam("owner"),
    effects.c.tool == bindparam("tool"),
    effects.c.begun_at >= bindparam("since"),
    effects.c.state.in_(("done", "begun", "unknown")),
)
_APPROVAL = (
    select(approvals)
    .where(
        approvals.c.hash == bindparam("deed"),
        approvals.c.asked_for == bindparam("whom"),
        approvals.c.state.in_(("pending", "approved", "denied")),
    )
    .order_by(approvals.c.asked_at.desc(), approvals.c.id.desc())
    .limit(1)
)
_AGAIN = (
    update(effects)
    .where(effects.c.key == bindparam("effect"))
    .values(state="begun", attempts=effects.c.attempts + 1, problem="")
)
_END = (
    update(effects)
    .where(effects.c.key == bindparam("effect"))
    .values(
        state=bindparam("now_is"),
        result=bindparam("found"),
        problem=bindparam("why"),
        ended_at=bindparam("now"),
    )
    .returning(
        effects.c.tool,
        effects.c.rule,
        effects.c.session_id,
        func.coalesce(effects.c.approved_by, effects.c.owner_id).label("who"),
    )
)

ASKER: Literal["asker"] = "asker"
"""In the place of a role: whom it would be done for decides, and nobody in their place."""
_MONTH_US = 30 * 86_400_000_000
_TURNS = text("SELECT pg_advisory_xact_lock(7302)")


@dataclass(frozen=True, slots=True)
class Effect:
    """One row of the journal."""

    key: str
    session_id: str
    instance: str
    step: str
    tool: str
    arguments: str
    label: dict[str, Any]
    state: str
    """`begun`, `done`, `failed` or `unknown`."""
    result: str | None
    problem: str
    rule: str
    approved_by: str | None
    attempts: int
    owner_id: str
    begun_at: int
    ended_at: int | None


@dataclass(frozen=True, slots=True)
class Approval:
    """A deed that waits for a person's yes, or has it, or not."""

    id: str
    hash: str
    """Of session, flow instance, step, tool, arguments and labels: it is for just this deed."""
    session_id: str
    instance: str
    step: str
    tool: str
    arguments: str
    """The bytes that would be carried out; what a person is shown is made from them."""
    label: dict[str, Any]
    rule: str
    role: Role | Literal["asker"]
    """Who may decide: this role, or the owner; or the person it would be done for."""
    asked_for: str
    state: str
    """`pending`, `approved`, `denied`, `expired` or `used`."""
    asked_at: int
    expires_at: int
    decided_by: str | None
    decided_at: int | None
    reason: str


def take_turns(connection: Connection) -> None:
    """Let transactions about effects follow one another, as SQLite's one writer does.

    A tool reads rows before it changes them, and a limit is counted before a deed is added to it:
    two at once would each see the world without the other.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(_TURNS)


def find_effect(connection: Connection, key: str) -> Effect | None:
    """The effect with this key, if it was ever begun."""
    row = connection.execute(_FIND, {"effect": key}).mappings().first()
    return None if row is None else Effect(**row)


def begin_effect(
    connection: Connection, stamps: Stamps, key: str, label: Label, **values: str | None
) -> None:
    """Write down that an effect is about to happen for the first time."""
    row = {**values, "key": key, "label": label.model_dump(mode="json"), "state": "begun"}
    connection.execute(_BEGIN, {**row, "attempts": 1, "begun_at": stamps.now()})


def begin_again(connection: Connection, key: str) -> None:
    """Write down that an effect which failed is about to happen."""
    connection.execute(_AGAIN, {"effect": key})


def end_effect(
    connection: Connection,
    stamps: Stamps,
    key: str,
    state: str,
    *,
    result: str | None = None,
    problem: str = "",
) -> None:
    """Write down what became of an effect."""
    became = {"now_is": state, "found": result, "why": problem, "now": stamps.now()}
    row = connection.execute(_END, {"effect": key, **became}).first()
    if row is not None and state == "done":
        detail = {"tool": row.tool, "rule": row.rule, "session": row.session_id}
        audit.note(connection, stamps, row.who, "effect.done", key[:40], **detail)


def count_effects(connection: Connection, owner_id: str, tool: str, since: int) -> int:
    """How often a tool did something for a person since a moment."""
    given = {"owner": owner_id, "tool": tool, "since": since}
    return int(connection.execute(_DONE_SINCE, given).scalar_one())


def list_effects(connection: Connection, session_id: str) -> list[Effect]:
    """The effects of a session, in order."""
    statement = select(effects).where(effects.c.session_id == session_id)
    rows = connection.execute(statement.order_by(effects.c.begun_at, effects.c.key)).mappings()
    return [Effect(**row) for row in rows]


def approval_for(connection: Connection, hash_: str, asked_for: str, now: int) -> Approval | None:
    """The newest approval asked for just this deed, for this person, that still counts."""
    given = {"deed": hash_, "whom": asked_for}
    row = connection.execute(_APPROVAL, given).mappings().first()
    if row is None or (row["state"] != "denied" and row["expires_at"] <= now):
        return None
    return Approval(**row)


def ask_approval(
    connection: Connection,
    stamps: Stamps,
    hash_: str,
    lasts_s: int,
    label: Label,
    *,
    origins: Mapping[str, str],
    sink: Iterable[str],
    **values: str,
) -> str:
    """Ask for a yes; the id of the question.

    `origins` says of arguments that strangers chose where they come from, `sink` who would learn
    of them; both are shown with the question.
    """
    now = stamps.now()
    id_ = stamps.new_id("apr")
    shown = {"origins": dict(origins), "sink": sorted(sink)}
    statement = insert(approvals).values(
        **values,
        id=id_,
        hash=hash_,
        state="pending",
        label={**label.model_dump(mode="json"), **shown},
        asked_at=now,
        expires_at=now + lasts_s * 1_000_000,
    )
    connection.execute(statement)
    return id_


def decide(
    connection: Connection,
    stamps: Stamps,
    who: Principal,
    approval_id: str,
    shown: str,
    *,
    yes: bool,
    reason: str = "",
) -> Approval:
    """Say yes or no to a deed that was shown; the first decision counts.

    Args:
        connection: of a transaction that writes.
        stamps: time and ids.
        who: decides.
        approval_id: of the question.
        shown: the hash that came with what was shown; another deed has another.
        yes: or no.
        reason: is kept.

    Raises:
        NotFound: there is no such question that they may see.
        Denied: their role may not decide it.
        Conflict: it is decided, it has expired, or what was shown is not what would be done.
    """
    found = get_approval(connection, who, approval_id)
    if not may_decide(who, found):
        raise Denied("approval.not_yours")
    if found.hash != shown:
        raise Conflict("approval.changed")
    now = stamps.now()
    if found.expires_at <= now:
        raise Conflict("approval.expired")
    state = "approved" if yes else "denied"
    open_one = approvals.c.id == approval_id, approvals.c.state == "pending"
    statement = update(approvals).where(*open_one)
    values = {"state": state, "decided_by": who.id, "decided_at": now, "reason": reason}
    if connection.execute(statement.values(**values)).rowcount == 0:
        raise _decided(connection, approval_id)
    audit.note(connection, stamps, who.id, f"approval.{state}", approval_id, tool=found.tool)
    return get_approval(connection, who, approval_id)


def may_decide(who: Principal, asked: Approval) -> bool:
    """Whether the question is theirs to answer."""
    if asked.role == ASKER:
        return who.id == asked.asked_for
    return who.may("approve") and who.ranks(asked.role)


def _decided(connection: Connection, approval_id: str) -> Conflict:
    """Says who was quicker, and with what."""
    statement = (
        select(approvals.c.state, users.c.name)
        .outerjoin(users, users.c.id == approvals.c.decided_by)
        .where(approvals.c.id == approval_id)
    )
    state, name = connection.execute(statement).one()
    if not name:
        return Conflict("approval.decided")
    return Conflict("approval.denied_by" if state == "denied" else "approval.given_by", name=name)


def spend_approval(connection: Connection, approval_id: str) -> None:
    """Use an approval up; it counts once.

    Raises:
        Conflict: it was used before.
    """
    statement = update(approvals).where(
        approvals.c.id == approval_id, approvals.c.state == "approved"
    )
    if connection.execute(statement.values(state="used")).rowcount == 0:
        raise Conflict("approval.decided")


def expire_approval(connection: Connection, approval_id: str, now: int) -> bool:
    """Let a question whose time is over be over for good, whatever the clock says later; if so."""
    open_ = approvals.c.state.in_(("pending", "approved")), approvals.c.expires_at <= now
    over = or_(approvals.c.state == "expired", and_(*open_))
    statement = update(approvals).where(approvals.c.id == approval_id, over)
    return connection.execute(statement.values(state="expired")).rowcount > 0


def withdraw_approval(connection: Connection, approval_id: str) -> bool:
    """Let a question that nobody has answered be asked no more; whether it still waited."""
    waits = approvals.c.id == approval_id, approvals.c.state == "pending"
    return connection.execute(update(approvals).where(*waits).values(state="expired")).rowcount > 0


def get_approval(connection: Connection, who: Principal, approval_id: str) -> Approval:
    """One question, for those who may approve and for whom it was asked.

    Raises:
        NotFound: it is not there or not theirs to see.
    """
    row = connection.execute(select(approvals).where(approvals.c.id == approval_id)).mappings()
    found = row.first()
    if found is None or not (who.may("approve") or found["asked_for"] == who.id):
        raise NotFound("approval.missing")
    return Approval(**found)


def is_pending(connection: Connection, approval_id: str, now: int) -> bool:
    """Whether a question still waits for somebody's decision."""
    statement = select(approvals.c.id).where(
        approvals.c.id == approval_id, approvals.c.state == "pending", approvals.c.expires_at > now
    )
    return connection.execute(statement).first() is not None


def pending_in(connection: Connection, session_id: str, now: int) -> list[Approval]:
    """The questions of a session that wait for a colleague's decision, the oldest first."""
    statement = select(approvals).where(
        approvals.c.session_id == session_id,
        approvals.c.state == "pending",
        approvals.c.role != ASKER,
        approvals.c.expires_at > now,
    )
    rows = connection.execute(statement.order_by(approvals.c.asked_at)).mappings()
    return [Approval(**row) for row in rows]


def left_decided(connection: Connection, now: int) -> list[str]:
    """The bot's sessions in which somebody decided, and no turn has taken it up to its end since.

    A process that died in between left them; of decisions older than a month nobody waits.
    """
    taken_up = select(runs.c.id).where(
        runs.c.session_id == approvals.c.session_id,
        runs.c.state.in_(("done", "stopped")),
        runs.c.started_at >= approvals.c.decided_at,
    )
    statement = (
        select(approvals.c.session_id)
        .join(sessions, sessions.c.id == approvals.c.session_id)
        .where(
            approvals.c.state.in_(("approved", "denied", "used")),
            approvals.c.decided_at > now - _MONTH_US,
            sessions.c.owner == "bot",
            sessions.c.deleted_at.is_(None),
            ~taken_up.exists(),
        )
    )
    return list(connection.execute(statement.distinct()).scalars())


def list_approvals(connection: Connection, who: Principal, limit: int = 100) -> list[Approval]:
    """Questions that `who` may see: those that wait first, the newest first."""
    statement = select(approvals)
    if not who.may("approve"):
        statement = statement.where(approvals.c.asked_for == who.id)
    statement = statement.order_by(
        approvals.c.state != "pending", approvals.c.asked_at.desc(), approvals.c.id
    )
    return [Approval(**row) for row in connection.execute(statement.limit(limit)).mappings()]
