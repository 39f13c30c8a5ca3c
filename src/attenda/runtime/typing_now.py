"""Who is writing at this moment, in this process: told often, forgotten within seconds."""

__all__ = ["TypingNow"]

_SHOWN_US = 6_000_000


class TypingNow:
    """Who writes in which session: the customer, or the person of the desk. Times in µs."""

    def __init__(self) -> None:
        self._until: dict[tuple[str, bool], int] = {}

    def note(self, session_id: str, now: int, *, staff: bool, stopped: bool = False) -> None:
        """Somebody hit a key, or sent what they wrote."""
        self._until = {who: until for who, until in self._until.items() if until > now}
        if stopped:
            self._until.pop((session_id, staff), None)
        else:
            self._until[session_id, staff] = now + _SHOWN_US

    def is_writing(self, session_id: str, now: int, *, staff: bool) -> bool:
        """Whether they hit a key within the last seconds."""
        return self._until.get((session_id, staff), 0) > now
