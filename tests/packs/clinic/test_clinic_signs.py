"""Red flags are heard in words that nobody wrote down before: terse, polite, chatty."""

import pathlib

import pytest
import yaml

from attenda.packs.clinic.extract import mentions
from attenda.packs.clinic.red_flags import red_flag_rules, red_flags

SENTENCES = yaml.safe_load(
    (pathlib.Path(__file__).parents[2] / "data" / "clinic_signs.yaml").read_text("utf-8")
)
ALIKE = {"RF-ANAPHYLAXIS": {"RF-ALLERGY", "RF-BREATHING"}, "RF-PE": {"RF-BREATHING"}}
"""A flag that says the same, or what is graver."""


@pytest.mark.parametrize("rule", [one for one in SENTENCES if one != "calm"])
def test_a_danger_is_heard_in_any_words(rule: str) -> None:
    assert rule in {one.id for one in red_flag_rules()}
    fit = {rule} | ALIKE.get(rule, set())
    missed = [one for one in SENTENCES[rule] if not fit & {f.rule.id for f in red_flags([one])}]
    assert missed == []


def test_what_is_no_danger_raises_none() -> None:
    assert [one for one in SENTENCES["calm"] if red_flags([one])] == []


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("No cough, chest pain going down the left arm", "present"),
        ("no fever, chest pain since this morning", "present"),
        ("I can't sleep, chest pain", "present"),
        ("No cough, chest pain.", "unsure"),
        ("no cough, chest pain and chills", "unsure"),
        ("no cough, fever or chest pain", "absent"),
        ("no cough, fever, chest pain", "absent"),
        ("denies cough, chest pain or chills", "absent"),
        ("I don't have a cough, chest pain or chills", "absent"),
    ],
)
def test_a_no_reaches_over_a_list_alone(text: str, status: str) -> None:
    said = {one.assertion.status for one in mentions(text) if one.finding == "chest_pain"}
    assert said == {status}
