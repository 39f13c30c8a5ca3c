"""The scenarios of customer service through the real turn: a few always, all in the long suite."""

from pathlib import Path

import pytest

from attenda.api import check_pack
from attenda.packs.support.pack import PACK
from tests.pack_scenarios import faults, scenarios_of, told_by_eval, tried

BY_WORDS = ("cs_5_approval_across_a_restart", "cs_6_lost_reply_of_the_payment")
SCRIPTED = ("a_refund_that_is_denied_leaves_the_order_zh", "an_address_stays_in_its_country")
FILES = sorted((PACK.folder / "scenarios").glob("*.yaml"))


def test_nothing_is_wrong_with_the_pack() -> None:
    assert check_pack(PACK) == []


def test_main_ways_go_right_by_what_is_meant() -> None:
    meant = scenarios_of(PACK, scripted=True)
    results = tried(PACK, [one for one in meant if one.name in SCRIPTED])
    assert len(results) == len(SCRIPTED)
    assert faults(results) == {}


@pytest.mark.long
def test_main_ways_go_right_by_the_words() -> None:
    own = scenarios_of(PACK)
    assert len(own) >= 40
    results = tried(PACK, [one for one in own if one.name in BY_WORDS])
    assert len(results) == len(BY_WORDS)
    assert faults(results) == {}


@pytest.mark.long
def test_every_scenario_goes_right_by_what_is_meant(
    home: Path,
    weights_home: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    how = ("--scripted", "-k", "1")
    found = told_by_eval(FILES, home, weights_home, monkeypatch, capsys, how=how)
    assert len(found["scenarios"]) >= 40
    assert found["pass^1"] == found["restraint"] == 1 and found["unsafe"] == 0, found


@pytest.mark.long
@pytest.mark.parametrize(("language", "least"), [("en", 0.85), ("zh", 0.70)])
def test_customers_are_understood_however_they_say_it(
    language: str,
    least: float,
    home: Path,
    weights_home: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    files = [path for path in FILES if path.stem.endswith(f"-{language}")]
    found = told_by_eval(files, home, weights_home, monkeypatch, capsys)
    assert found["pass^4"] >= least and found["restraint"] == 1, found
