"""A run that is killed, wherever it is, ends with the same bits as one that never stopped."""

import os
import random
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file

from attenda.core.errors import Conflict, OperatorError, UserError
from attenda.learn import checkpoint
from attenda.learn.checkpoint import checkpoints, latest
from attenda.learn.dialogues import write
from attenda.learn.learning import learn
from attenda.learn.plan import Plan
from attenda.learn.run_folder import RunFolder
from tests.learn.school import Quiet, losses, plan_of, run, school, talks

ROOT = Path(__file__).resolve().parents[2]
LONG = os.environ.get("ATTENDA_LONG") == "1"
POINTS = ["begun", "weights written", "optimizer written", "flushed", "named", "old ones removed"]


def killed(folder: Path, point: str, after: int) -> int:
    """Carry on with a run in a process of its own that dies at a point; its exit code."""
    command = [sys.executable, "-m", "tests.learn.school", str(folder), point, str(after)]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}", "OMP_NUM_THREADS": "1"}
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


def gone_on(folder: Path) -> None:
    """Carry on with a run to its end; here, unless it is compiled, which would outlast the test."""
    if RunFolder(folder).plan().train.compile == "on":
        assert killed(folder, "never", 0) == 0
    else:
        learn(RunFolder(folder), folder.parent, Quiet())


def end_of(folder: Path) -> dict[str, Any]:
    """All that a finished run holds: weights, optimizer, chance and losses."""
    path, torn = latest(folder / "checkpoints")
    assert path is not None and not torn
    files = {
        name: load_file(path / name) for name in ("weights.safetensors", "optimizer.safetensors")
    }
    found = {
        f"{file}:{key}": value.numpy().tobytes()
        for file, held in files.items()
        for key, value in held.items()
    }
    return {**found, "losses": losses(folder)}


def plan(folder: Path, kind: str, steps: int) -> Plan:
    values = school(folder, "vaswani" if kind == "dropout" else "llama")
    if kind == "lora":
        values["lora"] = {"rank": 4}
    train: dict[str, Any] = {"steps": steps, "batch": 8, "save_every": 5, "measure_every": 7}
    if kind == "bf16":
        train["precision"] = "bf16"
    if kind == "muon":
        train["optimizer"] = "muon"
    if kind == "compiled":
        train["compile"] = "on"
    return plan_of(values, **train)


CASES = [("full", 2), ("lora", 1)]
CASES = [("full", 6), ("lora", 4), ("bf16", 3), ("muon", 3), ("compiled", 2)] if LONG else CASES


@pytest.mark.parametrize(("kind", "kills"), CASES)
def test_a_killed_run_ends_with_the_same_bits(kind: str, kills: int, tmp_path: Path) -> None:
    chosen = plan(tmp_path, kind, 6 * kills + 6)
    for name in ("whole", "killed"):
        RunFolder(tmp_path / name).begin(chosen)
    gone_on(tmp_path / "whole")
    chance = random.Random(f"{kind}{kills}")
    for number in range(kills):
        step = chance.randint(2 + 6 * number, 5 + 6 * number)
        point = f"step {step}" if number % 2 else chance.choice(POINTS)
        assert killed(tmp_path / "killed", point, 0) == -9, point
    gone_on(tmp_path / "killed")
    assert end_of(tmp_path / "killed") == end_of(tmp_path / "whole")
    assert RunFolder(tmp_path / "whole").facts()["steps"] == chosen.train.steps


@pytest.mark.parametrize("point", POINTS)
def test_a_save_that_is_cut_short_leaves_the_one_before(point: str, tmp_path: Path) -> None:
    """Killed inside the second save: the first is whole, or the second is."""
    if not LONG and point != "flushed":
        pytest.skip("the other points are in the long suite")
    RunFolder(tmp_path / "run").begin(plan_of(school(tmp_path), steps=9))
    assert killed(tmp_path / "run", point, 1) == -9
    path, torn = latest(tmp_path / "run/checkpoints")
    assert path is not None and not torn
    expected = "step-00000006" if point in ("named", "old ones removed") else "step-00000003"
    assert path.name == expected


