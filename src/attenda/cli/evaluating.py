"""`attenda eval`: scenarios through the real turn, their figures, and what is wrong.

Each trial has a home of its own in a temporary folder; of this home only models are used.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rich.table import Table

from attenda.api import Embedder, NotFound, Pack, ScriptedEmbedder, ScriptedModel, Understand
from attenda.cli.packs import find_pack, find_packs, load_pack, pack_above
from attenda.cli.terminal import err, out
from attenda.cli.wiring import by_examples, open_house
from attenda.core.config import Settings
from attenda.core.errors import OperatorError, UserError
from attenda.core.words import sentence
from attenda.dialogue.book import FlowBook
from attenda.evals.report import KINDS, figure_rows, report
from attenda.evals.results import Change, Result, Trial, compare, figures_of, json_of, read_results
from attenda.evals.run import Seeds, Wrap, run_scenario
from attenda.evals.scenario import Scenario
from attenda.evals.scenario_file import ScenarioProblem, known_pack, read_scenarios
from attenda.llm.endpoint import open_endpoint
from attenda.llm.loaded import LoadedModels
from attenda.runtime.house import House
from attenda.store.stamps import Stamps

__all__ = ["Request", "evaluate", "find_scenarios", "read_files"]


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be tried, and how."""

    path: Path
    trials: int
    model: str = ""
    """Name of a model; empty writes no words but those of flows and documents."""
    folder: Path | None = None
    """Where results and report are kept."""
    other: Path | None = None
    """Results to compare with."""
    as_json: bool = False


def evaluate(settings: Settings, request: Request, language: str) -> int:
    """Try scenarios and tell what came of them; the exit code.

    Raises:
        UserError: there are none, one is written wrongly, or a pack can't be used.
    """
    before = read_results(request.other) if request.other else None
    found = _scenarios(settings.home, request.path, language)
    results = asyncio.run(_try(settings, request, found, language))
    changes = compare(before, results) if before is not None else []
    if request.folder is not None:
        _keep(request.folder, results, changes, str(request.other or ""), language)
    if request.as_json:
        print(json.dumps(json_of(results), ensure_ascii=False, indent=1))
    else:
        _tell(results, language)
    if request.other is not None and not request.as_json:
        _tell_changes(changes, request.other, language)
    return 0 if all(one.passed for one in results) else 1


def find_scenarios(home: Path, path: Path) -> list[Path]:
    """Files of scenarios: one file, a folder of them, a pack's, or all of the home's (`packs`).

    Raises:
        UserError: there are none, or no such file, folder or pack.
    """
    if path.is_file():
        return [path]
    known = home / "packs" if str(path) == "packs" else path
    folder = known if known.is_dir() else find_pack(home, str(path))
    inside = folder / "scenarios" if (folder / "pack.py").exists() else folder
    files = sorted(inside.glob("*.yaml")) or sorted(inside.glob("*/scenarios/*.yaml"))
    if not files:
        raise UserError("eval.none", path=path)
    return files


def read_files(
    home: Path, files: Sequence[Path]
) -> tuple[list[tuple[Path, Scenario, Pack]], list[ScenarioProblem]]:
    """The scenarios of some files, each with its pack, and what is wrong in them.

    Raises:
        UserError: a file can't be read, or a pack can't be loaded.
    """
    folders = {pack_above(path) for path in files}
    packs = {one.name: one for one in map(load_pack, filter(None, folders))}
    if None in folders:
        packs = {**{one.name: one for one in find_packs(home)}, **packs}
    known = {name: known_pack(one) for name, one in packs.items()}
    found: list[tuple[Path, Scenario, Pack]] = []
    problems: list[ScenarioProblem] = []
    for path in files:
        scenarios, bad = read_scenarios(_text(path), str(path), known)
        problems += bad
        found += [(path, one, packs[one.pack]) for one in scenarios]
    return found, problems


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError("eval.none", path=path) from error


def _scenarios(home: Path, path: Path, language: str) -> list[tuple[Path, Scenario, Pack]]:
    found, problems = read_files(home, find_scenarios(home, path))
    if problems:
        told = "\n".join(one.text(language) for one in problems)
        raise UserError("eval.wrong", count=len(problems), problems=told)
    if not found:
        raise UserError("eval.none", path=path)
    return found


