"""An e-mail read as a value: who seems to write, their new words, and whether a machine wrote them.

Nothing of it is believed: the sender's address is a claim, names of attachments are text, and the
history that is quoted below the new words is somebody else's. Attachments are named, never opened.
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from email import message_from_bytes
from email.errors import MessageError
from email.message import Message
from email.utils import getaddresses, parseaddr
from typing import Literal

from attenda.knowledge.parse.blocks import Limits, UnreadableFile
from attenda.knowledge.parse.draft import Draft, clean
from attenda.knowledge.parse.html import html_into
from attenda.knowledge.parse.mail import header, parts

__all__ = ["Mail", "own_words", "read_mail"]

_ADDRESS = re.compile(r"[a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[a-z0-9.-]{1,180}", re.I | re.A)
_ID = re.compile(r"<[!-;=?-~]{1,300}>")
_MACHINES = re.compile(
    r"(mailer-daemon|postmaster|no-?reply|do-?not-?reply|bounces?|listserv|majordomo)([+=-].*)?@",
    re.I,
)
_BEGINS_HISTORY = re.compile(
    r"(-{2,} ?(original message|forwarded message|ursprüngliche nachricht|原始邮件|转发的邮件)"
    r" ?-{2,}"
    r"|_{20,}|on .{4,200} wrote:|am .{4,200} schrieb.{0,100}:|.{0,200}(写道|寫道)[:：]"
    r"|begin forwarded message:|发件人[:：].*)",
    re.I,
)
_HEADS = re.compile(r"(from|von|发件人)\s*[:：]", re.I)
_MORE_HEADS = re.compile(r"(sent|date|to|gesendet|发送时间|收件人)\s*[:：]", re.I)
_MOST_WORDS = 20_000
_LIMITS = Limits(max_bytes=1 << 20, max_text_chars=400_000)


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail."""

    key: str
    """Hash of its Message-ID: the same mail has the same, wherever it lies."""
    message_id: str
    refs: tuple[str, ...]
    """Message-IDs of what it answers, the nearest last."""
    sender: str
    """The address in `From`, in lower case; empty for none that can be answered."""
    name: str
    to: tuple[str, ...]
    subject: str
    text: str
    """The sender's new words."""
    attachments: tuple[str, ...]
    kind: Literal["person", "automatic", "bounce"]
    """Who seems to have written it; only a person is answered."""
    cut: bool = False
    """Whether it was too long to be read whole."""


def read_mail(data: bytes, size: int = 0) -> Mail:
    """Read a mail, or its beginning where `size` says that it is longer; nothing in it raises."""
    try:
        message = message_from_bytes(data)
        plain, pages, attached = parts(message)
    except (RecursionError, MessageError, ValueError, LookupError):
        message, plain, pages, attached = Message(), [], [], []
    message_id = next(iter(_ID.findall(header(message, "Message-ID"))), "")
    answers = _ID.findall(header(message, "In-Reply-To"))
    refs = (*_ID.findall(header(message, "References"))[-50:], *answers[:1])
    name, sender = _sender(message)
    body = "\n\n".join(plain) if plain else "\n\n".join(map(_page_text, pages))
    return Mail(
        key=hashlib.sha256(message_id.encode() if message_id else data).hexdigest(),
        message_id=message_id,
        refs=refs,
        sender=sender,
        name=name[:120],
        to=_receivers(message),
        subject=header(message, "Subject")[:300],
        text=own_words(clean(body))[:_MOST_WORDS],
        attachments=tuple(attached[:20]),
        kind=_kind(message, sender),
        cut=size > len(data),
    )


def _sender(message: Message) -> tuple[str, str]:
    try:
        name, address = parseaddr(header(message, "From")[:1000])
    except RecursionError:  # comments within comments
        return "", ""
    return name, address.lower() if _ADDRESS.fullmatch(address) else ""


def _receivers(message: Message) -> tuple[str, ...]:
    named = [header(message, one)[:2000] for one in ("To", "Cc", "Delivered-To")]
    try:
        return tuple(address.lower() for _, address in getaddresses(named)[:50] if address)
    except RecursionError:
        return ()


def _page_text(page: str) -> str:
    draft = Draft(_LIMITS)
    try:
        html_into(draft, clean(page))
    except (UnreadableFile, RecursionError):
        return ""
    return draft.text


def _kind(message: Message, sender: str) -> Literal["person", "automatic", "bounce"]:
    """By the marks that machines set (RFC 3834, RFC 3464 and custom)."""
    daemon = sender.startswith(("mailer-daemon@", "postmaster@"))
    if message.get_content_type() in ("multipart/report", "message/delivery-status") or daemon:
        return "bounce"
    sent_by = header(message, "Auto-Submitted").lower()
    marks = (
        sent_by and not sent_by.startswith("no"),
        header(message, "Precedence").lower() in ("bulk", "junk", "list", "auto_reply"),
        header(message, "Return-Path").strip() == "<>",
        header(message, "X-Auto-Response-Suppress").lower() in ("all", "oof", "autoreply"),
        any(_has(message, one) for one in ("List-Id", "List-Unsubscribe", "Feedback-ID")),
        any(_has(message, one) for one in ("X-Autoreply", "X-Autorespond", "X-Attenda-Channel")),
        _MACHINES.match(sender) is not None,
        not sender,
    )
    return "automatic" if any(marks) else "person"


def _has(message: Message, name: str) -> bool:
    return any(key.lower() == name.lower() for key, _ in message.raw_items())


def own_words(text: str) -> str:
    """What somebody wrote anew: without the history below and the signature.

    Where they wrote between quoted lines, the quoted lines alone go.
    """
    lines = [line.rstrip() for line in text.split("\n")]
    kept = _before_history(lines)
    words = "\n".join(_without_quotes(kept)).strip()
    return words or "\n".join(_without_quotes(lines)).strip()


def _before_history(lines: list[str]) -> list[str]:
    for place, line in enumerate(lines):
        if line in ("--", "-- "):
            return lines[:place]
        bare = line.strip(" *\u200b")
        together = " ".join(one.strip() for one in lines[place : place + 3])
        if _BEGINS_HISTORY.fullmatch(bare) or _wrote(bare, together):
            return lines[:place]
        following = lines[place + 1 : place + 5]
        if _HEADS.match(bare) and any(_MORE_HEADS.match(one.strip(" *")) for one in following):
            return lines[:place]
    return lines


def _wrote(line: str, together: str) -> bool:
    """“On Monday, a person with a long name” … “wrote:”, broken over up to three lines."""
    return bool(
        re.match(r"on .{6}", line, re.I) and re.match(r"on .{4,200}? wrote:", together, re.I)
    )


def _without_quotes(lines: Iterable[str]) -> list[str]:
    return [line for line in lines if not line.lstrip().startswith(">")]
