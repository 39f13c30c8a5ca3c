"""Yes, no or not known, as people answer a question about a finding (en, zh-CN). Pure.

What begins the answer counts first; then what they say they don't know; a "perhaps" is neither.
"""

import re
from collections.abc import Callable

__all__ = ["NOT_KNOWN", "yes_no_or_unknown"]

Answer = tuple[bool | None, tuple[int, int]]


def _any(*parts: str) -> re.Pattern[str]:
    return re.compile("|".join(parts), re.IGNORECASE)


NOT_KNOWN = _any(
    r"\b(?:(?:do\s?n['’]?t|do not|can['’]?t|cannot|could\s?n['’]?t) (?:really |quite )?"
    r"(?:know(?! of)|remember|recall|say|tell|judge))\b",
    r"\bwould\s?n['’]?t know\b|\b(?:dunno|idk|unsure|uncertain|unknown|unclear|who knows"
    r"|beats me|search me|no memory"
    r"|drawing a blank)\b",
    r"\bnot (?:too |really |quite |entirely |at all )?(?:sure|certain|clear|known|documented"
    r"|recorded|available"
    r"|assessed|tested|checked|examined|measured)\b",
    r"\b(?:has|have|was|were|is)\s?n['’]?t (?:been )?(?:assessed|tested|checked|examined"
    r"|measured|documented"
    r"|recorded|known|clear)\b",
    r"\bnever (?:checked|looked|measured|tested|asked)\b|\bnot? (?:info|information|data"
    r"|records?)\b",
    r"\b(?:no|a|any|the (?:foggiest|faintest|slightest)) (?:clue|idea|notion)\b|\bno telling\b",
    r"\bforg[eo]t(?:ten)?\b|\b(?:escapes me|slipped my mind)\b",
    r"\b(?:have|need|want) to (?:look|check|ask)\b|\bnobody (?:told me|knows)\b"
    r"|\bwas\s?n['’]?t told\b",
    "不知道|不清楚|不太清楚|不晓得|不记得|记不[清得住起]|想不起|说不[上清准]|答不上|没印象|忘了"
    "|忘记|不确定|不了解|没把握",
    "不详|未知|不明|没查|没测|没问|没评估|未评估|未检查|没有?记录|无记录|[得要]看[^，。]{0,3}药盒"
    "|得问|要问",
)
"""They don't know, or nobody looked."""
_HEDGE = _any(
    r"\b(?:maybe|perhaps|possibl[ey]|could (?:well |very well )?(?:be|have)|might|may be"
    r"|hard to (?:say|tell)"
    r"|difficult to (?:say|tell)"
    r"|borderline|sort of|kind of|depends|probably|equivocal|questionable)\b",
    "可能|也许|或许|大概是|说不好|不好说|难说|没准|好像是|疑似|拿不准|差不多吧",
)
_SO_FOR_SURE = _any(
    r"\b(?:no|without (?:a |any )?|beyond (?:a |any )?)\s*(?:doubt|question)\b",
    r"\b(?:can['’]?t|cannot|won['’]?t|not) deny(?:ing)?\b",
    "毫无疑问|不否认|不是没有|并非没有",
)
"""A yes with the word of a no in it."""
_NEITHER = _any(
    r"\b(?:yes|no) and (?:yes|no)\b|\bno\b\W+wait\b|\bnot (?:only|just)\b|\bnothing but\b",
    r"\b(?:not|never|\w+n['’]t|cannot)(?: yet)?(?: be)?(?: been)? "
    r"(?:ruled? out|excluded?|ruling out)\b",
    r"[不没未][能有可]?(?:完全)?排除|不[仅但光只止]|是不是$|(?<!没)有没有$",
)
"""A no of something else: that it is not ruled out says no more than that it may be."""
_LEAD = (
    r"^\W*(?:(?:oh|well|so|hm+|um+|uh+|er+|ah|ok(?:ay)?|then|and|again|still|also|now|just"
    r"|honestly|actually"
    r"|i(?:['’]d| would) say|i think|i believe|that(?:['’]s| is| would be| would have to be)"
    r"|it(?:['’]s| is)|a|an|the answer is|answer:?"
    r"|unfortunately|sadly|luckily|fortunately|thankfully|i['’]?m afraid|i am afraid|afraid"
    r"|quite)\b\W*)*"
)
_BEGINNING = re.compile(_LEAD, re.IGNORECASE)
_YES_FIRST = re.compile(
    _LEAD + r"(?:yes|yeah|yea|yep|yup|yah|ya|y|aye|sure|correct|right|of course|true|definitely"
    r"|certainly|absolutely"
    r"|indeed|affirmative|positive|pos|\+ve|present|confirmed|exactly|obviously"
    r"|(?:i do|i have|i am|i did)(?!\s+(?:hope|think|believe|wonder|apologi[sz]e|afraid|sorry"
    r"|appreciate"
    r"|remember|know|see|like|want|beg|understand|worry|new|busy|tired|still|checking|looking"
    r"|asking))|so)"
    r"(?![\w'’])"
    r"(?!\s+(?:no|not)\b)",
    re.IGNORECASE,
)
_NO_FIRST = re.compile(
    _LEAD + r"(?:no|nope|nah|nay|not|never|none|nothing|neither|nil|false|neg|-ve|negative|absent|n"
    r"|hardly|without|denie[sd]|denying)"
    r"(?![\w'’])",
    re.IGNORECASE,
)
_SUBJECT = (
    r"(?:i|you|he|she|it|they|there|that|this|these|those|we|both|all|one|pt|patient"
    r"|the (?:pt|patient|leg|calf))"
)
_VERB = r"(?:do|does|did|have|has|had|am|is|are|was|were|would|will|can|could)"
_ECHO = re.compile(
    _LEAD + r"(?!i['’]m \w+ing\b)"
    rf"{_SUBJECT}(?:\s+(?:certainly|definitely|really|sure|most certainly|indeed|clearly))?"
    rf"(?:\s+{_VERB}(?P<not>\s?n['’]?t\b|\s+not\b)?|(?:['’](?:s|ve|re"
    r"|m))(?P<not2>\s+not\b)?)(?![\w'’])",
    re.IGNORECASE,
)
"""“She has”, “there isn't”: the verb of the question given back."""
_NONE = _any(
    r"\b(?:no|not|none|never|neither|nor|nothing|nobody|without|absent|negative|neg|nil|zero|nope"
    r"|nah|unlikely"
    r"|den(?:y|ies|ied|ying)|ruled out|free of|unremarkable|normal(?:ly)?|fine|clear|ok|okay"
    r"|well|healthy|easily|freely"
    r"|first (?:time|episode|one|ever)|same|equal|symmetric(?:al)?)\b",
    r"n['’]t\b|\b(?:do|does|did|have|has|had|is|are|was|were|ca|wo|would|could)nt\b|(?<!\w)-ve\b",
)
_SOME = _any(
    r"\b(?:yes|yeah|yep|yup|definitely|certainly|indeed|absolutely|positive|present|affirmative"
    r"|confirmed"
    r"|correct|exactly|true|right|obviously|clearly|markedly|very much|unfortunately|sadly"
    r"|of course|sure"
    r"|afraid so|i (?:think|guess|suppose|believe) so|a bit|a little|slightly|severely"
    r"|massively)\b",
    r"(?<!\w)\+(?:ve\b|(?!\w))",
)
_HAN_NO_FIRST = re.compile(
    r"^\W*(?:(?:据我所知|嗯+|哦|呃|啊|唔|那|我|他|她|病人|患者|这个|那个|那里|这里|倒是|从来?"
    r"|一直|完全|绝对|好像|应该|都|也|还是?|又"
    r"|暂时|目前|现在|以前|之前|既往|至今|基本|查体|胸口|呼吸|喘气|是的?|对的?|这次|倒|就|真|当真"
    r"|确实|的确"
    r"|答案|结论|结果|回答|总之|反正|不过|但是?|绝)[，,：:\s]*)*"
    r"(?:没(?!错|问题|来得及|事|想到|关系|空|办法|喝|吃|睡)|无(?!所谓)|否|未|阴性|并(?:非|不|没"
    r"|无)|哪里?有|从[没未无不]"
    r"|不(?!错|止|仅|但|瞒|好意思|用说|过|管|光|得不|客气|急))"
)
_HAN_YES_FIRST = re.compile(
    r"^\W*(?:(?:很遗憾|其实|嗯+|哦|呃|啊|唔|那|我|他|她|病人|患者|这个|那个|都|也|一直|确实|的确"
    r"|目前|现在|以前|之前|既往|查体|这次|真|答案|结论|结果|回答|不过|但是?)[，,：:\s]*)*"
    r"(?:是(?!不是|我|谁)|确有|符合|有(?!没有|无)|对|嗯|会|抽|吸|(?:当然|确实"
    r"|的确)(?!是?[不没无未])|存在|阳性|肯定|没错|可不是?|不错|确诊|得过|做过|患过)"
)
_HAN_NONE = re.compile(
    r"[没無无](?!法)|[未否非]|不(?!错|止|能|敢|得了|过|瞒|好意思|管|光)|阴性|正常|好的?(?=$"
    r"|[，。！])|挺好|很好"
    r"|还好|顺畅|头一[回次]|第一次|一样|对称|没事"
)
_HAN_SOME = re.compile(r"[肿疼痛瘫]|麻(?!烦)|阳性|存在|明显|有过|[得做患]过")
_PART = re.compile(r"[^,，.。;；:：!！\n…—–]+")
_MORE = (
    r"(?:it|is|isn['’]?t|are|aren['’]?t|does|doesn['’]?t|do|don['’]?t|has|hasn['’]?t|have|had|was"
    r"|were|there|here|they"
    r"|she|he|i|that|this|these|those|one|as|well|to|again|really|though|too|either|sir|doctor"
    r"|doc|thanks?"
    r"|thank|you|thx|ta|then|for|me|not|at|all|the|case|so|certainly|definitely|indeed|none"
    r"|nothing|of|any"
    r"|sign|kind|sort|and|also|now|in|fact|by|is it|agian|chance|way|please|pls)"
)
_PLAIN = re.compile(
    r"^\W*(?:(?:oh|well|so|hm+|um+|uh+|er+|ah|ok(?:ay)?|then|and|but|again|still|also|honestly"
    r"|actually|right|the answer"
    r"|my answer|answer|it|that|this|one|is|has|to|be|would|must|i|i['’]d|have|had|say|said|told"
    r"|her|him|them|me|think|a|on"
    r"|afraid|i['’]m)\b\W*)*"
    r"(?:(?P<yes>yes|yeah|yea|yep|yup|yah|aye|affirmative|positive|correct|present|absolutely"
    r"|definitely|certainly)"
    r"|(?P<no>no|nope|nah|nay|negative|none|never|neither|nil|absent))(?![\w'’])"
    rf"(?:\W+{_MORE}(?![\w'’]))*\W*$",
    re.IGNORECASE,
)
"""A clause in which nothing is said but yes or no."""
_PLAIN_ECHO = re.compile(
    rf"^\W*(?:and |but )?(?:it|they|there|that|this|she|he)\s+{_VERB}(?P<not>\s?n['’]?t\b"
    r"|\s+not\b)?"
    r"(?P<not2>\s+not\b)?(?:\W+(?:there|indeed|the case|at all|really|present|so|here|thx"
    r"|thanks))*\W*$",
    re.IGNORECASE,
)
_PLAIN_HAN = re.compile(
    r"^\W*(?:嗯+|哦|呃|啊|唔|那|我|他|她|都|也|真|确实|的确|当然|其实|倒|答案|结论|结果|回答|总之"
    r"|反正|不过|但是?|是(?=没|有|无|不)"
    r"|这个|那个|这一?项|目前|现在|以前|之前|既往|绝对|完全|一直|查了|看了|问了)*"
    r"(?:(?P<no>没有?|沒有|无|否|不是|并非|并没有?|并无|阴性|未见|不存在|不符合?|不算|不像"
    r"|从[未无没不]|没发现|没看到|没见|不会)"
    r"|(?P<yes>有|是|对|嗯|存在|符合|阳性|没错|肯定|确有))"
    r"(?:这个|那个|这|那|种|一|项|情况|表现|症状|现象|过|的|事|发现|见|看到|有|是|对|如此|呢|呀"
    r"|啊|哈|吧|啦|嘛|哦|哟|哒|了|\s)*\W*$"
)
_HAN = re.compile(r"[\u3400-\u9fff]")


