"""Measured values in words (en, zh-CN), each with its span and in one unit."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from attenda.packs.clinic.units import UnknownUnit, convert

__all__ = ["Reading", "readings", "vitals_of"]

_N = r"(?P<value>\d{1,4}(?:\.\d{1,2})?)"
_GAP = r"\s*(?:of|is|was|[:：=为是约]|about|around)?\s*"


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


def _kind(name: str, words: str, unit: str = "", quantity: str = "", wanted: str = "") -> _Kind:
    text = rf"(?:{words}){_GAP}{_N}" + (rf"\s*(?P<unit>{unit})" if unit else "")
    return _Kind(name, re.compile(text, re.IGNORECASE), quantity, wanted)


_KINDS: Sequence[_Kind] = (
    _kind("respiratory_rate",
          r"\bRR?(?![a-z])|\bresp(?:iratory|iration)?s?(?: rate)?|\bbreathing(?: rate)?(?: at| of)?"
          r"|呼吸(?:频率)?"),
    _kind("spo2", r"\bSp?O2|\bsat(?:uration|s)?|\boxygen saturation|血氧(?:饱和度)?|氧饱和度"),
    _kind("pulse", r"\bpulse|\bHR|\bP(?![a-z])|\bheart rate|脉搏|心率|心跳"),
    _kind("temperature_c", r"\btemp(?:erature)?|\bT|体温", r"°?\s?[CF]\b|℃|℉|度|°",
          "temperature", "°C"),
    _kind("weight_kg", r"\bweigh(?:t|s)?|体重"
          r"|(?<![\d.])(?=\d+(?:\.\d)? ?(?:kg|kilos?|kilograms?|公斤|千克)(?![a-z/]))",
          r"kg|kilos?|kilograms?|公斤|千克|lbs?|磅|斤", "weight", "kg"),
    _kind("height_cm", r"\bheight|\btall|身高", r"cm|厘米|m\b|米|in\b", "height", "cm"),
    _kind("creatinine_mg_dl", r"\bcreat(?:inine)?|\bCr|肌酐",
          r"mg/dl|[µμu]mol/l|micromol/l|微摩尔[/每]升|毫克[/每]分升", "creatinine", "mg/dL"),
    _kind("urea_mmol_l", r"\burea|\bBUN|尿素氮?", r"mmol/l|mg/dl|毫摩尔/升", "urea", "mmol/L"),
    _kind("qt_ms", r"\bQT\b", r"ms|毫秒|s\b", "time", "ms"),
)  # fmt: skip
_PLAIN_TEMPERATURE = re.compile(
    r"(?<![\d.])(?P<value>3[3-9]\.\d|4[0-3]\.\d|\d{2,3}(?:\.\d)?(?=\s*°?F\b))\s*"
    r"(?P<unit>°\s?[CF]|[CF]\b|℃|度|degrees)?",
    re.IGNORECASE,
)
_TEMPERATURE_ALONE = re.compile(
    r"(?:\btemp(?:erature)?|体温)" + _GAP + r"(?P<value>3[3-9](?:\.\d)?|4[0-3](?:\.\d)?)(?!\d)",
    re.IGNORECASE,
)
_PRESSURE = re.compile(
    r"(?:(?:\bBP|\bblood pressure|血压)"
    + _GAP
    + r")?(?<!\d)(?P<high>\d{2,3})\s*(?:/|over)\s*(?P<low>\d{2,3})(?!\d|/)",
    re.IGNORECASE,
)  # fmt: skip
_PERSON = r"(?:man|woman|male|female|lady|gentleman|guy)"
_AGE = re.compile(
    rf"(?:\bage[d:]?\s*|\b{_PERSON}[,:]?\s+(?:of |aged )?|(?<!['’])\b[fm]\b[,/ ]+|年龄[是为:：]?"
    r"|[男女][性的]?[，,、 ]*)"
    r"(?P<value>\d{1,3})(?![\d./]|\s*[天年次周月日包支度])\b"
    r"|(?P<other>\d{1,3})\s*(?:(?:years?|yrs?)[- ]old|y/?o\b|-year-old|岁)"
    rf"|(?P<short>\d{{1,3}})\s*y(?=[,;/ ]+(?:[fm]\b|{_PERSON}\b))"
    r"|\b(?:s?he(?:['’]s| is)|i(?:['’]m| am)|patient is)\s+"
    r"(?P<said>\d{2,3})(?=\s*(?:$|[,;.]\s|and\b))"
    rf"|(?<![\d./])(?P<before>\d{{1,3}})[,\s]*[（(,，]?\s*(?:{_PERSON}\b|[男女])"
    r"|(?P<han>[一二三四五六七八九]?十[一二三四五六七八九]?)岁",
    re.IGNORECASE,
)
_AIR = re.compile(
    r"\b(?:on )?(?:room )?air\b|\bRA\b"
    r"|\b(?:without|no|not on|off)(?: any| extra| supplemental)? oxygen\b"
    r"|未吸氧|不吸氧|没有?吸氧|空气",
    re.IGNORECASE,
)
_OXYGEN = re.compile(
    r"(?<!not )\bon (?:\d+\s*l(?:itres?|iters?)?(?: of)? )?(?:supplemental )?oxygen\b"
    r"|\bon \d+\s*l\b"
    r"|(?<![未不没有])吸氧",
    re.IGNORECASE,
)  # fmt: skip
_STATES: Sequence[tuple[str, re.Pattern[str]]] = (
    ("confused", re.compile(r"(?<!not )\bconfus(?:ed|ion)\b|意识模糊|神志不清", re.I)),
    ("unresponsive", re.compile(r"\bunresponsive\b|昏迷|无反应", re.I)),
    ("voice", re.compile(r"\bresponds? to voice\b|对声音有反应", re.I)),
    ("pain", re.compile(r"\bresponds? to pain\b|对疼痛有反应", re.I)),
    ("alert", re.compile(r"(?<!not )(?<!n't )\balert\b|清醒|神志清|意识清"
                          r"|(?:^|[/,;|，；])\s*A\s*(?=[/,;|，；]|$)", re.I)),
)  # fmt: skip
_SEX: Sequence[tuple[str, re.Pattern[str]]] = (
    ("female", re.compile(r"\b(?:woman|female|lady)\b|\bF\b(?=[,/ ]+\d)"
                          r"|(?<![儿子])女(?![儿婿])|老太太", re.I)),
    ("male", re.compile(r"\b(?:man|male|gentleman|guy)\b|\bM\b(?=[,/ ]+\d)|男|老先生", re.I)),
)  # fmt: skip


def readings(text: str) -> list[Reading]:
    """Every measured value in a text, in order; one whose unit is not known is left out."""
    found = [*_named(text), *_temperature(text), *_pressure(text), *_age(text)]
    for name, value, pattern in (("oxygen", True, _OXYGEN), ("oxygen", False, _AIR)):
        if (one := pattern.search(text)) and not any(each.name == "oxygen" for each in found):
            found.append(Reading(name, value, one.start(), one.end(), one.group()))
    for name, states in (("consciousness", _STATES), ("sex", _SEX)):
        for state, pattern in states:
            if one := pattern.search(text):
                found.append(Reading(name, state, one.start(), one.end(), one.group()))
                break
    return sorted(found, key=lambda one: one.start)


def vitals_of(text: str) -> dict[str, Decimal | bool | str]:
    """The values of a text by name; the last of each."""
    return {one.name: one.value for one in readings(text)}


def _named(text: str) -> Iterator[Reading]:
    for kind in _KINDS:
        for one in kind.pattern.finditer(text):
            value = Decimal(one["value"])
            if kind.quantity:
                unit = one["unit"].replace(" ", "").replace("毫秒", "ms")
                try:
                    value = convert(value, kind.quantity, "c" if unit == "°" else unit, kind.wanted)
                except UnknownUnit:
                    continue
                value = round(value, 2 if kind.name == "creatinine_mg_dl" else 1)
            yield Reading(kind.name, value, one.start(), one.end(), one.group())


def _temperature(text: str) -> Iterator[Reading]:
    """A temperature that stands without its name, or without its unit."""
    if any(one.name == "temperature_c" for one in _named(text)):
        return
    for one in (_TEMPERATURE_ALONE.search(text), _PLAIN_TEMPERATURE.search(text)):
        if one:
            unit = (one.groupdict().get("unit") or "c").replace(" ", "")
            fahrenheit = "f" in unit.lower()
            value = convert(Decimal(one["value"]), "temperature", "f" if fahrenheit else "c", "°C")
            value = round(value, 1)
            yield Reading("temperature_c", value, one.start(), one.end(), one.group())
            return


def _pressure(text: str) -> Iterator[Reading]:
    for one in _PRESSURE.finditer(text):
        high, low = Decimal(one["high"]), Decimal(one["low"])
        if high > low and high >= 40:
            yield Reading("systolic", high, one.start(), one.end(), one.group())
            yield Reading("diastolic", low, one.start(), one.end(), one.group())
            return


def _age(text: str) -> Iterator[Reading]:
    if one := _AGE.search(text):
        said = one["value"] or one["other"] or one["before"] or one["short"] or one["said"]
        value = Decimal(said) if said else _tens(one["han"])
        yield Reading("age", value, one.start(), one.end(), one.group())


def _tens(words: str) -> Decimal:
    """A number from ten to ninety-nine in Chinese, such as 五十四."""
    tens, ones = words.split("十")
    digits = "一二三四五六七八九"
    return Decimal(
        10 * (digits.find(tens) + 1 if tens else 1) + (digits.find(ones) + 1 if ones else 0)
    )
