"""Files of conversations in every format that is read; what a file is, is seen from its beginning.

`read_file` recognises a file and hands out its drafts and problems. Each format has a module or a
shape of its own; none of them knows the others.
"""

import difflib
import itertools
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from attenda.core.errors import UserError
from attenda.learn.conversation import Draft, Problem
from attenda.learn.formats import chatterbot, cornell, tables
from attenda.learn.formats.objects import Row, rows
from attenda.learn.formats.shapes import GENERAL_SHAPES, Shape
from attenda.learn.formats.source import Source, undecoded
from attenda.learn.formats.tasks import TASK_SHAPES
from attenda.learn.formats.transcript import looks_like_log, read_log

__all__ = ["FORMATS", "conversation_files", "read_file", "recognise"]

_SHAPES = {shape.name: shape for shape in (*TASK_SHAPES, *GENERAL_SHAPES)}
_JSON_ENDINGS = frozenset({".json", ".jsonl", ".ndjson"})
_TABLE_ENDINGS = frozenset({".csv", ".tsv", ".tab"})
_LOG_ENDINGS = frozenset({".txt", ".log"})
_PEEKED_ROWS = 50
_LOG_EXAMPLE = "Ann: Hi"

conversation_files = cornell.conversation_files


@dataclass(frozen=True, slots=True)
class _Format:
    """A way to read a file that is no JSON."""

    example: str
    read: Callable[[Source], Iterator[Draft | Problem]]


def _log(source: Source) -> Iterator[Draft | Problem]:
    broken = []

    def whole() -> Iterator[tuple[int, str]]:
        for number, line in source.lines():
            if undecoded(line):
                broken.append(number)
            else:
                yield number, line

    yield from read_log(whole(), source.path.as_posix())
    for number in broken:
        yield Problem(source.place(number), "learn.data.not_utf8")


_OTHERS = {
    "cornell": _Format(cornell.EXAMPLE, lambda source: cornell.read_cornell(source.path)),
    "csv": _Format(tables.EXAMPLE, tables.read_table),
    "chatterbot": _Format(chatterbot.EXAMPLE, chatterbot.read_chatterbot),
    "log": _Format(_LOG_EXAMPLE, _log),
}
FORMATS: tuple[str, ...] = tuple(sorted([*_SHAPES, *_OTHERS]))
"""Names of all formats."""


def read_file(path: Path, format: str = "") -> Iterator[Draft | Problem]:
    """The conversations of one file, in its order.

    Raises:
        UserError: there is no such format, the file's format is unknown, or it can't be read.
    """
    source = Source.of(path)
    name = _checked(format) or _recognised(source)
    if name in _SHAPES:
        others = [] if format else [one for one in _SHAPES.values() if one.name != name]
        yield from _read_rows(source, [_SHAPES[name], *others])
    else:
        yield from _OTHERS[name].read(source)


def recognise(path: Path) -> str:
    """The name of the format of a file.

    Raises:
        UserError: it is none of ours; the sentence shows the nearest.
    """
    return _recognised(Source.of(path))


def _checked(format: str) -> str:
    if format and format not in FORMATS:
        known = ", ".join(FORMATS)
        raise UserError("learn.data.no_such_format", name=format, formats=known)
    return format


def _recognised(source: Source) -> str:
    ending = source.path.suffix.lower()
    first = source.head.lstrip()[:1]
    if cornell.is_cornell(source):
        return "cornell"
    if ending in _TABLE_ENDINGS:
        return "csv"
    if ending in _LOG_ENDINGS and looks_like_log(source.head):
        return "log"
    if ending in _JSON_ENDINGS or (first in ("{", "[") and not looks_like_log(source.head)):
        return _shape_of(source)
    if chatterbot.is_chatterbot(source):
        return "chatterbot"
    if tables.is_table(source):
        return "csv"
    if looks_like_log(source.head):
        return "log"
    if source.damaged:
        raise UserError("learn.data.file_not_utf8", path=source.path)
    raise _unknown(source, _Nearest("log", _LOG_EXAMPLE))


def _shape_of(source: Source) -> str:
    """The first shape that one of the first rows has."""
    seen: list[Row | Problem] = list(itertools.islice(rows(source, _fits_any), _PEEKED_ROWS))
    found = [row for row in seen if isinstance(row, Row)]
    if not seen:
        raise UserError("learn.data.empty_file", path=source.path)
    for row in found:
        for shape in _SHAPES.values():
            if shape.fits(row.value):
                return shape.name
    fault = next((row for row in seen if isinstance(row, Problem)), None)
    strange = fault is None or fault.key == "learn.data.no_object"
    if not found and fault and not strange and source.path.suffix.lower() in _JSON_ENDINGS:
        raise UserError(
            "learn.data.no_rows", path=source.path, problem=f"{fault.place}: {fault.text('en')}"
        )
    raise _unknown(source, _nearest(found[0].value if found else {}))


def _fits_any(value: Mapping[str, Any]) -> bool:
    return any(shape.fits(value) for shape in _SHAPES.values())


@dataclass(frozen=True, slots=True)
class _Nearest:
    name: str
    example: str


def _nearest(value: Mapping[str, Any]) -> _Nearest:
    """The shape whose fields the row's are most like."""
    names = [str(name) for name in value]

    def likeness(shape: Shape) -> float:
        near = [difflib.get_close_matches(key, names, 1, 0.6) for key in shape.keys]
        return sum(map(bool, near)) / len(shape.keys)

    best = max(GENERAL_SHAPES, key=likeness)
    if not likeness(best):
        best = _SHAPES["openai"]
    return _Nearest(best.name, best.example)


def _unknown(source: Source, nearest: _Nearest) -> UserError:
    return UserError(
        "learn.data.unknown_format",
        path=source.path,
        formats=", ".join(FORMATS),
        nearest=nearest.name,
        example=nearest.example,
    )


def _read_rows(source: Source, shapes: Sequence[Shape]) -> Iterator[Draft | Problem]:
    """Each row by the first of the shapes that it has; the first one is the file's."""

    def fits(value: Mapping[str, Any]) -> bool:
        return any(shape.fits(value) for shape in shapes)

    for row in rows(source, fits):
        if isinstance(row, Problem):
            yield row
        else:
            yield from _read_row(source.place(row.line), row, shapes)


def _read_row(place: str, row: Row, shapes: Sequence[Shape]) -> Iterator[Draft | Problem]:
    value = {"id": row.key, **row.value} if row.key else row.value
    shape = next((one for one in shapes if one.fits(value)), None)
    if shape is None:
        found = ", ".join(map(json.dumps, itertools.islice(value, 8))) or "{}"
        values = {"found": found, "format": shapes[0].name, "example": shapes[0].example}
        yield Problem(place, "learn.data.other_shape", values)
        return
    try:
        yield from shape.read(value, place)
    except UserError as error:
        yield Problem(place, error.key, error.plain_values)
