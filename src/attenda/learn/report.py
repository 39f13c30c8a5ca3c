"""What became of a run, as one page: curves, figures beside the n-gram, samples, data, plan.

Made of the run folder's files alone, at any time, so a run that has not begun, or broke off, has
a report as well. It knows no model and needs no PyTorch.
"""

import json
import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from html import escape
from pathlib import Path
from typing import Any

from attenda.core.words import sentence
from attenda.learn.curve import Line, Point, curve, thinned
from attenda.learn.html_page import html_page
from attenda.learn.plan import toml_of
from attenda.learn.run_folder import RunFolder

__all__ = ["TASK_SCORES", "report", "write_report"]

Say = Callable[..., str]

_STATUS = {
    "ready": "learn.report.ready",
    "running": "learn.report.running",
    "stopped": "learn.report.stopped",
    "failed": "learn.report.failed",
    "finished": "learn.report.finished",
}
TASK_SCORES = {
    "hits_1": "learn.task.hits_1",
    "exact_match": "learn.task.exact_match",
    "f1": "learn.task.f1",
}
"""The scores of a task in the order of their columns, each with the key of its name."""
_SHOWN_STEPS = 6
_SMOOTHED = 50
"""From so many steps on, a curve of means is drawn over the single ones."""


def report(folder: RunFolder, language: str = "en") -> str:
    """The page.

    Args:
        folder: of the run.
        language: of its words.

    Raises:
        NotFound: there is no such run.
        UserError: its plan can't be read.
    """
    plan = folder.plan()
    say: Say = partial(sentence, language)
    facts, standing, metrics = folder.facts(), folder.standing(), folder.metrics()
    figures = _card(folder).get("figures") or facts.get("figures") or {}
    peak = plan.train.muon_rate if plan.train.optimizer == "muon" else plan.train.rate
    parts = [
        _head(folder.name, standing, say),
        _verdict(figures, say),
        _curves(metrics, figures, peak, say),
        _figures(folder.name, figures, say),
        _task(figures.get("task") or {}, facts.get("base") or {}, say),
        _samples(folder.samples(), say),
        _facts(facts, say),
        _card_of(say("learn.report.plan"), f"<pre>{escape(toml_of(plan))}</pre>"),
    ]
    title = say("learn.report.title", name=folder.name)
    return html_page(title, f'<main class="report">{"".join(parts)}</main>', language)


def _card(folder: RunFolder) -> dict[str, Any]:
    """The finished model's card; nothing where there is none."""
    file = folder.model / "card.json"
    try:
        card = json.loads(file.read_text("utf-8")) if file.exists() else {}
    except ValueError:
        card = {}
    return card if isinstance(card, dict) else {}


def _card_of(title: str, body: str, note: str = "") -> str:
    below = f'<p class="faint">{escape(note)}</p>' if note else ""
    return f'<section class="card"><h2>{escape(title)}</h2>{below}{body}</section>'


def _head(name: str, standing: dict[str, Any], say: Say) -> str:
    status = standing["status"]
    key = _STATUS.get(status, _STATUS["ready"])
    steps = say("learn.report.steps", step=f"{standing['step']:,}", steps=f"{standing['steps']:,}")
    about = [standing["recipe"], steps] if standing["steps"] else [standing["recipe"]]
    line = " · ".join(escape(text) for text in about if text)
    problem = standing["problem"] if status == "failed" else ""
    trouble = (
        f'<section class="card bad" role="alert">{escape(problem)}</section>' if problem else ""
    )
    return (
        f"<h1>{escape(say('learn.report.title', name=name))}</h1>"
        f'<p><span class="state {escape(status)}">{escape(say(key))}</span> '
        f'<span class="faint">{line}</span></p>{trouble}'
    )


def _verdict(figures: dict[str, Any], say: Say) -> str:
    """One sentence: better or worse than the n-gram."""
    own, other = figures.get("validation"), figures.get("ngram")
    if not own or not other or not other["bits_per_byte"]:
        return ""
    ratio = own["bits_per_byte"] / other["bits_per_byte"] - 1
    key = "learn.report.better" if ratio < 0 else "learn.report.worse"
    return f'<p class="verdict">{escape(say(key, share=f"{abs(ratio):.0%}"))}</p>'


