"""Files of scenarios, found by name and read with their packs; and what a run leaves, written."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from attenda.api import Pack
from attenda.cli.packs import (
    find_pack,
    find_packs,
    load_pack,
    pack_above,
    pack_folders,
    packs_that_came,
)
from attenda.cli.terminal import err
from attenda.core.errors import OperatorError, UserError
from attenda.evals.scenario import Scenario, ScenarioProblem
from attenda.evals.scenario_file import known_pack, read_scenarios
from attenda.evals.spoken import read_beside, with_commands, with_paraphrases
from attenda.tools.mcp import Servers

__all__ = ["TIDY", "find_scenarios", "keep_file", "read_files"]

TIDY: Any = {"ensure_ascii": False, "indent": 1}
"""How JSON is written for people too."""


def find_scenarios(home: Path, name: str) -> list[Path]:
    """Files of scenarios: one file, a folder of them, a pack's, or those of all packs (`packs`).

    Packs that come along count where the home has none of their name.

    Raises:
        UserError: there are none, or no such file, folder or pack.
    """
    path = Path(name).expanduser()
    if path.is_file():
        return [path]
    folders = _all_packs(home) if name == "packs" else [_folder(home, name)]
    files = [file for folder in folders for file in _inside(folder)]
    if not files:
        raise UserError("eval.none", path=name)
    return files


def _all_packs(home: Path) -> list[Path]:
    """The folders of the packs that come along, but for the one to copy, and of the home's."""
    found = {folder.name: folder for folder in packs_that_came() if folder.name != "demo"}
    found |= {folder.name: folder for folder in pack_folders(home)}
    return list(found.values())


def _folder(home: Path, name: str) -> Path:
    """A folder by its path, or a pack's by its name."""
    path = Path(name).expanduser()
    if path.is_dir():
        return path
    along = {folder.name: folder for folder in packs_that_came()}
    if name in along and not (home / "packs" / name).exists():
        return along[name]
    return find_pack(home, name)


def _inside(folder: Path) -> list[Path]:
    is_pack = (folder / "pack.py").exists()
    if is_pack and not (folder / "scenarios").is_dir():
        folder = load_pack(folder).folder  # the home only points to one that came along
    inside = folder / "scenarios" if is_pack else folder
    return sorted(inside.glob("*.yaml")) or sorted(inside.glob("*/scenarios/*.yaml"))


def read_files(
    home: Path, files: Sequence[Path], *, scripted: bool = False
) -> tuple[list[tuple[Path, Scenario, Pack]], list[ScenarioProblem]]:
    """The scenarios of some files, each with its pack, and what is wrong in them.

    They speak in the words of `paraphrases/` beside their file, where it has some; `scripted` ones
    in their own, which mean what `commands/` says.

    Raises:
        UserError: a file can't be read, or a pack can't be loaded.
    """
    folders = {pack_above(path) for path in files}
    packs = {one.name: one for one in map(load_pack, filter(None, folders))}
    if None in folders:
        packs = {**{one.name: one for one in find_packs(home)}, **packs}
    outside = Servers(home).tools()  # which a scenario answers, as it does whatever reaches outside
    packs = {name: replace(one, tools=(*outside, *one.tools)) for name, one in packs.items()}
    known = {name: known_pack(one) for name, one in packs.items()}
    found: list[tuple[Path, Scenario, Pack]] = []
    problems: list[ScenarioProblem] = []
    for path in files:
        scenarios, bad = read_scenarios(_text(path), str(path), known)
        if not bad:
            scenarios, bad = _as_spoken(path, scenarios, scripted=scripted)
        problems += bad
        found += [(path, one, packs[one.pack]) for one in scenarios]
    return found, problems


def _as_spoken(
    path: Path, scenarios: list[Scenario], *, scripted: bool
) -> tuple[list[Scenario], list[ScenarioProblem]]:
    """The scenarios with what stands beside their file."""
    beside = path.parent / ("commands" if scripted else "paraphrases") / path.name
    text = _text(beside) if beside.exists() else ""
    found, problems = read_beside(text, str(beside), scenarios, commands=scripted)
    change = with_commands if scripted else with_paraphrases
    return [change(one, found.get(one.name, {})) for one in scenarios], problems


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError("eval.none", path=path) from error


def keep_file(path: Path, text: str) -> None:
    """Write a text, and say where.

    Raises:
        OperatorError: it can't be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n", "utf-8")
    except OSError as error:
        raise OperatorError("store.unwritable", path=path, problem=error.strerror) from error
    err.print(f"✓ {path}", style="dim", markup=False)
