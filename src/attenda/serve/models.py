"""Models over HTTP: what is here, what can be pulled and what it needs, pull, choose, remove."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel

from attenda.core.errors import AttendaError, Conflict, NotFound
from attenda.core.principal import Principal
from attenda.core.words import sentence
from attenda.llm import catalogue
from attenda.runtime.house import House
from attenda.serve.gate import house_of, principal, require
from attenda.store.erased import erased_people

__all__ = ["router"]

router = APIRouter(prefix="/api/models", tags=["models"])
Who = Annotated[Principal, Depends(principal)]
Manager = Annotated[Principal, Depends(require("manage_models"))]


class Pulls:
    """The downloads under way in this process: name → bytes done, bytes in all, or what failed."""

    def __init__(self) -> None:
        self.state: dict[str, dict[str, Any]] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def start(self, house: House, name: str) -> None:
        """Begin a pull.

        Raises:
            NotFound: the catalogue has no such model.
            Conflict: it is under way already.
        """
        if name not in catalogue.CATALOGUE:
            raise NotFound("model.unknown", name=name, known=", ".join(catalogue.CATALOGUE))
        if name in self._tasks and not self._tasks[name].done():
            raise Conflict("model.pulling", name=name)
        self.state[name] = {"done": 0, "total": catalogue.CATALOGUE[name].download_bytes}
        self._tasks[name] = asyncio.create_task(self._pull(house, name), name=f"pull {name}")

    def stop(self, name: str) -> None:
        """Stop a pull; nothing of it stays."""
        task = self._tasks.get(name)
        if task is not None:
            task.cancel()
        self.state.pop(name, None)

    async def _pull(self, house: House, name: str) -> None:
        def show(_name: str, done: int, total: int) -> None:
            self.state[name] = {"done": done, "total": total}

        try:
            await catalogue.pull(house.settings.home, name, show)
            self.state.pop(name, None)
        except AttendaError as error:
            self.state[name] = {"error": error}


class Choice(BaseModel):
    """The model to use where an agent names none."""

    name: str


@router.get("")
async def list_(request: Request, who: Who) -> list[dict[str, Any]]:
    """Every model: here, on its way, or there to be pulled."""
    house = house_of(request)
    pulls: Pulls = request.app.state.pulls
    here = {
        one.name: one for one in await asyncio.to_thread(catalogue.installed, house.settings.home)
    }
    names = sorted({*here, *catalogue.CATALOGUE, *house.models.names()})
    return [_row(name, here.get(name), house, pulls, who.language) for name in names]


@router.post("/{name}/pull", status_code=202)
async def pull(request: Request, who: Manager, name: str) -> None:
    """Begin to download a model."""
    request.app.state.pulls.start(house_of(request), name)


@router.post("/{name}/stop", status_code=204)
async def stop(request: Request, who: Manager, name: str) -> None:
    """Stop a download."""
    request.app.state.pulls.stop(name)


@router.post("/use", status_code=204)
async def use(request: Request, who: Manager, body: Choice) -> None:
    """Answer with this model from now on, where an agent names none."""
    house = house_of(request)
    house.models.chat(body.name)  # refuses what is not here
    await asyncio.to_thread(catalogue.choose, house.settings.home, body.name)
    house.models.default = body.name


@router.delete("/{name}", status_code=204)
async def remove(request: Request, who: Manager, name: str) -> None:
    """Delete a model's weights; the one in use stays."""
    house = house_of(request)
    if name in (house.models.default, catalogue.DEFAULT_EMBEDDER):
        raise Conflict("model.in_use", name=name)
    await house.models.forget(name)
    await asyncio.to_thread(catalogue.remove, house.settings.home, name)


def _warning(name: str, here: catalogue.LocalModel | None, house: House, language: str) -> str:
    """That it learned from people who were erased since; empty where it did not."""
    gone = erased_people(house.settings.home) & set(here.people) if here else ()
    return sentence(language, "model.erased_people", name=name, count=len(gone)) if gone else ""


def _row(
    name: str, here: catalogue.LocalModel | None, house: House, pulls: Pulls, language: str
) -> dict[str, Any]:
    known = catalogue.CATALOGUE.get(name)
    state = dict(pulls.state.get(name, {}))
    error = state.pop("error", None)
    one = here or known
    return {
        "name": name,
        "title": known.title if known else name,
        "kind": one.kind if one else "chat",
        "here": here is not None or one is None,
        "remote": one is None,
        "default": name in (house.models.default, catalogue.DEFAULT_EMBEDDER),
        "licence": one.licence if one else "",
        "size": here.size if here else known.download_bytes if known else 0,
        "memory": 4 * (here.size if here else known.files[0].size) if one and known else 0,
        "languages": list(one.languages) if one else [],
        "tools": house.models.calls_tools(name),
        "warning": _warning(name, here, house, language),
        "running": house.models.is_running(name),
        "pulling": state or None,
        "error": error.text(language) if isinstance(error, AttendaError) else None,
    }
