"""What follows a tool that a page called: a person of the desk takes over where one must.

As in a talk: a conversation with the pack's agent waits at the desk, with what was written and what
was said to it, and staff are told of it as of any other.
"""

import hashlib

from attenda.core.label import Label
from attenda.core.message import text_message
from attenda.core.principal import Principal
from attenda.dialogue.flow import words_in
from attenda.runtime.announcing import customer_wrote, hand_over, tell
from attenda.runtime.house import House
from attenda.runtime.pack_face import Told
from attenda.store import agents, alarms, audit, desk, sessions
from attenda.store.database import Connection

__all__ = ["hand_over_page"]


async def hand_over_page(house: House, pack: str, who: Principal, told: Told, once: str) -> str:
    """Let a person take over from a page; the id of the conversation that waits for them.

    One that waits already, or that a person has, goes on: nobody waits twice. The same `once` comes
    in once.
    """
    stamps, name = house.stamps, hashlib.sha256(once.encode()).hexdigest()

    def work(connection: Connection) -> str:
        agent_id = agents.id_of_pack(connection, who, pack)
        waits = desk.session_with_people(connection, who, agent_id)
        session_id = waits or sessions.insert_session(connection, stamps, who, agent_id)
        if sessions.named_message(connection, session_id, name) is not None:
            return session_id
        message_id = _write_down(connection, house, who, session_id, told, name)
        why = words_in(dict(told.hand_off), who.language)
        if waits:  # the tool has kept what it found: nothing looks at the words again
            customer_wrote(connection, stamps, session_id, {})
            alarms.raise_alarm(connection, stamps, session_id, message_id, why)
        else:
            hand_over(connection, stamps, session_id, why, message_id)
            audit.note(connection, stamps, who.id, "session.queued", session_id)
        return session_id

    session_id = await house.database.write(work)
    house.runs.publish(session_id, [])
    return session_id


def _write_down(
    connection: Connection, house: House, who: Principal, session_id: str, told: Told, name: str
) -> str:
    """What was written on the page, and what was said to it, at the end of a conversation.

    Returns the id of what was written.
    """
    session = sessions.session_by_id(connection, session_id)
    said = text_message("user", house.runs.masked(connection, session, told.said))
    label = Label(integrity="user", readers=frozenset({who.id}))
    stored = sessions.add_message(
        connection, house.stamps, session_id, said, label, parent_id=session.head_id
    )
    sessions.name_message(connection, session_id, stored.id, name)
    if not session.title:
        title = said.text.strip().split("\n")[0][:80]
        sessions.update_session(connection, who, session_id, title=title)
    session = sessions.session_by_id(connection, session_id)
    tell(connection, house.stamps, session, words_in(dict(told.words), who.language))
    return stored.id
