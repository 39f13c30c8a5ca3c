"""`attenda eval`: scenarios through the real turn, their figures, and what is wrong.

Each trial has a home of its own in a temporary folder; of this home only models are used.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from rich.table import Table

from attenda.api import (
    ChatModel,
    Embedder,
    NotFound,
    Pack,
    ScriptedEmbedder,
    ScriptedModel,
    Understand,
)
from attenda.cli.comparing import tell_changes
from attenda.cli.eval_files import TIDY, find_scenarios, keep_file, read_files
from attenda.cli.terminal import err, out
from attenda.cli.wiring import by_examples, open_house
from attenda.core.config import Settings
from attenda.core.errors import UserError
from attenda.core.words import sentence
from attenda.dialogue.book import FlowBook
from attenda.evals.inspect_log import inspect_log
from attenda.evals.report import figure_rows, report
from attenda.evals.results import (
    Result,
    Trial,
    by_pack,
    compare,
    figures_of,
    json_of,
    read_results,
)
from attenda.evals.run import Seeds, Wrap, run_scenario
from attenda.evals.scenario import Scenario
from attenda.llm.endpoint import open_endpoint
from attenda.llm.loaded import LoadedModels
from attenda.runtime.house import House
from attenda.runtime.understanding import learn_examples
from attenda.store.stamps import Stamps

__all__ = ["Request", "evaluate", "open_models", "open_seeds", "with_seeds"]

Learn = Callable[[FlowBook], Awaitable[Understand]]
"""How people are understood who talk to an agent with these flows."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be tried, and how."""

    names: tuple[str, ...]
    """Files, folders and packs."""
    trials: int
    model: str = ""
    """Name of a model; empty writes no words but those of flows and documents."""
    player: str = ""
    """Name of the model that plays simulated users; empty follows the scenarios' scripts."""
    folder: Path | None = None
    """Where results and report are kept."""
    other: Path | None = None
    """Results to compare with."""
    log: Path | None = None
    """Where a log for Inspect is kept."""
    as_json: bool = False
    scripted: bool = False
    """People mean what is kept of it; nothing is understood."""


def evaluate(settings: Settings, request: Request, language: str) -> int:
    """Try scenarios and tell what came of them; the exit code.

    Raises:
        UserError: there are none, one is written wrongly, or a pack can't be used.
    """
    before = read_results(request.other) if request.other else None
    found = _scenarios(settings.home, request, language)
    results = asyncio.run(_try(settings, request, found, language))
    changes = compare(before, results) if before is not None else []
    if request.folder is not None:
        page = report(results, language, changes, str(request.other or ""))
        keep_file(request.folder / "results.json", json.dumps(json_of(results), **TIDY))
        keep_file(request.folder / "report.html", page)
    if request.log is not None:
        keep_file(request.log, json.dumps(_inspect_log(results), **TIDY))
    if request.as_json:
        print(json.dumps(json_of(results), ensure_ascii=False, indent=1))
    else:
        _tell(results, language)
    if request.other is not None and not request.as_json:
        tell_changes(changes, request.other, language)
    return 0 if all(one.passed for one in results) else 1


def _scenarios(home: Path, request: Request, language: str) -> list[tuple[Path, Scenario, Pack]]:
    files = {file: None for name in request.names for file in find_scenarios(home, name)}
    found, problems = read_files(home, list(files), scripted=request.scripted)
    if problems:
        told = "\n".join(one.text(language) for one in problems)
        raise UserError("eval.wrong", count=len(problems), problems=told)
    if not found:
        raise UserError("eval.none", path=" ".join(request.names))
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
    models = open_models(settings, request.model)
    name = request.model or "scripted"
    try:
        player = models.chat(request.player) if request.player else None
        used = {"embedder": _embedder(models).name, "model": name}
        err.print(sentence(language, "eval.words_of", **used), style="dim", markup=False)
        with _seeds(settings.home, models, name) as seeds:
            return [await _tried(one, seeds, request, player, language, name) for one in found]
    finally:
        await models.close()


