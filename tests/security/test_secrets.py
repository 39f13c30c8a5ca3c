"""Keys and passwords do not leak (R11): they are stored as hashes, and nothing repeats them.

One installation is used through every door with known secrets; then all that it wrote, answered,
logged and started is searched for them, as they are and in the forms that escaping makes.
"""

import asyncio
import base64
import json
import logging
import os
import secrets
import subprocess
import sys
import time
import urllib.parse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from attenda.runtime.house import House
from attenda.serve.app import create_app
from attenda.serve.gate import COOKIE
from attenda.store import keys, people, privacy, schema
from attenda.store.audit import audit_rows
from attenda.store.database import Connection
from tests.scripted_house import scripted_house

PASSWORD = "Pw-üñ-9f3c1-correct horse"
OTHER = "Pw-77d02-another battery"


@dataclass
class Seeds:
    """The secrets of one installation."""

    secrets: dict[str, str]
    answers: list[str]
    """Every answer, but for the one that shows a new secret once."""


async def _use(house: House, client: httpx.AsyncClient) -> Seeds:
    """Go through every door with a secret in hand, rightly and wrongly."""
    seeds = Seeds({"password": PASSWORD, "other": OTHER, "owner key": house.owner_key}, [])
    owner = {"Authorization": f"Bearer {house.owner_key}"}

    async def ask(method: str, path: str, shows: str = "", **options: Any) -> httpx.Response:
        answer = await client.request(method, path, **options)
        if shows:
            seeds.secrets[f"{shows} of {path}"] = answer.json()[shows]
        else:
            seeds.answers.append(f"{method} {path} {answer.status_code} {answer.text}")
        for name, value in answer.cookies.items():
            seeds.secrets[f"{name} of {path} {len(seeds.secrets)}"] = value
        client.cookies.clear()
        return answer

    person = {"name": "o", "email": "o@example.org", "password": PASSWORD}
    await ask("POST", "/api/setup", json=person, headers=owner)
    await ask("POST", "/api/setup", json=person, headers=owner)
    await ask("GET", f"/enter?key={house.owner_key}")
    await ask("POST", "/api/sign-in", json={"email": "o@example.org", "password": PASSWORD})
    await ask("POST", "/api/sign-in", json={"email": "o@example.org", "password": OTHER})
    await ask("POST", "/api/sign-in", json={"email": ["o"], "password": [PASSWORD]})
    await ask("POST", "/api/sign-in", json={"email": "o" * 300, "password": PASSWORD})
    await ask("POST", "/api/sign-in", json={"email": PASSWORD, "password": PASSWORD})
    made = await ask("POST", "/api/keys", shows="secret", json={"name": "k"}, headers=owner)
    key = {"Authorization": f"Bearer {made.json()['secret']}"}
    link = await ask("POST", "/api/invitations", shows="token", json={}, headers=key)
    joining = {"token": link.json()["token"], "email": "bad", "password": OTHER}
    await ask("POST", "/api/join", json=joining)
    await ask("POST", "/api/join", json={**joining, "token": [joining["token"]]})
    await ask("POST", "/api/join", json={**joining, "email": "p@example.org"})
    await ask("POST", "/api/join", json={**joining, "email": "q@example.org"})
    cookie = next(value for name, value in seeds.secrets.items() if name.startswith(COOKIE))
    for headers in (owner, key, {"Cookie": f"{COOKIE}={cookie}"}, {"Authorization": "Bearer x"}):
        for path in ("me", "me/export", "users", "keys", "audit", "sessions", "teams"):
            await ask("GET", f"/api/{path}", headers=headers)
        for path in ("/", "/documents", "/openapi.json", "/nothing"):
            await ask("GET", path, headers=headers)
        await ask("PATCH", "/api/users/nobody", json={"role": "viewer"}, headers=headers)
    await ask("POST", "/api/sign-out", headers={"Cookie": f"{COOKIE}={cookie}"})
    await ask("DELETE", f"/api/keys/{made.json()['id']}", headers=key)
    return seeds


def _forms(secret: str) -> set[bytes]:
    """A secret as it is, and as escaping would write it."""
    raw = secret.encode()
    escaped = json.dumps(secret)[1:-1].encode()
    return {
        raw,
        escaped,
        urllib.parse.quote(secret).encode(),
        base64.b64encode(raw),
        raw.hex().encode(),
    }


def _found(seeds: Seeds, place: str, data: bytes) -> list[str]:
    return [
        f"{name} in {place}"
        for name, secret in seeds.secrets.items()
        if any(form in data for form in _forms(secret))
    ]


