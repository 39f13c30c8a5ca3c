"""What the house itself says in a conversation, where people and bot take turns."""

from datetime import datetime
from zoneinfo import ZoneInfo

from attenda.core.label import SYSTEM
from attenda.core.message import text_message
from attenda.core.words import sentence
from attenda.runtime.flow_turn import language_spoken
from attenda.store import desk, hours, sessions
from attenda.store.database import Connection
from attenda.store.stamps import Stamps

__all__ = [
    "customer_wrote",
    "hand_over",
    "language_of_session",
    "moment_in_words",
    "tell",
    "tell_promise",
]

_WEEKDAYS = (
    "desk.monday",
    "desk.tuesday",
    "desk.wednesday",
    "desk.thursday",
    "desk.friday",
    "desk.saturday",
    "desk.sunday",
)


def language_of_session(connection: Connection, session: sessions.Session) -> str:
    """The language that the customer writes."""
    tree = sessions.message_tree(connection, session.id)
    path = sessions.message_path(tree, session.head_id)
    return language_spoken([one.message.text for one in path if one.message.role == "user"])


def tell(connection: Connection, stamps: Stamps, session: sessions.Session, text: str) -> None:
    """Add a message of the house at the end of a session."""
    said = text_message("assistant", text)
    sessions.add_message(connection, stamps, session.id, said, SYSTEM, parent_id=session.head_id)


def hand_over(connection: Connection, stamps: Stamps, session_id: str, reason: str) -> None:
    """Let a session wait for a person; outside the hours its customer is told until when.

    From a trial of a draft nobody is called, and it says so.
    """
    if desk.enqueue(connection, stamps, session_id, reason):
        tell_promise(connection, stamps, session_id)
        return
    session = sessions.session_by_id(connection, session_id)
    if session.uses_draft:
        language = language_of_session(connection, session)
        tell(connection, stamps, session, sentence(language, "trial.nobody_called"))


def customer_wrote(connection: Connection, stamps: Stamps, session_id: str) -> None:
    """Whose turn it is when the customer of a session with people writes."""
    if desk.customer_wrote(connection, stamps, session_id):
        tell_promise(connection, stamps, session_id)


def tell_promise(connection: Connection, stamps: Stamps, session_id: str) -> None:
    """Tell the customer of a session that waits when somebody will be there, if nobody is now."""
    session = sessions.session_by_id(connection, session_id)
    opening = hours.opening_for(connection, session_id)
    if session.owner != "queued" or session.promised_at is None or opening is None:
        return
    language = language_of_session(connection, session)
    moment = moment_in_words(session.promised_at, opening.zone, language)
    tell(connection, stamps, session, sentence(language, "desk.promise", moment=moment))


def moment_in_words(at: int, zone: str, language: str) -> str:
    """An instant (microseconds since 1970, UTC) as people of a time zone write it."""
    local = datetime.fromtimestamp(at // 1_000_000, ZoneInfo(zone))
    return sentence(
        language,
        "desk.moment",
        weekday=sentence(language, _WEEKDAYS[local.weekday()]),
        year=local.year,
        month=f"{local.month:02}",
        day=f"{local.day:02}",
        time=f"{local:%H:%M}",
        zone=zone,
    )
