"""Channels over HTTP: made, changed and revoked by who operates the house, and their page."""

from dataclasses import asdict
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, Field

from attenda.core.errors import NotFound
from attenda.core.principal import Principal
from attenda.serve.gate import house_of, require
from attenda.serve.identity import channel_secret
from attenda.store import audit, channels, mail
from attenda.store.database import Connection

__all__ = ["router"]

router = APIRouter(prefix="/api/channels", tags=["channels"])
Operator = Annotated[Principal, Depends(require("operate"))]


class ChannelFields(BaseModel):
    """What a channel is made of; for a change, what is not given stays."""

    name: str | None = Field(default=None, max_length=80)
    agent_id: str | None = Field(default=None, max_length=40)
    collection_ids: list[str] | None = Field(default=None, max_length=200)
    """Whose documents visitors may be answered from; all must be shared with everyone."""
    origins: list[str] | None = Field(default=None, max_length=100)
    """Sites that may show it, as `https://shop.example`."""
    languages: list[str] | None = Field(default=None, max_length=10)
    colour: str | None = Field(default=None, max_length=12)
    tokens_a_day: int | None = Field(default=None, ge=0, le=10**12)

    def given(self) -> dict[str, Any]:
        """What was given."""
        return self.model_dump(exclude_none=True)


class Decision(BaseModel):
    """What is to become of a mail that did not go out as it should."""

    again: bool
    """Send it, perhaps a second time; else let it be."""


class NewChannel(ChannelFields):
    """A new channel."""

    kind: Literal["widget", "mail"] = "widget"
    mailbox: str = Field(default="", max_length=80)
    """Of the kind `mail`: the mailbox's name in the settings."""


@router.get("")
async def list_(request: Request, who: Operator) -> dict[str, Any]:
    """The channels, the revoked ones too."""
    del who
    house = house_of(request)

    def look(connection: Connection) -> list[dict[str, Any]]:
        rows = channels.list_channels(connection)
        return [{**asdict(row), "troubles": mail.troubles(connection, row.id)} for row in rows]

    boxes = [{"name": one.name, "address": one.address} for one in house.settings.mailboxes]
    return {"channels": await house.database.read(look), "mailboxes": boxes}


@router.post("", status_code=201)
async def create(request: Request, who: Operator, body: NewChannel) -> dict[str, Any]:
    """A new channel."""
    house = house_of(request)
    values = body.given()
    if body.kind == "mail" and body.mailbox not in {one.name for one in house.settings.mailboxes}:
        raise NotFound("channel.mailbox", name=body.mailbox)
    kind = values.pop("kind")
    made = await house.database.write(
        lambda c: channels.create_channel(c, house.stamps, who, kind, **values)
    )
    return asdict(made)


@router.patch("/{channel_id}", status_code=204)
async def change(request: Request, who: Operator, channel_id: str, body: ChannelFields) -> None:
    """Change a channel."""
    house = house_of(request)
    await house.database.write(
        lambda c: channels.change_channel(c, house.stamps, who, channel_id, **body.given())
    )


@router.delete("/{channel_id}", status_code=204)
async def revoke(request: Request, who: Operator, channel_id: str) -> None:
    """Close a channel for good."""
    house = house_of(request)
    await house.database.write(lambda c: channels.revoke_channel(c, house.stamps, who, channel_id))


@router.post("/{channel_id}/secret")
async def secret(request: Request, who: Operator, channel_id: str) -> dict[str, str]:
    """The secret by which the site's server says who its customers are; each look is noted."""
    house = house_of(request)

    def look(connection: Connection) -> str:
        channel = channels.open_channel(connection, channel_id)
        if channel.kind != "widget":
            raise NotFound("channel.missing")
        audit.note(connection, house.stamps, who.id, "channel.secret_shown", channel_id)
        return channel_secret(house.channel_key, channel_id)

    return {"secret": await house.database.write(look)}


@router.post("/{channel_id}/mails/{mail_id}", status_code=204)
async def decide(
    request: Request, who: Operator, channel_id: str, mail_id: str, body: Decision
) -> None:
    """Say what is to become of a mail of which nobody knows whether it went out."""
    house = house_of(request)

    def work(connection: Connection) -> None:
        mail.decide(connection, house.stamps, channel_id, mail_id, again=body.again)
        action = "mail.sent_again" if body.again else "mail.dropped"
        audit.note(connection, house.stamps, who.id, action, mail_id)

    await house.database.write(work)
