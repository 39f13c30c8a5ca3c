"""Rows of a shop that are not in the pack's tables: of CSV and JSON files, and of a database.

Each gives what `RowShop` asks for, so a shop of one's own is these rows and nothing else:
`RowShop(csv_rows(folder), policy)`. Files are read once, and what is changed stays in memory; a
database is read and written where it stands.
"""

import csv
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from attenda.api import Conflict, NotFound, UserError
from attenda.packs.support.table_shop import ShopRows

__all__ = ["Connection", "ListRows", "SqlRows", "file_rows", "sql_rows"]

_TABLES = ("customers", "orders", "order_items", "refunds")


class ListRows:
    """Rows in memory; the first column is their key."""

    def __init__(self, rows: Sequence[Mapping[str, Any]], unique: str = "") -> None:
        """`unique` names a column that no two rows may share."""
        self._rows = [dict(row) for row in rows]
        self._unique = unique

    def find(self, **equal: object) -> list[dict[str, Any]]:
        """Those that have these values."""
        wanted = {name: str(value) for name, value in equal.items()}
        return [dict(row) for row in self._rows if wanted.items() <= _as_text(row).items()]

    def add(self, **values: object) -> None:
        """A new one.

        Raises:
            Conflict: its key, or what it holds, is there.
        """
        for name in ("id", self._unique):
            if values.get(name) is not None and self.find(**{name: values[name]}):
                raise Conflict("pack.row_there", table=name)
        self._rows.append(dict(values))

    def change(self, key: object, **values: object) -> None:
        """Give the one with a key other values.

        Raises:
            NotFound: there is none.
        """
        found = [row for row in self._rows if str(row["id"]) == str(key)]
        if not found:
            raise NotFound("pack.no_row", table="id", row=key)
        found[0].update(values)


def _as_text(row: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in row.items()}


def file_rows(folder: Path) -> Callable[[str], ShopRows]:
    """Rows of `customers`, `orders`, `order_items` and `refunds`, from `.csv` or `.json` files.

    Raises:
        UserError: one cannot be read; `refunds` may be missing.
    """
    tables = {
        name: ListRows(_read(folder, name), "holds" * (name == "refunds")) for name in _TABLES
    }
    return tables.__getitem__


def _read(folder: Path, name: str) -> list[dict[str, Any]]:
    csv_file, json_file = folder / f"{name}.csv", folder / f"{name}.json"
    try:
        if csv_file.exists():
            with csv_file.open(encoding="utf-8-sig", newline="") as lines:
                return list(csv.DictReader(lines))
        if json_file.exists():
            found = json.loads(json_file.read_text("utf-8"))
            return [dict(row) for row in found]
    except (OSError, ValueError, TypeError, csv.Error) as error:
        raise UserError("pack.broken", path=folder / name, problem=error) from error
    if name == "refunds":
        return []
    raise UserError("file.missing", path=csv_file)


class Connection(Protocol):
    """A connection as Python's database interface (PEP 249) has it, with `?` for values."""

    def execute(self, statement: str, values: Sequence[object] = ..., /) -> Any:
        """Run a statement."""


class SqlRows:
    """Rows of a table or a view; its key is called `id`."""

    def __init__(self, connection: Connection, table: str) -> None:
        if not table.isidentifier():
            raise UserError("pack.bad_table_name", name=table)
        self._connection, self._table = connection, table

    def find(self, **equal: object) -> list[dict[str, Any]]:
        """Those that have these values."""
        where = " AND ".join(f"{_name(one)} = ?" for one in equal) or "1 = 1"
        statement = f"SELECT * FROM {self._table} WHERE {where} ORDER BY id"
        cursor = self._connection.execute(statement, [_stored(one) for one in equal.values()])
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def add(self, **values: object) -> None:
        """A new one.

        Raises:
            Conflict: its key, or what it holds, is there.
        """
        for name in ("id", "holds"):
            if values.get(name) and self.find(**{name: values[name]}):
                raise Conflict("pack.row_there", table=self._table)
        names = ", ".join(map(_name, values))
        places = ", ".join("?" * len(values))
        statement = f"INSERT INTO {self._table} ({names}) VALUES ({places})"
        self._connection.execute(statement, [_stored(one) for one in values.values()])

    def change(self, key: object, **values: object) -> None:
        """Give the one with a key other values."""
        sets = ", ".join(f"{_name(one)} = ?" for one in values)
        statement = f"UPDATE {self._table} SET {sets} WHERE id = ?"
        self._connection.execute(statement, [*(_stored(one) for one in values.values()), key])


def sql_rows(connection: Connection) -> Callable[[str], ShopRows]:
    """Rows of four tables or views in a database, called as the files of `file_rows`."""
    return lambda name: SqlRows(connection, name)


def _name(name: str) -> str:
    if not name.isidentifier():
        raise UserError("pack.bad_table_name", name=name)
    return name


def _stored(value: object) -> object:
    return value if value is None or isinstance(value, bool | int | str) else str(value)
