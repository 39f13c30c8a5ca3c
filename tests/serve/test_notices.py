"""Notices: whom a rule names learns once that somebody waits, by a signed webhook or by mail."""

import asyncio
import base64
import contextlib
import hmac
import itertools
import json
from collections.abc import AsyncIterator
from email import message_from_bytes
from email.policy import default as modern
from pathlib import Path
from typing import Any

import pytest

from attenda.core.config import SmtpSpec
from attenda.knowledge.web import Limits
from attenda.runtime.noticing import Noticer
from attenda.runtime.notifiers import MailNotifier, WebhookNotifier
from attenda.store import notices, schema
from attenda.store.stamps import Stamps
from tests.conftest import FROZEN_AT
from tests.knowledge.webhouse import PUBLIC, Site, names, public_site
from tests.runtime.test_flows import rows
from tests.serve.desk_people import DESK, Shop, shop

HOOK = "https://hook.example/desk"
MINUTE = 60 * 10**6


class Clock:
    """A clock that a test moves on."""

    def __init__(self) -> None:
        self.now = FROZEN_AT

    def stamps(self) -> Stamps:
        return Stamps(lambda: self.now, itertools.count(1).__next__)


def hooked(s: Shop, site: Site, table: dict[str, Any] | None = None) -> Noticer:
    """The shop's notices, sent by nobody but the test, into a small web."""
    resolver, _ = names(table or {"hook.example": [[str(PUBLIC)]]})
    s.house.notifiers["webhook"] = WebhookNotifier(Limits(), resolver, site.connector)
    return Noticer(s.house)


