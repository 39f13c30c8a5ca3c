"""What tau2-bench retail expects: its actions replayed on the plain database, without any of ours.

A second, independent telling of what each action does, on dictionaries alone, so that tools and
expectation can disagree. It knows the checks of the benchmark's own program, and not what the
policy asks beyond them (who somebody is, whether they said yes): an action that is possible here
and refused there was refused by policy.
"""

import copy
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from attenda.evals.exams.tau2_tasks import Action

__all__ = ["differences", "expected"]

_Database = dict[str, Any]
_MOST_DIFFERENCES = 20
_ADDRESS = ("address1", "address2", "city", "state", "country", "zip")


class _Impossible(Exception):
    """The benchmark's program would answer this with an error, and change nothing."""


def expected(
    database: Mapping[str, Any], actions: Sequence[Action]
) -> tuple[dict[str, Any], list[bool]]:
    """The database after some actions, and which of them were possible.

    Args:
        database: before; it is left as it is.
        actions: in order.

    Raises:
        LookupError: an action is none of the benchmark's.
    """
    now, possible = dict(database), list[bool]()
    for one in actions:
        tried = _apart(now, one)
        try:
            _ACTIONS[one.name](tried, dict(one.arguments))
        except (_Impossible, KeyError, TypeError, AttributeError):  # or no arguments of this tool
            possible.append(False)
        else:
            now = tried
            possible.append(True)
    return now, possible


def _apart(now: _Database, action: Action) -> _Database:
    """The database with the one order and the one user that an action can change as copies."""
    order_id = action.arguments.get("order_id")
    orders, users = dict(now["orders"]), dict(now["users"])
    user_id = orders[order_id]["user_id"] if order_id in orders else None
    for table, key in ((orders, order_id), (users, user_id or action.arguments.get("user_id"))):
        if key in table:
            table[key] = copy.deepcopy(table[key])
    return {"products": now["products"], "users": users, "orders": orders}


