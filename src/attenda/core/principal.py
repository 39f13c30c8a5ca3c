"""Who asks: a visitor, a user or an API key, with a role and teams.

A row is visible to its owner and to the members of its team; the team `everyone` has all. What a
role may do beyond looking is in `ALLOWED`.
"""

from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict

__all__ = ["ALLOWED", "EVERYONE", "Action", "Principal", "Role"]

Role = Literal["owner", "supervisor", "agent", "viewer"]
Action = Literal[
    "chat",
    "add_documents",
    "approve",
    "desk",
    "manage_agents",
    "manage_people",
    "manage_models",
    "operate",
]
_RANKS: tuple[Role, ...] = ("viewer", "agent", "supervisor", "owner")

EVERYONE = "everyone"
"""The team that has every member."""

ALLOWED: dict[Role, frozenset[Action]] = {
    "owner": frozenset(get_args(Action)),
    "supervisor": frozenset({"chat", "add_documents", "approve", "desk", "manage_agents"}),
    "agent": frozenset({"chat", "add_documents", "approve", "desk"}),
    "viewer": frozenset(),
}


class Principal(BaseModel):
    """One who asks."""

    model_config = ConfigDict(frozen=True)

    id: str
    role: Role
    teams: frozenset[str] = frozenset()
    name: str = ""
    language: str = "en"
    scopes: frozenset[str] | None = None
    """Actions an API key is limited to; none for a person."""

    def may(self, action: Action) -> bool:
        """Whether role and scope allow `action`."""
        within_scope = self.scopes is None or action in self.scopes
        return within_scope and action in ALLOWED[self.role]

    def ranks(self, role: Role) -> bool:
        """Whether their role is `role` or above."""
        return _RANKS.index(self.role) >= _RANKS.index(role)

    @property
    def all_teams(self) -> tuple[str, ...]:
        """Its teams and `everyone`, sorted."""
        return tuple(sorted({*self.teams, EVERYONE}))
