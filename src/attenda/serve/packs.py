"""Screens of packs in the house's frame, their ways in for programs, and files that they read in.

What a screen changes, it changes by calling one of the pack's tools.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, File, Form, Request, UploadFile
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, RedirectResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from pydantic import BaseModel, Field, JsonValue

from attenda.core.errors import Denied, NotFound, TooLarge, UserError
from attenda.core.label import Integrity
from attenda.core.principal import Principal
from attenda.dialogue.flow import words_in
from attenda.runtime.house import House
from attenda.runtime.pack import OpenPack
from attenda.runtime.pack_face import Asked, Download, Importer, Screen, Told, fitting
from attenda.runtime.pack_import import import_file, remove_samples
from attenda.runtime.pack_knowledge import read_articles
from attenda.runtime.page_calls import hand_over_page
from attenda.serve.gate import house_of, principal, require
from attenda.serve.pages import shell, visitor
from attenda.store import agent_versions, desk
from attenda.store.database import Connection

__all__ = ["router"]

router = APIRouter()
_MOST_BYTES = 4 << 20
"""Of what a program sends."""
_Anyone = Annotated[Principal, Depends(principal)]
_Staff = Annotated[Principal, Depends(require("desk"))]
_Operator = Annotated[Principal, Depends(require("operate"))]


class ToolCall(BaseModel):
    """A tool called from a screen."""

    arguments: dict[str, JsonValue] = Field(max_length=50)
    once: str = Field(min_length=1, max_length=100)
    """Names the form: what is sent twice from it is done once."""


@router.get("/packs/{pack}/api/{path:path}", operation_id="pack_endpoint_get")
@router.post("/packs/{pack}/api/{path:path}", operation_id="pack_endpoint_post")
async def endpoint(request: Request, who: _Anyone, pack: str, path: str) -> Response:
    """A pack's own way in for programs."""
    house = house_of(request)
    open_pack = _pack(house, pack)
    for one in open_pack.pack.endpoints:
        parts = fitting(path, one.path)
        if parts is None or one.method != request.method:
            continue
        if not who.may(one.needs):
            raise Denied("gate.not_allowed")
        asked = _asked(house, open_pack, who, {**request.query_params, **parts})
        if request.method == "POST":
            asked = replace(asked, body=await _body(request))
        answer = _answer(await one.answer(asked))
        if request.method == "POST":
            await read_articles(house, open_pack)
        return answer
    raise NotFound("request.no_page")


@router.post("/api/packs/{pack}/tools/{tool}")
async def call_tool(
    request: Request, who: _Anyone, pack: str, tool: str, body: ToolCall
) -> dict[str, Any]:
    """Call a tool from a screen, under the pack's policy and in its journal."""
    house = house_of(request)
    open_pack = _pack(house, pack)
    trust: Integrity = "operator" if who.may("desk") else "user"
    asked = _asked(house, open_pack, who, {}, trust=trust)
    if any(one.name == tool and not one.by_form for one in open_pack.pack.tools):
        raise Denied("tool.denied", tool=tool)
    outcome = await asked.do(tool, body.arguments, body.once)
    if outcome.state in ("denied", "failed"):
        problem = outcome.problem or UserError("tool.denied", tool=tool)
        if outcome.state == "denied" and problem.key in ("tool.denied", "tool.denied_because"):
            raise Denied(problem.key, **problem.values)
        raise problem
    value = outcome.result.value if outcome.result else None
    done = {"state": outcome.state, "approval_id": outcome.approval_id, "result": value}
    if outcome.state == "done" and open_pack.pack.told is not None:
        told = open_pack.pack.told(tool, body.arguments, value)
        done["told"] = await _said(house, open_pack, who, told, body.once) if told else None
    await read_articles(house, open_pack)
    return done


async def _said(
    house: House, pack: OpenPack, who: Principal, told: Told, once: str
) -> dict[str, Any]:
    """What the page says, in the reader's language; and where a person answers, if one must."""
    session_id = ""
    if told.hand_off:
        session_id = await hand_over_page(house, pack.pack.name, who, told, once)
    said = words_in(dict(told.words), who.language) if told.words else ""
    return {"words": said, "on_page": told.on_page, "session": session_id}


@router.post("/api/packs/{pack}/imports/{importer}")
async def read_file_in(
    request: Request,
    who: _Operator,
    pack: str,
    importer: str,
    file: Annotated[UploadFile, File()],
    dry_run: Annotated[bool, Form()] = False,
) -> dict[str, Any]:
    """Read a file into a pack's tables: what came of its rows, and what was not read, and why."""
    house = house_of(request)
    most = house.settings.max_upload_mb << 20
    content = await file.read(most + 1)
    if len(content) > most:
        raise TooLarge("request.refused", problem=f"over {house.settings.max_upload_mb} MB")
    open_pack = _pack(house, pack)
    one = _importer(open_pack, importer)
    read = await run_in_threadpool(one.read, file.filename or "", content)
    done = await import_file(house, open_pack, who, one.name, read, dry_run=dry_run)
    await read_articles(house, open_pack)
    return done


@router.delete("/api/packs/{pack}/samples")
async def drop_samples(request: Request, who: _Operator, pack: str) -> dict[str, int]:
    """Take a pack's sample rows out of its tables."""
    house = house_of(request)
    open_pack = _pack(house, pack)
    removed = await remove_samples(house, open_pack, who)
    await read_articles(house, open_pack)
    return {"removed": removed}


