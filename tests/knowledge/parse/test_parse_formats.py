"""Each format, read through `parse_file`, gives the text, kinds, headings and places it should."""

from __future__ import annotations

import datetime
import io
import json
import subprocess
import sys
from typing import Any

import docx
import openpyxl
import pptx
import pypdfium2
import pytest
from docx.enum.style import WD_STYLE_TYPE
from reportlab.pdfgen import canvas

from attenda.knowledge.parse import Parsed, UnreadableFile, media_type


def outline(document: Parsed) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(b.kind, document.text[b.start : b.end], b.heading) for b in document.blocks]


def saved(thing: Any) -> bytes:
    out = io.BytesIO()
    thing.save(out)
    return out.getvalue()


def drawn(draw: Any, **options: Any) -> bytes:
    out = io.BytesIO()
    page = canvas.Canvas(out, pagesize=(612, 792), **options)

    def line(x: float, y: float, text: str, size: float = 11) -> None:
        page.setFont("Helvetica", size)
        page.drawString(x, y, text)

    draw(page, line)
    page.save()
    return out.getvalue()


# --- PDF ---------------------------------------------------------------------------------------


def story(page: Any, line: Any) -> None:
    line(72, 740, "Travel policy", 20)
    line(72, 700, "Economy seats are booked for every journey that takes less than six hours.")
    line(72, 686, "Ask for a well-")
    line(72, 672, "known exception (fi) in writing, then wait for the answer.")
    line(72, 640, "Hotels", 15)
    line(72, 610, "The night costs 120 EUR.")
    page.showPage()
    page.showPage()
    line(72, 700, "Last page.")


def test_pdf_headings_pages_and_exact_hyphens(read: Any) -> None:
    (document,) = read("trip.pdf", drawn(story))
    assert document.title == "trip"  # reportlab's own 'untitled' is nobody's title
    assert outline(document) == [
        ("heading", "Travel policy", ()),
        (
            "paragraph",
            "Economy seats are booked for every journey that takes less than six hours.\n"
            "Ask for a well-\nknown exception (fi) in writing, then wait for the answer.",
            ("Travel policy",),
        ),
        ("heading", "Hotels", ("Travel policy",)),
        ("paragraph", "The night costs 120 EUR.", ("Travel policy", "Hotels")),
        ("paragraph", "Last page.", ("Travel policy", "Hotels")),
    ]
    assert [b.page for b in document.blocks] == [1, 1, 1, 1, 3]
    first, empty, last = document.pages
    assert (empty.start, empty.boxes) == (empty.end, ())
    assert document.text[last.start : last.end] == "Last page."
    assert (first.width, first.height) == (612, 792)


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
@pytest.mark.parametrize("area", [b"", b"/CropBox[50 40 580 760]"])
def test_pdf_boxes_hold_what_pdfium_says(read: Any, pdf: Any, turn: int, area: bytes) -> None:
    content = b"BT /F1 12 Tf 72 700 Td (Annual fee, due) Tj 0 -20 Td (60 EUR a state-) Tj T* "
    content += b"0 -14 Td (wide total) Tj ET BT 20 0 0 20 300 300 Tm /F1 1 Tf (Big) Tj ET"
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[10 20 612 792]/Contents 4 0 R/Rotate %d%s EXTRA>>"
    data = pdf(content, page % (turn, area))
    (document,) = read("a.pdf", data)
    (shown,) = document.pages
    assert {document.text[b.start : b.end] for b in shown.boxes} == set(document.text.split())
    with pypdfium2.PdfDocument(data) as source:
        left, bottom, right, top = source[0].get_cropbox()
        text = source[0].get_textpage()
        for box in shown.boxes:
            assert 0 <= box.x0 and box.x1 <= shown.width and 0 <= box.y0 and box.y1 <= shown.height
            corners = [
                {
                    0: (left + x, top - y),
                    90: (left + y, bottom + x),
                    180: (right - x, bottom + y),
                    270: (right - y, top - x),
                }[turn]
                for x, y in ((box.x0, box.y0), (box.x1, box.y1))
            ]
            (xa, ya), (xb, yb) = corners
            there = text.get_text_bounded(
                min(xa, xb) - 0.2, min(ya, yb) - 0.2, max(xa, xb) + 0.2, max(ya, yb) + 0.2
            )
            there = there.strip().replace("\ufffe", "-").replace("\x02", "-")
            assert there == document.text[box.start : box.end]


