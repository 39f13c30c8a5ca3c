"""One owner of the home: a lock file says who, a socket in the home leads to it.

Every command is a client of the owner. When nobody is, the command becomes the owner for as long
as it runs, and serves itself over the same socket: there is one way to the data, not two.
"""

import asyncio
import contextlib
import json
import os
import socket
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
from filelock import FileLock, Timeout

from attenda.cli.wiring import open_house, prepare_home
from attenda.core.config import Settings
from attenda.core.errors import OperatorError
from attenda.runtime.house import House

__all__ = [
    "connect",
    "find_owner",
    "listen_local",
    "listen_tcp",
    "note_address",
    "noted_address",
    "own",
    "serve_house",
]

_SOCKET_PATH_LIMIT = 100
"""Longest path that every system takes for a socket."""


@contextlib.asynccontextmanager
async def connect(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the home's owner: the running one, or this very process.

    Raises:
        OperatorError: the home cannot be opened.
    """
    key = prepare_home(settings.home)
    running = await find_owner(settings, key)
    if running is not None:
        async with _client(running, key) as client:
            yield client
        return
    async with own(settings) as (house, path), serve_house(house, [listen_local(path)]):
        async with _client(path, key) as client:
            yield client


@contextlib.asynccontextmanager
async def own(settings: Settings) -> AsyncIterator[tuple[House, Path]]:
    """Take the home's lock and open it; yields the house and the path of its socket.

    Raises:
        OperatorError: another process owns it.
    """
    prepare_home(settings.home)
    with _locked(settings.home), _socket_place(settings.home) as path:
        async with open_house(settings) as house:
            yield house, path


@contextlib.asynccontextmanager
async def serve_house(house: House, sockets: list[socket.socket]) -> AsyncIterator[None]:
    """Serve the app on `sockets` while the block runs."""
    from attenda.cli.server import Config, QuietServer
    from attenda.serve.app import close_app, create_app

    app = create_app(house)
    config = Config(
        app,
        log_level="warning",
        access_log=False,
        lifespan="off",
        server_header=False,
        ws="none",
        proxy_headers=bool(house.settings.hosts),  # only behind a proxy that is named
        timeout_graceful_shutdown=2,
        timeout_keep_alive=75,
        h11_max_incomplete_event_size=32 << 10,
    )
    server = QuietServer(config)
    serving = asyncio.create_task(server.serve(sockets=sockets), name="serve")
    ready = asyncio.create_task(server.ready.wait())
    await asyncio.wait([ready, serving], return_when=asyncio.FIRST_COMPLETED)
    ready.cancel()
    try:
        yield
    finally:
        server.should_exit = True
        await serving
        await close_app(app)


def _client(path: Path, key: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=httpx.AsyncHTTPTransport(uds=str(path), verify=False),
        base_url="http://attenda",
        headers={"Authorization": f"Bearer {key}"},
        timeout=httpx.Timeout(30.0, read=None),
    )


async def find_owner(settings: Settings, key: str) -> Path | None:
    """The socket of the process that owns the home and answers on it."""
    try:
        path = Path(json.loads((settings.home / "owner.json").read_text())["socket"])
        async with _client(path, key) as client:
            (await client.get("/healthz", timeout=5.0)).raise_for_status()
    except (OSError, ValueError, KeyError, TypeError, httpx.HTTPError):
        return None
    return path


def note_address(home: Path, address: str) -> None:
    """Note in the home where its pages are, for commands that print links."""
    note = home / "owner.json"
    note.write_text(json.dumps({**json.loads(note.read_text()), "address": address}))


def noted_address(settings: Settings) -> str | None:
    """Where the pages of the home are, while `attenda up` serves them."""
    try:
        address = json.loads((settings.home / "owner.json").read_text()).get("address")
    except (OSError, ValueError, AttributeError):
        return None
    return address if isinstance(address, str) else None


@contextlib.contextmanager
def _locked(home: Path) -> Iterator[None]:
    lock = FileLock(home / "attenda.lock")
    try:
        lock.acquire(timeout=2.0)
    except Timeout:
        raise OperatorError("owner.busy", home=home) from None
    try:
        yield
    finally:
        lock.release()


@contextlib.contextmanager
def _socket_place(home: Path) -> Iterator[Path]:
    """A path for the socket, noted in the home; in the home itself where its path is short."""
    with contextlib.ExitStack() as stack:
        path = home / "attenda.sock"
        if len(os.fsencode(path)) > _SOCKET_PATH_LIMIT:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="attenda-"))
            path = Path(folder) / "attenda.sock"
        note = home / "owner.json"
        note.write_text(json.dumps({"pid": os.getpid(), "socket": str(path)}))
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)
            note.unlink(missing_ok=True)


def listen_local(path: Path) -> socket.socket:
    """The socket in the home, open to its owner alone."""
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(path))
    path.chmod(0o600)
    return listener


def listen_tcp(host: str, port: int) -> socket.socket:
    """The socket that pages are served on.

    Raises:
        OperatorError: the port is in use or the address is not ours.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio's own loop lets small writes go at once only where the protocol is named; else each
    # answer waits some 40 ms for the other side to acknowledge its head.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise OperatorError("owner.port", host=host, port=port, problem=error.strerror) from error
    return listener
