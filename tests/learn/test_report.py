"""Reports: whatever state a run is in, its page says what its files hold and runs nothing."""

import math
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from playwright.sync_api import Browser
from typer.testing import CliRunner

from attenda.cli.learn_app import learn_app
from attenda.core.errors import NotFound
from attenda.learn.curve import Line, curve, round_ticks, thinned
from attenda.learn.plan import Plan
from attenda.learn.report import report
from attenda.learn.run_folder import RunFolder
from tests.learn.school import plan_of, run, school
from tests.learn.test_lens import HOSTILE, violations

numbers = st.floats(-1e9, 1e9, allow_nan=False)


def begun(folder: Path, steps: int = 0, every: int = 0, **facts: Any) -> RunFolder:
    """A run with made-up files: so many steps, measured every so many."""
    found = RunFolder(folder)
    found.begin(Plan.of({"recipe": "tune", "model": {"start": HOSTILE}}))
    found.note(recipe="tune", steps=steps, **facts)
    for step in range(1, steps + 1):
        row = {"norm": 1.0, "rate": 1 - step / (steps + 1), "tokens_per_s": 900.0, "left_s": 1.0}
        found.add_metrics({"step": step, "loss": 2 + 5 / step, **row})
        if every and step % every == 0:
            figures = {"loss": 3 + 5 / step, "perplexity": 9.0, "bits_per_byte": 1 + 5 / step}
            found.add_metrics({"step": step, "validation": figures})
            found.add_samples({"step": step, "samples": [[HOSTILE, f"{HOSTILE} {step}"]]})
    return found


def test_a_finished_run_leaves_its_report(tmp_path: Path, home: Path) -> None:
    run(tmp_path / "films", plan_of(school(tmp_path)))
    folder = RunFolder(tmp_path / "films")
    text = (folder.path / "report.html").read_text("utf-8")
    assert text == report(folder)
    figures = folder.facts()["figures"]
    for row in (figures["validation"], figures["ngram"]):
        assert f"<td>{row['bits_per_byte']:.3f}</td>" in text
    assert text.count('<svg class="curve"') == 4
    assert folder.facts()["data"] in text and ">finished<" in text
    losses = re.search(r'<polyline class="first" points="([^"]*)"', text)
    assert losses and len(losses[1].split()) == 12
    out = tmp_path / "elsewhere.html"
    words = ["report", str(folder.path), "--out", str(out)]
    answer = CliRunner().invoke(learn_app, words, catch_exceptions=False)
    assert answer.output.strip() == f"✓ {out}"
    assert out.read_text("utf-8") == text


@pytest.mark.parametrize(
    ("language", "scheme", "width"),
    [
        ("en", "light", 1280),
        pytest.param("zh-CN", "dark", 360, marks=pytest.mark.long),
    ],
)
@pytest.mark.parametrize(
    ("steps", "every", "facts"),
    [
        (0, 0, {}),
        (1, 0, {"status": "failed", "problem": HOSTILE}),
        (30, 10, {"status": "stopped", "data": "a" * 64, "base": {"name": HOSTILE}}),
        (3000, 500, {"status": "finished", "learned_share": 0.25, "created": 1.7e9}),
    ],
    ids=["not begun", "failed", "stopped", "long"],
)
def test_every_state_has_a_page_that_holds(
    browser: Browser,
    tmp_path: Path,
    steps: int,
    every: int,
    facts: dict[str, Any],
    scheme: Any,
    width: int,
    language: str,
) -> None:
    folder = begun(tmp_path / HOSTILE.replace("/", ""), steps, every, **facts)
    page = tmp_path / "report.html"
    page.write_text(report(folder, language), "utf-8")
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    tab = context.new_page()
    asked: list[str] = []
    tab.on("request", lambda request: asked.append(request.url))
    tab.goto(page.as_uri())
    assert tab.title() != "owned"
    assert tab.locator("script, img, iframe").count() == 0
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    assert tab.locator("svg").count() == (0 if not steps else 4 if every else 3)
    assert "nan" not in tab.content().lower() and "None" not in tab.content()
    assert violations(tab) == []
    assert asked == [page.as_uri()]
    if facts.get("problem"):
        assert tab.get_by_role("alert").inner_text() == HOSTILE
    context.close()


def test_broken_files_cost_no_report(tmp_path: Path) -> None:
    folder = begun(tmp_path / "run", 3)
    with (folder.path / "metrics.jsonl").open("a") as file:
        file.write('{"step": 4, "lo')
    folder.model.mkdir()
    (folder.model / "card.json").write_text("[}")
    folder.add_metrics({"step": 5, "loss": math.nan, "rate": 0.1, "tokens_per_s": 1, "left_s": 0})
    assert report(folder).count("<svg") == 3
    with pytest.raises(NotFound):
        report(RunFolder(tmp_path / "none"))


@given(numbers, numbers, st.integers(3, 8))
def test_ticks_are_round_and_hold_the_values(one: float, other: float, about: int) -> None:
    least, most = sorted((one, other))
    ticks = round_ticks(least, most, about)
    assert ticks == sorted(set(ticks)) and 2 <= len(ticks) <= about + 2
    slack = (ticks[1] - ticks[0]) * 1e-6
    assert ticks[0] <= least + slack and most - slack <= ticks[-1]
    apart = f"{ticks[1] - ticks[0]:.3e}"
    assert apart[0] in "125" and set(apart[2:5]) == {"0"}


@given(st.lists(st.tuples(numbers, st.floats() | numbers), max_size=900))
def test_a_curve_stays_in_its_picture(points: list[tuple[float, float]]) -> None:
    drawn = curve([Line("a", points)], "steps", str, HOSTILE)
    places = re.findall(r'points="([^"]*)"', drawn)
    finite = [y for _, y in points if math.isfinite(y)]
    assert bool(places) == any(abs(y) < 1e30 for y in finite)
    for pair in " ".join(places).split():
        x, y = map(float, pair.split(","))
        assert 0 <= x <= 460 and 0 <= y <= 252
    assert "<script" not in drawn
    assert len(thinned(points)) <= 400
