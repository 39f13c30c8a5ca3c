"""Where a sentence names the learner that it is about: "the report of lea", lea 的报告."""

import re
from functools import lru_cache

from attenda.packs.tutor.course import school_course
from attenda.packs.tutor.topics import topic_in

__all__ = ["learner_in", "mastery_in"]

_ID = r"([a-z][a-z0-9_.-]*[a-z0-9])"
_ABOUT = r"(?:rep(?:ort|otr|rot|or)s?|progress?|mastery|results)"
_FOR = r"(?:for|of|on|about|4)[ :：]+"
_CLOSES = r"(?=\s*(?:$|[,.;:!?]|(?:please|pls|plz|thanks|thx)\b))"
_NAMED = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"(?<!my )(?<!our )\b{_ID}['’]s (?:[a-z]+ ){{0,3}}?{_ABOUT}",
        rf"\b(?:set|put|bring|raise|move|override|make|mark) {_ID}"
        r" (?:(?:at|to|on|in|up|for|as)\b|\d)",
        rf"\b(?:learner|pupil|student)(?: (?:is|called|named))?[ :：]+{_ID}",
        rf"\b{_ABOUT} {_FOR}(?:(?:learner|pupil|student) )?{_ID}",
        rf"\b{_ABOUT}[ :：]+{_ID}{_CLOSES}",
        rf"^{_ID}(?:,| [-–:])? (?:(?:the|a|full|progress) )*{_ABOUT}{_CLOSES}",
        rf"^{_ID} ?[-–:,] ?how\b",
        r"\b(?:gimme|give me|show|show me|get|need|see|open|check|find|what['’]?s|set|put"
        rf"|change|raise|update) {_ID} {_ABOUT}\b",
        rf"\bhow(?:['’]?s| is| has| does| was)? {_ID} (?:(?:is|has been|been|does) )?"
        r"(?:doin['’g]?|getting on|coming (?:on|along)|going on|faring|progressing|performing)"
        r"(?![a-z])",
        rf"^{_ID}(?:[:：]|[,，](?=\s*[\u3400-\u9fff]))",
        rf"(?:学生|学员|学习者|同学)[是叫：: ]*{_ID}",
        rf"[是叫看查指问就找说](?:一?下)? ?{_ID}(?![a-z0-9])"
        r"(?=[吧呀啊呢哦嘛哈啦的，,。.!！谢这]|同学|\s*$)",
        rf"(?<![a-z0-9]){_ID} ?(?:[这那][个名位孩]|同学|的|在|[\u3400-\u9fff]{{2,8}}的?掌握)",
        rf"(?:报告|进度|情况)[ :：]*{_ID}\s*$",
        rf"\babout {_ID}\b(?=.*\b(?:report|progress))",
        rf"(?<![a-z0-9]){_ID} ?(?:咋样|怎样|如何|学得|学习|最近|怎么样|现在|进步|掌握|情况|报告)",
    )
]
_SET = re.compile(r"\bmaster(?:y|ed)\b|\boverride\b|掌握|[%％]|百分之|percent|改成|设[为成]|调到")
"""A mastery is set: then a learner is whom it is set for, or who is called by name first."""
_MASTERY = re.compile(r"\bmaster(?:y|ed)\b|掌握")
_SET_FOR = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"\b(?:for|of) {_ID}(?: (?=(?:to|at|in|on|up|as|be|that)\b|\d)|{_CLOSES})",
        rf"^{_ID}(?:[,:]| (?:has|can|is|knows)\b)",
        rf"\b(?:that|which|what) {_ID} (?:has|have|got|reached|shows)\b",
        rf"\b(?:set|put|change|raise) {_ID},",
        rf"\boverride {_ID}\b",
        rf"^{_ID} mastery\b",
        rf"\b{_ID}['’]?s (?=(?:[a-z]+ ){{0,4}}mastery)",
        rf"(?:[：:]\s*|[给把将] ?){_ID}(?=[,，]| ?[\u3400-\u9fff])",
        rf"(?<![a-z0-9]){_ID} ?[\u3400-\u9fff]{{2,10}}?(?:改|设|调|弄|拉|提|标|\d)",
    )
]
_IN_HAN = re.compile(rf"(?<![a-z0-9_.-]){_ID}(?![a-z0-9_.-])", re.IGNORECASE)
_TOLD_HAN = re.compile(r"[\u3400-\u9fff].*(?:报告|学得|学习|情况|进度|进步|表现|掌握)")
"""In such a sentence a word of Latin letters is a name."""
_NOBODY = frozenset(
    """
    a an the my your our this that these those of in on for to by with about and or is are was be
    one some any each every me him her them it its his their who whose which what how report
    reports progress mastery results learner learners pupil pupils student students class please
    hand here set sheet worksheet hello hi hey thanks doing knows has had does did gets goes
    he she they things everything everybody everyone practice getting coming going along keeping
    lately ok app ppt pdf qq maths math number pls plz thx asap now today tonight tomorrow yesterday
    from at as all both real really quick quickly full short latest new last school week weeks
    learning study term month year another other same so well right yes no sorry good morning
    afternoon evening day someone somebody anyone anybody nobody mine ours yours hers theirs own
    kid kids child childs children boy boys girl girls son sons daughter daughters mum mums
    mom moms dad dads parent parents teacher teachers colleague colleagues skill skills topic
    topics level hand percent mastered score up down again soon there then but if when while
    because can could would will should may might must not also only just out off over under
    teh da dat dis tis need want get show see give gimme check open look pull bring print
    doin gettin weekly daily monthly detailed brief ai wifi
    excel word vs repotr reprot needed wanted required requested due
    override worries worried who's that's what's it's let's there's
    """.split()
)


