"""Readers of running answers: how late words are, and whether any is lost.

    python benchmarks/streams.py [--streams 500] [--rate 10] [--seconds 60] [--pdf FILE]

Starts the app in a process of its own with a model whose every word is the time it was said,
opens the streams as real HTTP connections from this process, and compares what each reader got
with what the model said and with what was stored. `--pdf` hands a document in meanwhile. Prints
one JSON object; lateness in milliseconds, memory of the app in megabytes.
"""

import argparse
import asyncio
import json
import re
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import Any

import httpx

from attenda.api import Message, ModelChunk, ModelSettings, ScriptedEmbedder, Usage
from attenda.cli.owner import listen_tcp, serve_house
from attenda.cli.server import run_loop
from attenda.cli.wiring import open_house
from attenda.core.config import Settings
from attenda.llm.loaded import LoadedModels

__all__ = ["main"]


class Clock:
    """A model whose words are the moments they are said at."""

    name = "clock"
    context_tokens = 1_000_000
    languages = frozenset({"en"})

    def __init__(self, rate: float, count: int) -> None:
        self.rate, self.count = rate, count

    async def count_tokens(self, messages: Sequence[Message]) -> int:
        return len(messages)

    async def stream(
        self, messages: Sequence[Message], settings: ModelSettings
    ) -> AsyncGenerator[ModelChunk, None]:
        begin = time.monotonic()
        for number in range(self.count):
            await asyncio.sleep(max(0.0, begin + number / self.rate - time.monotonic()))
            yield ModelChunk(text=f"{number}:{time.monotonic_ns()} ")
        yield ModelChunk(text="", stop_reason="stop", usage=Usage(answer_tokens=self.count))

    async def close(self) -> None:
        """Nothing runs behind it."""


async def serve(home: Path, rate: float, count: int) -> None:
    """The app's process: serves until its standard input ends."""
    models = LoadedModels(home, "clock")
    models.register(Clock(rate, count))
    models.register_embedder(ScriptedEmbedder())
    async with open_house(Settings(home=home, model="clock"), models) as house:
        listener = listen_tcp("127.0.0.1", 0)
        async with serve_house(house, [listener]):
            print(
                json.dumps({"port": listener.getsockname()[1], "key": house.owner_key}), flush=True
            )
            await asyncio.to_thread(sys.stdin.read)


async def read_stream(port: int, key: str, path: str, late: list[float]) -> str:
    """One reader: the text it got; each word's lateness goes into `late`."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {key}\r\n\r\n"
    writer.write(head.encode())
    text = ""
    while line := await reader.readline():
        if line.startswith(b"data: "):
            event = json.loads(line[6:])
            if event["type"] == "text":
                fresh = event["text"][max(0, len(text) - event["at"]) :]
                now = time.monotonic_ns()
                late.extend((now - int(ns)) / 1e6 for ns in re.findall(r":(\d+) ", fresh))
                text += fresh
            elif event["type"] == "run.finished":
                break
    writer.close()
    return text


async def one_person(client: httpx.AsyncClient, port: int, key: str, late: list[float]) -> bool:
    """Ask, read to the end, compare with what was stored; whether all was right."""
    made = (await client.post("/api/sessions")).json()["id"]
    started = (await client.post(f"/api/sessions/{made}/messages", json={"text": "go"})).json()
    path = f"/api/sessions/{made}/events?after={started['after']}"
    text = await read_stream(port, key, path, late)
    stored = (await client.get(f"/api/sessions/{made}")).json()["messages"][-1]["text"]
    numbers = [int(n) for n in re.findall(r"(\d+):", text)]
    return text == stored and numbers == list(range(len(numbers))) and bool(numbers)


async def load(chosen: argparse.Namespace, port: int, key: str, pid: int) -> dict[str, Any]:
    """All readers at once."""
    late: list[float] = []
    limits = httpx.Limits(max_connections=50)
    async with httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{port}",
        headers={"Authorization": f"Bearer {key}"},
        timeout=120,
        limits=limits,
    ) as client:
        people = [
            asyncio.create_task(one_person(client, port, key, late)) for _ in range(chosen.streams)
        ]
        if chosen.pdf:
            await asyncio.sleep(5)
            with chosen.pdf.open("rb") as file:
                await client.post("/api/documents", files={"files": (chosen.pdf.name, file)})
        right = await asyncio.gather(*people)
    late.sort()
    expected = chosen.streams * int(chosen.rate * chosen.seconds)
    status = _status(pid)
    return {
        "streams": chosen.streams,
        "words": len(late),
        "lost_or_doubled": expected - len(late),
        "streams_equal_to_stored": sum(right),
        "late_p50": round(late[len(late) // 2], 1),
        "late_p95": round(late[int(len(late) * 0.95)], 1),
        "late_p99": round(late[int(len(late) * 0.99)], 1),
        "late_max": round(late[-1], 1),
        "memory_mb": int(re.findall(r"VmHWM:\s+(\d+)", status)[0]) // 1024,
    }


def _status(pid: int) -> str:
    return Path(f"/proc/{pid}/status").read_text()


async def run(chosen: argparse.Namespace) -> None:
    """Start the app's process, load it, print the figures."""
    count = int(chosen.rate * chosen.seconds)
    with tempfile.TemporaryDirectory() as home:
        words = [sys.executable, __file__, "--serve", home]
        words += ["--rate", str(chosen.rate), "--count", str(count)]
        app = await asyncio.create_subprocess_exec(
            *words, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        assert app.stdin is not None
        assert app.stdout is not None
        ready = json.loads(await app.stdout.readline())
        print(json.dumps(await load(chosen, ready["port"], ready["key"], app.pid)))
        app.stdin.close()
        await app.wait()


def main() -> None:
    """Parse the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--streams", type=int, default=500)
    parser.add_argument("--rate", type=float, default=10.0)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--pdf", type=Path)
    parser.add_argument("--serve", type=Path)
    parser.add_argument("--count", type=int)
    chosen = parser.parse_args()
    if chosen.serve:
        run_loop(serve(chosen.serve, chosen.rate, chosen.count))
    else:
        asyncio.run(run(chosen))


if __name__ == "__main__":
    main()
