"""Tables of packs: declared as values, kept in the same database as the journal.

A pack's tool reads and changes rows through `Rows`, within the transaction of its effect; no pack
writes SQL. Amounts are kept as text, so that no cent is lost.
"""

import datetime
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Literal

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Connection,
    Index,
    Integer,
    MetaData,
    Select,
    String,
    Table,
    Text,
    UniqueConstraint,
    and_,
    delete,
    func,
    insert,
    inspect,
    select,
    text,
    update,
)
from sqlalchemy.exc import DataError, IntegrityError

from attenda.core.errors import Conflict, NotFound, UserError
from attenda.store import personal_rows
from attenda.store.database import Database, apart

__all__ = ["ColumnKind", "PackTable", "Rows", "create_tables"]

ColumnKind = Literal["text", "integer", "amount", "date", "time", "flag", "json"]
_KINDS: dict[str, Any] = {
    "text": Text,
    "integer": Integer,
    "amount": String(40),
    "date": String(10),
    "time": BigInteger,
    "flag": Boolean,
    "json": JSON,
}


@dataclass(frozen=True, slots=True)
class PackTable:
    """A table that a pack brings; its first column is its key."""

    name: str
    columns: Mapping[str, ColumnKind]
    unique: Sequence[Sequence[str]] = field(default_factory=tuple)
    """Business keys: no two rows have the same values there."""
    indexes: Sequence[Sequence[str]] = field(default_factory=tuple)
    """Columns by which rows are looked for, or sorted; `person` and `session` need no naming."""
    person: str = ""
    """The column with the id of the person whom a row is about, by which it comes with their
    export and goes with their erasure."""
    through: str = ""
    """Another table of the pack: `person` holds its keys, and its rows say who it is."""
    session: str = ""
    """Instead of `person`: the column with the id of the conversation that a row came of. It comes
    with the export of whoever's that is, and goes with the conversation."""
    redacted: Sequence[str] | None = None
    """Columns that are emptied where a row must stay although the person goes; with `()` it stays
    as it is. Where none are named it goes."""
    ages: str = ""
    """The column with the time of a row that goes, or is redacted, when it is as old as chats that
    are kept no longer."""


def _table(pack: str, declared: PackTable, metadata: MetaData) -> Table:
    names = list(declared.columns)
    columns: list[Any] = [
        Column(
            name,
            String(80) if name == names[0] and kind == "text" else _KINDS[kind],
            primary_key=name == names[0],
            autoincrement=False,
        )
        for name, kind in declared.columns.items()
    ]
    rules = [UniqueConstraint(*columns_) for columns_ in declared.unique]
    made = Table(f"{pack}_{declared.name}", metadata, *columns, *rules)
    for one in dict.fromkeys((*map(tuple, declared.indexes), *_by_person(declared))):
        Index(_index_name(made.name, one), *(made.c[column] for column in one))
    return made


def _by_person(declared: PackTable) -> Iterator[tuple[str, ...]]:
    """The index of whom rows are about, unless they are found so already."""
    begun = {
        next(iter(declared.columns)),
        *(one[0] for one in (*declared.indexes, *declared.unique)),
    }
    column = declared.person or declared.session
    if column and column not in begun:
        yield (column,)


def _index_name(table: str, columns: Sequence[str]) -> str:
    """A name that PostgreSQL takes whole, too: it cuts names after 63 letters."""
    name = f"ix_{table}_{'_'.join(columns)}"
    mark = hashlib.sha256(name.encode()).hexdigest()[:8]
    return name if len(name) < 60 else f"{name[:50]}_{mark}"


async def create_tables(
    database: Database,
    pack: str,
    declared: Sequence[PackTable],
    samples: Mapping[str, Sequence[Mapping[str, object]]] = MappingProxyType({}),
) -> dict[str, Table]:
    """The tables of a pack, made where they are missing; new columns are added, none is taken.

    `samples` are rows by table, which go in when it is made: who takes them out is rid of them.
    """
    metadata = MetaData()
    tables = {one.name: _table(pack, one, metadata) for one in declared}

    def make(connection: Connection) -> None:
        old = set(inspect(connection).get_table_names())
        metadata.create_all(connection)
        for name, rows in samples.items():
            if tables[name].name not in old:
                for row in rows:
                    Rows(connection, tables[name]).add(**row)
        for table in tables.values():
            there = {column["name"] for column in inspect(connection).get_columns(table.name)}
            for column in table.columns:
                if column.name not in there:
                    kind = column.type.compile(connection.dialect)
                    connection.execute(
                        text(f'ALTER TABLE "{table.name}" ADD COLUMN "{column.name}" {kind}')
                    )

            for index in table.indexes:  # of tables that were there before
                index.create(connection, checkfirst=True)
        personal_rows.declare(connection, pack, dict(_personal(pack, declared)))

    await database.write(make)
    return tables


