"""What the screens of customer service show: orders, customers, tickets, and the desk's panel."""

from collections.abc import Mapping, Sequence
from typing import Any

from attenda.api import Asked, Panel, Screen, Tables
from attenda.packs.support.article_pages import ARTICLE_SCREENS
from attenda.packs.support.case_pages import CASE_ENDPOINTS, CASE_SCREENS
from attenda.packs.support.erasing import DATA_ENDPOINTS
from attenda.packs.support.phrases import phrase
from attenda.packs.support.profile import (
    beside,
    moment,
    order_lines,
    order_values,
    profile,
)
from attenda.packs.support.report_pages import REPORT_ENDPOINTS, REPORT_SCREEN

__all__ = ["ENDPOINTS", "PANEL", "SCREENS"]

_MOST = 200
"""Rows of one list."""
_STATUSES = ("pending", "processing", "shipped", "delivered", "returned", "cancelled")

Row = Mapping[str, Any]


def _wanted(rows: Sequence[Row], words: str, *columns: str) -> list[Row]:
    """The rows in which the words stand somewhere."""
    looked = words.strip().lower()
    return [row for row in rows if any(looked in str(row[one] or "").lower() for one in columns)]


async def orders(asked: Asked) -> Mapping[str, Any]:
    """Orders, the newest first; of one status, or with words of theirs or their customer's."""
    status, words = asked.values.get("status", ""), asked.values.get("words", "")

    def look(rows: Tables) -> dict[str, Any]:
        names = {row["id"]: row["name"] or row["email"] for row in rows("customers").find()}
        found = rows("orders").find(**({"status": status} if status in _STATUSES else {}))
        named = [{**row, "name": names.get(row["customer_id"], "")} for row in found]
        chosen = _wanted(named, words, "id", "name", "tracking", "postcode")
        lines = order_lines(chosen, asked.language)
        return {
            "orders": [{**one, "name": names.get(one["customer_id"], "")} for one in lines[:_MOST]],
            "count": len(lines),
            "statuses": [(one, phrase(asked.language, f"order_{one}")) for one in _STATUSES],
            "status": status,
            "words": words,
        }

    return await asked.read(look)


async def order(asked: Asked) -> Mapping[str, Any]:
    """One order with all that belongs to it."""
    return await asked.read(lambda rows: order_values(rows, asked.values["order"], asked.language))


async def customers(asked: Asked) -> Mapping[str, Any]:
    """Customers by name; those with some words."""
    words = asked.values.get("words", "")

    def look(rows: Tables) -> dict[str, Any]:
        chosen = _wanted(rows("customers").find(), words, "id", "name", "email", "postcode")
        ordered = sorted(chosen, key=lambda row: (row["name"] or row["email"]).lower())
        return {"customers": ordered[:_MOST], "count": len(ordered), "words": words}

    return await asked.read(look)


async def customer(asked: Asked) -> Mapping[str, Any]:
    """One customer with orders, refunds, cases and earlier tickets."""
    id_, language = asked.values["customer"], asked.language
    found = await asked.read(lambda rows: profile(rows, id_, language))
    return {**found, "may_erase": asked.who.may("manage_agents")}


async def tickets(asked: Asked) -> Mapping[str, Any]:
    """Tickets and threads of mails that were read in, the newest first."""
    words = asked.values.get("words", "")

    def look(rows: Tables) -> dict[str, Any]:
        every = rows("tickets").find_sorted("-created_at", 0 if words.strip() else _MOST)
        chosen = _wanted(every, words, "id", "subject", "email", "name", "tags")
        count = len(chosen) if words.strip() else rows("tickets").count()
        shown = [{**row, "at": moment(row["created_at"])} for row in chosen[:_MOST]]
        return {"tickets": shown, "count": count, "words": words}

    return await asked.read(look)


async def ticket(asked: Asked) -> Mapping[str, Any]:
    """One ticket with what was said in it."""

    def look(rows: Tables) -> dict[str, Any]:
        found = rows("tickets").get(asked.values["ticket"])
        said = rows("ticket_messages").find(ticket_id=found["id"])
        known = rows("customers").find(email=found["email"])
        return {
            "ticket": found,
            "at": moment(found["created_at"]),
            "customer": known[0] if known else None,
            "messages": [
                {**row, "when": moment(row["at"]), "theirs": _is_theirs(row, found)}
                for row in sorted(said, key=lambda row: (row["at"] or 0, row["id"]))
            ],
        }

    return await asked.read(look)


def _is_theirs(message: Row, of: Row) -> bool:
    """Whether the customer wrote it; a mail's address says so better than its place."""
    return bool(message["email"] == of["email"] if message["email"] else message["is_customer"])


async def panel(asked: Asked) -> Mapping[str, Any]:
    """Who writes and what service knows of them, beside a conversation at the desk."""
    return await asked.read(lambda rows: beside(rows, asked.values["session"], asked.language))


ENDPOINTS = (*CASE_ENDPOINTS, *REPORT_ENDPOINTS, *DATA_ENDPOINTS)
PANEL = Panel({"en": "Customer", "zh-CN": "客户"}, "panel.html", panel)

SCREENS = (
    Screen("", {"en": "Orders", "zh-CN": "订单"}, "orders.html", orders),
    *CASE_SCREENS,
    Screen("customers", {"en": "Customers", "zh-CN": "客户"}, "customers.html", customers),
    Screen("tickets", {"en": "Earlier tickets", "zh-CN": "历史工单"}, "tickets.html", tickets),
    *ARTICLE_SCREENS,
    REPORT_SCREEN,
    Screen("orders/{order}", {"en": "Order", "zh-CN": "订单"}, "order.html", order, listed=False),
    Screen("customers/{customer}", {"en": "Customer", "zh-CN": "客户"}, "customer.html", customer,
           listed=False),
    Screen("tickets/{ticket}", {"en": "Ticket", "zh-CN": "工单"}, "ticket.html", ticket,
           listed=False),
)  # fmt: skip
