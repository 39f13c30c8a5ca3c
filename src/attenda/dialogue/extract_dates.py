"""Calendar dates in a user's words, read from the day on which they were said.

"tomorrow", "next Friday", "10 March", 2026-03-10, 3/10 by the locale, 明天, 下周五, 三月十号.
The clock stays outside: today is an argument. Times of day are `extract_times`'.
"""

import re
from collections.abc import Callable
from datetime import date, timedelta
from functools import partial

from attenda.dialogue.extract_calendar import Prefer, day_of_week, in_month, month_later, of_year
from attenda.dialogue.extract_numbers import CHINESE_NUMBER, ENGLISH_NUMBER, read_number
from attenda.dialogue.extract_span import Found, first_of_overlapping, folded

__all__ = ["dates"]

_MONTHS = {
    name[:length]: number
    for number, name in enumerate(
        (
            "january february march april may june july august september october november december"
        ).split(),
        start=1,
    )
    for length in (3, 4, len(name))
    if length in (3, len(name)) or name == "september"
}
_WEEKDAYS = {
    name[:length]: number
    for number, name in enumerate(
        "monday tuesday wednesday thursday friday saturday sunday".split()
    )
    for length in (3, 4, 5, len(name))
    if length in (3, len(name)) or (name[0] == "t" and name[:length] != "thurd")
}
_FULL_WEEKDAYS = {name: at for name, at in _WEEKDAYS.items() if name.endswith("day")}
_CHINESE_WEEKDAYS = {character: number for number, character in enumerate("一二三四五六日")}
_CHINESE_WEEKDAYS |= {character: int(character) - 1 for character in "123456"}
_CHINESE_WEEKDAYS |= {"天": 6, "7": 6}
_NEAR_DAYS = {
    "the day after tomorrow": 2, "day after tomorrow": 2, "tomorrow": 1, "tmrw": 1, "today": 0,
    "tonight": 0, "yesterday": -1, "the day before yesterday": -2, "day before yesterday": -2,
    "大后天": 3, "后天": 2, "明天": 1, "明日": 1, "明早": 1, "明晚": 1, "今天": 0, "今日": 0,
    "今晚": 0, "今早": 0, "昨天": -1, "昨日": -1, "昨晚": -1, "前天": -2, "大前天": -3,
}  # fmt: skip
_UNIT_DAYS = {
    "day": 1,
    "week": 7,
    "fortnight": 14,
    "天": 1,
    "日": 1,
    "周": 7,
    "星期": 7,
    "个星期": 7,
}
_ORDINALS = {
    word: number
    for number, word in enumerate(
        (
            "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth "
            "thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth"
        ).split(),
        start=1,
    )
}
_ORDINALS |= {
    f"twenty{mark}{word}": 20 + n for mark in " -" for word, n in [*_ORDINALS.items()][:9]
}
_ORDINALS |= {"thirtieth": 30, "thirty first": 31, "thirty-first": 31}


_LATER = {"last": -1, "this": 0, "next": 1}
_BACKWARDS = frozenset({"ago", "前", "以前", "之前"})


def _any(words: dict[str, int]) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


_MONTH = rf"(?P<month>{_any(_MONTHS)})(?![a-z])\.?"
_DAY = rf"(?P<day>[0-9]{{1,2}}(?:\s?(?:st|nd|rd|th))?|{_any(_ORDINALS)})(?![0-9a-z:])"
_YEAR = r"(?P<year>(?:19|20)[0-9]{2})(?![0-9])"
_LONE_END = (
    r"(?=\s*(?:$|[.,;!?)])|\s+(?:of|at|in|for|please|and|or|to|until|till|works?|is|was|would|"
    r"around|by|if|then|from|instead)(?![a-z]))"
)
_ZH_DAY = rf"(?P<day>[0-9]{{1,2}}|{CHINESE_NUMBER})\s?[日号]"

Reader = Callable[[re.Match[str], date, Prefer], date | None]