def _personal(pack: str, declared: Sequence[PackTable]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Tables with rows about people, by their names in the database."""
    for one in declared:
        if one.person or one.session or one.ages:
            through = f"{pack}_{one.through}" if one.through else ""
            yield (
                f"{pack}_{one.name}",
                {
                    "person": one.person or one.session,
                    "through": personal_rows.SESSIONS if one.session else through,
                    "redacted": None if one.redacted is None else list(one.redacted),
                    "ages": one.ages,
                },
            )


class Rows:
    """The rows of one table, within a transaction."""

    def __init__(self, connection: Connection, table: Table) -> None:
        self._connection, self._table = connection, table
        self._key = next(iter(table.primary_key.columns))

    def get(self, key: object) -> dict[str, Any]:
        """One row.

        Raises:
            NotFound: there is no such row.
        """
        found = self.find(**{self._key.name: key})
        if not found:
            raise NotFound("pack.no_row", table=self._table.name, row=key)
        return found[0]

    def find(self, **equal: object) -> list[dict[str, Any]]:
        """The rows that have these values, in the order of their keys."""
        return self._found(select(self._table).order_by(self._key), equal)

    def find_sorted(self, order_by: str, limit: int = 0, **equal: object) -> list[dict[str, Any]]:
        """The rows that have these values, by another column than their key.

        Args:
            order_by: a column, `-` before it for the greatest first; keys decide between equals.
            limit: so many rows at most; 0 is all.
            equal: values by column.
        """
        column = self._table.c[order_by.removeprefix("-")]
        by = [one.desc() if order_by.startswith("-") else one for one in (column, self._key)]
        statement = select(self._table).order_by(*by)
        return self._found(statement.limit(limit) if limit else statement, equal)

    def _found(self, statement: Select[Any], equal: Mapping[str, object]) -> list[dict[str, Any]]:
        where = [self._table.c[name] == _stored(value) for name, value in equal.items()]
        found = self._connection.execute(statement.where(and_(True, *where)))
        return [dict(row) for row in found.mappings()]

    def count(self) -> int:
        """How many rows there are."""
        statement = select(func.count()).select_from(self._table)
        return int(self._connection.execute(statement).scalar_one())

    def add(self, **values: object) -> None:
        """A new row.

        Raises:
            Conflict: there is one with this key, or with the same business key.
            UserError: the database cannot hold a value.
        """
        stored = {name: _stored(value) for name, value in values.items()}
        try:
            with apart(self._connection):
                self._connection.execute(insert(self._table).values(**stored))
        except IntegrityError as error:
            raise Conflict("pack.row_there", table=self._table.name) from error
        except DataError as error:
            raise UserError("pack.bad_value", table=self._table.name) from error

    def change(self, key: object, **values: object) -> None:
        """Give a row other values.

        Raises:
            NotFound: there is no such row.
        """
        stored = {name: _stored(value) for name, value in values.items()}
        statement = update(self._table).where(self._key == key).values(**stored)
        if self._connection.execute(statement).rowcount == 0:
            raise NotFound("pack.no_row", table=self._table.name, row=key)

    def put(self, **values: object) -> Literal["added", "changed", "same"]:
        """A row, in the place of the one with its key if there is one; what that did.

        Raises:
            Conflict: another one has the same business key.
            UserError: the database cannot hold a value.
        """
        key = values[self._key.name]
        before = self.find(**{self._key.name: key})
        if not before:
            self.add(**values)
            return "added"
        stored = {name: _stored(value) for name, value in values.items()}
        if stored.items() <= before[0].items():
            return "same"
        try:
            with apart(self._connection):
                self.change(key, **values)
        except IntegrityError as error:
            raise Conflict("pack.row_there", table=self._table.name) from error
        except DataError as error:
            raise UserError("pack.bad_value", table=self._table.name) from error
        return "changed"

    def remove(self, key: object) -> bool:
        """Remove a row; whether there was one."""
        return self._connection.execute(delete(self._table).where(self._key == key)).rowcount > 0

    def clear(self) -> None:
        """Remove every row."""
        self._connection.execute(delete(self._table))


def _stored(value: object) -> object:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, datetime.date) and not isinstance(value, datetime.datetime):
        return value.isoformat()
    return value
