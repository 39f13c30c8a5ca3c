"""Silence: when somebody's answer to a question is due, and what happens when none comes.

All of it is found in the conversation as it stands, so it survives every restart, and is decided
anew within the transaction that says it: of two processes, or of a customer who answers in that
moment, one comes first and the other finds it. Nothing is done but said.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from attenda.core.command import Silence
from attenda.core.errors import AttendaError
from attenda.core.event import Event, FlowEnded, RunFinished, RunStarted, TextAdded
from attenda.core.label import Label
from attenda.core.message import text_message
from attenda.core.silence import NEVER, SilenceTimes
from attenda.core.words import sentence
from attenda.dialogue.book import FlowBook
from attenda.dialogue.flow import ConfirmStep, words_in
from attenda.dialogue.machine import Given, open_question, reduce
from attenda.dialogue.next_step import AskWhich
from attenda.dialogue.silence import Question
from attenda.dialogue.state import DialogueState, replay
from attenda.runtime.agent import agent_of
from attenda.runtime.choice import tools_of
from attenda.runtime.converse import which_words
from attenda.runtime.flow_turn import given_for
from attenda.runtime.house import House
from attenda.runtime.pack import OpenPack
from attenda.runtime.silence_loop import After, loop_question
from attenda.store import hours, mail, runs, sessions, silences, visitors
from attenda.store.database import Connection

__all__ = ["GRACE_S", "break_silence", "silence_at", "silence_in"]

GRACE_S = 7 * 86_400
"""What fell due longer ago is left as it is: nobody waits for it any more."""
_US = 1_000_000


class _Waiting(Protocol):
    """What of a conversation waits for its person's answer."""

    @property
    def reminded(self) -> int:
        """How many times they were reminded of it."""
        ...

    @property
    def times(self) -> SilenceTimes:
        """When they are, and when it is over."""
        ...

    @property
    def until(self) -> int | None:
        """When it counts no more (µs since 1970, UTC); none if it always does."""
        ...

    @property
    def label(self) -> Label:
        """Of the words that it is asked in."""
        ...

    def after(self, connection: Connection, command: Silence) -> After:
        """What a silence comes to, within the transaction that says it.

        Raises:
            Conflict: it was answered in this moment.
        """
        ...


@dataclass(frozen=True, slots=True)
class _FlowQuestion:
    """What a flow asks."""

    book: FlowBook
    state: DialogueState
    given: Given
    question: Question
    times: SilenceTimes
    until: None = None

    @property
    def reminded(self) -> int:
        return self.state.reminded

    @property
    def label(self) -> Label:
        return Label(integrity="untrusted", sources=frozenset({self.given.message_id}))

    def after(self, connection: Connection, command: Silence) -> After:
        del connection
        changes = reduce(self.state, [command], self.book, self.given)
        text = self._words(command, {one.instance for one in changes if isinstance(one, FlowEnded)})
        return After(changes, text, replay(self.state, changes).model_dump_json())

    def _words(self, command: Silence, over: set[str]) -> str:
        """The reminder, with the question; or that what is under way is put aside."""
        language, question = self.given.language, self.question
        if not command.ends:
            asks = isinstance(question, AskWhich)
            text = which_words(self.book, question.flows, language) if asks else question.text  # type: ignore[union-attr]
            return sentence(language, "silence.reminder", question=text)
        begun = [one for one in self.state.frames if one.instance in over and not one.called]
        titles = [words_in(self.book.of(one).title, language) for one in begun]
        if not titles:
            return sentence(language, "silence.put_down")
        top = self.state.top
        undone = top is not None and isinstance(self.book.standing(top), ConfirmStep)
        key = "silence.put_down_undone" if undone else "silence.put_down_flow"
        return sentence(language, key, titles=sentence(language, "silence.and").join(titles))


@dataclass(frozen=True, slots=True)
class _Open:
    """A question that waits for its answer."""

    head: sessions.StoredMessage
    waits: _Waiting
    at: int
    """When, in microseconds since 1970 (UTC), `command` falls due."""
    command: Silence


def silence_at(
    connection: Connection,
    house: House,
    session: sessions.Session,
    path: Sequence[sessions.StoredMessage],
) -> int | None:
    """When (µs since 1970, UTC) a session's silence is broken next; none if it never is.

    `path` are its messages up to the last one.
    """
    found = _find(connection, house, session, path)
    return found.at if found else None


def silence_in(connection: Connection, house: House, session_id: str) -> int | None:
    """As `silence_at`, of a session by its id; none for one that is gone."""
    try:
        session = sessions.session_by_id(connection, session_id)
    except AttendaError:
        return None
    return silence_at(connection, house, session, _path(connection, session))


def _path(connection: Connection, session: sessions.Session) -> list[sessions.StoredMessage]:
    return sessions.message_path(sessions.message_tree(connection, session.id), session.head_id)


def break_silence(
    connection: Connection, house: House, session_id: str
) -> list[runs.NumberedEvent]:
    """Say what is due in a session now, in one transaction; the events, none if nothing is.

    Raises:
        Conflict: an answer came in this moment; nothing of the transaction may stay.
    """
    held = sessions.hold_session(connection, session_id)
    if held is None or held[0] != "bot":
        return []
    session = sessions.session_by_id(connection, session_id)
    found = _find(connection, house, session, _path(connection, session))
    if found is None or found.at > house.stamps.now():
        return []
    return _say(connection, house, found)


