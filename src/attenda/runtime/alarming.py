"""A pack's alarms in what is said while people have a conversation, or nobody has it yet.

The pack's own first look is taken as in a turn of the bot's, and so is the flow that it begins: its
tools in our database are called, once for each message. What that flow would say or ask beyond its
fixed words is left to people, and where the dialogue stands does not change.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from attenda.core.command import Command, StartFlow
from attenda.core.label import Label
from attenda.core.principal import Principal
from attenda.dialogue.flow import words_in
from attenda.dialogue.machine import Given, advance, reduce
from attenda.dialogue.next_step import CallTool, HandOver, Say
from attenda.dialogue.state import DialogueState, replay
from attenda.runtime.choice import always
from attenda.runtime.flow_turn import given_for
from attenda.runtime.pack import OpenPack, Said
from attenda.store import sessions
from attenda.store.database import Connection
from attenda.tools.call import Call

__all__ = ["Alarm", "alarm_in"]

_MOST = 40
"""Steps of one alarm's flow."""
_log = logging.getLogger("attenda.alarms")


@dataclass(frozen=True, slots=True)
class Alarm:
    """What a message raises."""

    words: str
    """What its flow says at once, such as whom to call; may be empty."""
    reason: str
    """For staff: what the flow hands over with."""


def alarm_in(
    connection: Connection,
    pack: OpenPack,
    who: Principal,
    path: Sequence[sessions.StoredMessage],
    now: int,
) -> Alarm | None:
    """The alarm that the last message of a conversation raises, after its tools were called.

    Args:
        connection: of the transaction that keeps the message.
        pack: of the agent.
        who: whose conversation it is.
        path: the conversation; its last message is the person's own.
        now: microseconds since 1970, UTC.
    """
    if pack.pack.first is None:
        return None
    last = path[-1]
    texts = [one.message.text for one in path if one.message.role == "user"]
    given = given_for(who, last.id, texts, now)
    kept = next((one.state for one in reversed(path) if one.state), None)
    state = DialogueState.model_validate_json(kept) if kept else DialogueState()
    label = Label(
        integrity=last.integrity, readers=frozenset({who.id}), sources=frozenset({last.id})
    )
    commands = _look(pack, Said(last.message.text, last.id, label, given, state))
    begun = {one.flow for one in commands if isinstance(one, StartFlow)} & always(pack.pack)
    if not begun:
        return None
    return _carry_out(connection, pack, who, last.session_id, commands, given)


def _look(pack: OpenPack, said: Said) -> Sequence[Command]:
    """What the pack's first look gives; a look that breaks must not lose the message."""
    assert pack.pack.first is not None
    try:
        return pack.pack.first(said)
    except Exception:  # noqa: BLE001 - whatever a pack raises, the message is kept for people
        _log.exception("the first look of the pack %s broke", pack.pack.name)
        return ()


def _carry_out(
    connection: Connection,
    pack: OpenPack,
    who: Principal,
    session_id: str,
    commands: Sequence[Command],
    given: Given,
) -> Alarm:
    """The flow of an alarm from its beginning until it needs somebody."""
    state = replay(DialogueState(), reduce(DialogueState(), commands, pack.book, given))
    assert state.top is not None
    reason = words_in(pack.book.of(state.top).title, given.language)
    said: list[str] = []
    for _ in range(_MOST):
        decision = advance(state, pack.book, given)
        state = replay(state, decision.events)
        match decision.next:
            case Say(text=text):
                said.append(text)
            case CallTool() as step:
                call = Call(
                    session_id=session_id,
                    instance=step.instance,
                    step=step.step,
                    tool=step.tool,
                    arguments=step.arguments,
                    because=step.because,
                    who=who,
                    confirmed=True,
                )
                outcome = pack.executor.perform_within(connection, call)
                if outcome.state != "done":  # people are told all the same
                    break
                state = replay(state, step.done(outcome.result, call.label))
            case HandOver(reason=words):
                reason = words
                break
            case _:
                break
    return Alarm("\n\n".join(said), reason)
