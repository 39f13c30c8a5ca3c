"""The connection to one server: its addresses, the key, tries and deadlines, failures in words.

A request is tried again only while nothing of its answer has come. Redirects are not followed,
settings of the environment (proxies, .netrc) are not read, and bytes are counted before they are
kept. It knows addresses and bytes, not what they mean.
"""

import asyncio
import contextlib
import json
import os
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from attenda.core.errors import ModelError, OperatorError
from attenda.llm.endpoint_answer import one_line, refused_field

__all__ = ["Deadlines", "Incoming", "Wire"]

_PAUSES_S = (0.25, 0.5)
"""Waits before the second and the third try; a server that asks for more gets it."""
_LONGEST_WAIT_S = 5.0
_TRIED_AGAIN = frozenset({429, 500, 502, 503})
_NOT_OFFERED = frozenset({400, 403, 404, 405, 422, 501})
"""Answers of a server that has no such page, or not for everyone."""
_MAX_JSON_BYTES = 8 << 20
_MAX_ERROR_BYTES = 16 << 10


@dataclass(frozen=True, slots=True)
class Deadlines:
    """How long a server may be silent, and how long an answer may take."""

    first_token_s: float = 60.0
    """From a request to the first event of its answer, or to the whole of a small answer."""
    gap_s: float = 30.0
    """Between two events."""
    total_s: float = 600.0
    """For a streamed answer, all tries included."""


class _Again(Exception):
    """A try that failed and may be repeated, after `wait_s` if the server asked for that."""

    def __init__(self, failure: ModelError, wait_s: float = 0.0) -> None:
        super().__init__(str(failure))
        self.failure = failure
        self.wait_s = wait_s


