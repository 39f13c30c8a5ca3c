"""What every test stands on: a shut network, a home of its own, frozen stamps, both databases.

Tests run their coroutines with `asyncio.run`. Whatever a test needs from outside Python is a
fixture here that skips by name where the thing is absent; `check.py` brings those things.
"""

import asyncio
import contextlib
import ipaddress
import itertools
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import Phase, settings
from sqlalchemy import Connection, Engine

import check
from attenda.core.principal import Principal
from attenda.llm.catalogue import DEFAULT_CHAT, DEFAULT_EMBEDDER
from attenda.store import migrations, upgrade
from attenda.store.database import Database, open_database
from attenda.store.stamps import Stamps
from attenda.store.upgrade import upgrade_database

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.cli.typing_at_home import Typed

settings.register_profile("ours", phases=[one for one in Phase if one is not Phase.explain])
settings.load_profile("ours")  # explaining a failure traces it, which can hang Python 3.11 for good

FROZEN_AT = 1_767_614_400_000_000
"""Microseconds: noon of 5 January 2026, UTC."""

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
"""Of the browser."""

_KEPT = frozenset(
    f"ATTENDA_{name}" for name in ("TEST_HOME", "TEST_NPM", "TEST_INSPECT", "LONG", "DATA")
)
_ON_BOTH = frozenset(
    {
        *("store", "tools", "crash", "house"),
        *("test_rights.py", "test_leaks.py", "test_search.py", "test_approvals.py"),
        *("test_pack_pages.py", "test_history.py", "test_audit_chain.py", "test_first_admin.py"),
    }
)
"""Folders and files of tests that the quick suite runs on both databases; the long one runs all."""

_MARKED_BY_FIXTURE = {
    "weights_home": "weights",
    "chromium": "browser",
    "postgres_url": "postgres",
    "everything": "npm",
}


class NetworkShut(RuntimeError):
    """A test reached for another machine."""


