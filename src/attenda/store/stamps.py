"""Time and ids, injected: the only source of both for everything that is stored.

Ids are ULIDs with a prefix that says what they name (`ses_01J…`): they sort by time of birth.
"""

import secrets
import time
from collections.abc import Callable

__all__ = ["Stamps"]

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


class Stamps:
    """A clock and a source of ids; tests hand in frozen ones."""

    def __init__(
        self,
        clock: Callable[[], int] = lambda: time.time_ns() // 1000,
        chance: Callable[[], int] = lambda: secrets.randbits(80),
    ) -> None:
        """`clock` gives microseconds since 1970 in UTC, `chance` 80 random bits."""
        self.now = clock
        self._chance = chance

    def new_id(self, prefix: str) -> str:
        """A fresh id such as `ses_01j5…`."""
        number = (self.now() // 1000) << 80 | self._chance()
        digits = [_ALPHABET[number >> shift & 31] for shift in range(125, -1, -5)]
        return f"{prefix}_{''.join(digits)}"
