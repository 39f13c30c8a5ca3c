"""Mails and mailboxes: each thread becomes a ticket. Read in memory; attachments are named alone.

A mail is known by its Message-ID, its thread by the References or In-Reply-To that lead to the
first one, so that a later mail finds the ticket that its thread began.
"""

import datetime
import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import getaddresses, parsedate_to_datetime
from itertools import groupby

from attenda.api import ReadIn, UserError
from attenda.packs.support.import_values import Reading, Wrong, without_cards
from attenda.packs.support.markup import plain

__all__ = ["read_mail"]

_FROM_LINE = re.compile(rb"From \S[^\n]{0,300}\d{4}[^\n]{0,12}\r?\n?$")
_QUOTED_FROM = re.compile(rb"^>(>*From )", re.MULTILINE)
_ID = re.compile(r"<([^<>\s]+)>")
_PREFIX = re.compile(r"^\s*(?:(?:re|fwd?|aw|wg|回复|答复|转发)\s*[:：]\s*)+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Mail:
    place: str
    id: str
    parents: tuple[str, ...]
    """Ids that it refers to, the oldest first."""
    address: str
    name: str
    subject: str
    at: int
    text: str
    files: str


def read_mail(name: str, content: bytes) -> ReadIn:
    """An `.eml` file or an mbox; the same Message-ID counts once.

    Raises:
        UserError: there is no mail in it.
    """
    made, mails = Reading(), dict[str, _Mail]()
    pieces = list(_pieces(name, content))
    if not pieces:
        raise UserError("request.invalid", place=name, problem="no mail that can be told apart")
    for place, piece in pieces:
        try:
            mail = _mail(place, piece)
        except (Wrong, ArithmeticError, LookupError, ValueError, RecursionError) as problem:
            made.reject(place, problem if isinstance(problem, Wrong) else Wrong("mail"))
            continue
        if mail.id in mails:
            made.reject(place, Wrong("same_mail", other=mails[mail.id].place))
        else:
            mails[mail.id] = mail
    roots = {id_: _root(id_, mails) for id_ in mails}
    ordered = sorted(mails.values(), key=lambda one: (roots[one.id], one.at, one.id))
    for root, thread in groupby(ordered, key=lambda one: roots[one.id]):
        _add_ticket(made, root, list(thread))
    return made.done(keeps=frozenset({"tickets"}))  # whose it is, its first mail has said


def _pieces(name: str, content: bytes) -> Iterator[tuple[str, bytes]]:
    """Mails with their places; a box is cut at its `From ` lines."""
    if not _FROM_LINE.match(content.partition(b"\n")[0] + b"\n"):
        if re.match(rb"[!-9;-~]+:", content.lstrip()):
            yield name, content
        return
    lines: list[bytes] = []
    blank, number = True, 0
    for line in content.splitlines(keepends=True):
        if blank and _FROM_LINE.match(line):
            if number:
                yield f"{name} {number}", _QUOTED_FROM.sub(rb"\1", b"".join(lines))
            lines, number = [], number + 1
        else:
            lines.append(line)
        blank = not line.strip()
    yield f"{name} {number}", _QUOTED_FROM.sub(rb"\1", b"".join(lines))


def _mail(place: str, piece: bytes) -> _Mail:
    message = message_from_bytes(piece, policy=policy.default)
    assert isinstance(message, EmailMessage)
    senders = getaddresses([str(one) for one in message.get_all("From", [])])
    address = senders[0][1].strip().lower() if senders else ""
    if "@" not in address:
        raise Wrong("no_sender")
    text, subject = _words(message), " ".join(str(message.get("Subject", "")).split())
    ids = _ID.findall(str(message.get("Message-ID", "")))
    made_up = hashlib.sha256(f"{address}\n{message.get('Date')}\n{subject}\n{text}".encode())
    parents = _ID.findall(str(message.get("References", "")))
    for one in _ID.findall(str(message.get("In-Reply-To", ""))):
        if one not in parents:
            parents.append(one)
    files = [one.get_filename() or one.get_content_type() for one in _attached(message)]
    return _Mail(place, ids[0] if ids else made_up.hexdigest(), tuple(parents), address,
                 senders[0][0], subject, _moment(message), text, ", ".join(files))  # fmt: skip


def _moment(message: EmailMessage) -> int:
    try:
        found = parsedate_to_datetime(str(message["Date"]))
    except (TypeError, ValueError, OverflowError) as error:
        raise Wrong("no_date") from error
    aware = found if found.tzinfo else found.replace(tzinfo=datetime.UTC)
    return round(aware.timestamp()) * 1_000_000


def _words(message: EmailMessage) -> str:
    """The plain body, else the words of the HTML body."""
    body = message.get_body(preferencelist=("plain", "html"))
    if body is None:
        return ""
    try:
        text = str(body.get_content())
    except (LookupError, UnicodeError):  # a character set that nobody knows
        raw = body.get_payload(decode=True)
        text = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else ""
    return plain(text) if body.get_content_subtype() == "html" else text.strip()


def _attached(message: EmailMessage) -> Iterator[EmailMessage]:
    """Parts that are attachments; what hangs below one is not looked at."""
    for part in message.iter_attachments():
        if isinstance(part, EmailMessage):
            yield part


def _root(id_: str, mails: Mapping[str, _Mail]) -> str:
    """The id that a thread began with, here or elsewhere."""
    seen = {id_}
    while id_ in mails and mails[id_].parents:
        above = mails[id_].parents[0]
        if above in seen:  # they refer to each other
            return min(seen)
        seen.add(above)
        id_ = above
    return id_


def _add_ticket(made: Reading, root: str, thread: list[_Mail]) -> None:
    first, last = thread[0], thread[-1]
    id_ = f"mail-{hashlib.sha256(root.encode()).hexdigest()[:24]}"
    made.add("tickets", id=id_, source="mail", email=first.address, name=first.name,
             subject=_PREFIX.sub("", first.subject), status="", tags="", score="", comment="",
             created_at=first.at, updated_at=last.at)  # fmt: skip
    for one in thread:
        number = hashlib.sha256(one.id.encode()).hexdigest()[:24]
        made.add("ticket_messages", id=f"{id_}-{number}", ticket_id=id_, at=one.at,
                 author=one.name or one.address, email=one.address,
                 is_customer=one.address == first.address, is_public=True,
                 text=without_cards(one.text), files=one.files)  # fmt: skip
