"""Numbers as people write and say them: 1.299,00, "two hundred and five", 三百二十, 1.5万.

It knows nothing of what is counted; money, quantities, dates and times build on it.
"""

import re
from decimal import Decimal

__all__ = ["CHINESE_NUMBER", "DIGITS", "ENGLISH_NUMBER", "read_number"]

_ENGLISH_UNITS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen"
).split()
_ENGLISH_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
_ENGLISH_WORDS = {word: number for number, word in enumerate(_ENGLISH_UNITS)}
_ENGLISH_WORDS |= {word: 10 * number for number, word in enumerate(_ENGLISH_TENS, start=2)}
_ENGLISH_SCALES = {"hundred": 100, "thousand": 1000, "million": 1_000_000}
_COUNTS = {"a couple of": 2, "couple of": 2, "half a dozen": 6, "a dozen": 12, "dozen": 12}

_CHINESE_DIGITS = {character: value for value, character in enumerate("零一二三四五六七八九")}
_CHINESE_DIGITS |= {"〇": 0, "两": 2, "俩": 2, "壹": 1, "贰": 2, "叁": 3}
_CHINESE_SCALES = {"十": 10, "百": 100, "千": 1000}
_CHINESE_GROUPS = {"万": 10_000, "亿": 100_000_000}

_WORD = "|".join(sorted([*_ENGLISH_WORDS, *_ENGLISH_SCALES], key=len, reverse=True))
ENGLISH_NUMBER = (
    r"(?:half a dozen|an? dozen|dozen|an? couple of|couple of"
    rf"|(?:an?\s+(?=hundred|thousand|million))?(?<![a-z])(?:{_WORD})(?![a-z])"
    rf"(?:(?:\s+and\s+|\s*-\s*|\s+)(?:{_WORD})(?![a-z])){{0,12}})"
)
"""Regular expression of a number in English words; small letters."""

CHINESE_NUMBER = r"[〇零一二两俩三四五六七八九十百千万亿壹贰叁]{1,16}"
"""Regular expression of a number in Chinese characters."""

DIGITS = (
    r"(?:[0-9]{1,3}(?:[,.' ][0-9]{3})+(?:[.,][0-9]{1,2})?|[0-9]{1,15}(?:[.,][0-9]{1,4})?)(?![0-9])"
)
"""Regular expression of a number in digits, grouped or not."""


def read_number(words: str) -> Decimal | None:
    """The number that `words` (digits, English or Chinese, small letters) say, or none."""
    words = words.strip()
    if not words:
        return None
    if words[-1] in _CHINESE_GROUPS and words[0].isascii() and words[0].isdigit():
        number = _read_digits(words[:-1].strip())
        return None if number is None else number * _CHINESE_GROUPS[words[-1]]
    if words[0].isascii() and words[0].isdigit():
        return _read_digits(words)
    if words[0].isascii():
        return _read_english(words)
    return _read_chinese(words)


def _read_digits(words: str) -> Decimal | None:
    """The last mark followed by one or two digits (or four) is the decimal one; others group.

    A lone mark before three digits groups: prices have no thousandths.
    """
    if not re.fullmatch(r"[0-9][0-9,.' ]*", words):
        return None
    marks = re.findall(r"[^0-9]", words)
    last = re.split(r"[^0-9]", words)[-1]
    whole, fraction = words, ""
    if marks and marks[-1] in ",." and (len(last) != 3 or words.startswith("0")):
        whole, fraction = words[: -len(last) - 1], last
    digits = re.sub(r"[^0-9]", "", whole)
    return Decimal(f"{digits}.{fraction}" if fraction else digits) if digits else None


def _read_english(words: str) -> Decimal | None:
    if words in _COUNTS or words.removeprefix("a ") in _COUNTS:
        return Decimal(_COUNTS.get(words) or _COUNTS[words.removeprefix("a ")])
    total = group = 0
    last = 0  # the word before; "twenty one" adds up, "one two" does not
    for word in re.findall(r"[a-z]+", words):
        if word in ("a", "an"):
            group = 1
        elif word in _ENGLISH_SCALES:
            scale = _ENGLISH_SCALES[word]
            group = (group or 1) * scale
            if scale > 100:
                total, group = total + group, 0
            last = 0
        elif word in _ENGLISH_WORDS:
            value = _ENGLISH_WORDS[word]
            if last and not (last >= 20 and 0 < value < 10):
                return None
            group, last = group + value, value
        elif word != "and":
            return None
    return Decimal(total + group)


def _read_chinese(words: str) -> Decimal | None:
    if all(character in _CHINESE_DIGITS for character in words):
        return Decimal("".join(str(_CHINESE_DIGITS[character]) for character in words))
    total = group = digit = 0
    scale = 1  # of the character before: 三百五 is 350, 三百零五 is 305
    for character in words:
        if character in _CHINESE_DIGITS:
            digit = _CHINESE_DIGITS[character]
            scale = 1 if digit == 0 else scale
        elif character in _CHINESE_SCALES:
            scale = _CHINESE_SCALES[character]
            group, digit = group + (digit or 1) * scale, 0
        elif character in _CHINESE_GROUPS:
            scale = _CHINESE_GROUPS[character]
            total, group, digit = (total + group + digit) * scale, 0, 0
        else:
            return None
    return Decimal(total + group + digit * (scale // 10 if scale >= 100 else 1))
