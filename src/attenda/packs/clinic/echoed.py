"""The question's own words given back, and then a no: "a cough? let me think... no". Pure.

The whole message must be that and nothing more: findings, a hesitation, a no, and at most what says
it again. Whatever else stands there, what was named counts as said: no red flag is to be missed.
"""

import re
from collections.abc import Sequence

__all__ = ["is_echo_denied"]

_NAMED, _DENIED = "\ue000", "\ue001"
_LET_ME = (
    r"let(?:['’]s| me| us) (?:see|think|feel|check|look|try|count|remember|recall|consider|breathe"
    r"|listen)(?: (?:about|of|for|on|it|that|this|a|the|back|here|again|now|moment|second|bit"
    r"|over|at"
    r"))*"
)
_PAUSE = (
    r"[\s,，、.。…?？!！;；:：—–-]"
    r"|\b(?:h+m+|m+h*m*|u+[hm]+|e+r+m*|ah+|oh+|well|so|okay?|right|honestly"
    r"|to be honest|i mean|you know|good question|hold on|hang on|wait"
    r"|(?:just )?(?:a|one) (?:moment|second|sec|minute)|give me a (?:moment|second|minute)"
    rf"|what (?:was|is) it|how (?:shall|do|should) i (?:say|put) (?:it|this)|{_LET_ME}"
    r"|i(?:['’]d| would)? (?:have to |need to |must )?think|i(?:['’]d)? (?:say|think)"
    r"|thinking about it|(?:now that|since) you ask|doctor|doc)\b"
)
_TOPIC = (
    r"(?:(?:(?:do|did|have|had|am|was|is|are|has|does) (?:i|there|it|my|the)"
    r"|whether i|if i|any|some|an?|the|my|this|that|as for|about|regarding|with|of|you mean"
    r"|coughing|up"
    r"|ever|have|had|got|been|feel|get|having|getting|cough|coughed|a bit|when i|at all"
    r"|like a)\b\s*)*"
    rf"{_NAMED}(?:\s*(?:you mean|you say|you ask|at all|now|lately|recently|today|thing|itself|do i"
    r"|have i|am i|ever|or anything|itself|there)\b)*"
)
_AND = r"(?:\s*(?:\bor\b|\band\b|和|或者?|跟|、)\s*)"
_NO = (
    r"(?:no|nope|nah|none|neither|never|not|i (?:do|have|am|did|was|had) ?n[o']t"
    r"|i['’]m not|i(?:['’]ve)? never(?: (?:have|had|did))?|i (?:don|haven|didn|hadn|wasn)['’]?t"
    r"|(?:it|that|there) (?:is|was|does|did|has) ?n[o'’]t|(?:it|that|there) (?:isn|wasn|doesn"
    r"|didn)['’]?t)"
    r"(?![\w'’])"
)
_MORE = (
    rf"{_PAUSE}|\b(?:no|not|never) (?:any )?(?:{_NAMED}|(?:pain|blood|trouble|problems?|signs?"
    rf"|such thing)\b)"
    r"|\bnothing (?:like|of) (?:that|it|the (?:kind|sort))\b|\bnone of (?:it|that|them)\b"
    rf"|{_NO}(?:\s+(?:any|ever|once|had|have|got|been|it|that|one|a bit|in the least|hurt"
    rf"|at all)\b)*"
    rf"|{_DENIED}|\b(?:thank (?:you|god|goodness|heavens)|thanks|there|either|at all|anywhere"
    rf"|luckily"
    r"|fortunately|happily|me|sir|madam|miss)\b"
)
_ENGLISH = re.compile(
    rf"(?:{_PAUSE}){{0,24}}+{_TOPIC}(?:{_AND}{_TOPIC}){{0,3}}"
    rf"(?=\s*[,.…?;:—–-])(?:{_PAUSE}){{1,40}}+(?P<no>{_NO})(?!\s*{_NAMED})(?:{_MORE}){{0,40}}+",
    re.IGNORECASE,
)
_HAN_PAUSE = (
    r"[\s,，、.。…?？!！;；:：—–-]|[嗯呃额哦噢啊呀唉哎诶唔嘛呢么哈]|那个|这个|怎么说|等等"
    r"|等一?下|稍等|说起来|您?问这个"
    r"|(?:您|你)?(?:让|容)?我?(?:再|先|仔细|好好|来|得)*(?:想|看|摸|感觉|感受|回忆|回想|算|试"
    r"|琢磨|记|听|按|数|量|咳|吸|喘口气)"
    r"(?:[一]?[想看摸算试听按数量咳吸]|感觉|琢磨|一?下|一?会儿?|啊|哈|哦|着)*"
)
_HAN_TOPIC = (
    rf"(?:您说的?|您是说|要说|说到|至于|你说|有没有|有无|是不是|这|那|什么)*{_NAMED}"
    r"(?:这个|那个|这事|这种|方面|的话|过|吗|的)*"
)
_HAN_NO = (
    r"(?:(?:从来?|真|还真|倒|倒是|也|都|并|并且|一直|确实|的确|肯定|绝对|完全|是|我|这|那|这个|那个"
    r"|一点|一点儿|一次)*"
    r"(?:没有?|无|否|不是|不会|没事|未))"
)
_HAN_WORDS = (
    rf"不?{_DENIED}|{_HAN_NO}(?:{_NAMED}|{_DENIED}|这个?情况|这[回种个]?事儿?|那[回种个]?事儿?"
    rf"|这种情况|任何|咳过?|疼过?|痛过?|烧过?"
    r"|出?过?血|见过?血|感觉)?"
    r"|(?:一点儿?|倒|倒是|也|都|真|真的|完全|我|胸口?|气)*不(?:咳嗽?|抽烟?|吸烟?|喝酒?|疼|痛|烧"
    r"|喘|闷|短|难受|是|会|吐|晕|发烧|烫|憋)"
    r"|过|的|谢谢|您?放心|医生|大夫|吧"
)
_CHINESE = re.compile(
    rf"(?:{_HAN_PAUSE}){{0,24}}+{_HAN_TOPIC}(?:{_AND}{_HAN_TOPIC}){{0,3}}"
    rf"(?:{_HAN_PAUSE}){{1,40}}+(?P<no>{_HAN_NO})(?!{_NAMED})(?:{_HAN_PAUSE}"
    rf"|{_HAN_WORDS}){{0,40}}+",
)
_STATED = re.compile(
    r"\b(?:hurts?|hurting|aches|is|are|am|was|were|feels?|can['’]?t|cannot|i|i['’]m"
    r"|keeps?)\b(?! cough)",
    re.IGNORECASE,
)
"""A finding told in a sentence of its own, which is no question given back."""
_LONGEST = 160
"""Characters of an answer of this kind; a longer one tells more."""


