"""What a request's head may say, and what every answer's head must say (R10, R11, R32).

Requests go over TCP as bytes, because a client library would tidy them. Names in `Host` are ours
or refused; nothing that a proxy might have said is believed; every answer, a crash too, carries
the headers that keep other sites out.
"""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from attenda.serve.app import create_app
from attenda.serve.gate import COOKIE, Gate
from attenda.store import keys, people
from tests.scripted_house import scripted_house
from tests.security.live import Served, served


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("home")) as up:
        yield up


def _raw(running: Served, request: bytes) -> tuple[int, str]:
    """Status and whole answer to bytes sent as they are."""
    with socket.create_connection(("127.0.0.1", running.port), 10) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        with contextlib.suppress(ConnectionResetError):
            while piece := connection.recv(65536):
                answer += piece
    text = answer.decode("latin-1")
    return int(text.split(" ")[1]), text


def _get(running: Served, *lines: str, path: str = "/healthz", method: str = "GET") -> int:
    head = "\r\n".join([f"{method} {path} HTTP/1.1", *lines, "Connection: close", "", ""])
    return _raw(running, head.encode("latin-1"))[0]


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "LOCALHOST", "[::1]", "127.0.0.1:{port}", "[::1]:{port}"]
)
def test_our_own_names_are_let_in(running: Served, host: str) -> None:
    assert _get(running, f"Host: {host.format(port=running.port)}") == 200


@pytest.mark.parametrize(
    "host",
    [
        *(
            "evil.example",
            "evil.example:{port}",
            "127.0.0.1.evil.example",
            "localhost.evil.example",
        ),
        *("evil.example:127.0.0.1", "127.0.0.1:80@evil.example", "127.0.0.1@evil.example"),
        *("localhost:evil.example", "localhost:80:80", "localhost.", "127.1", "2130706433"),
        *("0x7f000001", "0.0.0.0", "0", "[::]", "[::ffff:127.0.0.1]", "[::1", "::1", "", ":80"),
        *("127.0.0.1, evil.example", "127.0.0.1 evil.example", "127.0.0.1/evil.example"),
        *("http://127.0.0.1", "localhost\x00.evil.example", "locälhost", "localhost:99999999"),
    ],
)
def test_other_names_are_refused(running: Served, host: str) -> None:
    assert _get(running, f"Host: {host.format(port=running.port)}") in (400, 403)


@pytest.mark.parametrize(
    "lines",
    [
        (),
        ("Host: 127.0.0.1", "Host: evil.example"),
        ("Host: evil.example", "Host: 127.0.0.1"),
        ("Host: evil.example", "X-Forwarded-Host: 127.0.0.1"),
        ("Host: evil.example", "Forwarded: host=127.0.0.1"),
        ("Host: evil.example", "X-Original-Host: localhost", "X-Host: localhost"),
    ],
)
def test_no_other_header_makes_up_for_the_host(running: Served, lines: tuple[str, ...]) -> None:
    assert _get(running, *lines) in (400, 403)


def test_what_a_proxy_might_say_is_no_proof(running: Served) -> None:
    for line in (
        "X-Forwarded-For: 127.0.0.1",
        "X-Forwarded-User: usr_owner",
        "X-Forwarded-Email: owner@example.org",
        "X-Remote-User: usr_owner",
        "Remote-User: usr_owner",
        "X-Real-IP: 127.0.0.1",
        "Forwarded: for=127.0.0.1;by=unix:",
        "X-Request-From: internal",
        "X-Original-URL: /healthz",
        "X-Rewrite-URL: /healthz",
        "X-HTTP-Method-Override: GET",
    ):
        assert _get(running, "Host: localhost", line, path="/api/users") == 401, line
    override = ("Host: localhost", "X-HTTP-Method-Override: DELETE", "Content-Length: 0")
    assert _get(running, *override, path="/api/users/usr_owner", method="POST") in (401, 405)


