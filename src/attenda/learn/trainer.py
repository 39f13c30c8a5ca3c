"""The loop: batch, loss, backward, clip, step, callback. It knows no method and no family.

What is learned, from what and with which weights, is the recipe's; where a run is kept is the
run folder's. A step that would spoil the weights is not taken.
"""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, Self

import torch
from torch import Tensor, nn

from attenda.core.errors import AttendaError
from attenda.learn.batches import Place
from attenda.learn.optimizers import MasterWeights, Schedule
from attenda.learn.spread import ALONE, Spread

__all__ = ["Learner", "Report", "Spoiled", "TrainState", "Work", "train"]


class Work(Protocol):
    """Part of a step that is computed at once."""

    @property
    def name(self) -> str:
        """For a person to find it."""

    @property
    def places(self) -> int:
        """Places computed, padding included."""

    def to(self, device: torch.device) -> Self:
        """The same on another device."""


Source = Callable[[Place], tuple[Sequence[Work], int, Place]]
"""From a place in the data to this process's share of a step's batches, the weight of the whole
step over all processes, and the next place."""


class Spoiled(AttendaError):
    """The loss or the gradient is no number; the weights are as they were before the step."""


@dataclass(frozen=True, slots=True)
class TrainState:
    """Where a run stands."""

    step: int = 0
    """Optimizer steps done."""
    place: Place = Place()
    learned: int = 0
    """Targets learned from so far."""


@dataclass(frozen=True, slots=True)
class Report:
    """What one optimizer step did."""

    step: int
    """Counted from 1."""
    loss: float
    """Mean over the step's learned targets, in nats."""
    norm: float
    """Of the gradient, before clipping."""
    rate: float
    """Share of the peak learning rate."""
    tokens_per_s: float
    """Places computed a second, padding included, in this process."""
    learned: int
    """Targets learned from so far."""
    seconds: float
    """The step took."""


@dataclass(frozen=True, slots=True)
class Learner:
    """All that a step moves, and how."""

    objective: nn.Module
    """A batch to its loss, summed over what is learned."""
    weights: MasterWeights
    optimizers: Sequence[torch.optim.Optimizer]
    schedule: Schedule
    """Of the learning rate, and how many steps there are."""
    clip: float = 1.0
    """Most that the gradient's norm may be; 0 is no limit."""
    spread: Spread = ALONE
    """The processes that share the work."""


def train(
    learner: Learner,
    source: Source,
    state: TrainState,
    on_step: Callable[[TrainState, Report], bool],
) -> TrainState:
    """Take steps until the schedule's end, or until `on_step` says that it is enough.

    Args:
        learner: what is moved, and how.
        source: where batches come from.
        state: where to begin.
        on_step: called after each step; true ends the run here.

    Raises:
        Spoiled: the loss or the gradient is not finite; the batch is named.
    """
    weights, spread = learner.weights, learner.spread
    learner.objective.train()
    device = weights.weights[0].device
    while state.step < learner.schedule.steps:
        began = time.perf_counter()
        batches, weight, place = source(state.place)
        loss = torch.zeros((), device=device)
        for batch in batches:
            part = learner.objective(batch.to(device)) * (
                spread.processes / weight
            )  # averaged later
            part.backward()
            weights.collect()
            loss += part.detach()
        loss = spread.mean(loss)
        norm = weights.clip(learner.clip)
        _check(loss, norm, batches)
        share = learner.schedule.at(state.step)
        for optimizer in learner.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = group["peak"] * share
            optimizer.step()
        weights.hand_back()
        state = replace(state, step=state.step + 1, place=place, learned=state.learned + weight)
        seconds = time.perf_counter() - began
        places = sum(batch.places for batch in batches)
        report = Report(
            step=state.step,
            loss=loss.item(),
            norm=norm.item(),
            rate=share,
            tokens_per_s=places / seconds,
            learned=state.learned,
            seconds=seconds,
        )
        if on_step(state, report):
            break
    return state


def _check(loss: Tensor, norm: Tensor, batches: Sequence[Work]) -> None:
    if math.isfinite(loss.item()) and math.isfinite(norm.item()):
        return
    names = ", ".join(batch.name for batch in batches)
    raise Spoiled("learn.train.spoiled", loss=loss.item(), norm=norm.item(), batch=names)
