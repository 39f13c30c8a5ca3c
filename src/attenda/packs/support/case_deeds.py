"""What staff do with cases: take them over, move them on, close them, and pay a return back.

A return is paid back by the rules that a refund in a talk is paid by, once its parcel has come;
its window counts to the day on which it was registered, since the way back is not the customer's.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from attenda.api import Deed, NewMail, ToolRefused
from attenda.packs.support.identity import Counter
from attenda.packs.support.phrases import phrase
from attenda.packs.support.rules import written
from attenda.packs.support.shop import Booking, Change, Order, Quote, RefundWish, ShopRefused
from attenda.packs.support.words import filled, refusal

__all__ = ["OUTCOMES", "CaseDesk", "step_of"]

Row = dict[str, Any]
Step = Literal["label", "awaited", "arrived"]
PARCELS = ("return", "exchange", "warranty")
"""Kinds of cases whose goods come back: first a label goes out, then a parcel comes in."""
OUTCOMES = {
    "return": ("settled", "refused", "withdrawn"),
    "exchange": ("replaced", "refused", "withdrawn"),
    "warranty": ("repaired", "replaced", "refused", "withdrawn"),
    "complaint": ("answered", "withdrawn"),
    "account": ("answered", "withdrawn"),
}
"""By kind, what it may come to; a return is also `refunded`, which `settle_return` alone says."""
_MOST_TEXT = 2000


def step_of(case: Mapping[str, Any]) -> str:
    """Where an open case with a parcel stands; nothing for one without."""
    if case["kind"] not in PARCELS or case["state"] != "open":
        return ""
    return case["step"] or "label"


@dataclass(frozen=True, slots=True)
class CaseDesk:
    """What may be done with cases by those who work at the desk."""

    counter: Counter

    def take_case(self, deed: Deed, case: str) -> dict[str, Any]:
        """Make an open case one's own; a supervisor also one that another has."""
        row = _open_case(deed, case)
        _unless_anothers(deed, row)
        _change(deed, row, "taken", assignee=deed.who.id)
        return {"case": case}

    def assign_case(self, deed: Deed, case: str, to: str = "") -> dict[str, Any]:
        """Give an open case to somebody, which supervisors may, or give one's own back."""
        row = _open_case(deed, case)
        _unless_anothers(deed, row)
        if to and not deed.who.may("manage_agents"):
            raise ToolRefused(phrase(deed.who.language, "case_not_yours"))
        _change(deed, row, "assigned" if to else "given_back", to, assignee=to)
        return {"case": case}

    def move_case(self, deed: Deed, case: str, step: Step, note: str = "") -> dict[str, Any]:
        """Note that a label was sent (`awaited`), or that the parcel has come (`arrived`)."""
        row = _open_case(deed, case)
        if row["kind"] not in PARCELS or row["refund"]:
            raise ToolRefused(phrase(deed.who.language, "case_no_step"))
        _change(deed, row, step, note, step=step, moved_at=deed.now)
        return {"case": case, "step": step}

    def mail_case(self, deed: Deed, case: str, text: str) -> dict[str, Any]:
        """Write a mail to the customer of a case, which may be done; it is sent once."""
        row = _case(deed, case)
        _unless_anothers(deed, row)
        self._mail(deed, row, text.strip())
        _change(deed, row, "mailed", text)
        return {"case": case}

    def close_case(
        self, deed: Deed, case: str, outcome: str, answer: str, mail: bool = False
    ) -> dict[str, Any]:
        """Close a case with what it came to and what the customer is told when they ask.

        With `mail` they are told so by mail, too.
        """
        row, language = _open_case(deed, case), deed.who.language
        _unless_anothers(deed, row)
        answer = answer.strip()[:_MOST_TEXT]
        if outcome not in OUTCOMES[row["kind"]] or row["refund"]:
            raise ToolRefused(phrase(language, "case_no_outcome"))
        if not answer:
            raise ToolRefused(phrase(language, "case_no_answer"))
        if row["kind"] == "exchange" and outcome == "replaced":
            change = Change(items=[row["item_id"]], item_state="exchanged")
            booking = Booking(deed.key, deed.now, row["session_id"] or "")
            self.counter.open_shop(deed).update_order(row["order_id"], change, booking)
        if mail:
            self._mail(deed, row, answer)
        _close(deed, row, outcome, answer)
        return {"case": case, "state": "done"}

    def quote_return(self, deed: Deed, case: str, part: Decimal | None = None) -> dict[str, Any]:
        """What a return that has come would be paid back with, or why it is not.

        `part` is a smaller amount than its price. With `refund` the money is reserved already.
        """
        row = _open_case(deed, case)
        made, order = self._quote(deed, row, part)
        if row["refund"]:
            amount, currency = str(row["answer"]).split()
            return {"ok": True, "refund": row["refund"], "amount": amount, "currency": currency,
                    "money": row["answer"]}  # fmt: skip
        return {
            "ok": made.ok,
            "refund": "",
            "came_at": row["moved_at"],
            "rule": made.rule.id if made.rule else "",
            "amount": str(made.amount),
            "currency": made.currency,
            "of_order": str(made.of_order),
            "money": written(made.amount, made.currency, self.counter.policy),
            "why": "" if made.ok else self._why_not(deed, made, order, row),
        }

    def refund_return(
        self, deed: Deed, case: str, amount: Decimal, currency: str, of_order: Decimal
    ) -> dict[str, Any]:
        """Reserve the money of a return that has come, as it was quoted; once a case.

        `of_order` is all that is refunded of the order then, which the limits count.
        """
        row = _open_case(deed, case)
        if step_of(row) != "arrived" or row["refund"]:
            raise ToolRefused(phrase(deed.who.language, "case_no_refund"))
        made, _ = self._quote(deed, row, None)
        if made.amount != amount:
            made, _ = self._quote(deed, row, amount)
        if not made.ok or (made.amount, made.currency, made.of_order) != (
            amount, currency, of_order
        ):  # fmt: skip
            raise ToolRefused(refusal("changed"))
        approver = deed.approved_by or "policy"
        booking = Booking(deed.key, deed.now, row["session_id"] or "", approver)
        try:
            refund = self.counter.open_shop(deed).issue_refund(made, booking)
        except ShopRefused as error:
            raise ToolRefused(refusal(str(error))) from error
        money = written(amount, currency, self.counter.policy)
        _change(deed, row, "reserved", f"{money} {refund.id}", refund=refund.id, answer=money)
        return {"refund": refund.id}

    def settle_return(
        self, deed: Deed, case: str, refund: str, state: str, payment: str
    ) -> dict[str, Any]:
        """Note that a return's money was paid, which closes it; or that it was declined."""
        row = _open_case(deed, case)
        if row["refund"] != refund:
            raise ToolRefused(refusal("changed"))
        paid = state == "paid"
        order = self._order(deed, row)
        change = Change(  # the item is done with, also where only a part of its price was paid
            items=[row["item_id"]] if paid else [], item_state="refunded", refund=refund,
            refund_state="issued" if paid else "failed", payment=payment,
        )  # fmt: skip
        booking = Booking(deed.key, deed.now, row["session_id"] or "")
        self.counter.open_shop(deed).update_order(order.id, change, booking)
        if paid:
            _close(deed, row, "refunded", row["answer"])
        else:
            _change(deed, row, "declined", refund, refund="", answer="", moved_at=deed.now)
        return {"paid": paid}

    def _mail(self, deed: Deed, row: Row, text: str) -> None:
        """Write it in the thread of the case's mails, or of the conversation that came by mail."""
        language = deed.who.language
        customer = next(iter(deed.rows("customers").find(id=row["customer_id"] or "-")), None)
        if customer is None or not customer["email"]:
            raise ToolRefused(phrase(language, "case_no_address"))
        if not text:
            raise ToolRefused(phrase(language, "case_no_answer"))
        before = deed.rows("case_mails").find_sorted("-written_at", limit=1, case_id=row["id"])
        spoken = "zh-CN" if str(customer["language"]).startswith("zh") else "en"
        kind = phrase(spoken, f"case_{row['kind']}")
        made = deed.mail(NewMail(
            customer["email"], text, name=customer["name"] or "",
            subject=phrase(spoken, "case_subject", kind=kind, number=row["id"]),
            thread=before[0]["session_id"] if before else row["session_id"] or "",
        ))  # fmt: skip
        deed.rows("case_mails").add(
            id=f"CM-{deed.key[:12].upper()}", case_id=row["id"], session_id=made.session_id,
            message_id=made.message_id, written_by=deed.who.id, written_at=deed.now,
        )  # fmt: skip

    def _order(self, deed: Deed, row: Row) -> Order:
        found = self.counter.open_shop(deed).get_order(row["order_id"], row["customer_id"])
        if row["kind"] != "return" or found is None or found.item(row["item_id"]) is None:
            raise ToolRefused(phrase(deed.who.language, "case_no_refund"))
        return found

    def _quote(self, deed: Deed, row: Row, part: Decimal | None) -> tuple[Quote, Order]:
        """By the rules, as of the day of registering; the whole order where it is its one item."""
        order = self._order(deed, row)
        item = row["item_id"] if len(order.items) > 1 else ""
        wish = RefundWish(item, part)
        day = self.counter.day(row["opened_at"])
        return self.counter.open_shop(deed).quote_refund(order, wish, day), order

    def _why_not(self, deed: Deed, made: Quote, order: Order, row: Row) -> str:
        language = deed.who.language
        if made.rule is None:
            return phrase(language, "case_no_rule")
        item = order.item(row["item_id"])
        name = item.names if item else {}
        said = filled(made.rule.refused, **{"delivered": "", **made.facts, "item": name})
        return f"{said['zh' if language == 'zh-CN' else 'en']} ({made.rule.id})"


