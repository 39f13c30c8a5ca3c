"""`attenda mcp serve`: what the home's owner offers over HTTP, on standard input and output."""

from typing import Any

import httpx

from attenda.cli.client import request
from attenda.tools.mcp import sdk

__all__ = ["serve"]

_HEADERS = {
    "Accept": "application/json, text/event-stream",
    "MCP-Protocol-Version": "2025-11-25",
}


async def serve(client: httpx.AsyncClient) -> int:
    """Serve until the input ends; the exit code."""
    server = sdk("mcp_server")

    async def asked(method: str, **params: Any) -> dict[str, Any]:
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        found = await request(client, "POST", "/mcp", json=body, headers=_HEADERS)
        result: dict[str, Any] = found["result"]
        return result

    async def list_tools() -> list[dict[str, Any]]:
        tools: list[dict[str, Any]] = (await asked("tools/list"))["tools"]
        return tools

    async def call_tool(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        return await asked("tools/call", name=name, arguments=arguments)

    await server.serve_stdio(server.Offer(list_tools, call_tool))
    return 0
