"""The tutor in a real browser, in the long suite: practice by keyboard alone; every page wide and
narrow, in both languages."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from attenda.packs.tutor.pack import PACK
from attenda.serve.gate import COOKIE
from attenda.store import keys, schema
from attenda.store.database import Connection
from tests.journeys.test_desk_page import SIZES, _note
from tests.journeys.test_pages import _faults
from tests.runtime.test_flows import rows, understand
from tests.security.live import Served, served

LONG = os.environ.get("ATTENDA_LONG") == "1"
pytestmark = pytest.mark.skipif(not LONG, reason="of the long suite (ATTENDA_LONG=1)")
PEOPLE = {"lea": "member", "ms_kern": "supervisor"}
PUPILS, TEACHERS = ("", "practice", "progress"), ("class", "learners/lea")


@pytest.fixture
def school(home: Path) -> Iterator[Served]:
    with served(home, script=lambda _: "", packs=[PACK], understand=understand) as running:
        yield running


def _enrol(c: Connection, running: Served) -> dict[str, str]:
    """Sign-ins by name."""
    stamps, tokens = running.house.stamps, {}
    for id_, role in PEOPLE.items():
        row = {"id": id_, "name": id_.title(), "role": role, "created_at": stamps.now()}
        c.execute(schema.users.insert().values(**row))
        tokens[id_] = keys.sign_in(c, stamps, id_)
    return tokens


def _pages(
    browser: Browser, running: Served, complaints: list[str], locale: str, width: int
) -> dict[str, Page]:
    made = {}
    for name, token in running.write(lambda c: _enrol(c, running)).items():
        context = browser.new_context(viewport={"width": width, "height": 800}, locale=locale)
        context.add_cookies([{"name": COOKIE, "value": token, "url": running.address}])
        made[name] = context.new_page()
        made[name].on("pageerror", lambda error: complaints.append(str(error)))
        made[name].on("console", lambda said: _note(complaints, said))
    return made


def _press(page: Page, button: str) -> None:
    """Reach a button by the Tab key alone, and press it."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent.trim()") == button:
            page.keyboard.press("Enter")
            return
    pytest.fail(f"no Tab leads to “{button}”")


def test_practice_by_keyboard_alone(browser: Browser, school: Served) -> None:
    complaints: list[str] = []
    lea = _pages(browser, school, complaints, "en-US", 390)["lea"]
    lea.goto(f"{school.address}/packs/tutor/practice")
    _press(lea, "Give me an exercise")
    screen = lea.locator("#screen")
    expect(screen).to_contain_text("2/3 = ?/12")
    _press(lea, "Give me a hint")
    expect(screen).to_contain_text("Hint 1: A fraction stays the same")
    box = lea.locator("input[name=answer]:not([type=hidden])")
    for said, told in (("9", "Not yet:"), ("eight", "Right:")):
        expect(box).to_be_focused()
        lea.keyboard.type(said)
        lea.keyboard.press("Enter")
        expect(screen.locator("[role=status]")).to_contain_text(f"{told} Which number")
        expect(screen.locator("[role=status]")).to_contain_text(f"→ {said}")
    second = screen.locator("section strong").inner_text()
    _press(lea, "Another exercise")
    expect(screen.locator("section strong")).not_to_have_text(second)
    made = school.call(rows(school.house, "tutor_attempts"))
    mine = [row["verdict"] for row in made if row["answer"] in ("9", "eight", "skip")]
    assert sorted(mine) == ["right", "wrong"]  # to leave an exercise is no answer
    assert complaints == []


@pytest.mark.parametrize(("locale", "width"), SIZES)
def test_every_page_fits_and_speaks_the_readers_language(
    browser: Browser, school: Served, locale: str, width: int
) -> None:
    complaints: list[str] = []
    pages = _pages(browser, school, complaints, locale, width)
    faults = []
    for name, paths in (("lea", PUPILS), ("ms_kern", TEACHERS)):
        for path in paths:
            pages[name].goto(f"{school.address}/packs/tutor/{path}".rstrip("/"))
            faults += _faults(pages[name], path or "today", locale, width)
    assert faults == [] and complaints == []
