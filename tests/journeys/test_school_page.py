"""The school in a real browser: conversations handed in, a model that learns while one looks on.

The data and the model to begin with are the tests' own; a run of them takes seconds.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

torch = pytest.importorskip("torch")

from attenda.core.words.en import ENGLISH  # noqa: E402
from tests.journeys.test_page import served  # noqa: E402
from tests.journeys.test_pages import Visitor, _faults, visit  # noqa: E402, F401
from tests.learn.school import school as write_school  # noqa: E402

LONG = 90_000
"""Milliseconds for what waits on a process that learns."""


def prepared(home: Path, count: int = 40) -> None:
    """A home with talks as data, and a tiny model as a finished run called `start`."""
    place = home / "school" / "data"
    place.mkdir(parents=True)
    write_school(place, count=count)
    run = home / "runs" / "start"
    run.mkdir(parents=True)
    (place / "start").rename(run / "model")
    (run / "plan.toml").write_text('recipe = "pretrain"\n')
    (run / "run.json").write_text(json.dumps({"status": "finished", "recipe": "pretrain"}))


@pytest.fixture
def link(home: Path, weights_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A home of its own, whose models are links: what is promoted lands beside them."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("PATH", "")  # no compiler: to compile a tiny model takes longest of all
    (home / "models").mkdir(parents=True)
    for folder in (weights_home / "models").iterdir():
        if (folder / "model.json").exists():
            (home / "models" / folder.name).symlink_to(folder)
    with served(home) as entrance:
        yield entrance


def opened(visit: Visitor, link: str, home: Path, **how: Any) -> Page:  # noqa: F811
    """A browser of the owner's, at the school."""
    page = visit(link, **how).page
    key = (home / "owner.key").read_text().strip()
    page.goto(f"{link.split('?')[0]}?key={key}")
    page.goto(f"{link.split('/enter')[0]}/school")
    expect(page.locator("#runs li").first).to_be_visible()
    return page


def test_a_model_is_trained_from_the_page(
    visit: Visitor,  # noqa: F811
    link: str,
    home: Path,
    tmp_path: Path,
) -> None:
    page = opened(visit, link, home)
    expect(page.locator(".rooms a[aria-current]")).to_have_text("School")
    expect(page.locator("#runs")).to_contain_text(ENGLISH["school.no_runs"])
    page.click("#begin-box summary")
    page.click("#begin-first a")
    prepared(tmp_path)
    talks = tmp_path / "school/data/talks.jsonl"
    talks.write_text(talks.read_text() + "{broken\n")
    page.set_input_files("#data-file", talks)
    file = page.locator("#files .item")
    expect(file).to_contain_text("talks.jsonl")
    page.set_input_files("#data-file", talks)
    expect(page.locator("#uploads .failed")).to_contain_text("already")
    file.get_by_text("Look it over").click()
    expect(file.locator(".problems .failed").first).to_be_visible(timeout=LONG)
    file.get_by_text("Write a clean copy").click()
    expect(file.locator(".good")).to_contain_text("talks.clean.jsonl", timeout=LONG)
    expect(page.locator("#files .item")).to_have_count(2)
    page.locator("#files").get_by_label("Remove: talks.jsonl").click()
    page.locator("dialog .danger").click()
    expect(page.locator("#files .item")).to_have_count(1)

    page.get_by_role("button", name="Runs").press("Enter")
    page.fill("#begin [name=length]", "64")
    page.fill("#begin [name=batch]", "4")
    page.fill("#begin [name=epochs]", "400")
    page.select_option("#begin [name=model]", "preset:gpt2-1m")
    page.fill("#begin [name=name]", "films")
    page.check("#begin [name=accept_overlap]")
    page.keyboard.press("Enter")
    expect(page.locator("#run-title")).to_contain_text("films")
    expect(page.locator("#curve svg path.loss")).to_have_attribute(
        "d", re.compile("L"), timeout=LONG
    )
    expect(page.locator("#run-state")).to_have_text("running")
    expect(page.locator("#run-facts")).to_contain_text("Share learned")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for _ in range(2):
        step = page.locator("#run-now").inner_text()
        expect(page.locator("#run-now")).not_to_have_text(step, timeout=LONG)
    assert asked == [], "what is new comes by itself"
    page.get_by_role("button", name="Stop").click()
    expect(page.locator("#run-state")).to_have_text("stopped", timeout=LONG)
    stopped = page.locator("#run-now").inner_text()
    page.get_by_text("All runs").click()
    expect(page.locator("#open-films")).to_be_focused()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Resume").click()
    expect(page.locator("#run-state")).to_have_text("running", timeout=LONG)
    expect(page.locator("#run-now")).not_to_have_text(stopped)
    page.get_by_role("button", name="Stop").click()
    expect(page.locator("#run-state")).to_have_text("stopped", timeout=LONG)
    page.get_by_role("button", name="Remove").click()
    page.locator("dialog .danger").click()
    expect(page.locator("#open-films")).to_have_count(0)


