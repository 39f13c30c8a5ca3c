"""What is looked at in every message first: card numbers, and words that call for a person.

Words are those of `signs.yaml`.
"""

import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from attenda.api import (
    Command,
    Labelled,
    Said,
    SetSlot,
    StartFlow,
    dying_said,
    emails,
    greets,
)
from attenda.packs.support.addressing import address_in
from attenda.packs.support.countries import postcodes_in
from attenda.packs.support.shop_policy import FOLDER, read_yaml
from attenda.packs.support.words import LANGUAGES

__all__ = ["look_first", "masked", "signs_in"]

_CARD = re.compile(r"(?<![\d.,])(?:\d[ -]?){12,18}\d(?![\d]|[.,]\d)")
_FEWEST, _MOST = 13, 19
_ORDER = re.compile(r"\bO[\s-]?\d{4,6}\b", re.IGNORECASE)
_LEAVES = re.compile(
    r"\b(?:human|person|cancel|never mind|forget)\b|人工|真人|算了|取消", re.IGNORECASE
)
_CANCELS = re.compile(
    r"\W*(?:(?:please|pls|plz|no|actually|sorry|wait|ok|okay|just|then|instead|i|i'd|we|want|wanna"
    r"|need|would|like|to|can|could|you|u|and|hi|hello)\W+)*"
    r"(?:cancel|call off|withdraw|annul)(?:\W+(?:my|the|this|that|whole|an?|order))*"
    r"\W+(?:order|O[\s-]?\d{4,6})(?:\W+(?:O[\s-]?\d{4,6}|please|pls|now|instead|for me|then|thanks"
    r"|thank you|altogether))*\W*"
    r"|(?:请|麻烦|帮我|给我|我要|我想|还是|那就|算了|不了|您|你|把|直接|\W)*"
    r"(?:取消|撤销|退订|撤掉|作废)(?:一下|掉|了|下)?(?:我的|我|这个|这笔|那个|那笔|这|那|该|整个)*"
    r"(?:订单|单子|单|O[\s-]?\d{4,6})(?:O[\s-]?\d{4,6}|吧|了|谢谢|好吗|可以吗|\W)*"
    r"|(?:请|麻烦|帮我|给我|我要|我想|还是|那就|算了|您|你|把|将|直接|\W)*"
    r"(?:我的|这个|这笔|那个|那笔|这|那|整个|订单|单子|单|O[\s-]?\d{4,6}|\W)+(?:给我|帮我)?"
    r"(?:取消|撤销|退订|撤掉|撤了|作废)(?:掉|了|吧|一下|谢谢|好吗|可以吗|\W)*",
    re.IGNORECASE,
)
"""A message that cancels an order and says nothing else: no answer in one's own words."""
_FREE = {
    "address": ("new_address", "change"), "complaint": ("trouble", "me"),
    "exchange": ("instead", "goods"), "warranty": ("fault", "goods"),
}  # fmt: skip
"""By flow: the slot that is told in one's own words, and what is known by the time it is asked."""
_SMALL_TALK = {"bye": "part", "over": "part"}
"""By sign: the flow that answers it."""
_ONE_WISH = 80
"""Letters of a message that does nothing but cancel an order."""


def masked(text: str) -> str:
    """A message with the numbers of payment cards cut to their last four digits."""
    return _CARD.sub(_without_digits, text)


def _without_digits(found: re.Match[str]) -> str:
    digits = re.sub(r"\D", "", found.group())
    is_card = _FEWEST <= len(digits) <= _MOST and _luhn(digits)
    return f"[card …{digits[-4:]}]" if is_card else found.group()


def _luhn(digits: str) -> bool:
    """Whether the check digit is right (ISO/IEC 7812-1, annex B)."""
    doubled = [int(one) * (1 + n % 2) for n, one in enumerate(reversed(digits))]
    return sum(one - 9 * (one > 9) for one in doubled) % 10 == 0


@dataclass(frozen=True, slots=True)
class _Sign:
    rule: str
    words: re.Pattern[str]
    but_not: re.Pattern[str] | None
    """What holds such words and is no sign."""

    def find(self, text: str) -> str:
        """The words in a text that are this sign; empty where there are none."""
        left = self.but_not.sub(" , ", text) if self.but_not else text
        found = self.words.search(left)
        return found.group() if found else ""


@functools.cache
def _signs() -> dict[str, _Sign]:
    """Each kind of sign, with a pattern of its words in any language."""
    found = {}
    for kind, body in read_yaml(FOLDER / "signs.yaml").items():
        pattern = _any_of(body)
        if body.get("whole"):  # with at most marks, another of them and what stands `besides`
            any_ = _any_of(body, body.get("besides", {}))
            pattern = rf"\A(?=[\s\S]*?(?:{pattern}))(?:\W*(?>{any_}))++\W*\Z"
        but_not = re.compile(_any_of(body["but_not"]), re.IGNORECASE) if "but_not" in body else None
        words = re.compile(pattern, re.IGNORECASE)
        found[kind] = _Sign(body.get("rule", ""), words, but_not)
    return found


