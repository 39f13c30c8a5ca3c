"""Hours of the desk: one week for all, and one for each pack that has its own."""

from typing import Any

from sqlalchemy import Connection, delete, insert, select

from attenda.core.opening import Opening
from attenda.core.principal import Principal
from attenda.store import audit
from attenda.store.schema import agents, sessions
from attenda.store.schema_desk import desk_hours
from attenda.store.stamps import Stamps

__all__ = ["all_hours", "opening_for", "promise", "set_hours"]


def all_hours(connection: Connection) -> dict[str, Opening]:
    """The hours that were set, by pack; those of the whole desk under an empty name."""
    rows = connection.execute(select(desk_hours).order_by(desk_hours.c.pack)).mappings()
    return {row["pack"]: _opening(dict(row)) for row in rows}


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


def opening_for(connection: Connection, session_id: str) -> Opening | None:
    """The hours that hold for a session: its pack's, else the desk's; none where always open."""
    statement = (
        select(agents.c.pack)
        .join(sessions, sessions.c.agent_id == agents.c.id)
        .where(sessions.c.id == session_id)
    )
    pack = connection.execute(statement).scalar() or ""
    found = select(desk_hours).where(desk_hours.c.pack.in_({pack, ""}))
    rows = connection.execute(found.order_by(desk_hours.c.pack.desc())).mappings().first()
    return _opening(dict(rows)) if rows else None


def promise(connection: Connection, session_id: str, now: int) -> int | None:
    """When somebody will be there for a session; none while they are, or where none is known."""
    opening = opening_for(connection, session_id)
    opens = opening.opens(now) if opening else None
    return opens if opens is not None and opens > now else None
