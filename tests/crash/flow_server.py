"""A house with flows to be killed: the deeds' pack, customers, people of the desk, approvers."""

import asyncio
import json
import signal
from multiprocessing.connection import Connection
from pathlib import Path

from attenda.cli.owner import listen_local, serve_house
from attenda.runtime.house import House
from attenda.store import keys, people, schema
from attenda.store.database import Connection as Rows
from tests.crash.deeds import World, pack
from tests.runtime.test_flows import understand
from tests.scripted_house import scripted_house

__all__ = ["BOSSES", "STAFF", "prepare", "run"]

STAFF = ("usr_sam", "usr_kim", "usr_lee")
BOSSES = ("usr_eve", "usr_bob")
"""They approve."""


def opened(home: Path, world: Path, url: str) -> object:
    made = pack(World(world), lambda point: None, "deeds")
    return scripted_house(
        home, lambda _: "Fine.", database=url, packs=[made], understand=understand
    )


def prepare(home: Path, world: Path, url: str, customers: int) -> None:
    """Make the home and its people; their keys go into `people.json`."""

    async def body() -> None:
        async with opened(home, world, url) as (house, _):  # type: ignore[attr-defined]
            secrets = await house.database.write(lambda c: enter(c, house, customers))
            (home / "people.json").write_text(json.dumps(secrets))

    asyncio.run(body())


def enter(connection: Rows, house: House, customers: int) -> dict[str, str]:
    """Rows and keys of everybody; a customer may chat and no more."""
    secrets = {}
    names = [f"usr_c{n}" for n in range(customers)]
    for name in (*names, *STAFF, *BOSSES):
        role = "owner" if name in BOSSES else "agent"
        row = {"id": name, "name": name, "role": role, "created_at": house.stamps.now()}
        connection.execute(schema.users.insert().values(**row))
        who = people.principal_of(connection, name)
        scopes = ["chat"] if name in names else None
        _, secrets[name] = keys.create_key(connection, house.stamps, who, "test", scopes=scopes)
    return secrets


def run(home: Path, _most_bytes: int, ready: Connection, world: str, url: str) -> None:
    asyncio.run(serve(home, ready, Path(world), url))


async def serve(home: Path, ready: Connection, world: Path, url: str) -> None:
    ending = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ending.set)
    async with opened(home, world, url) as (house, _):  # type: ignore[attr-defined]
        async with serve_house(house, [listen_local(home / "attenda.sock")]):
            ready.send("ready")
            await ending.wait()
