"""Reads the text of PDF files with pdfium, and where each word stands on its page.

Lines keep pdfium's order, except on single-column pages that were drawn out of order.  Headings
are guessed from type size alone.  Words broken over two lines stay as printed.  It knows nothing
of pictures (no OCR), form fields or comments, and does not remove running heads.
"""

from __future__ import annotations

import ctypes
import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from statistics import median
from typing import Any, BinaryIO

import pypdfium2
import pypdfium2.raw as pdfium

from attenda.knowledge.parse.blocks import Box, Limits, Page, Parsed, UnreadableFile
from attenda.knowledge.parse.draft import Draft, clean, finish, title_of

__all__ = ["parse"]

_NO_TEXT = (
    "The PDF has pages but no text: it holds scanned images, and reading text from images (OCR) "
    "is not built in."
)
_BULLET = re.compile(r"[•‣▪◦●○–*\-]\s|\(?\d{1,3}[.)]\s|\(?[a-z][.)]\s")
_ENDS = (".", "!", "?", ":", "。", "！", "？", "：")


@dataclass(slots=True)
class _Line:
    """A printed line: its text, its words (offsets in the text) and its place."""

    text: str = ""
    words: list[tuple[int, int, float, float, float, float]] = field(default_factory=list)
    x0: float = math.inf
    y0: float = math.inf
    x1: float = -math.inf
    y1: float = -math.inf
    size: float = 0.0

    @property
    def height(self) -> float:
        return max(self.y1 - self.y0, 0.1)


@dataclass(slots=True)
class _Sheet:
    width: float
    height: float
    lines: list[_Line]


def parse(file: BinaryIO, name: str, kind: str, limits: Limits) -> list[Parsed]:
    """Read one PDF into one document."""
    document = _open(file.read())
    try:
        if len(document) > limits.max_pages:
            raise UnreadableFile(
                "too_many_pages", f"The PDF has more than {limits.max_pages} pages."
            )
        title = document.get_metadata_value("Title")
        sheets = _sheets(document, limits)
    finally:
        document.close()
    draft = Draft(limits)
    pages = _write(draft, sheets)
    return [finish(title_of(name, title), draft.text, draft.blocks, pages, no_text=_NO_TEXT)]


def _open(data: bytes) -> Any:
    # pdfium mends a cut-off file and shows the pages that are left; half a document would then
    # pass for the whole, so the end mark is asked for here.
    if b"%%EOF" not in data[-4096:]:
        raise UnreadableFile("broken", "The PDF has no end mark; it seems to be cut off.")
    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        if error.err_code == pdfium.FPDF_ERR_PASSWORD:
            raise UnreadableFile("encrypted", "The PDF is protected by a password.") from error
        if error.err_code == pdfium.FPDF_ERR_SECURITY:
            raise UnreadableFile(
                "encrypted", "The PDF uses a protection that is not known."
            ) from error
        raise UnreadableFile("broken", "The PDF's structure cannot be read.") from error
    if len(document) == 0:
        document.close()
        raise UnreadableFile("broken", "The PDF has no readable pages.")
    return document


def _sheets(document: Any, limits: Limits) -> list[_Sheet]:
    sheets, chars = [], 0
    for index in range(len(document)):
        try:
            sheet = _sheet(document, index, limits.max_text_chars - chars)
        except pypdfium2.PdfiumError as error:
            raise UnreadableFile(
                "broken", f"Page {index + 1} of the PDF cannot be read."
            ) from error
        chars += sum(len(line.text) for line in sheet.lines)
        sheets.append(sheet)
    return sheets


def _sheet(document: Any, index: int, room: int) -> _Sheet:
    page = document[index]
    try:
        width, height = page.get_size()
        textpage = page.get_textpage()
        try:
            if textpage.count_chars() > 2 * room + 100_000:
                raise UnreadableFile("too_large", "The PDF holds more text than is allowed.")
            reader = _PageReader(page.raw, textpage.raw, width, height)
            lines = reader.lines(textpage.count_chars())
        finally:
            textpage.close()
    finally:
        page.close()
    return _Sheet(round(width, 2), round(height, 2), _ordered(lines))


