"""Hostile and damaged files end in a named error or in a correct reading, soon and in bounds.

Most are read by the child process, as the product reads them.
"""

from __future__ import annotations

import io
import os
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import docx
import openpyxl
import pytest
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.pdfgen import canvas

from attenda.knowledge.parse import Limits, Parsed, UnreadableFile, parse_file, read_answer

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
HELLO = b"BT /F1 12 Tf 72 700 Td (Hello there) Tj ET"
DOCTYPE = b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>'


def word() -> bytes:
    made, out = docx.Document(), io.BytesIO()
    made.add_paragraph("Hello there")
    made.save(out)
    return out.getvalue()


def book() -> bytes:
    made, out = openpyxl.Workbook(), io.BytesIO()
    for row in (["Name", "Rate"], ["Gold", 1], ["Silver", 2]):
        made.active.append(row)
    made.save(out)
    return out.getvalue()


def locked_pdf() -> bytes:
    out = io.BytesIO()
    page = canvas.Canvas(out, encrypt=StandardEncryption("pass", canPrint=0))
    page.drawString(72, 700, "Hello there")
    page.save()
    return out.getvalue()


def packed(names: dict[str, bytes], flag: int = 0) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in names.items():
            archive.writestr(name, data)
    data = out.getvalue()
    at = data.index(b"PK\x01\x02") + 8
    return data[:at] + bytes([data[at] | flag]) + data[at + 1 :]


def in_part(name: str, old: bytes, new: bytes) -> Callable[[str, bytes], bytes]:
    return lambda n, part: part.replace(old, new, 1) if n == name else part


def in_word(old: bytes, new: bytes) -> Callable[..., bytes]:
    return lambda rezip, pdf: rezip(word(), in_part("word/document.xml", old, new))


def in_sheet(old: bytes, new: bytes) -> Callable[..., bytes]:
    return lambda rezip, pdf: rezip(book(), in_part("xl/worksheets/sheet1.xml", old, new))


def whole_part(new: bytes) -> Callable[..., bytes]:
    return lambda rezip, pdf: rezip(
        word(), lambda n, part: new if n == "word/document.xml" else part
    )


def deep_mail(rezip: Any, pdf: Any) -> bytes:
    part = b'Content-Type: multipart/mixed; boundary="b%d"\n\n--b%d\n'
    parts = b"".join(part % (n, n) for n in range(3000))
    return b"From: a\n" + parts + b"\nhello\n"


def form_in_itself(rezip: Any, pdf: Any) -> bytes:
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R/Resources<</XObject"
    page += b"<</X 6 0 R>>/Font<</F1 5 0 R>>>>>>"
    form = b"<</Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</X 6 0 R>>>>"
    form += b"/Length 11>>stream\n/X Do /X Do\nendstream"
    return bytes(pdf(b"/X Do " + HELLO, page, b"", (form,)))


