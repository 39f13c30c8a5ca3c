"""Intake: a questionnaire asked in words, a response in FHIR, and a summary with its words."""

import datetime
import json
import os
from collections.abc import Sequence
from decimal import Decimal as D
from pathlib import Path
from typing import Any

import pytest

from attenda.packs.clinic.answering import CONFLICT_URL, answer_to, answers_in, response
from attenda.packs.clinic.formulary import starter
from attenda.packs.clinic.measured import vitals_of
from attenda.packs.clinic.provenance import SPAN_URL
from attenda.packs.clinic.questionnaire import (
    Answers,
    Given,
    Questionnaire,
    QuestionnaireProblem,
    next_item,
    read_questionnaire,
)
from attenda.packs.clinic.summary import Message, conflicts, facts_of, open_questions
from attenda.packs.clinic.words import FOLDER

DATA = Path(os.environ.get("ATTENDA_DATA", "nowhere")) / "fhir_questionnaires"
INTAKE = read_questionnaire(json.loads((FOLDER / "questionnaires/intake.json").read_text("utf-8")))

MAN_OF_54 = {
    "en": [
        "I'm a man of 54, I've had a cough for 5 days and a fever.", "About 5 days",
        "No haemoptysis.", "No, not short of breath.", "nope", "Yes, I smoke.", "a pack a day",
        "No allergies.", "I take the pressure pill.", "I'm not sure about the dose.",
        "high blood pressure", "My father had a heart attack at 60.",
    ],
    "zh-CN": [
        "我54岁，男，咳嗽五天了，发烧。", "五天了", "没有咯血。", "没有气短", "没有", "抽烟",
        "一天一包", "没有过敏。", "吃降压药", "剂量不清楚。", "高血压", "我父亲60岁得过心梗。",
    ],
}  # fmt: skip


def interview(said: Sequence[str]) -> tuple[Answers, list[Message]]:
    answers, messages = Answers(), []
    for number, text in enumerate(said):
        item = next_item(INTAKE, answers)
        assert item, f"nothing is left to ask before: {text}"
        message = Message(f"m{number}", text)
        messages.append(message)
        answer = answer_to(item, message)
        assert answer, (item.link_id, text)
        answers = answers.with_answer(item.link_id, answer)
        for link_id, more in answers_in(INTAKE, message, item.link_id):
            answers = answers.with_answer(link_id, more)
    return answers, messages


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_a_history_becomes_a_response_and_a_summary(language: str) -> None:
    answers, messages = interview(MAN_OF_54[language])
    assert next_item(INTAKE, answers) is None
    assert answers.values("age") == [D(54)]
    assert answers.values("haemoptysis") == [False]
    assert answers.values("smoking") == [True]
    assert answers.given["dose"][0].value is None
    assert answers.conflicts(INTAKE) == []
    required = {one.link_id for one in INTAKE.each() if one.required}
    assert required <= set(answers.given)
    for given in (one for values in answers.given.values() for one in values):
        text = next(one.text for one in messages if one.id == given.message_id)
        assert text[given.start : given.end] == given.words != ""

    facts = facts_of(messages, starter())
    texts = {one.id: one.text for one in messages}
    assert all(texts[one.message_id][one.start : one.end] == one.words for one in facts)
    by_name = {(one.section, one.name): one for one in facts}
    assert by_name["complaint", "cough"].status == "present"
    assert by_name["symptoms", "haemoptysis"].status == "absent"
    assert by_name["family", "infarction"].subject == "family"
    assert ("history", "infarction") not in by_name
    assert by_name["history", "hypertension"].status == "present"
    assert by_name["allergies", "any"].status == "absent"
    assert by_name["medication", "unnamed"].value == ""
    assert by_name["medication", "unnamed"] in open_questions(facts)


def test_the_response_holds_what_was_said_and_no_more() -> None:
    answers, _ = interview(MAN_OF_54["en"])
    made = response(
        INTAKE, answers, id="qr-1", authored="2026-03-10T10:00:00Z", subject="Patient/P-1",
        complete=True,
    )  # fmt: skip
    items = {one["linkId"]: one for one in made["item"]}
    assert made["status"] == "completed"
    (age,) = items["age"]["answer"]
    assert age["valueInteger"] == 54
    (place,) = [one["extension"] for one in age["extension"] if one["url"] == SPAN_URL]
    found = {part["url"]: part.get("valueInteger", part.get("valueString")) for part in place}
    assert found["message"] == "m0"
    assert MAN_OF_54["en"][0][found["start"] : found["end"]] == found["words"] == "man of 54"
    (unknown,) = items["dose"]["answer"]
    assert unknown["extension"][0]["valueCode"] == "asked-unknown"
    assert not [name for name in unknown if name.startswith("value")]
    symptoms = {one["linkId"]: one["answer"] for one in items["symptoms"]["item"]}
    assert [one["valueBoolean"] for one in symptoms["haemoptysis"]] == [False]
    model = pytest.importorskip("fhir.resources.R4B.questionnaireresponse")
    strict = model.QuestionnaireResponse.model_validate(made)
    assert len(strict.item) == len(made["item"])


