"""A moment that somebody asks for before they answer: "hang on", "let me ask them first", 等等.

It is neither a yes nor a no, and no other wish. English and Chinese.
"""

import re

__all__ = ["asks_to_wait", "besides_waiting", "ends_in_waiting"]

_FILLERS = (
    r"(?:hm++|um++|uh++|er++m?|ah++|oh?h?|ooh|oh dear|ok(?:ay)?|well|so|right|actually|please"
    r"|just|sorry|(?:i )?beg your pardon|excuse me|no|nah|嗯++|哦++|噢|啊|呃|额|哎呀?|唉|诶++|请|先"
    r"|不好意思|抱歉|那|[你您](?:稍微|先)?|稍微|麻烦[你您]?|我)"
)
_SPAN = (
    r"(?:(?:a|one|another|half a|just a|1|2|two|five|5|a couple(?: of)?|a few|some)"
    r" ?(?:quick |little |short )?(?:moments?|minutes?|mins?|mo|seconds?|secs?|ticks?"
    r"|jiffy|bit|while|time))(?: (?:longer|more|please|or (?:two|so)))*"
)
_THINK = (
    r"(?:think|see|look|sleep|consider|decide|reflect|ponder|mull|chew|have a think"
    r"|make up my mind)"
    r"(?: (?:a?bout|on|over|upon|through))?(?: (?:it|this|that))?(?: (?:over|through))?"
)
_FIRST_WHOM = (
    r"(?:ask|check with|talk (?:to|with)|speak (?:to|with)|consult"
    r"|(?:discuss|talk) (?:it|this|that)(?: (?:over|through))? with"
    r"|run (?:it|this|that) (?:by|past)) (?:my [a-z]+(?: [a-z]+)?|the (?:wife|husband|missus|boss"
    r"|kids|family|others))(?: about (?:it|this|that))?"
)
_LET_ME = (
    r"(?:let me|lemme|i(?:'ll| will|(?:'ll| will)? (?:need|have|want)(?: to)?|'?d(?: first)?"
    r" (?:like|prefer|need|want) to| (?:would|should)(?: first)? (?:like|prefer|need|want) to| must"
    r"| should| gotta)|gotta|need to|have to)"
)
_AFTER = (
    rf"(?: (?:for )?{_SPAN}| first| again| before (?:i|you)"
    r" (?:do|decide|answer|start|go on|say)(?: (?:yes|anything|it|that))?"
    r"| if i may)*"
)
_GIVE = (
    r"(?:(?:could|can|would|will|may|might) (?:you|i)(?: please| just| kindly| possibly)* )?"
    r"(?:give|gimme|allow|grant|spare|have|get|need|take)(?: me)?(?: please| just)?"
)
_LATIN = (
    r"h[oa](?:ld|ng) (?:on|it|up|fire)|hold your horses|hol up|w(?:ait|8)(?:,? wait)*(?: up)?"
    rf"|(?:could|can|may) we wait(?: {_SPAN})?|(?:would|do) you mind waiting(?: {_SPAN})?"
    r"|not so fast|not (?:just )?yet|bear with me|stand by|stay there|be right back|brb"
    rf"|slow down(?: {_SPAN})?|moment|sec(?:ond)?|(?:just |only )?{_SPAN}(?: to {_THINK})?"
    rf"|i(?:'d| would) (?:like|love|need|appreciate) {_SPAN}(?: to {_THINK})?"
    rf"|(?:i |i'd like |i would like )?{_GIVE} {_SPAN}(?: to {_THINK})?"
    rf"|{_LET_ME}(?: just| quickly)?(?: (?:{_THINK}|{_FIRST_WHOM}))"
    r"|hm+|(?:i(?:'m| am) )?(?:not (?:quite |so |really |entirely |too )?(?:sure|certain|decided)"
    r"|undecided"
    r"|still thinking)(?: yet| about (?:it|this|that))?"
    r"|i have(?:n't| not) (?:quite )?(?:decided|made up my mind)(?: yet)?"
    r"|before you do anything|don'?t (?:do anything|rush(?: me)?|start)(?: yet)?"
)
_THINKS = (
    r"(?:[我让容]我?)?(?:还|再|先|得|需要|想|要|好好){0,4}(?:想想|想一[想下]|想下|看看|看一下"
    r"|(?:考虑|琢磨|合计|商量|斟酌)(?:一下|下|考虑|琢磨|合计|商量)?|缓(?:一缓|缓|一下))"
)
_FAMILY = (
    r"家里人?|家人|老公|老婆|媳妇|爱人|先生|太太|丈夫|妻子|对象|男朋友|女朋友|爸妈?|妈妈?|爸爸|父母|孩子"
    r"|儿子|女儿|婆婆|朋友|闺蜜|同事|领导|老板|室友|财务|大家"
)
_ASKS_FIRST = (
    r"(?:[得要让想去]|需要|还是){0,3}(?:先|再){0,2}(?:问|跟|和|同|找)(?:问|一下)?(?:一下)?"
    rf"(?:我们?)?(?:{_FAMILY})(?:的?(?:意见|意思))?(?:商量|合计|问|说|确认)?(?:一?[下声]|商量)?"
)
_HAN = (
    r"等等看?|等一等|等一?[下会哈]儿?|(?:还|再)?需要(?:一?点儿?|一些|几分钟)?时间(?:再|来)?(?:考虑|想想)?(?:一下)?|等我?一?小?[下会]{1,2}儿?|稍[等候](?:一下|片刻|下)?|慢着|慢点|且慢|缓一?缓"
    r"|(?:能不能|能否|可否|可以|请|再)?给我(?:一?点儿?|一些|几分钟|片刻)?(?:时间)?(?:考虑|想想)?(?:一下)?"
    rf"|等[下会]儿?,?接个电话|容我(?:考虑|想想|再想想)(?:片刻|一下)?|先别|别[急动弄办]|先?不[急忙]|不着急|还没想好|没想好|{_THINKS}|{_ASKS_FIRST}"
)
_PAUSE = re.compile(
    rf"\W*(?:{_FILLERS}\W*){{0,4}}(?:(?:{_LATIN}){_AFTER}|{_HAN})"
    rf"(?:\W*(?:please|pls|if i may|(?:i'?m|i am) (?:still )?thinking|let me think"
    rf"|thanks?(?: you)?|first|一下|再说|再定|吗|呗"
    rf"|a (?:bit|moment)|等等|等我?一?[下会]儿?|[吧哈啊哦呀]|{_THINKS})){{0,4}}\W*",
    re.IGNORECASE,
)

_MARKS = re.compile(
    r"[,，.。!！?？;；…\n]+|\s+[-–—]+\s+|(?<=[\u3400-\u9fff])\s+(?=[\u3400-\u9fff])"
)


def asks_to_wait(text: str) -> bool:
    """Whether a message asks for a moment, and for nothing else."""
    return _PAUSE.fullmatch(text) is not None


def ends_in_waiting(text: str) -> bool:
    """Whether a message comes to asking for a moment, whatever it says before."""
    parts = _parts(text)
    return asks_to_wait(text) or bool(parts and asks_to_wait(parts[-1]))


def besides_waiting(text: str) -> str | None:
    """What a message says beside a clause that asks for a moment; None without such a clause."""
    parts = _parts(text)
    left = [one for one in parts if not asks_to_wait(one)]
    return "\n".join(left) if len(left) < len(parts) else None


def _parts(text: str) -> list[str]:
    return [one for one in _MARKS.split(text) if one.strip()]
