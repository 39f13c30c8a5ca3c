"""Who asks: a visitor, a verified customer, a user or an API key.

A row is visible to its owner and to the members of its team; the team `everyone` has every user.
What a role may do beyond looking is in `ALLOWED`. A visitor has no role and is in no team, not even
in `everyone`: what they may see is what their channel grants, and nothing else.
"""

from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict

__all__ = ["ALLOWED", "DESK", "EVERYONE", "Action", "Grant", "Kind", "Principal", "Role"]

Role = Literal["owner", "supervisor", "agent", "member", "viewer"]
Kind = Literal["owner", "supervisor", "agent", "member", "viewer", "customer", "visitor"]
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
_RANKS: tuple[Role, ...] = ("viewer", "member", "agent", "supervisor", "owner")

EVERYONE = "everyone"
"""The team that has every user."""
DESK = "desk"
"""As a reader: the people of the desk, who read a pack's tables on its screens."""

ALLOWED: dict[Role, frozenset[Action]] = {
    "owner": frozenset(get_args(Action)),
    "supervisor": frozenset({"chat", "add_documents", "approve", "desk", "manage_agents"}),
    "agent": frozenset({"chat", "add_documents", "approve", "desk"}),
    # Somebody for whom the work is done, a learner or a patient: their own chats and no desk.
    "member": frozenset({"chat"}),
    "viewer": frozenset(),
}


class Grant(BaseModel):
    """What a channel opens to one visitor: a session, an agent, and collections of documents."""

    model_config = ConfigDict(frozen=True)

    channel_id: str
    session_id: str
    agent_id: str
    collection_ids: frozenset[str] = frozenset()
    """Of these, the documents that every user of the house may see."""
    customer: str = ""
    """Whom somebody we trust says that they are; empty for a visitor whom nobody knows."""


class Principal(BaseModel):
    """One who asks."""

    model_config = ConfigDict(frozen=True)

    id: str
    role: Role | None
    """None for a visitor."""
    teams: frozenset[str] = frozenset()
    name: str = ""
    language: str = "en"
    scopes: frozenset[str] | None = None
    """Actions an API key is limited to; none for a person."""
    grant: Grant | None = None
    """What a visitor may see; none for users and their keys."""

    def may(self, action: Action) -> bool:
        """Whether role and scope allow `action`; a visitor may do nothing that needs a role."""
        within_scope = self.scopes is None or action in self.scopes
        return within_scope and self.role is not None and action in ALLOWED[self.role]

    def ranks(self, role: Role) -> bool:
        """Whether their role is `role` or above."""
        return self.role is not None and _RANKS.index(self.role) >= _RANKS.index(role)

    @property
    def kind(self) -> Kind:
        """Their role; for those without one, whether anybody knows them."""
        if self.role is not None:
            return self.role
        return "customer" if self.grant is not None and self.grant.customer else "visitor"

    @property
    def all_teams(self) -> tuple[str, ...]:
        """Its teams and `everyone`, sorted; none for a visitor."""
        if self.role is None:
            return ()
        return tuple(sorted({*self.teams, EVERYONE}))
