"""Files read into a pack's tables, and its samples taken out of them."""

from typing import Any

from attenda.core.errors import AttendaError, UserError
from attenda.core.principal import Principal
from attenda.runtime.house import House
from attenda.runtime.pack import OpenPack
from attenda.runtime.pack_face import ReadIn
from attenda.store import audit
from attenda.store.database import Connection, apart

__all__ = ["import_file", "remove_samples"]

_MOST_TOLD = 200
"""Rejects that are listed; all are counted."""


async def import_file(
    house: House,
    pack: OpenPack,
    who: Principal,
    importer: str,
    read: ReadIn,
    *,
    dry_run: bool = False,
) -> dict[str, Any]:
    """Put what was read into the pack's tables, all in one transaction; what came of it.

    A row that a table refuses is rejected, and the others go in.

    Raises:
        UserError: it has rows for a table that the pack has not.
    """
    unknown = read.rows.keys() - {table.name for table in pack.pack.tables}
    if unknown:
        raise UserError("pack.no_table", name=min(unknown))
    done = {"added": 0, "changed": 0, "same": 0}
    rejected = list(read.rejected)

    def put(connection: Connection) -> None:
        for table, rows in read.rows.items():
            into = pack.executor.rows(connection, table)
            for number, row in enumerate(rows, 1):
                try:
                    with apart(connection):
                        done[into.put(**row)] += 1
                except (AttendaError, KeyError, TypeError) as error:
                    rejected.append((f"{table} {number}", str(error)))
        if dry_run:
            raise _NotMeant
        note = {"importer": importer, "pack": pack.pack.name, **done}
        audit.note(connection, house.stamps, who.id, "pack.import", pack.pack.name, **note)

    try:
        await house.database.write(put)
    except _NotMeant:
        pass
    told = [{"place": place, "reason": reason} for place, reason in rejected[:_MOST_TOLD]]
    return {**done, "rejected": len(rejected), "rejects": told, "dry_run": dry_run}


async def remove_samples(house: House, pack: OpenPack, who: Principal) -> int:
    """Take out the rows that came with the pack; how many there still were."""

    def remove(connection: Connection) -> int:
        count = 0
        for name, rows in pack.pack.samples_on(house.stamps.now()).items():
            key = next(iter(next(t for t in pack.pack.tables if t.name == name).columns))
            into = pack.executor.rows(connection, name)
            count += sum(into.remove(row[key]) for row in rows)
        audit.note(connection, house.stamps, who.id, "pack.samples_removed", pack.pack.name)
        return count

    return await house.database.write(remove)


class _NotMeant(Exception):
    """Takes a trial's rows back."""
