"""The pages: shells with the words and the person; what moves on them is modules over the API.

A page that nobody is signed in for answers 401 with the sign-in form, which leads back to it.
"""

import hmac
import json
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse, Response

from attenda import __version__
from attenda.core.errors import AttendaError, Denied, Unauthenticated
from attenda.core.principal import ALLOWED, Principal
from attenda.core.words import catalogue
from attenda.dialogue.flow import words_in
from attenda.serve.gate import CONTENT_POLICY, house_of, language_of, principal
from attenda.serve.people import set_cookie
from attenda.store import desk, documents, keys, people, sessions
from attenda.store.database import Connection

__all__ = ["ROOM", "problem", "router", "shell", "visitor"]

ROOM = Path(str(files("attenda.serve")))
"""The folder with `static` and `templates`."""

router = APIRouter(include_in_schema=False)
_OUR_PATH = re.compile(r"/(?:[\w.~%-][\w.~%/?=&#-]*)?", re.ASCII)
"""An address on this site, and no other: it cannot begin with two slashes."""


@router.get("/healthz")
async def health() -> dict[str, str]:
    """Whether the program answers."""
    return {"status": "ok", "version": __version__}


@router.get("/favicon.ico")
async def icon() -> Response:
    """The icon, for browsers that ask by habit."""
    return FileResponse(ROOM / "static" / "icon.svg", media_type="image/svg+xml")


@router.get("/enter")
async def enter(request: Request, key: str = "") -> Response:
    """The link that `attenda up` opens: it signs this browser in as the local owner, once.

    Used again it leads one who is signed in on to the chat, and anybody else to the form.
    """
    house = house_of(request)
    if key in house.entrances:
        house.entrances.discard(key)
    elif not key or not hmac.compare_digest(key.encode(), house.owner_key.encode()):
        if await visitor(request) is not None:
            return RedirectResponse("/", status_code=303)
        return await _page(request, "signed_out.html", status=403, to="/", bad_link=True)
    token = await house.database.write(lambda c: keys.sign_in(c, house.stamps, people.OWNER_ID))
    fresh = await house.database.read(_is_fresh)
    response = RedirectResponse("/welcome" if fresh else "/", status_code=303)
    set_cookie(request, response, token)
    return response


@router.get("/sign-in")
async def sign_in(request: Request, to: str = "/") -> Response:
    """The form; one who is signed in already is led on to `to`."""
    to = to if _OUR_PATH.fullmatch(to) else "/"
    if await visitor(request) is not None:
        return RedirectResponse(to, status_code=303)
    return await _page(request, "signed_out.html", to=to)


@router.get("/join")
async def join(request: Request, reset: str | None = None) -> Response:
    """Where an invitation's link leads, or with `?reset` that of a new password."""
    return await _page(request, "join.html", reset=reset is not None)


@router.get("/welcome")
async def welcome(request: Request) -> Response:
    """The first run, for an owner; others have nothing to set up."""
    who = await visitor(request)
    if who is not None and who.role != "owner":
        return RedirectResponse("/", status_code=303)
    is_set_up = await house_of(request).database.read(people.is_set_up)
    return await shell(request, "welcome.html", who, is_set_up=is_set_up)


@router.get("/")
@router.get("/chat/{session_id}")
async def chat(request: Request, session_id: str = "") -> Response:
    """The chats; which of them, the page reads from its address."""
    del session_id
    who = await visitor(request)
    id_ = who.id if who else ""
    people_there = await house_of(request).database.read(lambda c: desk.has_people(c, id_))
    return await shell(request, "chat.html", who, has_people=people_there)


@router.get("/documents")
@router.get("/agents")
@router.get("/memory")
@router.get("/models")
@router.get("/people")
@router.get("/traces")
async def room(request: Request) -> Response:
    """A page that is called like its template."""
    return await shell(request, f"{request.url.path[1:]}.html", await visitor(request))


@router.get("/desk")
async def desk_page(request: Request) -> Response:
    """The desk, for those who answer or approve."""
    who = await visitor(request)
    if who is not None and not (who.may("desk") or who.may("approve")):
        raise Denied("gate.not_allowed")
    return await shell(request, "desk.html", who, beginnings=("page.", "desk."))


@router.get("/automations")
async def automations_page(request: Request) -> Response:
    """Automations, for those who steer them or fill their forms in."""
    who = await visitor(request)
    if who is not None and not (who.may("desk") or who.may("manage_agents")):
        raise Denied("gate.not_allowed")
    return await shell(request, "automations.html", who, beginnings=("page.", "automations."))


@router.get("/school")
async def school(request: Request) -> Response:
    """Training; its page alone may hold frames, for reports that are shut in."""
    who = await visitor(request)
    if who is not None and not who.may("operate"):
        raise Denied("gate.not_allowed")
    page = await shell(request, "school.html", who, beginnings=("page.", "school.", "learn.task."))
    page.headers["Content-Security-Policy"] = f"{CONTENT_POLICY}; frame-src 'self'"
    return page


@router.get("/channels")
async def channels_page(request: Request) -> Response:
    """The channels, for those who operate the house."""
    who = await visitor(request)
    if who is not None and not who.may("operate"):
        raise Denied("gate.not_allowed")
    return await shell(request, "channels.html", who, beginnings=("page.", "channels."))


def _is_fresh(connection: Connection) -> bool:
    """Whether nobody has done anything in this home yet."""
    owner = people.principal_of(connection, people.OWNER_ID)
    return not (
        people.is_set_up(connection)
        or documents.list_documents(connection, owner, limit=1)
        or sessions.list_sessions(connection, owner)
    )


async def visitor(request: Request) -> Principal | None:
    """Who is signed in, if anybody is."""
    try:
        return await principal(request)
    except Unauthenticated:
        return None


async def shell(
    request: Request, template: str, who: Principal | None, **values: Any
) -> HTMLResponse:
    """A page for one who is signed in; for anybody else the sign-in form in its place."""
    if who is None:
        query = f"?{request.url.query}" if request.url.query else ""
        to = f"{request.url.path}{query}"
        return await _page(request, "signed_out.html", status=401, to=to)
    may = sorted(action for action in ALLOWED["owner"] if who.may(action))
    waiting, house = 0, house_of(request)
    if who.may("desk"):
        waiting = await house.database.read(lambda c: desk.count_queued(c, who))
    packs = [
        (name, words_in(dict(one.pack.title), who.language))
        for name, one in sorted(house.packs.items())
        if any(screen.listed and who.may(screen.needs) for screen in one.pack.screens)
    ]
    return await _page(request, template, who=who, may=may, waiting=waiting, packs=packs, **values)


async def problem(request: Request, error: AttendaError, status: int) -> Response:
    """What stands in the way, for a person, and a way on."""
    said = error.text(language_of(request))
    return await _page(request, "problem.html", status=status, said=said)


async def _page(
    request: Request,
    template: str,
    *,
    status: int = 200,
    beginnings: tuple[str, ...] = ("page.",),
    **values: Any,
) -> HTMLResponse:
    """A page; `beginnings` are those of the words' keys that its scripts say."""
    language = language_of(request)
    words = catalogue(language)
    shown = {key: text for key, text in words.items() if key.startswith(beginnings)}
    page: HTMLResponse = request.app.state.templates.TemplateResponse(
        request,
        template,
        {
            "t": words,
            "language": language,
            "words_json": json.dumps(shown, ensure_ascii=False),
            "version": __version__,
            **values,
        },
        status_code=status,
    )
    return page
