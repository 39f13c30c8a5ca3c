"""A database as checks look at it: raw rows of tables, and queries that can only read.

Scenarios stand on it; what it puts in is the people who take part in one.
"""

import contextlib
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, insert, text
from sqlalchemy.exc import SQLAlchemyError

from attenda.core.errors import UserError
from attenda.core.principal import Principal
from attenda.store.database import apart
from attenda.store.schema import users
from attenda.store.stamps import Stamps

__all__ = ["add_person", "ask", "raw_rows"]

_MOST_ROWS = 1000


def add_person(connection: Connection, stamps: Stamps, who: Principal) -> None:
    """The row of a person, so that a turn may go on in their name; nobody can sign in as them."""
    row = {"id": who.id, "role": who.role, "name": who.name, "language": who.language}
    connection.execute(insert(users).values(**row, created_at=stamps.now()))


def raw_rows(connection: Connection, table: str) -> list[dict[str, Any]]:
    """All rows of a table as the database holds them, in the order of their first column."""
    rows = connection.execute(text(f'SELECT * FROM "{table}" ORDER BY 1'))
    return [dict(row) for row in rows.mappings()]


def ask(connection: Connection, query: str) -> list[tuple[Any, ...]]:
    """The first rows that a query gives; one that would change anything is refused.

    Raises:
        UserError: it cannot be carried out.
    """
    try:
        with _reading(connection):
            rows = connection.exec_driver_sql(query).fetchmany(_MOST_ROWS)
    except SQLAlchemyError as error:
        problem = str(getattr(error, "orig", error)).strip()
        raise UserError("store.query", problem=problem) from error
    return [tuple(row) for row in rows]


@contextlib.contextmanager
def _reading(connection: Connection) -> Iterator[None]:
    """Nothing can be written in here."""
    if connection.dialect.name == "postgresql":
        with apart(connection):
            connection.exec_driver_sql("SET TRANSACTION READ ONLY")
            yield
        return
    connection.exec_driver_sql("PRAGMA query_only = 1")
    try:
        yield
    finally:
        connection.exec_driver_sql("PRAGMA query_only = 0")
