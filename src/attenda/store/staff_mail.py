"""Mails that staff begin: words to somebody outside, in a conversation of a pack's mail channel.

They are a message of that conversation, and the channel's outbox sends it once, as it sends every
answer. What is replied comes back into the conversation, and to the person who wrote.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from attenda.core.errors import UserError
from attenda.core.label import Label
from attenda.core.message import text_message
from attenda.core.principal import Principal
from attenda.store import agents, alarms, mail, sessions, visitors
from attenda.store.channels import Channel, mail_channels
from attenda.store.schema import messages
from attenda.store.schema_mail import outbox
from attenda.store.stamps import Stamps

__all__ = ["NewMail", "WrittenMail", "channel_for", "mail_states", "write_mail"]

_MOST = 20_000
"""Characters of one mail."""


@dataclass(frozen=True, slots=True)
class NewMail:
    """A mail that somebody writes."""

    address: str
    text: str
    name: str = ""
    """Of who is written to."""
    subject: str = ""
    """Of a new conversation."""
    thread: str = ""
    """The conversation that goes on, where it leads to the same address by the same channel."""


@dataclass(frozen=True, slots=True)
class WrittenMail:
    """A mail that was written down."""

    session_id: str
    """The conversation that it stands in, and that replies come into."""
    message_id: str


def channel_for(connection: Connection, pack: str) -> Channel | None:
    """The oldest open mail channel of a pack's agents; none where there is none."""
    found = mail_channels(connection)
    return next((one for one in found if agents.pack_of(connection, one.agent_id) == pack), None)


def write_mail(
    connection: Connection | None, stamps: Stamps, pack: str, who: Principal, letter: NewMail
) -> WrittenMail:
    """Write a mail of a person's down, to be sent by the channel of a pack.

    They have its conversation from now on, unless another person has it.

    Args:
        connection: of the transaction that the mail belongs to.
        stamps: clock and ids.
        pack: whose channel it goes by.
        who: writes it.
        letter: what is written, and to whom.

    Raises:
        UserError: the pack has no mail channel, or the text is empty or too long.
        TooMany: too many conversations were begun by that channel within a minute.
    """
    channel = channel_for(connection, pack) if connection else None
    if connection is None or channel is None:
        raise UserError("mail.none_out")
    address, text, thread = letter.address, letter.text.strip(), letter.thread
    if not text:
        raise UserError("message.empty")
    if len(text) > _MOST:
        raise UserError("message.too_long", limit=_MOST)
    known = mail.thread_of(connection, thread) if thread else None
    goes_on = known and (known.channel_id, known.address) == (channel.id, address)
    if not goes_on or not visitors.is_in(connection, thread):
        visitor, thread = visitors.start_session(connection, stamps, channel)
        begun = mail.Thread(
            thread, channel.id, address, letter.name[:120], letter.subject[:300], "", []
        )
        mail.keep_thread(connection, begun)
        sessions.update_session(connection, visitor, thread, title=letter.subject[:80])
    session = sessions.session_by_id(connection, thread)
    stored = sessions.add_message(
        connection,
        stamps,
        thread,
        text_message("assistant", text),
        Label(integrity="operator", readers=frozenset({session.owner_id, who.id})),
        parent_id=session.head_id,
        author_id=who.id,
    )
    if session.owner != "human" or session.claimed_by == who.id:
        free = ["bot", "queued", "human", "waiting", "resolved"]
        theirs = {"owner_at": stamps.now(), "claimed_by": who.id}
        sessions.change_owner(connection, thread, free, "waiting", **theirs)
        alarms.see_alarms(connection, stamps, thread)
    return WrittenMail(thread, stored.id)


def mail_states(connection: Connection, message_ids: Sequence[str]) -> dict[str, str]:
    """By message, what became of its mail, as the outbox says; `waiting` until it is written out.

    One that stands in no conversation any more is missing.
    """
    columns = outbox.c.message_id, outbox.c.state
    found = connection.execute(select(*columns).where(outbox.c.message_id.in_(message_ids)))
    states = {str(message_id): str(state) for message_id, state in found}
    kept = select(messages.c.id).where(messages.c.id.in_(message_ids))
    return {str(id_): states.get(str(id_), "waiting") for (id_,) in connection.execute(kept)}
