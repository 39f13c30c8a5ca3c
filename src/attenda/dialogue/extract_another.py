"""That somebody wants another value, and does not say which: "no, the other order", 不是这个.

English and Chinese.
"""

import re
from collections.abc import Mapping

from attenda.dialogue.extract_span import folded
from attenda.dialogue.flow import Slot

__all__ = ["another_wanted"]

_ANOTHER = re.compile(
    r"(?<![a-z])(?:(?:other|another|different)(?: (?P<noun>[a-z]+))?"
    r"|(?:not (?:this|that)|wrong) (?P<thing>[a-z]+))(?![a-z'])"
    r"|(?:另[外一]|别的|其[他它]|不是[这那]|换[一个件]|[弄选搞写]错)(?P<han>[\u3400-\u9fff]*)"
)
_TOLD = frozenset({"id", "choice", "date", "time", "amount", "number", "email", "phone"})
"""Types of slots that have one value and another; a text or a yes has none."""

_ANY = frozenset({"", "one", "ones", "please"})


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
