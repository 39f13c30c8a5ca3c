"""Whom an embedding site says that a visitor is: a JSON Web Token signed with the channel's secret.

HS256 alone (RFC 7515 and 7519): the algorithm is ours to choose, never the token's. It must end
within a day, and names the customer in `sub`, perhaps with a `name`.
"""

import base64
import hashlib
import hmac
import json
from typing import Any

from attenda.core.errors import Denied
from attenda.store.visitors import Known

__all__ = ["channel_secret", "known_by"]

_LONGEST = 4_000
_DAY_S = 86_400


def channel_secret(channel_key: str, channel_id: str) -> str:
    """The secret of one channel, for its site's server: 64 hexadecimal digits.

    It is made from the home's key, so no database and no backup of one holds it.
    """
    named = f"identity:{channel_id}".encode()
    return hmac.new(channel_key.encode(), named, hashlib.sha256).hexdigest()


def known_by(token: str, secret: str, now_s: int) -> Known:
    """Whom a token names.

    Raises:
        Denied: it is no such token, was signed with another secret, is over, or lasts too long.
    """
    if len(token) > _LONGEST or token.count(".") != 2 or not token.isascii():
        raise Denied("channel.identity")
    signed, _, given = token.rpartition(".")
    head, _, body = signed.partition(".")
    right = hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest()
    if not hmac.compare_digest(right, _bytes(given)) or _claims(head).get("alg") != "HS256":
        raise Denied("channel.identity")
    claims = _claims(body)
    ends, customer, name = claims.get("exp"), claims.get("sub"), claims.get("name", "")
    lasts = isinstance(ends, int | float) and now_s < ends <= now_s + _DAY_S
    if not lasts or not isinstance(customer, str) or not 0 < len(customer) <= 200:
        raise Denied("channel.identity")
    return Known(customer, name[:120] if isinstance(name, str) else "")


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError as error:
        raise Denied("channel.identity") from error


def _claims(text: str) -> dict[str, Any]:
    try:
        found = json.loads(_bytes(text))
    except (ValueError, RecursionError) as error:
        raise Denied("channel.identity") from error
    if not isinstance(found, dict):
        raise Denied("channel.identity")
    return found