def yes_no_or_unknown(text: str) -> Answer | None:
    """A plain yes or no, or none where they say that they don't know; each with its span.

    Nothing where it is neither, as with "perhaps".
    """
    if sure := _SO_FOR_SURE.search(text):
        return True, sure.span()
    if _NEITHER.search(text):
        return _not_known(text)
    return next(filter(None, (judge(text) for judge in _JUDGES)), None)


def _begins(text: str) -> Answer | None:
    """A yes or a no that begins the answer, unless it begins “no idea” or “not sure”."""
    for value, patterns in (
        (False, (_NO_FIRST, _HAN_NO_FIRST)),
        (True, (_YES_FIRST, _HAN_YES_FIRST)),
    ):
        for pattern in patterns:
            said = pattern.search(text)
            if said and not _covered(said.end(), text) and not _hedged(text, said.end()):
                return value, said.span()
    return None


def _covered(end: int, text: str) -> bool:
    """Whether the word that ends here is part of saying that they don't know."""
    return any(one.start() < end <= one.end() for one in NOT_KNOWN.finditer(text))


def _hedged(text: str, end: int) -> bool:
    """Whether the word is part of a “perhaps”: 有可能, "so maybe"."""
    return any(one.start() <= end + 1 and end <= one.end() for one in _HEDGE.finditer(text))