REFUSED: list[tuple[str, str, str, Callable[..., bytes]]] = [
    ("nothing", "a.txt", "empty", lambda rezip, pdf: b""),
    ("only space", "a.txt", "no_text", lambda rezip, pdf: b" \n\t\n" * 1000),
    ("picture called docx", "a.docx", "unknown_type", lambda rezip, pdf: b"\x89PNG\r\n\x1a\n" * 9),
    ("text called pdf", "a.pdf", "unknown_type", lambda rezip, pdf: b"no pdf at all"),
    ("noise called txt", "a.txt", "unknown_type", lambda rezip, pdf: bytes(range(256)) * 9),
    ("plain zip", "a.zip", "unknown_type", lambda rezip, pdf: packed({"a.txt": b"x"})),
    ("zip called docx", "a.docx", "unknown_type", lambda rezip, pdf: packed({"a.txt": b"x"})),
    ("western text", "a.txt", "not_utf8", lambda rezip, pdf: "Été".encode("latin-1")),
    ("locked pdf", "a.pdf", "encrypted", lambda rezip, pdf: locked_pdf()),
    ("locked docx", "a.docx", "encrypted", lambda rezip, pdf: OLE * 99),
    ("locked entry", "a.docx", "encrypted", lambda rezip, pdf: packed({"word/d.xml": b"<a/>"}, 1)),
    ("scanned pdf", "a.pdf", "no_text", lambda rezip, pdf: pdf(b"0 0 10 10 re f")),
    ("cut pdf", "a.pdf", "broken", lambda rezip, pdf: pdf(HELLO)[:-200]),
    ("pdf head only", "a.pdf", "broken", lambda rezip, pdf: b"%PDF-1.7\n%%EOF"),
    ("cyclic page tree", "a.pdf", "broken", lambda rezip, pdf: pdf(
        HELLO, pages=b"<</Type/Pages/Count 3/Kids[2 0 R 2 0 R 2 0 R]>>")),
    ("million pages", "a.pdf", "too_many_pages", lambda rezip, pdf: pdf(
        HELLO, pages=b"<</Type/Pages/Count 1000000/Kids[3 0 R]>>")),
    ("form in itself", "a.pdf", "broken", form_in_itself),
    ("cut docx", "a.docx", "broken", lambda rezip, pdf: word()[:-2000]),
    ("cut xlsx", "a.xlsx", "broken", lambda rezip, pdf: book()[: len(book()) // 2]),
    ("zip bomb", "a.docx", "too_large", whole_part(b" " * 100_000_000)),
    ("many parts", "a.docx", "too_large", lambda rezip, pdf: rezip(
        word(), lambda n, part: part, {f"word/{n}": b"" for n in range(20_001)})),
    ("entity bomb", "a.docx", "broken", in_word(b"<w:document", DOCTYPE + b"<w:document")),
    ("doctype after comment", "a.docx", "broken", in_word(
        b"<w:document", b"<!-- > -->\n<?p ?>" + DOCTYPE + b"<w:document")),
    ("wide doctype", "a.docx", "broken", whole_part((DOCTYPE + b"<a/>").decode().encode("utf-16"))),
    ("odd encoding", "a.docx", "broken", whole_part(b"<?xml version='1.0' encoding='UTF-7'?><a/>")),
    ("deep docx", "a.docx", "broken", in_word(b"<w:body>", b"<w:body>" + b"<w:sdt>" * 5000)),
    ("forged row", "a.xlsx", "too_large", in_sheet(b'r="3"', b'r="999999999999"')),
    ("forged width", "a.xlsx", "too_large", in_sheet(b"</sheetData>", b"".join(
        b'<row r="%d"><c r="XFD%d"><v>1</v></c></row>' % (n, n) for n in range(10, 2000))
        + b"</sheetData>")),
    ("forged column", "a.xlsx", "broken", in_sheet(b'r="A3"', b'r="AAAAAAA3"')),
    ("100 MB line", "a.csv", "too_large", lambda rezip, pdf: b"a," * 50_000_000),
    ("wide header", "a.csv", "too_large", lambda rezip, pdf: (
        b"h" * 999_999 + b",b\n" + b"1,2\n" * 99)),
    ("deep json", "a.json", "broken", lambda rezip, pdf: b"[" * 100_000),
    ("deep jsonl", "a.jsonl", "broken", lambda rezip, pdf: b'{"text":' + b"[" * 100_000),
    ("deep html", "a.html", "broken", lambda rezip, pdf: b"<div>" * 100_000 + b"x"),
    ("deep mail", "a.eml", "broken", deep_mail),
    ("mail without head", "a.eml", "broken", lambda rezip, pdf: b"just words"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "code", "make"), [r[1:] for r in REFUSED], ids=[r[0] for r in REFUSED]
)
def test_refused_by_name(
    name: str, code: str, make: Callable[..., bytes], put: Any, child: Any, rezip: Any, pdf: Any
) -> None:
    started = time.monotonic()
    lines, status = child(str(put(make(rezip, pdf))), name, deadline=20)
    with pytest.raises(UnreadableFile) as refused:
        read_answer(lines)
    assert refused.value.code == code, refused.value
    assert refused.value.detail.endswith(".") and len(refused.value.detail) < 200
    assert "Traceback" not in refused.value.detail
    assert status != 0 and len(lines) <= 1
    assert time.monotonic() - started < 30


READ: list[tuple[str, str, str, Callable[..., bytes]]] = [
    ("100,000 objects", "a.pdf", "Hello there", lambda rezip, pdf: (
        pdf(HELLO, more=(b"<<>>",) * 100_000))),
    ("pdf and zip", "a.docx", "Hello there", lambda rezip, pdf: (
        pdf(HELLO) + packed({"word/a": b"x"}))),
    ("text off the page", "a.pdf", "Hello there", lambda rezip, pdf: pdf(
        HELLO + b" BT /F1 12 Tf 72 -900 Td (secret) Tj ET")),
    ("docx called pdf", "a.pdf", "Hello there", lambda rezip, pdf: word()),
    ("far last row", "a.xlsx", "Name: Silver; Rate: 2", in_sheet(b'r="3"', b'r="1048576"')),
    ("nul bytes", "a.txt", "Hello there", lambda rezip, pdf: b"Hel\0lo there\0" + b" and more" * 9),
    ("list in list", "a.md", "- - -", lambda rezip, pdf: b"- " * 30_000 + b"x"),
    ("quote in quote", "a.md", ">>>>", lambda rezip, pdf: b">" * 300_000 + b"x"),
    ("open brackets", "a.md", "[[[[", lambda rezip, pdf: b"# x\n" + b"[" * 300_000),
    ("long attribute", "a.html", "Hello there", lambda rezip, pdf: (
        b"<html><p style='" + b"opacity:" * 100_000 + b"'>Hello there<p style='display:none'>no")),
    ("open quote", "a.csv", "a | b", lambda rezip, pdf: b'a,b\n"' + b"x\n" * 1_000_000),
    ("many parts of a mail", "a.eml", "From: a", lambda rezip, pdf: (
        b"From: a\nContent-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * 20_000)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "text", "make"), [r[1:] for r in READ], ids=[r[0] for r in READ])
def test_read_in_bounds(
    name: str,
    text: str,
    make: Callable[..., bytes],
    put: Any,
    child: Any,
    spans: Any,
    rezip: Any,
    pdf: Any,
) -> None:
    lines, status = child(str(put(make(rezip, pdf))), name, deadline=20)
    (document,) = read_answer(lines)
    spans(document)
    assert text in document.text and status == 0
    assert "secret" not in document.text


@pytest.mark.parametrize(
    ("data", "code", "where"),
    [
        (b'{"text":"a"}\n\n[1]\n', "row_without_text", "Line 3"),
        (b'{"text":"a"}\n{"title":"x"}\n', "row_without_text", "Line 2"),
        (b'{"text":"a"}\n{"text":\n', "broken", "Line 2"),
        (b'{"text":"a"}\n{"text":"\xff"}\n', "not_utf8", ""),
        (b'[{"text":"a"}, 3]', "row_without_text", "Item 2"),
        (b'{"text":"a"}\n' * 11, "too_large", "10"),
    ],
)
def test_bad_rows_are_named(data: bytes, code: str, where: str, read: Any) -> None:
    with pytest.raises(UnreadableFile) as refused:
        read("a.jsonl", data, max_records=10)
    assert refused.value.code == code and where in refused.value.detail


def test_limits_hold(read: Any) -> None:
    for limits in ({"max_bytes": 10}, {"max_text_chars": 10}):
        for name in ("a.txt", "a.csv", "a.html", "a.eml"):
            with pytest.raises(UnreadableFile) as refused:
                read(name, b"From: abc\n\n<p>too, long</p>", **limits)
            assert refused.value.code == "too_large"


def test_only_plain_files_are_opened(tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.write_text("x")
    (tmp_path / "link").symlink_to(real)
    os.mkfifo(tmp_path / "pipe")
    for name, code in [("link", "unknown_type"), ("pipe", "unknown_type"), (".", "unknown_type"),
                       ("none", "broken"), ("a\0b", "broken")]:  # fmt: skip
        with pytest.raises(UnreadableFile) as refused:
            parse_file(tmp_path / name, "a.txt", Limits())
        assert refused.value.code == code, name


def test_child_answers_many_documents(put: Any, child: Any) -> None:
    lines, status = child(str(put(b'{"id":1,"title":"t","text":"\xe6\x96\x87"}\n' * 3)), "a.jsonl")
    assert status == 0 and lines[-1] == b'{"done": 3}\n'
    found = read_answer(lines)
    assert found == [Parsed.from_json(line) for line in lines[:3]]
    assert [d.text for d in found] == ["文"] * 3
    for cut in (lines[:-1], [*lines[:-1], lines[-1][:-1]], []):
        with pytest.raises(UnreadableFile, match="broken"):
            read_answer(cut)


def test_child_keeps_its_deadline(put: Any, child: Any) -> None:
    started = time.monotonic()
    lines, status = child(str(put(b"# T\n\npara\n- x\n" * 900_000)), "a.md", deadline=2)
    with pytest.raises(UnreadableFile, match="too_large"):
        read_answer(lines)
    assert status == 1 and time.monotonic() - started < 15


def test_child_runs_out_of_memory_with_an_answer(put: Any, child: Any) -> None:
    lines, _ = child(str(put(b"a\n\n" * 6_000_000)), "a.txt", deadline=60)
    with pytest.raises(UnreadableFile, match="too_large: .* memory"):
        read_answer(lines)


def test_child_survives_nonsense_requests(child: Any) -> None:
    for path, more in (("/a\0b", {}), ("/none", {}), ("/none", {"limits": {"no": 1}})):
        lines, status = child(path, "\u202e\0", **more)
        assert status == 1
        with pytest.raises(UnreadableFile, match="broken"):
            read_answer(lines)
