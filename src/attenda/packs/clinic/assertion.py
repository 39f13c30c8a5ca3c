"""What a person says of a finding: present, absent or unsure; theirs or a relative's; now or past.

Cues with a scope, in the manner of NegEx (Chapman et al., J Biomed Inform 2001;34:301–310) and
ConText (Harkema et al., 2009): general knowledge, unreviewed. Spans are code points of the text.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

__all__ = ["Assertion", "Status", "Subject", "When", "assertion_of", "clauses"]

Status = Literal["present", "absent", "unsure"]
Subject = Literal["patient", "family", "other"]
When = Literal["now", "over", "past"]
"""Long past, or over as far as the words tell, which may have been an hour ago."""

_RELATIVES = (
    r"mother|father|mom|mum|dad|brothers?|sisters?|uncles?|aunts?"
    r"|grand(?:mother|father|parents?|ma|pa)|parents?|cousins?|sons?|daughters?|child(?:ren)?"
    r"|siblings?|family"
)
_KIN = (
    "父|爸|母|妈|哥|弟|姐|妹|爷|奶|外公|外婆|姥|叔|姑|舅|姨|儿子|女儿|家|老婆|老公|妻|丈|朋|邻|同"
)


def _cues(*parts: str) -> re.Pattern[str]:
    return re.compile("|".join(parts), re.IGNORECASE)


_SENTENCE = re.compile(r"[^.!?;\n。！？；]+[.!?;\n。！？；]*|[.!?;\n。！？；]+")
_DECIMAL_DOT = re.compile(r"(?<=\d)\.(?=\d)")
_NEGATION = _cues(
    r"\bnil\b",
    r"\bno(?: history of| signs? of| evidence of|ne of)?\b",
    r"\bnot(?: have| had| having)?(?: any)?\b",
    r"\bwithout(?: any)?\b",
    r"\bnever(?: had| have| been)?(?: any)?\b",
    r"\bden(?:y|ies|ied)(?: any| having)?\b",
    r"\b(?:do|does|did|have|has|had|is|are|was|ca|wo|would)n['’]?t"
    r"(?: have| had| been| get| got| noticed?)?(?: any)?\b",
    r"\b(?:cannot|neither|nor|free of|negative for|ruled out|rules out|nope)\b",
    "没有|沒有|没|无|否认|不伴|不是|并非|从未|从不|未见|未",
    "不(?!舒|适|小心|慎|由|好|行|能|停|断|止|清|确|知|太|过|错|同|但|仅|想|敢)",
)
_NO_NEGATION = _cues(
    r"\b(?:no|nil|without)(?: any)? "
    r"(?:better|worse|change|improvement|doubt|wonder|longer able|relief"
    r"|idea|clue|response|effect|help|appetite|energy(?! to\b)|sleep)\b",
    r"\bfor no (?:good |apparent |particular )?reason\b",
    r"\bnot (?:only|just|sure|certain|getting better|improving|better|eat\w*|sle\w+|helped|working"
    r"|well|feeling (?:well|good))\b",
    r"\bwithout (?:relief|stopping)\b",
    r"\b(?:can['’]?t|cannot) (?:stop|get rid of|help|sleep|lie|breathe|walk|stand(?! living)"
    r"|move|eat)\b",
    r"\bwon['’]?t (?:stop|go away)\b",
    r"\b(?:does|did)n['’]?t (?:help|stop|go away|get better)\b",
    "没有?好转|没好|不停|无缘无故|无论|没有?缓解|没有?用|没退",
)
"""A negation of something else than what follows it."""
_STOPS_NEGATION = _cues(
    r"\b(?:but|however|although|though|except|apart from|other than|maybe|perhaps|yet|instead"
    r"|only|just|because|i|he|she|we|they|my|it|there|have|has|had|got|am|is|are|was|yes|does|do)\b",
    "但是|但|不过|只是|只有|就是|可是|而是|除了",
    "[，](?!也|或|及|和|以及)",
)
_LIST_ENDS = _cues(r"\b(?:or|nor)\b|[或和及]")
_AND = _cues(r"\band\b")
_DOES_NOT = _cues(
    r"(?:n['’]?t|\bcannot|\bnot)\s+(?!(?:have|had|having|got|get|any|feel|notice\w*|experienc\w*|report"
    r"|complain\w*)\b)[a-z]+(?:\s+[a-z]+)*\s*(?:,[^,]*|and\s[^,]*)$"
)
"""A verb that is denied, and a comma: the list of what is not there does not go on."""
_TOLD_MORE = _cues(
    r"^\s*(?:radiat\w*|spread\w*|shoot\w*|going|goes|travel\w*|moving|since|for\b|that|which|when|going|into|to|down"
    r"|up|on|at|after|with|now|today|this|all|is|feels|has|started|began|came|comes|won['’]?t"
    r"|worse|getting|so|\d|\W\s*(?:radiat|spread|since|for\b|\d))"
)
"""Of what is not there nobody tells where it goes or since when it is."""
_AFTER = _cues(
    r"^\s*(?:[:：（(–—-]\s*)?(?:(?:is|are|was|were)\s+)?"
    r"(?:no\b(?!\s+\w)|none\b|absent\b|neg(?:ative)?\b|nil\b|not present\b|denied\b|ruled out\b"
    r"|^\s*(?:\(\s*[-–−]\s*\)|（\s*[-–−－]\s*）|[-–−]ve\b)"
    r"|(?:这[个种样]|那[个种]|情况|症状|现象|可|倒|都|也|我|他|她|是|真|的|确实|一直|从来|以前)*"
    r"没有?[过的呢啊呀吧啦哦]*(?=[，。；;,.!！\s]|$)|无(?=[，。；;,.]|$)|阴性|否认)"
)
_UNSURE = _cues(
    r"\b(?:maybe|perhaps|possibly)\b(?!\s+(?:since|for|about|around|over|\d"
    r"|a (?:few|week|day|month)|one|two|three|four|five|six|seven|eight|nine|ten|several)\b)",
    r"\b(?:might|not sure|unsure|don['’]?t know|no idea|not certain"
    r"|i guess|could be|if|in case|afraid of|worried about|risk of)\b",
    r"(?:可能|好像|也许|大概)(?!有?\s*[\d一二三四五六七八九十几半两])",
    "不确定|不清楚|不知道|如果|万一|担心|怕是",
)
"""“Maybe five days” is unsure of the days alone."""
_TURNS = _cues(r"\b(?:but|while|whereas|though)\b|但|而(?!且)")
_NEITHER = _cues(r"\bneither\b.*\bnor\b")
_STOPS_UNSURE = _cues(r"\bbut\b|, and\b|但|，")
_FAMILY = _cues(
    rf"\b(?:{_RELATIVES})\b",
    "父亲|爸爸|爸|母亲|妈妈|妈|哥哥|弟弟|姐姐|妹妹|爷爷|奶奶|外公|外婆|姥姥|姥爷|叔叔|姑姑|舅舅|姨",
    "儿子|女儿|家族|家里人|父母|兄弟",
)
_FAMILY_AFTER = _cues(  # not one of whom something else is said: “chest pain, my father has …”
    rf"^\W*(?:runs in|in|that) (?:my|the|our|your) ({_RELATIVES})\b",
    rf"^\W*(?:my|our|your) ({_RELATIVES})\b"
    r"(?!['’]s\b|\s+(?:also )?(?:has|have|had|is|was|were|got|suffers|died)\b)",
    rf"^[，,、（(\s]*(?:那?是我?的?|我的?)({_KIN})(?![^，,。；]*[有得患])",
)
_OTHER = _cues(
    r"\b(?:wife|husband|partner|friend|neighbou?r|colleague|room-?mate|boss)\b",
    "老婆|妻子|老公|丈夫|朋友|邻居|同事",
)
_OWN = _cues(r"\b(?:i|i['’]m|i['’]ve|me|myself)\b", rf"我(?!的?(?:{_KIN}))|本人")
_LONG_AGO = _cues(
    r"(?<!day )(?<!days )(?<!week )(?<!weeks )(?<!month )(?<!months )(?<!hour )(?<!hours "
    r")(?<!short )"
    r"(?<!recent )(?<!long )(?<!-day )\bhistory of\b",
    r"\b(?:used to|previously|in the past|as a (?:child|kid|boy|girl)|years? ago"
    r"|in (?:19|20)\d\d|last year|back then)\b",
    "以前|过去|年前|既往|小时候|去年",
)
_OVER = _cues(
    r"\b(?:no longer|went away|resolved|quit|stopped|had)\b", "曾经?|得过|患过|有过|戒了|好了"
)
_STILL = _cues(
    r"\b(?:since|for the (?:past|last)|started|began|still|now|today|currently|keeps?"
    r"|have had|(?:have|has)n['’]?t had|['’]ve had|has had|have been|['’]ve been)\b",
    r"\bfor (?:about |over |around )?(?:\d+|an?|two|three|four|five|six|seven|eight|nine|ten)\b",
    "开始|一直|还在|现在|目前|最近|今天",
)
_PART_BEGINS = _cues(
    r"(?:,\s*|\band\s+|\bbut\s+)+(?=(?:i|i['’]m|i['’]ve|my|he|she|now|today)\b)|\bbut\b", "，|但"
)


@dataclass(frozen=True, slots=True)
class Assertion:
    """How a finding was spoken of."""

    status: Status
    subject: Subject
    when: When
    relative: str = ""
    """The words that name the relative."""


def clauses(text: str) -> Iterator[tuple[int, int]]:
    """Sentences of a text, as spans; a decimal point ends none."""
    hidden = _DECIMAL_DOT.sub("\u00b7", text)
    for one in _SENTENCE.finditer(hidden):
        yield one.span()


def assertion_of(text: str, start: int, end: int) -> Assertion:
    """How the words at a span are spoken of in their sentence.

    Args:
        text: of the whole message.
        start: of the finding's words.
        end: of the finding's words.
    """
    low, high = next((span for span in clauses(text) if span[0] <= start < span[1]), (0, len(text)))
    before, after = text[low:start], text[end:high]
    subject, relative = _subject(before, after)
    return Assertion(_status(before, after), subject, _when(before, after), relative)


def _status(before: str, after: str) -> Status:
    if _AFTER.match(after):
        return "absent"
    if _negated(before):
        return _in_list(before, after)
    near = before[_last_end(_STOPS_UNSURE, before) :]
    return "unsure" if _UNSURE.search(near) or _UNSURE.match(after.strip(" ,，")) else "present"


def _in_list(before: str, after: str) -> Status:
    """Whether what a no reaches over a comma is denied by it: "no fever, chills or pain" is.

    "No cough, chest pain radiating to my arm" tells a pain; "no cough, chest pain" may do so.
    """
    quiet = _NO_NEGATION.sub(lambda one: "\u00b7" * len(one.group()), before)
    listed = quiet[_last_end(_NEGATION, quiet) :]
    if _DOES_NOT.search(quiet):
        return "present"
    if "," not in listed or _LIST_ENDS.search(listed) or _LIST_ENDS.search(after):
        return "absent"
    if _TOLD_MORE.match(after):
        return "present"
    ends = not after.strip(" .!?;，。\n") or _AND.match(after.strip())
    return "unsure" if ends and listed.count(",") == 1 else "absent"


def _negated(before: str) -> bool:
    """Whether a negation before the words still reaches them."""
    quiet = _NO_NEGATION.sub(lambda one: "\u00b7" * len(one.group()), before)
    if _NEITHER.search(quiet) and not _PART_BEGINS.search(quiet):
        return True
    cue_end = _last_end(_NEGATION, quiet)
    if cue_end == 0:
        return False
    return _STOPS_NEGATION.search(quiet[cue_end:]) is None


def _subject(before: str, after: str) -> tuple[Subject, str]:
    """Who is spoken of: the last one named before the words, else one named right after."""
    before = before[_last_end(_TURNS, before) :]
    own, family, other = (_last_end(one, before) for one in (_OWN, _FAMILY, _OTHER))
    last = max(own, family, other)
    if last == 0:
        runs = _FAMILY_AFTER.match(after)
        named = next(filter(None, runs.groups())) if runs else ""
        return ("family", named) if runs else ("patient", "")
    if last == family:
        named = list(_FAMILY.finditer(before))[-1].group()
        return "family", named
    return ("other", "") if last == other else ("patient", "")


def _when(before: str, after: str) -> When:
    """By the cues of the part of the sentence in which the words stand."""
    ends = _PART_BEGINS.search(after)
    here = before[_last_end(_PART_BEGINS, before) :], after[: ends.start() if ends else None]
    around = " \u00b7 ".join(here)
    if _STILL.search(around):
        return "now"
    if _LONG_AGO.search(around):
        return "past"
    return "over" if _OVER.search(around) else "now"


def _last_end(pattern: re.Pattern[str], text: str) -> int:
    """Where the last match ends; 0 where there is none."""
    ends = [one.end() for one in pattern.finditer(text)]
    return ends[-1] if ends else 0