def learner_in(text: str) -> tuple[int, int] | None:
    """The place of a learner's id in a sentence, if it names one."""
    patterns = [*_NAMED, *(_SET_FOR if _SET.search(text.lower()) else [])]
    patterns += [_IN_HAN] if _TOLD_HAN.search(text) else []
    for pattern in patterns:
        for found in pattern.finditer(text):
            if not _is_nobody(found[1].lower()):
                return found.span(1)
    return None


_PERCENT = re.compile(r"(?<![\d.])(\d{1,3}) ?(?:[%％]|per ?cent\b)|百分之(\d{1,3})")
_PLEADS = re.compile(r"\b(?:(?:would|could|can|will) (?:you|u)|please)\b")
_NO_ORDER = re.compile(
    r"\?|？|\b(?:not|don'?t|never|why|says|reads|paper|worksheet|sheet|if|all|every\w*)\b"
    r"|[不别写印]|为什么|所有|全班|[纸卷]|如果"
)
"""It is asked, denied, read out, or about everybody."""


def mastery_in(text: str) -> tuple[str, str, int] | None:
    """The learner, the skill and the percent that a mastery is to be set to; None where one lacks.

    Nothing is set by it: whoever says so is asked for a yes, and may not have the right.
    """
    said = text.lower().replace("’", "'")
    said = said.rstrip("? ") if _PLEADS.search(said) else said
    place, percent = learner_in(text), _PERCENT.findall(said)
    if not place or len(percent) != 1 or _NO_ORDER.search(said) or not _MASTERY.search(said):
        return None
    skill = topic_in(_PERCENT.sub(" ", said).replace("mastery", " ").replace("掌握", " "))
    number = int("".join(percent[0]))
    return (text[slice(*place)], skill, number) if skill and number <= 100 else None


def _is_nobody(word: str) -> bool:
    return word in _NOBODY or word in _topic_words() or re.fullmatch(r"[a-z]-\d+", word) is not None


@lru_cache(maxsize=1)
def _topic_words() -> frozenset[str]:
    """Words of topics: "the mastery of adding fractions" is of nobody called adding."""
    skills = school_course().graph.skills.values()
    return frozenset(
        word for one in skills for title in one.title.values() for word in title.lower().split()
    )