class _Lent(LoadedModels):
    """Models that the houses of all trials share; whoever lends them closes them."""

    async def close(self) -> None:
        """They go on."""


async def _try(
    settings: Settings,
    request: Request,
    found: Sequence[tuple[Path, Scenario, Pack]],
    language: str,
) -> list[Result]:
    models = LoadedModels(settings.home, request.model, hang_s=settings.model_silence_s)
    for spec in settings.endpoints:
        models.register(open_endpoint(spec))
    models.register(ScriptedModel(lambda _: ""))
    name = request.model or "scripted"
    results: list[Result] = []
    try:
        lent = _Lent(settings.home, name)
        lent.register(models.chat(name))
        embedder = _embedder(models)
        lent.register_embedder(embedder)
        used = {"embedder": embedder.name, "model": name}
        err.print(sentence(language, "eval.words_of", **used), style="dim", markup=False)
        with Seeds(partial(_opened, lent, embedder)) as seeds:
            for path, scenario, pack in found:
                told = partial(_told, scenario.name, request.trials, language)
                result = await run_scenario(scenario, pack, seeds, request.trials, language, told)
                results.append(result.model_copy(update={"file": path.name, "model": name}))
    finally:
        await models.close()
    return results


def _embedder(models: LoadedModels) -> Embedder:
    """The installed one, or one that needs no weights."""
    try:
        return models.embedder()
    except NotFound:
        return ScriptedEmbedder()


@contextlib.asynccontextmanager
async def _opened(
    models: LoadedModels, embedder: Embedder, home: Path, stamps: Stamps, pack: Pack, wrap: Wrap
) -> AsyncIterator[House]:
    """A house for a trial: its own files and clock, shared models."""
    learn: Callable[[FlowBook], Awaitable[Understand]] = by_examples(embedder)

    async def understanding(book: FlowBook) -> Understand:
        return wrap(await learn(book))

    settings = Settings(home=home, model=models.default)
    async with open_house(settings, models, stamps, [pack], understanding) as house:
        yield house


def _told(name: str, trials: int, language: str, number: int, trial: Trial) -> None:
    values = {"name": name, "n": number, "k": trials}
    key = "eval.trial_right" if trial.right else "eval.trial_wrong"
    style = "dim" if trial.right else "red"
    err.print(sentence(language, key, **values), style=style, markup=False)


def _tell(results: Sequence[Result], language: str) -> None:
    for one in results:
        faults = {fault.text: None for trial in one.trials for fault in trial.faults}
        if faults:
            out.print(f"✗ {one.name}", style="red", markup=False)
        for text in faults:
            out.print(f"  {text}", markup=False)
    k = max(len(one.trials) for one in results)
    table = Table(box=None, pad_edge=False, show_header=False)
    for name, value in figure_rows(figures_of(results), k, language):
        table.add_row(name, value)
    out.print(table)
    right = sum(one.passed for one in results)
    values = {"right": right, "count": len(results), "k": k}
    out.print(sentence(language, "eval.passed", **values), markup=False)


def _tell_changes(changes: Sequence[Change], other: Path, language: str) -> None:
    told = [one for one in changes if one.kind in KINDS]
    out.print(sentence(language, "eval.compared", path=other), markup=False)
    for one in told:
        kind = sentence(language, KINDS[one.kind])
        trial = sentence(language, "eval.trial", n=one.number)
        out.print(f"  {one.name}, {trial}: {kind}", markup=False)
    if not told:
        out.print(f"  {sentence(language, 'eval.nothing_changed')}", markup=False)


def _keep(
    folder: Path, results: Sequence[Result], changes: Sequence[Change], other: str, language: str
) -> None:
    text = json.dumps(json_of(results), ensure_ascii=False, indent=1) + "\n"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "results.json").write_text(text, "utf-8")
        page = report(results, language, changes, other)
        (folder / "report.html").write_text(page, "utf-8")
    except OSError as error:
        raise OperatorError("store.unwritable", path=folder, problem=error.strerror) from error
    err.print(f"✓ {folder / 'report.html'}", style="dim", markup=False)
