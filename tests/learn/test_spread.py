"""Several processes: they lose as one does, go on in any number, and fail in one sentence."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from typer.testing import CliRunner

from attenda.cli.learn_app import learn_app
from attenda.core.errors import UserError
from attenda.core.words import sentence
from attenda.learn.dialogues import write
from attenda.learn.run_folder import RunFolder
from tests.learn.school import losses, plan_of, run, school, talks

LONG = os.environ.get("ATTENDA_LONG") == "1"
ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}


def free_port() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return str(free.getsockname()[1])


def side_by_side(*commands: list[str], **more: list[str]) -> list[subprocess.Popen[str]]:
    """A process for each command, told its place as torchrun does; `more` is set one by one."""
    place = {"WORLD_SIZE": str(len(commands)), "MASTER_ADDR": "127.0.0.1"}
    place["MASTER_PORT"] = free_port()
    return [
        subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=ROOT,
            env={**ENVIRONMENT, **place, "RANK": str(rank), "LOCAL_RANK": str(rank)}
            | {name: values[rank] for name, values in more.items()},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank, command in enumerate(commands)
    ]


def together(folder: Path, point: str = "") -> list[int]:
    """Two processes carry on with a run, the leading one killed at a point; their exit codes."""
    command = ["tests.learn.school", str(folder), point, "0"]
    started = side_by_side(command, command)
    for process in started:
        process.communicate(timeout=240)
    return [process.returncode for process in started]


def assert_same_end(one: Path, other: Path) -> None:
    """Losses and the finished model are those of one process."""
    near = {"rtol": 1e-5, "atol": 1e-6}
    torch.testing.assert_close(torch.tensor(losses(other)), torch.tensor(losses(one)), **near)
    mine, theirs = (load_file(folder / "model/model.safetensors") for folder in (one, other))
    assert mine.keys() == theirs.keys()
    for name, weight in mine.items():
        torch.testing.assert_close(theirs[name], weight, rtol=0, atol=1e-5, msg=name)


@pytest.mark.parametrize(
    ("kind", "lora"),
    [
        ("fsdp", 3),
        pytest.param("fsdp", 0, marks=pytest.mark.long),
        pytest.param("ddp", 3, marks=pytest.mark.long),
        pytest.param("ddp", 0, marks=pytest.mark.long),
    ],
)
def test_two_processes_lose_as_one(tmp_path: Path, kind: str, lora: int) -> None:
    """Batches that don't divide evenly, and LoRA matrices with fewer rows than are dealt out."""
    values = {**school(tmp_path), "lora": {"rank": lora}}
    size = {"batch": 5, "micro_batch": 2, "steps": 5}
    alone = run(tmp_path / "one", plan_of(values, **size))
    RunFolder(tmp_path / kind).begin(plan_of(values, **size, spread=kind))
    assert together(tmp_path / kind) == [0, 0]
    assert_same_end(tmp_path / "one", tmp_path / kind)
    shared = RunFolder(tmp_path / kind).facts()
    assert shared["figures"]["task"].keys() == alone["figures"]["task"].keys()
    assert shared["task_before"] == alone["task_before"], "the whole model was asked"
    measured = [row["validation"]["loss"] for row in _measured(tmp_path / kind)]
    expected = [row["validation"]["loss"] for row in _measured(tmp_path / "one")]
    assert measured == pytest.approx(expected, abs=1e-4) and len(measured) == 2


def _measured(folder: Path) -> list[dict[str, dict[str, float]]]:
    return [row for row in RunFolder(folder).metrics() if "validation" in row]


@pytest.mark.long
def test_a_run_goes_on_in_another_number_of_processes(tmp_path: Path) -> None:
    """Two are killed, one goes on from their checkpoint and is killed, two go on from its."""
    chosen = plan_of(school(tmp_path), steps=9, spread="fsdp")
    run(tmp_path / "whole", chosen)
    folder = tmp_path / "killed"
    RunFolder(folder).begin(chosen)
    killed, left = together(folder, "step 5")
    assert killed == -9 and left == 1, "the other one ends too"
    command = [sys.executable, "-m", "tests.learn.school", str(folder), "step 8", "0"]
    assert subprocess.run(command, cwd=ROOT, env=ENVIRONMENT, check=False).returncode == -9
    assert together(folder) == [0, 0]
    assert_same_end(tmp_path / "whole", folder)


