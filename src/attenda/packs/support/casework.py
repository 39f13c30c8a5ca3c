"""What is not money: orders cancelled or sent elsewhere; returns, exchanges, claims and complaints.

Each is quoted in the words that are agreed to, and decided by its rule again when it is done.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from attenda.api import Conflict, Deed, ToolRefused
from attenda.packs.support.countries import countries
from attenda.packs.support.identity import Counter
from attenda.packs.support.refusing import told_arrival, why_not
from attenda.packs.support.rules import (
    address_decision,
    case_decision,
    change_decision,
    due_day,
    written,
)
from attenda.packs.support.shop import Booking, Change, Order, Quote, RefundWish
from attenda.packs.support.shop_policy import ShopRule
from attenda.packs.support.words import both, refusal

__all__ = ["Cases", "add_case", "cancelling"]

_OF_ITEMS = ("return", "exchange", "warranty")
_MOST_TEXT = 500
_PREFIX = {"return": "RT", "exchange": "EX", "warranty": "WA", "complaint": "CO", "account": "AC"}


@dataclass(frozen=True, slots=True)
class Cases:
    """What may be done about orders and with words."""

    counter: Counter

    def quote_change(self, deed: Deed, order: str, change: str) -> dict[str, Any]:
        """Whether an order may be cancelled (`cancel`) or sent elsewhere (`address`)."""
        found = self.counter.order(deed, order)
        ok, rule, facts = change_decision(found, change, self.counter.policy)
        if not ok:
            return {
                "ok": False,
                **why_not(deed, rule, {**facts, "status": both("status", found.status)}),
            }
        if change != "cancel":
            return {"ok": True, "rule": rule.id if rule else ""}
        owed = self._owed(deed, found)
        money = written(owed.amount, owed.currency, self.counter.policy)
        key = "cancel_paid" if owed.ok else "cancel_settled" if found.paid else "cancel_unpaid"
        effect = both("change", key, order=order, amount=money)
        return {"ok": True, "rule": rule.id if rule else "", "paid": owed.ok, "effect": effect}

    def quote_address(self, deed: Deed, order: str, address: str) -> dict[str, Any]:
        """Whether an order may go to an address, and what is agreed to; else why not.

        `again` says that another address may do, and nobody else has to decide.
        """
        found, address = self.counter.order(deed, order), address.strip()[:_MOST_TEXT]
        ok, rule, facts = address_decision(found, address, self.counter.policy)
        known = countries().get(facts["country"])
        names: dict[str, Any] = {
            one: countries()[facts[one]].name if facts[one] in countries() else facts[one]
            for one in ("country", "other")
        }
        if ok:
            told = {**names, "order": order, "address": address, "before": found.address}
            return {"ok": True, "effect": both("change", "address", **told)}
        why = why_not(deed, rule, {**facts, **names, "example": known.example if known else ""})
        kind = rule.kind if rule else ""
        vip = self.counter.who_is_here(deed)["vip"]
        again = kind == "address_postcode" or (kind == "address_country" and not vip)
        return {"ok": False, "again": again, **why}

    def _owed(self, deed: Deed, order: Order) -> Quote:
        """What would have to be paid back were the order cancelled."""
        shop, wish = self.counter.open_shop(deed), RefundWish(cancels=True)
        return shop.quote_refund(order, wish, self.counter.day(deed.now))

    def update_order(
        self, deed: Deed, order: str, change: str, address: str = ""
    ) -> dict[str, Any]:
        """Cancel an order, or have it sent elsewhere, while its rule allows it.

        One for which money is owed is cancelled by `issue_refund` alone, with the money.
        """
        found, address = self.counter.order(deed, order), address.strip()[:_MOST_TEXT]
        ok, rule, _ = change_decision(found, change, self.counter.policy)
        if not ok or rule is None or (change == "address") != bool(address):
            raise ToolRefused(refusal("changed"))
        wanted = self._moved(found, address) if address else self._cancelled(deed, found)
        booking = Booking(deed.key, deed.now, deed.session_id)
        self.counter.open_shop(deed).update_order(order, wanted, booking)
        number = f"CH-{deed.key[:8].upper()}"
        kind = "cancellation" if change == "cancel" else "address"
        add_case(self.counter, deed, number, kind, found,
                 rule=rule.id, text=address, state="done")  # fmt: skip
        return {"number": number}

    def _moved(self, order: Order, address: str) -> Change:
        ok, rule, facts = address_decision(order, address, self.counter.policy)
        if not ok or rule is None:
            raise ToolRefused(refusal("changed"))
        return Change(address=address, postcode=facts["postcode"])

    def _cancelled(self, deed: Deed, order: Order) -> Change:
        if self._owed(deed, order).ok:
            raise ToolRefused(refusal("changed"))
        return cancelling(order)

    def quote_case(
        self, deed: Deed, kind: str, order: str = "", item: str = "", text: str = ""
    ) -> dict[str, Any]:
        """What would be registered, by which rule; or which rule forbids it."""
        text = text.strip()[:_MOST_TEXT]
        if kind not in _OF_ITEMS:
            rule = self.counter.policy.rule(kind, self.counter.day(deed.now))
            email = self.counter.who_is_here(deed)["email"]
            effect = both("case", kind, text=text, email=email)
            return {"ok": rule is not None, "rule": rule.id if rule else "", "effect": effect}
        found = self.counter.order(deed, order)
        ok, rule, facts = self._decision(deed, found, kind, item)
        one = found.item(item)
        name = one.names if one else {}
        told = told_arrival(facts)
        known: dict[str, Any] = {
            **facts, **told, "item": name, "status": both("status", found.status),
        }  # fmt: skip
        if not ok:
            return {"ok": False, **why_not(deed, rule, known)}
        effect = both("case", kind, **{"text": text, **known})
        effect = {name: f"{words}{told['basis'][name]}" for name, words in effect.items()}
        last = facts["last_day"]
        return {"ok": True, "rule": rule.id if rule else "", "effect": effect, "last_day": last}

    def open_case(
        self, deed: Deed, kind: str, order: str = "", item: str = "", text: str = ""
    ) -> dict[str, Any]:
        """Register a return, an exchange, a claim, a complaint or a matter of an account."""
        number = f"{_PREFIX[kind]}-{deed.key[:8].upper()}"
        today = self.counter.day(deed.now)
        if kind in _OF_ITEMS:
            found: Order | None = self.counter.order(deed, order)
            ok, rule, _ = self._decision(deed, self.counter.order(deed, order), kind, item)
        else:
            found, rule = None, self.counter.policy.rule(kind, today)
            ok = rule is not None
        if not ok or rule is None:
            raise ToolRefused(refusal("changed"))
        days, opening = rule.working_days, deed.opening() or self.counter.policy.hours
        due = str(due_day(today, days, opening)) if days else None
        holds = f"{kind}:{item}" if item else None
        add_case(self.counter, deed, number, kind, found, rule=rule.id,
                 text=text.strip()[:_MOST_TEXT], item_id=item, due_on=due, holds=holds)  # fmt: skip
        return {"number": number, "due": due or ""}

    def _decision(
        self, deed: Deed, order: Order, kind: str, item_id: str
    ) -> tuple[bool, ShopRule | None, Mapping[str, str]]:
        item = order.item(item_id)
        if item is None:
            raise ToolRefused(refusal("no_order"))
        return case_decision(order, item, kind, self.counter.policy, self.counter.day(deed.now))


def cancelling(order: Order) -> Change:
    """An order cancelled with all its items."""
    items = [one.id for one in order.items]
    return Change(status="cancelled", items=items, item_state="cancelled")


def add_case(
    counter: Counter, deed: Deed, number: str, kind: str, order: Order | None, **values: object
) -> None:
    """Keep a case of this session's customer.

    Raises:
        ToolRefused: there is one for the same already.
    """
    row = {
        "id": number, "kind": kind, "customer_id": counter.customer_id(deed),
        "order_id": order.id if order else "", "item_id": "", "text": "", "state": "open",
        "session_id": deed.session_id, "opened_at": deed.now,
    }  # fmt: skip
    try:
        deed.rows("cases").add(**{**row, **values})
    except Conflict as error:
        raise ToolRefused(refusal("case_already")) from error
