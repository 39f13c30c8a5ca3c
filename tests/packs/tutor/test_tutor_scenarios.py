"""EDU-1 to EDU-8 as they are told in the pack's scenarios, from the user's words on."""

import json
import sys
from pathlib import Path

import pytest

from attenda.cli.commands import run
from attenda.packs.tutor.pack import PACK

SCENARIOS = PACK.folder / "scenarios"


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
    home.mkdir(exist_ok=True)
    (home / "models").symlink_to(weights_home / "models")
    words = ["attenda", "eval", str(SCENARIOS / file), "-k", "4", "--json"]
    monkeypatch.setattr(sys, "argv", words)
    run()
    found = json.loads(capsys.readouterr().out)
    assert found["pass^4"] >= least, found
