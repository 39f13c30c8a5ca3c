"""No address, redirect or name leads inside; every good address is fetched."""

import asyncio
import gzip
import ipaddress
import json
import shutil
import ssl
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attenda.api import TooLarge, UserError
from attenda.knowledge import web
from attenda.knowledge.address import is_public, parse_address
from attenda.knowledge.web import Limits, fetch
from tests.knowledge.webhouse import PUBLIC, PUBLIC_6, Site, canary, names, public_site

HTML = b"<!doctype html><title>Fees</title><p>The account costs nothing a month.</p>"
GOOD_NAMES = {
    "good.example": [[str(PUBLIC)]],
    "xn--bcher-kva.example": [[str(PUBLIC), str(PUBLIC_6)]],
}

CORPUS = json.loads((Path(__file__).parent / "web_addresses.json").read_text("utf-8"))
"""`this_machine`: ways to write this machine, to which the canary's port is added; `inside`: hosts
of networks; `whole`: whole addresses, `{p}` being that port; `good`: what must be fetched."""
TRICKY_NAMES = {
    **{f"in{number}.example": [[ip]] for number, ip in enumerate(
        ("127.0.0.1", "10.0.0.1", "169.254.169.254", "0.0.0.0", "::1", "::ffff:127.0.0.1", "::",
         "fe80::1%1", "64:ff9b::7f00:1", "2002:7f00:1::", "2001:0:7f00:1::", "fd00::1", "224.0.0.1")
    )},
    "mixed.example": [[str(PUBLIC), "127.0.0.1"]],
    "mixed6.example": [[str(PUBLIC_6), "::1"]],
    "empty.example": [[]],
    "rebinds.example": [[str(PUBLIC)], ["127.0.0.1"]],
    "rebinds6.example": [[str(PUBLIC_6)], ["::1"], ["::ffff:7f00:1"]],
    "flips.example": [["127.0.0.1"], [str(PUBLIC)], ["127.0.0.1"]],
    **{host: [["127.0.0.1"]] for host in (
        "localhost", "a.localhost", "localhost.localdomain", "ip6-localhost", "localtest.example",
        "metadata.google.internal", "printer.local", "router.lan", "kubernetes.default.svc")},
}  # fmt: skip


def hostile(port: int) -> list[str]:
    """Every hostile address, aimed at the canary's port."""
    hosts = [f"http://{host}:{port}/" for host in (*CORPUS["this_machine"], *TRICKY_NAMES)]
    hosts += [f"http://{host}/" for host in (*CORPUS["inside"], *CORPUS["this_machine"][:20])]
    return [*hosts, *(one.replace("{p}", str(port)) for one in CORPUS["whole"])]


def test_nothing_hostile_reaches_the_inside() -> None:
    """Straight, and by a redirect from a good page, and with names that change their meaning."""

    async def body() -> None:
        async with canary() as inside, public_site() as site:
            limits = Limits(ports=frozenset({80, 443, inside.port}), deadline_s=20)
            urls = hostile(inside.port)
            assert len(set(urls)) >= 200
            reached: list[str] = []
            tried = 0
            for url in urls:
                for start in (url, _leading_to(url), _leading_to(_leading_to(url))):
                    resolver, _ = names({**GOOD_NAMES, **TRICKY_NAMES})
                    tried += 1
                    try:
                        await fetch(start, limits, resolver, site.connector)
                        reached.append(start)
                    except UserError as error:
                        assert error.key.startswith("web."), (start, error.key)
            assert inside.hits == []
            assert tried >= 600
            # what a name's first, public answer led to was the public site and nothing else
            assert not reached, reached

    asyncio.run(body())


def _leading_to(url: str) -> str:
    return f"http://good.example/to?x={quote(url, safe='', errors='replace')}"


def test_a_name_that_changes_its_meaning_is_looked_up_once_a_hop() -> None:
    async def body() -> None:
        async with canary() as inside, public_site() as site:
            site.pages["/"] = (200, {"Content-Type": "text/html"}, HTML)
            site.pages["/again"] = (302, {"Location": "/"}, b"")
            limits = Limits(ports=frozenset({80, inside.port}))
            for _ in range(20):
                table = {"rebinds.example": [[str(PUBLIC)], ["127.0.0.1"]]}
                resolver, looked = names(table)
                url = f"http://rebinds.example:{inside.port}"
                fetched = await fetch(f"{url}/", limits, resolver, site.connector)
                assert fetched.body == HTML and looked == ["rebinds.example"]
                resolver, looked = names(table)
                with pytest.raises(UserError) as refused:
                    await fetch(f"{url}/again", limits, resolver, site.connector)
                assert refused.value.key == "web.inside"
            assert inside.hits == []
            assert {request.url.host for request in site.requests} == {str(PUBLIC)}

    asyncio.run(body())


