"""Reads DOCX, PPTX and XLSX files, after `archive` has found the file safe to open.

DOCX gives headings by style, paragraphs, tables, text boxes and notes; PPTX gives slides with
their notes; XLSX gives each visible sheet row by row with the values last computed.
It does not know automatic list numbers, headers and footers, comments, charts or SmartArt, and
it leaves out what the author hid or struck out: hidden text and sheets, tracked deletions.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from typing import Any, BinaryIO

from lxml import etree

from attenda.knowledge.parse.archive import check_archive
from attenda.knowledge.parse.blocks import Limits, Page, Parsed, UnreadableFile
from attenda.knowledge.parse.draft import Draft, clean, finish, labelled_row, one_line, title_of
from attenda.knowledge.parse.media import DOCX, PPTX

__all__ = ["parse"]

# What the libraries raise on damaged files; each of them leaks whatever its own code trips over.
_LIBRARY_ERRORS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    OSError,
    RecursionError,
    TypeError,
    ValueError,
    etree.LxmlError,
    zipfile.BadZipFile,
    zlib.error,
)
_MAX_CELLS = 20_000_000
_MAX_ROWS = 1_048_576  # Excel's own limit; a row number above it is forged
_EMU_PER_POINT = 12_700


def parse(file: BinaryIO, name: str, kind: str, limits: Limits) -> list[Parsed]:
    """Read one Office file into one document."""
    kind = check_archive(file, limits)
    with _damage_named():
        if kind == DOCX:
            return [_parse_docx(file, name, limits)]
        if kind == PPTX:
            return [_parse_pptx(file, name, limits)]
        return [_parse_xlsx(file, name, limits)]


@contextmanager
def _damage_named() -> Iterator[None]:
    try:
        yield
    except _LIBRARY_ERRORS as error:
        raise UnreadableFile("broken", "The Office file is damaged or incomplete.") from error


# --- DOCX --------------------------------------------------------------------------------------

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_SKIPPED = {_W + "del", _W + "moveFrom", _W + "txbxContent", _W + "instrText", _FALLBACK}
_GLYPHS = {_W + "tab": "\t", _W + "br": "\n", _W + "cr": "\n", _W + "noBreakHyphen": "-"}
_HEADING_NAME = re.compile(r"heading (\d)$", re.I)


def _parse_docx(file: BinaryIO, name: str, limits: Limits) -> Parsed:
    import docx
    from docx.opc.exceptions import OpcError

    try:
        document = docx.Document(file)
    except OpcError as error:
        raise UnreadableFile("broken", "The Office file is damaged or incomplete.") from error
    draft = Draft(limits)
    levels = _style_levels(document.styles.element)
    _docx_blocks(document.element.body, draft, levels)
    for relation in document.part.rels.values():
        if relation.reltype.endswith(("/footnotes", "/endnotes")) and not relation.is_external:
            _docx_notes(relation.target_part.blob, draft)
    title = document.core_properties.title
    text = draft.text
    return finish(title_of(name, title, draft.first_heading()), text, draft.blocks)


def _style_levels(styles: Any) -> dict[str, int]:
    """Map style ids to heading levels, through names, outline levels and inheritance."""
    levels: dict[str, int] = {}
    parents: dict[str, str] = {}
    for style in styles.iter(_W + "style"):
        ident = style.get(_W + "styleId") or ""
        named = style.find(_W + "name")
        label = (named.get(_W + "val") or "") if named is not None else ""
        heading = _HEADING_NAME.match(label)
        outline = style.find(f"{_W}pPr/{_W}outlineLvl")
        based = style.find(_W + "basedOn")
        if heading:
            levels[ident] = int(heading[1])
        elif label.lower() == "title":
            levels[ident] = 0
        elif outline is not None:
            levels[ident] = int(outline.get(_W + "val") or 9) + 1
        elif based is not None:
            parents[ident] = based.get(_W + "val") or ""
    for ident in parents:
        seen, at = {ident}, parents[ident]
        while at in parents and at not in seen:
            seen.add(at)
            at = parents[at]
        if at in levels:
            levels[ident] = levels[at]
    return levels


def _docx_blocks(body: Any, draft: Draft, levels: dict[str, int]) -> None:
    """Write a body's paragraphs and tables in order, looking through wrappers without recursion."""
    waiting = [iter(body)]
    while waiting:
        node = next(waiting[-1], None)
        if node is None:
            waiting.pop()
        elif node.tag == _W + "p":
            _docx_paragraph(node, draft, levels)
        elif node.tag == _W + "tbl":
            _docx_table(node, draft)
        elif node.tag in (_W + "sdt", _W + "sdtContent", _W + "customXml", _W + "ins"):
            waiting.append(iter(node))


