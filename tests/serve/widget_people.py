"""A channel with its visitors before the HTTP routes, in a house with one shared document."""

import contextlib
import itertools
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from attenda.api import Principal
from attenda.runtime.house import House
from attenda.serve.app import create_app
from attenda.store import agents, channels, documents, keys, people, schema
from attenda.store.database import Connection
from tests.scripted_house import SAVINGS, add_text, scripted_house

__all__ = ["SITE", "Visitor", "Widget", "widget_house"]

SITE = "http://shop.example"
OWNER = Principal(id=people.OWNER_ID, role="owner")
_names = itertools.count(1)


@dataclass
class Visitor:
    """One visit, as the frame makes it."""

    client: httpx.AsyncClient
    token: str
    session_id: str = ""

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    async def __call__(self, method: str, path: str = "", body: Any = None) -> httpx.Response:
        path = f"/api/visit{path}"
        return await self.client.request(method, path, json=body, headers=self.headers)

    async def say(self, text: str, client_id: str = "") -> httpx.Response:
        client_id = client_id or f"client-{next(_names)}"
        return await self("POST", "/messages", {"text": text, "client_id": client_id})

    async def view_status(self) -> int:
        return (await self("GET")).status_code

    async def view(self) -> Any:
        answer = await self("GET")
        assert answer.is_success, answer.text
        return answer.json()

    async def texts(self) -> list[tuple[str, str]]:
        found = (await self.view())["messages"]
        return [(one.get("author") or one["role"], one["text"]) for one in found]


@dataclass
class Widget:
    """The house, its channel, and how one comes in."""

    house: House
    client: httpx.AsyncClient
    channel: channels.Channel
    staff: dict[str, str]
    """The header of Sam, who is of the desk."""

    async def visit(self, channel_id: str = "", **body: Any) -> Visitor:
        path = f"/api/channels/{channel_id or self.channel.id}/visits"
        answer = await self.client.post(path, json=body)
        assert answer.status_code == 201, answer.text
        made = answer.json()
        return Visitor(self.client, made["token"], made["session_id"])

    async def write(self, work: Callable[[Connection], Any]) -> Any:
        return await self.house.database.write(work)

    async def rest(self, visitor: Visitor) -> None:
        """Wait until what the visitor began is over."""
        async for _ in self.house.runs.follow(visitor.session_id, 0):
            pass


@contextlib.asynccontextmanager
async def widget_house(
    home: Path, script: Any = None, url: str = "", **options: Any
) -> AsyncIterator[Widget]:
    async with scripted_house(home, script or (lambda _: "Fine."), database=url, **options) as (
        house,
        _,
    ):
        await add_text(house, OWNER, "savings.md", SAVINGS)
        channel, staff = await house.database.write(lambda c: _make(c, house))
        transport = httpx.ASGITransport(create_app(house))
        async with httpx.AsyncClient(
            transport=transport, base_url="http://localhost:8017"
        ) as client:
            yield Widget(house, client, channel, staff)


def _make(c: Connection, house: House) -> tuple[channels.Channel, dict[str, str]]:
    stamps = house.stamps
    library = documents.ensure_collection(c, stamps, OWNER, "Library")
    agent = agents.create_agent(
        c, stamps, OWNER, name="Bank", collection_ids=[library.id], shared=True
    )
    made = channels.create_channel(
        c, stamps, OWNER, "widget", name="Shop", agent_id=agent, origins=[SITE]
    )
    row = {"id": "usr_sam", "name": "Sam", "role": "agent", "created_at": stamps.now()}
    c.execute(schema.users.insert().values(**row))
    _, key = keys.create_key(c, stamps, people.principal_of(c, "usr_sam"), "test")
    return made, {"Authorization": f"Bearer {key}"}
