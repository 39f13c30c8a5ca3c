"""Channels: ways in for people who are no users of the house, each opening one agent to them.

A channel says which agent answers, which shared documents it may answer from there, and from which
sites it may be reached. It is made by who operates the house, and revoked for good.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, insert, select, update

from attenda.core.errors import Conflict, NotFound, UserError
from attenda.core.principal import EVERYONE, Principal
from attenda.store import audit
from attenda.store.agents import get_agent
from attenda.store.people import bump_access
from attenda.store.schema import agents, collections
from attenda.store.schema_channels import channels, visitors
from attenda.store.stamps import Stamps

__all__ = [
    "COLOURS",
    "LANGUAGES",
    "Channel",
    "change_channel",
    "channel_of",
    "create_channel",
    "is_open",
    "list_channels",
    "mail_channels",
    "open_channel",
    "revoke_channel",
]

COLOURS = ("teal", "blue", "violet", "rose", "slate")
LANGUAGES = ("en", "zh-CN")
_ORIGIN = re.compile(r"https?://(\[[0-9a-f:.]+\]|[a-z0-9]([a-z0-9.-]*[a-z0-9])?)(:[0-9]{1,5})?")
_MOST_ORIGINS = 20
_TOKENS_A_DAY = 200_000


@dataclass(frozen=True, slots=True)
class Channel:
    """One way in."""

    id: str
    kind: str
    """`widget` or `mail`."""
    name: str
    agent_id: str
    collection_ids: list[str]
    """Of these, the documents that every user may see are open to visitors."""
    origins: list[str]
    """Sites that may show it: `https://shop.example`, with the port where it isn't the usual."""
    languages: list[str]
    colour: str
    mailbox: str
    """Of the kind `mail`: the mailbox's name in the settings."""
    tokens_a_day: int
    """For all of its visitors together."""
    created_at: int
    revoked_at: int | None
    owner_id: str
    team_id: str | None


def create_channel(
    connection: Connection, stamps: Stamps, who: Principal, kind: str, **values: Any
) -> Channel:
    """A new channel; without `collection_ids`, open are the agent's own that are shared with all.

    Raises:
        UserError: no name, an address that is no origin, a language or colour there is not, or
            a collection that isn't shared with everyone.
        NotFound: no such agent.
        Conflict: the mailbox has an open channel.
    """
    agent = get_agent(connection, who, str(values.get("agent_id", "")))
    if values.get("collection_ids") is None:
        shared = _shared(connection)
        values["collection_ids"] = [one for one in agent["collection_ids"] or [] if one in shared]
    given = {
        "name": "",
        "origins": [],
        "languages": list(LANGUAGES),
        "colour": COLOURS[0],
        "mailbox": "",
        "tokens_a_day": _TOKENS_A_DAY,
        **values,
    }
    row = {"id": stamps.new_id("chn"), "kind": kind, "created_at": stamps.now()}
    checked = _checked(connection, who, given)
    taken = select(channels.c.id).where(
        channels.c.mailbox == given["mailbox"], channels.c.revoked_at.is_(None)
    )
    if kind == "mail" and connection.execute(taken).first() is not None:
        raise Conflict("channel.mailbox_taken", name=given["mailbox"])
    connection.execute(insert(channels).values(**row, **checked, owner_id=who.id))
    audit.note(connection, stamps, who.id, "channel.created", str(row["id"]))
    return open_channel(connection, str(row["id"]))


def list_channels(connection: Connection) -> list[Channel]:
    """All channels, the revoked ones too, newest first."""
    statement = select(channels).order_by(channels.c.created_at.desc(), channels.c.id)
    return [Channel(**row) for row in connection.execute(statement).mappings()]


def mail_channels(connection: Connection) -> list[Channel]:
    """The open channels that are mailboxes."""
    statement = select(channels).where(channels.c.kind == "mail", is_open())
    rows = connection.execute(statement.order_by(channels.c.id)).mappings()
    return [Channel(**row) for row in rows]


