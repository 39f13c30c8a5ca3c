"""A structured summary of what was said: every fact with its message and the span of its words.

A fact without words that say it does not exist; the summary is made of spans and nothing else.
What stays open (an uncertain dose, an item nobody asked about) is listed as open, never filled in.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from attenda.packs.clinic.assertion import Assertion, Status, Subject, When, assertion_of
from attenda.packs.clinic.extract import lexicon, mentions
from attenda.packs.clinic.formulary import Formulary
from attenda.packs.clinic.measured import readings
from attenda.packs.clinic.plain_answer import yes_no_or_unknown

__all__ = ["SECTIONS", "Fact", "Message", "conflicts", "facts_of", "open_questions", "shown"]

SECTIONS = (
    "complaint", "course", "symptoms", "history", "medication", "allergies", "family", "social",
    "measured",
)  # fmt: skip
"""In the order in which a clinician reads them."""


@dataclass(frozen=True, slots=True)
class Message:
    """Something the person wrote."""

    id: str
    text: str
    about: Subject = "patient"
    """Whom the question was about that it answers: of them it speaks where it names nobody."""
    of_allergies: bool = False
    """Whether it answers what they are allergic to: drugs in it are reacted to, not taken."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that was said."""

    section: str
    name: str
    """What it is about: a finding, an ingredient, a measured value."""
    status: Status
    subject: Subject
    when: When
    message_id: str
    start: int
    end: int
    words: str
    """The words at that span."""
    value: str = ""

    def as_row(self) -> dict[str, object]:
        """As a table keeps it."""
        return {name: getattr(self, name) for name in self.__slots__}


def _words(*parts: str) -> re.Pattern[str]:
    return re.compile("|".join(parts), re.IGNORECASE)


_COUNT = r"(?:\d+|an?|one|two|three|four|five|six|seven|eight|nine|ten|several|a few)"
_UNIT = r"(?:minute|hour|day|week|month|year)s?"
_DAY = r"(?:monday|tuesday|wednesday|thursday|friday|saturday|sunday)"
_ALLERGY = _words(
    r"\ballergic to (?P<to>[\w\s,-]+?)(?=[.;!?]|$|\b(?:but|and i|it gave|which)\b)",
    r"\b(?P<to2>[\w-]+) allergy\b",
    r"对(?P<to3>[^，。；\s]+?)过敏",
    r"(?P<to4>[^，。；\s对有没无不否未]+?)过敏(?!史)",
)
_NO_ALLERGY = _words(
    r"\b(?:no|nil|without|any) (?:known )?(?:drug |food )?allerg(?:y|ies)\b|\bNK?DA\b",
    r"\bnot allergic\b",
    r"\b(?:do|have)n['’]?t have any allerg(?:y|ies)\b",
    r"(?:没有?|无|否认|不|未)[^，。；\s]{0,6}过敏史?",
)
_PIECE = re.compile(
    r"(?:^|[,，、;；/。.:：和及跟但]|\b(?:and|but|or)\b)\s*"
    r"(?P<words>(?:(?!\b(?:and|but|or)\b)[^,，、;；/。.:：和及跟但])+)",
    re.IGNORECASE,
)
"""Of a list of what is reacted to."""
_VAGUE_MEDICINE = _words(
    r"\b(?:blood )?(?:pressure|sugar|water|heart|sleeping|cholesterol)"
    r" (?:pills?|tablets?|medicines?|meds?)\b",
    r"\bblood thinners?\b",
    "降压药|降糖药|安眠药|利尿药|降脂药|抗凝药",
)
_DOSE = _words(
    r"^[^.;!?。；]{0,25}?(?P<dose>\d+(?:\.\d+)?\s*(?:(?:mg|mcg|g|ml|units?)\b|毫克|片|粒|单位))"
)
_LENGTH = _words(
    rf"\b(?:for|over)\s+(?:about |around |the (?:past|last) |almost )?{_COUNT}\s+{_UNIT}\b",
    rf"\b(?!an? ){_COUNT}\s+{_UNIT}(?:\s+ago)?\b",
    rf"\b{_COUNT}\s+{_UNIT}\s+ago\b",
    rf"\bsince (?:yesterday|this morning|last (?:night|week|month)|{_DAY})\b",
    r"[一二两三四五六七八九十几\d]+(?:多|来)?(?:个)?(?:分钟|小时|钟头|天|周|星期|月|年)(?:了|前|来)",
    "从(?:昨天|今早|上周)|昨天开始",
)
_COURSE = _words(
    r"\b(?:getting worse|got worse|worsening|getting better|comes and goes|constant|on and off)\b",
    r"\b(?:sudden(?:ly)?|gradual(?:ly)?)\b",
    r"\b(?:worse (?:at night|with \w+|when \w+ing?|on \w+)|better (?:with \w+|when \w+ing?))\b",
    "越来越(?:重|厉害|疼|好)|加重|一阵一阵|持续|突然|逐渐|夜里(?:重|明显)",
)


_OWN_ILLNESS = _words(
    r"\bi(?:['’]ve|['’]m)? (?:also |too )?(?:have|had|got|was)\b|\bmyself\b|\bme too\b",
    r"我(?:自己|也|本人)+(?:有|得|患)",
)


def facts_of(messages: Sequence[Message], formulary: Formulary) -> list[Fact]:
    """All that was said, in the order of its sections."""
    found: list[Fact] = []
    for one in messages:
        found += _allergies(one)
        if one.of_allergies:
            found += _reacted_to(one, formulary, list(_allergies(one)))
        else:
            found += _findings(one)
            found += _medicines(one, formulary)
        found += _patterns(one)
        found += _measured(one)
    found = _with_complaint(found)
    return sorted(found, key=lambda one: SECTIONS.index(one.section))