def dates(
    text: str, today: date, *, locale: str = "en-US", prefer: Prefer = "future"
) -> list[Found[date]]:
    """The dates in `text` as said on `today`, in reading order; impossible ones are left out.

    `locale` decides 3/10: the tenth of March in en-US and zh, the third of October elsewhere.
    "Friday" is the next one after today ("past": the last one before), "this Friday" that of this
    week, "next Friday" and 下周五 that of the week after, weeks beginning on Monday.
    """
    plain = folded(text)
    readers: list[tuple[re.Pattern[str], Reader]] = [
        *_READERS,
        (_SLASHES, partial(_slashed, locale=locale)),
    ]
    found = [
        Found(day, *match.span(), text[slice(*match.span())])
        for pattern, read in readers
        for match in pattern.finditer(plain)
        if (day := _safely(read, match, today, prefer)) is not None
    ]
    return first_of_overlapping(found)


def _safely(read: Reader, match: re.Match[str], today: date, prefer: Prefer) -> date | None:
    """The day read, or none where the calendar has no such day."""
    try:
        return read(match, today, prefer)
    except (ValueError, OverflowError):
        return None


def _near(match: re.Match[str], today: date, _: Prefer) -> date:
    return today + timedelta(_NEAR_DAYS[match["near"]])


def _shifted(match: re.Match[str], today: date, _: Prefer) -> date:
    count = 1 if match["count"] in ("a", "an") else _whole(match["count"])
    count *= -1 if match["after"] in _BACKWARDS else 1
    if match["unit"] in ("month", "个月"):
        return month_later(today, count)
    return today + timedelta(count * _UNIT_DAYS[match["unit"]])


def _weekday(match: re.Match[str], today: date, prefer: Prefer) -> date:
    weekday = _WEEKDAYS[match["weekday"]]
    which = match["which"] or match["week"]
    if which == "last" and not match["week"]:
        return day_of_week(today, weekday, None, "past")
    return day_of_week(today, weekday, _LATER.get(which), prefer)


def _chinese_weekday(match: re.Match[str], today: date, prefer: Prefer) -> date:
    which = match["which"]
    weeks = which.count("下") - which.count("上") if which else None
    return day_of_week(today, _CHINESE_WEEKDAYS[match["weekday"]], weeks, prefer)


def _month_day(match: re.Match[str], today: date, prefer: Prefer) -> date | None:
    year = int(match["year"]) if match["year"] else None
    return of_year(_day(match["day"]), _MONTHS[match["month"]], year, today, prefer)


def _chinese_date(match: re.Match[str], today: date, prefer: Prefer) -> date | None:
    year = _whole(match["year"]) if match["year"] else None
    if match["which_year"]:
        year = today.year + {"明": 1, "今": 0, "去": -1}[match["which_year"]]
    return of_year(_whole(match["day"]), _whole(match["month"]), year, today, prefer)


def _lone_day(match: re.Match[str], today: date, prefer: Prefer) -> date | None:
    return in_month(_day(match["day"]), None, today, prefer)


def _day_of_month(match: re.Match[str], today: date, prefer: Prefer) -> date | None:
    return in_month(_day(match["day"]), _LATER.get(match["which"]), today, prefer)


def _chinese_lone_day(match: re.Match[str], today: date, prefer: Prefer) -> date | None:
    which = match["which_month"]
    months = {"下": 1, "上": -1}.get(which[0], 0) if which else None
    return in_month(_whole(match["day"]), months, today, prefer)


def _day(words: str) -> int:
    if words in _ORDINALS:
        return _ORDINALS[words]
    return _whole(re.sub(r"\s?(?:st|nd|rd|th)$", "", words))


def _whole(words: str) -> int:
    """The whole number that `words` say.

    Raises:
        ValueError: they say none.
    """
    number = read_number(words)
    if number is None or number != int(number):
        raise ValueError(f"{words!r} is no whole number")
    return int(number)


def _iso(match: re.Match[str], _: date, __: Prefer) -> date:
    return date(int(match["year"]), int(match["month"]), int(match["day"]))


def _slashed(match: re.Match[str], today: date, prefer: Prefer, locale: str) -> date | None:
    first, second, year = int(match["first"]), int(match["second"]), match["year"]
    if (match["mark"] == "." and not year) or ((first, second) == (24, 7) and not year):
        return None  # 3.10 is a number, and 24/7 is round the clock
    month_first = locale.lower().replace("_", "-") in ("en", "en-us") or locale[:2] == "zh"
    month, day = (first, second) if month_first and match["mark"] != "." else (second, first)
    if month > 12 and year:
        month, day = day, month
    full_year = int(year if len(year) == 4 else f"20{year}") if year else None
    return of_year(day, month, full_year, today, prefer)


