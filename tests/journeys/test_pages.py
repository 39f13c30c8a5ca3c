"""The pages beside the chat in a real browser: first run, people, agents, models, keys, traces."""

import json
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from attenda.core.words.en import ENGLISH
from tests.journeys.test_page import served

AXE = Path(__file__).resolve().parents[1] / "data" / "axe" / "axe.min.js"
PASSWORD = "correct horse battery"
ADMIN = {"name": "Noor Haddad", "email": "noor@example.org", "password": PASSWORD}
SLOW = 90_000
"""Milliseconds for what waits on a model."""

SAMPLE = {
    "en-US": ("How many days of holiday", "27 days", "Marlow & Finch"),
    "zh-CN": ("年假", "27 天", "青禾自行车行"),
}


@dataclass
class Visit:
    """A browser of one person, and what it had to complain of."""

    context: BrowserContext
    page: Page
    complaints: list[str] = field(default_factory=list)


Visitor = Callable[..., Visit]


@pytest.fixture
def link(home: Path, weights_home: Path) -> Iterator[str]:
    home.mkdir()
    (home / "models").symlink_to(weights_home / "models")
    with served(home) as entrance:
        yield entrance


@pytest.fixture(scope="module")
def lived_in(
    tmp_path_factory: pytest.TempPathFactory, weights_home: Path, browser: Browser
) -> Iterator[str]:
    """The link of a home with an administrator, the sample, an agent, a team, a key and a run."""
    home = tmp_path_factory.mktemp("lived-in")
    (home / "models").symlink_to(weights_home / "models")
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("ATTENDA_")]:
            patch.delenv(name)
        with served(home) as entrance:
            _live_in(browser, entrance)
            yield entrance


def _live_in(browser: Browser, link: str) -> None:
    base = link.split("/enter")[0]
    page = browser.new_context(locale="en-US").new_page()
    _set_up(page, link)
    page.click("#sample-do")
    expect(page.locator("#sample .starter")).to_have_count(3, timeout=SLOW)
    page.locator("#sample .starter").first.click()
    expect(page.locator(".message.assistant .sources")).to_be_visible(timeout=SLOW)
    post = page.request.post
    assert post(f"{base}/api/agents", data={"name": "Werkstatt", "instructions": "…"}).ok
    assert post(f"{base}/api/teams", data={"name": "Büro"}).ok
    assert post(f"{base}/api/keys", data={"name": "k1", "scopes": ["chat"], "days": 9}).ok
    page.context.close()


@pytest.fixture
def visit(browser: Browser) -> Iterator[Visitor]:
    """Opens a browser; at the end, none may have complained or asked another host."""
    opened: list[Visit] = []

    def begin(link: str, locale: str = "en-US", width: int = 1280, scheme: Any = "light") -> Visit:
        size: Any = {"width": width, "height": 800}
        context = browser.new_context(viewport=size, locale=locale, color_scheme=scheme)
        one = Visit(context, context.new_page())
        host = link.split("/")[2]
        context.on("console", lambda said: _note(one, said.type == "error", said.text))
        context.on("weberror", lambda error: _note(one, True, str(error.error)))
        context.on("request", lambda asked: _note(one, _elsewhere(asked.url, host), asked.url))
        opened.append(one)
        return one

    yield begin
    for one in opened:
        one.context.close()
        assert one.complaints == []


def _note(visit: Visit, wrong: bool, what: str) -> None:
    # The browser writes an answer of 401 or 404 into its console, as it does for every page.
    if wrong and not what.startswith("Failed to load resource: the server responded with"):
        visit.complaints.append(what)


def _elsewhere(url: str, host: str) -> bool:
    return url.startswith(("http:", "https:", "ws:")) and url.split("/")[2] != host


def _set_up(page: Page, link: str) -> None:
    page.goto(link)
    expect(page).to_have_url(re.compile("/welcome$"))
    for name, value in ADMIN.items():
        page.fill(f"#set-up [name={name}]", value)
    page.click("#set-up button.primary")
    expect(page.locator("#owner-done")).to_be_focused()


def _enter(page: Page, link: str) -> None:
    """Come in as the administrator of the home that is lived in."""
    base = link.split("/enter")[0]
    sent = {"email": ADMIN["email"], "password": PASSWORD}
    assert page.request.post(f"{base}/api/sign-in", data=sent).ok
    page.goto(base)


def _sign_in(page: Page, email: str = ADMIN["email"], password: str = PASSWORD) -> None:
    page.fill("[name=email]", email)
    page.fill("[name=password]", password)
    page.keyboard.press("Enter")


