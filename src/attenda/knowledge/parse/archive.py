"""Checks an Office file's archive before any library opens it.

It bounds the number of entries, their total size and how far they unpack, and refuses encrypted
entries, odd compressions and any XML part with a DOCTYPE, which Office never writes and entity
attacks need.  Archives inside the archive stay closed.  It does not know what the parts mean.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from typing import BinaryIO

from attenda.knowledge.parse.blocks import Limits, UnreadableFile
from attenda.knowledge.parse.media import DOCX, PPTX, XLSX

__all__ = ["check_archive"]

_ENTRY = b"PK\x01\x02"
_CHUNK = 1 << 20
_HARMLESS = 1 << 20  # below this, no ratio does damage
_PROLOG_BYTES = 65_536
_PROLOG = re.compile(r"(?:\s+|<\?.*?\?>|<!--.*?-->)*", re.S)
_DECLARED = re.compile(r"<\?xml[^>]*?encoding\s*=\s*[\"']([^\"']*)[\"']", re.I)
_ENCODINGS = {"utf-8", "utf8", "utf-16", "us-ascii", "ascii", "iso-8859-1", "windows-1252"}
_EBCDIC_XML = b"\x4c\x6f\xa7\x94"


def check_archive(file: BinaryIO, limits: Limits) -> str:
    """Check an archive and give the media type that its folders show.

    Raises:
        UnreadableFile: 'broken', 'encrypted', 'too_large' or 'unknown_type'.
    """
    if _count_entries(file) > limits.max_entries:
        raise UnreadableFile("too_large", f"The file has more than {limits.max_entries} parts.")
    file.seek(0, 2)
    size = file.tell()
    try:
        with zipfile.ZipFile(file) as archive:
            entries = archive.infolist()
            _check_sizes(entries, size, limits)
            for entry in entries:
                _check_part(archive, entry)
            kind = _kind({entry.filename for entry in entries})
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        OSError,
        ValueError,
        NotImplementedError,
    ) as error:
        raise UnreadableFile("broken", "The file's archive is damaged or cut off.") from error
    file.seek(0)
    return kind


def _count_entries(file: BinaryIO) -> int:
    """Count directory records by their mark: zipfile would build them all before we could."""
    file.seek(0)
    count, tail = 0, b""
    while chunk := file.read(_CHUNK):
        count += (tail + chunk).count(_ENTRY)
        tail = chunk[-3:]
    return count


def _check_sizes(entries: list[zipfile.ZipInfo], size: int, limits: Limits) -> None:
    if any(entry.flag_bits & 1 for entry in entries):
        raise UnreadableFile("encrypted", "The file is protected by a password.")
    if any(e.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for e in entries):
        raise UnreadableFile("broken", "The file is packed in a way that Office does not use.")
    # zipfile never unpacks more than an entry declares, so the declared total is a true bound.
    unpacked = sum(entry.file_size for entry in entries)
    if unpacked > limits.max_unpacked_bytes:
        raise UnreadableFile(
            "too_large", f"The file unpacks to more than {limits.max_unpacked_bytes} bytes."
        )
    if unpacked > max(_HARMLESS, limits.max_unpack_ratio * size):
        raise UnreadableFile(
            "too_large", f"The file unpacks to more than {limits.max_unpack_ratio} times its size."
        )


def _check_part(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> None:
    with archive.open(entry) as part:
        head = part.read(_PROLOG_BYTES)
    named = entry.filename.lower().endswith((".xml", ".rels"))
    bare = head.removeprefix(b"\xef\xbb\xbf").lstrip(b"\0 \t\r\n")
    marked = head.startswith((b"\xff\xfe", b"\xfe\xff"))
    if head.startswith(_EBCDIC_XML):
        raise UnreadableFile("broken", "A part of the file is in an encoding Office does not use.")
    if not (marked or bare.startswith(b"<")):
        if named and head:
            raise UnreadableFile("broken", "A part of the file is not XML.")
        return
    try:
        text = head.decode("utf-16" if marked else "latin-1", "ignore")
    except UnicodeError as error:
        raise UnreadableFile("broken", "A part of the file is not readable XML.") from error
    if not marked and b"\0" in head[:4]:
        raise UnreadableFile("broken", "A part of the file is in an encoding Office does not use.")
    _check_prolog(text)


def _check_prolog(text: str) -> None:
    declared = _DECLARED.search(text, 0, 400)
    if declared and declared[1].lower() not in _ENCODINGS:
        raise UnreadableFile("broken", "A part of the file is in an encoding Office does not use.")
    prolog = _PROLOG.match(text.removeprefix("ï»¿"))
    after = text.removeprefix("ï»¿")[prolog.end() if prolog else 0 :]
    if after[:9].upper() == "<!DOCTYPE":
        raise UnreadableFile("broken", "A part of the file has a DOCTYPE, which is not allowed.")
    if after[:1] == "<" and after[1:2] not in ("!", "?"):
        return
    raise UnreadableFile("broken", "A part of the file has no XML element where one should start.")


def _kind(names: set[str]) -> str:
    for folder, kind in (("word/", DOCX), ("ppt/", PPTX), ("xl/", XLSX)):
        if "[Content_Types].xml" in names and any(name.startswith(folder) for name in names):
            return kind
    raise UnreadableFile("unknown_type", "The file is an archive, not a DOCX, PPTX or XLSX file.")