_SLASHES = re.compile(
    r"(?<![0-9/.,-])(?P<first>[0-9]{1,2})(?P<mark>[/.-])(?P<second>[0-9]{1,2})"
    r"(?:(?P=mark)(?P<year>(?:19|20)?[0-9]{2}))?(?![0-9/]|[.,-][0-9])"
)
_READERS: list[tuple[re.Pattern[str], Reader]] = [
    (re.compile(rf"(?<![a-z])(?P<near>{_any(_NEAR_DAYS)})(?![a-z])"), _near),
    (
        re.compile(
            rf"(?:(?<![a-z])in\s+)?(?<![a-z0-9.,])(?P<count>an?|[0-9]{{1,4}}|{ENGLISH_NUMBER})\s+"
            r"(?P<unit>day|week|month|fortnight)s?\s+(?P<after>from\s+(?:now|today)|ago|later)"
            r"(?![a-z])"
        ),
        _shifted,
    ),
    (
        re.compile(
            rf"(?<![a-z])(?P<after>in)\s+(?P<count>an?|[0-9]{{1,4}}|{ENGLISH_NUMBER})\s+"
            r"(?P<unit>day|week|month|fortnight)s?(?:'\s+time)?(?![a-z])"
        ),
        _shifted,
    ),
    (
        re.compile(
            rf"(?P<count>[0-9]{{1,4}}|{CHINESE_NUMBER})(?P<unit>天|日|周|个星期|星期|个月)"
            r"(?P<after>之后|以后|后|之前|以前|前)"
        ),
        _shifted,
    ),
    (
        re.compile(
            r"(?<![a-z])(?:(?P<which>this|next|last)\s+(?:coming\s+)?)?"
            rf"(?P<weekday>{_any(_FULL_WEEKDAYS)})"
            r"(?![a-z])(?:\s+(?:of\s+)?(?P<week>next|this|last)\s+week)?"
        ),
        _weekday,
    ),
    (
        re.compile(
            r"(?<![a-z])(?:(?P<which>this|next|last)|on|by)\s+"
            rf"(?P<weekday>{_any(_WEEKDAYS)})(?![a-z])(?P<week>)"
        ),
        _weekday,
    ),
    (
        re.compile(
            r"(?P<which>下{1,2}个?|上{1,2}个?|这个?|本)?(?:周|星期|礼拜)"
            r"(?P<weekday>[一二三四五六日天1-7])(?![0-9一二三四五六七八九十个]|天)"
        ),
        _chinese_weekday,
    ),
    (
        re.compile(
            rf"(?<![a-z0-9.,/:])(?:the\s+)?{_DAY}\s*(?:of\s+|-)?\s*{_MONTH}(?:,?\s*-?{_YEAR})?"
        ),
        _month_day,
    ),
    (
        re.compile(rf"(?<![a-z]){_MONTH}\s*(?:the\s+)?{_DAY}(?:,?\s+{_YEAR})?"),
        _month_day,
    ),
    (
        re.compile(
            rf"(?:(?P<year>[0-9]{{4}}|[〇零一二三四五六七八九]{{4}})年\s?|(?P<which_year>[今明去])年\s?)?"
            rf"(?P<month>(?<![0-9])[0-9]{{1,2}}|[一二三四五六七八九十]{{1,2}})\s?月\s?{_ZH_DAY}"
        ),
        _chinese_date,
    ),
    (
        re.compile(rf"(?P<which_month>[下上本这]个?月)?(?<![0-9第]){_ZH_DAY}(?!楼|线|店|房)"),
        _chinese_lone_day,
    ),
    (
        re.compile(
            rf"(?<![a-z0-9.,/:])(?:the\s+)?{_DAY}\s+(?:of\s+)?(?P<which>this|next|the|last)\s+month"
            r"(?![a-z])"
        ),
        _day_of_month,
    ),
    (re.compile(rf"(?<![a-z])(?:on\s+)?the\s+{_DAY}{_LONE_END}"), _lone_day),
    (
        re.compile(
            r"(?<![0-9/.-])(?P<year>[0-9]{4})(?P<mark>[-/.])(?P<month>[0-9]{1,2})(?P=mark)"
            r"(?P<day>[0-9]{1,2})(?![0-9])"
        ),
        _iso,
    ),
]
