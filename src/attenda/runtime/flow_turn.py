"""A turn of an agent with flows: perceive, then decide and act; the documents answer in between.

A question in the middle of a flow is answered from the documents, and the flow goes on where it
stood. Neither documents nor results of tools take part in understanding what the person wants.
"""

import datetime
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from pydantic import JsonValue

from attenda.core.command import AskDocuments, Command, NotUnderstood, StartFlow
from attenda.core.label import SYSTEM, Label, Labelled, said_by
from attenda.core.message import Message, text_message
from attenda.core.ports import Usage
from attenda.core.principal import Principal
from attenda.dialogue.machine import Given
from attenda.runtime.agent import Agent
from attenda.runtime.answering import Answering, question_of
from attenda.runtime.bounds import Meter
from attenda.runtime.choice import alarms_of
from attenda.runtime.converse import Converser
from attenda.runtime.guarding import Guarding
from attenda.runtime.pack import Said
from attenda.runtime.reply import WORD

__all__ = ["FlowTurn", "given_for", "language_spoken"]

_HAN = re.compile("[\u3400-\u9fff]")
_PHRASE, _SENTENCE = 2, 4
"""Words that show English; so many of them beside a number where Chinese was spoken before."""


def given_for(
    who: Principal,
    message_id: str,
    said: Sequence[str],
    now: int,
    facts: Mapping[str, Labelled] = MappingProxyType({}),
) -> Given:
    """What flows may know besides what is said: the day, the time, who asks, what is remembered.

    `said` is all that the person wrote, in order: it tells their language.
    """
    own = Label(integrity="system", readers=frozenset({who.id}))
    theirs = said_by(who.id, message_id)
    words: JsonValue = {"id": message_id, "text": said[-1] if said else ""}
    language = language_spoken(said)
    moment = datetime.datetime.fromtimestamp(now / 1_000_000, datetime.UTC)
    names = {
        "today": Labelled(value=moment.date().isoformat(), label=SYSTEM),
        "now": Labelled(value=moment.strftime("%H:%M"), label=SYSTEM),
        "message": Labelled(value=words, label=theirs),
        "language": Labelled(value=language, label=SYSTEM),
        "user": Labelled(value={"id": who.id, "name": who.name, "role": who.kind}, label=own),
    }
    return Given(message_id, language, names, facts)


def language_spoken(said: Sequence[str]) -> str:
    """The language of the newest message that shows one; a number or an address shows none.

    Who writes Chinese also answers “68 so easy”: beside a number it takes a sentence to go over.
    """
    chinese = any(map(_HAN.search, said))
    for text in reversed(said):
        if _HAN.search(text):
            return "zh-CN"
        needed = _SENTENCE if chinese and re.search(r"(?<![\w-])\d", text) else _PHRASE
        if len(WORD.findall(text)) >= needed:
            return "en"
    return "en"


@dataclass(slots=True)
class FlowTurn:
    """One turn."""

    dialogue: Converser
    answering: Answering
    agent: Agent
    model: Meter
    history: Sequence[Message]
    guarding: Guarding
    usage: Usage = Usage()
    begins: frozenset[str] | None = None
    """Flows that the agent may begin; none is all."""

    @property
    def kept(self) -> str:
        """Where the dialogue stands, as JSON."""
        return self.dialogue.state.model_dump_json()

    @property
    def handed_off_for(self) -> str | None:
        """Why a person must take over; none if none must."""
        dialogue = self.dialogue
        return dialogue.handed_off_for if dialogue.state.handed_off else None

    @property
    def alarm_in(self) -> str:
        """Id of the message whose alarm a person is called for."""
        return self.dialogue.alarm_in

    @property
    def answer_label(self) -> Label | None:
        """Nothing is known of what the answer was made from."""
        return None

    async def take(self) -> None:
        """Answer the last message of the history; or go on, where it is the agent's own."""
        dialogue, history = self.dialogue, self.history
        dialogue.look_up = self._look_up
        if history[-1].role == "assistant":
            await dialogue.take(())
            return
        commands = self._within(await dialogue.pack.understand(self.said())) or [NotUnderstood()]
        if any(isinstance(one, NotUnderstood | AskDocuments) for one in commands):
            answered = await self._from_documents(
                history, insists=not isinstance(commands[0], NotUnderstood)
            )
            if answered:
                commands = [one for one in commands if not isinstance(one, NotUnderstood)]
        await dialogue.take(commands)

    def said(self) -> Said:
        """The message that is to be understood, and where it was said."""
        dialogue, given = self.dialogue, self.dialogue.given
        text = self.history[-1].text
        label = dialogue.message_label
        return Said(text, given.message_id, label, given, dialogue.state, self.model, self.begins)

    def _within(self, commands: Sequence[Command]) -> Sequence[Command]:
        """What is wanted, up to a flow that the agent does not have; alarms it has always."""
        if self.begins is None:
            return commands
        pack = self.dialogue.pack
        able = self.begins | alarms_of(pack.pack, pack.book.current)
        for place, one in enumerate(commands):
            if isinstance(one, StartFlow) and one.flow not in able:
                return commands[:place]
        return commands

    async def _from_documents(self, history: Sequence[Message], *, insists: bool) -> bool:
        """Answer from the documents, if they can; who `insists` is told that they can't."""
        recorder, who = self.dialogue.recorder, self.dialogue.who
        query = question_of(history)
        ranked = await self.answering.find(recorder, who, self.agent, query)
        if ranked is None:
            return False
        if not insists and not await self.answering.answers(who, query, ranked):
            return False
        async with self.guarding.pen() as pen:
            self.usage += await self.answering.respond(
                pen, who, self.agent, self.model, history, ranked
            )
        return True

    async def _look_up(self, query: str) -> None:
        """Answer what a flow looks for, where the flow stands; what it says next comes after."""
        if self.dialogue.recorder.length:
            self.dialogue.recorder.write("\n\n")
        await self._from_documents([text_message("user", query)], insists=True)
