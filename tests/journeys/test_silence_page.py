"""Silence in a real browser, in the long suite: the chat and the widget hear the reminder and the
end without a reload, whoever writes is left in peace, and the desk sees which words those were."""

import dataclasses
import itertools
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from attenda.api import Principal
from attenda.core.silence import SilenceTimes
from attenda.core.words import catalogue
from attenda.runtime.silence_watch import SilenceWatch
from attenda.serve.gate import COOKIE
from attenda.store import agents, channels, sessions
from attenda.store.database import Connection
from attenda.store.people import OWNER_ID
from attenda.store.stamps import Stamps
from tests.conftest import FLAGS
from tests.journeys.test_desk_page import SHOP, _note, _people, _picture
from tests.journeys.test_pages import _faults
from tests.journeys.test_widget_page import Shop, _Site, _tag, site
from tests.runtime.test_flows import understand
from tests.security.live import Served, served

__all__ = ["site"]
PATIENT = dataclasses.replace(SHOP, silence=SilenceTimes(remind=(900,), end=43_200))
SIZES = [("en-US", 1280), ("zh-CN", 360)]
LONG = os.environ.get("ATTENDA_LONG") == "1"
pytestmark = pytest.mark.skipif(not LONG, reason="of the long suite (ATTENDA_LONG=1)")
SAID = "refund order=O-1001 email=ana@example.test"
MINUTE_MS = 60_000


class _Late:
    """A clock that can be put forward, for the house and its pages alike."""

    def __init__(self) -> None:
        self.ahead_us = 0
        self.pages: list[Page] = []

    def stamps(self) -> Stamps:
        chance = itertools.count(1).__next__
        return Stamps(clock=lambda: time.time_ns() // 1000 + self.ahead_us, chance=chance)

    def passes(self, minutes: int) -> None:
        self.ahead_us += minutes * 60 * 10**6
        for page in self.pages:
            page.clock.fast_forward(minutes * MINUTE_MS)


@pytest.fixture(scope="module")
def browser(chromium: Path) -> Iterator[Browser]:
    more = "--disable-features=LocalNetworkAccessChecks,BlockInsecurePrivateNetworkRequests"
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=str(chromium), args=[*FLAGS, more])


@pytest.fixture
def late() -> _Late:
    return _Late()


@pytest.fixture
def house(home: Path, late: _Late) -> Iterator[Served]:
    stamps, words = late.stamps(), lambda _: "Fine."
    with served(
        home, script=words, packs=[PATIENT], understand=understand, stamps=stamps
    ) as running:
        yield running


def _look(running: Served) -> None:
    running.call(SilenceWatch(running.house).round())


@pytest.mark.parametrize(("locale", "width"), SIZES)
def test_the_chat_hears_it_and_the_desk_sees_what_it_was(
    browser: Browser, house: Served, late: _Late, locale: str, width: int
) -> None:
    words, complaints = catalogue(locale), list[str]()
    tokens, session_id = house.write(lambda c: _people(c, house, True))
    pages: dict[str, Page] = {}
    for name in ("ana", "sam"):
        context = browser.new_context(viewport={"width": width, "height": 800}, locale=locale)
        context.add_cookies([{"name": COOKIE, "value": tokens[name], "url": house.address}])
        pages[name] = context.new_page()
        pages[name].on("pageerror", lambda error: complaints.append(str(error)))
        pages[name].on("console", lambda said: _note(complaints, said))
    ana, sam = pages["ana"], pages["sam"]
    ana.clock.install()
    late.pages = [ana]
    ana.goto(f"{house.address}/chat/{session_id}")
    ana.fill("#text", SAID)
    ana.keyboard.press("Enter")
    expect(ana.locator("#choices button")).to_have_count(2)
    ana.locator("#text").type("one mom")  # who writes is not reminded
    late.passes(16)
    house.house.typing.note(session_id, house.house.stamps.now(), staff=False)
    _look(house)
    assert len(_said(house, session_id)) == 1
    late.passes(1)
    _look(house)
    expect(ana.locator("article.assistant")).to_have_count(2)
    expect(ana.locator("article.assistant").last).to_contain_text("Shall I?")
    expect(ana.locator("#text")).to_have_value("one mom")
    expect(ana.locator("#choices button")).to_have_count(2)
    _picture(ana, f"silence-reminded-{width}-{locale}")
    faults = _faults(ana, "a chat with a reminder", locale, width)
    late.passes(12 * 60)
    _look(house)
    expect(ana.locator("article.assistant")).to_have_count(3)
    expect(ana.locator("#choices button")).to_have_count(0)
    _picture(ana, f"silence-ended-{width}-{locale}")
    ana.click("#person")
    sam.goto(f"{house.address}/desk")
    sam.click("#talks button")
    expect(sam.locator("#said")).to_contain_text(words["desk.was_reminded"])
    expect(sam.locator("#said")).to_contain_text(words["desk.was_put_down"])
    _picture(sam, f"silence-desk-{width}-{locale}")
    faults += _faults(sam, "a desk that sees a silence", locale, width)
    ana.goto(f"{house.address}/traces")
    ana.locator("#runs a").nth(1).click()
    expect(ana.locator(".timeline")).to_contain_text(words["page.step_silence"])
    _picture(ana, f"silence-trace-{width}-{locale}")
    assert faults + complaints == []


@pytest.mark.parametrize(("locale", "width"), SIZES)
def test_the_widget_hears_it_too(
    browser: Browser,
    house: Served,
    late: _Late,
    site: tuple[int, type[_Site]],
    locale: str,
    width: int,
) -> None:
    origin = f"http://localhost:{site[0]}"
    channel_id = house.write(lambda c: _channel(c, house, origin))
    site[1].tag = _tag(house, channel_id)
    shop = Shop(house, browser, *site, channel_id)
    page = shop.visit(locale, width)
    page.clock.install()
    late.pages = [page]
    page.reload()
    frame = shop.open(page)
    frame.fill("#text", SAID)
    frame.press("#text", "Enter")
    expect(frame.locator("#choices button")).to_have_count(2)
    (session,) = shop.sessions()
    late.passes(16)
    _look(house)
    expect(frame.locator(".said.assistant")).to_have_count(2)
    expect(frame.locator("#announce")).to_contain_text("Shall I?")
    _picture(page, f"silence-widget-{width}-{locale}")
    frame.locator("#text").type("ye")
    late.passes(12 * 60)
    house.house.typing.note(session.id, house.house.stamps.now(), staff=False, stopped=True)
    _look(house)
    expect(frame.locator(".said.assistant")).to_have_count(3)
    expect(frame.locator("#text")).to_have_value("ye")
    assert shop.complaints == []


def _said(running: Served, session_id: str) -> list[Any]:
    tree = running.read(lambda c: sessions.message_tree(c, session_id))
    return [one for one in tree if one.message.role == "assistant"]


def _channel(c: Connection, running: Served, origin: str) -> str:
    owner = Principal(id=OWNER_ID, role="owner")
    (agent,) = (one for one in agents.list_agents(c, owner) if one["pack"] == "shop")
    values = {"name": "Shoe shop", "agent_id": agent["id"], "origins": [origin]}
    made = channels.create_channel(c, running.house.stamps, owner, "widget", **values)
    return str(made.id)
