"""LoRA (Hu et al. 2021): a frozen layer W and a small learned detour, W x + (α / r) B A x.

Adapters are read and written in PEFT's shape, so other programs take them; merged, nothing of
them is left but other weights.
"""

import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from attenda.core.errors import UserError
from attenda.learn.shape import ModelShape
from attenda.learn.weight_names import hugging_face, layer_names

__all__ = [
    "TARGETS",
    "LoraLinear",
    "add_lora",
    "lora_layers",
    "merge_lora",
    "read_adapter",
    "write_adapter",
]

TARGETS = ("query", "key", "value", "output", "gate", "up", "down")
"""Layers of a block that may be given a detour."""


class LoraLinear(nn.Module):
    """A frozen linear layer with a detour of rank r."""

    def __init__(self, base: nn.Linear, rank: int, alpha: float) -> None:
        super().__init__()
        self.base = base
        self.scale = alpha / rank
        self.a = nn.Parameter(torch.empty(rank, base.in_features))
        self.b = nn.Parameter(torch.zeros(base.out_features, rank))

    def forward(self, x: Tensor) -> Tensor:
        """(..., in) to (..., out)."""
        return self.base(x) + (x @ self.a.T) @ self.b.T * self.scale

    def merged(self) -> nn.Linear:
        """One linear layer that computes the same."""
        self.base.weight.data += (self.b @ self.a * self.scale).to(self.base.weight.dtype)
        return self.base


def add_lora(model: nn.Module, rank: int, alpha: float, targets: Sequence[str], seed: int) -> None:
    """Freeze `model` and give the named layers of each block a detour that changes nothing yet.

    Raises:
        UserError: a target is unknown, or the rank is not at least 1.
    """
    if rank < 1 or not targets or set(targets) - set(TARGETS):
        raise UserError("learn.lora.bad", rank=rank, targets=targets, known=", ".join(TARGETS))
    model.requires_grad_(False)
    chance = torch.Generator().manual_seed(seed)
    for parent, name, layer in list(_linear_layers(model, targets)):
        wrapped = LoraLinear(layer, rank, alpha)
        bound = 1 / math.sqrt(layer.in_features)
        nn.init.uniform_(wrapped.a, -bound, bound, generator=chance)
        setattr(parent, name, wrapped.to(layer.weight.dtype))


def _linear_layers(
    model: nn.Module, targets: Sequence[str]
) -> Iterator[tuple[nn.Module, str, nn.Linear]]:
    for path, parent in model.named_modules():
        for name, layer in parent.named_children():
            if ".blocks." in f"{path}." and name in targets and isinstance(layer, nn.Linear):
                yield parent, name, layer


def lora_layers(model: nn.Module) -> Iterator[tuple[str, LoraLinear]]:
    """The detours of `model` and where they are."""
    return ((path, part) for path, part in model.named_modules() if isinstance(part, LoraLinear))


def merge_lora(model: nn.Module) -> None:
    """Put each detour into its layer's weight; the model computes the same without it."""
    for path, layer in list(lora_layers(model)):
        parent, _, name = path.rpartition(".")
        setattr(model.get_submodule(parent), name, layer.merged())
    model.requires_grad_(True)


def write_adapter(folder: Path, model: nn.Module, shape: ModelShape, base: str) -> None:
    """Write the detours of `model` as PEFT does.

    Args:
        folder: made if it is not there.
        model: with detours.
        shape: of the model.
        base: name of the model that they belong to.
    """
    folder.mkdir(parents=True, exist_ok=True)
    theirs = layer_names(hugging_face(shape), shape)
    prefix = hugging_face(shape).prefix if hugging_face(shape).writes_prefix else ""
    tensors: dict[str, Tensor] = {}
    layers = list(lora_layers(model))
    for path, layer in layers:
        names = theirs[path]
        if len(names.ours) > 1:
            raise UserError("learn.lora.fused", name=names.theirs)
        key = f"base_model.model.{prefix}{names.theirs}"
        tensors[f"{key}.lora_A.weight"] = layer.a.detach().float().cpu().contiguous()
        tensors[f"{key}.lora_B.weight"] = layer.b.detach().float().cpu().contiguous()
    first = layers[0][1]
    config = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": base,
        "r": first.a.shape[0],
        "lora_alpha": first.scale * first.a.shape[0],
        "target_modules": sorted({theirs[path].theirs.rpartition(".")[2] for path, _ in layers}),
        "lora_dropout": 0.0,
        "bias": "none",
        "fan_in_fan_out": any(theirs[path].transposed for path, _ in layers),
        "inference_mode": True,
    }
    (folder / "adapter_config.json").write_text(json.dumps(config, indent=2) + "\n", "utf-8")
    save_file(tensors, folder / "adapter_model.safetensors", metadata={"format": "pt"})


def read_adapter(folder: Path, model: nn.Module, shape: ModelShape) -> None:
    """Give `model` the detours that a PEFT folder holds.

    Raises:
        UserError: the folder is not whole, or belongs to another model.
    """
    try:
        config: dict[str, Any] = json.loads((folder / "adapter_config.json").read_text("utf-8"))
        tensors = load_file(folder / "adapter_model.safetensors")
        rank, alpha = int(config["r"]), float(config["lora_alpha"])
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        raise UserError("learn.folder.damaged", path=folder, problem=error) from error
    theirs = {
        names.theirs: path
        for path, names in layer_names(hugging_face(shape), shape).items()
        if len(names.ours) == 1
    }
    prefix = hugging_face(shape).prefix
    model.requires_grad_(False)
    for key in [key for key in tensors if key.endswith(".lora_A.weight")]:
        stem = key.removesuffix(".lora_A.weight")
        path = theirs.get(stem.removeprefix("base_model.model.").removeprefix(prefix), "")
        base = model.get_submodule(path) if path else None
        a, b = tensors[key], tensors.get(f"{stem}.lora_B.weight")
        if not isinstance(base, nn.Linear) or b is None or a.shape[1] != base.in_features:
            raise UserError("learn.lora.other", name=stem, path=folder)
        layer = LoraLinear(base, rank, alpha)
        layer.a.data, layer.b.data = a.to(base.weight.dtype), b.to(base.weight.dtype)
        parent, _, name = path.rpartition(".")
        setattr(model.get_submodule(parent), name, layer)
