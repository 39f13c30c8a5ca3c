"""What an automation says in a session: as the house, in one transaction with its record."""

from collections.abc import Mapping

from attenda.core.errors import NotFound, UserError
from attenda.core.label import Label, Labelled, at_least, join_all, readable_by
from attenda.core.message import text_message
from attenda.core.principal import Principal
from attenda.dialogue.expression import fill
from attenda.dialogue.flow import words_in
from attenda.runtime.announcing import language_of_session
from attenda.runtime.automation import MessageStep
from attenda.store import sessions, visitors
from attenda.store.database import Connection
from attenda.store.people import OWNER_ID
from attenda.store.stamps import Stamps

__all__ = ["send_message"]


def send_message(
    connection: Connection,
    stamps: Stamps,
    step: MessageStep,
    session: Labelled,
    names: Mapping[str, Labelled],
    because: Label,
    who: Principal,
) -> Labelled:
    """Say something in a session; the words, with their label.

    Raises:
        NotFound: there is no such session.
        Unauthenticated: whose it is is gone.
        UserError: a stranger's words would decide who is told, or what is told is not for them.
    """
    if not at_least(join_all([session.whole_label, because]), "user"):
        raise UserError("automation.strangers_choice")
    row = sessions.session_by_id(connection, str(session.value))
    if row.deleted_at is not None:
        raise NotFound("session.missing")
    reader = visitors.owner_of(connection, row.id)
    visits = visitors.is_visitor(row.owner_id)
    language = language_of_session(connection, row) if visits else reader.language
    text, label = fill(words_in(step.message, language), names)
    gives = who.id == OWNER_ID or step.learns == "asker"
    if not readable_by(label, {row.owner_id}) and not (gives and readable_by(label, {who.id})):
        raise UserError("automation.not_for_them")
    told = label.model_copy(update={"readers": frozenset({row.owner_id, who.id})})
    sessions.add_message(
        connection, stamps, row.id, text_message("assistant", text), told, parent_id=row.head_id
    )
    return Labelled(value=text, label=told)
