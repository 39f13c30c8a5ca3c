"""What the house itself says in a conversation, where people and bot take turns."""

from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from attenda.core.errors import Unauthenticated
from attenda.core.label import SYSTEM
from attenda.core.message import text_message
from attenda.core.words import sentence
from attenda.runtime.alarming import alarm_in
from attenda.runtime.flow_turn import language_spoken
from attenda.runtime.pack import OpenPack
from attenda.store import agent_versions, alarms, desk, hours, sessions, visitors
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


def hand_over(
    connection: Connection, stamps: Stamps, session_id: str, reason: str, alarm_in: str = ""
) -> None:
    """Let a session wait for a person; outside the hours its customer is told until when.

    `alarm_in` is the id of the message in which somebody may be in danger, if that is why. From a
    trial of a draft nobody is called, and it says so.
    """
    if desk.enqueue(connection, stamps, session_id, reason):
        if alarm_in:
            alarms.raise_alarm(connection, stamps, session_id, alarm_in, reason)
        tell_promise(connection, stamps, session_id)
        return
    session = sessions.session_by_id(connection, session_id)
    if session.uses_draft:
        language = language_of_session(connection, session)
        tell(connection, stamps, session, sentence(language, "trial.nobody_called"))


def customer_wrote(
    connection: Connection, stamps: Stamps, session_id: str, packs: Mapping[str, OpenPack]
) -> None:
    """Whose turn it is when the customer of a session with people writes.

    What they wrote last may raise an alarm of their agent's pack.
    """
    if desk.customer_wrote(connection, stamps, session_id):
        tell_promise(connection, stamps, session_id)
    _look_for_danger(connection, stamps, session_id, packs)


def _look_for_danger(
    connection: Connection, stamps: Stamps, session_id: str, packs: Mapping[str, OpenPack]
) -> None:
    """Raise the alarm of the customer's last message, if it has one, once.

    Its fixed words are said only while nobody has the session: the bot talks over no person.
    """
    session = sessions.session_by_id(connection, session_id)
    pack = packs.get(agent_versions.pack_of_session(connection, session))
    path = sessions.message_path(sessions.message_tree(connection, session_id), session.head_id)
    while path and path[-1].message.role != "user":  # what the house said to it stands behind it
        path = path[:-1]
    if pack is None or not path or path[-1].id in alarms.alarms_in(connection, session_id):
        return
    try:
        who = visitors.owner_of(connection, session_id)
    except Unauthenticated:  # they are gone, and so is who could be in danger
        return
    found = alarm_in(connection, pack, who, path, stamps.now())
    if found is None:
        return
    alarms.raise_alarm(connection, stamps, session_id, path[-1].id, found.reason)
    if session.owner == "queued" and found.words:
        tell(connection, stamps, session, found.words)


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
