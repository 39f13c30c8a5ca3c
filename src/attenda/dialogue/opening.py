"""What the sentence that begins a flow says for its slots of free text.

A thing of a catalogue that it names, or the part of it that is no wish, such as the reason in
"open the chart, he has collapsed". Only slots that say so in their flow are filled like this.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache

from attenda.core.command import SetSlot
from attenda.core.label import Label
from attenda.dialogue.extract_contacts import emails, ids, phones
from attenda.dialogue.extract_span import Found, folded
from attenda.dialogue.flow import Flow, Slot
from attenda.dialogue.values import set_slot

__all__ = ["Catalogue", "named_in_catalogue", "said_besides"]

Catalogue = Callable[[str], tuple[int, int] | None]
"""Where a text names something of a pack's own: first code point, and one past the last."""

_APART = re.compile(
    r"[,;:!?\n，；：。！？]+\s*|\.(?=\s|$)\s*|\s[-\u2013\u2014]\s*|\u2014+"
    r"|(?<![a-z])(?:because(?:\s+of)?|since|due\s+to|the\s+reason\s+(?:is|being)|as(?=\s+(?:i|he|she|we|they|it|the|my)\b))\s+"
    r"|(?:因为|由于|原因是?|理由是?)[：:，,]?"
)
"""What parts a wish from what is said with it; words that introduce a reason are dropped."""
_LATIN = re.compile(r"[a-z]+(?:'[a-z]+)?")
_HAN = re.compile(r"[\u3400-\u9fff]")
_HAN_RUN = re.compile(r"[\u3400-\u9fff]{2,}")
_FEWEST_WORDS, _FEWEST_HAN = 3, 4
"""Less says nothing: "it's urgent", 谢谢了."""
_KNOWN = 0.5
"""The share of words that stand in the flow's examples from which on a part belongs to the wish."""
_COMMON = frozenset(
    """
    a an the and or of to for in on at by with from this that it its it's is that's he's she's are
    was be been i i'm i'd i've i'll you your we me my he she his her him they them please pls can
    could would will shall do does need want like have has had get let now just so then also
    thanks thank patient pt one not no
    """.split()
)  # fmt: skip


def said_besides(
    text: str, flow: Flow, catalogues: Mapping[str, Catalogue], label: Label
) -> Iterator[SetSlot]:
    """Values of a flow's slots of free text in the sentence that begins it."""
    for name, slot in flow.slots.items():
        if slot.type == "text" and slot.catalogue in catalogues:
            if place := catalogues[slot.catalogue](text):
                yield set_slot(name, _found(text, *place), label)
        elif slot.type == "text" and slot.beside:
            if place := _beside(text, flow):
                yield set_slot(name, _found(text, *place), label)


def named_in_catalogue(text: str, flow: Flow, catalogues: Mapping[str, Catalogue]) -> bool:
    """Whether a message names something of a catalogue that a slot of a flow is taken from."""
    return any(
        slot.catalogue in catalogues and catalogues[slot.catalogue](text) is not None
        for slot in flow.slots.values()
    )


def _found(text: str, start: int, end: int) -> Found[object]:
    return Found(text[start:end], start, end, text[start:end])


def _beside(text: str, flow: Flow) -> tuple[int, int] | None:
    """From the first part that is no wish to the end of the last one."""
    plain = folded(text)
    parts = [
        (start, end)
        for start, end, introduced in _parts(plain)
        if not _is_wish(plain[start:end], flow, introduced)
    ]
    if not parts:
        return None
    start, end = parts[0][0], parts[-1][1]
    while end > start and not text[end - 1].isalnum():
        end -= 1
    return start, end


def _parts(plain: str) -> Iterator[tuple[int, int, bool]]:
    """Each with whether words like "because" introduce it."""
    at, introduced = 0, False
    for border in _APART.finditer(plain):
        yield at, border.start(), introduced
        at, introduced = border.end(), border.group().strip()[:1].isalpha()
    yield at, len(plain), introduced


def _is_wish(part: str, flow: Flow, introduced: bool) -> bool:
    """Whether a part says nothing, or what the examples of the flow say, or names a value."""
    left = _without_values(part, flow.slots)
    words = _LATIN.findall(left)
    pairs = [run[at : at + 2] for run in _HAN_RUN.findall(left) for at in range(len(run) - 1)]
    short = len(words) < _FEWEST_WORDS and len(_HAN.findall(left)) < _FEWEST_HAN
    if short and not (introduced and (len(words) > 1 or len(_HAN.findall(left)) > 1)):
        return True
    known = _vocabulary(flow.all_examples)
    said = [one for one in words if one not in _COMMON] + pairs
    return not said or sum(one[:5] in known for one in said) >= _KNOWN * len(said)


def _without_values(part: str, slots: Mapping[str, Slot]) -> str:
    found: list[Found[str]] = [*emails(part), *phones(part)]
    for slot in slots.values():
        found += ids(part, slot.pattern) if slot.pattern else []
    for one in found:
        part = part.replace(folded(one.words), " ")
    return part


@lru_cache(maxsize=64)
def _vocabulary(examples: str) -> frozenset[str]:
    """The beginnings of words of a flow's examples, and their pairs of Han."""
    words = {word[:5] for word in _LATIN.findall(examples)}
    runs = _HAN_RUN.findall(examples)
    return frozenset(words | {run[at : at + 2] for run in runs for at in range(len(run) - 1)})
