"""A help centre from files: Markdown, HTML or text, one by one or many in a zip.

Each file becomes an article, known by its path; its language stands before the ending, as in
`shipping.zh-CN.md`. A folder is handed in as a zip.
"""

import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import PurePosixPath

from attenda.api import ReadIn, UserError
from attenda.packs.support.import_values import Reading, Wrong
from attenda.packs.support.markup import plain, title_in

__all__ = ["read_help"]

_UNREADABLE = (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, OSError,
               EOFError, ValueError)  # fmt: skip
_SUFFIXES = (".md", ".markdown", ".html", ".htm", ".txt")
_LANGUAGE = re.compile(r"\.([a-z]{2}(?:-[A-Z]{2})?)$")
_MOST_FILES, _MOST_BYTES, _MOST_OF_ONE = 5000, 200 << 20, 2 << 20
"""Of a zip, as it says of itself before anything is unpacked."""


def read_help(name: str, content: bytes) -> ReadIn:
    """An article, or a zip of articles.

    Raises:
        UserError: it is a zip that cannot be read, or too large a one.
    """
    made = Reading()
    many = zipfile.is_zipfile(io.BytesIO(content))
    for path, read in _unpacked(name, content) if many else iter([(name, content)]):
        try:
            _add(made, path, read)
        except Wrong as problem:
            made.reject(path, problem)
    return made.done()


def _unpacked(name: str, content: bytes) -> Iterator[tuple[str, bytes | Wrong]]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as file:
            listed = [one for one in file.infolist() if not one.is_dir()]
            if len(listed) > _MOST_FILES or sum(one.file_size for one in listed) > _MOST_BYTES:
                raise UserError("request.invalid", place=name, problem="too much in one zip")
            for one in listed:
                if _is_left_over(one.filename):
                    continue  # what an operating system left there
                too_large = one.file_size > _MOST_OF_ONE
                yield one.filename, Wrong("too_large", mb=2) if too_large else file.read(one)
    except _UNREADABLE as error:
        raise UserError(
            "request.invalid", place=name, problem="a zip that cannot be read"
        ) from error


def _is_left_over(path: str) -> bool:
    return any(
        part.startswith((".", "__MACOSX")) and part not in (".", "..") for part in path.split("/")
    )


def _add(made: Reading, path: str, content: bytes | Wrong) -> None:
    if isinstance(content, Wrong):
        raise content
    clean = PurePosixPath(path.replace("\\", "/"))
    suffix = clean.suffix.lower()
    if suffix not in _SUFFIXES:
        raise Wrong("no_article", suffix=suffix or clean.name)
    try:
        text, html = content.decode("utf-8-sig"), suffix in (".html", ".htm")
    except UnicodeDecodeError as error:
        raise Wrong("utf8") from error
    if not (plain(text) if html else text).strip():
        raise Wrong("empty")
    named = [part for part in clean.with_suffix("").parts if part not in ("/", "..", ".")]
    found = _LANGUAGE.search(named[-1]) if named else None
    stem = "-".join(named)
    made.add("articles", id=f"{stem[:70]}{'.html' if html else '.md'}",
             title=title_in(text, html=html) or stem, language=found[1] if found else "",
             body=text, state="published", source="file", questions="", changed_by="",
             changed_at=None)  # fmt: skip
