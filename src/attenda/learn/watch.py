"""Who looks on while a run goes."""

import time
from collections.abc import Callable
from typing import Any, Protocol

from attenda.learn.conversation import Problem
from attenda.learn.trainer import Report

__all__ = ["Silent", "Watch", "now_and_then"]

_SILENT_S = 5.0


class Watch(Protocol):
    """Who looks on while a run goes: the command line, or a test."""

    def doing(self, key: str, **values: object) -> None:
        """Something that takes a while begins; a sentence of the catalogue says what."""

    def problem(self, problem: Problem) -> None:
        """Something is wrong in the data, and was passed over."""

    def step(self, report: Report, steps: int, left_s: float) -> None:
        """An optimizer step is done."""

    def measured(self, row: dict[str, Any]) -> None:
        """The validation text was measured."""

    def wants_to_stop(self) -> bool:
        """Whether to save and end now."""

    def passing(self, point: str) -> None:
        """A named point of saving is passed."""


class Silent:
    """Looks on where another process says all that is to be said."""

    def doing(self, key: str, **values: object) -> None:
        """Something begins."""

    def problem(self, problem: Problem) -> None:
        """Something is wrong in the data."""

    def step(self, report: Report, steps: int, left_s: float) -> None:
        """A step is done."""

    def measured(self, row: dict[str, Any]) -> None:
        """The validation text was measured."""

    def wants_to_stop(self) -> bool:
        """Never; the leading process decides."""
        return False

    def passing(self, point: str) -> None:
        """A point is passed."""


def now_and_then(watch: Watch) -> Callable[[int, int], None]:
    """Tells `watch` how far measuring is, every few seconds; takes what is done, and all of it."""
    last = time.monotonic()

    def told(done: int, most: int) -> None:
        nonlocal last
        if time.monotonic() - last > _SILENT_S:
            last = time.monotonic()
            watch.doing("learn.doing.measure", done=done, most=most)

    return told