def test_conflicting_answers_are_flagged_and_not_merged() -> None:
    answers = Answers().with_answer("smoking", Given(False, "m1", 0, 2, "No"))
    answers = answers.with_answer("smoking", Given(True, "m2", 2, 7, "smoke"))
    assert answers.conflicts(INTAKE) == ["smoking"]
    made = response(INTAKE, answers, id="1", authored="2026-03-10T10:00:00Z",
                    subject="Patient/P-1", complete=False)  # fmt: skip
    (answer,) = next(one for one in made["item"] if one["linkId"] == "smoking")["answer"]
    flagged = [one["valueString"] for one in answer["extension"] if one["url"] == CONFLICT_URL]
    assert flagged == ["No", "smoke"]
    said = ["I don't smoke.", "I smoke a pack a day.", "No allergies.", "Allergic to penicillin."]
    messages = [Message(f"m{number}", text) for number, text in enumerate(said)]
    pairs = conflicts(facts_of(messages, starter()))
    assert {(one.name, two.name) for one, two in pairs} == {
        ("smoking", "smoking"), ("any", "penicillin"),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("penicillin, a rash", "penicillin present"),
        ("青霉素和磺胺", "青霉素 present;磺胺 present"), ("no penicillin", "no penicillin absent"),
        ("no penicillin allergy but codeine makes me sick",
         "penicillin absent;codeine makes me sick present"),
        ("I am allergic to aspirin", "aspirin present"), ("Nothing that I know of", "any absent"),
        ("没有", "any absent"), ("I don't know", ""), ("bees", "unnamed present"),
    ],
)  # fmt: skip
def test_an_answer_about_allergies_names_what_is_reacted_to(answer: str, told: str) -> None:
    facts = facts_of([Message("m", answer, of_allergies=True)], starter())
    assert ";".join(f"{one.name} {one.status}" for one in facts) == told
    assert all(answer[one.start : one.end] == one.words for one in facts)
    assert {one.section for one in facts} <= {"allergies"}  # nothing of it is taken, or a symptom


def test_a_question_is_asked_only_when_its_condition_holds() -> None:
    written = {
        "resourceType": "Questionnaire",
        "item": [
            {"linkId": "a", "type": "choice", "text": "Vaccinated?", "answerOption": [
                {"valueCoding": {"code": "Y", "display": "Yes"}},
                {"valueCoding": {"code": "N", "display": "No"}}]},
            {"linkId": "b", "type": "date", "text": "When?", "enableWhen": [
                {"question": "a", "operator": "=", "answerCoding": {"code": "Y"}}]},
            {"linkId": "c", "type": "integer", "text": "How often?", "enableBehavior": "any",
             "enableWhen": [
                 {"question": "b", "operator": "exists", "answerBoolean": True},
                 {"question": "a", "operator": "!=", "answerCoding": {"code": "Y"}}]},
            {"linkId": "d", "type": "string", "text": "More?", "enableWhen": [
                {"question": "c", "operator": ">", "answerInteger": 2}]},
        ],
    }  # fmt: skip
    sheet = read_questionnaire(written)

    def asked(said: dict[str, str]) -> list[str]:
        answers, order = Answers(), []
        while (item := next_item(sheet, answers)) is not None:
            order.append(item.link_id)
            given = answer_to(item, Message("m", said[item.link_id]))
            assert given
            answers = answers.with_answer(item.link_id, given)
        return order

    assert asked({"a": "No", "c": "2"}) == ["a", "c"]
    assert asked({"a": "No", "c": "3 times", "d": "x"}) == ["a", "c", "d"]
    assert asked({"a": "yes", "b": "on 2025-10-02", "c": "1"}) == ["a", "b", "c"]
    assert asked({"a": "yes", "b": "I don't remember"}) == ["a", "b"]


