"""Runs of automations: where each stands, and what each of its steps was given and gave.

Whoever carries a run out holds its segment, a number that grows with each waking: what was woken
anew is not changed by one who was slower. Each function works on a connection inside someone's
transaction.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, delete, insert, or_, select, update

from attenda.core.errors import Conflict, NotFound
from attenda.core.label import SYSTEM, Labelled
from attenda.core.principal import Principal
from attenda.store import audit
from attenda.store.rights import visible
from attenda.store.schema_automations import automation_forms as forms
from attenda.store.schema_automations import automation_runs as runs
from attenda.store.schema_automations import automation_steps as steps
from attenda.store.schema_deeds import approvals
from attenda.store.stamps import Stamps

__all__ = [
    "LONGEST_PAUSE_S",
    "OPEN",
    "RunRow",
    "StepRow",
    "begin_step",
    "change_run",
    "decided_approvals",
    "due_runs",
    "end_step",
    "forget_old",
    "forget_tries",
    "get_run",
    "is_run",
    "list_runs",
    "list_steps",
    "move_run",
    "read_run",
    "running_runs",
    "untried",
    "wake_run",
]

LONGEST_PAUSE_S = 3600
"""Before a step is tried again."""
_SEGMENTS_SINCE_S = 1_577_836_800
"""The beginning of 2020, so that the numbers last."""
_LONGEST_PAUSE_US = LONGEST_PAUSE_S * 1_000_000
_FORGOTTEN = "forgotten"
OPEN = ("queued", "running", "waiting", "paused")
"""States of a run that is not over; the others are `done`, `failed` and `cancelled`, and
`forgotten` where nothing is left of it but that it was."""


@dataclass(frozen=True, slots=True)
class RunRow:
    """One run."""

    id: str
    automation: str
    fingerprint: str
    """Of the text that it began on, and ends on."""
    origin: str
    state: str
    """`queued`, `running`, `waiting`, `paused`, `done`, `failed` or `cancelled`."""
    waits_for: str
    """`timer`, `retry`, `form` or `approval`."""
    waits_id: str
    """Of the form or approval."""
    wake_at: int | None
    at: int
    """The instruction that comes next."""
    because: list[list[Any]]
    """Labels of the ways taken, each with the place where the ways meet again."""
    input: str
    segment: int
    problem: dict[str, Any] | None
    result: str
    created_at: int
    updated_at: int
    ended_at: int | None
    owner_id: str
    team_id: str | None


@dataclass(frozen=True, slots=True)
class StepRow:
    """What one instruction was given and gave."""

    run_id: str
    place: int
    step: str
    kind: str
    state: str
    """`begun`, `waiting`, `done` or `failed`."""
    attempts: int
    input: str
    output: str
    """A labelled value as JSON."""
    problem: dict[str, Any] | None
    began_at: int
    ended_at: int | None


def _seen(who: Principal) -> ColumnElement[bool]:
    known = runs.c.state != _FORGOTTEN
    return known if who.may("operate") else and_(known, visible(runs, who))


def is_run(id_: str) -> bool:
    """Whether an id is of such a run; effects and approvals may be a session's or a run's."""
    return id_.startswith("arn_")


def read_run(connection: Connection, run_id: str) -> RunRow:
    """A run, for those who carry it out.

    Raises:
        NotFound: there is none.
    """
    row = connection.execute(select(runs).where(runs.c.id == run_id)).mappings().first()
    if row is None:
        raise NotFound("automation.no_run")
    return RunRow(**row)


def get_run(connection: Connection, who: Principal, run_id: str) -> RunRow:
    """A run that `who` may see.

    Raises:
        NotFound: it is not there or not theirs to see.
    """
    statement = select(runs).where(runs.c.id == run_id, _seen(who))
    row = connection.execute(statement).mappings().first()
    if row is None:
        raise NotFound("automation.no_run")
    return RunRow(**row)


def list_runs(
    connection: Connection, who: Principal, automation: str = "", limit: int = 100
) -> list[RunRow]:
    """Runs that `who` may see, of one automation or of all, the newest first."""
    statement = select(runs).where(_seen(who))
    if automation:
        statement = statement.where(runs.c.automation == automation)
    ordered = statement.order_by(runs.c.created_at.desc(), runs.c.id.desc()).limit(limit)
    return [RunRow(**row) for row in connection.execute(ordered).mappings()]


def list_steps(connection: Connection, run_id: str) -> list[StepRow]:
    """What a run has done, in order."""
    statement = select(steps).where(steps.c.run_id == run_id).order_by(steps.c.place)
    return [StepRow(**row) for row in connection.execute(statement).mappings()]


def due_runs(connection: Connection, now: int, limit: int = 100) -> list[str]:
    """Runs whose time has come.

    What is queued is due at once, and what is tried again after a pause no later than the longest
    pause, also where the clock was set back since.
    """
    too_far = and_(runs.c.waits_for == "retry", runs.c.wake_at > now + _LONGEST_PAUSE_US)
    come = and_(runs.c.state == "waiting", or_(runs.c.wake_at <= now, too_far))
    statement = select(runs.c.id).where(or_(runs.c.state == "queued", come))
    return list(connection.execute(statement.order_by(runs.c.wake_at).limit(limit)).scalars())


def decided_approvals(connection: Connection, now: int) -> list[str]:
    """Runs that wait for an approval which is decided, or came too late."""
    statement = (
        select(runs.c.id)
        .join(approvals, approvals.c.id == runs.c.waits_id)
        .where(runs.c.state == "waiting", runs.c.waits_for == "approval")
        .where(or_(approvals.c.state != "pending", approvals.c.expires_at <= now))
    )
    return list(connection.execute(statement).scalars())


def running_runs(connection: Connection) -> list[tuple[str, int]]:
    """Runs that somebody carries out, or did, each with its segment."""
    found = connection.execute(select(runs.c.id, runs.c.segment).where(runs.c.state == "running"))
    return [(id_, segment) for id_, segment in found]


def wake_run(
    connection: Connection, stamps: Stamps, run_id: str, states: Sequence[str], segment: int = -1
) -> int | None:
    """Let a run go on; its new segment, or nothing if it is in none of these states.

    `segment` is the one that it must have, where that matters. A new one is also greater than any
    that a queue may remember from before an older backup was brought back.
    """
    found = select(runs.c.segment).where(runs.c.id == run_id, runs.c.state.in_(states))
    before = connection.execute(found).scalar()
    if before is None or (segment >= 0 and before != segment):
        return None
    now = stamps.now()
    new = max(int(before) + 1, now // 1_000_000 - _SEGMENTS_SINCE_S)
    same = runs.c.id == run_id, runs.c.state.in_(states), runs.c.segment == before
    values = {"state": "running", "segment": new, "wake_at": None, "updated_at": now}
    cleared = {"waits_for": "", "waits_id": "", "problem": None}
    done = connection.execute(update(runs).where(*same).values(**values, **cleared))
    return new if done.rowcount else None


def move_run(
    connection: Connection, stamps: Stamps, run_id: str, segment: int, **values: object
) -> bool:
    """Change where a run stands, as the one who carries it out; whether it still is that one's.

    A run that was paused or cancelled meanwhile keeps that state, and moves all the same.
    """
    now = stamps.now()
    mine = runs.c.id == run_id, runs.c.segment == segment
    if "state" in values:
        rest = {name: one for name, one in values.items() if name in ("at", "because")}
        running = update(runs).where(*mine, runs.c.state == "running")
        if connection.execute(running.values(**values, updated_at=now)).rowcount:
            return True
        values = rest
    if values:
        connection.execute(update(runs).where(*mine).values(**values, updated_at=now))
    return False


def change_run(
    connection: Connection,
    stamps: Stamps,
    who: Principal,
    run_id: str,
    before: Sequence[str],
    **values: object,
) -> RunRow:
    """Change a run as a person; it must be in one of the states `before`.

    Raises:
        NotFound: it is not there or not theirs to see.
        Conflict: it is in another state.
    """
    row = get_run(connection, who, run_id)
    mine = runs.c.id == run_id, runs.c.state.in_(before)
    now = stamps.now()
    changed = update(runs).where(*mine).values(**values, updated_at=now)
    if connection.execute(changed).rowcount == 0:
        raise Conflict("automation.not_now")
    audit.note(connection, stamps, who.id, f"automation.run_{values.get('state')}", run_id)
    return row


def begin_step(
    connection: Connection, stamps: Stamps, run_id: str, place: int, **values: object
) -> int:
    """Write down that a step is about to be done; how often it was begun by now."""
    mine = steps.c.run_id == run_id, steps.c.place == place
    again = {
        "state": "begun",
        "attempts": steps.c.attempts + 1,
        "problem": None,
        "ended_at": None,
        **values,
    }
    if connection.execute(update(steps).where(*mine).values(**again)).rowcount == 0:
        row = {"run_id": run_id, "place": place, "state": "begun", "attempts": 1}
        connection.execute(insert(steps).values(**row, **values, began_at=stamps.now()))
        return 1
    return int(connection.execute(select(steps.c.attempts).where(*mine)).scalar_one())


def end_step(
    connection: Connection,
    stamps: Stamps,
    run_id: str,
    place: int,
    state: str,
    *,
    output: str = "",
    problem: dict[str, Any] | None = None,
) -> None:
    """Write down what came of a step; what is done stays as it was written first."""
    mine = steps.c.run_id == run_id, steps.c.place == place, steps.c.state != "done"
    values = {"state": state, "output": output, "problem": problem, "ended_at": stamps.now()}
    connection.execute(update(steps).where(*mine).values(**values))


def untried(connection: Connection, run_id: str, place: int) -> None:
    """Count the last beginning of a step as no try, since it waits for a person."""
    mine = steps.c.run_id == run_id, steps.c.place == place
    connection.execute(update(steps).where(*mine).values(attempts=steps.c.attempts - 1))


def forget_tries(connection: Connection, run_id: str, place: int) -> None:
    """Let a step that failed begin from its first try again."""
    mine = steps.c.run_id == run_id, steps.c.place == place, steps.c.state != "done"
    connection.execute(delete(steps).where(*mine))


def forget_old(connection: Connection, before: int) -> None:
    """Erase runs that ended before an instant.

    What set one off must not do so once more, such as a file that still lies in its folder; so of
    all but those that people began it stays known that they were.
    """
    old = runs.c.ended_at < before, runs.c.state != _FORGOTTEN
    ids = select(runs.c.id).where(*old)
    for table in (steps, forms):
        connection.execute(delete(table).where(table.c.run_id.in_(ids)))
    connection.execute(delete(runs).where(*old, runs.c.origin.startswith("person:")))
    empty = {"input": Labelled(value=None, label=SYSTEM).model_dump_json(), "result": ""}
    values: dict[str, object] = {**empty, "because": [], "problem": None, "state": _FORGOTTEN}
    connection.execute(update(runs).where(*old).values(**values))
