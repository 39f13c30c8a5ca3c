"""Number words: "five sixths", "minus twelve", "half", 六分之五, 百分之八十三, 三又二分之一.

Whole texts only, exact values; what is not wholly a number is none.
"""

from fractions import Fraction

__all__ = ["chinese_number", "english_number"]

_ONES = {
    word: value
    for value, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
        "fifteen sixteen seventeen eighteen nineteen".split()
    )
}
_TENS = {
    word: value * 10
    for value, word in enumerate(
        "twenty thirty forty fifty sixty seventy eighty ninety".split(), start=2
    )
}
_ORDINALS = {
    word: value
    for value, word in enumerate(
        "third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth "
        "fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth".split(),
        start=3,
    )
}
_PARTS = {
    **_ORDINALS,
    **{f"{word}s": value for word, value in _ORDINALS.items()},
    "half": 2, "halves": 2, "quarter": 4, "quarters": 4,
    "twentieth": 20, "twentieths": 20, "hundredth": 100, "hundredths": 100,
    "thousandth": 1000, "thousandths": 1000,
}  # fmt: skip


def english_number(text: str) -> tuple[Fraction, bool] | None:
    """The value of English number words, and whether they said percent."""
    words = text.lower().replace("-", " ").split()
    negative = bool(words) and words[0] in ("minus", "negative")
    words = words[1:] if negative else words
    percent = len(words) > 1 and words[-1] == "percent"
    if words[-2:] == ["per", "cent"]:
        words, percent = [*words[:-2], "percent"], True
    words = words[:-1] if percent else words
    value = _english(words)
    if value is None:
        return None
    value = -value if negative else value
    return (value / 100, True) if percent else (value, False)


def _english(words: list[str]) -> Fraction | None:
    if "and" in words:
        cut = words.index("and")
        whole, part = _whole(words[:cut]), _english_part(words[cut + 1 :])
        if whole is not None and part is not None:
            return whole + part
    if "point" in words:
        return _pointed(words)
    part = _english_part(words)
    whole = _whole([word for word in words if word != "and"])
    return part if part is not None else (None if whole is None else Fraction(whole))


def _pointed(words: list[str]) -> Fraction | None:
    cut = words.index("point")
    whole, digits = (
        _whole(words[:cut] or ["zero"]),
        [_ONES.get(word, 99) for word in words[cut + 1 :]],
    )
    if whole is None or not digits or max(digits) > 9:
        return None
    return Fraction(f"{whole}.{''.join(map(str, digits))}")


def _english_part(words: list[str]) -> Fraction | None:
    """The value of "five sixths", "a half", "three quarters", "five over six"."""
    if len(words) >= 3 and "over" in words:
        cut = words.index("over")
        top, bottom = _whole(words[:cut]), _whole(words[cut + 1 :])
        return Fraction(top, bottom) if top is not None and bottom else None
    if not words or words[-1] not in _PARTS:
        return None
    top_words = words[:-1]
    top = 1 if top_words in ([], ["a"], ["an"]) else _whole(top_words)
    if top is None or (not top_words and words[-1] not in ("half", "quarter")):
        return None
    return Fraction(top, _PARTS[words[-1]])


def _whole(words: list[str]) -> int | None:
    """A whole number below a million in words."""
    if not words or len(words) > 12:
        return None
    total, part, seen = 0, 0, False
    for word in words:
        if word in _ONES and part % 10 == 0 and (part % 100 != 10 or not seen):
            part += _ONES[word]
        elif word in _TENS and part % 100 == 0:
            part += _TENS[word]
        elif word == "hundred" and 0 < part < 10:
            part *= 100
        elif word == "thousand" and 0 < part < 1000 and not total:
            total, part = part * 1000, 0
        else:
            return None
        seen = True
    return total + part


_HAN = {digit: value for value, digit in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_UNITS = {"十": 10, "百": 100, "千": 1000}


def chinese_number(text: str) -> tuple[Fraction, bool] | None:
    """The value of a Chinese numeral, and whether it said 百分之."""
    negative = text.startswith("负")
    body = text[1:] if negative else text
    percent = body.startswith("百分之")
    value = _chinese(body[3:] if percent else body)
    if value is None:
        return None
    value = -value if negative else value
    return (value / 100, True) if percent else (value, False)


def _chinese(text: str) -> Fraction | None:
    if "又" in text:
        whole, _, part = text.partition("又")
        above, below = _chinese_whole(whole), _chinese_part(part)
        return None if above is None or below is None else above + below
    if "分之" in text:
        return _chinese_part(text)
    if "点" in text:
        whole, _, digits = text.partition("点")
        above = _chinese_whole(whole)
        if above is None or not digits or any(one not in _HAN for one in digits):
            return None
        return Fraction(f"{above}.{''.join(str(_HAN[one]) for one in digits)}")
    if text == "一半":
        return Fraction(1, 2)
    value = _chinese_whole(text)
    return None if value is None else Fraction(value)


def _chinese_part(text: str) -> Fraction | None:
    bottom, cut, top = text.partition("分之")
    below, above = _chinese_whole(bottom), _chinese_whole(top)
    return Fraction(above, below) if cut and below and above is not None else None


def _chinese_whole(text: str) -> int | None:
    """A Chinese whole number below a hundred thousand, also digit by digit."""
    if not text or len(text) > 10:
        return None
    if text.isascii() and text.isdigit():
        return int(text)
    if all(one in _HAN for one in text) and (len(text) == 1 or text[0] not in "零〇"):
        return int("".join(str(_HAN[one]) for one in text))
    above, mark, below = text.partition("万")
    if mark:
        high, low = _chinese_whole(above), _chinese_whole(below) if below else 0
        return None if high is None or low is None else high * 10_000 + low
    total, digit, last = 0, None, 10_000
    for one in text:
        if one in _UNITS and _UNITS[one] < last:
            if digit is None and total:
                return None
            total += (1 if digit is None else digit) * _UNITS[one]
            last, digit = _UNITS[one], None
        elif one in _HAN and digit in (None, 0):
            digit = _HAN[one]
        else:
            return None
    return total + (digit or 0)
