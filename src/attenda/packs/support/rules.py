"""What the shop's policy comes to, for one order on one day. Pure: no clock, no rows, no talk.

Each function takes the policy as a value and says which rule decided. Where no rule is in force
nothing is promised: a person decides.
"""

import calendar
import datetime
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal

from attenda.api import Opening
from attenda.packs.support.countries import countries, country_named_in, postcodes_in
from attenda.packs.support.shop import Item, Order, Quote, Refund, RefundWish
from attenda.packs.support.shop_policy import ShopPolicy, ShopRule

__all__ = [
    "add_months",
    "address_decision",
    "arrival",
    "case_decision",
    "change_decision",
    "due_day",
    "quote",
    "rounded",
    "written",
]

_ARRIVED = ("delivered", "returned")
_GONE = ("refunded", "exchanged")


def rounded(amount: Decimal, currency: str, policy: ShopPolicy) -> Decimal:
    """An amount in the smallest coin of its currency, halves up (as shops round prices)."""
    step = Decimal(1).scaleb(-policy.places.get(currency, 2))
    return amount.quantize(step, ROUND_HALF_UP)


def written(amount: Decimal, currency: str, policy: ShopPolicy) -> str:
    """An amount as it is written: `39.90 EUR`, `14640 JPY`."""
    return f"{rounded(amount, currency, policy)} {currency}"


def quote(
    order: Order,
    refunds: Sequence[Refund],
    wish: RefundWish,
    policy: ShopPolicy,
    today: datetime.date,
) -> Quote:
    """What a refund would come to, or the rule that forbids it.

    Args:
        order: with its items.
        refunds: of this order, as they stand; those that failed do not count.
        wish: what is asked for.
        policy: the rule in force when the order was placed decides.
        today: when it is asked for.
    """
    counted = [one for one in refunds if one.state != "failed"]
    if wish.cancels or order.status == "cancelled":
        return _quote_cancelled(order, counted, policy)
    item = order.item(wish.item_id)
    facts = _facts(order, item)
    made = Quote(False, None, order.id, order.currency, _kind(wish, item),
                 item_id=item.id if item else "", facts=facts)  # fmt: skip
    came, rule = _came(order, policy, today)
    if came is None:
        return _no(made, rule)
    window = policy.rule("refund_window", order.placed_on)
    last = _last_day(came, window)
    facts |= {"last_day": last.isoformat() if last else "", **_of_arrival(order, came)}
    wanted = [item] if item else list(order.items)
    final = policy.rule("refund_final_sale", order.placed_on)
    if final is not None:
        wanted = [one for one in wanted if not one.final_sale]
        if not wanted:
            return _no(made, final)
    if window is None or last is None or today > last:
        return _no(made, window)
    return _amount(order, counted, wish, wanted, policy, window, made)


def _kind(wish: RefundWish, item: Item | None) -> Literal["order", "item", "part"]:
    if wish.part is not None or wish.share is not None:
        return "part"
    return "item" if item else "order"


def _amount(
    order: Order,
    refunds: Sequence[Refund],
    wish: RefundWish,
    wanted: Sequence[Item],
    policy: ShopPolicy,
    window: ShopRule,
    made: Quote,
) -> Quote:
    """How much of what may be refunded is left, and whether what is asked for fits into it."""
    currency = order.currency
    open_ = [one for one in wanted if one.state not in _GONE]
    price = sum((one.price for one in open_), Decimal(0))
    already = sum((one.amount for one in refunds), Decimal(0))
    ids = {one.id for one in open_}
    whole = made.kind == "order" and len(open_) == len(order.items) and not already
    shipping = order.shipping if whole else Decimal(0)  # it goes back with the whole order alone
    of_these = sum((one.amount for one in refunds if one.item_id in ids), Decimal(0))
    most = sum((one.price for one in order.items if not one.final_sale), Decimal(0))
    left = min(price - of_these, most - already) + shipping
    left = max(rounded(left, currency, policy), Decimal(0))
    part = price * wish.share if wish.share is not None else wish.part
    amount = left if part is None else rounded(part, currency, policy)
    facts = {**made.facts, "refunded": str(rounded(already, currency, policy)), "left": str(left)}
    if not 0 < amount <= left:
        return _no(replace(made, facts=facts), policy.rule("refund_once", order.placed_on))
    done = tuple(one.id for one in open_) if amount == left else ()
    return replace(made, ok=True, rule=window, amount=amount, items=done,
                   of_order=already + amount, facts=facts)  # fmt: skip


def _quote_cancelled(order: Order, refunds: Sequence[Refund], policy: ShopPolicy) -> Quote:
    """What was paid for an order that was not sent, shipping included."""
    rule = policy.rule("cancel", order.placed_on)
    already = sum((one.amount for one in refunds), Decimal(0))
    paid = order.total + order.shipping if order.paid else Decimal(0)
    left = rounded(paid - already, order.currency, policy)
    facts = {**_facts(order, None), "refunded": str(already), "left": str(left)}
    made = Quote(False, rule, order.id, order.currency, "cancellation", facts=facts)
    if rule is None or left <= 0:
        return _no(made, rule and policy.rule("refund_once", order.placed_on))
    every = tuple(one.id for one in order.items)
    return replace(made, ok=True, amount=left, items=every, of_order=already + left)


