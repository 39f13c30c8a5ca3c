"""What packs keep about people, shown with their data and erased with them.

A pack says of each table in which column a person's id stands; this is noted in the database, so
that the rows are found although the pack is not at work, or was taken out.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    MetaData,
    Table,
    delete,
    insert,
    inspect,
    or_,
    select,
    update,
)

from attenda.store.schema_packs import personal_tables

__all__ = ["declare", "forget", "forget_old", "rows_about"]

_MOST_STEPS = 5
"""Tables between a row and the one that names its person."""


def declare(connection: Connection, pack: str, tables: Mapping[str, Mapping[str, Any]]) -> None:
    """Note which tables of a pack hold rows about people, by their names in the database.

    Each has `person`, `through`, `redacted` and `ages`, as the columns of `personal_tables`.
    """
    wanted = {name: {"name": name, "pack": pack, **one} for name, one in tables.items()}
    mine = personal_tables.c.pack == pack
    found = connection.execute(select(personal_tables).where(mine)).mappings()
    if {row["name"]: dict(row) for row in found} == wanted:
        return
    connection.execute(delete(personal_tables).where(mine))
    if wanted:
        connection.execute(insert(personal_tables), list(wanted.values()))


def rows_about(connection: Connection, person_id: str) -> dict[str, list[dict[str, Any]]]:
    """All that packs keep about a person, by table; tables without any are left out."""
    found = {}
    for one in _declared(connection):
        if (theirs := one.of(person_id)) is not None:
            rows = connection.execute(select(one.table).where(theirs)).mappings()
            found[one.table.name] = [dict(row) for row in rows]
    return {name: rows for name, rows in sorted(found.items()) if rows}


def forget(connection: Connection, person_id: str) -> None:
    """Take out what packs keep about a person; rows that must stay lose what their pack named."""
    for one in _declared(connection):
        if (theirs := one.of(person_id)) is not None:
            one.take_out(connection, theirs)


def forget_old(connection: Connection, before: int) -> int:
    """Take out the rows of people that are older than `before`; how many went."""
    gone = 0
    for one in _declared(connection):
        if one.ages:
            gone += one.take_out(connection, one.table.c[one.ages] < before)
    return gone


class _Personal:
    """One table with rows about people."""

    def __init__(
        self,
        table: Table,
        person: str,
        holder: "_Personal | None",
        redacted: Sequence[str] | None,
        ages: str,
    ) -> None:
        self.table, self.ages = table, ages
        self._person, self._holder, self._redacted = person, holder, redacted
        self.depth: int = holder.depth + 1 if holder else 0

    def of(self, person_id: str) -> ColumnElement[bool] | None:
        """Which rows are about a person; nothing where none says whom it is about."""
        if not self._person:
            return None
        column = self.table.c[self._person]
        if self._holder is None:
            return column == person_id
        theirs = self._holder.of(person_id)
        key = next(iter(self._holder.table.primary_key.columns))
        return None if theirs is None else column.in_(select(key).where(theirs))

    def take_out(self, connection: Connection, which: ColumnElement[bool]) -> int:
        """Remove these rows, or empty what is to be emptied in them; how many rows went."""
        if self._redacted is None:
            return connection.execute(delete(self.table).where(which)).rowcount
        if self._redacted:
            full = or_(*(self.table.c[name].is_not(None) for name in self._redacted))
            empty = dict.fromkeys(self._redacted)
            connection.execute(update(self.table).where(which, full).values(**empty))
        return 0


def _declared(connection: Connection) -> Iterator[_Personal]:
    """Tables that are there, those first whose rows are found through others."""
    rows = {str(row["name"]): row for row in _noted(connection)}
    there = set(inspect(connection).get_table_names())
    metadata = MetaData()
    made: dict[str, _Personal] = {}

    def make(name: str, steps: int = 0) -> _Personal | None:
        if name not in made and name in rows and name in there and steps < _MOST_STEPS:
            row = rows[name]
            holder = make(row["through"], steps + 1) if row["through"] else None
            if row["through"] and holder is None:
                return None
            table = Table(name, metadata, autoload_with=connection)
            made[name] = _Personal(table, row["person"], holder, row["redacted"], row["ages"])
        return made.get(name)

    for name in rows:
        make(name)
    yield from sorted(made.values(), key=lambda one: -one.depth)


def _noted(connection: Connection) -> list[Mapping[str, Any]]:
    return [dict(row) for row in connection.execute(select(personal_tables)).mappings()]
