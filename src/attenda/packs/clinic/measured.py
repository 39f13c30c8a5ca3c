"""Measured values in words (en, zh-CN), each with its span and in one unit."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from attenda.packs.clinic.between import AT_BEGINNING, GAP, NO_OTHER
from attenda.packs.clinic.oxygen_said import oxygen_said
from attenda.packs.clinic.person_said import age_in, sex_in
from attenda.packs.clinic.units import UnknownUnit, convert
from attenda.packs.clinic.value_time import holding, is_denied

__all__ = ["UNITS", "Reading", "readings", "vitals_of", "without_unit"]

UNITS: Mapping[str, tuple[str, str]] = {
    "temperature_c": ("°C", "°F"), "weight_kg": ("kg", "lb"), "height_cm": ("cm", "m"),
    "creatinine_mg_dl": ("mg/dL", "µmol/L"), "urea_mmol_l": ("mmol/L", "mg/dL"),
    "qt_ms": ("ms", "s"),
}  # fmt: skip
"""By name: the units to choose from, where a number alone may be in either."""

_NO_RANGE = r"(?!\.?\d|\s*(?:[-–~～]|to\b|到|至)\s*\d)"
_N = rf"(?P<value>\d{{1,4}}(?:\.\d{{1,2}})?){_NO_RANGE}"
"""A number by itself: a range tells no value."""
_PLAIN_FORMS = {code: code - 0xFEE0 for code in range(0xFF10, 0xFF5B)}
_PLAIN_FORMS |= {0xFF0F: 0x2F, 0xFF05: 0x25, 0xFF1A: 0x3A, 0x2082: 0x32, 0x3000: 0x20, 0x2044: 0x2F}


@dataclass(frozen=True, slots=True)
class Reading:
    """A value, and the words that gave it."""

    name: str
    value: Decimal | bool | str
    start: int
    end: int
    words: str


@dataclass(frozen=True, slots=True)
class _Kind:
    name: str
    pattern: re.Pattern[str]
    quantity: str = ""
    wanted: str = ""
    """Unit that the value is turned into."""
    bare: re.Pattern[str] | None = None
    """The name and a number, with or without a unit; nothing where none is needed."""


def _kind(
    name: str, words: str, unit: str = "", quantity: str = "", wanted: str = "", not_of: str = ""
) -> _Kind:
    """A kind of value; after a number without a unit nothing of another kind may stand."""
    other = NO_OTHER + rf"(?!\s*(?:{not_of}))" if not_of else ""
    text = rf"(?:{words}){GAP}{_N}" + (rf"\s*(?P<unit>{unit})" if unit else other)
    bare = re.compile(rf"(?:{words}){GAP}{_N}", re.IGNORECASE) if unit else None
    return _Kind(name, re.compile(text, re.IGNORECASE), quantity, wanted, bare)


def _ahead(number: str, names: str) -> str:
    """A number with its name behind it, where a clause has nothing but the two."""
    return (
        rf"{AT_BEGINNING}(?={number}\s*(?:%|percent)?\s*"
        r"(?:的|is (?:the|her|his)|for (?:the|her|his))?"
        rf"\s*(?:{names})\s*(?:[,;.，；、。\n]|$|(?:on|in) ))"
    )


_MICROMOL = (
    r"[µμu]mols?\s?(?:/|per )\s?l(?:it(?:re|er))?|mcmol/l|micromol(?:e?s)?\s?(?:/"
    r"|per )\s?l(?:it(?:re|er))?"
    r"|微摩尔?[/每]升|微摩"
)
_MG_DL = r"mgs?\s?(?:/|per |%)\s?dl|mg%|毫克[/每]分升|毫克/dl"
_AWAY = (
    r"(?:(?!\b(?:last|yesterday|before|previous\w*|was once|earlier|usual\w*|normal\w*|baseline"
    r"|target|goal|glucose"
    r"|sugar|urea|bun|bilirubin|calcium|clearance)\b|昨|前天|上次|上周|上月|去年|以前|之前|平时"
    r"|目标|血糖|尿素|胆红素|血钙|清除率)"
    r"[^\d.;。；!?！？\n]){0,30}?"
)
"""Words between creatinine and its number, which no other quantity has in this unit nearby."""
_OWN = r"(?!\s*(?:rate|is|are|at|of|:|=)?\s*\d)"
"""After the name of another kind: without a number of its own, the one before it is its."""
_KINDS: Sequence[_Kind] = (
    _kind("respiratory_rate",
          r"(?<![a-z0-9])RR?(?![a-z])|\bresp(?:iratory|iration)?s?(?![a-z])\.?(?: rate)?"
          r"|\bbreathing(?: [a-z]+){0,3}? at(?: a rate of)?"
          r"|\bbreathing(?: rate)?|\bbreath(?:es| rate)|\btachypn\w+|呼吸(?:频率|次数)?|喘气"
          r"|(?<![\d./])(?=\d{1,2} ?(?:breaths|resps|respirations|次的?呼吸))"
        r"|\bbreaths(?= (?:were|are|at|counted))"
        r"|" + _ahead(r"\d{1,2}", "RR|resp(?:iratory)? rate|呼吸(?:频率)?"),
          not_of=rf"%|bpm|beats|(?:sats?|pulse)\b{_OWN}"),
    _kind("spo2", r"\b(?:O2 |oxygen )?sat(?:uration(?: level)?|urating|urates|ting)?s?(?![a-z])"
                  r"|(?<![a-z0-9])S[pa]?O2|(?<![a-z0-9])pulse ox(?:imet(?:er|ry))?"
                  r"|\b(?:O2|oxygen) level"
                  r"|血氧(?:饱和度?)?|氧饱和度?|饱和度|氧合|指氧|指脉氧"
                  r"|(?<![\d.])(?=(?:[6-9]\d|100) ?% ?(?:,? ?(?:on|in|RA\b|room|without|sats?"
                  r"|SpO2|O2|oxygen|空气|未吸)))"
                  r"|" + _ahead(r"(?:[6-9]\d|100)",
                                  "sats?|saturations?|SpO2|血氧(?:饱和度)?|饱和度"),
          not_of=rf"bpm|beats|breaths|/ ?min|次|(?:resps?|pulse)\b{_OWN}"),
    _kind("pulse", r"\bpulse(?: rate)?|(?<![a-z0-9])HR(?![a-z])|(?<![a-z0-9])PR(?![a-z])"
                   r"|(?<!patient )(?<!pt )(?<![a-z0-9])P(?=[\s:=]*\d{2,3}(?![\da-z]))"
                   r"|\bheart ?(?:rate|beat)s?|\bheart(?:['’]s| is)? (?:going|beating)"
                   r"|\btachy\w*|脉搏|脉率|心率|心跳|脉(?=\d)"
                   r"|(?<![\d./])(?=\d{2,3} ?(?:bpm|beats))"
                   r"|" + _ahead(r"\d{2,3}", "pulse(?: rate)?|HR|heart rate|脉搏|心率|心跳"),
          not_of=rf"%|breaths|次呼吸|(?:sats?|resps?)\b{_OWN}"),
    _kind("temperature_c", r"(?<![a-z0-9])temp(?:erature)?\.?|\bT|体温", r"°?\s?[CF]\b|℃|℉|度|°",
          "temperature", "°C"),
    _kind("weight_kg", r"\bweigh(?:t|s|ing)?(?: in)?|\bwt|体重"
          r"|(?<![\d.])(?=\d+(?:\.\d)? ?(?:kgs?|kilos?|kilograms?|公斤|千克)(?![a-z]|/m))",
          r"kgs?|kilos?|kilograms?|公斤|千克|lbs?|磅|斤", "weight", "kg"),
    _kind("height_cm", r"\bheight|\btall|身高", r"cm|厘米|m\b|米|in\b", "height", "cm"),
    _kind("creatinine_mg_dl",
          r"(?:\b(?:serum |plasma )?crea[a-z]*|\bs?Cr\b|\bsCr(?:eat)?|血?肌酐)" + _AWAY
          + r"|(?<![\d.])(?=[\d.]+ ?(?:" + _MICROMOL + "|" + _MG_DL
          + r") ?(?:is |was |for )?(?:of )?(?:the |her |his |a )?(?:creat|肌酐))",
          f"{_MG_DL}|{_MICROMOL}", "creatinine", "mg/dL"),
    _kind("urea_mmol_l", r"\burea|\bBUN|尿素氮?", r"mmol/l|mg/dl|毫摩尔/升", "urea", "mmol/L"),
    _kind("qt_ms", r"(?<![a-z0-9])QT(?![a-z])(?: ?(?:间期|间隔|interval))?",
          r"ms|毫秒|s\b", "time", "ms"),
)  # fmt: skip
_PLAIN_TEMPERATURE = re.compile(
    r"(?<![\d.])(?P<value>3[3-9]\.\d|4[0-3]\.\d|3[5-9](?=\s*(?:°|℃|C\b|degrees))|4[0-2](?=\s*(?:°"
    r"|℃|C\b|degrees))|(?:9\d|1[01]\d)(?:\.\d)?(?=\s*°?F\b(?![,/\s]*\d)))" + _NO_RANGE + r"\s*"
    r"(?P<unit>°\s?[CF]|[CF]\b|℃|度|degrees)?"
    r"|(?<!\d)(?P<whole>3[4-9]|4[0-2])度(?P<tenth>\d)(?!\d)",
    re.IGNORECASE,
)
_TEMPERATURE_ALONE = re.compile(
    r"(?:(?<![a-z0-9])temp(?:erature)?\.?|(?<![a-z0-9])T(?=[\s:：=]*\d)|体温)"
    + GAP
    + r"(?P<value>3[3-9](?:\.\d)?|4[0-3](?:\.\d)?)"
    + _NO_RANGE,
    re.IGNORECASE,
)
_PRESSURE = re.compile(
    r"(?:(?:(?<![a-z0-9])B\.?P(?![a-z])\.?|\b(?:blood )?pressure|血压)"
    + GAP
    + r")?(?<!\d)(?P<high>\d{2,3})\s*(?:/|over|on(?= ?\d)|比)\s*(?P<low>\d{2,3})(?!\d|/)"
    r"|(?:\bsystolic(?: BP| pressure| blood pressure)?|\bSBP|收缩压|高压)"
    + GAP
    + r"(?P<alone>\d{2,3})(?!\d)",
    re.IGNORECASE,
)  # fmt: skip
_STATES: Sequence[tuple[str, re.Pattern[str]]] = (
    ("confused", re.compile(r"(?<!not )(?<!no )\bconfus(?:ed|ion)\b|\bdisorient(?:at)?ed\b"
                            r"|意识模糊|神志不清|谵妄|嗜睡", re.I)),
    ("unresponsive", re.compile(r"\bunresponsive\b|\bunconscious\b|昏迷|无反应", re.I)),
    ("voice", re.compile(r"\b(?:responds?|responding|responsive) to voice\b|对声音有反应", re.I)),
    ("pain", re.compile(r"\b(?:responds?|responding|responsive) (?:only )?to pain\b"
                         r"|对疼痛有反应", re.I)),
    ("alert", re.compile(r"(?<!not )(?<!n't )\balert\b|\b(?:not confused|fully conscious"
                          r"|awake and|conscious(?= (?:and|,))|GCS(?: is| of|:| was)? ?15|A&O"
                          r"|A&?O ?x ?[34]|orient(?:at)?ed|(?:wide|fully|is|['’]s) awake(?! all))\b"
                          r"|清醒|清楚|神清|神志正常|神志清|意识清|意识正常|(?<!没)醒着|人是?醒的|GCS评?分?[:：是]?15"
                          r"|\b(?:AVPU|ACVPU)\s*[:=-]?\s*(?:is )?A\b"
                          r"|(?:^|[/,;|，；])\s*A\s*(?=[/,;|，；]|$)", re.I)),
)  # fmt: skip
_ANSWERED_NO = re.compile(r"\s*[?？:：]\s*(?:no\b|not\b|否|不|没)", re.IGNORECASE)


def readings(text: str, *, pronouns: bool = False) -> list[Reading]:
    """Every measured value in a text, in order; one whose unit is not known is left out.

    With `pronouns` a lone "she" or "he" tells the sex: where one patient alone is spoken of.
    """
    written, text = text, _plain(text)
    found = [*_named(text), *_temperature(text), *_pressure(text), *_person(text, pronouns)]
    found = holding(text, [*found, *_oxygen(text), *_states(text)])
    own = [replace(one, words=written[one.start : one.end]) for one in found]
    return sorted(own, key=lambda one: one.start)


def without_unit(text: str) -> dict[str, str]:
    """Numbers by name that lack a unit that is known, and so are no values; the last of each."""
    plain, known = _plain(text), {one.name for one in readings(text)}
    return {
        kind.name: one["value"]
        for kind in _KINDS
        if kind.bare and kind.name not in known
        for one in kind.bare.finditer(plain)
    }


def _oxygen(text: str) -> list[Reading]:
    """Whether they get oxygen, the first that holds."""
    said = [
        Reading("oxygen", so, start, end, text[start:end]) for so, start, end in oxygen_said(text)
    ]
    return holding(text, said)[:1]


def _states(text: str) -> list[Reading]:
    """How awake they are, the gravest that holds; what is denied is none of it."""
    said = [
        Reading("consciousness", state, one.start(), one.end(), one.group())
        for state, pattern in _STATES
        for one in pattern.finditer(text)
        if not (is_denied(text, one.start(), one.end()) or _ANSWERED_NO.match(text, one.end()))
    ]
    return holding(text, said)[:1]


def _plain(text: str) -> str:
    """The same length, with plain digits, letters and marks for full-width and small ones."""
    return text.translate(_PLAIN_FORMS)


def vitals_of(text: str) -> dict[str, Decimal | bool | str]:
    """The values of a text about one patient by name; the last of each."""
    return {one.name: one.value for one in readings(text, pronouns=True)}


def _named(text: str) -> Iterator[Reading]:
    for kind in _KINDS:
        for one in kind.pattern.finditer(text):
            value = Decimal(one["value"])
            if kind.quantity:
                unit = _unit_of(one["unit"])
                try:
                    value = convert(value, kind.quantity, "c" if unit == "°" else unit, kind.wanted)
                except UnknownUnit:
                    continue
                value = round(value, 2 if kind.name == "creatinine_mg_dl" else 1)
            yield Reading(kind.name, value, one.start(), one.end(), one.group())


def _unit_of(words: str) -> str:
    """A unit as the table of units has it."""
    for pattern, unit in ((_MICROMOL, "umol/l"), (_MG_DL, "mg/dl")):
        if re.fullmatch(pattern, words, re.IGNORECASE):
            return unit
    return words.replace(" ", "").replace("毫秒", "ms")


def _temperature(text: str) -> Iterator[Reading]:
    """A temperature that stands without its name, or without its unit."""
    named = any(one.name == "temperature_c" for one in _named(text))
    if named and not re.search(r"\d度\d", text):
        return
    for one in (_PLAIN_TEMPERATURE.search(text), _TEMPERATURE_ALONE.search(text)):
        if one:
            unit = (one.groupdict().get("unit") or "c").replace(" ", "")
            fahrenheit = "f" in unit.lower()
            split = one.groupdict().get("whole")
            said = f"{split}.{one['tenth']}" if split else one["value"]
            value = convert(Decimal(said), "temperature", "f" if fahrenheit else "c", "°C")
            value = round(value, 1)
            yield Reading("temperature_c", value, one.start(), one.end(), one.group())
            return


def _pressure(text: str) -> Iterator[Reading]:
    for one in _PRESSURE.finditer(text):
        if one["alone"]:
            yield Reading("systolic", Decimal(one["alone"]), one.start(), one.end(), one.group())
            continue
        high, low = Decimal(one["high"]), Decimal(one["low"])
        if high > low and high >= 40:
            yield Reading("systolic", high, one.start(), one.end(), one.group())
            yield Reading("diastolic", low, one.start(), one.end(), one.group())


def _person(text: str, pronouns: bool) -> Iterator[Reading]:
    """Age and sex."""
    said = (("age", age_in(text)), ("sex", sex_in(text, pronouns=pronouns)))
    for name, found in said:
        if found:
            value, (start, end) = found
            yield Reading(name, value, start, end, text[start:end])
