"""Orders as other shops export them: Shopify's CSV, WooCommerce's JSON.

What an item cost is what was paid for it: discounts of the order are shared out over its items,
and a cent that cannot be shared is not given back. When a parcel was sent, the files say; when it
came, neither does, unless the shop put a column or field `delivered_at` into it.
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import ROUND_DOWN, Decimal
from typing import Any

from attenda.api import ReadIn
from attenda.packs.support.import_orders import customer_id, order_done
from attenda.packs.support.import_values import (
    Reading,
    Record,
    Wrong,
    amount_of,
    date_of,
    json_records,
    moment_of,
    object_of,
    objects_of,
    table_records,
    whole_of,
)

__all__ = ["read_shopify", "read_woocommerce"]

_CENT = Decimal("0.01")
_WARRANTY = 24
_SHOPIFY = {"fulfilled": "shipped", "partial": "processing", "restocked": "returned"}
_WOO = {
    "on-hold": "pending",
    "processing": "processing",
    "completed": "shipped",
    "cancelled": "cancelled",
    "failed": "cancelled",
    "refunded": "returned",
}
_WOO_PAID = ("processing", "completed", "refunded")
"""Where the file does not say when it was paid."""
_SHOPIFY_PAID = ("paid", "partially_refunded", "refunded")
_ITEM_STATE = {"pending": "ordered", "processing": "ordered"}
_NEEDED = ("Name", "Email", "Financial Status", "Currency", "Subtotal", "Lineitem quantity",
           "Lineitem name", "Lineitem price")  # fmt: skip

Line = tuple[str, str, int, Decimal]
"""Name, article number, how many, and what all of them cost before the order's discount."""


def read_shopify(name: str, content: bytes) -> ReadIn:
    """Shopify's export of orders: a line for each item, the order's columns in its first line.

    Raises:
        UserError: it lacks a column of that export.
    """
    made = Reading()
    for place, lines in _by_order(table_records(name, content, _NEEDED)):
        _whole(made, place, lambda to, lines=lines: _shopify(to, lines))
    return order_done(made)


def _by_order(records: Iterable[Record]) -> list[tuple[str, list[Mapping[str, Any]]]]:
    found: dict[str, tuple[str, list[Mapping[str, Any]]]] = {}
    for place, line in records:
        number = str(line.get("Name") or "").strip()
        found.setdefault(number or place, (place, []))[1].append(line)
    return list(found.values())


def _whole(made: Reading, place: str, take: Any) -> None:
    """An order with all that is its, or nothing of it."""
    single = Reading()
    try:
        take(single)
    except Wrong as reason:
        made.reject(place, reason)
        return
    for table, rows in single.rows.items():
        made.rows.setdefault(table, []).extend(rows)


def _shopify(to: Reading, lines: Sequence[Mapping[str, Any]]) -> None:
    def of(key: str) -> str:
        return str(lines[0].get(key) or "").strip().removeprefix("'")  # zips are kept from sums

    items: list[Line] = []
    for line in lines:
        price = amount_of(line.get("Lineitem price"), "Lineitem price")
        off = amount_of(line.get("Lineitem discount"), "Lineitem discount")
        many = whole_of(line.get("Lineitem quantity"), "Lineitem quantity")
        items.append((str(line["Lineitem name"]), str(line.get("Lineitem sku") or ""), many,
                      price * many - off))  # fmt: skip
    money, back = of("Financial Status"), amount_of(of("Refunded Amount"), "Refunded Amount")
    waits = "processing" if money in _SHOPIFY_PAID else "pending"
    status = "cancelled" if of("Cancelled at") else _SHOPIFY.get(of("Fulfillment Status"), waits)
    place = {part: of(f"Shipping {part}") or of(f"Billing {part}") for part in
             ("Name", "Street", "City", "Zip", "Country")}  # fmt: skip
    order = {
        "number": of("Name").removeprefix("#"),
        "email": of("Email").lower(),
        "name": place["Name"],
        "status": status,
        "currency": of("Currency"),
        "subtotal": amount_of(of("Subtotal"), "Subtotal"),
        "shipping": amount_of(of("Shipping"), "Shipping"),
        "placed_at": of("Created at") or of("Paid at"),
        "sent_at": of("Fulfilled at"),
        "delivered_at": of("delivered_at"),
        "address": ", ".join(filter(None, (place["Street"], place["City"]))),
        "postcode": place["Zip"],
        "country": place["Country"],
        "note": of("Notes"),
        "paid": money in _SHOPIFY_PAID,
        "back": back or (amount_of(of("Total"), "Total") if money == "refunded" else Decimal(0)),
        "is_refunded": money == "refunded",
    }
    _add(to, order, items)


