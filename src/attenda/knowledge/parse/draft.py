"""Builds a text and its blocks together, so that spans hold by construction.

Every family that has no source text of its own (PDF, office, HTML, tables, mail) writes through
a `Draft`; Markdown and plain text keep their source and only use `finish`.
The clean-up of text here is the smallest that is safe: line ends, NUL and lone surrogates.
It does not know where the text comes from.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from attenda.knowledge.parse.blocks import Block, Kind, Limits, Page, Parsed, UnreadableFile

__all__ = ["Draft", "clean", "clean_name", "finish", "labelled_row", "one_line", "title_of"]

_SURROGATE = re.compile("[\ud800-\udfff]")
# Control characters and direction marks: harmless in a body, misleading in a title or a name.
_MARKS = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]"
)
# What programs write into a file's title when its author did not.
_NO_TITLE = re.compile(
    r"\(?untitled\)?|microsoft (?:word|powerpoint|excel) - .*"
    r"|(?:word|powerpoint) (?:document|presentation)",
    re.I,
)
_TITLE_CHARS = 300


def clean(text: str) -> str:
    r"""Make line ends \n, drop NUL and replace lone surrogates, which no UTF-8 file can hold."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")
    return _SURROGATE.sub("\ufffd", text)


def one_line(text: str) -> str:
    """Join a text's words with single spaces."""
    return " ".join(text.split())


def clean_name(name: str) -> str:
    """Reduce a client's file name to its last part without control or direction marks."""
    return _MARKS.sub("", clean(name).replace("\\", "/").rsplit("/", 1)[-1]).strip()


def title_of(name: str, *better: str | None) -> str:
    """Take the first usable title, or the file's name without its ending."""
    for title in (*better, re.sub(r"(?<=.)\.[^.\s]{1,9}$", "", clean_name(name))):
        line = one_line(_MARKS.sub("", clean(title or "")))
        if line and not _NO_TITLE.fullmatch(line):
            return line[:_TITLE_CHARS].rstrip()
    return "Untitled"


def labelled_row(header: Sequence[str], cells: Sequence[str]) -> str:
    """Write a table's row as 'Header: value; ...', leaving empty cells out."""
    parts = []
    for index, cell in enumerate(cells):
        if cell:
            label = header[index] if index < len(header) else ""
            parts.append(f"{label or f'Column {index + 1}'}: {cell}")
    return "; ".join(parts)


class Draft:
    """A text that grows block by block under the limit on its length."""

    def __init__(self, limits: Limits) -> None:
        """Start empty."""
        self._max = limits.max_text_chars
        self._parts: list[str] = []
        self._stack: list[tuple[int, str]] = []
        self.blocks: list[Block] = []
        self.size = 0

    @property
    def path(self) -> tuple[str, ...]:
        """The headings above what is added next."""
        return tuple(text for _, text in self._stack)

    @property
    def text(self) -> str:
        """The whole text so far."""
        return "".join(self._parts)

    def add(
        self,
        kind: Kind,
        text: str,
        page: int | None = None,
        path: tuple[str, ...] | None = None,
    ) -> int | None:
        """Append one block and give its start, or None where there is nothing but space."""
        text = text.strip()
        if not text:
            return None
        rows = kind == "row" and self.blocks and self.blocks[-1].kind == "row"
        gap = "" if not self.blocks else "\n" if rows else "\n\n"
        start = self.size + len(gap)
        if start + len(text) > self._max:
            raise UnreadableFile("too_large", f"The text is longer than {self._max} characters.")
        self._parts += (gap, text)
        self.size = start + len(text)
        above = self.path if path is None else path
        self.blocks.append(Block(start, self.size, kind, above, page))
        return start

    def heading(self, level: int, text: str, page: int | None = None) -> int | None:
        """Append a heading; what follows stands under it until one of its rank comes."""
        while self._stack and self._stack[-1][0] >= level:
            self._stack.pop()
        start = self.add("heading", text, page)
        if start is not None:
            self._stack.append((level, one_line(text)[:_TITLE_CHARS]))
        return start

    def first_heading(self) -> str | None:
        """The first heading's text, for a document without a title."""
        for block in self.blocks:
            if block.kind == "heading":
                return self.text[block.start : block.end]
        return None


def finish(
    title: str,
    text: str,
    blocks: Sequence[Block],
    pages: Sequence[Page] = (),
    external_id: str | None = None,
    no_text: str = "The file holds no text.",
) -> Parsed:
    """Close a document, refusing one without a single block."""
    if not blocks:
        raise UnreadableFile("no_text", no_text)
    return Parsed(title, text, tuple(blocks), tuple(pages), external_id)
