"""Attenda: a self-hosted agent, owned from its weights to its actions.

The rooms are listed in `docs/map.md`; a pack imports `attenda.api` and nothing else.
"""

__all__ = ["__version__"]

__version__ = "0.1.0"
