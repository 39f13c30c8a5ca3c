"""Trials: sessions in which a draft is tried, and the deeds that were only worked out there.

Such a deed is a row of the journal in a state of its own: no limit counts it, no audit names it,
nobody is asked about it, and it goes with its session.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, delete, func, insert, select

from attenda.core.label import Label
from attenda.store.journal import Effect
from attenda.store.schema import sessions
from attenda.store.schema_deeds import effects
from attenda.store.stamps import Stamps

__all__ = ["STATE", "forget_deeds", "is_trial", "keep_deed", "trial_deeds"]

STATE = "simulated"
"""Of a deed that was not done."""

# Asked before each look and each deed of every session.
_TRIES = select(sessions.c.id).where(
    sessions.c.id == bindparam("session"), sessions.c.uses_draft.is_(True)
)


def is_trial(connection: Connection, session_id: str) -> bool:
    """Whether a session tries its agent's draft."""
    return connection.execute(_TRIES, {"session": session_id}).first() is not None


def keep_deed(
    connection: Connection,
    stamps: Stamps,
    key: str,
    label: Label,
    given: Mapping[str, Any],
    **values: str | None,
) -> None:
    """Note what would have been done; `given` are its arguments with their labels, as JSON."""
    mine = effects.c.session_id == values["session_id"], effects.c.state == STATE
    last = connection.execute(select(func.max(effects.c.begun_at)).where(*mine)).scalar() or 0
    now = max(stamps.now(), last + 1)  # in the order in which they came, on a clock that stands too
    row = {**values, "key": key, "label": {**label.model_dump(mode="json"), "given": dict(given)}}
    times = {"begun_at": now, "ended_at": now}
    connection.execute(insert(effects).values(**row, **times, state=STATE, attempts=1))


def trial_deeds(connection: Connection, session_id: str) -> list[Effect]:
    """What would have been done in a trial so far, in order."""
    statement = select(effects).where(effects.c.session_id == session_id, effects.c.state == STATE)
    rows = connection.execute(statement.order_by(effects.c.begun_at, effects.c.key)).mappings()
    return [Effect(**row) for row in rows]


def forget_deeds(connection: Connection, which: ColumnElement[bool]) -> None:
    """Delete what would have been done in sessions that are about to go."""
    theirs = select(sessions.c.id).where(which, sessions.c.uses_draft.is_(True))
    gone = effects.c.session_id.in_(theirs), effects.c.state == STATE
    connection.execute(delete(effects).where(*gone))
