"""Customers and orders from files of our own shape: CSV with a line an item, or JSON.

The columns are those of the tables; what an order costs is reckoned from its items. A customer is
known by id or, where the shop has the address already, by that.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from attenda.api import ReadIn
from attenda.packs.support.import_values import (
    Reading,
    Record,
    Wrong,
    amount_of,
    date_of,
    flag_of,
    json_records,
    objects_of,
    table_records,
    whole_of,
)

__all__ = ["customer_id", "order_done", "read_customers", "read_orders"]

ORDER_STATES = ("pending", "processing", "shipped", "delivered", "returned", "cancelled")
ITEM_STATES = ("ordered", "shipped", "delivered", "refunded", "exchanged", "returned", "cancelled")
_UNPAID = ("pending", "cancelled")
"""Where nothing is said: an order in such a state was not paid."""
_ITEM_STATE = {"pending": "ordered", "processing": "ordered"}
_WARRANTY = 24
"""Months, where nothing is said."""


def customer_id(email: str) -> str:
    """The same id for the same address, where a file has none."""
    return f"C-{hashlib.sha256(email.encode()).hexdigest()[:12]}"


def order_done(made: Reading) -> ReadIn:
    """What was read, with what makes a customer the same one."""
    return made.done(
        same_by={"customers": "email"},
        refers={("orders", "customer_id"): "customers", ("refunds", "customer_id"): "customers"},
    )


def read_customers(name: str, content: bytes) -> ReadIn:
    """Customers: `email` must be there, `id`, `name`, `postcode` and the others may be.

    Raises:
        UserError: it is no such file at all.
    """
    made = Reading()
    for place, one in _records(name, content, ("email",), "customers"):
        try:
            made.add("customers", **_customer(one))
        except Wrong as reason:
            made.reject(place, reason)
    return order_done(made)


def _records(name: str, content: bytes, needed: Sequence[str], within: str) -> list[Record]:
    if name.lower().endswith(".json"):
        return json_records(name, content, within)
    return table_records(name, content, needed)


def _text(one: Mapping[str, Any], key: str) -> str:
    return str(one.get(key) or "").strip()


def _customer(one: Mapping[str, Any]) -> dict[str, object]:
    email = _text(one, "email").lower()
    if "@" not in email:
        raise Wrong("no_email")
    return {
        "id": _text(one, "id") or customer_id(email),
        "name": _text(one, "name"),
        "email": email,
        "postcode": _text(one, "postcode"),
        "address": _text(one, "address"),
        "country": _text(one, "country").upper(),
        "language": _text(one, "language") or "en",
        "tier": _text(one, "tier") or "standard",
        "since": date_of(one.get("since"), "since"),
    }


def read_orders(name: str, content: bytes) -> ReadIn:
    """Orders: in CSV a line for each item, with its order's columns in each or in the first.

    Raises:
        UserError: it is no such file at all.
    """
    if name.lower().endswith(".json"):
        found = [
            (place, one, objects_of(one.get("items")))
            for place, one in json_records(name, content, "orders")
        ]
    else:
        found = _together(table_records(name, content, ("order", "name", "unit_price")))
    made = Reading()
    for place, one, items in found:
        try:
            order, rows = _order(one, items)
        except Wrong as reason:
            made.reject(place, reason)
            continue
        made.add("orders", **order)
        for row in rows:
            made.add("order_items", **row)
    return order_done(made)


def _together(records: Iterable[Record]) -> list[tuple[str, Mapping[str, Any], list[Any]]]:
    """The lines of each order, wherever they stand; later ones may say what the first left out."""
    orders: dict[str, tuple[str, dict[str, Any], list[Any]]] = {}
    for place, line in records:
        number = _text(line, "order") or place
        _, known, items = orders.setdefault(number, (place, {"id": _text(line, "order")}, []))
        items.append(line)
        said = {key: value for key, value in line.items() if str(value or "").strip()}
        known |= {key: value for key, value in said.items() if key not in known}
    return list(orders.values())


def _order(
    one: Mapping[str, Any], items: Sequence[Mapping[str, Any]]
) -> tuple[dict[str, object], list[dict[str, object]]]:
    number, status = _text(one, "id") or _text(one, "order"), _text(one, "status") or "pending"
    email = _text(one, "email").lower()
    if not number:
        raise Wrong("no_number")
    if status not in ORDER_STATES:
        raise Wrong("choice", name="status", text=status)
    if not items:
        raise Wrong("no_items")
    customer = _text(one, "customer_id") or _text(one, "customer") or (email and customer_id(email))
    if not customer:
        raise Wrong("no_customer")
    rows = [_item(number, n, item, status) for n, item in enumerate(items, 1)]
    total = sum((_price(row) for row in rows), Decimal(0))
    return {
        "id": number,
        "customer_id": customer,
        "status": status,
        "currency": _currency(one),
        "total": total,
        "shipping": amount_of(one.get("shipping"), "shipping"),
        "country": _text(one, "country").upper(),
        "paid": flag_of(one["paid"], "paid") if _text(one, "paid") else status not in _UNPAID,
        **{key: _day(one, key) for key in ("placed_on", "due_on", "sent_on", "delivered_on")},
        **{key: _text(one, key) for key in ("carrier", "tracking", "address", "postcode", "note")},
    }, rows


def _day(one: Mapping[str, Any], key: str) -> str | None:
    """A day, perhaps told as a moment: `delivered_on`, or `delivered_at`."""
    moment = f"{key.removesuffix('_on')}_at"
    told = key if _text(one, key) else moment
    return date_of(one.get(told), told)


def _currency(one: Mapping[str, Any]) -> str:
    found = _text(one, "currency").upper() or "EUR"
    if len(found) != 3 or not found.isalpha():
        raise Wrong("currency", text=found)
    return found


def _price(row: Mapping[str, Any]) -> Decimal:
    return Decimal(row["unit_price"]) * int(row["quantity"])


def _item(number: str, n: int, one: Mapping[str, Any], status: str) -> dict[str, object]:
    state = _text(one, "item_state") or _text(one, "state") or _ITEM_STATE.get(status, status)
    if state not in ITEM_STATES:
        raise Wrong("choice", name="item_state", text=state)
    if not _text(one, "name"):
        raise Wrong("no_name", n=n)
    price = amount_of(one.get("unit_price"), "unit_price")
    if price < 0:
        raise Wrong("amount", name="unit_price", text=price)
    months = _text(one, "warranty_months")
    if months and not months.isdigit():
        raise Wrong("whole", name="warranty_months", text=months)
    return {
        "id": f"{number}-{n}",
        "order_id": number,
        "sku": _text(one, "sku"),
        "name": _text(one, "name"),
        "name_zh": _text(one, "name_zh"),
        "category": _text(one, "category"),
        "quantity": whole_of(one.get("quantity") or 1, "quantity"),
        "unit_price": price,
        "final_sale": flag_of(one.get("final_sale"), "final_sale"),
        "warranty_months": int(months) if months else _WARRANTY,
        "state": state,
    }
