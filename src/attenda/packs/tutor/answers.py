"""The answer in what a learner says: "phew, I've ended up with 17 then", 那这个就12咯.

A number is an answer where it ends its clause but for small words, and the words before it are
about the exercise. One that is denied, measures or names something else, or stands where something
is asked, is none: a stray number read as an answer costs a learner a try. Of several answers that
one counts to which the sentence comes in the end. Pure.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from attenda.packs.tutor.answer_chinese import chinese_answers
from attenda.packs.tutor.answer_english import english_answers
from attenda.packs.tutor.answer_words import CALCULATION, NUMBER
from attenda.packs.tutor.asking import asks_for_a_person, asks_for_help
from attenda.packs.tutor.numbers import Number, number_places, plain, read_number

__all__ = ["answer_in", "asks_to_be_told", "said_number"]

_LONGEST_TALK = 300
"""Nobody says that much around a number."""
_LONGEST_UNIT = 24
_HAN = re.compile(r"[\u3400-\u9fff]")
_SIGN = (
    r"\s*(?:[-+:^/]|\*{1,2}|\b(?:plus|minus|times|over|of|divided by|multiplied by|x)\b"
    r"|加上?|减去?|乘以?|除以?|比|的)\s*"
)
_CALCULATED = re.compile(
    rf"{NUMBER}(?:{_SIGN}{NUMBER})+"
    r"|\b(?:add\w*|multipl\w*|divid\w*|subtract\w*|between"
    rf"|(?:sum|product|difference|factor|multiple) of) {NUMBER} (?:and|by|from|to|with) {NUMBER}"
    rf"|(?:\b(?:plus|times|add|divided by|multiplied by)|加上?|减去?|乘以?|除以?)\s*{NUMBER}"
    rf"|{NUMBER}"
)
_BORDER = re.compile(
    r"[,.;:!?\"“”…。、\n]|\s-+\s|~"
    r"|\b(?:but|so|because|cause|cos|coz|cuz|since|or|and|then|therefore|thus|hence|anyways?"
    r"|although|though|however|while|by the way|btw)\b"
    r"|因为|由于|所以|因此|但是|但|不过|可是|然后|或者|(?<=[\u3400-\u9fff])\s+(?=[\u3400-\u9fff])"
)
_DECORATION = re.compile(
    r"(?<![a-z0-9])(?:x+d+|[:;=]-?[()dp]|qwq|q[aw]q|t_t|orz|\^_*\^|-+>|=+>)(?![a-z0-9])"
    r"|(?<=[a-z])\s(?:2\s(?=(?:me|us|u|do|be|go|it|know|solve|help|get|see|work)\b)|4\s(?=(?:it|me|us|u)\b))"
    r"|[→⇒➜←]|(?<!\w)[*_^~]+|[*_^~]+(?!\w)"
    r"|\b(?:take|round|attempt|try|go|version)(?: (?:number|no))? (?:one|two|three|four|[1-4])"
    r"(?=\s*[,:;.!-])"
    r"|百分之?百(?=\s*(?:是|就|会|确定|肯定|没错|[,，]))|(?<=我)百分之?百(?=确定|肯定)|百分百(?=\s*\d)",
    re.IGNORECASE,
)
_MASTERY = re.compile(r"\bmast(?:e?r|re)y\b|掌握[程度]", re.IGNORECASE)
"""Its numbers are of what somebody knows, and no answer."""
_IDIOM = re.compile(
    r"八九不离十|十有八九|十拿九稳|三下五除二|九牛二虎之力|乱七八糟|七七八八|七上八下|一清二楚|一五一十"
    r"|三番五次|丢三落四|三心二意|六神无主|一塌糊涂|一头雾水|八字不合|四舍五入"
)
"""Numerals that count nothing."""
_BRACKET = re.compile(r"(?<![\w)])[(\[{【「『]|[)\]}】」』](?![\w(])")
_IS = re.compile(
    r"\b((?:answer|result|solution|outcome|total|sum|difference|product|value|fraction))['’]s\b",
    re.I,
)
"""“The result's 12”: without its apostrophe it would be several results."""
_REASON = re.compile(r"(?:because|cause|cos|coz|cuz|since|因为|由于)\Z")
_SURE = (
    r"(?:(?:im )?not (?:quite |really |so |entirely |too )?sure(?: though)?"
    r"|more or less|or so|no doubt(?: about it)?|(?:if|unless) im (?:not )?(?:mistaken|wrong)"
    r"|(?:i )?dont know|dunno|idk|no idea|no clue|(?:how|what) about)"
)
_TAG = r"(?:isnt (?:it|that (?:it|right))|aint it|is it not|doesnt it|wouldnt it be|wont it)"
_PADDING = re.compile(
    rf"\b{_SURE}\b|\b{_TAG}\b(?=[^\w{NUMBER}]*$)"
    rf"|(?<!\w)(?<!\w )(?:isnt|wouldnt|couldnt|shouldnt) (?:it|that|this)(?: be)? (?={NUMBER})"
    r"|\b(?:(?:can|could|would|will) (?:you|u) )?(?:please )?(?:check|confirm|verify|tell me|see)"
    r" (?:whether|if)\b|\bnothing (?:better|other|else) than\b|\bno better (?:idea|guess) than\b"
    r"|\b(?:with|after|thanks to|because of) (?:(?:your|the|that|this|all)\s)+"
    r"(?:hints?|help|tips?|clues?|explanation|example)\b"
    r"|(?:直觉|感觉|经验|草稿|手指|脑子|心里)告诉我|不是(?:那个|这个)(?=[\s,是])|对不对|是不是|会不会是|要不然|要不|差不多|不好意思|不管怎么[算看]都?|怎么[算看]都|不知道|不太?确定|说不定"
    rf"|{NUMBER}[遍次回]都(?=是|得|等于)|(?:可|千万)?(?:别|不要)告诉[^{NUMBER}\s,.!?]{{0,6}}"
    rf"|我?(?:算|检查|验算|看|做)[了过](?:[几好一]|{NUMBER})+[遍次回]"
    r"|我?(?:又|再|刚刚?|粗略|仔细|认真|随便|简单|大概|重新|好好)*[地的]?(?:算|想|验算|口算|心算|笔算|估|数|看)"
    r"[了过]*(?:一?下[子儿]?|半天|一会儿?|会儿|好久|好一阵子?|一阵子?|老半天|大半天)(?=[^吗呢]*\Z|[\s,]*[得是等为有])"
    r"|\bh[oa](?:ld|ng) (?:on|up)\b|\blet me (?:see|think)\b"
    r"|, ?i (?:do |should |would )?(?:believe|think|guess|suppose|reckon|feel|say|imagine) ?,"
    r"|\b(?:just |gimme |give me )?a (?:sec|second|moment|minute|tick)\b"
    r"|不一定|不[是会]吧|哦不(?![是对])|没错|没问题|不会错|不用谢|如果我没弄错的话|没[算弄]错的话|不出意外"
)
"""Said about being sure, or to be polite: it denies nothing."""
_CONCLUDES = re.compile(
    r"\b(?:so|then|therefore|thus|hence|now|no|nope|wait|actually|sorry|oops|instead|rather|but"
    r"|chang\w*|correct\w*|makes?|gives?|equals?|total|altogether|final\w*|answer|result|mean|meant"
    rf"|comes|becomes|is the)\b|[={CALCULATION}]|改|换|不对|应该|所以|因此|那|变成|最后|结果|答案"
    r"|等于|现在|重新|但|不过|[哦啊]?不(?=[\s,.!是])"
)
"""Between two numbers: the later one is what it comes to."""
_TAKEN_BACK = re.compile(
    r"\b(?:that|it|this|which)s?(?: is| was)? (?:wrong|incorrect|not (?:right|it|correct))\b"
    r"|(?:doesnt|didnt) (?:fit|work)\b|(?<!对)不对(?![劲吗嘛])|(?<!没)错了"
)
"""After an answer: it is one no longer."""


