"""Orders as their customer may see them, and which order or item somebody's words mean."""

import datetime
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from attenda.api import Deed, amounts
from attenda.packs.support.hours_words import in_words
from attenda.packs.support.identity import Counter, day_of
from attenda.packs.support.rules import written
from attenda.packs.support.shop import Item, Order
from attenda.packs.support.words import both

__all__ = ["Orders", "back_in", "course_in", "items_in", "part_in"]

_WHOLE = re.compile(
    r"\b(whole|entire|everything|all (of )?(it|them)|complete|full order|the order)\b"
    r"|整个|整单|全部|所有|都退|全退",
    re.IGNORECASE,
)
_SHARE = re.compile(r"(?<![\d.])(\d{1,2}(?:[.,]\d+)?)\s*(?:%|percent|％)", re.IGNORECASE)
_NO_PRICE = r"(?:an?\s+)?(?:year|month|week|day|hour|minute|dozen|litre|liter|size|term)"
_HALF = re.compile(
    rf"(?<!and a )(?<!and-a-)\bhalf\b(?![\s-]+{_NO_PRICE})(?!\s+price\s+(?:when|sale|deal))"
    r"|一半|半数|对半|对折|半价(?![买入拿促抢时])|(?<![\d一二三四五六七八九十])半退",
    re.IGNORECASE,
)
_TENTHS = re.compile(r"([一二三四五六七八九1-9])成(?![新色熟套为立本功交长分员了年人双对])")
_PERCENT = re.compile(
    r"百分之([一二三四五六七八九十\d]{1,3})|\b(ten|twenty|thirty|forty|fifty|sixty|seventy|eighty"
    r"|ninety)[\s-]+per\s?cent\b|\b(\d{1,2})\s+per\s+cent\b",
    re.IGNORECASE,
)
_THIRD = re.compile(r"\b(?:a|one)[\s-]+third\b|三分之一", re.IGNORECASE)
_QUARTER = re.compile(
    r"\b(?:a|one)[\s-]+quarter\b(?!\s+(?:past|to|of\s+an\s+hour))|四分之一", re.IGNORECASE
)
_TENS = ("ten", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_DIGITS = "一二三四五六七八九"
_BACK = re.compile(r"\b(?:return\w*|back)\b|退[回还货]|寄回|送回|还[给回]|拿回去", re.IGNORECASE)
_MONEY = re.compile(
    r"\b(?:re?fu?n+u?d\w*|m[ou]n+e?y|moe?ny|moey|mnoey|monies|cash|reimburs\w*|credit\w*|pa(?:y|ys|id|ying|yment)|price|cost|spent"
    r"|amount|sum|half|bucks|euros?)\b|[%％€$]|\d[.,]\d\d\b|[钱费价额赔元欧]|(?<![这那哪同新旧一])款(?!式)|一半|[一二三四五六七八九]成",
    re.IGNORECASE,
)
_PARCEL = re.compile(
    r"\b(?:labels?|lable|slip|(?:send|sent|sending|ship|ship+ing|post|posting|mail|mailing)\b.*\bback"
    r"|wrong (?:size|colou?r)|too (?:big|small|tight|large|long|short|wide|narrow)|(?:not|n'?t) fit"
    r"|parcel|post office|pick(?:ed)? (?:it )?up)\b"
    r"|寄回|送回|标签|退货单|退件|尺[码寸]|[大小]了|不合[身脚适]|取件|快递",
    re.IGNORECASE,
)
_SWAP = re.compile(
    r"\b(?:ex?change\w*|swap\w*|swop\w*|replace\w*|(?:an)?other one|different one|new one)\b"
    r"|[换调]",
    re.IGNORECASE,
)
_REFUND = re.compile(r"\bre?fu?n+u?d|退掉|^\W*退[吧了]?\W*$", re.IGNORECASE)
_SEND = re.compile(r"\b(?:send|ship|post|mail)\b|[寄退]", re.IGNORECASE)
_MOST_LISTED = 6
_FEWEST_LETTERS = 6
"""Of a name that may be misspelled: shorter words are too much like others."""


def items_in(words: str, items: Sequence[Item]) -> list[Item]:
    """Items of an order whose name stands in somebody's words; else one by its noun or a slip."""
    said = words.lower()
    found = [one for one in items if any(_names(said, name) for name in one.name.values())]
    if found:
        return found
    for names in (_names_kind, _misspells):
        alike = [one for one in items if any(names(said, name) for name in one.name.values())]
        if alike:
            return alike if len(alike) == 1 else []
    return []


def _names_kind(said: str, name: str) -> bool:
    """Whether the last word of a name, or its last character in Chinese, is said as a thing."""
    if name.isascii():
        return " " in name and _names(said, name.split()[-1])
    return re.search(rf"{re.escape(name[-1])}(?:子|(?=$|\W|[的我也呢]))", said) is not None


def _misspells(said: str, name: str) -> bool:
    """Whether a word is a long name but for one letter: left out, put in, changed or swapped."""
    plain = name.lower()
    if not re.fullmatch(rf"[a-z]{{{_FEWEST_LETTERS},}}", plain):
        return False
    return any(_one_slip(word, plain) for word in re.findall(r"[a-z]+", said))


def _one_slip(word: str, name: str) -> bool:
    if abs(len(word) - len(name)) > 1 or word[0] != name[0]:  # "settle" is no kettle
        return False
    same = next((at for at, (a, b) in enumerate(zip(word, name, strict=False)) if a != b), None)
    if same is None:
        return True
    left, right = word[same:], name[same:]
    swapped = left[:2] == right[1::-1] and left[2:] == right[2:]
    return swapped or left[1:] == right[1:] or left[1:] == right or left == right[1:]


def _names(said: str, name: str) -> bool:
    if name.isascii():
        return re.search(rf"\b{re.escape(name.lower())}s?\b", said) is not None
    return name in said


def part_in(words: str, currency: str) -> tuple[Decimal | None, Decimal | None, str]:
    """The amount or share of a price that is asked for, and a currency that is not the order's."""
    for one in amounts(words):
        if not one.value.may_be(currency):
            return None, None, one.value.currency
        return one.value.value, None, ""
    return None, _share_in(words), ""


def back_in(words: str) -> str:
    """Whether somebody gives a thing back: `goods`, or `either`, it or its price; else nothing.

    Who speaks of the money means the money.
    """
    if _MONEY.search(words):
        return ""
    if _PARCEL.search(words):
        return "goods"
    return "either" if _BACK.search(words) else ""


def course_in(words: str) -> str:
    """What somebody wants of a thing that they give back: `money`, `return` or `exchange`."""
    if _SWAP.search(words):
        return "" if _MONEY.search(words) else "exchange"
    if _MONEY.search(words) or _REFUND.search(words):
        return "money"
    return "return" if back_in(words) or _SEND.search(words) else ""


def _share_in(words: str) -> Decimal | None:
    """The share of a price that somebody names: in percent, in tenths, or as a fraction."""
    if share := _SHARE.search(words):
        return Decimal(share[1].replace(",", ".")) / 100
    if percent := _PERCENT.search(words):
        return Decimal(_count(next(one for one in percent.groups() if one))) / 100 or None
    if tenths := _TENTHS.search(words):
        return Decimal(_count(tenths[1])) / 10
    fractions = ((_HALF, 2), (_THIRD, 3), (_QUARTER, 4))
    return next((1 / Decimal(parts) for said, parts in fractions if said.search(words)), None)


def _count(said: str) -> int:
    """A whole number below a hundred in digits, or in words by tens, or in Chinese."""
    if said.isdecimal():
        return int(said)
    if said.lower() in _TENS:
        return (_TENS.index(said.lower()) + 1) * 10
    tens, ten, ones = said.rpartition("十") if "十" in said else ("", "", said)
    high = _DIGITS.find(tens) + 1 if tens else 1
    return (high * 10 if ten else 0) + (_DIGITS.find(ones) + 1 if ones else 0)


@dataclass(frozen=True, slots=True)
class Orders:
    """What may be read of orders."""

    counter: Counter

    def get_order(self, deed: Deed, words: str, order: str | None = None) -> dict[str, Any]:
        """An order of the session's customer: by its number, else by an item that only one has."""
        customer = self.counter.customer_id(deed)
        shop = self.counter.open_shop(deed)
        if order:
            found = shop.get_order(order, customer)
            return self._shown(found, deed) if found else self._none(deed, customer)
        mine = shop.list_orders(customer)
        meant = [one for one in mine if items_in(words, one.items)]
        if len(meant) == 1 or len(mine) == 1:
            return self._shown((meant or mine)[0], deed)
        return self._none(deed, customer)

    def list_orders(self, deed: Deed) -> dict[str, Any]:
        """The customer's newest orders, in words."""
        return self._none(deed, self.counter.customer_id(deed))

    def find_items(self, deed: Deed, order: str, words: str) -> dict[str, Any]:
        """Which items of an order somebody means, how much of their price, and if they go back."""
        found = self._order(deed, order)
        named = items_in(words, found.items)
        one = named[0] if len(named) == 1 else found.items[0] if len(found.items) == 1 else None
        whole = not named and (_WHOLE.search(words) is not None or len(found.items) == 1)
        part, share, other = part_in(words, found.currency)
        listed = [self._listed(item, found.currency) for item in found.items]
        others = [name for item in found.items if item != one for name in item.name.values()]
        glue = both("parts", "between")
        return {
            "clear": one is not None or whole,
            "item": one.id if one and named and len(found.items) > 1 else "",
            "one": one.id if one else "",
            "others": others,
            "back": back_in(words),
            "course": course_in(words),
            "part": str(part) if part is not None else "",
            "share": str(share) if share is not None else "",
            "currency": found.currency,
            "other_currency": other,
            "shown": {name: glue[name].join(text[name] for text in listed) for name in glue},
        }

    def invoice(self, deed: Deed, order: str) -> dict[str, Any]:
        """The lines of an order's invoice and what they come to."""
        found = self._order(deed, order)
        policy, currency = self.counter.policy, found.currency
        lines = {
            name: "\n".join(
                f"- {item.called(language)}: {written(item.price, currency, policy)}"
                for item in found.items
            )
            for name, language in (("en", "en"), ("zh", "zh-CN"))
        }
        return {
            "number": f"INV-{found.id.removeprefix('O-')}",
            "placed": str(found.placed_on),
            "lines": lines,
            "shipping": written(found.shipping, currency, policy),
            "total": written(found.total + found.shipping, currency, policy),
            "paid": found.paid,
        }

    def opening_hours(self, deed: Deed) -> dict[str, Any]:
        """When people are there."""
        opening = deed.opening() or self.counter.policy.hours
        return {"zone": opening.zone, **in_words(opening, day_of(deed.now, opening.zone))}

    def _order(self, deed: Deed, order: str) -> Order:
        return self.counter.order(deed, order)

    def _listed(self, item: Item, currency: str) -> dict[str, str]:
        final = both("parts", "final_sale") if item.final_sale else {"en": "", "zh": ""}
        price = written(item.price, currency, self.counter.policy)
        return {
            "en": f"{item.called('en')} {price}{final['en']}",
            "zh": f"{item.called('zh-CN')} {price}{final['zh']}",
        }

    def _none(self, deed: Deed, customer: str) -> dict[str, Any]:
        """No order, and the ones that there are to choose from."""
        mine = self.counter.open_shop(deed).list_orders(customer)[:_MOST_LISTED]
        shown: dict[str, list[str]] = {"en": [], "zh": []}
        for one in mine:
            status = both("status", one.status)
            for name, texts in shown.items():
                texts.append(f"{one.id} ({status[name]})")
        none = both("parts", "nothing")
        return {
            "id": "",
            "list": {name: ", ".join(one) or none[name] for name, one in shown.items()},
        }

    def _shown(self, order: Order, deed: Deed) -> dict[str, Any]:
        """What its customer may know; never its note, which others write."""
        today = self.counter.day(deed.now)
        news = both(
            "news", _news_of(order, today), order=order.id, carrier=order.carrier,
            tracking=order.tracking, due=str(order.due_on or "—"), sent=str(order.sent_on or "—"),
            delivered=str(order.delivered_on or "—"),
        )  # fmt: skip
        return {
            "id": order.id, "status": order.status, "news": news, "tracking": order.tracking,
            "due": str(order.due_on or ""), "address": order.address, "paid": order.paid,
        }  # fmt: skip


def _news_of(order: Order, today: datetime.date) -> str:
    """Which news there are of it: its status, or what the records say of its way."""
    if order.status == "delivered" and not order.tracking:
        return "came" if order.delivered_on else "came_some_day"
    if order.status != "shipped":
        return order.status
    if not order.tracking:
        return "sent" if order.sent_on else "under_way"
    return "late" if order.due_on and order.due_on < today else "shipped"
