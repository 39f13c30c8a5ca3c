"""Brings one page or file from the public web, or hands one body over; never reaches the inside.

The name is looked up here, every address it has is checked, and exactly a checked one is
connected to, with the name kept for TLS and the Host header; so a name that means one thing when
it is checked and another when it is used gains nothing. Redirects are followed by hand, each
checked anew. No proxy, no cookie, no login is used. Time and size are bounded.
"""

import asyncio
import hashlib
import ipaddress
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TypeVar
from urllib.parse import unquote

import httpx

from attenda.core.errors import TooLarge, UserError
from attenda.knowledge.address import Address, Ip, is_public, join_address, parse_address
from attenda.knowledge.parse import UnreadableFile, media_type

__all__ = ["Connector", "Fetched", "Limits", "Resolver", "fetch", "post"]

Resolver = Callable[[str, int], Awaitable[Sequence[Ip]]]
"""A host's name and the port into all of its addresses; raises OSError when there are none."""
Connector = Callable[[], httpx.AsyncBaseTransport]
"""Makes the transport of one request, whose URL names an address and no host."""

_T = TypeVar("_T")
_Ask = Callable[[httpx.AsyncClient, httpx.URL], Awaitable[_T]]

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_ENCODINGS = frozenset({"", "identity", "gzip", "deflate"})
_ENDINGS = {
    "text/html": ("html", "htm", "xhtml"),
    "application/xhtml+xml": ("html", "htm", "xhtml"),
    "text/plain": ("txt", "text", "log", "md", "markdown", "csv", "tsv", "json", "jsonl", "ndjson"),
    "text/markdown": ("md", "markdown"),
    "text/csv": ("csv", "tsv"),
    "application/json": ("json", "jsonl", "ndjson"),
    "application/x-ndjson": ("jsonl", "ndjson"),
    "application/pdf": ("pdf",),
}
"""Endings of names by the type that a server declares; the first is added where none is there."""
_HEAD = 65_536
_MAX_NAME = 200


@dataclass(frozen=True, slots=True)
class Limits:
    """What one fetch may cost and where it may go."""

    max_bytes: int = 20 << 20
    deadline_s: float = 30.0
    ports: frozenset[int] = frozenset({80, 443})
    redirects: int = 5


@dataclass(frozen=True, slots=True)
class Fetched:
    """What was brought."""

    name: str
    """Host and path, with an ending that fits: the same for the same address every time."""
    media_type: str
    """By its content first, as the parser will read it."""
    body: bytes
    final_url: str


@dataclass(frozen=True, slots=True)
class _Answer:
    """The last answer of a chain of redirects."""

    address: Address
    declared: str
    body: bytes


async def fetch(
    url: str,
    limits: Limits = Limits(),
    resolver: Resolver | None = None,
    connector: Connector | None = None,
) -> Fetched:
    """The page or file at `url`.

    Raises:
        UserError: the address may not be fetched, or what is there can't be had or read; the
            sentence says which.
        TooLarge: it is larger than allowed.
    """
    asked = parse_address(url, limits.ports)
    try:
        async with asyncio.timeout(limits.deadline_s):
            answer = await _follow(asked, limits, resolver or resolve, connector or connect)
    except TimeoutError:
        raise UserError("web.too_slow", url=asked, seconds=f"{limits.deadline_s:g}") from None
    name, kind = _named(asked, answer)
    return Fetched(name, kind, answer.body, str(answer.address))


async def post(
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    limits: Limits = Limits(),
    resolver: Resolver | None = None,
    connector: Connector | None = None,
) -> int:
    """Hand a body to a public address; the status of the answer. No redirect is followed.

    Raises:
        UserError: the address may not be reached, or nothing answers there.
    """
    address = parse_address(url, limits.ports)
    sent = {**_headers(address), **headers}

    async def ask(client: httpx.AsyncClient, at: httpx.URL) -> int:
        async with client.stream(
            "POST", at, headers=sent, content=body, extensions=_tls(address)
        ) as response:
            return response.status_code

    try:
        async with asyncio.timeout(limits.deadline_s):
            return await _reach(address, limits, resolver or resolve, connector or connect, ask)
    except TimeoutError:
        raise UserError("web.too_slow", url=address, seconds=f"{limits.deadline_s:g}") from None


