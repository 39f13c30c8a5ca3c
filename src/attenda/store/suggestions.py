"""Suggested replies: kept as they were drafted, with what the person who answered made of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, insert, select, update

from attenda.core.errors import NotFound
from attenda.core.message import Citation
from attenda.core.principal import Principal
from attenda.store.schema_desk import suggestions
from attenda.store.stamps import Stamps

__all__ = ["Suggestion", "get_suggestion", "keep_suggestion", "mark_used", "outcomes"]


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A draft; nobody has said it."""

    id: str
    text: str
    citations: tuple[Citation, ...]


def keep_suggestion(
    connection: Connection,
    stamps: Stamps,
    who: Principal,
    session_id: str,
    text: str,
    citations: Sequence[Citation],
) -> Suggestion:
    """Keep what was drafted for `who`."""
    made = Suggestion(stamps.new_id("sug"), text, tuple(citations))
    row = {"id": made.id, "session_id": session_id, "asked_by": who.id, "text": text}
    cited = [one.model_dump(mode="json") for one in citations]
    times = {"citations": cited, "created_at": stamps.now()}
    connection.execute(insert(suggestions).values(**row, **times))
    return made


def get_suggestion(
    connection: Connection, who: Principal, session_id: str, suggestion_id: str
) -> Suggestion:
    """What was drafted for `who` in a session and is not used yet.

    Raises:
        NotFound: there is no such draft.
    """
    statement = select(suggestions).where(
        suggestions.c.id == suggestion_id,
        suggestions.c.session_id == session_id,
        suggestions.c.asked_by == who.id,
        suggestions.c.message_id.is_(None),
    )
    row = connection.execute(statement).mappings().first()
    if row is None:
        raise NotFound("desk.suggestion_gone")
    cited = tuple(Citation.model_validate(one) for one in row["citations"])
    return Suggestion(row["id"], row["text"], cited)


def mark_used(connection: Connection, suggestion_id: str, message_id: str, outcome: str) -> None:
    """Note the message that a draft became: `suggested` as it was, or `edited`."""
    values = {"message_id": message_id, "outcome": outcome}
    statement = update(suggestions).where(suggestions.c.id == suggestion_id)
    connection.execute(statement.values(**values))


def outcomes(connection: Connection, session_id: str) -> dict[str, str]:
    """The messages of a session that began as drafts, by id: `suggested` or `edited`."""
    statement = select(suggestions.c.message_id, suggestions.c.outcome).where(
        suggestions.c.session_id == session_id, suggestions.c.message_id.is_not(None)
    )
    return {str(id_): str(outcome) for id_, outcome in connection.execute(statement)}
