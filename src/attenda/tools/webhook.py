"""Webhooks both ways, signed as Standard Webhooks are: by an HMAC of an id, a time and the body.

Ours carry the effect's key as their id, the same each time one is sent again, so that a receiver
does the deed once. Of theirs, an id counts once and a time that is far off does not count.
"""

import base64
import binascii
import hmac
import json
import os
from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import urlsplit

import httpx
from pydantic import JsonValue, create_model

from attenda.core.errors import OperatorError, Unauthenticated
from attenda.tools.tool import Deed, Tool, ToolRefused

__all__ = ["Send", "secret_from", "send", "sign", "signed_headers", "verify", "webhook_tool"]

_TOLERANCE_S = 300
"""How far a request's time may be from ours."""
_TIMEOUT_S = 20.0
_MOST_BYTES = 64_000
"""Of an answer that is kept."""

Send = Callable[[str, Mapping[str, str], bytes], Awaitable[tuple[int, bytes]]]
"""Posts a body with headers to an address; its status and the beginning of its answer."""


def secret_from(variable: str) -> bytes:
    """The secret in an environment variable, as it is or, after `whsec_`, in base64.

    Raises:
        OperatorError: there is none, or it is too short to be one.
    """
    text = os.environ.get(variable, "")
    try:
        secret = (
            base64.b64decode(text.removeprefix("whsec_"), validate=True)
            if text.startswith("whsec_")
            else text.encode()
        )
    except (binascii.Error, ValueError) as error:
        raise OperatorError("webhook.secret", name=variable) from error
    if len(secret) < 16:
        raise OperatorError("webhook.secret", name=variable)
    return secret


def sign(secret: bytes, id_: str, at_s: int, body: bytes) -> str:
    """The value of the header `webhook-signature`."""
    digest = hmac.digest(secret, f"{id_}.{at_s}.".encode() + body, "sha256")
    return "v1," + base64.b64encode(digest).decode()


def signed_headers(secret: bytes, id_: str, at_s: int, body: bytes) -> dict[str, str]:
    """Headers of a JSON body: its kind, its id, the time and the signature."""
    return {
        "Content-Type": "application/json",
        "webhook-id": id_,
        "webhook-timestamp": str(at_s),
        "webhook-signature": sign(secret, id_, at_s, body),
    }


def verify(secret: bytes, headers: Mapping[str, str], body: bytes, now_s: int) -> str:
    """The id of a request that was signed with `secret` not long ago.

    Raises:
        Unauthenticated: it was not; the sentence says whether signature or time is wrong.
    """
    id_, at = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    given = headers.get("webhook-signature", "").split()[:8]
    if not (id_ and len(id_) <= 150 and id_.isprintable() and given and at.isascii()):
        raise Unauthenticated("webhook.unsigned")
    if not at.isdigit() or len(at) > 12:
        raise Unauthenticated("webhook.unsigned")
    wanted = sign(secret, id_, int(at), body).encode()
    if not any(hmac.compare_digest(wanted, one.encode()) for one in given):
        raise Unauthenticated("webhook.wrong")
    if abs(int(at) - now_s) > _TOLERANCE_S:
        raise Unauthenticated("webhook.late", seconds=_TOLERANCE_S)
    return id_


async def send(url: str, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
    """Post, following no redirect and using no proxy.

    Raises:
        OSError: no answer came; whether the request arrived is not known.
    """
    try:
        async with httpx.AsyncClient(trust_env=False, timeout=_TIMEOUT_S) as client:
            async with client.stream("POST", url, headers=dict(headers), content=body) as response:
                answer = bytearray()
                async for block in response.aiter_bytes():
                    answer += block
                    if len(answer) > _MOST_BYTES:
                        break
                return response.status_code, bytes(answer[:_MOST_BYTES])
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise OSError(str(error) or type(error).__name__) from error


def webhook_tool(url: str, secret_env: str, posting: Send = send) -> Tool:
    """A tool that posts its argument `body` to a fixed address, signed.

    It refuses what the receiver says it will never take, and is sent again with the same id where
    the receiver was busy, broken or silent.
    """

    async def run(deed: Deed, body: dict[str, JsonValue]) -> dict[str, JsonValue]:
        secret = secret_from(secret_env)
        text = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        headers = {
            **signed_headers(secret, deed.key, deed.now // 1_000_000, text),
            "User-Agent": "Attenda",
            "Idempotency-Key": deed.key,
        }
        status, answer = await posting(url, headers, text)
        if status in (408, 409, 425, 429) or status >= 500:
            raise OSError(f"HTTP {status}")
        if not 200 <= status < 300:
            raise ToolRefused(f"HTTP {status}")
        return {"status": status, "body": _read(answer)}

    made = create_model("webhook", body=(dict[str, JsonValue], ...))
    return Tool(
        name="webhook",
        about="Posts to a fixed address.",
        run=run,
        model=made,
        writes=True,
        outside=True,
        free_text=frozenset({"body"}),
        sink=frozenset({f"web:{urlsplit(url).netloc}"}),
        gives="untrusted",
        timeout_s=_TIMEOUT_S + 5,
        takes_key=True,
    )


def _read(answer: bytes) -> JsonValue:
    try:
        found: JsonValue = json.loads(answer)
    except ValueError:
        return answer.decode(errors="replace")
    return found
