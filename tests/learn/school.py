"""What the tests of learning share: a tiny model that begins, tiny talks, and a quiet watcher."""

import os
import signal
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from attenda.core.message import text_message
from attenda.core.template import TEMPLATES
from attenda.learn.dialogues import Dialogue, write
from attenda.learn.families import preset
from attenda.learn.learning import learn
from attenda.learn.model_folder import write_folder
from attenda.learn.plan import Plan
from attenda.learn.run_folder import RunFolder
from attenda.learn.shape import ModelShape
from attenda.learn.tokenizer import TextTokenizer, train_tokenizer
from attenda.learn.transformer import build

WORDS = "red green blue one two three cat dog bird sun moon star".split()


def talks(count: int) -> list[Dialogue]:
    """Small talks that can be learned: the answer says the question's words backwards."""
    made = []
    for number in range(count):
        words = [WORDS[(number * step + step) % len(WORDS)] for step in (1, 5, 7)[: 1 + number % 3]]
        asked, answer = " ".join(words), " ".join(reversed(words))
        messages = (text_message("user", asked), text_message("assistant", answer))
        made.append(Dialogue(f"d{number}", messages, f"g{number}", f"talks:{number}"))
    return made


def tiny(family: str = "llama", vocabulary: int = 320) -> ModelShape:
    """A shape that learns in a second."""
    if family == "bert":
        return replace(
            preset("bert-3m", vocabulary),
            context=64,
            width=32,
            layers=2,
            heads=4,
            kv_heads=4,
            head_width=8,
            hidden=64,
        )
    encdec = family == "vaswani"
    return ModelShape(
        family=family,
        kind="encoder-decoder" if encdec else "decoder",
        vocabulary=vocabulary,
        context=64,
        width=32,
        layers=2,
        heads=4,
        kv_heads=4 if family in ("gpt2", "vaswani") else 2,
        head_width=8,
        hidden=64,
        positions={"gpt2": "learned", "vaswani": "sinusoidal"}.get(family, "rotary"),  # type: ignore[arg-type]
        norm="layer" if family in ("gpt2", "vaswani") else "rms",
        activation="gelu_tanh" if family == "gpt2" else "relu" if encdec else "swiglu",
        bias=family in ("gpt2", "vaswani"),
        query_bias=family in ("gpt2", "vaswani", "qwen2"),
        query_norm=family == "qwen3",
    )


def tokenizer(template: str = "chatml") -> TextTokenizer:
    """A tokenizer of the talks' words."""
    texts = [message.text for talk in talks(60) for message in talk.messages]
    return train_tokenizer(texts, 320, TEMPLATES[template])


def school(folder: Path, family: str = "llama", count: int = 40) -> dict[str, Any]:
    """Write data and a model to begin with into `folder`; a plan's values that name them."""
    write(folder / "talks.jsonl", talks(count))
    own = tokenizer()
    write_folder(folder / "start", build(tiny(family, own.vocabulary), seed=1), own)
    return {
        "data": {
            "files": [str(folder / "talks.jsonl")],
            "validation_share": 0.1,
            "most_overlap": 1,  # there are only a dozen different talks
        },
        "model": {"start": str(folder / "start")},
        "train": {
            "steps": 12,
            "length": 32,
            "batch": 4,
            "rate": 3e-3,
            "precision": "fp32",
            "save_every": 3,
            "measure_every": 4,
        },
    }


def plan_of(values: dict[str, Any], recipe: str = "tune", **train: object) -> Plan:
    """A plan of `values`, with other values for training."""
    return Plan.of({"recipe": recipe, **values, "train": {**values["train"], **train}})


class Quiet:
    """Looks on and says nothing; may kill the process at a named point."""

    def __init__(self, kill_at: str = "", after: int = 0) -> None:
        self.kill_at, self.left = kill_at, after
        self.said: list[str] = []
        self.losses: list[float] = []

    def doing(self, key: str, **values: object) -> None:
        self.said.append(key)

    def problem(self, problem: Any) -> None:
        self.said.append(problem.key)

    def step(self, report: Any, steps: int, left_s: float) -> None:
        self.losses.append(report.loss)
        self.passing(f"step {report.step}")

    def measured(self, row: dict[str, Any]) -> None:
        self.said.append("measured")

    def wants_to_stop(self) -> bool:
        return False

    def passing(self, point: str) -> None:
        if point == self.kill_at:
            if self.left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            self.left -= 1


def run(folder: Path, plan: Plan, watch: Quiet | None = None) -> dict[str, Any]:
    """Carry out a new run, or go on with the one that is there."""
    runs = RunFolder(folder)
    if not (folder / "plan.toml").exists():
        runs.begin(plan)
    return learn(runs, folder.parent, watch or Quiet())


def losses(folder: Path) -> list[float]:
    """The loss of each step, as noted."""
    return [row["loss"] for row in RunFolder(folder).metrics() if "loss" in row]


def main(arguments: Sequence[str]) -> None:
    """`python -m tests.learn.school FOLDER POINT AFTER`: go on with a run, and die at a point."""
    import torch

    torch.set_num_threads(1)
    folder, point, after = arguments
    learn(RunFolder(Path(folder)), Path(folder).parent, Quiet(point, int(after)))


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
