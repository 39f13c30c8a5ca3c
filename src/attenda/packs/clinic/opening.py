"""What the sentence that begins a flow may name of the clinic's own: a drug, findings, values.

Each gives a place in the sentence, or nothing; too little to work with is nothing, and is asked
for.
"""

import functools
import re
from collections.abc import Mapping, Sequence

from attenda.api import Catalogue
from attenda.packs.clinic.extract import mentions
from attenda.packs.clinic.formulary import starter
from attenda.packs.clinic.measured import readings
from attenda.packs.clinic.plain_answer import NOT_KNOWN, yes_no_or_unknown
from attenda.packs.clinic.words import FOLDER, read_yaml

__all__ = [
    "CATALOGUES",
    "is_plausible_order",
    "variant_in",
    "order_in",
    "order_told",
    "score_in",
]

_DOSE_BEFORE = re.compile(
    r"\d[\d.,/]*\s*(?:mg|mcg|µg|ug|g|ml|iu|units?|grams?|毫克|克|微克|毫升|片|粒)\s*(?:of\s+)?$",
    re.IGNORECASE,
)
_ENDS = re.compile(
    r"[.;!?\n。；！？](?!\d)"
    r"|[,，]?\s*\b(?:for|to|in|on|with)\s+(?:the\s+|my\s+|our\s+)?(?:(?:same\s+)?(?:patient|pt)\b"
    r"|[mM](?:rs?|s)\b|P\s?-?\s?\d{3}|him\b|her\b|them\b)"
    r"|[,，]?\s*(?:the\s+)?(?:patient|pt)\b(?=\W*(?:is|:|number|no\b|P\s?-?\s?\d{3}))"
    r"|[,，]?\s*P\s?-\s?\d{3}"
    r"|[,，]?\s*(?:能?给|是给|可以给)?(?:患者|病人)?(?:编号)?[是为：:]?\s*P\s?-\s?\d{3}"
    r"|[,，]\s*(?:患者|病人|给|请|帮|麻烦|先|看看|能|行)",
    re.IGNORECASE,
)
"""Where an order is over: the sentence ends, or it says for whom it is."""
_IDLE_END = re.compile(
    r"(?:[\s,，:：]|\b(?:please|pls|ok(?:ay)?|all right|safe|now|today|thanks|thank you|thx"
    r"|(?:would|could|can|will) you|as well|too|also"
    r"|(?:check|vet|review|look at)(?: (?:it|this|that))?(?: (?:first|over|for me))?|checked"
    r"|that is|is that|can i|instead)"
    r"|[吗吧呢么嘛对您嗯]|[核查看][一对查看]?[下看]?(?=$|[，。,.])|谢谢|可以|能不能|行不行|合适|的医嘱|的处方|医嘱|处方|能给|能用|给)+$",
    re.IGNORECASE,
)
_NO_WISH = re.compile(
    r"(?:\b(?:stop(?:ped|ping)?|don['’]?t|do not|not|never(?! ?mind)|instead of|off|already"
    r"|takes|taking|holds?|allerg\w+|after|(?:is|are|was|been|currently) on)\b"
    r"|停|不要|别|勿|正在|已经?在|在[吃服用]|过敏)[^.;。；]*$",
    re.IGNORECASE,
)
"""Before a drug: it is not this one that is ordered."""
_DOSE = re.compile(
    r"\d[\d.,/]*\s*(?:mgs?|mcg|µg|ug|g|mls?|iu|units?|grams?|毫克|克|微克|毫升|片|粒|单位)(?![a-z])",
    re.IGNORECASE,
)
_PAUSED_DOSE = re.compile(
    r"(?:[\s,，、.。…—–-]|h+m+|u+[hm]+|e+r+m*|let me (?:see|think)|yes|that['’]s|at|the|about"
    r"|[嗯呃哦啊呢嘛吧对]|我?[想看]+[一下]*|就|给|用){0,12}" + _DOSE.pattern,
    re.IGNORECASE,
)
"""A dose behind its drug, with a hesitation between the two."""
_TAKES_BACK = re.compile(
    r"\b(?:no|sorry|rather|instead|wait|i mean|make (?:it|that))\b|不对|不是|改|错", re.IGNORECASE
)
_BORDER = re.compile(r"[.;:!?。；：！？\n](?!\d)\s*|[,，](?!\s*\d)\s*")
_ENDS_CLAUSE = re.compile(r"[;!?。；！？\n]|\.(?!\d)|[,，]\s*(?!\d)")
_FORM = re.compile(r"片|胶囊|颗粒|注射液|口服液|针剂?|丸|膏|滴剂|滴眼液|糖浆|喷雾|散|栓")
_LEAD = re.compile(
    r"(?:\b(?:so|then|well|and|but|please|pls|ok|okay|let['’]?s|let|us|me|i['’]d|i['’]ll|i|we|can"
    r"|could|would|will|you|u|it['’]?s|it"
    r"|should|be|is|want|wanted|like|to|try|give|gimme|order|use|go|going|with|have|put|add|in"
    r"|down|for|just|prescribe"
    r"|start|make|that|this|one|here|on|him|her|them|the|patient|a|an|some|new|drug|medicine"
    r"|called|named|think|about|maybe"
    r"|perhaps|how|what|get|write|up|enter|do|need|needs|now|today)\b[\s,:]*|(?:就|那|我|想|要|用"
    r"|使用|改用|换成|换|开|开具|给|来|再|先|请"
    r"|帮|还是|是|他|她|病人|患者|一个|一种|个|点|试试|上)\s*)+",
    re.IGNORECASE,
)
_TAIL = re.compile(
    r"(?:[\s,，]*(?:please|pls|plz|thanks?|thx|ta|thank you|it is|it was|then|ok|okay"
    r"|for this one|and|吧|呗|哈|呢|呀|啦|了"
    r"|好了|就行|行吗|可以吗))+[\s.。!！]*$",
    re.IGNORECASE,
)
_NAME = re.compile(r"[a-z]{3}|[\u3400-\u9fff]{2}", re.IGNORECASE)
_HOW_OFTEN = re.compile(
    r"\d|\b(?:daily|once|twice|times|every|hourly|bd|tds|qds|od|prn|nocte|mane|orally|iv|im)\b|每"
    r"|次|日",
    re.IGNORECASE,
)
_QUESTION = re.compile(
    r"\W*(?:(?:and|but|so|ok(?:ay)?|那|请问)\W+)?(?:what|which|who|why|when|where|how)\b"
    r"|\W*(?:请问|那)?(?:什么|为什么|怎么|如何|谁|哪|多少|几)",
    re.IGNORECASE,
)
_ASKED = re.compile(r"[?？吗]\W*$")
_OWN_WORDS = re.compile(r"\b(?:i|i['’]m|i['’]ve|me|my|we)\b|我", re.IGNORECASE)
_SCALE_2 = re.compile(
    r"\b(?<!pain )scale[\s.…:-]*(?:no\.?|number|#)?\s*(?:2|two|II)(?![\w.]\d|\w)"
    r"|\b(?:second|2nd) (?:(?:SpO2|oxygen|O2|saturation|sats?) )?scale\b"
    r"|(?:量表|标准|标尺|评分表)(?:[的是为：:…\s]|第){0,4}[2二](?!\d|\s*[分升])"
    r"|[2二]号(?:血氧)?(?:量表|标准)"
    r"|第[2二][个套张种]?(?:血氧|氧饱和度?)?(?:饱和度)?的?(?:量表|标准|评分)",
    re.IGNORECASE,
)
_NOT_SO = re.compile(
    r"(?:\b(?:not|no|without|instead of|rather than|never)|n['’]t)\b(?:(?!\bbut\b)[^.,;:!?]){0,25}$"
    r"|(?:不[用要是按]|别[用按]|而非)[^，。；,;]{0,4}$",
    re.IGNORECASE,
)
_SCALE_1 = re.compile(r"\bscale[\s-]*(?:1|one)\b|(?:量表|标准)[1一](?!\d)", re.IGNORECASE)
_BAZETT = re.compile(r"(?<![a-z])bazett?(?![a-rt-z])|QTc-?B(?![a-z])|巴泽特", re.IGNORECASE)
_FRIDERICIA = re.compile(r"(?<![a-z])fridericia|QTcF(?![a-z])", re.IGNORECASE)
_FEWEST_FINDINGS, _FEWEST_VALUES = 2, 3


