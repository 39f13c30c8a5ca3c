"""The pages that scripts write are current: the map of the house, attention by hand."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def check(script: str) -> None:
    command = [sys.executable, str(ROOT / "scripts" / script), "--check"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr


def test_map_is_current() -> None:
    check("map.py")


def test_attention_by_hand_is_current() -> None:
    pytest.importorskip("torch")
    check("attention_example.py")
