"""Deeds of the interview: begun, each answer heard and kept verbatim, the summary made."""

import datetime
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from attenda.api import Deed, ToolRefused, tool
from attenda.packs.clinic.answering import answers_in, answers_to, response
from attenda.packs.clinic.assertion import Status
from attenda.packs.clinic.confirmed import as_statements, said_by_yes
from attenda.packs.clinic.extract import lexicon
from attenda.packs.clinic.formulary import starter
from attenda.packs.clinic.questionnaire import (
    Answers,
    Given,
    Item,
    Questionnaire,
    next_item,
    words_before,
)
from attenda.packs.clinic.questionnaire_files import SHIPPED, in_use, sheet_of
from attenda.packs.clinic.summary import Fact, Message, conflicts, facts_of, open_questions, shown
from attenda.packs.clinic.tables import moment
from attenda.packs.clinic.words import both, phrase

__all__ = ["begin_intake", "facts_from", "hear", "title_said"]

MOST_TRIES = 2
"""Times that an item is asked before it counts as asked and not known."""
MOST_OPTIONS = 12
"""Answers to choose from that are named in a question."""


@tool(writes=True)
def begin_intake(deed: Deed) -> dict[str, Any]:
    """Open a sheet for the interview; its first question, or which questions there are."""
    number = f"IN-{deed.key[:8].upper()}"
    titles = in_use(deed.rows)
    chosen = next(iter(titles)) if len(titles) == 1 else None
    deed.rows("intakes").add(
        id=number, user_id=deed.who.id, state="open" if chosen else "choosing",
        started_at=deed.now, tries=0, answers={},
        questionnaire=None if chosen == SHIPPED else chosen,
    )  # fmt: skip
    if chosen is None:
        return _asked_which(number, titles)
    return _asked(number, 0, sheet_of(deed.rows, chosen), Answers(), [])


@tool(writes=True, free_text=frozenset({"answer"}))
def hear(deed: Deed, intake: str, number: int, answer: str) -> dict[str, Any]:
    """Keep an answer verbatim, take what it says, and ask the next question."""
    row = deed.rows("intakes").get(intake)
    if row["user_id"] != deed.who.id or row["state"] not in ("open", "choosing"):
        raise ToolRefused(both("intake.not_yours", intake=intake))
    if row["state"] == "choosing":
        return _chosen(deed, row, answer)
    form = sheet_of(deed.rows, row["questionnaire"])
    span = deed.spans.get("answer")
    words = Message(span.message_id if span else f"{intake}-{number + 1:03}", answer)
    deed.rows("words").add(
        id=f"{intake}-{number + 1:03}", intake_id=intake, number=number + 1,
        message_id=words.id, text=answer, said_at=deed.now,
    )  # fmt: skip
    answers, tries = _taken(form, _answers(row["answers"]), words, row["tries"])
    said = [Message(one["message_id"], one["text"])
            for one in deed.rows("words").find(intake_id=intake)]  # fmt: skip
    done = next_item(form, answers) is None
    made = response(
        form, answers, id=intake, authored=moment(deed.now).isoformat(),
        subject=f"Patient/{deed.who.id}", complete=done,
    )  # fmt: skip
    deed.rows("intakes").change(
        intake, answers=_written(answers), tries=tries, response=made,
        state="done" if done else "open",
    )  # fmt: skip
    texts = [*(one.text for one in said), *said_by_yes(form, answers)]
    if not done:
        return _asked(intake, number + 1, form, answers, texts)
    facts = facts_of([_asked_about(one, form, answers) for one in said], starter())
    told = {(one.name, one.message_id) for one in facts}
    facts += [one for one in facts_from(form, answers) if (one.name, one.message_id) not in told]
    deed.rows("intakes").change(intake, facts=[one.as_row() for one in facts])
    return {
        "id": intake, "number": number + 1, "done": True, "said": texts, "asks": [], "options": [],
        "ask_en": "", "ask_zh": "", "en": _told(form, facts, answers, "en"),
        "zh": _told(form, facts, answers, "zh-CN"),
    }  # fmt: skip


def _asked_about(words: Message, form: Questionnaire, answers: Answers) -> Message:
    """Words with what they answer: of the family they speak, or of what is reacted to."""
    for item in form.each():
        if any(one.message_id == words.id for one in answers.given.get(item.link_id, ())):
            if item.is_of_family:
                words = replace(words, about="family")
            if item.is_of_allergies and item.type in ("string", "text"):
                words = replace(words, of_allergies=True)
    return words


