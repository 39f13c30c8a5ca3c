"""An agent: its name, tone, instructions, documents and model; frozen once built."""

from pydantic import BaseModel, ConfigDict

__all__ = ["Agent", "DEFAULT_AGENT"]


class Agent(BaseModel):
    """What answers in a session."""

    model_config = ConfigDict(frozen=True)

    id: str | None = None
    name: str = "Attenda"
    tone: str = ""
    instructions: str = ""
    model: str = ""
    """Name of a model; empty takes the installation's default."""
    collection_ids: tuple[str, ...] | None = None
    """Which documents it answers from; none means all that the person may see."""
    pack: str = ""
    """Name of the pack whose flows and tools it has; empty is none."""


DEFAULT_AGENT = Agent()
"""Answers from every document the person may see, with the default model."""