def _curves(
    metrics: Sequence[dict[str, Any]], figures: dict[str, Any], peak: float, say: Say
) -> str:
    steps = [row for row in metrics if "loss" in row]
    if not steps:
        return _card_of(say("learn.report.curves"), _empty(say("learn.report.no_steps")))
    measured = [(row["step"], row["validation"]) for row in metrics if "validation" in row]
    last = steps[-1]["step"]
    if final := figures.get("validation"):
        measured.append((last, final))
    bits = [Line(say("learn.report.model"), [(s, row["bits_per_byte"]) for s, row in measured])]
    if ngram := figures.get("ngram"):
        bits.append(Line(say("learn.report.ngram"), [(last, ngram["bits_per_byte"])], "level"))
    loss = [*_smooth(say("learn.report.training"), _points(steps, "loss"))]
    loss.append(
        Line(say("learn.report.validation"), [(s, r["loss"]) for s, r in measured], "second")
    )
    rate = [(step, share * peak) for step, share in _points(steps, "rate")]
    speed = _smooth(say("learn.report.speed"), _points(steps, "tokens_per_s"))
    charts = (
        _chart(say("learn.report.loss"), loss, say),
        _chart(say("learn.report.measured"), bits, say),
        _chart(say("learn.report.rate"), [Line("", thinned(rate))], say, from_zero=True),
        _chart(say("learn.report.speed"), speed, say, from_zero=True),
    )
    return f'<div class="pair">{"".join(charts)}</div>'


def _points(rows: Sequence[dict[str, Any]], key: str) -> list[Point]:
    return [(row["step"], row[key]) for row in rows if isinstance(row.get(key), int | float)]


