"""All tables of a PostgreSQL database as JSON lines, and back again.

A value travels as the text that PostgreSQL itself writes and reads for it, so each kind of column
comes back exactly, the index of words too. It knows no table by name but Alembic's own, whose row
the migrations write.
"""

import json
from collections.abc import Iterable, Iterator, Sequence

from sqlalchemy import Connection, MetaData, Table, inspect, text

__all__ = ["fill_table", "follow_numbers", "set_schema_aside", "table_lines", "table_names"]

_OURS_NOT = "alembic_version"
_ROWS = 100
"""Rows on their way at once: one may hold the text of a whole book."""


def table_names(connection: Connection) -> list[str]:
    """The tables with data, those that others point to first."""
    known = MetaData()
    known.reflect(connection)
    return [table.name for table in known.sorted_tables if table.name != _OURS_NOT]


def table_lines(connection: Connection, name: str) -> Iterator[bytes]:
    """A line with the names of the columns, then one for each row."""
    columns = [column["name"] for column in inspect(connection).get_columns(name)]
    yield _line(columns)
    texts = ", ".join(f"CAST({_quoted(connection, column)} AS text)" for column in columns)
    statement = text(f"SELECT {texts} FROM {_quoted(connection, name)}")
    streamed = connection.execution_options(stream_results=True, yield_per=_ROWS)
    for row in streamed.execute(statement):
        yield _line(row)


def fill_table(connection: Connection, name: str, lines: Iterable[bytes]) -> None:
    """Put the rows of `table_lines` into a table, whose own rows go."""
    connection.execute(text(f"TRUNCATE {_quoted(connection, name)} CASCADE"))
    rest = iter(lines)
    columns: list[str] = json.loads(next(rest))
    kinds = _kinds(connection, name)
    names = ", ".join(_quoted(connection, column) for column in columns)
    values = ", ".join(f"CAST(:v{at} AS {kinds[one]})" for at, one in enumerate(columns))
    statement = text(f"INSERT INTO {_quoted(connection, name)} ({names}) VALUES ({values})")
    batch: list[dict[str, str | None]] = []
    for line in rest:
        batch.append({f"v{at}": value for at, value in enumerate(json.loads(line))})
        if len(batch) == _ROWS:
            connection.execute(statement, batch)
            batch = []
    if batch:
        connection.execute(statement, batch)


def follow_numbers(connection: Connection) -> None:
    """Let each column that counts by itself go on after its highest number."""
    known = MetaData()
    known.reflect(connection)
    for table in known.sorted_tables:
        _follow(connection, table)


def set_schema_aside(connection: Connection, name: str) -> None:
    """Call the schema of our tables `name`, and begin an empty one in its place."""
    ours = connection.execute(text("SELECT current_schema()")).scalar_one()
    connection.execute(text(f"ALTER SCHEMA {_quoted(connection, ours)} RENAME TO {name}"))
    connection.execute(text(f"CREATE SCHEMA {_quoted(connection, ours)}"))


def _follow(connection: Connection, table: Table) -> None:
    quoted = _quoted(connection, table.name)
    for column in table.primary_key.columns:
        found = text("SELECT pg_get_serial_sequence(:table, :column)")
        values = {"table": quoted, "column": column.name}
        sequence = connection.execute(found, values).scalar()
        if sequence is not None:
            highest = f"SELECT max({_quoted(connection, column.name)}) AS top FROM {quoted}"
            connection.execute(
                text(
                    f"SELECT setval(:sequence, coalesce(top, 1), top IS NOT NULL) "
                    f"FROM ({highest}) AS tops"
                ),
                {"sequence": sequence},
            )


def _kinds(connection: Connection, name: str) -> dict[str, str]:
    """The type of each column, in PostgreSQL's own words."""
    statement = text(
        "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute "
        "WHERE attrelid = CAST(:table AS regclass) AND attnum > 0 AND NOT attisdropped"
    )
    rows = connection.execute(statement, {"table": _quoted(connection, name)})
    return {str(column): str(kind) for column, kind in rows}


def _line(values: Sequence[object]) -> bytes:
    return json.dumps(list(values), ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _quoted(connection: Connection, name: str) -> str:
    return connection.dialect.identifier_preparer.quote(name)
