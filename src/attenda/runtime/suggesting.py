"""A suggested reply for the person who answers: from the documents, cited, or the flow's question.

It is a draft and no message. What it rests on, both the customer and the person may read.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from attenda.core.errors import NotFound, OperatorError, Unauthenticated
from attenda.core.event import Cited, Event
from attenda.core.label import Label, join
from attenda.core.message import Citation, CitationPart, Message, TextPart, text_message
from attenda.core.ports import ChatModel, Usage
from attenda.core.principal import Principal
from attenda.knowledge.search import Ranked
from attenda.runtime.agent import DEFAULT_AGENT, Agent, agent_of
from attenda.runtime.answering import Answering, question_of
from attenda.runtime.bounds import Meter
from attenda.runtime.handoff import open_question
from attenda.runtime.house import House
from attenda.store import desk, passages, quota, sessions, suggestions, visitors
from attenda.store.database import Connection
from attenda.store.suggestions import Suggestion

__all__ = ["Suggesting", "label_of_draft", "message_of_draft"]


@dataclass
class _Draft:
    """Takes down an answer that nobody is shown while it is written."""

    pieces: list[str] = field(default_factory=list)
    citations: list[Citation] = field(default_factory=list)

    @property
    def length(self) -> int:
        return sum(map(len, self.pieces))

    def write(self, text: str) -> None:
        self.pieces.append(text)

    async def note(self, *events: Event) -> None:
        self.citations += [event.citation for event in events if isinstance(event, Cited)]


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a draft is made for."""

    customer: Principal | None
    """None where they are gone."""
    agent: Agent
    said: tuple[Message, ...]
    """The customer's messages."""
    question: str
    """Of the flow that waits."""


@dataclass(frozen=True, slots=True)
class Suggesting:
    """Drafts replies."""

    house: House

    async def suggest(self, who: Principal, session_id: str) -> Suggestion | None:
        """A draft for `who` to edit and send; none where nothing answers and nothing is open.

        Raises:
            NotFound: the session is not on their desk.
            Denied: the day's tokens of `who` are used up.
            ModelError: the model failed.
        """
        database, stamps = self.house.database, self.house.stamps
        asked = await database.read(lambda c: self._load(c, who, session_id))
        draft, usage = await self._from_documents(who, asked)
        words = "".join(draft.pieces).strip() if draft.citations else ""
        text = "\n\n".join(part for part in (words, asked.question) if part)

        def keep(connection: Connection) -> Suggestion | None:
            quota.spend(connection, who.id, stamps.now(), usage)
            if not text:
                return None
            return suggestions.keep_suggestion(
                connection, stamps, who, session_id, text, draft.citations
            )

        return await database.write(keep)

    def _load(self, connection: Connection, who: Principal, session_id: str) -> _Asked:
        session = desk.desk_session(connection, who, session_id)
        quota.check(connection, who, self.house.stamps.now())
        tree = sessions.message_tree(connection, session_id)
        path = sessions.message_path(tree, session.head_id)
        said = tuple(one.message for one in path if one.message.role == "user")
        question = open_question(self.house, connection, session)
        try:
            customer = visitors.owner_of(connection, session_id)
            agent = agent_of(connection, customer, session_id)
        except (Unauthenticated, NotFound):
            return _Asked(None, DEFAULT_AGENT, said, question)
        return _Asked(customer, agent, said, question)

    async def _from_documents(self, who: Principal, asked: _Asked) -> tuple[_Draft, Usage]:
        house, draft, customer = self.house, _Draft(), asked.customer
        if customer is None or not asked.said:
            return draft, Usage()
        answering = Answering(house.database, house.searcher, house.embedder)
        query = question_of(asked.said)
        ranked = await answering.find(draft, customer, asked.agent, query) or []
        shared = await house.database.read(lambda c: _shared(c, who, ranked))
        if not shared or not await answering.answers(customer, query, shared):
            return draft, Usage()
        model = self._model(asked.agent)
        meter = Meter(model, who, house.runs.allowance) if model else None
        await answering.word(draft, asked.agent, meter, query, shared)
        return draft, meter.unstored if meter else Usage()

    def _model(self, agent: Agent) -> ChatModel | None:
        """The agent's model; none where it isn't here: then the documents speak for themselves."""
        try:
            return self.house.models.chat(agent.model)
        except (NotFound, OperatorError):
            return None


def _shared(connection: Connection, who: Principal, ranked: Sequence[Ranked]) -> list[Ranked]:
    """What the person may read, too, of what the customer may."""
    numbers = [one.passage.number for one in ranked]
    theirs = {one.number for one in passages.fetch_passages(connection, who, numbers)}
    return [one for one in ranked if one.passage.number in theirs]


def message_of_draft(text: str, draft: Suggestion) -> tuple[Message, str]:
    """The message that a person made of a draft, and whether it is `suggested` or `edited`.

    A citation goes along where its marker still stands.
    """
    kept = {int(number) for number in re.findall(r"\[(\d+)\]", text)}
    cited = [CitationPart(citation=one) for one in draft.citations if one.n in kept]
    outcome = "suggested" if text == draft.text.strip() else "edited"
    if not cited:
        return text_message("assistant", text), outcome
    return Message(role="assistant", parts=(TextPart(text=text), *cited)), outcome


def label_of_draft(label: Label, draft: Suggestion) -> Label:
    """The label of words that rest on a draft: documents are not trusted, edited or not."""
    if not draft.citations:
        return label
    sources = frozenset({one.passage_id for one in draft.citations})
    return join(label, Label(integrity="untrusted", readers=label.readers, sources=sources))
