"""Notes whose sentences rest on words, and options that rest on findings and pages."""

import csv
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from attenda.packs.clinic.differential import MOST_OPTIONS, candidates, told_candidates
from attenda.packs.clinic.note import draft, turns_of
from attenda.packs.clinic.words import FOLDER, catalogue, read_yaml

MTS = Path(os.environ.get("ATTENDA_DATA", "nowhere")) / "mts_dialog"
DIALOGUE = """Doctor: What brings you in today?
Patient: I've had a cough for five days, and I feel feverish.
Doctor: Any chest pain?
Patient: No.
Doctor: Have you had nausea or vomiting?
Patient: Yes.
Doctor: Do you smoke?
Patient: Yeah, a pack a day.
Doctor: Any allergies?
Patient: I'm allergic to penicillin. My mother has diabetes.
Doctor: Is there cancer in your family?
Patient: No.
"""


def test_a_note_says_what_was_said_and_where() -> None:
    note = draft(DIALOGUE)
    for one in note:
        assert one.sources
        for start, end, words in one.sources:
            assert DIALOGUE[start:end] == words
    said = " ".join(one.text for one in note)
    assert "Denies chest pain." in said
    assert "Allergies: penicillins." in said
    assert "Family: diabetes." in said
    assert "Family without cancer." in said
    assert "fever" in said
    assert "Social: smoking." in said
    assert "nausea" not in said  # a yes to “this or that” says of neither which
    (denied,) = [one for one in note if one.text.startswith("Denies")]
    assert [words for _, _, words in denied.sources] == ["chest pain", "No"]
    assert "否认胸痛" in " ".join(one.text for one in draft(DIALOGUE, "zh-CN"))


def test_turns_are_found_on_lines_and_within_them() -> None:
    turns = turns_of("医生：发烧吗？\n患者：没有。Doctor: Any cough? Patient: Yes.")
    assert [one.by for one in turns] == ["clinician", "patient", "clinician", "patient"]
    assert draft("no speaker at all") == []


def test_options_are_few_and_rest_on_findings_and_pages() -> None:
    found = candidates("cough and fever with sputum for 5 days, no haemoptysis, no leg swelling")
    assert 1 <= len(found) <= MOST_OPTIONS
    names = [one.name["en"] for one in found]
    assert names[0] == "pneumonia"
    by_name = {one.name["en"]: one for one in found}
    assert by_name["pneumonia"].speaks_for == ("cough", "fever", "sputum")
    assert by_name["acute bronchitis"].against == ("fever",)
    alarming = candidates("chest pain and breathlessness, swollen leg, no fever")
    assert alarming[0].must_not_miss
    assert [one.must_not_miss for one in alarming] == sorted(
        (one.must_not_miss for one in alarming), reverse=True
    )
    for one in (*found, *alarming):
        assert one.speaks_for
        page = (FOLDER / one.page).read_text("utf-8")
        assert one.quote in page
    for language in ("en", "zh-CN"):
        assert "%" not in told_candidates(found, language)


def test_every_option_has_a_page_that_names_a_finding_of_it() -> None:
    lexicon = read_yaml(FOLDER / "findings.yaml")["findings"]
    for topic in read_yaml(FOLDER / "differential.yaml")["topics"]:
        page = (FOLDER / topic["page"]).read_text("utf-8")
        for option in topic["options"]:
            assert option["quote"] in page
            words = [one.lower() for name in option["for"] for one in
                     [lexicon[name]["show"]["en"], *lexicon[name]["en"]]]  # fmt: skip
            assert any(one in option["quote"].lower() for one in words), option["name"]


@pytest.mark.parametrize("text", ["hiccups since yesterday", "no cough at all", "", "耳鸣三天"])
def test_a_topic_that_no_page_covers_gives_no_option(text: str) -> None:
    assert candidates(text) == []
    assert "no page on this" in told_candidates([], "en")


def test_every_sentence_stands_in_both_languages_with_the_same_values() -> None:
    words = catalogue()
    assert words["en"].keys() == words["zh-CN"].keys()
    for key, text in words["en"].items():
        ours = set(re.findall(r"\{(\w+)\}", text)) - {"source"}
        theirs = set(re.findall(r"\{(\w+)\}", words["zh-CN"][key])) - {"source"}
        assert ours == theirs, key


@pytest.mark.skipif(not MTS.is_dir(), reason="the public dialogues are not here")
def test_real_dialogues_give_notes_that_rest_on_their_words() -> None:
    with (MTS / "MTS-Dialog-ValidationSet.csv").open(encoding="utf-8") as file:
        dialogues = [row["dialogue"] for row in csv.DictReader(file)]
    with_note = 0
    for dialogue in dialogues:
        note = draft(dialogue)
        with_note += bool(note)
        for one in note:
            assert one.sources
            assert all(dialogue[start:end] == words for start, end, words in one.sources)
    assert len(dialogues) == 100
    assert with_note >= 55


def test_the_shipped_questionnaire_has_both_languages() -> None:
    written: Any = json.loads((FOLDER / "questionnaires/intake.json").read_text("utf-8"))

    def each(element: dict[str, Any]) -> list[dict[str, Any]]:
        return [one for item in element.get("item", ()) for one in (item, *each(item))]

    assert all("_text" in one for one in each(written))
