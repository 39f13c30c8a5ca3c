"""Answers to a questionnaire from a person's words, and the FHIR QuestionnaireResponse they make.

An answer is a value with the span that gave it, asked-and-unknown, or nothing: then the item is
asked again. What lies outside an item's limits is no answer.
"""

import datetime
import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from attenda.packs.clinic.assertion import assertion_of
from attenda.packs.clinic.extract import Mention, mentions
from attenda.packs.clinic.measured import readings
from attenda.packs.clinic.person_said import spoken_number
from attenda.packs.clinic.plain_answer import NOT_KNOWN, yes_no_or_unknown
from attenda.packs.clinic.provenance import span_extension
from attenda.packs.clinic.questionnaire import (
    NOT_ASKED,
    Answers,
    Given,
    Item,
    Questionnaire,
    enabled_items,
)
from attenda.packs.clinic.summary import Message

__all__ = [
    "CONFLICT_URL",
    "DATA_ABSENT_URL",
    "answer_to",
    "answers_in",
    "answers_to",
    "response",
]

Option = tuple[str, str, str]
"""System, code and words of an answer that may be chosen."""
DATA_ABSENT_URL = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
CONFLICT_URL = "urn:attenda:conflicting-answer"
_CLAUSE = re.compile(r"(?<=\w)\s*[,;:，；：。.]")
_AMOUNT = re.compile(
    r"\d|\b(?:half|quarter|one(?=\s+(?:a|per|each|every|daily|tab|tablet|pill|caps?|puff|drop"
    r"|unit|once|twice|at|in)\b)|two|three|four|five|six|seven|eight|nine|ten|twelve|fifteen"
    r"|twenty|thirty|forty"
    r"|fifty|sixty|eighty|hundred|single|double)\b|[一二两三四五六七八九十百]+\s*(?:片|粒|颗"
    r"|毫克|微克|克|支|次|毫升|单位|袋|丸|滴|喷|包|半)|半",
    re.IGNORECASE,
)
_A_MEDICINE = re.compile(
    r"\b(?:something|one|an?|the|some|my|it['’]?s|they['’]?re)\b.*\b(?:pills?|tablets?|tabs?"
    r"|capsules?|drops|inhaler"
    r"|injections?|medicines?|medication|drug|for (?:my|the|high) \w+)\b|药|片|胶囊",
    re.IGNORECASE,
)
_SMOKES = re.compile(
    r"\b(?:light up|puff|vape|roll-?ups?|pipe|cigars?|occasionally|on occasion|socially"
    r"|now and (?:then|again)"
    r"|from time to time|the odd one|cutting down)\b|烟.{0,8}[抽吸]|[抽吸](?:的|着|点|一点|几"
    r"|得)|偶尔|老烟",
    re.IGNORECASE,
)
_LEFT_OFF = re.compile(r"\b(?:quit|stopped|gave (?:it )?up|ex-)|戒", re.IGNORECASE)
_WHOSE = re.compile(
    r"\b(?:wife|husband|daughter|son|mother|partner|nurse|carer|box|pharmacist)\b|爱人|老婆"
    r"|老公|儿子|女儿|药盒",
    re.IGNORECASE,
)
"""Who or what knows it instead."""
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_DATE = re.compile(r"\b(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})")
_TIME = re.compile(r"\b([01]?\d|2[0-3])[:：](\d{2})\b")


def answer_to(item: Item, message: Message) -> Given | None:
    """What a message answers to the item that was asked; nothing where it gives no answer.

    Args:
        item: that was asked.
        message: the person's words.
    """
    text = message.text
    found = _typed(item, text)
    if found is None:
        unsure = NOT_KNOWN.search(text)
        return _given(None, message, unsure.span()) if unsure else None
    value, span = found
    if isinstance(value, Decimal) and not _within(item, value):
        return None
    return _given(value, message, span)


def answers_to(item: Item, message: Message) -> list[Given]:
    """All that a message answers to an item: of one that takes several, each option it says."""
    if item.repeats and item.options:
        chosen = [
            _given(option, message, span)
            for option, span in _options_said(item, message.text)
            if not _is_denied(option, message.text, span)
        ]
        if chosen:
            return chosen
    one = answer_to(item, message)
    return [] if one is None else [one]


def _is_denied(option: Option, text: str, span: tuple[int, int]) -> bool:
    """Whether an option stands there only to be said no to; one that is a no itself is not."""
    alone = assertion_of(option[2], 0, len(option[2])).status
    return alone != "absent" and assertion_of(text, *span).status == "absent"


