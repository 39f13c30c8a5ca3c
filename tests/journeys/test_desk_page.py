"""The desk and the chat in two real browsers: a handoff, a person's answer, the return, a yes."""

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from attenda.cli.packs import load_pack
from attenda.core.words import catalogue
from attenda.serve.gate import COOKIE
from attenda.store import agents, keys, people, schema, sessions
from attenda.store.database import Connection
from tests.journeys.test_pages import _faults
from tests.runtime.test_flows import understand
from tests.security.live import Served, served

SHOP = load_pack(Path(__file__).parent.parent / "packs" / "shop")
NAMES = {
    "ana": ("Ana Duarte", "agent"),
    "sam": ("Sam Okafor", "agent"),
    "sue": ("Sue", "supervisor"),
}
SIZES = [("en-US", 1280), ("zh-CN", 1280), ("en-US", 390), ("zh-CN", 390)]


@pytest.fixture
def shop(home: Path) -> Iterator[Served]:
    story = "There once was a lighthouse. " * 40
    with served(
        home, script=lambda _: story, pause_s=0.05, packs=[SHOP], understand=understand
    ) as running:
        yield running


@dataclass
class Desk:
    """The people of the shop, each in a browser of their own."""

    running: Served
    ana: Page
    sam: Page
    sue: Page
    session_id: str
    complaints: list[str]

    def write(self, text: str) -> None:
        self.ana.fill("#text", text)
        self.ana.keyboard.press("Enter")


@pytest.fixture
def at_desk(browser: Browser, shop: Served) -> Iterator[Callable[..., Desk]]:
    contexts: list[Any] = []
    complaints: list[str] = []

    def begin(locale: str = "en-US", width: int = 1280, pack: bool = True) -> Desk:
        tokens, session_id = shop.write(lambda c: _people(c, shop, pack))
        pages = {}
        for name, token in tokens.items():
            context = browser.new_context(viewport={"width": width, "height": 800}, locale=locale)
            context.add_cookies([{"name": COOKIE, "value": token, "url": shop.address}])
            contexts.append(context)
            page = pages[name] = context.new_page()
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.on("console", lambda said: _note(complaints, said))
        pages["ana"].goto(f"{shop.address}/chat/{session_id}")
        pages["sam"].goto(f"{shop.address}/desk")
        pages["sue"].goto(f"{shop.address}/desk")
        return Desk(shop, **pages, session_id=session_id, complaints=complaints)

    yield begin
    for context in contexts:
        context.close()
    assert complaints == []


def _note(complaints: list[str], said: Any) -> None:
    if said.type == "error" and not said.text.startswith("Failed to load resource"):
        complaints.append(said.text)


def _people(c: Connection, running: Served, pack: bool) -> tuple[dict[str, str], str]:
    stamps, tokens = running.house.stamps, {}
    for id_, (name, role) in NAMES.items():
        row = {"id": f"usr_{id_}", "name": name, "role": role, "created_at": stamps.now()}
        c.execute(schema.users.insert().values(**row))
        tokens[id_] = keys.sign_in(c, stamps, f"usr_{id_}")
    ana = people.principal_of(c, "usr_ana")
    agent = next(one for one in agents.list_agents(c, ana) if one["pack"] == "shop")
    made = sessions.create_session(c, stamps, ana, agent["id"] if pack else None)
    return tokens, made.id