def _invited(page: Page, base: str, role: str) -> str:
    """An invitation's link, made in the page."""
    page.goto(f"{base}/people")
    page.select_option("#invite [name=role]", role)
    page.click("#invite button.primary")
    return page.input_value("#invited input")


def _join(page: Page, link: str, name: str, email: str) -> None:
    page.goto(link)
    page.fill("[name=name]", name)
    _sign_in(page, email)


@pytest.mark.parametrize(("locale", "width"), [("en-US", 1280), ("zh-CN", 360)])
def test_the_first_run_leads_to_an_answer(
    visit: Visitor, link: str, locale: str, width: int
) -> None:
    asks, answers, titled = SAMPLE[locale]
    page = visit(link, locale, width).page
    _set_up(page, link)
    expect(page.locator("#models .item")).to_have_count(2)
    page.click("#sample-do")
    question = page.locator("#sample .starter").first
    expect(question).to_contain_text(asks, timeout=SLOW)
    question.click()
    answer = page.locator(".message.assistant")
    expect(answer.locator(".sources")).to_contain_text(titled, timeout=SLOW)
    expect(answer.locator(".body")).to_contain_text(answers)

    base = link.split("/enter")[0]
    page.goto(base + page.request.post(f"{base}/api/entrance").json()["path"])
    expect(page).to_have_url(f"{base}/")  # a home that is in use opens the chat
    page.goto(f"{base}/welcome")
    page.click("#sample-do")
    expect(page.locator("#sample .starter")).to_have_count(0)
    page.click(".toast button")
    expect(page.locator("#sample .starter")).to_have_count(3)
    page.click("#sample-do")
    expect(page.locator("#sample .starter")).to_have_count(0)
    found = page.request.get(f"{base}/api/documents").json()
    assert found["documents"] == []


def test_a_used_link_leads_to_the_form(visit: Visitor, link: str) -> None:
    base = link.split("/enter")[0]
    page = visit(link).page
    page.goto(link)
    page.goto(link)
    expect(page).to_have_url(f"{base}/")
    stranger = visit(link).page
    answer = stranger.goto(link)
    assert answer is not None and answer.status == 403
    expect(stranger.locator("[role=alert]")).to_have_text(ENGLISH["people.bad_link"])
    assert stranger.request.get(f"{base}/api/me").status == 401


def test_the_set_up_can_wait(visit: Visitor, link: str) -> None:
    page = visit(link).page
    page.goto(link)
    page.click("#later")
    expect(page.locator("#owner-done")).to_be_visible()
    page.click("main a.button")
    expect(page.locator("#composer")).to_be_visible()
    page.goto(f"{link.split('/enter')[0]}/people")
    page.click("#users summary")
    page.click("#users a")
    expect(page.locator("#set-up")).to_be_visible()


def test_signing_out_and_in_leads_back(visit: Visitor, lived_in: str) -> None:
    base = lived_in.split("/enter")[0]
    page = visit(lived_in).page
    answer = page.goto(f"{base}/traces")
    assert answer is not None and answer.status == 401
    expect(page.locator("main")).to_contain_text("attenda up")
    _sign_in(page, password="not it at all")
    expect(page.locator("[role=alert]")).to_have_text(ENGLISH["people.wrong_password"])
    _sign_in(page)
    expect(page.locator("#runs .item").first).to_be_visible()
    expect(page.locator(".person")).to_have_text(ADMIN["name"])
    page.click("#sign-out")
    expect(page).to_have_url(f"{base}/sign-in?to=%2Ftraces")
    assert page.request.get(f"{base}/api/me").status == 401
    _sign_in(page)
    expect(page).to_have_url(f"{base}/traces")


@pytest.mark.parametrize(
    "to", ["//evil.example/", "/\\evil.example", "https://evil.example", "/%09/"]
)
def test_signing_in_leads_to_no_other_site(visit: Visitor, lived_in: str, to: str) -> None:
    base = lived_in.split("/enter")[0]
    page = visit(lived_in).page
    page.goto(f"{base}/sign-in?to={to}")
    _sign_in(page)
    expect(page.locator("#sign-out")).to_be_visible()
    assert page.url == f"{base}/"


