"""Deeds of the interview: begun, each answer heard and kept verbatim, the summary made."""

import datetime
import functools
import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from attenda.api import Deed, tool
from attenda.packs.clinic.answering import answer_to, answers_in, response
from attenda.packs.clinic.assertion import Status
from attenda.packs.clinic.formulary import starter
from attenda.packs.clinic.questionnaire import (
    Answers,
    Given,
    Questionnaire,
    next_item,
    read_questionnaire,
)
from attenda.packs.clinic.summary import Fact, Message, conflicts, facts_of, open_questions, shown
from attenda.packs.clinic.tables import moment
from attenda.packs.clinic.words import FOLDER, phrase

__all__ = ["begin_intake", "facts_from", "hear", "sheet"]

MOST_TRIES = 2
"""Times that an item is asked before it counts as asked and not known."""


@functools.cache
def sheet() -> Questionnaire:
    """The questionnaire of the interview."""
    path = FOLDER / "questionnaires" / "intake.json"
    return read_questionnaire(json.loads(path.read_text("utf-8")))


@tool(writes=True)
def begin_intake(deed: Deed) -> dict[str, Any]:
    """Open a sheet for the interview; its first question."""
    number = f"IN-{deed.key[:8].upper()}"
    deed.rows("intakes").add(
        id=number, user_id=deed.who.id, state="open", started_at=deed.now, tries=0, answers={},
    )  # fmt: skip
    return _asked(number, 0, Answers(), [])


@tool(writes=True, free_text=frozenset({"answer"}))
def hear(deed: Deed, intake: str, number: int, answer: str) -> dict[str, Any]:
    """Keep an answer verbatim, take what it says, and ask the next question."""
    row = deed.rows("intakes").get(intake)
    span = deed.spans.get("answer")
    words = Message(span.message_id if span else f"{intake}-{number + 1:03}", answer)
    deed.rows("words").add(
        id=f"{intake}-{number + 1:03}", intake_id=intake, number=number + 1,
        message_id=words.id, text=answer, said_at=deed.now,
    )  # fmt: skip
    answers, tries = _taken(_answers(row["answers"]), words, row["tries"])
    said = [Message(one["message_id"], one["text"])
            for one in deed.rows("words").find(intake_id=intake)]  # fmt: skip
    done = next_item(sheet(), answers) is None
    made = response(
        sheet(), answers, id=intake, authored=moment(deed.now).isoformat(),
        subject=f"Patient/{deed.who.id}", complete=done,
    )  # fmt: skip
    deed.rows("intakes").change(
        intake, answers=_written(answers), tries=tries, response=made,
        state="done" if done else "open",
    )  # fmt: skip
    texts = [one.text for one in said]
    if not done:
        return _asked(intake, number + 1, answers, texts)
    of_family = {one.message_id for one in answers.given.get("family", ())}
    said = [replace(one, about="family") if one.id in of_family else one for one in said]
    facts = [*facts_of(said, starter()), *facts_from(answers)]
    deed.rows("intakes").change(intake, facts=[one.as_row() for one in facts])
    return {
        "id": intake, "number": number + 1, "done": True, "said": texts,
        "ask_en": "", "ask_zh": "", "en": _told(facts, answers, "en"),
        "zh": _told(facts, answers, "zh-CN"),
    }  # fmt: skip


def facts_from(answers: Answers) -> list[Fact]:
    """Facts that a bare yes or no gave to an item about a finding; its words are that yes or no."""
    found = []
    for item in sheet().each():
        if item.type != "boolean":
            continue
        for given in answers.given.get(item.link_id, ()):
            for code in item.codes:
                if isinstance(given.value, bool) and code.replace("_", " ") not in given.words:
                    status: Status = "present" if given.value else "absent"
                    section = "social" if code == "smoking" else "symptoms"
                    span = given.message_id, given.start, given.end, given.words
                    found.append(Fact(section, code, status, "patient", "now", *span))
    return found


def _taken(answers: Answers, words: Message, tries: int) -> tuple[Answers, int]:
    """Answers with what a message gives, and how often its item was asked in vain."""
    item = next_item(sheet(), answers)
    if item is None:
        return answers, 0
    given = answer_to(item, words)
    if given is None and tries + 1 >= MOST_TRIES:
        given = Given(None, words.id, 0, len(words.text), words.text)
    if given is not None:
        answers = answers.with_answer(item.link_id, given)
    for link_id, more in answers_in(sheet(), words, item.link_id):
        answers = answers.with_answer(link_id, more)
    return answers, 0 if given is not None else tries + 1


def _asked(intake: str, number: int, answers: Answers, said: list[str]) -> dict[str, Any]:
    item = next_item(sheet(), answers)
    assert item is not None
    return {
        "id": intake, "number": number, "done": False, "said": said[-20:],
        "ask_en": item.asks("en"), "ask_zh": item.asks("zh-CN"), "en": "", "zh": "",
    }  # fmt: skip


def _told(facts: Iterable[Fact], answers: Answers, language: str) -> str:
    """The summary for the person: what was noted, denied, left open; nothing that judges it."""
    known = list(facts)

    def names(chosen: Iterable[Fact]) -> str:
        gap = "、" if language == "zh-CN" else ", "
        told = [_named(one, language) for one in chosen
                if one.section not in ("course", "measured")]  # fmt: skip
        return gap.join(dict.fromkeys(told)) or "—"

    own = [one for one in known if one.subject == "patient"]
    lines = [
        phrase(language, "intake.thanks"),
        phrase(language, "intake.noted", names=names(f for f in own if f.status == "present")),
        phrase(language, "intake.denied", names=names(f for f in own if f.status == "absent")),
        phrase(language, "intake.family", names=names(f for f in known if f.subject == "family")),
    ]
    left = [sheet().item(name).asks(language) for name, given in answers.given.items()
            if all(one.value is None for one in given)]  # fmt: skip
    left += [one.words for one in open_questions(known)]
    if left:
        lines.append(phrase(language, "intake.open", names=" · ".join(dict.fromkeys(left))))
    both = [f"{one.words} / {other.words}" for one, other in conflicts(known)]
    if both:
        lines.append(phrase(language, "intake.conflict", names=" · ".join(both)))
    return "\n".join([*lines, phrase(language, "intake.end")])


def _named(fact: Fact, language: str) -> str:
    if fact.name == "any":
        return phrase(language, "note.any_allergy")
    return fact.words if fact.name == "unnamed" else shown(fact, language, starter())


def _written(answers: Answers) -> dict[str, Any]:
    """As JSON; `_answers` reads it."""
    return {
        name: [[*_typed(one.value), one.message_id, one.start, one.end, one.words]
               for one in values]
        for name, values in answers.given.items()
    }  # fmt: skip


def _typed(value: object) -> tuple[str, Any]:
    match value:
        case bool() | None:
            return "plain", value
        case Decimal():
            return "number", str(value)
        case datetime.date():
            return "date", value.isoformat()
        case tuple():
            return "coding", list(value)
    return "plain", str(value)


def _answers(written: Mapping[str, Any]) -> Answers:
    return Answers(
        {
            name: [Given(_value(kind, value), *rest) for kind, value, *rest in values]
            for name, values in written.items()
        }
    )


def _value(kind: str, value: Any) -> object:
    match kind:
        case "number":
            return Decimal(value)
        case "date":
            return datetime.date.fromisoformat(value)
        case "coding":
            return tuple(value)
    return value
