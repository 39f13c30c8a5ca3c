"""The school's files: runs, data and promotions of a home, read as they lie on disk.

A run's folder is written by the process that trains; here it is only read, while it changes.
This file starts no process, and knows nothing of how a model learns.
"""

import json
import os
import re
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from attenda.core.errors import AttendaError, NotFound, UserError
from attenda.core.words import sentence
from attenda.store.erased import erased_people

__all__ = [
    "PRESETS",
    "card_of",
    "curve",
    "data_file",
    "data_files",
    "details",
    "facts_of",
    "last_words",
    "new_file_name",
    "new_run_name",
    "plan_of",
    "read_lines",
    "run_folder",
    "run_folders",
    "samples",
    "standing",
]

PRESETS = (
    "gpt2-1m",
    "gpt2-3m",
    "gpt2-10m",
    "gpt2-30m",
    "gpt2-124m",
    "llama-3m",
    "llama-10m",
    "qwen3-10m",
    "bert-3m",
    "vaswani-3m",
    "vaswani-10m",
)
"""Sizes that a model can be trained from scratch in, smallest of each family first."""

_RUN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_ODD = '\x00-\x1f\x7f\ud800-\udfff/\\\\:*?"<>|'
_FILE_NAME = re.compile(f"[^{_ODD}.-][^{_ODD}]{{0,119}}")
_FACTS = (
    "parameters",
    "moving",
    "conversations",
    "validation",
    "tokens",
    "learned_share",
    "shortened",
    "dropped",
    "data",
    "base",
    "device",
    "threads",
)
_TAIL_BYTES = 128 << 10
"""Of the curve's file, enough for its last step and last measurement."""
_POINTS = 600
"""Steps that a curve is drawn with at first; more can't be told apart."""
_SAMPLES = 50


def new_run_name(name: str) -> str:
    """`name`, if a new run can be called so; it becomes a folder and a model's name.

    Raises:
        UserError: it can't.
    """
    if not _RUN_NAME.fullmatch(name):
        raise UserError("school.bad_name", name=name[:80])
    return name


def new_file_name(name: str) -> str:
    """`name`, if a file of data can be called so.

    Raises:
        UserError: it can't: it leads elsewhere, is hidden, too long, or has odd characters.
    """
    if not _FILE_NAME.fullmatch(name) or len(name.encode()) > 200:
        raise UserError("school.bad_file_name", name=name[:80])
    return name


def run_folders(home: Path) -> list[Path]:
    """The folders of the runs, the newest first."""
    found = [path for path in (home / "runs").glob("*") if _is_run(path)]
    return sorted(found, key=lambda path: (-_made(path), path.name))


def run_folder(home: Path, name: str) -> Path:
    """The folder of the run called `name`.

    Raises:
        NotFound: there is none.
    """
    folder = home / "runs" / name
    if not _is_plain(name) or not _is_run(folder):
        raise NotFound("school.no_run", name=name[:80])
    return folder


def _is_plain(name: str) -> bool:
    """Whether a name stays in its folder, is not hidden, and is none that no disk can hold."""
    try:
        short = len(os.fsencode(name)) <= 200
    except UnicodeEncodeError:
        return False
    return short and Path(name).name == name and not name.startswith(".") and "\0" not in name


def _is_run(folder: Path) -> bool:
    known = (folder / "plan.toml").is_file() or (folder / "log.txt").is_file()
    return known and not folder.name.startswith(".")


def _made(folder: Path) -> float:
    created = facts_of(folder).get("created")
    return float(created) if isinstance(created, int | float) else folder.stat().st_mtime


def facts_of(folder: Path) -> dict[str, Any]:
    """What the trainer noted of a run."""
    return _object(folder / "run.json")


def card_of(folder: Path) -> dict[str, Any]:
    """The card of a finished run's model; empty before."""
    return _object(folder / "model" / "card.json")


def plan_of(folder: Path) -> dict[str, Any]:
    """The plan that a run was begun with; empty where it can't be read."""
    try:
        return tomllib.loads((folder / "plan.toml").read_text("utf-8"))
    except (OSError, ValueError):
        return {}


def _object(file: Path) -> dict[str, Any]:
    try:
        row = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return row if isinstance(row, dict) else {}


def standing(folder: Path, language: str, exit_code: int | None = None) -> dict[str, Any]:
    """How a run stands, in a row of a list.

    Args:
        folder: of the run.
        language: of the problem's sentence.
        exit_code: of the process that last carried it out, where that is known.
    """
    facts = facts_of(folder)
    last, measured = _last_rows(folder / "metrics.jsonl")
    figures = facts.get("figures") or {}
    status = _status(folder, facts)
    return {
        "name": folder.name,
        "recipe": facts.get("recipe") or plan_of(folder).get("recipe", ""),
        "status": status,
        "step": last.get("step", 0),
        "steps": facts.get("steps", 0),
        "loss": last.get("loss"),
        "tokens_per_s": last.get("tokens_per_s"),
        "left_s": last.get("left_s"),
        "bits_per_byte": (figures.get("validation") or measured).get("bits_per_byte"),
        "warning": _warning(folder, facts, language),
        "ngram_bits_per_byte": (figures.get("ngram") or {}).get("bits_per_byte"),
        "problem": _problem(folder, facts, status, language, exit_code),
    }


def _warning(folder: Path, facts: dict[str, Any], language: str) -> str:
    """That the run learned from people who were erased since; empty where it did not."""
    gone = erased_people(folder.parent.parent) & set(facts.get("people") or [])
    if not gone:
        return ""
    return sentence(language, "model.erased_people", name=folder.name, count=len(gone))


