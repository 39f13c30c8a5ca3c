"""The values that parsing gives back: text, blocks, pages and word boxes, and their JSON form.

Every span counts code points of `Parsed.text`.  The JSON form is compact (lists, and one shared
table of heading paths) because a long PDF carries hundreds of thousands of boxes across a pipe.
Nothing here knows a file format.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["Block", "Box", "Code", "Kind", "Limits", "Page", "Parsed", "UnreadableFile"]

Kind = Literal["heading", "paragraph", "row", "code"]
Code = Literal[
    "empty",
    "unknown_type",
    "encrypted",
    "broken",
    "too_large",
    "too_many_pages",
    "no_text",
    "not_utf8",
    "row_without_text",
]

_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """What a file may cost.  Text is counted per document, unpacked bytes per file."""

    max_bytes: int = 200 * _MIB
    max_text_chars: int = 20_000_000
    max_pages: int = 5_000
    max_unpacked_bytes: int = 500 * _MIB
    max_unpack_ratio: int = 200
    max_entries: int = 20_000
    max_records: int = 100_000


class UnreadableFile(Exception):
    """A file that cannot become text, with a code for programs and a sentence for people."""

    def __init__(self, code: Code, detail: str) -> None:
        """Keep both as the exception's arguments, so that it survives pickling."""
        super().__init__(code, detail)
        self.code: Code = code
        self.detail = detail

    def __str__(self) -> str:
        """Give the code and the sentence."""
        return f"{self.code}: {self.detail}"


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, heading, list item, table row or piece of code."""

    start: int
    end: int
    kind: Kind
    heading: tuple[str, ...]
    page: int | None


@dataclass(frozen=True, slots=True)
class Box:
    """One word, or one unspaced run, in PDF points from the top left of the page as shown."""

    start: int
    end: int
    x0: float
    y0: float
    x1: float
    y1: float


@dataclass(frozen=True, slots=True)
class Page:
    """A page or slide: its span of the text, its size in points and its words."""

    number: int
    start: int
    end: int
    width: float
    height: float
    boxes: tuple[Box, ...]


@dataclass(frozen=True, slots=True)
class Parsed:
    """One document."""

    title: str
    text: str
    blocks: tuple[Block, ...]
    pages: tuple[Page, ...]
    external_id: str | None = None

    def to_json(self) -> str:
        """Write this document as one line of JSON."""
        paths: dict[tuple[str, ...], int] = {}
        rows = [
            [b.start, b.end, b.kind, paths.setdefault(b.heading, len(paths)), b.page]
            for b in self.blocks
        ]
        value = {
            "title": self.title,
            "external_id": self.external_id,
            "text": self.text,
            "headings": list(paths),
            "blocks": rows,
            "pages": [
                [
                    *(p.number, p.start, p.end, p.width, p.height),
                    [[b.start, b.end, b.x0, b.y0, b.x1, b.y1] for b in p.boxes],
                ]
                for p in self.pages
            ],
        }
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def from_json(cls, line: str | bytes) -> Parsed:
        """Read what `to_json` wrote."""
        return cls.from_value(json.loads(line))

    @classmethod
    def from_value(cls, value: dict[str, Any]) -> Parsed:
        """Read an already decoded `to_json` object."""
        paths = [tuple(path) for path in value["headings"]]
        return cls(
            title=value["title"],
            text=value["text"],
            blocks=tuple(
                Block(s, e, kind, paths[h], page) for s, e, kind, h, page in value["blocks"]
            ),
            pages=tuple(
                Page(n, s, e, w, h, tuple(Box(*box) for box in boxes))
                for n, s, e, w, h, boxes in value["pages"]
            ),
            external_id=value["external_id"],
        )
