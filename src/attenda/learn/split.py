"""Which conversations are learned from, and which are only measured on.

By group, or by template: conversations that are the same but for numbers, dates, addresses, ids,
placeholders and quoted parts were made from one form, and a model that learned one knows the
others. The sides depend on the rows and the seed alone. It knows no files and no tokens.
"""

import hashlib
import re
from collections.abc import Iterable, Sequence

from attenda.core.errors import UserError
from attenda.learn.conversation import Dialogue
from attenda.learn.near import words_of

__all__ = ["split", "split_by_template", "template_of"]

_MONTHS = (
    "jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|"
    "sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?"
)
_DAYS = "(?:mon|tues|wednes|thurs|fri|satur|sun)day"
_CHANGING = re.compile(
    rf"""
      "[^"\n]*" | “[^”]{{0,400}}” | «[^»]{{0,400}}»                            # quoted parts
    | 「[^」]{{0,400}}」 | 『[^』]{{0,400}}』 | 《[^》]{{0,400}}》
    | \{{\{{[^{{}}]*\}}\}} | \{{[^{{}}]*\}} | \[[^\[\]]*\] | <[^<>]*>          # placeholders
    | https?://\S+ | (?<![\w.+-])[\w.+-]++@[\w-]+(?:\.[\w-]+)*             # addresses
    | \b(?:{_MONTHS})\.?\s+(?=[0-9])                                       # dates
    | (?<![0-9])[0-9]{{1,2}}(?:st|nd|rd|th)?\s+(?:of\s+)?(?:{_MONTHS})\b
    | \b{_DAYS}\b | (?:星期|周)[一二三四五六日天]
    | (?<![A-Za-z0-9_])[A-Za-z_]*+-?[0-9][A-Za-z0-9_]*(?:[-.,:/\#][A-Za-z0-9_]+)*  # numbers, ids
    """,
    re.VERBOSE | re.IGNORECASE,
)
_MASK = "0"
"""Stands for what changes; no other word holds a digit, since those are masked."""


def template_of(dialogue: Dialogue) -> str:
    """The words of a conversation, with what changes from case to case masked.

    Case, punctuation and spaces count for nothing; several masks in a row are one.
    """
    said: list[tuple[str, str]] = [(one.role, one.text) for one in dialogue.messages]
    if dialogue.rejected is not None:
        said.append(("rejected", dialogue.rejected.text))
    return "\n".join(f"{role} {' '.join(_masked(text))}" for role, text in said)


def _masked(text: str) -> list[str]:
    words = words_of(_CHANGING.sub(f" {_MASK} ", text))
    return [word for n, word in enumerate(words) if word != _MASK or n == 0 or words[n - 1] != word]


def split(
    dialogues: Iterable[Dialogue], validation: float, seed: int
) -> tuple[list[Dialogue], list[Dialogue]]:
    """Part conversations into training and validation; a group stays on one side.

    The side is decided by a hash of the seed and the group, so a group never moves when others
    come. Only a side that would be empty takes the group nearest to it, if there are two.

    Raises:
        UserError: `validation` is no share between 0 and 1.
    """
    _check(validation)
    rows = list(dialogues)
    chances = {row.group: _chance(seed, row.group) for row in rows}
    held = {group for group, chance in chances.items() if chance < validation}
    if validation and len(chances) > 1:
        ordered = sorted(chances, key=lambda group: (chances[group], group))
        held = (held or {ordered[0]}) - ({ordered[-1]} if len(held) == len(chances) else set())
    train = [row for row in rows if row.group not in held]
    return train, [row for row in rows if row.group in held]


def split_by_template(
    dialogues: Iterable[Dialogue], validation: float, seed: int
) -> tuple[list[Dialogue], list[Dialogue]]:
    """Part conversations into training and validation; a template and a group stay on one side.

    Families of conversations that hang together by either are held back in an order that a hash
    of the seed decides, as long as the share has room for them; at least the smallest one is.

    Raises:
        UserError: `validation` is no share between 0 and 1, or all conversations hang together.
    """
    _check(validation)
    rows = list(dialogues)
    families = _families(rows)
    if not validation or not rows:
        return rows, []
    sizes: dict[str, int] = {}
    for family in families:
        sizes[family] = sizes.get(family, 0) + 1
    if len(sizes) == 1:
        raise UserError("learn.data.one_template", count=len(rows))
    held: set[str] = set()
    room = validation * len(rows)
    for family in sorted(sizes, key=lambda one: (_chance(seed, one), one)):
        if sizes[family] <= room:
            held.add(family)
            room -= sizes[family]
    held = held or {min(sizes, key=lambda one: (sizes[one], _chance(seed, one), one))}
    sides = [family in held for family in families]
    train = [row for row, back in zip(rows, sides, strict=True) if not back]
    return train, [row for row, back in zip(rows, sides, strict=True) if back]


def _families(rows: Sequence[Dialogue]) -> list[str]:
    """For each conversation, the name of those it hangs together with, by template or group."""
    leaders: dict[str, str] = {}

    def leader(key: str) -> str:
        while leaders.setdefault(key, key) != key:
            leaders[key] = leaders[leaders[key]]  # the next search finds a shorter way
            key = leaders[key]
        return key

    templates = [f"template {template_of(row)}" for row in rows]
    for row, template in zip(rows, templates, strict=True):
        one, other = sorted((leader(template), leader(f"group {row.group}")))
        leaders[other] = one
    return [leader(template) for template in templates]


def _check(validation: float) -> None:
    if not 0 <= validation < 1:
        raise UserError("learn.data.bad_share", share=validation)


def _chance(seed: int, name: str) -> float:
    """A number in [0, 1) that the seed and the name alone decide."""
    digest = hashlib.sha256(f"{seed}\0{name}".encode()).digest()
    return int.from_bytes(digest[:7], "big") / (1 << 56)
