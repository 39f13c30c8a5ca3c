"""An OpenAI-compatible server on loopback that answers well, or with the fault that is asked for.

It is plain asyncio and speaks HTTP/1.1 by hand, since a library would refuse to be this wrong. A
request whose last message names a fault (`[reset]`) gets that fault, each time it is tried.
"""

import asyncio
import contextlib
import json
import re
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["BEFORE_SENDING", "FAULTS", "UNREACHABLE", "Asked", "FaultyServer", "chunk", "serving"]

DRIP_S = 0.05
"""Stands for one second between two bytes."""
WORDS = re.compile(r"\S+\s*")


@dataclass(frozen=True)
class Asked:
    """A request as it came."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: dict[str, Any]


def chunk(delta: Mapping[str, Any] | None = None, **more: Any) -> bytes:
    """The event of one chunk; a delta of none stands for a chunk without choices."""
    choices = [] if delta is None else [{"index": 0, "delta": delta, **more}]
    whole = {"object": "chat.completion.chunk", "choices": choices}
    if delta is None:
        whole |= more
    return b"data: " + json.dumps(whole, ensure_ascii=False).encode() + b"\n\n"


class Wire:
    """One connection: what the server writes, and whether the other side has left."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, server: "FaultyServer"
    ) -> None:
        self.reader, self.writer, self.server = reader, writer, server

    async def head(
        self, status: str = "200 OK", kind: str = "text/event-stream", **more: str
    ) -> None:
        fields = {"content-type": kind, "transfer-encoding": "chunked", "connection": "close"}
        fields |= {name.replace("_", "-"): value for name, value in more.items()}
        lines = [f"HTTP/1.1 {status}", *(f"{name}: {fields[name]}" for name in fields), "", ""]
        self.writer.write("\r\n".join(lines).encode())
        await self.writer.drain()

    async def send(self, data: bytes) -> None:
        self.writer.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        await self.writer.drain()

    async def end(self) -> None:
        self.writer.write(b"0\r\n\r\n")
        await self.writer.drain()

    async def whole(self, data: bytes, status: str = "200 OK", **more: str) -> None:
        await self.head(status, **more)
        await self.send(data)
        await self.end()

    async def say(self, words: str) -> None:
        """One chunk of text, remembered as sent."""
        await self.send(chunk({"content": words}))
        self.server.sent += words

    async def begin(self) -> None:
        """The first half of the answer, as a good server would send it."""
        await self.head()
        await self.send(chunk({"role": "assistant", "content": None}))
        words = WORDS.findall(self.server.answer)
        for word in words[: (len(words) + 1) // 2]:
            await self.say(word)

    async def until_left(self) -> None:
        """Wait until the other side closes the connection."""
        await self.reader.read()
        self.server.left.set()

    def reset(self) -> None:
        """End the connection with an RST."""
        connection: socket.socket = self.writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


async def good(wire: Wire) -> None:
    await wire.head()
    await wire.send(chunk({"role": "assistant", "content": None}))
    for word in WORDS.findall(wire.server.answer):
        await wire.say(word)
    await wire.send(chunk({}, finish_reason="stop"))
    if wire.server.prompt_tokens:
        usage = {"prompt_tokens": wire.server.prompt_tokens, "completion_tokens": 7}
        await wire.send(chunk(None, usage=usage))
    await wire.send(b"data: [DONE]\n\n")
    await wire.end()


async def hang(wire: Wire) -> None:
    await wire.until_left()


async def drip(wire: Wire) -> None:
    await wire.head()
    for byte in chunk({"content": "never heard whole"}):
        await wire.send(bytes([byte]))
        await asyncio.sleep(DRIP_S)


async def reset(wire: Wire) -> None:
    await wire.begin()
    await wire.send(b'data: {"cho')
    wire.reset()


async def no_end(wire: Wire) -> None:
    await wire.begin()
    await wire.end()


async def half_character(wire: Wire) -> None:
    await wire.begin()
    event = chunk({"content": "账户"})
    await wire.send(event[: event.index("户".encode()) + 2])
    await wire.end()


async def half_json(wire: Wire) -> None:
    await wire.begin()
    await wire.send(b'data: {"choices": [{"delta": {"content": "lo')


async def html(wire: Wire) -> None:
    await wire.whole(b"<html><body>Welcome to the router</body></html>", kind="text/html")


async def busy(wire: Wire) -> None:
    await wire.whole(b'{"error": {"message": "slow down"}}', "429 Too Many Requests", kind="json")


async def busy_for_long(wire: Wire) -> None:
    await wire.whole(b"wait", "429 Too Many Requests", kind="text/plain", retry_after="120")


async def storm(wire: Wire) -> None:
    await wire.whole(b'{"error": "out of memory"}', "500 Internal Server Error", kind="json")


async def endless(wire: Wire) -> None:
    await wire.begin()
    while True:
        await wire.say("again ")
        await asyncio.sleep(0)  # `drain` waits for a full buffer only, and others want their turn


async def long_line(wire: Wire) -> None:
    await wire.begin()
    await wire.send(b"data: ")
    for _ in range(50 * 16):
        await wire.send(b"x" * 65536)
        await asyncio.sleep(0)


async def call_tool(wire: Wire, name: str, arguments: str) -> None:
    await wire.begin()
    function = {"name": name, "arguments": arguments}
    call = {"index": 0, "id": "1", "type": "function", "function": function}
    await wire.send(chunk({"tool_calls": [call]}))
    await wire.send(chunk({}, finish_reason="tool_calls"))
    await wire.send(b"data: [DONE]\n\n")
    await wire.end()


async def wrong_tool(wire: Wire) -> None:
    await call_tool(wire, "launch", "{}")


async def wrong_arguments(wire: Wire) -> None:
    await call_tool(wire, "search", '{"query": ')


async def gap(wire: Wire) -> None:
    await wire.begin()
    await wire.until_left()


_BEFORE = (hang, drip, html, busy, busy_for_long, storm)
_AMID = (reset, no_end, half_character, half_json, endless, long_line, gap)
_TOOLS = (wrong_tool, wrong_arguments)
FAULTS: dict[str, Callable[[Wire], Awaitable[None]]] = {
    fault.__name__: fault for fault in (*_BEFORE, *_AMID, *_TOOLS)
}
UNREACHABLE = ("refused", "tls")
"""Faults of the address, not of what is written: see `FaultyServer.url`."""
BEFORE_SENDING = {*UNREACHABLE, *(fault.__name__ for fault in _BEFORE)}
"""Faults before the first word of an answer."""


class FaultyServer:
    """What it says, what it was asked, and what it has sent."""

    def __init__(self) -> None:
        self.answer = "Twelve words are enough for an answer that is cut in its middle. "
        self.prompt_tokens = 0
        """As the usage reports; 0 for no usage."""
        self.sent = ""
        """Text of every chunk that was written whole, over all requests."""
        self.asked: list[Asked] = []
        self.left = asyncio.Event()
        """Set when someone closed a connection that a fault kept open."""
        self.pages: dict[str, Any] = {
            "/v1/models": {"data": [{"id": "m", "context_length": 4096}]},
        }
        """JSON by path, or a function of the request's body; None is a 404."""
        self.chat: Callable[[Wire], Awaitable[None]] = good
        """How requests that name no fault are answered."""
        self.port = 0

    def url(self, fault: str = "") -> str:
        """Where the server is; for a fault of the address, where it is not."""
        if fault == "refused":
            with socket.create_server(("127.0.0.1", 0)) as closed:
                return f"http://127.0.0.1:{closed.getsockname()[1]}/v1"
        return f"{'https' if fault == 'tls' else 'http'}://127.0.0.1:{self.port}/v1"

    async def answer_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Read one request and answer it; whoever leaves early is let go."""
        wire = Wire(reader, writer, self)
        gone = (ConnectionError, asyncio.IncompleteReadError)
        with contextlib.closing(writer), contextlib.suppress(*gone):
            first = await reader.readexactly(1)
            if first == b"\x16":  # a hello of TLS, which a plain server takes for a bad request
                await wire.whole(b"speak HTTP", "400 Bad Request", kind="text/plain")
                return
            asked = await _request(first, reader)
            self.asked.append(asked)
            await self._answer(wire, asked)

    async def _answer(self, wire: Wire, asked: Asked) -> None:
        path = asked.path.partition("?")[0]
        if path == "/v1/chat/completions":
            named = re.search(r"\[(\w+)\]", asked.body["messages"][-1]["content"])
            await (FAULTS[named.group(1)] if named else self.chat)(wire)
            return
        page = self.pages.get(path)
        page = page(asked.body) if callable(page) else page
        status = "404 Not Found" if page is None else "200 OK"
        await wire.whole(json.dumps(page).encode(), status, kind="application/json")


async def _request(first: bytes, reader: asyncio.StreamReader) -> Asked:
    head = (first + await reader.readuntil(b"\r\n\r\n")).decode()
    line, *lines = head.strip().split("\r\n")
    method, path, _ = line.split(" ")
    headers = {name.lower(): value for name, _, value in (one.partition(": ") for one in lines)}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Asked(method, path, headers, json.loads(body or b"{}"))


@contextlib.asynccontextmanager
async def serving() -> AsyncIterator[FaultyServer]:
    """A running server; what it still does is ended with it."""
    faulty = FaultyServer()
    tasks: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(faulty.answer_one(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    listener = await asyncio.start_server(accept, "127.0.0.1", 0)
    faulty.port = listener.sockets[0].getsockname()[1]
    try:
        yield faulty
    finally:
        listener.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
