"""Whether somebody says that they no longer want to live, or want to die or be gone (en, zh-CN).

A wish that is plainly denied is given as denied; what is in doubt counts as said. Pure.
"""

import functools
import re
from collections.abc import Iterator, Sequence
from types import ModuleType

from attenda.dialogue import dying_en, dying_zh

__all__ = ["dying_said"]

_CUT = re.compile(
    r"[.;:!?\n…—–]| - |\b(?:but|and|because|so|then|yet|though)\b|但|而是|可是|，(?!也|或|和)|。"
    r"|！|？|；"
)
"""Where the reach of a no before a wish ends."""
_MORE = re.compile(r"^ (?:so (?:much|badly|bad)|more\b)|^(?:那么|这么)(?:强烈|厉害)")
"""After a wish: "never wanted to die so much" denies none."""
_TWICE = re.compile(
    r"\b(?:not|never|no|hardly|barely)\b.*\bwithout\b|\b(?:can'?t|cannot|couldn't) (?:help|stop"
    r"|not)\b"
    r"|\bwhy not\b|\bnot that i\b"
    r"|没有?一[天刻]|无时|不是没|不是不|不得不|忍不住|止不住|控制不住|不能不"
)
"""Before a wish: a no that another one takes back."""

_MARKS = str.maketrans("，。！？；：、", ",.!?;:,")


@functools.lru_cache(maxsize=512)
def dying_said(text: str) -> Sequence[tuple[int, int, bool]]:
    """Each place where it is said: start, end, and whether it is so; false where it is denied."""
    even = _even(text)
    return (*_said(dying_en, even.translate(_MARKS)), *_said(dying_zh, even))


def _said(language: ModuleType, text: str) -> Iterator[tuple[int, int, bool]]:
    gone, wanted = _patterns(language)
    for one in gone.finditer(text):
        if not _is_of_something_else(text, one):
            yield *one.span(), True
    for one in wanted.finditer(text):
        harmless = language.HARMLESS.search(text[one.start() :])
        if not harmless and not _is_of_something_else(text, one):
            yield *one.span(), not _is_denied(language, text, one)


def _is_of_something_else(text: str, wish: re.Match[str]) -> bool:
    """Whether what follows makes harmless words of it: living in a flat, waking up at six."""
    words, after = wish.group(), text[wish.end() :]
    if dying_en.LOOSE.search(words):
        return not dying_en.ENDS.match(after)
    return bool(dying_en.LIVING.search(words) and dying_en.MUNDANE.match(after))


def _is_denied(language: ModuleType, text: str, wish: re.Match[str]) -> bool:
    """Whether a no of the same clause reaches the wish."""
    cuts = [one.end() for one in _CUT.finditer(text, 0, wish.start())]
    before = text[cuts[-1] if cuts else 0 : wish.start()]
    twice = _TWICE.search(before) or _MORE.search(text[wish.end() :])
    return bool(language.DENIED.search(before)) and not twice


@functools.cache
def _patterns(language: ModuleType) -> tuple[re.Pattern[str], re.Pattern[str]]:
    whole = r"(?<![a-z])" if language is dying_en else ""
    return _any(language.GONE, whole), _any(language.WANTED, whole)


def _any(parts: Sequence[str], whole: str) -> re.Pattern[str]:
    return re.compile("|".join(f"{whole}(?:{one})" for one in parts))


def _even(text: str) -> str:
    """The same length: lower case, one kind of apostrophe, plain spaces; a new line is an end."""
    folded = "".join(low if len(low := one.lower()) == 1 else one for one in text)
    return re.sub(r"\s", " ", folded.replace("\u2019", "'").replace("\n", "."))
