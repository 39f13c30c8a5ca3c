"""Silence in the tool loop: the yes that a deed waits for is asked for again, or is over.

Whoever falls silent has not said yes: the question is asked no more, and what the model planned
behind it is planned no more.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from attenda.core.command import Silence
from attenda.core.errors import Conflict, NotFound
from attenda.core.event import Event, Silent
from attenda.core.label import Label
from attenda.core.principal import Principal
from attenda.core.silence import SilenceTimes
from attenda.core.words import sentence
from attenda.runtime.loop_confirm import question
from attenda.runtime.loop_state import LoopState, read_state
from attenda.store import journal, sessions
from attenda.store.database import Connection
from attenda.tools.tool import Tool

__all__ = ["After", "LoopQuestion", "loop_question"]


@dataclass(frozen=True, slots=True)
class After:
    """What a silence comes to."""

    changes: Sequence[Event]
    text: str
    """What is said."""
    kept: str
    """Where the conversation stands from then on, as JSON."""


@dataclass(frozen=True, slots=True)
class LoopQuestion:
    """A deed that waits for the yes of the person it would be done for."""

    state: LoopState
    asked: dict[str, str]
    """The deed and its arguments, in words."""
    language: str
    times: SilenceTimes
    label: Label
    """Of the words that it is asked in."""
    until: int
    """When a yes counts no more (µs since 1970, UTC): from then on nobody is reminded of it."""

    @property
    def reminded(self) -> int:
        """How many times they were reminded of it."""
        return self.state.reminded

    def after(self, connection: Connection, command: Silence) -> After:
        """What a silence comes to, within the transaction that says it.

        Raises:
            Conflict: they said yes or no in this moment.
        """
        if not command.ends:
            words = sentence(self.language, "loop.confirm", **self.asked)
            text = sentence(self.language, "silence.reminder", question=words)
            state = self.state.model_copy(update={"reminded": command.reminders})
            changes = [Silent(reminders=command.reminders)]
            return After(changes, text, state.model_dump_json())
        if not journal.withdraw_approval(connection, self.state.approval_id):
            raise Conflict("approval.decided")
        titles = self.asked["deed"].rstrip(".。")
        text = sentence(self.language, "silence.put_down_undone", titles=titles)
        return After([Silent(ended=True)], text, LoopState().model_dump_json())


def loop_question(
    connection: Connection,
    who: Principal,
    tools: Iterable[Tool],
    head: sessions.StoredMessage,
    kept: str,
    language: str,
    times: SilenceTimes,
) -> LoopQuestion | None:
    """The yes that a conversation of `who` waits for, which stands as `kept` at its last message.

    None where nothing or somebody else is waited for, it is decided, or the agent has not got the
    tool any more.
    """
    state = read_state(kept)
    if not (state.steps and state.confirms):
        return None
    try:
        asked = journal.get_approval(connection, who, state.approval_id)
    except NotFound:
        return None
    tool = next((one for one in tools if one.name == asked.tool), None)
    if asked.state != "pending" or tool is None:
        return None
    words = question(tool, state.steps[0], state, language, frozenset(asked.label["sink"]))
    label = Label(integrity=head.integrity, sources=frozenset({head.id}))
    return LoopQuestion(state, words, language, times, label, asked.expires_at)