def _status(folder: Path, facts: dict[str, Any]) -> str:
    """What `run.json` says, if the process that wrote it is still there."""
    said = facts.get("status")
    if said == "running":
        return "running" if _has_process(folder, facts) else "stopped"
    if said in ("stopped", "failed", "finished"):
        return str(said)
    return "stopped" if (folder / "plan.toml").exists() else "failed"


def _has_process(folder: Path, facts: dict[str, Any]) -> bool:
    """Whether the run's process lives; the lock tells it from another that has its number.

    The number is asked first, so the lock of a run that is just beginning is never tried.
    """
    try:
        os.kill(int(facts["pid"]), 0)
    except PermissionError:
        pass
    except (OSError, ValueError, KeyError, TypeError, OverflowError):
        return False
    lock = FileLock(folder / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return True
    except OSError:
        return False
    lock.release()
    return False


def _problem(
    folder: Path, facts: dict[str, Any], status: str, language: str, exit_code: int | None
) -> str:
    """Why a run ended early, as one sentence; empty where it did not."""
    if status in ("running", "finished"):
        return ""
    if facts.get("status") == "running":
        return sentence(language, "school.died")
    if status == "failed" and facts.get("problem_key"):
        try:
            return AttendaError(facts["problem_key"], **facts["problem_values"]).text(language)
        except (KeyError, TypeError, ValueError, IndexError):
            pass  # noted by another version, whose sentence has other places
    if status == "failed" or exit_code:
        return str(facts.get("problem") or "") or last_words(folder / "log.txt")
    return ""


def last_words(log: Path) -> str:
    """The last line of a log that says something; empty without one."""
    lines = [line.strip() for line in _tail(log).splitlines() if line.strip()]
    return lines[-1][:600] if lines else ""


def _last_rows(file: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """The newest step, and the newest measurement; of all lines these alone are taken apart."""
    newest = _tail(file).splitlines()[::-1]
    measured = next(_rows(line for line in newest if '"validation"' in line), {})
    steps = (line for line in newest if '"loss"' in line and '"validation"' not in line)
    last = next(_rows(steps), {})
    return last, measured.get("validation") or {}


def _tail(file: Path) -> str:
    try:
        with file.open("rb") as lines:
            size = lines.seek(0, os.SEEK_END)
            lines.seek(max(0, size - _TAIL_BYTES))
            return lines.read().decode("utf-8", errors="replace")
    except OSError:
        return ""


def _rows(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Whole lines alone; the first and the last may be cut."""
    for line in lines:
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if isinstance(row, dict):
            yield row


def read_lines(file: Path, since: int = 0) -> tuple[list[dict[str, Any]], int]:
    """Rows of a file of JSON lines from a place on, and the place to go on from.

    Args:
        file: that may be absent, or be growing.
        since: bytes read before; more than there are means that the file is another one.
    """
    try:
        with file.open("rb") as lines:
            size = lines.seek(0, os.SEEK_END)
            since = since if since <= size else 0
            lines.seek(since)
            whole = lines.read()
    except OSError:
        return [], 0
    whole = whole[: whole.rfind(b"\n") + 1]
    return list(_rows(whole.decode("utf-8", errors="replace").splitlines())), since + len(whole)


def curve(folder: Path, since: int = 0) -> dict[str, Any]:
    """The loss by step from a place on; of steps done twice the later ones.

    Args:
        folder: of the run.
        since: where the last answer ended; 0 for all, thinned out.
    """
    rows, end = read_lines(folder / "metrics.jsonl", since)
    steps: dict[int, list[float]] = {}
    measured: dict[int, dict[str, Any]] = {}
    for row in rows:
        at = int(row.get("step", 0))
        if "validation" in row:
            measured[at] = row["validation"]
        elif "loss" in row:
            steps[at] = [at, row["loss"]]
    points = [steps[at] for at in sorted(steps)]
    every = 1 if since else -(-len(points) // _POINTS) or 1
    kept = points[::every]
    if points and kept[-1] != points[-1]:
        kept.append(points[-1])
    marks = [
        [at, one.get("loss"), one.get("bits_per_byte")] for at, one in sorted(measured.items())
    ]
    return {"points": kept, "measured": marks, "end": end}


def samples(folder: Path, since: int = 0) -> tuple[list[dict[str, Any]], int]:
    """What the model answered at the steps where it was measured from a place on, the newest last.

    Args:
        folder: of the run.
        since: where the last answer ended; the second value is where this one does.
    """
    rows, end = read_lines(folder / "samples.jsonl", since)
    by_step = {int(row.get("step", 0)): row for row in rows}
    return [by_step[step] for step in sorted(by_step)][-_SAMPLES:], end


def details(folder: Path) -> dict[str, Any]:
    """What changes seldom of a run: facts, figures, plan, and what it has left."""
    facts, card = facts_of(folder), card_of(folder)
    return {
        "facts": {key: facts[key] for key in _FACTS if key in facts},
        "figures": facts.get("figures") or card.get("figures") or {},
        "plan": plan_of(folder),
        "template": (card.get("template") or {}).get("name", ""),
        "has_report": (folder / "report.html").is_file(),
        "has_model": (folder / "model").is_dir(),
    }


def data_files(home: Path) -> list[dict[str, Any]]:
    """The files of conversations that were handed in, by name."""
    found = sorted(path for path in (home / "school" / "data").glob("*") if path.is_file())
    return [
        {"name": path.name, "size": path.stat().st_size, "at": path.stat().st_mtime_ns // 1000}
        for path in found
        if not path.name.startswith(".")
    ]


def data_file(home: Path, name: str) -> Path:
    """The path of a file of data.

    Raises:
        NotFound: there is none of that name.
    """
    path = home / "school" / "data" / name
    if not _is_plain(name) or not path.is_file():
        raise NotFound("school.no_file", name=name[:80])
    return path
