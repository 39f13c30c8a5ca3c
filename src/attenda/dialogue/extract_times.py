"""Times of day in a user's words, and the instant that a date and a time make in a time zone.

"half past three", 3pm, 15:30, 下午三点半. It needs no clock; dates are `extract_dates`'.
"""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from attenda.dialogue.extract_numbers import ENGLISH_NUMBER, read_number
from attenda.dialogue.extract_span import Found, first_of_overlapping, folded

__all__ = ["instant", "times"]

_AFTERNOON = frozenset(
    {"pm", "afternoon", "evening", "night", "tonight", "下午", "晚上", "傍晚", "今晚", "明晚"}
)
_MORNING = frozenset({"am", "morning", "早上", "上午", "清晨", "早晨", "凌晨", "今早", "明早"})
_NOON = frozenset({"noon", "中午"})
_FIXED = {
    "noon": time(12),
    "midday": time(12),
    "midnight": time(0),
    "正午": time(12),
    "午夜": time(0),
}

_HALF_DAY = r"(?P<half>(?:a|p)\.?m\b\.?)"
_PART = r"(?:\s*,?\s*(?:in\s+the|at)?\s*(?P<part>morning|afternoon|evening|night)(?![a-z]))"
_PART_FIRST = r"(?:(?<![a-z])(?P<early>morning|afternoon|evening)(?:\s+at|\s+around)?\s+)"
_HOUR = rf"(?P<hour>[0-9]{{1,2}}|{ENGLISH_NUMBER})"
_DIGITAL = re.compile(
    rf"{_PART_FIRST}?(?<![0-9.,:/€$£¥-])(?P<hour>[0-9]{{1,2}})[:.](?P<minute>[0-5][0-9])(?![0-9:%€$£]|\.[0-9])"
    rf"(?:\s*{_HALF_DAY}|{_PART})?"
)
_WHOLE_HOUR = re.compile(
    rf"{_PART_FIRST}?(?<![0-9.,:/€$£¥a-z-]){_HOUR}(?:\s*o[\'\"]?\s?clock)?(?:\s*{_HALF_DAY}|{_PART})"
)
_OCLOCK = re.compile(rf"(?<![0-9.,:/a-z-]){_HOUR}\s*o[\'\"]?\s?clock(?![a-z])")
_PART_THEN_HOUR = re.compile(rf"{_PART_FIRST}{_HOUR}(?![0-9.,:/]*[0-9])(?![a-z])")
_AT = re.compile(
    rf"(?<![a-z])at\s+{_HOUR}(?=\s*(?:$|[,;!?)]|\.(?![0-9]))|\s+(?:on|tomorrow|today|please|for|then|"
    r"and|or|next|this|works|instead|sharp)(?![a-z]))"
)
_PAST = re.compile(
    rf"(?<![a-z0-9])(?P<minutes>half|(?:a\s+)?quarter|[0-9]{{1,2}}|{ENGLISH_NUMBER})"
    rf"(?:\s+minutes?)?\s+(?P<side>past|to|after|before)\s+{_HOUR}(?![0-9a-z])"
    rf"(?:\s*{_HALF_DAY}|{_PART})?"
)
_NAMED = re.compile(r"(?<![a-z])(?P<name>noon|midday|midnight)(?![a-z])|(?P<zh>正午|午夜)")
_CHINESE = re.compile(
    rf"(?P<early>{'|'.join(sorted(_AFTERNOON | _MORNING | _NOON, key=len, reverse=True))})?\s?"
    r"(?P<hour>(?<![0-9.第])[0-9]{1,2}|(?<![第一二两三四五六七八九十百])[零〇一二两三四五六七八九十]{1,3})"
    r"\s?[点时](?!间|候|心|评|餐|菜|了|儿|什)(?:钟|整)?"
    r"(?:(?P<name>半|一刻|三刻)|(?P<minute>[0-9]{1,2}|[零〇一二三四五六七八九十]{1,3})(?![0-9个])分?)?"
)
_MINUTES = {"half": 30, "quarter": 15, "a quarter": 15, "半": 30, "一刻": 15, "三刻": 45}


def times(text: str, *, earliest_hour: int = 7) -> list[Found[time]]:
    """The times of day in `text`, in reading order.

    A time said without morning or afternoon is the first one from `earliest_hour` on: "half past
    three" is 15:30. A clock of 24 hours is taken as it stands: 15:30, 03:30.
    """
    plain = folded(text)
    found = [
        Found(value, *match.span(), text[slice(*match.span())])
        for match, value in _readings(plain, earliest_hour)
        if value is not None
    ]
    return first_of_overlapping(found)


def instant(day: date, clock: time, zone: ZoneInfo) -> datetime:
    """When the clocks of `zone` show `clock` on `day`, in UTC.

    An hour that a clock change repeats is the first of both; one that it skips is moved on by the
    hour skipped.
    """
    return datetime.combine(day, clock, zone).astimezone(UTC)


def _readings(plain: str, earliest: int) -> Iterator[tuple[re.Match[str], time | None]]:
    for pattern in (_DIGITAL, _WHOLE_HOUR, _OCLOCK, _PART_THEN_HOUR, _AT):
        for match in pattern.finditer(plain):
            yield match, _clock(match, match.groupdict().get("minute"), earliest)
    for match in _PAST.finditer(plain):
        yield match, _around(match, earliest)
    for match in _NAMED.finditer(plain):
        yield match, _FIXED[match["name"] or match["zh"]]
    for match in _CHINESE.finditer(plain):
        minute = match["minute"]
        said = str(_MINUTES[match["name"]]) if match["name"] else minute
        if minute is None or len(minute) > 1 or match.group().endswith("分"):
            yield match, _clock(match, said, earliest)


def _clock(match: re.Match[str], minute: str | None, earliest: int) -> time | None:
    """The time of an hour, of minutes and of a part of the day that may be said with them."""
    hour = read_number(match["hour"])
    minutes = 0 if minute is None else read_number(minute)
    if hour is None or minutes is None or hour > 24 or minutes > 59:
        return None
    parts = match.groupdict()
    half = (parts.get("half") or "").replace(".", "")
    part = half or parts.get("part") or parts.get("early")
    as_written = match["hour"].startswith("0") or not match["hour"].isdigit() and hour == 0
    return _on_the_day(
        int(hour), int(minutes), "as written" if as_written and not part else part, earliest
    )


def _around(match: re.Match[str], earliest: int) -> time | None:
    """Read "ten past four", "a quarter to five"."""
    said = match["minutes"]
    minutes = _MINUTES.get(said) or read_number(said)
    whole = _clock(match, None, earliest)
    if whole is None or minutes is None or not 0 < minutes < 60:
        return None
    if match["side"] in ("past", "after"):
        return whole.replace(minute=int(minutes))
    return time((whole.hour - 1) % 24, 60 - int(minutes))


def _on_the_day(hour: int, minute: int, part: str | None, earliest: int) -> time | None:
    if hour > 12 or hour == 0 or part == "as written":
        return time(hour % 24, minute) if hour < 24 or minute == 0 else None
    if part in _MORNING:
        return time(hour % 12, minute)
    if part in _NOON:
        return time(hour if hour >= 11 else hour + 12, minute)
    if part in _AFTERNOON:
        night = hour == 12 and part not in ("pm", "afternoon", "下午")
        return time(0 if night else hour % 12 + 12, minute)
    return time(hour % 12 + (0 if hour % 12 >= earliest else 12), minute)
