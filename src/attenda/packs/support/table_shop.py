"""A shop over rows, wherever these stand: the pack's own tables, files, a database.

Rows have the names of `tables.py`; amounts may be text, days `YYYY-MM-DD`.
"""

import datetime
from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, Protocol

from attenda.api import Conflict
from attenda.packs.support import rules
from attenda.packs.support.countries import code_of, plain_postcode, postcodes_in
from attenda.packs.support.shop import (
    Booking,
    Change,
    Customer,
    Item,
    Order,
    Quote,
    Refund,
    RefundWish,
    ShopRefused,
)
from attenda.packs.support.shop_policy import ShopPolicy

__all__ = ["RowShop", "ShopRows"]


class ShopRows(Protocol):
    """Rows of one table of a shop."""

    def find(self, **equal: object) -> list[dict[str, Any]]:
        """Those that have these values."""

    def add(self, **values: object) -> None:
        """A new one; raises `Conflict` where its key, or what it holds, is there."""

    def change(self, key: object, **values: object) -> None:
        """Give the one with a key other values."""


class RowShop:
    """The seven methods over rows."""

    def __init__(self, rows: Callable[[str], ShopRows], policy: ShopPolicy) -> None:
        """`rows` gives those of `customers`, `orders`, `order_items` and `refunds`."""
        self._rows, self._policy = rows, policy

    def find_customer(self, email: str, postcode: str) -> Customer | None:
        """Who has both facts; none where one of the two is another's."""
        for row in self._rows("customers").find(email=email.strip().lower()):
            if _has_postcode(row, postcode):
                return _customer(row)
        return None

    def get_order(self, order_id: str, customer_id: str) -> Order | None:
        """An order of this customer; none where it is another's, or nobody's.

        It goes to its customer's country where it names none itself.
        """
        found = self._rows("orders").find(id=order_id, customer_id=customer_id)
        if not found:
            return None
        order = self._order(found[0])
        known = () if order.country else self._rows("customers").find(id=customer_id)
        return replace(order, country=code_of(known[0].get("country") or "")) if known else order

    def list_orders(self, customer_id: str) -> list[Order]:
        """All orders of a customer, the newest first."""
        found = [self._order(one) for one in self._rows("orders").find(customer_id=customer_id)]
        return sorted(found, key=lambda one: (one.placed_on, one.id), reverse=True)

    def quote_refund(self, order: Order, wish: RefundWish, today: datetime.date) -> Quote:
        """What a refund would come to; changes nothing."""
        return rules.quote(order, self._refunds(order.id), wish, self._policy, today)

    def issue_refund(self, quote: Quote, booking: Booking) -> Refund:
        """Reserve what was quoted, once a key.

        Raises:
            ShopRefused: what is asked for is reserved or refunded already.
        """
        id_ = f"RF-{booking.key[:8].upper()}"
        there = self._rows("refunds").find(id=id_)
        if there:
            return _refund(there[0])
        order = self._rows("orders").find(id=quote.order_id)[0]
        item = self._item_row(quote.item_id)
        holds = quote.item_id or quote.order_id
        row = {
            "id": id_, "order_id": quote.order_id, "item_id": quote.item_id,
            "item": item["name"] if item else "", "amount": quote.amount,
            "currency": quote.currency, "kind": quote.kind, "state": "reserved",
            "rule": quote.rule.id if quote.rule else "", "approver": booking.approver,
            "customer_id": order["customer_id"], "session_id": booking.session_id,
            "made_at": booking.now, "payment": "",
            "holds": f"{holds}:{quote.amount}" if quote.kind == "part" else holds,
        }  # fmt: skip
        try:
            self._rows("refunds").add(**row)
        except Conflict as error:
            raise ShopRefused("refunded_already") from error
        return _refund(row)

    def begin_payment(
        self, refund_id: str, amount: Decimal, currency: str, customer_id: str, booking: Booking
    ) -> None:
        """Let the payment of a refund begin under a key, as it was reserved; once.

        `customer_id` is whose it is to be; empty where staff pay.

        Raises:
            ShopRefused: there is no such refund of theirs, of that money; or its payment began
                under another key, or is over. Nothing is noted then.
        """
        found = self._rows("refunds").find(id=refund_id)
        kept = _refund(found[0]) if found else None
        theirs = kept and customer_id in ("", str(found[0]["customer_id"]))
        if kept is None or not theirs or (kept.amount, kept.currency) != (amount, currency):
            raise ShopRefused("other_money")
        begun = f"begun:{booking.key[:24]}"
        if kept.state != "reserved" or (found[0].get("payment") or begun) != begun:
            raise ShopRefused("payment_begun")
        self._rows("refunds").change(refund_id, payment=begun)

    def update_order(self, order_id: str, change: Change, booking: Booking) -> Order:
        """Change an order; the same change again changes nothing.

        Raises:
            ShopRefused: there is no such order.
        """
        if not self._rows("orders").find(id=order_id):
            raise ShopRefused("no_order")
        values = {"status": change.status, "address": change.address, "postcode": change.postcode}
        values = {name: value for name, value in values.items() if value}
        if values:
            self._rows("orders").change(order_id, **values)
        for item in change.items:
            self._rows("order_items").change(item, state=change.item_state)
        if change.refund:
            values = {"state": change.refund_state, "payment": change.payment}
            failed = change.refund_state == "failed"
            more = {"holds": None} if failed else {"issued_at": booking.now}
            self._rows("refunds").change(change.refund, **values, **more)
        return self._order(self._rows("orders").find(id=order_id)[0])

    def _refunds(self, order_id: str) -> list[Refund]:
        return [_refund(row) for row in self._rows("refunds").find(order_id=order_id)]

    def _item_row(self, item_id: str) -> dict[str, Any] | None:
        found = self._rows("order_items").find(id=item_id) if item_id else []
        return found[0] if found else None

    def _order(self, row: Mapping[str, Any]) -> Order:
        items = [_item(one) for one in self._rows("order_items").find(order_id=row["id"])]
        return Order(
            id=row["id"],
            customer_id=row["customer_id"],
            status=row["status"],
            currency=row["currency"],
            items=tuple(items),
            placed_on=_day(row["placed_on"]) or datetime.date.min,
            shipping=Decimal(str(row.get("shipping") or 0)),
            paid=_paid(row),
            due_on=_day(row.get("due_on")),
            delivered_on=_day(row.get("delivered_on")),
            sent_on=_day(row.get("sent_on")),
            carrier=row.get("carrier") or "",
            tracking=row.get("tracking") or "",
            address=row.get("address") or "",
            country=code_of(row.get("country") or ""),
            note=row.get("note") or "",
        )


