"""That somebody wants another value, and does not say which: "no, the other order", 不是这个.

And that they name one more thing for what was done last: "and the mug?", 杯子呢. English and
Chinese.
"""

import re
from collections.abc import Mapping

from attenda.dialogue.extract_span import folded
from attenda.dialogue.flow import Slot

__all__ = ["another_wanted", "is_the_same", "one_more"]

_ANOTHER = re.compile(
    r"(?<![a-z])(?:(?:other|another|different)(?: (?P<noun>[a-z]+))?"
    r"|(?:not (?:this|that)|wrong) (?P<thing>[a-z]+))(?![a-z'])"
    r"|(?:另[外一]|别的|其[他它]|不是[这那]|换[一个件]|[弄选搞写]错)(?P<han>[\u3400-\u9fff]*)"
)
_TOLD = frozenset({"id", "choice", "date", "time", "amount", "number", "email", "phone"})
"""Types of slots that have one value and another; a text or a yes has none."""

_ANY = frozenset({"", "one", "ones", "please"})

_TOO = r"(?:\W+(?:too|as ?well|also|then|please|pls|plz|the same|2))*"
_SAME = re.compile(
    r"\W*(?:(?:and|plus|for|with|order|the|it|please|pls|plz|oh|then|do|goes|can|could|you|u)\W+)*"
    r"(?:and|plus|too|as ?well|also"
    r"|(?:the )?same(?: again| thing| here)?(?:\W+(?:for|with|w|4|goes for))?)"
    rf"{_TOO}\W*"
    r"|[^.?!]{0,80}\b(?:do )?the (?:very |exact )?same(?: thing)? (?:for|with|to)"
    r"(?:\W+(?:order|my))?"
    rf"{_TOO}\W*"
    r"|\W*(?:那么?)?(?:还有|另外|以及|再加上?|也)?\W*[这那]?[一个件单个]*"
    r"(?:还有|另外|以及|同时|再加上?|也是?一样|也(?:要|是)|一样|同样|一起|一并)(?:处理|办理?)?[吧啊呀的]?\W*",
    re.IGNORECASE,
)
_ONE_MORE = re.compile(
    rf"\W*(?:(?:and|or|also|then|what about|how about|same(?: again| thing)?(?: goes)?)\W+)+"
    rf"(?:(?:for|with)\W+)?(?:the|my|that|this)\W+(?P<after>[a-z]+(?: [a-z]+)?){_TOO}\W*"
    r"|\W*(?:the|my)\W+(?P<before>[a-z]+(?: [a-z]+)?)\W+(?:too|as well|also)\W*"
    r"|\W*(?:(?:那么?|还有|另外|再|哦|嗯|对了|然后)\W*)*(?![我你您他她咱])"
    r"(?P<han>[\u3400-\u9fff]{1,6}?)(?:呢|也是?一样|也(?:要|是)?|一样|同样)[吧啊呀的]?\W*"
    r"|\W*(?:还有|另外|以及|再加上?)\W*[这那]?[一个件单]?(?![我你您他她咱])"
    r"(?P<behind>[\u3400-\u9fff]{1,4})\W*",
    re.IGNORECASE,
)


def is_the_same(text: str) -> bool:
    """Whether a message, without numbers of orders and the like, says no more than "too"."""
    return re.search(r"\w", text) is not None and _SAME.fullmatch(text) is not None


def one_more(text: str) -> str:
    """The thing that a message, without numbers of orders and the like, only adds; else nothing."""
    said = _ONE_MORE.fullmatch(text)
    return next(filter(None, said.groups()), "") if said else ""


def another_wanted(text: str, slots: Mapping[str, Slot]) -> str:
    """The slot whose value is not the one that is wanted, or empty where none is meant.

    Args:
        text: of the message.
        slots: those that have a value, in the order in which they are asked for.
    """
    said = _ANOTHER.search(folded(text))
    known = [name for name, slot in slots.items() if slot.type in _TOLD]
    if said is None or not known:
        return ""
    noun = said["noun"] or said["thing"] or said["han"] or ""
    named = [name for name in known if noun and _is_called(name, slots[name], noun)]
    if not named and noun.isascii() and noun not in _ANY:
        return ""
    return (named or known)[-1]


def _is_called(name: str, slot: Slot, noun: str) -> bool:
    """Whether a slot's name or the question for it has a word, or two characters of it."""
    words = folded(" ".join([name, *slot.ask.values()]))
    if noun.isascii():
        return re.search(rf"(?<![a-z]){re.escape(noun)}", words) is not None
    return any(noun[at : at + 2] in words for at in range(len(noun) - 1))