def test_every_good_address_is_fetched() -> None:
    async def body() -> None:
        async with public_site() as site:
            page = (200, {"Content-Type": "text/html; charset=utf-8"}, HTML)
            site.pages = _Every(page)
            assert len(set(CORPUS["good"])) >= 40
            for url in CORPUS["good"]:
                url = url.replace("{four}", str(PUBLIC)).replace("{six}", str(PUBLIC_6))
                resolver, _ = names(GOOD_NAMES)
                fetched = await fetch(url, Limits(), resolver, site.connector)
                assert (fetched.body, fetched.media_type) == (HTML, "text/html"), url
                again = await fetch(fetched.final_url, Limits(), resolver, site.connector)
                assert again.name == fetched.name, url
            for request in site.requests:
                assert request.url.host in (str(PUBLIC), str(PUBLIC_6))
            by_name = [one for one in site.requests if one.headers["host"] == "good.example"]
            assert {one.extensions.get("sni_hostname") for one in by_name} == {"good.example"}
            for target, headers in site.asked:
                assert (
                    target.isascii() and "cookie" not in headers and "authorization" not in headers
                )

    asyncio.run(body())


class _Every(dict[str, Any]):
    def __init__(self, page: Any) -> None:
        self._page = page

    def get(self, key: str, default: Any = None) -> Any:
        return self._page


def test_redirects_are_followed_to_the_fifth() -> None:
    async def body() -> None:
        async with public_site() as site:
            site.pages["/0"] = (200, {"Content-Type": "text/plain", "Set-Cookie": "a=b"}, b"Here.")
            for number, status in enumerate((301, 302, 303, 307, 308, 302), start=1):
                place = f"/{number - 1}" if number % 2 else f"http://good.example/{number - 1}"
                site.pages[f"/{number}"] = (status, {"Location": place, "Set-Cookie": "a=b"}, b"")
            resolver, looked = names(GOOD_NAMES)
            fetched = await fetch("http://good.example/5", Limits(), resolver, site.connector)
            assert (fetched.body, fetched.final_url) == (b"Here.", "http://good.example/0")
            assert fetched.name == "good.example/5.txt"
            assert len(looked) == 6
            with pytest.raises(UserError) as refused:
                await fetch("http://good.example/6", Limits(), resolver, site.connector)
            assert refused.value.key == "web.redirects"
            assert not any("cookie" in headers for _, headers in site.asked)

    asyncio.run(body())


@pytest.mark.parametrize(
    ("page", "key"),
    [
        ((404, {}, b"no"), "web.status"),
        ((500, {}, b""), "web.status"),
        ((204, {}, b""), "web.status"),
        ((200, {"Content-Encoding": "gzip, gzip"}, b"x"), "web.unreachable"),
        ((200, {"Content-Encoding": "br"}, b"x"), "web.unreachable"),
        ((200, {"Content-Encoding": "gzip"}, b"no gzip"), "web.unreachable"),
        ((200, {"Content-Length": "nonsense"}, b"x"), "web.unreachable"),
        ((200, {}, b"x" * 2_000_000), "web.over_limit"),
        ((200, {"Content-Encoding": "gzip"}, gzip.compress(b" " * 50_000_000)), "web.over_limit"),
        ((200, {}, b""), "ingest.empty"),
        ((200, {"Content-Type": "image/png"}, b"\x89PNG\r\n\x1a\n" * 9), "ingest.unknown_type"),
        ((302, {}, b""), "web.redirects"),
        ((302, {"Location": "https://"}, b""), "web.not_an_address"),
        ((302, {"Location": "http://[::1"}, b""), "web.unreachable"),
    ],
)
def test_what_cannot_be_had_is_named(page: Any, key: str) -> None:
    async def body() -> None:
        async with public_site() as site:
            site.pages = _Every(page)
            resolver, _ = names(GOOD_NAMES)
            with pytest.raises(UserError) as refused:
                await fetch(
                    "http://good.example/a", Limits(max_bytes=1 << 20), resolver, site.connector
                )
            assert refused.value.key == key
            assert isinstance(refused.value, TooLarge) == (key == "web.over_limit")

    asyncio.run(body())


def test_a_host_that_never_ends_is_given_up() -> None:
    async def forever(host: str, port: int) -> Any:
        await asyncio.Event().wait()

    with pytest.raises(UserError) as refused:
        asyncio.run(fetch("http://good.example/", Limits(deadline_s=0.05), forever))
    assert refused.value.key == "web.too_slow"


