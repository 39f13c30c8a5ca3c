"""A small web on loopback: a site that stands for the public internet, and canaries inside."""

import asyncio
import contextlib
import ipaddress
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

import httpx

from attenda.knowledge import web
from attenda.knowledge.address import Ip

__all__ = ["PUBLIC", "PUBLIC_6", "Canary", "Site", "canary", "names", "public_site"]

PUBLIC = ipaddress.ip_address("93.184.215.14")
PUBLIC_6 = ipaddress.ip_address("2606:2800:21f:cb07:6820:80da:af6b:8b2c")

_plainly = web.connect
"""As it is before a test puts the site in its place."""
Answer = tuple[int, dict[str, str], bytes]


@dataclass
class Canary:
    """Servers inside; each connection is a hit."""

    port: int = 0
    hits: list[str] = field(default_factory=list)


@dataclass
class Site:
    """The public site, what it was asked, and the transport that leads to it."""

    port: int = 0
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    """Target and headers of each request."""
    bodies: list[bytes] = field(default_factory=list)
    """What came with each request."""
    requests: list[httpx.Request] = field(default_factory=list)
    """The requests as they were handed to the transport."""
    pages: dict[str, Answer | Callable[[], Answer]] = field(default_factory=dict)

    def connector(self) -> httpx.AsyncBaseTransport:
        return _Mapped(self)


class _Mapped(httpx.AsyncBaseTransport):
    """Leads the public addresses to the site, and every other where it says: to the canaries."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._inner = _plainly()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self._site.requests.append(request)
        if request.url.host in (str(PUBLIC), str(PUBLIC_6)):
            request = httpx.Request(
                request.method,
                request.url.copy_with(scheme="http", host="127.0.0.1", port=self._site.port),
                headers=request.headers,
                stream=request.stream,
                extensions={},
            )
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        await self._inner.aclose()


@contextlib.asynccontextmanager
async def canary() -> AsyncIterator[Canary]:
    """One port of this machine, on every address it has that means itself."""
    found = Canary()

    async def hit(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        found.hits.append(str(writer.get_extra_info("sockname")))
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nContent-Type: text/plain\r\n\r\nsecret"
        )
        await writer.drain()
        writer.close()

    async with contextlib.AsyncExitStack() as stack:
        server = await asyncio.start_server(hit, "0.0.0.0", 0)
        await stack.enter_async_context(server)
        found.port = server.sockets[0].getsockname()[1]
        with contextlib.suppress(OSError):
            six = await asyncio.start_server(hit, "::1", found.port, family=socket.AF_INET6)
            await stack.enter_async_context(six)
        yield found


@contextlib.asynccontextmanager
async def public_site() -> AsyncIterator[Site]:
    """The site: `/to?x=URL` redirects, other paths are its pages."""
    site = Site()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            target = head[0].split(" ")[1]
            pairs = (line.partition(": ") for line in head[1:] if line)
            given = {name.lower(): value for name, _, value in pairs}
            site.asked.append((target, given))
            site.bodies.append(await reader.readexactly(int(given.get("content-length", 0))))
            status, headers, body = _page(site, target)
            lines = [f"HTTP/1.1 {status} Status"]
            headers = {"Content-Length": str(len(body)), **headers}
            lines += [f"{name}: {value}" for name, value in headers.items()]
            writer.write("\r\n".join([*lines, "", ""]).encode("utf-8") + body)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        site.port = server.sockets[0].getsockname()[1]
        yield site


def _page(site: Site, target: str) -> Answer:
    if target.startswith("/to?"):
        (location,) = parse_qs(urlsplit(target).query, keep_blank_values=True)["x"]
        location = location.replace("\r", "").replace("\n", "")
        return 302, {"Location": location}, b""
    page = site.pages.get(target, (404, {}, b"nothing here"))
    return page() if callable(page) else page


def names(table: dict[str, Sequence[Sequence[str]]]) -> tuple[web.Resolver, list[str]]:
    """A resolver that answers from a table, each look-up the next entry; and who was looked up."""
    looked: list[str] = []

    async def resolver(host: str, port: int) -> list[Ip]:
        looked.append(host)
        answers = table.get(host)
        if answers is None:
            raise OSError("no such host")
        turn = min(looked.count(host), len(answers)) - 1
        return [ipaddress.ip_address(one) for one in answers[turn]]

    return resolver, looked