async def with_seeds(
    settings: Settings, model: ChatModel, work: Callable[[Seeds], Awaitable[T]]
) -> T:
    """Do something with homes whose model is this one, and which need no weights."""
    embedder = ScriptedEmbedder()
    lent = _Lent(settings.home, model.name)
    lent.register(model)
    lent.register_embedder(embedder)
    try:
        with Seeds(partial(_opened, lent, partial(learn_examples, embedder))) as seeds:
            return await work(seeds)
    finally:
        await LoadedModels.close(lent)


@contextlib.asynccontextmanager
async def open_seeds(settings: Settings) -> AsyncIterator[Seeds]:
    """Homes for trials in which flows and documents speak for themselves."""
    models = open_models(settings, "")
    try:
        with _seeds(settings.home, models, "scripted") as seeds:
            yield seeds
    finally:
        await models.close()


def _seeds(home: Path, models: LoadedModels, name: str) -> Seeds:
    """Seeds of houses that share models; the one called `name` words answers."""
    lent, embedder = _Lent(home, name), _embedder(models)
    lent.register(models.chat(name))
    lent.register_embedder(embedder)
    learn = by_examples(embedder, home, models)
    return Seeds(partial(_opened, lent, learn))


async def _tried(
    found: tuple[Path, Scenario, Pack],
    seeds: Seeds,
    request: Request,
    player: ChatModel | None,
    language: str,
    name: str,
) -> Result:
    path, scenario, pack = found
    trials = request.trials
    told = partial(_told, scenario.name, trials, language)
    result = await run_scenario(scenario, pack, seeds, trials, language, told, player)
    return result.model_copy(update={"file": path.name, "model": name})


def open_models(settings: Settings, default: str) -> LoadedModels:
    """The home's models, the servers that the settings name, and one that says nothing."""
    models = LoadedModels(settings.home, default, hang_s=settings.model_silence_s)
    for spec in settings.endpoints:
        models.register(open_endpoint(spec))
    models.register(ScriptedModel(lambda _: ""))
    return models


def _embedder(models: LoadedModels) -> Embedder:
    """The installed one, or one that needs no weights."""
    try:
        return models.embedder()
    except NotFound:
        return ScriptedEmbedder()


@contextlib.asynccontextmanager
async def _opened(
    models: LoadedModels, learn: Learn, home: Path, stamps: Stamps, pack: Pack, wrap: Wrap
) -> AsyncIterator[House]:
    """A house for a trial: its own files and clock, shared models."""

    async def understanding(book: FlowBook) -> Understand:
        return wrap(await learn(book))

    settings = Settings(home=home, model=models.default)
    # No trial touches the world: what an automation would tell it is nobody's to answer here.
    opening = open_house(settings, models, stamps, [pack], understanding, automatic=False)
    async with opening as house:
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
    if len(by_pack(results)) > 1:
        out.print(_by_pack(results, k, language))
    right = sum(one.passed for one in results)
    values = {"right": right, "count": len(results), "k": k}
    out.print(sentence(language, "eval.passed", **values), markup=False)


def _by_pack(results: Sequence[Result], k: int, language: str) -> Table:
    """Figures of each pack and language."""
    table = Table(box=None, pad_edge=False)
    heads = ("eval.pack", "eval.language", "eval.scenarios", "eval.unsafe")
    pack, spoken, count, unsafe = (sentence(language, key) for key in heads)
    shares = ("pass^1", f"pass^{k}")[: min(k, 2)]
    for name in (pack, spoken, count, *shares, unsafe):
        table.add_column(name)
    for (name, tongue), part in by_pack(results).items():
        found = figures_of(part)
        rates = (f"{found.pass_1:.3f}", f"{found.pass_k:.3f}")[: len(shares)]
        table.add_row(name, tongue, str(len(part)), *rates, str(found.unsafe))
    return table


def _inspect_log(results: Sequence[Result]) -> dict[str, Any]:
    stamps = Stamps()
    made_at = datetime.fromtimestamp(stamps.now() / 1_000_000, UTC)
    return inspect_log(results, made_at.isoformat(), stamps.new_id("evl"))