def test_pdf_single_column_drawn_backwards_reads_forwards(read: Any) -> None:
    def draw(page: Any, line: Any) -> None:
        for number in reversed(range(12)):
            line(72, 700 - 14 * number, f"line {number} runs on over the width of the page")

    (document,) = read("a.pdf", drawn(draw))
    numbers = [int(w) for w in document.text.split() if w.isdigit()]
    assert numbers == list(range(12))


def test_pdf_columns_keep_the_order_they_were_drawn_in(read: Any) -> None:
    def draw(page: Any, line: Any) -> None:
        for column in (0, 1):
            for number in range(12):
                line(72 + 260 * column, 700 - 14 * number, f"{12 * column + number} words here")

    (document,) = read("a.pdf", drawn(draw))
    assert [int(w) for w in document.text.split() if w.isdigit()] == list(range(24))


# --- Office ------------------------------------------------------------------------------------


def test_docx_order_styles_tables_and_hidden_text(read: Any) -> None:
    made = docx.Document()
    made.core_properties.title = "Handbook"
    own = made.styles.add_style("House head", WD_STYLE_TYPE.PARAGRAPH)
    own.base_style = made.styles["Heading 2"]
    made.add_heading("Leave", 1)
    made.add_paragraph("Thirty days.").add_run(" hidden").font.hidden = True
    table = made.add_table(2, 2)
    for row, texts in zip(table.rows, [("Kind", "Days"), ("Sick", "as\nneeded")], strict=True):
        for cell, text in zip(row.cells, texts, strict=True):
            cell.text = text
    table.cell(1, 0).add_table(1, 1).cell(0, 0).text = "(inner)"
    made.add_paragraph("Parents", style=own)
    made.add_paragraph("Ask us.")
    (document,) = read("h.docx", saved(made))
    assert document.title == "Handbook" and document.pages == ()
    assert outline(document) == [
        ("heading", "Leave", ()),
        ("paragraph", "Thirty days.", ("Leave",)),
        ("row", "Kind | Days", ("Leave",)),
        ("row", "Sick (inner) | as needed", ("Leave",)),
        ("heading", "Parents", ("Leave",)),
        ("paragraph", "Ask us.", ("Leave", "Parents")),
    ]


def test_docx_wrapped_tracked_and_noted_text(read: Any, rezip: Any) -> None:
    made = docx.Document()
    made.add_paragraph("MARK")
    word = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'

    def edit(name: str, part: bytes) -> bytes:
        if name == "word/document.xml":
            inner = (
                b"<w:r><w:t>kept</w:t></w:r><w:del><w:r><w:delText>gone</w:delText></w:r></w:del>"
            )
            inner += b"<w:ins><w:r><w:t> new</w:t></w:r></w:ins>"
            box = b"<w:sdt><w:sdtContent><w:p>" + inner + b"</w:p></w:sdtContent></w:sdt>"
            return part.replace(b"<w:body>", b"<w:body>" + box)
        if name == "word/_rels/document.xml.rels":
            kind = b"http://schemas.openxmlformats.org/officeDocument/2006/relationships/"
            note = b'<Relationship Id="n1" Type="%sfootnotes" Target="footnotes.xml"/>' % kind
            far = b'<Relationship Id="n2" Type="%simage" Target="http://192.0.2.1/x" ' % kind
            far += b'TargetMode="External"/>'
            return part.replace(b"</Relationships>", note + far + b"</Relationships>")
        return part

    notes = f'<w:footnotes {word}><w:footnote w:type="separator"><w:p/></w:footnote><w:footnote>'
    notes += "<w:p><w:r><w:t>A note.</w:t></w:r></w:p></w:footnote></w:footnotes>"
    data = rezip(saved(made), edit, {"word/footnotes.xml": notes.encode()})
    (document,) = read("h.docx", data)
    assert document.title == "h"
    assert outline(document) == [
        ("paragraph", "kept new", ()),
        ("paragraph", "MARK", ()),
        ("paragraph", "A note.", ("Notes",)),
    ]