@pytest.fixture(autouse=True)
def by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is sent but when the test says so."""

    async def never(_self: Noticer) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(Noticer, "run", never)


def test_each_wait_is_told_once_and_signed(home: Path, database_url: str) -> None:
    clock = Clock()

    async def story() -> None:
        async with shop(home, database_url, stamps=clock.stamps()) as s, public_site() as site:
            noticer, sue = hooked(s, site), s.who["sue"]
            site.pages["/desk"] = (204, {}, b"")
            body = {"kind": "webhook", "target": HOOK, "after_s": 120}
            await s.who["sam"]("POST", "/api/desk/notices", body, expect=403)
            made = await sue("POST", "/api/desk/notices", body)
            id_ = await s.begin()
            await s.say(id_, "my secret wish person")
            assert await noticer.round() == 0  # not long enough
            clock.now += 2 * MINUTE
            both = await asyncio.gather(noticer.round(), noticer.round())
            assert sorted(both) == [0, 1]
            assert await noticer.round() == 0
            ((target, headers),), (sent,) = site.asked, site.bodies
            told = json.loads(sent)
            assert target == "/desk" and told["session_id"] == id_ and told["agent"] == "Shop"
            assert told["link"].endswith(f"/desk#{id_}")
            assert b"wish" not in sent and b"Ana" not in sent
            key = base64.b64decode(made["secret"].removeprefix("whsec_"))
            signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + sent
            wanted = base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
            assert headers["webhook-signature"] == f"v1,{wanted}"

            clock.now += MINUTE
            await s.who["sam"]("POST", f"{DESK}/{id_}/claim")
            await s.who["sam"]("POST", f"{DESK}/{id_}/return")
            await s.person(id_)  # waits anew
            clock.now += 2 * MINUTE
            assert await noticer.round() == 1
            listed = await sue("GET", "/api/desk/notices")
            assert "secret" not in json.dumps(listed)
            assert listed["rules"][0]["last"]["state"] == "sent"
            assert (await s.who["max"]("GET", "/api/desk/notices"))["rules"] == []
            await sue("DELETE", f"/api/desk/notices/{made['id']}")
            assert await rows(s.house, "notices") == []

    asyncio.run(story())


def test_a_notice_that_fails_is_tried_again_in_bounds_and_no_longer_than_needed(
    home: Path,
) -> None:
    clock = Clock()

    async def story() -> None:
        async with shop(home, stamps=clock.stamps()) as s, public_site() as site:
            noticer, sue = hooked(s, site), s.who["sue"]
            site.pages["/desk"] = (500, {}, b"")
            await sue("POST", "/api/desk/notices", {"kind": "webhook", "target": HOOK})
            id_ = await s.begin()
            await s.person(id_)
            tries = 0
            for _ in range(100):
                tries += await noticer.round()
                clock.now += MINUTE
            assert tries == 5 and len({h["webhook-id"] for _, h in site.asked}) == 1
            (row,) = await rows(s.house, "notices")
            assert (row["state"], row["attempts"]) == ("failed", 5)
            last = (await sue("GET", "/api/desk/notices"))["rules"][0]["last"]
            assert "500" in last["problem"]

            other = await s.begin()
            await s.person(other)
            assert await noticer.round() == 1
            await s.who["sam"]("POST", f"{DESK}/{other}/claim")
            clock.now += MINUTE
            assert await noticer.round() == 0  # nobody waits any more
            states = {one["session_id"]: one["state"] for one in await rows(s.house, "notices")}
            assert states[other] == "dropped"

            third = await s.begin()
            await s.person(third)
            await s.house.database.write(lambda c: notices.note_waiting(c, s.house.stamps))
            taken = await s.house.database.write(lambda c: notices.take_due(c, s.house.stamps))
            assert len(taken) == 1 and await noticer.round() == 0
            clock.now += 3 * MINUTE  # whoever took it died
            assert await noticer.round() == 1
            assert site.asked[-1][1]["webhook-id"] == taken[0].id

    asyncio.run(story())


def test_no_webhook_reaches_the_inside(home: Path) -> None:
    async def story() -> None:
        async with shop(home) as s, public_site() as site:
            noticer, sue = hooked(s, site, {"inside.example": [["10.0.0.1"]]}), s.who["sue"]
            for target in ("ftp://x.example/", "http://x.example:22/", "http://a:b@c.example/"):
                body = {"kind": "webhook", "target": target}
                await sue("POST", "/api/desk/notices", body, expect=400)
            for host in ("inside.example", "127.0.0.1", "169.254.169.254"):
                inside = {"kind": "webhook", "target": f"http://{host}/"}
                made = await sue("POST", "/api/desk/notices", inside)
                tried = await sue("POST", f"/api/desk/notices/{made['id']}/trial")
                assert host in tried["problem"]
            await s.person(await s.begin())
            await noticer.round()
            assert site.requests == []

    asyncio.run(story())


@contextlib.asynccontextmanager
async def mail_server() -> AsyncIterator[tuple[int, list[bytes]]]:
    """A mail server on loopback that takes all but what is for `nobody@`."""
    taken: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 ready\r\n")
        while line := await reader.readline():
            word = line.strip().upper()
            if word.startswith(b"RCPT") and b"NOBODY@" in word:
                writer.write(b"550 no such person\r\n")
            elif word == b"DATA":
                writer.write(b"354 go on\r\n")
                taken.append(await reader.readuntil(b"\r\n.\r\n"))
                writer.write(b"250 taken\r\n")
            else:
                writer.write(b"221 bye\r\n" if word == b"QUIT" else b"250 ok\r\n")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], taken


def test_mail_says_where_and_since_when_and_not_what(home: Path) -> None:
    clock = Clock()

    async def story() -> None:
        async with shop(home, stamps=clock.stamps()) as s, mail_server() as (port, taken):
            sue, noticer = s.who["sue"], Noticer(s.house)
            body = {"kind": "mail", "target": "desk@example.org"}
            refused = await sue("POST", "/api/desk/notices", body, expect=400)
            assert "[smtp]" in refused["error"]["message"]
            spec = SmtpSpec(host="127.0.0.1", port=port, security="none", sender="a@example.org")
            s.house.notifiers["mail"] = MailNotifier(spec)
            await sue("POST", "/api/desk/notices", {**body, "target": "a\nb@c"}, expect=400)
            await sue("POST", "/api/desk/notices", body)
            speaks = schema.users.update().where(schema.users.c.id == "usr_sue")
            await s.house.database.write(lambda c: c.execute(speaks.values(language="zh-CN")))
            id_ = await s.begin()
            await s.say(id_, "a wish person")
            assert await noticer.round() == 1 and await noticer.round() == 0
            mail = message_from_bytes(taken[0], policy=modern)
            assert mail["to"] == "desk@example.org" and "等待人工（Shop）" in mail["subject"]
            text = mail.get_content()
            assert f"/desk#{id_}" in text and "2026-01-05 12:00 UTC" in text
            assert "wish" not in text

            nobody = await sue("POST", "/api/desk/notices", {**body, "target": "nobody@b.example"})
            tried = await sue("POST", f"/api/desk/notices/{nobody['id']}/trial")
            assert "no such person" in tried["problem"]

    asyncio.run(story())