def read_woocommerce(name: str, content: bytes) -> ReadIn:
    """WooCommerce's orders, as its REST API (version 3) gives them.

    Raises:
        UserError: it is no JSON with orders.
    """
    made = Reading()
    for place, one in json_records(name, content, "orders"):
        _whole(made, place, lambda to, one=one: _woocommerce(to, one))
    return order_done(made)


def _woocommerce(to: Reading, one: Mapping[str, Any]) -> None:
    billing, shipping = object_of(one.get("billing")), object_of(one.get("shipping"))
    place = shipping if shipping.get("postcode") else billing
    lines = objects_of(one.get("line_items"))
    items = [
        (str(line.get("name") or ""), str(line.get("sku") or ""),
         whole_of(line.get("quantity"), "quantity"),
         amount_of(line.get("total"), "total") + amount_of(line.get("total_tax"), "total_tax"))
        for line in lines
    ]  # fmt: skip
    back = [amount_of(back.get("total"), "refunds") for back in objects_of(one.get("refunds"))]
    status = str(one.get("status") or "")
    told = [one[key] for key in ("date_paid_gmt", "date_paid") if key in one]
    order = {
        "number": str(one.get("number") or one.get("id") or ""),
        "email": str(billing.get("email") or "").strip().lower(),
        "name": f"{billing.get('first_name') or ''} {billing.get('last_name') or ''}".strip(),
        "status": _WOO.get(status, "pending"),
        "currency": str(one.get("currency") or ""),
        "subtotal": sum((cost for *_, cost in items), Decimal(0)),
        "shipping": amount_of(one.get("shipping_total"), "shipping_total")
        + amount_of(one.get("shipping_tax"), "shipping_tax"),
        "placed_at": one.get("date_created_gmt") or one.get("date_created") or "",
        "sent_at": one.get("date_completed_gmt") or one.get("date_completed") or "",
        "delivered_at": one.get("delivered_at") or "",
        "address": ", ".join(str(place[key]) for key in ("address_1", "city") if place.get(key)),
        "postcode": str(place.get("postcode") or ""),
        "country": str(place.get("country") or ""),
        "note": str(one.get("customer_note") or ""),
        "paid": any(told) if told else status in _WOO_PAID,
        "back": -sum(back, Decimal(0)),
        "is_refunded": status == "refunded",
    }
    _add(to, order, items)


# --- what both share


def _add(to: Reading, order: Mapping[str, Any], items: Sequence[Line]) -> None:
    number, email = order["number"], order["email"]
    if not number:
        raise Wrong("no_number")
    if "@" not in email:
        raise Wrong("no_email")
    if not items:
        raise Wrong("no_items")
    for n, (name, *_) in enumerate(items, 1):
        if not name.strip():
            raise Wrong("no_name", n=n)
    customer, day = customer_id(email), date_of(order["placed_at"], "date")
    sent = date_of(order["sent_at"], "sent")
    came = date_of(order["delivered_at"], "delivered_at")
    status = "delivered" if came and order["status"] == "shipped" else order["status"]
    to.add("customers", id=customer, email=email, name=order["name"], postcode=order["postcode"],
           address=order["address"], country=order["country"].upper(), language="en",
           tier="standard", since=day)  # fmt: skip
    to.add("orders", id=number, customer_id=customer, status=status,
           currency=order["currency"].upper() or "EUR", total=order["subtotal"],
           shipping=order["shipping"], placed_on=day, due_on=None, sent_on=sent,
           delivered_on=came, carrier="", tracking="", address=order["address"],
           postcode=order["postcode"], country=order["country"].upper(), paid=order["paid"],
           note=order["note"])  # fmt: skip
    state = "refunded" if order["is_refunded"] else _ITEM_STATE.get(status, status)
    paid = _shared([cost for *_, cost in items], order["subtotal"])
    for n, ((name, sku, many, _), cost) in enumerate(zip(items, paid, strict=True), 1):
        to.add("order_items", id=f"{number}-{n}", order_id=number, sku=sku, name=name, name_zh="",
               category="", quantity=many, unit_price=(cost / many).quantize(_CENT, ROUND_DOWN),
               final_sale=False, warranty_months=_WARRANTY, state=state)  # fmt: skip
    if order["back"] > 0:
        at = moment_of(order["placed_at"], "date")
        to.add("refunds", id=f"{number}-imported", order_id=number, item_id="", item="",
               amount=order["back"], currency=order["currency"].upper() or "EUR", kind="part",
               state="issued", rule="IMPORTED", approver="import", customer_id=customer,
               session_id="", made_at=at, issued_at=at, payment="",
               holds=f"imported:{number}")  # fmt: skip


def _shared(costs: Sequence[Decimal], paid: Decimal) -> list[Decimal]:
    """What was paid for each, in proportion to what it cost; never more than that."""
    whole = sum(costs, Decimal(0))
    if whole <= 0 or paid >= whole:
        return list(costs)
    return [(cost * paid / whole).quantize(_CENT, ROUND_DOWN) for cost in costs]
