"""Automations over HTTP: what there is, runs begun and watched, forms filled in, webhooks taken in.

Whoever may manage agents sees and steers them; a form is for whom its role allows. A webhook has no
person behind it: its signature is its proof, and its id counts once.
"""

import json
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field, JsonValue

from attenda.core.errors import NotFound, UserError
from attenda.core.principal import Principal
from attenda.core.words import sentence
from attenda.dialogue.flow import words_in
from attenda.runtime.automation import Automation
from attenda.runtime.house import House
from attenda.serve.gate import house_of, principal, require
from attenda.store import automation_forms as forms
from attenda.store import automation_runs as runs
from attenda.store import automations, desk
from attenda.store.database import Connection

__all__ = ["router"]

router = APIRouter(tags=["automations"])
Manager = Annotated[Principal, Depends(require("manage_agents"))]
Staff = Annotated[Principal, Depends(require("desk"))]
Who = Annotated[Principal, Depends(principal)]

_MOST_BYTES = 1_000_000
"""Of a webhook's body."""


class Values(BaseModel):
    """What a run is told, or a form is filled in with."""

    values: dict[str, JsonValue] = Field(default_factory=dict)


class Paused(BaseModel):
    """Whether nothing may set an automation off."""

    paused: bool


@router.get("/api/automations")
async def list_(request: Request, who: Manager) -> list[dict[str, Any]]:
    """Every automation: what sets it off, when it is due, what it must be told."""
    house = house_of(request)

    def load(connection: Connection) -> list[dict[str, Any]]:
        due = {(row.name, place): at for row, place, at in automations.schedules_due(connection)}
        return [
            _automation(house, who, row, due)
            for row in automations.list_automations(connection)
            if not row.gone
        ]

    return await house.database.read(load)


@router.post("/api/automations/{name}/runs", status_code=201)
async def start(request: Request, who: Manager, name: str, body: Values) -> dict[str, str]:
    """Begin a run."""
    return {"id": await house_of(request).automations.start(who, name, body.values)}


@router.put("/api/automations/{name}/paused", status_code=204)
async def pause_all(request: Request, who: Manager, name: str, body: Paused) -> None:
    """Let nothing set it off, or let it again; runs under way go on."""
    await house_of(request).automations.pause_all(who, name, paused=body.paused)


