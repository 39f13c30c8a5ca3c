"""Runs from the command line: begun, resumed, stopped and listed, with live progress."""

import json
import signal
import sys
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import typer
from rich.table import Table

from attenda.cli.heartbeat import spoke
from attenda.cli.hub import bring
from attenda.cli.terminal import err, out
from attenda.core.errors import OperatorError, UserError
from attenda.core.words import sentence
from attenda.learn import launch
from attenda.learn.people import erased_among
from attenda.learn.plan import Recipe, read_plan
from attenda.learn.report import TASK_SCORES
from attenda.learn.run_folder import RunFolder

__all__ = ["begin", "list_runs", "needs_torch", "resume", "run_path", "stop"]

_QUIET_S = 5.0
"""Longest silence where there is no terminal to show a bar in."""


@contextmanager
def needs_torch() -> Iterator[None]:
    """Say how to install what learning needs, where it is not here.

    Raises:
        OperatorError: PyTorch or GGUF's library is absent.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name in ("torch", "gguf"):
            raise OperatorError("learn.no_torch", module=error.name) from error
        raise


def begin(
    home: Path,
    name: str,
    plan: tuple[Recipe, Path | None, dict[str, Any], list[str]],
    language: str,
    *,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Begin a run by a plan: recipe, file, flags, and `key=value` settings on top."""
    if launch.rank():  # the leading process begins it
        if not dry_run:  # which is reckoned for one process
            _carry_out(RunFolder(home / "runs" / name), home, language, as_json=as_json)
        return
    recipe, file, flags, values = plan
    for value in values:
        _put(flags, value)
    whole = read_plan(recipe, file, flags)
    bring(home, whole.model.start)
    folder = RunFolder(home / "runs" / _run_name(name, recipe, home))
    if dry_run:
        with needs_torch():
            from attenda.learn.estimate import estimate

        print_estimate(estimate(whole, home, _Terminal(name, language)), as_json=as_json)
        return
    folder.begin(whole)
    _carry_out(folder, home, language, as_json=as_json)


def print_estimate(row: dict[str, Any], *, as_json: bool) -> None:
    """What a run would take."""
    if as_json:
        print(json.dumps(row))
        return
    for key, value in row.items():
        out.print(f"{key.replace('_', ' ')}: {value}", markup=False)


def resume(home: Path, name: str, language: str, *, as_json: bool) -> None:
    """Go on with a run."""
    folder = RunFolder(run_path(home, name))
    if not launch.rank():
        folder.plan()
    _carry_out(folder, home, language, as_json=as_json)


def stop(home: Path, name: str) -> None:
    """Ask a run to save and end."""
    folder = RunFolder(run_path(home, name))
    folder.plan()
    folder.ask_to_stop()
    out.print(f"{name} saves and ends after its step.", markup=False)


def list_runs(home: Path, language: str, *, as_json: bool) -> None:
    """Print the runs and how they stand."""
    folders = [RunFolder(file.parent) for file in sorted(home.glob("runs/*/plan.toml"))]
    rows = [
        {
            "name": folder.name,
            **folder.standing(),
            "erased_people": erased_among(folder.facts().get("people", []), home),
        }
        for folder in folders
    ]
    if as_json:
        print(json.dumps(rows, indent=2))
        return
    if not rows:
        out.print("No runs yet. `attenda learn pretrain --help` says how to begin one.")
        return
    table = Table(box=None, pad_edge=False)
    for column in ("name", "recipe", "state", "step", "loss", "bits per byte"):
        table.add_column(column)
    for row in rows:
        cells = (row["name"], row["recipe"], row["status"], f"{row['step']}/{row['steps']}")
        loss, bits = (f"{row[key]:.3f}" if row[key] else "" for key in ("loss", "bits_per_byte"))
        table.add_row(*cells, loss, bits)
    out.print(table)
    for row in rows:
        if row["erased_people"]:
            values = {"name": row["name"], "count": row["erased_people"]}
            out.print(sentence(language, "model.erased_people", **values), style="yellow")


def _put(flags: dict[str, Any], setting: str) -> None:
    """`train.rate=3e-4` into nested flags; the value is TOML, or else text."""
    key, equals, value = setting.partition("=")
    if not equals:
        raise UserError("learn.plan.bad", name=setting, problem="write it as key=value")
    try:
        parsed = tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        parsed = value
    *sections, last = key.strip().split(".")
    for section in sections:
        flags = flags.setdefault(section, {})
    flags[last] = parsed


def _run_name(name: str, recipe: str, home: Path) -> str:
    if not name and launch.processes() > 1:
        raise UserError("learn.spread.name")
    if name:
        if Path(name).name != name or name.startswith("."):
            raise UserError("model.bad_name", name=name)
        return name
    numbers = (
        number for number in range(1, 10_000) if not (home / f"runs/{recipe}-{number}").exists()
    )
    return f"{recipe}-{next(numbers)}"


def run_path(home: Path, name: str) -> Path:
    """The folder of a run that is named, or that is a folder itself."""
    return Path(name) if (Path(name) / "plan.toml").exists() else home / "runs" / name


