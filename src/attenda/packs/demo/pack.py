"""Appointments: which are free, one booked, one given back.

What the agent may do stands here as tools, what it keeps as tables. When it does what, it reads in
`flows/`; what it may do, in `policy.toml`.
"""

from pathlib import Path
from typing import Any

from attenda.api import Deed, Pack, PackTable, ToolRefused, tool

__all__ = ["PACK"]

OPENINGS = PackTable("openings", {"id": "text", "service": "text", "day": "date", "time": "text"})
BOOKINGS = PackTable(
    "bookings",
    {
        "id": "text",
        "opening_id": "text",
        "email": "text",
        "made_at": "time",
        "holds": "text",  # the opening, until it is given back
    },
    unique=[["holds"]],  # no opening is ever held twice, whatever happens at once
)


@tool()
def free_openings(deed: Deed, service: str) -> dict[str, Any]:
    """Appointments of a service that nobody holds."""
    taken = {row["holds"] for row in deed.rows("bookings").find()}
    free = [row for row in deed.rows("openings").find(service=service) if row["id"] not in taken]
    shown = ", ".join(f"{row['id']} ({row['day']} {row['time']})" for row in free[:5])
    return {"count": len(free), "shown": shown}


@tool()
def find_opening(deed: Deed, opening: str, service: str) -> dict[str, Any]:
    """One appointment of a service, and whether it is free."""
    for row in deed.rows("openings").find(id=opening, service=service):
        return {**row, "free": not deed.rows("bookings").find(holds=opening)}
    return {"free": False}


@tool()
def find_booking(deed: Deed, number: str, email: str) -> dict[str, Any]:
    """A booking that is held, for the one who made it."""
    found = deed.rows("bookings").find(id=number, email=email.lower())
    return found[0] if found and found[0]["holds"] else {}


@tool(writes=True, needs={"opening": "operator"})
def book(deed: Deed, opening: str, email: str) -> dict[str, str]:
    """Book an appointment; its number."""
    if deed.rows("bookings").find(holds=opening):
        raise ToolRefused(f"{opening} has just been taken / {opening} 刚刚被约走")
    number = f"B-{deed.key[:6].upper()}"
    deed.rows("bookings").add(
        id=number, opening_id=opening, email=email.lower(), made_at=deed.now, holds=opening
    )
    return {"number": number}


@tool(writes=True, needs={"number": "operator"})
def give_back(deed: Deed, number: str) -> dict[str, str]:
    """Give an appointment back, so that somebody else may have it."""
    deed.rows("bookings").change(number, holds=None)
    return {"number": number}


PACK = Pack(
    name="demo",
    title={"en": "Appointments", "zh-CN": "预约"},
    folder=Path(__file__).parent,
    tools=(free_openings, find_opening, find_booking, book, give_back),
    tables=(OPENINGS, BOOKINGS),
    samples={
        "openings": [
            {"id": "A-101", "service": "check_up", "day": "2026-03-12", "time": "09:00"},
            {"id": "A-102", "service": "check_up", "day": "2026-03-12", "time": "10:30"},
            {"id": "A-201", "service": "consultation", "day": "2026-03-13", "time": "14:00"},
        ],
        "bookings": [
            {
                "id": "B-000001",
                "opening_id": "A-102",
                "email": "li@example.test",
                "made_at": 1_772_000_000_000_000,
                "holds": "A-102",
            },
        ],
    },
)
