"""Processes that share a database: each counts on, so that the others see that it lives.

Whose count stands still, by the watcher's own clock, is dead; no two clocks are compared.
"""

from sqlalchemy import Connection, delete, insert, select, update

from attenda.store.schema_automations import processes

__all__ = ["beat", "forget"]


def beat(connection: Connection, process_id: str) -> dict[str, int]:
    """Count on; the counts of all processes by their ids."""
    mine = processes.c.id == process_id
    values = {"beat": processes.c.beat + 1}
    if connection.execute(update(processes).where(mine).values(**values)).rowcount == 0:
        connection.execute(insert(processes).values(id=process_id, beat=1))
    rows = connection.execute(select(processes.c.id, processes.c.beat))
    return {id_: count for id_, count in rows}


def forget(connection: Connection, process_id: str, beat: int) -> None:
    """Take a process off the list, unless it has counted on meanwhile."""
    same = processes.c.id == process_id, processes.c.beat == beat
    connection.execute(delete(processes).where(*same))
