"""A mailbox: mails read by IMAP without changing a thing there, and sent by SMTP, told how it went.

The standard library's clients, each call in a thread with a deadline on every wait. What a server
says is bounded and never believed to be more than text. It knows no channel and no database.
"""

import asyncio
import contextlib
import imaplib
import ipaddress
import os
import re
import smtplib
import ssl
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from attenda.core.config import MailboxSpec
from attenda.core.errors import OperatorError

__all__ = ["MOST_BYTES", "Delivery", "Mailbox", "RawMail", "connect_smtp"]

_WAIT_S = 30.0
MOST_BYTES = 1 << 20
"""Bytes that are fetched of a mail; of a longer one its beginning, where the words are."""
_AT_ONCE = 20
_UID = re.compile(rb"UID (\d{1,10})")
_SIZE = re.compile(rb"RFC822\.SIZE (\d{1,12})")


@dataclass(frozen=True, slots=True)
class RawMail:
    """The beginning of a mail as it lies in its mailbox."""

    uid: int
    size: int
    """Bytes of the whole."""
    data: bytes


@dataclass(frozen=True, slots=True)
class Delivery:
    """How a sending ended."""

    state: Literal["sent", "later", "refused", "unknown"]
    """`later`: certainly not sent, and may do in a while; `unknown`: it may have been sent."""
    problem: str = ""


def connect_smtp(
    place: tuple[str, int], security: str, name: str, timeout_s: float
) -> smtplib.SMTP:
    """A line to a server that sends mail, shut as `security` says (`tls`, `starttls`, `none`).

    `name` is told as ours: else this machine's own would be looked up.

    Raises:
        OSError, smtplib.SMTPException: it is not there, or not so.
    """
    context = ssl.create_default_context()
    if security == "tls":
        return smtplib.SMTP_SSL(*place, local_hostname=name, timeout=timeout_s, context=context)
    smtp = smtplib.SMTP(*place, local_hostname=name, timeout=timeout_s)
    try:
        if security == "starttls":
            smtp.starttls(context=context)
    except (OSError, smtplib.SMTPException):
        smtp.close()
        raise
    return smtp


