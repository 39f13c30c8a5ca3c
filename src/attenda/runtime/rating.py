"""When somebody is asked how they were helped: once what they wanted is done, by the bot alone.

A person who closes a conversation asks by closing it.
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
    """Whether the last answer brought a wish to its end and nobody has said yet how it was.

    Args:
        connection: to the database.
        house: whose packs say whether they want to know.
        session: of the conversation.
        path: its messages up to the last one.
    """
    if session.owner != "bot" or not path or path[-1].run_id is None or not path[-1].state:
        return False
    pack = house.packs.get(agent_versions.pack_of_session(connection, session))
    if pack is None or not pack.pack.asks_rating:
        return False
    if DialogueState.model_validate_json(path[-1].state).frames:
        return False
    found = runs.events_of_run(connection, session.id, path[-1].run_id, ("flow.ended", "called"))
    ended = any(isinstance(one, FlowEnded) and one.outcome == "done" for one in found)
    acted = any(isinstance(one, Called) and one.state == "done" for one in found)
    return ended and acted and visitors.rating_of(connection, session.id) is None
