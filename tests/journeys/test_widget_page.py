"""The chat widget in a real browser, on a site of another origin, and on one that may not show it.

Both sites are loopback servers; `localhost` and `127.0.0.1` are two sites to a browser.
"""

import http.server
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Frame, Page, expect, sync_playwright

from attenda.api import Principal
from attenda.core.words import catalogue
from attenda.runtime.desk import Desk
from attenda.serve.gate import COOKIE
from attenda.serve.identity import channel_secret
from attenda.store import agents, channels, documents, keys, people, schema, visitors
from attenda.store.database import Connection
from tests.conftest import FLAGS
from tests.journeys.test_pages import _faults
from tests.scripted_house import SAVINGS, add_text
from tests.security.live import Served, served
from tests.serve.test_visit import ASKED, CITED, _token

OWNER = Principal(id=people.OWNER_ID, role="owner")
STORY = "There once was a lighthouse. " * 60
HOSTILE = "**Look** <img src=x onerror=parent.hacked=1> [here](javascript:parent.hacked=1) [1]."


TRY_ALL = """async ([address, channel]) => {
  const read = [];
  const attempt = async (path, options) => {
    try { read.push(await (await fetch(address + path, options)).text()); } catch {}
  };
  const visits = `/api/channels/${channel}/visits`;
  const json = { "Content-Type": "application/json" };
  await attempt(`/api/channels/${channel}/looks`);
  await attempt(`/widget/${channel}`);
  await attempt(visits, { method: "POST", body: "{}", headers: json });
  await attempt(visits, { method: "POST", body: "{}", mode: "no-cors" });
  await attempt("/api/visit", { headers: { Authorization: "Bearer vst_x" } });
  return read.filter(Boolean);
}"""
REACH_IN = """() => {
  const frame = document.body.lastElementChild.shadowRoot.querySelector("iframe");
  try { return frame.contentWindow.sessionStorage.length; } catch (problem) { return problem.name; }
}"""


class _Site(http.server.BaseHTTPRequestHandler):
    """A site's page with our one script tag, under each path the same."""

    tag = ""

    def do_GET(self) -> None:
        """The page."""
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        title = '<!doctype html><html lang="en"><title>A shop</title>'
        body = f"<main><h1>Shoes</h1><p>Fine shoes.</p></main>{self.tag}"
        self.wfile.write((title + body).encode())

    def log_message(self, *values: Any) -> None:
        """Say nothing."""


@pytest.fixture
def site() -> Iterator[tuple[int, type[_Site]]]:
    handler = type("Site", (_Site,), {})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever).start()
        yield server.server_address[1], handler
        server.shutdown()


@pytest.fixture(scope="module")
def browser(chromium: Path) -> Iterator[Browser]:
    more = "--disable-features=LocalNetworkAccessChecks,BlockInsecurePrivateNetworkRequests"
    flags = [*FLAGS, "--test-third-party-cookie-phaseout", more]  # no third-party cookies
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=str(chromium), args=flags)


@dataclass
class Shop:
    """The house, the site, and its visitors' pages."""

    running: Served
    browser: Browser
    port: int
    handler: type[_Site]
    channel_id: str
    complaints: list[str] = field(default_factory=list)

    def visit(self, locale: str = "en-US", width: int = 1280, host: str = "localhost") -> Page:
        context = self.browser.new_context(viewport={"width": width, "height": 800}, locale=locale)
        page = context.new_page()
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.goto(f"http://{host}:{self.port}/")
        return page

    def open(self, page: Page) -> Frame:
        page.locator("button[aria-expanded]").click()
        return self.frame(page)

    def frame(self, page: Page) -> Frame:
        handle = page.wait_for_selector("iframe")
        frame = handle.content_frame()
        assert frame is not None
        frame.wait_for_selector(".hello")
        return frame

    def sessions(self) -> list[Any]:
        return self.running.read(lambda c: list(c.execute(schema.sessions.select())))


@pytest.fixture
def shop(
    home: Path, browser: Browser, site: tuple[int, type[_Site]]
) -> Iterator[Callable[..., Shop]]:
    houses: list[Any] = []
    shops: list[Shop] = []

    def begin(script: Any = None, language: str = "", pause_s: float = 0.0) -> Shop:
        # A script of the test's own talks plainly: no document is open to it.
        house = served(home, script=script or (lambda _: CITED), pause_s=pause_s)
        running = house.__enter__()
        houses.append(house)
        running.call(add_text(running.house, OWNER, "savings.md", SAVINGS))
        origin = f"http://localhost:{site[0]}"
        channel_id = running.write(lambda c: _channel(c, running, origin, opens=script is None))
        site[1].tag = _tag(running, channel_id, f'data-language="{language}"' if language else "")
        made = Shop(running, browser, *site, channel_id)
        shops.append(made)
        return made

    yield begin
    for house in houses:
        house.__exit__(None, None, None)
    assert [one for made in shops for one in made.complaints] == []


