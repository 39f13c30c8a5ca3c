"""How a customer's cases stand, in words: what was done, what a person has still to do, by when."""

from dataclasses import dataclass
from typing import Any

from attenda.api import Deed
from attenda.packs.support.case_deeds import step_of
from attenda.packs.support.identity import Counter
from attenda.packs.support.words import both

__all__ = ["CaseNews"]

_MOST_TOLD = 5
_AT_ONCE = ("address", "cancellation")
"""Kinds that are done when they are opened: told where they are asked for by number."""


@dataclass(frozen=True, slots=True)
class CaseNews:
    """What a customer may know of their cases."""

    counter: Counter

    def list_cases(self, deed: Deed, number: str | None = None) -> dict[str, Any]:
        """The case with a number, else the newest ones of the session's customer, in words."""
        mine = deed.rows("cases").find_sorted(
            "-opened_at", customer_id=self.counter.customer_id(deed)
        )
        asked = (number or "").upper()
        wanted = [one for one in mine if one["id"] == asked]
        if not asked:
            wanted = [one for one in mine if one["kind"] not in _AT_ONCE][:_MOST_TOLD]
        if not wanted:
            key = "none_such" if asked else "none"
            return {"count": 0, "shown": both("case_news", key, number=asked)}
        told = [self._told(deed, one) for one in wanted]
        shown = {name: "\n".join(one[name] for one in told) for name in told[0]}
        return {"count": len(wanted), "shown": shown}

    def _told(self, deed: Deed, row: dict[str, Any]) -> dict[str, str]:
        item = self._item(deed, row)
        what = both("case_news", "about", item=item, order=row["order_id"]) if item else ""
        day = str(self.counter.day(row["moved_at"] or row["opened_at"]))
        answer = both("case_news", f"end_{row['outcome']}", refund=row["refund"] or "",
                      answer=row["answer"] or "") if row["outcome"] else ""  # fmt: skip
        return both(
            "case_news", self._key(deed, row), number=row["id"], what=what, day=day,
            kind=both("case_kind", row["kind"]), due=row["due_on"] or "", answer=answer,
        )  # fmt: skip

    def _key(self, deed: Deed, row: dict[str, Any]) -> str:
        if row["state"] != "open":
            return "done" if row["moved_at"] or row["kind"] in _AT_ONCE else "done_some_day"
        if step := step_of(row):
            return f"{step}_{row['kind']}" if step == "label" else step
        if not row["due_on"]:
            return "open"
        return "late" if row["due_on"] < str(self.counter.day(deed.now)) else "due"

    def _item(self, deed: Deed, row: dict[str, Any]) -> dict[str, str]:
        """The name of what a case is about; empty where it is about no item."""
        shop = self.counter.open_shop(deed)
        order = shop.get_order(row["order_id"], row["customer_id"]) if row["order_id"] else None
        item = order.item(row["item_id"] or "") if order else None
        return item.names if item else {}
