"""What people and files wrote is shown as text (R5): in pages, titles, messages, names, headings.

The real pages in Chromium, with markup and templates planted in all that they show.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from attenda.core.label import Label
from attenda.core.message import Citation, CitationPart, Message, TextPart, text_message
from attenda.store import documents, people, runs, sessions
from attenda.store.database import Connection
from tests.security.live import Served, served
from tests.security.test_hostile_page import FLAGS

PAYLOADS = [
    "<script>window.owned=1</script>",
    "<img src=x onerror=window.owned=1>",
    '"><svg onload=window.owned=1>',
    "<iframe srcdoc='<script>parent.owned=1</script>'></iframe>",
    "[a](javascript:window.owned=1) <javascript:window.owned=1>",
    "![a](https://evil.example/x.png) [b]: https://evil.example/y",
    "<style>@import 'https://evil.example/z'</style>",
    "{{777*777}} ${777*777} <%= 777*777 %> #{777*777}",
    "</script><script>window.owned=1</script>",
    "<a href='data:text/html,<script>opener.owned=1</script>'>x</a>",
    "<math><mtext><table><mglyph><style><img src=x onerror=window.owned=1>",
    "<form action=https://evil.example><input name=a><button>x</button></form>",
]


@pytest.fixture(scope="module")
def browser(chromium: Path) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=str(chromium), args=FLAGS)


def _plant(c: Connection, running: Served) -> list[str]:
    """A session and a document for each payload; the sessions' ids."""
    stamps = running.house.stamps
    owner = people.principal_of(c, people.OWNER_ID)
    label = Label(integrity="user", readers=frozenset({owner.id}))
    shelf = documents.ensure_collection(c, stamps, owner, "Library")
    ids = []
    for number, payload in enumerate(PAYLOADS):
        session = sessions.create_session(c, stamps, owner)
        sessions.update_session(c, owner, session.id, title=payload)
        said = text_message("user", payload)
        asked = sessions.add_message(c, stamps, session.id, said, label, parent_id=None)
        document = documents.add_document(
            c, stamps, owner, shelf, name=payload, title=payload, content_hash=f"{number:064}",
            state="ready", text=payload,
        )  # fmt: skip
        run_id, _ = runs.begin_run(c, stamps, asked, payload, label)
        cited = Citation(
            n=1, passage_id="p", document_id=document, document=payload, start=0, end=1,
            quote=payload,
        )  # fmt: skip
        parts = (TextPart(text=f"{payload} [1]"), CitationPart(citation=cited))
        answer = Message(role="assistant", parts=parts)
        runs.finish_run(c, stamps, run_id, answer, "done")
        ids.append(session.id)
    return ids


def _check(page: Page, reached: list[str]) -> None:
    assert page.evaluate("window.owned") is None
    planted = page.evaluate(
        "[...document.querySelectorAll('script:not([src]), iframe, img, style, object, form, a')]"
        ".map(one => one.cloneNode(false).outerHTML)"
        ".filter(html => /owned|evil|javascript:|data:text/.test(html))"
    )
    # A link that a person must click, and that names its host, is all that markup may become.
    link = re.compile(r'<a href="https://evil\.example/\w\.png" rel="noopener noreferrer')
    planted = [html for html in planted if not link.match(html)]
    assert planted == []
    assert reached == [], "the page asked another machine for something"


def test_planted_text_stays_text(browser: Browser, home: Path) -> None:
    with served(home) as running:
        ids = running.write(lambda c: _plant(c, running))
        page = browser.new_page()
        reached: list[str] = []
        page.on(
            "request",
            lambda asked: (
                None if asked.url.startswith(running.address) else reached.append(asked.url)
            ),
        )
        page.on("dialog", lambda dialog: reached.append(dialog.message))
        page.goto(f"{running.address}/enter?key={running.house.owner_key}")
        listed = page.locator("#sessions")
        for payload in PAYLOADS:
            expect(listed).to_contain_text(payload)
        _check(page, reached)
        for id_ in ids:
            page.goto(f"{running.address}/chat/{id_}")
            expect(page.locator(".message.assistant .cite").first).to_be_visible()
            _check(page, reached)
            page.locator(".message.assistant .cite").first.click()
            expect(page.locator("#panel")).to_be_visible()
            _check(page, reached)
        page.goto(f"{running.address}/documents")
        for payload in PAYLOADS:
            expect(page.locator("#list")).to_contain_text(payload)
        _check(page, reached)
        assert "603729" not in page.locator("#list").inner_text()
