"""Whether a learner asks for the answer, a hint or an explanation, however they put it.

Only what is asked outright: "I'm stuck" may stand beside an answer. Pure.
"""

import re

from attenda.packs.tutor.answer_english import is_slip

__all__ = [
    "asks_for_a_person",
    "asks_for_help",
    "is_about_else",
    "without_slips",
]

_LONGEST = 200
_ASKED_FOR = ("answer", "solution", "explain", "explanation", "result", "translate", "stuck")
_SLIPS = [
    (re.compile(rf"\b(?:{slips})\b"), meant)
    for slips, meant in (
        ("ans(?:w|er|r|wr)|a[wn]+s+[ew]+r?|asnwer|anser|awnser|anwer|aswer", "answer"),
        ("h(?:n|int|it)it|hnt|hinnt|hitn|hin|hnits?|hitns|hintt", "hint"),
        ("sk+i+p+|skp|sikp|skpi", "skip"),
        ("do not|does not", "dont"),
        ("cannot|can not", "cant"),
        ("hlep|hepl|he+l+p+|halp|hep|hl+p+|hpl|hlpe|hekp|hwlp", "help"),
    )
]
"""Slips in short words and in those that are asked for most."""

_HELP = (
    r"(?:hints?|clues?|nudges?|pointers?|help|explanation|(?<!my )answer|(?<!my )solution|result"
    r"|what (?:(?:it|this|that)s?|(?:the )?(?:answer|result|solution))"
    r" (?:is|makes|gives|equals|comes|amounts|works)|what comes out)"
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
    r"\b(?:dont|didnt|wont|isnt|refuse|without|no|thanks|thank you|thankful)\b.{0,24}"
    r"\b(?:hint|clue|help|answer|explain)"
    r"|\b(?:if|whether) (?:it|that|this|im|i am|thats|its)\b|\b(?:as|is|was|be) (?:the|my|an) "
    r"|\bmy (?:answer|solution|results?)\b|\b(?:my|the) (?:week|test)\b"
    r"|\b(?:to|will|ill|id|can|could|may i|let me|shall|wanna) answer (?:with |by |it )*[\d\x01]"
    r"|\b(?:plan|schedule|progress|reports?|exam|mastery|class)\b"
    r"|(?:不用|不要|不需要|别|没|没有|[听看用]完|[听看用有]了|谢谢[你您]?的?|感谢[你您]?的?|多亏[你您]?的?)(?:给我|再|看)?(?:提示|帮|答案|解释|告诉|讲|教)"
    r"|(?:记得|知道|晓得|会|懂了?|明白|学会|教[过了]?我?|想起来?)了?(?:该|是|要)?怎么[做算解]"
    r"|(?<![不没])(?:知道|懂|明白|会)了?这[种类道样个些]*题?目?(?:该|是|要)?怎么[做算解]了"
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
    r"|提示(?:一下|下|我)|为什么|为啥|帮帮我|帮我(?!看|检|记|改|填|跳|换|略)|告诉我|教教?我|怎么[做算解]"
)

_PERSON = re.compile(
    r"\b(?:human|person|somebody|someone|operator|agent|teacher)\b|人工|真人|(?:找|叫|问)老师"
)


def asks_for_a_person(text: str) -> bool:
    """Whether a text is about somebody who may help, rather than about help with an exercise."""
    return _PERSON.search(text) is not None


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


_PAPER = re.compile(
    r"\b(?:\w*sheet|workbook|handout|paper|page|note)s?\b.{0,40}?\b(?:say|state|read|tell|order|claim"
    r"|goes|has|is|it)|\b(?:it|this|here|that) (?:say|read|state)s\b"
    r"|\b(?:written|printed|says) (?:here|on)\b"
    r"|写着|写的|写了|印着|印的|[纸卷册义单](?:子|上|说|里)"
)
"""What somebody reads out: data, and no wish of theirs."""


def is_about_else(text: str) -> bool:
    """Whether a text is about a plan, a report, a person or the talk, and no exercise."""
    said = _bare(text)
    if re.search(r"master|掌握", said) and _PAPER.search(said):
        return False
    return _ELSE.search(said) is not None or asks_for_a_person(said)


def _bare(text: str) -> str:
    return text.lower().replace("’", "'").strip(" .!~?。！？")


def without_slips(text: str) -> str:
    """A text in small letters, with the words that ask for help spelled as they should be."""
    text = re.sub(r"([a-z])\1{2,}", r"\1", text)  # helppp
    for slip, meant in _SLIPS:
        text = slip.sub(meant, text)
    return re.sub(r"[a-z]{5,}", _spelled, text)


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
