"""A session as pages show it: its messages with what their runs found, and who has it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from attenda.core.event import Nearest, RunFinished, Searched, Silent
from attenda.core.principal import Principal
from attenda.core.words import sentence
from attenda.runtime.handoff import question_of_session, under_way
from attenda.runtime.house import House
from attenda.runtime.rating import asks_rating
from attenda.runtime.silence import silence_at
from attenda.store import agent_versions, agents, consent, desk, journal, runs, sessions
from attenda.store.database import Connection

__all__ = ["mark_of", "message_view", "messages_view", "session_view"]


def session_view(
    connection: Connection, house: House, who: Principal, session_id: str
) -> dict[str, Any]:
    """A session with its whole message tree, for whom it belongs to.

    Raises:
        NotFound: it is not there or not theirs.
    """
    session = sessions.get_session(connection, who, session_id)
    tree = sessions.message_tree(connection, session_id)
    path = sessions.message_path(tree, session.head_id)
    notes = runs.run_notes(connection, session_id)
    open_runs = [note for note in notes.values() if note.state == "running"]
    claimed = session.claimed_by or ""
    names = desk.user_names(connection, [claimed])
    person = names.get(claimed) or sentence(who.language, "desk.colleague")
    waits = journal.pending_in(connection, session_id, house.stamps.now())
    queued = session.owner == "queued"
    settled = not (open_runs or waits)
    allowed = consent.session_consent(connection, session, house.settings.train_on_chats)
    return {
        **asdict(session),
        "trial": under_way(house, connection, session, who.language) if session.uses_draft else [],
        "consent": asdict(allowed),
        "messages": messages_view(connection, tree, notes, who.language),
        "running": bool(open_runs),
        "follow_after": open_runs[0].first_event - 1 if open_runs else session.last_event,
        "agent": agents.name_of(connection, session.agent_id),
        "notice": _notice(connection, house, session, who.language),
        "person": person if claimed else "",
        "waiting_before": desk.queued_before(connection, session) if queued else 0,
        "approvals": [{"id": one.id, "expires_at": one.expires_at} for one in waits],
        "choices": question_of_session(house, connection, session, tree) if settled else [],
        "asks_rating": settled and asks_rating(connection, house, session, path),
        "silence_at": None if open_runs else silence_at(connection, house, session, path),
    }


def _notice(connection: Connection, house: House, session: sessions.Session, language: str) -> str:
    """What stands above a chat: that it is a trial, and what its pack is meant for."""
    intended = house.notice_of(agent_versions.pack_of_session(connection, session), language)
    trial = sentence(language, "trial.notice") if session.uses_draft else ""
    return " ".join(one for one in (trial, intended) if one)


def messages_view(
    connection: Connection,
    tree: Sequence[sessions.StoredMessage],
    notes: Mapping[str, runs.RunNote],
    language: str,
) -> list[dict[str, Any]]:
    """Messages with their authors' names."""
    authors = list({one.author_id for one in tree if one.author_id})
    names = desk.user_names(connection, authors)
    return [message_view(one, notes, names, language) for one in tree]


def message_view(
    stored: sessions.StoredMessage,
    notes: Mapping[str, runs.RunNote],
    names: Mapping[str, str],
    language: str,
) -> dict[str, Any]:
    """One message; `names` are those of the people of the desk, by id."""
    row: dict[str, Any] = {
        "id": stored.id,
        "parent_id": stored.parent_id,
        "run_id": stored.run_id,
        "status": stored.status,
        "role": stored.message.role,
        "text": stored.message.text,
        "citations": [one.model_dump() for one in stored.message.citations],
        "created_at": stored.created_at,
        "thumb": stored.thumb,
        "thumb_reason": stored.thumb_reason,
    }
    if stored.author_id:
        row["author"] = names.get(stored.author_id) or sentence(language, "desk.colleague")
    note = notes.get(stored.run_id or "")
    if note is not None:
        row["model"] = note.model
        if note.error:
            row["error"] = sentence(language, note.error["key"], **note.error["values"])
        for event in note.events:
            if isinstance(event, Searched):
                row["searched"] = event.model_dump()
            elif isinstance(event, Nearest):
                row["nearest"] = [one.model_dump() for one in event.passages]
            elif isinstance(event, Silent):
                row["silence"] = mark_of(event)
            elif isinstance(event, RunFinished):
                row["usage"] = event.usage.model_dump()
                row["context_tokens"] = event.context_tokens
    return row


def mark_of(event: Silent) -> str:
    """What a message was for that nobody asked for: `reminded`, `ended`; nothing for an answer."""
    return "ended" if event.ended else "reminded" if event.reminders else ""
