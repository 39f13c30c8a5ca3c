"""Which of the values that a text tells hold now (en, zh-CN).

"BP was 150/90, now 90/50": the second. A target is no measurement, and neither is a value that the
next words replace, as in "120, now down to 85". What is not plain is left out, and is asked for.
"""

import re
from collections.abc import Sequence
from typing import Protocol, TypeVar

from attenda.packs.clinic.assertion import assertion_of

__all__ = ["holding", "is_denied"]


class _Said(Protocol):
    """A value and the place of its words."""

    @property
    def name(self) -> str: ...
    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...


S = TypeVar("S", bound=_Said)

_NOW = r"\b(?:now|today|currently)\b|现在|今天|今日|目前"
_BORDER = re.compile(rf"[,，;；。!?！？\n]|\.(?!\d)|\bbut\b|但|{_NOW}", re.IGNORECASE)
_EARLIER = re.compile(
    r"\b(?:usual(?:ly)?|normal(?:ly)?|baseline|previous(?:ly)?|was|were|yesterday|earlier"
    r"|last (?:night|week|month|year|visit))\b"
    r"|原来|平时|平常|昨[天日晚]|之前|以前|既往|入院时",
    re.IGNORECASE,
)
_AIMED_AT = re.compile(r"\b(?:target|goal|aim(?:ing|ed)?)\b|目标|控制在", re.IGNORECASE)
_REPLACED = re.compile(
    r"\s*(?:%|°?\s?[CF]\b|℃|度|bpm\b|次(?:/分)?|(?:m|mm|µ|μ|u)?mol/l|mg/dl)?"
    r"\s*[,，(（]?\s*(?:but |and |then )?"
    rf"(?:{_NOW}|\b(?:down|up) to\b|→|->|[降升](?:到|至|为|高到)|[到至])"
    r"\s*(?:is|at|only|为|是|约)?\s*\d+(?:\.\d+)?"
    r"(?![\d/.]|\s*(?:l\b|lit|day|hour|week|天|升))",
    re.IGNORECASE,
)
_LISTS = re.compile(r"\b(?:or|nor)\b|[或、及]")
_NOT_AWAKE = re.compile(
    r"(?:\bnot|n['’]t|\bno longer|\bless|\bnever)"
    r"(?: (?:fully|very|quite|really|completely|always))*\s*$"
    r"|[不未欠没]$",
    re.IGNORECASE,
)


def holding(text: str, said: Sequence[S]) -> list[S]:
    """Without targets, replaced values, and earlier ones where another of that name holds."""
    real = [
        one
        for one in said
        if not _AIMED_AT.search(_clause(text, one)) and not _REPLACED.match(text, one.end)
    ]
    now = {one.name for one in real if not _EARLIER.search(_clause(text, one))}
    return [one for one in real if one.name not in now or not _EARLIER.search(_clause(text, one))]


def is_denied(text: str, start: int, end: int) -> bool:
    """Whether words of a state are denied: "denies confusion", "not fully alert", 不清醒."""
    if _NOT_AWAKE.search(text[:start]):
        return True
    low = _begins(text, start)
    if "\u3400" <= text[start] <= "\u9fff":  # a space parts what is listed: 没吸氧 清醒
        low = max(low, text.rfind(" ", 0, start) + 1)
    if _LISTS.search(text[low:start]):
        low = 0
    return assertion_of(text[low:end], start - low, end - low).status == "absent"


def _clause(text: str, one: _Said) -> str:
    """The words of a value, and those before it up to the border of its clause."""
    return text[_begins(text, one.start) : one.end]


def _begins(text: str, at: int) -> int:
    ends = [one.end() for one in _BORDER.finditer(text, 0, at)]
    return ends[-1] if ends else 0
