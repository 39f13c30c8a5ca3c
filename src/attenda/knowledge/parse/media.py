"""Says what kind a file is, by its content first and by its name's ending second.

It sees only the file's first bytes: an Office file's directory stands at its end, so where those
bytes do not decide, the ending does, and the office family looks again.  Text formats look alike,
so among them only HTML and mbox are told by content.
"""

from __future__ import annotations

import re

from attenda.knowledge.parse.blocks import UnreadableFile
from attenda.knowledge.parse.draft import clean_name

__all__ = ["DOCX", "HEAD_BYTES", "PPTX", "XLSX", "media_type"]

HEAD_BYTES = 65_536

_OOXML = "application/vnd.openxmlformats-officedocument."
DOCX = _OOXML + "wordprocessingml.document"
PPTX = _OOXML + "presentationml.presentation"
XLSX = _OOXML + "spreadsheetml.sheet"

_FOLDERS = ((b"word/", DOCX), (b"ppt/", PPTX), (b"xl/", XLSX))
_OFFICE_ENDINGS = {"docx": DOCX, "pptx": PPTX, "xlsx": XLSX, "xlsm": XLSX, "pptm": PPTX}
_TEXT_ENDINGS = {
    "": "text/plain",
    "txt": "text/plain",
    "text": "text/plain",
    "log": "text/plain",
    "md": "text/markdown",
    "markdown": "text/markdown",
    "csv": "text/csv",
    "tsv": "text/tab-separated-values",
    "html": "text/html",
    "htm": "text/html",
    "xhtml": "text/html",
    "json": "application/json",
    "jsonl": "application/x-ndjson",
    "ndjson": "application/x-ndjson",
    "eml": "message/rfc822",
    "mbox": "application/mbox",
}
_SIGNATURES = (
    (b"\x89PNG", "an image"),
    (b"\xff\xd8\xff", "an image"),
    (b"GIF8", "an image"),
    (b"II*\x00", "an image"),
    (b"MM\x00*", "an image"),
    (b"\x1f\x8b", "a compressed archive"),
    (b"7z\xbc\xaf\x27\x1c", "a compressed archive"),
    (b"Rar!\x1a", "a compressed archive"),
    (b"\x7fELF", "a program"),
    (b"{\\rtf", "an RTF file; save it as DOCX"),
)
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_BOMS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_HTML = re.compile(rb"\s*(?:<\?xml[^>]{0,200}\?>\s*)?(?:<!doctype\s+html|<html[\s>]|<head>)", re.I)
_MBOX = re.compile(rb"From \S[^\n]{0,300}\d{4}[^\n]{0,12}\n[!-9;-~]{1,100}:")
_CONTROL = bytes(set(range(9)) | set(range(14, 27)) | set(range(28, 32)) | {127})


def media_type(name: str, head: bytes) -> str:
    """Give the media type of a file called `name` that starts with `head`.

    Raises:
        UnreadableFile: 'empty', 'encrypted' or 'unknown_type'.
    """
    if not head:
        raise UnreadableFile("empty", "The file is empty.")
    name = clean_name(name)
    ending = name.rsplit(".", 1)[-1].lower() if "." in name[1:] else ""
    if head.startswith(b"PK\x03\x04"):
        return _zip_type(ending, head)
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"%PDF-"):
        return "application/pdf"
    if ending == "pdf" and b"%PDF-" in head[:1024]:
        return "application/pdf"
    _refuse_binary(ending, head)
    return _text_type(ending, head)


def _zip_type(ending: str, head: bytes) -> str:
    at = 0
    while at >= 0:
        length = int.from_bytes(head[at + 26 : at + 28], "little")
        entry = head[at + 30 : at + 30 + length]
        for folder, kind in _FOLDERS:
            if entry.startswith(folder):
                return kind
        at = head.find(b"PK\x03\x04", at + 30)
    if ending in _OFFICE_ENDINGS:
        return _OFFICE_ENDINGS[ending]
    raise UnreadableFile("unknown_type", "The file is an archive, not a DOCX, PPTX or XLSX file.")


def _refuse_binary(ending: str, head: bytes) -> None:
    if head.startswith(_OLE):
        if ending in _OFFICE_ENDINGS or "EncryptedPackage".encode("utf-16-le") in head:
            raise UnreadableFile("encrypted", "The file is protected by a password.")
        raise UnreadableFile(
            "unknown_type", "The file is in an old Office format; save it as DOCX, PPTX or XLSX."
        )
    for signature, what in _SIGNATURES:
        if head.startswith(signature):
            raise UnreadableFile("unknown_type", f"The file is {what}.")
    if head.startswith(_BOMS):
        return
    # A stray control character is a damaged text; one in twenty is no text at all.
    if len(head) - len(head.translate(None, _CONTROL)) > len(head) // 20:
        raise UnreadableFile("unknown_type", "The file is neither text nor a known format.")


def _text_type(ending: str, head: bytes) -> str:
    plain = head.removeprefix(b"\xef\xbb\xbf")
    if _HTML.match(plain):
        return "text/html"
    if _MBOX.match(plain.replace(b"\r\n", b"\n")):
        return "application/mbox"
    kind = _TEXT_ENDINGS.get(ending)
    if kind is None:
        raise UnreadableFile(
            "unknown_type", f"Files ending in .{ending[:20]} with this content are not read."
        )
    return kind
