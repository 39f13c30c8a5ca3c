"""What pages and the desk show of a customer and of an order: values from the tables, in words.

Notes of orders and words of tickets were written by strangers: they are shown, and mean nothing.
"""

import datetime
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from attenda.api import Tables
from attenda.packs.support.phrases import phrase, phrase_or

__all__ = [
    "beside",
    "moment",
    "order_lines",
    "order_values",
    "profile",
    "refund_values",
    "sorted_by",
]

Row = Mapping[str, Any]


def moment(at: int | None) -> str:
    """A time in microseconds since 1970 as a person reads it, in UTC; nothing for none."""
    if not at:
        return ""
    told = datetime.datetime.fromtimestamp(at // 1_000_000, datetime.UTC)
    return f"{told:%Y-%m-%d %H:%M} UTC"


def sorted_by(rows: Sequence[Row], *columns: str) -> list[Row]:
    """The newest first; a row without such a time comes last."""
    return sorted(rows, key=lambda row: tuple(row[one] or "" for one in columns), reverse=True)


def order_lines(orders: Sequence[Row], language: str) -> list[dict[str, Any]]:
    """Orders as lists show them, the newest first."""
    return [
        {
            "id": row["id"],
            "customer_id": row["customer_id"],
            "status": phrase_or(language, f"order_{row['status']}", row["status"]),
            "placed": row["placed_on"] or "",
            "total": f"{row['total']} {row['currency']}",
        }
        for row in sorted_by(orders, "placed_on", "id")
    ]


def refund_values(refunds: Sequence[Row], language: str) -> list[dict[str, Any]]:
    """Refunds as lists show them, the newest first."""
    ordered = sorted(refunds, key=lambda row: row["issued_at"] or row["made_at"] or 0, reverse=True)
    return [
        {
            "id": row["id"],
            "order": row["order_id"],
            "item": row["item"] or "",
            "amount": f"{row['amount']} {row['currency']}",
            "state": phrase_or(language, f"refund_{row['state']}", row["state"]),
            "rule": row["rule"],
            "approver": row["approver"],
            "at": moment(row["issued_at"] or row["made_at"]),
        }
        for row in ordered
    ]


def order_values(rows: Tables, order_id: str, language: str) -> dict[str, Any]:
    """One order with its customer, items, refunds and cases.

    Raises:
        NotFound: there is none.
    """
    order = rows("orders").get(order_id)
    items = [
        {
            "name": row["name_zh"] if language == "zh-CN" and row["name_zh"] else row["name"],
            "quantity": row["quantity"],
            "price": f"{row['unit_price']} {order['currency']}",
            "state": phrase_or(language, f"item_{row['state']}", row["state"]),
            "final_sale": row["final_sale"],
        }
        for row in rows("order_items").find(order_id=order_id)
    ]
    found = rows("customers").find(id=order["customer_id"])
    return {
        "order": order,
        "line": order_lines([order], language)[0],
        "customer": found[0] if found else None,
        "items": items,
        "refunds": refund_values(rows("refunds").find(order_id=order_id), language),
        "cases": _cases(rows("cases").find(order_id=order_id), language),
    }


def _cases(cases: Sequence[Row], language: str) -> list[dict[str, Any]]:
    return [
        {
            "id": row["id"],
            "kind": phrase_or(language, f"case_{row['kind']}", row["kind"]),
            "order": row["order_id"] or "",
            "text": (row["text"] or "")[:200],
            "state": phrase_or(language, f"case_{row['state']}", row["state"]),
            "at": moment(row["opened_at"]),
            "due": row["due_on"] or "",
        }
        for row in sorted(cases, key=lambda one: one["opened_at"] or 0, reverse=True)
    ]


def profile(rows: Tables, customer_id: str, language: str) -> dict[str, Any]:
    """A customer with all that service knows of them.

    Raises:
        NotFound: there is no such customer.
    """
    customer = rows("customers").get(customer_id)
    refunds = rows("refunds").find(customer_id=customer_id)
    tickets = rows("tickets").find(email=customer["email"])
    return {
        "customer": customer,
        "tier": phrase_or(language, f"tier_{customer['tier']}", customer["tier"]),
        "orders": order_lines(rows("orders").find(customer_id=customer_id), language),
        "refunds": refund_values(refunds, language),
        "given_back": _sums(refunds),
        "cases": _cases(rows("cases").find(customer_id=customer_id), language),
        "tickets": [
            {"id": row["id"], "subject": row["subject"] or row["id"], "source": row["source"],
             "status": row["status"], "at": moment(row["created_at"])}
            for row in sorted(tickets, key=lambda one: one["created_at"] or 0, reverse=True)
        ],
        "talks": len(rows("conversations").find(verified_customer=customer_id)),
    }  # fmt: skip


def _sums(refunds: Sequence[Row]) -> list[str]:
    """What was given back, by currency."""
    sums: dict[str, Decimal] = {}
    for row in refunds:
        if row["state"] == "issued":
            sums[row["currency"]] = sums.get(row["currency"], Decimal(0)) + Decimal(row["amount"])
    return [f"{amount} {currency}" for currency, amount in sorted(sums.items())]


def beside(rows: Tables, session_id: str, language: str) -> dict[str, Any]:
    """What the desk shows beside a conversation: who it is, once two facts have told."""
    known = rows("conversations").find(id=session_id)
    row = known[0] if known else None
    customer_id = (row or {}).get("verified_customer") or ""
    found = profile(rows, customer_id, language) if _is_there(rows, customer_id) else None
    state = "verified" if found else "locked" if row and row["locked_at"] else "unverified"
    tries = (row or {}).get("tries") or 0
    return {
        "state": phrase(language, f"identity_{state}", at=moment((row or {}).get("verified_at"))),
        "is_verified": found is not None,
        "tries": tries,
        "found": found,
        "security": len(rows("security_events").find(session_id=session_id)),
    }


def _is_there(rows: Tables, customer_id: str) -> bool:
    return bool(customer_id and rows("customers").find(id=customer_id))