def test_pptx_slides_tables_groups_and_notes(read: Any) -> None:
    made = pptx.Presentation()
    slide = made.slides.add_slide(made.slide_layouts[1])
    slide.shapes.title.text = "Plan"
    slide.placeholders[1].text = "one\ntwo"
    slide.notes_slide.notes_text_frame.text = "say it slowly"
    slide = made.slides.add_slide(made.slide_layouts[6])
    table = slide.shapes.add_table(1, 2, 0, 0, 9, 9).table
    table.cell(0, 0).text, table.cell(0, 1).text = "a", "b"
    slide.shapes.add_group_shape().shapes.add_textbox(0, 0, 9, 9).text_frame.text = "grouped"
    (document,) = read("p.pptx", saved(made))
    assert document.title == "Plan"
    assert outline(document)[:4] == [
        ("heading", "Plan", ()),
        ("paragraph", "one", ("Plan",)),
        ("paragraph", "two", ("Plan",)),
        ("paragraph", "say it slowly", ("Plan", "Notes")),
    ]
    assert [document.text[b.start : b.end] for b in document.blocks[4:]] == ["a | b", "grouped"]
    assert [b.page for b in document.blocks] == [1, 1, 1, 1, 2, 2]
    assert [(p.number, p.width, p.height) for p in document.pages] == [(1, 720, 540), (2, 720, 540)]


def test_xlsx_labels_values_and_skips_hidden_sheets(read: Any) -> None:
    made = openpyxl.Workbook()
    sheet = made.active
    sheet.title = "Fees"
    sheet.append(["Prices 2026"])
    sheet.append(["Name", "Rate", "Since"])
    sheet.append(["Gold", 0.025, datetime.datetime(2026, 1, 1)])  # noqa: DTZ001
    sheet["B3"].number_format = "0.0%"
    sheet.append([])
    sheet.append(["Silver", 3.0, None, "note"])
    hidden = made.create_sheet("Hidden")
    hidden.append(["secret", "text"])
    hidden.sheet_state = "hidden"
    (document,) = read("f.xlsx", saved(made))
    assert outline(document) == [
        ("heading", "Fees", ()),
        ("paragraph", "Prices 2026", ("Fees",)),
        ("row", "Name | Rate | Since", ("Fees",)),
        ("row", "Name: Gold; Rate: 2.5%; Since: 2026-01-01", ("Fees",)),
        ("row", "Name: Silver; Rate: 3; Column 4: note", ("Fees",)),
    ]


# --- text --------------------------------------------------------------------------------------


def test_markdown_keeps_its_source(read: Any) -> None:
    source = (
        "---\ntitle: 'Cards'\nowner: x\n---\n# Cards *now*\n\nIntro\ntext.\n\n- one\n- two\n\n"
        "## [Fees](x.md)\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n<!-- hidden -->\n\n"
        "```py\nx = 1\n```\n\n[1]: http://example.org\n"
    )
    (document,) = read("c.md", source.replace("\n", "\r\n").encode())
    assert document.title == "Cards"
    assert document.text == source.split("---\n", 2)[2]
    fees = ("Cards now", "Fees")
    assert outline(document) == [
        ("heading", "Cards *now*", ()),
        ("paragraph", "Intro\ntext.", ("Cards now",)),
        ("paragraph", "- one", ("Cards now",)),
        ("paragraph", "- two", ("Cards now",)),
        ("heading", "[Fees](x.md)", ("Cards now",)),
        ("row", "| a | b |", fees),
        ("row", "| 1 | 2 |", fees),
        ("code", "```py\nx = 1\n```", fees),
        ("paragraph", "[1]: http://example.org", fees),
    ]


def test_html_drops_what_is_hidden(read: Any) -> None:
    page = (
        "<!DOCTYPE html SYSTEM 'file:///etc/passwd'><title>T &amp; C</title><nav>menu</nav>"
        "<h1>Rules<a>¶</a></h1><p>See\n  this<br>line &x;</p><p style='display: none'>secret1</p>"
        "<div hidden>secret2</div><span style='font-size:0'>secret3</span><script>secret4</script>"
        "<template>secret5</template><table><tr><th>A<th>B<tr><td>1<td>2</table>"
        "<ol><li>first<li>second</ol><pre>a\n  b</pre><table><tr><td><h2>Part</h2>laid out</table>"
    )
    (document,) = read("t.html", page.encode())
    assert document.title == "T & C"
    assert "secret" not in document.text and "root:" not in document.text
    kinds = [(kind, text) for kind, text, _ in outline(document)]
    assert kinds[:1] + kinds[2:] == [
        ("heading", "Rules"),
        ("row", "A | B"),
        ("row", "1 | 2"),
        ("paragraph", "1. first"),
        ("paragraph", "2. second"),
        ("code", "a\n  b"),
        ("heading", "Part"),
        ("paragraph", "laid out"),
    ]
    assert kinds[1][1].startswith("See this\nline")
    assert document.blocks[-1].heading == ("Rules", "Part")