@pytest.mark.long
def test_a_finished_run_answers_and_is_rolled_back(
    visit: Visitor,  # noqa: F811
    link: str,
    home: Path,
) -> None:
    prepared(home)
    page = opened(visit, link, home)
    page.click("#begin-box summary")
    page.select_option("#begin [name=recipe]", "tune")
    page.select_option("#begin [name=model]", "run:start")
    for name, value in {"name": "tuned", "length": "32", "batch": "4", "rate": "0.003"}.items():
        page.fill(f"#begin [name={name}]", value)
    page.fill("#begin [name=epochs]", "12")
    page.check("#begin [name=accept_overlap]")
    page.click("#begin button.primary")
    expect(page.locator("#promote")).to_be_visible(timeout=LONG)
    expect(page.locator("#run-state")).to_have_text("finished")
    expect(page.locator(".figures:not(.task) tbody tr")).to_have_count(2)
    scores = page.locator("#one-run .task tbody tr")
    expect(scores.locator("th")).to_have_text(["before, as start", "after"])
    expect(page.locator("#curve .ngram")).to_be_attached()
    expect(page.locator("#promote .hint").last).to_contain_text("Evidence")
    page.click("#promote button.primary")
    expect(page.locator("#promote .good")).to_contain_text("smollm2-135m-instruct", timeout=LONG)
    page.click("#promote a")
    expect(page.locator("#answering strong")).to_have_text("tuned")
    page.click("#roll-back")
    expect(page.locator("#answering strong")).to_have_text("smollm2-135m-instruct")
    expect(page.locator("#roll-back")).to_have_count(0)

    page.get_by_role("button", name="Compare").first.click()
    page.select_option("#compare [name=first]", "run:start")
    page.select_option("#compare [name=second]", "run:tuned")
    page.locator("#compare [name=prompt]").first.fill("red green")
    page.click("#compare button.primary")
    expect(page.locator("#answers .said").nth(1)).not_to_have_text("…", timeout=LONG)
    assert page.locator("#answers .said").count() == 2
    expect(page.locator("#scores tbody th")).to_contain_text(["tuned: before, as start"])


SPY = """<!doctype html><title>r</title><p id="told"></p><script>
const tell = (text) => { document.getElementById("told").textContent += text + ";"; };
tell("script runs");
try {
  if (parent !== window) parent.document.body.innerHTML = "";
  tell("reached out");
} catch { tell("parent shut"); }
try { tell("cookie " + document.cookie); } catch { tell("cookie shut"); }
try { localStorage.length; tell("storage"); } catch { tell("storage shut"); }
fetch("/api/me").then(() => tell("fetched"), () => tell("network shut"));
</script><img src="/static/icon.svg" onload="tell('image')" onerror="tell('image shut')">"""


def test_a_report_is_shut_in(visit: Visitor, link: str, home: Path) -> None:  # noqa: F811
    prepared(home)
    (home / "runs/start/report.html").write_text(SPY)
    one = visit(link)
    page = one.page
    page.goto(f"{link.split('?')[0]}?key={(home / 'owner.key').read_text().strip()}")
    base = link.split("/enter")[0]
    page.goto(f"{base}/school#run/start")
    page.get_by_text("Open the report").click()
    shut = ["parent shut", "cookie shut", "storage shut", "network shut", "image shut"]
    told = page.frame_locator("iframe").locator("#told")
    for what in ["script runs", *shut]:
        expect(told).to_contain_text(what)
    for what in ("reached out", "fetched", "image;"):
        expect(told).not_to_contain_text(what)
    expect(page.locator("#run-title")).to_be_visible()
    page.goto(f"{base}/api/school/runs/start/report")  # alone in a tab it has no more power
    for what in [*shut[1:]]:
        expect(page.locator("#told")).to_contain_text(what)
    blocked = "Content Security Policy|Refused to|sandboxed|access control|ERR_FAILED|origin"
    assert [text for text in one.complaints if not re.search(blocked, text)] == []
    one.complaints.clear()


