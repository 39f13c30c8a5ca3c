"""Packs as files: one begun from the one that comes along, checked, drawn, listed."""

import json
import re
import webbrowser
from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from rich.table import Table

from attenda.api import Pack
from attenda.cli.eval_files import find_scenarios, read_files
from attenda.cli.packs import find_pack, find_packs, load_pack, pack_folders
from attenda.cli.terminal import out
from attenda.core.errors import Conflict, OperatorError, UserError
from attenda.core.words import sentence
from attenda.dialogue.flow import words_in
from attenda.runtime.flow_picture import flows_page
from attenda.runtime.pack import check_pack, read_pack
from attenda.tools.mcp import Servers

__all__ = ["check_packs", "draw_flows", "list_packs", "new_pack"]

_NAME = re.compile(r"[a-z][a-z0-9_]{0,29}")
_TEMPLATE = "demo"


def new_pack(home: Path, name: str, language: str) -> None:
    """Copy the pack that comes along into the home, under a name of its own.

    Raises:
        UserError: the name won't do, or there is such a folder.
    """
    if not _NAME.fullmatch(name):
        raise UserError("pack.bad_name", name=name)
    folder = home / "packs" / name
    if folder.exists():
        raise Conflict("pack.name_taken", path=folder)
    try:
        for place, text in _template(files("attenda.packs") / _TEMPLATE):
            path = folder / place
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(re.sub(rf"\b{_TEMPLATE}(?=\b|_)", name, text), "utf-8")
    except OSError as error:
        raise OperatorError("pack.not_written", path=folder, problem=error.strerror) from error
    out.print(sentence(language, "pack.made", path=folder), markup=False)


def _template(folder: Traversable, place: str = "") -> Iterator[tuple[str, str]]:
    """The files to copy, by their place in the pack."""
    for one in folder.iterdir():
        if one.is_dir() and not one.name.startswith("__"):
            yield from _template(one, f"{place}{one.name}/")
        elif one.is_file() and not one.name.startswith("__"):
            yield f"{place}{one.name}", one.read_text("utf-8")


def check_packs(home: Path, path: str, language: str, *, as_json: bool) -> int:
    """Tell what is wrong with one pack, or with all of the home; the exit code.

    Raises:
        UserError: there is no such pack.
    """
    folders = [find_pack(home, path)] if path else pack_folders(home)
    told: dict[str, list[str]] = {}
    for folder in folders:
        try:
            pack = load_pack(folder)
        except UserError as error:
            told[folder.name] = [error.text(language)]
        else:
            told[folder.name] = _problems(home, pack, language)
        if not as_json:
            _tell(home, folder, told[folder.name], language)
    if as_json:
        print(json.dumps(told, ensure_ascii=False, indent=1))
    elif not folders:
        out.print(sentence(language, "pack.nothing", path=home / "packs"), markup=False)
    return 1 if any(told.values()) else 0


def _problems(home: Path, pack: Pack, language: str) -> list[str]:
    """All that is wrong, each with the whole path of its file."""
    outside = Servers(home).tools()
    problems = [f"{pack.folder / one}" for one in check_pack(pack, language, outside)]
    if (pack.folder / "scenarios").is_dir():
        bad = read_files(home, sorted((pack.folder / "scenarios").glob("*.yaml")))[1]
        problems += [one.text(language) for one in bad]
    return problems


def _tell(home: Path, folder: Path, problems: list[str], language: str) -> None:
    for one in problems:
        out.print(one, markup=False)
    if problems:
        out.print(sentence(language, "pack.faults", count=len(problems)), markup=False)
        return
    pack = load_pack(folder)
    values = {
        "name": pack.name,
        "flows": len(read_pack(pack)[0]),
        "tools": len(pack.tools),
        "scenarios": _scenarios(home, folder),
    }
    out.print(f"✓ {sentence(language, 'pack.fine', **values)}", markup=False)


def _scenarios(home: Path, folder: Path) -> int:
    """How many scenarios a pack has."""
    try:
        return len(read_files(home, find_scenarios(home, str(folder)))[0])
    except UserError:
        return 0


def draw_flows(home: Path, path: str, file: Path | None, language: str, *, open_page: bool) -> None:
    """Draw a pack's flows on a page.

    Raises:
        UserError: there is no such pack, or its flows can't be read.
    """
    folder = find_pack(home, path)
    pack = load_pack(folder)
    outside = Servers(home).tools()
    flows, _, problems = read_pack(pack, language, outside)
    if not flows:
        raise UserError("pack.wrong", name=pack.name, problems="\n".join(problems) or "—")
    file = file or folder / "flows.html"
    writes = {tool.name for tool in (*outside, *pack.tools) if tool.writes}
    page = flows_page(words_in(dict(pack.title), language), flows.values(), writes, language)
    try:
        file.write_text(page, "utf-8")
    except OSError as error:
        raise OperatorError("pack.not_written", path=file, problem=error.strerror) from error
    out.print(f"✓ {file}", markup=False)
    if open_page:
        webbrowser.open(file.absolute().as_uri())


def list_packs(home: Path, language: str, *, as_json: bool) -> None:
    """List the packs of a home.

    Raises:
        UserError: one can't be loaded.
    """
    rows = [
        {
            "name": pack.name,
            "title": words_in(dict(pack.title), language),
            "flows": sorted(read_pack(pack)[0]),
            "tools": [tool.name for tool in pack.tools],
            "scenarios": _scenarios(home, pack.folder),
            "folder": str(pack.folder),
        }
        for pack in find_packs(home)
    ]
    if as_json:
        print(json.dumps(rows, ensure_ascii=False, indent=1))
        return
    if not rows:
        out.print(sentence(language, "pack.nothing", path=home / "packs"), markup=False)
        return
    table = Table(box=None, pad_edge=False, show_header=False)
    for row in rows:
        table.add_row(*(str(row[name]) for name in ("name", "title", "folder")))
    out.print(table)