def test_html_in_its_declared_encoding(read: Any) -> None:
    page = "<html><meta charset=gb2312><p>账户余额</p>".encode("gb18030")
    assert read("a.htm", page)[0].text == "账户余额"


def test_txt_paragraphs(read: Any) -> None:
    (document,) = read("notes.txt", b"\xef\xbb\xbfa\r\nb\r\n \r\n\r\n  c\0d\n")
    assert [text for _, text, _ in outline(document)] == ["a\nb", "cd"]
    lines = "\n".join(f"{n} " + "long unwrapped line " * 20 for n in range(5))
    assert len(read("notes.txt", lines.encode("utf-16"))[0].blocks) == 5


# --- tables ------------------------------------------------------------------------------------


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
def test_csv_delimiters_and_encodings(read: Any, delimiter: str, encoding: str) -> None:
    rows = [("名称", "说明"), ("账户", '"两\n行, ; | 文字"'), ("", ""), ("卡", "")]
    text = "\r\n".join(delimiter.join(row) for row in rows)
    (document,) = read("k.csv", text.encode(encoding))
    assert document.text == "名称 | 说明\n名称: 账户; 说明: 两 行, ; | 文字\n名称: 卡"
    assert {b.kind for b in document.blocks} == {"row"}


def test_csv_western_bytes(read: Any) -> None:
    (document,) = read("k.csv", "Café;Été à Münster\nnaïve;déjà\n".encode("latin-1"))
    assert document.text == "Café | Été à Münster\nCafé: naïve; Été à Münster: déjà"


def test_jsonl_gives_a_document_a_row(read: Any) -> None:
    rows: list[dict[str, Any]] = [
        {"id": 7, "title": "Fees", "content": "## Card\n\nTen euros."},
        {"_id": "x", "question": "Why?", "answer": "Because.", "passage": "A book."},
        {"name": "N", "question": "Q?", "answer": "A.", "id": True},
        {"text": ["one", "two"]},
    ]
    data = "\n\n".join(json.dumps(row) for row in rows).encode()
    fees, why, named, bare = read("faq.jsonl", data)
    assert (fees.title, fees.external_id) == ("Fees", "7")
    assert outline(fees)[1] == ("paragraph", "Ten euros.", ("Card",))
    assert (why.title, why.text, why.external_id) == ("Why?", "A book.\n\nBecause.", "x")
    assert (named.title, named.text, named.external_id) == ("N", "Q?\n\nA.", None)
    assert (bare.title, bare.text) == ("faq line 7", "one\n\ntwo")
    as_array = read("faq.json", json.dumps(rows, indent=1).encode())
    assert [d.text for d in as_array] == [d.text for d in (fees, why, named, bare)]
    assert read("one.json", json.dumps(rows[0], indent=1).encode())[0] == fees


# --- kinds and names ---------------------------------------------------------------------------


def test_content_goes_before_the_ending(read: Any) -> None:
    made = docx.Document()
    made.add_paragraph("words")
    assert read("x.txt", saved(made))[0].text == "words"
    assert read("x.docx", drawn(lambda page, line: line(72, 700, "words")))[0].text == "words"
    assert read("x.md", b"<!doctype html><p>words")[0].text == "words"
    assert media_type("README", b"words") == "text/plain"
    assert media_type("a.txt", b"see %PDF-1.4 files") == "text/plain"
    with pytest.raises(UnreadableFile, match="unknown_type"):
        media_type("x.py", b"print()")


def test_hostile_names_become_plain_titles(read: Any) -> None:
    assert read("../a\\b\u202etxt.\0exe\u2066.txt", b"x")[0].title == "btxt.exe"
    assert read("\u202e\0.txt", b"x")[0].title == ".txt"
    assert read("", b"x")[0].title == "Untitled"


def test_importing_the_package_loads_no_format_library() -> None:
    heavy = "{'pypdfium2', 'docx', 'openpyxl', 'pptx', 'lxml', 'markdown_it'}"
    code = f"import sys, attenda.knowledge.parse; sys.exit(len({heavy} & set(sys.modules)))"
    assert (
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONPATH": ":".join(sys.path)}
        ).returncode
        == 0
    )
