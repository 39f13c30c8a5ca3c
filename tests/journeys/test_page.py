"""The page in a real browser: ask, open the citation, find the words marked."""

import contextlib
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

HANDBOOK = """# Returns

Items can be returned within 30 days of delivery. The parcel must carry the return code.

# Warranty

The warranty covers faults of material for 24 months. It does not cover damage by water.
"""


@contextlib.contextmanager
def served(home: Path) -> Iterator[str]:
    """`attenda up` on a free port; yields the link that signs the browser in."""
    process = subprocess.Popen(
        [sys.executable, "-m", "attenda", "up", "--port", "0", "--no-open"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "ATTENDA_HOME": str(home)},
    )
    assert process.stdout is not None
    lines = ""
    try:
        for line in process.stdout:
            lines += line
            link = re.search(r"http://\S+/enter\?key=\S+", line)
            if link:
                yield link.group()
                break
        else:
            pytest.fail(f"attenda up did not start: {lines}")
    finally:
        process.terminate()
        assert process.wait(30) == 0


@pytest.fixture
def link(home: Path, weights_home: Path) -> Iterator[str]:
    home.mkdir()
    (home / "models").symlink_to(weights_home / "models")
    with served(home) as entrance:
        yield entrance


@pytest.mark.parametrize(
    ("width", "locale", "ready"), [(1280, "en-US", "ready, 2"), (360, "zh-CN", "就绪，2")]
)
def test_upload_ask_and_open_the_citation(
    browser: Browser, link: str, tmp_path: Path, width: int, locale: str, ready: str
) -> None:
    (tmp_path / "handbook.md").write_text(HANDBOOK)
    context = browser.new_context(viewport={"width": width, "height": 760}, locale=locale)
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(link)  # a fresh home leads to the welcome page first
    page.goto(link.split("/enter")[0])
    page.set_input_files("#file", tmp_path / "handbook.md")
    expect(page.locator("#uploads")).to_contain_text(ready, timeout=60_000)
    page.fill("#text", "How long does the warranty last?")
    page.keyboard.press("Enter")
    answer = page.locator(".message.assistant")
    expect(answer.locator(".cite").first).to_be_visible(timeout=90_000)
    expect(answer).not_to_have_class(re.compile("running"), timeout=60_000)
    expect(answer.locator(".body")).to_contain_text("24 months")
    shown = page.locator("#context .long" if width > 1000 else "#context .short")
    expect(shown).to_be_visible()
    expect(shown).to_have_text(re.compile(r"[1-9]\d*\D+ 8,192"))
    answer.locator(".cite").first.click()
    marked = page.locator("#panel mark")
    expect(marked).to_be_in_viewport()
    assert marked.inner_text() in HANDBOOK
    page.keyboard.press("Escape")
    expect(page.locator("#panel")).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollWidth") <= width

    page.reload()
    expect(page.locator(".message.assistant .body")).to_contain_text("24 months")
    expect(page.locator("#context")).to_contain_text("8,192")
    assert complaints == []


def test_without_the_key_nothing_is_shown(browser: Browser, link: str) -> None:
    page = browser.new_context().new_page()
    address = link.split("/enter")[0]
    page.goto(address)
    expect(page.locator("h1")).to_have_text("Attenda")
    assert page.locator("#composer").count() == 0
    answer = page.request.get(f"{address}/api/sessions")
    assert answer.status == 401
    assert "key" in answer.json()["error"]
    refused = page.request.get(f"{address}/api/sessions", headers={"Host": "evil.example"})
    assert refused.status == 403


def test_closing_the_tab_in_mid_answer_loses_nothing(browser: Browser, link: str) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(link)  # a fresh home leads to the welcome page first
    page.goto(link.split("/enter")[0])
    page.fill("#text", "Tell me a long story about a lighthouse.")
    page.keyboard.press("Enter")
    body = page.locator(".message.assistant .body")
    expect(body).to_contain_text(re.compile(r"\w+ \w+ \w+ \w+"), timeout=90_000)
    address = page.url
    page.close()
    time.sleep(0.5)
    page = context.new_page()
    page.goto(address)
    expect(page.locator("#stop")).to_be_visible()
    page.click("#stop")
    expect(page.locator("#stop")).to_be_hidden()
    shown = page.locator(".message.assistant .body").inner_text()
    stored = page.request.get(f"{address.replace('/chat/', '/api/sessions/')}").json()
    assert stored["messages"][1]["status"] == "stopped"
    words = re.sub(r"\W+", " ", stored["messages"][1]["text"])
    assert re.sub(r"\W+", " ", shown).strip() == words.strip()
    assert isinstance(page, Page)