def test_the_next_address_is_tried_when_one_does_not_answer() -> None:
    class Deaf(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            raise httpx.ConnectError("nobody there", request=request)

    async def body() -> None:
        async with public_site() as site:
            site.pages["/"] = (200, {"Content-Type": "text/plain"}, b"Here.")
            deaf = [True]

            def connector() -> httpx.AsyncBaseTransport:
                return Deaf() if deaf and deaf.pop() else site.connector()

            resolver, _ = names({"good.example": [[str(PUBLIC_6), str(PUBLIC)]]})
            fetched = await fetch("http://good.example/", Limits(), resolver, connector)
            assert fetched.body == b"Here."
            with pytest.raises(UserError) as refused:
                await fetch("http://good.example/", Limits(), resolver, Deaf)
            assert refused.value.key == "web.unreachable"

    asyncio.run(body())


@pytest.mark.parametrize(
    ("url", "declared", "body", "name", "kind"),
    [
        ("/", "text/html", HTML, "good.example.html", "text/html"),
        ("/fees.php", "text/html", b"<p>No doctype</p>", "good.example/fees.php.html", "text/html"),
        ("/fees.htm", "text/html", HTML, "good.example/fees.htm", "text/html"),
        ("/a.txt", "text/html", b"<p>x</p>", "good.example/a.txt.html", "text/html"),
        ("/list.csv", "text/plain", b"a,b\n1,2\n", "good.example/list.csv", "text/csv"),
        ("/list.csv?v=2", "text/csv", b"a,b\n1,2\n", "good.example/list.csv?v=2.csv", "text/csv"),
        ("/paper", "application/pdf", b"%PDF-1.4 x", "good.example/paper.pdf", "application/pdf"),
        ("/paper.html", "text/html", b"%PDF-1.4 x", "good.example/paper.html", "application/pdf"),
        (
            "/notes.md",
            "application/octet-stream",
            b"# A\n",
            "good.example/notes.md",
            "text/markdown",
        ),
    ],
)
def test_a_name_has_an_ending_that_fits_the_content(
    url: str, declared: str, body: bytes, name: str, kind: str
) -> None:
    async def check() -> None:
        async with public_site() as site:
            site.pages[url] = (200, {"Content-Type": f"{declared}; x=y"}, body)
            resolver, _ = names(GOOD_NAMES)
            one = await fetch(f"http://good.example{url}", Limits(), resolver, site.connector)
            assert (one.name, one.media_type) == (name, kind)

    asyncio.run(check())


@given(st.ip_addresses())
def test_what_python_calls_inside_is_never_public(ip: Any) -> None:
    if ip.is_private or ip.is_loopback or ip.is_link_local or ip.is_multicast or ip.is_reserved:
        assert not is_public(ip) or ip in ipaddress.ip_network("64:ff9b::/96")
    if ip.is_unspecified or getattr(ip, "is_site_local", False):
        assert not is_public(ip)


@given(st.ip_addresses(v=4))
def test_an_address_within_an_address_counts_as_it(ip: Any) -> None:
    assert is_public(ipaddress.IPv6Address((0x64_FF9B << 96) | int(ip))) == is_public(ip)
    shown = parse_address(f"http://[::ffff:{ip}]/").number
    assert shown == ip
    for prefix, place in ((0, 0), (0xFFFF << 32, 0), (0x2002 << 112, 80), (0x2001 << 112, 64)):
        assert not is_public(ipaddress.IPv6Address(prefix | int(ip) << place))


@given(st.text(max_size=80))
def test_any_text_is_an_address_or_a_sentence(text: str) -> None:
    for url in (
        text,
        f"http://{text}",
        f"http://good.example/{text}",
        f"http://good.example:{text}",
    ):
        try:
            parsed = parse_address(url)
        except UserError as error:
            assert error.key.startswith("web.") and str(error)
        else:
            assert str(parsed).isascii() and parse_address(str(parsed)) == parsed
            pinned = web._pinned(parsed, PUBLIC)
            assert (pinned.host, pinned.port or 80) in ((str(PUBLIC), 80), (str(PUBLIC), 443))


SCRIPT = """
import asyncio, ipaddress, subprocess, sys
from attenda.core.errors import UserError
from attenda.knowledge.web import Limits, fetch

async def main():
    hits = []
    async def hit(reader, writer):
        hits.append(1)
        writer.write(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nhi")
        await writer.drain()
        writer.close()
    four = await asyncio.start_server(hit, "0.0.0.0", 80)
    six = await asyncio.start_server(hit, "::", 443)
    async def names(host, port):
        return [ipaddress.ip_address(n) for n in ("OURS4", "OURS6")]
    keys = []
    for url in ("http://OURS4/", "https://[OURS6]/", "http://ours.example/", "http://127.0.0.1/",
                "http://[::1]/", "http://0.0.0.0/", "http://169.254.169.254/"):
        try:
            await fetch(url, Limits(deadline_s=5), names)
            keys.append(url)
        except UserError as error:
            keys.append(error.key)
    before = len(hits)
    reader, writer = await asyncio.open_connection("OURS4", 80)
    assert await reader.read() and len(hits) == before + 1, "the canary is not alive"
    print(before, *keys)

asyncio.run(main())
"""


def test_the_machines_own_public_address_is_inside_too(tmp_path: Path) -> None:
    """In a network of its own, whose only machine has a public address and listens on it."""
    tools = [shutil.which(name) for name in ("unshare", "ip", "sh")]
    if not all(tools):
        pytest.skip("unshare or ip is not here (apt install util-linux iproute2)")
    script = tmp_path / "inside.py"
    script.write_text(
        textwrap.dedent(SCRIPT).replace("OURS4", str(PUBLIC)).replace("OURS6", str(PUBLIC_6))
    )
    setting_up = (
        f"ip link set lo up && ip addr add {PUBLIC}/32 dev lo && "
        f"ip -6 addr add {PUBLIC_6}/128 dev lo nodad && exec '{sys.executable}' '{script}'"
    )
    command = ["unshare", "--map-root-user", "--net", "sh", "-c", setting_up]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode and ("unshare" in done.stderr or "permitted" in done.stderr):
        pytest.skip("no network namespace may be made here")
    assert done.stdout.split() == ["0", *["web.inside"] * 7], done.stderr


@pytest.fixture
def certified(tmp_path: Path) -> ssl.SSLContext:
    """A server's side of TLS for good.example."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not here")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
         "-subj", "/CN=good.example", "-addext", "subjectAltName=DNS:good.example",
         "-keyout", str(tmp_path / "key"), "-out", str(tmp_path / "certificate")],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "certificate", tmp_path / "key")
    return context


def test_tls_is_held_to_the_name_though_the_number_is_connected_to(
    certified: ssl.SSLContext, tmp_path: Path
) -> None:
    trusting = ssl.create_default_context(cafile=str(tmp_path / "certificate"))

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nHere."
        )
        await writer.drain()
        writer.close()

    async def body() -> None:
        async with await asyncio.start_server(serve, "127.0.0.1", 0, ssl=certified) as server:
            port = server.sockets[0].getsockname()[1]
            resolver, _ = names({"good.example": [[str(PUBLIC)]], "bad.example": [[str(PUBLIC)]]})
            for url, trust, works in (
                ("https://good.example/", trusting, True),
                ("https://bad.example/", trusting, False),
                (f"https://{PUBLIC}/", trusting, False),
                ("https://good.example/", True, False),
            ):
                fetching = fetch(url, Limits(), resolver, _to(port, trust))
                if works:
                    assert (await fetching).body == b"Here."
                else:
                    with pytest.raises(UserError, match="(?i)certificate"):
                        await fetching

    asyncio.run(body())


def _to(port: int, trust: Any) -> Callable[[], httpx.AsyncBaseTransport]:
    class Mapped(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            url = request.url.copy_with(host="127.0.0.1", port=port)
            inner = httpx.AsyncHTTPTransport(verify=trust, trust_env=False)
            mapped = httpx.Request(
                "GET", url, headers=request.headers, extensions=request.extensions
            )
            return await inner.handle_async_request(mapped)

    return Mapped


def test_no_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async def body() -> None:
        async with canary() as inside, public_site() as site:
            for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"):
                monkeypatch.setenv(name, f"http://127.0.0.1:{inside.port}")
            site.pages["/"] = (200, {"Content-Type": "text/plain"}, b"Here.")
            resolver, _ = names(GOOD_NAMES)
            fetched = await fetch("http://good.example/", Limits(), resolver, site.connector)
            assert fetched.body == b"Here." and inside.hits == []

    asyncio.run(body())


def test_the_systems_resolver_is_understood() -> None:
    found = asyncio.run(web.resolve("127.0.0.1", 80))
    assert found == [ipaddress.ip_address("127.0.0.1")]
    assert isinstance(Site().connector(), httpx.AsyncBaseTransport)
