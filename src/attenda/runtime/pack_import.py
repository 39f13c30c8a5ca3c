"""Files read into a pack's tables, and its samples taken out of them."""

from collections.abc import Mapping
from typing import Any

from attenda.core.errors import AttendaError, UserError
from attenda.core.principal import Principal
from attenda.dialogue.flow import words_in
from attenda.runtime.house import House
from attenda.runtime.pack import OpenPack
from attenda.runtime.pack_face import ReadIn
from attenda.store import audit
from attenda.store.database import Connection, apart
from attenda.store.pack_tables import Rows

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
    done: dict[str, int] = {}
    rejected: list[tuple[str, str | Mapping[str, str]]] = []
    keys = {table.name: next(iter(table.columns)) for table in pack.pack.tables}

    def put(connection: Connection) -> None:
        done.update(added=0, changed=0, same=0)  # anew, should the database take it back once
        rejected[:] = read.rejected
        known = _Known(read, keys)
        for table, rows in read.rows.items():
            into = pack.executor.rows(connection, table)
            for number, row in enumerate(rows, 1):
                try:
                    with apart(connection):
                        done[known.put(into, table, row)] += 1
                except (AttendaError, KeyError, TypeError) as error:
                    rejected.append((f"{table} {number}", _said(error, who.language)))
        if dry_run:
            raise _NotMeant
        note = {"importer": importer, "pack": pack.pack.name, **done}
        audit.note(connection, house.stamps, who.id, "pack.import", pack.pack.name, **note)

    try:
        await house.database.write(put)
    except _NotMeant:
        pass
    told = [
        {"place": place, "reason": _worded(reason, who.language)}
        for place, reason in rejected[:_MOST_TOLD]
    ]
    return {**done, "rejected": len(rejected), "rejects": told, "dry_run": dry_run}


def _said(error: Exception, language: str) -> str:
    return error.text(language) if isinstance(error, AttendaError) else str(error)


def _worded(reason: str | Mapping[str, str], language: str) -> str:
    return reason if isinstance(reason, str) else words_in(dict(reason), language)


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


class _Known:
    """Rows that were there already under keys of their own."""

    def __init__(self, read: ReadIn, keys: Mapping[str, str]) -> None:
        self._read, self._keys = read, keys
        self._kept: dict[tuple[str, object], object] = {}
        """By table and the file's key: the key that stays."""

    def put(self, into: Rows, table: str, row: Mapping[str, object]) -> str:
        """Put a row where it belongs; `added`, `changed` or `same`."""
        placed, key = self._placed(into, table, row), self._keys[table]
        if table in self._read.keeps and into.find(**{key: placed[key]}):
            return "same"
        return into.put(**placed)

    def _placed(self, into: Rows, table: str, row: Mapping[str, object]) -> dict[str, object]:
        """A row with the keys that are here."""
        made = dict(row)
        for (of, column), other in self._read.refers.items():
            if of == table and column in made:
                made[column] = self._kept.get((other, made[column]), made[column])
        key, same = self._keys[table], self._read.same_by.get(table)
        if same and made.get(same):
            for before in into.find(**{same: made[same]})[:1]:
                self._kept[table, made[key]] = before[key]
                made[key] = before[key]
        return made


class _NotMeant(Exception):
    """Takes a trial's rows back."""
