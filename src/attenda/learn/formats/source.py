"""A file of conversations as lines of text, each with its number.

Refuses what is no text by its first bytes, so nothing is ever unpacked or run. It knows no format.
"""

import codecs
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from attenda.core.errors import UserError

__all__ = ["Source", "undecoded"]

_HEAD_BYTES = 1 << 16
_PICKLE = re.compile(rb"\x80[\x02-\x05]")
_KINDS = {
    b"PK\x03\x04": "zip/xlsx/docx",
    b"\x1f\x8b": "gzip",
    b"%PDF": "pdf",
    b"PAR1": "parquet",
    b"ARROW1": "arrow",
    b"\xff\xff\xff\xff\x10\x00\x00\x00": "arrow",
    b"SQLite format 3": "sqlite",
    b"GGUF": "gguf",
    b"\x93NUMPY": "numpy",
    b"\x89PNG": "png",
    b"\xff\xd8\xff": "jpeg",
    b"\xfd7zXZ": "xz",
    b"BZh": "bzip2",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\xd0\xcf\x11\xe0": "xls/doc",
}
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_ESCAPED = re.compile("[\udc80-\udcff]")


@dataclass(frozen=True, slots=True)
class Source:
    """A text file that was found readable."""

    path: Path
    encoding: str
    head: str
    """Its beginning, to recognise the format by."""

    @classmethod
    def of(cls, path: Path, encoding: str = "") -> "Source":
        """Look at the file's first bytes.

        Raises:
            UserError: it can't be read, is empty, or is no text.
        """
        try:
            with path.open("rb") as file:
                start = file.read(_HEAD_BYTES)
        except OSError:
            raise UserError("file.missing", path=path) from None
        marked = next((name for mark, name in _MARKS if start.startswith(mark)), "")
        if not marked:
            _refuse_binary(path, start)
        found = marked or encoding or "utf-8"
        head = start.decode(found, errors="replace").lstrip("\ufeff")
        if not head.strip():
            raise UserError("learn.data.empty_file", path=path)
        return cls(path, found, head)

    @property
    def damaged(self) -> bool:
        """Whether its beginning has bytes that are no text in its encoding."""
        return "\ufffd" in self.head[:-1]

    def place(self, line: int) -> str:
        """The place of a line, for a person."""
        return f"{self.path.as_posix()}:{line}"

    @contextmanager
    def open(self, newline: str | None = None) -> Iterator[TextIO]:
        """The text; bytes that are none stay visible to `undecoded`.

        Raises:
            UserError: it can't be read any more.
        """
        errors = "replace" if self.encoding == "utf-16" else "surrogateescape"
        try:
            file = self.path.open(encoding=self.encoding, errors=errors, newline=newline)
        except OSError:
            raise UserError("file.missing", path=self.path) from None
        with file:
            yield file

    def lines(self) -> Iterator[tuple[int, str]]:
        """Each line with its number, from 1, without its end."""
        with self.open() as file:
            for number, line in enumerate(file, 1):
                yield number, line.rstrip("\n")


def undecoded(text: str) -> bool:
    """Whether bytes in it were no text in the file's encoding."""
    return _ESCAPED.search(text) is not None


def _refuse_binary(path: Path, start: bytes) -> None:
    if _PICKLE.match(start):
        raise UserError("learn.data.pickle", path=path)
    kind = next((name for magic, name in _KINDS.items() if start.startswith(magic)), "")
    if kind or b"\0" in start:
        raise UserError("learn.data.binary", path=path, kind=kind or "?")