def test_a_person_takes_over_and_nobody_is_talked_over(at_desk: Callable[..., Desk]) -> None:
    d = at_desk(pack=False)
    d.write("tell me a story")
    expect(d.ana.locator(".message.assistant .body")).to_contain_text("lighthouse")
    d.ana.click("#person")
    expect(d.ana.locator("#notice")).to_contain_text("passed on to a person")
    expect(d.ana.locator("#thread")).not_to_contain_text("lighthouse")
    expect(d.ana.locator("#thread")).to_contain_text("This answer was broken off")

    expect(d.sam.locator("#talks button")).to_have_count(1)  # without a reload
    expect(d.sam.locator("[data-tab=queue] .count")).to_have_text("1")
    expect(d.sam).to_have_title(re.compile(r"^\(1\)"))
    d.sam.keyboard.press("j")
    d.sam.keyboard.press("Enter")
    expect(d.sam.locator("#summary")).to_contain_text("asked for a person")
    d.sam.keyboard.press("c")
    expect(d.sam.locator("#reply textarea")).to_be_focused()
    expect(d.ana.locator("#notice")).to_have_text("Sam Okafor answers you here.")
    d.write("is somebody there?")
    expect(d.sam.locator("#said")).to_contain_text("is somebody there?")
    d.sam.fill("#add-note textarea", "A note of ours.")
    d.sam.click("#add-note button")
    expect(d.sam.locator("#notes")).to_contain_text("A note of ours.")
    d.sam.fill("#reply textarea", "Yes, I am Sam.")
    d.sam.keyboard.press("Enter")
    expect(d.ana.locator(".person-said .speaker")).to_have_text("Sam Okafor")
    expect(d.ana.locator("#thread")).to_contain_text("Yes, I am Sam.")
    expect(d.ana.locator("#thread")).not_to_contain_text("A note of ours.")

    d.sam.click("#give-back")
    expect(d.sam.locator("#no-talk")).to_contain_text("left the desk")
    expect(d.ana.locator("#notice")).to_be_hidden()
    d.write("another story")
    expect(d.ana.locator(".message.assistant").last.locator(".body")).to_contain_text("lighthouse")
    d.ana.click("#stop")


def test_a_refund_waits_for_a_yes_and_goes_on_by_itself(at_desk: Callable[..., Desk]) -> None:
    d = at_desk()
    d.write("refund order=O-1005 email=ana@example.test")
    expect(d.ana.locator("#choices button")).to_have_text(["Yes", "No"])
    d.write("yes")
    expect(d.ana.locator("#notice")).to_contain_text("waits for a colleague's approval")
    expect(d.sue.locator("[data-tab=approvals] .count")).to_have_text("1")
    d.sue.click("[data-tab=approvals]")
    asked = d.sue.locator("#approvals .item")
    expect(asked).to_contain_text("899.00")
    expect(asked).to_contain_text("O-1005")
    asked.locator("input").fill("known customer")
    asked.locator("button.primary").click()
    expect(d.ana.locator("#thread")).to_contain_text("Done: 899.00")  # without a reload
    expect(d.ana.locator("#notice")).to_be_hidden()
    expect(d.sue.locator("#approvals .item")).to_contain_text("known customer")


