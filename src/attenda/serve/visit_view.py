"""A session as its visitor sees it, and what the desk sees of a visitor.

No id of a document, no search and no call of a tool goes out to a visitor.
"""

import json
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, Field

from attenda.core.event import Cited, Found, Nearest, RunFinished, RunStarted, Silent, TextAdded
from attenda.core.message import Citation
from attenda.core.principal import Principal
from attenda.core.words import sentence
from attenda.runtime.handoff import question_of_session
from attenda.runtime.house import House
from attenda.runtime.live import Heard
from attenda.runtime.rating import asks_rating
from attenda.runtime.silence import silence_at
from attenda.serve.session_view import mark_of
from attenda.store import channels, desk, journal, mail, runs, sessions, visitors
from attenda.store.database import Connection

__all__ = ["Score", "customer_names", "desk_facts", "visit_body", "visit_view"]


class Score(BaseModel):
    """How somebody was helped."""

    score: int = Field(ge=1, le=5)
    comment: str = Field(default="", max_length=2000)


def visit_view(connection: Connection, house: House, who: Principal) -> dict[str, Any]:
    """What a visitor sees of their session.

    Raises:
        NotFound: it is gone.
    """
    assert who.grant is not None
    session = sessions.get_session(connection, who, who.grant.session_id)
    tree = sessions.message_tree(connection, session.id)
    notes = runs.run_notes(connection, session.id)
    open_runs = [note for note in notes.values() if note.state == "running"]
    waits = bool(journal.pending_in(connection, session.id, house.stamps.now()))
    whole = sessions.message_path(tree, session.head_id)
    path = [one for one in whole if _is_shown(one)]
    names = desk.user_names(connection, [one.author_id or "" for one in path])
    claimed = session.claimed_by or ""
    person = desk.user_names(connection, [claimed]).get(claimed) if claimed else ""
    settled = not (open_runs or waits)
    return {
        "owner": session.owner,
        "person": person or sentence(who.language, "desk.colleague"),
        "waiting_before": desk.queued_before(connection, session) if _waits(session) else 0,
        "messages": [_message(one, notes, names, who.language) for one in path],
        "running": bool(open_runs),
        "follow_after": open_runs[0].first_event - 1 if open_runs else session.last_event,
        "choices": question_of_session(house, connection, session, tree) if settled else [],
        "waits": waits,
        "typing": house.typing.is_writing(session.id, house.stamps.now(), staff=True),
        "rating": visitors.rating_of(connection, session.id),
        "asks_rating": settled and asks_rating(connection, house, session, path),
        "silence_at": None if open_runs else silence_at(connection, house, session, whole),
        "customer": who.name or who.grant.customer,
    }


def _waits(session: sessions.Session) -> bool:
    return session.owner == "queued"


def _is_shown(stored: sessions.StoredMessage) -> bool:
    return stored.message.role in ("user", "assistant") and stored.status != "withdrawn"


def _message(
    stored: sessions.StoredMessage,
    notes: Mapping[str, runs.RunNote],
    names: Mapping[str, str],
    language: str,
) -> dict[str, Any]:
    note = notes.get(stored.run_id or "")
    nearest = [one for one in note.events if isinstance(one, Nearest)] if note else []
    row: dict[str, Any] = {
        "id": stored.id,
        "role": stored.message.role,
        "text": stored.message.text,
        "status": stored.status,
        "citations": [_citation(one) for one in stored.message.citations],
        "nearest": [_near(found) for one in nearest for found in one.passages],
        "created_at": stored.created_at,
    }
    silent = [mark_of(one) for one in note.events if isinstance(one, Silent)] if note else []
    if any(silent):
        row["silence"] = silent[-1]
    if stored.author_id:
        row["author"] = names.get(stored.author_id) or sentence(language, "desk.colleague")
    return row


def _near(found: Found) -> dict[str, Any]:
    return {"document": found.document, "page": found.page, "quote": found.text[:200]}


def _citation(found: Citation) -> dict[str, Any]:
    return {"n": found.n, "document": found.document, "page": found.page, "quote": found.quote}


def visit_body(heard: Heard, language: str) -> str | None:
    """An event of a run as its visitor hears it; nothing for what is not theirs to hear."""
    del language
    match heard.event:
        case TextAdded(at=at, text=text):
            return json.dumps({"type": "text", "at": at, "text": text})
        case RunStarted(message_id=id_):
            return json.dumps({"type": "run.started", "message_id": id_})
        case Cited(citation=found):
            return json.dumps({"type": "cited", "citation": _citation(found)})
        case RunFinished(reason=reason):
            return json.dumps({"type": "run.finished", "reason": reason})
    return None


def customer_names(connection: Connection, owner_ids: list[str], language: str) -> dict[str, str]:
    """What the desk calls the visitors among the owners of sessions."""
    ids = [one for one in owner_ids if visitors.is_visitor(one)]
    known = visitors.names_of(connection, ids) if ids else {}
    return {id_: known.get(id_) or sentence(language, "channel.visitor") for id_ in ids}


def desk_facts(connection: Connection, house: House, session: sessions.Session) -> dict[str, Any]:
    """What the desk is told of a session beside its messages: the way it came in, how it was."""
    found: dict[str, Any] = {
        "typing": house.typing.is_writing(session.id, house.stamps.now(), staff=False),
        "rating": visitors.rating_of(connection, session.id),
    }
    if visitors.is_visitor(session.owner_id):
        thread = mail.thread_of(connection, session.id)
        way = channels.channel_of(connection, session.owner_id)
        found["channel"] = {**(way or {}), "address": thread.address if thread else ""}
    return found
