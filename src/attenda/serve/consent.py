"""Consent over HTTP: each person says which of their chats may be used for training."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel

from attenda.core.principal import Principal
from attenda.runtime.house import House
from attenda.serve.gate import house_of, principal, require
from attenda.store import consent, erased, sessions
from attenda.store.database import Connection

__all__ = ["router", "trash_session"]

router = APIRouter(prefix="/api", tags=["consent"])
Who = Annotated[Principal, Depends(principal)]
Chatter = Annotated[Principal, Depends(require("chat"))]


class Answer(BaseModel):
    """Whether it may be used for training."""

    allowed: bool


@router.put("/me/consent", status_code=204)
async def allow_mine(request: Request, who: Chatter, body: Answer) -> None:
    """Say it of all my chats that have no answer of their own, later ones too."""
    house = house_of(request)
    shift = await house.database.write(
        lambda c: consent.allow_person(c, house.stamps, who, body.allowed)
    )
    await _carry_out(house, shift)


@router.put("/sessions/{session_id}/consent", status_code=204)
async def allow_one(request: Request, who: Chatter, session_id: str, body: Answer) -> None:
    """Say it of one chat; a no takes what was made of it out of the school's data."""
    house = house_of(request)
    shift = await house.database.write(
        lambda c: consent.allow_session(c, house.stamps, who, session_id, body.allowed)
    )
    await _carry_out(house, shift)


async def trash_session(house: House, who: Principal, session_id: str) -> None:
    """Put a session into the trash; what its owner deletes is no material for training any more.

    Raises:
        NotFound: it is not there or not theirs.
    """

    def move(connection: Connection) -> consent.Shift:
        now, default = house.stamps.now(), house.settings.train_on_chats
        sessions.update_session(connection, who, session_id, deleted_at=now)
        return consent.take_back(connection, house.stamps, who, session_id, default)

    await _carry_out(house, await house.database.write(move))


async def _carry_out(house: House, shift: consent.Shift) -> None:
    """Bring the school's files up to what was said."""
    home = house.settings.home
    if shift.withdrawn:
        await asyncio.to_thread(erased.forget, home, (), shift.withdrawn)
    if shift.allowed:
        await asyncio.to_thread(erased.allow_again, home, shift.allowed)
