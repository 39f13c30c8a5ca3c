"""A limit on the time of a tool in our database, which holds a thread that others wait for.

A thread can't be killed, but Python raises an exception in it between two of its instructions. A
call into C that never returns is beyond that: such a tool belongs outside, as an async one.
"""

import asyncio
import ctypes
import threading
import time
from collections.abc import Callable
from typing import TypeVar

__all__ = ["Deadline"]

T = TypeVar("T")


class _Over(BaseException):
    """Raised in the thread whose time is over; no `except Exception` of a tool's keeps it."""


class Deadline:
    """Looks, from the event loop that it was made in, after one block in another thread."""

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()
        self._thread, self._until = 0, 0.0  # nothing runs
        self._next = self._loop.call_later(limit_s, self._look)

    def close(self) -> None:
        """Look no longer."""
        self._next.cancel()

    def run(self, block: Callable[[], T]) -> T:
        """What a block gives in the thread that calls this.

        Raises:
            TimeoutError: it took longer than the limit; it was left where it stood.
        """
        try:
            self._until = time.monotonic() + self._limit_s
            self._thread = threading.get_ident()
            try:
                return block()
            finally:
                with self._lock:
                    _raise_in(self._thread, None)  # takes back what came too late to arrive
                    self._thread = 0
        except _Over:
            raise TimeoutError from None

    def _look(self) -> None:
        """End the block if its time is over; if not, or if it waits for its turn, look again."""
        left_s = self._until - time.monotonic()
        with self._lock:
            if self._thread and left_s <= 0:
                _raise_in(self._thread, _Over)
        self._next = self._loop.call_later(left_s if left_s > 0 else self._limit_s, self._look)


def _raise_in(thread: int, kind: type[BaseException] | None) -> None:
    wanted = None if kind is None else ctypes.py_object(kind)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), wanted)
