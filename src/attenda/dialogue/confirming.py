"""What a message says to a question of yes or no: a yes, a no, another value, or a moment more.

A yes can set off a deed: one that names something else than what it is asked for is none.
"""

import re
from collections.abc import Sequence

from attenda.core.command import Affirm, Another, Command, NotUnderstood, Refuse, SetSlot, Wait
from attenda.dialogue.book import FlowBook
from attenda.dialogue.expression import fill, value_of
from attenda.dialogue.extract_another import another_wanted
from attenda.dialogue.extract_answers import yes_or_no
from attenda.dialogue.extract_other import names_another
from attenda.dialogue.extract_pause import ends_in_waiting
from attenda.dialogue.flow import CollectStep, ConfirmStep, Instruction, Slot
from attenda.dialogue.state import DialogueState

__all__ = ["answer_to"]


def answer_to(
    text: str,
    state: DialogueState,
    asked: Instruction | None,
    named: Sequence[SetSlot],
    book: FlowBook,
) -> list[Command]:
    """What a message says to what is asked, if anything.

    Args:
        text: of the message.
        state: where the dialogue stands, with a flow under way.
        asked: the step that waits for the answer.
        named: the values that the message gives slots.
        book: of the flows.
    """
    if ends_in_waiting(text):
        return [Wait()]
    if not isinstance(asked, ConfirmStep):
        said = yes_or_no(text)
        return _answered(said.value, named, state) if said else []
    agreeing = [word for words in asked.agree.values() for word in words]
    said = yes_or_no(text, agreeing)
    if not named and not (said and said.value):
        other = another_wanted(text, _told(state, book))
        if other:
            return [Another(slot=other)]
    if said is None:
        return []
    if said.value and _is_of_another(text, asked, named, state):
        return [NotUnderstood()]
    if not said.value and f"+{_verb(said.words)}" in agreeing:
        return [Wait()]  # "cancel it" where a cancelling is asked about: yes or no? It is put again
    return _answered(said.value, named, state)


def _told(state: DialogueState, book: FlowBook) -> dict[str, Slot]:
    """The slots of the newest flow that have a value, in the order in which they are asked for."""
    assert state.top is not None
    flow = book.of(state.top)
    asked = [step.collect for step in flow.instructions if isinstance(step, CollectStep)]
    return {name: flow.slots[name] for name in asked if name in state.top.values}


def _is_of_another(
    text: str, asked: ConfirmStep, named: Sequence[SetSlot], state: DialogueState
) -> bool:
    """Whether a yes names something that is not what it is asked for."""
    assert state.top is not None
    values = state.top.values
    left = text
    for one in named:
        left = left.replace(one.words, " ")
    told = "\n".join(fill(words, values)[0] for words in asked.confirm.values())
    known = "\n".join(str(one.value) for one in values.values() if isinstance(one.value, str))
    others = value_of(asked.others, values).value if asked.others else None
    names = [str(one) for one in others] if isinstance(others, list) else []
    return names_another(left, told, known, names)


def _verb(words: str) -> str:
    """What a no says, without what stands behind a verb: "cancel it", 取消吧."""
    return re.sub(r"\s+(?:it|that)$|[吧了]$", "", words.strip().lower())


def _answered(yes: bool, named: Sequence[SetSlot], state: DialogueState) -> list[Command]:
    """A yes or a no, with other values in the same breath.

    A value that comes with a yes voids it where it is another one; a no with another value is a
    correction.
    """
    known = state.top.values if state.top else {}
    other = [
        one for one in named if one.slot not in known or known[one.slot].value != one.value.value
    ]
    if yes:
        return [Affirm(), *other]
    return [*other] if other else [Refuse()]
