"""Reads CSV, JSON Lines and JSON arrays.

A CSV file becomes one document with a line per row that repeats the column names; its delimiter
and encoding are guessed.  A JSON row that has a text becomes a document of its own.
It assumes that a CSV file's first row names the columns, and knows no other JSON shapes.
"""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import Any, BinaryIO

from attenda.knowledge.parse.blocks import Limits, Parsed, UnreadableFile
from attenda.knowledge.parse.draft import Draft, clean, finish, labelled_row, one_line, title_of
from attenda.knowledge.parse.text import decode, read_source, source_blocks

__all__ = ["parse"]

_TITLES = ("title", "name", "question", "subject")
_TEXTS = ("text", "content", "body", "passage", "answer")
_SAMPLE_CHARS = 65_536
_SAMPLE_ROWS = 50


def parse(file: BinaryIO, name: str, kind: str, limits: Limits) -> list[Parsed]:
    """Read a table: one document for CSV, one a row for JSON."""
    if kind in ("application/json", "application/x-ndjson"):
        return _parse_json(file, name, limits)
    delimiter = "\t" if kind == "text/tab-separated-values" else None
    return [_parse_csv(_csv_source(file, limits), name, delimiter, limits)]


# --- CSV ---------------------------------------------------------------------------------------


def _csv_source(file: BinaryIO, limits: Limits) -> str:
    try:
        return read_source(file, limits)
    except UnreadableFile as error:
        if error.code != "not_utf8":
            raise
    file.seek(0)
    text = clean(_decode_legacy(file.read(4 * limits.max_text_chars + 5)))
    if len(text) > limits.max_text_chars:
        raise UnreadableFile(
            "too_large", f"The text is longer than {limits.max_text_chars} characters."
        )
    return text


def _decode_legacy(data: bytes) -> str:
    """Tell Chinese from Western bytes, which both often decode as either."""
    try:
        text = data.decode("gb18030")
    except UnicodeDecodeError:
        text = ""
    wide = [c for c in text[:_SAMPLE_CHARS] if c > "\x7f"]
    # Accented letters misread as GB18030 give rare characters; real Chinese is mostly GB 2312.
    if text and len("".join(wide).encode("gb2312", "ignore")) >= len(wide):
        return text
    try:
        return data.decode("cp1252")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _sniff(text: str) -> str:
    """Choose the delimiter that gives most rows the same number (above one) of cells."""
    sample = text[:_SAMPLE_CHARS]
    best, best_score = ",", 0.0
    for delimiter in (",", ";", "\t", "|"):
        widths = [len(row) for row in islice(_rows(sample, delimiter), _SAMPLE_ROWS) if row]
        if not widths:
            continue
        width, count = Counter(widths).most_common(1)[0]
        score = count / len(widths) + min(width, 100) / 10_000 if width > 1 else 0.0
        if score > best_score:
            best, best_score = delimiter, score
    return best


def _rows(text: str, delimiter: str) -> Iterator[list[str]]:
    lines = (line + "\n" for line in text.split("\n"))
    try:
        for row in csv.reader(lines, delimiter=delimiter):
            yield [one_line(cell) for cell in row]
    except csv.Error as error:
        raise UnreadableFile("broken", "The table's quotes or cells cannot be read.") from error


def _parse_csv(source: str, name: str, delimiter: str | None, limits: Limits) -> Parsed:
    if source[:4].lower() == "sep=" and source[5:6] == "\n":  # Excel's own mark
        delimiter, source = source[4], source[6:]
    draft = Draft(limits)
    header: list[str] | None = None
    previous = csv.field_size_limit(limits.max_text_chars)
    try:
        for row in _rows(source, delimiter or _sniff(source)):
            if not any(row):
                continue
            if header is None:
                header = row
                draft.add("row", " | ".join(row))
            else:
                draft.add("row", labelled_row(header, row))
    finally:
        csv.field_size_limit(previous)
    return finish(title_of(name), draft.text, draft.blocks)


# --- JSON --------------------------------------------------------------------------------------


def _parse_json(file: BinaryIO, name: str, limits: Limits) -> list[Parsed]:
    first = file.read(4096).lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    file.seek(0)
    found: list[Parsed] = []
    for where, value in _array(file) if first == b"[" else _lines(file):
        if len(found) >= limits.max_records:
            raise UnreadableFile("too_large", f"The file has more than {limits.max_records} rows.")
        found.append(_record(value, where, name, limits))
    if not found:
        raise UnreadableFile("no_text", "The file holds no rows.")
    return found


def _load(data: bytes, where: str) -> Any:
    try:
        return json.loads(decode(data))
    except RecursionError as error:
        raise UnreadableFile("broken", f"{where} is nested too deeply.") from error
    except ValueError as error:
        raise UnreadableFile("broken", f"{where} is not valid JSON.") from error


def _array(file: BinaryIO) -> Iterator[tuple[str, Any]]:
    for number, value in enumerate(_load(file.read(), "The file"), 1):
        yield f"Item {number}", value


def _lines(file: BinaryIO) -> Iterator[tuple[str, Any]]:
    mark = file.read(2)
    file.seek(0)
    if mark in (b"\xff\xfe", b"\xfe\xff"):
        data = decode(file.read()).encode()
        lines: Iterator[bytes] = iter(data.split(b"\n"))
    else:
        lines = iter(file)
    for number, line in enumerate(lines, 1):
        if not line.strip(b"\xef\xbb\xbf \t\r\n"):
            continue
        if number == 1 and line.strip() == b"{":  # one object laid out over many lines
            yield "The file", _load(line + b"".join(lines), "The file")
            return
        yield f"Line {number}", _load(line, f"Line {number}")


def _record(value: Any, where: str, name: str, limits: Limits) -> Parsed:
    if not isinstance(value, dict):
        raise UnreadableFile("row_without_text", f"{where} is not an object.")
    fields = {str(key).lower(): field for key, field in reversed(value.items())}
    title_key = next((key for key in _TITLES if _text(fields.get(key))), None)
    # A question that is not the title belongs to the text, or its answer would stand alone.
    keys = _TEXTS if title_key == "question" else ("question", *_TEXTS)
    parts = list(dict.fromkeys(filter(None, (_text(fields.get(key)) for key in keys))))
    if not any(_text(fields.get(key)) for key in _TEXTS):
        raise UnreadableFile(
            "row_without_text", f"{where} has no text in any of: {', '.join(_TEXTS)}."
        )
    text = "\n\n".join(parts)
    if len(text) > limits.max_text_chars:
        raise UnreadableFile(
            "too_large", f"{where} is longer than {limits.max_text_chars} characters."
        )
    identity = _identity(fields)
    title = _text(fields[title_key]) if title_key else ""
    title = title_of(name, title or f"{title_of(name)} {identity or where.lower()}")
    blocks = source_blocks(text)
    if not blocks:
        raise UnreadableFile("row_without_text", f"{where} holds marks but no words.")
    return finish(title, text, blocks, (), identity)


def _text(value: Any) -> str:
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        value = "\n\n".join(value)
    return clean(value).strip() if isinstance(value, str) else ""


def _identity(fields: dict[str, Any]) -> str | None:
    for key in ("id", "_id"):
        value = fields.get(key)
        if isinstance(value, str | int) and not isinstance(value, bool) and str(value).strip():
            return clean(str(value)).strip()
    return None
