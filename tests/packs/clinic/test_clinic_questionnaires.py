"""Questionnaires of a clinic's own: what is wrong with one, which are asked, what a yes tells."""

import asyncio
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from attenda.packs.clinic.confirmed import affirmed, as_statements
from attenda.packs.clinic.intake import title_said
from attenda.packs.clinic.questionnaire import (
    Answers,
    next_item,
    read_questionnaire,
    words_before,
)
from attenda.packs.clinic.questionnaire_check import flaws_in
from attenda.packs.clinic.questionnaire_files import IMPORTER
from attenda.packs.clinic.red_flags import red_flags
from attenda.packs.clinic.words import FOLDER, phrase
from tests.packs.clinic.test_clinic_pages import Clinic, clinic
from tests.runtime.test_flows import rows

URL = "http://hl7.org/fhir/StructureDefinition/"
MOOD: dict[str, Any] = {
    "resourceType": "Questionnaire", "title": "Mood", "version": "2", "status": "active",
    "item": [
        {"linkId": "two-weeks", "type": "group", "text": "In the last two weeks", "item": [
            {"linkId": "low", "type": "choice", "text": "Have you felt low?", "answerOption": [
                {"valueCoding": {"code": "0", "display": "Not at all"}},
                {"valueCoding": {"code": "1", "display": "Several days"}}]},
            {"linkId": "worst", "type": "boolean", "text": "Do you want to end your life?"}]},
        {"linkId": "signs", "type": "choice", "repeats": True, "text": "What do you have?",
         "answerOption": [{"valueString": "Cough"}, {"valueString": "Fever"},
                          {"valueString": "None of it"}]},
        {"linkId": "sleep", "type": "integer", "text": "How many hours do you sleep?",
         "enableWhen": [{"question": "low", "operator": "=",
                         "answerCoding": {"code": "1"}}]},
    ],
}  # fmt: skip


def item(**more: Any) -> dict[str, Any]:
    return {"linkId": "x", "type": "string", "text": "Well?", **more}


def limit(name: str, value: int) -> dict[str, Any]:
    return {"url": f"{URL}{name}", "valueInteger": value}


@pytest.mark.parametrize(
    ("items", "place", "reason"),
    [
        ("x", "item", "must be a list"), (["x"], "item 1", "an object"), ([], "item", "no item"),
        ([{"type": "string", "text": "?"}], "item 1 (?)", "no linkId"),
        ([item(), item()], "item 2 (x)", "stands twice"),
        ([item(type="gues")], "item 1 (x)", "gues is no type"),
        ([item(text=" ")], "item 1 (x)", "no text"),
        ([item(type="choice")], "item 1 (x)", "nothing to choose"),
        ([item(type="choice", answerValueSet="http://a")], "item 1 (x)", "value set http://a"),
        ([item(type="choice", answerOption=[{}])], "item 1 (x)", "answer 1 has neither"),
        ([item(answerOption="yes")], "item 1 (x)", "answerOption must be a list"),
        ([item(enableWhen=[{"question": "y"}])], "item 1 (x)", "asks for y, which"),
        ([item(enableWhen=[{"question": "x"}])], "item 1 (x)", "the item itself"),
        ([item(), item(linkId="b", enableWhen=[
            {"question": "x", "operator": "~", "answerString": "a"}])], "item 2 (b)", "~ is no"),
        ([item(), item(linkId="b", enableWhen=[
            {"question": "x", "operator": "=", "answerBoolean": True}])],
         "item 2 (b)", "(string) needs exactly one of answerString"),
        ([MOOD["item"][0], item(enableWhen=[{"question": "low", "operator": "=",
                                             "answerCoding": {"code": "7"}}])],
         "item 2 (x)", "no such answer"),
        ([item(type="integer", extension=[limit("minValue", 9), limit("maxValue", 3)])],
         "item 1 (x)", "9 is above the greatest 3"),
        ([item(_text="x")], "item 1 (x)", "cannot be read"),
        ([item(type="date", linkId="d"), item(enableWhen=[
            {"question": "d", "operator": ">", "answerDate": "soon"}])], "item 2 (x)",
         "cannot be read"),
        ([item(type="group", text="A", item=[item(linkId="y", type="oops")])],
         "item 1.1 (y)", "oops is no type"),
    ],
)  # fmt: skip
def test_a_broken_questionnaire_is_refused_with_its_item_and_the_reason(
    items: Any, place: str, reason: str
) -> None:
    found = [one for one in flaws_in({"resourceType": "Questionnaire", "item": items})
             if not one.is_note]  # fmt: skip
    told = [(one.place, phrase("en", one.key, **one.values)) for one in found]
    assert any(where == place and reason in why for where, why in told), told
    assert all(phrase("zh-CN", one.key, **one.values) for one in found)