class _PageReader:
    """Cuts one page's characters into lines and words."""

    def __init__(self, page: Any, text: Any, width: float, height: float) -> None:
        self._text = text
        self._width, self._height = width, height
        self._map = _to_screen(page, width, height)

    def lines(self, count: int) -> list[_Line]:
        """Read all lines in pdfium's order."""
        found: list[_Line] = []
        line, word, first = _Line(), "", 0
        for index, char in self._chars(count):
            if char.isspace() or char == "\x02":
                if char == "\x02":  # pdfium's mark for a hyphen at a line's end
                    word, end = word + "-", index + 1
                else:
                    end = index
                self._close_word(line, word, first, end)
                word = ""
                if char in "\n\r\x02":
                    found.append(line)
                    line = _Line()
                elif line.text:
                    line.text += " "
                continue
            if not word:
                first = index
            word += char
        self._close_word(line, word, first, count)
        found.append(line)
        return [self._closed(line) for line in found if line.text.strip()]

    def _chars(self, count: int) -> Iterator[tuple[int, str]]:
        get, text, high = pdfium.FPDFText_GetUnicode, self._text, 0
        hyphen = pdfium.FPDFText_IsHyphen
        for index in range(count):
            code = get(text, index)
            if 0xD800 <= code < 0xDC00:
                high = code
                continue
            if 0xDC00 <= code < 0xE000 and high:
                code = 0x10000 + ((high - 0xD800) << 10) + (code - 0xDC00)
            high = 0
            if code in (2, 0xFFFE) or code == 0xAD:
                # A soft hyphen in the middle of a line is not printed.
                if hyphen(text, index) == 1:
                    yield index, "\x02"
            elif code in (9, 10, 13) or code >= 32 and code != 127 and code != 0xFFFF:
                yield index, clean(chr(code)) or "\n"

    def _close_word(self, line: _Line, word: str, first: int, end: int) -> None:
        if not word:
            return
        start = len(line.text)
        place = self._place(first, end - first)
        if place is not None and self._off_page(place):
            return  # cropped away: nobody who looks at the page can see it
        line.text += word
        if place is None:
            return
        line.words.append((start, len(line.text), *place))
        line.x0, line.y0 = min(line.x0, place[0]), min(line.y0, place[1])
        line.x1, line.y1 = max(line.x1, place[2]), max(line.y1, place[3])
        if not line.size:
            line.size = self._size(first)

    def _place(self, first: int, count: int) -> tuple[float, float, float, float] | None:
        """The smallest upright rectangle round some characters, as the page is shown."""
        xs: list[float] = []
        ys: list[float] = []
        sides = [ctypes.c_double() for _ in range(4)]
        for number in range(pdfium.FPDFText_CountRects(self._text, first, count)):
            if pdfium.FPDFText_GetRect(self._text, number, *sides):
                left, top, right, bottom = (side.value for side in sides)
                for corner in ((left, top), (right, bottom)):
                    x, y = self._map(*corner)
                    xs.append(x)
                    ys.append(y)
        if not xs:
            return None
        return round(min(xs), 2), round(min(ys), 2), round(max(xs), 2), round(max(ys), 2)

    def _off_page(self, place: tuple[float, float, float, float]) -> bool:
        return place[0] > self._width or place[1] > self._height or place[2] < 0 or place[3] < 0

    def _size(self, index: int) -> float:
        matrix = pdfium.FS_MATRIX()
        if not pdfium.FPDFText_GetMatrix(self._text, index, matrix):
            return 0.0
        scale = math.hypot(matrix.c, matrix.d)
        size = float(pdfium.FPDFText_GetFontSize(self._text, index))
        return round(2 * size * scale) / 2

    @staticmethod
    def _closed(line: _Line) -> _Line:
        line.text = line.text.rstrip()
        return line


def _to_screen(page: Any, width: float, height: float) -> Any:
    """The way from a page's own coordinates (any origin, any rotation) to the shown page's."""
    x, y = ctypes.c_int(), ctypes.c_int()
    points = []
    for source in ((0, 0), (1000, 0), (0, 1000)):
        area = (0, 0, round(width * 100), round(height * 100), 0)
        pdfium.FPDF_PageToDevice(page, *area, *source, x, y)
        points.append((x.value / 100, y.value / 100))
    (ox, oy), (ax, ay), (bx, by) = points
    ax, ay, bx, by = ((v - o) / 1000 for v, o in ((ax, ox), (ay, oy), (bx, ox), (by, oy)))
    return lambda px, py: (ox + ax * px + bx * py, oy + ay * px + by * py)


# --- order, paragraphs, headings ---------------------------------------------------------------


