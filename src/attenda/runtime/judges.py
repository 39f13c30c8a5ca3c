"""Judges fitted before, kept as arrays beside the weights of their sentence vectors.

Learning them anew takes seconds at each start. A file is named by all that its judge came from:
embedder, examples and the code that fits. What can't be read is nothing that was kept.
"""

import hashlib
import json
import os
import zipfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np

from attenda import dialogue
from attenda.dialogue.nearest import Nearest

__all__ = ["keep_judge", "kept_judge"]

_MOST = 12
"""Judges in a folder; those read longest ago make room."""

Named = Sequence[tuple[str, str]]


def kept_judge(folder: Path, embedder: str, named: Named) -> Nearest | None:
    """The judge that learned these examples, a flow and a text each; nothing if none is kept."""
    path = _path(folder, embedder, named)
    try:
        with np.load(path, allow_pickle=False) as learned:
            names, texts = zip(*named, strict=True)
            judge = Nearest.again(names, texts, learned)
        os.utime(path)
    except (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile):
        return None
    return judge


def keep_judge(folder: Path, embedder: str, named: Named, judge: Nearest) -> None:
    """Keep a judge for the next start, where the home can be written to."""
    path = _path(folder, embedder, named)
    part = path.with_suffix(f".{os.getpid()}.part")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            np.savez(file, allow_pickle=False, **judge.learned)
        part.replace(path)
        kept = sorted(folder.glob("*.npz"), key=lambda one: one.stat().st_mtime)
        for old in kept[:-_MOST]:
            old.unlink(missing_ok=True)
    except OSError:
        part.unlink(missing_ok=True)


def _path(folder: Path, embedder: str, named: Named) -> Path:
    of = hashlib.sha256(json.dumps([embedder, _code(), named]).encode())
    return folder / f"{of.hexdigest()[:32]}.npz"


@cache
def _code() -> str:
    """A hash of the code that learns and judges, and of what no flow is for."""
    of, room = hashlib.sha256(), Path(str(dialogue.__file__)).parent
    for path in (*sorted(room.glob("nearest*.py")), room / "outside.py"):
        of.update(path.read_bytes())
    return of.hexdigest()
