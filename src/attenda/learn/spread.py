"""Several processes that share a run: started by `torchrun`, on one machine or many.

Each has the whole model and takes its rows of every batch; gradients are averaged as they come
(DDP). The loss of a step is the same as in one process.
"""

import os
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

__all__ = ["Spread", "join_spread"]


@dataclass(frozen=True, slots=True)
class Spread:
    """This process's place among those of the run."""

    rank: int
    processes: int

    def wrap(self, objective: nn.Module) -> nn.Module:
        """`objective`, with its gradients averaged over the processes."""
        return DistributedDataParallel(objective)

    def mean(self, value: Tensor) -> Tensor:
        """The mean of `value` over the processes, in each of them."""
        value = value.clone()
        dist.all_reduce(value)
        return value / self.processes

    def any(self, flag: bool) -> bool:
        """Whether any process says so, known to each of them."""
        value = torch.tensor(float(flag))
        dist.all_reduce(value, dist.ReduceOp.MAX)
        return bool(value)


def join_spread() -> Spread | None:
    """Join the other processes if `torchrun` started this one; none is one process alone."""
    if "WORLD_SIZE" not in os.environ or int(os.environ["WORLD_SIZE"]) < 2:
        return None
    dist.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    return Spread(dist.get_rank(), dist.get_world_size())
