"""Packs in a home: one that came with the program put in, files read into a pack's tables."""

import zipfile
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

import httpx

from attenda.cli.client import request
from attenda.cli.packs import packs_that_came
from attenda.cli.terminal import err, out
from attenda.core.errors import OperatorError, UserError
from attenda.core.words import sentence

__all__ = ["add_pack", "import_into"]

_POINTS_TO = '''"""The pack that comes with Attenda; remove this folder to be rid of it."""

from attenda.packs.{name}.pack import PACK

__all__ = ["PACK"]
'''


def add_pack(home: Path, name: str, language: str) -> None:
    """Put a pack that came with the program into the home; what is there already stays.

    Raises:
        UserError: none is called so.
    """
    come_along = [folder.name for folder in packs_that_came()]
    if name not in come_along:
        raise UserError("pack.not_come", name=name, known=", ".join(come_along))
    path = home / "packs" / name / "pack.py"
    if path.exists():
        return
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_POINTS_TO.format(name=name), "utf-8")
    except OSError as error:
        raise OperatorError("pack.not_written", path=path, problem=error.strerror) from error
    out.print(sentence(language, "pack.put_in", name=name), markup=False)


def _zipped(folder: Path) -> IO[bytes]:
    """The files of a folder as a zip that is gone once it is closed."""
    made = TemporaryFile()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as file:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            file.write(path, path.relative_to(folder).as_posix())
    made.seek(0)
    return made


async def import_into(
    client: httpx.AsyncClient, pack: str, file: Path, kind: str, language: str, *, trial: bool
) -> int:
    """Read a file, or a folder as a zip, into a pack's tables and say what came of it.

    Returns the exit code.

    Raises:
        UserError: there is no such file, pack or format.
    """
    if not file.exists():  # noqa: ASYNC240 - nothing else goes on in this process
        raise UserError("file.missing", path=file)
    is_folder = file.is_dir()  # noqa: ASYNC240
    suffix = ".zip" if is_folder else file.suffix.lower()
    found = await request(client, "GET", "/api/packs")
    rows = {row["name"]: row["importers"] for row in found}
    if pack not in rows:
        raise UserError("pack.unknown", name=pack)
    fits = [one["name"] for one in rows[pack] if suffix in one["suffixes"]]
    name = kind or (fits[0] if len(fits) == 1 else "")
    if not name:
        known = ", ".join(f"{one['name']} ({' '.join(one['suffixes'])})" for one in rows[pack])
        raise UserError("pack.which_importer", file=file.name, known=known or "—")
    path = f"/api/packs/{pack}/imports/{name}"
    data = {"dry_run": str(trial).lower()}
    with _zipped(file) if is_folder else file.open("rb") as content:
        body = {"file": (f"{file.name}.zip" if is_folder else file.name, content)}
        answer = await request(client, "POST", path, files=body, data=data)
    for one in answer["rejects"]:
        err.print(f"{one['place']}: {one['reason']}", markup=False)
    key = "pack.would_read" if trial else "pack.was_read"
    out.print(sentence(language, key, **answer), markup=False)
    return 0