@pytest.mark.long
@pytest.mark.parametrize("kind", ["ddp", "fsdp"])
def test_torchrun_shares_a_run(tmp_path: Path, kind: str) -> None:
    """The commands of the guide: begun together, gone on with together, refused in one sentence."""
    school(tmp_path)
    data, start = str(tmp_path / "talks.jsonl"), str(tmp_path / "start")

    def torchrun(*arguments: str) -> subprocess.CompletedProcess[str]:
        launcher = ["torch.distributed.run", "--nproc-per-node", "2", "--master-port", free_port()]
        return subprocess.run(
            [sys.executable, "-m", *launcher, "-m", "attenda", "learn", *arguments],
            cwd=tmp_path,
            env={**ENVIRONMENT, "ATTENDA_HOME": str(tmp_path / "home")},
            capture_output=True,
            text=True,
            check=False,
            timeout=240,
        )

    size = ("--steps", "4", "--length", "32", "--batch", "4")
    more = ("--set", "train.save_every=2", "--set", "data.most_overlap=1", "--spread", kind)
    begun = ("tune", "--data", data, "--model", start, *size, *more, "--name", "shared")
    first = torchrun(*begun)
    assert first.returncode == 0, first.stderr
    assert first.stdout.count(sentence("en", "learn.run.finished", name="shared", steps=4)) == 1
    assert first.stderr.count(sentence("en", "learn.doing.read")) == 1, "the others are silent"
    folder = RunFolder(tmp_path / "home/runs/shared")
    assert folder.plan().train.spread == kind and len(losses(folder.path)) == 4

    if LONG:
        again = torchrun("resume", "shared")
        assert again.returncode == 0, again.stderr
    write(tmp_path / "talks.jsonl", talks(41))
    refused = torchrun("resume", "shared")
    assert refused.returncode == 1
    said = sentence("en", "learn.run.data_changed", name="shared")
    assert " ".join(refused.stderr.split()).count(said) == 1
    assert str(ROOT / "src") not in refused.stderr, "no traceback of ours"
    assert folder.standing()["problem"] == said


@pytest.mark.long
@pytest.mark.parametrize("other_has", ["other data", "no run"])
def test_processes_that_read_other_files_say_so_and_end(tmp_path: Path, other_has: str) -> None:
    """Two machines without a shared folder: no process waits for one that has ended."""
    values = school(tmp_path)
    homes = [tmp_path / "home", tmp_path / "elsewhere"]
    RunFolder(homes[0] / "runs/shared").begin(plan_of(values, spread="fsdp"))
    missing = sentence("en", "learn.run.missing", path=homes[1] / "runs/shared")
    expected = [sentence("en", "learn.spread.lost", name="shared"), missing]
    if other_has == "other data":
        write(tmp_path / "other.jsonl", talks(41))
        values["data"] = {**values["data"], "files": [str(tmp_path / "other.jsonl")]}
        RunFolder(homes[1] / "runs/shared").begin(plan_of(values, spread="fsdp"))
        expected = [sentence("en", "learn.spread.differs", name="shared"), ""]
    command = ["attenda", "learn", "resume", "shared"]
    started = side_by_side(command, command, ATTENDA_HOME=[str(home) for home in homes])
    said = [" ".join(one.communicate(timeout=120)[1].split()) for one in started]
    assert [one.returncode for one in started] == [1, 1]
    assert said[0].endswith(expected[0]) and said[1] == expected[1], "each once, no traceback"
    assert RunFolder(homes[0] / "runs/shared").standing()["problem"] == expected[0]


def test_only_the_leading_process_reckons_what_a_run_would_take(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others neither wait for it nor look for a run that was not begun."""
    for name, value in {"WORLD_SIZE": "2", "RANK": "1"}.items():
        monkeypatch.setenv(name, value)
    command = ["tune", "--data", str(tmp_path), "--name", "shared", "--dry-run"]
    follower = CliRunner().invoke(learn_app, command)
    assert (follower.exit_code, follower.output) == (0, "")
    monkeypatch.setenv("RANK", "0")
    leader = CliRunner().invoke(learn_app, command)
    assert isinstance(leader.exception, UserError), "there are no conversations"


def test_muon_is_not_given_parts_of_matrices(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"Muon needs each matrix whole"):
        plan_of(school(tmp_path), spread="fsdp", optimizer="muon")
