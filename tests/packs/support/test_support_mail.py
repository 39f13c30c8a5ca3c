"""Mails to customers from a case: sent once, in their thread, or not at all."""

import asyncio
import contextlib
import email
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from email.policy import default
from pathlib import Path
from typing import Any

import httpx
import pytest

from attenda.runtime.house import House
from attenda.runtime.mail_channel import MailChannels
from attenda.serve.app import create_app
from attenda.store import agents, channels, mail, people
from attenda.tools.mailbox import Mailbox
from tests.packs.support.test_support_cases import do, page, service
from tests.runtime.mail_servers import ADDRESS, PASSWORD, MailServer, letter, mail_server
from tests.runtime.test_flows import rows
from tests.runtime.test_mail import Killed
from tests.serve.desk_people import Person

CASE = "RT-00000001"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[MailServer]:
    monkeypatch.setenv("ATTENDA_MAIL_PASSWORD", PASSWORD)
    with mail_server() as running:
        yield running


class Post:
    """A service desk with a mailbox, which looks at its mail when the test says so."""

    def __init__(self, house: House, server: MailServer, who: dict[str, Person]) -> None:
        self.house, self.server, self.who, self.die_at = house, server, who, ""

    def _passing(self, point: str) -> None:
        if point == self.die_at:
            self.die_at = ""
            raise Killed(point)

    async def look(self) -> None:
        box = Mailbox(self.server.spec())
        await MailChannels(self.house, {"support": box}, self._passing).look()

    def out(self) -> list[Any]:
        return [email.message_from_bytes(one, policy=default) for one in self.server.sent]


@contextlib.asynccontextmanager
async def desk(home: Path, server: MailServer) -> AsyncIterator[Post]:
    """Staff before the pages, a case of Ana's, and a mailbox that no channel uses yet."""
    async with service(home) as (bare, who, _):
        settings = bare.settings.model_copy(update={"mailboxes": (server.spec(),)})
        house = replace(bare, settings=settings)
        cases = house.packs["support"].executor

        def add(c: Any) -> None:
            (ana,) = cases.rows(c, "customers").find(email="ana@example.test")
            row = {"id": CASE, "kind": "return", "customer_id": ana["id"], "state": "open"}
            cases.rows(c, "cases").add(**row, opened_at=house.stamps.now(), text="too small")

        await house.database.write(add)
        transport = httpx.ASGITransport(create_app(house))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            theirs = {name: Person(client, one._key) for name, one in who.items()}
            yield Post(house, server, theirs)


async def open_channel(p: Post) -> None:
    def make(c: Any) -> None:
        owner = people.principal_of(c, people.OWNER_ID)
        agent = next(a for a in agents.list_agents(c, owner) if a["pack"] == "support")
        values = {"name": "Lumen", "agent_id": agent["id"], "mailbox": "support"}
        channels.create_channel(c, p.house.stamps, owner, "mail", **values)

    await p.house.database.write(make)
    await p.look()


def test_staff_write_to_a_customer_once_and_the_thread_goes_on(
    home: Path, server: MailServer
) -> None:
    async def story() -> None:
        async with desk(home, server) as p:
            await without_a_channel_it_is_said_that_none_goes_out(p)
            await open_channel(p)
            await one_click_is_one_mail(p)
            await what_is_replied_comes_to_who_wrote_and_is_answered_in_the_thread(p)
            await what_may_have_gone_is_said_to_be_unknown_and_not_sent_again(p)

    asyncio.run(story())


async def without_a_channel_it_is_said_that_none_goes_out(p: Post) -> None:
    shown = await page(p.who["sam"], f"cases/{CASE}")
    assert "No mail goes out from here" in shown and 'data-tool="mail_case"' not in shown
    refused = await do(p.who["sam"], "mail_case", "0", 400, case=CASE, text="Hello")
    assert "No mail goes out" in str(refused)
    shut = {"outcome": "settled", "answer": "Done.", "mail": True}
    await do(p.who["sam"], "close_case", "0", 400, case=CASE, **shut)
    (case,) = [one for one in await rows(p.house, "support_cases") if one["id"] == CASE]
    assert case["state"] == "open" and not await rows(p.house, "support_case_mails")


async def one_click_is_one_mail(p: Post) -> None:
    sam = p.who["sam"]
    assert ADDRESS in await page(sam, f"cases/{CASE}")
    said = {"case": CASE, "text": "Here is your label: https://example.test/l/1"}
    await do(p.who["li"], "mail_case", "l", 400, **said)
    await asyncio.gather(*(do(sam, "mail_case", "a", **said) for _ in range(2)))
    assert "queued" in await page(sam, f"cases/{CASE}")
    await do(p.who["kim"], "mail_case", "k", 400, **said)  # it is Sam's now
    await p.look()
    await p.look()
    (sent,) = p.out()
    assert sent["To"] == "Ana Duarte <ana@example.test>" and sent["From"] == f"Lumen <{ADDRESS}>"
    assert sent["Subject"] == f"Your return: {CASE}" and "Auto-Submitted" not in sent
    assert "https://example.test/l/1" in sent.get_content()
    shown = await page(sam, f"cases/{CASE}")
    assert ">sent<" in shown and "wrote to the customer" in shown


async def what_is_replied_comes_to_who_wrote_and_is_answered_in_the_thread(p: Post) -> None:
    (sent,) = p.out()
    reply = letter("Thanks, it is on its way.", id_="r1", In_Reply_To=sent["Message-ID"])
    p.server.put(reply)
    await p.look()
    (mailed,) = await rows(p.house, "support_case_mails")
    (talk,) = [one for one in await rows(p.house, "sessions") if one["id"] == mailed["session_id"]]
    assert (talk["owner"], talk["claimed_by"]) == ("human", "sam")
    closed = {"outcome": "settled", "answer": "Your money is on its way.", "mail": True}
    await do(p.who["sam"], "close_case", "c", case=CASE, **closed)
    await p.look()
    assert [one["Subject"] for one in p.out()][1:] == [f"Re: Your return: {CASE}"]
    assert p.out()[1]["In-Reply-To"] == "<r1@example.test>"
    assert not await rows(p.house, "runs")  # no agent said anything


async def what_may_have_gone_is_said_to_be_unknown_and_not_sent_again(p: Post) -> None:
    await do(p.who["sam"], "mail_case", "d", case=CASE, text="One thing more.")
    p.die_at = "mail.sent"
    with pytest.raises(Killed):
        await p.look()
    await p.house.database.write(lambda c: mail.forget_owners(c, p.house.stamps))
    before = len(p.out())
    await p.look()
    assert len(p.out()) == before
    assert "not known whether it went" in await page(p.who["sam"], f"cases/{CASE}")
