"""Questions that nobody could answer, put together by what they mean, and what drafts begin with.

With sentence vectors two questions belong together where these point the same way; without, where
they share enough words. Pure, and the same questions give the same groups.
"""

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["ALIKE", "ALIKE_WORDS", "groups", "masked", "middle"]

ALIKE = 0.45
"""Mean cosine from which a question belongs to a group; of all-MiniLM-L6-v2."""
ALIKE_WORDS = 0.34
"""The same, by words in common."""

_EMAIL = re.compile(r"[^\s@<>]+@[^\s@<>]+\.\w+")
_NUMBER = re.compile(r"(?:[A-Za-z]{1,4}-?)?\+?\d[\d\s-]{2,}\d\b")
_WORD = re.compile(r"[a-z0-9]+|[\u3400-\u9fff]", re.IGNORECASE)
_PLAIN = frozenset(
    "a an and are at be can could do does for from have how i if in is it me my of on or our "
    "please that the there this to was we what when where which who will with would you your "
    "的 了 吗 呢 我 你 您 们 是 有 可 以 么 请 在 能 不 会 要 想 怎 什 个 这 那 吧 啊".split()
)  # fmt: skip


def masked(text: str) -> str:
    """A question without addresses and long numbers, which are somebody's."""
    return _NUMBER.sub("…", _EMAIL.sub("…", text)).strip()


def groups(questions: Sequence[str], vectors: Sequence[Sequence[float]] = ()) -> list[list[int]]:
    """Numbers of the questions that belong together, the largest group first.

    Each group is alike on average: a question joins the group whose members are nearest to it.

    Args:
        questions: as they were asked.
        vectors: of length 1, one each; none where there is no model for them.
    """
    points, least = _points(questions, vectors), ALIKE if vectors else ALIKE_WORDS
    found: list[list[int]] = []
    sums: list[_Point] = []
    for number, point in enumerate(points):
        near = [_dot(point, sums[at]) / len(group) for at, group in enumerate(found)]
        best = max(range(len(near)), key=near.__getitem__, default=-1)
        if best >= 0 and near[best] >= least:
            found[best].append(number)
            sums[best] = _sum(sums[best], point)
        else:
            found.append([number])
            sums.append(point)
    return sorted(found, key=lambda group: (-len(group), group[0]))


def middle(
    group: Sequence[int], questions: Sequence[str], vectors: Sequence[Sequence[float]] = ()
) -> int:
    """The member that is most like all others; of equals the shortest."""
    points = _points(questions, vectors)
    whole = points[group[0]]
    for one in group[1:]:
        whole = _sum(whole, points[one])
    return max(
        group, key=lambda one: (round(_dot(points[one], whole), 6), -len(questions[one]), -one)
    )


_Point = Mapping[Any, float]
"""Where a question lies: its words, or the places of its vector, and how much of each."""


def _points(questions: Sequence[str], vectors: Sequence[Sequence[float]]) -> list[_Point]:
    if vectors:
        return [dict(enumerate(one)) for one in vectors]
    return [_weighed(Counter(_terms(one))) for one in questions]


def _dot(one: _Point, other: _Point) -> float:
    return sum(value * other.get(place, 0.0) for place, value in one.items())


def _sum(one: _Point, other: _Point) -> _Point:
    return {place: one.get(place, 0.0) + other.get(place, 0.0) for place in {**one, **other}}


def _terms(text: str) -> list[str]:
    """Words without their endings, Han characters by themselves and in pairs; no plain words."""
    found = [one.lower() for one in _WORD.findall(text)]
    telling = [one for one in found if one not in _PLAIN]
    han = [one for one in telling if ord(one[0]) > 0x2E7F]
    return [_stem(one) for one in telling] + [a + b for a, b in zip(han, han[1:], strict=False)]


def _stem(word: str) -> str:
    for ending in ("ing", "ed", "es", "s"):
        if word.endswith(ending) and len(word) > len(ending) + 3:
            return word[: -len(ending)]
    return word


def _weighed(counts: Counter[str]) -> dict[str, float]:
    size = math.sqrt(sum(n * n for n in counts.values())) or 1.0
    return {word: n / size for word, n in counts.items()}
