"""An agent's draft in a real browser, in the long suite: a pack is chosen, a refund tried to its
end without a deed, the draft published and rolled back; in both languages, wide and narrow."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from attenda.api import Command, Said
from attenda.core.words import sentence
from attenda.serve.gate import COOKIE
from attenda.store import keys, schema
from attenda.store.database import Connection
from tests.journeys.test_desk_page import SHOP, _note, _picture
from tests.journeys.test_pages import _faults
from tests.runtime.test_flows import understand
from tests.security.live import Served, served
from tests.serve.test_trials import outside_of_talks

SIZES = [("en-US", 1280), ("zh-CN", 1280), ("en-US", 360), ("zh-CN", 360)]
LONG = os.environ.get("ATTENDA_LONG") == "1"
pytestmark = pytest.mark.skipif(not LONG, reason="of the long suite (ATTENDA_LONG=1)")


async def heard(said: Said) -> Sequence[Command]:
    """As `understand`; a click on the first choice is a yes."""
    yes = {sentence("en", "dialogue.yes"), sentence("zh-CN", "dialogue.yes")}
    return await understand(replace(said, text="yes") if said.text in yes else said)


@pytest.fixture
def house(home: Path) -> Iterator[Served]:
    with served(home, script=lambda _: "Fine.", packs=[SHOP], understand=heard) as running:
        yield running


def _enter(
    browser: Browser, running: Served, complaints: list[str], locale: str, width: int
) -> Page:
    def enrol(c: Connection) -> str:
        stamps = running.house.stamps
        row = {"id": "usr_sue", "name": "Sue", "role": "supervisor", "created_at": stamps.now()}
        c.execute(schema.users.insert().values(**row))
        return keys.sign_in(c, stamps, "usr_sue")

    token = running.write(enrol)
    context = browser.new_context(viewport={"width": width, "height": 800}, locale=locale)
    context.add_cookies([{"name": COOKIE, "value": token, "url": running.address}])
    page = context.new_page()
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: _note(complaints, said))
    page.goto(f"{running.address}/agents")
    return page


def _say(page: Page, text: str) -> None:
    page.fill("#question", text)
    page.keyboard.press("Enter")
    expect(page.locator("#answer .user").last).to_have_text(text)
    expect(page.locator("#trial button")).to_be_enabled()


def _beside_agents(running: Served) -> Any:
    """All that a trial must leave alone; agents are saved as they are edited."""
    found = running.call(outside_of_talks(running.house))
    edited = ("access", "agents", "agent_drafts", "agent_versions", "audit", "logins", "keys")
    return {name: rows for name, rows in found.items() if name not in edited}


@pytest.mark.parametrize(("locale", "width"), SIZES)
def test_a_refund_is_tried_and_the_draft_published_and_rolled_back(
    browser: Browser, house: Served, locale: str, width: int
) -> None:
    complaints: list[str] = []
    faults: list[str] = []
    page = _enter(browser, house, complaints, locale, width)
    before = _beside_agents(house)

    def word(key: str, **values: object) -> str:
        return sentence(locale if locale == "zh-CN" else "en", key, **values)

    def look(name: str) -> None:
        _picture(page, f"trial-{name}-{width}-{locale}")
        faults.extend(_faults(page, name, locale, width))

    page.click("#new-agent")
    page.fill("#editor [name=name]", "Till")
    expect(page.locator("#answer")).to_have_text(word("page.trial_empty"))
    look("empty")
    page.select_option("#editor [name=pack]", "shop")
    _say(page, "refund email=ana@example.test")
    expect(page.locator("#trial-stands")).to_contain_text(word("page.trial_asks", what="order"))
    _say(page, "order=O-1005")
    expect(page.locator("#trial-stands")).to_contain_text("O-1005")
    look("asks")
    page.locator("#trial-choices button").first.focus()
    page.keyboard.press("Enter")
    last = page.locator("#answer .assistant").last
    expect(last).to_contain_text("issue_refund")
    expect(last).to_contain_text("899.00")
    expect(page.locator("#trial-stands li")).to_have_count(0)
    look("done")
    _say(page, "person")
    expect(last).to_contain_text(sentence("en", "trial.nobody_called"))
    assert _beside_agents(house) == before

    page.click("#trial-begin")
    expect(page.locator("#answer")).to_have_text(word("page.trial_empty"))
    _say(page, "refund order=O-1005")
    page.select_option("#editor [name=pack]", "")
    _say(page, "hello")
    expect(page.locator("#answer .user")).to_have_count(1)  # without the pack it began anew
    page.select_option("#editor [name=pack]", "shop")
    page.click("#publish")
    expect(page.locator(".toast").last).to_contain_text(word("page.published_n", n=1))
    page.fill("#editor [name=instructions]", "Be brief.")
    page.click("#publish")
    expect(page.locator(".toast").last).to_contain_text(word("page.published_n", n=2))
    page.click("#versions-box summary")
    page.locator("#versions button").click()
    expect(page.locator(".toast").last).to_contain_text(word("page.published_n", n=3))
    expect(page.locator("#editor [name=instructions]")).to_have_value("")
    expect(page.locator("#editor [name=pack]")).to_have_value("shop")
    assert faults == []
    assert complaints == []
