"""What is wanted while nothing is under way: an exercise, more of it, or how a learner is doing.

Only what is asked outright, in whichever clause; whoever may ask for it is decided elsewhere. Pure.
"""

import re

from attenda.packs.tutor.naming import learner_in

__all__ = ["asks_for_exercise", "asks_for_more", "asks_for_report", "asks_to_begin"]

_LONGEST = 200

_BEGINS = re.compile(
    r"(?:(?:ok(?:ay)?|right|alright|so|well|yes|now|hi|hello|hey|then|please|well then)\W+)*"
    r"(?:let'?s (?:go(?: on| ahead)?|start|begin|continue|get (?:started|going)|carry on)"
    r"|(?:go|carry) on|continue|keep going|start|begin|go"
    r"|(?:i'?m |i am )?(?:all )?(?:re?a?dy|set)(?: when(?:ever)? you are"
    r"| to (?:go|start|begin|work))?(?:\W+go)?"
    r"|fire away|bring it on|hit me|shoot)(?:\W+(?:now|then|please|pls|again))*"
    r"|(?:好[的啊吧]?|嗯+|行|来|那|请|麻烦|咱们?|我们?|可以|还?[能想要]|再){0,3}[，, ]*"
    r"(?:开始|继续|走起|开工|接着来|往下|接着){1,3}(?:做|练|学|今天的?|数学|练习|题目?){0,3}"
    r"[吧呗啊呀了喽咯啦哈吗]*"
)
_EXERCISE = re.compile(
    r"\b(?:give|gimme|set|have|do|try|get|find|want|need|like|ne?xt|another|more|start|begin|some|one"
    r"|an?|(?:ready|time|up|enough|mood) for)"
    r"\b(?:\W+\w+){0,4}\W+(?:exercises?|problems?|tasks?|questions?|sums|practi[cs]e"
    r"|practising|(?:something|smth|sth|sumthing|sumthin|anything|stuff)(?: \w+)?(?= (?:to|2) )"
    r"|(?<=gimme )maths?|(?<=give me )maths?|(?<=some )maths?|(?<=do )maths?)"
    r"(?: (?:to|2) (?:solve|slove|do|work (?:on|out)|calculate|practi[cs]e(?: (?:on|with))?"
    r"|figure out|try)"
    r"| (?:done|in))?(?:\W+(?:now|then|please|pls|first|today))*\W*"
    r"|(?:maths? (?:exercises?|problems?|tasks?|questions?)|(?:exercise|problem|task|question)s? "
    r"(?=pl))(?:\W*(?:now|then|please|pls))*\W*"
    r"|(?:出|给|来|要|做|上|求|整|弄|布置|发|刷|想|让我|下|再|开始|继续|有)[^不别没讲解说看什为啥]{0,8}?"
    r"(?:(?<![问标主话])题目?|练习题?|习题|练练?|算术)(?:[做练算玩写试]{1,2})?(?:一下|一会儿?)?"
    r"(?:[吧呗啊呀呢嘛哈哦啦了]|好吗|行吗|可以吗|行不行|好[呢了]|谢谢?[您你]?)*\W*"
)
"""A clause that ends in an exercise which is wanted."""
_BORDER = re.compile(
    r"[,.;:!?，。；：！？]+|(?<=[\u3400-\u9fff])\s+|\b(?:but|so|because|and then)\b"
    r"|但|所以|不过|因为"
)
_NEXT = re.compile(
    r"(?:(?:and|so|ok(?:ay)?|now|then|well|re?a?dy)\W+)*"
    r"(?:ne?xt (?:one|1)|(?:what|which (?:one|exercise|question|task|problem))"
    r"(?:'?s| is| comes| shall| should| do| can"
    r"| am| will)?(?: i| we)?(?: be)?(?: do(?:ing)?| work(?:ing)? on| practi[sc](?:e|ing)| try"
    r"| tackle| solve)?(?: up)? (?:next|nxt|now|first)(?: for me)?"
    r"|(?:let'?s see )?what (?:have you got|you(?:'?ve| have)? got|do you have"
    r"|(?:else )?is there)(?: for me)?(?: to do)?(?: today| now)?)"
    r"(?:\W+(?:then|please|pls))*"
    r"|(?:give|gimme|set|find|throw)(?: me)? (?:an?|another|the next)(?: \w+)? one(?: at me)?"
    r"|let'?s (?:just |start |begin )?(?:(?:do|try|have) (?:one|some|it|this|another)"
    r"|practi[sc](?:e|ing)|train|get (?:cracking|on with it|to work)|crack on)"
    r"(?: a (?:bit|little))?(?: of)?(?: maths)?(?: anyway| then| now| more| together)?"
    r"|(?:数学)?(?:出|来|开[练做刷]|练|搞|整)(?:起来|起)?[吧呗啊啦]+|数学(?:搞|练|学|做)?起来[吧呗啊啦]*"
    r"|(?:今天|下面|接下来)的题目?[呢啊]*|(?:我|今天|都)*还没[练做刷]题[呢啊]*|数学[吧呗]?"
    r"|(?:(?:好|嗯|那|咱们?|我们?|就)\W*)*(?:(?:接下来|现在|下面|然后|下一步|后面)(?:我们?|咱们?)?"
    r"(?:该|要|应该|得|可以|能)?[做练算学]|(?:今天)?(?:我们?|咱们?)?(?:现在)?(?:该|要|应该)?(?:练|[做算学](?=[^，。]{1,4}题)))"
    r"(?:点|些|一?下)?(?:什么|啥|哪[一个道些]*)题?目?好?(?:[呢了好呀啊吧]|练习)*"
    r"|(?:我|让我|来)*(?:想|要)?(?:来)?挑战(?:一下|一把)?(?:自己)?吧?"
)
"""A clause that asks what is to be worked on now."""
_NO_EXERCISE = re.compile(
    r"\b(?:dont|do not|not|no|wont|never|without|enough(?! (?:for|time|to))|sick|tired|hate"
    r"|how many|why)\b"
    r"|\b(?:plan|progress|report|explain|help|hint|clue|nudge|pointer|answer)\b"
    r"|can you do|不[想要做愿练用]|明天|改天|以后|下次|别|没心情|讨厌|(?<!麻)烦|够了"
    r"|计划|进度|报告|讲|解释|怎么|什么是|为什么|多少|提示|答案|老师的"
)
_MORE = re.compile(
    r"(?:(?:ok(?:ay)?|and|so|now)\W+)*(?:more|(?:and )?(?:then|next|now)|what'?s next|again"
    r"|another(?: one)?|one more|ne?xt one)(?:\W+(?:please|pls))?"
    r"|(?:好[的啊吧]?|嗯+|那)?[，, ]*(?:然后|接下来|下面|后面|还有|还要|还想要|再来|再给|再要"
    r"|下一个|下个)(?:一个|几个|一些|点儿?)?[吧呗啊呀呢嘛吗了]*"
)
"""Said after practice, it asks for more of it."""
_REPORT = re.compile(
    r"\b(?:reports?|rep(?:otr|rot|or)s?|progress?|results|records?)\b|\bhow(?:'?s)?\b.{0,60}\b(?:doin|doing|does|gets?|getting"
    r"|coming|faring|performing|improving|progressing)\b"
    r"|\b(?:check|checking|look|looking|catch up|update|hear)\b.{0,8}\b(?:on|at|about|into|of)\b"
    r"|报告|学得|学习|情况|进度|进步|进展|表现|成绩|掌握得|怎么样|咋样|如何|[查看]"
)
_OF_LEARNER = re.compile(
    r"\b(?:learner|pupil|student|kid|child|children|boy|girl)s?\b|\bone of (?:mine|them)\b"
    r"|学生|同学|学员|学习者|孩子|[小个]娃|小朋友"
)
_ANY_REPORT = re.compile(
    r"(?!.*\bmy\b).*\breports?\b(?! (?:that|an?)\b)|(?!.*我的).*(?:报告|学情|学习情况)"
)
"""A teacher's own report is nobody's."""
_NO_REPORT = re.compile(
    r"\b(?:exams?|hints?|exercises?|plan|explain|set|put|raise|override|percent|worksheet|why"
    r"|(?:my|the|whole|of) class|all (?:my|the))\b|%|考试|开考|提示|出题|练习[题册]|计划|讲解"
    r"|设[为成置]|改|调[到整高低]|全班|班级|所有|为什么"
)