@pytest.mark.parametrize(
    ("locale", "width", "scheme"),
    [pytest.param("en-US", 1280, "light", marks=pytest.mark.long), ("zh-CN", 390, "dark")],
)
def test_the_school_fits_and_can_be_used_by_all(
    visit: Visitor,  # noqa: F811
    link: str,
    home: Path,
    locale: str,
    width: int,
    scheme: str,
) -> None:
    page = opened(visit, link, home, locale=locale, width=width, scheme=scheme)
    wrong = _faults(page, "an empty school", locale, width)
    prepared(home)
    broken = home / "runs/broken"
    broken.mkdir()
    (broken / "plan.toml").write_text('recipe = "tune"\n')
    (broken / "run.json").write_text(json.dumps(BROKEN))
    (broken / "metrics.jsonl").write_text(CURVE)
    (broken / "samples.jsonl").write_text(json.dumps({"step": 40, "samples": [["a", "b"]]}) + "\n")
    for tab in ("runs", "data", "compare", "inside"):
        page.goto("about:blank")
        page.goto(f"{link.split('/enter')[0]}/school#{tab}")
        page.wait_for_selector("#files .item", state="attached")
        if tab == "runs":
            page.click("#begin-box summary")
        wrong += _faults(page, tab, locale, width)
    page.click("[data-tab=runs]")
    page.click("#open-broken")
    page.wait_for_selector("#curve svg")
    expect(page.locator("#run-problem")).not_to_be_empty()
    wrong += _faults(page, "a failed run", locale, width)
    assert not wrong, "\n".join(wrong)
    english = {text for key, text in ENGLISH.items() if key.startswith("school.")}
    if locale == "zh-CN":
        shown = page.evaluate("document.body.innerText").splitlines()
        assert english & {line.strip() for line in shown} == set()


CURVE = "".join(
    json.dumps({"step": n, "loss": 4 / n + 1, "tokens_per_s": 100.0, "left_s": 5.0}) + "\n"
    for n in range(1, 60)
)
BROKEN = {
    "status": "failed",
    "steps": 100,
    "problem": "…",
    "problem_key": "learn.train.length",
    "problem_values": {"length": "512", "limit": "64"},
    "parameters": 28_192,
    "learned_share": 0.13,
    "data": "f" * 64,
}


def test_a_chat_is_read_before_a_run_may_learn_from_it(
    visit: Visitor,  # noqa: F811
    link: str,
    home: Path,
) -> None:
    """Allowed beneath the chat, taken in, read, and one of two kept."""
    page = visit(link).page
    page.goto(f"{link.split('?')[0]}?key={(home / 'owner.key').read_text().strip()}")
    base = link.split("/enter")[0]
    for text in ("Write to ann@example.org", "A second one"):
        page.goto(base)
        page.fill("#text", text)
        page.keyboard.press("Enter")
        expect(page.locator(".message.assistant:not(.running) .tools")).to_be_visible(timeout=LONG)
        box = page.get_by_label(ENGLISH["page.consent_chat"])
        expect(box).not_to_be_checked()
        with page.expect_response(re.compile("/consent$")):
            box.press("Space")
    page.reload()
    expect(page.get_by_label(ENGLISH["page.consent_chat"])).to_be_checked()
    page.goto(f"{base}/school#data")
    page.click("[data-tab=data]")
    page.click("#take-chats")
    rows = page.locator("#review-rows .item")
    expect(rows).to_have_count(2, timeout=LONG)
    expect(rows.first).to_contain_text("Write to [email]")
    assert _faults(page, "chats", "en-US", 1280) == []
    rows.nth(1).get_by_role("checkbox").uncheck()
    page.locator("#review button").click()
    expect(page.locator("#files .item")).to_contain_text("chats-")
    expect(page.locator("#review")).to_be_hidden()
    (file,) = (home / "school/data").glob("chats-*")
    assert "[email]" in file.read_text() and "second" not in file.read_text()
