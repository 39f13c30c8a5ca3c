"""Signs of red flags in parts: a place and what is the matter with it, in one clause. Pure.

A reading beside the lexicon of whole phrases: "my mouth has gone crooked", 右手突然抬不起来.
"""

import itertools
import re
from collections.abc import Iterator, Sequence

from attenda.packs.clinic.words import FOLDER, read_yaml

__all__ = ["sign_patterns"]

_LATIN_GAP = (
    r"(?:(?:[ '-]+| ?, ?)(?!(?:no|not|never|without|nor|and|but|or|fine|ok|okay|clear|normal"
    r"|better)\b|[a-z]+n't\b|(?:do|does|did|is|are|was|were)nt\b(?! (?:stop|quit|let|ease|go"
    r"|get)\b))[a-z0-9]+(?:'[a-z]+)?){0,6}?(?:[ -]+| ?, ?)"
)
_HAN_GAP = r"[^，。,.;；！？!?\s不没无未但]{0,8}?"
_ALONE = r"(?:^|(?<=[.,;!?\n，。；！？]))\s*(?:{})\s*(?=$|[.,;!?\n，。；！？])"


def sign_patterns() -> Iterator[tuple[re.Pattern[str], str]]:
    """Each way of telling a sign, over text in lower case, with the finding that it means."""
    written = read_yaml(FOLDER / "signs.yaml")
    for finding, ways in written["signs"].items():
        for groups in ways:
            yield _together(groups), finding
    for finding, words in written["alone"].items():
        yield re.compile(_ALONE.format("|".join(words))), finding


def _together(groups: Sequence[Sequence[str]]) -> re.Pattern[str]:
    """Words of every group, in any order, a few words apart."""
    latin = all(word.isascii() for group in groups for word in group)
    gap = _LATIN_GAP if latin else _HAN_GAP
    parts = [_any(group, latin) for group in groups]
    orders = (gap.join(order) for order in itertools.permutations(parts))
    return re.compile("|".join(orders))


def _any(words: Sequence[str], latin: bool) -> str:
    if not latin:  # a word may look ahead: 打我 is nothing before 电话
        return f"(?:{'|'.join(words)})"
    shown = (one if one.startswith("(?:") else _with_ending(one) for one in words)
    return rf"(?<![a-z0-9])(?:{'|'.join(shown)})(?![a-z0-9])"


def _with_ending(words: str) -> str:
    return re.escape(words).replace(r"\*", "[a-z]*")
