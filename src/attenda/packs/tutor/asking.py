"""Whether a learner asks for the answer, a hint or an explanation, however they put it.

Only what is asked outright: "I'm stuck" may stand beside an answer. Pure.
"""

import re

from attenda.packs.tutor.answer_english import is_slip

__all__ = [
    "asks_for_a_person",
    "asks_for_exercise",
    "asks_for_help",
    "asks_for_more",
    "asks_to_begin",
    "is_about_else",
    "without_slips",
]

_LONGEST = 200
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
    r"(?:开始|继续|走起|开工|接着来|往下|接着){1,3}[吧呗啊呀了喽咯啦哈]*"
)
_EXERCISE = re.compile(
    r"\b(?:give|gimme|set|have|do|try|get|find|want|need|like|next|another|more|start|begin|some|one|an?)"
    r"\b(?:\W+\w+){0,4}\W+(?:exercises?|problems?|tasks?|questions?|sums|practi[cs]e|practising)"
    r"(?: to (?:solve|do|work on)| (?:done|in))?(?:\W+(?:now|then|please|pls|first|today))*\W*"
    r"|(?:出|给|来|要|做|上|求|整|弄|布置|发|刷|想|让我|下|再|开始|继续|有)[^不别没讲解说看什为啥]{0,8}?"
    r"(?:题目?|练习题?|习题|练练?|算术)(?:[做练算玩写试]{1,2})?(?:一下|一会儿?)?"
    r"(?:[吧呗啊呀呢嘛哈哦啦]|好吗|行吗|可以吗|行不行|谢谢?[您你]?)*\W*"
)
"""A clause that ends in an exercise which is wanted."""
_NO_EXERCISE = re.compile(
    r"\b(?:dont|do not|not|no|wont|never|without|enough|sick|tired|hate|how many|why)\b"
    r"|\b(?:plan|progress|report|explain|help|hint|answer)\b"
    r"|can you do|不[想要做愿练用]|明天|改天|以后|下次|别|没心情|讨厌|(?<!麻)烦|够了"
    r"|计划|进度|报告|讲|解释|怎么|什么是|为什么|多少|提示|答案|老师的"
)
_MORE = re.compile(
    r"(?:(?:ok(?:ay)?|and|so|now)\W+)*(?:more|(?:and )?(?:then|next|now)|what'?s next|again"
    r"|another(?: one)?|one more|next one)(?:\W+(?:please|pls))?"
    r"|(?:好[的啊吧]?|嗯+|那)?[，, ]*(?:然后|接下来|下面|后面|还有|还要|还想要|再来|再给|再要"
    r"|下一个|下个)(?:一个|几个|一些|点儿?)?[吧呗啊呀呢嘛吗了]*"
)
"""Said after practice, it asks for more of it."""
_ELSE = re.compile(
    r"\b(?:plan|planned|schedule|timetable|revision|progress|reports?|mastery|master(?:ed)?|exam"
    r"|class|how (?:am i|far|good|well|have i|did i)|so far|better|improv\w*|learn(?:ed|t)|weak"
    r"|(?<!for )today|tomorrow|week|wait|hold on|hang on|moment|second|cancel|never mind"
    r"|forget|remember|people)\b"
    r"|计划|进度|报告|成绩|掌握|考试|安排|学(?:[得到会啥哪]|什么)|班[里上级]|进步|水平|长进"
    r"|会了?(?:什么|哪些|些)|对了多少|薄弱|等|稍后|\A(?:算了[吧啊呀]*[，,]?)+\Z|不办|记住|想想"
    r"|客服|活人|工作人员|机器人"
)
"""About something else than the exercise that is open, or for the talk itself to hear."""


def asks_to_begin(text: str) -> bool:
    """Whether a text says to begin or to go on, and nothing else; to a tutor that is practice."""
    return _BEGINS.fullmatch(_bare(text)) is not None


def asks_for_exercise(text: str) -> bool:
    """Whether a clause of a text ends in an exercise that is wanted, and nothing else is."""
    said = _bare(text).replace("'", "")
    if len(said) > _LONGEST or _NO_EXERCISE.search(said):
        return False
    clauses = re.split(r"[,.;:!?，。；：！？]+|(?<=[\u3400-\u9fff])\s+", said)
    return any(_ends_in_exercise(clause) for clause in clauses)


def _ends_in_exercise(clause: str) -> bool:
    return any(_EXERCISE.fullmatch(clause, at) for at in range(len(clause)))


def asks_for_more(text: str) -> bool:
    """Whether a text only asks for more of what was done last."""
    return _MORE.fullmatch(_bare(text)) is not None


def is_about_else(text: str) -> bool:
    """Whether a text is about a plan, a report, a person or the talk, and no exercise."""
    said = _bare(text)
    return _ELSE.search(said) is not None or asks_for_a_person(said)


def _bare(text: str) -> str:
    return text.lower().replace("’", "'").strip(" .!~?。！？")


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