class Mailbox:
    """One address."""

    def __init__(self, spec: MailboxSpec) -> None:
        self.spec = spec

    async def end(self) -> tuple[int, int]:
        """The folder's UIDVALIDITY, and the highest UID that is there: where new mail begins.

        Raises:
            OperatorError: the server can't be reached, or refuses.
        """
        return await asyncio.to_thread(self._end)

    async def after(self, uid: int, since: str = "") -> list[RawMail]:
        """The next mails above a UID, lowest first; with `since` (01-Jan-2026) not older ones.

        Raises:
            OperatorError: the server can't be reached, or refuses.
        """
        return await asyncio.to_thread(self._after, uid, since)

    async def send(self, address: str, raw: bytes) -> Delivery:
        """Send a mail; never raises for what a server does."""
        return await asyncio.to_thread(self._send, address, raw)

    def _end(self) -> tuple[int, int]:
        with self._reading() as imap:
            folder = _quoted(self.spec.folder)
            found = _checked(imap.status(folder, "(UIDVALIDITY UIDNEXT)"))[0]
            text = found if isinstance(found, bytes) else b""
            validity = re.search(rb"UIDVALIDITY (\d{1,10})", text)
            following = re.search(rb"UIDNEXT (\d{1,10})", text)
            if validity is None or following is None:
                raise imaplib.IMAP4.error("STATUS named no UIDVALIDITY and UIDNEXT")
            return int(validity[1]), int(following[1]) - 1

    def _after(self, uid: int, since: str) -> list[RawMail]:
        with self._reading() as imap:
            _checked(imap.select(_quoted(self.spec.folder), readonly=True))
            wanted = ["UID", f"{uid + 1}:*", *(["SINCE", since] if since else [])]
            listed = _checked(imap.uid("SEARCH", *wanted))[0]
            assert listed is None or isinstance(listed, bytes)
            # `n:*` names the last mail even where it lies below n.
            uids = sorted(number for one in (listed or b"").split() if (number := int(one)) > uid)
            return [mail for one in uids[:_AT_ONCE] if (mail := _fetch(imap, one)) is not None]

    @contextlib.contextmanager
    def _reading(self) -> Iterator[imaplib.IMAP4]:
        spec = self.spec
        try:
            imap = self._open_imap()
            try:
                imap.login(spec.user or spec.address, self._password())
                yield imap
            finally:
                with contextlib.suppress(imaplib.IMAP4.error, OSError):
                    imap.logout()
        except (imaplib.IMAP4.error, OSError, ValueError) as error:
            raise OperatorError(
                "mail.unreadable", name=spec.name, host=spec.imap_host, problem=_said(error)
            ) from error

    def _open_imap(self) -> imaplib.IMAP4:
        spec = self.spec
        self._require_shut(spec.imap_host)
        place = spec.imap_host, spec.imap_port
        if spec.security == "tls":
            context = ssl.create_default_context()
            return imaplib.IMAP4_SSL(*place, ssl_context=context, timeout=_WAIT_S)
        imap = imaplib.IMAP4(*place, timeout=_WAIT_S)
        if spec.security == "starttls":
            imap.starttls(ssl.create_default_context())
        return imap

    def _send(self, address: str, raw: bytes) -> Delivery:
        """Until the first byte of the mail has left, nothing is unknown."""
        try:
            smtp = self._open_smtp()
        except smtplib.SMTPAuthenticationError as error:
            return Delivery("later", _said(error))
        except (smtplib.SMTPException, OSError, OperatorError) as error:
            return Delivery("later", _said(error))
        try:
            return self._hand_over(smtp, address, raw)
        finally:
            with contextlib.suppress(smtplib.SMTPException, OSError):
                smtp.quit()

    def _hand_over(self, smtp: smtplib.SMTP, address: str, raw: bytes) -> Delivery:
        try:
            for code, said in (smtp.mail(self.spec.address), smtp.rcpt(address)):
                if code not in (250, 251):
                    return Delivery("refused" if code >= 500 else "later", f"{code} {_text(said)}")
        except (smtplib.SMTPException, OSError, UnicodeError) as error:
            return Delivery("later", _said(error))
        try:
            code, said = smtp.data(raw)
        except smtplib.SMTPDataError as error:  # no leave was given: nothing has left
            state: Literal["refused", "later"] = "refused" if error.smtp_code >= 500 else "later"
            return Delivery(state, _said(error))
        except (smtplib.SMTPException, OSError) as error:
            return Delivery("unknown", _said(error))
        if code == 250:
            return Delivery("sent")
        return Delivery("refused" if code >= 500 else "later", f"{code} {_text(said)}")

    def _open_smtp(self) -> smtplib.SMTP:
        spec = self.spec
        self._require_shut(spec.smtp_host)
        place, name = (spec.smtp_host, spec.smtp_port), spec.address.rpartition("@")[2]
        smtp = connect_smtp(place, spec.security, name, _WAIT_S)
        smtp.ehlo_or_helo_if_needed()
        if smtp.has_extn("auth"):
            smtp.login(spec.user or spec.address, self._password())
        return smtp

    def _require_shut(self, host: str) -> None:
        """No password goes over an open wire to another machine."""
        if self.spec.security == "none" and not _is_here(host):
            raise OperatorError("mail.open_wire", name=self.spec.name, host=host)

    def _password(self) -> str:
        spec = self.spec
        if spec.password_file:
            try:
                return Path(spec.password_file).expanduser().read_text("utf-8").strip()
            except (OSError, UnicodeError) as error:
                raise OperatorError("mail.no_password", name=spec.name) from error
        password = os.environ.get(spec.password_env, "") if spec.password_env else ""
        if not password:
            raise OperatorError("mail.no_password", name=spec.name)
        return password


def _fetch(imap: imaplib.IMAP4, uid: int) -> RawMail | None:
    """One mail; nothing if it is gone meanwhile."""
    wanted = f"(UID RFC822.SIZE BODY.PEEK[]<0.{MOST_BYTES}>)"
    for part in _checked(imap.uid("FETCH", str(uid), wanted)):
        if isinstance(part, tuple) and (found := _UID.search(part[0])) and int(found[1]) == uid:
            size = _SIZE.search(part[0])
            return RawMail(uid, int(size[1]) if size else len(part[1]), part[1][:MOST_BYTES])
    return None


def _checked(answer: tuple[str, Sequence[object]]) -> Sequence[object]:
    kind, data = answer
    if kind != "OK":
        raise imaplib.IMAP4.error(_text(data[0]) if data else kind)
    return data


def _quoted(folder: str) -> str:
    escaped = folder.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _is_here(host: str) -> bool:
    if host == "localhost":
        return True
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return False


def _text(said: object) -> str:
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
    return " ".join(text.split())[:300]


def _said(error: BaseException) -> str:
    """What went wrong, in one line; a server's own words, never a password."""
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{error.smtp_code} {_text(error.smtp_error)}"
    return _text(error) or type(error).__name__
