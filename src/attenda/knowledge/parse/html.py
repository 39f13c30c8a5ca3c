"""Walks an HTML page and writes its visible text into a draft.

Scripts, styles, navigation, templates and elements that their own attributes hide are dropped;
style sheets are not evaluated.  The walk keeps no recursion, so depth costs nothing.
A table that holds other tables or headings is layout, and its cells read as ordinary text.
"""

from __future__ import annotations

import re
from typing import Any

from lxml import etree, html

from attenda.knowledge.parse.blocks import UnreadableFile
from attenda.knowledge.parse.draft import Draft, one_line

__all__ = ["html_into"]

_DROPPED = frozenset(
    "script style nav template noscript iframe object embed svg canvas audio video map "
    "datalist textarea".split()
)
_HEADINGS = {f"h{n}": n for n in range(1, 7)}
_BREAKS = frozenset(
    "address article aside blockquote body caption center dd details dialog div dl dt fieldset "
    "figcaption figure footer form header hr legend li main ol option p section select summary "
    "table tbody td tfoot th thead tr ul".split()
)
_HIDING = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden"
    r"|(?:font-size|opacity)\s*:\s*0(?:\.0+)?(?:[a-z]{2,3}|%)?\s*(?:;|!|$)",
    re.I,
)
_SPACE = re.compile(r"[ \t\r\n\f]+")
# A vertical tab stands for <br> while other white space collapses.
_BR = re.compile(r" ?\x0b[ \x0b]*")
_ANCHOR = re.compile(r"\s*[¶#]$")


def html_into(draft: Draft, source: str) -> str | None:
    """Write a page's text into the draft and give its title."""
    parser = html.HTMLParser(
        encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True, huge_tree=True
    )
    try:
        root = html.document_fromstring(source.encode(), parser=parser)
    except (etree.LxmlError, ValueError) as error:
        raise UnreadableFile("no_text", "The page holds no text.") from error
    if any(entry.type == etree.ErrorTypes.ERR_RESOURCE_LIMIT for entry in parser.error_log):
        # The parser drops what stands too deep, and a page with holes must not pass for whole.
        raise UnreadableFile("broken", "The page's elements are nested too deeply.")
    reader = _Reader(draft)
    reader.walk(root)
    return reader.title


def _hidden(element: Any) -> bool:
    if element.tag in _DROPPED or "hidden" in element.attrib:
        return True
    style = element.get("style")
    return style is not None and _HIDING.search(style) is not None


def _visible_text(element: Any) -> str:
    """All text under an element, with vertical tabs for line breaks."""
    parts: list[str] = []
    skipped = None
    walker = etree.iterwalk(element, events=("start", "end"))
    for event, node in walker:
        if event == "start":
            if _hidden(node) and node is not element:
                walker.skip_subtree()
                skipped = node
                continue
            parts.append("\x0b" if node.tag == "br" else " " if node.tag in _BREAKS else "")
            parts.append(node.text or "")
        elif node is not element:
            if node is not skipped and node.tag in _BREAKS:
                parts.append(" ")
            parts.append(node.tail or "")
    return "".join(parts)


def _is_data(table: Any) -> bool:
    return next(table.iterdescendants("table", *_HEADINGS), None) is None


class _Reader:
    """The state of one walk."""

    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self.title: str | None = None
        self._buffer: list[str] = []
        self._lists: list[int | None] = []
        self._tables: list[bool] = []
        self._bullet = ""

    def walk(self, root: Any) -> None:
        """Visit the whole tree once."""
        skipped = None
        walker = etree.iterwalk(root, events=("start", "end"))
        for event, node in walker:
            if event == "start":
                if _hidden(node) or self._whole(node):
                    walker.skip_subtree()
                    skipped = node
                else:
                    self._start(node)
            else:
                if node is not skipped:
                    self._end(node)
                self._buffer.append(node.tail or "")
        self._flush()

    def _whole(self, node: Any) -> bool:
        """Take elements that are read in one piece."""
        tag = node.tag
        if tag == "title":
            self.title = self.title or one_line(node.text_content()) or None
        elif tag in _HEADINGS:
            self._flush()
            text = _ANCHOR.sub("", one_line(_visible_text(node)))
            self.draft.heading(_HEADINGS[tag], text)
        elif tag == "pre":
            self._flush()
            self.draft.add("code", _visible_text(node).replace("\x0b", "\n").strip("\n"))
        elif tag == "tr" and self._tables and self._tables[-1]:
            return self._row(node)
        else:
            return False
        return True

    def _row(self, node: Any) -> bool:
        cells = [cell for cell in node if cell.tag in ("td", "th") and not _hidden(cell)]
        if len(cells) < 2:  # one cell is a frame round ordinary text
            return False
        self._flush()
        texts = [one_line(_visible_text(cell)) for cell in cells]
        if any(texts):
            self.draft.add("row", " | ".join(texts))
        return True

    def _start(self, node: Any) -> None:
        tag = node.tag
        if tag == "br":
            self._buffer.append("\x0b")
        elif tag in _BREAKS:
            self._flush()
        if tag == "table":
            self._tables.append(_is_data(node))
        elif tag in ("ul", "ol"):
            self._lists.append(0 if tag == "ol" else None)
        elif tag == "li":
            self._bullet = self._next_bullet()
        self._buffer.append(node.text or "")

    def _end(self, node: Any) -> None:
        if node.tag in _BREAKS:
            self._flush()
        if node.tag == "table" and self._tables:
            self._tables.pop()
        elif node.tag in ("ul", "ol") and self._lists:
            self._lists.pop()
        elif node.tag == "li":
            self._bullet = ""

    def _next_bullet(self) -> str:
        count = self._lists[-1] if self._lists else None
        if count is None:
            return "- "
        self._lists[-1] = count + 1
        return f"{count + 1}. "

    def _flush(self) -> None:
        if not self._buffer:
            return
        text = _SPACE.sub(" ", "".join(self._buffer))
        self._buffer.clear()
        text = _BR.sub("\n", text).strip()
        if text:
            self.draft.add("paragraph", self._bullet + text)
            self._bullet = ""
