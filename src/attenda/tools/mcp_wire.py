"""A conversation with one MCP server by the official SDK, in which nothing is believed.

The SDK speaks the protocol. Here are the ends of the wire: frames no longer than a limit, a
process group that ends with the conversation, answers read up to a limit, no redirect elsewhere.
"""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, Literal, TypeVar

import anyio
import httpx2
from mcp import Client, MCPError
from mcp.client.stdio import get_default_environment
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.message import SessionMessage
from mcp_types import (
    CONNECTION_CLOSED,
    INVALID_PARAMS,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    CallToolRequest,
    CallToolRequestParams,
    CallToolResult,
    ElicitRequest,
    ElicitRequestFormParams,
    ElicitRequestParams,
    ElicitResult,
    ErrorData,
    Implementation,
    InputRequiredResult,
    PaginatedRequestParams,
    jsonrpc_message_adapter,
)
from pydantic import TypeAdapter

from attenda import __version__
from attenda.core.form import FormAnswer
from attenda.tools.mcp_file import ServerSpec

__all__ = ["Asking", "Problem", "Talk", "WireError"]

_FRAME = 4 << 20
"""Longest frame, and longest answer of HTTP."""
_NOISE = 100
"""Lines that are no frames before a server is given up: some print where they should not."""
_PAGES = 20
_TOOLS = 200
_REFUSALS = frozenset({INVALID_PARAMS, INVALID_REQUEST, METHOD_NOT_FOUND})
_ROUNDS = 6
"""Times that a server may ask back before it answers a call."""
_ANSWER: TypeAdapter[CallToolResult | InputRequiredResult] = TypeAdapter(
    CallToolResult | InputRequiredResult
)
_Found = TypeVar("_Found")
Asking = Callable[[str, dict[str, Any]], Awaitable[FormAnswer]]
"""Asks a person, by a message and the schema of the answer."""

Problem = Literal["gone", "giant", "noise", "refused", "error", "bad"]


class WireError(Exception):
    """The conversation failed."""

    def __init__(self, problem: Problem, said: str = "") -> None:
        self.problem = problem
        super().__init__(f"{problem}: {said[:500]!r}")


