"""CSV and TSV: a row is a question with its answer, a whole dialogue in a cell, or one turn.

The columns are known by their names, in English or Chinese. Reading is by the standard library,
so quotes and line breaks inside cells are understood. It knows no other format.
"""

import csv
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from attenda.core.errors import UserError
from attenda.learn.conversation import Draft, Problem, Turn
from attenda.learn.formats.columns import (
    ANSWERS,
    DIALOGUES,
    GROUPS,
    IDS,
    QUESTIONS,
    ROLES,
    TEXTS,
)
from attenda.learn.formats.fields import talk_of
from attenda.learn.formats.source import Source, undecoded
from attenda.learn.formats.transcript import read_log

__all__ = ["EXAMPLE", "is_table", "read_table"]

EXAMPLE = "question,answer"
_DELIMITERS = ",\t;|"


@dataclass(frozen=True, slots=True)
class _Columns:
    """Which column holds what; empty where none does."""

    question: str
    answer: str
    dialogue: str
    role: str
    text: str
    group: str
    id: str
    extra: str
    """A second half of the question: Alpaca's `input` beside its `instruction`."""
    system: str

    @classmethod
    def of(cls, names: Sequence[str]) -> "_Columns":
        """The columns among `names`, which are in lower case."""

        def first(known: Sequence[str]) -> str:
            return next((name for name in known if name in names), "")

        question = first(QUESTIONS)
        return cls(
            question=question,
            answer=first([name for name in ANSWERS if name != question]),
            dialogue=first(DIALOGUES),
            role=first(ROLES),
            text=first(TEXTS),
            group=first(GROUPS),
            id=first(IDS),
            extra="input" if question == "instruction" and "input" in names else "",
            system=first(["system"]),
        )

    @property
    def usable(self) -> bool:
        """Whether conversations can be made of them."""
        turns = self.role and self.text and self.group
        return bool((self.question and self.answer) or self.dialogue or turns)


def is_table(source: Source) -> bool:
    """Whether the first line names columns that conversations can be made of."""
    header = source.head.partition("\n")[0]
    return _Columns.of(_names(header, _delimiter(header))).usable


def read_table(source: Source) -> Iterator[Draft | Problem]:
    """Every conversation of a table.

    Raises:
        UserError: it lacks the columns, or can't be read.
    """
    header = source.head.partition("\n")[0]
    delimiter = _delimiter(header)
    names = _names(header, delimiter)
    columns = _Columns.of(names)
    if not columns.usable and source.damaged:
        raise UserError("learn.data.file_not_utf8", path=source.path)
    if not columns.usable:
        raise UserError(
            "learn.data.columns",
            path=source.path,
            found=", ".join(filter(None, names))[:200],
            wanted="question + answer, prompt + response, input + output, dialogue,"
            " conversation_id + role + content",
        )
    cells = _cells(source, delimiter, names)
    if columns.question and columns.answer:
        for row in cells:
            yield row if isinstance(row, Problem) else _pair(*row, columns)
    elif columns.dialogue:
        for row in cells:
            yield from [row] if isinstance(row, Problem) else _dialogues(*row, columns)
    else:
        yield from _turns(cells, columns)


def _names(header: str, delimiter: str) -> list[str]:
    try:
        row = next(csv.reader([header.rstrip("\r\n")], delimiter=delimiter), [])
    except csv.Error:
        row = []
    return [name.strip().lower() for name in row]


def _delimiter(header: str) -> str:
    """What separates the columns: the mark that makes them known, else the most frequent."""
    for mark in _DELIMITERS:
        if _Columns.of(_names(header, mark)).usable:
            return mark
    return max(_DELIMITERS, key=header.count)


def _cells(
    source: Source, delimiter: str, names: Sequence[str]
) -> Iterator[tuple[str, dict[str, str]] | Problem]:
    """The cells of each row by their column, with the place of its first line."""
    with source.open(newline="") as file:
        reader = csv.reader(file, delimiter=delimiter)
        header = True
        while True:
            line = reader.line_num + 1
            try:
                row = next(reader, None)
            except csv.Error as error:
                values = {"problem": str(error)}
                yield Problem(source.place(line), "learn.data.broken_row", values)
                continue
            if row is None:
                return
            if header or not any(cell.strip() for cell in row):
                header = False
                continue
            yield _named(source.place(line), row, names)


def _named(
    place: str, row: Sequence[str], names: Sequence[str]
) -> tuple[str, dict[str, str]] | Problem:
    if any(map(undecoded, row)):
        return Problem(place, "learn.data.not_utf8")
    if len(row) != len(names):
        values = {"found": str(len(row)), "wanted": str(len(names))}
        return Problem(place, "learn.data.cells", values)
    return place, dict(zip(names, row, strict=True))


def _identity(cells: Mapping[str, str], columns: _Columns) -> tuple[str, str]:
    """The row's id and group, where it has them."""
    return cells.get(columns.id, ""), cells.get(columns.group, "")


def _pair(place: str, cells: Mapping[str, str], columns: _Columns) -> Draft:
    asked = [cells[columns.question], cells.get(columns.extra, "")]
    turns = [
        ("system", cells.get(columns.system, "")),
        ("user", "\n".join(part for part in asked if part.strip())),
        ("assistant", cells[columns.answer]),
    ]
    return Draft(place, turns, *_identity(cells, columns))


def _dialogues(place: str, cells: Mapping[str, str], columns: _Columns) -> Iterator[Draft]:
    lines = cells[columns.dialogue].splitlines()
    numbered = ((number, line) for number, line in enumerate(lines, 1) if line.strip())
    turns: list[Turn] = []
    notes: list[tuple[str, Mapping[str, str]]] = []
    for part in read_log(numbered, place):
        turns.extend(part.turns)
        notes.extend(part.notes)
    yield Draft(place, turns, *_identity(cells, columns), notes=tuple(notes))


def _turns(
    cells: Iterator[tuple[str, dict[str, str]] | Problem], columns: _Columns
) -> Iterator[Draft | Problem]:
    """One conversation for the rows in a row that share their group."""

    def key(row: tuple[str, dict[str, str]] | Problem) -> object:
        return row[1][columns.group] if isinstance(row, tuple) else row

    for group, rows in itertools.groupby(cells, key):
        if isinstance(group, Problem):
            yield group
            continue
        kept = [row for row in rows if isinstance(row, tuple)]
        yield _conversation(str(group), kept, columns)


def _conversation(
    name: str, rows: Sequence[tuple[str, dict[str, str]]], columns: _Columns
) -> Draft | Problem:
    place = rows[0][0]
    messages = [{"role": one[columns.role], "content": one[columns.text]} for _, one in rows]
    try:
        talk = talk_of(messages, "user", columns.text)
    except UserError as error:
        return Problem(place, error.key, error.plain_values)
    return Draft(place, talk.turns, id=name, group=name, notes=talk.notes)
