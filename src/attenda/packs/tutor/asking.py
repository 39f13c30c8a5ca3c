"""Whether a learner asks for the answer, a hint or an explanation, however they put it.

Only what is asked outright: "I'm stuck" may stand beside an answer. Pure.
"""

import re

from attenda.packs.tutor.answer_english import is_slip

__all__ = ["asks_for_a_person", "asks_for_help", "asks_to_begin", "without_slips"]

_ASKED_FOR = ("answer", "solution", "explain", "explanation", "result", "translate", "stuck")

_HELP = (
    r"(?:hints?|clues?|help|explanation|(?<!my )answer|(?<!my )solution|result"
    r"|what (?:(?:it|this|that)s?|(?:the )?(?:answer|result|solution))"
    r" (?:is|makes|gives|equals|comes|amounts|works))"
)
_BARE = re.compile(
    r"\W*(?:(?:please|pls|plz|a|an|another|one|more|the|next|now|me|just|ok|hm+|small|little)\s+)*"
    rf"(?:{_HELP}(?:\s+(?:please|pls|plz|me|now|then))*|why|how|how come)\W*"
)
_WISH = re.compile(
    r"\b(?:give|gimme|need|want|wanna|show|tell|tel|say|reveal|whisper|print|translate|explain"
    r"|(?:id|would) (?:still |really |much )*like"
    r"|help me|(?:can|could|will|would) (?:i|you|u)|may i|another|one more|please|pls|plz"
    rf"|let me have|whats?(?: is)?)\b.{{0,40}}\b{_HELP}\b"
    r"|\b(?:explain|help me|help us)\b|\bwhat it comes to\b|\b(?:out with|hand over) the\b"
)
_NONE = re.compile(
    r"\b(?:dont|didnt|without|no|thanks|thank you|thankful)\b.{0,24}"
    r"\b(?:hint|clue|help|answer|explain)"
    r"|\b(?:if|whether) (?:it|that|this|im|i am|thats|its)\b|\b(?:as|is|was|be) (?:the|my|an) "
    r"|\bmy (?:answer|solution|results?)\b|\b(?:my|the) (?:week|test)\b"
    r"|\b(?:plan|schedule|progress|reports?|exam|mastery|class)\b"
    r"|(?:不用|不要|不需要|别|没|没有|谢谢你?的?|多亏)(?:给我|再|看)?(?:提示|帮|答案|解释)"
    r"|对不对|对吗|是否|检查|批改|我的(?:答案|报告|学习|成绩|水平)|进度|计划"
)
"""Help that is not wanted, an answer to be checked, or another wish."""
_BARE_HAN = re.compile(
    r"\W*(?:来个?|要个?|给个?)?(?:提示|求助|答案|线索|得数)(?:吧|呗|呢|啊|呀|嘛)?\W*"
)
_WISH_HAN = re.compile(
    r"(?:给|要|求|请|能|可以|麻烦|再|把|说|念|写出|显示|输出|直接).{0,10}?"
    r"(?:提示|线索|答案|结果|得数|解释|讲解|思路)(?!是|为|写)"
    r"|(?:提示|答案|结果|得数).{0,4}(?:告诉|给我|念|显示|是?多少|是什么|是啥|说出|呢)"
    r"|提示(?:一下|下|我)|为什么|为啥|帮帮我|帮我(?!看|检|记|改|填)|告诉我|教教?我|怎么[做算解]"
)

_PERSON = re.compile(
    r"\b(?:human|person|somebody|someone|operator|agent|teacher)\b|人工|真人|(?:找|叫|问)老师"
)


def asks_for_a_person(text: str) -> bool:
    """Whether a text is about somebody who may help, rather than about help with an exercise."""
    return _PERSON.search(text) is not None


_BEGINS = re.compile(
    r"(?:(?:ok(?:ay)?|right|alright|so|well|yes|now|hi|hello|hey|then|please|well then)\W+)*"
    r"(?:let'?s (?:go(?: on| ahead)?|start|begin|continue|get (?:started|going)|carry on)"
    r"|(?:go|carry) on|continue|keep going|start|begin"
    r"|(?:i'?m )?ready(?: when you are| to go| to start)?)(?:\W+(?:now|then|please|pls|again))*"
    r"|(?:好[的啊吧]?|嗯+|行|来|那|咱们?|我们|可以)?[，, ]*"
    r"(?:开始|继续|走起|开工|接着来|往下|接着)[吧呗啊呀了喽咯啦哈]*"
)


def asks_to_begin(text: str) -> bool:
    """Whether a text says to begin or to go on, and nothing else; to a tutor that is practice."""
    return _BEGINS.fullmatch(text.lower().replace("’", "'").strip(" .!~。！")) is not None


def without_slips(text: str) -> str:
    """A text in small letters, with the words that ask for help spelled as they should be."""
    return re.sub(r"[a-z]{5,}", _spelled, re.sub(r"\bans(?:w|er)\b|\bawnser", "answer", text))


def _spelled(word: re.Match[str]) -> str:
    return next((one for one in _ASKED_FOR if is_slip(word.group(), one)), word.group())


def asks_for_help(clause: str) -> bool:
    """Whether a clause, in small letters and without apostrophes, asks to be helped or told."""
    clause = without_slips(clause)
    if _NONE.search(clause):
        return False
    return any(
        (_BARE.fullmatch(clause), _WISH.search(clause),
         _BARE_HAN.fullmatch(clause), _WISH_HAN.search(clause))
    )  # fmt: skip