def test_a_torn_checkpoint_is_passed_over(tmp_path: Path) -> None:
    chosen = plan_of(school(tmp_path), steps=9)
    run(tmp_path / "whole", chosen)
    run(tmp_path / "torn", chosen)
    expected = end_of(tmp_path / "whole")
    newest = checkpoints(tmp_path / "torn/checkpoints")[0]
    before = (newest / "weights.safetensors").read_bytes()
    for name, cut in (("weights.safetensors", len(before) // 2), ("state.json", 20)):
        shutil.copytree(tmp_path / "torn", tmp_path / f"torn {name}")
        folder = tmp_path / f"torn {name}"
        file = folder / "checkpoints" / newest.name / name
        file.write_bytes(file.read_bytes()[:cut])
        watch = Quiet()
        learn(RunFolder(folder), tmp_path, watch)
        assert "learn.doing.torn" in watch.said
        assert watch.losses == expected["losses"][6:], "it went on from the checkpoint before"
        assert end_of(folder) == expected


class Leaves(Quiet):
    """Has had enough after three steps."""

    def wants_to_stop(self) -> bool:
        return len(self.losses) == 3


def test_what_changed_since_is_refused(tmp_path: Path) -> None:
    values = school(tmp_path)
    run(tmp_path / "run", plan_of(values, steps=9), Leaves())
    write(tmp_path / "talks.jsonl", talks(41))
    with pytest.raises(UserError, match="data"):
        learn(RunFolder(tmp_path / "run"), tmp_path, Quiet())
    write(tmp_path / "talks.jsonl", talks(40))
    school(tmp_path, "qwen3")
    with pytest.raises(UserError, match="start"):
        learn(RunFolder(tmp_path / "run"), tmp_path, Quiet())
    school(tmp_path)
    assert learn(RunFolder(tmp_path / "run"), tmp_path, Quiet())["status"] == "finished"


def test_a_run_stops_when_asked_and_one_process_has_it(tmp_path: Path) -> None:
    chosen = plan_of(school(tmp_path), steps=9)
    folder = RunFolder(tmp_path / "run")
    folder.begin(chosen)
    with pytest.raises(Conflict, match="run"):
        folder.begin(chosen)

    class Asks(Quiet):
        def step(self, report: Any, steps: int, left_s: float) -> None:
            super().step(report, steps, left_s)
            if report.step == 4:
                folder.ask_to_stop()
                with pytest.raises(Conflict):
                    learn(RunFolder(tmp_path / "run"), tmp_path, Quiet())

    facts = learn(folder, tmp_path, Asks())
    assert (facts["status"], facts["step"]) == ("stopped", 4)
    assert folder.standing()["status"] == "stopped"
    assert learn(folder, tmp_path, Quiet())["status"] == "finished"
    run(tmp_path / "whole", chosen)
    assert end_of(tmp_path / "run") == end_of(tmp_path / "whole")


def test_a_full_disk_leaves_the_checkpoint_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = checkpoint.save_file
    calls = []

    def full(*arguments: Any, **more: Any) -> None:
        calls.append(arguments)
        if len(calls) > 3:
            raise OSError(28, "No space left on device")
        saved(*arguments, **more)

    monkeypatch.setattr(checkpoint, "save_file", full)
    chosen = plan_of(school(tmp_path), steps=9)
    with pytest.raises(OperatorError, match="No space left"):
        run(tmp_path / "run", chosen)
    path, torn = latest(tmp_path / "run/checkpoints")
    assert path is not None and path.name == "step-00000003" and not torn
    assert RunFolder(tmp_path / "run").standing()["status"] == "failed"
    assert not list((tmp_path / "run/checkpoints").glob(".*")), "nothing half written stays"
    monkeypatch.undo()
    assert run(tmp_path / "run", chosen)["status"] == "finished"
