"""The chat widget: its script for other sites, its frame, and the beginning of a visit.

These alone are asked for by other sites' pages. The frame can be shown by the sites that its
channel names and by no other; what it shows and asks for is our own origin's, so no other page's
script reaches into it, and no cookie is needed. How it looks is told to those sites alone.
"""

import json
from collections import OrderedDict, deque
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, Response
from pydantic import BaseModel, Field

from attenda.core.errors import Denied, NotFound, TooMany
from attenda.core.words import catalogue
from attenda.runtime.house import House
from attenda.serve.gate import house_of
from attenda.serve.identity import channel_secret, known_by
from attenda.store import agents, channels, desk, visitors
from attenda.store.channels import Channel
from attenda.store.database import Connection

__all__ = ["Pace", "router"]

router = APIRouter(tags=["widget"])
_STATIC = Path(str(files("attenda.serve"))) / "static"
_FRAME_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'none'; base-uri 'none'; frame-ancestors "
)
_SPOKEN = ("widget.", "page.copy", "page.server_gone", "page.rating_")
"""Beginnings of the words that the frame's scripts say."""
_MINUTE_US = 60_000_000


class Pace:
    """How often one address may begin a visit, in this process; a channel has its own limit."""

    _MOST = 10
    """A minute."""
    _REMEMBERED = 10_000
    """Addresses."""

    def __init__(self, clock: Callable[[], int]) -> None:
        """`clock` gives microseconds."""
        self._clock = clock
        self._times: OrderedDict[str, deque[int]] = OrderedDict()

    def step(self, address: str) -> None:
        """Count one more.

        Raises:
            TooMany: there were too many within a minute.
        """
        now = self._clock()
        times = self._times.setdefault(address, deque())
        self._times.move_to_end(address)
        while times and times[0] <= now - _MINUTE_US:
            times.popleft()
        if len(times) >= self._MOST:
            raise TooMany("channel.too_many_visits")
        times.append(now)
        while len(self._times) > self._REMEMBERED:
            self._times.popitem(last=False)


class Visit(BaseModel):
    """Who comes in."""

    language: str = Field(default="", max_length=10)
    identity: str = Field(default="", max_length=4_000)
    """A token of the embedding site's; empty for a visitor whom nobody knows."""


@router.get("/widget.js", include_in_schema=False)
async def script() -> Response:
    """The one script that a site puts into its pages."""
    headers = {"Cross-Origin-Resource-Policy": "cross-origin", "Cache-Control": "max-age=300"}
    return FileResponse(_STATIC / "widget.js", media_type="text/javascript", headers=headers)


@router.get("/widget/{channel_id}", include_in_schema=False)
async def frame(request: Request, channel_id: str, language: str = "") -> Response:
    """The chat, for the frame that the script makes."""
    house = house_of(request)

    def look(connection: Connection) -> tuple[Channel, bool, str]:
        channel = _widget(connection, channel_id)
        pack = agents.pack_of(connection, channel.agent_id)
        return channel, desk.has_people(connection, ""), pack

    channel, has_people, pack = await house.database.read(look)
    spoken = _language(request, channel, language)
    words = catalogue(spoken)
    shown = {key: text for key, text in words.items() if key.startswith(_SPOKEN)}
    values = {
        "t": words,
        "language": spoken,
        "channel": channel,
        "has_people": has_people,
        "notice": house.notice_of(pack, spoken),
        "origins_json": json.dumps(channel.origins),
        "words_json": json.dumps(shown, ensure_ascii=False),
    }
    templates = request.app.state.templates
    page: HTMLResponse = templates.TemplateResponse(request, "widget.html", values)
    page.headers["Content-Security-Policy"] = _FRAME_POLICY + _ancestors(channel)
    page.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return page


@router.get("/api/channels/{channel_id}/looks")
async def looks(request: Request, channel_id: str, language: str = "") -> Response:
    """What a site's page must know to show the button; told to the channel's own sites alone."""
    house = house_of(request)
    channel = await house.database.read(lambda c: _widget(c, channel_id))
    origin = request.headers.get("origin", "")
    if origin not in channel.origins:
        raise Denied("channel.foreign_site")
    spoken = _language(request, channel, language)
    words = catalogue(spoken)
    body = {
        "name": channel.name,
        "colour": channel.colour,
        "language": spoken,
        "open": words["widget.open"],
        "close": words["widget.close"],
    }
    headers = {
        "Access-Control-Allow-Origin": origin,
        "Vary": "Origin",
        "Cross-Origin-Resource-Policy": "cross-origin",
    }
    return JSONResponse(body, headers=headers)


@router.post("/api/channels/{channel_id}/visits", status_code=201)
async def visit(request: Request, channel_id: str, body: Visit) -> dict[str, Any]:
    """A new conversation, and the token that holds it; asked for by our own frame."""
    house = house_of(request)
    pace: Pace = request.app.state.pace
    pace.step(request.client.host if request.client else "")
    known = _known(house, channel_id, body.identity)

    def begin(connection: Connection) -> dict[str, Any]:
        channel = _widget(connection, channel_id)
        who, session_id = visitors.start_session(connection, house.stamps, channel, known)
        language = _language(request, channel, body.language)
        token, ends = visitors.begin_visit(connection, house.stamps, who, language)
        return {"token": token, "session_id": session_id, "expires_at": ends}

    return await house.database.write(begin)


def _known(house: House, channel_id: str, identity: str) -> visitors.Known | None:
    if not identity:
        return None
    secret = channel_secret(house.channel_key, channel_id)
    return known_by(identity, secret, house.stamps.now() // 1_000_000)


def _widget(connection: Connection, channel_id: str) -> Channel:
    channel = channels.open_channel(connection, channel_id)
    if channel.kind != "widget":
        raise NotFound("channel.missing")
    return channel


def _ancestors(channel: Channel) -> str:
    return " ".join(channel.origins) or "'none'"


def _language(request: Request, channel: Channel, asked: str) -> str:
    """The asked-for language, else the browser's, else the channel's first."""
    if asked in channel.languages:
        return asked
    first = request.headers.get("accept-language", "").split(",")[0].lower()
    wanted = "zh-CN" if first.startswith("zh") else "en"
    return wanted if wanted in channel.languages else channel.languages[0]
