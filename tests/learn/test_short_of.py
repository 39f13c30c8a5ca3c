"""Short of memory, and long in coming: what a run says of either."""

import threading
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from attenda.cli import heartbeat, learn_doctor
from attenda.cli.learn_app import learn_app
from attenda.core.errors import UserError
from attenda.learn.run_folder import RunFolder
from attenda.learn.trainer import Report
from tests.learn.school import Quiet, losses, plan_of, run, school


@pytest.mark.parametrize("where", ["gpu", "machine"])
def test_too_little_memory_is_said_plainly(where: str, tmp_path: Path) -> None:
    """The last checkpoint stays, and the run goes on from it."""
    chosen = plan_of(school(tmp_path), steps=5)

    class Swells(Quiet):
        def step(self, report: Report, steps: int, left_s: float) -> None:
            super().step(report, steps, left_s)
            if report.step == 4:
                if where == "gpu":
                    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
                torch.empty(1 << 58)

    with pytest.raises(UserError, match=r"too little memory for 4 rows.*micro_batch"):
        run(tmp_path / "run", chosen, Swells())
    standing = RunFolder(tmp_path / "run").standing()
    assert standing["status"] == "failed" and "Traceback" not in standing["problem"]
    assert run(tmp_path / "run", chosen)["status"] == "finished"
    assert losses(tmp_path / "run")[3:] and len(losses(tmp_path / "run")) == 5


def test_a_long_silence_is_broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While a command is at work and says nothing, it says how long; here it waits for that."""
    heard = threading.Event()

    class Ear:
        def print(self, text: str, **_: object) -> None:
            if text.startswith("Still at work"):
                heard.set()

    def slow(*_: object, **__: object) -> None:
        assert heard.wait(60), "it was silent"
        raise UserError("file.missing", path="talks")

    monkeypatch.setattr(heartbeat, "SILENCE_S", 0.01)
    monkeypatch.setattr(heartbeat, "err", Ear())
    monkeypatch.setattr(learn_doctor, "read", slow)
    school(tmp_path)
    answer = CliRunner().invoke(learn_app, ["doctor", str(tmp_path / "talks.jsonl")])
    assert isinstance(answer.exception, UserError) and answer.exception.key == "file.missing"
