"""A depot with automations, at work: its house, its runs, its clock, a supplier that answers."""

import asyncio
import contextlib
import itertools
import json
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from attenda.api import Message, Pack, Principal
from attenda.cli.packs import load_pack
from attenda.runtime.house import House
from attenda.store import automation_forms as forms
from attenda.store import automation_runs as runs
from attenda.store.stamps import Stamps
from tests.scripted_house import scripted_house

__all__ = ["ANA", "Clock", "Depot", "Supplier", "depot"]

ANA = Principal(id="usr_owner", role="owner")
FOLDER = Path(__file__).parent.parent / "packs" / "depot"


@dataclass
class Clock:
    """A clock that is set by hand."""

    now: int

    def stamps(self) -> Stamps:
        ids = itertools.count(self.now)
        return Stamps(lambda: self.now, ids.__next__)

    def move(self, *, hours: float) -> None:
        self.now += int(hours * 3_600_000_000)


@dataclass
class Depot:
    """The house, and short ways to its runs."""

    house: House

    async def start(self, name: str, **values: Any) -> str:
        return await self.house.automations.start(ANA, name, values)

    async def until(self, run_id: str, *states: str) -> runs.RunRow:
        """The run, once it is in one of these states."""
        async with asyncio.timeout(60):
            while True:
                row = await self.run(run_id)
                if row.state in states:
                    return row
                if row.state in ("done", "failed", "cancelled"):
                    raise AssertionError(f"{row.state}: {row.problem} {row.result}")
                await asyncio.sleep(0.01)

    async def run(self, run_id: str) -> runs.RunRow:
        return await self.house.database.read(lambda c: runs.read_run(c, run_id))

    async def runs_of(self, name: str) -> list[runs.RunRow]:
        return await self.house.database.read(lambda c: runs.list_runs(c, ANA, name))

    async def begun_by_files(self, name: str, count: int) -> list[runs.RunRow]:
        """Its runs, once there are so many; it looks until then, and twice more."""
        async with asyncio.timeout(60):
            while len(await self.runs_of(name)) < count:
                await self.house.automations._look_at_folders()
        for _ in range(2):
            await self.house.automations._look_at_folders()
        found = await self.runs_of(name)
        assert len(found) == count
        return found

    async def steps(self, run_id: str) -> dict[str, runs.StepRow]:
        found = await self.house.database.read(lambda c: runs.list_steps(c, run_id))
        return {one.step: one for one in found}

    async def rows(self, table: str) -> list[dict[str, Any]]:
        from attenda.store.pack_tables import Rows

        made = self.house.packs["depot"].executor._tables[table]
        return await self.house.database.read(lambda c: Rows(c, made).find())

    async def form(self) -> forms.FormRow:
        now = self.house.stamps.now()
        found = await self.house.database.read(lambda c: forms.list_forms(c, ANA, now))
        assert len(found) == 1
        return found[0]


@contextlib.asynccontextmanager
async def depot(
    home: Path,
    script: Sequence[str] | Callable[[Sequence[Message]], str] = (),
    *,
    stamps: Stamps | None = None,
    pack: Pack | None = None,
    database: str = "",
) -> AsyncIterator[Depot]:
    """A depot over `home`."""

    async def understand(_said: object) -> list[Any]:
        return []

    packs = [pack or load_pack(FOLDER)]
    opening = scripted_house(
        home, script, packs=packs, understand=understand, stamps=stamps, database=database
    )
    async with opening as (house, _):
        yield Depot(house)


@dataclass
class Supplier:
    """Another program, which takes webhooks: what it was sent, and what it answers in turn."""

    answers: list[int]
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    @contextlib.asynccontextmanager
    async def listen(self) -> AsyncIterator[int]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        async with server:
            yield server.sockets[0].getsockname()[1]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in head[1:] if ": " in line)
        raw = {
            line.split(": ", 1)[0].lower(): line.split(": ", 1)[1]
            for line in head[1:]
            if ": " in line
        }
        body = await reader.readexactly(int(headers["content-length"]))
        self.got.append((raw, body))
        status = self.answers.pop(0) if self.answers else 200
        answer = json.dumps({"taken": status == 200}).encode()
        writer.write(f"HTTP/1.1 {status} x\r\ncontent-length: {len(answer)}\r\n\r\n".encode())
        writer.write(answer)
        await writer.drain()
        writer.close()
