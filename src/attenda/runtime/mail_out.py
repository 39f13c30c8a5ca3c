"""An answer as an e-mail, whole before it is sent; and the mark by which its replies are known.

The Message-ID of what we send holds the session and a code that only we can make. A reply names it,
so whoever replies has had our mail; a sender's address proves nothing.
"""

import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, formataddr

from attenda.core.config import MailboxSpec
from attenda.core.message import Citation, Message
from attenda.core.words import sentence
from attenda.store.mail import Thread

__all__ = ["Letter", "our_ids", "reply_code", "session_replied_to", "written"]

_MARK = re.compile(r"<out_[0-9a-z]{26}\.(ses_[0-9a-z]{26})\.([0-9a-f]{20})@[^<>\s]{1,200}>")
_PLUS = re.compile(r"[^@+]{1,64}\+(ses_[0-9a-z]{26})\.([0-9a-f]{20})@")


@dataclass(frozen=True, slots=True)
class Letter:
    """What a mail is made of, beside its words."""

    id: str
    channel: str
    """The channel's name, as its sender."""
    thread: Thread
    code: str
    language: str
    now: int
    by_person: bool = False


def reply_code(channel_key: str, channel_id: str, session_id: str) -> str:
    """What proves that a reply answers a mail of ours in this session: 80 bits."""
    named = f"mail:{channel_id}:{session_id}".encode()
    return hmac.new(channel_key.encode(), named, hashlib.sha256).hexdigest()[:20]


def session_replied_to(
    channel_key: str, channel_id: str, refs: Iterable[str], to: Iterable[str]
) -> str | None:
    """The session that a mail replies to, by the Message-IDs it names or the address it came to."""
    marks = [_MARK.fullmatch(one) for one in refs] + [_PLUS.match(one) for one in to]
    for found in reversed([one for one in marks if one is not None]):
        session_id, code = found[1], found[2]
        if hmac.compare_digest(code, reply_code(channel_key, channel_id, session_id)):
            return session_id
    return None


def our_ids(refs: Iterable[str]) -> list[str]:
    """Ids of mails of ours among Message-IDs, whoever wrote them there."""
    return [one[1:].partition(".")[0] for one in refs if _MARK.fullmatch(one)]


def written(letter: Letter, message: Message, spec: MailboxSpec) -> str:
    """A whole mail as text, with CRLF: headers, the words, what they cite, what was not taken."""
    local, _, domain = spec.address.partition("@")
    thread = letter.thread
    mail = EmailMessage(policy=SMTP)
    mail["From"] = formataddr((_line(letter.channel), spec.address))
    mail["To"] = formataddr((_line(thread.name), thread.address))
    mail["Subject"] = _subject(thread.subject) if thread.last_id else _line(thread.subject)
    mail["Date"] = format_datetime(datetime.fromtimestamp(letter.now / 1e6, UTC))
    mark = f"{thread.session_id}.{letter.code}"
    mail["Message-ID"] = f"<{letter.id}.{mark}@{domain}>"
    if spec.plus_addresses:
        mail["Reply-To"] = f"{local}+{mark}@{domain}"
    if thread.last_id:
        mail["In-Reply-To"] = thread.last_id
        mail["References"] = thread.last_id
    mail["X-Attenda-Channel"] = thread.channel_id
    if not letter.by_person:
        mail["Auto-Submitted"] = "auto-replied"
        mail["X-Auto-Response-Suppress"] = "All"
    mail.set_content("\n".join(_body(letter, message)), cte="quoted-printable")
    return mail.as_bytes().decode("ascii")


def _body(letter: Letter, message: Message) -> Iterable[str]:
    language = letter.language
    yield message.text.strip()
    if message.citations:
        yield f"\n{sentence(language, 'mail.sources')}"
        yield from map(_source, message.citations)
    if letter.thread.untaken:
        names = ", ".join(letter.thread.untaken)
        yield f"\n{sentence(language, 'mail.untaken', names=names)}"
    if not letter.by_person:
        yield f"\n-- \n{sentence(language, 'mail.machine')}"


def _source(found: Citation) -> str:
    page = f", {found.page}" if found.page else ""
    return f"[{found.n}] {found.document}{page}: “{_line(found.quote)}”"


def _subject(given: str) -> str:
    subject = _line(given)
    return subject if re.match(r"re:", subject, re.I) else f"Re: {subject}".strip()


def _line(text: str) -> str:
    """One line: no header can be put in by a line's end."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:300]
