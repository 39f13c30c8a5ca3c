"""What may be changed, each under the conditions that the shop's policy names.

Every deed here waits for the person's own yes (`policy.toml`). Whose order it is, in which state it
may be, that items can be had and are of the same product, who gets the money back and whether a
gift card has enough: code looks at the tables, whatever the model believes.
"""

from collections import Counter
from decimal import Decimal
from typing import Any, Literal

from attenda.api import Deed, tool
from attenda.evals.exams.retail.caller import caller, refused, words_for
from attenda.evals.exams.retail.looking import own_order, parts_of, shown_order, shown_user

__all__ = [
    "cancel_pending_order",
    "exchange_delivered_order_items",
    "modify_pending_order_address",
    "modify_pending_order_items",
    "modify_pending_order_payment",
    "modify_user_address",
    "return_delivered_order_items",
]

Reason = Literal["no longer needed", "ordered by mistake"]


@tool(writes=True, words=words_for("cancel_pending_order"))
def cancel_pending_order(deed: Deed, order_id: str, reason: Reason) -> dict[str, Any]:
    """Cancel a pending order and pay it back: a gift card at once, else in 5 to 7 business days."""
    order = _order_that_is(deed, order_id, "pending")
    for payment in parts_of(deed, "payments", order_id=order_id):
        method = _method(deed, order["user_id"], payment["payment_method_id"])
        amount = Decimal(payment["amount"])
        _pay(deed, order_id, "refund", amount, method["id"])
        _move(deed, method, amount)
    deed.rows("orders").change(order_id, status="cancelled", cancel_reason=reason)
    return shown_order(deed, order_id)


@tool(writes=True, words=words_for("modify_pending_order_address"))
def modify_pending_order_address(  # noqa: PLR0913 - the benchmark's arguments
    deed: Deed,
    order_id: str,
    address1: str,
    address2: str,
    city: str,
    state: str,
    country: str,
    zip: str,
) -> dict[str, Any]:
    """Send a pending order to another address."""
    _order_that_is(deed, order_id, "pending")
    address = _address(address1, address2, city, state, country, zip)
    deed.rows("orders").change(order_id, address=address)
    return shown_order(deed, order_id)


@tool(writes=True, words=words_for("modify_user_address"))
def modify_user_address(  # noqa: PLR0913 - the benchmark's arguments
    deed: Deed,
    user_id: str,
    address1: str,
    address2: str,
    city: str,
    state: str,
    country: str,
    zip: str,
) -> dict[str, Any]:
    """Give the user another default address."""
    if user_id != caller(deed):
        raise refused(deed, "another_user")
    address = _address(address1, address2, city, state, country, zip)
    deed.rows("users").change(user_id, address=address)
    return shown_user(deed, user_id)


@tool(writes=True, words=words_for("modify_pending_order_payment"))
def modify_pending_order_payment(
    deed: Deed, order_id: str, payment_method_id: str
) -> dict[str, Any]:
    """Let one other payment method pay for a pending order; the first one is paid back."""
    order = _order_that_is(deed, order_id, "pending")
    method = _method(deed, order["user_id"], payment_method_id)
    history = parts_of(deed, "payments", order_id=order_id)
    if len(history) != 1 or history[0]["transaction_type"] != "payment":
        raise refused(deed, "payments", order=order_id)
    before = _method(deed, order["user_id"], history[0]["payment_method_id"])
    if before["id"] == method["id"]:
        raise refused(deed, "same_method", method=method["id"])
    amount = Decimal(history[0]["amount"])
    _pay(deed, order_id, "payment", amount, method["id"])
    _pay(deed, order_id, "refund", amount, before["id"])
    _move(deed, method, -amount)
    _move(deed, before, amount)
    return shown_order(deed, order_id)


@tool(writes=True, words=words_for("modify_pending_order_items"))
def modify_pending_order_items(
    deed: Deed,
    order_id: str,
    item_ids: list[str],
    new_item_ids: list[str],
    payment_method_id: str,
) -> dict[str, Any]:
    """Change items of a pending order for others of the same products, all at once and only once.

    Each new item stands at the place of the old one. The payment method pays the difference, or
    gets it back.
    """
    order = _order_that_is(deed, order_id, "pending")
    pairs = _pairs(deed, order_id, item_ids, new_item_ids)
    method = _method(deed, order["user_id"], payment_method_id)
    difference = _difference(pairs)
    _move(deed, method, -difference)
    way = "payment" if difference > 0 else "refund"
    _pay(deed, order_id, way, abs(difference), method["id"])
    last = pairs[-1][1]
    for item, new in pairs:
        # As the benchmark's own program does it: what is changed in one call takes price and
        # options of the last one. Each its own were right, and would end in another database.
        values = {"item_id": new["id"], "price": last["price"], "options": last["options"]}
        deed.rows("order_items").change(item["id"], **values)
    deed.rows("orders").change(order_id, status="pending (item modified)")
    return shown_order(deed, order_id)


