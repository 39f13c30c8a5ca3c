"""The school's data over HTTP: files of conversations handed in, looked over, cleaned, removed.

Looking over is `attenda learn doctor` in a process of its own; formats are not known here.
"""

import asyncio
import json
import os
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, UploadFile

from attenda.core.errors import AttendaError, Conflict, OperatorError, TooLarge
from attenda.core.principal import Principal
from attenda.serve import school_children, school_files
from attenda.serve.errands import Errand
from attenda.serve.gate import house_of, require

__all__ = ["router"]

router = APIRouter(prefix="/api/school/data", tags=["school"])
Operator = Annotated[Principal, Depends(require("operate"))]
_BLOCK = 1 << 20
_DOCTOR_S = 600.0
_SHOWN = 200
"""Problems that a page is given; their number is told in any case."""


@router.post("", status_code=201)
async def add(request: Request, who: Operator, files: list[UploadFile]) -> list[dict[str, Any]]:
    """Hand files of conversations in; each is kept, or refused with the reason."""
    house = house_of(request)
    outcomes: list[dict[str, Any]] = []
    for file in files:
        name = file.filename or "data"
        try:
            size = await _keep(house.settings.home, name, file, house.settings.max_upload_mb)
            outcomes.append({"name": name, "outcome": "kept", "size": size})
        except AttendaError as error:
            problem = {"key": error.key, "message": error.text(who.language)}
            outcomes.append({"name": name, "outcome": "refused", "error": problem})
    return outcomes


async def _keep(home: Path, name: str, file: UploadFile, most_mb: int) -> int:
    """Write a file whole or not at all; its bytes."""
    path = home / "school" / "data" / school_files.new_file_name(name)
    if path.exists():
        raise Conflict("school.file_there", name=name)
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{name}.new")
    size = 0
    try:
        with scratch.open("wb") as target:
            while block := await file.read(_BLOCK):
                size += len(block)
                if size > most_mb << 20:
                    raise TooLarge("school.too_large", name=name, most=most_mb)
                await asyncio.to_thread(target.write, block)
        os.replace(scratch, path)
    except OSError as error:
        raise OperatorError("store.unwritable", path=path, problem=error.strerror) from error
    finally:
        scratch.unlink(missing_ok=True)
    return size


@router.delete("/{name}", status_code=204)
async def remove(request: Request, who: Operator, name: str) -> None:
    """Delete a file of data."""
    school_files.data_file(house_of(request).settings.home, name).unlink()


@router.post("/{name}/doctor", status_code=202)
async def examine(request: Request, who: Operator, name: str, fix: bool = False) -> dict[str, str]:
    """Look a file over; with `fix`, write a clean copy beside it. An errand."""
    home = house_of(request).settings.home
    path = school_files.data_file(home, name).absolute()
    arguments = ["doctor", "--json"]
    if fix:
        copy = path.with_name(f"{path.stem[:100]}.clean.jsonl")
        if copy.exists():
            raise Conflict("school.file_there", name=copy.name)
        arguments.append(f"--fix={copy}")

    async def work(_errand: Errand) -> dict[str, Any]:
        said = await school_children.call(
            home, [*arguments, "--", str(path)], who.language, _DOCTOR_S, ok=(0, 1)
        )
        return _findings(said.replace(f"{path.parent}{os.sep}", ""))

    errands = request.app.state.school.errands
    begun: dict[str, str] = errands.begin("doctor", work)
    return begun


def _findings(said: str) -> dict[str, Any]:
    """What the doctor found, with the first problems; a path becomes a name."""
    try:
        found: dict[str, Any] = json.loads(said)
    except ValueError as error:
        raise OperatorError("school.failed", problem=said.strip()[-300:] or "-") from error
    problems = found.get("problems") or []
    found["errors"] = sum(one.get("severity") == "error" for one in problems)
    found["warnings"] = len(problems) - found["errors"]
    found["problems"] = sorted(problems, key=lambda one: one.get("severity", ""))[:_SHOWN]
    if "fixed" in found:
        found["fixed"]["name"] = Path(found["fixed"].pop("path")).name
    return found
