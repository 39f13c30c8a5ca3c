"""Training over HTTP: the runs of this home, begun, watched, stopped, resumed and removed.

The work is done by `attenda learn …` in processes of its own; this room starts them and reads
their folders. It imports nothing that learns.
"""

import asyncio
import json
import shutil
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from attenda.core.errors import Conflict, UserError
from attenda.core.principal import Principal
from attenda.llm import catalogue
from attenda.runtime.house import House
from attenda.serve import promotion, school_files
from attenda.serve.errands import Errands
from attenda.serve.gate import house_of, require
from attenda.serve.lessons import Lessons
from attenda.serve.school_live import BEGINNING, PLACE, Look, RunReader, stream

__all__ = ["School", "router", "source_of"]

router = APIRouter(prefix="/api/school", tags=["school"])
Operator = Annotated[Principal, Depends(require("operate"))]


class School:
    """What this process has under way: runs, and short errands beside them."""

    def __init__(self, house: House) -> None:
        self.lessons = Lessons(house.settings.home)
        self.errands = Errands()

    async def close(self) -> None:
        """Let the runs save themselves, and end all."""
        await asyncio.gather(self.lessons.close(), self.errands.close())


class NewRun(BaseModel):
    """A run to begin; what is not given is the recipe's own."""

    recipe: Literal["pretrain", "tune"]
    data: str = Field(max_length=200)
    """Name of a file that was handed in."""
    model: str = Field(max_length=200)
    """What to begin with: `preset:…`, `run:…` or `model:…`."""
    name: str = Field(max_length=200)
    epochs: float | None = Field(default=None, gt=0, le=10_000)
    steps: int | None = Field(default=None, ge=1, le=10_000_000)
    batch: int | None = Field(default=None, ge=1, le=4096)
    length: int | None = Field(default=None, ge=8, le=1 << 20)
    rate: float | None = Field(default=None, gt=0, le=10)
    lora: int | None = Field(default=None, ge=0, le=1024)
    split: Literal["group", "template"] = "group"
    """What stays on one side of what is learned from and what is held back."""
    accept_overlap: bool = False
    """Whether to go on where what is held back is known from training."""


@router.get("")
async def overview(request: Request, who: Operator) -> dict[str, Any]:
    """The runs, the files of data, and what can be begun with."""
    house, school = house_of(request), _school(request)

    def load() -> dict[str, Any]:
        home = house.settings.home
        return {
            "runs": school.lessons.all(who.language),
            "data": school_files.data_files(home),
            "presets": list(school_files.PRESETS),
            "models": [one.name for one in catalogue.installed(home) if one.kind == "chat"],
            "default": house.models.default,
            "back_to": promotion.back_to(home, house.models.default),
            "max_upload_mb": house.settings.max_upload_mb,
        }

    return await asyncio.to_thread(load)


@router.post("/runs", status_code=202)
async def begin(request: Request, who: Operator, body: NewRun) -> dict[str, str]:
    """Begin a run in a process of its own."""
    home = house_of(request).settings.home
    name = school_files.new_run_name(body.name)
    data = school_files.data_file(home, body.data)
    start = body.model.removeprefix("preset:")
    if not body.model.startswith("preset:"):
        start = source_of(home, body.model)
    elif start not in school_files.PRESETS:
        raise UserError("school.no_source", name=start)
    arguments = [body.recipe, f"--data={data.absolute()}", f"--model={start}", f"--name={name}"]
    arguments += [
        f"--{flag}={value}"
        for flag in ("epochs", "steps", "batch", "length", "rate")
        if (value := getattr(body, flag)) is not None
    ]
    if body.recipe == "tune" and body.lora is not None:
        arguments.append(f"--lora={body.lora}")
    arguments.append(f"--set=data.split={body.split}")
    if body.accept_overlap:
        arguments.append("--set=data.most_overlap=1")
    await _school(request).lessons.begin(name, arguments, who.language)
    return {"name": name}


def source_of(home: Path, chosen: str) -> str:
    """How a command names the model that was chosen as `run:NAME` or `model:NAME`.

    Raises:
        NotFound: there is no such run or model.
        UserError: the run has no model yet.
    """
    kind, _, name = chosen.partition(":")
    if kind == "run":
        folder = school_files.run_folder(home, name)
        if not (folder / "model").is_dir():
            raise UserError("school.no_model_yet", name=name)
        return name
    if kind != "model":
        raise UserError("school.no_source", name=chosen[:80])
    model = catalogue.find(home, name)
    is_run = (home / "runs" / name / "model").exists()  # a run comes first where both have a name
    return str(model.path.absolute()) if is_run else name


@router.get("/runs/{name}")
async def show(request: Request, who: Operator, name: str) -> dict[str, Any]:
    """A run: how it stands, its curve, its samples, its facts; and where to follow it from."""
    reader = _reader(request, who, name)
    return (await asyncio.to_thread(reader.look)).news or {}


@router.get("/runs/{name}/events")
async def events(
    request: Request,
    who: Operator,
    name: str,
    after: Annotated[str, Query(pattern=PLACE)] = BEGINNING,
    last_event_id: Annotated[str | None, Header(pattern=PLACE)] = None,
) -> StreamingResponse:
    """What is new of a run after a place, then live until it ends."""
    reader = _reader(request, who, name, last_event_id or after)
    return stream(request, "operate", reader.look)


@router.post("/runs/{name}/stop", status_code=202)
async def stop(request: Request, who: Operator, name: str) -> None:
    """Ask a run to save and end."""
    await _school(request).lessons.stop(_folder(request, name))


@router.post("/runs/{name}/resume", status_code=202)
async def resume(request: Request, who: Operator, name: str) -> None:
    """Go on with a run where it stood."""
    await _school(request).lessons.resume(_folder(request, name), who.language)


@router.delete("/runs/{name}", status_code=204)
async def remove(request: Request, who: Operator, name: str) -> None:
    """Delete a run with its checkpoints and its model; what was promoted from it stays."""
    folder = _folder(request, name)
    if await asyncio.to_thread(_school(request).lessons.is_going, folder):
        raise Conflict("school.is_going", name=name)
    await asyncio.to_thread(shutil.rmtree, folder)


@router.get("/errands/{errand_id}")
async def errand(request: Request, who: Operator, errand_id: str) -> dict[str, Any]:
    """How far an errand is, and its result."""
    return _school(request).errands.row(errand_id, who.language)


@router.get("/errands/{errand_id}/events")
async def follow(request: Request, who: Operator, errand_id: str) -> StreamingResponse:
    """How far an errand is, each time that changes, until it has ended."""
    errands, told = _school(request).errands, ""
    errands.row(errand_id, who.language)

    def look() -> Look:
        nonlocal told
        row = errands.row(errand_id, who.language)
        before, told = told, json.dumps(row)
        return Look(row if told != before else None, row["state"] in ("done", "failed"))

    return stream(request, "operate", look)


@router.delete("/errands/{errand_id}", status_code=204)
async def give_up(request: Request, who: Operator, errand_id: str) -> None:
    """End an errand early."""
    _school(request).errands.give_up(errand_id)


def _school(request: Request) -> School:
    school: School = request.app.state.school
    return school


def _folder(request: Request, name: str) -> Path:
    return school_files.run_folder(house_of(request).settings.home, name)


def _reader(request: Request, who: Principal, name: str, place: str = BEGINNING) -> RunReader:
    folder, lessons = _folder(request, name), _school(request).lessons
    return RunReader(folder, lambda: lessons.standing(folder, who.language), place)
