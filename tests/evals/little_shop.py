"""A shop of the benchmark's shape: two customers, and something to do for each of its tools."""

import json
from pathlib import Path
from typing import Any

__all__ = ["little_shop"]

HOME = {"address1": "1 Elm", "address2": "", "city": "Ulm", "state": "BY", "country": "DE"}
AWAY = {**HOME, "address1": "9 Oak", "zip": "20000"}


def _variant(item: str, color: str, price: float, *, there: bool = True) -> dict[str, Any]:
    return {"item_id": item, "options": {"color": color}, "available": there, "price": price}


def _product(number: str, name: str, *variants: dict[str, Any]) -> dict[str, Any]:
    inside = {one["item_id"]: one for one in variants}
    return {"name": name, "product_id": number, "variants": inside}


PRODUCTS = [
    _product("P1", "Lamp", _variant("11", "red", 10.1), _variant("12", "blue", 12.35),
             _variant("13", "gold", 900.0), _variant("14", "grey", 9.0, there=False)),
    _product("P2", "Cup", _variant("21", "red", 3.05), _variant("22", "blue", 2.5)),
]  # fmt: skip


def _item(product: dict[str, Any], item: str) -> dict[str, Any]:
    variant = product["variants"][item]
    names = {"name": product["name"], "product_id": product["product_id"], "item_id": item}
    return {**names, "price": variant["price"], "options": variant["options"]}


def _user(name: str, code: str, orders: list[str], **methods: Any) -> dict[str, Any]:
    return {
        "user_id": f"{name.lower()}_1",
        "name": {"first_name": name, "last_name": "Li"},
        "address": {**HOME, "zip": code},
        "email": f"{name.lower()}@example.com",
        "payment_methods": {
            key: {"id": key, "source": key.rpartition("_")[0], **more}
            for key, more in methods.items()
        },
        "orders": orders,
    }


def _order(number: str, user: str, status: str, paid_by: str, *items: Any) -> dict[str, Any]:
    amount = round(sum(one["price"] for one in items), 2)
    paid = {"transaction_type": "payment", "amount": amount, "payment_method_id": paid_by}
    return {
        "order_id": number,
        "user_id": user,
        "address": {**HOME, "zip": "10000"},
        "items": list(items),
        "status": status,
        "fulfillments": [],
        "payment_history": [paid],
    }


def _task(number: str, *actions: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    made = [{"name": name, "arguments": given, "info": None} for name, given in actions]
    return {"id": number, "evaluation_criteria": {"actions": made or None}}


def little_shop(folder: Path) -> Path:
    """Writes its files; the folder."""
    lamp, cup = PRODUCTS
    orders = [
        _order("#1", "ana_1", "pending", "gift_card_1", _item(lamp, "11"), _item(cup, "21")),
        _order("#2", "ana_1", "delivered", "paypal_1", _item(lamp, "11"), _item(lamp, "11")),
        _order("#3", "ana_1", "pending", "paypal_1", _item(cup, "21")),
        _order("#4", "bo_1", "processed", "credit_card_2", _item(cup, "22")),
    ]
    card = {"brand": "visa", "last_four": "1234"}
    more = {"gift_card_1": {"balance": 20.0}, "paypal_1": {}, "credit_card_1": card}
    users = [
        _user("Ana", "10000", ["#1", "#2", "#3"], **more),
        _user("Bo", "30000", ["#4"], credit_card_2=card),
    ]
    swap = {"item_ids": ["11", "21"], "new_item_ids": ["12", "22"]}
    by_card = {"payment_method_id": "gift_card_1"}
    tasks = [
        _task("nothing at all"),
        _task(
            "every tool",
            ("find_user_id_by_name_zip", {"first_name": "Ana", "last_name": "Li", "zip": "1"}),
            ("find_user_id_by_email", {"email": "ANA@example.com"}),
            ("get_user_details", {"user_id": "ana_1"}),
            ("get_order_details", {"order_id": "1"}),
            ("list_all_product_types", {}),
            ("get_product_details", {"product_id": "P1"}),
            ("get_item_details", {"item_id": "12"}),
            ("calculate", {"expression": "2 * (12.35 - 10.10)"}),
            ("modify_pending_order_address", {"order_id": "#1", **AWAY}),
            ("modify_pending_order_payment", {"order_id": "#3", **by_card}),
            ("modify_pending_order_items", {"order_id": "#1", **swap, **by_card}),
            ("exchange_delivered_order_items", {"order_id": "#2", "item_ids": ["11", "11"],
                "new_item_ids": ["12", "13"], "payment_method_id": "paypal_1"}),
            ("modify_user_address", {"user_id": "ana_1", **AWAY}),
            ("cancel_pending_order", {"order_id": "#3", "reason": "no longer needed"}),
            ("transfer_to_human_agents", {"summary": "She wants a discount."}),
        ),
        _task("return alone", ("return_delivered_order_items",
            {"order_id": "#2", "item_ids": ["11"], "payment_method_id": "gift_card_1"})),
        _task("changed after its items were",
            ("modify_pending_order_items", {"order_id": "#1", **swap, **by_card}),
            ("modify_pending_order_address", {"order_id": "#1", **AWAY})),
    ]  # fmt: skip
    data = {
        "products": {one["product_id"]: one for one in PRODUCTS},
        "users": {one["user_id"]: one for one in users},
        "orders": {one["order_id"]: one for one in orders},
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "db.json").write_text(json.dumps(data), "utf-8")
    (folder / "tasks.json").write_text(json.dumps(tasks), "utf-8")
    return folder
