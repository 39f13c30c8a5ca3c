"""There is exactly one first administrator (R12), however many ask at once, in many processes.

Each way in is tried: the set-up, the link that `attenda up` prints, and one invitation used again
and again. The short form asks 25 times in each of two processes; the long one, 100 in each of
four, five times over.
"""

import asyncio
import collections
import contextlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from attenda.cli.wiring import prepare_home
from attenda.serve.app import create_app
from attenda.store import invitations, people, schema
from attenda.store.database import Connection, Database, open_database
from attenda.store.stamps import Stamps
from attenda.store.upgrade import upgrade_database
from tests.scripted_house import scripted_house
from tests.security.live import PASSWORD

ROOT = Path(__file__).resolve().parents[2]
LONG = [pytest.param(100, 4, number, marks=pytest.mark.long) for number in range(9)]
SIZES = [pytest.param(25, 2, 0), *LONG]


def _setup(c: Connection, key: str, count: int) -> dict[str, Any]:
    return {
        "method": "POST",
        "path": "/api/setup",
        "headers": {"Authorization": f"Bearer {key}"},
        "bodies": [_person(number) for number in range(count)],
    }


def _enter(c: Connection, key: str, count: int) -> dict[str, Any]:
    return {
        "method": "GET",
        "path": f"/enter?key={key}",
        "headers": {},
        "bodies": [None] * count,
    }


def _join(c: Connection, key: str, count: int) -> dict[str, Any]:
    people.ensure_owner(c, Stamps())
    admin = people.principal_of(c, people.OWNER_ID)
    _, token = invitations.invite(c, Stamps(), admin, role="owner")
    return {
        "method": "POST",
        "path": "/api/join",
        "headers": {},
        "bodies": [{**_person(number), "token": token} for number in range(count)],
    }


def _person(number: int) -> dict[str, str]:
    return {"name": f"n{number}", "email": f"n{number}@example.org", "password": PASSWORD}


PATHS: dict[str, tuple[Callable[..., dict[str, Any]], str, str, int, int]] = {
    "setup": (_setup, "200", "409", 1, 1),
    "enter": (_enter, "303", "", -1, 1),
    "join": (_join, "200", "404", 1, 2),
}
"""Path → its plan, status of success, of refusal, how many succeed (-1: all), and how many
administrators there are in the end: the home's owner, and whom the invitation made one."""


def _race(folder: Path, plan: dict[str, Any], workers: int) -> collections.Counter[str]:
    """Ask from several processes at once; how often each status came back."""
    total: collections.Counter[str] = collections.Counter()
    with contextlib.ExitStack() as stack:
        started = []
        for number in range(workers):
            home = folder / f"worker{number}"
            home.mkdir(exist_ok=True)
            (home / "owner.key").write_text(plan["key"])
            bodies = [
                body and {**body, "email": f"w{number}-{body['email']}"} for body in plan["bodies"]
            ]
            process = stack.enter_context(_worker())
            told = {**plan, "home": str(home), "bodies": bodies}
            process.stdin.write(json.dumps(told) + "\n")
            process.stdin.flush()
            started.append(process)
        for process in started:
            assert process.stdout.readline() == "ready\n"
        for process in started:
            process.stdin.write("go\n")
            process.stdin.flush()
        for process in started:
            total.update(json.loads(process.stdout.readline()))
    return total


def _worker() -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.security.setup_worker"]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=ROOT)


def _administrators(c: Connection) -> int:
    counted = select(func.count()).select_from(schema.users).where(schema.users.c.role == "owner")
    return int(c.execute(counted).scalar_one())


@pytest.mark.parametrize(
    "path", [pytest.param(one, marks=pytest.mark.long if one != "setup" else ()) for one in PATHS]
)
@pytest.mark.parametrize(("count", "workers", "again"), SIZES)
def test_one_administrator_however_many_ask(
    tmp_path: Path, database_url: str, path: str, count: int, workers: int, again: int
) -> None:
    del again  # only tells the rounds apart
    make_plan, success, refusal, wins, administrators = PATHS[path]
    key = prepare_home(tmp_path / "key")
    database = open_database(database_url)

    async def look(work: Callable[[Connection], Any]) -> Any:
        return await database.write(work)

    asyncio.run(upgrade_database(database))
    plan = asyncio.run(look(lambda c: make_plan(c, key, count)))
    statuses = _race(tmp_path, {**plan, "key": key, "url": database_url}, workers)
    asked = count * workers
    expected = {success: asked} if wins < 0 else {success: wins, refusal: asked - wins}
    assert statuses == expected
    assert asyncio.run(look(_administrators)) == administrators
    asyncio.run(database.close())


def test_the_race_is_lost_when_the_check_is_not_in_the_statement(
    home: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What Open WebUI did: look first, then write. It must be seen to fail here."""

    def look_then_write(
        c: Connection, stamps: Stamps, name: str, email: str, password: str
    ) -> None:
        if people.is_set_up(c):
            raise people.Conflict("people.already_set_up")
        values = {"email": email, "password_hash": people.hash_password(password)}
        c.execute(schema.users.update().where(schema.users.c.id == people.OWNER_ID).values(values))

    monkeypatch.setattr(people, "set_up_owner", look_then_write)

    async def body() -> int:
        async with scripted_house(home, database=postgres_url) as (house, _):
            transport = httpx.ASGITransport(create_app(house))
            headers = {"Authorization": f"Bearer {house.owner_key}"}
            base = "http://localhost:80"
            async with httpx.AsyncClient(transport=transport, base_url=base) as client:
                asked = [
                    client.post("/api/setup", json=_person(number), headers=headers)
                    for number in range(20)
                ]
                answers = await asyncio.gather(*asked)
        return [answer.status_code for answer in answers].count(200)

    assert asyncio.run(body()) > 1


def test_an_administrator_may_not_take_an_email_in_use(home: Path, database_url: str) -> None:
    """An invited person may be there before the set-up; the answer is a sentence, not a crash."""

    async def body() -> None:
        async with scripted_house(home, database=database_url) as (house, _):
            await house.database.write(lambda c: _invite_and_join(c, house.stamps))
            transport = httpx.ASGITransport(create_app(house))
            headers = {"Authorization": f"Bearer {house.owner_key}"}
            base = "http://localhost:80"
            async with httpx.AsyncClient(transport=transport, base_url=base) as client:
                answer = await client.post("/api/setup", json=_person(1), headers=headers)
                assert answer.status_code == 409
                assert answer.json()["error"]["key"] == "people.email_taken"
                answer = await client.post("/api/setup", json=_person(2), headers=headers)
                assert answer.status_code == 200

    asyncio.run(body())


def _invite_and_join(c: Connection, stamps: Stamps) -> None:
    admin = people.principal_of(c, people.OWNER_ID)
    _, token = invitations.invite(c, stamps, admin)
    invitations.accept_invitation(c, stamps, token, "n", _person(1)["email"], PASSWORD)


def test_the_owners_row_is_made_once_by_many_processes(database: Database) -> None:
    async def body() -> None:
        stamps = Stamps()
        await asyncio.gather(
            *(database.write(lambda c: people.ensure_owner(c, stamps)) for _ in range(20))
        )
        assert await database.read(_administrators) == 1

    asyncio.run(body())