def _any_of(*bodies: Mapping[str, Any]) -> str:
    """A pattern of the words of all languages, which may stand in groups; the longest first."""
    words: list[str] = []
    for one in (one for body in bodies for name in LANGUAGES for one in body.get(name, ())):
        words += map(str, one) if isinstance(one, list) else [str(one)]
    return "|".join(_written(one) for one in sorted(words, key=len, reverse=True))


def _written(words: str) -> str:
    """A pattern of one phrase."""
    if not words.isascii():
        return re.escape(words).replace(r"\*", r"[^，。！？；,.!?;]{0,6}?")
    between = r"['’]?[^\w'’]+(?:[\w'’]+[^\w'’]+){0,4}?"  # no mark is both: that would take ages
    plain = re.escape(words).replace(r"\ \*\ ", between).replace(r"\*", r"\w*")
    end = "" if words.endswith("!") else r"\b"
    return rf"\b{plain}{end}".replace(r"\ ", r"[\s-]+")


def signs_in(text: str) -> Iterator[tuple[str, str, str]]:
    """Each kind of sign that a message has: kind, rule, its words."""
    for kind, sign in _signs().items():
        if words := sign.find(text):
            yield kind, sign.rule, words


def look_first(said: Said) -> Sequence[Command]:
    """What goes before everything that a message may mean; nothing for most."""
    under_way = bool(said.state.frames) or said.state.unclear > 0
    if any(so for _, _, so in dying_said(said.text)):
        return _urgent(said, "life", "LIFE", "")
    if greets(said.text):
        return [StartFlow(flow="greet")]
    for kind, rule, words in signs_in(said.text):
        if kind in _SMALL_TALK:
            if kind != "over" or not under_way:
                return [StartFlow(flow=_SMALL_TALK[kind])]
        elif kind != "anger" or (under_way and not _tells(said)):
            return _urgent(said, kind, rule, words)
    return _who_they_are(said) or _in_their_words(said)


def _tells(said: Said) -> bool:
    """Whether a message says what it was asked for: what went wrong, or who they are."""
    top = said.state.top
    facts = top is not None and top.flow == "identify" and bool(emails(said.text))
    return facts or _told_now(said) == "trouble"


def _urgent(said: Said, kind: str, rule: str, words: str) -> Sequence[Command]:
    """A person is called, whatever is under way."""
    given = {"kind": kind, "rule": rule, "words": words}
    return [StartFlow(flow="urgent"), *(_set(said, *one) for one in given.items())]


def _in_their_words(said: Said) -> Sequence[Command]:
    """A free answer with digits in it, where one is waited for: a street's are no postcode."""
    slot, without = _told_now(said), _ORDER.sub(" ", said.text)
    if slot and len(said.text) <= _ONE_WISH and _CANCELS.fullmatch(said.text):
        return [StartFlow(flow="cancel"), *_order_in(said)]
    in_numbers = re.search(r"\d{4}", without) or postcodes_in(without)
    if not slot or not in_numbers or _LEAVES.search(said.text):
        return ()
    told = address_in(said.text) if slot == "new_address" else said.text.strip()
    return [_set(said, slot, told)]


def _order_in(said: Said) -> Iterator[SetSlot]:
    """The number of an order that a message names, as orders are kept."""
    if found := _ORDER.search(said.text):
        yield _set(said, "order", "O-" + re.sub(r"\D", "", found.group()))


def _told_now(said: Said) -> str:
    """The slot that is told in one's own words and is waited for just now; else nothing."""
    top = said.state.top
    slot, known = _FREE.get(top.flow, ("", "")) if top else ("", "")
    if top is None or not slot or slot in top.values or known not in top.values:
        return ""
    found = top.values[known].value
    waits = known != "goods" or (isinstance(found, dict) and bool(found.get("one")))
    return slot if waits else ""


def _who_they_are(said: Said) -> Sequence[Command]:
    """Address and postcode where they are waited for: a message with them is nothing else."""
    top = said.state.top
    if top is None or top.flow != "identify":
        return ()
    addresses = emails(said.text)
    text = said.text
    for one in reversed(addresses):
        text = text[: one.start] + " " + text[one.end :]
    postcodes = postcodes_in(_ORDER.sub(" ", text))
    email = [_set(said, "email", addresses[0].value)] if addresses else []
    return [*email, *(_set(said, "postcode", one) for one in postcodes[:1])]


def _set(said: Said, slot: str, value: str) -> SetSlot:
    return SetSlot(slot=slot, value=Labelled(value=value, label=said.label), words=value)