def _written(home: Path) -> list[tuple[str, bytes]]:
    """Every file of the home but the key's own."""
    return [
        (path.name, path.read_bytes())
        for path in home.rglob("*")
        if path.is_file() and path.name != "owner.key"
    ]


def _everything(c: Connection) -> str:
    rows = [repr(tuple(row)) for t in schema.metadata.sorted_tables for row in c.execute(select(t))]
    people_ = [privacy.export_person(c, user.id) for user in people.list_users(c)]
    return "\n".join([*rows, json.dumps(people_), *map(repr, audit_rows(c, 1000))])


def test_no_secret_is_repeated_anywhere(
    home: Path, database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    leaks: list[str] = []

    async def body() -> None:
        async with scripted_house(home, database=database_url) as (house, _):
            transport = httpx.ASGITransport(create_app(house))
            base = "http://localhost:80"
            async with httpx.AsyncClient(transport=transport, base_url=base) as client:
                seeds = await _use(house, client)
            assert len(seeds.secrets) >= 8, "too few secrets were made to prove anything"
            leaks.extend(_found(seeds, "rows", (await house.database.read(_everything)).encode()))
            for answer in seeds.answers:
                path = answer.split(" ")[1].partition("?")[0]
                leaks.extend(
                    _found(seeds, path, answer.partition(" ")[2].partition(" ")[2].encode())
                )
            for name, data in _written(home.parent):
                leaks.extend(_found(seeds, name, data))
            ours = [r for r in caplog.records if r.name.split(".")[0] not in ("httpx", "httpcore")]
            assert ours, "nothing was logged, so nothing is proved"
            logged = "\n".join(map(logging.Formatter().format, ours))  # the test's client aside
            leaks.extend(_found(seeds, "log", logged.encode()))

    asyncio.run(body())
    assert leaks == []


def test_the_search_finds_what_is_there(home: Path) -> None:
    seeds = Seeds({"password": PASSWORD}, [])
    for form in _forms(PASSWORD):
        assert _found(seeds, "file", b"\x00" + form + b"\x00")
    home.mkdir()
    (home / "x").write_text(PASSWORD)
    assert [name for name, data in _written(home) if _found(seeds, name, data)] == ["x"]


def test_what_is_stored_is_a_hash(home: Path) -> None:
    async def body() -> None:
        async with scripted_house(home) as (house, _):
            stamps = house.stamps

            def make(c: Connection) -> tuple[str, str]:
                people.set_up_owner(c, stamps, "o", "o@example.org", PASSWORD)
                who = people.principal_of(c, people.OWNER_ID)
                return keys.create_key(c, stamps, who, "k")[1], keys.sign_in(c, stamps, who.id)

            key, token = await house.database.write(make)

            def look(c: Connection) -> None:
                stored = c.execute(select(schema.users.c.password_hash)).scalar_one()
                assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
                assert c.execute(select(schema.keys.c.secret_hash)).scalar_one() == (
                    people.hash_token(key)
                )
                assert c.execute(select(schema.logins.c.token_hash)).scalar_one() == (
                    people.hash_token(token)
                )

            await house.database.read(look)
            for secret in (key.removeprefix(keys.KEY_PREFIX), token, house.owner_key):
                assert len(base64.urlsafe_b64decode(secret + "=")) >= 32, "fewer than 256 bits"

    asyncio.run(body())


def test_files_are_the_owners_alone(home: Path) -> None:
    async def body() -> None:
        async with scripted_house(home):
            for name in ("owner.key", "attenda.db"):
                assert (home / name).stat().st_mode & 0o077 == 0, name
            assert home.stat().st_mode & 0o077 == 0

    old = os.umask(0)
    try:
        asyncio.run(body())
    finally:
        os.umask(old)


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="there is no /proc here")
def test_no_process_is_named_with_a_secret(home: Path, weights_home: Path) -> None:
    """What `attenda up` and its children are called, any user of the machine can read."""
    home.mkdir()
    (home / "models").symlink_to(weights_home / "models")
    key = f"seed-{secrets.token_urlsafe(24)}"
    (home / "owner.key").write_text(key)
    command = [sys.executable, "-m", "attenda", "up", "--port", "0", "--no-open"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert "ready" in process.stdout.readline()
            while len(family := _family(process.pid)) < 2:  # the models' processes start by and by
                assert process.poll() is None
                time.sleep(0.1)
            assert all(key.encode() not in _command_line(pid) for pid in family)
        finally:
            process.terminate()
            process.communicate()


def _family(pid: int) -> list[int]:
    """A process and what its main thread started, and so on."""
    children = Path(f"/proc/{pid}/task/{pid}/children")
    below = [int(child) for child in children.read_text().split()]
    return [pid, *(one for child in below for one in _family(child))]


def _command_line(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()
