"""A heap of words costs no more than its length, and hides no red flag."""

import pytest

from attenda.packs.clinic import extract, note
from attenda.packs.clinic.assertion import Assertion, assertion_of
from attenda.packs.clinic.extract import mentions
from attenda.packs.clinic.red_flags import red_flags

PER_SENTENCE = 100


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Where findings were read with all of their sentence, one by one."""
    places: list[int] = []

    def counted(text: str, start: int, end: int) -> Assertion:
        places.append(start)
        return assertion_of(text, start, end)

    monkeypatch.setattr(extract, "assertion_of", counted)
    return places


@pytest.mark.parametrize("unit", ["痰中", "皮疹, ", "cough ", "chest pain, ", "自残，"])
def test_a_heap_is_read_so_often_in_each_sentence_and_wholly_named(
    unit: str, read: list[int]
) -> None:
    text = unit * 400
    found = mentions(text)
    assert len(found) == 400
    assert len(read) <= PER_SENTENCE
    read.clear()
    assert len(mentions((unit * 60 + ".") * 3)) == 180  # sentences that somebody may write
    assert len(read) == 180


def test_what_a_heap_names_past_what_is_read_counts_as_said() -> None:
    denied = "no fever or cough or " * 80
    (flag,) = red_flags([denied + "chest pain, I am sweating and short of breath"])
    assert flag.rule.id == "RF-ACS"
    assert red_flags(["no fever or cough or " * 30 + "chest pain or sweating"]) == []


def test_messages_of_an_interview_are_read_once_however_many_follow(read: list[int]) -> None:
    said = ["I have a rash and a bad cough", "it hurts in my chest"]
    red_flags(said)
    once = len(read)
    for more in range(20):
        red_flags([*said, f"and {more} more days"])
    assert once and len(read) == once


def test_what_stands_around_a_speaker_is_bounded() -> None:
    assert "\\s*" not in note._SPEAKER.pattern and "\\s+" not in note._SPEAKER.pattern
    turns = note.turns_of("   Doctor : Any pain?\n\n  Patient:  Yes, here.")
    assert [one.by for one in turns] == ["clinician", "patient"]
    assert turns[1].text == "Yes, here."