def open_questions(facts: Sequence[Fact]) -> list[Fact]:
    """What was spoken of and stays open: unsure, or a medicine without its name or dose."""
    return [
        one
        for one in facts
        if one.status == "unsure"
        or (one.section == "medication" and one.status == "present" and not one.value)
    ]


def conflicts(facts: Sequence[Fact]) -> list[tuple[Fact, Fact]]:
    """What was said one way and the other way of the same thing; both stay as they were said."""
    own = [one for one in facts if one.subject == "patient" and one.when == "now"]
    return [
        (one, other)
        for number, one in enumerate(own)
        for other in own[number + 1 :]
        if _about_the_same(one, other) and {one.status, other.status} == {"present", "absent"}
    ]


def _about_the_same(one: Fact, other: Fact) -> bool:
    if one.section == other.section == "allergies":
        return one.name == other.name or "any" in (one.name, other.name)
    return one.name == other.name and one.name not in ("unnamed", "duration", "course")


def _fact(section: str, name: str, message: Message, span: tuple[int, int], **more: str) -> Fact:
    start, end = span
    said = _said_of(message, start, end)
    status: Status = "present" if more.pop("certain", "") else said.status
    return Fact(
        section, name, status, said.subject, said.when, message.id, start, end,
        message.text[start:end], more.get("value", ""),
    )  # fmt: skip


def _said_of(message: Message, start: int, end: int) -> Assertion:
    """How words are spoken of; in an answer about the family, of it where nobody is named."""
    said = assertion_of(message.text, start, end)
    of_them = said.subject == "patient" and not _OWN_ILLNESS.search(message.text)
    return replace(said, subject=message.about) if of_them else said


def _findings(message: Message) -> Iterator[Fact]:
    for one in mentions(message.text):
        section = {"symptom": "symptoms", "history": "history", "social": "social"}[one.category]
        subject = _said_of(message, one.start, one.end).subject
        if subject != "patient":
            section = "family" if subject == "family" else ""
        if section:
            fact = _fact(section, one.finding, message, (one.start, one.end))
            denied = one.assertion.status == "absent"  # or by what follows: “a cough? no”
            yield replace(fact, status="absent") if denied else fact


def _medicines(message: Message, formulary: Formulary) -> Iterator[Fact]:
    text = message.text
    allergic = [one.span() for one in _ALLERGY.finditer(text)]
    for start, end, name in formulary.spans(text):
        if not any(low <= start < high for low, high in allergic):
            dose = _DOSE.match(text[end:])
            yield _fact(
                "medication", name, message, (start, end), value=dose["dose"] if dose else ""
            )
    for one in _VAGUE_MEDICINE.finditer(text):
        yield _fact("medication", "unnamed", message, one.span())


def _allergies(message: Message) -> Iterator[Fact]:
    none = _NO_ALLERGY.search(message.text)
    if none:
        yield Fact("allergies", "any", "absent", "patient", "now", message.id, *none.span(),
                   none.group())  # fmt: skip
    for one in _ALLERGY.finditer(message.text):
        group = next((name for name, value in one.groupdict().items() if value), "")
        overlaps = none and none.start() < one.end() and one.start() < none.end()
        if group and not overlaps:
            yield _fact("allergies", one[group].strip().lower(), message, one.span(group))


def _reacted_to(message: Message, formulary: Formulary, said: Sequence[Fact]) -> Iterator[Fact]:
    """What an answer to what they are allergic to names without saying so: "penicillin, a rash".

    A bare no is a no to all; what names no known drug is kept in its own words, so that a check
    says that it was not held against them.
    """
    pieces = 0
    for one in _PIECE.finditer(message.text):
        words = one["words"].rstrip()
        start, end = one.start("words"), one.start("words") + len(words)
        known = formulary.reacted_to(words)
        if known and all(end <= each.start or each.end <= start for each in said):
            pieces += 1
            # of a piece alone: a no before it is about what stands there
            status = assertion_of(words, len(words) - 1, len(words)).status
            yield Fact("allergies", words.lower(), status, message.about, "now", message.id, start,
                       end, words)  # fmt: skip
    if pieces or said or not message.text.strip():
        return
    plain = yes_no_or_unknown(message.text)
    if plain is None or plain[0]:
        yield _fact("allergies", "unnamed", message, (0, len(message.text)), certain="yes")
    elif plain[0] is False:
        span = plain[1]
        yield Fact("allergies", "any", "absent", "patient", "now", message.id, *span,
                   message.text[slice(*span)])  # fmt: skip


def _patterns(message: Message) -> Iterator[Fact]:
    for name, pattern in (("duration", _LENGTH), ("course", _COURSE)):
        for one in pattern.finditer(message.text):
            yield _fact("course", name, message, one.span(), certain="yes", value=one.group())


def _measured(message: Message) -> Iterator[Fact]:
    for one in readings(message.text):
        fact = _fact("measured", one.name, message, (one.start, one.end), certain="yes",
                     value=str(one.value))  # fmt: skip
        if fact.subject == "patient":
            yield fact


def _with_complaint(facts: Sequence[Fact]) -> list[Fact]:
    """The first symptom that the person has is the complaint."""
    found = list(facts)
    for number, one in enumerate(found):
        if one.section == "symptoms" and one.status == "present" and one.subject == "patient":
            values = {name: getattr(one, name) for name in Fact.__slots__}
            found[number] = Fact(**{**values, "section": "complaint"})
            break
    return found


def shown(fact: Fact, language: str, formulary: Formulary) -> str:
    """A fact's name in a language."""
    names: Mapping[str, Mapping[str, str]] = lexicon().shown
    if fact.name in names:
        return names[fact.name][language]
    return formulary.shown(fact.name, language)