def _customer(row: Mapping[str, Any]) -> Customer:
    tier = "vip" if row.get("tier") == "vip" else "standard"
    known = (row["id"], row["name"], row["email"], row["postcode"], row.get("language") or "en")
    return Customer(*known, tier=tier)  # type: ignore[arg-type]


def _item(row: Mapping[str, Any]) -> Item:
    price = Decimal(str(row["unit_price"])) * int(row.get("quantity") or 1)
    name = {"en": row["name"], "zh-CN": row.get("name_zh") or row["name"]}
    months = int(row.get("warranty_months") or 0)
    return Item(row["id"], name, price, _flag(row["final_sale"]), months, row["state"])


def _refund(row: Mapping[str, Any]) -> Refund:
    known = (row["id"], row["order_id"], row["item_id"] or "", Decimal(str(row["amount"])))
    return Refund(*known, row["currency"], row["state"])


def _day(value: object) -> datetime.date | None:
    return datetime.date.fromisoformat(str(value)[:10]) if value else None


def _paid(row: Mapping[str, Any]) -> bool:
    """Whether its money was taken; where nobody says, by where it stands."""
    if row.get("paid") in (None, ""):
        return row["status"] not in ("pending", "cancelled")
    return _flag(row["paid"])


def _flag(value: object) -> bool:
    """Also as files write it."""
    return value if isinstance(value, bool) else str(value).lower() in ("1", "true", "yes")


def _has_postcode(customer: Mapping[str, Any], said: str) -> bool:
    """Whether it is theirs, however it is written; read as their country writes postcodes.

    “4000 is” has a postcode of the Netherlands, and of Portugal another one.
    """
    theirs = plain_postcode(customer["postcode"] or "")
    read = postcodes_in(said, code_of(customer.get("country") or "-"))
    ways = {plain_postcode(said), *map(plain_postcode, read[:1] if len(read) == 1 else ())}
    return theirs != "" and theirs in ways
