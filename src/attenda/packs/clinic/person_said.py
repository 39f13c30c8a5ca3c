"""Age and sex in a person's or a clinician's words (en, zh-CN), each with the words that say it.

"54M", "78 y/o", "a lady of 78", "fifty-four", 七十八岁. A number with another unit is no age.
"""

import re
from collections.abc import Iterator
from decimal import Decimal

__all__ = ["age_in", "sex_in", "spoken_number"]

Said = tuple[Decimal, tuple[int, int]]

_ONES = "one two three four five six seven eight nine".split()
_TEENS = "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split()
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
_NUMBERS = {word: number for number, word in enumerate(_ONES, 1)}
_NUMBERS |= {word: number for number, word in enumerate(_TEENS, 10)}
_SPOKEN = (
    rf"(?:(?P<tens>{'|'.join(_TENS)})(?:[\s-]?(?P<ones>{'|'.join(_ONES)}))?"
    rf"|(?P<teens>{'|'.join(_TEENS)}))"
)
_HAN_TENS = r"(?P<han>[一二三四五六七八九]?十[一二三四五六七八九]?)"
_WHO = (
    r"(?:man|woman|male|female|lady|ladies|gentleman|gent|guy|bloke|chap|fellow|girl|boy|person|patient|pt"
    r"|grandmother|grandma|granny|grandfather|widow|pensioner)"
)
_NO_UNIT = (
    r"(?!\d|\s*(?:kg|kilos?|cm|mg|mcg|ml|g\b|%|°|℃|bpm|beats|/\s*\d|[.,]\d|[-–]\s*\d|weeks?|days?|months?|hours?|hrs?"
    r"|min|pounds?|lbs?|stone|packs?|cig|times|mm|µ|μ|umol|[天次周月包支度分公千毫米克斤根]|个月|小时))"
)
_AGE = re.compile(
    rf"\bage[ds]?\s*(?:is|of|[:=])?\s*(?P<a>\d{{1,3}}){_NO_UNIT}"
    r"|(?<![\d./])(?P<b>\d{1,3})[\s-]*(?:years?|yrs?|y)[\s.-]*(?:old\b|of age\b|/?o\b)"
    r"|(?<![\d./])(?P<c>\d{1,3})\s*y[/.]?\s?o\b"
    rf"|(?<![\d./])(?P<d>\d{{1,3}})\s*(?:years?|yrs?|y)?[\s,/-]*[（(]?\s*(?:old\s+)?(?:{_WHO}|[fm](?![a-z'’]))\b"
    rf"|\b(?:{_WHO})\b[,:]?\s*(?:of\s+|aged?\s+|is\s+|who is\s+)?(?P<e>\d{{1,3}}){_NO_UNIT}"
    rf"|(?<![a-z'’\d°/])[fm][,/\s]*(?P<f>\d{{1,3}})\b{_NO_UNIT}"
    rf"|\b(?:s?he|i|patient|pt|mum|mother)(?:['’](?:s|m)|\s+(?:is|am|turned"
    rf"|just turned))\s+(?:now\s+|only\s+|just\s+|about\s+)?"
    rf"(?P<g>\d{{1,3}})\b{_NO_UNIT}"
    rf"|(?:^|[,;/])\s*(?P<h>\d{{1,3}})\s*(?:years?|yrs?|y)\s*(?=[,;/.]|$)"
    rf"|(?:年龄|今年|现年)[是为:：]?\s*(?P<i>\d{{1,3}}){_NO_UNIT}"
    r"|(?<![\d./])(?P<j>\d{1,3})\s*(?:周?岁)"
    rf"|[男女][性的士]?[，,、：:\s]*(?P<k>\d{{1,3}}){_NO_UNIT}"
    r"|(?<![\d./])(?P<l>\d{1,3})[，,、\s]*[（(]?[男女]"
    rf"|{_HAN_TENS}周?岁",
    re.IGNORECASE,
)
_BARE = re.compile(
    r"(?:^|[,;，；]\s*|\bhi,?\s+)(\d{2,3})(?=\s*(?:[,;，；]|here\b|$))", re.IGNORECASE
)
"""A number by itself, where the sex is told too."""
_SPOKEN_AGE = re.compile(
    rf"(?:\b(?:i|s?he)(?:['’](?:s|m)|\s+(?:is|am))\s+|\bage[d]?\s+|\b{_WHO}\b[,:]?\s*(?:of\s+|aged\s+)?)"
    rf"{_SPOKEN}\b(?!\s+(?:times|days|weeks|months|minutes|hours))"
    rf"|\b{_SPOKEN.replace('>', '2>')}"
    rf"(?:[\s-]+years?[\s-]+(?:old|of age)\b|[\s,]+{_WHO}\b)",
    re.IGNORECASE,
)
_OTHER_MEASURE = re.compile(
    r"(?:\b(?:weigh(?:t|s|ing)?|wt|creat(?:inine)?|cr|pulse|heart rate|hr|rr|resps?|rate|sats?"
    r"|spo2|temp(?:erature)?|bp"
    r"|for|past|last|over|since|pressure|height|urea|qtc?|[prt]"
    r"|walk(?:s|ed|ing)?|after|within|about|up|climb(?:s|ed|ing)?)|体重|肌酐|脉搏|心率|呼吸|体温|身高|血压|血氧|尿素)[^\w,;，；。]*(?:is|of|at|was|是|为)?\s*$",
    re.IGNORECASE,
)
"""Before a number: it is something else than an age."""
_OF_RELATIVE = re.compile(
    r"\b(?:mother|father|mum|mom|dad|wife|husband|partner|brother|sister|son|daughter|uncle|aunt)"
    r"(?!['’]s (?:in|on)\b)[^,;.，；。]*$"
    r"|(?:母亲|父亲|妈妈?|爸爸?|丈夫|妻子|老公|老婆|哥哥?|姐姐?|弟弟?|妹妹?|儿子|女儿)[^,;.，；。]*$",
    re.IGNORECASE,
)
"""Up to the end of an age: somebody else's, where the text tells another one too."""
_FAHRENHEIT_FROM = 94
"""A number before a bare F is no age from here on, as temperatures are."""
_SEX = (
    (
        "female",
        re.compile(
            r"\b(?:woman|female|lady|ladies|girl|grandmother|grandma|granny|widow)\b|♀"
            r"|(?<![a-z'’°])f(?=[,;/\s]+\d)|(?<![\d./])\d{1,3}\s*(?:yo|y/?o?|yrs?|years?)?\s*[,/-]?\s*f(?![a-z'’/])"
            r"|(?:^|[,;/])\s*f\s*(?=[,;/.]|$)|\bsex\s*[:=]?\s*f\b"
            r"|(?<![儿子孙])女(?![儿婿友])|老太|老奶奶|大妈|阿姨|婆婆",
            re.IGNORECASE,
        ),
    ),
    (
        "male",
        re.compile(
            r"\b(?:man|male|gentleman|gent|guy|bloke|chap|fellow|boy|grandfather|grandad)\b|♂"
            r"|(?<![a-z'’])m(?=[,;/\s]+\d)|(?<![\d./])\d{1,3}\s*(?:yo|y/?o?|yrs?|years?)?\s*[,/-]?\s*m(?![a-z'’/])"
            r"|(?:^|[,;/])\s*m\s*(?=[,;/.]|$)|\bsex\s*[:=]?\s*m\b"
            r"|(?<![儿子])男(?!友|朋友)|老先生|大爷|老爷子|老头",
            re.IGNORECASE,
        ),
    ),
)
_PRONOUN = (
    (
        "female",
        re.compile(
            r"\b(?:she|her|hers|mrs|miss|madam)\b|(?<!\d)(?<!\d\s)\bms\b|她|女士|太太",
            re.IGNORECASE,
        ),
    ),
    ("male", re.compile(r"\b(?:he|his|him|mr|sir)\b|(?<!其)他(?!们|人)|先生", re.IGNORECASE)),
)


