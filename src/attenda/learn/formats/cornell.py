"""The Cornell Movie-Dialogs files: lines of films, and which of them make a conversation.

Fields stand between ` +++$+++ `; the original files are in cp1252, copies often in UTF-8. Who
speaks first is the user, the other one the assistant; a film is a group.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from attenda.core.errors import UserError
from attenda.learn.conversation import Draft, Problem, join_turns
from attenda.learn.formats.source import Source, undecoded

__all__ = ["EXAMPLE", "conversation_files", "is_cornell", "read_cornell"]

EXAMPLE = "u0 +++$+++ u2 +++$+++ m0 +++$+++ ['L194', 'L195']"
_SEPARATOR = re.compile(r" ?\+\+\+\$\+\+\+ ?")
_LINE_ID = re.compile(r"L\d+")
_CONVERSATIONS, _LINES = "movie_conversations", "movie_lines"

Line = tuple[str, str]
"""Who speaks, and the words."""


def is_cornell(source: Source) -> bool:
    """Whether the file is one of a pair of conversations and lines."""
    first = source.head.partition("\n")[0]
    return "+++$+++" in first and bool(re.match(r"(u|L)\d", first))


def conversation_files(folder: Path) -> list[Path]:
    """The files of conversations in a folder that have their lines beside them."""
    found = sorted(folder.glob(f"{_CONVERSATIONS}*.txt"))
    return [path for path in found if _lines_beside(path) is not None]


def read_cornell(path: Path) -> Iterator[Draft | Problem]:
    """Every conversation of a `movie_conversations` file, or of the one beside `movie_lines`.

    Raises:
        UserError: the other file is not there, or one is unreadable.
    """
    if path.name.startswith(_LINES):
        path = _beside(path, _LINES, _CONVERSATIONS) or path
    beside = _lines_beside(path)
    if beside is None:
        raise UserError("learn.data.no_lines", path=path)
    lines: dict[str, Line] = {}
    for row in _fields(beside, 5):
        if isinstance(row, Problem):
            yield row
        else:
            _, (line_id, speaker, _, _, text) = row
            lines[line_id] = (speaker, text)
    for row in _fields(path, 4):
        yield row if isinstance(row, Problem) else _draft(*row, lines)


def _lines_beside(path: Path) -> Path | None:
    return _beside(path, _CONVERSATIONS, _LINES)


def _beside(path: Path, kind: str, wanted: str) -> Path | None:
    """The file of the other kind with the same ending, else the only one there is."""
    if not path.name.startswith(kind):
        return None
    same = path.with_name(wanted + path.name.removeprefix(kind))
    if same.is_file():
        return same
    found = list(path.parent.glob(f"{wanted}*.txt"))
    return found[0] if len(found) == 1 else None


def _fields(path: Path, count: int) -> Iterator[tuple[str, list[str]] | Problem]:
    """The fields of each line with the line's place."""
    source = Source.of(path)
    if any(undecoded(line) for _, line in source.lines()):
        source = Source.of(path, "cp1252")
    for number, line in source.lines():
        if not line.strip():
            continue
        fields = [one.strip() for one in _SEPARATOR.split(line, count - 1)]
        if len(fields) == count:
            yield source.place(number), [_lost(one) for one in fields]
        else:
            values = {"found": str(len(fields)), "wanted": str(count)}
            yield Problem(source.place(number), "learn.data.cornell_row", values)


def _lost(text: str) -> str:
    """The five bytes that cp1252 lacks become U+FFFD."""
    return re.sub("[\udc80-\udcff]", "\ufffd", text)


def _draft(place: str, fields: list[str], lines: dict[str, Line]) -> Draft | Problem:
    first, _, film, listed = fields
    wanted = _LINE_ID.findall(listed)
    missing = [one for one in wanted if one not in lines]
    if missing or not wanted:
        values = {"line": ", ".join(missing[:5]) or "?"}
        return Problem(place, "learn.data.cornell_line", values)
    said = [lines[one] for one in wanted]
    first = said[0][0] if said else first
    turns = [("user" if speaker == first else "assistant", text) for speaker, text in said]
    empty = sum(not text for _, text in turns)
    notes = (("learn.data.empty_turns", {"count": str(empty)}),) if empty else ()
    spoken = join_turns([turn for turn in turns if turn[1]])
    return Draft(place, spoken, id=f"{film}:{wanted[0]}", group=film, notes=notes)
