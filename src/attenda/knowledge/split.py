"""Blocks into passages: by headings and paragraphs, of a size the embedder reads whole.

A passage is a span of the stored text, so a citation into it is a span of the document. Sections
stay apart; a long paragraph is cut between sentences, never inside one unless a single sentence
is too long.
"""

import hashlib
import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

from attenda.knowledge.parse import Block, Parsed
from attenda.knowledge.sentences import sentence_spans, words_of

__all__ = ["PASSAGE_WORDS", "Piece", "passage_id", "split"]

PASSAGE_WORDS = 180
"""Words of a passage: about the 256 tokens that the sentence model reads."""
_WINDOW = 3000
"""Letters looked at together for sentences; a longer sentence is cut in any case."""
_MAX_STOPS = 300
"""Full stops of a window above which it is no prose: “A. A. A. …” costs their square."""
_STOP = re.compile(r"\.\s")
_GAP = re.compile(r"[ ，、]")
"""Where a sentence that is too long may be cut."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A passage before it is stored."""

    start: int
    end: int
    page: int | None
    heading: tuple[str, ...]


def passage_id(document_id: str, version: int, start: int, end: int) -> str:
    """Stable id of a passage: the same span of the same version has the same id everywhere."""
    return hashlib.sha256(f"{document_id}/{version}/{start}/{end}".encode()).hexdigest()[:32]


def split(parsed: Parsed) -> list[Piece]:
    """The passages of a document, in order and without overlap."""
    if not parsed.text.strip():
        return []
    units = [unit for block in parsed.blocks for unit in _units(parsed.text, block)]
    if not units:
        return []
    return list(_grouped(parsed.text, units))


def _units(text: str, block: Block) -> Iterator[Block]:
    """A block that fits, or its sentences (or runs of words) where it does not."""
    if len(words_of(text[block.start : block.end])) <= PASSAGE_WORDS:
        yield block
        return
    for start, end in _sentences(text, block.start, block.end):
        for first, last in _cut(text, start, end):
            yield Block(first, last, block.kind, block.heading, block.page)


def _sentences(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Sentences, found window by window, so that the work grows with the text and no faster."""
    while end - start > _WINDOW:
        stop = start + _WINDOW
        space = text.rfind(" ", start + 1, stop)
        stop = space if space > 0 else stop
        found = list(sentence_spans(text, start, stop)) if _is_prose(text, start, stop) else []
        if len(found) > 1:
            yield from found[:-1]
            start = found[-1][0]  # it may go on in the next window
        else:
            yield start, stop
            start = stop
    yield from sentence_spans(text, start, end) if _is_prose(text, start, end) else [(start, end)]


def _is_prose(text: str, start: int, end: int) -> bool:
    return sum(1 for _ in _STOP.finditer(text, start, end)) <= _MAX_STOPS


def _cut(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """A sentence in runs of at most `PASSAGE_WORDS` words, or of their usual length in letters."""
    limit = PASSAGE_WORDS * 8
    while end - start > limit or len(words_of(text[start:end])) > PASSAGE_WORDS:
        window = text[start : start + limit]
        places = [match.start() for match in _GAP.finditer(window, 1)]
        fitting = bisect_right(
            places, PASSAGE_WORDS, key=lambda place: len(words_of(window[:place]))
        )
        size = places[fitting - 1] + 1 if fitting else min(PASSAGE_WORDS, len(window))
        yield start, start + size
        start += size
    if end > start:
        yield start, end


def _grouped(text: str, units: list[Block]) -> Iterator[Piece]:
    """Neighbours under one heading and on one page, together while they fit."""
    begin = units[0]
    last = begin
    count = 0
    for unit in units:
        words = len(words_of(text[unit.start : unit.end]))
        apart = unit.page != begin.page or _breaks(unit, begin, last)
        if count and (apart or count + words > PASSAGE_WORDS):
            yield Piece(begin.start, last.end, begin.page, _path(begin, last))
            begin, count = unit, 0
        last = unit
        count += words
    yield Piece(begin.start, last.end, begin.page, _path(begin, last))


def _breaks(unit: Block, begin: Block, last: Block) -> bool:
    """Whether `unit` opens another section; a heading stays with the text below it."""
    if last.kind == "heading":
        return False
    return unit.kind == "heading" or unit.heading != last.heading


def _path(begin: Block, last: Block) -> tuple[str, ...]:
    return last.heading if begin.kind == "heading" else begin.heading