@tool(writes=True, words=words_for("return_delivered_order_items"))
def return_delivered_order_items(
    deed: Deed, order_id: str, item_ids: list[str], payment_method_id: str
) -> dict[str, Any]:
    """Ask for the return of items of a delivered order.

    The first payment method of the order gets the money, or a gift card of the user.
    """
    order = _order_that_is(deed, order_id, "delivered")
    method = _method(deed, order["user_id"], payment_method_id)
    first = parts_of(deed, "payments", order_id=order_id)[0]
    if method["source"] != "gift_card" and method["id"] != first["payment_method_id"]:
        raise refused(deed, "refund_to", method=method["id"])
    _items(deed, order_id, item_ids)
    deed.rows("orders").change(
        order_id,
        status="return requested",
        return_items=sorted(item_ids),
        return_payment_method_id=method["id"],
    )
    return shown_order(deed, order_id)


@tool(writes=True, words=words_for("exchange_delivered_order_items"))
def exchange_delivered_order_items(
    deed: Deed,
    order_id: str,
    item_ids: list[str],
    new_item_ids: list[str],
    payment_method_id: str,
) -> dict[str, Any]:
    """Ask for the exchange of items of a delivered order, all at once and only once.

    Each new item stands at the place of the old one. The payment method pays the difference, or
    gets it back.
    """
    order = _order_that_is(deed, order_id, "delivered")
    pairs = _pairs(deed, order_id, item_ids, new_item_ids)
    method = _method(deed, order["user_id"], payment_method_id)
    difference = _difference(pairs)
    _has_enough(deed, method, difference)
    deed.rows("orders").change(
        order_id,
        status="exchange requested",
        exchange_items=sorted(item_ids),
        exchange_new_items=sorted(new_item_ids),
        exchange_payment_method_id=method["id"],
        exchange_price_difference=difference,
    )
    return shown_order(deed, order_id)


def _order_that_is(deed: Deed, order_id: str, status: str) -> dict[str, Any]:
    order = own_order(deed, order_id)
    if order["status"] != status:
        raise refused(deed, "status", order=order_id, status=order["status"], needed=status)
    return order


def _method(deed: Deed, user_id: str, method_id: str) -> dict[str, Any]:
    found = deed.rows("payment_methods").find(id=method_id, user_id=user_id)
    if not found:
        raise refused(deed, "no_method", method=method_id)
    return found[0]


def _items(deed: Deed, order_id: str, item_ids: list[str]) -> list[dict[str, Any]]:
    """The rows of items of an order; one that is named twice must stand there twice."""
    there = parts_of(deed, "order_items", order_id=order_id)
    counts = Counter(one["item_id"] for one in there)
    for item_id, count in Counter(item_ids).items():
        if count > counts[item_id]:
            raise refused(deed, "not_in_order", item=item_id, order=order_id)
    if not item_ids:
        raise refused(deed, "no_items")
    found = []
    for item_id in item_ids:
        place = next(n for n, one in enumerate(there) if one["item_id"] == item_id)
        found.append(there.pop(place))
    return found


def _pairs(
    deed: Deed, order_id: str, item_ids: list[str], new_item_ids: list[str]
) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Each item of an order with the other one of its product that shall be in its place."""
    items = _items(deed, order_id, item_ids)
    if len(item_ids) != len(new_item_ids):
        raise refused(deed, "counts")
    return [(item, _other(deed, item, new)) for item, new in zip(items, new_item_ids, strict=True)]


def _other(deed: Deed, item: dict[str, Any], new_id: str) -> dict[str, Any]:
    """The variant that may stand in the place of an item."""
    if item["item_id"] == new_id:
        raise refused(deed, "same_item", item=new_id)
    found = deed.rows("variants").find(id=new_id, product_id=item["product_id"])
    if not found:
        raise refused(deed, "other_product", item=new_id, product=item["name"])
    if not found[0]["available"]:
        raise refused(deed, "unavailable", item=new_id)
    return found[0]


def _difference(pairs: list[tuple[dict[str, Any], dict[str, Any]]]) -> Decimal:
    """What the new items cost more than was paid for the old ones; less than zero is given back."""
    prices = (Decimal(new["price"]) - Decimal(item["price"]) for item, new in pairs)
    return sum(prices, Decimal(0))


def _has_enough(deed: Deed, method: dict[str, Any], amount: Decimal) -> None:
    if method["source"] == "gift_card" and Decimal(method["balance"]) < amount:
        values = {"card": method["id"], "balance": method["balance"], "amount": amount}
        raise refused(deed, "balance", **values)


def _move(deed: Deed, method: dict[str, Any], amount: Decimal) -> None:
    """Money onto a gift card, or, below zero, off it; others are paid and paid back elsewhere.

    The balance is read anew, since one deed may move money twice.
    """
    if method["source"] != "gift_card":
        return
    row = deed.rows("payment_methods").get(method["id"])
    _has_enough(deed, row, -amount)
    deed.rows("payment_methods").change(method["id"], balance=Decimal(row["balance"]) + amount)


def _pay(deed: Deed, order_id: str, way: str, amount: Decimal, method_id: str) -> None:
    place = len(deed.rows("payments").find(order_id=order_id))
    deed.rows("payments").add(
        id=f"{order_id}/{place}",
        order_id=order_id,
        place=place,
        transaction_type=way,
        amount=amount,
        payment_method_id=method_id,
    )


def _address(
    address1: str, address2: str, city: str, state: str, country: str, code: str
) -> dict[str, str]:
    return {
        "address1": address1,
        "address2": address2,
        "city": city,
        "state": state,
        "country": country,
        "zip": code,
    }
