"""Hours of the desk: one week for all, and one for each pack that has its own.

Those that people set for a pack go before those of the whole desk, and both before those that the
pack brings itself.
"""

from typing import Any

from sqlalchemy import Connection, delete, insert, select

from attenda.core.opening import Opening
from attenda.core.principal import Principal
from attenda.store import audit
from attenda.store.schema import agents, sessions
from attenda.store.schema_desk import desk_hours
from attenda.store.stamps import Stamps

__all__ = ["all_hours", "keep_own", "opening_for", "opening_of", "promise", "set_hours"]

_OWN = ":own"
"""Ends the key of the hours that a pack brings itself; no pack's name has a colon."""


def all_hours(connection: Connection) -> dict[str, Opening]:
    """The hours that were set, by pack; those of the whole desk under an empty name."""
    rows = connection.execute(select(desk_hours).order_by(desk_hours.c.pack)).mappings()
    found = {row["pack"]: _opening(dict(row)) for row in rows}
    return {pack: opening for pack, opening in found.items() if not pack.endswith(_OWN)}


def _opening(row: dict[str, Any]) -> Opening:
    return Opening.model_validate({name: row[name] for name in Opening.model_fields})


def set_hours(
    connection: Connection, stamps: Stamps, who: Principal, pack: str, opening: Opening | None
) -> None:
    """Set the hours of a pack, or of the desk; none takes them back: the desk's hold, or all."""
    connection.execute(delete(desk_hours).where(desk_hours.c.pack == pack))
    if opening is not None:
        values = {"pack": pack, **opening.model_dump(mode="json")}
        row = {**values, "changed_by": who.id, "changed_at": stamps.now()}
        connection.execute(insert(desk_hours).values(**row))
    audit.note(connection, stamps, who.id, "desk.hours", pack or "desk")


def keep_own(connection: Connection, stamps: Stamps, pack: str, opening: Opening | None) -> None:
    """Note the hours that a pack brings itself, in the place of those that it brought before."""
    key = f"{pack}{_OWN}"
    connection.execute(delete(desk_hours).where(desk_hours.c.pack == key))
    if opening is not None:
        row = {"pack": key, **opening.model_dump(mode="json"), "changed_by": ""}
        connection.execute(insert(desk_hours).values(**row, changed_at=stamps.now()))


def opening_for(connection: Connection, session_id: str) -> Opening | None:
    """The hours that hold for a session, those of its pack; none where always open."""
    statement = (
        select(agents.c.pack)
        .join(sessions, sessions.c.agent_id == agents.c.id)
        .where(sessions.c.id == session_id)
    )
    return opening_of(connection, connection.execute(statement).scalar() or "")


def opening_of(connection: Connection | None, pack: str) -> Opening | None:
    """The hours that hold for a pack: set for it, or for the desk, or its own; none: always.

    Without a connection nobody knows any.
    """
    if connection is None:
        return None
    keys = (pack, "", f"{pack}{_OWN}")
    rows = connection.execute(select(desk_hours).where(desk_hours.c.pack.in_(keys))).mappings()
    found = {row["pack"]: dict(row) for row in rows}
    return next((_opening(found[key]) for key in keys if key in found), None)


def promise(connection: Connection, session_id: str, now: int) -> int | None:
    """When somebody will be there for a session; none while they are, or where none is known."""
    opening = opening_for(connection, session_id)
    opens = opening.opens(now) if opening else None
    return opens if opens is not None and opens > now else None
