"""A note from a dialogue: each sentence is made of facts, each fact has its words there.

A bare yes or no is read with the question before it; what is in no fact is not written.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from attenda.packs.clinic.assertion import clauses
from attenda.packs.clinic.extract import mentions
from attenda.packs.clinic.formulary import starter
from attenda.packs.clinic.plain_answer import yes_no_or_unknown
from attenda.packs.clinic.summary import Fact, Message, facts_of, shown
from attenda.packs.clinic.words import phrase

__all__ = ["Sentence", "Turn", "draft", "turns_of"]

_SPEAKER = re.compile(
    r"(?:^|(?<=[.?!]\s)|(?<=[。？！]))\s{0,40}"
    r"(?P<who>[A-Za-z_ ]{2,20}|医生|大夫|护士|患者|病人|家属)\s{0,4}[:：]\s{0,40}",
    re.MULTILINE,
)
_DOCTORS = frozenset(
    {"doctor", "dr", "doc", "gp", "physician", "clinician", "nurse", "医生", "大夫", "护士"}
)
_YES = re.compile(
    r"^\W*(?:(?:yes|yeah|yea|yep|yup|ya|sure|correct|i do|i am|i have)\b"
    r"|(?:是|有|对|嗯|会|抽|吸|喝|发|得过|做过)(?!没|不))",
    re.I,
)
_NO = re.compile(r"^\W*(?:no|nope|nah|never|not|i don['’]?t|没有|没|不|无)(?!\w*body)", re.I)
_ASKS = re.compile(
    r"\b(?:do|did|does|have|has|had|are|is|was|were|any|ever)\b|^(?:you|u|and)\b|[没不吗么吧]$|没有$|有没有|是不是",
    re.I,
)
_SECTIONS = ("complaint", "symptoms", "history", "family", "social", "medication", "allergies")
_PER_SENTENCE = 6


@dataclass(frozen=True, slots=True)
class Turn:
    """What one of the two said, and where in the dialogue."""

    by: Literal["clinician", "patient"]
    start: int
    text: str


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of a note, and the words of the dialogue that it rests on."""

    section: str
    text: str
    sources: tuple[tuple[int, int, str], ...] = field(default=())
    """Spans in the dialogue with their words."""


def turns_of(dialogue: str) -> list[Turn]:
    """The turns of a dialogue whose lines begin with who speaks."""
    marks = list(_SPEAKER.finditer(dialogue))
    ends = [*(one.start() for one in marks[1:]), len(dialogue)][: len(marks)]
    return [
        Turn(
            "clinician" if mark["who"].strip().lower() in _DOCTORS else "patient",
            mark.end(), dialogue[mark.end() : end],
        )
        for mark, end in zip(marks, ends, strict=True)
    ]  # fmt: skip


def draft(dialogue: str, language: str = "en") -> list[Sentence]:
    """A note's sentences, section by section."""
    facts = list(_placed(turns_of(dialogue)))
    made: list[Sentence] = []
    for section in _SECTIONS:
        for kind in ("present", "absent", "unsure"):
            here = [one for one in facts if one[0].section == section and one[0].status == kind]
            for at in range(0, len(here), _PER_SENTENCE):
                made += _sentence(section, kind, here[at : at + _PER_SENTENCE], language)
    return made


Placed = tuple[Fact, tuple[tuple[int, int, str], ...]]


def _placed(turns: Sequence[Turn]) -> Iterator[Placed]:
    """Facts with their spans in the whole dialogue; each thing once, as it was last said."""
    found: dict[tuple[str, str], Placed] = {}
    for number, turn in enumerate(turns):
        if turn.by != "patient":
            continue
        facts = facts_of([Message(str(number), turn.text)], starter())
        for fact in facts:
            if fact.section in _SECTIONS:
                span = turn.start + fact.start, turn.start + fact.end, fact.words
                section = "symptoms" if fact.section == "complaint" else fact.section
                found[section, fact.name] = fact, (span,)
        asked = turns[number - 1] if number and turns[number - 1].by == "clinician" else None
        if asked and not any(one.section in _SECTIONS for one in facts):
            for placed in _answered(asked, turn):
                found.setdefault((placed[0].section, placed[0].name), placed)
    yield from found.values()


def _answered(asked: Turn, turn: Turn) -> Iterator[Placed]:
    """What a bare yes or no says of the findings in the last question before it."""
    value, place = _yes_or_no(turn.text)
    spans = list(clauses(asked.text))
    questions = [span for span in spans if "?" in asked.text[slice(*span)]
                 or "？" in asked.text[slice(*span)]]  # fmt: skip
    if not questions:  # hurried, without its mark
        questions = [span for span in spans[-1:] if _ASKS.search(asked.text[slice(*span)].strip())]
    if value is None or not questions:
        return
    low, high = questions[-1]
    for one in mentions(asked.text[low:high]):
        if value and "or" in asked.text[low:high].lower().split():
            continue  # a yes to "this or that" says of neither which
        section = {"symptom": "symptoms", "history": "history", "social": "social"}[one.category]
        if one.assertion.subject == "family":
            section = "family"
        start = asked.start + low + one.start
        answer = turn.text[slice(*place)].strip()
        at = turn.start + turn.text.index(answer)
        fact = Fact(section, one.finding, "present" if value else "absent", one.assertion.subject,
                    "now", "", start, start + len(one.words), one.words)  # fmt: skip
        yield fact, ((start, start + len(one.words), one.words), (at, at + len(answer), answer))


def _yes_or_no(answer: str) -> tuple[bool | None, tuple[int, int]]:
    """What an answer says, wherever in it the yes or the no stands; nothing where it is unsure."""
    plain = yes_no_or_unknown(answer)
    said = _YES.match(answer) or _NO.match(answer)
    if said and (plain is None or plain[0] is (said.re is _YES)):
        return said.re is _YES, said.span()
    return plain or (None, (0, 0))


def _sentence(section: str, kind: str, here: Sequence[Placed], language: str) -> list[Sentence]:
    if not here:
        return []
    gap = "、" if language == "zh-CN" else ", "
    names = []
    for fact, _ in here:
        name = fact.words if fact.name == "unnamed" else shown(fact, language, starter())
        if fact.name == "any":
            name = phrase(language, "note.any_allergy")
        names.append(f"{name} {fact.value}".strip())
    text = phrase(language, f"note.{section}.{kind}", names=gap.join(dict.fromkeys(names)))
    return [Sentence(section, text, tuple(span for _, spans in here for span in spans))]
