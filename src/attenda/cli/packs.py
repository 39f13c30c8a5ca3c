"""Packs of a home: a folder each under `packs/`, whose `pack.py` names its `PACK`.

A pack is code of whoever runs the machine: it is put into the home by hand or by `attenda pack
new`, never by a page or a request.
"""

import importlib.util
import sys
import traceback
from importlib.resources import files
from pathlib import Path

from attenda.api import Pack, UserError

__all__ = ["find_pack", "find_packs", "load_pack", "pack_above", "pack_folders", "packs_that_came"]


def find_packs(home: Path) -> list[Pack]:
    """The packs of a home, by name.

    Raises:
        UserError: one cannot be loaded.
    """
    return [load_pack(folder) for folder in pack_folders(home)]


def pack_folders(home: Path) -> list[Path]:
    """The folders of a home that hold a pack, by name."""
    return [path.parent for path in sorted((home / "packs").glob("*/pack.py"))]


def packs_that_came() -> list[Path]:
    """The folders of the packs that come with the program, by name."""
    room = Path(str(files("attenda.packs")))
    return [path.parent for path in sorted(room.glob("*/pack.py"))]


def find_pack(home: Path, name: str) -> Path:
    """The folder of a pack: a path, or a name among the home's.

    Raises:
        UserError: there is none.
    """
    for folder in (Path(name).expanduser(), home / "packs" / name):
        if (folder / "pack.py").exists():
            return folder
    known = ", ".join(folder.name for folder in pack_folders(home))
    raise UserError("pack.not_found", name=name, known=known or "—")


def pack_above(path: Path) -> Path | None:
    """The folder of the pack that a file belongs to; nothing where it is no pack's."""
    for folder in path.absolute().parents:
        if (folder / "pack.py").exists():
            return folder
    return None


def load_pack(folder: Path) -> Pack:
    """The pack in a folder.

    Raises:
        UserError: it has no `pack.py` that runs and names a `PACK`.
    """
    path = folder / "pack.py"
    if not path.exists():
        raise UserError("pack.none", path=folder)
    name = f"attenda_pack_{folder.name}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # types named in its functions are looked up there
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        said = f"{type(error).__name__}: {error}"
        place = f"{path}:{_line(error, path)}"
        raise UserError("pack.broken", path=place, problem=said) from error
    found = getattr(module, "PACK", None)
    if not isinstance(found, Pack):
        raise UserError("pack.none", path=folder)
    return found


def _line(error: Exception, path: Path) -> int:
    """The line of a file on which it failed, whatever it called there."""
    if isinstance(error, SyntaxError) and error.filename == str(path):
        return error.lineno or 1
    frames = traceback.extract_tb(error.__traceback__)
    return next((one.lineno or 1 for one in reversed(frames) if one.filename == str(path)), 1)
