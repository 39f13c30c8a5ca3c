"""What became of a message: a run that answers it, or that a person will."""

from dataclasses import dataclass

__all__ = ["Noted", "Started"]


@dataclass(frozen=True, slots=True)
class Started:
    """A run that began."""

    session_id: str
    run_id: str
    user_message_id: str
    message_id: str
    after: int
    """Number of the last event before the run: follow from here."""


@dataclass(frozen=True, slots=True)
class Noted:
    """A message that was kept for a person; no run answers it."""

    session_id: str
    user_message_id: str
    parent_id: str | None
