"""`attenda eval compare`: two runs side by side, trial by trial, in the terminal and as a page."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rich.table import Table

from attenda.cli.eval_files import TIDY, keep_file
from attenda.cli.terminal import out
from attenda.core.words import sentence
from attenda.evals.comparison import comparison, figure_pairs
from attenda.evals.report import KINDS
from attenda.evals.results import Change, Result, Trial, compare, read_results

__all__ = ["compare_results", "tell_changes"]


def compare_results(
    before: Path, after: Path, folder: Path | None, language: str, *, as_json: bool
) -> int:
    """Tell what became of each trial from one run to another; 1 where one was broken.

    Raises:
        UserError: one of them holds no results.
    """
    old, new = read_results(_results_in(before)), read_results(_results_in(after))
    changes = compare(old, new)
    if folder is not None:
        page = comparison(old, new, (str(before), str(after)), language)
        keep_file(folder / "comparison.html", page)
    if as_json:
        rows = [
            asdict(one) | {"before": _right(one.before), "after": _right(one.after)}
            for one in changes
        ]
        print(json.dumps(rows, **TIDY))
    else:
        _tell_pair(old, new, language)
        tell_changes(changes, before, language)
    return 1 if any(one.kind == "broken" for one in changes) else 0


def _results_in(path: Path) -> Path:
    return path / "results.json" if path.is_dir() else path


def _right(trial: Trial | None) -> bool | None:
    return None if trial is None else trial.right


def _tell_pair(before: Sequence[Result], after: Sequence[Result], language: str) -> None:
    table = Table(box=None, pad_edge=False)
    for key in ("", "eval.before", "eval.after"):
        table.add_column(sentence(language, key) if key else "")
    for row in figure_pairs(before, after, language):
        table.add_row(*row)
    out.print(table)


def tell_changes(changes: Sequence[Change], other: Path, language: str) -> None:
    """Tell which trials came out otherwise than before."""
    told = [one for one in changes if one.kind in KINDS]
    out.print(sentence(language, "eval.compared", path=other), markup=False)
    for one in told:
        kind = sentence(language, KINDS[one.kind])
        trial = sentence(language, "eval.trial", n=one.number)
        out.print(f"  {one.name}, {trial}: {kind}", markup=False)
    if not told:
        out.print(f"  {sentence(language, 'eval.nothing_changed')}", markup=False)
