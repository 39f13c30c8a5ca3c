"""The plan of a run: what is learned, from what and how, checked before anything is begun.

A plan is TOML with flags on top; it is kept with the run, so the run can be repeated. A plain
value: it reads no data and knows no PyTorch.
"""

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from attenda.core.errors import UserError

__all__ = [
    "DataPlan",
    "LoraPlan",
    "ModelPlan",
    "Plan",
    "Recipe",
    "TrainPlan",
    "read_plan",
    "toml_of",
]

Recipe = Literal["pretrain", "tune", "prefer"]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DataPlan(_Section):
    """What is learned from."""

    files: tuple[Path, ...] = ()
    """Files or folders of conversations."""
    format: str = ""
    """Their format; empty is recognised."""
    validation: Path | None = None
    """A file to measure on; none takes a share of the conversations."""
    validation_share: float = Field(default=0.05, ge=0.0, lt=1.0)
    """Share of the conversations that is only measured on."""
    split: Literal["group", "template"] = "group"
    """What stays on one side: groups (a film, a session, a conversation), or all that is the same
    but for numbers, dates, addresses, ids, placeholders and quoted parts, with its groups."""
    most_overlap: float = Field(default=0.01, ge=0.0, le=1.0)
    """Most of what is measured on that may be known from training; 1 accepts any of it."""
    general: Path | None = None
    """Other conversations, to see what is forgotten: measured before and after."""


class ModelPlan(_Section):
    """What learns."""

    start: str = ""
    """Where to begin: a preset, a run, a model's folder, a GGUF file or an installed model."""
    tokenizer: Path | None = None
    """Folder of a tokenizer, for a preset; none trains one on the data."""
    vocabulary: int = Field(default=4096, ge=300)
    """Tokens of a tokenizer that is trained with the run."""
    template: str = ""
    """Chat template; empty is the model's own, or chatml for a preset."""
    dropout: float | None = Field(default=None, ge=0.0, lt=1.0)
    """Share of values dropped while training, for a preset; none is the preset's own."""


class TrainPlan(_Section):
    """How it learns."""

    epochs: float = Field(default=1.0, gt=0)
    """Times through the data; `steps` stands above it."""
    steps: int = Field(default=0, ge=0)
    """Optimizer steps; 0 is as many as `epochs` takes."""
    length: int = Field(default=512, ge=8)
    """Places of a row, in tokens."""
    batch: int = Field(default=8, ge=1)
    """Rows of an optimizer step."""
    micro_batch: int = Field(default=0, ge=0)
    """Rows computed at once; 0 is all of the batch. Less takes less memory, and is slower."""
    optimizer: Literal["adamw", "muon"] = "adamw"
    rate: float = Field(default=1e-3, gt=0)
    """Peak learning rate."""
    muon_rate: float = Field(default=0.02, gt=0)
    """Peak learning rate of the matrices inside blocks, with muon."""
    weight_decay: float = Field(default=0.1, ge=0)
    clip: float = Field(default=1.0, ge=0)
    """Most that the gradient's norm may be; 0 is no limit."""
    schedule: Literal["wsd", "cosine", "constant"] = "wsd"
    warmup: float = Field(default=0.03, ge=0, lt=1)
    """Share of the steps in which the rate rises."""
    decay: float = Field(default=0.3, ge=0, le=1)
    """Share of the steps in which wsd falls."""
    lowest: float = Field(default=0.1, ge=0, le=1)
    """Share of the peak rate at the end."""
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """What it computes in; weights are kept in 32 bits in any case."""
    compile: Literal["auto", "on", "off"] = "auto"
    """Compile the model first (needs a C++ compiler on a CPU): a minute, then faster steps."""
    recompute: bool = False
    """Gradient checkpointing: less memory, a third slower."""
    device: str = "auto"
    """cpu, cuda, or auto."""
    spread: Literal["ddp", "fsdp"] = "ddp"
    """How the processes that torchrun started share the run: each has the whole model, or each a
    share of every weight, which takes less memory."""
    seed: int = 0
    save_every: int = Field(default=200, ge=1)
    """Steps between checkpoints."""
    measure_every: int = Field(default=200, ge=1)
    """Steps between measurements and samples."""


class LoraPlan(_Section):
    """A small detour instead of all weights."""

    rank: int = Field(default=0, ge=0)
    """0 moves all weights."""
    alpha: float = Field(default=32.0, gt=0)
    targets: tuple[str, ...] = ("query", "key", "value", "output", "gate", "up", "down")


class Plan(_Section):
    """A whole run."""

    recipe: Recipe
    data: DataPlan = DataPlan()
    model: ModelPlan = ModelPlan()
    train: TrainPlan = TrainPlan()
    lora: LoraPlan = LoraPlan()
    beta: float = Field(default=0.1, gt=0)
    """Strength of a preference (DPO)."""

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        """A plan of nested values.

        Raises:
            UserError: a key is unknown, or its value is not allowed; the key is named. Or two
                values don't go together.
        """
        try:
            plan = cls.model_validate(values)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"])
            raise UserError("learn.plan.bad", name=place, problem=first["msg"]) from error
        if plan.train.spread == "fsdp" and plan.train.optimizer == "muon":
            raise UserError("learn.plan.cut_matrices")
        return plan


DEFAULTS: dict[Recipe, dict[str, Any]] = {
    "pretrain": {"model": {"start": "gpt2-3m"}, "train": {"rate": 2e-3}},
    "tune": {"train": {"rate": 2e-4, "epochs": 2, "weight_decay": 0.01}},
    "prefer": {"train": {"rate": 2e-5, "weight_decay": 0.0}},
}
"""What a recipe begins with, under the file and the flags."""


def read_plan(recipe: Recipe, file: Path | None, flags: Mapping[str, Any]) -> Plan:
    """The recipe's own values, the file's on top, the flags' on top of those.

    Args:
        recipe: which.
        file: TOML, or none.
        flags: nested like the plan; none values are left out.

    Raises:
        UserError: the file is not TOML, or holds something that is not allowed.
    """
    values: dict[str, Any] = {"recipe": recipe}
    layers: list[Mapping[str, Any]] = [DEFAULTS[recipe]]
    if file is not None:
        try:
            layers.append(tomllib.loads(file.read_text("utf-8")))
        except (OSError, ValueError) as error:
            raise UserError("learn.plan.unreadable", path=file, problem=error) from error
    for layer in (*layers, flags):
        _put(values, layer)
    if values["recipe"] != recipe:
        raise UserError("learn.plan.bad", name="recipe", problem=f"{values['recipe']} ≠ {recipe}")
    return Plan.of(values)


def _put(values: dict[str, Any], layer: Mapping[str, Any]) -> None:
    for key, value in layer.items():
        if isinstance(value, Mapping):
            inner = values.setdefault(key, {})
            if isinstance(inner, dict):
                _put(inner, value)
        elif value is not None:
            values[key] = value


def toml_of(plan: Plan) -> str:
    """The plan as TOML that `read_plan` reads."""
    rows = plan.model_dump(mode="json", exclude_none=True)
    lines = [
        f"{key} = {_toml(value)}" for key, value in rows.items() if not isinstance(value, dict)
    ]
    for name, section in rows.items():
        if isinstance(section, dict):
            lines += [
                "",
                f"[{name}]",
                *(f"{key} = {_toml(value)}" for key, value in section.items()),
            ]
    return "\n".join(lines) + "\n"


def _toml(value: object) -> str:
    """A string, number, truth or list as TOML, which writes these as JSON does."""
    return json.dumps(value, ensure_ascii=False)
