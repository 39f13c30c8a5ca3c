"""A turn of an agent without flows: it answers from the documents, or plainly, or of its memory."""

from collections.abc import Sequence
from dataclasses import dataclass

from attenda.core.label import said_by
from attenda.core.message import Message
from attenda.core.ports import ChatModel, Usage
from attenda.core.principal import Principal
from attenda.dialogue.remember import told_to_remember
from attenda.runtime.agent import Agent
from attenda.runtime.answering import Answering, question_of
from attenda.runtime.recorder import Recorder
from attenda.runtime.remembering import answer_about_memory
from attenda.runtime.reply import language_of
from attenda.store.facts import Fact

__all__ = ["PlainTurn"]


@dataclass(frozen=True, slots=True)
class PlainTurn:
    """One turn."""

    recorder: Recorder
    answering: Answering
    who: Principal
    agent: Agent
    model: ChatModel
    known: Sequence[Fact]
    """What is remembered of the person."""

    async def take(self, history: Sequence[Message], message_id: str) -> Usage:
        """Answer the last message of `history`, which has this id."""
        recorder, who, asked = self.recorder, self.who, history[-1]
        said = told_to_remember(asked.text) if asked.role == "user" else None
        if said is not None:
            label = said_by(who.id, message_id)
            language = "zh-CN" if language_of(asked.text) == "zh" else "en"
            known = None if who.role is None else self.known
            answer_about_memory(recorder, known, said, label, language)
            return Usage()
        ranked = await self.answering.find(recorder, who, self.agent, question_of(history))
        return await self.answering.respond(recorder, who, self.agent, self.model, history, ranked)
