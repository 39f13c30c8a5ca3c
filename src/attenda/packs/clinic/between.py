"""What people put between the name of a value and its number (en, zh-CN). Pure.

"Pulse, hmm, let me see, 96" and 脉搏嘛，我数了是96 tell a value as "pulse 96" does. A word that
is not here ends it: of "pulse not taken, 37.0" no pulse is read.
"""

from collections.abc import Iterable

__all__ = ["AT_BEGINNING", "GAP", "NO_OTHER"]

_WORDS = (
    "of is was were are at about around running currently now today measured level came back "
    "comes up to rate just still only reading reads read shows showed shown come coming in "
    "out as result results equals sit sits sitting stands turned being be have has got a an "
    "the it its it's says value lab that this which would should must will may seems seem "
    "looks look appears happens happening hovering hovers roughly approximately approx "
    "nearly almost exactly precisely there here again then one me us we he she his her i i'd "
    "i'm i've i'll my make made makes count counted counts think thought believe guess say "
    "said see saw took taken get gets had found noted recorded documented charted written "
    "given checked going goes beats beating these days time morning bit little touch "
    "slightly quite rather pretty very per minute each every min fully for today's latest "
    "last holding steady like so that's that'd it'd what he's she's they're you feel "
    "remember right on monitor sheet chart nurse nurses"
).split()
_PHRASES = ("on room air", "on air", "on oxygen", "on o2", "the lab said")
_CALM = "normal regular stable fast slow low lower high higher raised elevated irregular".split()
"""How it is: then the number stands in the same breath."""
_PAUSES = (
    r"h+m+|u+[mh]+|e+r+m*|a+h+|o+h+|eh|well|yes|yeah|yep|ok(?:ay)?|right|sorry|hang on|hold on"
    r"|one (?:moment|second|sec)|just a (?:moment|second|sec)|a (?:moment|second)"
    r"|let(?:['’]s| me| us) (?:see|look|think|check|count|read|find)(?: (?:it|that|here|again|now"
    r"|at (?:the|my) \w+))*"
    r"|where (?:is|was|['’]s) it|what (?:is|was) it|here(?: it is| we are| we go)?|there(?: it is)?"
    r"|i mean|you know|you see|i think|i believe|i['’]d say|i suppose|say|that is|that['’]s"
    r"|that would be|that['’]d be|it is|it['’]s|now|like|so|about|around"
    r"|[嘛呢啊呀么吧哦噢嗯呃额唔哎唉诶哈]+"
    r"|(?:让?我)?(?:再)?(?:看看?|想想?|找找?|瞧瞧?|查查?|数数?|瞅瞅?)(?:一?下|啊|哦)*"
    r"|等[一等]?下?|稍等|那个|这个|是多少来着|多少来着|我记得|您看|你看|怎么说"
)
_HAN = (
    "查出来 测出来 量出来 出来 结果 报告 显示 显示是 报的 报 数值 数 值 水平 测得 测了 测的 "
    "测 量了 量的 量得 量 称了 称的 是 为 约 在 每分钟 每分 每一分钟 一分钟 一分 分钟 每 分 "
    "钟 了 有 才 也 都 就 还 只 只有 的 着 得 又 再 大概 大约 差不多 估计 估摸 应该 好像 "
    "左右 这会儿 这时 这次 这回 现在 目前 刚才 刚刚 刚 今天 早上 我 我们 他 她 病人 患者 人 "
    "给 摸 摸着 摸到 夹 夹着 听 听着 听到 记 记录 记的 写 写的 写着 算 算下来 说 上面 单子上 "
    "仪器 监护 监护仪 次数 频率 一共 总共 跳 跳的 基本 仍 仍是 依旧 一下 百分之 到 次 有点儿 "
    "有点 有些 稍微 稍 略 偏 比较 挺 很 不过 倒是 倒"
).split()
_HAN_CALM = (
    "不快 不慢 不高 不太高 不低 还好 还行 可以 快 慢 高 低 正常 平稳 规整 齐 规则 稳定 平".split()
)
_UNIT = r"\s*(?:%|次|下|bpm\b|beats?\b|breaths?\b|/\s?min|per min|a min|℃|°|度)"


def _one_of(words: Iterable[str]) -> str:
    return "|".join(sorted(set(words), key=len, reverse=True))


_ALOUD = r"[\s,，、.。…—–-]*"
GAP = (
    r"(?:['’]?(?:s|re|d)(?![a-z]))?(?>"
    r"on \d+(?:\.\d)?\s*l(?:it(?:re|er)s?)?(?:/min)?(?: of (?:oxygen|o2))?(?=[^\d\n]{0,12}\d)"
    rf"|{_ALOUD}(?:{_PAUSES})(?![a-z'’]){_ALOUD}"
    rf"|(?:{_one_of((*_PHRASES, *_WORDS))})(?![a-z'’])"
    rf"|(?:{_one_of(_CALM)})(?![a-z])(?:[,，]\s*(?=\d+{_UNIT})|(?!\s*[,.;，。；]))"
    rf"|(?:{_one_of(_HAN_CALM)})(?:[,，]\s*(?=\d+{_UNIT})|(?!\s*[,.;，。；]))"
    rf"|{_one_of(_HAN)}"
    rf"|[,，]\s*(?=\d+{_UNIT})|\.{{2,}}|[?？](?=\s*\d)|[\s:：=~≈|…—–(（-]){{0,20}}+"
)
"""Nothing, or fillers and pauses; a bare comma only before a number with its unit."""

NO_OTHER = (
    r"(?!\d|\.\d|['’]?s\b|\s*(?:/|over|on)\s*\d{2,3}(?!\s*(?:l\b|lit|%))"
    r"|\s*-?\s*(?:years?|yrs?|y/?o\b|y\b|l\b|lpm|lit(?:re|er)s?|k(?:g|ilo)|cm\b|mg|mmol|days?\b"
    r"|hours?\b|hrs\b|weeks?\b|months?\b|岁|升|公斤|千克|厘米|毫|天|小时|周|个月|年|°|℃|度))"
)
"""After a number: not of another kind, such as a pressure, an age or a length of time."""
AT_BEGINNING = r"(?:^|(?<=[,;.，；、。：:]\s)|(?<=[,;.，；、。：:]))"
"""Where a clause begins: “96 pulse” is told there, and not within “RR 96 pulse 18”."""
