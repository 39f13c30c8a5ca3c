"""Numbers as learners write them: digits, fractions, percent, words in English and Chinese.

Read, never evaluated: a number is recognised by its shape, so that nothing a learner types is run.
Values are exact fractions. What is an unfinished calculation, such as 1/2 + 1/3, is no number.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from attenda.packs.tutor.number_words import chinese_number, english_number

__all__ = ["Number", "number_places", "numbers_in", "plain", "read_number"]

_LONGEST = 60
_DIGITS = 15
"""More digits than that nobody writes by hand."""

_INTEGER = r"\d{1,3}(?:,\d{3})+|\d+"
_DECIMAL = rf"(?:{_INTEGER})(?:\.\d+)?|(?<!\.)\.\d+"
"""In “...24” the marks are a pause."""
_SHAPE = re.compile(
    rf"(?P<sign>[+-])?\s*(?:(?P<whole>\d+)\s+(?:and\s+|又)?(?P<over>\d+)\s*/\s*(?P<under>\d+)"
    rf"|(?P<top>{_DECIMAL})\s*(?:/|over)\s*(?P<minus>-)?\s*(?P<bottom>{_DECIMAL})"
    rf"|(?P<plain>{_DECIMAL}))\s*(?P<percent>%|percent|per cent|pct)?",
    re.IGNORECASE,
)
_ENDS = re.compile(r"[\s.。!！?？,，;；]+$")
_ONE = re.compile(
    r"(?:^|[,.;:!?=]\s*"
    r"|\b(?:is|it'?s|that'?s|be|was|equals|equal to|gives|to|answer|only|just|exactly"
    r"|say|get|guess|reckon|makes?|make it|put|write)\s+)"
    r"(one)(?=\s*(?:$|[,.;:!?]|i (?:think|guess)|please|then|right))",
    re.IGNORECASE,
)
"""Where "one" is a number: mostly it stands for a thing."""
_HAN_NUMBER = re.compile(
    r"负?(?:百分之)?(?:[零〇一二两三四五六七八九十百千万]+又)?[零〇一二两三四五六七八九十百千万]+"
    r"(?:分之[零〇一二两三四五六七八九十百千万]+|点[零〇一二三四五六七八九]+)?|一半"
)
_NO_ONE = re.compile(r"一[共定下样直起些点边般会种遍算看试想个道题次起旦切把]\Z")
"""Words of two characters in which 一 is no number."""
_OPERAND = re.compile(r"(?:\d|[)%]|(?<![\w'’])[a-z])$")
_SIGN_WORD = re.compile(r"(?<!\w)(?:minus|negative)\s*$|负\s*$", re.IGNORECASE)
_THIS = re.compile(
    r"\b(?:(?<!make )(?<!makes )this|(?:skip|leave|not|do|like|want|hate|with|of|about) that"
    r"|next|other|another|different|which|any|new|easier|last|first)\s$",
    re.IGNORECASE,
)
"""Before a 1 that stands for a thing: "skip this 1"."""
_MOST_WORDS = 8
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
    """The number that a text is; nothing where it is none, or more than one."""
    said = _ENDS.sub("", plain(text))
    if not said or len(said) > _LONGEST:
        return None
    said = re.sub(r"^(?:=\s*|(?:minus |negative |负)(?=\d))", _sign, said, flags=re.IGNORECASE)
    shape = _SHAPE.fullmatch(said)
    if shape:
        return _from_shape(shape)
    worded = english_number(said) or chinese_number(said)
    if worded is None:
        return None
    return Number(
        worded[0], worded[1], decimal=re.search(r"\bpoint\b|点", said.lower()) is not None
    )


def _sign(lead: re.Match[str]) -> str:
    return "" if lead.group().startswith("=") else "-"


def number_places(said: str) -> list[tuple[int, int]]:
    """Where numbers stand in a plain text, by digits and in words, in order; none within another.

    A sign between two numbers belongs to neither; "this one" is no number.
    """
    found = sorted([*_digit_places(said), *_worded_places(said)], key=lambda one: (one[0], -one[1]))
    kept: list[tuple[int, int]] = []
    for start, end in found:
        if not kept or start >= kept[-1][1]:
            kept.append((start, end))
    return kept


def _digit_places(said: str) -> Iterator[tuple[int, int]]:
    for shape in _SHAPE.finditer(said):
        before = said[: shape.start()].rstrip()
        start = shape.end("sign") if shape["sign"] and _OPERAND.search(before) else shape.start()
        signed = _SIGN_WORD.search(said[:start])
        if signed and not re.search(r"\d\s*$", said[: signed.start()]):
            start = signed.start()
        start += len(said[start:]) - len(said[start:].lstrip())
        thing = said[start : shape.end()].strip() == "1" and _THIS.search(said[:start])
        if not thing and not re.search(r"[a-z_]$", said[:start], re.IGNORECASE):  # k07 is a name
            yield start, len(said[: shape.end()].rstrip())


def _worded_places(said: str) -> Iterator[tuple[int, int]]:
    words = list(re.finditer(r"[a-z]+", said, re.IGNORECASE))
    at = 0
    while at < len(words):
        sizes = range(min(_MOST_WORDS, len(words) - at), 0, -1)
        size = next((n for n in sizes if _is_worded(said, words[at : at + n])), 0)
        if size:
            yield words[at].start(), words[at + size - 1].end()
        at += size or 1
    for one in _ONE.finditer(said):
        yield one.span(1)
    for run in _HAN_NUMBER.finditer(said):
        no_one = _NO_ONE.search(said, run.start(), run.end() + 1)
        if not no_one and chinese_number(run.group()) is not None:
            yield run.span()


def _is_worded(said: str, words: Sequence[re.Match[str]]) -> bool:
    """Whether words are one number, with nothing but spaces and hyphens between."""
    text = said[words[0].start() : words[-1].end()]
    is_one = text.lower() == "one"
    ends = {words[0].group().lower(), words[-1].group().lower()}
    return (
        not is_one
        and "and" not in ends
        and not re.search(r"[^a-zA-Z\s-]", text)
        and english_number(text) is not None
    )


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
