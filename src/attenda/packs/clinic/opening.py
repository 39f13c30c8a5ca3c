"""What the sentence that begins a flow may name of the clinic's own: a drug, findings, values.

Each gives a place in the sentence, or nothing; too little to work with is nothing, and is asked
for.
"""

import re
from collections.abc import Mapping

from attenda.api import Catalogue
from attenda.packs.clinic.extract import mentions
from attenda.packs.clinic.formulary import starter
from attenda.packs.clinic.measured import readings

__all__ = ["CATALOGUES", "order_in"]

_DOSE_BEFORE = re.compile(
    r"\d[\d.,/]*\s*(?:mg|mcg|µg|ug|g|ml|iu|units?|grams?|毫克|克|微克|毫升|片|粒)\s*(?:of\s+)?$",
    re.IGNORECASE,
)
_ENDS = re.compile(
    r"[.;!?\n。；！？](?!\d)"
    r"|[,，]?\s*\b(?:for|to|in|on|with)\s+(?:the\s+|my\s+|our\s+)?(?:(?:same\s+)?(?:patient|pt)\b|[mM](?:rs?|s)\b|P\s?-?\s?\d{3}|him\b|her\b|them\b)"
    r"|[,，]?\s*(?:the\s+)?(?:patient|pt)\b(?=\W*(?:is|:|number|no\b|P\s?-?\s?\d{3}))|[,，]?\s*P\s?-\s?\d{3}"
    r"|[,，]?\s*(?:能?给|是给|可以给)?(?:患者|病人)?(?:编号)?[是为：:]?\s*P\s?-\s?\d{3}|[,，]\s*(?:患者|病人|给|请|帮|麻烦|先|看看|能|行)",
    re.IGNORECASE,
)
"""Where an order is over: the sentence ends, or it says for whom it is."""
_IDLE_END = re.compile(
    r"(?:[\s,，:：]|\b(?:please|pls|ok(?:ay)?|all right|safe|now|today|thanks|thank you"
    r"|check(?:ed)?|is that|can i|instead)"
    r"|[吗吧呢么嘛]|可以|能不能|行不行|合适|的医嘱|的处方|医嘱|处方|能给|能用|给)+$",
    re.IGNORECASE,
)
_NO_WISH = re.compile(
    r"(?:\b(?:stop(?:ped|ping)?|don['’]?t|do not|not|never|instead of|off|already"
    r"|takes|taking|holds?|allerg\w+|after|(?:is|are|was|been|currently) on)\b"
    r"|停|不要|别|勿|正在|已经?在|在[吃服用]|过敏)[^.;。；]*$",
    re.IGNORECASE,
)
"""Before a drug: it is not this one that is ordered."""
_OWN_WORDS = re.compile(r"\b(?:i|i['’]m|i['’]ve|me|my|we)\b|我", re.IGNORECASE)
_FEWEST_FINDINGS, _FEWEST_VALUES = 2, 3


def order_in(text: str) -> tuple[int, int] | None:
    """An order in a sentence: from its first known drug, with the dose before it, to its end."""
    first = next(iter(starter().spans(text)), None)
    if first is None:
        return None
    start, after, _ = first
    dose = _DOSE_BEFORE.search(text[:start])
    ends = _ENDS.search(text, after)
    end = ends.start() if ends else len(text)
    more = any(end <= at for at, _, _ in starter().spans(text))
    if more or _NO_WISH.search(text[:start]):  # which of them is wanted is asked
        return None
    idle = _IDLE_END.search(text[after:end])
    return dose.start() if dose else start, after + idle.start() if idle else end


def _findings_in(text: str) -> tuple[int, int] | None:
    """A sentence with findings of somebody else; who tells their own wants to be heard."""
    found = {one.finding for one in mentions(text)}
    told = len(found) >= _FEWEST_FINDINGS and not _OWN_WORDS.search(text)
    return (0, len(text)) if told else None


def _values_in(text: str) -> tuple[int, int] | None:
    """A sentence with several measured values."""
    found = {one.name for one in readings(text)}
    return (0, len(text)) if len(found) >= _FEWEST_VALUES else None


CATALOGUES: Mapping[str, Catalogue] = {
    "drugs": order_in,
    "findings": _findings_in,
    "values": _values_in,
}
