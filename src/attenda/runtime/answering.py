"""Answers from the documents: what is found, whether it answers, and the words for it."""

from collections.abc import Sequence

from attenda.core.event import Found, Searched
from attenda.core.message import Message
from attenda.core.ports import ChatModel, Embedder, Usage
from attenda.core.principal import Principal
from attenda.knowledge import cite
from attenda.knowledge.search import Ranked, Searcher
from attenda.runtime import reply
from attenda.runtime.agent import Agent
from attenda.runtime.recorder import Pen
from attenda.store import documents, passages
from attenda.store.database import Database

__all__ = ["Answering", "question_of"]

_PASSAGES = 8


class Answering:
    """Finds passages and answers from them."""

    def __init__(self, database: Database, searcher: Searcher, embedder: Embedder | None) -> None:
        self._database, self._searcher, self._embedder = database, searcher, embedder

    async def find(
        self, recorder: Pen, who: Principal, agent: Agent, query: str
    ) -> list[Ranked] | None:
        """Passages for a question, best first; nothing when there are none to search."""
        counts = await self._database.read(lambda c: documents.count_documents(c, who))
        if not counts.get("ready"):
            return None
        ranked = await self._searcher.search(
            who, query, _PASSAGES, collection_ids=agent.collection_ids
        )
        whole = await self._searcher.whole_collection(
            who, query, collection_ids=agent.collection_ids
        )
        if whole is not None:  # all of it fits: what ranked too low to be found goes in as well
            numbers = {one.passage.number for one in ranked}
            ranked += [one for one in whole if one.passage.number not in numbers]
        found = tuple(one.found() for one in ranked)
        await recorder.note(Searched(query=query, passages=found))
        return ranked

    async def respond(
        self,
        recorder: Pen,
        who: Principal,
        agent: Agent,
        model: ChatModel,
        history: Sequence[Message],
        ranked: Sequence[Ranked] | None,
    ) -> Usage:
        """Answer the last question: from passages, or plainly where nothing can be searched."""
        if ranked is None:
            return await reply.answer_plainly(recorder, model, agent, history)
        query = question_of(history)
        found = [one.found() for one in ranked]
        if not await self.answers(who, query, ranked):
            await reply.say_nothing_found(recorder, query, found)
            return Usage()
        return await self.word(recorder, agent, model, query, ranked)

    async def word(
        self,
        recorder: Pen,
        agent: Agent,
        model: ChatModel | None,
        query: str,
        ranked: Sequence[Ranked],
    ) -> Usage:
        """Answer from passages that can; without a model in their own words."""
        found = [one.found() for one in ranked]
        return await reply.answer_from_documents(
            recorder, model, self._embedder, agent, query, found
        )

    async def answers(self, who: Principal, query: str, ranked: Sequence[Ranked]) -> bool:
        """Whether the passages can answer."""
        terms = cite.telling_terms(query)
        rarity, size = await self._database.read(lambda c: passages.term_rarity(c, terms, who))
        found: list[Found] = [one.found() for one in ranked]
        return cite.answerable(query, found, [one.cosine for one in ranked], rarity, size)


def question_of(history: Sequence[Message]) -> str:
    """What is asked: the last message, with the one before it when it is too short to stand."""
    asked = [message.text for message in history if message.role == "user"]
    if len(asked) > 1 and len(cite.telling_terms(asked[-1])) < 2:
        return f"{asked[-2]}\n{asked[-1]}"
    return asked[-1]
