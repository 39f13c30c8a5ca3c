"""A run's model made the one that answers, and taken back: each time one row with its evidence.

Promoted is a file: exported, tried once, added to the installed models and chosen. The row in
`HOME/school/promotions.jsonl` names the file's hash and the figures that spoke for it.
"""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel

from attenda.core.errors import AttendaError, Conflict, UserError
from attenda.core.message import text_message
from attenda.core.principal import Principal
from attenda.llm import catalogue
from attenda.runtime.house import House
from attenda.serve import school_children, school_files
from attenda.serve.errands import Errand
from attenda.serve.gate import house_of, require
from attenda.store import audit

__all__ = ["back_to", "router"]

router = APIRouter(prefix="/api/school", tags=["school"])
Manager = Annotated[Principal, Depends(require("manage_models"))]
_EXPORT_S = 1800.0


class Promotion(BaseModel):
    """Whether to promote a run whose figures do not speak for it."""

    anyway: bool = False


@router.post("/runs/{name}/promote", status_code=202)
async def promote(request: Request, who: Manager, name: str, body: Promotion) -> dict[str, str]:
    """Let a finished run's model answer from now on; an errand."""
    house = house_of(request)
    folder = school_files.run_folder(house.settings.home, name)
    school_files.new_run_name(name)
    card = school_files.card_of(folder)
    if not card:
        raise UserError("school.no_model_yet", name=name)
    if not body.anyway:
        _judge(name, card.get("figures") or {})

    async def work(_errand: Errand) -> dict[str, str]:
        return await _promote(house, who, folder, card)

    errands = request.app.state.school.errands
    begun: dict[str, str] = errands.begin("promote", work)
    return begun


def _judge(name: str, figures: dict[str, Any]) -> None:
    """Refuse what has no evidence, or evidence against it."""
    ours = (figures.get("validation") or {}).get("bits_per_byte")
    theirs = (figures.get("ngram") or {}).get("bits_per_byte")
    if ours is None or theirs is None:
        raise Conflict("school.no_figures", name=name)
    if ours >= theirs:
        raise Conflict("school.worse", name=name, ours=f"{ours:.3f}", theirs=f"{theirs:.3f}")


async def _promote(
    house: House, who: Principal, folder: Path, card: dict[str, Any]
) -> dict[str, str]:
    home, run = house.settings.home, folder.name
    file = home.absolute() / "school" / "exports" / f"{run}.gguf"
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        arguments = ["export", "--kind=q8_0", "--", run, str(file)]
        await school_children.call(home, arguments, who.language, _EXPORT_S, ok=(0,))
        template = str((card.get("template") or {}).get("name", ""))
        name = await asyncio.to_thread(_free_name, home, run)
        model = await asyncio.to_thread(catalogue.add_file, home, file, name, template)
    finally:
        file.unlink(missing_ok=True)
    try:
        await house.models.chat(name).count_tokens([text_message("user", "Hello")])
    except AttendaError:  # the engine can't open it: the one that answers now goes on
        await house.models.forget(name)
        await asyncio.to_thread(catalogue.remove, home, name)
        raise
    previous = house.models.default
    row = {
        "run": run,
        "model": name,
        "sha256": model.sha256,
        "evidence": {"figures": card.get("figures") or {}, "data": card.get("data") or {}},
        "previous": previous,
    }
    await _choose(house, who, row, "model.promoted")
    return {"name": name, "previous": previous}


def _free_name(home: Path, wanted: str) -> str:
    """A model's name that is free: what was promoted before stays, to go back to."""
    taken = {one.name for one in catalogue.installed(home)} | set(catalogue.CATALOGUE)
    names = (wanted, *(f"{wanted}-{number}" for number in range(2, len(taken) + 3)))
    return next(name for name in names if name not in taken)


@router.post("/back")
async def back(request: Request, who: Manager) -> dict[str, str]:
    """Let the model answer again that answered before the last promotion."""
    house = house_of(request)
    current = house.models.default
    previous = back_to(house.settings.home, current)
    if not previous:
        raise Conflict("school.nothing_before")
    house.models.chat(previous)  # refuses what is not here any more
    row = {"model": previous, "previous": current, "rolled_back": True}
    await _choose(house, who, row, "model.rolled_back")
    return {"name": previous}


def back_to(home: Path, current: str) -> str:
    """Name of the model that answered before `current` was promoted; empty where it wasn't."""
    promoted: list[tuple[str, str]] = []
    for row in school_files.read_lines(home / "school" / "promotions.jsonl")[0]:
        model, previous = str(row.get("model", "")), str(row.get("previous", ""))
        if not row.get("rolled_back"):
            promoted.append((model, previous))
        elif promoted:
            promoted.pop()
    return promoted[-1][1] if promoted and promoted[-1][0] == current else ""


async def _choose(house: House, who: Principal, row: dict[str, Any], deed: str) -> None:
    """Make a model the default, and write down who did it and why."""
    home, name = house.settings.home, row["model"]
    await asyncio.to_thread(catalogue.set_default, home, name)
    house.models.default = name
    row = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "who": who.id, **row}
    await asyncio.to_thread(_append, home / "school" / "promotions.jsonl", row)
    detail = {key: row[key] for key in ("run", "sha256", "previous") if key in row}
    await house.database.write(lambda c: audit.note(c, house.stamps, who.id, deed, name, **detail))


def _append(file: Path, row: dict[str, Any]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a", encoding="utf-8") as rows:
        rows.write(json.dumps(row, ensure_ascii=False) + "\n")
