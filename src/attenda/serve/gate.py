"""The gate: which requests come in at all, who is behind them, and what every answer carries.

Middleware in one place, in order: the host must be one of ours (a hostile page cannot rebind a
name to us), a change must come from our own pages, then the answer gets its security headers and
an error becomes one JSON shape: `{"error": {"key", "message"}}`.
"""

import hmac
from collections.abc import Awaitable, Callable

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from attenda.core.errors import AttendaError, Denied, NotFound, Unauthenticated, UserError
from attenda.core.principal import Action, Principal
from attenda.runtime.house import House
from attenda.store import keys, people

__all__ = [
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
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
        "connect-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
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
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        problem = self._problem(scope, headers)

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                sent = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    sent.setdefault(name, value)
                if not scope["path"].startswith("/static/"):
                    sent.setdefault("Cache-Control", "no-store")
            await send(message)

        if problem is not None:
            await _error_response(problem, "en")(scope, receive, with_headers)
            return
        await self._app(scope, receive, with_headers)

    def _problem(self, scope: Scope, headers: Headers) -> AttendaError | None:
        if scope.get("server") is None or scope["server"][1] is None:
            return None  # the socket in the home: its file rights are the gate
        host = headers.get("host", "").rsplit(":", 1)[0].strip("[]").lower()
        if host not in self._hosts:
            return Denied("gate.host", host=host[:100])
        if scope["method"] in _SAFE or "authorization" in headers:
            return None
        origin = headers.get("origin")
        site = headers.get("sec-fetch-site", "same-origin")
        foreign = origin is not None and origin.split("://")[-1] != headers.get("host", "")
        if foreign or site not in ("same-origin", "none"):
            return Denied("gate.origin")
        return None


def answer_errors(app: FastAPI) -> None:
    """Give every error of the app its one shape."""

    async def attenda_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, AttendaError)
        return _error_response(error, language_of(request))

    async def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"][1:]) or "body"
        problem = UserError("request.invalid", place=place, problem=first["msg"])
        return _error_response(problem, language_of(request), 422)

    async def http_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        problem: AttendaError = NotFound("request.no_page")
        if error.status_code != 404:
            problem = UserError("request.refused", problem=error.detail)
        return _error_response(problem, language_of(request), error.status_code)

    async def broken(request: Request, error: Exception) -> Response:
        del error  # uvicorn has logged it
        return _error_response(AttendaError("request.broken"), language_of(request))

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