def _stays_here(host: object) -> bool:
    if isinstance(host, bytes):
        host = host.decode(errors="replace")
    if host is None or host in ("", "localhost"):
        return True
    try:
        address = ipaddress.ip_address(str(host).partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


def _is_number(host: object) -> bool:
    with contextlib.suppress(ValueError):
        ipaddress.ip_address(str(host).partition("%")[0])
        return True
    return False


def _shut_network(event: str, values: tuple[Any, ...]) -> None:
    """An audit hook: no socket reaches past this machine, no name is looked up elsewhere."""
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        connection, address = values
        internet = connection.family in (socket.AF_INET, socket.AF_INET6)
        if internet and address is not None and not _stays_here(address[0]):
            raise NetworkShut(f"tests have no network, and one reached for {address!r}")
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        if not _stays_here(values[0]) and not _is_number(values[0]):
            raise NetworkShut(f"tests have no network, and one looked up {values[0]!r}")


sys.addaudithook(_shut_network)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    wanted = os.environ.get("ATTENDA_LONG") == "1"
    for item in items:
        for fixture, marker in _MARKED_BY_FIXTURE.items():
            if fixture in getattr(item, "fixturenames", ()):
                item.add_marker(marker)
        if not wanted and (item.get_closest_marker("long") or _is_only_again(item)):
            item.add_marker(pytest.mark.skip(reason="of the long suite (ATTENDA_LONG=1)"))


def _is_only_again(item: pytest.Item) -> bool:
    """Whether it repeats on PostgreSQL what hangs on neither its SQL nor its locks."""
    kept = item.path.parent.name in _ON_BOTH or item.path.name in _ON_BOTH
    return "postgres" in item.name and not kept


@pytest.fixture(scope="session", autouse=True)
def migrated_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A new SQLite database is a copy of one that was migrated in earnest: thousands are made."""
    real, place, head = upgrade._upgrade, migrations.__file__, upgrade.HEAD
    whole = tmp_path_factory.mktemp("migrated") / "attenda.db"

    def quickly(engine: Engine, found: str | None) -> None:
        ours = (migrations.__file__, upgrade.HEAD) == (place, head)
        if found is not None or engine.dialect.name != "sqlite" or not ours:
            return real(engine, found)
        if not whole.exists():
            real(engine, found)
            with engine.connect() as connection, closing(sqlite3.connect(whole)) as target:
                _driver(connection).backup(target)
            return None
        with engine.connect() as connection, closing(sqlite3.connect(whole)) as source:
            connection.rollback()
            source.backup(_driver(connection))
        return None

    upgrade._upgrade = quickly
    yield
    upgrade._upgrade = real


def _driver(connection: Connection) -> sqlite3.Connection:
    found: Any = connection.connection.driver_connection
    assert isinstance(found, sqlite3.Connection)
    return found


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of the test's own (not made yet); no setting of the developer's reaches a test."""
    for name in os.environ:
        if name.startswith("ATTENDA_") and name not in _KEPT:
            monkeypatch.delenv(name)
    folder = tmp_path / "home"
    monkeypatch.setenv("ATTENDA_HOME", str(folder))
    return folder


@pytest.fixture
def owner() -> Principal:
    """Who may do everything."""
    return Principal(id="usr_owner", role="owner")


@pytest.fixture
def stamps() -> Stamps:
    """A clock that stands still and ids that count up; a test moves time by `stamps.now = …`."""
    return Stamps(clock=lambda: FROZEN_AT, chance=itertools.count(1).__next__)


@pytest.fixture(scope="session")
def weights_home() -> Path:
    """The home that holds the default weights, for reading alone: other tests read it too."""
    folder = check.weights_home()
    for name in (DEFAULT_CHAT, DEFAULT_EMBEDDER):
        if not (folder / "models" / name / "model.json").exists():
            pytest.skip(f"the weights of {name} are not here (python3 check.py --prepare)")
    return folder


@pytest.fixture(scope="session")
def chromium() -> Path:
    """The browser's program, for playwright's `executable_path`."""
    found = check.chromium()
    if found is None:
        pytest.skip("Chromium is not here (apt install chromium)")
    return found


@pytest.fixture(scope="module")
def browser(chromium: Path) -> Iterator["Browser"]:
    """A browser for the tests of one file, which asks nobody for anything by itself."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=str(chromium), args=FLAGS)


@pytest.fixture(scope="session")
def everything() -> Path:
    """The program of MCP's public reference server."""
    found = check.mcp_reference()
    if found is None:
        pytest.skip("MCP's reference server is not here (python3 check.py --prepare, with npm)")
    return found


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The folder of a running server's socket.

    One server for the whole session, in a folder of its own, on a Unix socket alone. It need not
    survive a power cut, so it never waits for the disk.
    """
    programs = check.postgres_folder()
    if programs is None:
        pytest.skip("PostgreSQL is not here (apt install postgresql)")
    pytest.importorskip("psycopg", reason="the PostgreSQL driver is not here (attenda[postgres])")
    with tempfile.TemporaryDirectory(prefix="attenda-pg-") as name:
        with _postgres(programs, Path(name)):
            yield name


@contextlib.contextmanager
def _postgres(programs: Path, folder: Path) -> Iterator[None]:
    """A server in `folder`; root runs it as `postgres`, since a server refuses root."""
    prefix: list[str] = []
    if os.geteuid() == 0:
        try:
            shutil.chown(folder, "postgres", "postgres")
        except LookupError:
            pytest.skip("PostgreSQL refuses root, and there is no user `postgres` to run it as")
        prefix = [shutil.which("runuser") or "/usr/sbin/runuser", "-u", "postgres", "--"]
    data, log = folder / "data", folder / "log"

    def call(program: str, *options: str) -> None:
        with (folder / "calls").open("a+") as output:
            command = [*prefix, str(programs / program), "-D", str(data), *options]
            code = subprocess.run(
                command, cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output
            ).returncode
            output.seek(0)
            said = [*output.read().splitlines()[-5:], *(log.read_text() if log.exists() else "")]
            assert code == 0, f"{program} failed: {said}"

    locale = ["--locale=C.UTF-8"] if sys.platform == "linux" else []
    call("initdb", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync", *locale)
    settings = "-c listen_addresses= -c fsync=off -c synchronous_commit=off -c full_page_writes=off"
    call("pg_ctl", "start", "-w", "-l", str(log), "-o", f"{settings} -k {folder}")
    try:
        yield
    finally:
        call("pg_ctl", "stop", "-m", "immediate")


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """The URL of a fresh, empty PostgreSQL database."""
    import psycopg

    name = f"attenda_{uuid.uuid4().hex}"
    place = {"host": postgres_server, "user": "postgres", "dbname": "postgres"}
    with psycopg.connect(**place, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
        yield f"postgresql://postgres@/{name}?host={postgres_server}"
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database; the test runs once on SQLite and once on PostgreSQL."""
    if request.param == "postgres":
        return str(request.getfixturevalue("postgres_url"))
    return f"sqlite:///{tmp_path / 'attenda.db'}"


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """An open database with its tables made, on SQLite and on PostgreSQL."""
    opened = open_database(database_url)
    try:
        asyncio.run(upgrade_database(opened))
        yield opened
    finally:
        asyncio.run(opened.close())


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> "Typed":
    """Types a command; its exit code, what it printed, and what it said beside."""
    from attenda.cli.commands import run

    def type_(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["attenda", *words])
        code = run()
        said = capsys.readouterr()
        return code, said.out, said.err

    return type_
