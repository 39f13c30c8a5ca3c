"""An agent: its name, tone, instructions, documents and model; frozen once built."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from attenda.core.errors import NotFound
from attenda.core.principal import Principal
from attenda.store import agent_versions, agents, sessions
from attenda.store.database import Connection

__all__ = ["DEFAULT_AGENT", "Agent", "AgentMode", "agent_of"]


AgentMode = Literal["flows", "loop"]
"""What decides what an agent does: its pack's flows, or its model, which chooses tools itself."""


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
    mode: AgentMode = "flows"
    flows: tuple[str, ...] | None = None
    """Names of the pack's flows that it begins; none means all, also those of later packs."""
    tools: tuple[str, ...] | None = None
    """Names of tools that it has, those of other servers too; none means all."""


DEFAULT_AGENT = Agent()
"""Answers from every document the person may see, with the default model."""


def agent_of(connection: Connection, who: Principal, session_id: str) -> Agent:
    """The session's agent; the plain one when it has none, or none any more.

    Raises:
        NotFound: a visitor's is gone; no other may answer them.
    """
    session = sessions.get_session(connection, who, session_id)
    try:
        row = agents.get_agent(connection, who, session.agent_id or "")
    except NotFound:
        if who.role is None:
            raise
        return DEFAULT_AGENT
    if session.uses_draft:
        row |= agent_versions.draft_of(connection, who, row["id"])
    return Agent(**{name: row[name] for name in Agent.model_fields})