@pytest.mark.parametrize(("locale", "width"), SIZES)
def test_the_desk_fits_and_speaks_the_readers_language(
    at_desk: Callable[..., Desk], locale: str, width: int
) -> None:
    d = at_desk(locale, width)
    words = catalogue(locale[:2] if locale.startswith("en") else locale)
    faults: list[str] = []
    expect(d.sam.locator("#talks")).to_contain_text(words["page.empty_queue"])
    _picture(d.sam, f"desk-empty-{width}-{locale}")
    faults += _faults(d.sam, "an empty desk", locale, width)
    d.write("refund order=O-1005 email=ana@example.test")
    expect(d.ana.locator("#choices button")).to_have_count(2)
    d.write("yes")
    expect(d.ana.locator("#notice")).to_have_text(words["page.waits_for_approval"])
    _picture(d.ana, f"chat-approval-{width}-{locale}")
    d.ana.click("#person")
    expect(d.ana.locator("#notice")).to_have_text(words["page.with_queue"])
    faults += _faults(d.ana, "a chat that waits", locale, width)
    d.sam.click("#talks button")
    expect(d.sam.locator("#talk-approvals .item")).to_have_count(1)
    d.sam.click("#take")
    expect(d.sam.locator("#reply textarea")).to_be_focused()
    expect(d.sam.locator("#talks button")).to_have_count(1)  # now among one's own
    d.sam.fill("#add-label input", "VIP")
    d.sam.keyboard.press("Enter")
    expect(d.sam.locator("#labels button")).to_have_count(1)
    d.sam.fill("#reply textarea", "Hello Ana, I look into it.")
    d.sam.press("#reply textarea", "Enter")
    expect(d.sam.locator(".said.person-said")).to_have_count(1)
    faults += _faults(d.sam, "a conversation", locale, width)
    _picture(d.sam, f"desk-talk-{width}-{locale}")
    expect(d.ana.locator(".person-said")).to_have_count(1)
    _picture(d.ana, f"chat-person-{width}-{locale}")
    d.sue.click("[data-tab=approvals]")
    d.sue.click("#switches-box summary")
    expect(d.sue.locator("#switches li").nth(1)).to_be_visible()  # all tools', and one's
    _picture(d.sue, f"desk-approvals-{width}-{locale}")
    faults += _faults(d.sue, "approvals", locale, width)
    d.sue.click("[data-tab=settings]")
    expect(d.sue.locator("#notice-rules li")).to_have_text(words["desk.notice_none"])
    faults += _faults(d.sue, "the desk's settings", locale, width)
    d.sam.click("#suggest")  # it waits for a yes, and there is no document
    expect(d.sam.locator(".toast").last).to_have_text(words["desk.no_suggestion"])
    assert faults == []


def _picture(page: Page, name: str) -> None:
    """For eyes: where `ATTENDA_DATA` names a folder of `pictures`, one is kept there."""
    folder = Path(os.environ.get("ATTENDA_DATA", "")) / "pictures"
    if os.environ.get("ATTENDA_DATA") and folder.is_dir():
        page.screenshot(path=folder / f"{name}.png")


def test_a_suggestion_is_taken_by_keys_edited_and_sent(at_desk: Callable[..., Desk]) -> None:
    d = at_desk()
    d.write("refund order=O-1001")
    expect(d.ana.locator("#thread")).to_contain_text("e-mail address?")
    d.ana.click("#person")
    d.sam.click("#talks button")
    d.sam.click("#take")
    field = d.sam.locator("#reply textarea")
    expect(field).to_be_focused()
    d.sam.keyboard.press("Escape")
    d.sam.keyboard.press("s")
    expect(d.sam.locator("#suggestion")).to_contain_text("What is your e-mail address?")
    faults = _faults(d.sam, "a suggestion", "en-US", 1280)
    assert d.ana.locator(".person-said").count() == 0
    d.sam.keyboard.press("Escape")
    d.sam.keyboard.press("e")
    expect(field).to_be_focused()
    expect(field).to_have_value("What is your e-mail address?")
    field.press_sequentially(" Thanks!")
    field.press("Enter")
    expect(d.sam.locator(".said.person-said")).to_contain_text("suggested, then edited")
    expect(d.ana.locator(".person-said")).to_contain_text("address? Thanks!")

    field.fill("We are on it.")
    d.sam.once("dialog", lambda dialog: dialog.accept("On it"))
    d.sam.click("#keep-reply")
    canned = d.sam.locator("#canned")
    expect(canned.locator("> option", has_text="On it")).to_have_count(1)
    canned.select_option(value=canned.locator("optgroup option").get_attribute("value"))
    expect(canned.locator("> option", has_text="On it")).to_have_count(0)
    d.sam.locator(".toast", has_text="On it").get_by_role("button").click()
    field.fill("")
    canned.select_option("On it")
    expect(field).to_have_value("We are on it.")
    d.sam.fill("#add-label input", "VIP")
    d.sam.keyboard.press("Enter")
    expect(d.sam.locator("#known-labels option")).to_have_attribute("value", "VIP")
    assert faults == [] and d.complaints == []
