"""Our own chats as training data: those that may be used are taken in, reviewed, then kept or not.

What was taken in lies in a folder that no run reads; a person's review moves it to the data.
Reading and redacting are `attenda learn doctor`'s, in a process of its own.
"""

import asyncio
import json
import os
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, Field

from attenda.core.errors import Conflict, OperatorError
from attenda.core.principal import Principal
from attenda.serve import school_children
from attenda.serve.errands import Errand
from attenda.serve.gate import house_of, require
from attenda.store import consent, erased
from attenda.store.database import Connection

__all__ = ["router"]

router = APIRouter(prefix="/api/school/chats", tags=["school"])
Operator = Annotated[Principal, Depends(require("operate"))]
_DOCTOR_S = 600.0
_SHOWN = 100
"""Rows that a page is given at a time."""


class Review(BaseModel):
    """What a person decided of the rows that wait."""

    keep: list[str] = Field(max_length=100_000)
    """Ids of chats to learn from."""
    drop: list[str] = Field(max_length=100_000)
    """Ids of chats to leave out."""


@router.get("")
async def waiting(request: Request, who: Operator) -> dict[str, Any]:
    """Chats that wait for a review, the first of them with their words."""
    rows = await asyncio.to_thread(_waiting, house_of(request).settings.home)
    return {"count": len(rows), "rows": rows[:_SHOWN]}


@router.post("", status_code=202)
async def take_in(request: Request, who: Operator) -> dict[str, str]:
    """Take in the chats that may be used and that were not yet, without what tells of people.

    An errand; its result says how many wait now and how many nobody allowed.
    """
    house = house_of(request)
    home = house.settings.home

    async def work(_errand: Errand) -> dict[str, Any]:
        known = await asyncio.to_thread(_ids_in, home)
        default = house.settings.train_on_chats

        def gather(connection: Connection) -> tuple[list[dict[str, Any]], int]:
            offered = list(consent.offered_sessions(connection, default))
            allowed = [one for one in offered if one["consent"]["allowed"]]
            new = [one for one in allowed if one["messages"] and one["id"] not in known]
            return new, len(offered) - len(allowed)

        new, left_out = await house.database.read(gather)
        if new:
            await _redact(home, new, who.language)
        rows = await asyncio.to_thread(_waiting, home)
        return {"count": len(rows), "left_out": left_out}

    begun: dict[str, str] = request.app.state.school.errands.begin("chats", work)
    return begun


@router.post("/review")
async def review(request: Request, who: Operator, body: Review) -> dict[str, Any]:
    """Move what is to be kept to the data and forget what is to be dropped; the rest waits on."""
    house = house_of(request)
    made = datetime.fromtimestamp(house.stamps.now() / 1e6, UTC)
    name = f"chats-{made:%Y%m%d-%H%M%S}.jsonl"
    return await asyncio.to_thread(_decide, house.settings.home, name, body)


def _decide(home: Path, name: str, decided: Review) -> dict[str, Any]:
    rows = _waiting(home)
    keep, drop = set(decided.keep), set(decided.drop)
    kept = [row for row in rows if row["id"] in keep and row["id"] not in drop]
    rest = [row for row in rows if row["id"] not in keep | drop]
    target = home / "school" / "data" / name
    if kept:
        if target.exists():
            raise Conflict("school.file_there", name=name)
        _write(target, kept)
    dropped = [row["id"] for row in rows if row["id"] in drop]
    if dropped:
        with _dropped(home).open("a", encoding="utf-8") as file:
            file.writelines(f"{one}\n" for one in dropped)
    _write(_place(home), rest)
    return {"name": name if kept else "", "kept": len(kept), "dropped": len(dropped)}


async def _redact(home: Path, sessions: list[dict[str, Any]], language: str) -> None:
    """Put chats as clean, redacted rows beside those that wait."""
    place = _place(home)
    raw, clean = place.with_name(".taken.jsonl"), place.with_name(".clean.jsonl")
    try:
        await asyncio.to_thread(_write, raw, sessions)
        arguments = ["doctor", "--json", "--redact", f"--fix={clean.absolute()}", "--"]
        arguments.append(str(raw.absolute()))
        await school_children.call(home, arguments, language, _DOCTOR_S, ok=(0, 1))
        new = await asyncio.to_thread(_rows, clean)
        await asyncio.to_thread(lambda: _write(place, [*_waiting(home), *new]))
    finally:
        raw.unlink(missing_ok=True)
        clean.unlink(missing_ok=True)


def _place(home: Path) -> Path:
    return home / "school" / "review" / "chats.jsonl"


def _dropped(home: Path) -> Path:
    """Ids of chats that a review left out, so that they are not brought back again and again."""
    return home / "school" / "review" / "dropped.txt"


def _waiting(home: Path) -> list[dict[str, Any]]:
    """Rows that wait, without those that were taken back meanwhile."""
    gone = erased.erased_people(home)
    found = _rows(_place(home))
    return [row for row in found if gone.isdisjoint({row.get("person"), row.get("chat")})]


def _ids_in(home: Path) -> set[str]:
    """Ids of chats that wait, that were dropped, or that are among the data."""
    found = {str(row.get("id")) for row in _rows(_place(home))}
    for file in (home / "school" / "data").glob("chats-*.jsonl"):
        found |= {str(row.get("id")) for row in _rows(file)}
    try:
        return found | set(_dropped(home).read_text("utf-8").split())
    except OSError:
        return found


def _rows(file: Path) -> list[dict[str, Any]]:
    """A file's rows; none where there is no file, and no row of a line that is cut off."""
    try:
        lines = file.read_text("utf-8").splitlines()
    except OSError:
        return []
    found = []
    for line in lines:
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if isinstance(row, dict):
            found.append(row)
    return found


def _write(file: Path, rows: Iterable[dict[str, Any]]) -> None:
    """Write rows whole or not at all."""
    scratch = file.with_name(f".{file.name}.new")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with scratch.open("w", encoding="utf-8") as target:
            target.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        os.replace(scratch, file)
    except OSError as error:
        raise OperatorError("store.unwritable", path=file, problem=error.strerror) from error
    finally:
        scratch.unlink(missing_ok=True)
