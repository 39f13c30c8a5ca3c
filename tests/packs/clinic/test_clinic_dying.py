"""Who no longer wants to live, or wants to die, is heard in words that nobody wrote down before."""

import pathlib

import pytest
import yaml

from attenda.api import Principal, Said, StartFlow
from attenda.core.label import said_by
from attenda.core.principal import Role
from attenda.dialogue.state import DialogueState, Frame
from attenda.packs.clinic.alarm import look_first
from attenda.packs.clinic.red_flags import red_flags
from attenda.runtime.flow_turn import given_for

SENTENCES = yaml.safe_load(
    (pathlib.Path(__file__).parents[2] / "data" / "clinic_dying.yaml").read_text("utf-8")
)
AROUND = (
    "{}", "Sorry to bother you so late, the bus was late too. {}", "{} But never mind the cough.",
    "  {}  ", "不好意思打扰了，{}", "{}。您忙吧",
)  # fmt: skip


def _raised(text: str) -> bool:
    return "RF-SELF-HARM" in {one.rule.id for one in red_flags([text])}


def test_a_wish_to_die_is_heard_in_any_words() -> None:
    assert len(SENTENCES["raise"]) >= 120
    assert [one for one in SENTENCES["raise"] if not _raised(one)] == []


@pytest.mark.parametrize("around", AROUND)
def test_and_whatever_is_said_around_it(around: str) -> None:
    asked = [around.format(one) for one in SENTENCES["raise"][::7]]
    assert [one for one in asked if not _raised(one)] == []


def test_ways_of_speaking_and_plain_denials_raise_nothing() -> None:
    assert len(SENTENCES["calm"]) >= 80
    assert [one for one in SENTENCES["calm"] if _raised(one)] == []


@pytest.mark.parametrize(
    ("role", "text", "raised"),
    [
        ("agent", "the patient says she no longer wishes to be alive", False),
        ("agent", "患者说他活着没什么意思，已经不想撑了", False),
        ("agent", "I'm done with being alive, whatever the patient in bed 3 has", True),
        ("viewer", "the patient says she no longer wishes to be alive", True),
    ],
)
def test_only_somebody_of_the_clinic_tells_of_a_patient(
    role: Role, text: str, raised: bool
) -> None:
    state = DialogueState(frames=(Frame(flow="weigh", fingerprint="", instance="i"),))
    given = given_for(Principal(id="them", role=role), "m", [text], 0)
    found = look_first(Said(text, "m", said_by("them", "m"), given, state))
    assert (StartFlow(flow="alarm") in found) == raised