def _ordered(lines: list[_Line]) -> list[_Line]:
    """Sort a single-column page from top to bottom; leave every other page as it was drawn."""
    placed = [line for line in lines if line.words]
    if all(b.y1 > a.y0 for a, b in zip(placed, placed[1:], strict=False)) or _beside(placed):
        return lines
    rows: list[list[_Line]] = []
    for line in sorted(placed, key=lambda item: item.y0 + item.y1):
        if rows and (line.y0 + line.y1) / 2 < rows[-1][0].y1 - rows[-1][0].height / 4:
            rows[-1].append(line)
        else:
            rows.append([line])
    bare = [line for line in lines if not line.words]
    return [line for row in rows for line in sorted(row, key=lambda item: item.x0)] + bare


def _beside(lines: list[_Line]) -> bool:
    """Whether so many lines stand beside each other that the page has columns."""
    by_top = sorted(lines, key=lambda line: line.y0)
    pairs = 0
    for index, line in enumerate(by_top):
        for other in by_top[index + 1 : index + 9]:
            if other.y0 > line.y1 - line.height / 2:
                break
            pairs += other.x0 > line.x1 or other.x1 < line.x0
    return pairs > max(2, len(lines) // 10)


def _paragraphs(lines: list[_Line]) -> Iterator[list[_Line]]:
    steps = [b.y0 - a.y0 for a, b in zip(lines, lines[1:], strict=False) if 0 < b.y0 - a.y0 < 60]
    usual = median(steps) if steps else 0.0
    right = max((line.x1 for line in lines), default=0.0)
    group: list[_Line] = []
    for line in lines:
        if group and _parts(group[-1], line, usual, right):
            yield group
            group = []
        group.append(line)
    if group:
        yield group


def _parts(above: _Line, below: _Line, usual: float, right: float) -> bool:
    """Whether a paragraph ends between two lines."""
    if not (above.words and below.words):
        return False
    size = max(above.size, below.size, 1.0)
    if abs(above.size - below.size) > 0.1 * size or _BULLET.match(below.text):
        return True
    # Leading above 1.6 of the type's size is a gap even where every line of a page has it.
    step = below.y0 - above.y0
    limit = min(1.3 * usual, 2.2 * size) if usual >= size * 0.8 else 1.6 * size
    if step < -size / 2 or step > max(limit, 1.2 * size):
        return True
    short = above.x1 - above.x0 < 0.8 * (right - above.x0)
    return short and above.text.endswith(_ENDS)


def _levels(groups: list[list[_Line]], body: float) -> dict[float, int]:
    sizes = {g[0].size for g in groups if _looks_heading(g, body)}
    return {size: min(rank, 6) for rank, size in enumerate(sorted(sizes, reverse=True), 1)}


def _looks_heading(group: list[_Line], body: float) -> bool:
    if len(group) > 3 or group[0].size < 1.15 * body or body == 0:
        return False
    text = " ".join(line.text for line in group)
    return len(text) <= 200 and any(c.isalpha() for c in text)


def _write(draft: Draft, sheets: list[_Sheet]) -> list[Page]:
    weights: Counter[float] = Counter()
    for sheet in sheets:
        for line in sheet.lines:
            weights[line.size] += len(line.text)
    body = weights.most_common(1)[0][0] if weights else 0.0
    grouped = [list(_paragraphs(sheet.lines)) for sheet in sheets]
    levels = _levels([group for groups in grouped for group in groups], body)
    pages = []
    for number, (sheet, groups) in enumerate(zip(sheets, grouped, strict=True), 1):
        boxes: list[Box] = []
        first = None
        for group in groups:
            start = _write_group(draft, group, number, levels, body)
            first = start if first is None else first
            boxes += _boxes(group, start)
        sheet.lines = []
        begin = draft.size if first is None else first
        pages.append(Page(number, begin, draft.size, sheet.width, sheet.height, tuple(boxes)))
    return pages


def _write_group(
    draft: Draft, group: list[_Line], page: int, levels: dict[float, int], body: float
) -> int:
    text = "\n".join(line.text for line in group)
    if _looks_heading(group, body):
        start = draft.heading(levels[group[0].size], text, page)
    else:
        start = draft.add("paragraph", text, page)
    assert start is not None  # lines without text were left out when the page was read
    return start


def _boxes(group: list[_Line], start: int) -> Iterator[Box]:
    for line in group:
        for first, last, *place in line.words:
            yield Box(start + first, start + last, *place)
        start += len(line.text) + 1
