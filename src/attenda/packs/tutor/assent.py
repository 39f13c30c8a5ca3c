"""A yes to what a teacher or a pupil asked to be set, with a word about their day behind it.

“Yes, do, my mum is waiting”: the first clause agrees and says nothing else, and nothing behind it
takes that back, sets a condition, asks or names a number. All else is left to the dialogue. Pure.
"""

import re

__all__ = ["agrees_first"]

_LONGEST = 120
_FIRST = re.compile(
    r"(?:(?:oh|well|so|and|ah|okay|ok|yes|yeah|yep|yea|yeh|sure|of course|certainly|absolutely"
    r"|definitely|please|pls|do|so|it|that|this|go ahead|go on|go for it|set|change|thanks"
    r"|thank you|then|now|i am|i'?m|quite|very|confirmed|correct|right|exactly|that'?s|is|what"
    r"|i|asked for|want|meant)\b[ ]*)+"
    r"|(?:[嗯对是好行要那就请快改设调办的吧呀啊啦了哈哦呢哒呐滴嘛呗您你]|可以|确认|确定|当然|没错|没问题|继续|执行"
    r"|修改|调整|这[么样]|必须|赶紧|赶快|麻烦|谢谢|ok)+"
)
_YES = re.compile(
    r"\b(?:yes|yeah|yep|yea|yeh|sure|of course|certainly|absolutely|definitely|go ahead|go on"
    r"|go for it|do (?:it|that|so)|set it|change it|confirmed|correct|ok|okay|that'?s right)\b"
    r"|[对是好行嗯]|可以|确[认定]|当然|没错|没问题|继续|执行|[改设调]吧|必须|赶[紧快]|ok"
)
_BACK = re.compile(
    r"\d|[?？]|\b(?:but|wait|hold|not|no|nope|don'?t|doesn'?t|only|unless|until|instead|maybe"
    r"|perhaps|actually|later|tomorrow|stop|cancel|if|though|another|other|rather|wrong|first)\b"
    r"|但|不|别|先|等一?[下会]|等等|如果|要是|或者|可能|改[成为天]|换|再|另|除|只|算了|取消|错|吗"
)
_HARMLESS = re.compile(
    r"\b(?:can'?t|cannot|can hardly) wait\b|\bwon'?t mind\b|\b(?:nobody|no one)\b|\bwhy not\b"
    r"|\bno (?:problem|doubt)\b|\bdon'?t worry\b|[，,]?\s*isn'?t it\?"
    r"|等不及|迫不及待|没错|不错|再[好棒]不过"
)


def agrees_first(text: str) -> bool:
    """Whether a text begins with a plain yes that holds to its end."""
    said = re.sub(r"\b4(?= it\b)", "for", text.lower().replace("’", "'")).strip(" .!~。！\n")
    if not said or len(said) > _LONGEST:
        return False
    first, *rest = re.split(r"[,.;:!，。；：！、~]+|(?<=[\u3400-\u9fff])\s+", said)
    if not (_FIRST.fullmatch(first.strip()) and _YES.search(first)):
        return False
    left = _HARMLESS.sub(" ", said[len(first) :])
    return not _BACK.search(left) and not _BACK.search(_HARMLESS.sub(" ", first))
