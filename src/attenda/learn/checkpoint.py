"""A run on disk: weights, optimizer, chance and data position, whole or not at all.

A checkpoint is a folder that gets its name only when all in it is written and flushed; its
`state.json` holds the other files' hashes. One that is torn is passed over for the one before.
"""

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from attenda.core.errors import OperatorError, UserError
from attenda.learn.batches import Place
from attenda.learn.shards import cut_like
from attenda.learn.trainer import Learner, TrainState

__all__ = ["checkpoints", "latest", "load_checkpoint", "save_checkpoint"]

_WEIGHTS, _OPTIMIZER, _STATE = "weights.safetensors", "optimizer.safetensors", "state.json"
_CHANCE = "chance"


def save_checkpoint(
    folder: Path,
    state: TrainState,
    learner: Learner,
    *,
    keep: int = 2,
    passing: Callable[[str], None] = lambda _: None,
) -> Path:
    """Write a checkpoint into `folder`, and remove all but the newest `keep`.

    All processes of a run take part; the leading one writes the whole tensors, so that any
    number of processes can go on from them.

    Args:
        folder: of the run's checkpoints.
        state: where the run stands.
        learner: its weights and optimizers.
        keep: how many stay.
        passing: called with the name of each point that is passed; tests stop the process there.

    Raises:
        OperatorError: it could not be written; the ones before are as they were.
    """
    place = folder / f"step-{state.step:08d}"
    scratch = folder / f".{place.name}.new"
    take = learner.spread.whole_tensor
    tensors = {name: take(weight) for name, weight in learner.weights.named()}
    numbers, rest = _flatten([optimizer.state_dict() for optimizer in learner.optimizers], take)
    if not learner.spread.leads:
        return place
    numbers[_CHANCE] = torch.get_rng_state()
    if torch.cuda.is_available():
        numbers[f"{_CHANCE}.cuda"] = torch.cuda.get_rng_state()
    try:
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(parents=True)
        passing("begun")
        save_file(tensors, scratch / _WEIGHTS)
        passing("weights written")
        save_file(numbers, scratch / _OPTIMIZER)
        passing("optimizer written")
        hashes = {name: _sha256(scratch / name) for name in (_WEIGHTS, _OPTIMIZER)}
        row = {"state": asdict(state), "optimizer": rest, "sha256": hashes}
        (scratch / _STATE).write_text(json.dumps(row, indent=1), "utf-8")
        for name in (_WEIGHTS, _OPTIMIZER, _STATE):
            _flush(scratch / name)
        passing("flushed")
        shutil.rmtree(place, ignore_errors=True)
        os.replace(scratch, place)
        _flush(folder)
        passing("named")
    except (OSError, SafetensorError) as error:
        shutil.rmtree(scratch, ignore_errors=True)
        raise OperatorError("learn.checkpoint.unwritten", path=place, problem=error) from error
    for old in checkpoints(folder)[keep:]:
        shutil.rmtree(old, ignore_errors=True)
    passing("old ones removed")
    return place


def checkpoints(folder: Path) -> list[Path]:
    """The checkpoints in `folder`, newest first, whole or not."""
    return sorted((path for path in folder.glob("step-*") if path.is_dir()), reverse=True)


def latest(folder: Path) -> tuple[Path | None, list[Path]]:
    """The newest whole checkpoint in `folder`, and the torn ones that were passed over."""
    torn: list[Path] = []
    for path in checkpoints(folder):
        if _is_whole(path):
            return path, torn
        torn.append(path)
    return None, torn


def load_checkpoint(path: Path, learner: Learner) -> TrainState:
    """Put a checkpoint back: weights, optimizers, chance; returns where the run stood.

    Raises:
        UserError: it belongs to another model or other settings.
    """
    row = json.loads((path / _STATE).read_text("utf-8"))
    tensors, numbers = load_file(path / _WEIGHTS), load_file(path / _OPTIMIZER)
    wanted = dict(learner.weights.named())
    if tensors.keys() != wanted.keys() or any(
        tensors[name].shape != weight.shape for name, weight in wanted.items()
    ):
        raise UserError("learn.checkpoint.other", path=path)
    learner.weights.put(tensors.__getitem__)
    for number, optimizer in enumerate(learner.optimizers):
        optimizer.load_state_dict(_unflatten(number, row["optimizer"][number], numbers, optimizer))
    torch.set_rng_state(numbers[_CHANCE])
    if f"{_CHANCE}.cuda" in numbers and torch.cuda.is_available():
        torch.cuda.set_rng_state(numbers[f"{_CHANCE}.cuda"])
    state = row["state"]
    return TrainState(**{**state, "place": Place(**state["place"])})


def _flatten(
    states: Sequence[Mapping[str, Any]], take: Callable[[Tensor], Tensor]
) -> tuple[dict[str, Tensor], list[Any]]:
    """Optimizers' states as tensors by name, and the rest as JSON."""
    tensors: dict[str, Tensor] = {}
    rest: list[Any] = []
    for number, state in enumerate(states):
        plain: dict[str, dict[str, Any]] = {}
        for weight, values in state["state"].items():
            for name, value in values.items():
                if isinstance(value, Tensor):
                    tensors[f"{number}.{weight}.{name}"] = take(value)
                else:
                    plain.setdefault(str(weight), {})[name] = value
        rest.append({"plain": plain, "groups": state["param_groups"]})
    return tensors, rest


def _unflatten(
    number: int,
    rest: Mapping[str, Any],
    tensors: Mapping[str, Tensor],
    optimizer: torch.optim.Optimizer,
) -> Any:
    """What `_flatten` took of the optimizer of this number, cut as its weights are."""
    moved = [weight for group in optimizer.param_groups for weight in group["params"]]
    state: dict[int, dict[str, Any]] = {
        int(weight): dict(values) for weight, values in rest["plain"].items()
    }
    for key, value in tensors.items():
        owner, _, name = key.partition(".")
        if owner == str(number):
            weight, _, name = name.partition(".")
            state.setdefault(int(weight), {})[name] = cut_like(value, moved[int(weight)])
    return {"state": state, "param_groups": rest["groups"]}


def _is_whole(path: Path) -> bool:
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        row = json.loads((path / _STATE).read_text("utf-8"))
        return all(_sha256(path / name) == found for name, found in row["sha256"].items())
    return False


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _flush(path: Path) -> None:
    """Make the operating system write a file's or a folder's content to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
