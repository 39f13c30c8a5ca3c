"""Hints at personal data in a text: addresses of e-mail, telephone numbers, card numbers.

They are hints: a number may look like a telephone's and be none; a name is not looked for.
"""

import re
from collections import Counter

__all__ = ["personal_hints", "redacted"]

_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}\.[\w.-]{2,63}")
_NUMBER = re.compile(r"(?<![\w.])\+?\(?\d(?:[ ()./-]{0,2}\d){6,18}(?!\w)", re.A)
_DATE = re.compile(r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{4}")
_MOBILE = re.compile(r"(?:\+?86)?1[3-9]\d{9}")


def personal_hints(text: str) -> Counter[str]:
    """How many `emails`, `phones` and `cards` it seems to hold."""
    found: Counter[str] = Counter()
    if "@" in text:
        found["emails"] = sum(1 for _ in _EMAIL.finditer(text))
    for match in _NUMBER.finditer(text):
        kind = _kind(match.group())
        if kind:
            found[kind] += 1
    return +found


def redacted(text: str) -> str:
    """The text with `[email]`, `[phone]` or `[card]` for each that it seems to hold."""

    def named(match: re.Match[str]) -> str:
        kind = _kind(match.group())
        return f"[{kind[:-1]}]" if kind else match.group()

    return _NUMBER.sub(named, _EMAIL.sub("[email]", text) if "@" in text else text)


def _kind(written: str) -> str:
    digits = re.sub(r"\D", "", written)
    if 13 <= len(digits) <= 19 and digits[0] in "3456" and _luhn(digits):
        return "cards"
    if _DATE.match(written) or not 9 <= len(digits) <= 15:
        return ""
    dialled = written[0] in "+(0" or re.search(r"\d[ ()/-]+\d", written)
    return "phones" if dialled or _MOBILE.fullmatch(digits) else ""


def _luhn(digits: str) -> bool:
    """The check sum of card numbers (ISO/IEC 7812-1, annex B)."""
    doubled = [sum(divmod(2 * int(one), 10)) for one in digits[-2::-2]]
    return (sum(map(int, digits[-1::-2])) + sum(doubled)) % 10 == 0
