"""Where a run computes, whether its parts are compiled first, and what it does with memory."""

import ctypes
import os
import shutil
import sys
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import Any, Literal

import torch

from attenda.core.errors import UserError

__all__ = [
    "compiles",
    "device_of",
    "hand_back",
    "keep_few_kernels",
    "refuse_out_of_memory",
    "uncompiled",
]

_STEPS_WORTH_COMPILING = 200
_KERNELS = 128
"""A step uses fewer; answers of all lengths need each its own, used once."""


def device_of(wanted: str) -> torch.device:
    """The device called `wanted`; of `auto`, the GPU where there is one."""
    if wanted != "auto":
        return torch.device(wanted)
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def compiles(
    wanted: Literal["auto", "on", "off"], device: torch.device, steps: int, *, detour: bool
) -> bool:
    """Whether parts are compiled: if asked for, or in a long run of all weights.

    Raises:
        UserError: it is asked for and there is no compiler.
    """
    able = device.type == "cuda" or any(map(shutil.which, ("c++", "g++", "clang++", "cl")))
    if wanted == "on" and not able:
        raise UserError("learn.train.no_compiler")
    if wanted == "auto":
        return able and steps >= _STEPS_WORTH_COMPILING and not detour
    return wanted == "on"


def uncompiled() -> AbstractContextManager[Any]:
    """While it lasts, parts compute as they are written: other sizes would be compiled anew.

    Where nothing was compiled in this process it does nothing, since the compiler alone takes
    seconds to load.
    """
    if "torch._dynamo" not in sys.modules:
        return nullcontext()
    return torch.compiler.set_stance("force_eager")


def keep_few_kernels() -> None:
    """Let oneDNN, which multiplies on a CPU, keep few of the programs that it makes for each size.

    It keeps 1,024 otherwise, about a megabyte each. It asks once, before its first product; what
    is set outside counts.
    """
    os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", str(_KERNELS))


def hand_back() -> None:
    """Give memory that was freed back to the system: the GNU C library keeps it, in pieces."""
    if sys.platform == "linux":
        with suppress(AttributeError, OSError):  # another C library
            ctypes.CDLL(None).malloc_trim(0)


def refuse_out_of_memory(error: RuntimeError, batch: int) -> None:
    """Say it in our words where a GPU, or this machine, had too little memory for `batch` rows.

    PyTorch has a class for the one and a sentence for the other.

    Raises:
        UserError: that was it.
    """
    if isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error):
        raise UserError("learn.train.memory", batch=batch) from error
