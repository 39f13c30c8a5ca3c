"""`attenda eval`: scenarios of packs, public exams, and two runs compared, each by its name."""

import os
from pathlib import Path
from typing import Annotated

import typer

from attenda.cli.invocation import JsonFlag, language, settings_of
from attenda.core.errors import OperatorError, UserError

__all__ = ["evaluate_anything"]

_COMPARE = "compare"


def evaluate_anything(
    context: typer.Context,
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="NAME...",
            help="Files, folders or packs (`packs`: all); or one exam; or `compare A B`.",
        ),
    ],
    trials: Annotated[int, typer.Option("-k", min=1, max=100, help="Trials of each.")] = 4,
    model: Annotated[
        str, typer.Option("-m", "--model", help="Chat model; none words nothing by itself.")
    ] = "",
    player: Annotated[str, typer.Option("--user", help="Model that plays simulated users.")] = "",
    folder: Annotated[
        Path | None, typer.Option("--out", help="Keep results and their page in this folder.")
    ] = None,
    other: Annotated[
        Path | None, typer.Option("--compare", help="Results to compare with.")
    ] = None,
    log: Annotated[
        Path | None, typer.Option("--inspect", help="Write a log that Inspect reads.")
    ] = None,
    rows: Annotated[
        int, typer.Option("--rows", min=0, help="Of each part of an exam; 0 is all.")
    ] = 0,
    scripted: Annotated[
        bool,
        typer.Option(
            "--scripted", help="What people mean is taken from `commands/`; nothing is understood."
        ),
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Try scenarios: what is said, called and left in the tables, each in a fresh copy.

    Also sits public exams (banking77, clinc150, schema_guided_dialogue, crosswoz, bfcl, tau2),
    whose data stand in the folder that ATTENDA_DATA names; tau2 takes its own folder too. The exit
    code is 1 where a scenario or a task went wrong, or a trial that was right before is wrong.

    Example: `attenda eval demo -k 4 --out results`
    """
    from attenda.cli.comparing import compare_results
    from attenda.cli.evaluating import Request, evaluate
    from attenda.cli.examining import EXAMS, TAU2, examine, examine_retail

    settings, spoken = settings_of(context), language()
    if names[0] == _COMPARE:
        if len(names) != 3:
            raise UserError("eval.compare_two")
        pair = Path(names[1]), Path(names[2])
        code = compare_results(*pair, folder, spoken, as_json=as_json)
    elif names[0] == TAU2:
        code = examine_retail(settings, _folder(names), rows, spoken, as_json=as_json)
    elif names[0] in EXAMS:
        if len(names) != 1:
            raise UserError("exam.one", name=names[0])
        code = examine(settings, names[0], _data(), model, rows, spoken, as_json=as_json)
    else:
        wanted = Request(tuple(names), trials, model, player, folder, other, log, as_json, scripted)
        code = evaluate(settings, wanted, spoken)
    raise typer.Exit(code)


def _data() -> Path:
    data = os.environ.get("ATTENDA_DATA")
    if not data:
        raise OperatorError("exam.no_folder")
    return Path(data)


def _folder(names: list[str]) -> Path:
    """The folder of an exam that may be named after it."""
    if len(names) > 2:
        raise UserError("exam.one", name=names[0])
    return Path(names[1]).expanduser() if len(names) == 2 else _data() / "tau2_bench" / "retail"
