"""Numbers as learners write them: digits, fractions, percent, words in English and Chinese.

Read, never evaluated: a number is recognised by its shape, so that nothing a learner types is run.
Values are exact fractions. What is an unfinished calculation, such as 1/2 + 1/3, is no number.
"""

import re
import unicodedata
from dataclasses import dataclass
from fractions import Fraction

from attenda.packs.tutor.number_words import chinese_number, english_number

__all__ = ["Number", "concluded", "numbers_in", "plain", "read_number"]

_LONGEST = 60
_LONGEST_TALK = 300
"""Nobody says that much around a number."""
_DIGITS = 15
"""More digits than that nobody writes by hand."""

_INTEGER = r"\d{1,3}(?:,\d{3})+|\d+"
_DECIMAL = rf"(?:{_INTEGER})(?:\.\d+)?|\.\d+"
_SHAPE = re.compile(
    rf"(?P<sign>[+-])?\s*(?:(?P<whole>\d+)\s+(?:and\s+|又)?(?P<over>\d+)\s*/\s*(?P<under>\d+)"
    rf"|(?P<top>{_DECIMAL})\s*(?:/|over)\s*(?P<minus>-)?\s*(?P<bottom>{_DECIMAL})"
    rf"|(?P<plain>{_DECIMAL}))\s*(?P<percent>%|percent|per cent|pct)?",
    re.IGNORECASE,
)
_IS = r"(?: (?:is|was|should be|must be|would be|will be|could be|might be|may be|has to be))?"
_LEAD = re.compile(
    r"^(?:(?:(?:now )?i(?:'d| would|'ll| have)? (?:think|guess|got|get|say|believe|make it"
    r"|suppose|calculate|calculated|worked out|reckon)|we get|you get"
    rf"|(?:the |my )?(?:final |missing )?(?:answer|result|number|solution){_IS}"
    r"|是不是|(?:那么?)?就(?=\d)|或者|所以|因此"
    rf"|(?:that|this|it|which) makes|(?:is )?(?:it|that|this)(?:'s|{_IS})|is"
    r"|(?:must|should|has to|could|might|may|would|will) be"
    r"|or|maybe|perhaps|probably|about|around|roughly|approximately|almost|well|oh|ah|aha|hm+|um+"
    r"|ok(?:ay)?|alright|yes|yeah|no|sorry|so|then|now|thus|hence|therefore|and|=|equals|[a-z]\s*="
    r"|(?:现在)?我(?:再)?(?:觉得|认为|想|猜|算|得|求)(?:的|了|出来|出|到)*(?:应该|大概|可能)?(?:是|等于|为)?"
    r"|(?:我的|最后的?|最终的?)?(?:答案|结果|得数)(?:应该|一定|肯定|大概|可能|就)*(?:是|为|:)?"
    r"|(?:那么?|这么?|这个|那个|它|所以|因此|于是)?(?:就|应该|一定|肯定|大概|可能|也许|估计|好像|当然)*(?:是|等于)"
    r"|[一-鿿]{0,4}数(?:应该|就)?(?:是|等于)"
    r"|是不是|大约|约|差不多|大概|好的?|哦|噢|啊|嗯|那么?|对了?|不对|得)[,，.。!！]?\s*[:：]?\s*)+",
    re.IGNORECASE,
)
_TAIL = re.compile(
    r"(?:[\s.。!！?？,，;；]|\bi (?:think|guess|believe|suppose|reckon|hope)\b"
    r"|\bis (?:what i (?:get|got)|my answer|it)\b"
    r"|\bit (?:is|was)$|\bfor (?:me|this one|that one|this|that)$|\bgoes (?:in )?(?:there|here)$"
    r"|\b(?:right|then|now|maybe|probably|perhaps|correct)$"
    r"|\b(?:of course|for sure|or so|isn't it|is it|am i right|is that right)$"
    r"|是吗|对吗|对不对|是不是|没错|左右|我想|我觉得|应该|吧|吗|呢|啊|了)+$",
    re.IGNORECASE,
)
_BETWEEN = re.compile(r"(?<!\d)[,.]|[,.](?!\d)|[，。;；:：!！?？、]|\bbecause\b|因为")
_CONCLUDES = re.compile(
    r"^\s*(?:so|then|therefore|thus|hence|that makes|所以|因此|那么?|就是)", re.I
)
_GIVES = re.compile(
    r"\b(?:it'?s|that'?s|is|was|be|been|got|get|gets|gives?|gave|makes?(?: (?:that|it))?"
    r"|(?:comes?|came) (?:out )?(?:to|at|as)|go(?:ing)? (?:with|for)|put|write|say|answer|result"
    r"|find|found)\b(?:\s*[:=])?|=|是|得(?:到|出|了)?|写|填|选|等于|为|算(?:到|出来?)|改成",
    re.IGNORECASE,
)
_ASKS = re.compile(
    r"^\W*(?:why|how|what|which|where|when|who|is|are|does|do|did|can|could|should|would|give|tell|show)\b"
    r"|为什么|怎么|哪|什么|多少|几|给我|告诉",
    re.IGNORECASE,
)
_DENIES = re.compile(
    r"\b(?:not|never|neither|nor|without)\b|n['’]?t\b|(?<!要)不|没|别", re.IGNORECASE
)
_SIGNS = str.maketrans({"−": "-", "–": "-", "÷": "/", "⁄": "/", "∕": "/", "×": "*", "·": "*"})