@pytest.mark.parametrize(
    ("lines", "allowed"),
    [
        ((), True),
        (("Origin: http://127.0.0.1:{port}",), True),
        (("Origin: http://127.0.0.1:{port}", "Sec-Fetch-Site: same-origin"), True),
        (("Origin: null",), False),
        (("Origin: http://127.0.0.1",), False),
        (("Origin: http://127.0.0.1:1",), False),
        (("Origin: http://localhost:{port}",), False),
        (("Origin: http://evil.example",), False),
        (("Origin: http://evil.example?://127.0.0.1:{port}x",), False),
        (("Sec-Fetch-Site: cross-site",), False),
        (("Sec-Fetch-Site: same-site",), False),
        (("Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate"), False),
        (("Origin: http://evil.example", "Authorization: Basic eDp5"), False),
        (("Origin: http://evil.example", "Authorization:"), False),
    ],
)
def test_a_change_comes_from_our_own_pages(
    running: Served, lines: tuple[str, ...], allowed: bool
) -> None:
    """Asked as a POST that anybody may make: a sign-in, whose refusal is 422."""
    told = [line.format(port=running.port) for line in lines]
    host = f"Host: 127.0.0.1:{running.port}"
    sent = ("Content-Type: application/json", "Content-Length: 0")
    status = _get(running, host, *sent, *told, path="/api/sign-in", method="POST")
    assert status == (422 if allowed else 403)


@pytest.mark.parametrize(
    ("mode", "to", "allowed"),
    [
        ("navigate", "document", True),
        ("navigate", "iframe", False),
        ("navigate", "object", False),
        ("no-cors", "script", False),
        ("no-cors", "image", False),
        ("cors", "empty", False),
        ("websocket", "websocket", False),
    ],
)
def test_another_site_may_link_to_us_and_no_more(
    running: Served, mode: str, to: str, allowed: bool
) -> None:
    lines = (f"Sec-Fetch-Mode: {mode}", f"Sec-Fetch-Dest: {to}")
    for site in ("cross-site", "same-site"):
        status = _get(running, "Host: localhost", f"Sec-Fetch-Site: {site}", *lines)
        assert status == (200 if allowed else 403)


def test_a_header_has_a_largest_size(running: Served) -> None:
    def status(size: int) -> int:
        request = f"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-A: {'a' * size}\r\n\r\n"
        try:
            return _raw(running, request.encode())[0]
        except (BrokenPipeError, ConnectionResetError, IndexError):
            return 400  # closed while it was still being sent

    assert status(16 << 10) == 200
    assert _get(running, "Host: localhost", path=f"/healthz?{'a' * (40 << 10)}") == 413
    assert status(40 << 10) in (400, 413)
    assert status(8 << 20) in (400, 413)


def _all_answers(running: Served) -> Iterator[tuple[str, httpx.Response]]:
    key = {"Authorization": f"Bearer {running.house.owner_key}"}
    with httpx.Client(base_url=running.address) as client:
        for path in ("/", "/documents", "/openapi.json", "/healthz", "/nothing", "/enter"):
            yield path, client.get(path)
        for path in ("/", "/chat/x", "/api/sessions", "/api/me/export", "/api/sessions/x"):
            yield f"{path} signed in", client.get(path, headers=key)
        yield "enter", client.get(f"/enter?key={running.house.owner_key}")
        yield "refused host", client.get("/", headers={"Host": "evil.example"})
        yield "refused origin", client.post("/api/sign-in", headers={"Origin": "null"})
        yield "invalid", client.post("/api/sign-in", json={})
        yield "wrong method", client.put("/api/sign-in", json={})
        yield "static", client.get("/static/style.css")
        yield "no static", client.get("/static/nothing.css")
        yield (
            "preflight",
            client.options("/api/sessions", headers={"Origin": "http://evil.example"}),
        )


def test_every_answer_keeps_other_sites_out(running: Served) -> None:
    for what, answer in _all_answers(running):
        _check_head(what, answer)
        if what != "static" and not answer.request.url.path.startswith("/static/"):
            assert answer.headers["cache-control"] == "no-store", what