def _no(made: Quote, rule: ShopRule | None) -> Quote:
    return replace(made, rule=rule)


def change_decision(
    order: Order, kind: str, policy: ShopPolicy
) -> tuple[bool, ShopRule | None, Mapping[str, str]]:
    """Whether an order may be cancelled (`cancel`) or sent elsewhere (`address`), by which rule."""
    rule = policy.rule(kind, order.placed_on)
    return rule is not None and order.status in rule.statuses, rule, _facts(order, None)


def address_decision(
    order: Order, address: str, policy: ShopPolicy
) -> tuple[bool, ShopRule | None, Mapping[str, str]]:
    """Whether an order may go to an address: in its country, with a postcode as written there.

    The facts have the codes of both countries (`country`, `other`) and the `postcode`.
    """

    def rule(kind: str) -> ShopRule | None:
        return policy.rule(kind, order.placed_on)

    facts = {**_facts(order, None), "country": order.country, "other": "", "postcode": ""}
    if not order.country and rule("address_unknown"):
        return False, rule("address_unknown"), facts
    facts["other"] = country_named_in(address)
    if facts["other"] not in ("", order.country) and rule("address_country"):
        return False, rule("address_country"), facts
    found = postcodes_in(address, order.country) if order.country in countries() else []
    if not found and order.country in countries() and rule("address_postcode"):
        return False, rule("address_postcode"), facts
    facts["postcode"] = found[-1] if found else ""  # a house number may look like one
    return True, rule("address"), facts


def case_decision(
    order: Order, item: Item, kind: str, policy: ShopPolicy, today: datetime.date
) -> tuple[bool, ShopRule | None, Mapping[str, str]]:
    """Whether an item may be sent back, exchanged or claimed for, by which rule."""
    rule = policy.rule(kind, order.placed_on)
    facts = _facts(order, item)
    if rule is None:
        return False, None, facts
    came, why = _came(order, policy, today)
    if came is None or order.status == "returned":
        return False, why, facts
    if kind == "warranty":
        last: datetime.date | None = add_months(came, item.warranty_months)
    else:
        last = _last_day(came, rule)
    facts |= {"last_day": str(last), **_of_arrival(order, came)}
    there = item.state in ("delivered", order.status)
    open_ = last is not None and today <= last and there
    return open_ and not (rule.excludes_final_sale and item.final_sale), rule, facts


def arrival(order: Order, policy: ShopPolicy) -> datetime.date | None:
    """The day from which windows count: of delivery, or as the policy counts it; none if neither.

    An order that was sent and of which nobody knows when it came counts as delivered some days
    later, by the policy's `delivery`, and not before it was due.
    """
    if order.delivered_on is not None:
        return order.delivered_on
    days = policy.delivery.days_after_sending
    if order.sent_on is None or days is None:
        return None
    reckoned = order.sent_on + datetime.timedelta(days=days)
    return max(reckoned, order.due_on) if order.due_on else reckoned


def _came(
    order: Order, policy: ShopPolicy, today: datetime.date
) -> tuple[datetime.date | None, ShopRule | None]:
    """The day from which windows count, once it has come; and what forbids it until then."""
    came, rule = arrival(order, policy), policy.rule("refund_delivered", order.placed_on)
    if rule is None:
        return None, None
    if order.status in _ARRIVED:
        return came, rule if came else policy.rule("delivery_day", order.placed_on)
    if order.status != "shipped" or order.delivered_on or came is None or today < came:
        return None, rule
    return came, rule


def _last_day(came: datetime.date, rule: ShopRule | None) -> datetime.date | None:
    return came + datetime.timedelta(days=rule.days) if rule and rule.days is not None else None


def _of_arrival(order: Order, came: datetime.date) -> dict[str, str]:
    """The day that windows count from, and the one of sending where it was reckoned from that."""
    sent = str(order.sent_on) if order.delivered_on is None else ""
    return {"delivered": str(came), "sent": sent}


def add_months(day: datetime.date, months: int) -> datetime.date:
    """The same day so many months later; the last of the month where that day is missing."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return datetime.date(year, month + 1, min(day.day, last))


def due_day(today: datetime.date, working_days: int, opening: Opening) -> datetime.date:
    """The day on which so many days have passed on which somebody is there."""
    day = today
    while working_days > 0:
        day += datetime.timedelta(days=1)
        working_days -= bool(opening.week[day.weekday()]) and day not in opening.holidays
    return day


def _facts(order: Order, item: Item | None) -> dict[str, str]:
    """What the words of a rule may name; `item` is filled in by language."""
    return {"order": order.id, "item_id": item.id if item else "", "status": order.status,
            "currency": order.currency}  # fmt: skip
