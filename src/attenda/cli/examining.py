"""`attenda eval EXAM`: a public exam sat, its figures as a table or as JSON."""

import asyncio
import json
import time
from functools import partial
from pathlib import Path
from typing import Any

from rich.progress import Progress
from rich.table import Table
from rich.text import Text

from attenda.cli.eval_files import TIDY
from attenda.cli.evaluating import open_models, with_seeds
from attenda.cli.terminal import err, out
from attenda.core.config import Settings
from attenda.core.errors import UserError
from attenda.core.words import sentence
from attenda.evals.exams.function_calls import examine_calls, load_cases
from attenda.evals.exams.intent_sets import SETS
from attenda.evals.exams.tau2 import Planner, examine_shop
from attenda.evals.exams.tau2_tasks import load_shop
from attenda.evals.exams.understanding import examine as examine_understanding
from attenda.evals.run import Seeds
from attenda.llm.scripted import ScriptedModel

__all__ = ["EXAMS", "TAU2", "examine", "examine_retail"]

_CALLS = "bfcl"
EXAMS = (*SETS, _CALLS)
"""Names of the exams of data sets."""
TAU2 = "tau2"
"""Name of the exam of tasks."""
_MARKS = {
    "accuracy": "exam.accuracy",
    "accepted_accuracy": "exam.accepted",
    "out_of_scope_recall": "exam.out_of_scope",
    "asked": "exam.asked",
    "unasked_accuracy": "exam.unasked",
    "milliseconds": "exam.milliseconds",
}


def examine(
    settings: Settings,
    name: str,
    data: Path,
    model: str,
    rows: int,
    language: str,
    *,
    as_json: bool,
) -> int:
    """Sit an exam and tell its figures; the exit code.

    Args:
        settings: whose home has the weights.
        name: of the exam.
        data: the folder of public data sets.
        model: whose calls are examined; the exams of understanding need none.
        rows: of each part, drawn by a fixed seed; 0 is all.
        language: of what is said.
        as_json: data alone.

    Raises:
        OperatorError: the data are not there.
        NotFound: the weights are not there.
        UserError: an exam of calls without a model.
    """
    if name == _CALLS and not model:
        raise UserError("exam.no_model", name=name)
    found = asyncio.run(_sit(settings, name, data, model, rows, language))
    if as_json:
        print(json.dumps(found, **TIDY))
    elif name == _CALLS:
        _tell_calls(found, language)
    else:
        _tell_understanding(found, language)
    return 0


async def _sit(
    settings: Settings, name: str, data: Path, model: str, rows: int, language: str
) -> dict[str, Any]:
    models = open_models(settings, model)
    try:
        if name == _CALLS:
            cases = load_cases(data, rows)
            with Progress(console=err) as progress:
                going = progress.add_task(f"{name}, {model}", total=len(cases))
                told = partial(progress.advance, going)
                return await examine_calls(models.chat(model), cases, told)
        err.print(sentence(language, "exam.learning"), style="dim", markup=False)
        with err.status(name):
            return await examine_understanding(name, data, models.embedder(), rows)
    finally:
        await models.close()


def _tell_understanding(found: dict[str, Any], language: str) -> None:
    table = Table(box=None, pad_edge=False)
    for key in ("", "exam.ours", "exam.neighbours"):
        table.add_column(sentence(language, key) if key else "")
    for mark, key in _MARKS.items():
        pair = (found["ours"][mark], found["neighbours"][mark])
        table.add_row(sentence(language, key), *("—" if one is None else str(one) for one in pair))
    out.print(table)
    values = {"train": found["train_rows"], "held": found["held_out_rows"]}
    out.print(sentence(language, "exam.cut", **values), markup=False)


def _tell_calls(found: dict[str, Any], language: str) -> None:
    table = Table(box=None, pad_edge=False)
    for key in ("exam.part", "exam.row_count", "exam.right", "exam.unreadable"):
        table.add_column(sentence(language, key))
    for part, told in found["parts"].items():
        table.add_row(part, str(told["rows"]), f"{told['right']:.3f}", str(told["unreadable"]))
    out.print(table)
    for key, mark in (("exam.calls_accuracy", "accuracy"), ("eval.restraint", "restraint")):
        value = found[mark]
        shown = "—" if value is None else f"{value:.3f}"
        out.print(f"{sentence(language, key)}: {shown}", markup=False)


def examine_retail(
    settings: Settings, folder: Path, rows: int, language: str, *, as_json: bool
) -> int:
    """Sit the tasks of tau2-bench retail and tell what came of them; the exit code.

    It is 1 where a database differs though policy refused nothing, where something forbidden had
    an effect or was not refused, or where the journal has a fault.

    Args:
        settings: of the home, of which nothing is used.
        folder: of the benchmark's retail domain.
        rows: so many tasks, in order; 0 is all.
        language: of what is said.
        as_json: data alone.

    Raises:
        OperatorError: the data are not there, or not what they should be; or a turn failed.
    """
    shop, planner = load_shop(folder), Planner()
    begun = time.perf_counter()

    async def sit(seeds: Seeds) -> dict[str, Any]:
        with Progress(console=err) as progress:
            going = progress.add_task(TAU2, total=rows or len(shop.tasks))
            return await examine_shop(shop, seeds, planner, rows, partial(progress.advance, going))

    found = asyncio.run(with_seeds(settings, ScriptedModel(planner), sit))
    found["seconds"] = round(time.perf_counter() - begun, 1)
    if as_json:
        print(json.dumps(found, **TIDY))
    else:
        _tell_tasks(found, language)
    return 0 if found["passed"] else 1


def _tell_tasks(found: dict[str, Any], language: str) -> None:
    table = Table(box=None, pad_edge=False)
    for key in ("exam.forbidden", "exam.tried", "exam.refused", "exam.effects", "exam.said"):
        table.add_column(sentence(language, key))
    for kind, row in found["forbidden"].items():
        counts = (str(row[name]) for name in ("run", "refused", "effects"))
        table.add_row(kind, *counts, Text(row["said"]))
    out.print(table)
    for one in found["refused_by_policy"]:
        out.print(sentence(language, "exam.by_policy", **one), markup=False)
    for task, where in found["differs"].items():
        for line in where:
            out.print(f"✗ {task} {line}", style="red", markup=False)
    for fault in found["journal_faults"]:
        out.print(f"✗ {fault}", style="red", markup=False)
    numbers = {name: found[name] for name in ("tasks", "equal", "confirmations", "seconds")}
    out.print(sentence(language, "exam.tasks", **numbers), markup=False)
