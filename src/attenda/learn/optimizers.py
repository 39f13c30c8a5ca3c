"""Optimizers, their learning rate over time, and weights kept in 32 bits beside the model's 16.

AdamW and Muon are PyTorch's. Nothing here knows models or losses.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from attenda.learn.shards import cut_like, whole

__all__ = ["MasterWeights", "OptimizerPlan", "Schedule", "make_optimizers", "turn_weights"]


@dataclass(frozen=True, slots=True)
class Schedule:
    """How the learning rate goes: a share of its peak at each step."""

    kind: Literal["wsd", "cosine", "constant"]
    """Warm-up, stable, decay (Hu et al. 2024, MiniCPM); or a cosine to the end."""
    steps: int
    warmup: int
    """Steps of rising."""
    decay: float
    """Share of all steps in which wsd falls."""
    lowest: float
    """Share of the peak at the end."""

    def at(self, step: int) -> float:
        """Share of the peak at optimizer step `step`, counted from 0."""
        if step < self.warmup:
            return (step + 1) / self.warmup
        left = self.steps - self.warmup
        done = (step - self.warmup + 1) / max(left, 1)
        match self.kind:
            case "constant":
                return 1.0
            case "cosine":
                return self.lowest + (1 - self.lowest) * (1 + math.cos(math.pi * done)) / 2
            case "wsd":
                falling = (done - (1 - self.decay)) / self.decay if self.decay else 0.0
                return 1 - (1 - self.lowest) * min(max(falling, 0.0), 1.0)


@dataclass(frozen=True, slots=True)
class OptimizerPlan:
    """Which optimizer, with which settings."""

    kind: Literal["adamw", "muon"] = "adamw"
    """Muon (Jordan et al. 2024) moves the matrices inside blocks; AdamW moves the rest."""
    rate: float = 1e-3
    """Peak learning rate of AdamW."""
    muon_rate: float = 0.02
    """Peak learning rate of Muon."""
    beta1: float = 0.9
    beta2: float = 0.95
    decay: float = 0.1
    """Weight decay of matrices; vectors have none."""


def make_optimizers(
    weights: Iterable[tuple[str, Tensor]], plan: OptimizerPlan
) -> list[torch.optim.Optimizer]:
    """Optimizers for named weights.

    Args:
        weights: name and tensor of each that moves.
        plan: which, with which settings.
    """
    matrices: list[Tensor] = []
    inside: list[Tensor] = []
    vectors: list[Tensor] = []
    for name, weight in weights:
        if weight.ndim < 2:
            vectors.append(weight)
        elif plan.kind == "muon" and ".blocks." in name:
            inside.append(weight)
        else:
            matrices.append(weight)
    groups = [
        {"params": matrices, "weight_decay": plan.decay},
        {"params": vectors, "weight_decay": 0.0},
    ]
    betas = (plan.beta1, plan.beta2)
    made: list[torch.optim.Optimizer] = [
        torch.optim.AdamW([g for g in groups if g["params"]], lr=plan.rate, betas=betas, fused=True)
    ]
    if inside:
        made.append(
            torch.optim.Muon(
                inside,
                lr=plan.muon_rate,
                weight_decay=plan.decay,
                adjust_lr_fn="original",
            )
        )
    for optimizer in made:
        for group in optimizer.param_groups:
            group["peak"] = group["lr"]
    return made


def turn_weights(model: nn.Module, kind: torch.dtype) -> None:
    """Make the weights of `model` `kind`; its tables of positions stay exact."""
    for weight in model.parameters():
        weight.data = weight.data.to(kind)


class MasterWeights:
    """The weights that the optimizer moves: the model's own, or copies of them in 32 bits.

    A model that computes in 16 bits can't hold the small changes of a step; its copies can.
    Gradients of several backward passes are summed in the copies' precision too.
    """

    def __init__(self, model: nn.Module, compute: torch.dtype) -> None:
        """Turn `model` to `compute`, and keep copies if that is coarser than 32 bits."""
        self.names = [name for name, weight in model.named_parameters() if weight.requires_grad]
        moving = [weight for weight in model.parameters() if weight.requires_grad]
        self.weights: Sequence[Tensor] = moving
        if compute != torch.float32:
            self.weights = [weight.detach().float().clone() for weight in moving]
            turn_weights(model, compute)
        self._model_weights: list[Tensor] = list(moving)
        self._apart = compute != torch.float32

    def named(self) -> list[tuple[str, Tensor]]:
        """Name and 32-bit weight of each that moves."""
        return list(zip(self.names, self.weights, strict=True))

    def collect(self) -> None:
        """Add the model's gradients to the copies', and clear them."""
        if not self._apart:
            return
        for master, weight in zip(self.weights, self._model_weights, strict=True):
            if weight.grad is None:
                continue
            if master.grad is None:
                master.grad = weight.grad.float()
            else:
                master.grad += weight.grad
            weight.grad = None

    def clip(self, most: float) -> Tensor:
        """Scale gradients down to a norm of `most` (0 leaves them); the norm they had."""
        grads = [weight.grad for weight in self.weights if weight.grad is not None]
        norm = whole(torch.nn.utils.get_total_norm(grads))
        if most:
            torch.nn.utils.clip_grads_with_norm_(self.weights, most, norm)
        return norm

    def hand_back(self) -> None:
        """Copy the moved weights into the model, and clear the gradients."""
        for weight in self.weights:
            weight.grad = None
        if self._apart:
            with torch.no_grad():
                torch._foreach_copy_(self._model_weights, list(self.weights))

    def copy_into(self, model: nn.Module) -> None:
        """Set the weights of `model` that move to the 32-bit ones."""
        own = dict(model.named_parameters())
        with torch.no_grad():
            for name, weight in self.named():
                own[name].copy_(weight)

    def put(self, tensors: Callable[[str], Tensor]) -> None:
        """Set each weight to the tensor of its name, and the model with it."""
        with torch.no_grad():
            for name, weight in self.named():
                weight.copy_(cut_like(tensors(name), weight))
        self.hand_back()
