"""Short answers: synonyms and typos count, other words do not.

An answer is compared with each accepted one after case, accents, articles and marks are taken off;
a typo may change, drop, add or swap one letter of a word of five or more, two of nine or more.
"""

import re
import unicodedata
from collections.abc import Iterable

__all__ = ["distance", "folded", "matches"]

_ARTICLES = re.compile(r"\b(the|a|an|le|la|les|un|une|el|los|las|der|die|das|ein|eine)\b")
_MARKS = re.compile(r"[^\w\s]|_")
_FIVE, _NINE = 5, 9
_LONGEST = 200


def folded(text: str) -> str:
    """Text as it is compared: small letters without accents, articles, marks and double spaces."""
    made = unicodedata.normalize("NFKD", text[:_LONGEST].casefold())
    bare = "".join(one for one in made if not unicodedata.combining(one))
    return " ".join(
        _ARTICLES.sub(" ", _MARKS.sub(" ", unicodedata.normalize("NFKC", bare))).split()
    )


def matches(answer: str, accepted: Iterable[str], typos: bool = True) -> bool:
    """Whether an answer is one of the accepted ones; `*` within one stands for anything."""
    said = folded(answer)
    if not said:
        return False
    return any(
        _fits(said, wanted) if "*" in wanted else _same(said, folded(wanted), typos)
        for wanted in accepted
    )


def _fits(said: str, pattern: str) -> bool:
    parts = [re.escape(folded(part)) for part in pattern.split("*")]
    return re.fullmatch(r".*".join(parts), said) is not None


def _same(said: str, wanted: str, typos: bool) -> bool:
    if said == wanted:
        return True
    mine, theirs = said.split(), wanted.split()
    if not typos or len(mine) != len(theirs) or any(map(str.isdigit, wanted)):
        return False
    return all(
        one == other or distance(one, other) <= _allowed(other)
        for one, other in zip(mine, theirs, strict=True)
    )


def _allowed(word: str) -> int:
    """Typos that a word may have; none in Chinese, where each character is a word."""
    if not word.isascii() or len(word) < _FIVE:
        return 0
    return 1 if len(word) < _NINE else 2


def distance(one: str, other: str) -> int:
    """Letters to change, drop, add or swap with their neighbour (optimal string alignment)."""
    rows = [list(range(len(other) + 1))]
    for at, letter in enumerate(one, start=1):
        row = [at]
        for to, wanted in enumerate(other, start=1):
            cost = min(rows[-1][to] + 1, row[to - 1] + 1, rows[-1][to - 1] + (letter != wanted))
            if at > 1 and to > 1 and letter == other[to - 2] and one[at - 2] == wanted:
                cost = min(cost, rows[-2][to - 2] + 1)
            row.append(cost)
        rows.append(row)
    return rows[-1][-1]
