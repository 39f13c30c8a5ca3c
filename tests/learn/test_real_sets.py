"""Public data sets are read whole and looked over in little memory; skipped where they are not.

`ATTENDA_DATA` names their folder; the counts are those of the READMEs there.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from attenda.learn.doctor import leakage
from attenda.learn.split import split
from tests.learn.rows import sorted_out

MOST_MB = 300
"""A doctor's visit to 20,543 conversations took 90 MB, 50 of them Python and its libraries."""


@pytest.fixture
def data() -> Path:
    folder = Path(os.environ.get("ATTENDA_DATA", ""))
    if not os.environ.get("ATTENDA_DATA") or not folder.is_dir():
        pytest.skip("the data sets are not here (ATTENDA_DATA names their folder)")
    return folder


COUNTS = {
    "cornell_movie_dialogs": (8_067, 2),
    "cornell_movie_dialogs/qa_pairs_by_movie.csv": (20_543, 0),
    "crosswoz": (120, 0),
    "schema_guided_dialogue": (128 + 128 + 128 + 51, 0),
    "chatterbot_corpus": (467 + 2_026 + 89 + 113 + 568 + 280, 0),
    "mathdial": (401, 0),
    "mts_dialog": (1_301, 2),
}
"""Conversations, and how many of them one side alone speaks in."""


@pytest.mark.parametrize("name", COUNTS)
def test_every_conversation_is_read(name: str, data: Path) -> None:
    if not (data / name).exists():
        pytest.skip(f"{name} is not here")
    found, problems = sorted_out(data / name)
    broken = [one for one in problems if one.severity == "error"]
    assert (len(found) + len(broken), len(broken)) == COUNTS[name]
    assert {one.key for one in broken} <= {"learn.data.one_sided"}


def test_films_held_back_are_not_known_from_the_others(data: Path) -> None:
    found, _ = sorted_out(data / "cornell_movie_dialogs")
    train, validation = split(found, 0.1, 1)
    assert not {row.group for row in train} & {row.group for row in validation}
    assert leakage(train, validation).share < 0.01


def test_a_visit_takes_little_memory(data: Path) -> None:
    """Memory of a process of its own, as the system counted it."""
    code = (
        "import sys; from pathlib import Path;"
        "from attenda.cli.learn_doctor import run_doctor;"
        "code = run_doctor([Path(sys.argv[1])], format='', fix=None, validation=None,"
        " as_json=False, language='en');"
        "most = Path('/proc/self/status').read_text().split('VmHWM:')[1].split()[0];"
        "print(int(most) >> 10, file=sys.stderr);"
        "sys.exit(code)"
    )
    path = data / "cornell_movie_dialogs" / "qa_pairs_by_movie.csv"
    command = [sys.executable, "-c", code, str(path)]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "20,543" in answer.stdout
    assert int(answer.stderr.split()[-1]) < MOST_MB
