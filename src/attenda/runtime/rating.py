"""When somebody is asked how they were helped: once, when what they wanted is over.

It is over when the bot has done it, or a person has closed the conversation.
"""

from collections.abc import Sequence

from attenda.core.event import Called, FlowEnded
from attenda.dialogue.state import DialogueState
from attenda.runtime.house import House
from attenda.store import agent_versions, runs, visitors
from attenda.store.database import Connection
from attenda.store.sessions import Session, StoredMessage

__all__ = ["asks_rating"]


def asks_rating(
    connection: Connection, house: House, session: Session, path: Sequence[StoredMessage]
) -> bool:
    """Whether a wish is at its end, or the conversation closed, and nobody has said how it was.

    Args:
        connection: to the database.
        house: whose packs say whether they want to know.
        session: of the conversation.
        path: its messages up to the last one.
    """
    pack = house.packs.get(agent_versions.pack_of_session(connection, session))
    if session.uses_draft or pack is None or not pack.pack.asks_rating:
        return False
    if session.owner not in ("bot", "resolved"):
        return False
    over = session.owner == "resolved" or _brought_to_an_end(connection, session, path)
    return over and visitors.rating_of(connection, session.id) is None


def _brought_to_an_end(
    connection: Connection, session: Session, path: Sequence[StoredMessage]
) -> bool:
    """Whether the last answer ended a flow with a deed, and none is under way."""
    last = path[-1] if path else None
    if last is None or last.run_id is None or not last.state:
        return False
    if DialogueState.model_validate_json(last.state).frames:
        return False
    found = runs.events_of_run(connection, session.id, last.run_id, ("flow.ended", "called"))
    ended = any(isinstance(one, FlowEnded) and one.outcome == "done" for one in found)
    return ended and any(isinstance(one, Called) and one.state == "done" for one in found)
