"""Where a sentence names the learner that it is about: "the report of lea", lea 的报告."""

import re

__all__ = ["learner_in"]

_ID = r"([a-z][a-z0-9_.-]*[a-z0-9])"
_NAMED = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"\b{_ID}['’]s (?:[a-z]+ ){{0,3}}?(?:report|progress|mastery|results)",
        rf"\b(?:set|put) {_ID} (?:at|to)\b",
        rf"\b(?:learner|pupil|student)s?(?: (?:is|called|named))?[ :：]+{_ID}",
        rf"\b(?:reports?|progress|mastery|results)[ :：]+(?:(?:for|of|on|about)[ :：]+)?{_ID}",
        rf"\bhow(?:['’]?s| is| has| does)? {_ID} (?:(?:is|has been|does) )?"
        r"(?:doing|getting on|coming (?:on|along)|going on|faring|progressing|performing)\b",
        rf"^{_ID}(?:[:：]|[,，](?=\s*[\u3400-\u9fff]))",
        rf"(?:学生|学员|学习者|同学)[是叫：: ]*{_ID}",
        rf"[是叫看查指问就找说](?:一?下)? ?{_ID}(?![a-z0-9])"
        r"(?=[吧呀啊呢哦嘛哈啦的，,。.!！谢这]|同学|\s*$)",
        rf"(?<![a-z0-9]){_ID} ?(?:[这那][个名位]|同学|的|在|[\u3400-\u9fff]{{2,8}}的掌握)",
        rf"(?<![a-z0-9]){_ID} ?(?:学得|学习|最近|怎么样|现在|进步|掌握|情况|报告)",
    )
]
_NOBODY = frozenset(
    """
    a an the my your our this that these those of in on for to by with about and or is are was be
    one some any each every me him her them it its his their who whose which what how report
    reports progress mastery results learner learners pupil pupils student students class please
    hand here set sheet worksheet hello hi hey thanks doing knows has had does did gets goes
    he she they things everything everybody everyone practice getting coming going along keeping
    lately ok app ppt pdf qq maths math number
    """.split()
)


def learner_in(text: str) -> tuple[int, int] | None:
    """The place of a learner's id in a sentence, if it names one."""
    for pattern in _NAMED:
        for found in pattern.finditer(text):
            if found[1].lower() not in _NOBODY:
                return found.span(1)
    return None
