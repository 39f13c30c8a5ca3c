"""Silence in the tool loop: what waits for the person is asked again, or is over.

That is the yes to a deed, or what the model asked them for. Whoever falls silent has not said yes:
what the model planned behind a deed is planned no more.
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
    """What waits for the person's answer."""

    state: LoopState
    question: str
    deed: str
    """That waits for their yes, in words; none where the model asked them for something."""
    language: str
    times: SilenceTimes
    label: Label
    """Of the words that it is asked in."""
    until: int | None = None
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
            text = sentence(self.language, "silence.reminder", question=self.question)
            state = self.state.model_copy(update={"reminded": command.reminders})
            changes = [Silent(reminders=command.reminders)]
            return After(changes, text, state.model_dump_json())
        text = sentence(self.language, "silence.put_down")
        if self.deed:
            if not journal.withdraw_approval(connection, self.state.approval_id):
                raise Conflict("approval.decided")
            text = sentence(self.language, "silence.put_down_undone", titles=self.deed)
        return After([Silent(ended=True)], text, LoopState().model_dump_json())


def loop_question(
    connection: Connection,
    who: Principal,
    tools: Iterable[Tool],
    path: Sequence[sessions.StoredMessage],
    kept: str,
    language: str,
    times: SilenceTimes,
) -> LoopQuestion | None:
    """What a conversation of `who` waits for, which stands as `kept` after the last of `path`.

    None where nothing or somebody else is waited for, it is decided, the agent has not got the
    tool any more, a guard of its pack kept the model's question back, or a person answered it.
    """
    state, head = read_state(kept), path[-1]
    label = Label(integrity=head.integrity, sources=frozenset({head.id}))
    if state.asks and not head.state:  # a person has spoken with them since
        return None
    if state.asks:
        ours = (one.message.text for one in path if one.message.role == "assistant")
        was_shown = any(state.asks in text for text in ours)
        return LoopQuestion(state, state.asks, "", language, times, label) if was_shown else None
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
    shown, deed = sentence(language, "loop.confirm", **words), words["deed"].rstrip(".。")
    return LoopQuestion(state, shown, deed, language, times, label, asked.expires_at)