@dataclass(frozen=True, slots=True)
class _Clause:
    """A part of a sentence between borders."""

    text: str
    at: int
    lead: str
    """The border before it."""


_END = _Clause("", 0, "")


def said_number(text: str) -> Number | None:
    """The number that a text is or gives as an answer; nothing where it gives none."""
    return read_number(text) or read_number(answer_in(text))


def answer_in(text: str, is_unit: Callable[[str], bool] = lambda _: False) -> str:
    """The number that a text gives as an answer, in its words; "" where it gives none.

    Args:
        text: what was said.
        is_unit: tells whether a word is a unit that an answer may have.
    """
    said = plain(_IS.sub(r"\1 is", text))
    said = _BRACKET.sub(",", _DECORATION.sub(" ", _IDIOM.sub("", said))).strip(" ,")
    if len(said) > _LONGEST_TALK or _MASTERY.search(said):
        return ""
    places = [_with_unit(said, place, is_unit) for place in number_places(said)]
    masked, places = _masked(said, places)
    clauses = list(_clauses(masked))
    if any(_leaves_open(one, after) for one, after in pairwise([*clauses, _END])):
        return ""
    found = list(_answers(clauses))
    if found and _TAKEN_BACK.search(masked, found[-1]):
        return ""
    marks = [one.start() for one in re.finditer(NUMBER, masked)]
    return _settled(masked, [(at, said[slice(*places[marks.index(at)])]) for at in found])


