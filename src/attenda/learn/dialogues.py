"""Rows of conversations: read them in any format, write ours, fingerprint.

A fingerprint depends on the rows alone, never on chance or time. It knows no model and
no tokens.
"""

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from attenda.core.errors import UserError
from attenda.core.message import Message, ToolCallPart
from attenda.learn.conversation import Dialogue, Problem, canonical, finish
from attenda.learn.formats import conversation_files, read_file, recognise

__all__ = ["Dialogue", "Problem", "fingerprint", "formats_of", "read", "write"]


def read(path: Path, format: str = "") -> Iterator[Dialogue | Problem]:
    """The conversations of a file or a folder and what is wrong in it, lazily, in file order.

    A folder is read by the names of its files; what holds no conversations is left out with a
    warning.

    Raises:
        UserError: there is nothing at `path`, no such format, or a single file can't be read.
    """
    if path.is_dir():
        yield from _read_folder(path, format)
        return
    for row in read_file(path, format):
        yield from [row] if isinstance(row, Problem) else finish(row)


def formats_of(path: Path) -> list[str]:
    """The formats of a file, or of the files in a folder that `read` would not leave out.

    Raises:
        UserError: a single file is in no known format, or can't be read.
    """
    if not path.is_dir():
        return [recognise(path)]
    if conversation_files(path):
        return ["cornell"]
    found: set[str] = set()
    for file in _files(path):
        with contextlib.suppress(UserError):
            found.add(recognise(file))
    return sorted(found)


def write(path: Path, dialogues: Iterable[Dialogue]) -> None:
    """Write conversations as JSONL rows of OpenAI messages; the file appears whole or not at all.

    Raises:
        UserError: the file can't be written.
    """
    try:
        _write_whole(path, dialogues)
    except OSError as error:
        problem = error.strerror or str(error)
        raise UserError("learn.data.not_written", path=path, problem=problem) from error


def fingerprint(dialogues: Iterable[Dialogue]) -> str:
    """SHA-256 over all that is in the conversations and their order, but not over their places."""
    digest = hashlib.sha256()
    for dialogue in dialogues:
        digest.update(canonical(dialogue).encode() + b"\n")
    return digest.hexdigest()


def _read_folder(folder: Path, format: str) -> Iterator[Dialogue | Problem]:
    files = _files(folder)
    if not files:
        raise UserError("file.empty_folder", path=folder)
    pairs = conversation_files(folder) if format in ("", "cornell") else []
    for file in files:
        if pairs and file not in pairs:
            if not file.name.startswith("movie_lines"):
                yield Problem(file.as_posix(), "learn.data.beside_cornell", {}, "warning")
            continue
        try:
            yield from read(file, format)
        except UserError as error:
            yield _skipped(file, error)


def _files(folder: Path) -> list[Path]:
    return sorted(one for one in folder.rglob("*") if one.is_file() and one.name[0] != ".")


def _skipped(file: Path, error: UserError) -> Problem:
    """A file of a folder that holds no conversations is no error, unless it seemed to."""
    if error.key in ("learn.data.unknown_format", "learn.data.columns"):
        return Problem(file.as_posix(), "learn.data.left_out", {}, "warning")
    return Problem(file.as_posix(), error.key, error.plain_values)


def _write_whole(path: Path, dialogues: Iterable[Dialogue]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    number, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with open(number, "w", encoding="utf-8", newline="\n") as file:
            for dialogue in dialogues:
                file.write(json.dumps(_row(dialogue), ensure_ascii=False) + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    finally:
        Path(name).unlink(missing_ok=True)


def _row(dialogue: Dialogue) -> dict[str, object]:
    row: dict[str, object] = {"messages": _plain(dialogue.messages)}
    if dialogue.rejected is not None:
        row["rejected"] = _plain([dialogue.rejected])[0]
    marks = {"person": dialogue.person, "chat": dialogue.chat}
    row |= {name: mark for name, mark in marks.items() if mark}
    return row | {"id": dialogue.id, "group": dialogue.group}


def _plain(messages: Sequence[Message]) -> list[dict[str, object]]:
    return [row for one in messages for row in _openai(one)]


def _openai(message: Message) -> list[dict[str, object]]:
    """A message in OpenAI's form; each result is a message of its own."""
    if message.results:
        return [
            {"role": "tool", "tool_call_id": one.call_id, "content": one.text}
            for one in message.results
        ]
    row: dict[str, object] = {"role": message.role, "content": message.text}
    if message.reasoning:
        row["reasoning_content"] = message.reasoning
    if message.calls:
        row["tool_calls"] = [_call(one) for one in message.calls]
    return [row]


def _call(call: ToolCallPart) -> dict[str, object]:
    arguments = json.dumps(call.arguments, ensure_ascii=False)
    return {
        "id": call.id,
        "type": "function",
        "function": {"name": call.name, "arguments": arguments},
    }
