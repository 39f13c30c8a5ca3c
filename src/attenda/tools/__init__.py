"""Deeds: what the agent may do, who must say yes, and that each is done exactly once."""

__all__: list[str] = []