async def resolve(host: str, port: int) -> list[Ip]:
    """All addresses of a name, by the system's resolver."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [ipaddress.ip_address(place[0]) for *_, place in found]


def connect() -> httpx.AsyncBaseTransport:
    """A transport of one connection: no proxy, no HTTP/2, nothing kept for another host."""
    once = httpx.Limits(max_connections=1, max_keepalive_connections=0)
    return httpx.AsyncHTTPTransport(verify=_trust(), limits=once, trust_env=False, retries=0)


@cache
def _trust() -> ssl.SSLContext:
    """The authorities that certificates are held to; read once, for that takes a while."""
    return httpx.create_ssl_context(trust_env=False)


async def _follow(
    asked: Address, limits: Limits, resolver: Resolver, connector: Connector
) -> _Answer:
    address = asked
    for _ in range(limits.redirects + 1):
        found = await _ask(address, limits, resolver, connector)
        if isinstance(found, _Answer):
            return found
        address = join_address(address, found, limits.ports)
    raise UserError("web.redirects", url=asked, most=limits.redirects)


async def _ask(
    address: Address, limits: Limits, resolver: Resolver, connector: Connector
) -> _Answer | str:
    """The answer at an address, or where it says to go instead."""

    async def ask(client: httpx.AsyncClient, at: httpx.URL) -> _Answer | str:
        async with client.stream(
            "GET", at, headers=_headers(address), extensions=_tls(address)
        ) as response:
            return await _take(address, response, limits)

    return await _reach(address, limits, resolver, connector, ask)


async def _reach(
    address: Address, limits: Limits, resolver: Resolver, connector: Connector, ask: _Ask[_T]
) -> _T:
    """What `ask` finds at the first checked number of a host that can be connected to."""
    for ip in (checked := await _checked(address, resolver)):
        try:
            async with httpx.AsyncClient(
                transport=connector(), trust_env=False, timeout=limits.deadline_s
            ) as client:
                return await ask(client, _pinned(address, ip))
        except httpx.ConnectError as error:
            if ip == checked[-1]:
                raise UserError("web.unreachable", url=address, problem=_plain(error)) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise UserError("web.unreachable", url=address, problem=_plain(error)) from error
    raise AssertionError("a checked address has at least one number")


async def _checked(address: Address, resolver: Resolver) -> list[Ip]:
    """The addresses of a host, once each is known to be public and another machine's."""
    if address.number is not None:
        found: Sequence[Ip] = [address.number]
    else:
        try:
            found = await resolver(address.host, address.port)
        except (OSError, UnicodeError, ValueError) as error:
            raise UserError("web.unknown_host", url=address, host=address.host) from error
    plain = list(dict.fromkeys(_without_disguise(ip) for ip in found))
    if not plain:
        raise UserError("web.unknown_host", url=address, host=address.host)
    if not all(is_public(ip) and not _is_ours(ip) for ip in plain):
        raise UserError("web.inside", url=address, host=address.host)
    return plain


def _without_disguise(ip: Ip) -> Ip:
    return (isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped) or ip


def _is_ours(ip: Ip) -> bool:
    """Whether this machine has that address itself: then it can be bound to."""
    family = socket.AF_INET if ip.version == 4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((str(ip), 0))
    except OSError:
        return False
    return True


def _pinned(address: Address, ip: Ip) -> httpx.URL:
    return httpx.URL(
        scheme=address.scheme, host=str(ip), port=address.port, raw_path=address.target.encode()
    )


def _headers(address: Address) -> dict[str, str]:
    return {
        "Host": address.authority,
        "User-Agent": "Attenda",
        "Accept": "text/html,application/pdf,text/*;q=0.9,*/*;q=0.5",
        "Accept-Encoding": "identity",
        "Connection": "close",
    }


def _tls(address: Address) -> dict[str, str]:
    """The name that the certificate must be for; a number is its own name."""
    return {} if address.number is not None else {"sni_hostname": address.host}


async def _take(address: Address, response: httpx.Response, limits: Limits) -> _Answer | str:
    if response.status_code in _REDIRECTS:
        return str(response.headers.get("location", ""))
    if response.status_code != 200:
        raise UserError("web.status", url=address, status=response.status_code)
    if response.headers.get("content-encoding", "").strip().lower() not in _ENCODINGS:
        raise UserError("web.unreachable", url=address, problem="odd Content-Encoding")
    body = bytearray()
    async for block in response.aiter_bytes():
        body += block
        if len(body) > limits.max_bytes:
            raise TooLarge("web.over_limit", url=address, mb=max(1, limits.max_bytes >> 20))
    declared = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    return _Answer(address, declared, bytes(body))


def _named(asked: Address, answer: _Answer) -> tuple[str, str]:
    """A name that an address always has, with an ending that fits; and the kind by content."""
    name = unquote(f"{asked.host}{asked.target}", errors="replace").rstrip("/?")
    name = "".join(letter for letter in name if letter.isprintable()).replace("\\", "/")
    if len(name) > _MAX_NAME:
        mark = hashlib.sha256(str(asked).encode()).hexdigest()[:12]
        name = f"{name[: _MAX_NAME - 40]}~{mark}"
    fitting = _ENDINGS.get(answer.declared, ())
    last = name.rpartition("/")[2]
    ending = last.rpartition(".")[2].lower() if "/" in name and "." in last else ""
    if fitting and ending not in fitting:
        name = f"{name}.{fitting[0]}"
    try:
        return name, media_type(name, answer.body[:_HEAD])
    except UnreadableFile as error:
        raise UserError(f"ingest.{error.code}", name=name, detail=error.detail) from error


def _plain(error: Exception) -> str:
    return str(error).strip().rstrip(".") or type(error).__name__
