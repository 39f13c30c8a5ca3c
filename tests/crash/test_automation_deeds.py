"""Killed at every named point of an automation, each deed has happened once in the end."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.crash.automation_deeds import WANTED
from tests.crash.test_deeds import Teller

MODULE = "tests.crash.automation_deeds"
BOTH = ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]
CHOSEN = ("world.after", "automation.done", "automation.put_down")
"""Points that the quick suite kills at, each at its last passing."""


@pytest.fixture
def teller(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Teller]:
    url = str(request.getfixturevalue("postgres_url")) if request.param == "postgres" else ""
    made = Teller(tmp_path, url, MODULE)
    try:
        yield made
    finally:
        made.close()


def points_of(teller: Teller, story: str, first: int) -> list[str]:
    """The points that a run passes when nothing happens to it."""
    whole = teller.tell(story, first)
    assert whole is not None and whole["found"] == WANTED[story], whole
    passed: list[str] = whole["passed"]
    return passed


def kill_at(teller: Teller, story: str, first: int, points: Sequence[tuple[int, str]]) -> None:
    """Kill a run once at each of these points, and let another process go on with it."""
    for at, point in points:
        number = first + at
        killed = teller.tell(story, number, at)
        assert killed is None, f"{point} was not passed"
        after = teller.tell(story, number)
        assert after is not None, f"{story} did not come to an end after {point} ({at})"
        if story == "blind" and after["state"] == "failed":
            assert after["problem"] == "tool.lost"  # a person must look; nothing is sent again
            assert after["found"].get("blind", 0) <= 1
        else:
            where = f"{story} killed at {point} ({at}): {after}"
            assert (after["state"], after["found"]) == ("done", WANTED[story]), where


@pytest.mark.parametrize("teller", ["sqlite"], indirect=True)
def test_each_deed_of_an_automation_happens_once_wherever_it_dies(teller: Teller) -> None:
    passed = points_of(teller, "mixed", 1000)
    last = {point: at for at, point in enumerate(passed, start=1)}
    kill_at(teller, "mixed", 1000, [(last[point], point) for point in CHOSEN])


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("teller", BOTH, indirect=True, ids=str)
def test_every_automation_at_every_point(teller: Teller) -> None:
    killed: dict[str, int] = {}
    for place, story in enumerate(WANTED, start=1):
        points = list(enumerate(points_of(teller, story, 1000 * place), start=1))
        kill_at(teller, story, 1000 * place, points)
        killed[story] = len(points)
    print(f"killed at {sum(killed.values())} points: {killed}; doubled 0, lost 0")
