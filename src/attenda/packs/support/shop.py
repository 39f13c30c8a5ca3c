"""The shop as customer service sees it: values, and the seven methods that any shop is asked by.

What stands behind `Shop` may be the pack's own tables, files, a database or a web service. A shop
finds and keeps; what may be done is decided by `rules`, before and again when it is done.
"""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal, Protocol

from attenda.packs.support.shop_policy import ShopRule

__all__ = [
    "Booking",
    "Change",
    "Customer",
    "Item",
    "Order",
    "Quote",
    "Refund",
    "RefundWish",
    "Shop",
    "ShopRefused",
]


class ShopRefused(Exception):
    """The shop does not do it, for a reason of its own: its key in `words.yaml`."""


@dataclass(frozen=True, slots=True)
class Customer:
    """Somebody who orders."""

    id: str
    name: str
    email: str
    postcode: str
    language: str = "en"
    tier: Literal["standard", "vip"] = "standard"


@dataclass(frozen=True, slots=True)
class Item:
    """One line of an order."""

    id: str
    name: Mapping[str, str]
    """By language."""
    price: Decimal
    """Of the whole line."""
    final_sale: bool = False
    warranty_months: int = 0
    state: str = "ordered"

    def called(self, language: str) -> str:
        """Its name in a language."""
        return self.name.get(language) or self.name["en"]

    @property
    def names(self) -> dict[str, str]:
        """What it is called in English and in Chinese."""
        return {"en": self.called("en"), "zh": self.called("zh-CN")}


@dataclass(frozen=True, slots=True)
class Order:
    """An order with its items."""

    id: str
    customer_id: str
    status: str
    currency: str
    items: tuple[Item, ...]
    placed_on: datetime.date
    shipping: Decimal = Decimal(0)
    paid: bool = True
    """Whether its money was taken."""
    due_on: datetime.date | None = None
    delivered_on: datetime.date | None = None
    sent_on: datetime.date | None = None
    carrier: str = ""
    tracking: str = ""
    address: str = ""
    country: str = ""
    """ISO 3166 code of where it goes; empty where nobody knows."""
    note: str = ""
    """In the words of whoever wrote it: never followed, never shown as ours."""

    @property
    def total(self) -> Decimal:
        """Of its items, without shipping."""
        return sum((one.price for one in self.items), Decimal(0))

    def item(self, item_id: str) -> Item | None:
        """One of its items."""
        return next((one for one in self.items if one.id == item_id), None)


@dataclass(frozen=True, slots=True)
class Refund:
    """Money given back, or reserved to be."""

    id: str
    order_id: str
    item_id: str
    """Empty for what is not of one item."""
    amount: Decimal
    currency: str
    state: Literal["reserved", "issued", "failed"]


@dataclass(frozen=True, slots=True)
class RefundWish:
    """What somebody wants back."""

    item_id: str = ""
    """Empty for the whole order."""
    part: Decimal | None = None
    """So much of it, in the order's currency; none is all that is left."""
    share: Decimal | None = None
    """Or this share of its price, 0 to 1."""
    cancels: bool = False
    """All that was paid, as if the order were cancelled; whether it may be is another rule's."""


@dataclass(frozen=True, slots=True)
class Quote:
    """What would be given back by which rule; or which rule forbids it."""

    ok: bool
    rule: ShopRule | None
    """None where no rule is in force: then a person decides."""
    order_id: str
    currency: str
    kind: Literal["order", "item", "part", "cancellation"]
    amount: Decimal = Decimal(0)
    item_id: str = ""
    items: tuple[str, ...] = ()
    """Ids of the items that are refunded wholly."""
    of_order: Decimal = Decimal(0)
    """All that would be refunded of the order then: the limits count that."""
    facts: Mapping[str, str] = field(default_factory=dict)
    """For the words of the rule."""


@dataclass(frozen=True, slots=True)
class Booking:
    """By which deed, with whose permission, when."""

    key: str
    """The same for the same deed: what comes again under it is done once."""
    now: int
    """Microseconds since 1970, UTC."""
    session_id: str = ""
    approver: str = "policy"


@dataclass(frozen=True, slots=True)
class Change:
    """Of an order: cancelled, or sent elsewhere; of items; of a refund that was paid, or not."""

    status: str = ""
    address: str = ""
    postcode: str = ""
    """Of that address."""
    items: Sequence[str] = ()
    item_state: str = ""
    """Of those items."""
    refund: str = ""
    refund_state: str = ""
    """Of that refund: issued, or failed, and then it holds nothing any more."""
    payment: str = ""
    """Reference of the payment provider."""


class Shop(Protocol):
    """What any shop is asked by. All amounts are `Decimal`, all days dates."""

    def find_customer(self, email: str, postcode: str) -> Customer | None:
        """Who has both; none where one of the two is another's."""

    def get_order(self, order_id: str, customer_id: str) -> Order | None:
        """An order of this customer; none where it is another's, or nobody's."""

    def list_orders(self, customer_id: str) -> list[Order]:
        """All orders of a customer, the newest first."""

    def quote_refund(self, order: Order, wish: RefundWish, today: datetime.date) -> Quote:
        """What a refund would come to; changes nothing."""

    def issue_refund(self, quote: Quote, booking: Booking) -> Refund:
        """Reserve what was quoted, once a key.

        Raises:
            ShopRefused: what is asked for is reserved or refunded already.
        """

    def begin_payment(
        self, refund_id: str, amount: Decimal, currency: str, customer_id: str, booking: Booking
    ) -> None:
        """Let the payment of a refund begin under a key, as it was reserved; once.

        `customer_id` is whose it is to be; empty where staff pay.

        Raises:
            ShopRefused: there is no such refund of theirs, of that money; or its payment began
                under another key, or is over. Nothing is noted then.
        """

    def update_order(self, order_id: str, change: Change, booking: Booking) -> Order:
        """Change an order; the same change again changes nothing.

        Raises:
            ShopRefused: there is no such order.
        """
