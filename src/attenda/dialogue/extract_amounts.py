"""Amounts of money and quantities of things in a user's words, exact decimals both.

€39.90, 1.299,00 €, "two hundred dollars", 三百元; "two mugs", 两个. It converts no currency.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from attenda.dialogue.extract_numbers import CHINESE_NUMBER, DIGITS, ENGLISH_NUMBER, read_number
from attenda.dialogue.extract_span import Found, first_of_overlapping, folded, outside

__all__ = ["Money", "Quantity", "amounts", "another_currency", "percents", "quantities"]


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in a currency."""

    value: Decimal
    currency: str
    """ISO 4217, such as EUR."""
    also: frozenset[str] = field(default=frozenset(), compare=False)
    """Other currencies that go by the same word: a dollar may be a Canadian one."""

    def may_be(self, currency: str) -> bool:
        """Whether it may be an amount in that currency."""
        return currency == self.currency or currency in self.also


@dataclass(frozen=True, slots=True)
class Quantity:
    """How many of what."""

    count: Decimal
    unit: str
    """The word after the number, in small letters, or the Chinese measure; empty where none is."""


_BEFORE = {
    "us$": "USD", "usd": "USD", "eur": "EUR", "gbp": "GBP", "cny": "CNY", "rmb": "CNY",
    "jpy": "JPY", "chf": "CHF", "cad": "CAD", "aud": "AUD", "hkd": "HKD", "hk$": "HKD",
    "sek": "SEK", "nok": "NOK", "dkk": "DKK", "pln": "PLN", "inr": "INR", "kr": "SEK", "₹": "INR",
    "人民币": "CNY", "$": "USD", "€": "EUR", "£": "GBP", "¥": "CNY",
}  # fmt: skip
_AFTER = _BEFORE | {
    "us dollars": "USD", "dollars": "USD", "dollar": "USD", "bucks": "USD", "buck": "USD",
    "euros": "EUR", "euro": "EUR", "pounds": "GBP", "pound": "GBP", "quid": "GBP",
    "kronor": "SEK", "kroner": "NOK", "złoty": "PLN", "zloty": "PLN", "zlotys": "PLN", "zł": "PLN",
    "rupees": "INR", "rupee": "INR", "francs": "CHF", "yuan": "CNY", "yen": "JPY",
    "美元": "USD", "美金": "USD", "欧元": "EUR", "欧": "EUR", "英镑": "GBP", "日元": "JPY",
    "港币": "HKD", "港元": "HKD", "卢比": "INR", "克朗": "SEK", "人民币": "CNY",
    "元人民币": "CNY", "块钱": "CNY", "元": "CNY", "块": "CNY",
}  # fmt: skip
_PARTS = {"毛": Decimal("0.1"), "角": Decimal("0.1"), "分": Decimal("0.01")}
_CENTS = {"cents": "USD", "cent": "USD", "pence": "GBP"}
_DOLLARS, _CROWNS = frozenset({"CAD", "AUD", "HKD"}), frozenset({"NOK", "DKK"})
_ALSO = {
    **dict.fromkeys(("$", "dollars", "dollar", "bucks", "buck"), _DOLLARS),
    **dict.fromkeys(("cents", "cent"), _DOLLARS | {"EUR"}),
    **dict.fromkeys(("元", "块", "块钱"), frozenset({"HKD"})),
    "kr": _CROWNS, "kroner": _CROWNS, "克朗": _CROWNS, "¥": frozenset({"JPY"}),
}  # fmt: skip
"""Currencies that go by a word as well as the one that is meant most."""
_HUNDREDTH = Decimal("0.01")
_MULTIPLES = {"": 1, "k": 1000, "m": 1_000_000, "万": 10_000, "亿": 100_000_000}


def _one_of(words: Iterable[str]) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


_DIGITAL = rf"(?<![0-9a-z.,/:-])(?P<digits>{DIGITS})\s?(?P<multiple>k(?![a-z])|m(?![a-z])|万|亿)?"
_SPOKEN = rf"(?P<spoken>{ENGLISH_NUMBER}|{CHINESE_NUMBER})"
_NUMBER = rf"(?:{_DIGITAL}|{_SPOKEN})"
_SIGN_FIRST = re.compile(
    rf"(?<![a-z])(?P<currency>{_one_of(_BEFORE)})\s?"
    rf"(?:{_DIGITAL.replace('(?<![0-9a-z.,/:-])', '')}|(?P<spoken>{CHINESE_NUMBER}))"
    r"(?:\s?(?:元|块钱|块))?"
)
_NAME_LAST = re.compile(
    rf"{_NUMBER}\s*-?\s*(?P<currency>{_one_of(_AFTER)})(?![a-z]|(?<=欧)[洲盟式美])"
    rf"(?:(?P<rest>[0-9一二两三四五六七八九半])(?P<part>[毛角])?(?![0-9个]))?"
    rf"(?:\s+and\s+(?P<cents>{ENGLISH_NUMBER}|[0-9]{{1,2}})\s+(?:cents?|pence))?"
)
_SMALL_CHANGE = re.compile(rf"{_NUMBER}\s*(?P<currency>{_one_of(_CENTS)})(?![a-z])")
_MEASURES = "个只件张本杯瓶份人位台部双条套箱包盒间晚斤次枚颗块"
_QUANTITY = re.compile(
    rf"(?<![0-9a-z.,/:#$€£¥-])(?:(?P<digits>{DIGITS})(?![-/:%€£$¥°])|(?P<spoken>{ENGLISH_NUMBER}))"
    rf"(?:\s*x(?![a-z]))?\s*(?P<unit>(?<=[\s0-9x])[a-z]+(?:['-][a-z]+)*)?"
)
_CHINESE_QUANTITY = re.compile(
    rf"(?<!第)(?P<number>{CHINESE_NUMBER}|(?<![0-9.,:/-]){DIGITS})\s?(?P<unit>[{_MEASURES}])"
    r"(?!月|小时|星期|礼拜|钟)"
)
_NOT_COUNTED = frozenset(
    """
    am pm a p o'clock oclock st nd rd th and or to of past quarter half in on at for the is are was
    january february march april may june july august september october november december percent
    jan feb mar apr jun jul aug sep sept oct nov dec please thanks then but with from by million
    """.split()
)
_COUNTS_ONE = re.compile(r"(?:^|\b(?:just|only|want|need|take|get|have|order|buy|it)\s)\s*$")
"""Before a lone "one" that is a number; elsewhere it stands for a thing ("the other one")."""


