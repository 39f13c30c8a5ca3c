"""Short answers: synonyms and typos count, other words do not.

An answer is compared with each accepted one after case, accents, articles and marks are taken off;
a typo may change, drop, add or swap one letter of a word of five or more, two of nine or more.
"""

import re
import unicodedata
from collections.abc import Iterable

__all__ = ["distance", "folded", "matches", "unframed"]

_ARTICLES = re.compile(r"\b(the|a|an|le|la|les|un|une|el|los|las|der|die|das|ein|eine)\b")
_MARKS = re.compile(r"[^\w\s]|_")
_FRAME = re.compile(
    r"(?:(?:i(?:'?d)? (?:think|guess|believe|say|choose|pick|take|go for)|i'?ll (?:take|say|go for)"
    r"|(?:my|the|that|this) (?:answer|one)|it'?s|it is|is it|that'?s|that is|this is|is|maybe"
    r"|probably|must be|should be|would be|answer|option|choose|pick|so|well|oh|um+|hm+|then)"
    r"[\s,:]+)*"
    r"(?P<core>.+?)(?:[\s,]*(?:i (?:think|guess|believe)|please|right|then|maybe))*[\s.!?,]*",
    re.IGNORECASE,
)
_FRAME_HAN = re.compile(
    r"(?:老师|您好|你好|[，,：:\s]|我(?:觉得|认为|想|猜|感觉|的答案|填|写|答|选择?)?|答案|结果|应该|应当"
    r"|大概|可能|也许|估计|那|就|这(?:个|题|道题|里|空)?|还是|是|为|叫|填|写|答|选择?|选项)*"
    r"(?P<core>.+?)(?:选项|这个|对吗|对吧|对不对|是吗|谢谢|您|老师|[吧呢呀啊哦嘛啦呗吗\s，。,.!！?？])*"
)
"""What stands around an answer that is no number: it says that one answers, and no more."""
_FIVE, _NINE = 5, 9
_LONGEST = 200


def folded(text: str) -> str:
    """Text as it is compared: small letters without accents, articles, marks and double spaces."""
    made = unicodedata.normalize("NFKD", text[:_LONGEST].casefold())
    bare = "".join(one for one in made if not unicodedata.combining(one))
    return " ".join(
        _ARTICLES.sub(" ", _MARKS.sub(" ", unicodedata.normalize("NFKC", bare))).split()
    )


def unframed(text: str) -> str:
    """A text without the words that only say that it is an answer; a "not" among them stays."""
    said = text.strip()[:_LONGEST].replace("’", "'")
    frame = _FRAME_HAN if re.search(r"[\u3400-\u9fff]", said) else _FRAME
    found = frame.fullmatch(said)
    return found["core"] if found else said


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
