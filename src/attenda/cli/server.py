"""uvicorn, told to leave Ctrl-C to the command that runs it."""

import contextlib
from collections.abc import Iterator

from uvicorn import Config, Server

__all__ = ["Config", "QuietServer"]


class QuietServer(Server):
    """A server without signal handlers of its own."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take no signals."""
        yield
