"""The kill switch: every write, or one tool's, off until somebody switches it on again."""

from sqlalchemy import Connection, bindparam, func, insert, select, update

from attenda.core.principal import Principal
from attenda.store import audit
from attenda.store.schema_deeds import switches
from attenda.store.stamps import Stamps

__all__ = ["is_off", "list_switches", "switch"]

_OFF = select(func.count()).where(switches.c.name.in_(("tools", bindparam("tool"))), switches.c.off)


def switch(connection: Connection, stamps: Stamps, who: Principal, name: str, *, off: bool) -> None:
    """Switch every write off or on (`tools`), or one tool's (`tool:NAME`)."""
    now = stamps.now()
    values = {"off": off, "by": who.id, "at": now}
    changed = connection.execute(update(switches).where(switches.c.name == name).values(**values))
    if changed.rowcount == 0:
        connection.execute(insert(switches).values(name=name, **values))
    audit.note(connection, stamps, who.id, "switch.off" if off else "switch.on", name)


def is_off(connection: Connection, tool: str) -> bool:
    """Whether a tool may not write now."""
    return bool(connection.execute(_OFF, {"tool": f"tool:{tool}"}).scalar_one())


def list_switches(connection: Connection) -> dict[str, bool]:
    """Which switches were ever moved, and whether they are off."""
    rows = connection.execute(select(switches.c.name, switches.c.off).order_by(switches.c.name))
    return {name: bool(off) for name, off in rows}
