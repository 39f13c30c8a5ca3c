"""What the parser's tests share: a file on disk, a small PDF, and the child process."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

import attenda.knowledge.parse as parse

SOURCE = Path(parse.__file__).resolve().parents[3]


@pytest.fixture
def put(tmp_path: Path) -> Callable[[bytes], Path]:
    def write(data: bytes) -> Path:
        path = tmp_path / "upload"
        path.write_bytes(data)
        return path

    return write


@pytest.fixture
def read(put: Callable[[bytes], Path]) -> Callable[..., list[parse.Parsed]]:
    def run(name: str, data: bytes, **limits: int) -> list[parse.Parsed]:
        found = parse.parse_file(put(data), name, parse.Limits(**limits))
        for document in found:
            check_spans(document)
            assert parse.Parsed.from_json(document.to_json()) == document
        return found

    return run


@pytest.fixture
def child() -> Callable[..., tuple[list[bytes], int]]:
    def run(path: str, name: str, **more: object) -> tuple[list[bytes], int]:
        done = subprocess.run(
            [sys.executable, "-m", "attenda.knowledge.parse.child"],
            input=json.dumps({"path": path, "name": name, **more}).encode() + b"\n",
            capture_output=True,
            timeout=60,
            env={**os.environ, "PYTHONPATH": str(SOURCE)},
        )
        return done.stdout.splitlines(keepends=True), done.returncode

    return run


@pytest.fixture
def spans() -> Callable[[parse.Parsed], None]:
    return check_spans


@pytest.fixture
def pdf() -> Callable[..., bytes]:
    return make_pdf


@pytest.fixture
def rezip() -> Callable[..., bytes]:
    return edit_zip


def check_spans(document: parse.Parsed) -> None:
    text, last = document.text, 0
    assert document.title.strip() and "\n" not in document.title
    assert document.blocks
    assert "\0" not in text and "\r" not in text
    text.encode()
    for block in document.blocks:
        piece = text[block.start : block.end]
        assert last <= block.start < block.end <= len(text)
        assert piece == piece.strip() != ""
        last = block.end
    last = 0
    for page in document.pages:
        assert last <= page.start <= page.end <= len(text)
        last = page.end
        at = page.start
        for box in page.boxes:
            assert at <= box.start < box.end <= page.end
            assert box.x0 <= box.x1 and box.y0 <= box.y1
            assert not any(c.isspace() for c in text[box.start : box.end])
            at = box.end
        for block in document.blocks:
            if block.page == page.number:
                assert page.start <= block.start and block.end <= page.end


def make_pdf(
    content: bytes, page: bytes = b"", pages: bytes = b"", more: tuple[bytes, ...] = ()
) -> bytes:
    """Write a one-page PDF by hand; `page` and `pages` replace those objects."""
    page = page or b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R EXTRA>>"
    page = page.replace(b"EXTRA", b"/Resources<</Font<</F1 5 0 R>>>>")
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        pages or b"<</Type/Pages/Count 1/Kids[3 0 R]>>",
        page,
        b"<</Length %d>>stream\n%s\nendstream" % (len(content), content),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
        *more,
    ]
    out, offsets = bytearray(b"%PDF-1.4\n"), []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)
    return bytes(out)


def edit_zip(
    data: bytes, edit: Callable[[str, bytes], bytes], add: dict[str, bytes] | None = None
) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", 8) as new:
        for name in old.namelist():
            new.writestr(name, edit(name, old.read(name)))
        for name, part in (add or {}).items():
            new.writestr(name, part)
    return out.getvalue()
