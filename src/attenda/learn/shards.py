"""Tensors cut between processes (FSDP2): made whole, and cut as another one is.

A tensor that is not cut goes through unchanged, so one process needs no case of its own.
"""

from torch import Tensor
from torch.distributed.tensor import DTensor, distribute_tensor

__all__ = ["cut_like", "whole"]


def whole(tensor: Tensor) -> Tensor:
    """All of `tensor`; of one that is cut, every process must ask."""
    return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor


def cut_like(tensor: Tensor, like: Tensor) -> Tensor:
    """This process's share of a whole `tensor`, where `like` is one of the same shape and cut."""
    if not isinstance(like, DTensor) or tensor.shape != like.shape:
        return tensor
    return distribute_tensor(tensor, like.device_mesh, like.placements, src_data_rank=None)
