"""Stop strings in a stream: nothing of a stop string is let out, wherever the stream is cut.

Text that might be the beginning of a stop string is held back until the next piece decides.
"""

from collections.abc import Sequence

__all__ = ["StopFilter"]


class StopFilter:
    """Feeds pieces through and ends at the first stop string."""

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = tuple(stop for stop in stops if stop)
        self._held = ""
        self.hit = False
        """Whether a stop string was met; nothing comes out after it."""

    def feed(self, piece: str) -> str:
        """The part of what came so far that is safe to show."""
        if self.hit:
            return ""
        text = self._held + piece
        places = [place for stop in self._stops if (place := text.find(stop)) >= 0]
        if places:
            self.hit, self._held = True, ""
            return text[: min(places)]
        keep = max((_overlap(text, stop) for stop in self._stops), default=0)
        self._held = text[len(text) - keep :]
        return text[: len(text) - keep]

    def rest(self) -> str:
        """What was held back and turned out to be plain text, once the stream has ended."""
        held, self._held = self._held, ""
        return held


def _overlap(text: str, stop: str) -> int:
    """Length of the longest end of `text` that begins `stop`."""
    for length in range(min(len(text), len(stop) - 1), 0, -1):
        if stop.startswith(text[-length:]):
            return length
    return 0
