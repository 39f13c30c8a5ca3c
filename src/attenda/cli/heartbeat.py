"""A sign of life of a long command: while nothing else is said, how long it has been at work.

A line every few seconds of silence, on standard error, from a thread; whoever says something else
tells it by `spoke`.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from attenda.cli.terminal import err
from attenda.core.words import sentence

__all__ = ["heartbeat", "spoke"]

SILENCE_S = 8.0
"""What is silent for longer than 10 s looks dead; a loaded machine needs room."""

_last = 0.0


def spoke() -> None:
    """Something else was said."""
    global _last
    _last = time.monotonic()


@contextmanager
def heartbeat(language: str) -> Iterator[None]:
    """Give signs of life until the work within is done."""
    began = time.monotonic()
    done = threading.Event()
    spoke()

    def beat() -> None:
        while not done.wait(max(0.0, _last + SILENCE_S - time.monotonic())):
            now = time.monotonic()
            if now - _last >= SILENCE_S:
                spoke()
                said = sentence(language, "learn.doing.still", seconds=round(now - began))
                err.print(said, style="dim", markup=False)

    thread = threading.Thread(target=beat, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
