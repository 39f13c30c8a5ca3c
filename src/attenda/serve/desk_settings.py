"""Hours of the desk over HTTP: when somebody is there."""

import re
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, Field, ValidationError

from attenda.core.errors import NotFound, UserError
from attenda.core.opening import Opening
from attenda.core.principal import Principal
from attenda.core.words import sentence
from attenda.dialogue.flow import words_in
from attenda.runtime.house import House
from attenda.serve.gate import house_of, require
from attenda.store import hours
from attenda.store.database import Connection

__all__ = ["router"]

router = APIRouter(prefix="/api/desk", tags=["desk"])
Staff = Annotated[Principal, Depends(require("desk"))]
Head = Annotated[Principal, Depends(require("manage_agents"))]
_SPAN = re.compile(r"(\d{1,2}[:：]\d{2})\s*[-–—~至到]\s*(\d{1,2}[:：]\d{2})")


class Hours(BaseModel):
    """A week as people write it."""

    pack: str = Field(default="", max_length=80)
    """Whose hours they are; empty for the whole desk."""
    zone: str = Field(max_length=64)
    week: list[str] = Field(min_length=7, max_length=7)
    """From Monday, each as `09:00-12:00, 13:00-17:00`; empty is closed."""
    holidays: list[str] = Field(default_factory=list, max_length=400)


@router.get("/hours")
async def read_hours(request: Request, who: Staff) -> list[dict[str, Any]]:
    """The desk's hours first, then each pack's; those that were never set have no zone.

    `own` are a pack's that it brings itself, and that nobody has set others for.
    """
    house = house_of(request)
    return await house.database.read(lambda c: _hours(c, house, who.language))


@router.put("/hours", status_code=204)
async def set_hours(request: Request, who: Head, body: Hours) -> None:
    """Set the hours of the desk or of a pack."""
    house = _with_pack(house_of(request), body.pack)
    opening = _opening(body)
    await house.database.write(lambda c: hours.set_hours(c, house.stamps, who, body.pack, opening))


@router.delete("/hours", status_code=204)
async def remove_hours(request: Request, who: Head, pack: str = "") -> None:
    """Take hours back: the desk's hold for a pack; the desk without any is always open."""
    house = _with_pack(house_of(request), pack)
    await house.database.write(lambda c: hours.set_hours(c, house.stamps, who, pack, None))


def _with_pack(house: House, pack: str) -> House:
    if pack and pack not in house.packs:
        raise NotFound("pack.unknown", name=pack)
    return house


def _hours(connection: Connection, house: House, language: str) -> list[dict[str, Any]]:
    found, now = hours.all_hours(connection), house.stamps.now()
    titles = {"": sentence(language, "desk.whole_desk")}
    for name, one in house.packs.items():
        titles[name] = words_in(dict(one.pack.title), language)
    rows: list[dict[str, Any]] = []
    for pack, title in titles.items():
        own = pack not in found and "" not in found
        opening = hours.opening_of(connection, pack) if own else found.get(pack)
        row = {**_plain(opening, now), "own": own} if opening else {}
        rows.append({"pack": pack, "title": title, **row})
    return rows


def _plain(opening: Opening, now: int) -> dict[str, Any]:
    """Hours as people write them, and when somebody is there next."""
    return {
        "zone": opening.zone,
        "week": [", ".join("-".join(span) for span in day) for day in opening.week],
        "holidays": [day.isoformat() for day in opening.holidays],
        "open": (opens := opening.opens(now)) == now,
        "opens_at": opens,
    }


def _opening(body: Hours) -> Opening:
    """The hours that somebody wrote.

    Raises:
        UserError: they can't be read; the sentence says which part.
    """
    try:
        week = tuple(tuple(_spans(day)) for day in body.week)
        holidays = tuple(sorted({_day(text) for text in body.holidays if text.strip()}))
        return Opening(zone=body.zone.strip(), week=week, holidays=holidays)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        said = first["msg"].removeprefix("Value error, ")
        problem = said if first["type"] == "value_error" else f"“{first['input']}”"
        raise UserError("desk.bad_hours", problem=problem) from error
    except ValueError as error:
        raise UserError("desk.bad_hours", problem=error) from error


def _spans(day: str) -> list[tuple[str, str]]:
    """The hours of one day.

    Raises:
        ValueError: something in it is no hours.
    """
    left = re.sub(r"[\s,，;；、]+", "", _SPAN.sub("", day))
    if left:
        raise ValueError(f"“{day}”")
    return [
        (_padded(start), _padded(end))
        for start, end in (one.groups() for one in _SPAN.finditer(day))
    ]


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text.strip())
    except ValueError as error:
        raise ValueError(f"“{text.strip()}”") from error


def _padded(moment: str) -> str:
    hours_, _, minutes = moment.replace("：", ":").partition(":")
    return f"{int(hours_):02}:{minutes}"
