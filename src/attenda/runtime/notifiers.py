"""The ways in which a notice reaches somebody: by mail, or by a signed webhook.

A notice says that somebody waits, for which agent and since when, and where to look. What a
customer wrote, or who they are, stays here.
"""

import asyncio
import base64
import json
import os
import secrets
import smtplib
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Protocol

from attenda.core.config import Settings, SmtpSpec
from attenda.core.errors import UserError
from attenda.core.words import sentence
from attenda.knowledge import web
from attenda.store.notices import Notice
from attenda.tools.mailbox import connect_smtp
from attenda.tools.webhook import signed_headers

__all__ = ["MailNotifier", "Notifier", "WebhookNotifier", "new_secret", "notifiers_for"]


class Notifier(Protocol):
    """One way of telling somebody."""

    async def send(self, notice: Notice, link: str, now: int) -> None:
        """Tell whom the notice is for; a receiver knows a second time by the notice's id.

        Args:
            notice: of whom and to whom.
            link: to the conversation on the desk.
            now: microseconds since 1970, UTC.

        Raises:
            UserError: it did not arrive, as far as is known; the sentence says why.
        """


def new_secret() -> str:
    """A secret to sign with, as Standard Webhooks write it."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode()


@dataclass(frozen=True, slots=True)
class WebhookNotifier:
    """Posts JSON to a public address, signed as Standard Webhooks are."""

    limits: web.Limits = web.Limits(deadline_s=15.0)
    resolver: web.Resolver | None = None
    connector: web.Connector | None = None

    async def send(self, notice: Notice, link: str, now: int) -> None:
        """As `Notifier.send`; any status but 2xx is a failure."""
        told = {
            "type": "desk.alarm" if notice.alarm else "desk.waiting",
            "session_id": notice.session_id,
            "agent": notice.agent,
            "waits_since": _iso(notice.waits_since),
            "link": link,
        }
        body = json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()
        secret = base64.b64decode(notice.secret.removeprefix("whsec_"))
        headers = signed_headers(secret, notice.id, now // 10**6, body)
        status = await web.post(
            notice.target, headers, body, self.limits, self.resolver, self.connector
        )
        if not 200 <= status < 300:
            raise UserError("web.status", url=notice.target, status=status)


def _iso(at: int) -> str:
    return datetime.fromtimestamp(at // 10**6, UTC).isoformat()


@dataclass(frozen=True, slots=True)
class MailNotifier:
    """Sends a mail by the operator's server."""

    spec: SmtpSpec

    async def send(self, notice: Notice, link: str, now: int) -> None:
        """As `Notifier.send`; what the server took has arrived."""
        message = EmailMessage()
        message["From"], message["To"] = self.spec.sender, notice.target
        subject = "notice.alarm_subject" if notice.alarm else "notice.subject"
        body = "notice.alarm_body" if notice.alarm else "notice.body"
        message["Subject"] = sentence(notice.language, subject, agent=notice.agent or "Attenda")
        message["Date"] = format_datetime(datetime.fromtimestamp(now // 10**6, UTC))
        host = self.spec.sender.rpartition("@")[2]
        message["Message-ID"] = f"<{notice.id}@{host}>"
        message["Auto-Submitted"] = "auto-generated"
        since = f"{datetime.fromtimestamp(notice.waits_since // 10**6, UTC):%Y-%m-%d %H:%M} UTC"
        message.set_content(sentence(notice.language, body, since=since, link=link))
        try:
            await asyncio.to_thread(self._send, message)
        except (OSError, smtplib.SMTPException) as error:
            problem = str(error).strip() or type(error).__name__
            place = f"{self.spec.host}:{self.spec.port}"
            raise UserError("notice.mail_failed", place=place, problem=problem) from error

    def _send(self, message: EmailMessage) -> None:
        spec, ours = self.spec, self.spec.sender.rpartition("@")[2]
        with connect_smtp((spec.host, spec.port), spec.security, ours, spec.timeout_s) as server:
            if spec.user:
                server.login(spec.user, os.environ.get(spec.password_env, ""))
            server.send_message(message)


def notifiers_for(settings: Settings) -> dict[str, Notifier]:
    """The ways that an installation has, by kind; mail where its server is set."""
    ways: dict[str, Notifier] = {
        "webhook": WebhookNotifier(web.Limits(deadline_s=15.0, ports=frozenset(settings.web_ports)))
    }
    if settings.smtp:
        ways["mail"] = MailNotifier(settings.smtp)
    return ways