def _not_known(text: str) -> Answer | None:
    said = NOT_KNOWN.search(text)
    return (None, said.span()) if said else None


def _elsewhere(text: str) -> Answer | None:
    """By the verb given back, or by any other word of a no or a yes; none where it is a perhaps."""
    if _HEDGE.search(text):
        return None
    echo = _ECHO.search(text)
    lead = _BEGINNING.match(text)  # “well” and “ok” at its beginning are no “she is well”
    none = _HAN_NONE if _HAN.search(text) else _NONE
    negative = none.search(text, lead.end() if lead and lead.end() < len(text) else 0)
    if negative:
        return False, negative.span()
    if echo:
        return not (echo["not"] or echo["not2"]), echo.span()
    some = (_HAN_SOME if _HAN.search(text) else _SOME).search(text)
    return (True, some.span()) if some else None


def _by_clause(text: str) -> Answer | None:
    """By the clauses that are a yes or a no and nothing else, whatever is chatted before them.

    None where two of them differ, or where anything is said to be unknown or a perhaps.
    """
    parts = [(one.start(), one.group()) for one in _PART.finditer(text) if one.group().strip()]
    if len(parts) < 2 or NOT_KNOWN.search(text) or _HEDGE.search(text):
        return None
    plain = [(at, words, value) for at, words in parts if (value := _is_plain(words)) is not None]
    if not plain or len({value for _, _, value in plain}) > 1:
        return None
    at, words, value = plain[-1]
    return value, (at, at + len(words.rstrip()))


def _is_plain(words: str) -> bool | None:
    """What a clause says that says no more than yes or no."""
    if said := _PLAIN.match(words):
        return said["yes"] is not None
    if echo := _PLAIN_ECHO.match(words):
        return not (echo["not"] or echo["not2"])
    if said := _PLAIN_HAN.match(words):
        return said["yes"] is not None
    return None


_JUDGES: tuple[Callable[[str], Answer | None], ...] = (
    _by_clause, _begins, _not_known, _elsewhere,
)  # fmt: skip