def open_channel(connection: Connection, channel_id: str) -> Channel:
    """A channel that is not revoked and whose agent is there.

    Raises:
        NotFound: there is none.
    """
    statement = select(channels).where(channels.c.id == channel_id, is_open())
    row = connection.execute(statement).mappings().first()
    if row is None:
        raise NotFound("channel.missing")
    return Channel(**row)


def channel_of(connection: Connection, visitor_id: str) -> dict[str, Any] | None:
    """By which way a visitor came in: `kind` and `name`, and whether anybody knows them."""
    statement = (
        select(channels.c.kind, channels.c.name, visitors.c.customer)
        .join(visitors, visitors.c.channel_id == channels.c.id)
        .where(visitors.c.id == visitor_id)
    )
    row = connection.execute(statement).first()
    known = bool(row and row.customer)
    return {"kind": row.kind, "name": row.name, "known": known} if row else None


def is_open() -> ColumnElement[bool]:
    """The condition for rows of `channels` that somebody may come in by."""
    alive = select(agents.c.id).where(agents.c.deleted_at.is_(None))
    return and_(channels.c.revoked_at.is_(None), channels.c.agent_id.in_(alive))


def change_channel(
    connection: Connection, stamps: Stamps, who: Principal, channel_id: str, **values: Any
) -> None:
    """Change a channel; whoever has it open goes on under what holds now.

    Raises:
        NotFound: it is not there, or is revoked.
        UserError: as when it is made.
    """
    checked = _checked(connection, who, values)
    if not checked:
        return
    here = update(channels).where(channels.c.id == channel_id, channels.c.revoked_at.is_(None))
    if connection.execute(here.values(**checked)).rowcount == 0:
        raise NotFound("channel.missing")
    bump_access(connection)
    audit.note(connection, stamps, who.id, "channel.changed", channel_id, fields=sorted(checked))


def revoke_channel(connection: Connection, stamps: Stamps, who: Principal, channel_id: str) -> None:
    """Close a channel for good: nobody comes in by it, and who is in is out at once.

    Raises:
        NotFound: it is not there, or is revoked.
    """
    here = update(channels).where(channels.c.id == channel_id, channels.c.revoked_at.is_(None))
    if connection.execute(here.values(revoked_at=stamps.now())).rowcount == 0:
        raise NotFound("channel.missing")
    bump_access(connection)
    audit.note(connection, stamps, who.id, "channel.revoked", channel_id)


def _checked(connection: Connection, who: Principal, values: dict[str, Any]) -> dict[str, Any]:
    """The values as they are stored."""
    found = dict(values)
    if "name" in found:
        found["name"] = str(found["name"]).strip()[:80]
        if not found["name"]:
            raise UserError("people.no_name")
    if "agent_id" in found:
        get_agent(connection, who, str(found["agent_id"]))
    if "origins" in found:
        found["origins"] = _origins(found["origins"])
    if "languages" in found:
        found["languages"] = [one for one in LANGUAGES if one in found["languages"]]
        if not found["languages"]:
            raise UserError("channel.languages", known=", ".join(LANGUAGES))
    if found.get("colour", COLOURS[0]) not in COLOURS:
        raise UserError("channel.colour", known=", ".join(COLOURS))
    if "collection_ids" in found:
        found["collection_ids"] = sorted(set(found["collection_ids"]))
        if set(found["collection_ids"]) - _shared(connection):
            raise UserError("channel.collection")
    return found


def _origins(given: Sequence[str]) -> list[str]:
    """Addresses of sites as browsers name them: scheme, host and unusual port, nothing else."""
    found: list[str] = []
    for one in given:
        origin = one.strip().lower().rstrip("/")
        for scheme, port in (("http://", ":80"), ("https://", ":443")):
            if origin.startswith(scheme):
                origin = origin.removesuffix(port)
        if not _ORIGIN.fullmatch(origin):
            raise UserError("channel.origin", origin=one[:100])
        if origin not in found:
            found.append(origin)
    if len(found) > _MOST_ORIGINS:
        raise UserError("channel.origins", most=_MOST_ORIGINS)
    return found


def _shared(connection: Connection) -> set[str]:
    """Collections that every user may see."""
    statement = select(collections.c.id).where(collections.c.team_id == EVERYONE)
    return {str(id_) for (id_,) in connection.execute(statement)}