def is_echo_denied(text: str, said: Sequence[tuple[int, int, str, bool]]) -> bool:
    """Whether all of a message is a question's words given back and denied.

    Args:
        text: the whole message.
        said: findings: start, end, name, and whether its own words deny it already.
    """
    open_ = [text[start:end] for start, end, _, denied in said if not denied]
    if not open_ or len(text) > _LONGEST or any(map(_STATED.search, open_)):
        return False
    masked = _masked(text, said)
    echo = _ENGLISH.fullmatch(masked) or _CHINESE.fullmatch(masked)
    behind = masked[echo.end("no") :] if echo else ""
    one = _is_of_one(said) or not (_NAMED in behind or _DENIED in behind)
    return echo is not None and one


def _is_of_one(said: Sequence[tuple[int, int, str, bool]]) -> bool:
    """Whether every place names one and the same finding, whatever else it may be."""
    names = [
        {name for low, high, name, _ in said if low < end and start < high}
        for start, end, _, _ in said
    ]
    return bool(set.intersection(*names))


def _masked(text: str, said: Sequence[tuple[int, int, str, bool]]) -> str:
    """The text with one mark for each finding; of those that overlap, the one that is said."""
    marks = [""] * len(text)
    for start, end, _, denied in sorted(said, key=lambda one: not one[3]):
        marks[start:end] = [_DENIED if denied else _NAMED] * (end - start)
    parts = [mark or letter for mark, letter in zip(marks, text, strict=True)]
    return re.sub(rf"({_NAMED}|{_DENIED})\1+", r"\1", "".join(parts)).strip()
