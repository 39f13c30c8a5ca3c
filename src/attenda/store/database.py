"""SQLite in WAL mode with one writer, or PostgreSQL by URL; work runs in short transactions.

A unit of work is a plain function of a connection. `write` runs it on the one writer thread (many
on PostgreSQL), `read` beside it on a reader thread; either commits as a whole or leaves nothing.
On SQLite, units that wait for the writer together share one commit, each within a savepoint of its
own. Nothing above this room sees a connection outside such a function.
"""

import asyncio
import contextlib
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DataError, DBAPIError, OperationalError
from sqlalchemy.pool import NullPool, QueuePool

from attenda.core.errors import OperatorError, UserError

__all__ = ["Connection", "Database", "apart", "open_database", "yielded"]

T = TypeVar("T")
Work = Callable[[Connection], T]

_READERS = 4
_TOGETHER_S = 0.01
"""Seconds of work after which a shared transaction takes no further unit."""
_TRIES = 5
"""How often PostgreSQL may take a unit back for another's sake before its error is told."""
_FOR_ANOTHER = frozenset({"40001", "40P01"})
"""SQLSTATE of a serialization failure and of a deadlock: the same unit may well succeed next."""


class Database:
    """One database; `write` and `read` are its two doors."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        reads: dict[str, Any] = {"attenda_reads": True}
        if self.dialect == "postgresql":  # one state of things for all of a unit, as on SQLite
            reads["isolation_level"] = "REPEATABLE READ"
        self._readers = _Threads(engine.execution_options(**reads), "attenda-read")
        self._writers = (
            _OneWriter(engine) if self.dialect == "sqlite" else _Threads(engine, "attenda-write")
        )

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
        return await asyncio.wrap_future(self._writers.submit(work))

    async def read(self, work: Work[T]) -> T:
        """Run `work` in a transaction that only reads, beside the writer."""
        return await asyncio.wrap_future(self._readers.submit(work))

    async def close(self) -> None:
        """Wait for what is under way and close every connection."""
        await asyncio.to_thread(self._writers.shutdown)
        await asyncio.to_thread(self._readers.shutdown)
        self._engine.dispose()


class _Threads:
    """A few threads, each unit of work in a transaction of its own.

    A unit that the database took back as a whole for the sake of another, as of somebody's lock in
    the other order, is run again.
    """

    def __init__(self, engine: Engine, name: str) -> None:
        self._engine = engine
        self._pool = ThreadPoolExecutor(_READERS, thread_name_prefix=name)

    def submit(self, work: Work[T]) -> "Future[T]":
        """Run `work` soon; the future has its result once that is committed."""
        return self._pool.submit(self._run, work)

    def shutdown(self) -> None:
        """Run what was submitted, then end."""
        self._pool.shutdown()

    def _run(self, work: Work[T]) -> T:
        tried = 0
        while True:
            try:
                with _plain_errors(), self._engine.begin() as connection:
                    return work(connection)
            except OperationalError as error:
                tried += 1
                if tried == _TRIES or not yielded(error):
                    raise
            time.sleep(0.01 * 2**tried)


class _OneWriter:
    """The one thread that changes a SQLite file.

    Waiting for the disk at a commit costs more than most units, so those that wait share one.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._units: queue.SimpleQueue[_Unit | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._serve, name="attenda-write", daemon=True)
        self._thread.start()

    def submit(self, work: Work[T]) -> "Future[T]":
        """Run `work` soon; the future has its result once that is committed."""
        unit = _Unit(work)
        self._units.put(unit)
        return unit.future

    def shutdown(self) -> None:
        """Run what was submitted, then end."""
        self._units.put(None)
        self._thread.join()

    def _serve(self) -> None:
        connection: Connection | None = None  # kept: taking one anew costs as much as a statement
        while (first := self._units.get()) is not None:
            units: list[_Unit] = []
            try:
                connection = connection or self._engine.connect()
                with _plain_errors(), connection.begin():
                    for unit in self._waiting(first):
                        units.append(unit)
                        unit.run(connection)
            except BaseException as error:  # noqa: BLE001 - handed to everyone who waits
                for unit in units or [first]:
                    unit.error = unit.error or error
                if connection is not None:
                    connection.close()
                connection = None
            for unit in units or [first]:
                unit.tell()
        if connection is not None:
            connection.close()

    def _waiting(self, first: "_Unit") -> "Iterator[_Unit]":
        """The first unit, then those that wait by the time it is done, for a while."""
        until = time.monotonic() + _TOGETHER_S
        unit: _Unit | None = first
        while unit is not None:
            if unit.future.set_running_or_notify_cancel():
                yield unit
            if time.monotonic() > until:
                return
            try:
                unit = self._units.get_nowait()
            except queue.Empty:
                return
        self._units.put(None)  # the end, which is told again once these are committed


class _Unit:
    """A unit of work, what came of it, and who waits for it."""

    def __init__(self, work: Work[Any]) -> None:
        self.future: Future[Any] = Future()
        self.error: BaseException | None = None
        self._work = work
        self._result: Any = None

    def run(self, connection: Connection) -> None:
        """Do the work; if it fails, it alone is taken back.

        Raises:
            Exception: the database took the whole transaction back, as it does on a full disk.
        """
        try:
            with _plain_errors(), apart(connection):
                self._result = self._work(connection)
        except BaseException as error:
            self.error = error
            held: Any = connection.connection.dbapi_connection
            if not held.in_transaction:
                raise

    def tell(self) -> None:
        """Hand result or error to who waits; nobody does once the future was cancelled."""
        if self.future.cancelled():
            return
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self._result)


def yielded(error: Exception) -> bool:
    """Whether PostgreSQL took the work back for the sake of another's: it may be done again."""
    return isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", "") in _FOR_ANOTHER


@contextlib.contextmanager
def apart(connection: Connection) -> Iterator[None]:
    """Work that is taken back alone when it fails, within a transaction.

    A savepoint, as `begin_nested` makes one, which compiles its statements anew each time.
    """
    connection.exec_driver_sql("SAVEPOINT apart")
    try:
        yield
    except BaseException:
        with contextlib.suppress(DBAPIError):  # a full disk took back the whole transaction
            connection.exec_driver_sql("ROLLBACK TO SAVEPOINT apart")
            connection.exec_driver_sql("RELEASE SAVEPOINT apart")
        raise
    connection.exec_driver_sql("RELEASE SAVEPOINT apart")


@contextlib.contextmanager
def _plain_errors() -> Iterator[None]:
    try:
        yield
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


def open_database(url: str, *, mapped: bool = False) -> Database:
    """Open `sqlite:///PATH` or `postgresql://…`.

    `mapped` says that another library will use SQLAlchemy's mapper in this process: it is imported
    before a thread is at work, since meanwhile statements fail in every other thread.

    Raises:
        OperatorError: the place cannot be opened, or the driver is not installed.
    """
    if mapped:
        import_module("sqlalchemy.orm")
    if url.startswith("sqlite:///"):
        return Database(_sqlite(Path(url.removeprefix("sqlite:///"))))
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
    return Database(engine)


def prepare_beside(url: str) -> None:
    """Make the file of a database that is another library's, for its owner's eyes, in WAL mode.

    Raises:
        OperatorError: it cannot be made.
    """
    if url.startswith("sqlite:///"):
        path = Path(url.removeprefix("sqlite:///"))
        try:
            path.touch(mode=0o600, exist_ok=True)
        except OSError as error:
            raise OperatorError("store.unwritable", path=path, problem=error.strerror) from error
        with contextlib.closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA journal_mode=WAL")


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
