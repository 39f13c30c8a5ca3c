"""Facts about people: kept with the message that told them, and gone when that is gone.

Everybody sees and changes their own alone. A fact never loses the label that it was kept with.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, bindparam, delete, insert, select, update

from attenda.core.errors import NotFound
from attenda.core.label import Label
from attenda.core.principal import Principal
from attenda.store.schema import messages, sessions
from attenda.store.schema_memory import facts
from attenda.store.stamps import Stamps

__all__ = [
    "Fact",
    "change_fact",
    "facts_of",
    "forget_all",
    "forget_fact",
    "insert_fact",
    "label_of_message",
]

# Each turn asks for these, and making a statement costs more than running it.
_THEIRS = (
    select(facts, messages.c.session_id, messages.c.parts)
    .join(messages, messages.c.id == facts.c.message_id)
    .join(sessions, sessions.c.id == messages.c.session_id)
    .where(facts.c.owner_id == bindparam("who"), sessions.c.deleted_at.is_(None))
    .order_by(facts.c.changed_at.desc(), facts.c.id.desc())
)


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact, with the message in which it was told."""

    id: str
    pack: str
    """Of the flow whose slot it filled; empty for what they asked to be remembered."""
    name: str
    """That slot; empty, too."""
    text: str
    label: Label
    created_at: int
    changed_at: int
    message_id: str
    session_id: str
    said: str
    """The whole message."""


def facts_of(connection: Connection, who: Principal) -> list[Fact]:
    """What is remembered of `who`, the newest first; not what a chat in the trash told."""
    return [_fact(dict(row)) for row in connection.execute(_THEIRS, {"who": who.id}).mappings()]


def _fact(row: dict[str, Any]) -> Fact:
    same = ("id", "pack", "name", "text", "created_at", "changed_at", "message_id", "session_id")
    return Fact(
        **{name: row[name] for name in same},
        label=_label(row),
        said="".join(part["text"] for part in row["parts"] if part["type"] == "text"),
    )


def _label(row: dict[str, Any]) -> Label:
    return Label.model_validate({name: row[name] for name in Label.model_fields})


def label_of_message(connection: Connection, user_id: str, message_id: str) -> Label | None:
    """The label of a message that a person wrote in a session of theirs, itself a source of it.

    None where it is anybody else's, no person's, or of a trial: nothing of it is remembered.
    """
    statement = (
        select(messages)
        .join(sessions, sessions.c.id == messages.c.session_id)
        .where(messages.c.id == message_id, messages.c.role == "user")
        .where(sessions.c.owner_id == user_id, sessions.c.uses_draft.is_(False))
    )
    row = connection.execute(statement).mappings().first()
    if row is None:
        return None
    label = _label(dict(row))
    return label.model_copy(update={"sources": label.sources | {message_id}})


def insert_fact(
    connection: Connection, stamps: Stamps, user_id: str, values: dict[str, str], label: Label
) -> None:
    """Keep a fact (`pack`, `name`, `text`, `message_id`) in the place of what it supersedes.

    That is the fact of the same slot; of what they asked to be remembered, the same words.
    """
    same = [facts.c.owner_id == user_id]
    same += [facts.c[key] == values[key] for key in ("pack", "name")]
    if not values["name"]:
        same.append(facts.c.text == values["text"])
    connection.execute(delete(facts).where(*same))
    now = stamps.now()
    row = {
        "id": stamps.new_id("mem"),
        "owner_id": user_id,
        **values,
        "integrity": label.integrity,
        "readers": sorted(label.readers),
        "sources": sorted(label.sources),
    }
    connection.execute(insert(facts).values(**row, created_at=now, changed_at=now))


def change_fact(
    connection: Connection, stamps: Stamps, who: Principal, fact_id: str, text: str
) -> None:
    """Put a fact in other words; its message and its label stay.

    Raises:
        NotFound: there is no such fact of theirs.
    """
    statement = update(facts).where(_theirs(who, fact_id))
    values = {"text": text, "changed_at": stamps.now()}
    if connection.execute(statement.values(**values)).rowcount == 0:
        raise NotFound("memory.missing")


def forget_fact(connection: Connection, who: Principal, fact_id: str) -> None:
    """Forget a fact for good.

    Raises:
        NotFound: there is no such fact of theirs.
    """
    if connection.execute(delete(facts).where(_theirs(who, fact_id))).rowcount == 0:
        raise NotFound("memory.missing")


def forget_all(connection: Connection, user_id: str) -> int:
    """Forget all that is remembered of a person; how much that was."""
    return connection.execute(delete(facts).where(facts.c.owner_id == user_id)).rowcount


def _theirs(who: Principal, fact_id: str) -> ColumnElement[bool]:
    return and_(facts.c.id == fact_id, facts.c.owner_id == who.id)
