"""Packs of a home: a folder each under `packs/`, whose `pack.py` names its `PACK`.

A pack is code of whoever runs the machine: it is put into the home by hand or by `attenda pack
new`, never by a page or a request.
"""

import importlib.util
import sys
from pathlib import Path

from attenda.api import Pack, UserError

__all__ = ["find_packs", "load_pack"]


def find_packs(home: Path) -> list[Pack]:
    """The packs of a home, by name.

    Raises:
        UserError: one cannot be loaded.
    """
    folders = sorted((home / "packs").glob("*/pack.py"))
    return [load_pack(path.parent) for path in folders]


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
        raise UserError("pack.broken", path=path, problem=said) from error
    found = getattr(module, "PACK", None)
    if not isinstance(found, Pack):
        raise UserError("pack.none", path=folder)
    return found
