"""The app: its middleware, routes and pages, over a house that is handed in."""

import contextlib
import hmac
import json
from collections.abc import AsyncIterator
from importlib.resources import files
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from fastapi.templating import Jinja2Templates
from starlette.staticfiles import StaticFiles

from attenda import __version__
from attenda.core.errors import Denied, Unauthenticated
from attenda.core.words import catalogue
from attenda.runtime.house import House
from attenda.serve import agents, chat, library, models, people, traces
from attenda.serve.access import OpenStreams
from attenda.serve.gate import Gate, answer_errors, house_of, language_of, principal
from attenda.store import keys
from attenda.store.people import OWNER_ID

__all__ = ["create_app"]

_HERE = Path(str(files("attenda.serve")))


def create_app(house: House) -> FastAPI:
    """The app of one installation."""

    @contextlib.asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield

    app = FastAPI(
        title="Attenda", version=__version__, lifespan=lifespan, docs_url=None, redoc_url=None
    )
    app.state.house = house
    app.state.streams = OpenStreams(house.database)
    app.state.pulls = models.Pulls()
    app.state.templates = Jinja2Templates(_HERE / "templates")
    app.add_middleware(Gate, hosts=_hosts(house))
    answer_errors(app)
    app.include_router(chat.router)
    app.include_router(library.router)
    app.include_router(people.router)
    app.include_router(agents.router)
    app.include_router(models.router)
    app.include_router(traces.router)
    app.mount("/static", StaticFiles(directory=_HERE / "static"), name="static")
    _add_pages(app)
    return app


def _hosts(house: House) -> frozenset[str]:
    local = {"127.0.0.1", "localhost", "::1"}
    return frozenset({*local, house.settings.host.lower(), *map(str.lower, house.settings.hosts)})


def _add_pages(app: FastAPI) -> None:
    @app.get("/healthz", include_in_schema=False)
    async def health() -> dict[str, str]:
        return {"status": "ok", "version": __version__}

    @app.get("/favicon.ico", include_in_schema=False)
    async def icon() -> Response:
        return FileResponse(_HERE / "static" / "icon.svg", media_type="image/svg+xml")

    @app.get("/enter", include_in_schema=False)
    async def enter(request: Request, key: str = "") -> Response:
        """The link that `attenda up` opens: it signs this browser in as the local owner."""
        if not hmac.compare_digest(key.encode(), request.app.state.house.owner_key.encode()):
            raise Denied("gate.unknown")
        house = house_of(request)
        token = await house.database.write(lambda c: keys.sign_in(c, house.stamps, OWNER_ID))
        response = RedirectResponse("/", status_code=303)
        people.set_cookie(request, response, token)
        return response

    @app.get("/", include_in_schema=False)
    @app.get("/chat/{session_id}", include_in_schema=False)
    async def chat_page(request: Request, session_id: str = "") -> Response:
        del session_id  # the page reads it from its address
        return await _page(request, "chat.html")

    @app.get("/documents", include_in_schema=False)
    async def documents_page(request: Request) -> Response:
        return await _page(request, "documents.html")


async def _page(request: Request, template: str) -> Response:
    language = language_of(request)
    words = catalogue(language)
    try:
        await principal(request)
    except Unauthenticated:
        template = "signed_out.html"
    page: HTMLResponse = request.app.state.templates.TemplateResponse(
        request,
        template,
        {
            "t": words,
            "language": language,
            "words_json": json.dumps(
                {key: text for key, text in words.items() if key.startswith("page.")},
                ensure_ascii=False,
            ),
            "version": __version__,
        },
        status_code=401 if template == "signed_out.html" else 200,
    )
    return page
