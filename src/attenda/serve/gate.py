"""The gate: which requests come in at all, who is behind them, and what every answer carries.

Middleware in one place, in order: the host must be one of ours (a hostile page cannot rebind a
name to us), what a browser asks for must come from our own pages or be a plain visit, then the
answer gets its security headers and an error becomes one JSON shape,
`{"error": {"key", "message"}}`, or a page for a person who follows a link.
"""

import hmac
import re
from collections.abc import Awaitable, Callable

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from attenda.core.errors import (
    AttendaError,
    Denied,
    NotFound,
    TooLarge,
    Unauthenticated,
    UserError,
)
from attenda.core.principal import Action, Principal
from attenda.runtime.house import House
from attenda.store import keys, people

__all__ = [
    "CONTENT_POLICY",
    "COOKIE",
    "Gate",
    "answer_errors",
    "credential",
    "house_of",
    "identify",
    "language_of",
    "principal",
    "require",
]

COOKIE = "attenda"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_MAX_HEAD_BYTES = 32 << 10
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:[0-9]{1,5})?", re.ASCII)
_FOR_SITES = re.compile(r"/widget\.js|/widget/\w{1,60}|/api/channels/\w{1,60}/looks", re.ASCII)
"""What pages of other sites may ask for; each answers by its channel's own list of sites."""
CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
    "connect-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
"""What our pages may load; a page that needs more adds to it."""
_HEADERS = {
    "Content-Security-Policy": CONTENT_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-DNS-Prefetch-Control": "off",  # a link's host name may hold what a model was told
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


class Gate:
    """ASGI middleware: host, origin, headers."""

    def __init__(self, app: ASGIApp, hosts: frozenset[str]) -> None:
        """`hosts` are the names, without ports, under which we may be asked."""
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, or answer why not."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        problem = self._problem(scope, headers)
        if scope["type"] == "websocket":
            if problem is None:
                await self._app(scope, receive, send)
            else:
                await send({"type": "websocket.close", "code": 1008})
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                _add_headers(MutableHeaders(scope=message), scope["path"])
            await send(message)

        if problem is not None:
            await _error_response(problem, "en")(scope, receive, with_headers)
            return
        await self._app(scope, receive, with_headers)

    def _problem(self, scope: Scope, headers: Headers) -> AttendaError | None:
        if _head_bytes(scope) > _MAX_HEAD_BYTES:
            return TooLarge("request.refused", problem="its address and headers are over 32 KB")
        if scope.get("server") is None or scope["server"][1] is None:
            return None  # the socket in the home: its file rights are the gate
        asked = headers.getlist("host")
        parts = _HOST.fullmatch(asked[0].lower()) if len(asked) == 1 else None
        if parts is None or parts[1].strip("[]") not in self._hosts:
            return Denied("gate.host", host=", ".join(asked)[:100])
        comes_in = _is_visit(scope, headers) or _is_for_sites(scope)
        if _is_foreign(headers, asked[0]) and not comes_in:
            return Denied("gate.origin")
        return None


def _head_bytes(scope: Scope) -> int:
    """Bytes of address and headers; the server's own limit passes what comes in one piece."""
    pairs = sum(len(name) + len(value) for name, value in scope["headers"])
    return pairs + len(scope.get("raw_path") or b"") + len(scope.get("query_string", b""))


def _is_foreign(headers: Headers, host: str) -> bool:
    """Whether another site's page asks; one with a key of its own in the header is nobody's page.

    A page on another port of this machine counts as another site, though cookies do not see it.
    """
    if headers.get("authorization", "").lower().startswith("bearer "):
        return False
    origin = headers.get("origin")
    if origin is not None and origin.split("://")[-1] != host:
        return True
    return headers.get("sec-fetch-site", "none") not in ("same-origin", "none")


def _is_visit(scope: Scope, headers: Headers) -> bool:
    """Whether a browser follows a link to one of our pages, in a tab of its own."""
    return (
        scope.get("method") in _SAFE
        and headers.get("sec-fetch-mode", "navigate") == "navigate"
        and headers.get("sec-fetch-dest", "document") == "document"
    )


def _is_for_sites(scope: Scope) -> bool:
    """Whether it is the chat widget that another site's page asks for, to read alone."""
    reads = scope.get("method") in ("GET", "HEAD")
    return reads and _FOR_SITES.fullmatch(scope["path"]) is not None


def _add_headers(sent: MutableHeaders, path: str) -> None:
    for name, value in _HEADERS.items():
        sent.setdefault(name, value)
    if not path.startswith("/static/"):
        sent.setdefault("Cache-Control", "no-store")


ErrorPage = Callable[[Request, AttendaError, int], Awaitable[Response]]


def answer_errors(app: FastAPI, page: ErrorPage) -> None:
    """Give every error of the app its one shape; `page` shows one to who visits with a browser."""

    async def told(request: Request, error: AttendaError, status: int) -> Response:
        if request.method == "GET" and "text/html" in request.headers.get("accept", ""):
            return await page(request, error, status)
        return _error_response(error, language_of(request), status)

    async def attenda_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, AttendaError)
        return await told(request, error, error.status)

    async def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"][1:]) or "body"
        problem = UserError("request.invalid", place=place, problem=first["msg"])
        return await told(request, problem, 422)

    async def http_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        problem: AttendaError = NotFound("request.no_page")
        if error.status_code != 404:
            problem = UserError("request.refused", problem=error.detail)
        return await told(request, problem, error.status_code)

    async def broken(request: Request, error: Exception) -> Response:
        del error  # uvicorn has logged it
        answer = _error_response(AttendaError("request.broken"), language_of(request))
        _add_headers(answer.headers, request.url.path)  # this answer passes outside the gate
        return answer

    app.add_exception_handler(AttendaError, attenda_error)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, http_error)
    app.add_exception_handler(Exception, broken)


