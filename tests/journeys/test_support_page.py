"""Customer service in real browsers, in the long suite: the customer beside a talk, a question
made an article, a word on how it was; every screen in both languages, wide and narrow."""

import os
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from attenda.api import ReadIn
from attenda.packs.support.importing import IMPORTERS
from attenda.packs.support.pack import PACK
from attenda.runtime.pack_import import import_file
from attenda.serve.gate import COOKIE
from attenda.store import agents, channels, keys, people, schema, sessions
from attenda.store.database import Connection
from attenda.store.people import OWNER_ID
from tests.journeys.test_desk_page import SHOP, SIZES, _note, _picture
from tests.journeys.test_pages import _faults
from tests.runtime.test_flows import rows, understand
from tests.scripted_house import add_text
from tests.security.live import Served, served

LONG = os.environ.get("ATTENDA_LONG") == "1"
pytestmark = pytest.mark.skipif(not LONG, reason="of the long suite (ATTENDA_LONG=1)")
NAMES = {"ana": "agent", "sam": "agent", "sue": "supervisor"}
FILES = Path(__file__).parents[1] / "data" / "support"


@pytest.fixture
def service(home: Path) -> Iterator[Served]:
    packs = [PACK, replace(SHOP, asks_rating=True)]
    with served(home, script=lambda _: "Fine.", packs=packs, understand=understand) as running:
        yield running


def _enrol(c: Connection, running: Served) -> tuple[dict[str, str], dict[str, str]]:
    """Sign-ins by name, and a session of Ana's with each pack's agent."""
    stamps, tokens, made = running.house.stamps, {}, {}
    for id_, role in NAMES.items():
        row = {"id": f"usr_{id_}", "name": id_.title(), "role": role, "created_at": stamps.now()}
        c.execute(schema.users.insert().values(**row))
        tokens[id_] = keys.sign_in(c, stamps, f"usr_{id_}")
    ana = people.principal_of(c, "usr_ana")
    for one in agents.list_agents(c, ana):
        if one["pack"]:
            made[one["pack"]] = sessions.create_session(c, stamps, ana, one["id"]).id
    return tokens, made


def _begin(
    browser: Browser,
    running: Served,
    complaints: list[str],
    locale: str = "en-US",
    width: int = 1280,
) -> tuple[dict[str, Page], dict[str, str]]:
    async def fill() -> None:
        owner = await running.house.database.read(lambda c: people.principal_of(c, OWNER_ID))
        await add_text(running.house, owner, "tea.md", "# Tea\n\nTea is green or black.\n")

    running.call(fill())
    tokens, made = running.write(lambda c: _enrol(c, running))
    pages = {}
    for name, token in tokens.items():
        context = browser.new_context(viewport={"width": width, "height": 800}, locale=locale)
        context.add_cookies([{"name": COOKIE, "value": token, "url": running.address}])
        pages[name] = context.new_page()
        pages[name].on("pageerror", lambda error: complaints.append(str(error)))
        pages[name].on("console", lambda said: _note(complaints, said))
    return pages, made


def _say(page: Page, *texts: str) -> None:
    for text in texts:
        before = page.locator(".message.assistant").count()
        page.fill("#text", text)
        page.keyboard.press("Enter")
        expect(page.locator(".message.assistant")).to_have_count(before + 1)
        expect(page.locator("#stop")).to_be_hidden()


def _verify(running: Served, session_id: str) -> None:
    of_pack = running.house.packs["support"].executor.rows
    known = {"id": session_id, "verified_customer": "C-100", "verified_at": 1, "tries": 0}
    running.write(lambda c: of_pack(c, "conversations").put(**known))


