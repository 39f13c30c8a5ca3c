"""Killed at every named point: steps of every kind, set off in every way, happen once."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.crash.deeds import World
from tests.crash.kind_deeds import WANTED
from tests.crash.kinds import Receiver, kinds_folder
from tests.crash.test_deeds import Teller
from tests.runtime.mail_servers import PASSWORD, letter, mail_server

Point = tuple[()] | tuple[str, int]
"""A named point, and which of its passings; none."""
BOTH = ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]


class Kinds:
    """A home with automations of every kind, and the programs outside."""

    def __init__(self, folder: Path, url: str, orders: Any, receiver: Receiver) -> None:
        kinds_folder(folder / "pack", receiver.port, deadline="1h", caused=True)
        self._orders, self._trials = orders, folder / "trials.jsonl"
        self.teller = Teller(folder, url, "tests.crash.kind_deeds")
        assert self.teller.tell("", 0) == {}

    def note(self, **trial: Any) -> None:
        with self._trials.open("a") as file:
            file.write(json.dumps(trial) + "\n")

    def tell(self, story: str, number: int, at: Point = (), *, again: bool = False) -> Any:
        """What a story came to, or nothing; if it begins by a mail, that comes once."""
        if story == "mailed" and not again:
            mail = letter("tea", "bills@supplier.example", f"O-{number}", Subject=f"O-{number}")
            self._orders.put(mail)
        return self.teller.tell(story, number, at)


@pytest.fixture
def kinds(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Kinds]:
    url = str(request.getfixturevalue("postgres_url")) if request.param == "postgres" else ""
    monkeypatch.setenv("ATTENDA_MAIL_PASSWORD", PASSWORD)
    receiver = Receiver(World(tmp_path / "world"))
    with mail_server() as support, mail_server() as orders:
        specs = [support.spec(), orders.spec().model_copy(update={"name": "orders"})]
        boxes = [one.model_dump(mode="json") for one in specs]
        (tmp_path / "mailboxes.json").write_text(json.dumps(boxes))
        made = Kinds(tmp_path, url, orders, receiver)
        try:
            yield made
        finally:
            made.teller.close()
            receiver.close()


def right(story: str, came: Any) -> bool:
    """Whether a story ended as it must."""
    wanted = WANTED[story]
    if story == "letter" and "unknown" in came["found"]:  # whether it went out a person must say
        wanted = {**wanted, "unknown": 1}
        del wanted["sent"]
    return (came["state"], came["runs"], came["found"]) == ("done", 1, wanted)


def points_of(story: str, passed: list[str]) -> list[tuple[int, Point]]:
    """Where to kill it: at each point passed, but for those that another story passes alike."""
    points: list[tuple[int, Point]] = [
        (at, (point, passed[:at].count(point))) for at, point in enumerate(passed, start=1)
    ]
    if story != "late":
        return points
    asked = next(at for at, point in points if point == ("automation.put_down", 2))
    return points[asked - 1 :]


def sweep(kinds: Kinds, story: str, first: int) -> tuple[int, int]:
    """Kill a story once at each point; how often, and how often it was over before."""
    whole = kinds.tell(story, first)
    assert whole is not None and right(story, whole), f"{story} unharmed: {whole}"
    points = points_of(story, whole["passed"])
    missed = 0
    for at, point in points:
        number = first + at
        killed = kinds.tell(story, number, point)
        missed += killed is not None  # a loop looked once less
        after = kinds.tell(story, number, again=True)
        kinds.note(story=story, at=at, point=point, killed=killed is None, came=after)
        assert after is not None, f"{story} did not come to an end after {point} ({at})"
        assert right(story, after), f"{story} killed at {point} ({at}): {after}"
    return len(points), missed


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("story", WANTED)
@pytest.mark.parametrize("kinds", BOTH, indirect=True, ids=str)
def test_every_kind_of_step_and_trigger_at_every_point(kinds: Kinds, story: str) -> None:
    points, missed = sweep(kinds, story, 1000)
    assert missed * 10 <= points, f"{missed} of {points} points were not reached again"
    print(f"{story} killed at {points - missed} points; doubled 0, lost 0")