def differences(wanted: Any, found: Any, at: str = "") -> list[str]:
    """Where two databases differ, as paths with both values; nothing where they are equal."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        keys = [*wanted, *(key for key in found if key not in wanted)]
        told = [
            line
            for key in keys
            if wanted.get(key) != found.get(key)
            for line in differences(wanted.get(key), found.get(key), f"{at}/{key}")
        ]
    elif isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        pairs = enumerate(zip(wanted, found, strict=True))
        told = [line for n, (one, other) in pairs for line in differences(one, other, f"{at}/{n}")]
    else:
        told = [] if wanted == found else [f"{at}: {found!r}, expected {wanted!r}"]
    return told[:_MOST_DIFFERENCES]


def _need(holds: object) -> None:
    if not holds:
        raise _Impossible


def _known(table: Mapping[str, Any], key: Any) -> Any:
    _need(key in table)
    return table[key]


def _order(db: _Database, given: Mapping[str, Any]) -> Any:
    return _known(db["orders"], given["order_id"])


def _method(db: _Database, order: Mapping[str, Any], key: str) -> Any:
    return _known(db["users"][order["user_id"]]["payment_methods"], key)


def _find_by_email(db: _Database, given: Mapping[str, Any]) -> None:
    _need(any(u["email"].lower() == given["email"].lower() for u in db["users"].values()))


def _find_by_name_zip(db: _Database, given: Mapping[str, Any]) -> None:
    wanted = given["first_name"].lower(), given["last_name"].lower(), given["zip"]
    _need(
        any(
            (u["name"]["first_name"].lower(), u["name"]["last_name"].lower(), u["address"]["zip"])
            == wanted
            for u in db["users"].values()
        )
    )


def _get_item(db: _Database, given: Mapping[str, Any]) -> None:
    _need(any(given["item_id"] in one["variants"] for one in db["products"].values()))


def _nothing(db: _Database, given: Mapping[str, Any]) -> None:
    """It neither changes anything nor fails."""


def _cancel(db: _Database, given: Mapping[str, Any]) -> None:
    order = _order(db, given)
    _need(order["status"] == "pending")
    _need(given["reason"] in ("no longer needed", "ordered by mistake"))
    for paid in list(order["payment_history"]):
        back = {**paid, "transaction_type": "refund"}
        order["payment_history"].append(back)
        _fill(_method(db, order, paid["payment_method_id"]), paid["amount"])
    order["status"], order["cancel_reason"] = "cancelled", given["reason"]


def _fill(method: dict[str, Any], amount: Decimal) -> None:
    if method["source"] == "gift_card":
        method["balance"] += amount


def _can_pay(method: Mapping[str, Any], amount: Decimal) -> None:
    _need(method["source"] != "gift_card" or method["balance"] >= amount)


def _change_address(db: _Database, given: Mapping[str, Any]) -> None:
    order = _order(db, given)
    _need("pending" in order["status"])
    order["address"] = {name: given[name] for name in _ADDRESS}


def _change_own_address(db: _Database, given: Mapping[str, Any]) -> None:
    _known(db["users"], given["user_id"])["address"] = {name: given[name] for name in _ADDRESS}


def _change_payment(db: _Database, given: Mapping[str, Any]) -> None:
    order = _order(db, given)
    _need("pending" in order["status"])
    new, history = given["payment_method_id"], order["payment_history"]
    method = _method(db, order, new)
    _need(len(history) == 1 and history[0]["transaction_type"] == "payment")
    old, amount = history[0]["payment_method_id"], history[0]["amount"]
    _need(old != new)
    _can_pay(method, amount)
    for kind, which in (("payment", new), ("refund", old)):
        history.append({"transaction_type": kind, "amount": amount, "payment_method_id": which})
    _fill(method, -amount)
    _fill(_method(db, order, old), amount)


def _swaps(
    db: _Database, order: Mapping[str, Any], given: Mapping[str, Any]
) -> tuple[list[tuple[str, Any]], Decimal]:
    """Old item ids with the variants that come in their places, and what those cost more."""
    old, new = given["item_ids"], given["new_item_ids"]
    there = [one["item_id"] for one in order["items"]]
    _need(all(old.count(one) <= there.count(one) for one in old) and len(old) == len(new))
    pairs, more = [], Decimal(0)
    for item_id, new_id in zip(old, new, strict=True):
        item = next(one for one in order["items"] if one["item_id"] == item_id)
        variant = _known(db["products"][item["product_id"]]["variants"], new_id)
        _need(variant["available"])
        pairs.append((item_id, variant))
        more += variant["price"] - item["price"]
    return pairs, more


def _change_items(db: _Database, given: Mapping[str, Any]) -> None:
    order = _order(db, given)
    _need(order["status"] == "pending")
    _need(not any(a == b for a, b in zip(given["item_ids"], given["new_item_ids"], strict=False)))
    pairs, more = _swaps(db, order, given)
    method = _method(db, order, given["payment_method_id"])
    _can_pay(method, more)
    _need(pairs)
    order["payment_history"].append(
        {
            "transaction_type": "payment" if more > 0 else "refund",
            "amount": abs(more),
            "payment_method_id": given["payment_method_id"],
        }
    )
    _fill(method, -more)
    last = pairs[-1][1]  # the benchmark gives its price and options to all of them
    for item_id, variant in pairs:
        item = next(one for one in order["items"] if one["item_id"] == item_id)
        item["item_id"] = variant["item_id"]
        item["price"], item["options"] = last["price"], copy.deepcopy(last["options"])
    order["status"] = "pending (item modified)"


def _return(db: _Database, given: Mapping[str, Any]) -> None:
    order = _order(db, given)
    _need(order["status"] == "delivered")
    key = given["payment_method_id"]
    first = order["payment_history"][0]["payment_method_id"]
    _need(_method(db, order, key)["source"] == "gift_card" or key == first)
    there, back = [one["item_id"] for one in order["items"]], given["item_ids"]
    _need(all(back.count(one) <= there.count(one) for one in back))
    order |= {
        "status": "return requested",
        "return_items": sorted(back),
        "return_payment_method_id": key,
    }


def _exchange(db: _Database, given: Mapping[str, Any]) -> None:
    order = _order(db, given)
    _need(order["status"] == "delivered")
    _, more = _swaps(db, order, given)
    _can_pay(_method(db, order, given["payment_method_id"]), more)
    order |= {
        "status": "exchange requested",
        "exchange_items": sorted(given["item_ids"]),
        "exchange_new_items": sorted(given["new_item_ids"]),
        "exchange_payment_method_id": given["payment_method_id"],
        "exchange_price_difference": more,
    }


_Does = Callable[[_Database, dict[str, Any]], object]
_ACTIONS: dict[str, _Does] = {
    "find_user_id_by_email": _find_by_email,
    "find_user_id_by_name_zip": _find_by_name_zip,
    "get_user_details": lambda db, given: _known(db["users"], given["user_id"]),
    "get_order_details": _order,
    "get_product_details": lambda db, given: _known(db["products"], given["product_id"]),
    "get_item_details": _get_item,
    "list_all_product_types": _nothing,
    "calculate": _nothing,
    "transfer_to_human_agents": _nothing,
    "cancel_pending_order": _cancel,
    "modify_pending_order_address": _change_address,
    "modify_pending_order_payment": _change_payment,
    "modify_pending_order_items": _change_items,
    "modify_user_address": _change_own_address,
    "return_delivered_order_items": _return,
    "exchange_delivered_order_items": _exchange,
}