def age_in(text: str) -> Said | None:
    """The first age that a text tells, in years, and its place; a relative's where it is alone."""
    told = list(_ages(text))
    own = [one for one in told if not _OF_RELATIVE.search(text[: one[1][1]])]
    if own or told:
        return (own or told)[0]
    bare = _BARE.search(text) if sex_in(text, pronouns=True) else None
    if bare:
        return Decimal(bare[1]), bare.span(1)
    spoken = _SPOKEN_AGE.search(text)
    return (_number(spoken), spoken.span()) if spoken else None


def _is_hot(words: str) -> bool:
    """Whether a number before a bare F is a temperature."""
    said = re.fullmatch(r"(\d+)\s*f", words, re.IGNORECASE)
    return said is not None and int(said[1]) >= _FAHRENHEIT_FROM


def _ages(text: str) -> Iterator[Said]:
    for one in _AGE.finditer(text):
        digits = next((one[name] for name in "abcdefghijkl" if one[name]), None)
        if digits is None:
            yield _han(one["han"]), one.span()
            continue
        of_other = _OTHER_MEASURE.search(text[: one.start()])
        if int(digits) <= 120 and not of_other and not (one["d"] and _is_hot(one.group())):
            yield Decimal(digits), one.span()


def spoken_number(text: str) -> Said | None:
    """A number from ten to ninety-nine in words, as an answer to how old they are."""
    spoken = re.search(rf"\b{_SPOKEN}\b", text, re.IGNORECASE)
    if spoken:
        return _number(spoken), spoken.span()
    han = re.search(_HAN_TENS, text)
    return (_han(han["han"]), han.span()) if han else None


def sex_in(text: str, *, pronouns: bool = False) -> tuple[str, tuple[int, int]] | None:
    """The sex that a text tells, and its place; by “she” or “he” alone only where asked to.

    Where both pronouns stand, they tell none.
    """
    for sex, pattern in _SEX:
        for one in pattern.finditer(text):
            number = re.match(r"\d+", one.group())
            of_other = number and _OTHER_MEASURE.search(text[: one.start()])
            if not of_other and not (number and sex == "female" and _is_hot(one.group())):
                return sex, one.span()
    said = [(sex, by.span()) for sex, pattern in _PRONOUN if (by := pattern.search(text))]
    return said[0] if pronouns and len(said) == 1 else None


def _number(said: re.Match[str]) -> Decimal:
    groups = {name.rstrip("2"): value for name, value in said.groupdict().items() if value}
    if teens := groups.get("teens"):
        return Decimal(_NUMBERS[teens.lower()])
    tens = 10 * (_TENS.index(groups["tens"].lower()) + 2)
    return Decimal(tens + _NUMBERS.get(groups.get("ones", "").lower(), 0))


def _han(words: str) -> Decimal:
    """A number from ten to ninety-nine in Chinese, such as 五十四."""
    tens, ones = words.split("十")
    digits = "一二三四五六七八九"
    return Decimal(
        10 * (digits.find(tens) + 1 if tens else 1) + (digits.find(ones) + 1 if ones else 0)
    )
