"""A run's folder: plan, state, metrics, samples, checkpoints and the finished model.

Everything a page or another program wants to know of a run is read here, while it runs and
after. One process at a time has the folder.
"""

import json
import os
import time
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock, Timeout

from attenda.core.errors import Conflict, NotFound, UserError
from attenda.learn.plan import Plan, toml_of

__all__ = ["RunFolder", "Status"]

Status = Literal["ready", "running", "stopped", "failed", "finished"]


@dataclass(frozen=True, slots=True)
class RunFolder:
    """The files of one run."""

    path: Path

    @property
    def name(self) -> str:
        """The run's name."""
        return self.path.name

    @property
    def checkpoints(self) -> Path:
        """Folder of the checkpoints."""
        return self.path / "checkpoints"

    @property
    def tokenizer(self) -> Path:
        """Folder of the tokenizer."""
        return self.path / "tokenizer"

    @property
    def model(self) -> Path:
        """Folder of the finished model, in Hugging Face's shape."""
        return self.path / "model"

    @property
    def adapter(self) -> Path:
        """Folder of the finished adapter, in PEFT's shape."""
        return self.path / "adapter"

    def begin(self, plan: Plan) -> None:
        """Make the folder with its plan.

        Raises:
            Conflict: there is a run of this name.
        """
        if (self.path / "plan.toml").exists():
            raise Conflict("learn.run.exists", name=self.name)
        self.path.mkdir(parents=True, exist_ok=True)
        self._write("plan.toml", toml_of(plan))
        self.note(status="ready", created=time.time())

    def plan(self) -> Plan:
        """The plan that the run was begun with.

        Raises:
            NotFound: there is no such run.
            UserError: the plan can't be read.
        """
        file = self.path / "plan.toml"
        if not file.exists():
            raise NotFound("learn.run.missing", path=self.path)
        try:
            return Plan.of(tomllib.loads(file.read_text("utf-8")))
        except ValueError as error:
            raise UserError("learn.plan.unreadable", path=file, problem=error) from error

    @contextmanager
    def held(self) -> Iterator[None]:
        """Have the folder alone.

        Raises:
            Conflict: another process has it.
        """
        lock = FileLock(self.path / ".lock")
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            raise Conflict("learn.run.busy", name=self.name) from error
        try:
            yield
        finally:
            lock.release()

    def keep_tokenizer(self, text: str) -> None:
        """Write `tokenizer.json`, so that a run that goes on need not learn it anew."""
        self.tokenizer.mkdir(exist_ok=True)
        self._write("tokenizer/tokenizer.json", text)

    def note(self, **facts: object) -> None:
        """Add facts to `run.json`; a fact of the same name is replaced."""
        self._write("run.json", json.dumps({**self.facts(), **facts}, indent=1))

    def facts(self) -> dict[str, Any]:
        """What is noted of the run."""
        file = self.path / "run.json"
        try:
            row = json.loads(file.read_text("utf-8")) if file.exists() else {}
        except ValueError:
            row = {}
        return row if isinstance(row, dict) else {}

    def standing(self) -> dict[str, Any]:
        """How the run stands, in a row of a list; a run whose process died counts as stopped."""
        facts, metrics = self.facts(), self.metrics()
        steps = [row for row in metrics if "loss" in row]
        measured = [row["validation"] for row in metrics if "validation" in row]
        figures = (facts.get("figures") or {}).get("validation") or (measured or [{}])[-1]
        status = facts.get("status", "ready")
        if status == "running" and not self.is_held():
            status = "stopped"
        return {
            "recipe": facts.get("recipe", ""),
            "status": status,
            "step": steps[-1]["step"] if steps else 0,
            "steps": facts.get("steps", 0),
            "loss": steps[-1]["loss"] if steps else None,
            "tokens_per_s": steps[-1]["tokens_per_s"] if steps else None,
            "left_s": steps[-1]["left_s"] if steps else None,
            "bits_per_byte": figures.get("bits_per_byte"),
            "problem": facts.get("problem", ""),
        }

    def is_held(self) -> bool:
        """Whether a process has the folder now."""
        lock = FileLock(self.path / ".lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return True
        lock.release()
        return False

    def add_metrics(self, row: Mapping[str, object]) -> None:
        """Append a line to `metrics.jsonl`."""
        self._append("metrics.jsonl", row)

    def add_samples(self, row: Mapping[str, object]) -> None:
        """Append a line to `samples.jsonl`."""
        self._append("samples.jsonl", row)

    def metrics(self) -> list[dict[str, Any]]:
        """All lines of `metrics.jsonl`; of steps done twice the later ones."""
        by_step = {(row["step"], "validation" in row): row for row in self._lines("metrics.jsonl")}
        return [by_step[key] for key in sorted(by_step)]

    def samples(self) -> list[dict[str, Any]]:
        """All lines of `samples.jsonl`."""
        return list(self._lines("samples.jsonl"))

    def ask_to_stop(self) -> None:
        """Ask the process that trains to save and end."""
        (self.path / "stop").touch()

    def asked_to_stop(self) -> bool:
        """Whether somebody asked; the question is forgotten with the answer."""
        asked = (self.path / "stop").exists()
        (self.path / "stop").unlink(missing_ok=True)
        return asked

    def _append(self, name: str, row: Mapping[str, object]) -> None:
        with (self.path / name).open("a", encoding="utf-8") as file:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")

    def _lines(self, name: str) -> Iterator[dict[str, Any]]:
        """Whole lines alone: the last may be half written."""
        file = self.path / name
        if not file.exists():
            return
        for line in file.read_text("utf-8", errors="replace").splitlines():
            try:
                yield json.loads(line)
            except ValueError:
                continue

    def _write(self, name: str, text: str) -> None:
        scratch = self.path / f".{Path(name).name}.new"
        scratch.write_text(text, "utf-8")
        os.replace(scratch, self.path / name)