def test_an_invited_viewer_sees_what_the_role_allows(visit: Visitor, lived_in: str) -> None:
    base = lived_in.split("/enter")[0]
    owner = visit(lived_in).page
    _enter(owner, lived_in)
    invitation = _invited(owner, base, "viewer")
    guest = visit(lived_in).page
    _join(guest, invitation, "Tomas Finch", "tomas@example.org")
    expect(guest.locator(".rooms a")).to_have_text(["Chat", "Documents", "Traces"])
    guest.goto(f"{base}/people")
    expect(guest.locator("h1")).to_have_text("My keys")
    expect(guest.locator("#invite")).to_have_count(0)
    guest.goto(f"{base}/models")
    expect(guest.locator("#models .item")).to_have_count(2)
    expect(guest.locator("#models button")).to_have_count(0)
    guest.goto(f"{base}/welcome")
    expect(guest).to_have_url(f"{base}/")
    guest.goto(invitation)
    expect(guest.locator("#join")).to_be_visible()
    guest.fill("[name=name]", "Again")
    _sign_in(guest, "again@example.org")
    expect(guest.locator("[role=alert]")).to_have_text(ENGLISH["people.bad_link"])

    owner.reload()
    role = owner.get_by_label("Role: Tomas Finch")
    role.select_option("agent")
    expect(owner.locator(".toast")).to_contain_text("Tomas Finch")
    guest.goto(base)
    expect(guest.locator(".rooms a")).to_have_count(7)
    owner.get_by_label("More: Tomas Finch").click()
    owner.get_by_role("button", name=ENGLISH["page.reset_link"]).click()
    reset = owner.input_value("[id^=link-] input")
    guest.goto(reset)
    expect(guest.locator("#join input")).to_have_count(1)
    guest.fill("[name=password]", "another password")
    guest.keyboard.press("Enter")
    expect(guest.locator("#sign-out")).to_be_visible()


def test_a_person_is_erased_by_typing_their_name_with_keys_alone(
    visit: Visitor, lived_in: str
) -> None:
    base = lived_in.split("/enter")[0]
    owner = visit(lived_in).page
    _enter(owner, lived_in)
    guest = visit(lived_in).page
    _join(guest, _invited(owner, base, "agent"), "Petra L.", "petra@example.org")
    expect(guest.locator("#composer")).to_be_visible()
    owner.goto(f"{base}/people")
    owner.get_by_label("More: Petra L.").press("Enter")
    erase = owner.locator("[id^=erase-]:visible")
    erase.press("Enter")
    expect(owner.locator("dialog input")).to_be_focused()
    owner.keyboard.press("Escape")
    expect(owner.locator("dialog")).to_have_count(0)
    erase.press("Enter")
    owner.keyboard.type("Petra")
    expect(owner.locator("dialog .danger")).to_be_disabled()
    owner.keyboard.type(" L.")
    owner.keyboard.press("Enter")
    expect(owner.get_by_label("More: Petra L.")).to_have_count(0)
    assert guest.request.get(f"{base}/api/me").status == 401
    owner.goto(f"{base}/people#audit")
    expect(owner.locator("#chain")).to_have_text("whole")
    expect(owner.locator("#audit li").first).to_contain_text("erased a user")


def test_an_agent_is_made_tried_and_brought_back(visit: Visitor, lived_in: str) -> None:
    base = lived_in.split("/enter")[0]
    page = visit(lived_in).page
    _enter(page, lived_in)
    page.goto(f"{base}/agents")
    page.click("#new-agent")
    page.fill("#editor [name=name]", "Front desk")
    page.locator("#tones button").first.click()
    page.check("#editor [value=some]")
    page.get_by_label("Samples").check()
    page.fill("#question", "How long is a finished bicycle kept without charge?")
    page.keyboard.press("Enter")
    answer = page.locator("#answer")
    expect(answer.locator(".sources")).to_be_visible(timeout=SLOW)
    expect(answer.locator(".assistant .body")).to_contain_text("14 days")
    answer.locator(".cite").first.click()
    expect(page.locator("#panel mark")).to_be_in_viewport()
    page.keyboard.press("Escape")
    expect(page.locator("#panel")).to_be_hidden()
    page.fill("#editor [name=instructions]", "Stay brief.")
    assert _agent(page, base, "Front desk")["draft"] == "new"
    page.click("#publish")
    expect(page.locator(".toast")).to_contain_text("Version 1")
    expect(page.locator("#draft-state")).to_have_text("All of it is published.")
    page.fill("#editor [name=instructions]", "Stay long.")
    page.get_by_text("Save the draft").click()
    expect(page.locator("#draft-state")).to_contain_text("instructions")
    page.get_by_text("Discard the draft").click()
    expect(page.locator("#editor [name=instructions]")).to_have_value("Stay brief.")
    saved = _agent(page, base, "Front desk")
    assert saved["tone"] == ENGLISH["page.tone_1"]
    assert saved["instructions"] == "Stay brief."
    assert len(saved["collection_ids"]) == 1

    page.click("#back")
    row = page.locator("#agents .item", has_text="Front desk")
    row.get_by_text("Delete").click()
    expect(row).to_have_count(0)
    page.locator(".toast button").last.click()
    row.get_by_text("Talk to it").click()
    expect(page).to_have_url(re.compile("/chat/ses_"))
    session = page.request.get(f"{base}/api/sessions/{page.url.split('/')[-1]}").json()
    assert session["agent_id"] == saved["id"]


