"""What somebody of the clinic wants to begin, read in the parts of a chatty sentence. Pure.

A thing (a sealed chart, an order, a note) and what is to be done with it, wherever they stand.
Where two wishes fit, none is read: then the sentence is understood like any other.
"""

import re
from collections.abc import Mapping

from attenda.packs.clinic.note import turns_of
from attenda.packs.clinic.opening import order_in

__all__ = ["ORDER_NUMBER", "PATIENT_NUMBER", "is_dialogue", "wish_in"]

PATIENT_NUMBER = re.compile(r"(?<![A-Z0-9])P[\s.\-\u2010-\u2015]{0,3}(\d{3})(?!\d)", re.IGNORECASE)
ORDER_NUMBER = re.compile(
    r"(?<![A-Z0-9])OR[\s.\-\u2010-\u2015]{0,3}([0-9A-F]{6})(?![0-9A-F])", re.IGNORECASE
)


def _both(*parts: str, never: str = "") -> re.Pattern[str]:
    """A text in which each of the parts stands, in any order, and none of `never`."""
    ahead = "".join(rf"(?=.*(?:{one}))" for one in parts)
    without = rf"(?!.*(?:{never}))" if never else ""
    return re.compile(rf"\A{without}{ahead}", re.IGNORECASE | re.DOTALL)


_NOT_SO = (
    r"\b(?:don['’]?t|do not|never|cancel|stop|instead)\b|不要|(?<![鉴特区性])别|不用|取消|先不"
)
_SEALED = (
    r"受限|封存|被封|封着|封起来|锁住|锁着|锁定|锁了|保密|\b(?:sealed|restricted|locked|protected"
    r"|confidential)\b"
)
_WISHES: Mapping[str, re.Pattern[str]] = {
    "open_sealed": _both(
        _SEALED,
        r"病历|病案|档案|\b(?:charts?|records?|files?|notes)\b",
        r"打开|开一下|开下|开开|开给|给我开|看|调阅|调出|查阅|解封|解锁|进去"
        r"|\b(?:open|see|look|access|unseal|unlock|get into|let me|read|view|break)",
        never=_NOT_SO,
    ),
    "draft_note": _both(
        r"病历|病程|门诊记录|\b(?:notes?|write-?up)\b",
        r"写|起草|草拟|起个?稿|拟|整理|弄成|做成|变成|生成|\b(?:write|written|type|typed|draft\w*"
        r"|prepare|put together"
        r"|turn|summari[sz]e)\b",
        r"对话|聊|谈话|问诊|说的|录音|病历|病程|\b(?:conversation|chat|dialogue|talk|visit"
        r"|consult\w*|said"
        r"|up|note|notes)\b",
        never=_NOT_SO + "|" + _SEALED + r"|医嘱|处方|\b(?:order|prescription|chart|letter)\b",
    ),
    "check_order": _both(
        r"(?:医嘱|处方|方子).{0,8}(?:核|审|查|看一?[看下]|过目|把关)|(?:核|审|查|看一?[看下]|把关"
        r"|过一遍).{0,8}(?:医嘱|处方|方子)"
        r"|(?:下|开|写|录|起草)(?:[一个条张份]|一条|一张|一份)?(?:医嘱|处方)|开(?:具|点|个|些"
        r"|一?种)?药|把药.{0,3}开|药.{0,3}给?开上"
        r"|\b(?:check|vet|verif\w+|review|look over|look at)\b.{0,25}\b(?:orders?|prescriptions?"
        r"|script|rx)\b"
        r"|\b(?:orders?|prescriptions?|script|rx)\b.{0,25}\b(?:checked|vetted|verified|reviewed"
        r"|check)\b",
        never=_NOT_SO + r"|\bOR-|签|\bsign",
    ),
    "weigh": _both(
        r"鉴别|(?:可能|会|能|大概|到底)?(?:是|有|得)(?:了)?(?:什么|啥|哪些|哪种)(?:毛病|病|疾病"
        r"|诊断)"
        r"|(?:哪些|什么|啥)(?:诊断|疾病|病).{0,5}考虑|考虑.{0,5}(?:哪些|什么|啥)?(?:诊断|疾病)"
        r"|\b(?:differentials?|ddx|diagnos[ei]s to consider|possible diagnos[ei]s"
        r"|what am i missing)\b"
        r"|\bwhat (?:could|might|can|else could) (?:it|this|that|he|she|they)\b",
        never=_NOT_SO + r"|医嘱|处方|评分|\bscore\b",
    ),
}
_ORDERS = re.compile(
    r"开|用|加|给|\b(?:order|prescribe|give|start|put|add|write|enter|draft|let['’]?s|need|needs"
    r"|want|wants|like)\b",
    re.IGNORECASE,
)
_DOSED = re.compile(
    r"\d\s*(?:mgs?|mcg|µg|ug|g|mls?|iu|units?|毫克|微克|克|毫升|片|粒|单位)(?![a-z])", re.IGNORECASE
)
_HAD = re.compile(
    r"\b(?:had|took|was given|got|reacted|yesterday|last (?:night|week)|takes|is (?:on|taking)"
    r"|(?:has|have) been|already|usually)\b"
    r"|[吃用服]过|[吃用服]了|昨|过敏|正?在[吃用服]|[一长]直?[在期][吃用服]|平时|已经",
    re.IGNORECASE,
)
"""What a patient had or takes already is no order."""
_SIGNS = re.compile(r"签|\b(?:sign|signed|signature|authori[sz]e|approve)\b", re.IGNORECASE)
_FEWEST_TURNS = 3


def is_dialogue(text: str) -> bool:
    """Whether a text is what a clinician and a patient said in turn."""
    turns = turns_of(text)
    return len(turns) >= _FEWEST_TURNS and {one.by for one in turns} == {"clinician", "patient"}


def wish_in(text: str) -> str:
    """The flow that a text wants; empty where it tells none, or more than one."""
    if is_dialogue(text):
        return "draft_note"
    if ORDER_NUMBER.search(text):
        return "sign_order" if _SIGNS.search(text) else ""
    found = {name for name, pattern in _WISHES.items() if pattern.match(text)}
    wanted = _ORDERS.search(text) or (_DOSED.search(text) and not _HAD.search(text))
    if PATIENT_NUMBER.search(text) and order_in(text) and wanted:
        found.add("check_order")
    return found.pop() if len(found) == 1 else ""
