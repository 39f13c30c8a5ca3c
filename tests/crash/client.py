"""People at work: `python -m tests.crash.client HOME LOG --users N --seed S`, until SIGTERM.

Each writes down what was acknowledged, and only that: a line of the log is on disk before its
writer goes on. Whoever gets no answer tries something new once the server is back; nothing is
sent twice.
"""

import argparse
import asyncio
import hashlib
import json
import os
import random
import signal
from pathlib import Path
from typing import Any

import httpx

__all__ = ["People", "client_of"]


def client_of(home: Path, key: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=httpx.AsyncHTTPTransport(uds=str(home / "attenda.sock"), verify=False),
        base_url="http://attenda",
        headers={"Authorization": f"Bearer {key}"},
        timeout=10.0,
    )


class People:
    """Several users of one home, and the log of what they were told is kept."""

    def __init__(self, home: Path, log: Path, seed: int) -> None:
        self._home = home
        self._log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._seed = seed
        self.stopped = False

    def acknowledge(self, **values: Any) -> None:
        os.write(self._log, json.dumps(values).encode() + b"\n")
        os.fsync(self._log)

    async def work(self, number: int) -> None:
        """One user's day."""
        chance = random.Random(f"{self._seed} {number}")
        key = (self._home / "owner.key").read_text().strip()
        deed = 0
        while not self.stopped:
            try:
                async with client_of(self._home, key) as client:
                    while not self.stopped:
                        deed += 1
                        await self._do(client, chance, f"{number}-{deed}")
            except httpx.HTTPError:
                await asyncio.sleep(0.02)

    async def _do(self, client: httpx.AsyncClient, chance: random.Random, mark: str) -> None:
        deed = chance.random()
        if deed < 0.65:
            await self._talk(client, mark)
        elif deed < 0.75:
            await self._hand_in(client, mark)
        else:
            answer = await client.post("/api/keys", json={"name": f"key {mark}"})
            if answer.status_code in (200, 201):
                self.acknowledge(kind="key", id=answer.json()["id"])
            else:
                self.acknowledge(kind="refused", status=answer.status_code, body=answer.text)

    async def _talk(self, client: httpx.AsyncClient, mark: str) -> None:
        answer = await client.post("/api/sessions")
        if answer.status_code != 201:
            self.acknowledge(kind="refused", status=answer.status_code, body=answer.text)
            return
        session = answer.json()["id"]
        self.acknowledge(kind="session", id=session)
        for turn in range(2):
            text = f"What does the paper say about the fee of {mark} {turn}?"
            answer = await client.post(f"/api/sessions/{session}/messages", json={"text": text})
            if answer.status_code != 202:
                self.acknowledge(kind="refused", status=answer.status_code, body=answer.text)
                return
            body = answer.json()
            self.acknowledge(
                kind="message", id=body["user_message_id"], session=session, text=text,
                answer=body["message_id"], run=body["run_id"],
            )  # fmt: skip
            async with client.stream(
                "GET", f"/api/sessions/{session}/events", params={"after": body["after"]}
            ) as stream:
                async for _ in stream.aiter_bytes():
                    pass

    async def _hand_in(self, client: httpx.AsyncClient, mark: str) -> None:
        text = f"# Paper {mark}\n\nThe fee of paper {mark} is paid in dollars.\n" * 8
        files = {"files": (f"{mark}.md", text.encode())}
        answer = await client.post("/api/documents", files=files)
        rows = answer.json() if answer.status_code == 202 else []
        for row in rows:
            if row["outcome"] == "queued":
                digest = hashlib.sha256(text.encode()).hexdigest()
                self.acknowledge(kind="document", id=row["document_id"], sha256=digest)
            else:
                self.acknowledge(kind="refused", status=202, body=json.dumps(row))
        if not rows:
            self.acknowledge(kind="refused", status=answer.status_code, body=answer.text)


async def main(home: Path, log: Path, users: int, seed: int) -> None:
    people = People(home, log, seed)
    loop = asyncio.get_running_loop()
    tasks = [asyncio.create_task(people.work(number)) for number in range(users)]

    def stop() -> None:
        for task in tasks:
            task.cancel()

    loop.add_signal_handler(signal.SIGTERM, stop)
    await asyncio.gather(*tasks, return_exceptions=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("home", type=Path)
    parser.add_argument("log", type=Path)
    parser.add_argument("--users", type=int, default=6)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    asyncio.run(main(options.home, options.log, options.users, options.seed))
