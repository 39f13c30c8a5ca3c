"""Attenda: a self-hosted agent, owned from its weights to its actions.

The rooms are listed in `docs/map.md`; a pack imports `attenda.api` and nothing else.
"""

import os

__all__ = ["__version__"]

__version__ = "0.1.0"

# NumPy's OpenBLAS reads it when it is loaded. Its threads would else turn for 25 ms after each
# product to wait for another one, which takes a core from all the rest.
os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "10")
