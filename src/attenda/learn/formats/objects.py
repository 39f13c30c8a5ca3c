"""The objects of a JSON or JSONL file, one at a time, each with its line.

JSONL is read line by line; a JSON document is held as text and its rows are parsed one by one,
so a row that is broken is named by its line. It knows nothing of what the objects mean.
"""

import itertools
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from attenda.core.errors import UserError
from attenda.learn.conversation import Problem
from attenda.learn.formats.source import Source, undecoded

__all__ = ["Row", "rows"]

_SPACE = re.compile(r"\s*")
_DECODER = json.JSONDecoder()
_PEEKED_LINES = 2


@dataclass(frozen=True, slots=True)
class Row:
    """An object of the file."""

    line: int
    value: dict[str, Any]
    key: str = ""
    """Its name, where the file is an object of rows."""


def rows(source: Source, fits: Callable[[dict[str, Any]], bool]) -> Iterator[Row | Problem]:
    """Each row of the file, or what is wrong at its line.

    An object that `fits` is a row itself; another one is looked through for rows.
    """
    if _is_lines(source):
        yield from _from_lines(source, fits)
        return
    with source.open() as file:
        text = file.read()
    if undecoded(text):
        yield Problem(source.place(_bad_line(text)), "learn.data.not_utf8")
        return
    document = _Document(source, text.removeprefix("\ufeff"))
    try:
        yield from document.rows(fits)
    except UserError as error:
        yield Problem(source.place(document.line), error.key, error.plain_values)


def _is_lines(source: Source) -> bool:
    """Whether each line is a value of its own."""
    if source.path.suffix.lower() in (".jsonl", ".ndjson"):
        return True
    filled = (line for _, line in source.lines() if line.strip())
    first = list(itertools.islice(filled, _PEEKED_LINES))
    try:
        value = json.loads(first[0]) if first else None
    except (ValueError, RecursionError):
        return False
    return isinstance(value, dict) or len(first) > 1


def _from_lines(source: Source, fits: Callable[[dict[str, Any]], bool]) -> Iterator[Row | Problem]:
    for number, line in source.lines():
        if not line.strip():
            continue
        if undecoded(line):
            yield Problem(source.place(number), "learn.data.not_utf8")
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            yield Problem(source.place(number), "learn.data.broken_json", _why(error))
            continue
        yield from _rows_in(source, number, value, fits)


def _rows_in(
    source: Source, line: int, value: object, fits: Callable[[dict[str, Any]], bool]
) -> Iterator[Row | Problem]:
    """The rows that a value on one line holds."""
    if isinstance(value, dict) and not fits(value):
        inner = [(key, one) for key, one in value.items() if isinstance(one, dict) and fits(one)]
        lists = [one for one in value.values() if _holds(one, fits)]
        if inner or lists:
            yield from (Row(line, one, key) for key, one in inner)
            yield from (_row(source, line, one) for some in lists[:1] for one in some)
            return
    yield _row(source, line, value)


def _row(source: Source, line: int, value: object, key: str = "") -> Row | Problem:
    """A row; a bare list is taken as a conversation's messages."""
    if isinstance(value, list) and value and all(isinstance(one, dict) for one in value):
        value = {"messages": value}
    if not isinstance(value, dict):
        return Problem(source.place(line), "learn.data.no_object", {"kind": type(value).__name__})
    return Row(line, value, key)


class _Document:
    """A JSON text that is walked from its start."""

    def __init__(self, source: Source, text: str) -> None:
        self._source = source
        self._text = text
        self._at = 0
        self._counted = 0
        self.line = 1

    def rows(self, fits: Callable[[dict[str, Any]], bool]) -> Iterator[Row | Problem]:
        """Each row; `line` is the line of the value that is being read."""
        self._skip()
        if self._peek() == "[":
            for line, _, value in self._values("]"):
                yield _row(self._source, line, value)
            self._end()
            return
        start = self._at
        found = list(self._values("}")) if self._peek() == "{" else [(1, "", self._decode())]
        self._end()
        yield from self._rows_of_object(start, found, fits)

    def _rows_of_object(
        self,
        start: int,
        found: Sequence[tuple[int, str, object]],
        fits: Callable[[dict[str, Any]], bool],
    ) -> Iterator[Row | Problem]:
        whole = {key: value for _, key, value in found}
        inner = [(line, key, one) for line, key, one in found if isinstance(one, dict)]
        if not fits(whole) and any(fits(one) for _, _, one in inner):
            yield from (Row(line, one, key) for line, key, one in inner)
            return
        lists = [key for key, one in whole.items() if _holds(one, fits)]
        if fits(whole) or not lists:
            yield Row(1, whole)
            return
        self._at, self._counted, self.line = start, 0, 1
        yield from self._rows_of_list(lists[0])

    def _rows_of_list(self, wanted: str) -> Iterator[Row | Problem]:
        for key in self._keys("}"):
            if key == wanted:
                yield from (_row(self._source, line, one) for line, _, one in self._values("]"))
                return
            self._decode()

    def _keys(self, close: str) -> Iterator[str]:
        """Before each value of the array or object here; the caller takes the value."""
        self._at += 1
        self._skip()
        if self._peek() == close:
            self._at += 1
            return
        while True:
            self._skip()
            key = str(self._decode()) if close == "}" else ""
            if close == "}":
                self._take(":")
            self._skip()
            yield key
            self._skip()
            if self._peek() == close:
                self._at += 1
                return
            self._take(",")

    def _values(self, close: str) -> Iterator[tuple[int, str, object]]:
        for key in self._keys(close):
            line = self.line
            yield line, key, self._decode()

    def _decode(self) -> object:
        try:
            value, self._at = _DECODER.raw_decode(self._text, self._at)
        except json.JSONDecodeError as error:
            self._at = error.pos
            self._skip()
            raise UserError("learn.data.broken_json", problem=error.msg) from None
        except (ValueError, RecursionError) as error:
            raise UserError("learn.data.broken_json", **_why(error)) from None
        return value

    def _take(self, mark: str) -> None:
        self._skip()
        if self._peek() != mark:
            raise UserError("learn.data.broken_json", problem=f"expected “{mark}”")
        self._at += 1

    def _end(self) -> None:
        self._skip()
        if self._at < len(self._text):
            raise UserError("learn.data.broken_json", problem="text after the end")

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _skip(self) -> None:
        """Go past white space, and count the lines up to here."""
        match = _SPACE.match(self._text, self._at)
        self._at = match.end() if match else self._at
        self.line += self._text.count("\n", self._counted, self._at)
        self._counted = max(self._counted, self._at)


def _holds(value: object, fits: Callable[[dict[str, Any]], bool]) -> bool:
    """Whether it is a list of rows."""
    return isinstance(value, list) and any(isinstance(one, dict) and fits(one) for one in value)


def _bad_line(text: str) -> int:
    lines = enumerate(text.split("\n"), 1)
    return next(number for number, line in lines if undecoded(line))


def _why(error: Exception) -> dict[str, str]:
    if isinstance(error, RecursionError):
        return {"problem": "nested too deeply"}
    return {"problem": error.msg if isinstance(error, json.JSONDecodeError) else str(error)}
