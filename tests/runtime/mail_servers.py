"""A mail server of the test's own on loopback: IMAP and SMTP, just as much as clients need.

What is put into its box can be read; what is sent to it is kept. It can fail as servers do.
"""

import base64
import contextlib
import re
import socketserver
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from attenda.core.config import MailboxSpec

__all__ = ["ADDRESS", "MailServer", "letter", "mail_server"]

ADDRESS = "help@shop.example"
PASSWORD = "a secret of the mailbox"


@dataclass
class MailServer:
    """The box, and what came out."""

    imap_port: int = 0
    smtp_port: int = 0
    box: list[bytes] = field(default_factory=list)
    validity: int = 7
    sent: list[bytes] = field(default_factory=list)
    fault: str = ""
    """`busy` and `refuse` at the recipient, `silent` after the mail was taken."""
    commands: list[str] = field(default_factory=list)

    def spec(self, **more: Any) -> MailboxSpec:
        return MailboxSpec(
            name="support", address=ADDRESS, imap_host="127.0.0.1", imap_port=self.imap_port,
            smtp_host="127.0.0.1", smtp_port=self.smtp_port, security="none",
            password_env="ATTENDA_MAIL_PASSWORD", every_s=0.001, **more,
        )  # fmt: skip

    def put(self, *mails: bytes) -> None:
        self.box.extend(mails)


def letter(text: str, sender: str = "ana@example.test", id_: str = "one", **headers: str) -> bytes:
    """A mail as it lies in a box."""
    heads = {
        "From": f"Ana Duarte <{sender}>", "To": ADDRESS, "Subject": "My account",
        "Message-ID": f"<{id_}@example.test>", "Content-Type": "text/plain; charset=utf-8",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }  # fmt: skip
    lines = [f"{name}: {value}" for name, value in heads.items()]
    return "\r\n".join([*lines, "", *text.split("\n")]).encode()


class _Imap(socketserver.StreamRequestHandler):
    mail: MailServer

    def handle(self) -> None:
        self._say(b"* OK ready")
        while line := self.rfile.readline():
            tag, _, rest = line.decode().strip().partition(" ")
            self.mail.commands.append(rest if not rest.startswith("LOGIN") else "LOGIN")
            word = rest.split()[0].upper()
            if word == "LOGIN":
                good = PASSWORD in rest
                self._say(f"{tag} {'OK' if good else 'NO'} login".encode())
                continue
            if word == "LOGOUT":
                self._say(b"* BYE", f"{tag} OK bye".encode())
                return
            for answer in self._answers(word, rest):
                self._say(answer)
            self._say(f"{tag} OK done".encode())

    def _answers(self, word: str, rest: str) -> Iterator[bytes]:
        box = self.mail.box
        if word == "CAPABILITY":
            yield b"* CAPABILITY IMAP4rev1"
        elif word == "STATUS":
            values = f"UIDVALIDITY {self.mail.validity} UIDNEXT {len(box) + 1}"
            yield f"* STATUS INBOX ({values})".encode()
        elif word == "EXAMINE":
            yield f"* {len(box)} EXISTS".encode()
        elif rest.startswith("UID SEARCH"):
            first = int(re.findall(r"(\d+):\*", rest)[0])
            found = [n for n in range(1, len(box) + 1) if n >= first] or [len(box)]
            yield b"* SEARCH " + b" ".join(str(n).encode() for n in found if n)
        elif rest.startswith("UID FETCH"):
            uid, most = int(rest.split()[2]), int(re.findall(r"<0\.(\d+)>", rest)[0])
            data = box[uid - 1][:most]
            head = f"* {uid} FETCH (UID {uid} RFC822.SIZE {len(box[uid - 1])} BODY[]<0> "
            yield head.encode() + b"{%d}\r\n" % len(data) + data + b")"

    def _say(self, *lines: bytes) -> None:
        for line in lines:
            self.wfile.write(line + b"\r\n")


class _Smtp(socketserver.StreamRequestHandler):
    mail: MailServer

    def handle(self) -> None:
        self._say("220 here")
        while line := self.rfile.readline():
            word = line.decode().split()[0].upper() if line.strip() else ""
            if word == "EHLO":
                self._say("250-here", "250 AUTH PLAIN")
            elif word == "AUTH":
                given = base64.b64decode(line.split()[2]).decode()
                self._say("235 welcome" if PASSWORD in given else "535 no")
            elif word == "RCPT" and self.mail.fault in ("busy", "refuse"):
                self._say("451 later" if self.mail.fault == "busy" else "550 nobody of that name")
            elif word == "DATA":
                self._say("354 go on")
                self.mail.sent.append(self._data())
                if self.mail.fault == "silent":
                    return
                self._say("250 taken")
            elif word == "QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 fine")

    def _data(self) -> bytes:
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            lines.append(line[1:] if line.startswith(b"..") else line)
        return b"".join(lines)

    def _say(self, *lines: str) -> None:
        for line in lines:
            self.wfile.write(f"{line}\r\n".encode())


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], ConnectionError):  # a client that was killed
            super().handle_error(request, client_address)


@contextlib.contextmanager
def mail_server() -> Iterator[MailServer]:
    """A server that runs while the block does."""
    mail = MailServer()
    with contextlib.ExitStack() as stack:
        for kind, name in ((_Imap, "imap_port"), (_Smtp, "smtp_port")):
            handler = type(kind.__name__, (kind,), {"mail": mail})
            server = stack.enter_context(_Server(("127.0.0.1", 0), handler))
            thread = threading.Thread(target=server.serve_forever, daemon=True)
            thread.start()
            stack.callback(server.shutdown)
            setattr(mail, name, server.server_address[1])
        yield mail
