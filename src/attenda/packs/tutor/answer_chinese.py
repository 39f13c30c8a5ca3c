"""Whether a number in a Chinese clause is an answer, by the words around it.

Nothing but particles follows an answer, and what stands before it is a run of words of
`answer_words.toml`, or ends in one and is about the exercise and nobody else. Pure.
"""

import re
from functools import lru_cache

from attenda.packs.tutor.answer_words import CALCULATION, NUMBER, chinese_words

__all__ = ["chinese_answers"]

_ASKS = re.compile(
    r"为什么|为啥|凭什么|怎么|咋|哪|什么|啥|多少|几|谁|给我|告诉|帮我(?!记|填|写|改)|如何|解释|讲讲|提示"
)
_DENIES = re.compile(
    r"(?:不|没|别|未|非)(?:觉得|认为|相信|信|是|等于|该|应该|应当|可能|会|为|得|填|写|选|要|能|算|说|猜|改|到|止"
    r"|超过|像)|大于|小于|多于|少于|超过|至少|至多|最多|最少|除了|比(?!较)"
)
_WRONG_BEFORE = re.compile(
    rf"(?:要|还有|给|用|把|将|从|由|按|做了?|愿意|打算|先[算乘加减除求]?|(?:\A|(?<=[\s也都才就已今]))我"
    rf"|{NUMBER}\s*[吗呢]?\s*(?:或者?|还是|要么|要不|和|跟|与|到|至|个))\s*\Z"
)
"""Right before a number these say that it is wanted, taken or one of two."""


_LINKED = re.compile(r"(?:是|得|填|写|为|成|等于|等与|算出|猜|选|报|答|交|蒙|=)[了个\s]*\Z")
_AGREED = re.compile(r"也(?:说|觉得|认为|算)(?:是|出来?|得)?\s*\Z")
"""Somebody else comes to what the learner says, too."""
_FEW = 4
"""Characters that nobody knows before a word that leads up to a number: slips, mostly (因该是)."""
_NEAR_TAIL = re.compile(
    r"(?![个块元角毛分秒岁号班点遍题道天日月年次回只本页米克斤两度楼层名位条件张种人倍杯瓶袋包盒箱把支枝根颗粒片朵"
    r"棵座辆架艘台部首篇句段行列排组队对双套份批些下场局盘顿餐碗勺口步圈群匹头尾幅面间栋家所笔门课章节集期届级档环"
    r"路站线里公千厘毫吨升平周星礼小钟刻以多几来加减乘除比和跟与到至或还呢码卷校室])[\u3400-\u9fff]{1,3}\Z"
)
_NO_TAIL = re.compile(r"不[对是行该够止]|错|没|别|大|小|多|少|太|才|还|远|近|高|低|早|晚|快|慢")
"""Some characters behind a number may be anything, but for what measures, compares or denies."""


@lru_cache(maxsize=1)
def _chunks() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Known Chinese words: a run of them up to a number, and all that follows it."""
    before, after = (
        "|".join(sorted(map(re.escape, chinese_words(name)), key=len, reverse=True))
        for name in ("before", "after")
    )
    marks = rf"[{NUMBER}{CALCULATION}=\s]"
    return re.compile(rf"(?:{before}|{marks})*+\Z"), re.compile(rf"(?:{after}|\s)*+\Z")


@lru_cache(maxsize=8)
def _any_of(name: str) -> re.Pattern[str]:
    return re.compile("|".join(map(re.escape, chinese_words(name))))


def chinese_answers(before: str, after: str) -> bool:
    """Whether a number between two parts of a clause is an answer."""
    run, tail = _chunks()
    near = before.rpartition(NUMBER)[2]
    behind = after.partition(NUMBER)[0].strip()
    linked = _LINKED.search(before) is not None
    loosely = linked and _NEAR_TAIL.match(behind) and not _NO_TAIL.search(behind)
    if not (loosely or tail.match(behind.removesuffix("不"))):
        return False
    if _ASKS.search(before) or _DENIES.search(near) or _WRONG_BEFORE.search(before):
        return False
    if _any_of("elsewhere").search(before):
        return False
    known = run.search(before)
    rest = before[: known.start()] if known else before
    if _AGREED.search(before):
        return True
    if rest and linked and len(rest.strip()) <= _FEW:
        return not _any_of("people").search(before)
    return not rest.strip() or _is_about(before, rest)


def _is_about(before: str, rest: str) -> bool:
    """Whether a clause with other words in it is about the exercise, and about nobody else."""
    ends_known = len(rest) < len(before.rstrip())
    others = [one.end() for one in _any_of("people").finditer(before)]
    own = before.rfind("我")
    return (
        ends_known and bool(_any_of("about").search(before)) and (not others or own >= others[-1])
    )