def _carry_out(folder: Any, home: Path, language: str, *, as_json: bool) -> None:
    with needs_torch():
        from attenda.learn.learning import learn

    watch = _Terminal(folder.name, language)
    earlier = signal.signal(signal.SIGINT, lambda *_: watch.ask_to_stop())
    try:
        facts = learn(folder, home, watch)
    finally:
        signal.signal(signal.SIGINT, earlier)
        watch.end()
    if not facts:  # a follower of a run of several processes
        return
    if as_json:
        print(json.dumps(facts, indent=2))
    elif facts["status"] == "stopped":
        out.print(sentence(language, "learn.run.stopped", name=folder.name, step=facts["step"]))
        raise typer.Exit(130 if watch.interrupted else 0)
    else:
        _print_figures(folder.name, facts, language)


def _print_figures(name: str, facts: dict[str, Any], language: str) -> None:
    out.print(sentence(language, "learn.run.finished", name=name, steps=facts["steps"]))
    figures = facts.get("figures") or {}
    ngram = sentence(language, "learn.report.ngram")
    table = Table("", box=None, pad_edge=False)
    for column in ("learn.report.loss", "learn.report.perplexity", "learn.report.bits"):
        table.add_column(sentence(language, column))
    for key, title in (("validation", name), ("ngram", ngram)):
        if row := figures.get(key):
            table.add_row(
                title,
                f"{row['loss']:.3f}",
                f"{row['perplexity']:.1f}",
                f"{row['bits_per_byte']:.3f}",
            )
    if table.row_count:
        out.print(table)
    before = sentence(language, "learn.task.before", name=(facts.get("base") or {}).get("name"))
    after = sentence(language, "learn.task.after")
    _print_task(
        figures.get("task") or {}, {"before": before, "after": after, "ngram": ngram}, language
    )


def _print_task(scores: dict[str, dict[str, float]], titles: dict[str, str], language: str) -> None:
    table = Table("", box=None, pad_edge=False)
    for column in TASK_SCORES.values():
        table.add_column(sentence(language, column))
    for key, title in titles.items():
        if row := scores.get(key):
            table.add_row(title, *(f"{row[s]:.1%}" if s in row else "" for s in TASK_SCORES))
    if table.row_count:
        asked = {key: scores.get("after", {}).get(key, 0) for key in ("ranked", "graded")}
        out.print(table)
        out.print(sentence(language, "learn.task.note", **asked), style="dim")


class _Terminal:
    """Shows a run as a bar with its figures, or as lines where there is no terminal."""

    def __init__(self, name: str, language: str) -> None:
        from rich.progress import BarColumn, Progress, TextColumn

        self.name, self.language = name, language
        self.interrupted = False
        self._said = 0.0
        self._problems = 0
        columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[told]}"))
        self._bar = Progress(*columns, console=err, transient=False)
        self._task = self._bar.add_task(name, total=None, told="", visible=False)
        self._shows = err.is_terminal

    def ask_to_stop(self) -> None:
        """A second Ctrl-C ends at once; `torchrun` passes the first one on as a second."""
        if launch.processes() == 1:
            if self.interrupted:
                raise KeyboardInterrupt
            err.print(sentence(self.language, "learn.doing.stop"))
        elif not self.interrupted and not launch.rank():
            err.print(sentence(self.language, "learn.spread.stop"))
        self.interrupted = True

    def doing(self, key: str, **values: object) -> None:
        """Something begins."""
        spoke()
        err.print(sentence(self.language, key, **values), style="dim", markup=False)

    def problem(self, problem: Any) -> None:
        """The first few problems of the data."""
        self._problems += 1
        if self._problems <= 3:
            text = problem.text(self.language)
            err.print(f"{problem.place}: {text}", style="yellow", markup=False)
        elif self._problems == 4:
            err.print("…", style="yellow")

    def step(self, report: Any, steps: int, left_s: float) -> None:
        """A step is done."""
        told = (
            f"{report.step}/{steps}  loss {report.loss:.3f}  "
            f"{report.tokens_per_s:,.0f} tok/s  {_span(left_s)}"
        )
        if self._shows:
            spoke()
            if not self._bar.live.is_started:
                self._bar.start()
            self._bar.update(
                self._task, total=steps, completed=report.step, told=told, visible=True
            )
        elif time.monotonic() - self._said >= _QUIET_S or report.step in (1, steps):
            self._said = time.monotonic()
            spoke()
            print(f"{self.name}  {told}", file=sys.stderr, flush=True)

    def measured(self, row: dict[str, Any]) -> None:
        """The validation text was measured."""
        figures = row["validation"]
        spoke()
        self._bar.console.print(
            f"{row['step']}: {figures['bits_per_byte']:.3f} bits per byte, "
            f"perplexity {figures['perplexity']:.1f}",
            style="dim",
        )

    def wants_to_stop(self) -> bool:
        """Whether somebody pressed Ctrl-C."""
        return self.interrupted

    def passing(self, point: str) -> None:
        """Saving passes a point."""

    def end(self) -> None:
        """Leave the terminal as it was."""
        self._bar.stop()


def _span(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