def asks_to_be_told(text: str) -> bool:
    """Whether a text asks for the answer, a hint or an explanation, in whichever clause."""
    masked, _ = _masked(plain(text[:_LONGEST_TALK]), [])
    asked = any(_leaves_open(*two) for two in pairwise([*_clauses(masked), _END]))
    return asked and not asks_for_a_person(masked)


def _leaves_open(clause: _Clause, after: _Clause) -> bool:
    """Whether it is "12 or 13", or asks for help in a clause of its own; "answer:" does not."""
    if NUMBER in clause.text:
        return after.lead in ("or", "或者") and NUMBER in after.text
    return after.lead != ":" and asks_for_help(clause.text)


def _answers(clauses: Sequence[_Clause]) -> Iterator[int]:
    """Places of answers; what is only a reason counts where nothing else has a number."""
    numbered = [one for one in clauses if NUMBER in one.text]
    reckoned = [one for one in numbered if not _REASON.search(one.lead)]
    for clause in reckoned or (numbered if clauses[0].text.strip() else []):
        is_one = chinese_answers if _HAN.search(clause.text) else english_answers
        for mark in re.finditer(NUMBER, clause.text):
            if is_one(clause.text[: mark.start()], clause.text[mark.end() :]):
                yield clause.at + mark.start()


def _settled(masked: str, read: Sequence[tuple[int, str]]) -> str:
    """The only value, or the last one where the sentence comes to it."""
    values = {number.value if (number := read_number(words)) else words for _, words in read}
    if len(values) > 1 and not _CONCLUDES.search(masked, read[-2][0], read[-1][0]):
        return ""
    return read[-1][1] if read else ""


def _with_unit(
    said: str, place: tuple[int, int], is_unit: Callable[[str], bool]
) -> tuple[int, int]:
    """The place of a number and of the unit before or behind it."""
    start, end = place
    for size in range(_LONGEST_UNIT, 0, -1):
        unit = said[end : end + size]
        whole = not (unit[-1:].isascii() and said[end + size : end + size + 1].isalpha())
        if unit.strip() and whole and is_unit(unit):
            return start, end + len(unit)
    return (start - 1, end) if said[start - 1 : start] in ("$", "€") and is_unit("€") else place


def _masked(said: str, places: Sequence[tuple[int, int]]) -> tuple[str, list[tuple[int, int]]]:
    """The sentence with a mark for each number and each calculation; the places of the numbers."""
    masked, at = "", 0
    for start, end in places:
        masked += said[at:start] + NUMBER
        at = end
    masked = re.sub(r"['‘’`´]", "", (masked + said[at:]).lower())
    kept: list[tuple[int, int]] = []
    at = 0
    for found in _CALCULATED.finditer(masked):
        kept += places[at : at + 1] if found.group() == NUMBER else []
        at += found.group().count(NUMBER)
    return _CALCULATED.sub(_mark, masked), kept


def _mark(found: re.Match[str]) -> str:
    return NUMBER if found.group() == NUMBER else CALCULATION


def _clauses(masked: str) -> Iterator[_Clause]:
    """The parts of a sentence, padding blanked out so that places stay."""
    said = _PADDING.sub(lambda one: " " * len(one.group()), masked)
    at, lead = 0, ""
    for border in _BORDER.finditer(said):
        yield _Clause(said[at : border.start()], at, lead)
        at, lead = border.end(), border.group()
    yield _Clause(said[at:], at, lead)
