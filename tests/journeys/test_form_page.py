"""In a real browser: a server's question as a form in the chat, and who decides in an agent."""

import asyncio
import json
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from attenda.api import Pack, ScriptedAnswer, scripted_call
from attenda.core.words import catalogue
from attenda.serve.gate import COOKIE
from attenda.store import agents, keys, people, sessions
from attenda.store.database import Connection
from attenda.tools.mcp import look_at
from attenda.tools.mcp_file import keep, read_servers
from tests.security.live import Served, served
from tests.tools.test_mcp_forms import ASKING, POLICY

SIZES = [("en-US", "en", 1280), ("zh-CN", "zh-CN", 360)]


async def nothing(_said: object) -> list[Any]:
    return []


def script(messages: Any) -> ScriptedAnswer:
    asked = messages[-1]
    return [scripted_call("peer_reserve", day="Monday")] if asked.role == "user" else "${r1.result}"


@pytest.fixture
def place(home: Path, tmp_path: Path) -> Iterator[Served]:
    pytest.importorskip("mcp", reason="the MCP SDK is not here (attenda[mcp])")
    home.mkdir()
    spec = f"command = {json.dumps(sys.executable)}\nargs = [{json.dumps(str(ASKING))}]\n"
    (home / "mcp.toml").write_text(f'[server.peer]\n{spec}learns = "asker"\n')
    with ThreadPoolExecutor() as pool:  # the browser's own loop runs in this thread
        asked = look_at("peer", read_servers(home)["peer"])
        keep(home, "peer", pool.submit(asyncio.run, asked).result())
    folder = tmp_path / "pack"
    folder.mkdir()
    (folder / "policy.toml").write_text(POLICY)
    pack = Pack(name="asks", title={"en": "Tables"}, folder=folder, mode="loop")
    with served(home, script=script, packs=[pack], understand=nothing) as running:
        yield running


def open_page(browser: Browser, place: Served, locale: str, width: int) -> tuple[Page, str]:
    def begin(connection: Connection) -> tuple[str, str]:
        who = people.principal_of(connection, people.OWNER_ID)
        agent = next(a for a in agents.list_agents(connection, who) if a["pack"] == "asks")
        made = sessions.create_session(connection, place.house.stamps, who, agent["id"])
        return keys.sign_in(connection, place.house.stamps, who.id), made.id

    token, session_id = place.write(begin)
    context = browser.new_context(viewport={"width": width, "height": 800}, locale=locale)
    context.add_cookies([{"name": COOKIE, "value": token, "url": place.address}])
    return context.new_page(), session_id


@pytest.mark.parametrize(("locale", "language", "width"), SIZES)
def test_a_servers_question_is_a_form_that_survives_a_reload(
    browser: Browser, place: Served, locale: str, language: str, width: int
) -> None:
    page, session_id = open_page(browser, place, locale, width)
    words = catalogue(language)
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(f"{place.address}/chat/{session_id}")
    page.fill("#text", "A table please")
    page.keyboard.press("Enter")
    form = page.locator("form.asked")
    expect(form).to_contain_text("For Monday: how many guests?", timeout=30_000)
    page.reload()
    expect(form).to_contain_text("peer", timeout=30_000)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    expect(form.locator("input[type=number]")).to_be_focused()
    page.keyboard.type("3")
    form.locator("select").select_option("garden")
    form.get_by_role("button", name=words["page.form_send"], exact=True).press("Enter")
    expect(form).to_have_count(0, timeout=30_000)
    expect(page.locator("#thread")).to_contain_text("3 by the garden on Monday", timeout=30_000)
    page.goto(f"{place.address}/agents")
    page.locator("#agents button", has_text=words["page.edit"]).first.click()
    expect(page.locator("input[name=mode][value=loop]")).to_be_checked()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert complaints == []
    page.context.close()