class Talk:
    """One conversation with one server; it lives in a task of its own until it is closed."""

    def __init__(self, spec: ServerSpec, key: str = "", *, heard: bool = False) -> None:
        """`heard`: what the server's program says beside the protocol goes to our own errors."""
        self._spec = spec
        self._key = key
        self._heard = heard
        self._ready = asyncio.Event()
        self._closing = asyncio.Event()
        self._end: Problem = "gone"
        self._client: Client | None = None
        self._task: asyncio.Task[None] | None = None
        self._asking: Asking | None = None
        """Asks the person for whom the call under way is."""

    async def open(self) -> None:
        """Connect, and agree on the protocol.

        Raises:
            WireError: there is no such server, or it does not talk MCP.
        """
        self._task = asyncio.create_task(self._live(), name="mcp")
        await self._or_end(self._ready.wait())

    async def close(self) -> None:
        """End it, and the server's program with all that it started."""
        self._closing.set()
        if self._task is not None:
            await asyncio.wait({self._task}, timeout=5.0)
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    @property
    def over(self) -> bool:
        """Whether the other side has ended it."""
        return self._task is None or self._task.done()

    async def listing(self) -> tuple[str, list[dict[str, Any]]]:
        """The server's name and version, and its tools as it lists them.

        Raises:
            WireError: it does not say, or says more than anybody would read.
        """
        client = self._open_client()
        about = client.server_info
        server = f"{about.name} {about.version}" if about else ""
        tools: list[dict[str, Any]] = []
        cursor: str | None = None
        for _ in range(_PAGES):
            asked = client.session.list_tools(params=PaginatedRequestParams(cursor=cursor))
            page = await self._or_end(asked)
            tools += [
                one.model_dump(mode="json", by_alias=True, exclude_none=True, exclude={"meta"})
                for one in page.tools
            ]
            cursor = page.next_cursor
            if not cursor or len(tools) > _TOOLS:
                break
        if cursor or len(tools) > _TOOLS:
            raise WireError("giant", "too many tools")
        return server, tools

    async def call(
        self, name: str, arguments: dict[str, Any], key: str, asking: Asking | None = None
    ) -> CallToolResult:
        """Call one tool; `key` is the deed's idempotency key, for a server that knows of such.

        What the server asks meanwhile is answered by `asking`; without it, by an error.

        Raises:
            WireError: no answer that can be read came back.
        """
        meta: Any = {"attenda.dev/idempotency-key": key}
        params = CallToolRequestParams(name=name, arguments=arguments, _meta=meta)
        # Not the SDK's `call_tool`: it holds the answer against the server's own schema, for as
        # long as that schema likes.
        session = self._open_client().session
        self._asking = asking
        try:
            for _ in range(_ROUNDS):
                asked = CallToolRequest(params=params)
                found = await self._or_end(session.send_request(asked, _ANSWER))
                if isinstance(found, CallToolResult):
                    return found
                given = await self._or_end(self._answer_all(found.input_requests or {}))
                params = params.model_copy(
                    update={"input_responses": given, "request_state": found.request_state}
                )
        finally:
            self._asking = None
        raise WireError("bad", "it never stops asking")

    async def _answer_all(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Answers to what a server asks instead of answering."""
        given: dict[str, Any] = {}
        for name, one in asked.items():
            asks = isinstance(one, ElicitRequest)
            answer = await self._elicit(None, one.params) if asks else None
            if not isinstance(answer, ElicitResult):
                raise ValueError("it asks for what nobody tells it")
            given[name] = answer
        return given

    async def _elicit(
        self, context: object, params: ElicitRequestParams
    ) -> ElicitResult | ErrorData:
        """Let the person of the call be asked; a page elsewhere is opened for no server."""
        if self._asking is None:
            return ErrorData(code=INVALID_REQUEST, message="nobody can be asked")
        if not isinstance(params, ElicitRequestFormParams):
            return ElicitResult(action="decline")
        schema: Any = params.requested_schema
        answer = await self._asking(params.message, schema if isinstance(schema, dict) else {})
        values: Any = answer.values
        content = values if answer.action == "accept" else None
        return ElicitResult(action=answer.action, content=content)

    def _open_client(self) -> Client:
        if self._client is None or self.over:
            raise WireError(self._end)
        return self._client

    async def _or_end(self, work: Awaitable[_Found]) -> _Found:
        """What `work` gives, unless the conversation ends first."""
        assert self._task is not None
        asked = asyncio.ensure_future(work)
        try:
            await asyncio.wait({asked, self._task}, return_when=asyncio.FIRST_COMPLETED)
            if not asked.done():
                raise WireError(self._end, repr(_problem_of(self._task)))
            return asked.result()
        except MCPError as error:
            raise WireError(self._meaning(error.error.code), error.error.message) from error
        except (ValueError, RuntimeError) as error:  # not what the protocol says an answer is
            raise WireError("bad", str(error)) from error
        finally:
            asked.cancel()

    def _meaning(self, code: int) -> Problem:
        if code == CONNECTION_CLOSED or self._end != "gone":
            return self._end
        return "refused" if code in _REFUSALS else "error"

    async def _live(self) -> None:
        way = self._by_pipe() if self._spec.command else self._by_http()
        about = Implementation(name="attenda", version=__version__)
        client = Client(way, cache=None, client_info=about, elicitation_callback=self._elicit)
        async with client as self._client:
            self._ready.set()
            await self._closing.wait()

    @contextlib.asynccontextmanager
    async def _by_http(self) -> AsyncGenerator[Any, None]:
        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        limited = _Limited(httpx2.AsyncHTTPTransport(), self)
        timeout = httpx2.Timeout(self._spec.timeout_s)
        async with (
            httpx2.AsyncClient(transport=limited, headers=headers, timeout=timeout) as http,
            streamable_http_client(
                self._spec.url, http_client=http, max_sse_event_size=_FRAME
            ) as streams,
        ):
            yield streams

    @contextlib.asynccontextmanager
    async def _by_pipe(self) -> AsyncGenerator[Any, None]:
        """The server's program; the SDK's own way reads a frame of any length."""
        child = await asyncio.create_subprocess_exec(
            self._spec.command,
            *self._spec.args,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=None if self._heard else asyncio.subprocess.DEVNULL,
            env={**get_default_environment(), **self._spec.env},
            limit=_FRAME,
            start_new_session=True,
        )
        to_us, incoming = anyio.create_memory_object_stream[SessionMessage | Exception](0)
        outgoing, to_them = anyio.create_memory_object_stream[SessionMessage](0)
        works = [
            asyncio.create_task(self._hear(child, to_us)),
            asyncio.create_task(_say(child, to_them)),
        ]
        try:
            yield incoming, outgoing
        finally:
            with anyio.CancelScope(shield=True):
                await _end_program(child)
                for work in works:
                    work.cancel()
                await asyncio.gather(*works, return_exceptions=True)
                for stream in (to_us, incoming, outgoing, to_them):
                    stream.close()

    async def _hear(self, child: asyncio.subprocess.Process, to_us: Any) -> None:
        """Hand frames on until the program ends, says too much, or talks no MCP."""
        assert child.stdout is not None
        noise = 0
        with to_us, contextlib.suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
            while noise <= _NOISE:
                try:
                    line = await child.stdout.readline()
                except ValueError:
                    self._end = "giant"
                    return
                if not line:
                    return
                try:
                    message = jsonrpc_message_adapter.validate_json(line, by_name=False)
                except ValueError:
                    noise += 1
                    continue
                await to_us.send(SessionMessage(message))
            self._end = "noise"

    def too_long(self) -> None:
        """An answer of HTTP was longer than any may be."""
        self._end = "giant"


async def _say(child: asyncio.subprocess.Process, to_them: Any) -> None:
    assert child.stdin is not None
    with contextlib.suppress(OSError):
        async for one in to_them:
            frame = one.message.model_dump_json(by_alias=True, exclude_unset=True)
            child.stdin.write(f"{frame}\n".encode())
            await child.stdin.drain()


async def _end_program(child: asyncio.subprocess.Process) -> None:
    """Shut its input, and after a moment end it with everything that it started."""
    assert child.stdin is not None
    child.stdin.close()
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(child.wait(), 1.0)
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, number)
        if child.returncode is None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(child.wait(), 1.0)


def _problem_of(task: asyncio.Task[None]) -> BaseException | None:
    return None if task.cancelled() else task.exception()


class _Limited(httpx2.AsyncBaseTransport):
    """Answers of HTTP no longer than a frame."""

    def __init__(self, inner: httpx2.AsyncHTTPTransport, talk: Talk) -> None:
        self._inner = inner
        self._talk = talk

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        response = await self._inner.handle_async_request(request)
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        response.stream = _LimitedStream(response.stream, self._talk)
        return response

    async def aclose(self) -> None:
        await self._inner.aclose()


class _LimitedStream(httpx2.AsyncByteStream):
    def __init__(self, inner: httpx2.AsyncByteStream, talk: Talk) -> None:
        self._inner = inner
        self._talk = talk

    async def __aiter__(self) -> AsyncIterator[bytes]:
        read = 0
        async for block in self._inner:
            read += len(block)
            if read > _FRAME:
                self._talk.too_long()
                raise httpx2.ReadError("longer than any answer may be")
            yield block

    async def aclose(self) -> None:
        await self._inner.aclose()
