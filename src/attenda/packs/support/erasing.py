"""A customer's data: all that service keeps about them in one file, and taken out for good.

What the books need stays when they go: orders, items and refunds with their amounts, days and
country, of nobody. Conversations are not the pack's: they go with whoever had them.
"""

import json
from collections.abc import Mapping
from typing import Any

from attenda.api import Asked, Deed, Download, Endpoint, Tables, ToolRefused, tool
from attenda.packs.support.phrases import phrase

__all__ = ["DATA_ENDPOINTS", "erase_customer"]

Row = Mapping[str, Any]
_EMPTIED: Mapping[str, Mapping[str, object]] = {
    "orders": {"customer_id": "", "address": "", "postcode": "", "tracking": "", "note": ""},
    "refunds": {"customer_id": "", "session_id": ""},
    "cases": {"customer_id": "", "text": "", "session_id": "", "answer": "", "history": None},
    "conversations": {"verified_customer": "", "verified_at": None, "tier": "", "email": ""},
    "security_events": {"customer_id": "", "subject": "", "user_id": ""},
}
"""By table whose rows stay: what is emptied in them."""
_MOST_NAMED = 5


def _about(rows: Tables, customer: Row) -> dict[str, list[dict[str, Any]]]:
    """What is kept of a customer, by table."""
    id_, email = customer["id"], customer["email"]
    orders, noted = (rows(one).find(customer_id=id_) for one in ("orders", "security_events"))
    tickets, said = [], []
    if email:  # who has none shares it with whatever has none
        noted += rows("security_events").find(subject=email)
        tickets = rows("tickets").find(email=email)
        said = rows("ticket_messages").find(email=email)
        for one in tickets:
            said += rows("ticket_messages").find(ticket_id=one["id"])
    return {
        "customers": [dict(customer)],
        "orders": orders,
        "order_items": [
            item for one in orders for item in rows("order_items").find(order_id=one["id"])
        ],
        "refunds": rows("refunds").find(customer_id=id_),
        "cases": rows("cases").find(customer_id=id_),
        "conversations": rows("conversations").find(verified_customer=id_),
        "security_events": _each_once(noted),
        "tickets": tickets,
        "ticket_messages": _each_once(said),
    }


def _each_once(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return list({row["id"]: row for row in rows}.values())


def _under_way(about: Mapping[str, list[dict[str, Any]]]) -> list[str]:
    """What still needs to know who they are: a paid order being packed, money on its way."""
    orders = [one["id"] for one in about["orders"] if one["status"] == "processing"]
    return orders + [one["id"] for one in about["refunds"] if one["state"] == "reserved"]


@tool(writes=True, needs={"customer": "operator"})  # on the page, not by a model's choice
def erase_customer(deed: Deed, customer: str, anyway: bool = False) -> dict[str, Any]:
    """Take a customer out of the shop's tables for good; what the books need stays, of nobody.

    With `anyway` although something is under way for them. How many rows went or were emptied is
    told by table.
    """
    if not deed.who.may("manage_agents"):  # a key may be limited to less than its owner may do
        raise ToolRefused(phrase(deed.who.language, "customer_not_yours"))
    found = deed.rows("customers").find(id=customer)
    if not found:
        raise ToolRefused(phrase(deed.who.language, "customer_gone"))
    about = _about(deed.rows, found[0])
    if (open_ := _under_way(about)) and not anyway:
        named = ", ".join(open_[:_MOST_NAMED])
        raise ToolRefused(phrase(deed.who.language, "customer_under_way", named=named))
    for name, emptied in _EMPTIED.items():
        for row in about[name]:
            deed.rows(name).change(row["id"], **emptied)
    for name in ("ticket_messages", "tickets", "customers"):
        for row in about[name]:
            deed.rows(name).remove(row["id"])
    return {name: len(rows) for name, rows in about.items()}


async def data_file(asked: Asked) -> Download:
    """All that is kept of one customer, as JSON by table.

    Raises:
        NotFound: there is no such customer.
    """
    id_ = asked.values["customer"]
    found = await asked.read(lambda rows: _about(rows, rows("customers").get(id_)))
    text = json.dumps(found, ensure_ascii=False, indent=1, default=str)
    return Download("customer.json", "application/json; charset=utf-8", f"{text}\n".encode())


DATA_ENDPOINTS = (Endpoint("GET", "customers/{customer}/data", data_file, needs="manage_agents"),)
