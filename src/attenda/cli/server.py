"""uvicorn and its loop, told to leave Ctrl-C to the command that runs them."""

import asyncio
import contextlib
import gc
import socket
import sys
from collections.abc import Coroutine, Iterator
from typing import Any, TypeVar

from uvicorn import Config, Server

__all__ = ["Config", "QuietServer", "run_loop", "settle"]

T = TypeVar("T")

_TURN_S = 0.0005
"""Seconds that a thread (a query, a commit) may keep Python to itself while the loop waits; ten
times shorter than usual, since every word of every stream passes through the loop."""


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
    sys.setswitchinterval(_TURN_S)
    try:
        import uvloop
    except ImportError:
        return asyncio.run(work)
    return uvloop.run(work)


def settle() -> None:
    """Take what was loaded so far, which stays to the end, out of the garbage collector's rounds.

    A full round over it stopped every stream for a quarter of a second, every two seconds. Rounds
    over what is new come later than usual for the same reason; little of it forms cycles.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)
