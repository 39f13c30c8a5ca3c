"""Opens a file safely and hands it to the family that reads its kind.

It follows no link, opens nothing but plain files, and opens each file once, so that what was
checked is what is read.  It knows sizes and kinds; the formats are the families' business, and
a family (with its library) is imported only when a file of its kind comes.
"""

from __future__ import annotations

import os
import stat
from importlib import import_module
from pathlib import Path
from typing import BinaryIO, Protocol, cast

from attenda.knowledge.parse.blocks import Limits, Parsed, UnreadableFile
from attenda.knowledge.parse.media import DOCX, HEAD_BYTES, PPTX, XLSX, media_type

__all__ = ["parse_file"]

_FAMILIES = {
    "application/pdf": "pdf",
    DOCX: "office",
    PPTX: "office",
    XLSX: "office",
    "text/plain": "text",
    "text/markdown": "text",
    "text/html": "text",
    "text/csv": "tables",
    "text/tab-separated-values": "tables",
    "application/json": "tables",
    "application/x-ndjson": "tables",
    "message/rfc822": "mail",
    "application/mbox": "mail",
}


class _Family(Protocol):
    def parse(self, file: BinaryIO, name: str, kind: str, limits: Limits) -> list[Parsed]:
        """Read one file of a kind that this family knows."""


def parse_file(path: Path, name: str, limits: Limits = Limits()) -> list[Parsed]:  # noqa: B008
    """Read the file at `path`, which its owner calls `name`, into one or more documents.

    Raises:
        UnreadableFile: with one of its codes; nothing is returned in part.
    """
    with _open_plain(path) as file:
        if os.fstat(file.fileno()).st_size > limits.max_bytes:
            raise UnreadableFile("too_large", f"The file is larger than {limits.max_bytes} bytes.")
        kind = media_type(name, file.read(HEAD_BYTES))
        file.seek(0)
        family = cast(_Family, import_module(f"{__package__}.{_FAMILIES[kind]}"))
        return family.parse(file, name, kind, limits)


def _open_plain(path: Path) -> BinaryIO:
    # O_NONBLOCK: opening a named pipe must not wait for a writer.
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    flags |= getattr(os, "O_BINARY", 0)
    try:
        if path.is_symlink():
            raise UnreadableFile("unknown_type", "Links are not followed.")
        descriptor = os.open(path, flags)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "its path is not valid"
        raise UnreadableFile("broken", f"The file cannot be opened: {reason}.") from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise UnreadableFile("unknown_type", "Only plain files are read.")
    return os.fdopen(descriptor, "rb")
