"""What a person must know who takes over, found in the log and the state, without any model.

What the customer wants and said, each value with the message it came from; what was tried; why a
person is needed; and what would come next.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from attenda.core.event import Called
from attenda.core.label import Labelled
from attenda.core.principal import Principal
from attenda.core.words import sentence
from attenda.dialogue.book import FlowBook
from attenda.dialogue.flow import words_in
from attenda.dialogue.machine import Given, advance
from attenda.dialogue.next_step import AskSlot, AskWhich, AskYesNo, Next
from attenda.dialogue.state import DialogueState, Frame
from attenda.runtime.flow_turn import given_for
from attenda.runtime.house import House
from attenda.runtime.loop_state import read_state
from attenda.store import agent_versions, journal, runs, sessions
from attenda.store.database import Connection

__all__ = ["open_question", "question_of_session", "standing", "summary", "under_way"]

_REASONS = {
    "": "desk.reason_none",
    "asked": "desk.reason_asked",
    "unclear": "desk.reason_unclear",
}


def standing(
    house: House, connection: Connection, session: sessions.Session
) -> tuple[FlowBook | None, DialogueState]:
    """The flows of a session's agent, none without a pack; and where the dialogue stands."""
    tree = sessions.message_tree(connection, session.id)
    return _standing(house, connection, session, tree)


def _standing(
    house: House,
    connection: Connection,
    session: sessions.Session,
    tree: Sequence[sessions.StoredMessage],
) -> tuple[FlowBook | None, DialogueState]:
    kept = [one.state for one in sessions.message_path(tree, session.head_id) if one.state]
    pack = house.packs.get(agent_versions.pack_of_session(connection, session))
    state = DialogueState.model_validate_json(kept[-1]) if kept else DialogueState()
    return (pack.book if pack else None), state


def _given(owner_id: str, path: Sequence[sessions.StoredMessage], now: int) -> Given:
    """What flows may know of a customer, whose name and rights no question needs."""
    said = [one.message.text for one in path if one.message.role == "user"]
    return given_for(Principal(id=owner_id, role="viewer"), "", said, now)


def summary(
    house: House, connection: Connection, session: sessions.Session, language: str
) -> dict[str, Any]:
    """The summary, in the language of who reads it."""
    tree = sessions.message_tree(connection, session.id)
    book, state = _standing(house, connection, session, tree)
    ids = {one.id for one in tree}
    found = runs.events_of_kind(connection, session.id, "called")
    tried = [one for one in found if isinstance(one, Called)]
    waits = journal.pending_in(connection, session.id, house.stamps.now())
    path = sessions.message_path(tree, session.head_id)
    said = [one.message.text for one in path if one.message.role == "user"]
    given = replace(_given(session.owner_id, path, house.stamps.now()), language=language)
    question = _question(book, state, given)
    reason = session.handoff_reason
    return {
        "reason": sentence(language, _REASONS[reason]) if reason in _REASONS else reason,
        "flows": [_flow(frame, book, language, ids) for frame in state.frames if book],
        "tried": [_deed(one) for one in _newest_of_each(tried)],
        "next": _suggestion(tried, waits, question, said, language),
    }


def _flow(frame: Frame, book: FlowBook, language: str, ids: set[str]) -> dict[str, Any]:
    flow = book.of(frame)
    named = [(name, frame.values[name]) for name in flow.slots if name in frame.values]
    return {
        "title": words_in(flow.title, language),
        "slots": [_slot(name, value, ids) for name, value in named],
    }


def _slot(name: str, value: Labelled, ids: set[str]) -> dict[str, str]:
    """A value with the message that it came from; none where it was worked out."""
    source = min(value.whole_label.sources & ids, default="")
    return {"name": name, "value": str(value.value), "message_id": source}


def _newest_of_each(tried: Sequence[Called]) -> list[Called]:
    """What became of each deed at last, in the order in which they were begun."""
    newest = {(one.instance, one.step, str(one.arguments)): one for one in tried}
    return list(newest.values())


def _deed(event: Called) -> dict[str, Any]:
    return {
        "tool": event.tool,
        "state": event.state,
        "arguments": event.arguments,
        "problem": event.problem,
    }


def _suggestion(
    tried: Sequence[Called],
    waits: Sequence[journal.Approval],
    question: str,
    said: Sequence[str],
    language: str,
) -> str:
    lost = [one for one in _newest_of_each(tried) if one.state == "unknown"]
    if lost:
        return sentence(language, "desk.next_unknown", tool=lost[-1].tool)
    if waits:
        return sentence(language, "desk.next_approval", tool=waits[0].tool)
    if question:
        return sentence(language, "desk.next_question", question=question)
    if said:
        return sentence(language, "desk.next_answer", text=said[-1][:200])
    return sentence(language, "desk.next_none")


def _next(book: FlowBook | None, state: DialogueState, given: Given) -> Next | None:
    """What the dialogue would do now, were it the bot's."""
    if book is None:
        return None
    here = state.model_copy(update={"handed_off": False})
    return advance(here, book, given).next


def _question(book: FlowBook | None, state: DialogueState, given: Given) -> str:
    step = _next(book, state, given)
    return step.text if isinstance(step, AskSlot | AskYesNo) else ""


def open_question(house: House, connection: Connection, session: sessions.Session) -> str:
    """What the flow under way would ask its customer next, in their language; empty for nothing."""
    tree = sessions.message_tree(connection, session.id)
    book, state = _standing(house, connection, session, tree)
    path = sessions.message_path(tree, session.head_id)
    return _question(book, state, _given(session.owner_id, path, house.stamps.now()))


def under_way(
    house: House, connection: Connection, session: sessions.Session, language: str
) -> list[dict[str, Any]]:
    """The flows under way, the outermost first: what each knows, and what it asks for now.

    `{title, asks, slots: [{name, value, message_id}]}`, in the language of who reads it.
    """
    tree = sessions.message_tree(connection, session.id)
    book, state = _standing(house, connection, session, tree)
    path = sessions.message_path(tree, session.head_id)
    step = _next(book, state, _given(session.owner_id, path, house.stamps.now()))
    ids, asks = {one.id for one in tree}, {"": ""}
    if isinstance(step, AskSlot):
        asks[step.instance] = step.slot
    elif isinstance(step, AskYesNo):
        asks[step.instance] = sentence(language, "trial.a_yes")
    return [
        {**_flow(frame, book, language, ids), "asks": asks.get(frame.instance, "")}
        for frame in state.frames
        if book
    ]


def question_of_session(
    house: House,
    connection: Connection,
    session: sessions.Session,
    tree: Sequence[sessions.StoredMessage],
) -> list[str]:
    """What the customer may answer with one click to what was asked last."""
    now, path = house.stamps.now(), sessions.message_path(tree, session.head_id)
    loop = read_state(next((one.state for one in reversed(path) if one.state), None))
    confirms = loop.confirms and journal.is_pending(connection, loop.approval_id, now)
    if confirms and session.owner == "bot":
        return _yes_or_no(_given(session.owner_id, path, now).language)
    book, state = _standing(house, connection, session, tree)
    if book is None or session.owner != "bot":
        return []
    given = _given(session.owner_id, path, now)
    language = given.language
    match _next(book, state, given):
        case AskYesNo():
            return _yes_or_no(language)
        case AskSlot(options=options):
            return list(options)
        case AskWhich(flows=flows):
            return [words_in(book.current[one].title, language) for one in flows]
    return []


def _yes_or_no(language: str) -> list[str]:
    return [sentence(language, "dialogue.yes"), sentence(language, "dialogue.no")]