@pytest.mark.parametrize(
    ("written", "text", "value"),
    [
        ({"type": "boolean"}, "Yes, often", True),
        ({"type": "boolean"}, "没有", False),
        ({"type": "boolean"}, "I don't know", None),
        ({"type": "integer"}, "3 or so", D(3)),
        ({"type": "integer"}, "about 3.5", "nothing"),
        ({"type": "decimal"}, "36.8", D("36.8")),
        ({"type": "date"}, "it was 2024/2/30", "nothing"),
        ({"type": "date"}, "2024年3月5日", datetime.date(2024, 3, 5)),
        ({"type": "time"}, "at 9:05", "09:05:00"),
        ({"type": "string"}, "  since Monday ", "since Monday"),
        ({"type": "choice", "answerOption": [{"valueString": "left"}, {"valueString": "left arm"}]},
         "my left arm", ("", "left arm", "left arm")),
        ({"type": "choice", "answerOption": [{"valueString": "left"}]}, "the right", "nothing"),
        ({"type": "open-choice", "answerOption": [{"valueString": "left"}]}, "middle", "middle"),
        ({"type": "integer", "extension": [
            {"url": "http://hl7.org/fhir/StructureDefinition/maxValue", "valueInteger": 10}]},
         "11", "nothing"),
    ],
)  # fmt: skip
def test_an_answer_by_its_type(written: dict[str, Any], text: str, value: object) -> None:
    sheet = read_questionnaire(
        {"resourceType": "Questionnaire", "item": [{"linkId": "x", "text": "?", **written}]}
    )
    given = answer_to(sheet.item("x"), Message("m", text))
    assert (given.value if given else "nothing") == value
    if given:
        assert text[given.start : given.end] == given.words


def test_what_is_no_questionnaire_is_refused() -> None:
    with pytest.raises(QuestionnaireProblem, match="resourceType"):
        read_questionnaire({"resourceType": "Patient"})
    with pytest.raises(QuestionnaireProblem, match="linkId"):
        read_questionnaire({"resourceType": "Questionnaire", "item": [{"type": "string"}]})


@pytest.mark.skipif(not DATA.is_dir(), reason="the public questionnaires are not here")
def test_real_questionnaires_are_read_whole() -> None:
    def count(element: dict[str, Any]) -> int:
        return sum(1 + count(one) for one in element.get("item", ()))

    present = read = 0
    for path in sorted(DATA.glob("*.json")):
        written = json.loads(path.read_text("utf-8"))
        if written["resourceType"] != "Questionnaire":
            continue
        sheet = read_questionnaire(written)
        items = list(sheet.each())
        present += count(written)
        asked = [one for one in items if one.type not in ("attachment", "reference")]
        read += len(asked)
        assert all(one.text or one.items or one.type != "group" for one in asked)
        _walk(sheet)
    assert present > 200
    assert read / present >= 0.95


def _walk(sheet: Questionnaire) -> None:
    """Everything unknown: each item that is asked is asked once, and the interview ends."""
    answers, asked = Answers(), set()
    while (item := next_item(sheet, answers)) is not None:
        assert item.link_id not in asked
        asked.add(item.link_id)
        answers = answers.with_answer(item.link_id, Given(None, "m", 0, 1, "?"))
    made = response(sheet, answers, id="1", authored="2026-03-10T10:00:00Z",
                    subject="Patient/P-1", complete=True)  # fmt: skip
    model = pytest.importorskip("fhir.resources.R4B.questionnaireresponse")
    model.QuestionnaireResponse.model_validate(made)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("RR 24, SpO2 93% on air, BP 98/60, pulse 118, alert, 38.6 °C",
         "24 93 False 98 60 118 alert 38.6"),
        ("呼吸24次/分，血氧93%，未吸氧，血压98/60，脉搏118，清醒，体温38.6℃",
         "24 93 False 98 60 118 alert 38.6"),
        ("respiratory rate of 16, sats 98% on 2 L oxygen, blood pressure 120/80, heart rate 70, "
         "temperature 101.5 F, confused", "16 98 True 120 80 70 confused 38.6"),
    ],
)  # fmt: skip
def test_measured_values_are_read_from_words(text: str, values: str) -> None:
    found = vitals_of(text)
    names = ("respiratory_rate", "spo2", "oxygen", "systolic", "diastolic", "pulse",
             "consciousness", "temperature_c")  # fmt: skip
    assert " ".join(str(found[one]) for one in names) == values


@pytest.mark.parametrize(
    ("text", "creatinine"),
    [("creatinine 1.6 mg/dL", "1.60"), ("creatinine 141 µmol/L", "1.60"),
     ("肌酐141 umol/L", "1.60"), ("creatinine 141", None), ("creatinine 1.6 mmol", None)],
)  # fmt: skip
def test_a_value_without_a_known_unit_is_not_used(text: str, creatinine: str | None) -> None:
    found = vitals_of(f"woman 78, 52 kg, {text}")
    assert found["weight_kg"] == D(52)
    assert found["age"] == D(78)
    assert found["sex"] == "female"
    assert found.get("creatinine_mg_dl") == (D(creatinine) if creatinine else None)
