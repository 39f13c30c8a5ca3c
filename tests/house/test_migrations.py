"""The migrations lead to the schema that the code uses, on both databases."""

import asyncio
import importlib
import pkgutil
import re

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection

from attenda import store
from attenda.store.database import Database
from attenda.store.migrations import known_revisions
from attenda.store.schema import metadata
from attenda.store.upgrade import HEAD

SCHEMAS = [
    importlib.import_module(f"attenda.store.{one.name}")
    for one in pkgutil.iter_modules(store.__path__)
    if one.name.startswith("schema_")
]
"""Whose tables are known once they are imported."""

WORDS = re.compile(r"(ix_)?passage_words(_\w+)?")
"""The index of words is made by hand, since each database has its own kind."""


def plain(default: str | None) -> str:
    """A default's text without the dress that each database gives it: `('x')`, `'x'::text`."""
    bare = re.sub(r"::[\w ]+$", "", default or "").strip("()'")
    return {"false": "0", "true": "1"}.get(bare, bare)


def default_differs(
    _context: object,
    _found_column: object,
    _column: object,
    found: str | None,
    _default: object,
    wanted: str | None,
) -> bool:
    return plain(found) != plain(wanted)


def differences(connection: Connection) -> list[object]:
    def belongs(_thing: object, name: str | None, *_rest: object) -> bool:
        return not WORDS.fullmatch(name or "")

    options = {
        "compare_type": True,
        "compare_server_default": default_differs,
        "include_object": belongs,
    }
    return list(compare_metadata(MigrationContext.configure(connection, opts=options), metadata))


def test_migrations_end_in_the_schema(database: Database) -> None:
    assert asyncio.run(database.read(differences)) == []


def test_a_column_that_no_migration_makes_is_seen(database: Database) -> None:
    """The comparison itself sees a difference."""
    assert len(SCHEMAS) > 5

    def drop(connection: Connection) -> None:
        connection.exec_driver_sql("ALTER TABLE runs DROP COLUMN answer_tokens")

    asyncio.run(database.write(drop))
    assert len(asyncio.run(database.read(differences))) == 1


def test_head_is_the_newest_revision() -> None:
    assert known_revisions()[-1] == HEAD
