"""Measured values in words (en, zh-CN), each with its span and in one unit."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

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
_GAP = (
    r"\s*(?:(?:of|is|was|are|at|about|around|running|currently|now|today|measured|level"
    r"|came back|comes back|up to|rate|just"
    r"|still|only|per minute|reading|reads|read|shows|showed|shown|came|comes|coming|in|out|back"
    r"|as|result|results"
    r"|equals|sits?|sitting|stands|turned|being|have|has|got|a|an|the|it|it['’]?s|its|says|to be"
    r"|value|lab|lab said"
    r"|查出来|测出来|出来|结果|报告|显示|报的?|数值|值|水平|测得|测了|量了|称了"
    r"|[:：=~≈是为约在每分钟了有才])\s*){0,5}"
)
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


def _kind(name: str, words: str, unit: str = "", quantity: str = "", wanted: str = "") -> _Kind:
    text = rf"(?:{words}){_GAP}{_N}" + (rf"\s*(?P<unit>{unit})" if unit else "")
    bare = re.compile(rf"(?:{words}){_GAP}{_N}", re.IGNORECASE) if unit else None
    return _Kind(name, re.compile(text, re.IGNORECASE), quantity, wanted, bare)


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
_KINDS: Sequence[_Kind] = (
    _kind("respiratory_rate",
          r"\bRR?(?![a-z])|\bresp(?:iratory|iration)?s?(?: rate)?|\bbreathing(?: [a-z]+){0,3}? at"
          r"(?: a rate of)?"
          r"|\bbreathing(?: rate)?|\bbreath(?:es| rate)|\btachypn\w+|呼吸(?:频率|次数)?"
          r"|(?<![\d./])(?=\d{1,2} ?(?:breaths|resps|respirations|次呼吸))"),
    _kind("spo2", r"\b(?:O2 |oxygen )?sat(?:uration|s|urating|ting)?|\bS[pa]?O2|\bpulse ox"
                  r"|血氧(?:饱和度?)?|氧饱和度?|饱和度|氧合|指氧"
                  r"|(?<![\d.])(?=(?:[6-9]\d|100) ?% ?(?:,? ?(?:on|in|RA\b|room|without|sats?"
                  r"|SpO2|O2|oxygen|空气|未吸)))"),
    _kind("pulse", r"\bpulse(?: rate)?|\bHR|\bPR(?![a-z])"
                   r"|(?<!patient )(?<!pt )\bP(?=[\s:=]*\d{2,3}(?![\da-z]))"
                   r"|\bheart ?(?:rate|beat)"
                   r"|\btachy\w*|脉搏|脉率|心率|心跳|脉(?=\d)"
                   r"|(?<![\d./])(?=\d{2,3} ?(?:bpm|beats))"),
    _kind("temperature_c", r"\btemp(?:erature)?|\bT|体温", r"°?\s?[CF]\b|℃|℉|度|°",
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
    _kind("qt_ms", r"\bQT\b", r"ms|毫秒|s\b", "time", "ms"),
)  # fmt: skip
_PLAIN_TEMPERATURE = re.compile(
    r"(?<![\d.])(?P<value>3[3-9]\.\d|4[0-3]\.\d|3[5-9](?=\s*(?:°|℃|C\b|degrees))|4[0-2](?=\s*(?:°"
    r"|℃|C\b|degrees))|(?:9\d|1[01]\d)(?:\.\d)?(?=\s*°?F\b(?![,/\s]*\d)))" + _NO_RANGE + r"\s*"
    r"(?P<unit>°\s?[CF]|[CF]\b|℃|度|degrees)?"
    r"|(?<!\d)(?P<whole>3[4-9]|4[0-2])度(?P<tenth>\d)(?!\d)",
    re.IGNORECASE,
)
_TEMPERATURE_ALONE = re.compile(
    r"(?:\btemp(?:erature)?|体温)"
    + _GAP
    + r"(?P<value>3[3-9](?:\.\d)?|4[0-3](?:\.\d)?)"
    + _NO_RANGE,
    re.IGNORECASE,
)
_PRESSURE = re.compile(
    r"(?:(?:\bBP|\bblood pressure|血压)"
    + _GAP
    + r")?(?<!\d)(?P<high>\d{2,3})\s*(?:/|over|on(?= ?\d))\s*(?P<low>\d{2,3})(?!\d|/)"
    r"|(?:\bsystolic|\bSBP|收缩压)" + _GAP + r"(?P<alone>\d{2,3})(?!\d)",
    re.IGNORECASE,
)  # fmt: skip
_AIR = re.compile(
    r"\b(?:on )?(?:room |ambient )?air\b(?! hunger)|\bRA\b"
    r"|\b(?:without|no|nil|not on|no longer on|off)(?: [a-z]+){0,2} (?:oxygen|O2)\b"
    r"|[未不没](?:有|在)?(?:吸|给|用|上)氧|无需?吸氧|停(?:止|用|了)?吸氧|否认吸氧|空气|无氧疗",
    re.IGNORECASE,
)
_OXYGEN = re.compile(
    r"(?<!not )(?<!no longer )\b(?:on|with) (?:\d+(?:\.\d)?\s*l(?:itres?"
    r"|iters?)?(?:/min)?(?: of)? )?(?:supplemental |nasal )?(?:oxygen|O2)\b"
    r"|\bon \d+(?:\.\d)?\s*l(?:itres?|iters?)?\b|\bnasal (?:cannula|specs|prongs)\b"
    r"|\bnon-?rebreathe"
    r"|(?<![未不没有无需停止用了认])吸氧|鼻导管|面罩",
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
                          r"|awake and|conscious(?= (?:and|,))|GCS(?: is| of|:)? ?15|A&O"
                          r"|AO ?x ?3|orient(?:at)?ed)\b"
                          r"|清醒|清楚|神清|神志正常|神志清|意识清|意识正常"
                          r"|\b(?:AVPU|ACVPU)\s*[:=-]?\s*(?:is )?A\b"
                          r"|(?:^|[/,;|，；])\s*A\s*(?=[/,;|，；]|$)", re.I)),
)  # fmt: skip


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
        Reading("oxygen", value, one.start(), one.end(), one.group())
        for value, pattern in ((True, _OXYGEN), (False, _AIR))
        for one in pattern.finditer(text)
    ]
    return holding(text, said)[:1]


def _states(text: str) -> list[Reading]:
    """How awake they are, the gravest that holds; what is denied is none of it."""
    said = [
        Reading("consciousness", state, one.start(), one.end(), one.group())
        for state, pattern in _STATES
        for one in pattern.finditer(text)
        if not is_denied(text, one.start(), one.end())
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
