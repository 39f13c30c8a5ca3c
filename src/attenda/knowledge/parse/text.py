"""Reads plain text, Markdown and HTML.

Plain text and Markdown keep their source as the text: blocks are spans of it.  HTML becomes new
text: headings, paragraphs, list items and table rows, without scripts, navigation or anything the
page itself hides.  Style sheets are not evaluated, so text hidden by a class is not recognised,
and nothing is ever loaded from a network.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from itertools import zip_longest
from typing import BinaryIO

from attenda.knowledge.parse.blocks import Block, Limits, Parsed, UnreadableFile
from attenda.knowledge.parse.draft import Draft, clean, finish, one_line, title_of

__all__ = ["decode", "parse", "read_source", "source_blocks"]

_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?([A-Za-z0-9_.:-]{1,40})", re.I)
_FRONT = re.compile(r"---[ \t]*\n(.*?)\n(?:---|\.\.\.)[ \t]*(?:\n|$)", re.S)
_FRONT_TITLE = re.compile(r"^title:[ \t]*(\S[^\n]*)$", re.M | re.I)
_ATX = re.compile(r"^ {0,3}#{1,6}[ \t]+\S", re.M)
_MARKUP = re.compile(r"(\*\*|\*|__|`|~~)(.+?)\1")
_LINK = re.compile(r"!?\[([^\]\[]{0,300})\]\([^()\s]{0,500}\)")
_UNWRAPPED_LINE = 120  # mean characters; nobody wraps by hand at more
_LONGEST_PARAGRAPH = 4_000
_LEAVES = {"paragraph_open", "fence", "code_block", "html_block", "tr_open"}


def parse(file: BinaryIO, name: str, kind: str, limits: Limits) -> list[Parsed]:
    """Read one text file into one document."""
    source = read_source(file, limits, html=kind == "text/html")
    if kind == "text/html":
        from attenda.knowledge.parse.html import html_into

        draft = Draft(limits)
        title = html_into(draft, source)
        return [finish(title_of(name, title, draft.first_heading()), draft.text, draft.blocks)]
    if kind == "text/markdown":
        title, source = _front_matter(source)
        first, blocks = _markdown(source)
        return [finish(title_of(name, title, first), source, blocks)]
    return [finish(title_of(name), source, list(_paragraphs(source)))]


def read_source(file: BinaryIO, limits: Limits, html: bool = False) -> str:
    """Read and decode a whole text file, cleaned and within the limit on its length."""
    # No encoding needs more than four bytes a character, so this bounds memory before decoding.
    data = file.read(4 * limits.max_text_chars + 5)
    text = clean(decode(data, html))
    if len(text) > limits.max_text_chars:
        raise UnreadableFile(
            "too_large", f"The text is longer than {limits.max_text_chars} characters."
        )
    return text


def decode(data: bytes, html: bool = False) -> str:
    """Decode UTF-8, UTF-16 or UTF-32 by its mark, or what an HTML page says of itself."""
    encoding = _marked(data) or "utf-8"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        declared = _CHARSET.search(data[:4096]) if html else None
        if declared is None:
            raise UnreadableFile(
                "not_utf8", f"The text is not UTF-8: byte {error.start} does not fit; save it so."
            ) from error
        return _declared(data, declared[1].decode("ascii"))


def _marked(data: bytes) -> str | None:
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF32_LE, "utf-32"),
        (codecs.BOM_UTF32_BE, "utf-32"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if data.startswith(mark):
            return encoding
    return None


def _declared(data: bytes, charset: str) -> str:
    # Browsers read these two as their larger sisters, and so do the pages' writers.
    charset = {"gb2312": "gb18030", "iso-8859-1": "cp1252"}.get(charset.lower(), charset)
    try:
        return data.decode(charset, "replace")
    except (LookupError, ValueError) as error:
        raise UnreadableFile("not_utf8", "The page's encoding is not known.") from error


def source_blocks(text: str) -> list[Block]:
    """Find the blocks of a text that may or may not be Markdown."""
    return _markdown(text)[1] if _ATX.search(text) else list(_paragraphs(text))


def _line_spans(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    while start <= len(text):
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        yield start, end
        start = end + 1


def _trim(text: str, start: int, end: int) -> tuple[int, int]:
    piece = text[start:end]
    return start + len(piece) - len(piece.lstrip()), end - (len(piece) - len(piece.rstrip()))


def _paragraphs(text: str) -> Iterator[Block]:
    lines: list[tuple[int, int]] = []
    for start, end in (*_line_spans(text), (len(text), len(text))):
        if text[start:end].strip():
            lines.append((start, end))
        elif lines:
            for first, last in _parted(lines):
                yield Block(*_trim(text, first, last), "paragraph", (), None)
            lines = []


def _parted(lines: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Take lines without a gap as one paragraph, unless each is plainly one of its own."""
    first, last = lines[0][0], lines[-1][1]
    unwrapped = last - first > _UNWRAPPED_LINE * len(lines) or last - first > _LONGEST_PARAGRAPH
    return lines if unwrapped else [(first, last)]


