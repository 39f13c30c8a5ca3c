"""What an attack once found, each finding with the test that keeps it mended."""

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text

from attenda.core.errors import AttendaError
from attenda.runtime.house import House
from attenda.serve.app import create_app
from attenda.store import keys, people
from attenda.store.database import Connection
from tests.scripted_house import scripted_house
from tests.security.live import Person, add_person

Body = Callable[[House, httpx.AsyncClient], Awaitable[None]]


def _with_client(home: Path, body: Body) -> None:
    def endless(_: object) -> str:
        return "word " * 400

    async def run() -> None:
        async with scripted_house(home, endless, pause_s=0.02) as (house, _):
            transport = httpx.ASGITransport(create_app(house), raise_app_exceptions=False)
            base = "http://localhost:80"
            async with httpx.AsyncClient(transport=transport, base_url=base) as client:
                await body(house, client)

    asyncio.run(run())


def _key(c: Connection, house: House, scopes: list[str]) -> dict[str, str]:
    who = people.principal_of(c, people.OWNER_ID)
    return {
        "Authorization": f"Bearer {keys.create_key(c, house.stamps, who, 'k', scopes=scopes)[1]}"
    }


def test_an_empty_owner_key_opens_nothing(home: Path) -> None:
    """A full disk leaves it behind: made, and never written."""
    home.mkdir()
    (home / "owner.key").touch()

    async def body(house: House, client: httpx.AsyncClient) -> None:
        assert (await client.get("/enter")).status_code == 403

    _with_client(home, body)


def test_a_limited_key_does_not_set_up_the_owner(home: Path) -> None:
    async def body(house: House, client: httpx.AsyncClient) -> None:
        headers = await house.database.write(lambda c: _key(c, house, ["chat"]))
        sent = {"email": "evil@example.org", "password": "evil evil evil"}
        answer = await client.post("/api/setup", json=sent, headers=headers)
        assert answer.status_code == 403

    _with_client(home, body)


def test_a_limited_key_revokes_no_other_key(home: Path) -> None:
    async def body(house: House, client: httpx.AsyncClient) -> None:
        headers = await house.database.write(lambda c: _key(c, house, ["chat"]))
        await house.database.write(lambda c: _key(c, house, ["operate"]))
        rows = (await client.get("/api/keys", headers=headers)).json()
        other = next(row["id"] for row in rows if row["scopes"] == ["operate"])
        answer = await client.delete(f"/api/keys/{other}", headers=headers)
        assert answer.status_code == 403

    _with_client(home, body)


@pytest.mark.parametrize("deed", ["disable", "erase"])
def test_a_run_ends_with_the_rights_of_who_asked(home: Path, deed: str) -> None:
    async def body(house: House, client: httpx.AsyncClient) -> None:
        def add(c: Connection) -> Person:
            return add_person(c, house, "ann")

        ann = await house.database.write(add)
        owner = {"Authorization": f"Bearer {house.owner_key}"}
        session = (await client.post("/api/sessions", headers=ann.bearer)).json()["id"]
        asked = f"/api/sessions/{session}/messages"
        await client.post(asked, json={"text": "Tell me."}, headers=ann.bearer)
        if deed == "disable":
            await client.patch(f"/api/users/{ann.id}", json={"disabled": True}, headers=owner)
        else:
            await client.delete(f"/api/users/{ann.id}", headers=owner)
        await asyncio.sleep(1.5)
        assert not house.runs.running(session)

    _with_client(home, body)


def test_a_planted_event_does_not_keep_the_house_shut(home: Path) -> None:
    async def plant(house: House, client: httpx.AsyncClient) -> None:
        owner = {"Authorization": f"Bearer {house.owner_key}"}
        session = (await client.post("/api/sessions", headers=owner)).json()["id"]
        await client.post(f"/api/sessions/{session}/messages", json={"text": "x"}, headers=owner)
        await house.runs.close()
        for statement in (
            "UPDATE runs SET state = 'running'",
            "UPDATE events SET body = 'planted'",
        ):
            await house.database.write(lambda c, one=statement: c.execute(text(one)))

    async def opens(house: House, client: httpx.AsyncClient) -> None:
        assert (await client.get("/healthz")).status_code == 200

    _with_client(home, plant)
    try:
        _with_client(home, opens)
    except AttendaError:
        pass  # a sentence for the operator would do


@pytest.mark.parametrize("options", [[], ["--json"], ["--origin"]])
def test_settings_are_shown_without_the_databases_password(
    monkeypatch: pytest.MonkeyPatch, options: list[str]
) -> None:
    url = "postgresql://attenda:sw0rdf1sh@localhost/attenda"
    monkeypatch.setenv("ATTENDA_DATABASE", url)
    asked = [sys.executable, "-m", "attenda", "config", "show", *options]
    done = subprocess.run(asked, capture_output=True, text=True)
    assert "postgresql" in done.stdout
    assert "sw0rdf1sh" not in done.stdout + done.stderr