def _docx_paragraph(node: Any, draft: Draft, levels: dict[str, int]) -> None:
    text = clean(_docx_text(node))
    level = _docx_level(node, levels)
    if level < 10:
        draft.heading(level, one_line(text))
    else:
        draft.add("paragraph", text)
    for box in node.iter(_W + "txbxContent"):
        if not any(above.tag == _FALLBACK for above in box.iterancestors()):
            for inner in box.iterchildren(_W + "p"):
                draft.add("paragraph", clean(_docx_text(inner)))


def _docx_level(node: Any, levels: dict[str, int]) -> int:
    outline = node.find(f"{_W}pPr/{_W}outlineLvl")
    if outline is not None:
        return int(outline.get(_W + "val") or 9) + 1
    style = node.find(f"{_W}pPr/{_W}pStyle")
    return levels.get(style.get(_W + "val"), 10) if style is not None else 10


def _docx_text(paragraph: Any) -> str:
    parts: list[str] = []
    walker = etree.iterwalk(paragraph, events=("start",))
    for _, node in walker:
        if node.tag in _SKIPPED or (node.tag == _W + "r" and _vanished(node)):
            walker.skip_subtree()
        elif node.tag == _W + "t":
            parts.append(node.text or "")
        elif node.tag in _GLYPHS and node.getparent().tag == _W + "r":
            parts.append(_GLYPHS[node.tag])
    return "".join(parts)


def _vanished(run: Any) -> bool:
    mark = run.find(f"{_W}rPr/{_W}vanish")
    return mark is not None and mark.get(_W + "val") not in ("0", "false", "off")


def _docx_table(table: Any, draft: Draft) -> None:
    for row in table.iter(_W + "tr"):
        if next(row.iterancestors(_W + "tbl")) is not table:
            continue  # a table within a cell is read as that cell's text
        cells = [
            one_line(" ".join(clean(_docx_text(p)) for p in cell.iter(_W + "p")))
            for cell in row.iter(_W + "tc")
            if next(cell.iterancestors(_W + "tr")) is row
        ]
        if any(cells):
            draft.add("row", " | ".join(cells))


def _docx_notes(blob: bytes, draft: Draft) -> None:
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    for note in etree.fromstring(blob, parser):
        if note.get(_W + "type") is None:  # typed notes are the separators
            text = " ".join(_docx_text(p) for p in note.iter(_W + "p"))
            draft.add("paragraph", one_line(clean(text)), path=("Notes",))


# --- PPTX --------------------------------------------------------------------------------------


def _parse_pptx(file: BinaryIO, name: str, limits: Limits) -> Parsed:
    import pptx
    from pptx.exc import PythonPptxError

    try:
        deck = pptx.Presentation(file)
    except PythonPptxError as error:
        raise UnreadableFile("broken", "The Office file is damaged or incomplete.") from error
    if len(deck.slides) > limits.max_pages:
        raise UnreadableFile("too_many_pages", f"The file has more than {limits.max_pages} slides.")
    width = (deck.slide_width or 0) / _EMU_PER_POINT
    height = (deck.slide_height or 0) / _EMU_PER_POINT
    draft, pages = Draft(limits), []
    for number, slide in enumerate(deck.slides, 1):
        before = len(draft.blocks)
        _slide(slide, number, draft)
        added = draft.blocks[before:]
        start = added[0].start if added else draft.size
        pages.append(Page(number, start, draft.size, round(width, 2), round(height, 2), ()))
    title = title_of(name, deck.core_properties.title, draft.first_heading())
    return finish(title, draft.text, draft.blocks, pages)