class Wire:
    """Requests to one server."""

    def __init__(
        self,
        name: str,
        base_url: str,
        key: str,
        deadlines: Deadlines,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """`transport` replaces the network.

        Raises:
            OperatorError: the address or the key can't be one.
        """
        url = _address(name, base_url)
        if not (key.isascii() and key.isprintable()) or " " in key:
            raise OperatorError("endpoint.bad_key", name=name)
        self.where = {"name": name, "place": url.netloc.decode()}
        """The endpoint's name and address, as its sentences name them."""
        self.deadlines = deadlines
        path = url.path.rstrip("/") or "/v1"
        self._api = f"{url.scheme}://{self.where['place']}{path}"
        self._root = self._api.removesuffix("/v1")
        self._key = key
        self._renamed: dict[str, str] = {}
        """What this server calls fields of a request; empty for those it does not know."""
        self._client = httpx.AsyncClient(
            headers={
                "user-agent": "attenda",
                "accept-encoding": "identity",  # what is counted is what came
                **({"authorization": f"Bearer {key}"} if key else {}),
            },
            verify=_trusted() if url.scheme == "https" else False,  # without TLS: nothing to verify
            timeout=deadlines.total_s,  # the tighter deadlines are kept here, across tries
            limits=httpx.Limits(max_keepalive_connections=0),  # a kept one may be half dead
            trust_env=False,
            transport=transport,
        )

    async def ask(
        self, path: str, body: Mapping[str, Any] | None = None, *, native: bool = False
    ) -> dict[str, Any] | None:
        """The JSON object at `path`, posted to where there is a `body`; see `Ask`.

        Raises:
            ModelError: the server can't be reached, fails, or refuses the key.
        """
        url = (self._root if native else self._api) + path
        until = _now() + self.deadlines.total_s
        try:
            response, due = await self._response(url, body, until)
        except ModelError as failure:
            status = failure.values.get("status")
            foreign = native and isinstance(status, int) and status < 500 and status != 429
            if foreign or status in _NOT_OFFERED:
                return None
            raise
        try:
            data = await self._read(response, _MAX_JSON_BYTES, due)
        finally:
            await response.aclose()
        return _json_object(data)

    @contextlib.asynccontextmanager
    async def streamed(self, path: str, body: Mapping[str, Any]) -> AsyncIterator["Incoming"]:
        """The stream that answers `body`; leaving it closes the connection.

        Raises:
            ModelError: the server can't be reached, refuses, or answers with something else.
        """
        until = _now() + self.deadlines.total_s
        response, due = await self._accepted(self._api + path, body, until)
        try:
            kind = response.headers.get("content-type", "").partition(";")[0].strip()
            if kind not in ("text/event-stream", "application/json", ""):
                raise ModelError("endpoint.no_stream", **self.where, kind=one_line(kind, 60))
            yield Incoming(self, response, due, until)
        finally:
            await response.aclose()

    async def close(self) -> None:
        """Close every connection."""
        await self._client.aclose()

    def scrubbed(self, text: str) -> str:
        """Words of the server without the key, which some repeat when they refuse it."""
        return text.replace(self._key, "…") if self._key else text

    def failure(self, error: Exception) -> ModelError:
        """What a broken connection or a passed deadline comes to, in words."""
        if isinstance(error, TimeoutError):
            seconds = self.deadlines.first_token_s
            return ModelError("endpoint.silent", **self.where, seconds=f"{seconds:g}")
        problem = one_line(_reason(error))
        if isinstance(error, httpx.ConnectError):
            return ModelError("endpoint.unreachable", **self.where, problem=problem)
        return ModelError("endpoint.cut_off", **self.where, problem=problem)

    async def _accepted(
        self, url: str, body: Mapping[str, Any], until: float
    ) -> tuple[httpx.Response, float]:
        """The open answer; fields that this server does not know are left out, and it is told."""
        while True:
            renamed = {self._renamed.get(field, field): body[field] for field in body}
            renamed.pop("", None)
            try:
                return await self._response(url, renamed, until)
            except ModelError as failure:
                refused = refused_field(renamed, failure)
                if refused is None:
                    raise
                self._renamed[refused[0]] = refused[1]

    async def _response(
        self, url: str, body: Mapping[str, Any] | None, until: float
    ) -> tuple[httpx.Response, float]:
        """An open answer of status 200, and when its first event is due."""
        if self._client.is_closed:
            raise ModelError("model.closed", name=self.where["name"])
        for pause in (*_PAUSES_S, _LONGEST_WAIT_S + 1):
            due = min(_now() + self.deadlines.first_token_s, until)
            try:
                return await self._once(url, body, due), due
            except _Again as again:
                wait = max(pause, again.wait_s)
                if wait > _LONGEST_WAIT_S or _now() + wait >= until:
                    raise again.failure from again.__cause__
            await asyncio.sleep(wait)
        raise AssertionError("the last pause is too long to be waited for")

    async def _once(self, url: str, body: Mapping[str, Any] | None, due: float) -> httpx.Response:
        request = self._client.build_request("GET" if body is None else "POST", url, json=body)
        try:
            async with asyncio.timeout_at(due):
                response = await self._client.send(request, stream=True)
        except httpx.ConnectError as error:
            if any(isinstance(one, ssl.SSLError) for one in _chain(error)):
                problem = one_line(_reason(error))
                raise ModelError("endpoint.tls", **self.where, problem=problem) from error
            raise _Again(self.failure(error)) from error
        except (httpx.HTTPError, TimeoutError) as error:
            raise self.failure(error) from error
        if response.status_code == 200:
            return response
        try:
            failure = await self._refusal(response, due)
        finally:
            await response.aclose()
        if response.status_code in _TRIED_AGAIN:
            asked = response.headers.get("retry-after", "")
            raise _Again(failure, float(asked) if asked.isdigit() else 0.0)
        raise failure

    async def _refusal(self, response: httpx.Response, due: float) -> ModelError:
        """What a status other than 200 means."""
        status = response.status_code
        if 300 <= status < 400:
            return ModelError("endpoint.redirected", **self.where, status=status)
        problem = response.reason_phrase or str(status)
        with contextlib.suppress(ModelError):  # the status alone says enough
            data = await self._read(response, _MAX_ERROR_BYTES, due)
            problem = one_line(self.scrubbed(_words(data) or problem))
        values = {**self.where, "status": status, "problem": problem}
        if status in (401, 403):
            return ModelError("endpoint.key_refused", **values)
        if status in (429, 503):
            return ModelError("endpoint.busy", **values)
        return ModelError("endpoint.status", **values)

    async def _read(self, response: httpx.Response, limit: int, due: float) -> bytes:
        """The first `limit` bytes of an answer."""
        data = bytearray()
        try:
            async with asyncio.timeout_at(due):
                async for piece in response.aiter_raw():
                    data += piece
                    if len(data) >= limit:
                        break
        except (httpx.HTTPError, TimeoutError) as error:
            raise self.failure(error) from error
        return bytes(data[:limit])


class Incoming:
    """The bytes of one open answer."""

    def __init__(self, wire: Wire, response: httpx.Response, due: float, until: float) -> None:
        kind = response.headers.get("content-type", "")
        self.is_whole = kind.startswith("application/json")
        """Whether the answer comes at once: some servers don't stream where tools are offered."""
        self._wire = wire
        self._pieces = response.aiter_raw()
        self._wait_s = wire.deadlines.first_token_s
        self._due = due
        self._until = until

    def expect_within(self, seconds: float) -> None:
        """From now on, give up after `seconds`, however many bytes come."""
        self._wait_s, self._due = seconds, _now() + seconds

    async def read_whole(self) -> str:
        """All of an answer that comes at once.

        Raises:
            ModelError: it breaks off, is late, too long or no text.
        """
        data = bytearray()
        while piece := await self.read():
            data += piece
            if len(data) > _MAX_JSON_BYTES:
                mb = _MAX_JSON_BYTES >> 20
                raise ModelError("endpoint.too_much", **self._wire.where, mb=mb)
        try:
            return data.decode()
        except UnicodeDecodeError as error:
            problem = "an answer that is no UTF-8"
            raise ModelError("endpoint.broken", **self._wire.where, problem=problem) from error

    async def read(self) -> bytes:
        """The next bytes; nothing at the end.

        Raises:
            ModelError: the connection broke, or a deadline has passed.
        """
        try:
            async with asyncio.timeout_at(min(self._due, self._until)):
                return await anext(self._pieces, b"")
        except TimeoutError as error:
            where, deadlines = self._wire.where, self._wire.deadlines
            if self._until <= self._due:
                seconds = f"{deadlines.total_s:g}"
                raise ModelError("endpoint.slow", **where, seconds=seconds) from error
            seconds = f"{self._wait_s:g}"
            raise ModelError("endpoint.silent", **where, seconds=seconds) from error
        except httpx.HTTPError as error:
            raise self._wire.failure(error) from error


def _now() -> float:
    return asyncio.get_running_loop().time()


def _address(name: str, base_url: str) -> httpx.URL:
    """The address as a URL with nothing in it but scheme, host, port and path."""
    try:
        url = httpx.URL(base_url.strip())
    except httpx.InvalidURL as error:
        problem = one_line(error)
    else:
        if url.scheme not in ("http", "https") or not url.host:
            problem = "it does not begin with http:// or https:// and a host"
        elif url.port is not None and not 0 < url.port < 65536:
            problem = "its port is none"
        elif url.userinfo or url.query or url.fragment:
            problem = "it has a user, a query or a fragment"
        else:
            return url
    raise OperatorError("endpoint.bad_url", name=name, problem=problem)


def _trusted() -> ssl.SSLContext:
    """Certificates of the public authorities, and of those this machine trusts besides."""
    context = httpx.create_ssl_context(trust_env=False)
    context.load_default_certs()
    return context


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error, what it came from, and so on to the first."""
    at: BaseException | None = error
    while at is not None:
        yield at
        if isinstance(at, BaseExceptionGroup):
            at = at.exceptions[0]
        else:
            at = at.__cause__ or at.__context__


def _reason(error: Exception) -> str:
    """The system's own words for a failure, which libraries wrap in vaguer ones."""
    said = [one for one in _chain(error) if isinstance(one, OSError) and one.strerror]
    if not said:
        return str(error) or type(error).__name__
    first = said[-1]
    if isinstance(first, ConnectionError) and first.errno:
        return os.strerror(first.errno)
    return str(first.strerror)


def _json_object(data: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _words(data: bytes) -> str:
    """What an error's body says, if it says it in JSON or plainly."""
    value = _json_object(data)
    if value is None:
        text = data.decode(errors="replace").strip()
        return "" if text.startswith("<") else text
    error = value.get("error") or value.get("detail") or value.get("message") or value
    message = error.get("message") if isinstance(error, dict) else None
    return str(message or error)
