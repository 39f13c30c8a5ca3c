"""Memory over HTTP: what is remembered of me, where I said it; put in other words, forgotten."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel

from attenda.core.errors import Denied
from attenda.core.principal import Principal
from attenda.knowledge import memory
from attenda.serve.gate import house_of, principal
from attenda.store import audit, facts
from attenda.store.database import Connection

__all__ = ["router"]

router = APIRouter(prefix="/api/memory", tags=["memory"])


async def _themselves(request: Request) -> Principal:
    """The person; a key that may not chat is not for their memory."""
    who = await principal(request)
    if who.scopes is not None and "chat" not in who.scopes:
        raise Denied("gate.not_allowed")
    return who


Who = Annotated[Principal, Depends(_themselves)]


class OtherWords(BaseModel):
    """What is remembered, in other words."""

    text: str


@router.get("")
async def list_(request: Request, who: Who) -> list[dict[str, Any]]:
    """What is remembered of me, each fact with the message in which I told it."""
    found = await house_of(request).database.read(lambda c: memory.recall(c, who))
    return [
        {**asdict(one), "label": one.label.model_dump(mode="json", exclude={"readers"})}
        for one in found
    ]


@router.patch("/{fact_id}", status_code=204)
async def change(request: Request, who: Who, fact_id: str, body: OtherWords) -> None:
    """Put a fact in other words."""
    house, text = house_of(request), memory.checked_text(body.text)
    await house.database.write(lambda c: facts.change_fact(c, house.stamps, who, fact_id, text))


@router.delete("/{fact_id}", status_code=204)
async def forget(request: Request, who: Who, fact_id: str) -> None:
    """Forget a fact for good."""
    await house_of(request).database.write(lambda c: facts.forget_fact(c, who, fact_id))


@router.delete("", status_code=204)
async def forget_all(request: Request, who: Who) -> None:
    """Forget everything for good."""
    house = house_of(request)

    def work(connection: Connection) -> None:
        gone = facts.forget_all(connection, who.id)
        audit.note(connection, house.stamps, who.id, "memory.forgotten", who.id, facts=gone)

    await house.database.write(work)
