"""Further hostile files: bombs, loops, lies about sizes, names that climb, floods of small things.

Each is read by the child process under its limits. Together with `test_parse_hostile.py` there are
more than sixty different ones, which a test here counts.
"""

from __future__ import annotations

import hashlib
import io
import struct
import warnings
import zipfile
import zlib
from collections.abc import Callable
from typing import Any

import pptx
import pytest

from attenda.knowledge.parse import UnreadableFile, read_answer
from tests.knowledge.parse import test_parse_hostile as first
from tests.knowledge.parse.conftest import edit_zip, make_pdf
from tests.knowledge.parse.test_parse_hostile import HELLO, book, in_part, packed, word

Made = Callable[[], bytes]
FONT = b"/Resources<</Font<</F1 5 0 R>>%s>>"
PAGE = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents %s" + FONT + b">>"
ROW = b'{"text":"Hello there"}\n'
LETTER = b"From a@b.example Mon Jan  5 12:00:00 2026\nFrom: a@b.example\n\nHello there\n\n"
WORDS = b"BT /F1 12 Tf 72 700 Td (word) Tj ET "
IMAGE = b"<</Type/XObject/Subtype/Image/Width 50000/Height 50000/BitsPerComponent 8"
IMAGE += b"/ColorSpace/DeviceRGB/Length 1>>stream\nx\nendstream"
TEMPLATE = b'<Relationship Id="rX" TargetMode="External" Target="http://127.0.0.1:9/t.dotm" Type="'
TEMPLATE += (
    b'http://schemas.openxmlformats.org/officeDocument/2006/relationships/attachedTemplate"/>'
)


def same(_name: str, part: bytes) -> bytes:
    return part


def in_word(old: bytes, new: bytes, part: str = "word/document.xml") -> Made:
    return lambda: edit_zip(word(), in_part(part, old, new))


def in_book(old: bytes, new: bytes) -> Made:
    return lambda: edit_zip(book(), in_part("xl/worksheets/sheet1.xml", old, new))


def slides() -> bytes:
    made, out = pptx.Presentation(), io.BytesIO()
    slide = made.slides.add_slide(made.slide_layouts[5])
    slide.shapes.title.text = "Hello there"
    made.save(out)
    return out.getvalue()


def in_slide(old: bytes, new: bytes) -> Made:
    return lambda: edit_zip(slides(), in_part("ppt/slides/slide1.xml", old, new))


def beside(names: dict[str, bytes]) -> Made:
    """A good document with further entries."""

    def make() -> bytes:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # one name twice is the point
            return edit_zip(word(), same, names)

    return make


def million_entries() -> bytes:
    body = b"PK\x03\x04" + bytes(26) + (b"PK\x01\x02" + bytes(42)) * 1_000_000
    return body + b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 65535, 65535, 46_000_000, 30, 0)


def link_entry() -> bytes:
    out = io.BytesIO(word())
    with zipfile.ZipFile(out, "a") as archive:
        entry = zipfile.ZipInfo("word/link.xml")
        entry.create_system, entry.external_attr = 3, 0o120777 << 16
        archive.writestr(entry, "/etc/passwd")
    return out.getvalue()


def page_with(extra: bytes, *more: bytes, contents: bytes = b"4 0 R", words: bytes = HELLO) -> Made:
    return lambda: make_pdf(words, PAGE % (contents, extra), b"", more)


def flate(content: bytes) -> bytes:
    data = zlib.compress(content, 9)
    return b"<</Length %d/Filter/FlateDecode>>stream\n%s\nendstream" % (len(data), data)


def unpacking(letters: bytes, times: int) -> Made:
    return lambda: page_with(b"", flate(letters * times), contents=b"[4 0 R 6 0 R]")()