def answers_in(
    questionnaire: Questionnaire, message: Message, asked: str = ""
) -> Iterable[tuple[str, Given]]:
    """Answers to items that were not asked, by what the items are about: a finding or a value."""
    found = {one.finding: one for one in sorted(mentions(message.text), key=_is_present)}
    values = {
        one.name: one
        for one in readings(message.text)
        if assertion_of(message.text, one.start, one.end).subject == "patient"
    }
    for item in questionnaire.each():
        if item.link_id == asked or item.hidden:
            continue
        for code in item.codes:
            mention = found.get(code)
            if item.type == "boolean" and mention and mention.assertion.subject == "patient":
                if mention.assertion.status != "unsure":
                    present = mention.assertion.status == "present"
                    yield item.link_id, _given(present, message, (mention.start, mention.end))
            reading = values.get(code)
            if reading and isinstance(reading.value, Decimal) and _within(item, reading.value):
                span = reading.start, reading.end
                yield item.link_id, _given(reading.value, message, span)


def _is_present(one: Mention) -> bool:
    """What is said to be there goes before what is denied of the same thing in one breath."""
    return one.assertion.status == "present"


def _given(value: object, message: Message, span: tuple[int, int]) -> Given:
    return Given(value, message.id, span[0], span[1], message.text[span[0] : span[1]])


def _typed(item: Item, text: str) -> tuple[object, tuple[int, int]] | None:
    """A value of the item's type, and its span."""
    match item.type:
        case "boolean":
            return _yes_no(item, text)
        case "decimal" | "quantity" | "integer":
            one = _NUMBER.search(text)
            if one is None and item.type == "integer":
                return spoken_number(text)
            whole = one and "." not in one.group()
            fits = one and (whole or item.type != "integer")
            return (Decimal(one.group()), one.span()) if one and fits else None
        case "date" | "dateTime":
            return _date(text)
        case "time":
            one = _TIME.search(text)
            return (f"{int(one[1]):02}:{one[2]}:00", one.span()) if one else None
        case "choice" | "open-choice":
            return _option(item, text) or (
                _whole(text) if item.type == "open-choice" and not _unknown(text) else None
            )
        case "string" | "text" | "url":
            if "dose" in item.codes and not _is_amount(text):
                return None, (0, len(text))
            return None if _unknown(text) else _whole(text)
    return None


def _is_amount(text: str) -> bool:
    """Whether it tells how much; a dose without a number stays open, in the words of the answer."""
    return NOT_KNOWN.search(text) is None and _AMOUNT.search(text) is not None


def _unknown(text: str) -> bool:
    """Whether it says that they don't know; what a clause before that tells counts.

    "A tablet for my heart, I forgot its name" tells a tablet; "no idea, my wife has them" nothing.
    """
    unsure = NOT_KNOWN.search(text)
    if unsure is None or len(_CLAUSE.split(text[: unsure.start()])) > 1:
        return False
    told = re.split(r"[,;:，；：。.]|\bbut\b|但", text[unsure.end() :], maxsplit=1)
    return len(told) < 2 or not _A_MEDICINE.search(told[1]) or _WHOSE.search(told[1]) is not None


def _whole(text: str) -> tuple[object, tuple[int, int]] | None:
    stripped = text.strip()
    start = text.find(stripped)
    return (stripped, (start, start + len(stripped))) if stripped else None


def _yes_no(item: Item, text: str) -> tuple[object, tuple[int, int]] | None:
    """By what is said of the item's own finding first, then by a plain yes or no."""
    for one in mentions(text):
        if one.finding in item.codes and one.assertion.subject == "patient":
            if one.assertion.status == "unsure":
                return None
            return one.assertion.status == "present", (one.start, one.end)
    found = yes_no_or_unknown(text)
    smokes = _AMOUNT.search(text) or _SMOKES.search(text)
    if found is None and "smoking" in item.codes and (much := smokes):
        return (True, much.span()) if not _LEFT_OFF.search(text) else None
    return found if found and found[0] is not None else None


def _date(text: str) -> tuple[object, tuple[int, int]] | None:
    one = _DATE.search(text)
    if not one:
        return None
    try:
        return datetime.date(int(one[1]), int(one[2]), int(one[3])), one.span()
    except ValueError:
        return None