def _agent(page: Page, base: str, name: str) -> dict[str, Any]:
    rows: list[dict[str, Any]] = page.request.get(f"{base}/api/agents").json()
    return next(row for row in rows if row["name"] == name)


def test_a_key_works_until_it_is_revoked(visit: Visitor, lived_in: str) -> None:
    base = lived_in.split("/enter")[0]
    page = visit(lived_in).page
    _enter(page, lived_in)
    page.goto(f"{base}/people#keys")
    page.fill("#new-key [name=name]", "Night")
    page.check("#new-key [value=some]")
    page.get_by_label("add documents").check()
    page.click("#new-key button.primary")
    secret = page.input_value("#secret input")
    headers = {"Authorization": f"Bearer {secret}"}
    stranger = visit(lived_in).context.request
    assert stranger.get(f"{base}/api/me", headers=headers).status == 200
    assert stranger.post(f"{base}/api/sessions", headers=headers).status == 403
    page.reload()
    expect(page.locator("#keys")).to_contain_text("Night")
    assert secret not in page.content()
    page.get_by_label("Revoke: Night").click()
    page.locator("dialog .danger").click()
    row = page.locator("#keys .item", has_text="Night")
    expect(row.locator(".state")).to_have_text("revoked")
    assert stranger.get(f"{base}/api/me", headers=headers).status == 401


def test_a_trace_tells_what_the_run_did(visit: Visitor, lived_in: str) -> None:
    base = lived_in.split("/enter")[0]
    page = visit(lived_in).page
    _enter(page, lived_in)
    page.goto(f"{base}/traces")
    run = page.locator("#runs a", has_text="How many days of holiday")
    run.press("Enter")
    steps = page.locator(".timeline > li")
    for kind in ("started", "searched", "text", "cited", "finished"):
        expect(page.locator(f".timeline > .{kind}").first).to_be_visible()
    expect(steps.first.locator(".time")).to_contain_text("+0.0")
    page.locator(".timeline .searched summary").click()
    expect(page.locator(".timeline .searched details")).to_contain_text("27 days of holiday")
    page.get_by_text("All traces").click()
    expect(run).to_be_focused()
    run.click()
    page.get_by_text("Open the chat").click()
    expect(page.locator(".message.assistant .sources")).to_be_visible()


MODELS: list[dict[str, Any]] = [
    {"name": "small", "title": "Small", "here": True, "default": True, "running": True},
    {"name": "better", "title": "Better"},
    {"name": "broken", "title": "Broken", "error": "The network is gone."},
    {"name": "far", "title": "Far", "here": True, "remote": True, "size": 0, "memory": 0},
]


def test_a_better_model_in_three_clicks(visit: Visitor, lived_in: str) -> None:
    """The downloads are played: a test has no network."""
    kept = {
        "kind": "chat", "here": False, "remote": False, "default": False, "licence": "MIT",
        "size": 2_400_000_000, "memory": 9_600_000_000, "languages": ["en", "zh"],
        "running": False, "pulling": None, "error": None,
    }  # fmt: skip
    models = {one["name"]: {**kept, **one} for one in MODELS}
    asked: list[str] = []

    def play(route: Route) -> None:
        path = route.request.url.split("/api/")[1]
        if route.request.method == "GET":
            rows = list(models.values())
            better = models["better"]
            if better["pulling"]:
                done = better["pulling"]["done"] + 800_000_000
                better["pulling"] = {"done": done, "total": 2_400_000_000}
                if done > 2_400_000_000:
                    better.update(pulling=None, here=True)
            return route.fulfill(json=rows)
        asked.append(f"{route.request.method} {path} {route.request.post_data or ''}".strip())
        if path == "models/better/pull":
            models["better"]["pulling"] = {"done": 0, "total": 2_400_000_000}
        if path == "models/use":
            models["small"]["default"], models["better"]["default"] = False, True
        return route.fulfill(status=204)

    page = visit(lived_in).page
    _enter(page, lived_in)
    page.route("**/api/models**", play)
    page.route("**/api/models/**", play)
    page.click(".rooms a:has-text('Models')")
    expect(page.locator(".item", has_text="Broken")).to_contain_text("The network is gone.")
    better = page.locator(".item", has_text="Better")
    expect(better).to_contain_text("9.6 GB")
    expect(better).to_contain_text("English, Chinese")
    better.get_by_text("Download").click()
    expect(better.locator("progress")).to_be_visible()
    expect(better.get_by_text("Cancel")).to_be_focused()
    better.get_by_text("Use", exact=True).click()
    expect(better).to_contain_text("in use")
    page.get_by_label("Remove: Small").click()
    page.locator("dialog").get_by_text("Cancel").click()
    expect(page.locator("dialog")).to_have_count(0)
    use = json.dumps({"name": "better"}, separators=(",", ":"))
    assert asked == ["POST models/better/pull", f"POST models/use {use}"]


