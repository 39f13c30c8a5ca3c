"""What the tests of commands share."""

import sys

import pytest

from attenda.cli.commands import run
from tests.cli.typing_at_home import Typed


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Typed:
    """Types a command."""

    def type_(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["attenda", *words])
        code = run()
        said = capsys.readouterr()
        return code, said.out, said.err

    return type_
