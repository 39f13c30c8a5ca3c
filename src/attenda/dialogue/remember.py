"""What a person tells to be remembered, and facts as the words by which a slot is filled again.

A fact is kept in words that the slot's own extractor reads back to the same value; what it would
read otherwise is not kept.
"""

import datetime
import re
from collections.abc import Mapping

from attenda.core.command import Recall, Remember
from attenda.core.event import ProposalDeclined, SlotProposed
from attenda.core.label import Labelled, at_least, join
from attenda.core.words import sentence
from attenda.dialogue.flow import Slot
from attenda.dialogue.next_step import AskSlot, AskYesNo
from attenda.dialogue.values import values_in

__all__ = ["ask_still", "fact_of", "offer_of", "proposed_value", "told_to_remember"]

_KEEP = re.compile(
    r"\s*(?:(?:please|ok|okay|and|also|can you|could you)[\s,]+)*"
    r"remember\s*(?:[:,]\s*(?:that\s+)?|this\s*:\s*|that\s+|(?=(?:my|i|i'm|i’m|we|our)\s))(?P<fact>\S.*)",
    re.IGNORECASE | re.DOTALL,
)
_SAYS = r".*(?:[是叫在有爱住用对不要吃能为姓怕:：]|喜欢|讨厌|过敏|\d)"
_KEEP_ZH = re.compile(
    r"\s*(?:请|麻烦|帮我|你|您|也|再)*"
    rf"(?:记住(?!了)[\s，,:：。]*|(?:记一下|记下来?)(?!了)(?:[\s，,:：。]+|(?=我|咱))(?={_SAYS}))"
    r"(?P<fact>[^\s，,:：。].+)",
    re.DOTALL,
)
"""“Note the symptoms” (记下症状) names nothing to keep; what is noted says something of itself."""
_WHAT = re.compile(
    r"\bwhat (?:do|did) you (?:know|remember) (?:about|of) me\b"
    r"|你(?:还|都)*(?:记得|记住了|知道)(?:关于)?我的?(?:什么|哪些)",
    re.IGNORECASE,
)
_ASKS = re.compile(r"[?？吗呢]\s*$|(?:怎么|如何)")


def told_to_remember(text: str) -> Remember | Recall | None:
    """What a message tells to keep, or that it asks what is kept; None where it does neither."""
    if _WHAT.search(text):
        return Recall()
    found = _KEEP.fullmatch(text) or _KEEP_ZH.fullmatch(text)
    if found is None or _ASKS.search(text):
        return None
    return Remember(text=found["fact"].strip())


def fact_of(
    slot: Slot, value: Labelled, words: str, names: Mapping[str, Labelled]
) -> Labelled | None:
    """A slot's value as a fact; None where neither it nor its words are read back as the same.

    `names` are those that every flow may read: `today` among them.
    """
    for text in (str(value.value), words):
        again = proposed_value(slot, Labelled(value=text, label=value.whole_label), names)
        if again is not None and again.value == value.value:
            return Labelled(value=text, label=value.whole_label)
    return None


def proposed_value(slot: Slot, fact: Labelled, names: Mapping[str, Labelled]) -> Labelled | None:
    """The value that a fact gives a slot; None where it can't be read as one."""
    today = datetime.date.fromisoformat(str(names["today"].value))
    named = [*values_in(str(fact.value), {"it": slot}, "it", today, fact.whole_label)]
    return named[0].value if named else None


def offer_of(
    instance: str, name: str, slot: Slot, fact: Labelled | None, names: Mapping[str, Labelled]
) -> SlotProposed | ProposalDeclined | None:
    """The offer of a fact for a slot that takes offers; none of one that is trusted too little.

    Whether a fact is offered depends on its words, so its label goes with the offer and without it.
    """
    if fact is None or slot.origin != "memory" or not at_least(fact.whole_label, slot.needs):
        return None
    if proposed_value(slot, fact, names) is None:
        return ProposalDeclined(instance=instance, slot=name, because=fact.whole_label)
    return SlotProposed(instance=instance, slot=name, fact=fact)


def ask_still(asked: AskSlot, step: str, fact: Labelled, language: str) -> AskYesNo:
    """The question of a slot, with the fact that is offered for it."""
    still = sentence(language, "memory.still", value=fact.value)
    label = join(asked.label, fact.whole_label)
    return AskYesNo(asked.instance, step, f"{asked.text} {still}", label)