def test_the_main_way_of_service(browser: Browser, service: Served) -> None:
    complaints: list[str] = []
    pages, made = _begin(browser, service, complaints)
    ana, sam, sue = pages["ana"], pages["sam"], pages["sue"]
    ana.goto(f"{service.address}/chat/{made['support']}")
    _say(ana, "docs who mends a broken umbrella?")
    ana.click("#person")
    sam.goto(f"{service.address}/desk#{made['support']}")
    expect(sam.locator("#panel")).to_contain_text("Not verified")
    _verify(service, made["support"])
    ana.fill("#text", "are you there?")
    ana.keyboard.press("Enter")
    expect(sam.locator("#panel")).to_contain_text("Ana Duarte")  # without a reload
    sam.click("#panel a:has-text('O-1001')")
    expect(sam.locator("#screen")).to_contain_text("kettle")

    sue.goto(f"{service.address}/packs/support/articles")
    sue.click("[data-tool=begin_article] button")
    sue.click("#screen a:has-text('umbrella')")
    expect(sue.locator("#screen")).to_contain_text("who mends a broken umbrella?")
    sue.fill("[name=body]", "We mend a broken umbrella for 9.00 EUR.")
    sue.check("[name=published]")
    sue.click("[data-tool=write_article] button")
    expect(sue.locator("#screen")).to_contain_text("published")
    expect(sue.locator("[data-tool=begin_article]")).to_have_count(0)

    sue.goto(f"{service.address}/packs/support/customers/C-113")
    asked: list[str] = []
    sue.on("dialog", lambda one: (asked.append(one.message), one.accept()))
    sue.click("[data-tool=erase_customer] button")
    expect(sue.locator("#screen")).to_contain_text("customers")
    expect(sue.locator("#screen")).not_to_contain_text("Rosa Marin")
    assert len(asked) == 1 and "for good" in asked[0]

    ana.goto(f"{service.address}/chat/{made['shop']}")
    _say(ana, "refund order=O-1001 email=ana@example.test")
    expect(ana.locator("#rating-ask")).to_be_hidden()
    _say(ana, "yes")
    ana.click("#rating-ask button[aria-label^='4 ']")
    ana.fill("#rating-ask input", "quick")
    ana.keyboard.press("Enter")
    expect(ana.locator("#rating-ask")).to_have_text("Thank you.")
    (kept,) = service.call(rows(service.house, "ratings"))
    assert (kept["score"], kept["comment"]) == (4, "quick")
    ana.reload()
    expect(ana.locator(".message.assistant").last).to_contain_text("Done")
    expect(ana.locator("#rating-ask")).to_be_hidden()
    assert complaints == []


def test_a_return_is_found_taken_and_paid_back_by_keyboard(
    browser: Browser, service: Served
) -> None:
    complaints: list[str] = []
    sam = _begin(browser, service, complaints)[0]["sam"]
    asked: list[str] = []
    sam.on("dialog", lambda one: (asked.append(one.message), one.accept()))
    sam.goto(f"{service.address}/packs/support/cases")
    for name, then in (("label to send", "view=label"), ("return", "kind=return")):
        sam.get_by_role("link", name=name, exact=True).press("Enter")
        expect(sam).to_have_url(re.compile(then))
    sam.get_by_role("link", name="K-9005").press("Enter")
    for name, then in (
        ("Take it", "Give it back"), ("Label is sent", "parcel awaited"),
        ("Parcel has come", "parcel has come"),
    ):  # fmt: skip
        sam.get_by_role("button", name=name, exact=True).press("Enter")
        expect(sam.locator("#screen")).to_contain_text(then)
    sam.get_by_role("button", name="Refund", exact=True).press("Enter")
    expect(sam.locator("h2 .state").first).to_have_text("refunded")
    assert asked == ["Pay it back to the customer?"]
    kept = service.call(rows(service.house, "support_cases"))
    (case,) = [one for one in kept if one["id"] == "K-9005"]
    assert (case["outcome"], case["assignee"]) == ("refunded", "usr_sam")
    assert complaints == []