def _chosen(deed: Deed, row: Mapping[str, Any], answer: str) -> dict[str, Any]:
    """The first question of the questionnaire that an answer names; after two tries, the first's.

    What is said here names a questionnaire; it is no answer about the person.
    """
    titles = in_use(deed.rows)
    key = title_said(answer, titles)
    if not key and row["tries"] + 1 < MOST_TRIES:
        deed.rows("intakes").change(row["id"], tries=row["tries"] + 1)
        return _asked_which(row["id"], titles)
    key = key or next(iter(titles))
    deed.rows("intakes").change(
        row["id"], state="open", tries=0, questionnaire=None if key == SHIPPED else key
    )
    return _asked(row["id"], 0, sheet_of(deed.rows, key), Answers(), [])


def title_said(answer: str, titles: Mapping[str, str]) -> str:
    """The key of the title that an answer names, by its number or its words; empty for none."""
    said = answer.casefold().strip()
    number = re.search(r"\d+", said)
    if number and 0 < int(number.group()) <= len(titles):
        return list(titles)[int(number.group()) - 1]
    fits = [key for key, title in titles.items()
            if said and (title.casefold() in said or said in title.casefold())]  # fmt: skip
    return fits[0] if len(fits) == 1 else ""


def facts_from(form: Questionnaire, answers: Answers) -> list[Fact]:
    """Facts that a bare yes or no gave to an item about a finding; its words are that yes or no."""
    found = []
    for item in form.each():
        if item.type != "boolean":
            continue
        for given in answers.given.get(item.link_id, ()):
            for code in item.codes & lexicon().shown.keys():
                if isinstance(given.value, bool) and code.replace("_", " ") not in given.words:
                    status: Status = "present" if given.value else "absent"
                    section = "social" if code == "smoking" else "symptoms"
                    span = given.message_id, given.start, given.end, given.words
                    found.append(Fact(section, code, status, "patient", "now", *span))
    return found


def _taken(
    form: Questionnaire, answers: Answers, words: Message, tries: int
) -> tuple[Answers, int]:
    """Answers with what a message gives, and how often its item was asked in vain."""
    item = next_item(form, answers)
    if item is None:
        return answers, 0
    given = answers_to(item, words)
    if not given and tries + 1 >= MOST_TRIES:
        given = [Given(None, words.id, 0, len(words.text), words.text)]
    for one in given:
        answers = answers.with_answer(item.link_id, one)
    for link_id, more in answers_in(form, words, item.link_id):
        answers = answers.with_answer(link_id, more)
    return answers, 0 if given else tries + 1


def _asked(
    intake: str, number: int, form: Questionnaire, answers: Answers, said: list[str]
) -> dict[str, Any]:
    item = next_item(form, answers)
    assert item is not None
    before = words_before(form, answers, item)
    return {
        "id": intake, "number": number, "done": False, "said": said[-20:],
        "asks": as_statements([*before, item]), "options": [one[2] for one in item.options],
        "ask_en": _question(item, before, "en"), "ask_zh": _question(item, before, "zh-CN"),
        "en": "", "zh": "",
    }  # fmt: skip


def _question(item: Item, before: Sequence[Item], language: str) -> str:
    """An item as it is asked: what stands before it, its words, and what may be chosen."""
    lines = [one.asks(language) for one in (*before, item)]
    options = [one[2] for one in item.options[:MOST_OPTIONS]]
    if options:
        gap = "、" if language == "zh-CN" else ", "
        more = gap + "…" if len(item.options) > MOST_OPTIONS else ""
        lines.append(phrase(language, "form.one_of", names=gap.join(options) + more))
    return "\n".join(filter(None, lines))


def _asked_which(intake: str, titles: Mapping[str, str]) -> dict[str, Any]:
    names = "\n".join(f"{number}. {title}" for number, title in enumerate(titles.values(), 1))
    return {
        "id": intake, "number": 0, "done": False, "said": [], "asks": [], "options": [],
        "ask_en": phrase("en", "form.which", names=names),
        "ask_zh": phrase("zh-CN", "form.which", names=names), "en": "", "zh": "",
    }  # fmt: skip


def _told(form: Questionnaire, facts: Iterable[Fact], answers: Answers, language: str) -> str:
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
        phrase(
            language,
            "intake.noted",
            names=names(f for f in own if f.status == "present" and f.section != "allergies"),
        ),
        phrase(language, "intake.denied", names=names(f for f in own if f.status == "absent")),
        phrase(language, "intake.family", names=names(f for f in known if f.subject == "family")),
    ]
    reacted = names(f for f in own if f.status != "absent" and f.section == "allergies")
    if reacted != "—":
        lines.insert(2, phrase(language, "intake.allergies", names=reacted))
    left = [form.item(name).asks(language) for name, given in answers.given.items()
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
