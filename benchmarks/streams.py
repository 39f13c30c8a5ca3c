"""Readers of running answers: how late words are, and whether any is lost.

    python benchmarks/streams.py [--streams 500] [--rate 10] [--seconds 60] [--arrive 30]
        [--pdf FILE --weights HOME]

Starts the app in a process of its own with a model whose every word is the time it was said,
opens the streams as real HTTP connections from this process, and compares what each reader got
with what the model said and with what was stored. People come one after another within `--arrive`
seconds; `--pdf` hands a document in once all are there. Prints one JSON object; lateness in
milliseconds, memory of the app in megabytes.
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
from attenda.cli.server import run_loop, settle
from attenda.cli.wiring import open_house
from attenda.core.config import Settings
from attenda.llm.loaded import LoadedModels

__all__ = ["main"]


class Clock:
    """A model whose words are the moments they are said at."""

    name = "clock"
    context_tokens = 1_000_000
    languages = frozenset({"en"})
    calls_tools = False

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
    if not (home / "models").exists():
        models.register_embedder(ScriptedEmbedder())
    async with open_house(Settings(home=home, model="clock"), models) as house:
        listener = listen_tcp("127.0.0.1", 0)
        async with serve_house(house, [listener]):
            settle()
            print(
                json.dumps({"port": listener.getsockname()[1], "key": house.owner_key}), flush=True
            )
            await asyncio.to_thread(sys.stdin.read)


class Caller:
    """One connection that is kept: JSON in, JSON out, as little work as may be."""

    def __init__(self, port: int, key: str) -> None:
        self._head = f"Host: 127.0.0.1:{port}\r\nAuthorization: Bearer {key}\r\n"
        self._port = port

    async def open(self) -> "Caller":
        """Connect."""
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        return self

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        """Ask, and read the answer."""
        await self._send(method, path, json.dumps(body or {}).encode())
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = int(re.search(rb"content-length: (\d+)", head, re.IGNORECASE).group(1))  # type: ignore[union-attr]
        answer = json.loads(await self._reader.readexactly(length))
        assert head.startswith(b"HTTP/1.1 2"), answer
        return answer

    async def follow(self, path: str, late: list[float]) -> str:
        """Read a stream: the text it gave; each word's lateness goes into `late`."""
        await self._send("GET", path, b"")
        text = ""
        while line := await self._reader.readline():
            if line.startswith(b"data: "):
                event = json.loads(line[6:])
                if event["type"] == "text":
                    fresh = event["text"][max(0, len(text) - event["at"]) :]
                    now = time.monotonic_ns()
                    late.extend((now - int(ns)) / 1e6 for ns in re.findall(r":(\d+) ", fresh))
                    text += fresh
                elif event["type"] == "run.finished":
                    break
        self._writer.close()
        return text

    async def _send(self, method: str, path: str, body: bytes) -> None:
        head = f"{method} {path} HTTP/1.1\r\n{self._head}Content-Type: application/json\r\n"
        self._writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        await self._writer.drain()


async def one_person(port: int, key: str, late: list[float], wait_s: float) -> bool:
    """Ask, read to the end, compare with what was stored; whether all was right."""
    await asyncio.sleep(wait_s)
    caller = await Caller(port, key).open()
    made = (await caller.call("POST", "/api/sessions"))["id"]
    started = await caller.call("POST", f"/api/sessions/{made}/messages", {"text": "go"})
    path = f"/api/sessions/{made}/events?after={started['after']}"
    text = await caller.follow(path, late)
    caller = await Caller(port, key).open()
    stored = (await caller.call("GET", f"/api/sessions/{made}"))["messages"][-1]["text"]
    numbers = [int(n) for n in re.findall(r"(\d+):", text)]
    return text == stored and numbers == list(range(len(numbers))) and bool(numbers)


async def load(chosen: argparse.Namespace, port: int, key: str, pid: int) -> dict[str, Any]:
    """All readers at once."""
    late: list[float] = []
    people = [
        asyncio.create_task(one_person(port, key, late, number * chosen.arrive / chosen.streams))
        for number in range(chosen.streams)
    ]
    if chosen.pdf:
        await asyncio.sleep(chosen.arrive)
        async with httpx.AsyncClient(headers={"Authorization": f"Bearer {key}"}) as client:
            with chosen.pdf.open("rb") as file:
                files = {"files": (chosen.pdf.name, file)}
                await client.post(f"http://127.0.0.1:{port}/api/documents", files=files)
    right = await asyncio.gather(*people)
    taken_in = await _documents(port, key) if chosen.pdf else {}
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
        **taken_in,
        "memory_mb": int(re.findall(r"VmHWM:\s+(\d+)", status)[0]) // 1024,
    }


async def _documents(port: int, key: str) -> dict[str, Any]:
    """What became of what was handed in, and within how many seconds."""
    caller = await Caller(port, key).open()
    rows = (await caller.call("GET", "/api/documents"))["documents"]
    return {
        "documents": [(row["state"], (row["updated_at"] - row["created_at"]) / 1e6) for row in rows]
    }


def _status(pid: int) -> str:
    return Path(f"/proc/{pid}/status").read_text()


async def run(chosen: argparse.Namespace) -> None:
    """Start the app's process, load it, print the figures."""
    count = int(chosen.rate * chosen.seconds)
    with tempfile.TemporaryDirectory() as home:
        if chosen.weights:
            (Path(home) / "models").symlink_to((chosen.weights / "models").resolve())
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
    parser.add_argument("--arrive", type=float, default=30.0, help="seconds until all have come")
    parser.add_argument("--pdf", type=Path)
    parser.add_argument("--weights", type=Path, help="home of a real embedder for the PDF")
    parser.add_argument("--serve", type=Path)
    parser.add_argument("--count", type=int)
    chosen = parser.parse_args()
    if chosen.serve:
        run_loop(serve(chosen.serve, chosen.rate, chosen.count))
    else:
        asyncio.run(run(chosen))


if __name__ == "__main__":
    main()
