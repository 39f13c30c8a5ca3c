"""Agents made in the page: name, tone, instructions, documents and model, owned and shared."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Select, bindparam, insert, select, update

from attenda.core.errors import NotFound, UserError
from attenda.core.principal import EVERYONE, Principal
from attenda.store import audit
from attenda.store.people import OWNER_ID
from attenda.store.rights import changeable, given, visible, visible_to_staff
from attenda.store.schema import agents
from attenda.store.stamps import Stamps

__all__ = [
    "create_agent",
    "delete_agent",
    "ensure_pack_agent",
    "fields_of",
    "get_agent",
    "id_of_pack",
    "list_agents",
    "name_of",
    "pack_of",
    "update_agent",
]

_FIELDS = (
    "name", "tone", "instructions", "model", "collection_ids", "pack", "mode", "flows", "tools"
)  # fmt: skip
_ONE = select(agents).where(
    agents.c.id == bindparam("agent"), visible_to_staff(agents), agents.c.deleted_at.is_(None)
)
_PACK = select(agents.c.pack).where(agents.c.id == bindparam("agent"))


def create_agent(
    connection: Connection, stamps: Stamps, who: Principal, *, shared: bool = True, **values: Any
) -> str:
    """A new agent of `who`, for everyone or for its maker alone; its id.

    Raises:
        UserError: it has no name.
    """
    if not str(values.get("name", "")).strip():
        raise UserError("people.no_name")
    agent_id = stamps.new_id("agt")
    connection.execute(
        insert(agents).values(
            id=agent_id,
            owner_id=who.id,
            team_id=EVERYONE if shared else None,
            created_at=stamps.now(),
            **fields_of(values),
        )
    )
    audit.note(connection, stamps, who.id, "agent.created", agent_id)
    return agent_id


def ensure_pack_agent(
    connection: Connection, stamps: Stamps, pack: str, title: Mapping[str, str], mode: str
) -> bool:
    """An agent of everyone's for a pack, unless there was ever one; whether it is new."""
    is_new = connection.execute(select(agents.c.id).where(agents.c.pack == pack)).first() is None
    if is_new:
        statement = insert(agents).values(
            id=stamps.new_id("agt"),
            name=title.get("en") or pack,
            pack=pack,
            mode=mode,
            owner_id=OWNER_ID,
            team_id=EVERYONE,
            created_at=stamps.now(),
        )
        connection.execute(statement)
    return is_new


def list_agents(connection: Connection, who: Principal) -> list[dict[str, Any]]:
    """The agents that `who` may talk to, by name."""
    rows = connection.execute(_theirs(who).order_by(agents.c.name, agents.c.id)).mappings()
    return [dict(row) for row in rows]


def get_agent(connection: Connection, who: Principal, agent_id: str) -> dict[str, Any]:
    """One agent.

    Raises:
        NotFound: it is not there or not theirs to talk to.
    """
    statement, values = _ONE, {"agent": agent_id, **given(who)}
    if who.role is None:  # a visitor
        statement, values = _theirs(who).where(agents.c.id == agent_id), {}
    row = connection.execute(statement, values).mappings().first()
    if row is None:
        raise NotFound("agent.missing")
    return dict(row)


def _theirs(who: Principal) -> Select[Any]:
    return select(agents).where(visible(agents, who), agents.c.deleted_at.is_(None))


def fields_of(values: Mapping[str, Any]) -> dict[str, Any]:
    """What an agent is made of, out of a row or of what was given."""
    return {name: values[name] for name in _FIELDS if name in values}


def delete_agent(
    connection: Connection, stamps: Stamps, who: Principal, agent_id: str, *, gone: bool = True
) -> None:
    """Put an agent into the trash, or bring it back; its chats stay.

    Raises:
        NotFound: it is not there or not theirs to change.
    """
    update_agent(connection, who, agent_id, {"deleted_at": stamps.now() if gone else None})
    audit.note(connection, stamps, who.id, "agent.deleted" if gone else "agent.restored", agent_id)


def update_agent(
    connection: Connection, who: Principal, agent_id: str, values: dict[str, Any]
) -> None:
    """Change columns of an agent.

    Raises:
        NotFound: it is not there or not theirs to change.
    """
    statement = update(agents).where(agents.c.id == agent_id, changeable(agents, who))
    if connection.execute(statement.values(**values)).rowcount == 0:
        raise NotFound("agent.missing")


def name_of(connection: Connection, agent_id: str | None) -> str:
    """An agent's name, also of one in the trash; empty for the plain one."""
    statement = select(agents.c.name).where(agents.c.id == agent_id)
    return str(connection.execute(statement).scalar() or "")


def id_of_pack(connection: Connection, who: Principal, pack: str) -> str | None:
    """The oldest agent with a pack that `who` may talk to; none where there is none."""
    statement = _theirs(who).with_only_columns(agents.c.id).where(agents.c.pack == pack)
    ordered = statement.order_by(agents.c.created_at, agents.c.id)
    found: str | None = connection.execute(ordered.limit(1)).scalar()
    return found


def pack_of(connection: Connection, agent_id: str | None) -> str:
    """Name of the pack that an agent has, or had; empty for none."""
    return str(connection.execute(_PACK, {"agent": agent_id}).scalar() or "")
