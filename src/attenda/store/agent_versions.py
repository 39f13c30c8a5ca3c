"""An agent's draft and its published versions: what people talk to changes by publishing alone.

Each publishing is a version: who, when, which fields. Going back publishes an older one anew, so
nothing of what was is lost.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select

from attenda.core.errors import NotFound, UserError
from attenda.core.principal import EVERYONE, Principal
from attenda.store import agents, audit
from attenda.store.rights import changeable
from attenda.store.schema import agents as rows
from attenda.store.schema import users
from attenda.store.schema_agents import agent_drafts, agent_versions
from attenda.store.sessions import Session
from attenda.store.stamps import Stamps

__all__ = [
    "draft_of",
    "drafts",
    "drop_draft",
    "keep_draft",
    "pack_of_session",
    "publish",
    "restore",
    "state_of",
    "versions_of",
]


_ALL = {"flows": None, "tools": None}
"""Of a version that is older than the choice: it had all of its pack."""


def _theirs(
    connection: Connection, who: Principal, agent_id: str, *, held: bool = False
) -> dict[str, Any]:
    """An agent that `who` may change, perhaps `held` from others until the transaction ends.

    Raises:
        NotFound: it is not there or not theirs to change.
    """
    statement = select(rows).where(rows.c.id == agent_id, changeable(rows, who))
    statement = statement.with_for_update() if held else statement
    row = connection.execute(statement).mappings().first()
    if row is None:
        raise NotFound("agent.missing")
    return dict(row)


def _draft(connection: Connection, agent_id: str) -> dict[str, Any] | None:
    statement = select(agent_drafts).where(agent_drafts.c.agent_id == agent_id)
    row = connection.execute(statement).mappings().first()
    return dict(row) if row else None


def draft_of(connection: Connection, who: Principal, agent_id: str) -> dict[str, Any]:
    """An agent's fields as its draft has them; those that are published where there is none.

    Raises:
        NotFound: it is not there or not theirs to change.
    """
    found, draft = _theirs(connection, who, agent_id), _draft(connection, agent_id)
    return {**agents.fields_of(found), **(draft["body"] if draft else {})}


def keep_draft(
    connection: Connection,
    stamps: Stamps,
    who: Principal,
    agent_id: str,
    values: Mapping[str, Any],
    *,
    shares: bool | None = None,
) -> None:
    """Change an agent's draft; nobody's answers follow it but those of its trials.

    `shares` is of an agent that was never published: whether it will then be everyone's.

    Raises:
        NotFound: it is not there or not theirs to change.
        UserError: the name would be empty.
    """
    body = {**draft_of(connection, who, agent_id), **agents.fields_of(values)}
    if not str(body["name"]).strip():
        raise UserError("people.no_name")
    old = _draft(connection, agent_id)
    connection.execute(delete(agent_drafts).where(agent_drafts.c.agent_id == agent_id))
    row = {"agent_id": agent_id, "body": body, "shares": old["shares"] if old else shares}
    times = {"changed_by": who.id, "changed_at": stamps.now()}
    connection.execute(insert(agent_drafts).values(**row, **times))


def drop_draft(connection: Connection, who: Principal, agent_id: str) -> None:
    """Leave an agent as it is published.

    Raises:
        NotFound: it is not there or not theirs to change.
        UserError: it was never published: all of it is the draft.
    """
    _theirs(connection, who, agent_id)
    draft = _draft(connection, agent_id)
    if draft and draft["shares"] is not None:
        raise UserError("agent.only_draft")
    connection.execute(delete(agent_drafts).where(agent_drafts.c.agent_id == agent_id))


def publish(
    connection: Connection,
    stamps: Stamps,
    who: Principal,
    agent_id: str,
    values: Mapping[str, Any] | None = None,
    *,
    restores: int | None = None,
) -> int:
    """Let answers follow the draft, or these values, from the next one on; the version's number.

    Raises:
        NotFound: it is not there or not theirs to change.
        UserError: the name would be empty.
    """
    found, draft = _theirs(connection, who, agent_id, held=True), _draft(connection, agent_id)
    before = agents.fields_of(found)
    wanted = agents.fields_of(values) if values is not None else (draft["body"] if draft else {})
    after = {**before, **wanted}
    if not str(after["name"]).strip():
        raise UserError("people.no_name")
    last = _last(connection, agent_id)
    is_new = draft is not None and draft["shares"] is not None
    changed = sorted(name for name in after if after[name] != before[name])
    if values is None or is_new:
        connection.execute(delete(agent_drafts).where(agent_drafts.c.agent_id == agent_id))
    if not (changed or is_new):
        return max(last, 1)
    if last == 0 and not is_new:  # it was there before it had versions
        last = 1
        connection.execute(insert(agent_versions).values(agent_id=agent_id, **_first(found)))
    team = {"team_id": EVERYONE} if draft and draft["shares"] else {}
    agents.update_agent(connection, who, agent_id, {**after, **team})
    row = {"body": after, "changed": changed, "restores": restores, "published_by": who.id}
    times = {"number": last + 1, "published_at": stamps.now()}
    connection.execute(insert(agent_versions).values(agent_id=agent_id, **row, **times))
    detail = {"version": last + 1, "fields": changed}
    audit.note(connection, stamps, who.id, "agent.published", agent_id, **detail)
    return last + 1


def _first(found: Mapping[str, Any]) -> dict[str, Any]:
    """The version that an agent is which was made without a draft."""
    return {
        "number": 1,
        "body": agents.fields_of(found),
        "changed": [],
        "restores": None,
        "published_by": found["owner_id"],
        "published_at": found["created_at"],
    }


def _last(connection: Connection, agent_id: str) -> int:
    statement = select(func.max(agent_versions.c.number))
    return connection.execute(statement.where(agent_versions.c.agent_id == agent_id)).scalar() or 0


def pack_of_session(connection: Connection, session: Session) -> str:
    """Name of the pack whose flows a session has: its agent's, or its draft's in a trial."""
    draft = _draft(connection, session.agent_id or "") if session.uses_draft else None
    return str(draft["body"]["pack"]) if draft else agents.pack_of(connection, session.agent_id)


def versions_of(connection: Connection, who: Principal, agent_id: str) -> list[dict[str, Any]]:
    """The published versions, the newest first, with who published each.

    Raises:
        NotFound: the agent is not there or not theirs to change.
    """
    agent, draft = _theirs(connection, who, agent_id), _draft(connection, agent_id)
    statement = select(agent_versions).where(agent_versions.c.agent_id == agent_id)
    found = connection.execute(statement.order_by(agent_versions.c.number.desc())).mappings()
    kept = [{**row, "body": {**_ALL, **row["body"]}} for row in found]
    if not kept and not (draft and draft["shares"] is not None):
        kept = [_first(agent)]
    ids = [row["published_by"] for row in kept]
    named = select(users.c.id, users.c.name, users.c.email).where(users.c.id.in_(ids))
    names = {id_: name or email or "" for id_, name, email in connection.execute(named)}
    return [{**row, "by": names.get(row["published_by"], "")} for row in kept]


def drafts(connection: Connection) -> dict[str, str]:
    """The agents that have a draft, by id: `new` where it was never published, else `changed`."""
    statement = select(agent_drafts.c.agent_id, agent_drafts.c.shares)
    return {
        str(id_): "changed" if shares is None else "new"
        for id_, shares in connection.execute(statement)
    }


def restore(
    connection: Connection, stamps: Stamps, who: Principal, agent_id: str, number: int
) -> int:
    """Publish an older version anew; the number that it has now.

    Raises:
        NotFound: there is no such agent of theirs, or no such version.
    """
    for row in versions_of(connection, who, agent_id):
        if row["number"] == number:
            return publish(connection, stamps, who, agent_id, row["body"], restores=number)
    raise NotFound("agent.no_version", number=number)


def state_of(connection: Connection, who: Principal, agent_id: str) -> dict[str, Any]:
    """What an editor shows: the draft's fields, which of them are not published, the version.

    `published` are the fields as people have them now.

    Raises:
        NotFound: the agent is not there or not theirs to change.
    """
    found, draft = _theirs(connection, who, agent_id), _draft(connection, agent_id)
    published, body = agents.fields_of(found), draft_of(connection, who, agent_id)
    is_new = draft is not None and draft["shares"] is not None
    version = _last(connection, agent_id) or (0 if is_new else 1)
    return {
        "fields": body,
        "published": published,
        "unpublished": sorted(name for name in body if body[name] != published[name]),
        "version": version,
        "shares": draft["shares"] if draft and is_new else found["team_id"] is not None,
    }
