"""Approvals over HTTP: what waits for a yes, the yes or no, and the switches that stop all writes.

What is shown is read from the bytes that would be carried out, and a decision names their hash.
"""

import json
import logging
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request
from pydantic import BaseModel, Field

from attenda.core.errors import AttendaError, NotFound
from attenda.core.principal import Principal
from attenda.core.words import sentence
from attenda.runtime.house import House
from attenda.runtime.live import DESK
from attenda.serve.gate import house_of, principal, require
from attenda.store import automation_runs, desk, journal, lost_effects, switches
from attenda.store.database import Connection

__all__ = ["approval_rows", "approvals_in", "lost_in", "router"]

_log = logging.getLogger("attenda.approvals")
router = APIRouter(tags=["approvals"])
Who = Annotated[Principal, Depends(principal)]
Approver = Annotated[Principal, Depends(require("approve"))]
Operator = Annotated[Principal, Depends(require("operate"))]


class Decision(BaseModel):
    """A yes or a no to what was shown."""

    yes: bool
    shown: str = Field(max_length=64)
    """The hash that came with what was shown."""
    reason: str = Field(default="", max_length=2000)


class Switch(BaseModel):
    """Whether writes are off."""

    off: bool


@router.get("/api/approvals")
async def list_(request: Request, who: Who) -> list[dict[str, Any]]:
    """Questions that one may see: those that wait first, the newest first."""
    house = house_of(request)
    return await house.database.read(lambda c: approval_rows(c, house, who))


@router.post("/api/approvals/{approval_id}")
async def decide(
    request: Request, who: Approver, approval_id: str, body: Decision
) -> dict[str, Any]:
    """Decide; the first decision counts, and what waited for it goes on."""
    house = house_of(request)

    def work(connection: Connection) -> dict[str, Any]:
        made = journal.decide(
            connection,
            house.stamps,
            who,
            approval_id,
            body.shown,
            yes=body.yes,
            reason=body.reason.strip(),
        )
        return _views(connection, house, who, [made])[0]

    row = await house.database.write(work)
    if automation_runs.is_run(row["session_id"]):
        house.automations.ring()
        house.runs.bells.ring(DESK)
        return row
    try:
        await house.runs.go_on(row["session_id"])
    except AttendaError as problem:  # whoever asked is gone, or the model is: it stays decided
        _log.warning("the chat %s does not go on: %s", row["session_id"], problem)
    house.runs.bells.ring(row["session_id"], DESK)
    return row


@router.get("/api/switches")
async def all_switches(request: Request, who: Approver) -> dict[str, bool]:
    """Every switch, and whether it is off: `tools` for all writes, `tool:NAME` for one tool's."""
    del who
    house = house_of(request)
    moved = await house.database.read(switches.list_switches)
    return {name: moved.get(name, False) for name in _switch_names(house)}


@router.put("/api/switches/{name}", status_code=204)
async def switch(
    request: Request,
    who: Operator,
    name: Annotated[str, Path(max_length=80)],
    body: Switch,
) -> None:
    """Switch all writes, or one tool's, off or on; it holds from the next deed."""
    house = house_of(request)
    if name not in _switch_names(house):
        raise NotFound("desk.no_switch", name=name)
    await house.database.write(lambda c: switches.switch(c, house.stamps, who, name, off=body.off))
    house.runs.bells.ring(DESK)


def approval_rows(connection: Connection, house: House, who: Principal) -> list[dict[str, Any]]:
    """What `who` may see of all questions."""
    return _views(connection, house, who, journal.list_approvals(connection, who))


def approvals_in(
    connection: Connection, house: House, who: Principal, session_id: str
) -> list[dict[str, Any]]:
    """The questions of one session that wait."""
    now = house.stamps.now()
    return _views(connection, house, who, journal.pending_in(connection, session_id, now))


def lost_in(connection: Connection, who: Principal, session_id: str) -> list[dict[str, Any]]:
    """The deeds of one session of which nobody knows whether they were done."""
    return [
        {
            "key": one.key,
            "tool": one.tool,
            "arguments": _arguments(one.arguments),
            "begun_at": one.begun_at,
            "may_settle": who.may("approve"),
        }
        for one in lost_effects.lost_in(connection, session_id)
    ]


def _views(
    connection: Connection, house: House, who: Principal, found: list[journal.Approval]
) -> list[dict[str, Any]]:
    people = [one for row in found for one in (row.asked_for, row.decided_by) if one]
    names = desk.user_names(connection, people)
    now = house.stamps.now()
    return [_view(row, who, names, now) for row in found]


def _view(row: journal.Approval, who: Principal, names: dict[str, str], now: int) -> dict[str, Any]:
    """One question, its arguments read from the bytes that would be carried out."""
    late = row.state == "pending" and row.expires_at <= now
    nameless = sentence(who.language, "desk.nameless")
    origins = row.label.get("origins", {})
    return {
        "id": row.id,
        "session_id": row.session_id,
        "tool": row.tool,
        "arguments": [
            {**one, "origin": origins[one["name"]]} if origins.get(one["name"]) else one
            for one in _arguments(row.arguments)
        ],
        "sink": row.label.get("sink", []),
        "shown": row.hash,
        "rule": row.rule,
        "role": row.role,
        "asked_for": names.get(row.asked_for, nameless),
        "state": "expired" if late else row.state,
        "asked_at": row.asked_at,
        "expires_at": row.expires_at,
        "decided_by": names.get(row.decided_by, nameless) if row.decided_by else "",
        "decided_at": row.decided_at,
        "reason": row.reason,
        "may_decide": journal.may_decide(who, row),
    }


def _arguments(kept: str) -> list[dict[str, str]]:
    """Names and values, read from the bytes that would be carried out."""
    return [{"name": name, "value": _plain(one)} for name, one in json.loads(kept).items()]


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _switch_names(house: House) -> list[str]:
    tools = sorted(
        tool.name for pack in house.packs.values() for tool in pack.pack.tools if tool.writes
    )
    return ["tools", *(f"tool:{name}" for name in tools)]
