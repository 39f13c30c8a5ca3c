"""`attenda learn doctor`: says what is in files of conversations and what is wrong there.

Prints a short table and each problem with its place and mend; `--fix` writes a clean copy. The
room `learn` does the looking.
"""

import json
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from attenda.cli.terminal import err, out
from attenda.core.errors import UserError
from attenda.core.words import sentence
from attenda.learn.conversation import Dialogue, Problem
from attenda.learn.dialogues import formats_of, read, write
from attenda.learn.doctor import Cleaned, Findings, Spread, clean, examine

__all__ = ["run_doctor"]

_SHOWN = 20
_PATIENCE_S = 2.0
_EVERY = 200
_LEAST_SHARE = 0.0005

Rows = Iterator[Dialogue | Problem]


def run_doctor(
    paths: Sequence[Path],
    *,
    format: str,
    fix: Path | None,
    redact: bool = False,
    validation: Path | None,
    as_json: bool,
    language: str,
) -> int:
    """Look files and folders over as one data set; 1 when there are errors, else 0.

    A clean copy written to `fix` mends broken and repeated rows, so only other errors count then;
    with `redact` it holds marks instead of addresses and numbers of people.

    Raises:
        UserError: a file can't be read or is in no known format, `fix` is one of the files, or
            there is no copy to redact.
    """
    if redact and fix is None:
        raise UserError("learn.data.redacts_a_copy")
    if fix is not None:
        _refuse_overwriting(fix, [*paths, *([validation] if validation else [])])
    formats = [name for path in paths for name in ([format] if format else formats_of(path))]
    with _progress(language) as watched:
        rows = watched(chain.from_iterable(read(path, format) for path in paths))
        kept = list(rows) if fix is not None else None
        held = watched(read(validation, format)) if validation is not None else None
        findings = examine(rows if kept is None else kept, held)
    cleaned = None
    if fix is not None and kept is not None:
        cleaned = clean(kept, redact=redact)
        write(fix, cleaned.kept)
    if as_json:
        _print_json(formats, findings.to_json(language), fix, cleaned)
    else:
        _print(formats, findings, language)
        if cleaned is not None:
            values = {"kept": len(cleaned.kept), "dropped": len(cleaned.dropped), "path": fix}
            out.print(sentence(language, "learn.data.written", **values), markup=False)
    dropped = set(map(id, cleaned.dropped)) if cleaned is not None else set()
    return 1 if any(id(one) not in dropped for one in findings.errors) else 0


def _refuse_overwriting(fix: Path, paths: Sequence[Path]) -> None:
    for path in paths:
        if fix.resolve() == path.resolve() or path.resolve() in fix.resolve().parents:
            raise UserError("learn.data.overwrites", path=fix)


class _Watch:
    """Counts rows as they pass, and shows the count once it has taken long."""

    def __init__(self, progress: Progress, language: str) -> None:
        self._progress = progress
        self._language = language
        self._began = time.monotonic()
        self._count = 0

    def __call__(self, rows: Iterable[Dialogue | Problem]) -> Rows:
        for row in rows:
            self._count += isinstance(row, Dialogue)
            if self._count % _EVERY == 0 and time.monotonic() - self._began > _PATIENCE_S:
                self._show()
            yield row

    def _show(self) -> None:
        said = sentence(self._language, "learn.data.reading", count=self._count)
        if not self._progress.task_ids:
            self._progress.start()
            self._progress.add_task(said, total=None)
        self._progress.update(self._progress.task_ids[0], description=said)


@contextmanager
def _progress(language: str) -> Iterator[_Watch]:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    progress = Progress(*columns, console=err, transient=True)
    try:
        yield _Watch(progress, language)
    finally:
        progress.stop()


def _print_json(
    formats: Sequence[str], findings: dict[str, Any], fix: Path | None, cleaned: Cleaned | None
) -> None:
    answer = {"formats": formats, **findings}
    if cleaned is not None:
        counts = {"kept": len(cleaned.kept), "dropped": len(cleaned.dropped)}
        answer["fixed"] = {"path": str(fix), **counts}
    print(json.dumps(answer, ensure_ascii=False, indent=2))


def _print(formats: Sequence[str], findings: Findings, language: str) -> None:
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column()
    for name, value in _lines(formats, findings, language):
        table.add_row(sentence(language, name), value)
    out.print(table, markup=False)
    _print_problems(findings.problems, language)
    if not findings.problems:
        out.print(sentence(language, "learn.data.clean"), markup=False)


def _lines(formats: Sequence[str], findings: Findings, language: str) -> Iterator[tuple[str, str]]:
    """The table's rows: key of the name, and value."""

    def spread(numbers: Spread) -> str:
        return sentence(
            language,
            "learn.data.spread",
            least=numbers.least,
            median=numbers.median,
            p95=numbers.p95,
            most=numbers.most,
        )

    if formats:
        yield "learn.data.format", ", ".join(dict.fromkeys(formats))
    yield "learn.data.conversations", f"{findings.conversations:,}"
    if findings.preferences:
        yield "learn.data.preferences", f"{findings.preferences:,}"
    yield "learn.data.turns", spread(findings.turns)
    yield "learn.data.words", spread(findings.words)
    yield "learn.data.characters", spread(findings.characters)
    seen = ((name, share) for name, share in findings.languages.items() if share >= _LEAST_SHARE)
    shares = (f"{name} {share:.1%}" for name, share in seen)
    yield "learn.data.languages", ", ".join(shares)
    counts = {"exact": findings.exact_duplicates, "near": findings.near_duplicates}
    yield "learn.data.duplicates", sentence(language, "learn.data.repeats", **counts)
    yield "learn.data.short_answers", f"{findings.short_answers:.1%}"
    if findings.repeat.answer:
        answer = " ".join(findings.repeat.answer.split())
        yield "learn.data.most_frequent", f"{findings.repeat.share:.1%} “{answer}”"
    if findings.leakage is not None:
        leaked = findings.leakage
        share = {"share": f"{leaked.share:.2%}", "checked": leaked.checked, "exact": leaked.exact}
        yield "learn.data.leaked", sentence(language, "learn.data.leaked_share", **share)
    errors = len(findings.errors)
    yield "learn.data.errors", f"{errors:,}"
    yield "learn.data.warnings", f"{len(findings.problems) - errors:,}"


def _print_problems(problems: Iterable[Problem], language: str) -> None:
    """The first of each kind, errors before warnings."""
    kinds: dict[str, list[Problem]] = {}
    for problem in problems:
        kinds.setdefault(problem.key, []).append(problem)
    for some in sorted(kinds.values(), key=lambda some: some[0].severity):
        style = "red" if some[0].severity == "error" else "yellow"
        for problem in some[:_SHOWN]:
            out.print(_line(problem, language), style=style, markup=False)
        if len(some) > _SHOWN:
            more = sentence(language, "learn.data.more", count=f"{len(some) - _SHOWN:,}")
            out.print(f"  {more}", style=style, markup=False)


def _line(problem: Problem, language: str) -> str:
    """A problem as `file:line: what is wrong and how to mend it`."""
    mark = "✗" if problem.severity == "error" else "!"
    text = problem.text(language)
    named = problem.place and not text.startswith(problem.place)
    return f"{mark} {problem.place}: {text}" if named else f"{mark} {text}"