def _tag(running: Served, channel_id: str, more: str = "") -> str:
    return f'<script src="{running.address}/widget.js" data-channel="{channel_id}" {more}></script>'


def _channel(c: Connection, running: Served, origin: str, opens: bool) -> str:
    stamps = running.house.stamps
    library = documents.ensure_collection(c, stamps, OWNER, "Library")
    agent = agents.create_agent(c, stamps, OWNER, name="Bank", collection_ids=[library.id])
    row = {"id": "usr_sam", "name": "Sam Okafor", "role": "agent", "created_at": stamps.now()}
    c.execute(schema.users.insert().values(**row))
    values = {"name": "Shoe bank", "agent_id": agent, "origins": [origin]}
    opened = [library.id] if opens else []
    made = channels.create_channel(c, stamps, OWNER, "widget", collection_ids=opened, **values)
    return made.id


def test_ask_reload_a_person_and_the_end(shop: Callable[..., Shop]) -> None:
    s = shop()
    page = s.visit()
    frame = s.open(page)
    assert s.sessions() == []  # who only looks leaves nothing behind
    frame.fill("#text", ASKED)
    frame.press("#text", "Enter")
    answer = frame.locator(".said.assistant .body")
    expect(answer).to_contain_text("14 days")
    frame.click(".cite")
    expect(frame.locator(".sources li")).to_contain_text("checking account for 14 days")
    page.reload()
    frame = s.frame(page)  # it was open, so it opens again
    expect(frame.locator(".said")).to_have_count(2)
    assert page.context.cookies() == []

    frame.click("#person")
    expect(frame.locator("#notice")).to_contain_text("passed on to a person")
    sam = s.running.read(lambda c: people.principal_of(c, "usr_sam"))
    session_id = s.sessions()[0].id
    desk = Desk(s.running.house)
    s.running.call(desk.claim(sam, session_id))
    expect(frame.locator("#notice")).to_have_text("Sam Okafor answers you here.")
    staff = _desk_page(s, session_id)
    staff.fill("#reply textarea", "Yes, I am")
    expect(frame.locator("#typing")).to_have_text("Sam Okafor is writing…")
    frame.locator("#text").press_sequentially("is somebody there")
    expect(staff.locator("#talk-state")).to_contain_text("is writing")
    staff.press("#reply textarea", "Enter")
    expect(frame.locator(".said.person .body")).to_have_text("Yes, I am")
    expect(frame.locator("#typing")).to_be_hidden()
    page.locator("button[aria-expanded]").click()
    expect(page.locator("iframe")).to_be_hidden()
    s.running.call(desk.reply(sam, session_id, "One more thing."))
    expect(page.locator("span").last).to_be_visible()  # the dot says that there is news
    frame = s.open(page)
    s.running.call(desk.resolve(sam, session_id))
    expect(frame.locator("#rate-title")).to_be_focused()
    frame.check("input[value='4']")
    frame.fill("#rating textarea", "quick")
    frame.click("#rating button")
    expect(frame.locator("#thanks")).to_be_visible()
    found = s.running.read(lambda c: visitors.rating_of(c, session_id))
    assert found == {"score": 4, "comment": "quick"}
    expect(staff.locator("#talk-state")).to_contain_text("4 / 5")
    page.on("dialog", lambda asked: asked.accept())
    frame.click("#forget")
    expect(frame.locator("#problem")).to_have_text("The conversation was deleted.")
    assert s.sessions() == []


def _desk_page(s: Shop, session_id: str) -> Page:
    token = s.running.write(lambda c: keys.sign_in(c, s.running.house.stamps, "usr_sam"))
    context = s.browser.new_context(locale="en-US")
    context.add_cookies([{"name": COOKIE, "value": token, "url": s.running.address}])
    page = context.new_page()
    page.goto(f"{s.running.address}/desk#{session_id}")
    page.wait_for_selector("#reply:not([hidden])")
    return page


def test_a_site_that_is_not_listed_gets_nothing(shop: Callable[..., Shop]) -> None:
    s = shop()
    page = s.visit(host="127.0.0.1")
    warned: list[str] = []
    page.on("console", lambda said: warned.append(said.text))
    page.reload(wait_until="networkidle")
    assert page.locator("button").count() == 0
    assert any("not among those" in text for text in warned)
    address = s.running.address
    tried = page.evaluate(TRY_ALL, [address, s.channel_id])
    assert tried == []
    assert s.sessions() == []
    page.evaluate(
        "src => document.body.append(Object.assign(document.createElement('iframe'), { src }))",
        f"{address}/widget/{s.channel_id}",
    )
    page.wait_for_timeout(500)
    shown = [one for one in page.frames[1:] if one.url.startswith(address)]
    assert not any(one.locator("#text").count() for one in shown)


