"""uvicorn and its loop, told to leave Ctrl-C to the command that runs them."""

import asyncio
import contextlib
import socket
from collections.abc import Coroutine, Iterator
from typing import Any, TypeVar

from uvicorn import Config, Server

__all__ = ["Config", "QuietServer", "run_loop"]

T = TypeVar("T")


class QuietServer(Server):
    """A server without signal handlers of its own, that says when it is ready."""

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Open the sockets, then say so."""
        await super().startup(sockets=sockets)
        self.ready.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take no signals."""
        yield


def run_loop(work: Coroutine[Any, Any, T]) -> T:
    """Run `work` on the fastest event loop there is: uvloop, which Windows has not."""
    try:
        import uvloop
    except ImportError:
        return asyncio.run(work)
    return uvloop.run(work)
