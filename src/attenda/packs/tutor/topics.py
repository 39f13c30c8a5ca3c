"""Which skill of the course words name, however they are inflected: "add fractions", 百分数.

A title all of whose words are said goes first, the longest one; else the first skill, in the order
in which they are learned, whose title shares a telling word. Pure.
"""

import re
from collections.abc import Sequence
from functools import lru_cache

from attenda.packs.tutor.answer_english import is_slip
from attenda.packs.tutor.asking import is_about_else
from attenda.packs.tutor.course import school_course

__all__ = ["explained_topic", "practised_topic", "topic_in"]

_LONGEST = 200
_FILLING = frozenset(
    "a an the what is it of in as to up down and by on at x how are do does one two".split()
)
_VAGUE = _FILLING | frozenset(
    "number order operation common like term step side both out low great least unit amount".split()
)
"""They tell no topic by themselves."""
_NOUNS = {
    "addition": "add", "subtraction": "subtract", "multiplication": "multiply",
    "division": "divide", "percentage": "percent", "comparison": "compare",
    "conversion": "convert", "lowest": "low", "greatest": "great", "simplifying": "low term",
    "simplify": "low term", "bracket": "multiply out", "expand": "multiply out",
    "gcf": "great common factor", "gcd": "great common factor", "lcm": "least common multiple",
    "highest": "great",
}  # fmt: skip
_SAME_HAN = (("百分数", "百分之几"), ("百分比", "百分之几"), ("百分率", "百分之几"),
             ("比例", "按比"), ("比率", "按比"))  # fmt: skip
_SHORTEST_HAN, _SHORT = 2, 4
"""Characters that name a topic; a word of so many letters is no slip of another."""
_PRACTISES = re.compile(
    r"\b(?:practi[cs](?:e|ing)|train(?:ing)?|work(?:ing)? on|drill|revise|exercises?|problems?"
    r"|tasks?|sums|questions?|quiz|test me|let'?s (?:do|try)|do some|(?:want|like) to do|wanna do"
    r"|(?:start|begin|go on) with)\b|练|做|刷|出|来|题|考[我考]|学|复习|开始"
)
_EXPLAINED = re.compile(
    r"\b(?:what'?s?|explain|teach me|tell me about|how (?:do|does|are|is)"
    r"|(?:don'?t|do not|never) (?:get|got|understood|understand))\b"
    r"|什么是|是什么|是啥|啥是|什么叫|讲|解释|怎么回事|什么意思|啥意思|不懂|说说"
)
_NOT_SO = re.compile(
    r"\b(?:not|don'?t|no|never|won'?t|enough|tired|sick|hate|plan|schedule|answers?|mastery"
    r"|this|that|stuck)\b|不[想要做愿练用会]|别|没心情|讨厌|计划|答案|掌握|多少|[这那][道题个]|老师"
)
"""Words that say that it is not wanted, or speak of the exercise that is open."""


def topic_in(text: str) -> str:
    """The skill that a text names; "" where it names none."""
    said = text.lower().replace("’", "'")[:_LONGEST]
    return _titled(said) or _by_words(_stems(said)) or _by_characters(_plain_han(said))


def practised_topic(text: str) -> str:
    """The skill that a text wants to practise by its name; "" where it wants none."""
    said = _bare(text)
    if len(said) > _LONGEST or not _PRACTISES.search(said) or _NOT_SO.search(said):
        return ""
    return "" if _EXPLAINED.search(said) or is_about_else(said) else topic_in(said)


def explained_topic(text: str) -> str:
    """The skill that a text asks to have explained; "" where it asks for none."""
    said = _bare(text)
    if len(said) > _LONGEST or not _EXPLAINED.search(said) or is_about_else(said):
        return ""
    return "" if re.search(r"\d|答案|\banswer\b|计划|\bplan\b", said) else topic_in(said)


def _bare(text: str) -> str:
    return text.lower().replace("’", "'").strip(" .!~?。！？")


@lru_cache(maxsize=1)
def _titles() -> Sequence[tuple[str, str]]:
    skills = school_course().graph.skills.values()
    return [(title.lower(), one.id) for one in skills for title in one.title.values()]


def _titled(said: str) -> str:
    named = [pair for pair in _titles() if pair[0] in said]
    return max(named, key=lambda pair: len(pair[0]), default=("", ""))[1]


def _by_words(said: frozenset[str]) -> str:
    words = [(_stems(title), id_) for title, id_ in _titles() if title.isascii()]
    whole = [(one, id_) for one, id_ in words if len(one) > 1 and one <= said]
    if whole:
        return max(whole, key=lambda pair: len(pair[0]))[1]
    return next((id_ for one, id_ in words if one & said - _VAGUE), "")


def _stems(text: str) -> frozenset[str]:
    """Its words without what inflects them, small ones left out."""
    words = (word for word in re.findall(r"[a-z]+", text) if word not in _FILLING)
    return frozenset(part for one in words for part in _stem(_spelled(one)).split())


def _spelled(word: str) -> str:
    """A word of a title in the place of a slip of typing; "staring" is none of "sharing"."""
    if word in _title_words():
        return word
    like = (one for one in _title_words() if len(one) > _SHORT and one[:2] == word[:2])
    return next((one for one in like if is_slip(word, one)), word)


@lru_cache(maxsize=1)
def _title_words() -> Sequence[str]:
    return sorted({one for title, _ in _titles() for one in re.findall(r"[a-z]+", title)})


def _stem(word: str) -> str:
    word = re.sub(r"(?<=[^s])s$", "", word) if len(word) > 3 else word
    for one in (word, re.sub(r"(?:ing|ed)$", "", word)):
        if one in _NOUNS:
            return _NOUNS[one]
    return re.sub(r"(?:ing|ed|e)$", "", word) if len(word) > 4 else word


def _by_characters(said: str) -> str:
    """The title that shares the longest run of characters, then the most of them."""
    best, found = (_SHORTEST_HAN - 1, 0), ""
    for title, id_ in _titles():
        plain = _plain_han(title)
        run = max(
            (end - at for at in range(len(plain)) for end in range(at + 1, len(plain) + 1)
             if plain[at:end] in said),
            default=0,
        )  # fmt: skip
        closeness = (run, len({*plain} & {*said}))
        if run >= _SHORTEST_HAN and closeness > best:
            best, found = closeness, id_
    return found


def _plain_han(text: str) -> str:
    for one, same in _SAME_HAN:
        text = text.replace(one, same)
    text = re.sub(r"^求是?|是多少$", "", text)
    return "".join(re.findall(r"[\u3400-\u9fff]", text.replace("的", "").replace("两边都有", "")))
