"""The page of automations in a real browser: one started, its form filled in, its run read."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from attenda.cli.packs import load_pack
from attenda.core.words import catalogue
from attenda.serve.gate import COOKIE
from attenda.store import keys, schema
from attenda.store.database import Connection
from tests.conftest import FLAGS
from tests.journeys.test_pages import _faults
from tests.runtime.depot import FOLDER
from tests.security.live import Served, served


@pytest.fixture(scope="module")
def browser(chromium: Path) -> Iterator[Browser]:
    expect.set_options(timeout=30_000)
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=str(chromium), args=FLAGS)


@pytest.fixture
def running(home: Path) -> Iterator[Served]:
    async def understand(_said: object) -> list[object]:
        return []

    with served(home, packs=[load_pack(FOLDER)], understand=understand) as found:
        yield found


def _page(browser: Browser, running: Served, role: str, locale: str, width: int) -> Page:
    def person(c: Connection) -> str:
        id_ = f"usr_{role}{width}"
        values = {"id": id_, "name": "Ana", "role": role, "created_at": 1}
        c.execute(schema.users.insert().values(**values))
        return keys.sign_in(c, running.house.stamps, id_)

    context = browser.new_context(viewport={"width": width, "height": 800}, locale=locale)
    token = running.write(person)
    context.add_cookies([{"name": COOKIE, "value": token, "url": running.address}])
    page = context.new_page()
    page.goto(f"{running.address}/automations")
    return page


def test_a_form_is_filled_in_and_its_run_goes_on(browser: Browser, running: Served) -> None:
    complaints: list[str] = []
    sue = _page(browser, running, "supervisor", "en-US", 1280)
    sue.on("pageerror", lambda error: complaints.append(str(error)))
    expect(sue.locator("#kinds > li")).to_have_count(7)
    sue.click("#start-restock summary")
    sue.fill("#restock-item", "tea")
    sue.keyboard.press("Tab")
    sue.keyboard.press("Enter")
    expect(sue.locator("#run-title")).to_contain_text("waiting")
    expect(sue.locator("#one-run .timeline > li")).to_have_count(3)
    expect(sue.locator("#one-run")).to_contain_text("a form")

    ana = _page(browser, running, "agent", "zh-CN", 360)
    ana.on("pageerror", lambda error: complaints.append(str(error)))
    expect(ana.locator("#forms h3")).to_have_text("要订购更多 tea 吗？还有 3 个。")
    expect(ana.locator("#kinds")).to_have_count(0)
    ana.locator("#forms textarea").fill("fast")
    ana.wait_for_timeout(2500)  # the list is looked at anew, and what is typed stays
    expect(ana.locator("#forms textarea")).to_have_value("fast")
    assert _faults(ana, "forms", "zh-CN", 360) == []
    ana.locator("#forms input[type=number]").fill("5")
    ana.keyboard.press("Enter")
    expect(ana.locator("#forms")).to_contain_text(catalogue("zh-CN")["automations.no_forms"])

    expect(sue.locator("#run-title")).to_contain_text("done")  # without a reload
    expect(sue.locator("#one-run")).to_contain_text(re.compile("Ordered as B-[0-9a-f]{8}"))
    order = sue.locator(".timeline > li").filter(has_text="order").nth(0)
    order.locator("summary").click()
    expect(order).to_contain_text('"id": "B-')
    assert _faults(sue, "run", "en-US", 1280) == []
    sue.click("#all-runs")
    expect(sue.locator("#runs > li")).to_have_count(1)
    expect(sue.locator("#runs .state")).to_have_text("done")
    assert _faults(sue, "automations", "en-US", 1280) == []
    assert complaints == []


@pytest.mark.long
def test_a_run_is_paused_and_ended_by_keyboard(browser: Browser, running: Served) -> None:
    sue = _page(browser, running, "supervisor", "en-US", 1280)
    sue.click("#start-large summary")
    sue.fill("#large-count", "50")
    sue.keyboard.press("Enter")
    expect(sue.locator("#run-title")).to_contain_text("waiting")
    sue.locator("#run-pause").press("Enter")
    expect(sue.locator("#run-title")).to_contain_text("paused")
    sue.locator("#run-resume").press("Enter")
    expect(sue.locator("#run-title")).to_contain_text("waiting")
    sue.locator("#run-cancel").press("Enter")
    sue.locator("dialog button.danger").press("Enter")
    expect(sue.locator("#run-title")).to_contain_text("cancelled")
    expect(sue.locator("#one-run .buttons")).to_have_count(0)
