"""What a silence changes: what waits for an answer is asked again, or is over; nothing else is.

Nothing is ever done by it: it sets no slot, confirms nothing and moves no flow.
"""

from collections.abc import Iterator

from attenda.core.command import Silence
from attenda.core.event import DialogueEvent, FlowEnded, Silent
from attenda.dialogue.next_step import AskSlot, AskWhich, AskYesNo
from attenda.dialogue.state import DialogueState

__all__ = ["Question", "after_silence"]

Question = AskSlot | AskYesNo | AskWhich
"""What waits for the person's answer."""


def after_silence(
    state: DialogueState, command: Silence, question: Question | None
) -> Iterator[DialogueEvent]:
    """The events of a silence; none where no question waits for an answer."""
    if question is None:
        return
    if not command.ends:
        if command.reminders > state.reminded:
            yield Silent(reminders=command.reminders)
        return
    yield Silent(ended=True)
    for frame in reversed(state.frames):
        if frame.approval_id:  # that is for somebody else to answer
            return
        yield FlowEnded(instance=frame.instance, outcome="abandoned")