@dataclass(frozen=True, slots=True)
class Number:
    """A number that somebody wrote."""

    value: Fraction
    percent: bool = False
    """It was written in hundredths; the value is what it means."""
    decimal: bool = False
    """It was written with a point, so it may be rounded."""
    reduced: bool = True
    """Written as a fraction, it was in lowest terms."""


def plain(text: str) -> str:
    """Text with full-width signs, odd minus signs and spaces made plain."""
    marked = re.sub(r"(?<=\d)(?=[¼-¾⅐-⅞])", " ", text)  # 1½ is 1 1/2, never 11/2
    made = unicodedata.normalize("NFKC", marked).translate(_SIGNS)
    return re.sub(r"\s+", " ", made).strip()


def read_number(text: str) -> Number | None:
    """The number that a text is, apart from "the answer is" before it; nothing where it is none.

    Of a text of several clauses, the only one that is a number counts, or the one that concludes:
    "25, times comes first" and "a half, so 0.5".
    """
    if len(text) > _LONGEST_TALK:
        return None
    whole = _read_clause(plain(text))
    if whole is not None:
        return whole
    clauses = [part for part in _BETWEEN.split(plain(text)) if part.strip()]
    read = [(part, number) for part in clauses if (number := _read_clause(part)) is not None]
    if len({number.value for _, number in read}) == 1:
        return read[-1][1]
    ends = [number for part, number in read if _CONCLUDES.match(part)]
    return ends[-1] if len(ends) == 1 and ends[-1] == read[-1][1] else None


def concluded(text: str) -> str:
    """What a sentence comes to, by its last clause that says so: "10" of "I tried and got 10".

    Empty where it asks or denies, and where nothing says that something comes of it.
    """
    said = plain(text)
    for clause in reversed(_BETWEEN.split(said) if len(said) <= _LONGEST_TALK else ()):
        gives = list(_GIVES.finditer(clause))
        given = clause[gives[-1].end() :].strip() if gives else ""
        if (
            _ASKS.search(clause)
            or _DENIES.search(clause)
            or (not given and re.search(r"\d", clause))
        ):
            return ""
        if given:
            return given
    return ""


def _read_clause(text: str) -> Number | None:
    said = _TAIL.sub("", _LEAD.sub("", text.strip()))
    if not said or len(said) > _LONGEST:
        return None
    shape = _SHAPE.fullmatch(said)
    if shape:
        return _from_shape(shape)
    worded = english_number(said) or chinese_number(said)
    return None if worded is None else Number(worded[0], percent=worded[1])


def numbers_in(text: str) -> list[Number]:
    """Every number within a text, by digits and in words; for finding an answer that leaks."""
    said = plain(text)[:20_000]
    found = [_from_shape(one) for one in _SHAPE.finditer(said)]
    found += [_from_shape(one) for one in _LATEX.finditer(said)]
    for run in re.findall(r"[a-z][a-z\s-]*[a-z]", said.lower()):
        words = run.replace("-", " ").split()
        for size in range(1, 8):
            for at in range(len(words) - size + 1):
                worded = english_number(" ".join(words[at : at + size]))
                found.append(None if worded is None else Number(worded[0], worded[1]))
    for run in re.findall(r"[负百分之零〇一二两三四五六七八九十千万点又]+", said):
        for at in range(len(run)):
            for end in range(at + 1, min(len(run), at + 14) + 1):
                worded = chinese_number(run[at:end])
                found.append(None if worded is None else Number(worded[0], worded[1]))
    return [one for one in found if one is not None]


_LATEX = re.compile(
    r"\\[dt]?frac\s*\{\s*(?P<sign>-)?(?P<top>\d+)\s*\}\s*\{\s*(?P<bottom>\d+)\s*\}"
    r"(?P<whole>)(?P<plain>)(?P<percent>)(?P<minus>)(?P<over>)(?P<under>)"
)


def _from_shape(shape: re.Match[str]) -> Number | None:
    parts = {name: (part or "").replace(",", "") for name, part in shape.groupdict().items()}
    if any(sum(map(str.isdigit, part)) > _DIGITS for part in parts.values()):
        return None
    reduced = True
    if parts["whole"]:
        if int(parts["under"]) == 0:
            return None
        value = int(parts["whole"]) + Fraction(int(parts["over"]), int(parts["under"]))
        reduced = value.denominator == int(parts["under"]) and int(parts["over"]) < int(
            parts["under"]
        )
    elif parts["top"]:
        below = Fraction(parts["bottom"])
        if below == 0:
            return None
        value = Fraction(parts["top"]) / below * (-1 if parts["minus"] else 1)
        reduced = below == value.denominator
    else:
        value = Fraction(parts["plain"])
    if parts["sign"] == "-":
        value = -value
    percent = bool(parts["percent"])
    decimal = any("." in parts[name] for name in ("plain", "top", "bottom"))
    return Number(value / 100 if percent else value, percent, decimal, reduced)
