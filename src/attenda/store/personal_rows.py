"""What packs keep about people, shown with their data and erased with them.

A pack says of each table in which column a person's id stands; this is noted in the database, so
that the rows are found although the pack is not at work, or was taken out.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import (
    ColumnClause,
    ColumnElement,
    Connection,
    MetaData,
    Table,
    TableClause,
    column,
    delete,
    insert,
    inspect,
    or_,
    select,
    table,
    update,
)

from attenda.store.schema import sessions
from attenda.store.schema_packs import personal_tables

__all__ = ["SESSIONS", "declare", "forget", "forget_old", "forget_sessions", "rows_about"]

SESSIONS = sessions.name
"""Stands for the conversations themselves, where a table's rows came of them."""

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
    for one in _declared(connection, _noted(connection), whole=True):
        if (theirs := one.of(person_id)) is not None:
            rows = connection.execute(select(one.table).where(theirs)).mappings()
            found[one.table.name] = [dict(row) for row in rows]
    return {name: rows for name, rows in sorted(found.items()) if rows}


def forget(connection: Connection, person_id: str) -> None:
    """Take out what packs keep about a person; rows that must stay lose what their pack named."""
    for one in _declared(connection, _noted(connection)):
        if (theirs := one.of(person_id)) is not None:
            one.take_out(connection, theirs)


def forget_sessions(connection: Connection, which: ColumnElement[bool]) -> None:
    """Take out what packs keep of conversations that are about to go."""
    rows = _noted(connection)
    found = {name for name, row in rows.items() if row["through"] == SESSIONS}
    while more := {name for name, row in rows.items() if row["through"] in found} - found:
        found |= more
    for one in _declared(connection, {name: rows[name] for name in found}):
        if (theirs := one.of_sessions(which)) is not None:
            one.take_out(connection, theirs)


def forget_old(connection: Connection, before: int) -> int:
    """Take out the rows of people that are older than `before`; how many went."""
    gone = 0
    for one in _declared(connection, _noted(connection)):
        if one.ages:
            gone += one.take_out(connection, one.table.c[one.ages] < before)
    return gone


class _Personal:
    """One table with rows about people."""

    def __init__(
        self, table: TableClause, key: str, noted: Mapping[str, Any], holder: "_Personal | None"
    ) -> None:
        self.table, self.key, self.ages = table, key, str(noted["ages"])
        self._person, self._redacted = str(noted["person"]), noted["redacted"]
        self._holder, self._of_sessions = holder, noted["through"] == SESSIONS
        self.depth: int = holder.depth + 1 if holder else 0

    def of(self, person_id: str) -> ColumnElement[bool] | None:
        """Which rows are about a person; nothing where none says whom it is about."""
        if not self._person:
            return None
        column = self.table.c[self._person]
        if self._of_sessions:
            return column.in_(select(sessions.c.id).where(sessions.c.owner_id == person_id))
        if self._holder is None:
            return column == person_id
        return self._held(self._holder.of(person_id))

    def of_sessions(self, which: ColumnElement[bool]) -> ColumnElement[bool] | None:
        """Which rows came of these conversations; nothing where none says of which they came."""
        if self._of_sessions:
            return self.table.c[self._person].in_(select(sessions.c.id).where(which))
        return self._held(self._holder.of_sessions(which)) if self._holder else None

    def _held(self, theirs: ColumnElement[bool] | None) -> ColumnElement[bool] | None:
        assert self._holder is not None
        key = self._holder.table.c[self._holder.key]
        column = self.table.c[self._person]
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


def _declared(
    connection: Connection, rows: Mapping[str, Mapping[str, Any]], *, whole: bool = False
) -> Iterator[_Personal]:
    """Of these tables those that are there; first those whose rows are found through others.

    `whole` looks up all their columns, which costs a little.
    """
    if not rows:
        return
    there = set(inspect(connection).get_table_names())
    made: dict[str, _Personal] = {}

    def make(name: str, steps: int = 0) -> _Personal | None:
        if name not in made and name in rows and name in there and steps < _MOST_STEPS:
            through = rows[name]["through"]
            holder = make(through, steps + 1) if through not in ("", SESSIONS) else None
            if holder is not None or through in ("", SESSIONS):
                found, key = _table(connection, name, rows[name], whole=whole)
                made[name] = _Personal(found, key, rows[name], holder)
        return made.get(name)

    for name in rows:
        make(name)
    yield from sorted(made.values(), key=lambda one: -one.depth)


def _table(
    connection: Connection, name: str, noted: Mapping[str, Any], *, whole: bool
) -> tuple[TableClause, str]:
    """A table, with the columns that its rows are found by or with all; and its key."""
    key = str(inspect(connection).get_pk_constraint(name)["constrained_columns"][0])
    if whole:
        return Table(name, MetaData(), autoload_with=connection), key
    named = (key, noted["person"], noted["ages"], *(noted["redacted"] or ()))
    columns: list[ColumnClause[Any]] = [column(one) for one in dict.fromkeys(named) if one]
    return table(name, *columns), key


def _noted(connection: Connection) -> dict[str, Mapping[str, Any]]:
    """What is noted of each table, by its name."""
    found = connection.execute(select(personal_tables)).mappings()
    return {str(row["name"]): dict(row) for row in found}
