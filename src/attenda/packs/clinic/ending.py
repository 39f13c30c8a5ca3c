"""Deeds that end an order or change a draft; a card that was followed is kept so."""

from typing import Any

from attenda.api import Deed, ToolRefused, tool
from attenda.packs.clinic.ordering import chart_for, check_and_keep, checked_now
from attenda.packs.clinic.tables import moment
from attenda.packs.clinic.words import both

__all__ = ["change_order", "end_order", "withdraw_order"]


@tool(writes=True, needs={"order": "operator"})
def withdraw_order(deed: Deed, order: str, because: str = "") -> dict[str, Any]:
    """Take a draft back; `because` names the rule of the card that it is taken back for."""
    return _end(deed, order, because, "draft", "withdrawn")


@tool(writes=True, needs={"order": "operator"})
def end_order(deed: Deed, order: str, because: str = "") -> dict[str, Any]:
    """End a signed order, so that it counts as taken no more."""
    return _end(deed, order, because, "signed", "ended")


@tool(writes=True, needs={"order": "operator"}, free_text=frozenset({"text"}))
def change_order(deed: Deed, order: str, text: str, because: str = "") -> dict[str, Any]:
    """Put other words in a draft's place and check them; `because` names the rule of a card."""
    row = _in_state(deed, order, "draft")
    if not text.strip():
        raise ToolRefused(both("change.no_words", order=order))
    _accept(deed, row, because)
    deed.rows("orders").change(order, text=text.strip())
    return check_and_keep(deed, order, row["patient_id"], text)


def _end(deed: Deed, order: str, because: str, state: str, ended: str) -> dict[str, Any]:
    """Lead an order that is in `state` to one that it does not leave."""
    row = _in_state(deed, order, state)
    _accept(deed, row, because)
    deed.rows("orders").change(order, status=ended, ended_by=deed.who.id, ended_at=deed.now)
    return {"order": order, "text": row["text"]}


def _in_state(deed: Deed, order: str, state: str) -> dict[str, Any]:
    row = deed.rows("orders").get(order)
    if row["status"] != state:
        raise ToolRefused(both(f"change.no_{state}", order=order))
    chart_for(deed, row["patient_id"])  # refuses where it is sealed
    return row


def _accept(deed: Deed, row: dict[str, Any], because: str) -> None:
    """Keep that a card was followed; refuses a rule that this order has no card of."""
    if not because:
        return
    if because not in {one.rule for one in checked_now(deed, row).cards}:
        raise ToolRefused(both("change.no_card", order=row["id"], rule=because))
    deed.rows("feedback").add(
        id=f"FB-{deed.key[:8]}-{because}"[:80], alert_id=row["id"], rule=because,
        outcome="accepted", reason="", comment="", user_id=deed.who.id,
        given_at=moment(deed.now).isoformat(),
    )  # fmt: skip
