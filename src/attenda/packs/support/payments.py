"""How money goes back: a payment provider behind a web address, or the shop's own books.

The provider is sent the deed's key and pays once a key, so an answer that was lost is asked for
again with the same one. Without an address nothing leaves this machine: the refund is for the
shop's books to pay.
"""

import asyncio
import http.client
import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

__all__ = ["Books", "Payments", "WebPayments"]


class Payments(Protocol):
    """Who pays back."""

    async def pay_back(
        self, key: str, refund: str, amount: Decimal, currency: str
    ) -> dict[str, Any]:
        """Pay, once a key: `{state: paid | declined, reference}`.

        Raises:
            OSError: no answer came; whether it was paid is not known.
        """


class Books:
    """The shop's books: what is to be paid stands in `refunds`, with the key as reference."""

    async def pay_back(
        self, key: str, refund: str, amount: Decimal, currency: str
    ) -> dict[str, Any]:
        """Nothing leaves the machine."""
        return {"state": "paid", "reference": f"books:{key[:12]}"}


@dataclass(frozen=True, slots=True)
class WebPayments:
    """A provider that takes `POST {refund, amount, currency}` with an `Idempotency-Key`.

    It answers `{reference}`; a 4xx says that it declines, with `{reason}`.
    """

    url: str
    """Of the operator's choice; `http` or `https`."""
    timeout_s: float = 10.0

    async def pay_back(
        self, key: str, refund: str, amount: Decimal, currency: str
    ) -> dict[str, Any]:
        """Send it; a connection that breaks is a loss, not a no.

        Raises:
            OSError: no answer came, or none that can be read.
        """
        body = {"refund": refund, "amount": str(amount), "currency": currency}
        return await asyncio.to_thread(self._send, key, json.dumps(body).encode())

    def _send(self, key: str, body: bytes) -> dict[str, Any]:
        headers = {"Content-Type": "application/json", "Idempotency-Key": key}
        request = urllib.request.Request(self.url, body, headers)  # noqa: S310 - the operator's
        try:
            with urllib.request.urlopen(request, timeout=self.timeout_s) as answer:  # noqa: S310
                found = json.load(answer)
        except urllib.error.HTTPError as error:
            if 400 <= error.code < 500:
                return {"state": "declined", "reference": str(error.code)}
            raise
        except ValueError as error:
            raise OSError("the provider's answer can't be read") from error
        except http.client.HTTPException as error:
            raise OSError("the provider broke off") from error
        return {"state": "paid", "reference": str(found["reference"])[:80]}
