"""The app: its middleware and routers over a house that is handed in."""

import contextlib
from collections.abc import AsyncIterator

from fastapi import FastAPI
from fastapi.templating import Jinja2Templates
from starlette.staticfiles import StaticFiles

from attenda import __version__
from attenda.runtime.house import House
from attenda.serve import (
    agent_choice,
    agents,
    approvals,
    automations,
    channels,
    chat,
    consent,
    desk,
    desk_settings,
    flow_page,
    library,
    mcp,
    memory,
    metrics,
    models,
    notices,
    openai_api,
    packs,
    page_view,
    pages,
    people,
    promotion,
    school,
    school_chats,
    school_compare,
    school_data,
    traces,
    visit,
    widget,
)
from attenda.serve.access import OpenStreams
from attenda.serve.gate import Gate, answer_errors

__all__ = ["close_app", "create_app"]


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
    app.state.school = school.School(house)
    app.state.pace = widget.Pace(house.stamps.now)
    app.state.templates = Jinja2Templates(pages.ROOM / "templates")
    app.add_middleware(Gate, hosts=_hosts(house))
    answer_errors(app, pages.problem)
    app.include_router(chat.router)
    app.include_router(consent.router)
    app.include_router(desk.router)
    app.include_router(desk_settings.router)
    app.include_router(notices.router)
    app.include_router(approvals.router)
    app.include_router(automations.router)
    app.include_router(channels.router)
    app.include_router(widget.router)
    app.include_router(visit.router)
    app.include_router(library.router)
    app.include_router(page_view.router)
    for room in (people, agents, agent_choice, flow_page):
        app.include_router(room.router)
    app.include_router(memory.router)
    app.include_router(models.router)
    app.include_router(school.router)
    app.include_router(school_data.router)
    app.include_router(school_chats.router)
    app.include_router(school_compare.router)
    app.include_router(promotion.router)
    app.include_router(traces.router)
    app.include_router(metrics.router)
    app.include_router(openai_api.router)
    app.include_router(mcp.router)
    app.include_router(packs.router)
    app.include_router(pages.router)
    app.mount("/static", StaticFiles(directory=pages.ROOM / "static"), name="static")
    return app


async def close_app(app: FastAPI) -> None:
    """End what the app has started: runs save themselves first."""
    await app.state.school.close()
    await mcp.close_door(app.state)


def _hosts(house: House) -> frozenset[str]:
    local = {"127.0.0.1", "localhost", "::1"}
    return frozenset({*local, house.settings.host.lower(), *map(str.lower, house.settings.hosts)})
