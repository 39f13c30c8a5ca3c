"""The clinic's scenarios through the real turn: a few always, all of them in the long suite."""

import pytest

from attenda.api import check_pack
from attenda.packs.clinic.pack import PACK
from tests.pack_scenarios import faults, scenarios_of, tried

QUICK = ("history_to_summary", "red_flag_first_zh", "early_warning_by_code")


def test_nothing_is_wrong_with_the_pack() -> None:
    assert check_pack(PACK) == []


def test_the_main_ways_go_right() -> None:
    results = tried(PACK, [one for one in scenarios_of(PACK) if one.name in QUICK])
    assert len(results) == len(QUICK)
    assert faults(results) == {}


@pytest.mark.long
def test_every_scenario_goes_right() -> None:
    results = tried(PACK, scenarios_of(PACK))
    assert len(results) >= 20
    assert faults(results) == {}
