"""A hostile web page cannot use a local Attenda (R10): it changes nothing and reads nothing.

Chromium is signed in, by the enter link or by password, and opens a page on another site, on
another port of this very machine (where cookies go along, since they know no ports), and on a name
that is bound anew to our address. The page tries what `hostile.js` holds. Taking the gate away
must let attacks through, or the test would prove nothing.
"""

import contextlib
import functools
import http.server
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from attenda.core.label import Label
from attenda.core.message import text_message
from attenda.serve import gate
from attenda.serve.gate import COOKIE
from attenda.store import documents, people, sessions
from attenda.store.database import Connection
from tests.security.live import PASSWORD, Person, Served, add_person, rows_of_all, served

HERE = Path(__file__).parent
SECRET = "zebra-hostile-41"
EVIL = "evil.example"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    f"--host-resolver-rules=MAP {EVIL} 127.0.0.1",
    # Chromium asks before a site reaches into this machine; other browsers do not, nor may we lean
    # on it.
    "--disable-features=LocalNetworkAccessChecks,BlockInsecurePrivateNetworkRequests",
]


PAGE = "<!doctype html><body><script src='/hostile.js'></script></body>"


class _Hostile(http.server.SimpleHTTPRequestHandler):
    def do_GET(self) -> None:
        """The page; else a file that lies beside this one."""
        if self.path != "/hostile.html":
            return super().do_GET()
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(PAGE.encode())

    def log_message(self, *values: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def hostile_port() -> Iterator[int]:
    """A web server on this machine that is not ours."""
    handler = functools.partial(_Hostile, directory=str(HERE))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever).start()
        yield server.server_address[1]
        server.shutdown()


@pytest.fixture(scope="module")
def browser(chromium: Path) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=str(chromium), args=FLAGS)


@dataclass
class Scene:
    """A running installation, its administrator, and what is theirs."""

    served: Served
    admin: Person
    ids: dict[str, str]

    def state(self) -> dict[str, Any]:
        """All rows."""
        return self.served.read(rows_of_all)


@pytest.fixture
def scene(home: Path) -> Iterator[Scene]:
    with served(home, script=lambda _: SECRET) as running:
        admin, ids = running.write(lambda c: _seed(c, running))
        yield Scene(running, admin, ids)


def _seed(c: Connection, running: Served) -> tuple[Person, dict[str, str]]:
    house = running.house
    admin = add_person(c, house, "admin", "owner")
    victim = add_person(c, house, "victim")
    owner = people.principal_of(c, people.OWNER_ID)
    session = sessions.create_session(c, house.stamps, owner)
    sessions.update_session(c, owner, session.id, title=SECRET)
    label = Label(integrity="user", readers=frozenset({owner.id}))
    said = text_message("user", SECRET)
    message = sessions.add_message(c, house.stamps, session.id, said, label, parent_id=None)
    shelf = documents.ensure_collection(c, house.stamps, owner, "Library")
    document = documents.add_document(
        c, house.stamps, owner, shelf, name=SECRET, title=SECRET, content_hash="0" * 64,
        state="failed", text=SECRET,
    )  # fmt: skip
    ids = {"session": session.id, "message": message.id, "document": document, "user": victim.id}
    return admin, ids


def _enter(context: BrowserContext, scene: Scene) -> None:
    page = context.new_page()
    page.goto(f"{scene.served.address}/enter?key={scene.served.house.owner_key}")
    page.wait_for_selector("#composer")
    page.close()


def _by_password(context: BrowserContext, scene: Scene) -> None:
    scene.served.write(
        lambda c: people.set_up_owner(
            c, scene.served.house.stamps, "o", "owner@example.org", PASSWORD
        )
    )
    sent = {"email": "owner@example.org", "password": PASSWORD}
    answer = context.request.post(f"{scene.served.address}/api/sign-in", data=sent)
    assert answer.ok


def _signed_in(browser: Browser, scene: Scene, how: str) -> BrowserContext:
    context = browser.new_context()
    (_enter if how == "enter" else _by_password)(context, scene)
    token = next(one["value"] for one in context.cookies() if one["name"] == COOKIE)
    for host in ("localhost", EVIL):  # as if the visitor were signed in under each name
        context.add_cookies([{"name": COOKIE, "value": token, "url": f"http://{host}"}])
    answer = context.request.get(f"{scene.served.address}/api/sessions")
    assert SECRET in answer.text(), "the visitor is not signed in, so nothing is proved"
    return context


def _attack(context: BrowserContext, scene: Scene, origin: str, target: str) -> list[str]:
    """What the hostile page at `origin` could read from `target`."""
    page = context.new_page()
    page.goto(f"{origin}/hostile.html")
    told = {"target": target, "ids": scene.ids, "key": "wrong"}
    read: list[str] = page.evaluate("told => window.attack(told)", told)
    read += [f"frame {frame.url}" for frame in page.frames[1:] if _shows(frame)]
    page.close()
    return read