def _open_case(deed: Deed, case: str) -> Row:
    """A case that is open, for somebody of the desk.

    Raises:
        ToolRefused: they are not of the desk, or there is no such case, or it is done.
    """
    found = _case(deed, case)
    if found["state"] != "open":
        raise ToolRefused(phrase(deed.who.language, "case_is_done"))
    return found


def _case(deed: Deed, case: str) -> Row:
    """A case, for somebody of the desk.

    Raises:
        ToolRefused: they are not of the desk, or there is no such case.
    """
    if not deed.who.may("desk"):  # a key may be limited to less than its owner may do
        raise ToolRefused(phrase(deed.who.language, "case_not_yours"))
    found = deed.rows("cases").find(id=case)
    if not found:
        raise ToolRefused(phrase(deed.who.language, "case_gone"))
    return found[0]


def _unless_anothers(deed: Deed, row: Row) -> None:
    if row["assignee"] not in (None, "", deed.who.id) and not deed.who.may("manage_agents"):
        raise ToolRefused(phrase(deed.who.language, "case_anothers"))


def _change(deed: Deed, row: Row, did: str, text: str = "", **values: object) -> None:
    """Give a case other values, and note who did what; whoever moves one of nobody's has it."""
    event = {"at": deed.now, "by": deed.who.id, "did": did, "text": text.strip()[:_MOST_TEXT]}
    mine = {"assignee": row["assignee"] or deed.who.id}
    history = [*(row["history"] or []), event]
    deed.rows("cases").change(row["id"], **{**mine, **values, "history": history})


def _close(deed: Deed, row: Row, outcome: str, answer: str) -> None:
    """A case that is done holds nothing any more: another one for the same may come."""
    ended = {"state": "done", "outcome": outcome, "answer": answer, "holds": None}
    _change(deed, row, outcome, answer, **ended, moved_at=deed.now)
