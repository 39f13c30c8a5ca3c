"""Whether words say that somebody breathes oxygen or air (en, zh-CN). Pure.

A saturation is no oxygen, and neither is a question about it: what is not plain is left out.
"""

import re
from collections.abc import Iterator

__all__ = ["oxygen_said"]

_LITRES = (
    r"(?<![a-z\d.])(?:\d+(?:\.\d+)?|an?|one|two|three|four|five|six|eight|ten)\s*(?:lpm|l(?:it(?:re|er)s?)?)"
    r"(?![a-z])(?:\s*(?:/|per |a )\s*min(?:ute)?\b)?"
)
_O2 = (
    r"(?:(?:supplement(?:al|ary)|nasal|extra|added|some|any|the|her|his|low[- ]flow|high[- ]flow"
    r"|a little|a bit of|home) )*(?:oxygen|O2)(?![a-z])"
    r"(?!\s*(?:sat|level|requirement|target|reading|content))"
)
_PAUSE = r"(?:[\s,]*(?:h+m+|u+[hm]+|e+r+m*|like|about|around|just|only|some|still)[\s,]*)*\s*"
_NO_OXYGEN = (
    r"(?!\s*(?:of\s+(?!(?:supplemental |nasal )?(?:oxygen|O2))|fluid|saline|water|urine|iv\b|output"
    r"|in\b|positive|negative|crystalloid|ringer|hartmann))"
)
_GETS = re.compile(
    rf"{_LITRES}\s*(?:of )?{_O2}"
    rf"|(?<![a-z]){_O2}(?:\s|[,:=@(-]|['’]s\b|\b(?:is|being|at|on|in|running|going|flow|flowing|given|currently|now"
    rf"|with|rate|of)\b)*{_LITRES}"
    rf"|\b(?:on|with|getting|gets|receiving|receives|breathing){_PAUSE}{_LITRES}{_NO_OXYGEN}"
    rf"|\b(?:on|with|getting|gets|receiving|receives|wearing|wears|has got|having){_PAUSE}{_O2}"
    rf"|(?<![a-z]){_O2}\s*(?:is|[:=-])?\s*(?:yes|on|running|going|given|in use)\b(?! (?:room )?air)"
    r"|\bnasal (?:cannula|specs|prongs)\b|\bNC(?= ?\d)|\bnon-?rebreathe\w*|\bventuri\b"
    r"|\bface ?mask\b|\bFiO2\W{0,3}(?:0?\.)?(?:2[2-9]|[3-9]\d)\b",
    re.IGNORECASE,
)
_MENTIONED = re.compile(
    rf"(?<![a-z]){_O2}\s*(?:is|was|[:=,-])?\s*(?:off|no(?:ne|t (?:on|given|needed|used))?|nil"
    r"|stopped|0(?: ?l)?)\b"
    rf"|(?:\b(?:no|not|nil|without|off|never|stopped)|n['’]t)\b(?: [a-z]+){{0,3}}? {_O2}",
    re.IGNORECASE,
)
_AIR = re.compile(
    r"\b(?:on )?(?:room |ambient )?air\b(?! (?:hunger|way))|\bRA\b|[吸呼]?[的是]?空气|无氧疗"
    r"|\bFiO2\W{0,3}(?:0?\.)?21\b",
    re.IGNORECASE,
)
_DENIED = re.compile(
    r"(?:\b(?:no|not|nil|without|off|never|no longer|stopped|denies)|n['’]t)\b(?: (?!but\b|and\b)"
    r"[a-z]+){0,3}\s*$",
    re.IGNORECASE,
)
_OPEN = re.compile(
    r"\s*(?:\?(?!\s*(?:yes|yeah|\d))"
    r"|(?:is |was |[:=-])?\s*(?:unknown|not (?:known|sure|documented)|unclear)"
    r"|(?:since )?(?:yesterday|earlier|last (?:night|week)|before|previously|overnight)\b)",
    re.IGNORECASE,
)
"""After the words: nobody knows, or it was so before."""
_DOUBT = re.compile(
    r"\b(?:(?:should|shall|does|do|is|are|may|might) (?:i|we|you|he|she|they|the patient)"
    r"|if|whether|consider\w*|target|start|try) (?:(?:he|she|they|is|are|be|to) )*(?:[a-z]+ )?$",
    re.IGNORECASE,
)
"""Before the words: it is asked or planned, and nothing is said of now."""