@pytest.mark.long
def test_words_of_a_model_and_messages_of_a_page_do_nothing_in_the_frame(
    shop: Callable[..., Shop],
) -> None:
    s = shop(lambda _: HOSTILE)
    page = s.visit()
    frame = s.open(page)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    frame.fill("#text", "<img src=x onerror=parent.hacked=1>")
    frame.press("#text", "Enter")
    expect(frame.locator(".said.assistant .body")).to_contain_text("Look")
    assert frame.locator(".said img").count() == 0
    assert frame.locator(".said a[href^=javascript]").count() == 0
    assert page.evaluate("window.hacked") is None
    assert all(url.startswith(s.running.address) for url in asked), asked
    # A page's own script reaches neither the frame's document nor its token.
    blocked = page.evaluate(REACH_IN)
    assert blocked == "SecurityError"


@pytest.mark.long
def test_a_channel_that_is_closed_ends_the_chat(shop: Callable[..., Shop]) -> None:
    s = shop(lambda _: STORY, pause_s=0.05)
    page = s.visit()
    frame = s.open(page)
    frame.fill("#text", "tell me a story")
    frame.press("#text", "Enter")
    expect(frame.locator(".said.assistant .body")).to_contain_text("lighthouse")
    stamps = s.running.house.stamps
    s.running.write(lambda c: channels.revoke_channel(c, stamps, OWNER, s.channel_id))
    expect(frame.locator(".said")).to_have_count(0)
    page.reload(wait_until="networkidle")
    assert page.locator("button").count() == 0


@pytest.mark.long
def test_a_customer_is_known_by_the_sites_word(shop: Callable[..., Shop]) -> None:
    s = shop()
    secret = channel_secret(s.running.house.channel_key, s.channel_id)
    now = s.running.house.stamps.now() // 1_000_000
    token = _token(secret, {"alg": "HS256"}, sub="c-7", name="Ana Duarte", exp=now + 600)
    s.handler.tag = _tag(s.running, s.channel_id, f'data-identity="{token}"')
    frame = s.open(s.visit())
    frame.fill("#text", ASKED)
    frame.press("#text", "Enter")
    expect(frame.locator(".said.assistant .body")).to_contain_text("14 days")
    named = s.running.read(lambda c: visitors.names_of(c, [one.owner_id for one in s.sessions()]))
    assert list(named.values()) == ["Ana Duarte"]


@pytest.mark.parametrize(
    ("locale", "width"), [pytest.param("en-US", 1280, marks=pytest.mark.long), ("zh-CN", 360)]
)
def test_it_fits_is_usable_by_keys_and_speaks_the_language(
    shop: Callable[..., Shop], locale: str, width: int
) -> None:
    s = shop(language=locale if locale == "zh-CN" else "en")
    words = catalogue(locale if locale == "zh-CN" else "en")
    page = s.visit(locale, width)
    page.wait_for_selector("button[aria-expanded]")
    faults = _faults(page, "the site", "", width)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    frame = s.frame(page)
    expect(frame.locator("#text")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("iframe")).to_be_hidden()
    expect(page.locator(f"button[aria-label='{words['widget.open']}']")).to_be_focused()
    page.keyboard.press("Enter")
    expect(frame.locator("#text")).to_be_focused()
    _picture(page, f"widget-empty-{width}-{locale}")
    inside = int(frame.evaluate("window.innerWidth"))
    faults += _faults(frame, "an empty chat", locale, inside)  # type: ignore[arg-type]
    page.keyboard.type(ASKED)
    page.keyboard.press("Enter")
    expect(frame.locator(".said.assistant .body")).to_contain_text("14 days")
    frame.click(".cite")
    faults += _faults(frame, "an answer", locale, inside)  # type: ignore[arg-type]
    _picture(page, f"widget-answer-{width}-{locale}")
    frame.click("#person")
    expect(frame.locator("#notice")).to_have_text(words["widget.queued"])
    _picture(page, f"widget-queued-{width}-{locale}")
    frame.click("#end")
    faults += _faults(frame, "the end", locale, inside)  # type: ignore[arg-type]
    _picture(page, f"widget-end-{width}-{locale}")
    assert faults == []


def _picture(page: Page, name: str) -> None:
    """For eyes: where `ATTENDA_DATA` names a folder of `pictures`, one is kept there."""
    folder = Path(os.environ.get("ATTENDA_DATA", "")) / "pictures"
    if os.environ.get("ATTENDA_DATA") and folder.is_dir():
        page.screenshot(path=folder / f"{name}.png")
