"""Messages that are nothing but a greeting, or a word to stop. English and Chinese. Pure.

Neither answers what is asked just now, whatever that is; one with more to it is no such message.
"""

import re

__all__ = ["asks_to_stop", "greets"]

_ADDRESS = (
    r"(?:\W*(?:there|again|all|everyone|team|doctor|please"
    r"|大家|医生|老师|各位|请问|[呀啊哦吗呢吧]))*"
)
_GREETING = (
    r"hello|hi|hiya|hey|good (?:morning|afternoon|evening|day)"
    r"|你好|您好|你们好|老师好|早(?=\W|$)|早上好|上午好|中午好|下午好|晚上好|早安|在吗|在不在|嗨|哈喽"
    r"|what (?:can|do|could) (?:you|u) (?:do|help)(?: with| for)?(?: me)?(?: with)?(?: here)?"
    r"|what can i (?:do|ask)(?: you)?(?: here)?|what are you(?: for)?|who are you"
    r"|how can you help(?: me)?|what(?: is|['’]s) this(?: for)?"
    r"|how does (?:this|it) work|how do i use (?:this|it)"
    r"|(?:[你您]们?)?(?:都|还)?(?:能|会|可以)(?:帮我|为我)?[做干办帮]?[些点]?"
    r"(?:什么|啥|哪些|嘛)(?:事情?|忙)?"
    r"|[你您]有(?:什么|哪些|啥)(?:功能|用)|[你您]是(?:谁|做什么的|干什么的|干嘛的)"
    r"|这(?:个|里)?是什么|(?:这个?)?怎么用"
    r"|这里?(?:能|可以)[做办][些点]?(?:什么|啥)"
)
_GREETS = re.compile(rf"\W*(?:(?:{_GREETING}){_ADDRESS}(?:\W+|$))+", re.IGNORECASE)
_WHAT = (
    r"(?:it|this|that|now|here|asking(?: me)?(?: questions)?|all this|everything"
    r"|(?:the |this |these |your |my )?(?:interview|questions?|questionnaire|history|intake|check"
    r"|score|order|chat|conversation))"
)
_STOP = (
    r"(?:(?:i|we) (?:want|would like|need|wish|have) to |i['’]d like to |let['’]?s "
    r"|can (?:we|you|i) )?(?:please )?"
    rf"(?:stop|cancel|abort|exit|(?:quit|end|leave)(?= {_WHAT}))(?: {_WHAT})*"
    r"(?: (?:please|now|thanks?))*"
    r"|no more questions|never ?mind|that(?:['’]s| is) enough|forget (?:it|that)"
    r"|(?:请|我想|我要|先|就|那就|能不能|可以)*"
    r"(?:停(?:止|下来?|一下|掉)?|中止|终止|取消|退出|结束|到此为止|打住)"
    r"(?:这个|这次|本次)?(?:问诊|提问|问题|对话|流程|操作|评分|核对)?[吧吗]?"
    r"|(?:别|不要|不用|不想)再?(?:问|答|回答|继续)我?(?:问题)?(?:下去)?[了吧]?"
    r"|算了吧?|不办了|不做了"
)
_STOPS = re.compile(
    r"\W*(?:(?:ok(?:ay)?|no|oh|well|sorry|please|thanks|不|好了|行了|对不起|请)\W+)*"
    rf"(?:(?:{_STOP})(?:\W+|$))+",
    re.IGNORECASE,
)


def greets(text: str) -> bool:
    """Whether a message only greets, or asks what one can do here."""
    return _GREETS.fullmatch(text) is not None


def asks_to_stop(text: str) -> bool:
    """Whether a message wants what is under way to end, and says nothing else.

    "quit" alone is none: it answers whether somebody smokes; 停了 answers what they take.
    """
    return _STOPS.fullmatch(text) is not None