def language_of(request: Request) -> str:
    """The reader's language: the cookie's choice, else what the browser prefers."""
    chosen = request.cookies.get("language")
    if chosen in ("en", "zh-CN"):
        return chosen
    first = request.headers.get("accept-language", "").split(",")[0].lower()
    return "zh-CN" if first.startswith("zh") else "en"


def credential(request: Request) -> str:
    """The one place that says what a request proves itself with: a bearer key, else the cookie."""
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if scheme:
        return key.strip() if scheme.lower() == "bearer" else ""
    return request.cookies.get(COOKIE, "")


async def identify(house: House, secret: str) -> Principal:
    """Who holds a secret: the home's own key, a sign-in or an API key.

    Raises:
        Unauthenticated: nobody we know.
    """
    if not secret:
        raise Unauthenticated("gate.unknown")
    if hmac.compare_digest(secret.encode(), house.owner_key.encode()):
        return await house.database.read(lambda c: people.principal_of(c, people.OWNER_ID))
    return await house.database.read(lambda c: keys.authenticate(c, house.stamps, secret))


async def principal(request: Request) -> Principal:
    """Who asks, with the rights of this moment.

    Raises:
        Unauthenticated: nobody we know.
    """
    who = await identify(request.app.state.house, credential(request))
    return who.model_copy(update={"language": language_of(request)})


def house_of(request: Request) -> House:
    """The installation behind the app."""
    house: House = request.app.state.house
    return house


def require(action: Action) -> Callable[[Request], Awaitable[Principal]]:
    """A dependency: the principal, if their role and scope allow `action`."""

    async def allowed(request: Request) -> Principal:
        who = await principal(request)
        if not who.may(action):
            raise Denied("gate.not_allowed")
        return who

    return allowed


def _error_response(error: AttendaError, language: str, status: int | None = None) -> Response:
    body = {"error": {"key": error.key, "message": error.text(language)}}
    return JSONResponse(body, status_code=status or error.status)