def _find(
    connection: Connection,
    house: House,
    session: sessions.Session,
    path: Sequence[sessions.StoredMessage],
) -> _Open | None:
    """The question that a session waits on, and what is due when."""
    if session.owner != "bot" or session.deleted_at is not None or not path:
        return None
    try:
        who = visitors.owner_of(connection, session.id)
        agent = agent_of(connection, who, session.id)
    except AttendaError:  # whoever it belongs to is gone, or the channel is closed
        return None
    pack = house.packs.get(agent.pack)
    kept = next((one.state for one in reversed(path) if one.state), None)
    if pack is None or kept is None:
        return None
    if not (_is_ours(path[-1]) and silences.is_newest(connection, path[-1])):
        return None
    now, said = house.stamps.now(), [one.message.text for one in path if one.message.role == "user"]
    given = given_for(who, path[-1].id, said, now)
    waits: _Waiting | None
    if agent.mode == "flows":
        waits = _flow_question(house, pack, kept, given)
    else:
        usual = pack.pack.silence or house.settings.silence or NEVER
        tools = tools_of(pack, agent)
        waits = loop_question(connection, who, tools, path, kept, given.language, usual)
    if waits is None:
        return None
    by_mail = mail.thread_of(connection, session.id) is not None
    times = (waits.times.mail or NEVER) if by_mail else waits.times
    due = _due(connection, house, session, path, waits, times)
    return None if due is None else _Open(path[-1], waits, *due)


def _flow_question(house: House, pack: OpenPack, kept: str, given: Given) -> _FlowQuestion | None:
    """What a flow asks in a conversation that stands as `kept`."""
    state = DialogueState.model_validate_json(kept)
    try:
        question = open_question(state, pack.book, given)
        times = _times(house, pack, state)
    except AttendaError:  # the flow is not kept any more
        return None
    if question is None:
        return None
    return _FlowQuestion(pack.book, state, given, question, times)


def _is_ours(last: sessions.StoredMessage) -> bool:
    """Whether the agent spoke last, and to the end."""
    return last.message.role == "assistant" and last.status == "done" and not last.author_id


def _times(house: House, pack: OpenPack, state: DialogueState) -> SilenceTimes:
    """Those of the flow that asks, or of the one that called it; of the pack, of the house."""
    for frame in reversed(state.frames):
        flow = pack.book.current.get(frame.flow) or pack.book.of(frame)
        if flow.silence is not None:
            return flow.silence
        if not frame.called:
            break
    return pack.pack.silence or house.settings.silence or NEVER


def _due(
    connection: Connection,
    house: House,
    session: sessions.Session,
    path: Sequence[sessions.StoredMessage],
    waits: _Waiting,
    times: SilenceTimes,
) -> tuple[int, Silence] | None:
    """What comes next and when; none if nothing does."""
    now, asked = house.stamps.now(), _asked_at(connection, path)
    reminders = [asked + after * _US for after in times.remind]
    if waits.until is not None:
        reminders = [at for at in reminders if max(at, now) < waits.until]
    reminded = waits.reminded
    passed = sum(at <= now for at in reminders)
    last = path[-1].created_at if reminded else 0
    # whoever was reminded late has as long to answer as one who was reminded in time
    least = last + times.remind[0] * _US if times.remind and last else 0
    end = max(asked + times.end * _US, least) if times.end else None
    if asked + (times.last + GRACE_S) * _US < now:
        return None
    if end is not None and (end <= now or reminded >= len(reminders)):
        at, command = end, Silence(reminders=reminded, ends=True)
    elif reminded < len(reminders):
        number = max(passed, reminded + 1)
        at, command = reminders[number - 1], Silence(reminders=number)
    else:
        return None
    opening = hours.opening_for(connection, session.id) if times.hours else None
    opens = opening.opens(max(at, now)) if opening else at
    return None if opens is None else (opens, command)


def _asked_at(connection: Connection, path: Sequence[sessions.StoredMessage]) -> int:
    """When the question had been asked: the last thing that was said but for reminders."""
    for one in reversed(path):
        if not one.state or not json.loads(one.state).get("reminded"):
            return silences.said_at(connection, one)
    return path[0].created_at


def _say(connection: Connection, house: House, found: _Open) -> list[runs.NumberedEvent]:
    """The whole run at once: its events, its message and the state that hangs on it."""
    stamps, head = house.stamps, found.head
    try:
        run_id, answer = runs.begin_run(connection, stamps, head, "", found.waits.label)
    except AttendaError:  # an answer is under way
        return []
    after = found.waits.after(connection, found.command)
    begun = RunStarted(run_id=run_id, user_message_id=head.id, message_id=answer.id, model="")
    ended = RunFinished(run_id=run_id, reason="done")
    log: list[Event] = [begun, *after.changes, TextAdded(at=0, text=after.text), ended]
    numbered = runs.append_events(connection, stamps, head.session_id, run_id, log)
    runs.finish_run(connection, stamps, run_id, text_message("assistant", after.text), "done")
    runs.keep_dialogue(connection, run_id, after.kept)
    return numbered