@router.get("/api/desk/sessions/{session_id}/panel", operation_id="desk_panel")
async def panel(request: Request, who: _Staff, session_id: str) -> dict[str, str]:
    """What the pack of a conversation's agent shows beside it, as HTML; perhaps nothing."""
    house = house_of(request)

    def look(connection: Connection) -> tuple[str, str]:
        session = desk.desk_session(connection, who, session_id)
        return agent_versions.pack_of_session(connection, session), session.owner_id

    name, customer = await house.database.read(look)
    one = house.packs[name].pack.panel if name in house.packs else None
    if one is None:
        return {"title": "", "html": ""}
    asked = _asked(house, house.packs[name], who, {"session": session_id, "customer": customer})
    html = _rendered(house, house.packs[name], who, one.template, await one.view(asked))
    return {"title": words_in(dict(one.title), who.language), "html": html}


@router.get("/packs/{pack}", include_in_schema=False)
@router.get("/packs/{pack}/{path:path}", include_in_schema=False)
async def screen(request: Request, pack: str, path: str = "") -> Response:
    """A screen of a pack's; without a path the first that the reader may see."""
    who = await visitor(request)
    if who is None:
        return await shell(request, "pack.html", None)
    house = house_of(request)
    open_pack = _pack(house, pack)
    listed = list(_listed(open_pack, who))
    if not path and listed and listed[0][0]:
        return RedirectResponse(f"/packs/{pack}/{listed[0][0]}", status_code=303)
    if path == "import" and open_pack.pack.importers:
        return await _import_page(request, who, open_pack, listed)
    for one in open_pack.pack.screens:
        parts = fitting(path, one.path)
        if parts is not None:
            return await _shown(request, who, open_pack, one, parts, listed)
    raise NotFound("request.no_page")


async def _shown(
    request: Request,
    who: Principal,
    pack: OpenPack,
    one: Screen,
    parts: dict[str, str],
    listed: list[tuple[str, str]],
) -> Response:
    if not who.may(one.needs):
        raise Denied("gate.not_allowed")
    house = house_of(request)
    asked = _asked(house, pack, who, {**request.query_params, **parts})
    body = _rendered(house, pack, who, one.template, await one.view(asked))
    return await shell(
        request,
        "pack.html",
        who,
        beginnings=("page.", "pack."),
        pack=pack.pack.name,
        title=words_in(dict(one.title), who.language),
        listed=listed,
        here=request.url.path,
        notice=house.notice_of(pack.pack.name, who.language),
        body=Markup(body),  # noqa: S704 - rendered by a template that escapes
    )


def _rendered(
    house: House, pack: OpenPack, who: Principal, template: str, values: Mapping[str, Any]
) -> str:
    """A pack's template with what it shows; it escapes."""
    chinese = who.language == "zh-CN"
    return (
        _environment(pack.pack.folder / "screens")
        .get_template(template)
        .render(
            **values,
            who=who,
            say=lambda english, han: han if chinese else english,
            once=lambda: house.stamps.new_id("frm"),
            base=f"/packs/{pack.pack.name}",
        )
    )


async def _import_page(
    request: Request, who: Principal, pack: OpenPack, listed: list[tuple[str, str]]
) -> Response:
    if not who.may("operate"):
        raise Denied("gate.not_allowed")
    importers = [
        {
            "name": one.name,
            "title": words_in(dict(one.title), who.language),
            "suffixes": ",".join(one.suffixes),
        }
        for one in pack.pack.importers
    ]
    return await shell(
        request,
        "pack_import.html",
        who,
        beginnings=("page.", "pack."),
        pack=pack.pack.name,
        listed=listed,
        here=request.url.path,
        importers=importers,
        has_samples=bool(pack.pack.samples),
    )


def _listed(pack: OpenPack, who: Principal) -> Iterator[tuple[str, str]]:
    """Paths and titles of the screens in the menu that the reader may see."""
    for one in pack.pack.screens:
        if one.listed and who.may(one.needs):
            yield one.path, words_in(dict(one.title), who.language)
    if pack.pack.importers and who.may("operate"):
        yield "import", ""


def _pack(house: House, name: str) -> OpenPack:
    if name not in house.packs:
        raise NotFound("pack.unknown", name=name)
    return house.packs[name]


def _importer(pack: OpenPack, name: str) -> Importer:
    for one in pack.pack.importers:
        if one.name == name:
            return one
    raise NotFound("pack.no_importer", name=name)


def _asked(
    house: House,
    pack: OpenPack,
    who: Principal,
    values: dict[str, str],
    trust: Integrity = "user",
) -> Asked:
    return Asked(
        who=who,
        language=who.language,
        now=house.stamps.now(),
        values=values,
        executor=pack.executor,
        database=house.database,
        trust=trust,
        pack=pack.pack.name,
        embedder=house.embedder,
        mailboxes={one.name: one.address for one in house.settings.mailboxes},
    )


def _answer(given: JsonValue | Download) -> Response:
    if not isinstance(given, Download):
        return JSONResponse(given)
    name = quote(given.name)
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{name}"}
    return Response(given.content, media_type=given.media_type, headers=headers)


async def _body(request: Request) -> JsonValue:
    content = bytearray()
    async for block in request.stream():
        content += block
        if len(content) > _MOST_BYTES:
            raise TooLarge("request.refused", problem=f"over {_MOST_BYTES >> 20} MB")
    try:
        body: JsonValue = json.loads(content or b"null")
    except (ValueError, RecursionError) as error:
        raise UserError("request.invalid", place="body", problem="no JSON") from error
    return body


@cache
def _environment(folder: Path) -> Environment:
    return Environment(loader=FileSystemLoader(folder), autoescape=True, undefined=StrictUndefined)
