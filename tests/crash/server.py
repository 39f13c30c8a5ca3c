"""A house to be killed: it serves a home over the socket in it, with a scripted model.

SIGUSR2 fills its disk, by a limit on the size of files, and SIGUSR1 gives it room again; SIGTERM
ends it.
"""

import asyncio
import multiprocessing
import os
import resource
import signal
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from pathlib import Path

# What a start imports late is loaded here, so that each fork has it.
import attenda.cli.server
import attenda.knowledge.ingest
import attenda.knowledge.search
import attenda.runtime.turn
import attenda.serve.app
import attenda.store.migrations  # noqa: F401
from attenda.api import Message
from attenda.cli.owner import listen_local, serve_house
from tests.scripted_house import scripted_house

__all__ = ["Server"]

ANSWER = "The fee of the paper is paid in dollars on the first day of the month. " * 4


def answer(messages: Sequence[Message]) -> str:
    return ANSWER * (12 if "at length" in messages[-1].text else 1)


def limit_files(most_bytes: int) -> None:
    """Let no file grow beyond `most_bytes`: the next write fails, as on a full disk."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, hard))


def lift_limit() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))


async def serve(home: Path, most_bytes: int, ready: Connection) -> None:
    ending = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, ending.set)
    loop.add_signal_handler(signal.SIGUSR1, lift_limit)
    loop.add_signal_handler(signal.SIGUSR2, limit_files, 1)
    async with scripted_house(home, answer, pause_s=0.003) as (house, _):
        async with serve_house(house, [listen_local(home / "attenda.sock")]):
            if most_bytes:
                limit_files(most_bytes)
            ready.send("ready")
            await ending.wait()


def run(home: Path, most_bytes: int, ready: Connection) -> None:
    asyncio.run(serve(home, most_bytes, ready))


class Server:
    """A server in a process of its own, forked from one that has all modules loaded."""

    def __init__(
        self,
        home: Path,
        most_bytes: int = 0,
        target: Callable[..., None] = run,
        more: tuple[str, ...] = (),
    ) -> None:
        """`target` serves the home; it gets `more` after what `run` gets."""
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload([__name__, target.__module__])
        self._ready, theirs = context.Pipe(duplex=False)
        given = (home, most_bytes, theirs, *more)
        self._process = context.Process(target=target, args=given, daemon=True)
        self._process.start()
        theirs.close()

    def wait_ready(self) -> None:
        assert self._ready.recv() == "ready"

    def is_alive(self) -> bool:
        return self._process.is_alive()

    def send(self, number: int) -> None:
        assert self._process.pid is not None
        os.kill(self._process.pid, number)

    def end(self, number: int = signal.SIGTERM) -> None:
        """Send it a signal, if it lives, and wait until it is gone."""
        if self._process.is_alive():
            self.send(number)
        self._process.join(60)
        assert not self._process.is_alive()
        self._ready.close()
