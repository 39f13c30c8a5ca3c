"""EDU-1 to EDU-8 as they are told in the pack's scenarios, from the user's words on."""

from pathlib import Path

import pytest

from attenda.packs.tutor.pack import PACK
from tests.pack_scenarios import told_by_eval


@pytest.mark.long
@pytest.mark.parametrize(("file", "least"), [("edu-en.yaml", 0.85), ("edu-zh.yaml", 0.70)])
def test_learners_are_understood_however_they_say_it(
    file: str,
    least: float,
    home: Path,
    weights_home: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    files = [PACK.folder / "scenarios" / file]
    found = told_by_eval(files, home, weights_home, monkeypatch, capsys)
    assert found["pass^4"] >= least, found
