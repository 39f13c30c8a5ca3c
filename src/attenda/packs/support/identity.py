"""Who talks: one customer a session, known by two facts; guesses are counted.

A failed try is kept with the address that was tried, so many sessions guess no better than one.
"""

import datetime
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from attenda.api import Deed, ToolRefused
from attenda.packs.support.shop import Order, Shop
from attenda.packs.support.shop_policy import ShopPolicy
from attenda.packs.support.words import refusal

__all__ = ["Counter", "OpenShop", "day_of", "note_event"]

OpenShop = Callable[[Deed], Shop]
"""The shop that a deed is done in."""
_HOUR = 3_600_000_000
_NOBODY: Mapping[str, Any] = {
    "verified_customer": "", "verified_at": None, "tries": 0, "locked_at": None,
    "tier": "", "email": "",
}  # fmt: skip


def day_of(now: int, zone: str) -> datetime.date:
    """The day of a moment, in microseconds since 1970, as a time zone has it."""
    return datetime.datetime.fromtimestamp(now // 1_000_000, ZoneInfo(zone)).date()


def note_event(deed: Deed, kind: str, subject: str, customer_id: str = "") -> None:
    """Keep a security event: what was tried, never what it would have shown."""
    number = len(deed.rows("security_events").find(session_id=deed.session_id))
    deed.rows("security_events").add(
        id=f"SE-{deed.key[:8]}-{number}", at=deed.now, session_id=deed.session_id,
        user_id=deed.who.id, customer_id=customer_id, kind=kind, subject=subject[:200],
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Counter:
    """Where customers come to: who they are, in which shop, by which policy."""

    open_shop: OpenShop
    policy: ShopPolicy

    def day(self, now: int) -> datetime.date:
        """The shop's day of a moment in microseconds since 1970."""
        return day_of(now, self.policy.hours.zone)

    def shop_day(self, deed: Deed) -> dict[str, str]:
        """Which day it is where the shop is."""
        return {"day": self.day(deed.now).isoformat()}

    def verify_customer(self, deed: Deed, email: str, postcode: str) -> dict[str, Any]:
        """Hold two facts against the shop; whoever has both is this session's customer."""
        email, row = email.strip().lower(), self._row(deed)
        if row["locked_at"] or self._tries_of(deed, email) >= self.policy.identity.tries_an_address:
            note_event(deed, "locked", email)
            return {"ok": False, "locked": True}
        found = self.open_shop(deed).find_customer(email, postcode)
        known = row["verified_customer"]
        if found is not None and known in ("", found.id):
            self._keep(
                deed, verified_customer=found.id, verified_at=deed.now, tier=found.tier,
                email=_masked(found.email),
            )  # fmt: skip
            return {"ok": True, "name": found.name, "vip": found.tier == "vip"}
        second = found is not None
        note_event(deed, "second_identity" if second else "bad_identity", email, known)
        tries = row["tries"] + 1
        locked = tries >= self.policy.identity.tries
        self._keep(deed, tries=tries, locked_at=deed.now if locked else None)
        return {"ok": False, "locked": locked, "second": second}

    def who_is_here(self, deed: Deed) -> dict[str, Any]:
        """Whether this session has a customer, and what may be said of them."""
        row = self._row(deed)
        return {
            "known": bool(row["verified_customer"]),
            "locked": bool(row["locked_at"]),
            "vip": row["tier"] == "vip",
            "email": row["email"],
        }

    def customer_id(self, deed: Deed) -> str:
        """Of the customer of this session.

        Raises:
            ToolRefused: nobody is verified in it.
        """
        known = str(self._row(deed)["verified_customer"])
        if not known:
            raise ToolRefused(refusal("not_verified"))
        return known

    def order(self, deed: Deed, order: str) -> Order:
        """An order of this session's customer.

        Raises:
            ToolRefused: nobody is verified, or it is not theirs.
        """
        found = self.open_shop(deed).get_order(order, self.customer_id(deed))
        if found is None:
            raise ToolRefused(refusal("no_order"))
        return found

    def note_miss(self, deed: Deed, order: str) -> dict[str, Any]:
        """Keep that a customer asked for an order that is not theirs; they are not told whose."""
        others = deed.rows("orders").find(id=order)
        kind = "other_customer" if others else "unknown_order"
        note_event(deed, kind, order, self.customer_id(deed))
        return {}

    def _row(self, deed: Deed) -> dict[str, Any]:
        found = deed.rows("conversations").find(id=deed.session_id)
        return found[0] if found else {"id": deed.session_id, **_NOBODY}

    def _keep(self, deed: Deed, **values: object) -> None:
        deed.rows("conversations").put(**{**self._row(deed), **values})

    def _tries_of(self, deed: Deed, email: str) -> int:
        since = deed.now - self.policy.identity.within_hours * _HOUR
        tried = deed.rows("security_events").find(kind="bad_identity", subject=email)
        return sum(one["at"] > since for one in tried)


def _masked(email: str) -> str:
    """An address that its owner recognises: `a…@example.test`."""
    name, _, host = email.partition("@")
    return f"{name[:1]}…@{host}"
