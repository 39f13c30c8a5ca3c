"""Memory in a turn: what the person tells is noted, what they ask is said, and answers know it.

Notes become facts with the answer, in one transaction; an answer that is taken back keeps nothing.
"""

from collections.abc import Iterator, Sequence

from attenda.core.command import Recall, Remember
from attenda.core.errors import UserError
from attenda.core.event import DialogueEvent, Remembered, SlotSet
from attenda.core.label import Label, Labelled
from attenda.core.words import sentence
from attenda.dialogue.book import FlowBook
from attenda.dialogue.machine import Given
from attenda.dialogue.remember import fact_of
from attenda.dialogue.state import DialogueState
from attenda.knowledge import memory
from attenda.runtime.agent import Agent
from attenda.runtime.recorder import Recorder
from attenda.runtime.reply import prompt
from attenda.store.facts import Fact

__all__ = ["answer_about_memory", "slots_to_remember", "with_memory"]


def with_memory(agent: Agent, known: Sequence[Fact]) -> Agent:
    """The agent as it words answers for somebody of whom it knows something."""
    if not known:
        return agent
    parts = (agent.instructions, prompt("memory"), memory.context_of(known))
    return agent.model_copy(update={"instructions": "\n".join(one for one in parts if one)})


def answer_about_memory(
    recorder: Recorder,
    known: Sequence[Fact] | None,
    said: Remember | Recall,
    label: Label,
    language: str,
) -> None:
    """Note what is told, or say what is known.

    Args:
        recorder: of the run.
        known: what is remembered of the person; None of a visitor, who could not see it.
        said: what they want.
        label: of the message in which they said it.
        language: that they write.
    """
    if known is None:
        recorder.write(sentence(language, "memory.not_here"))
        return
    if isinstance(said, Recall):
        listed = "".join(f"\n- {one.text}" for one in known)
        key = "memory.known" if known else "memory.nothing"
        recorder.write(sentence(language, key, listed=listed))
        return
    try:
        text = memory.checked_text(said.text)
        if len(known) >= memory.MOST_FACTS:
            raise UserError("memory.full", most=memory.MOST_FACTS)
    except UserError as problem:
        recorder.write(problem.text(language))
        return
    (message_id,) = label.sources
    fact = Labelled(value=text, label=label)
    recorder.jot(Remembered(message_id=message_id, fact=fact))
    recorder.write(sentence(language, "memory.kept", text=text))


def slots_to_remember(
    events: Sequence[DialogueEvent], state: DialogueState, book: FlowBook, pack: str, given: Given
) -> Iterator[Remembered]:
    """Facts of slots that a flow remembers, where the person themselves said the value.

    What they said has their message as its one source; what was offered from memory has more.
    """
    frames = {frame.instance: frame for frame in state.frames}
    for event in events:
        if not isinstance(event, SlotSet) or event.instance not in frames:
            continue
        slot, sources = book.of(frames[event.instance]).slots[event.slot], event.value.label.sources
        if not slot.remember or len(sources) != 1:
            continue
        fact = fact_of(slot, event.value, event.words, given.names)
        if fact is not None:
            (message_id,) = sources
            yield Remembered(message_id=message_id, pack=pack, name=event.slot, fact=fact)
