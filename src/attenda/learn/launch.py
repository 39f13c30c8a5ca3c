"""How a process knows its place among those of a run: `torchrun` writes it into the environment."""

import os

__all__ = ["processes", "rank"]


def rank() -> int:
    """This process's number; 0 leads, and is what a process alone has."""
    return int(os.environ.get("RANK", "0")) if processes() > 1 else 0


def processes() -> int:
    """How many share the run."""
    return int(os.environ.get("WORLD_SIZE", "1"))
