"""Several processes that share a run: started by `torchrun`, on one machine or many.

Each takes its rows of every batch. Either all have the whole model and average its gradients
(DDP), or each keeps its share of every weight and the others' only while a block needs them
(FSDP2). The loss of a step is the same as in one process. What needs the whole model (measuring,
finishing) the leading process does; the others wait for it.
"""

import copy
import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Literal

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.distributed_c10d import PrefixStore, Store
from torch.distributed.fsdp import MixedPrecisionPolicy, fully_shard
from torch.distributed.rendezvous import rendezvous
from torch.nn.parallel import DistributedDataParallel

from attenda.core.errors import OperatorError
from attenda.learn import launch
from attenda.learn.optimizers import MasterWeights, turn_weights
from attenda.learn.run_folder import RunFolder
from attenda.learn.shards import whole
from attenda.learn.transformer import Transformer

__all__ = ["ALONE", "Spread", "joined_spread"]

_PATIENCE = timedelta(hours=24)
"""Longest wait for a process: the leading one may measure for long while the others wait."""
_LEADER_SPEAKS_S = 5.0
"""What stops all processes alike is said by the leading one, if it comes to it in this time."""
_FAILED = "failed"


class Spread:
    """This process's place among those of the run; here it is alone."""

    def __init__(self, rank: int = 0, processes: int = 1) -> None:
        self.rank, self.processes = rank, processes

    @property
    def leads(self) -> bool:
        """This process measures, finishes and writes the files."""
        return self.rank == 0

    def share(
        self, objective: nn.Module, model: Transformer, compute: torch.dtype, device: torch.device
    ) -> tuple[nn.Module, MasterWeights]:
        """The objective whose gradients are those of all processes, and the weights that move.

        Args:
            objective: holds `model`, which is changed in place.
            model: in 32 bits.
            compute: what it shall compute in.
            device: where.
        """
        model.to(device)
        return objective, MasterWeights(model, compute)

    def whole_model(
        self, model: Transformer, weights: MasterWeights, kind: torch.dtype
    ) -> Transformer | None:
        """The model with all of its weights as `kind`, in the leading process; all must ask."""
        if not self.leads:
            return None
        turn_weights(model, kind)
        weights.copy_into(model)
        return model

    def whole_tensor(self, tensor: Tensor) -> Tensor:
        """All of `tensor` on the CPU, in the leading process; elsewhere nothing. All must ask."""
        full = whole(tensor.detach())
        return full.cpu().contiguous() if self.leads else full.new_empty(0)

    def mean(self, value: Tensor) -> Tensor:
        """The mean of `value` over the processes, in each of them."""
        if self.processes == 1:
            return value
        value = value.clone()
        dist.all_reduce(value)
        return value / self.processes

    def most(self, value: float) -> float:
        """The largest `value` of any process, in each of them."""
        if self.processes == 1:
            return value
        found = torch.tensor(value, dtype=torch.float64)
        dist.all_reduce(found, dist.ReduceOp.MAX)
        return found.item()

    def any(self, flag: bool) -> bool:
        """Whether any process says so, known to each of them."""
        return bool(self.most(float(flag)))

    def agrees(self, *values: object) -> bool:
        """Whether every process has these values."""
        digest = hashlib.sha256(repr(values).encode()).hexdigest()
        number = float(int(digest[:12], 16))  # 48 bits, exact as a float
        return not self.any(number != self.most(number))


ALONE = Spread()


class _Averaging(Spread):
    """Each process has the whole model; gradients are averaged as they come (DDP)."""

    def share(
        self, objective: nn.Module, model: Transformer, compute: torch.dtype, device: torch.device
    ) -> tuple[nn.Module, MasterWeights]:
        objective, weights = super().share(objective, model, compute, device)
        return DistributedDataParallel(objective), weights


class _Sharding(Spread):
    """Each process keeps a share of every weight, its gradient and its moments (FSDP2).

    The shares are the 32-bit weights themselves; a block's are gathered, turned to what it
    computes in, when its turn comes. Frozen weights are cut as they are computed in.
    """

    _form: Transformer
    """The model without its weights, to be filled when it is needed whole."""

    def share(
        self, objective: nn.Module, model: Transformer, compute: torch.dtype, device: torch.device
    ) -> tuple[nn.Module, MasterWeights]:
        for weight in model.parameters():
            if not weight.requires_grad:
                weight.data = weight.data.to(compute)
        bare = {id(weight): _bare(weight) for weight in model.parameters()}
        self._form = copy.deepcopy(model, bare)
        mesh = init_device_mesh(device.type, (self.processes,))
        policy = MixedPrecisionPolicy(compute, torch.float32, cast_forward_inputs=False)
        for stack in model.stacks():
            for block in stack.blocks:
                fully_shard(block, mesh=mesh, mp_policy=policy)
        fully_shard(objective, mesh=mesh, mp_policy=policy)
        return objective, MasterWeights(model, torch.float32)

    def whole_model(
        self, model: Transformer, weights: MasterWeights, kind: torch.dtype
    ) -> Transformer | None:
        named = model.named_parameters()
        tensors = {name: self.whole_tensor(weight).to(kind) for name, weight in named}
        if not self.leads:
            return None
        filled = copy.deepcopy(self._form)
        filled.load_state_dict(tensors, assign=True)
        return filled.to(weights.weights[0].device)


def _bare(weight: Tensor) -> nn.Parameter:
    return nn.Parameter(weight.detach().to("meta"), weight.requires_grad)


_KINDS: dict[Literal["ddp", "fsdp"], type[Spread]] = {"ddp": _Averaging, "fsdp": _Sharding}


@contextmanager
def joined_spread(folder: RunFolder) -> Iterator[Spread]:
    """Join the other processes if `torchrun` started this one, and leave together with them.

    The leading process says what stops the run; another one only what the leading one does not
    come to, and ends with `SystemExit` otherwise.

    Raises:
        OperatorError: another process of the run is gone.
    """
    if launch.processes() == 1:
        yield ALONE
        return
    store = _join()
    try:
        spread = _KINDS[folder.plan().train.spread](dist.get_rank(), dist.get_world_size())
        yield spread
        spread.any(False)  # nobody leaves while the leading process still works
    except Exception as error:
        if launch.rank() and (_is_loss(error) or _said_elsewhere(store)):
            raise SystemExit(1) from error
        with suppress(dist.DistError):
            store.set(_FAILED, "")
        if _is_loss(error):
            raise OperatorError("learn.spread.lost", name=folder.name) from error
        raise
    dist.destroy_process_group()


def _join() -> Store:
    """Meet the other processes; the store that all of them can write to."""
    backend = "gloo"
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
        backend = "cpu:gloo,cuda:nccl"
    store, rank, processes = next(rendezvous("env://"))
    dist.init_process_group(
        backend, store=store, rank=rank, world_size=processes, timeout=_PATIENCE
    )
    return PrefixStore("attenda", store)


def _is_loss(error: Exception) -> bool:
    """Whether a process ended that this one was waiting for; gloo has no error of its own."""
    plain = type(error) is RuntimeError and "gloo" in str(error)
    return plain or isinstance(error, dist.DistError)


def _said_elsewhere(store: Store) -> bool:
    """Whether the leading process fails too, or another one has said why it does."""
    until = time.monotonic() + _LEADER_SPEAKS_S
    try:
        while time.monotonic() < until:
            if store.check([_FAILED]):
                return True
            time.sleep(0.1)
        return store.add("said", 1) > 1
    except dist.DistError:  # the leading process kept the store, and is gone
        return True