def amounts(text: str) -> list[Found[Money]]:
    """The amounts of money in `text`, in reading order."""
    plain = folded(text)
    found = [
        Found(money, *match.span(), text[slice(*match.span())])
        for pattern in (_SIGN_FIRST, _NAME_LAST, _SMALL_CHANGE)
        for match in pattern.finditer(plain)
        if (money := _money(match)) is not None
    ]
    return first_of_overlapping(found)


def another_currency(text: str, currency: str) -> str:
    """The currency of an amount in `text` that can't be in `currency`; empty where all can."""
    found = (one.value for one in amounts(text))
    return next((one.currency for one in found if not one.may_be(currency)), "")


def _money(match: re.Match[str]) -> Money | None:
    parts = match.groupdict()
    value = read_number(parts["digits"] or parts["spoken"])
    if value is None:
        return None
    value *= _MULTIPLES[parts.get("multiple") or ""]
    name = parts["currency"]
    if name in _CENTS:
        return Money(value * _HUNDREDTH, _CENTS[name], _ALSO.get(name, frozenset()))
    if parts.get("rest"):
        value += _chinese_change(parts["rest"])
    if parts.get("cents"):
        value += (read_number(parts["cents"]) or 0) * _HUNDREDTH
    return Money(value, _AFTER[name], _ALSO.get(name, frozenset()))


def _chinese_change(said: str) -> Decimal:
    """What follows 块: 三块五 is 3.5."""
    return Decimal("0.5") if said == "半" else (read_number(said) or Decimal(0)) * _PARTS["角"]


_PERCENT = re.compile(rf"(?<![0-9a-zA-Z.,/-])({DIGITS})\s?[%％]|百分之({CHINESE_NUMBER}|{DIGITS})")


def quantities(text: str, taken: Iterable[Found[object]] = ()) -> list[Found[Quantity]]:
    """How many of what `text` names, in reading order.

    A number that belongs to an amount of money is none; `taken` are spans already understood
    otherwise (dates, times, ids), whose numbers are none either. A bare number has an empty unit.
    """
    found = first_of_overlapping([*_english(text), *_chinese(text)])
    return outside(found, [*amounts(text), *taken])


def percents(text: str) -> list[Found[Quantity]]:
    """Hundredths that `text` names by a sign or as 百分之, in reading order; of them the number."""
    return [
        Found(Quantity(count, "%"), one.start(), one.end(), one.group())
        for one in _PERCENT.finditer(text)
        if (count := read_number(one[1] or one[2])) is not None
    ]


def _english(text: str) -> Iterator[Found[Quantity]]:
    plain = folded(text)
    for match in _QUANTITY.finditer(plain):
        count = read_number(match["digits"] or match["spoken"])
        if count is None or _is_pronoun(match, plain):
            continue
        unit = match["unit"] or ""
        end = match.end()
        if unit in _NOT_COUNTED:
            end, unit = match.end("digits" if match["digits"] else "spoken"), ""
        end = match.start() + len(plain[match.start() : end].rstrip())
        yield Found(Quantity(count, unit), match.start(), end, text[match.start() : end])


def _is_pronoun(match: re.Match[str], plain: str) -> bool:
    if match["spoken"] != "one":
        return False
    if match["unit"] == "of":
        return True
    before = plain[: match.start()]
    counts_a_thing = match["unit"] and match["unit"] not in _NOT_COUNTED | {"one", "i", "you"}
    if re.search(r"(?:this|that|which|the|no|any|some|each|every|other)\s+$", before):
        return True
    return not counts_a_thing and not _COUNTS_ONE.search(before)


def _chinese(text: str) -> Iterator[Found[Quantity]]:
    for match in _CHINESE_QUANTITY.finditer(folded(text)):
        count = read_number(match["number"])
        if count is not None:
            words = text[slice(*match.span())]
            yield Found(Quantity(count, match["unit"]), *match.span(), words)