def _smooth(name: str, points: list[Point]) -> list[Line]:
    """The single values, faint where there are many, and a curve of their running means."""
    if len(points) < _SMOOTHED:
        return [Line(name, points)]
    span, means = max(len(points) // 25, 5), []
    for place in range(len(points)):
        near = points[max(place - span // 2, 0) : place + span // 2 + 1]
        means.append((points[place][0], sum(y for _, y in near) / len(near)))
    return [Line("", thinned(points), "faint"), Line(name, thinned(means))]


def _chart(title: str, lines: Sequence[Line], say: Say, *, from_zero: bool = False) -> str:
    drawn = curve(lines, say("learn.report.step"), _short, title, from_zero=from_zero)
    if not drawn:
        return _card_of(title, _empty(say("learn.report.unmeasured")))
    named = [line for line in lines if line.name and line.points]
    keys = "".join(
        f'<span class="key {escape(line.kind)}">{escape(line.name)}</span>' for line in named
    )
    key = f'<p class="keys">{keys}</p>' if len(named) > 1 else ""
    return _card_of(title, key + drawn)


def _figures(name: str, figures: dict[str, Any], say: Say) -> str:
    rows = ((name, figures.get("validation")), (say("learn.report.ngram"), figures.get("ngram")))
    body = "".join(_figure_row(title, row) for title, row in rows if row)
    if not body:
        return ""
    columns = (
        "",
        say("learn.report.loss"),
        say("learn.report.perplexity"),
        say("learn.report.bits"),
    )
    head = "".join(f'<th scope="col">{escape(column)}</th>' for column in columns)
    table = f'<div class="wide"><table class="figures"><tr>{head}</tr>{body}</table></div>'
    if answers := figures.get("answers"):
        table += f'<p class="faint">{escape(_answers(answers, say))}</p>'
    return _card_of(say("learn.report.figures"), table, say("learn.report.figures_note"))


def _figure_row(title: str, row: dict[str, float]) -> str:
    cells = (f"{row['loss']:.3f}", f"{row['perplexity']:,.1f}", f"{row['bits_per_byte']:.3f}")
    return f'<tr><th scope="row">{escape(title)}</th>' + "".join(f"<td>{c}</td>" for c in cells)


def _task(scores: dict[str, dict[str, float]], base: dict[str, str], say: Say) -> str:
    """Scores before and after, beside the n-gram's."""
    titles = {
        "before": say("learn.task.before", name=base.get("name", "")),
        "after": say("learn.task.after"),
        "ngram": say("learn.report.ngram"),
    }
    body = "".join(
        f'<tr><th scope="row">{escape(title)}</th>'
        + "".join(f"<td>{_share(scores[key].get(score))}</td>" for score in TASK_SCORES)
        for key, title in titles.items()
        if key in scores
    )
    if not body:
        return ""
    columns = ("", *map(say, TASK_SCORES.values()))
    head = "".join(f'<th scope="col">{escape(column)}</th>' for column in columns)
    table = f'<div class="wide"><table class="figures"><tr>{head}</tr>{body}</table></div>'
    asked = scores.get("after", {})
    note = say("learn.task.note", ranked=asked.get("ranked", 0), graded=asked.get("graded", 0))
    return _card_of(say("learn.task.title"), table, note)


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.1%}"


def _answers(row: dict[str, float], say: Say) -> str:
    return say(
        "learn.report.answers",
        count=f"{row['count']:,}",
        stopped=f"{row['stopped']:.0%}",
        tokens=f"{row['tokens']:.0f}",
        distinct=f"{row['distinct_2']:.1%}",
        repeated=f"{row['repeated']:.0%}",
    )


def _samples(rows: Sequence[dict[str, Any]], say: Say) -> str:
    """What was answered to the same questions as the run went on."""
    by_step = {row["step"]: row["samples"] for row in rows if row.get("samples")}
    if not by_step:
        return ""
    steps = _spread(sorted(by_step))
    parts = []
    for place, (asked, _) in enumerate(by_step[steps[-1]]):
        answers = [(step, by_step[step][place][1]) for step in steps if place < len(by_step[step])]
        items = "".join(
            f'<tr><th scope="row">{step:,}</th><td>{_quoted(text, say)}</td></tr>'
            for step, text in answers
        )
        parts.append(f'<h3>{escape(asked)}</h3><table class="samples">{items}</table>')
    return _card_of(say("learn.report.samples"), "".join(parts), say("learn.report.samples_note"))


def _spread(steps: Sequence[int]) -> list[int]:
    """A few of the steps, the first and the last among them."""
    if len(steps) <= _SHOWN_STEPS:
        return list(steps)
    places = [number * (len(steps) - 1) // (_SHOWN_STEPS - 1) for number in range(_SHOWN_STEPS)]
    return [steps[place] for place in places]


def _quoted(text: str, say: Say) -> str:
    shown = " ".join(text.split())
    return (
        escape(shown)
        if shown
        else f'<span class="faint">{escape(say("learn.report.wordless"))}</span>'
    )


def _facts(facts: dict[str, Any], say: Say) -> str:
    """What is noted of the run, each with its name."""
    base = facts.get("base") or {}
    created, seconds = facts.get("created"), facts.get("last_seconds")
    learned = facts.get("learned_share")
    rows = (
        (say("learn.report.created"), _moment(created) if created else ""),
        (say("learn.report.seconds"), f"{seconds:,.0f} s" if seconds else ""),
        (say("learn.report.base"), base.get("name", "")),
        (say("learn.report.base_hash"), base.get("sha256", "")),
        (say("learn.report.parameters"), _count(facts, "parameters")),
        (say("learn.report.moving"), _count(facts, "moving")),
        (say("learn.report.conversations"), _count(facts, "conversations")),
        (say("learn.report.held_back"), _count(facts, "validation")),
        (say("learn.report.overlap"), _overlap(facts, say)),
        (say("learn.report.tokens"), _count(facts, "tokens")),
        (say("learn.report.learned"), f"{learned:.1%}" if learned else ""),
        (say("learn.report.shortened"), _count(facts, "shortened")),
        (say("learn.report.dropped"), _count(facts, "dropped")),
        (say("learn.report.fingerprint"), facts.get("data", "")),
        (say("learn.report.template"), facts.get("template", "")),
        (say("learn.report.device"), facts.get("device", "")),
        (say("learn.report.threads"), _count(facts, "threads")),
    )  # fmt: skip
    items = "".join(
        f"<dt>{escape(name)}</dt><dd>{escape(str(value))}</dd>" for name, value in rows if value
    )
    return _card_of(say("learn.report.facts"), f"<dl>{items}</dl>")


def _moment(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC"


def _count(facts: dict[str, Any], key: str) -> str:
    return f"{facts[key]:,}" if isinstance(facts.get(key), int) else ""


def _overlap(facts: dict[str, Any], say: Say) -> str:
    """How much of what was held back is known from training."""
    found = facts.get("overlap")
    if not found:
        return ""
    counts = {"count": f"{found['known']:,}", "checked": f"{found['checked']:,}"}
    return say("learn.report.overlap_of", share=f"{found['share']:.2%}", **counts)


def _empty(text: str) -> str:
    return f'<p class="faint empty">{escape(text)}</p>'


def _short(value: float) -> str:
    """A number in few letters: 1.5k, 0.25, 2.5e-4."""
    if abs(value) >= 1000:
        return f"{value / 1000:.4g}k"
    if 0 < abs(value) < 0.001:
        digits, power = f"{value:.2e}".split("e")
        return f"{float(digits):g}e{int(power)}"
    return f"{value:.4g}"


def write_report(folder: RunFolder, language: str = "en") -> Path:
    """Write the page into the run's folder; where it is."""
    path = folder.path / "report.html"
    scratch = folder.path / ".report.html.new"
    scratch.write_text(report(folder, language), "utf-8")
    os.replace(scratch, path)
    return path
