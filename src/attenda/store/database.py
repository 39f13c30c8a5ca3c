"""SQLite in WAL mode with one writer, or PostgreSQL by URL; work runs in short transactions.

A unit of work is a plain function of a connection. `write` runs it on the one writer thread (many
on PostgreSQL), `read` beside it on a reader thread; either commits as a whole or leaves nothing.
Nothing above this room sees a connection outside such a function.
"""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DataError, DBAPIError, OperationalError
from sqlalchemy.pool import NullPool, QueuePool

from attenda.core.errors import OperatorError, UserError

__all__ = ["Connection", "Database", "open_database"]

T = TypeVar("T")
Work = Callable[[Connection], T]

_READERS = 4


class Database:
    """One database; `write` and `read` are its two doors."""

    def __init__(self, engine: Engine, writers: int) -> None:
        self._engine = engine
        self._reading = engine.execution_options(attenda_reads=True)
        self._writers = ThreadPoolExecutor(writers, thread_name_prefix="attenda-write")
        self._readers = ThreadPoolExecutor(_READERS, thread_name_prefix="attenda-read")

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self._engine.dialect.name

    @property
    def engine(self) -> Engine:
        """For migrations and backups, which are this room's own."""
        return self._engine

    async def write(self, work: Work[T]) -> T:
        """Run `work` in a transaction that may change rows.

        Raises:
            OperatorError: the disk is full or read-only; nothing of the work was kept.
        """
        return await self._run(self._writers, self._engine, work)

    async def read(self, work: Work[T]) -> T:
        """Run `work` in a transaction that only reads, beside the writer."""
        return await self._run(self._readers, self._reading, work)

    async def close(self) -> None:
        """Wait for what is under way and close every connection."""
        await asyncio.to_thread(self._writers.shutdown)
        await asyncio.to_thread(self._readers.shutdown)
        self._engine.dispose()

    async def _run(self, pool: ThreadPoolExecutor, engine: Engine, work: Work[T]) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(pool, partial(_in_transaction, engine, work))


def _in_transaction(engine: Engine, work: Work[T]) -> T:
    try:
        with engine.begin() as connection:
            return work(connection)
    except OperationalError as error:
        raise _plain(error) from error
    except (OverflowError, UnicodeEncodeError, DataError) as error:
        # A number or a text that no database column can hold: the person's, not ours.
        raise UserError("request.value") from error


def _plain(error: DBAPIError) -> Exception:
    """The operator's sentence for what only the operator can mend."""
    text = str(error.orig)
    if "disk is full" in text or "No space left" in text or "disk I/O error" in text:
        return OperatorError("store.disk_full")
    if "readonly database" in text or "read-only" in text:
        return OperatorError("store.read_only")
    return error


def open_database(url: str) -> Database:
    """Open `sqlite:///PATH` or `postgresql://…`.

    Raises:
        OperatorError: the place cannot be opened, or the driver is not installed.
    """
    if url.startswith("sqlite:///"):
        return Database(_sqlite(Path(url.removeprefix("sqlite:///"))), writers=1)
    try:
        engine = create_engine(
            url.replace("postgresql://", "postgresql+psycopg://", 1),
            pool_size=_READERS * 2,
            hide_parameters=True,
        )
        with engine.connect():
            pass
    except ModuleNotFoundError as error:
        raise OperatorError("store.no_driver") from error
    except OperationalError as error:
        problem = str(error.orig).strip().splitlines()[0]
        raise OperatorError("store.unreachable", problem=problem) from error
    return Database(engine, writers=_READERS)


def _sqlite(path: Path) -> Engine:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600, exist_ok=True)
    except OSError as error:
        raise OperatorError("store.unwritable", path=path, problem=error.strerror) from error
    engine = create_engine(
        f"sqlite+pysqlite:///{path}",
        connect_args={"check_same_thread": False, "timeout": 30},
        hide_parameters=True,  # what people write does not belong into a log
        poolclass=QueuePool if path.name else NullPool,
        pool_size=_READERS + 2,
    )
    event.listen(engine, "connect", _on_connect)
    event.listen(engine, "begin", _on_begin)
    return engine


def _on_connect(connection: sqlite3.Connection, _record: Any) -> None:
    connection.isolation_level = None  # transactions are begun below, never by the driver
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "busy_timeout=30000",
        "cache_size=-16000",
        "secure_delete=ON",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _on_begin(connection: Connection) -> None:
    reads = connection.get_execution_options().get("attenda_reads")
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")
