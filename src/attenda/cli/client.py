"""How commands talk to the owner: requests whose errors become the same sentences here."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx

from attenda.core.errors import (
    AttendaError,
    Conflict,
    ModelError,
    NotFound,
    OperatorError,
    UserError,
)

__all__ = ["Refused", "events", "request"]

_KINDS: dict[int, type[AttendaError]] = {
    404: NotFound,
    409: Conflict,
    502: ModelError,
    503: OperatorError,
}


class Refused(UserError):
    """The owner's answer was an error; its sentence is already worded."""

    def __init__(self, message: str, exit_code: int) -> None:
        self.exit_code = exit_code
        super().__init__("client.refused", message=message)


async def request(client: httpx.AsyncClient, method: str, path: str, **options: Any) -> Any:
    """The JSON of an answer.

    Raises:
        Refused: the owner said no, in its own words.
    """
    response = await client.request(method, path, **options)
    if response.is_error:
        kind = _KINDS.get(response.status_code, UserError)
        raise Refused(_message(response), kind.exit_code)
    return response.json() if response.content else None


async def events(client: httpx.AsyncClient, path: str) -> AsyncIterator[dict[str, Any]]:
    """The events of a stream, as dictionaries."""
    async with client.stream("GET", path) as response:
        async for line in response.aiter_lines():
            if line.startswith("data: "):
                yield json.loads(line[6:])


def _message(response: httpx.Response) -> str:
    try:
        return str(response.json()["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return f"HTTP {response.status_code}"
