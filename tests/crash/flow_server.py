"""A house to be killed: deeds by flows, by the tool loop and by automations, and all its people."""

import asyncio
import json
import os
import signal
from multiprocessing.connection import Connection
from pathlib import Path

import dbos  # noqa: F401 - loaded once, before the forks

from attenda.cli.owner import listen_local, serve_house
from attenda.runtime.house import House
from attenda.store import keys, people, schema
from attenda.store.database import Connection as Rows
from tests.crash.deeds import World, pack
from tests.crash.kinds import SECRET, spoken
from tests.runtime.test_flows import understand
from tests.scripted_house import scripted_house

__all__ = ["BOSSES", "PROGRAMS", "STAFF", "prepare", "run"]

STAFF = ("usr_sam", "usr_kim", "usr_lee")
BOSSES = ("usr_eve", "usr_bob")
"""They approve."""
PROGRAMS = ("usr_p0", "usr_p1", "usr_p2")
"""They begin automations."""


def opened(home: Path, world: Path, url: str, kinds: Path) -> object:
    packs = [pack(World(world), lambda point: None, "loopdeeds")]
    packs.append(pack(World(world), lambda point: None, "deeds", kinds))
    return scripted_house(home, spoken, database=url, packs=packs, understand=understand)


def prepare(home: Path, world: Path, url: str, kinds: Path, customers: int) -> None:
    """Make the home and its people; their keys go into `people.json`."""

    async def body() -> None:
        async with opened(home, world, url, kinds) as (house, _):  # type: ignore[attr-defined]
            secrets = await house.database.write(lambda c: enter(c, house, customers))
            (home / "people.json").write_text(json.dumps(secrets))

    asyncio.run(body())


def enter(connection: Rows, house: House, customers: int) -> dict[str, str]:
    """Rows and keys of everybody; a customer may chat and no more."""
    secrets = {}
    names = [f"usr_c{n}" for n in range(customers)]
    for name in (*names, *STAFF, *BOSSES, *PROGRAMS):
        role = "owner" if name in BOSSES + PROGRAMS else "agent"
        row = {"id": name, "name": name, "role": role, "created_at": house.stamps.now()}
        connection.execute(schema.users.insert().values(**row))
        who = people.principal_of(connection, name)
        scopes = ["chat"] if name in names else None
        _, secrets[name] = keys.create_key(connection, house.stamps, who, "test", scopes=scopes)
    return secrets


def run(home: Path, _most_bytes: int, ready: Connection, world: str, url: str, kinds: str) -> None:
    os.environ["CRASH_SECRET"] = SECRET.decode()
    asyncio.run(serve(home, ready, opened(home, Path(world), url, Path(kinds))))


async def serve(home: Path, ready: Connection, opening: object) -> None:
    ending = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ending.set)
    async with opening as (house, _):  # type: ignore[attr-defined]
        async with serve_house(house, [listen_local(home / "attenda.sock")]):
            ready.send("ready")
            await ending.wait()
