"""A shop with its people before the HTTP routes: a customer, agents and supervisors of the desk."""

import asyncio
import contextlib
from pathlib import Path
from typing import Any

import httpx

from attenda.api import Pack
from attenda.cli.packs import load_pack
from attenda.runtime.house import House
from attenda.serve.app import create_app
from attenda.store import agents, keys, people, schema
from attenda.store.database import Connection
from attenda.store.stamps import Stamps
from tests.runtime.test_flows import understand
from tests.scripted_house import scripted_house

SHOP = load_pack(Path(__file__).parent.parent / "packs" / "shop")
PEOPLE = {
    "ana": ("Ana", "viewer_who_chats"),
    "sam": ("Sam", "agent"),
    "kim": ("Kim", "agent"),
    "sue": ("Sue", "supervisor"),
    "max": ("Max", "supervisor"),
    "li": ("Li", "viewer"),
}


class Person:
    """One person before the HTTP routes."""

    def __init__(self, client: httpx.AsyncClient, key: str) -> None:
        self._client, self._key = client, key

    def by(self, key: str) -> "Person":
        """With another key of theirs."""
        return Person(self._client, key)

    async def __call__(
        self, method: str, path: str, body: Any = None, expect: int | None = None
    ) -> Any:
        answer = await self.raw(method, path, body)
        if expect is None:
            assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        else:
            assert answer.status_code == expect, f"{method} {path}: {answer.text}"
        return answer.json() if answer.text else None

    async def raw(self, method: str, path: str, body: Any = None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self._key}"}
        return await self._client.request(method, path, json=body, headers=headers)

    async def session(self, session_id: str) -> Any:
        return await self("GET", f"/api/sessions/{session_id}")

    async def texts(self, session_id: str) -> list[tuple[str, str]]:
        """What the customer sees: who speaks, and what."""
        found = (await self.session(session_id))["messages"]
        return [(one.get("author") or one["role"], one["text"]) for one in found]


class Shop:
    """The house, its people, and the customer's conversation with the shop."""

    def __init__(self, house: House, who: dict[str, Person], agent_id: str) -> None:
        self.house, self.who, self.agent_id = house, who, agent_id

    async def begin(self) -> str:
        made = await self.who["ana"]("POST", "/api/sessions", {"agent_id": self.agent_id})
        return str(made["id"])

    async def say(self, session_id: str, text: str) -> dict[str, Any]:
        """The customer writes; returns once what that began is over."""
        path = f"/api/sessions/{session_id}/messages"
        started: dict[str, Any] = await self.who["ana"]("POST", path, {"text": text})
        await self.rest(session_id)
        return started

    async def rest(self, session_id: str) -> None:
        while self.house.runs.running(session_id):
            await asyncio.sleep(0.005)

    async def person(self, session_id: str) -> None:
        await self.who["ana"]("POST", f"/api/sessions/{session_id}/person")

    async def owner(self, session_id: str) -> str:
        return str((await self.who["ana"].session(session_id))["owner"])


@contextlib.asynccontextmanager
async def shop(
    home: Path,
    url: str = "",
    script: Any = None,
    pause_s: float = 0.0,
    pack: Pack = SHOP,
    stamps: Stamps | None = None,
) -> Any:
    async with scripted_house(
        home,
        script or (lambda _: "Fine."),
        pause_s=pause_s,
        database=url,
        packs=[pack],
        understand=understand,
        stamps=stamps,
    ) as (house, model):
        secrets, agent_id = await house.database.write(lambda c: _people(c, house, pack.name))
        transport = httpx.ASGITransport(create_app(house))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            who = {name: Person(client, secret) for name, secret in secrets.items()}
            one = Shop(house, who, agent_id)
            one.model = model  # type: ignore[attr-defined]
            yield one


def _people(c: Connection, house: House, pack: str = "shop") -> tuple[dict[str, str], str]:
    secrets = {}
    for id_, (name, role) in PEOPLE.items():
        role = "agent" if role == "viewer_who_chats" else role
        row = {"id": f"usr_{id_}", "name": name, "role": role, "created_at": house.stamps.now()}
        c.execute(schema.users.insert().values(**row))
        who = people.principal_of(c, f"usr_{id_}")
        # The customer may chat and no more, as a customer does.
        scopes = ["chat"] if id_ == "ana" else None
        _, secrets[id_] = keys.create_key(c, house.stamps, who, "test", scopes=scopes)
    found = agents.list_agents(c, people.principal_of(c, people.OWNER_ID))
    return secrets, next((one["id"] for one in found if one["pack"] == pack), "")


DESK = "/api/desk/sessions"
