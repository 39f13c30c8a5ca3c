"""Reads mails (EML) and mailboxes (mbox), one document a mail.

The text is a line of sender, receiver and date, then the plain body or else the HTML body's
text, then the attachments' names.  Attachments and forwarded mails are named, never opened.
Message identifiers become external ids in mailboxes only, where one file holds many mails.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from email import message_from_bytes
from email.errors import MessageError
from email.header import decode_header
from email.message import Message
from typing import Any, BinaryIO

from attenda.knowledge.parse.blocks import Limits, Parsed, UnreadableFile
from attenda.knowledge.parse.draft import Draft, clean, finish, one_line, title_of
from attenda.knowledge.parse.html import html_into

__all__ = ["header", "parse", "parts"]

_FROM_LINE = re.compile(rb"From \S[^\n]{0,300}\d{4}[^\n]{0,12}\r?\n$")
_QUOTED_FROM = re.compile(rb"^>(>*From )", re.M)
_BLANK_LINES = re.compile(r"\n[ \t]*\n")
_MAX_HEADER = 20_000


def parse(file: BinaryIO, name: str, kind: str, limits: Limits) -> list[Parsed]:
    """Read one mail or a box of mails."""
    if kind == "message/rfc822":
        return [_mail(file.read(), name, limits, boxed=False)]
    mails: list[Parsed] = []
    for data in _split(file):
        if len(mails) >= limits.max_records:
            raise UnreadableFile("too_large", f"The box has more than {limits.max_records} mails.")
        mails.append(_mail(data, name, limits, boxed=True))
    if not mails:
        raise UnreadableFile("broken", "The box holds no mail that can be told apart.")
    return mails


def _split(file: BinaryIO) -> Iterator[bytes]:
    """Cut a box at its 'From ' lines, which stand at the start or after an empty line."""
    lines: list[bytes] | None = None
    blank = True
    for line in file:
        if blank and _FROM_LINE.match(line):
            if lines:
                yield _QUOTED_FROM.sub(rb"\1", b"".join(lines))
            lines = []
        elif lines is not None:
            lines.append(line)
        blank = not line.strip()
    if lines:
        yield _QUOTED_FROM.sub(rb"\1", b"".join(lines))


def _mail(data: bytes, name: str, limits: Limits, boxed: bool) -> Parsed:
    try:
        message = message_from_bytes(data)
        plain, html, attached = parts(message)
    except (RecursionError, MessageError, ValueError, LookupError) as error:
        raise UnreadableFile("broken", "The mail's structure cannot be read.") from error
    if not message.keys():
        raise UnreadableFile("broken", "The mail has no headers.")
    draft = Draft(limits)
    heads = ((key, header(message, key)) for key in ("From", "To", "Date"))
    draft.add("paragraph", "; ".join(f"{key}: {value}" for key, value in heads if value))
    for text in plain:
        for paragraph in _BLANK_LINES.split(clean(text)):
            draft.add("paragraph", paragraph)
    if not plain:
        for text in html:
            html_into(draft, clean(text))
    if attached:
        draft.add("paragraph", "Attachments: " + ", ".join(attached))
    identity = header(message, "Message-ID").strip("<> ") if boxed else ""
    subject = header(message, "Subject") or ("(no subject)" if boxed else "")
    return finish(title_of(name, subject), draft.text, draft.blocks, (), identity or None)


def header(message: Message, key: str) -> str:
    """A header's text, its first if it is there twice; raw bytes in it are read as UTF-8."""
    raw = next((v for k, v in message.raw_items() if k.lower() == key.lower()), "")
    value = str(raw)[:_MAX_HEADER].encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    try:
        pieces = [
            text if isinstance(text, str) else _decode(text, charset)
            for text, charset in decode_header(value)
        ]
    except (MessageError, ValueError):
        return one_line(clean(value))
    return one_line(clean("".join(pieces)))


def _decode(data: bytes, charset: str | None) -> str:
    try:
        return data.decode(charset or "utf-8", "replace")
    except (LookupError, ValueError):
        return data.decode("utf-8", "replace")


def parts(message: Message) -> tuple[list[str], list[str], list[str]]:
    """The plain texts, the HTML texts and the attachments' names."""
    plain: list[str] = []
    html: list[str] = []
    attached: list[str] = []
    waiting: list[Any] = [message]
    while waiting:
        part = waiting.pop()
        kind, name = part.get_content_type(), part.get_filename()
        if part.get_content_disposition() == "attachment" or name or kind == "message/rfc822":
            attached.append(one_line(clean(str(name or "unnamed")))[:200])
        elif part.is_multipart():
            waiting += reversed(part.get_payload())
        elif kind in ("text/plain", "text/html"):
            text = _decode(part.get_payload(decode=True) or b"", part.get_content_charset())
            if text.strip():
                (plain if kind == "text/plain" else html).append(text)
    return plain, html, attached