@router.get("/api/automation-runs")
async def list_runs(
    request: Request,
    who: Manager,
    automation: Annotated[str, Query(max_length=80)] = "",
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> list[dict[str, Any]]:
    """Runs that one may see, the newest first."""

    def load(connection: Connection) -> list[dict[str, Any]]:
        rows = runs.list_runs(connection, who, automation, limit)
        return _runs(connection, who, rows)

    return await house_of(request).database.read(load)


@router.get("/api/automation-runs/{automation_run_id}")
async def read_run(request: Request, who: Manager, automation_run_id: str) -> dict[str, Any]:
    """One run: each of its steps with what it was given and gave."""

    def load(connection: Connection) -> dict[str, Any]:
        row = runs.get_run(connection, who, automation_run_id)
        steps = runs.list_steps(connection, row.id)
        told = json.loads(row.input)["value"] or {}
        return {
            **_runs(connection, who, [row])[0],
            "input": [{"name": name, "value": _shown(one)} for name, one in told.items()],
            "steps": [_step(one, who) for one in steps],
            "forms": [_form(one, who) for one in forms.forms_of(connection, row.id)],
        }

    return await house_of(request).database.read(load)


@router.post("/api/automation-runs/{automation_run_id}/{deed}", status_code=204)
async def steer(
    request: Request,
    who: Manager,
    automation_run_id: str,
    deed: Literal["pause", "resume", "cancel", "restart"],
) -> None:
    """Pause a run, let it go on, end it, or let one that failed try its step again."""
    found = house_of(request).automations
    deeds = {
        "pause": found.pause,
        "resume": found.resume,
        "cancel": found.cancel,
        "restart": found.restart,
    }
    await deeds[deed](who, automation_run_id)


@router.get("/api/forms")
async def list_forms(request: Request, who: Staff) -> list[dict[str, Any]]:
    """Forms that wait for somebody like the one who asks."""
    house = house_of(request)
    now = house.stamps.now()

    def load(connection: Connection) -> list[dict[str, Any]]:
        return [_form(one, who) for one in forms.list_forms(connection, who, now)]

    return await house.database.read(load)


@router.post("/api/forms/{form_id}")
async def answer(request: Request, who: Staff, form_id: str, body: Values) -> dict[str, str]:
    """Fill a form in; its run goes on."""
    run_id = await house_of(request).automations.answer(who, form_id, body.values)
    return {"run_id": run_id}


@router.post("/hooks/{name}", openapi_extra={"security": []})
async def hook(request: Request, name: str) -> Response:
    """A signed request of another program; sent again it begins nothing new."""
    body = bytearray()
    async for block in request.stream():
        body += block
        if len(body) > _MOST_BYTES:
            raise UserError("automation.hook_body", limit=_MOST_BYTES)
    try:
        values = json.loads(bytes(body))
    except (ValueError, RecursionError):
        values = None
    found = house_of(request).automations
    checked = values if isinstance(values, dict) else {}
    id_, is_new = await found.hook(name, request.headers, bytes(body), checked)
    if not isinstance(values, dict):
        raise UserError("automation.hook_body", limit=_MOST_BYTES)
    return JSONResponse({"run": id_, "new": is_new}, status_code=202 if is_new else 200)


def _automation(
    house: House,
    who: Principal,
    row: automations.AutomationRow,
    due: dict[tuple[str, int], int],
) -> dict[str, Any]:
    text = _text_of(house, row)
    return {
        "name": row.name,
        "pack": row.pack,
        "title": words_in(row.title, who.language),
        "about": words_in(text.about, who.language) if text.about else "",
        "paused": row.paused,
        "triggers": [
            {**one, "due_at": due.get((row.name, place))} for place, one in enumerate(row.triggers)
        ],
        "input": _fields(text.model_dump(mode="json")["input"], who),
    }


def _text_of(house: House, row: automations.AutomationRow) -> Automation:
    pack = house.packs.get(row.pack)
    if pack is None or row.name not in pack.automations:
        raise NotFound("automation.none", name=row.name)
    return pack.automations[row.name]


def _runs(connection: Connection, who: Principal, rows: list[runs.RunRow]) -> list[dict[str, Any]]:
    titles = {one.name: one.title for one in automations.list_automations(connection)}
    names = desk.user_names(connection, [one.owner_id for one in rows])
    nameless = sentence(who.language, "desk.nameless")
    return [
        {
            "id": row.id,
            "automation": row.automation,
            "title": words_in(titles.get(row.automation, {"en": row.automation}), who.language),
            "cause": row.origin.partition(":")[0],
            "state": row.state,
            "waits_for": row.waits_for,
            "wake_at": row.wake_at,
            "result": row.result,
            "problem": _problem(row.problem, who),
            "begun_by": names.get(row.owner_id, nameless),
            "created_at": row.created_at,
            "ended_at": row.ended_at,
        }
        for row in rows
    ]


def _step(row: runs.StepRow, who: Principal) -> dict[str, Any]:
    given = json.loads(row.input) if row.input else {}
    is_value = row.output.startswith("{")  # while it waits, it is what it waits for
    return {
        "step": row.step,
        "kind": row.kind,
        "state": row.state,
        "attempts": row.attempts,
        "input": [{"name": name, "value": _shown(one["value"])} for name, one in given.items()],
        "output": _shown(json.loads(row.output)["value"]) if is_value else "",
        "problem": _problem(row.problem, who),
        "began_at": row.began_at,
        "ended_at": row.ended_at,
    }


def _form(row: forms.FormRow, who: Principal) -> dict[str, Any]:
    return {
        "id": row.id,
        "run_id": row.run_id,
        "title": words_in(row.title, who.language),
        "fields": _fields(row.fields, who),
        "role": row.role,
        "state": row.state,
        "deadline_at": row.deadline_at,
        "created_at": row.created_at,
    }


def _fields(fields: dict[str, Any], who: Principal) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "title": words_in(one["title"], who.language) or name,
            "type": one["type"],
            "choices": one["choices"],
            "optional": one["optional"],
        }
        for name, one in fields.items()
    ]


def _problem(found: dict[str, Any] | None, who: Principal) -> str:
    return sentence(who.language, found["key"], **found["values"]) if found else ""


def _shown(value: JsonValue) -> str:
    """A value for people; a long one is cut."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=1)
    return text if len(text) <= 20_000 else f"{text[:20_000]}…"