def _option(item: Item, text: str) -> tuple[object, tuple[int, int]] | None:
    """The option whose words or code are said; the longest, and none where two are as long."""
    fits = _options_said(item, text)
    if not fits:
        return None
    longest = max(end - start for _, (start, end) in fits)
    best = {one: span for one, span in fits if span[1] - span[0] == longest}
    return next(iter(best.items())) if len(best) == 1 else None


def _options_said(item: Item, text: str) -> list[tuple[Option, tuple[int, int]]]:
    """Options by their words or codes, less those within the words of a longer one."""
    said = text.lower()
    fits = []
    for one in item.options:
        for words in {one[2].lower(), one[1].lower()}:
            at = re.search(rf"(?<![a-z0-9]){re.escape(words)}(?![a-z0-9])", said) if words else None
            if at:
                fits.append((one, at.span()))
    return [
        (one, (start, end))
        for one, (start, end) in fits
        if not any(a <= start and end <= b and b - a > end - start for _, (a, b) in fits)
    ]


def _within(item: Item, value: Decimal) -> bool:
    low = item.lowest is None or value >= item.lowest
    return low and (item.highest is None or value <= item.highest)


def response(
    questionnaire: Questionnaire,
    answers: Answers,
    *,
    id: str,
    authored: str,
    subject: str,
    complete: bool,
) -> dict[str, Any]:
    """The QuestionnaireResponse (R4) of what was answered.

    Args:
        questionnaire: that was asked.
        answers: so far.
        id: of the response.
        authored: when, as FHIR writes it.
        subject: reference to the patient, such as `Patient/P-1`.
        complete: whether every item was asked.
    """
    enabled = {one.link_id for one in enabled_items(questionnaire.items, answers)}
    items = [_answered(one, answers, enabled) for one in questionnaire.items]
    made: dict[str, Any] = {
        "resourceType": "QuestionnaireResponse",
        "id": id,
        "status": "completed" if complete else "in-progress",
        "subject": {"reference": subject},
        "authored": authored,
        "item": [one for one in items if one],
    }
    if questionnaire.url:
        made["questionnaire"] = questionnaire.url
    return made


def _answered(item: Item, answers: Answers, enabled: set[str]) -> dict[str, Any] | None:
    if item.link_id not in enabled or item.type == "display":
        return None
    below = [one for one in (_answered(each, answers, enabled) for each in item.items) if one]
    made: dict[str, Any] = {"linkId": item.link_id}
    if item.text:
        made["text"] = item.text
    given = answers.given.get(item.link_id, ())
    if item.type not in NOT_ASKED and given:
        made["answer"] = _values(item, given)
        if below:
            made["answer"][0]["item"] = below
    elif below:
        made["item"] = below
    return made if "answer" in made or "item" in made else None


def _values(item: Item, given: Iterable[Given]) -> list[dict[str, Any]]:
    """Answers as FHIR has them; unknown and conflicting ones without a value that was not given."""
    known = [one for one in given if one.value is not None]
    if not known:
        unknown = {"url": DATA_ABSENT_URL, "valueCode": "asked-unknown"}
        return [{"extension": [unknown, *_places(given)]}]
    if len(known) > 1 and not item.repeats:
        flagged = [{"url": CONFLICT_URL, "valueString": one.words} for one in known]
        wrong = {"url": DATA_ABSENT_URL, "valueCode": "error"}
        return [{"extension": [wrong, *flagged, *_places(known)]}]
    return [{"extension": _places([one]), **_value(item, one.value)} for one in known]


def _places(given: Iterable[Given]) -> list[dict[str, Any]]:
    return [span_extension(one.message_id, one.start, one.end, one.words) for one in given]


def _value(item: Item, value: object) -> dict[str, Any]:
    match item.type, value:
        case _, bool():
            return {"valueBoolean": value}
        case "quantity", Decimal():
            unit: Mapping[str, Any] = {"unit": item.unit} if item.unit else {}
            return {"valueQuantity": {"value": _plain(value), **unit}}
        case "integer", Decimal():
            return {"valueInteger": int(value)}
        case _, Decimal():
            return {"valueDecimal": _plain(value)}
        case "dateTime", datetime.date():
            return {"valueDateTime": value.isoformat()}
        case _, datetime.date():
            return {"valueDate": value.isoformat()}
        case _, (str() as system, str() as code, str() as display):
            coding = {"code": code, "display": display}
            return {"valueCoding": {"system": system, **coding} if system else coding}
        case "time", str():
            return {"valueTime": value}
        case "url", str():
            return {"valueUri": value}
    return {"valueString": str(value)}


def _plain(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)
