"""A served installation with a scripted model: over TCP in a thread, or in the test's own loop.

It also seeds the people and rows that security tests look for. It knows no attack.
"""

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import select

from attenda.api import Principal
from attenda.cli.owner import listen_tcp, serve_house
from attenda.runtime.house import House
from attenda.serve.gate import COOKIE
from attenda.store import keys, people, schema, sessions
from attenda.store.database import Connection
from tests.scripted_house import scripted_house

__all__ = ["PASSWORD", "Person", "Served", "add_person", "rows_of_all", "serve", "served"]

PASSWORD = "correct horse battery"
T = TypeVar("T")


@dataclass(frozen=True)
class Person:
    """Somebody with a sign-in and a key."""

    id: str
    email: str
    who: Principal
    token: str
    key: str
    key_id: str

    @property
    def cookie(self) -> dict[str, str]:
        """The header of their browser."""
        return {"Cookie": f"{COOKIE}={self.token}"}

    @property
    def bearer(self) -> dict[str, str]:
        """The header of their scripts."""
        return {"Authorization": f"Bearer {self.key}"}


def add_person(
    c: Connection, house: House, name: str, role: str = "agent", teams: frozenset[str] = frozenset()
) -> Person:
    """A person with a password, a sign-in and a key."""
    user_id, email = f"usr_{name}", f"{name}@example.org"
    password = people.hash_password(PASSWORD)
    values = {"id": user_id, "email": email, "role": role, "password_hash": password}
    c.execute(schema.users.insert().values(**values, created_at=house.stamps.now()))
    if teams:
        admin = people.principal_of(c, people.OWNER_ID)
        people.set_teams(c, house.stamps, admin, user_id, set(teams))
    who = people.principal_of(c, user_id)
    key_id, key = keys.create_key(c, house.stamps, who, "test")
    return Person(user_id, email, who, keys.sign_in(c, house.stamps, user_id), key, key_id)


def rows_of_all(c: Connection) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, to see whether anything changed."""
    return {
        table.name: sorted(tuple(map(repr, row)) for row in c.execute(select(table)))
        for table in schema.metadata.sorted_tables
    }


@contextlib.asynccontextmanager
async def serve(house: House) -> AsyncIterator[str]:
    """The house on a free port of this machine; its address."""
    with contextlib.closing(listen_tcp("127.0.0.1", 0)) as listener:
        async with serve_house(house, [listener]):
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@dataclass
class Served:
    """An installation that runs in a thread of its own, for tests that drive a browser."""

    house: House
    address: str
    loop: asyncio.AbstractEventLoop = field(repr=False)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.address.rpartition(":")[2])

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine in the installation's own loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(60)

    def write(self, work: Callable[[Connection], T]) -> T:
        """Change rows."""
        return self.call(self.house.database.write(work))

    def read(self, work: Callable[[Connection], T]) -> T:
        """Read rows."""
        return self.call(self.house.database.read(work))

    def session_of(self, person: Person, title: str) -> str:
        """A new session with a title; its id."""

        def make(c: Connection) -> str:
            made = sessions.create_session(c, self.house.stamps, person.who)
            sessions.update_session(c, person.who, made.id, title=title)
            return made.id

        return self.write(make)


@contextlib.contextmanager
def served(home: Path, **options: Any) -> Iterator[Served]:
    """An installation in a thread; `options` go to `scripted_house`."""
    ready: list[Served] = []
    failed: list[BaseException] = []
    is_up, ending = threading.Event(), asyncio.Event()

    async def body() -> None:
        async with scripted_house(home, **options) as (house, _), serve(house) as address:
            ready.append(Served(house, address, asyncio.get_running_loop()))
            is_up.set()
            await ending.wait()

    def run() -> None:
        try:
            asyncio.run(body())
        except BaseException as problem:  # noqa: BLE001 - told to the test's own thread
            failed.append(problem)
        finally:
            is_up.set()

    thread = threading.Thread(target=run, name="served house")
    thread.start()
    is_up.wait(60)
    try:
        if failed:
            raise failed[0]
        yield ready[0]
    finally:
        if ready:
            with contextlib.suppress(RuntimeError):
                ready[0].loop.call_soon_threadsafe(ending.set)
        thread.join(60)
    if failed:
        raise failed[0]