def _slide(slide: Any, number: int, draft: Draft) -> None:
    title = slide.shapes.title
    text = one_line(clean(title.text_frame.text)) if title is not None else ""
    draft.heading(1, text, number)
    path = (text,) if text else ()
    for shape in _shapes(slide.shapes):
        if title is not None and shape.shape_id == title.shape_id:
            continue
        _shape(shape, number, draft, path)
    if slide.has_notes_slide:
        frame = slide.notes_slide.notes_text_frame
        for paragraph in frame.paragraphs if frame is not None else ():
            draft.add("paragraph", clean(paragraph.text), number, (*path, "Notes"))


def _shape(shape: Any, number: int, draft: Draft, path: tuple[str, ...]) -> None:
    if shape.has_text_frame:
        for paragraph in shape.text_frame.paragraphs:
            draft.add("paragraph", clean(paragraph.text.replace("\v", "\n")), number, path)
    elif getattr(shape, "has_table", False):
        for row in shape.table.rows:
            cells = [one_line(clean(cell.text)) for cell in row.cells]
            if any(cells):
                draft.add("row", " | ".join(cells), number, path)


def _shapes(shapes: Any) -> Iterator[Any]:
    """All shapes in drawing order, groups opened without recursion."""
    waiting = [iter(shapes)]
    while waiting:
        shape = next(waiting[-1], None)
        if shape is None:
            waiting.pop()
        elif hasattr(shape, "shapes"):
            waiting.append(iter(shape.shapes))
        else:
            yield shape


# --- XLSX --------------------------------------------------------------------------------------


def _parse_xlsx(file: BinaryIO, name: str, limits: Limits) -> Parsed:
    import openpyxl
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        book = openpyxl.load_workbook(file, read_only=True, data_only=True, keep_links=False)
    except InvalidFileException as error:
        raise UnreadableFile("broken", "The Office file is damaged or incomplete.") from error
    draft, cells = Draft(limits), 0
    title = book.properties.title
    for sheet in book.worksheets:
        if sheet.sheet_state == "visible":
            heading = (one_line(clean(sheet.title)),)
            cells = _sheet(sheet, draft, heading, cells)
    book.close()
    return finish(title_of(name, title), draft.text, draft.blocks)


def _sheet(sheet: Any, draft: Draft, path: tuple[str, ...], cells: int) -> int:
    """Write one sheet and give the number of cells seen in the whole file."""
    sheet.reset_dimensions()  # the declared size may be a lie; the rows say how wide they are
    header: list[str] | None = None
    named = False
    for number, row in enumerate(sheet.iter_rows(), 1):
        cells += len(row)
        if cells > _MAX_CELLS or number > _MAX_ROWS:
            raise UnreadableFile("too_large", "The workbook has more cells than can be read.")
        texts = [_cell(cell) for cell in row]
        filled = sum(map(bool, texts))
        if not filled:
            continue
        if not named:
            draft.heading(1, path[0])
            named = True
        if header is not None:
            draft.add("row", labelled_row(header, texts), None, path)
        elif filled == 1:  # a caption above the table, or a sheet of one column
            draft.add("paragraph", next(filter(None, texts)), None, path)
        else:
            header = texts
            draft.add("row", " | ".join(texts).strip(" |"), None, path)
    return cells


def _cell(cell: Any) -> str:
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, str):
        return one_line(clean(value))
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, datetime):
        return str(value.date() if value.time() == time() else value)
    if isinstance(value, date | time | timedelta):
        return str(value)
    if "%" in (cell.number_format or ""):
        return f"{_number(value * 100)}%"
    return _number(value)


def _number(value: float) -> str:
    """Write a number as people do: fifteen digits, which is all that Excel keeps."""
    if isinstance(value, int) or (
        isinstance(value, float) and value.is_integer() and abs(value) < 1e15
    ):
        return str(int(value))
    return f"{value:.15g}"
