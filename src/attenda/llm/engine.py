"""What a model's child process runs: the protocol of an engine, and its one way to give up."""

from typing import Any, Protocol

__all__ = ["Answer", "Engine", "EngineBroken", "Request"]

Request = dict[str, Any]
Answer = dict[str, Any]


class Engine(Protocol):
    """What a child runs. All calls come from one thread."""

    def info(self) -> Answer:
        """What the engine is; sent once when it is ready."""
        ...

    def take(self, request: Request) -> list[Answer]:
        """Begin a request; answers that are ready at once are returned.

        Raises:
            ValueError: the request cannot be done; the text says why.
        """
        ...

    def cancel(self, number: int) -> None:
        """Forget request `number`; unknown numbers are fine."""
        ...

    def busy(self) -> bool:
        """Whether `step` has work."""
        ...

    def step(self) -> list[Answer]:
        """Work for at most about a second; returns the answers that came of it.

        Raises:
            EngineBroken: the engine must be started anew.
        """
        ...


class EngineBroken(RuntimeError):
    """The engine cannot go on; `answers` tell each request why, then the process ends."""

    def __init__(self, answers: list[Answer]) -> None:
        super().__init__("the engine cannot go on")
        self.answers = answers
