"""Money back: quoted, reserved once, paid by key, and noted as paid; the rules are `rules.quote`'s.

What is quoted is reckoned again when it is reserved, so an amount that the order no longer bears is
refused, whoever agreed to it. An order that was paid is cancelled in the deed that reserves its
money, both or neither: who must approve the money is asked before the order is touched.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from attenda.api import Deed, ToolRefused
from attenda.packs.support.casework import add_case, cancelling
from attenda.packs.support.identity import Counter
from attenda.packs.support.payments import Payments
from attenda.packs.support.refusing import told_arrival, why_not
from attenda.packs.support.rules import change_decision, written
from attenda.packs.support.shop import Booking, Change, Order, Quote, RefundWish, ShopRefused
from attenda.packs.support.words import both, refusal

__all__ = ["Refunds"]

_PAGE = "page"
"""Where staff pay, by an endpoint that has looked at the case."""


@dataclass(frozen=True, slots=True)
class Refunds:
    """What may be done about money."""

    counter: Counter
    payments: Payments

    def quote_refund(
        self,
        deed: Deed,
        order: str,
        item: str = "",
        part: str = "",
        share: str = "",
        cancels: bool = False,
    ) -> dict[str, Any]:
        """What would be paid back by which rule, or which rule forbids it; changes nothing.

        With `cancels` it is what would be owed were the order cancelled.
        """
        found = self.counter.order(deed, order)
        made = self._quote(deed, found, RefundWish(item, _number(part), _number(share), cancels))
        policy = self.counter.policy
        shown = {
            "ok": made.ok,
            "rule": made.rule.id if made.rule else "",
            "order": order,
            "item": made.item_id,
            "amount": str(made.amount),
            "currency": made.currency,
            "of_order": str(made.of_order),
            "money": written(made.amount, made.currency, policy),
            "what": self._what(found, made),
            **told_arrival(made.facts),
        }
        if made.ok:
            return shown
        told = {"item": self._what(found, made), "status": both("status", found.status)}
        facts = {**made.facts, **told_arrival(made.facts), **told}
        return {**shown, **why_not(deed, made.rule, facts)}

    def issue_refund(
        self,
        deed: Deed,
        order: str,
        item: str,
        amount: Decimal,
        currency: str,
        of_order: Decimal,
        cancels: bool = False,
    ) -> dict[str, Any]:
        """Reserve a refund that was quoted; once, however often it is asked for.

        `of_order` is all that is refunded of the order then, which the limits count. With `cancels`
        the order is cancelled too, while it may be, and the answer has the number of that.
        """
        found = self.counter.order(deed, order)
        wish = RefundWish(item, cancels=cancels)
        if self._quote(deed, found, wish).amount != amount and not cancels:
            wish = RefundWish(item, amount)
        made = self._quote(deed, found, wish)
        if not made.ok or (made.amount, made.currency, made.of_order) != (
            amount, currency, of_order
        ):  # fmt: skip
            raise ToolRefused(refusal("changed"))
        booking = Booking(deed.key, deed.now, deed.session_id, deed.approved_by or "policy")
        try:
            refund = self.counter.open_shop(deed).issue_refund(made, booking)
        except ShopRefused as error:
            raise ToolRefused(refusal(str(error))) from error
        done = {"id": refund.id, "items": list(made.items), "approver": booking.approver}
        return {**done, "change": self._cancel(deed, found, booking)} if cancels else done

    def _cancel(self, deed: Deed, order: Order, booking: Booking) -> str:
        """Cancel an order whose money is reserved; the number of that.

        Raises:
            ToolRefused: it was sent meanwhile; then nothing is reserved either.
        """
        ok, rule, _ = change_decision(order, "cancel", self.counter.policy)
        if not ok or rule is None:
            raise ToolRefused(refusal("changed"))
        self.counter.open_shop(deed).update_order(order.id, cancelling(order), booking)
        number = f"CH-{deed.key[:8].upper()}"
        add_case(self.counter, deed, number, "cancellation", order, rule=rule.id, state="done")
        return number

    async def pay_refund(
        self, deed: Deed, refund: str, amount: Decimal, currency: str
    ) -> dict[str, Any]:
        """Have the payment provider pay it; what was paid under a key is not paid again."""
        return await self.payments.pay_back(deed.key, refund, amount, currency)

    def may_pay(self, deed: Deed, refund: str, amount: Decimal, currency: str) -> None:
        """Let a payment begin only as the refund stands in the shop, of this session's customer.

        Whoever names other money than was reserved, or another's refund, is refused.
        """
        theirs = "" if deed.session_id == _PAGE else self.counter.customer_id(deed)
        booking = Booking(deed.key, deed.now, deed.session_id)
        try:
            self.counter.open_shop(deed).begin_payment(refund, amount, currency, theirs, booking)
        except ShopRefused as error:
            raise ToolRefused(refusal(str(error))) from error

    def would_pay(self, deed: Deed, refund: str, amount: Decimal, currency: str) -> dict[str, Any]:
        """What a provider would answer to somebody who tries the service out."""
        return {"state": "paid", "reference": f"trial:{refund}"}

    def settle_refund(
        self, deed: Deed, order: str, refund: str, items: list[str], state: str, payment: str
    ) -> dict[str, Any]:
        """Note that a refund was paid, and its items refunded; or that it was declined."""
        paid = state == "paid"
        change = Change(
            items=items if paid else [], item_state="refunded", refund=refund,
            refund_state="issued" if paid else "failed", payment=payment,
        )  # fmt: skip
        booking = Booking(deed.key, deed.now, deed.session_id)
        self.counter.open_shop(deed).update_order(order, change, booking)
        return {"paid": paid}

    def _quote(self, deed: Deed, order: Order, wish: RefundWish) -> Quote:
        return self.counter.open_shop(deed).quote_refund(order, wish, self.counter.day(deed.now))

    def _what(self, order: Order, made: Quote) -> dict[str, str]:
        item = order.item(made.item_id)
        if item is not None:
            return item.names
        if 0 < len(made.items) < len(order.items):  # the rest is final sale, or refunded already
            glue = both("parts", "between")
            items = [one for one in order.items if one.id in made.items]
            return {
                "en": glue["en"].join(one.called("en") for one in items),
                "zh": glue["zh"].join(one.called("zh-CN") for one in items),
            }
        return both("parts", "whole")


def _number(text: str) -> Decimal | None:
    return Decimal(text) if text else None
