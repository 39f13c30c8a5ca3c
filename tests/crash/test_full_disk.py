"""A full disk: what was acknowledged is stored, reads go on, writes say why, room mends it all."""

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.crash.check import losses
from tests.crash.client import client_of
from tests.crash.server import Server

Room = Callable[[], None]
LIMIT = 1_400_000
TEXT = "What does the paper say about the fee? " * 40


@contextlib.contextmanager
def limited() -> Iterator[tuple[Path, Server, Room]]:
    """No file may grow beyond a limit; the limit is lifted when there is to be room."""
    with tempfile.TemporaryDirectory(prefix="attenda-full-") as name:
        server = Server(Path(name) / "home", LIMIT)
        yield Path(name) / "home", server, lambda: server.send(signal.SIGUSR1)


@contextlib.contextmanager
def small_disk() -> Iterator[tuple[Path, Server, Room]]:
    """A disk of a few megabytes, with something on it that can be deleted."""
    mount = shutil.which("mount")
    if mount is None or os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    with tempfile.TemporaryDirectory(prefix="attenda-disk-") as name:
        command = [mount, "-t", "tmpfs", "-o", "size=6m", "tmpfs", name]
        if subprocess.run(command, capture_output=True).returncode:
            pytest.skip("a small disk cannot be mounted here")
        try:
            ballast = Path(name) / "ballast"
            ballast.write_bytes(bytes(4 << 20))
            yield Path(name) / "home", Server(Path(name) / "home"), ballast.unlink
        finally:
            subprocess.run(["umount", "-l", name], check=True)


@pytest.fixture(params=[limited, small_disk], ids=["limited", "small disk"])
def full(request: pytest.FixtureRequest) -> Iterator[tuple[Path, Server, Room]]:
    with request.param() as (home, server, room):
        server.wait_ready()
        try:
            yield home, server, room
        finally:
            server.end(signal.SIGKILL)


class Person:
    """Asks, hands in and reads; keeps what was acknowledged and what was refused."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client
        self.told: list[dict[str, Any]] = []
        self.refused: list[dict[str, Any]] = []

    async def ask(self, session: str, text: str) -> bool:
        answer = await self.client.post(f"/api/sessions/{session}/messages", json={"text": text})
        if answer.status_code != 202:
            self.refuse(answer)
            return False
        body = answer.json()
        self.told.append(
            {
                "kind": "message", "id": body["user_message_id"], "session": session,
                "text": text.strip(), "answer": body["message_id"], "run": body["run_id"],
            }
        )  # fmt: skip
        stream = self.client.stream(
            "GET", f"/api/sessions/{session}/events", params={"after": body["after"]}
        )
        async with asyncio.timeout(30), stream as events:
            async for _ in events.aiter_bytes():
                pass
        return True

    async def begin(self) -> str | None:
        answer = await self.client.post("/api/sessions")
        if answer.status_code != 201:
            self.refuse(answer)
            return None
        self.told.append({"kind": "session", "id": answer.json()["id"]})
        return str(answer.json()["id"])

    async def hand_in(self, number: int) -> bool:
        text = f"# Paper {number}\n\nThe fee of paper {number} is paid in dollars.\n" * 20
        files = {"files": (f"{number}.md", text.encode())}
        answer = await self.client.post("/api/documents", files=files)
        (row,) = answer.json()
        if row["outcome"] == "refused":
            self.refused.append({"status": 503, **row["error"]})
            return False
        return True

    def refuse(self, answer: httpx.Response) -> None:
        self.refused.append({"status": answer.status_code, **answer.json()["error"]})

    async def read_everything(self, session: str) -> list[int]:
        paths = ("/api/sessions", f"/api/sessions/{session}", "/api/documents", "/api/me")
        answers = [await self.client.get(path) for path in paths]
        answers.append(await self.client.get("/api/search", params={"q": "fee of the paper"}))
        return [answer.status_code for answer in answers]


def test_a_full_disk_and_room_again(full: tuple[Path, Server, Room]) -> None:
    home, server, room = full

    async def body() -> Person:
        async with client_of(home, (home / "owner.key").read_text().strip()) as client:
            person = Person(client)
            session = await person.begin()
            assert session is not None
            assert await person.hand_in(0)
            number = 0
            while len(person.refused) < 12:
                number += 1
                if await person.begin() is not None:
                    await person.ask(session, f"{number} {TEXT}")
                await person.hand_in(number)
                assert await person.read_everything(session) == [200] * 5
                assert number < 500
            assert {one["key"] for one in person.refused} == {"store.disk_full"}
            assert {one["status"] for one in person.refused} == {503}
            assert all("disk is full" in one["message"] for one in person.refused)
            room()
            await works_again(person, session)
        return person

    person = asyncio.run(body())
    server.end()
    assert losses(home, person.told) == []


@contextlib.contextmanager
def filled_at_will() -> Iterator[tuple[Path, Server, Room]]:
    """The disk fills when the test says so."""
    with tempfile.TemporaryDirectory(prefix="attenda-full-") as name:
        server = Server(Path(name) / "home")
        yield Path(name) / "home", server, lambda: server.send(signal.SIGUSR1)


@pytest.mark.parametrize("full", [filled_at_will], indirect=True, ids=[""])
def test_a_disk_that_fills_in_mid_answer(full: tuple[Path, Server, Room]) -> None:
    """The answer ends with a reason, and its chat can be used once there is room."""
    home, server, room = full

    async def body() -> Person:
        async with client_of(home, (home / "owner.key").read_text().strip()) as client:
            person = Person(client)
            session = await person.begin()
            assert session is not None
            asking = asyncio.create_task(person.ask(session, "Tell me at length."))
            while not person.told[1:]:
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.3)
            server.send(signal.SIGUSR2)
            while await person.begin() is not None:
                await asyncio.sleep(0.01)
            await asking  # its stream ends by itself
            assert await person.read_everything(session) == [200] * 5
            room()
            while await person.begin() is None:
                await asyncio.sleep(0.01)
            person.refused.clear()
            await works_again(person, session)
            assert not (await client.get(f"/api/sessions/{session}")).json()["running"]
        return person

    person = asyncio.run(body())
    server.end()
    assert losses(home, person.told) == []


async def works_again(person: Person, old_session: str) -> None:
    """Without a restart: new chats, the old chat, and new documents until they are ready."""
    refused = len(person.refused)
    new = await person.begin()
    assert new is not None
    assert await person.ask(new, "Is there room?")
    assert await person.ask(old_session, "Is there room here too?")
    assert await person.hand_in(100_000)
    assert len(person.refused) == refused
    async with asyncio.timeout(60):
        while True:
            rows = (await person.client.get("/api/documents")).json()["documents"]
            if {row["state"] for row in rows} <= {"ready", "failed"}:
                break
            await asyncio.sleep(0.05)
    assert next(row for row in rows if row["name"] == "100000.md")["state"] == "ready"
