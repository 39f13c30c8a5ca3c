"""Killed at every named point, each deed has happened once in the end, and none is lost."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.crash.deeds import STORIES, WANTED
from tests.crash.test_kill import ROOT, environment

SHORT = {"sqlite": ["blind", "loop"], "postgres": ["approved"]}
EVERY = {"several": 4, "blind": 3, "loop": 8, "approved": 5}
"""Of which story the quick suite kills at every n-th point alone."""


class Teller:
    """A process that tells stories, each in a fork that may die."""

    def __init__(self, folder: Path, url: str, module: str = "tests.crash.deeds") -> None:
        command = [sys.executable, "-m", module, folder / "home", folder / "world"]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(
            [*map(str, command), url], stdin=pipe, stdout=pipe, cwd=ROOT, env=environment()
        )

    def tell(self, story: str, number: int, at: Any = 0) -> dict[str, Any] | None:
        """What a story came to; nothing if it was killed at the point passed as the `at`-th."""
        assert self._process.stdin and self._process.stdout
        trial = {"story": story, "number": number, "at": at}
        self._process.stdin.write(json.dumps(trial).encode() + b"\n")
        self._process.stdin.flush()
        found: dict[str, Any] | None = json.loads(self._process.stdout.readline())
        return found

    def close(self) -> None:
        self._process.kill()
        self._process.wait()


@pytest.fixture
def teller(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Teller]:
    url = str(request.getfixturevalue("postgres_url")) if request.param == "postgres" else ""
    made = Teller(tmp_path, url)
    try:
        yield made
    finally:
        made.close()


def sweep(teller: Teller, story: str, first: int, every: int = 1) -> int:
    """Kill a story once at each point, or every n-th, that it passes; how many it passes."""
    whole = teller.tell(story, first)
    assert whole is not None and whole["found"] == WANTED[story]
    points = whole["passed"]
    for at, point in list(enumerate(points, start=1))[::every]:
        number = first + at
        assert teller.tell(story, number, at) is None, f"{point} was not passed"
        after = teller.tell(story, number)
        assert after is not None, f"{story} did not come to an end after {point} ({at})"
        if at % 4 == 0:
            again = teller.tell(story, number)
            assert again is not None and again["found"] == after["found"]
        if story == "blind" and "unknown" in after["states"]:
            assert after["owner"] == "queued"  # a person must look; nothing is sent again
            assert after["found"].get("blind", 0) <= 1
        else:
            assert after["found"] == WANTED[story], f"{story} killed at {point} ({at})"
    return len(points)


@pytest.mark.parametrize("teller", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)],
                         indirect=True, ids=str)  # fmt: skip
def test_each_deed_happens_once_wherever_the_process_dies(
    teller: Teller, request: pytest.FixtureRequest
) -> None:
    kind = "postgres" if "postgres" in request.node.name else "sqlite"
    for place, story in enumerate(SHORT[kind]):
        sweep(teller, story, 1000 * (place + 1), EVERY.get(story, 1))


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("teller", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)],
                         indirect=True, ids=str)  # fmt: skip
def test_every_story_at_every_point(teller: Teller) -> None:
    points = {story: sweep(teller, story, 1000 * n) for n, story in enumerate(STORIES, start=1)}
    print(f"killed at {sum(points.values())} points: {points}; doubled 0, lost 0")