def asks_to_begin(text: str) -> bool:
    """Whether a text says to begin or to go on, and nothing else; to a tutor that is practice."""
    return _BEGINS.fullmatch(_bare(text)) is not None


def asks_for_exercise(text: str) -> bool:
    """Whether a clause of a text ends in an exercise that is wanted, and wants nothing else."""
    said = _bare(text).replace("'", "")
    clauses = _BORDER.split(said) if len(said) <= _LONGEST else []
    wanted = (one.strip() for one in clauses if not _NO_EXERCISE.search(one))
    return any(_ends_in_exercise(one) or _NEXT.fullmatch(one) for one in wanted)


def _ends_in_exercise(clause: str) -> bool:
    return any(_EXERCISE.fullmatch(clause, at) for at in range(len(clause)))


def asks_for_more(text: str) -> bool:
    """Whether a text only asks for more of what was done last."""
    return _MORE.fullmatch(_bare(text)) is not None


def asks_for_report(text: str) -> bool:
    """Whether a text asks how a learner is doing, whom it may name; a teacher's question."""
    said = _bare(text)
    if len(said) > _LONGEST or _NO_REPORT.search(said) or not _REPORT.search(said):
        return False
    asked = _OF_LEARNER.search(said) or _ANY_REPORT.match(said) or learner_in(text)
    return bool(asked)


def _bare(text: str) -> str:
    return text.lower().replace("’", "'").strip(" .!~?。！？")