def _front_matter(source: str) -> tuple[str | None, str]:
    front = _FRONT.match(source)
    if front is None:
        return None, source
    title = _FRONT_TITLE.search(front[1])
    return (title[1].strip().strip("\"'") if title else None), source[front.end() :]


def _plain_heading(text: str) -> str:
    text = one_line(text)[:300]
    return _MARKUP.sub(r"\2", _LINK.sub(r"\1", text)) or text


def _markdown(text: str) -> tuple[str | None, list[Block]]:
    from markdown_it import MarkdownIt

    reader = MarkdownIt("commonmark").enable("table")
    # Only blocks matter here; inline markup costs most of the time and hides its worst cases.
    reader.core.ruler.disable(["inline", "text_join"])
    reader.block.ruler.disable("reference")  # definitions stay readable text
    walk = _MarkdownWalk(text)
    tokens = reader.parse(text)
    for token, following in zip_longest(tokens, tokens[1:]):
        if token.map is None:
            continue
        if token.type == "heading_open" and token.level == 0 and following is not None:
            walk.heading(int(token.tag[1]), following.content, token.map[0], token.map[1])
        elif token.type in _LEAVES or token.type == "heading_open":
            walk.leaf(token.type, token.map[0], token.map[1])
    walk.rest(len(walk.lines))
    return walk.first, walk.blocks


class _MarkdownWalk:
    """Turns ranges of lines into blocks in order, and takes lines that no token claimed."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.lines = list(_line_spans(text))
        self.blocks: list[Block] = []
        self.first: str | None = None
        self._stack: list[tuple[int, str]] = []
        self._next = 0

    def _path(self) -> tuple[str, ...]:
        return tuple(title for _, title in self._stack)

    def heading(self, level: int, content: str, first: int, last: int) -> None:
        """Add a heading; the block is its text without the marks."""
        self.rest(first)
        while self._stack and self._stack[-1][0] >= level:
            self._stack.pop()
        self._next = max(self._next, last)
        content = content.strip()
        at = self.text.find(content, self.lines[first][0], self.lines[last - 1][1])
        if not content or at < 0:
            return
        self.blocks.append(Block(at, at + len(content), "heading", self._path(), None))
        self._stack.append((level, _plain_heading(content)))
        self.first = self.first or _plain_heading(content)

    def leaf(self, kind: str, first: int, last: int) -> None:
        """Add a paragraph, a table's row or code."""
        self.rest(first)
        first, self._next = max(first, self._next), max(last, self._next)
        if first >= last:
            return
        start, end = _trim(self.text, self.lines[first][0], self.lines[last - 1][1])
        piece = self.text[start:end]
        if not piece or (kind == "html_block" and _is_comment(piece)):
            return
        code = kind in ("fence", "code_block")
        name = "code" if code else "row" if kind == "tr_open" else "paragraph"
        self.blocks.append(Block(start, end, name, self._path(), None))  # type: ignore[arg-type]

    def rest(self, upto: int) -> None:
        """Add unclaimed lines that say something, such as a list item's odd remainder."""
        for number in range(self._next, upto):
            start, end = _trim(self.text, *self.lines[number])
            if any(c.isalnum() for c in self.text[start:end]):
                self.blocks.append(Block(start, end, "paragraph", self._path(), None))
        self._next = max(self._next, upto)


def _is_comment(piece: str) -> bool:
    return piece.startswith("<!--") and piece.find("-->") in (-1, len(piece) - 3)
