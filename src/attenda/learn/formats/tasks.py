"""Shapes of JSON rows that belong to one source each: three public data sets and our own exports.

Schema-Guided Dialogue, CrossWOZ, MathDial; a person's export and a session as the API gives it.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from attenda.core.errors import UserError
from attenda.core.provenance import chat_mark, person_mark
from attenda.learn.conversation import Draft, Problem, Turn, role_of
from attenda.learn.formats.fields import objects_in, talk_of, text_in
from attenda.learn.formats.shapes import Shape

__all__ = ["TASK_SHAPES"]

Fields = Mapping[str, Any]
_SIDES = {"USER": "user", "SYSTEM": "assistant"}
_MATHDIAL = re.compile(r"(\w+): ?(?:\((?:generic|focus|probing|telling)\))?(.*)", re.S)
"""Who speaks (`Teacher`, `Student` or the student's name), the teacher's move, the words."""


def _sgd(row: Fields, place: str) -> Iterable[Draft]:
    turns = []
    for turn in objects_in(row, "turns"):
        speaker = text_in(turn, "speaker")
        turns.append((_SIDES.get(speaker, speaker), text_in(turn, "utterance")))
    yield Draft(place, turns, id=text_in(row, "dialogue_id"))


def _is_crosswoz(row: Fields) -> bool:
    messages = row.get("messages")
    if not (isinstance(messages, list) and messages and isinstance(messages[0], dict)):
        return False
    return messages[0].get("role") in ("usr", "sys")


def _crosswoz(row: Fields, place: str) -> Iterable[Draft]:
    talk = talk_of(row["messages"], "user", "messages")
    yield Draft(place, talk.turns, id=text_in(row, "id"), notes=talk.notes)


def _mathdial(row: Fields, place: str) -> Iterable[Draft]:
    turns = [("system", text_in(row, "question"))]
    for piece in text_in(row, "conversation").split("|EOM|"):
        match = _MATHDIAL.match(piece.strip())
        if match is None:
            raise UserError("learn.data.wrong_type", field="conversation", wanted="Teacher: …")
        role = "assistant" if match[1] == "Teacher" else "user"
        turns.append((role, match[2].strip()))
    yield Draft(place, turns, id=text_in(row, "qid"))


def _is_own(row: Fields) -> bool:
    if not isinstance(row.get("messages"), list):
        return False
    return isinstance(row.get("sessions"), list) or "head_id" in row


def _own(row: Fields, place: str) -> Iterable[Draft | Problem]:
    """Chats that may be used for training; of the others no word, but their number."""
    messages = objects_in(row, "messages")
    sessions = objects_in(row, "sessions") if "sessions" in row else [row]
    kept = [one for one in sessions if one.get("deleted_at") is None]
    allowed = [one for one in kept if _may_be_used(one)]
    for session in allowed:
        own = text_in(session, "id")
        mine = [one for one in messages if one.get("session_id", own) == own]
        yield _session(session, mine, place)
    if len(kept) > len(allowed):
        values = {"count": str(len(kept) - len(allowed))}
        yield Problem(place, "learn.data.no_consent", values, "warning")


def _may_be_used(session: Fields) -> bool:
    consent = session.get("consent")
    return isinstance(consent, dict) and consent.get("allowed") is True


def _session(session: Fields, messages: list[dict[str, Any]], place: str) -> Draft:
    """The branch of a session that is shown; answers that broke off go with their question."""
    turns: list[Turn] = []
    disliked = 0
    for message in _branch(messages, text_in(session, "head_id")):
        role, text = text_in(message, "role"), _parts_text(message)
        disliked += message.get("thumb") == -1
        if role == "assistant" and (message.get("status", "done") != "done" or disliked):
            while turns and role_of(turns[-1]) == "user":
                turns.pop()
        else:
            turns.append((role, text))
        if disliked:
            break
    own = text_in(session, "id")
    notes = (("learn.data.rated_down", {"session": own}),) if disliked else ()
    owner = text_in(session, "owner_id")
    person, chat = (person_mark(owner) if owner else ""), (chat_mark(own) if own else "")
    return Draft(place, turns, id=own, notes=notes, person=person, chat=chat)


def _branch(messages: list[dict[str, Any]], head: str) -> list[dict[str, Any]]:
    """From the root to `head`; a circle of parents ends where it closes."""
    left = {text_in(one, "id"): one for one in messages}
    path = []
    while (message := left.pop(head, None)) is not None:
        path.append(message)
        head = text_in(message, "parent_id")
    return path[::-1]


def _parts_text(message: Fields) -> str:
    if "parts" not in message:
        return text_in(message, "text")
    return "".join(_texts(message))


def _texts(message: Fields) -> Iterator[str]:
    for part in objects_in(message, "parts"):
        if part.get("type") == "text":
            yield text_in(part, "text")


TASK_SHAPES = (
    Shape(
        "sgd",
        ("dialogue_id", "services", "turns"),
        '[{"dialogue_id": "1_00000", "turns": [{"speaker": "USER", "utterance": "Hi"},'
        ' {"speaker": "SYSTEM", "utterance": "Hello!"}]}]',
        lambda row: isinstance(row.get("turns"), list) and "dialogue_id" in row,
        _sgd,
    ),
    Shape(
        "crosswoz",
        ("id", "goal", "messages"),
        '{"id": "7", "messages": [{"role": "usr", "content": "你好"},'
        ' {"role": "sys", "content": "您好！"}]}',
        _is_crosswoz,
        _crosswoz,
    ),
    Shape(
        "mathdial",
        ("qid", "question", "conversation"),
        '{"qid": 1, "question": "2 + 2?", "conversation": "Teacher: Try.|EOM|Student: 4."}',
        lambda row: "qid" in row and isinstance(row.get("conversation"), str),
        _mathdial,
    ),
    Shape(
        "attenda",
        ("sessions", "messages", "head_id"),
        '{"sessions": [{"id": "ses_1", "head_id": "msg_2", "consent": {"allowed": true}}],'
        ' "messages": […]}',
        _is_own,
        _own,
    ),
)
"""To be tried before the general shapes, which some of these resemble."""
