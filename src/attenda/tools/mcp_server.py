"""Ours as theirs: an MCP server by the official SDK over whatever it is given to offer.

Each request stands alone, with the rights of whoever makes it: there is no session that another
could take over. What is offered, this file does not know.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from mcp.server import Server, ServerRequestContext
from mcp.server.stdio import stdio_server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp_types import (
    CallToolRequestParams,
    CallToolResult,
    ListToolsResult,
    PaginatedRequestParams,
    Tool,
)

from attenda import __version__

__all__ = ["Door", "Offer", "serve_stdio"]

_MOST_BODY = 1 << 20
_OFFER = "attenda.offer"
"""Where a request carries what is offered to whoever makes it."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What one person is offered."""

    list_tools: Callable[[], Awaitable[list[dict[str, Any]]]]
    """Tools as MCP lists them."""
    call_tool: Callable[[str, dict[str, Any]], Awaitable[dict[str, Any]]]
    """A tool's result as MCP gives it; a failure is a result that says so."""


def _server(offer_of: Callable[[ServerRequestContext[Any, Any]], Offer]) -> Server[Any]:
    async def list_tools(
        context: ServerRequestContext[Any, Any], _params: PaginatedRequestParams | None
    ) -> ListToolsResult:
        found = await offer_of(context).list_tools()
        return ListToolsResult(tools=[Tool.model_validate(one) for one in found])

    async def call_tool(
        context: ServerRequestContext[Any, Any], params: CallToolRequestParams
    ) -> CallToolResult:
        found = await offer_of(context).call_tool(params.name, params.arguments or {})
        return CallToolResult.model_validate(found)

    return Server("attenda", version=__version__, on_list_tools=list_tools, on_call_tool=call_tool)


async def serve_stdio(offer: Offer) -> None:
    """Serve on standard input and output until the input ends."""
    server = _server(lambda _context: offer)
    async with stdio_server() as (incoming, outgoing):
        await server.run(incoming, outgoing, server.create_initialization_options())


def _carried(context: ServerRequestContext[Any, Any]) -> Offer:
    request: Any = context.request
    offer: Offer = request.scope[_OFFER]
    return offer


class Door:
    """Streamable HTTP for one app; opened by the first request."""

    def __init__(self) -> None:
        server = _server(_carried)
        self._manager = StreamableHTTPSessionManager(
            server, json_response=True, stateless=True, max_request_body_size=_MOST_BODY
        )
        self._open = asyncio.Event()
        self._closing = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def answer(self, offer: Offer, scope: Any, receive: Any, send: Any) -> None:
        """Answer one HTTP request of somebody who is offered `offer`."""
        if self._task is None:
            self._task = asyncio.create_task(self._live(), name="mcp door")
        await self._open.wait()
        await self._manager.handle_request({**scope, _OFFER: offer}, receive, send)

    async def close(self) -> None:
        """End the requests under way."""
        self._closing.set()
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)

    async def _live(self) -> None:
        async with self._manager.run():
            self._open.set()
            await self._closing.wait()