def order_in(text: str) -> tuple[int, int] | None:
    """An order in a sentence: from its known drug, with the dose before it, to its end.

    Of a drug that is named more than once, it begins where the dose stands beside it.
    """
    named = list(starter().spans(text))
    if not named:
        return None
    place = _told_last(text, named)
    if place is None:
        return None
    start, after = place
    dose = _DOSE_BEFORE.search(text[:start])
    paused = _PAUSED_DOSE.match(text, after)
    ends = _ENDS.search(text, paused.end() if paused else after)
    end = ends.start() if ends else len(text)
    more = any(end <= at and name != named[0][2] for at, _, name in named)
    if more or any(_NO_WISH.search(text[:at]) for at, _, _ in named if at <= start):
        return None  # which of them is wanted is asked
    idle = _IDLE_END.search(text[after:end])
    return dose.start() if dose else start, after + idle.start() if idle else end


def _told_last(text: str, named: Sequence[tuple[int, int, str]]) -> tuple[int, int] | None:
    """Where the drug stands that is ordered: the first, or where it is named again with a dose.

    Nothing where it has two doses, and the second takes the first not back.
    """
    start, after, _ = named[0]
    if len(named) > 1 and len({name for _, _, name in named}) == 1:
        dosed = [one for one in named if _dose_beside(text, one)]
        two = len({_dose_beside(text, one) for one in dosed}) > 1
        if two and not _TAKES_BACK.search(text[dosed[0][1] : dosed[-1][0]]):
            return None
        start, after, _ = (dosed or named)[-1]
    return start, after


