"""The shop's tables, filled from the benchmark's database, and that database again from their rows.

The benchmark keeps one nested document of users, products and orders; here each thing that a tool
changes is a row of its own. Amounts are decimals on both sides.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from attenda.api import PackTable

__all__ = ["TABLES", "Row", "database_of", "order_of", "rows_of", "user_of", "variant_of"]

Row = Mapping[str, Any]
_EXTRA = (
    "cancel_reason",
    "return_items",
    "return_payment_method_id",
    "exchange_items",
    "exchange_new_items",
    "exchange_payment_method_id",
    "exchange_price_difference",
)
"""What an order has only once something was done to it."""

TABLES = (
    PackTable(
        "users",
        {
            "id": "text",
            "first_name": "text",
            "last_name": "text",
            "email": "text",
            "address": "json",
        },
    ),
    PackTable(
        "payment_methods",
        {
            "id": "text",
            "user_id": "text",
            "place": "integer",
            "source": "text",
            "brand": "text",
            "last_four": "text",
            "balance": "amount",
        },
    ),
    PackTable("products", {"id": "text", "name": "text"}),
    PackTable(
        "variants",
        {
            "id": "text",
            "product_id": "text",
            "options": "json",
            "available": "flag",
            "price": "amount",
        },
    ),
    PackTable(
        "orders",
        {
            "id": "text",
            "user_id": "text",
            "place": "integer",
            "address": "json",
            "status": "text",
            "fulfillments": "json",
            "cancel_reason": "text",
            "return_items": "json",
            "return_payment_method_id": "text",
            "exchange_items": "json",
            "exchange_new_items": "json",
            "exchange_payment_method_id": "text",
            "exchange_price_difference": "amount",
        },
    ),
    PackTable(
        "order_items",
        {
            "id": "text",
            "order_id": "text",
            "place": "integer",
            "product_id": "text",
            "name": "text",
            "item_id": "text",
            "price": "amount",
            "options": "json",
        },
    ),
    PackTable(
        "payments",
        {
            "id": "text",
            "order_id": "text",
            "place": "integer",
            "transaction_type": "text",
            "amount": "amount",
            "payment_method_id": "text",
        },
    ),
    PackTable("callers", {"session_id": "text", "user_id": "text", "found_at": "time"}),
)
"""All but the last are the benchmark's; `callers` says who a conversation is with."""


def rows_of(database: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Rows by table.

    Args:
        database: the benchmark's `users`, `products` and `orders`, each by its id.

    Raises:
        KeyError: something that the benchmark's format has is missing.
    """
    found: dict[str, list[dict[str, Any]]] = {one.name: [] for one in TABLES[:-1]}
    for user_id, user in database["users"].items():
        found["users"].append(
            {"id": user_id, **user["name"], "email": user["email"], "address": user["address"]}
        )
        found["payment_methods"] += [
            {"user_id": user_id, "place": place, **method}
            for place, method in enumerate(user["payment_methods"].values())
        ]
    for product_id, product in database["products"].items():
        found["products"].append({"id": product_id, "name": product["name"]})
        found["variants"] += [
            {"id": id_, "product_id": product_id, **_but(variant, "item_id")}
            for id_, variant in product["variants"].items()
        ]
    places = {id_: n for user in database["users"].values() for n, id_ in enumerate(user["orders"])}
    for order_id, order in database["orders"].items():
        plain = _but(order, "order_id", "items", "payment_history")
        found["orders"].append({"id": order_id, "place": places[order_id], **plain})
        for table, inner in (("order_items", "items"), ("payments", "payment_history")):
            found[table] += [
                {"id": f"{order_id}/{place}", "order_id": order_id, "place": place, **one}
                for place, one in enumerate(order[inner])
            ]
    return found


def database_of(rows: Mapping[str, Sequence[Row]]) -> dict[str, Any]:
    """The benchmark's database that these rows are."""
    items = _by("order_id", rows["order_items"])
    payments = _by("order_id", rows["payments"])
    methods, orders = _by("user_id", rows["payment_methods"]), _by("user_id", rows["orders"])
    variants: dict[str, list[Row]] = {}
    for one in rows["variants"]:
        variants.setdefault(one["product_id"], []).append(one)
    return {
        "products": {
            one["id"]: {
                "name": one["name"],
                "product_id": one["id"],
                "variants": {v["id"]: variant_of(v) for v in variants.get(one["id"], ())},
            }
            for one in rows["products"]
        },
        "users": {
            one["id"]: user_of(one, methods.get(one["id"], ()), orders.get(one["id"], ()))
            for one in rows["users"]
        },
        "orders": {
            one["id"]: order_of(one, items.get(one["id"], ()), payments.get(one["id"], ()))
            for one in rows["orders"]
        },
    }


def order_of(order: Row, items: Sequence[Row], payments: Sequence[Row]) -> dict[str, Any]:
    """One order as the benchmark writes it, from its row and those that belong to it in order."""
    extra = {name: order[name] for name in _EXTRA if order[name] is not None}
    if "exchange_price_difference" in extra:
        extra["exchange_price_difference"] = Decimal(extra["exchange_price_difference"])
    return {
        "order_id": order["id"],
        **{name: order[name] for name in ("user_id", "address", "status", "fulfillments")},
        "items": [
            {**_but(one, "id", "order_id", "place"), "price": Decimal(one["price"])}
            for one in items
        ],
        "payment_history": [
            {**_but(one, "id", "order_id", "place"), "amount": Decimal(one["amount"])}
            for one in payments
        ],
        **extra,
    }


def user_of(user: Row, methods: Sequence[Row], orders: Sequence[Row]) -> dict[str, Any]:
    """One user as the benchmark writes them, from their row and those that belong to it."""
    return {
        "user_id": user["id"],
        "name": {name: user[name] for name in ("first_name", "last_name")},
        **{name: user[name] for name in ("address", "email")},
        "payment_methods": {one["id"]: _method(one) for one in methods},
        "orders": [one["id"] for one in orders],
    }


def variant_of(variant: Row) -> dict[str, Any]:
    """One item of the shop as the benchmark writes it."""
    return {
        "item_id": variant["id"],
        **{name: variant[name] for name in ("options", "available")},
        "price": Decimal(variant["price"]),
    }


def _method(method: Row) -> dict[str, Any]:
    found = {name: method[name] for name in ("source", "id")}
    found |= {n: method[n] for n in ("brand", "last_four") if method[n] is not None}
    if method["balance"] is not None:
        found["balance"] = Decimal(method["balance"])
    return found


def _by(name: str, rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Rows by whom they belong to, in their places."""
    found: dict[str, list[Row]] = {}
    for one in sorted(rows, key=lambda row: row["place"]):
        found.setdefault(one[name], []).append(one)
    return found


def _but(row: Row, *names: str) -> dict[str, Any]:
    return {name: one for name, one in row.items() if name not in names}
