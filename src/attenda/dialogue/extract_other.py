"""That an answer names something else than what it answers: “yes, 20 euros” to a refund of 39.90.

Such an answer is no yes, whatever it begins with. English and Chinese.
"""

import re
from collections.abc import Collection

from attenda.dialogue.extract_amounts import amounts
from attenda.dialogue.extract_answers import whole_word
from attenda.dialogue.extract_numbers import CHINESE_NUMBER, DIGITS, read_number
from attenda.dialogue.extract_span import folded

__all__ = ["names_another"]

_NUMBER = re.compile(rf"(?<![0-9])(?:{DIGITS})")
_SHARE = re.compile(
    r"(?<![a-z])(?:half(?! (?:an?|past)(?![a-z]))(?! hour)"
    r"|(?:a|one|two) (?:third|quarter|fifth)s?(?! of an hour| past| to)|per ?cent)(?![a-z])"
    rf"|[%％]|一半|半[价数]|{CHINESE_NUMBER}分之{CHINESE_NUMBER}|[一二三四五六七八九]成(?![功为])"
)
_SURELY = re.compile(r"go 4 it|100 ?(?:%|per ?cent)|a (?:hundred|thousand) per ?cent|百分之?百")
_THING = re.compile(
    r"\W*(?:yes|yeah|yep|yup|ok(?:ay)?|sure|do|fine)\W+(?:(?:do|it|with|for|just|please|and)\W+){0,3}"
    r"(?:the|my)\s+(?P<thing>[a-z]+)(?:\W+(?:please|pls|thanks|thank|you|too|one))*\W*"
)
_ANYTHING = frozenset("same lot change order money deal way thing".split())
_STEM = 4
_REST = re.compile(
    r"(?<![a-z])(?:(?:the )?(?:whole|entire|full|complete) order|all of them|both of them)(?![a-z])"
    r"|整个?订?单|所有(?:的|商品|东西)|全部(?:的)?(?:商品|东西)"
)


def names_another(answer: str, told: str, known: str = "", others: Collection[str] = ()) -> bool:
    """Whether an answer names an amount, a number, a share or a thing that is not what was told.

    Args:
        answer: what somebody says to a question of yes or no.
        told: the question, in all languages in which it may have been put.
        known: what was said and found before it; a share of something may stand there.
        others: names of things of the same kind as the one that the question is about.
    """
    plain, asked = _SURELY.sub(" ", folded(answer)), folded(told)
    sums = [one.value for one in amounts(told)]
    for one in reversed(amounts(plain)):
        if not any(
            one.value.value == each.value and one.value.may_be(each.currency) for each in sums
        ):
            return True
        plain = plain[: one.start] + " " + plain[one.end :]
    numbers = {read_number(one.group()) for one in _NUMBER.finditer(asked)}
    if any(read_number(one.group()) not in numbers for one in _NUMBER.finditer(plain)):
        return True
    before = f"{asked}\n{folded(known)}"
    thing = said["thing"] if (said := _THING.fullmatch(plain)) else ""
    if thing and thing not in _ANYTHING and thing[:_STEM] not in before:
        return True
    if any(said.search(plain) and not said.search(before) for said in (_SHARE, _REST)):
        return True
    return any(
        whole_word(name).search(plain) and not whole_word(name).search(asked)
        for name in map(folded, others)
        if name.strip()
    )