def _dose_beside(text: str, named: tuple[int, int, str]) -> str:
    """The dose before or behind a drug's name, without its spaces; empty for none."""
    behind = _PAUSED_DOSE.match(text, named[1])
    before = _DOSE_BEFORE.search(text[: named[0]])
    said = _DOSE.search(behind.group()) if behind else before
    return re.sub(r"\s|of\s*$", "", said.group()).lower() if said else ""


def order_told(text: str) -> tuple[int, int]:
    """The place of an order in an answer to which medicine, without what is chatted around it.

    The whole answer where nothing shows where the order begins.
    """
    place = order_in(text)
    if place:
        start, end = place
        return start, len(text) if _HOW_OFTEN.search(text[end:]) else end
    if next(iter(starter().spans(text)), None):  # not wanted, or one of several: as it was said
        return 0, len(text)
    dose = _DOSE.search(text)
    last = dose.start() if dose else len(text.rstrip()) - 1
    starts = [0, *(one.end() for one in _BORDER.finditer(text) if one.end() <= last)]
    if not dose and not (len(starts) > 1 and _FORM.search(text[starts[-1] :])):
        return 0, len(text)
    ends = _ENDS_CLAUSE.search(text, dose.end() if dose else len(text))
    start, end = starts[-1], ends.start() if ends else len(text)
    if _HOW_OFTEN.search(text[end:]):
        end = len(text)
    end = len(text[:end].rstrip(" .,，。"))
    lead, idle = _LEAD.match(text, start, end), _TAIL.search(text, start, end)
    start, end = lead.end() if lead else start, idle.start() if idle else end
    return (start, end) if _NAME.search(text[start:end]) else (0, len(text))


def is_plausible_order(text: str) -> bool:
    """Whether an answer to which medicine may be one: a known drug, or a name that may be one.

    A score, vital signs, a bare yes or a question about something are none.
    """
    if next(iter(starter().spans(text)), None):
        return True
    if not _NAME.search(text):
        return False
    if _QUESTION.match(text) and (_ASKED.search(text) or not _DOSE.search(text)):
        return False  # “what was it called … Zorvamax 20 mg” asks nothing
    measured = readings(text)
    left = text
    for one in reversed(measured):
        left = left[: one.start] + " " * (one.end - one.start) + left[one.end :]
    if _DOSE.search(left):
        return True
    said = yes_no_or_unknown(text)
    return not (measured or said or NOT_KNOWN.search(text) or score_in(text))


def score_in(text: str) -> str:
    """The score that a text names, as the flow calls it; empty for none."""
    if variant := variant_in(text):
        return variant
    said = [one for pattern, name in _score_names() for one in [(pattern.search(text), name)]
            if one[0]]  # fmt: skip
    return said[0][1] if said else ""


def variant_in(text: str) -> str:
    """The form of a score that a text wants beside the usual one, wherever its name stands.

    NEWS2 with oxygen scale 2, or QTc by Bazett; empty where it wants neither, or denies it.
    """
    for pattern, usual, variant in (
        (_SCALE_2, _SCALE_1, "news2_scale2"), (_BAZETT, _FRIDERICIA, "qtc_bazett"),
    ):  # fmt: skip
        said = [one for one in pattern.finditer(text) if not _NOT_SO.search(text[: one.start()])]
        if said and not any(
            not _NOT_SO.search(text[: one.start()]) for one in usual.finditer(text)
        ):
            return variant
    return ""


@functools.cache
def _score_names() -> list[tuple[re.Pattern[str], str]]:
    """A pattern of each name that the flow of scores has, the longest first, and its score."""
    choices = read_yaml(FOLDER / "flows" / "score.yaml")["score"]["slots"]["score"]["choices"]
    names = [(word, name) for name, words in choices.items() for word in map(str, words)]
    return [
        (re.compile(rf"(?<![a-z0-9]){re.escape(word)}(?![a-z0-9])", re.IGNORECASE), name)
        for word, name in sorted(names, key=lambda one: -len(one[0]))
    ]


def _findings_in(text: str) -> tuple[int, int] | None:
    """A sentence with findings of somebody else; who tells their own wants to be heard."""
    found = {one.finding for one in mentions(text)}
    told = len(found) >= _FEWEST_FINDINGS and not _OWN_WORDS.search(text)
    return (0, len(text)) if told else None


def _values_in(text: str) -> tuple[int, int] | None:
    """A sentence with several measured values."""
    found = {one.name for one in readings(text)}
    return (0, len(text)) if len(found) >= _FEWEST_VALUES else None


CATALOGUES: Mapping[str, Catalogue] = {
    "drugs": order_in,
    "findings": _findings_in,
    "values": _values_in,
}