_HAN_LITRES = r"(?:\d+(?:\.\d+)?|[一二两三四五六八十])\s*(?:升|L)(?:\s*[/每]?\s*(?:分钟?|min))?"
_HAN_O2 = r"(?<![血脉低缺])氧(?![饱合和])(?:气|疗|流量)?"
_BREATHES = r"[吸上用给戴带开供输接靠插](?:着|上|了|过|的是?|入|进)*"
_HAN_GETS = re.compile(
    rf"{_BREATHES}(?:呢|大概|差不多|{_HAN_LITRES}|的|点|些|个|流量|低|高)*{_HAN_O2}"
    rf"|{_HAN_LITRES}\s*的?{_HAN_O2}|吸[着了]?{_HAN_LITRES}"
    rf"|{_HAN_O2}[^，。；,;\d没未不无停]{{0,4}}[:：是]?{_HAN_LITRES}|鼻导管|鼻塞|面罩|[低高]流量"
    rf"|{_HAN_O2}(?:正?在?)(?:吸|用|开|戴|上)着",
    re.IGNORECASE,
)
_HAN_DENIED = re.compile(
    r"(?:没有?|未|[不无非]|停了?|停止|撤了?|否认|脱离)(?:有|在|再|给|他|她|予|用|需要?|必|上|让|病人"
    r"|患者|曾|过|去|能|着)*$"
)
_HAN_NONE = re.compile(
    rf"(?:没有?|未|[不无]|停[了止]?|撤了?)(?:有|在|再|给|他|她|予|用|需要?|必|上|让|吸|戴|开|过|着)*"
    rf"{_HAN_O2}|{_HAN_O2}(?:[嘛呢啊也都就还倒是，,：:]*)(?:没|未|不(?!详|知|清)|无|停|撤|关)"
)
_HAN_AFTER = re.compile(
    r"(?:[嘛呢啊也都就还倒是，,：:]*)(?:没(?!问题)有?(?!到|升)|未(?!知)|无|否|停|撤|关)"
)
_HAN_OPEN = re.compile(r"[吗么]|[?？]|(?:情况)?[:：是]?(?:不详|未知|不清楚|不知道|不明)")
_HAN_DOUBT = re.compile(r"(?:要不要|是否|需要?|应该?|能不能|可以|准备|建议|拟|考虑|家里有?|如果)$")

_NEAR = 60
"""Places before the words in which a no or a doubt may stand."""
Said = tuple[bool, int, int]


def oxygen_said(text: str) -> list[Said]:
    """Whether they get oxygen, and the place of the words; those that say so come first."""
    found = [*_english(text), *_chinese(text)]
    return sorted(found, key=lambda one: not one[0])


def _english(text: str) -> Iterator[Said]:
    for one in _GETS.finditer(text):
        before = text[max(0, one.start() - _NEAR) : one.start()]
        if _DENIED.search(before):
            yield False, one.start(), one.end()
        elif not (_OPEN.match(text, one.end()) or _DOUBT.search(before)):
            yield re.search(r"(?<![\d.])0+ ?l", one.group(), re.I) is None, one.start(), one.end()
    for pattern in (_MENTIONED, _AIR):
        for one in pattern.finditer(text):
            if not _OPEN.match(text, one.end()):
                yield False, one.start(), one.end()


def _chinese(text: str) -> Iterator[Said]:
    for one in _HAN_GETS.finditer(text):
        before = text[max(0, one.start() - _NEAR) : one.start()]
        if _HAN_DENIED.search(before):
            yield False, one.start(), one.end()
        elif _HAN_AFTER.match(text, one.end()):
            yield False, one.start(), one.end()
        elif not (_HAN_OPEN.match(text, one.end()) or _HAN_DOUBT.search(before)):
            yield True, one.start(), one.end()
    for one in _HAN_NONE.finditer(text):
        yield False, one.start(), one.end()
