"""Server-sent events out of bytes: cut anywhere, ended by CR, LF or both, and bounded.

It follows the WHATWG grammar of event streams, except that the last event counts even where the
blank line after it is missing; of an event only the data is kept. It knows no network and not
what the data says.
"""

import re
from collections.abc import Iterator

__all__ = ["MAX_EVENT_BYTES", "SseBroken", "SseParser"]

MAX_EVENT_BYTES = 1 << 20
"""Most bytes that one line, or the lines of one event together, may have."""

_LINE_END = re.compile(rb"\r\n|\r|\n")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class SseBroken(ValueError):
    """The bytes are no event stream; the text says what is wrong with them."""


class SseParser:
    """Takes bytes as they come and gives the data of the events that they finish."""

    def __init__(self, max_bytes: int = MAX_EVENT_BYTES) -> None:
        self._max_bytes = max_bytes
        self._line: list[bytes] = []
        """Pieces of the line that has no end yet."""
        self._size = 0
        """Bytes held: of that line, and of the event's lines before it."""
        self._data: list[str] = []
        self._after_cr = False
        self._at_start = True

    def feed(self, data: bytes) -> Iterator[str]:
        """Data of the events that `data` finishes, each before what comes after it is looked at.

        The iterator must be read to its end before the next call.

        Raises:
            SseBroken: a line or event is too long, or is no UTF-8.
        """
        if not data:
            return
        start = 1 if self._after_cr and data.startswith(b"\n") else 0
        self._after_cr = data.endswith(b"\r")
        for end in _LINE_END.finditer(data, start):
            self._hold(data[start : end.start()])
            start = end.end()
            event = self._take_line()
            if event is not None:
                yield event
        self._hold(data[start:])

    def finish(self) -> Iterator[str]:
        """Data of the event that the stream's end finishes, if one was under way.

        Raises:
            SseBroken: the last line is no UTF-8, as when it was cut inside a character.
        """
        self._after_cr = False
        yield from self.feed(b"\n\n")

    def _hold(self, piece: bytes) -> None:
        self._size += len(piece)
        if self._size > self._max_bytes:
            raise SseBroken(f"an event of more than {self._max_bytes} bytes")
        if piece:
            self._line.append(piece)

    def _take_line(self) -> str | None:
        line = b"".join(self._line)
        self._line.clear()
        if self._at_start:
            line, self._at_start = line.removeprefix(_BYTE_ORDER_MARK), False
        if not line:
            return self._take_event()
        field, _, value = line.partition(b":")
        if field == b"data":
            self._data.append(_decode(value.removeprefix(b" ")))
        else:  # a comment, or a field that is of no use here: its bytes are let go
            self._size -= len(line)
        return None

    def _take_event(self) -> str | None:
        data = "\n".join(self._data) if self._data else None
        self._data, self._size = [], 0
        return data


def _decode(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise SseBroken("bytes that are no UTF-8, as of a character cut in half") from error
