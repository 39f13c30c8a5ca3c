"""Draw `docs/map.md`: the package as a tree, one line a module, from each docstring's first line.

`python scripts/map.py` writes it; `--check` only says whether it is current. It reads source as
text and imports nothing of it.
"""

import argparse
import ast
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

__all__ = ["draw"]

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "attenda"
MAP = ROOT / "docs" / "map.md"
ROOMS = (
    "core",
    "store",
    "llm",
    "learn",
    "knowledge",
    "dialogue",
    "tools",
    "runtime",
    "api",
    "serve",
    "evals",
    "packs",
    "cli",
)
"""The rooms in the order of their floors, from the ground up."""

_HEAD = """\
# The map

Every module and the first line of what it says about itself, from the ground floor up. A room
imports from the floors below it alone. Written by `python scripts/map.py`.

"""


def draw(source: Path) -> str:
    """The whole page for the package in `source`."""
    rows = [("attenda/", _first_line(source / "__init__.py")), *_rows(source, "", _floor)]
    width = max(len(name) for name, _ in rows) + 2
    lines = [f"{name:<{width}}{line}".rstrip() for name, line in rows]
    return _HEAD + "\n".join(["```text", *lines, "```", ""])


def _rows(
    folder: Path, stem: str, order: Callable[[Path], tuple[int, str]]
) -> Iterator[tuple[str, str]]:
    """Each module under `folder` with its branch of the tree, depth first."""
    places = sorted(_places(folder), key=order)
    for place in places:
        last = place is places[-1]
        branch = stem + ("└── " if last else "├── ")
        if place.is_dir():
            yield f"{branch}{place.name}/", _first_line(place / "__init__.py")
            yield from _rows(place, stem + ("    " if last else "│   "), _files_first)
        else:
            yield f"{branch}{place.name}", _first_line(place)


def _places(folder: Path) -> Iterator[Path]:
    for place in folder.iterdir():
        is_package = place.is_dir() and (place / "__init__.py").exists()
        is_module = place.suffix == ".py" and place.name != "__init__.py"
        if is_package or is_module:
            yield place


def _floor(place: Path) -> tuple[int, str]:
    known = place.stem in ROOMS
    return (ROOMS.index(place.stem) if known else len(ROOMS), place.name)


def _files_first(place: Path) -> tuple[int, str]:
    return (int(place.is_dir()), place.name)


def _first_line(module: Path) -> str:
    docstring = ast.get_docstring(ast.parse(module.read_text("utf-8")))
    return (docstring or "").partition("\n")[0]


def main() -> int:
    """Write the map, or check it."""
    parser = argparse.ArgumentParser(description="Draw docs/map.md from the docstrings.")
    parser.add_argument("--check", action="store_true", help="only say whether it is current")
    check = parser.parse_args().check
    page = draw(SOURCE)
    if not check:
        MAP.write_text(page, "utf-8")
        return 0
    if MAP.exists() and MAP.read_text("utf-8") == page:
        return 0
    print("docs/map.md is not current; run `python scripts/map.py`.", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