def test_what_can_be_asked_is_taken_with_notes_on_the_rest() -> None:
    shipped = json.loads((FOLDER / "questionnaires/intake.json").read_text("utf-8"))
    assert flaws_in(shipped) == flaws_in(MOOD) == []
    scan = item(linkId="scan", type="attachment")
    mixed = {"resourceType": "Questionnaire", "item": [item(), scan]}
    (note,) = flaws_in(mixed)
    assert note.is_note and note.place == "item 2 (scan)"
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        file.writestr("forms/mood.json", json.dumps(MOOD))
        file.writestr("forms/mixed.json", json.dumps(mixed))
        file.writestr("forms/broken.json", "{")
        file.writestr("forms/readme.md", "no form")
    read = IMPORTER.read("forms.zip", packed.getvalue())
    assert [row["title"] for row in read.rows["questionnaires"]] == ["forms/mixed.json", "Mood"]
    ((place, reason),) = read.rejected
    assert place.startswith("forms/broken.json") and "no JSON" in reason["en"]  # type: ignore[index]


def test_a_yes_says_what_was_asked_and_sets_off_red_flags() -> None:
    def flagged(question: str, answer: str, *options: str) -> list[str]:
        form = read_questionnaire({"resourceType": "Questionnaire", "item": [item(text=question)]})
        asks = as_statements([form.item("x")])
        heard = {"asks": asks, "options": list(options)}
        said = ["I am sweating", answer + affirmed(answer, heard)]
        return [one.rule.id for one in red_flags(said)]

    often = ("Not at all", "Several days")
    for question, answer, rules in (
        ("Do you want to end your life?", "yes", ["RF-SELF-HARM"]),
        ("Do you want to end your life?", "no", []),
        ("Thoughts that you would be better off dead", "several days", ["RF-SELF-HARM"]),
        ("Thoughts that you would be better off dead", "not at all", []),
        ("Do you have chest pain?", "Yes, I do", ["RF-ACS"]), ("您胸痛吗？", "有", ["RF-ACS"]),
        ("你想死吗？", "想", ["RF-SELF-HARM"]), ("你想死吗？", "不想", []),
    ):  # fmt: skip
        assert flagged(question, answer, *often) == rules, (question, answer)


def test_headings_stand_before_the_first_question_below_them() -> None:
    form = read_questionnaire(MOOD)
    low = next_item(form, Answers())
    assert low and low.link_id == "low"
    assert [one.text for one in words_before(form, Answers(), low)] == ["In the last two weeks"]
    assert words_before(form, Answers(), form.item("worst")) == []
    titles = {"shipped": "Intake", "Q-1": "Mood", "Q-2": "Mood and sleep"}
    for said, key in (("2", "Q-1"), ("the intake", "shipped"), ("mood", ""), ("sleep", "Q-2"),
                      ("9", ""), ("", "")):  # fmt: skip
        assert title_said(said, titles) == key, said


def test_a_clinic_asks_its_own_questions(home: Path) -> None:
    async def story() -> None:
        async with clinic(home) as c:
            key = await one_is_read_in_and_put_to_use(c)
            await a_person_chooses_and_answers_it(c, key)

    asyncio.run(story())


async def one_is_read_in_and_put_to_use(c: Clinic) -> str:
    path = "/api/packs/clinic/imports/questionnaire"
    broken = {"resourceType": "Questionnaire", "item": [item(type="gues")]}
    for content, count in ((broken, 1), (MOOD, 0)):
        file = {"file": ("mood.json", json.dumps(content).encode(), "application/json")}
        read = (await c.ask("boss", "POST", path, files=file)).json()
        assert read["rejected"] == count, read
    (row,) = await rows(c.house, "clinic_questionnaires")
    once = {"questionnaire": row["id"], "ask": "yes"}
    assert (await c.call("nurse", "use_questionnaire", "a", **once)).status_code in (400, 403)
    assert (await c.call("doc", "use_questionnaire", "b", **once)).status_code == 200
    page = (await c.ask("nurse", "GET", "/packs/clinic/questionnaires")).text
    assert "Mood" in page and "How many hours do you sleep?" in page
    return str(row["id"])


async def a_person_chooses_and_answers_it(c: Clinic, key: str) -> None:
    asked = (await c.call("pat", "begin_intake", "c")).json()["result"]
    assert "1. Intake\n2. Mood" in asked["ask_en"]
    for number, (answer, then) in enumerate((
        ("my fever", "2. Mood"), ("2", "In the last two weeks\nHave you felt low?\nOne of: Not"),
        ("several days", "end your life"), ("no", "What do you have?"),
        ("a cough and fever", "How many hours"), ("about 5", ""),
    )):  # fmt: skip
        heard = await c.call("pat", "hear", f"d{number}", intake=asked["id"],
                             number=asked["number"], answer=answer)  # fmt: skip
        asked = heard.json()["result"]
        assert then in asked["ask_en"], asked
    assert asked["done"]
    (intake,) = await rows(c.house, "clinic_intakes")
    assert (intake["questionnaire"], intake["state"]) == (key, "done")
    items = {one["linkId"]: one for one in json.loads(intake["response"])["item"]}
    chosen = [one["valueCoding"]["display"] for one in items["signs"]["answer"]]
    assert chosen == ["Cough", "Fever"]
    assert items["sleep"]["answer"][0]["valueInteger"] == 5
    off = await c.call("doc", "use_questionnaire", "e", questionnaire="shipped", ask="no")
    assert off.status_code == 200
    last = await c.call("doc", "use_questionnaire", "f", questionnaire=key, ask="no")
    assert last.status_code == 400 and "has to stay in use" in last.text
    alone = (await c.call("pat", "begin_intake", "g")).json()["result"]
    assert "Have you felt low?" in alone["ask_en"]