def deep_pages() -> bytes:
    nodes = [b"<</Type/Pages/Count 1/Kids[%d 0 R]>>" % (n + 1) for n in range(6, 3006)]
    leaf = b"<</Type/Page/MediaBox[0 0 612 792]/Contents 4 0 R" + FONT % b"" + b">>"
    return make_pdf(HELLO, b"", b"<</Type/Pages/Count 1/Kids[6 0 R]>>", (*nodes, leaf))


def looping_xref() -> bytes:
    plain = make_pdf(HELLO)
    return plain.replace(b"trailer<<", b"trailer<</Prev %d" % plain.rindex(b"xref\n0"))


def mail_in_mail() -> bytes:
    mail = b"From: z\nSubject: inner\n\nHello there\n"
    for number in range(60):
        head = b"From: a%d\nMIME-Version: 1.0\nContent-Type: message/rfc822\n\n" % number
        mail = head + mail
    return mail


REFUSED: list[tuple[str, str, str, Made]] = [
    ("200 MiB of zeros", "a.docx", "too_large", lambda: packed({"word/d.xml": bytes(200 << 20)})),
    ("link entry", "a.docx", "broken", link_entry),
    ("million entries", "a.docx", "too_large", million_entries),
    ("one part twice", "a.docx", "broken", beside({"word/document.xml": b"<a/>"})),
    ("foreign entity", "a.docx", "broken", in_word(
        b"<w:document", b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><w:document')),
    ("empty part", "a.docx", "broken", lambda: edit_zip(
        word(), lambda name, part: b"" if name == "word/document.xml" else part)),
    ("wide attribute", "a.docx", "too_large", in_word(
        b"<w:body>", b'<w:body x="' + b"y" * 20_000_000 + b'">')),
    ("table in table", "a.docx", "broken", in_word(
        b"<w:body>", b"<w:body>" + b"<w:tbl><w:tr><w:tc>" * 400)),
    ("slides cut", "a.pptx", "broken", lambda: slides()[:-4000]),
    ("slide without shapes", "a.pptx", "broken", lambda: edit_zip(
        slides(), lambda name, part: b"<a/>" if name == "ppt/slides/slide1.xml" else part)),
    ("groups in groups", "a.pptx", "broken", in_slide(
        b"</p:spTree>", b"<p:grpSp>" * 3000 + b"</p:grpSp>" * 3000 + b"</p:spTree>")),
    ("deep page tree", "a.pdf", "broken", deep_pages),
    ("million brackets", "a.pdf", "no_text", lambda: make_pdf(b"[" * 1_000_000 + HELLO)),
    ("gif and html", "a.html", "unknown_type", lambda: (
        b"GIF89a/*<html><p>Hello there</p></html>*/=1;" + bytes(100))),
    ("endless number", "a.json", "broken", lambda: (
        b'{"text":"Hello there","n":' + b"9" * 1_000_000 + b"}")),
    ("too many rows", "a.jsonl", "too_large", lambda: ROW * 100_001),
    ("too many mails", "a.mbox", "too_large", lambda: LETTER * 100_001),
    ("201 MiB", "a.txt", "too_large", lambda: b"a" * (201 << 20)),
    ("overlong letters", "a.txt", "not_utf8", lambda: b"Hello \xc0\xaf\xe0\x80\xaf there \xf8\x88"),
    ("half pairs", "a.txt", "not_utf8", lambda: b"\xff\xfe" + b"\x00\xd8" * 50_000),
    ("name that turns", "\u202etxt.exe", "unknown_type", lambda: b"Hello there, turned"),
]  # fmt: skip


READ: list[tuple[str, str, str, Made]] = [
    ("zip in zip", "a.docx", "Hello there", beside(
        {"word/embeddings/a.zip": packed({"b": bytes(20 << 20)})})),
    ("names that climb", "a.docx", "Hello there", beside(
        {"../../../climbed": b"x", "/etc/climbed": b"x", "word\\..\\..\\climbed": b"x"})),
    ("template elsewhere", "a.docx", "Hello there", in_word(
        b"</Relationships>", TEMPLATE + b"</Relationships>", "word/_rels/document.xml.rels")),
    ("many runs", "a.docx", "aaaa", in_word(
        b"<w:body>", b"<w:body><w:p>" + b"<w:r><w:t>a</w:t></w:r>" * 200_000 + b"</w:p>")),
    ("no such string", "a.xlsx", "Name: Gold; Rate: 1", in_book(
        b'<c r="A3" t="s"><v>', b'<c r="A3" t="s"><v>9999')),
    ("endless merge", "a.xlsx", "Name: Gold; Rate: 1", in_book(b"</sheetData>", (
        b'</sheetData><mergeCells count="1"><mergeCell ref="A1:XFD1048576"/></mergeCells>'))),
    ("forged dimension", "a.xlsx", "Name: Gold; Rate: 1", in_book(
        b"<sheetData>", b'<dimension ref="A1:XFD1048576"/><sheetData>')),
    ("formula", "a.xlsx", "Name: Gold", in_book(b"<v>1</v>", b"<f>cmd|' /C calc'!A0</f><v>1</v>")),
    ("odd number", "a.xlsx", "Name: Gold", in_book(b"<v>1</v>", b"<v>1e999999999</v>")),
    ("spaces unpacked", "a.pdf", "Hello there", unpacking(b" ", 300 << 20)),
    ("words unpacked", "a.pdf", "Hello there", unpacking(WORDS, 1_000_000)),
    ("huge image", "a.pdf", "Hello there", page_with(b"/XObject<</I 6 0 R>>", IMAGE, words=(
        HELLO + b" q 50000 0 0 50000 0 0 cm /I Do Q"))),
    ("xref in a loop", "a.pdf", "Hello there", looping_xref),
    ("negative length", "a.pdf", "Hello there", lambda: make_pdf(HELLO).replace(
        b"/Length %d" % len(HELLO), b"/Length -99")),
    ("action on opening", "a.pdf", "Hello there", lambda: make_pdf(HELLO).replace(
        b"/Type/Catalog", b"/Type/Catalog/OpenAction<</S/JavaScript/JS(app.alert(1))>>")),
    ("endless page", "a.pdf", "Hello there", lambda: make_pdf(
        HELLO, (PAGE % (b"4 0 R", b"")).replace(b"612 792", b"1e38 1e38"))),
    ("html and pdf", "b.html", "Hello there", lambda: (
        b"<!doctype html><p>Hello there</p><!--\n%PDF-1.4 -->")),
    ("script and style", "a.html", "Hello there", lambda: (
        b"<!doctype html><script>secret()</script><style>secret{}</style><p>Hello there"
        b"<img src=http://127.0.0.1:9/x onerror=secret()>")),
    ("open comment", "a.html", "Hello there", lambda: (
        b"<html><p>Hello there</p><!--" + b"<p>secret " * 300_000)),
    ("flood of entities", "a.html", "Hello there", lambda: (
        b"<html><p>Hello there" + b"&amp;&#x41;&bogus;" * 300_000)),
    ("flood of tags", "a.html", "Hello there", lambda: (
        b"<html>Hello there" + b"<br><b></b>" * 200_000)),
    ("open tags", "a.html", "Hello there", lambda: b"<html>Hello there" + b"<" * 2_000_000),
    ("words in utf-7", "a.html", "Hello there", lambda: (
        b"<meta charset=utf-7><p>Hello there +ADw-script+AD4-")),
    ("escaped half pairs", "a.jsonl", "Hello there", lambda: (
        b'{"id":"\\ud800","title":"\\udfff\\u0000","text":"Hello there \\ud800\\u0000"}')),
    ("one key often", "a.json", "Hello there", lambda: (
        b"{" + b'"text":"x",' * 300_000 + b'"text":"Hello there"}')),
    ("no number", "a.jsonl", "Hello there", lambda: b'{"text":"Hello there","n":NaN,"m":1e999999}'),
    ("one long word", "a.txt", "Hello there", lambda: b"Hello there " + b"a" * 15_000_000),
    ("heaped marks", "a.txt", "Hello there", lambda: (
        "Hello there z" + "\u0301" * 2_000_000).encode()),
    ("abbreviations", "a.txt", "Hello there", lambda: b"Hello there. " + b"A. " * 3_000_000),
    ("emphasis", "a.md", "Hello there", lambda: b"Hello there\n\n" + b"*a **b " * 200_000),
    ("links in links", "a.md", "Hello there", lambda: b"Hello there\n\n" + b"[a](" * 200_000),
    ("backticks", "a.md", "Hello there", lambda: (
        b"Hello there\n\n" + b"".join(b"`" * n + b" " for n in range(1500)))),
    ("broken quotes", "a.csv", "a | b", lambda: b"a,b\n" + b'"x"",y"' * 1_000_000),
    ("many quotes", "a.csv", "a | b", lambda: b"a,b\n" + b'""' * 3_000_000 + b",1\n"),
    ("many headers", "a.eml", "Hello there", lambda: (
        b"".join(b"X-%d: a\n" % n for n in range(100_000)) + b"\nHello there\n")),
    ("folded header", "a.eml", "Hello there", lambda: (
        b"Subject: a\n" + b" b\n" * 500_000 + b"\nHello there\n")),
    ("mail in mail", "a.eml", "From: a59", mail_in_mail),
    ("coded header", "a.eml", "Hello there", lambda: (
        b"Subject: " + b"=?utf-8?q?a?= " * 100_000 + b"\n\nHello there\n")),
    ("name with nul", "a\0b.txt", "Hello there", lambda: b"Hello there, nul"),
    ("name of 4096", "x" * 4096 + ".txt", "Hello there", lambda: b"Hello there, long"),
    ("name of a path", "../../etc/passwd", "Hello there", lambda: b"Hello there, path"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "code", "make"), [r[1:] for r in REFUSED], ids=[r[0] for r in REFUSED]
)
def test_refused_by_name(name: str, code: str, make: Made, put: Any, child: Any) -> None:
    lines, status = child(str(put(make())), name, deadline=10)
    with pytest.raises(UnreadableFile) as refused:
        read_answer(lines)
    assert refused.value.code == code, refused.value
    assert "Traceback" not in refused.value.detail and len(refused.value.detail) < 200
    assert status != 0 and len(lines) <= 1


@pytest.mark.parametrize(("name", "text", "make"), [r[1:] for r in READ], ids=[r[0] for r in READ])
def test_read_in_bounds(name: str, text: str, make: Made, put: Any, child: Any, spans: Any) -> None:
    lines, status = child(str(put(make())), name, deadline=30)
    (document,) = read_answer(lines)
    spans(document)
    assert text in document.text and status == 0
    assert "secret" not in document.text and "secret" not in document.title


def test_what_takes_for_ever_is_ended(put: Any, child: Any) -> None:
    """The parser's library compares each attribute with all before it, and never looks up.

    Either the child's own watch ends it or, where the library lets nothing else run, the system.
    """
    attributes = b" ".join(b"a%d=1" % number for number in range(100_000))
    lines, status = child(
        str(put(b"<html><p " + attributes + b">Hello there")), "a.html", deadline=2
    )
    with pytest.raises(UnreadableFile) as refused:
        read_answer(lines)
    assert refused.value.code in ("too_large", "broken") and status != 0


@pytest.mark.long
def test_they_are_more_than_sixty_different_files() -> None:
    """By name and content; the files of the other module are made as its tests make them."""
    old = [(name, make(edit_zip, make_pdf)) for _, name, _, make in (*first.REFUSED, *first.READ)]
    made = [(name, make()) for _, name, _, make in (*REFUSED, *READ)]
    digests = {(name, hashlib.sha256(content).digest()) for name, content in (*old, *made)}
    assert len(digests) >= len(REFUSED) + len(READ) + 40 >= 100