def _check_head(what: str, answer: httpx.Response) -> None:
    policy = answer.headers["content-security-policy"]
    for part in ("default-src 'none'", "script-src 'self';", "frame-ancestors 'none'"):
        assert part in policy, what
    assert "unsafe" not in policy and "*" not in policy and "http" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff", what
    assert answer.headers["referrer-policy"] == "no-referrer", what
    assert answer.headers["cross-origin-resource-policy"] == "same-origin", what
    assert not [name for name in answer.headers if name.startswith("access-control-")], what
    assert "server" not in answer.headers, what


def test_a_crash_keeps_other_sites_out_too(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("secret detail 9f1")

    monkeypatch.setattr(keys, "authenticate", crash)

    async def body() -> None:
        async with scripted_house(home) as (house, _):
            transport = httpx.ASGITransport(create_app(house), raise_app_exceptions=False)
            base = "http://localhost:80"
            async with httpx.AsyncClient(transport=transport, base_url=base) as client:
                answer = await client.get("/api/me", headers={"Authorization": "Bearer x"})
                assert answer.status_code == 500
                assert answer.json()["error"]["key"] == "request.broken"
                assert "9f1" not in answer.text and "Traceback" not in answer.text
                assert answer.headers["cache-control"] == "no-store"
                _check_head("crash", answer)

    asyncio.run(body())


def _cookie(answer: httpx.Response) -> set[str]:
    values = answer.headers.get_list("set-cookie")
    assert len(values) == 1
    name, *flags = (part.strip() for part in values[0].split(";"))
    assert name.startswith(f"{COOKIE}=")
    return {flag.lower() for flag in flags}


@contextlib.asynccontextmanager
async def _client(home: Path, base: str) -> AsyncIterator[tuple[httpx.AsyncClient, str]]:
    async with scripted_house(home) as (house, _):
        stamps = house.stamps
        await house.database.write(
            lambda c: people.set_up_owner(c, stamps, "o", "o@example.org", "long enough!")
        )
        transport = httpx.ASGITransport(create_app(house))
        async with httpx.AsyncClient(transport=transport, base_url=base) as client:
            yield client, house.owner_key


@pytest.mark.parametrize(
    ("base", "secure"), [("http://localhost:80", False), ("https://localhost:443", True)]
)
def test_the_cookie_is_for_our_pages_alone(home: Path, base: str, secure: bool) -> None:
    async def body() -> None:
        async with _client(home, base) as (client, key):
            sent = {"email": "o@example.org", "password": "long enough!"}
            for answer in (
                await client.get(f"/enter?key={key}"),
                await client.post("/api/sign-in", json=sent),
            ):
                flags = _cookie(answer)
                assert {"httponly", "samesite=strict", "path=/"} <= flags
                assert ("secure" in flags) == secure
                assert not [flag for flag in flags if flag.startswith("domain")]

    asyncio.run(body())


def test_a_websocket_passes_the_gate_too() -> None:
    """There is none yet; the day one comes, a hostile page must find it shut."""
    reached: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        reached.append(scope["type"])

    async def attempt(host: str, origin: str) -> list[Any]:
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        headers = [(b"host", host.encode()), (b"origin", origin.encode())]
        scope = {"type": "websocket", "path": "/", "headers": headers, "server": ("127.0.0.1", 80)}
        await Gate(app, frozenset({"localhost"}))(scope, None, send)  # type: ignore[arg-type]
        return sent

    closed = [{"type": "websocket.close", "code": 1008}]
    assert asyncio.run(attempt("evil.example", "http://evil.example")) == closed
    assert asyncio.run(attempt("localhost", "http://evil.example")) == closed
    assert asyncio.run(attempt("localhost", "http://localhost:1")) == closed
    assert reached == []
    assert asyncio.run(attempt("localhost", "http://localhost")) == []
    assert reached == ["websocket"]