SIGNED_OUT = ("/documents", "/nowhere", "/sign-in", "/join#token", "/join?reset#token")
PAGES = {
    "/": "#sessions a", "/documents": "#list li", "/welcome": "#models .item",
    "/agents": "#agents .item", "/models": "#models .item", "/people": "#users .item",
    "/people#teams": "#teams .item", "/people#keys": "#keys .item",
    "/people#audit": "#audit li", "/traces": "#runs .item",
    "/automations": "#kinds .empty", "/desk": "#talks .empty", "/memory": "#facts li",
}  # fmt: skip
"""Address → what is there once the page has its data."""


@pytest.mark.parametrize(
    ("locale", "width", "scheme"),
    [pytest.param("en-US", 1280, "light", marks=pytest.mark.long), ("zh-CN", 360, "dark")],
)
def test_every_page_fits_and_can_be_used_by_all(
    visit: Visitor, lived_in: str, locale: str, width: int, scheme: str
) -> None:
    base = lived_in.split("/enter")[0]
    page = visit(lived_in, locale, width, scheme).page
    wrong: list[str] = []
    for path in SIGNED_OUT:
        page.goto("about:blank")
        page.goto(f"{base}{path}")
        wrong += _faults(page, path, locale, width)
    _enter(page, lived_in)
    for path, ready in PAGES.items():
        page.goto("about:blank")
        page.goto(f"{base}{path}")
        page.wait_for_selector(ready, state="attached")
        wrong += _faults(page, path, locale, width)
    page.goto(f"{base}/traces")
    page.click("#runs a")
    page.wait_for_selector(".timeline")
    wrong += _faults(page, "one trace", locale, width)
    page.click("text=Open the chat" if locale == "en-US" else "text=打开对话")
    page.wait_for_selector(".message.assistant .sources")
    wrong += _faults(page, "one chat", locale, width)
    page.locator(".cite").first.click()
    page.wait_for_selector("#panel mark")
    wrong += _faults(page, "a source", locale, width)
    page.goto(f"{base}/agents")
    page.click("#agents .buttons button >> nth=1")
    page.wait_for_selector("#editor")
    wrong += _faults(page, "an agent's editor", locale, width)
    assert not wrong, "\n".join(wrong)


SENTENCES = {
    text
    for key, text in ENGLISH.items()
    if key.startswith(("page.", "desk."))
    and not key.startswith(("page.sample_question_", "page.tone_"))
}
"""English that no Chinese page may show; what a person asked or chose stays as it was."""


def _faults(page: Page, name: str, locale: str, width: int) -> list[str]:
    """What is wrong with a page: too wide, hard to use, or in the wrong language."""
    found = []
    wide = page.evaluate("document.documentElement.scrollWidth")
    if wide > width:
        found.append(f"{name}: {wide} pixels wide")
    scan = f"{AXE.read_text('utf-8')}; axe.run(document, {{resultTypes: ['violations']}})"
    for one in page.evaluate(scan)["violations"]:
        if one["impact"] in ("serious", "critical"):
            places = [node["target"] for node in one["nodes"]]
            found.append(f"{name}: {one['id']} ({one['help']}) at {places}")
    if locale == "zh-CN":
        found += [f"{name}: “{text}” in English" for text in _texts(page) if text in SENTENCES]
    return found


def _texts(page: Page) -> list[str]:
    """Every text and label of the page, seen or not."""
    texts: list[str] = page.evaluate(
        """() => {
          const found = [];
          const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
          while (walker.nextNode()) {
            const node = walker.currentNode;
            if (!node.parentElement.closest("script, style")) found.push(node.data.trim());
          }
          for (const name of ["aria-label", "placeholder", "title"])
            for (const node of document.querySelectorAll(`[${name}]`))
              found.push(node.getAttribute(name));
          return found;
        }"""
    )
    return texts