@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
def test_a_visitor_says_how_it_was(browser: Browser, service: Served, locale: str) -> None:
    """In the widget, under the conversation, which stays in sight."""
    complaints: list[str] = []

    def open_channel(c: Connection) -> str:
        owner = people.principal_of(c, OWNER_ID)
        agent = next(one for one in agents.list_agents(c, owner) if one["pack"] == "shop")
        values = {"name": "Shop", "agent_id": agent["id"], "origins": [service.address]}
        return channels.create_channel(c, service.house.stamps, owner, "widget", **values).id

    channel_id = service.write(open_channel)
    page = browser.new_context(viewport={"width": 390, "height": 700}, locale=locale).new_page()
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(f"{service.address}/widget/{channel_id}")
    for n, text in enumerate(["refund order=O-1001 email=ana@example.test", "yes"], 1):
        page.fill("#text", text)
        page.keyboard.press("Enter")
        expect(page.locator("#log .said")).to_have_count(2 * n)
        expect(page.locator("#stop")).to_be_hidden()
    expect(page.locator("#rating-ask button")).to_have_count(6)
    _picture(page, f"support-widget-rating-{locale}")
    assert _faults(page, "the widget", locale, 390) == []
    page.click("#rating-ask button >> nth=4")
    expect(page.locator("#rating-ask input")).to_be_visible()
    page.reload()
    expect(page.locator("#log .said")).to_have_count(4)
    expect(page.locator("#rating-ask")).to_be_hidden()
    (kept,) = service.call(rows(service.house, "ratings"))
    assert kept["score"] == 5
    assert complaints == []


@pytest.mark.parametrize(("locale", "width"), SIZES)
def test_every_screen_fits_and_speaks_the_readers_language(
    browser: Browser, service: Served, locale: str, width: int
) -> None:
    complaints: list[str] = []
    pages, made = _begin(browser, service, complaints, locale, width)
    ana, sam, sue = pages["ana"], pages["sam"], pages["sue"]
    faults: list[str] = []

    def look(page: Page, name: str) -> None:
        _picture(page, f"support-{name}-{width}-{locale}")
        faults.extend(_faults(page, name, locale, width))

    for name in ("report", "articles", "tickets"):
        sue.goto(f"{service.address}/packs/support/{name}")
        look(sue, f"{name}-empty")
    _fill(service)
    ana.goto(f"{service.address}/chat/{made['support']}")
    _say(ana, "docs who mends a broken umbrella?")
    ana.click("#person")
    _verify(service, made["support"])
    sam.goto(f"{service.address}/desk#{made['support']}")
    expect(sam.locator("#panel")).to_contain_text("Ana Duarte")
    look(sam, "desk")
    sam.click("#take")
    sam.fill("#reply textarea", "We do.")
    sam.press("#reply textarea", "Enter")
    expect(sam.locator(".said.person-said")).to_have_count(1)
    sam.click("#resolve")
    ana.goto(f"{service.address}/chat/{made['shop']}")
    _say(ana, "refund order=O-1001 email=ana@example.test", "yes")
    expect(ana.locator("#rating-ask button")).to_have_count(6)
    look(ana, "rating")
    first = _first_ticket(service)
    sam.goto(f"{service.address}/packs/support/cases?view=mine")
    look(sam, "cases-mine-empty")
    for step, name in enumerate(("label", "arrived")):
        sue.goto(f"{service.address}/packs/support/cases/K-9005")
        look(sue, f"case-{name}")
        if not step:
            sue.click("[data-tool=move_case]:has([value=arrived]) button")
            expect(sue.locator("[data-endpoint$=refund]")).to_be_visible()
    for name in ("", "orders/O-1001", "cases", "cases/K-9003", "customers", "customers/C-100",
                 "tickets", f"tickets/{first}", "articles", "report?days=90"):  # fmt: skip
        sue.goto(f"{service.address}/packs/support/{name}")
        look(sue, name.partition("?")[0].replace("/", "-") or "orders")
    sue.goto(f"{service.address}/packs/support/articles")
    sue.click("[data-tool=begin_article] button")
    sue.click("#screen li a >> nth=0")
    expect(sue.locator("[name=body]")).to_be_visible()
    look(sue, "article")
    assert faults == []
    assert complaints == []


def _fill(running: Served) -> None:
    """Tickets and mails read in."""
    house = running.house
    readers = {one.name: one.read for one in IMPORTERS}

    async def put(name: str, file: str) -> None:
        owner = await house.database.read(lambda c: people.principal_of(c, OWNER_ID))
        found: ReadIn = readers[name](file, (FILES / file).read_bytes())
        await import_file(house, house.packs["support"], owner, name, found)

    running.call(put("zendesk", "zendesk_tickets.json"))
    running.call(put("mail", "threads.mbox"))


def _first_ticket(running: Served) -> Any:
    found = running.call(rows(running.house, "support_tickets"))
    return next(row["id"] for row in found if row["source"] == "mail")