def _shows(frame: Any) -> bool:
    """Whether a frame holds a page of ours, however little script can reach into it."""
    with contextlib.suppress(Exception):
        return frame.url.startswith("http") and "Attenda" in frame.content()
    return False


def _readable(read: list[str]) -> list[str]:
    """What was read of ours: an answer that is our own refusal tells nothing."""
    refusals = ("gate.host", "gate.origin", "gate.unknown")
    return [line for line in read if not any(f'"key":"{key}"' in line for key in refusals)]


@pytest.mark.parametrize(
    ("how", "host", "target"),
    [
        ("enter", EVIL, "127.0.0.1"),
        ("enter", "localhost", "127.0.0.1"),
        ("enter", "127.0.0.1", "localhost"),
        ("enter", "127.0.0.1", "127.0.0.1"),
        ("password", "127.0.0.1", "127.0.0.1"),
    ],
)
def test_a_hostile_page_reads_and_changes_nothing(
    browser: Browser, scene: Scene, hostile_port: int, how: str, host: str, target: str
) -> None:
    context = _signed_in(browser, scene, how)
    before = scene.state()
    address = f"http://{target}:{scene.served.port}"
    read = _attack(context, scene, f"http://{host}:{hostile_port}", address)
    assert _readable(read) == []
    assert scene.state() == before


def _rebound(context: BrowserContext, scene: Scene) -> str:
    """The hostile page under a name and port that lead to us: same origin, as after a rebinding."""
    origin = f"http://{EVIL}:{scene.served.port}"
    context.route(
        f"{origin}/hostile.html", lambda route: route.fulfill(body=PAGE, content_type="text/html")
    )
    script = (HERE / "hostile.js").read_text()
    kind = "text/javascript"
    context.route(
        f"{origin}/hostile.js", lambda route: route.fulfill(body=script, content_type=kind)
    )
    return origin


def test_a_rebound_name_reads_and_changes_nothing(browser: Browser, scene: Scene) -> None:
    context = _signed_in(browser, scene, "enter")
    origin = _rebound(context, scene)
    before = scene.state()
    read = _attack(context, scene, origin, origin)
    assert any("gate.host" in line for line in read), "the page did not reach us at all"
    assert _readable(read) == []
    assert scene.state() == before


def test_visits_change_nothing(browser: Browser, scene: Scene) -> None:
    """A link leads to every address that answers GET, from another site and from another port."""
    context = _signed_in(browser, scene, "enter")
    before = scene.state()
    paths = [
        *("/", "/documents", f"/chat/{scene.ids['session']}", "/openapi.json", "/enter?key=wrong"),
        *("/enter", "/api/me", "/api/me/export", "/api/sessions", "/api/audit", "/api/sign-out"),
        *(f"/api/documents/{scene.ids['document']}", f"/api/sessions/{scene.ids['session']}/stop"),
    ]
    page = context.new_page()
    for host in (EVIL, "127.0.0.1"):
        page.route(f"http://{host}:1/", lambda route: route.fulfill(body="<a id=a>x</a>"))
        for path in paths:
            page.goto(f"http://{host}:1/", wait_until="commit")
            _follow(page, f"{scene.served.address}{path}")
    assert scene.state() == before


def _follow(page: Page, address: str) -> None:
    page.evaluate("to => { document.querySelector('a').href = to }", address)
    with page.expect_navigation(wait_until="commit"), contextlib.suppress(Exception):
        page.click("#a")


def _no_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate.Gate, "_problem", lambda *_: None)


def test_without_the_gate_a_neighbour_port_changes_things(
    browser: Browser, scene: Scene, hostile_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    _no_gate(monkeypatch)
    context = _signed_in(browser, scene, "enter")
    before = scene.state()
    _attack(context, scene, f"http://127.0.0.1:{hostile_port}", scene.served.address)
    after = scene.state()
    assert len(after["sessions"]) > len(before["sessions"])
    assert len(after["documents"]) > len(before["documents"])


@pytest.mark.long
def test_without_the_gate_a_rebound_name_reads_everything(
    browser: Browser, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    _no_gate(monkeypatch)
    context = _signed_in(browser, scene, "enter")
    origin = _rebound(context, scene)
    before = scene.state()
    read = _attack(context, scene, origin, origin)
    assert any(SECRET in line for line in read)
    assert scene.state() != before


@pytest.mark.long
def test_without_its_header_a_page_can_be_framed(
    browser: Browser, scene: Scene, hostile_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    _no_gate(monkeypatch)
    for name in ("Content-Security-Policy", "Cross-Origin-Resource-Policy"):
        monkeypatch.delitem(gate._HEADERS, name)
    context = _signed_in(browser, scene, "enter")
    read = _attack(context, scene, f"http://127.0.0.1:{hostile_port}", scene.served.address)
    assert any(line.startswith("frame http") for line in read)
