"""Who answers a message: the documents, flows, or a model that chooses tools itself."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from attenda.core.command import StartFlow
from attenda.core.errors import UserError
from attenda.core.event import Noticed
from attenda.core.label import Label
from attenda.core.message import Message
from attenda.core.ports import Usage
from attenda.core.principal import Principal
from attenda.dialogue.flow import words_in
from attenda.dialogue.state import DialogueState
from attenda.knowledge import memory
from attenda.runtime.agent import Agent
from attenda.runtime.answering import Answering
from attenda.runtime.bounds import Meter
from attenda.runtime.choice import alarms_of, begins, tools_of
from attenda.runtime.converse import Converser
from attenda.runtime.flow_turn import FlowTurn, given_for
from attenda.runtime.forms import Forms
from attenda.runtime.guarding import Guarding
from attenda.runtime.loop_reader import Reader
from attenda.runtime.loop_state import read_state
from attenda.runtime.loop_tools import Offered, hidden_answers
from attenda.runtime.loop_voice import Voice
from attenda.runtime.pack import OpenPack
from attenda.runtime.plain_turn import PlainTurn
from attenda.runtime.recorder import Recorder
from attenda.runtime.toolloop import ToolLoop
from attenda.store import documents, journal, sessions
from attenda.store.database import Database
from attenda.store.facts import Fact
from attenda.store.stamps import Stamps
from attenda.tools.policy import Budget

__all__ = ["Answerers", "Asked", "Taking"]


class Taking(Protocol):
    """One turn being taken; what it leaves behind can be read whenever it ends."""

    async def take(self) -> None:
        """Answer."""
        ...

    @property
    def usage(self) -> Usage:
        """Tokens so far."""
        ...

    @property
    def kept(self) -> str | None:
        """Where it stands, as JSON to be hung on the answer."""
        ...

    @property
    def handed_off_for(self) -> str | None:
        """Why a person must take over; none if none must."""
        ...

    @property
    def alarm_in(self) -> str:
        """Id of the message in which somebody may be in danger, for whom a person is to come."""
        ...

    @property
    def answer_label(self) -> Label | None:
        """What the answer was made from; none leaves it untrusted."""
        ...


@dataclass(frozen=True, slots=True)
class Asked:
    """A message to answer, and where the answer is written."""

    recorder: Recorder
    who: Principal
    agent: Agent
    model: Meter
    path: Sequence[sessions.StoredMessage]
    """The conversation on its branch; what is to be answered stands last."""
    known: Sequence[Fact] = ()
    """What is remembered of who asks."""

    @property
    def history(self) -> list[Message]:
        """The messages that stand."""
        return [one.message for one in self.path if one.status != "withdrawn"]

    def last_state(self) -> str | None:
        """Where this branch of the conversation was left."""
        return next((one.state for one in reversed(self.path) if one.state), None)


class Answerers:
    """Opens turns."""

    def __init__(
        self,
        database: Database,
        stamps: Stamps,
        answering: Answering,
        packs: Mapping[str, OpenPack],
        forms: Forms,
        passing: Callable[[str], None],
    ) -> None:
        """`passing` is told of each point passed that a crash test may end the process at."""
        self._database = database
        self._stamps = stamps
        self._answering = answering
        self._packs = packs
        self._forms = forms
        self._passing = passing

    async def open(self, asked: Asked) -> Taking:
        """The turn that answers.

        Raises:
            UserError: the agent's pack is not at work here.
        """
        agent = asked.agent
        if agent.pack and agent.pack not in self._packs:
            raise UserError("pack.shut", name=agent.pack)
        pack = self._packs.get(agent.pack)
        if pack is not None and pack.pack.notice and len(asked.path) == 1:
            text = words_in(dict(pack.pack.notice), asked.who.language)
            asked.recorder.jot(Noticed(pack=pack.pack.name, text=text))
        if agent.mode == "loop":
            alarm = await self._alarm(asked, pack) if pack else None
            taking: Taking = alarm or await self._loop(asked, pack)
        elif pack is not None:
            taking = await self._flows(asked, pack)
        else:
            return _Plain(asked, self._answering)
        self._passing("turn.loaded")
        return taking

    async def _alarm(self, asked: Asked, pack: OpenPack) -> FlowTurn | None:
        """The flow of an alarm, where the pack's own first look begins one.

        A red flag is looked at in code before any model, whoever chooses the tools.
        """
        if pack.pack.first is None or asked.path[-1].message.role != "user":
            return None
        turn = await self._flows(asked, pack)
        begun = {one.flow for one in pack.pack.first(turn.said()) if isinstance(one, StartFlow)}
        return turn if begun & alarms_of(pack.pack, pack.book.current) else None

    async def _flows(self, asked: Asked, pack: OpenPack) -> FlowTurn:
        """The dialogue where this branch of the conversation, and people since, left it."""
        kept = asked.last_state() if asked.agent.mode == "flows" else None
        state = DialogueState.model_validate_json(kept) if kept else DialogueState()
        said = [one.message.text for one in asked.path if one.message.role == "user"]
        now = self._stamps.now()
        facts = memory.facts_for_slots(asked.known, pack.pack.name)
        given = given_for(asked.who, asked.path[-1].id, said, now, facts)
        dialogue = Converser(pack, asked.recorder, asked.who, given, state, known=asked.known)
        dialogue.ask = partial(self._forms.ask, asked.recorder)
        awaited = state.top.approval_id if state.top else ""
        decided = awaited and not await self._database.read(
            lambda c: journal.is_pending(c, awaited, now)
        )
        dialogue.catch_up(decided=bool(decided))
        guarding = _guarding(asked, pack, given.language)
        turn = FlowTurn(
            dialogue, self._answering, asked.agent, asked.model, asked.history, guarding
        )
        turn.begins = begins(pack, asked.agent)
        return turn

    async def _loop(self, asked: Asked, pack: OpenPack | None) -> ToolLoop:
        """The tool loop, from what waited on this branch or anew."""
        said = [one.message.text for one in asked.path if one.message.role == "user"]
        counts = await self._database.read(lambda c: documents.count_documents(c, asked.who))
        without = [] if counts.get("ready") else ["search_documents"]
        without += [] if hidden_answers(asked.path) else ["earlier_answers"]
        language = given_for(asked.who, "", said, 0).language
        guarding = _guarding(asked, pack, language)
        return ToolLoop(
            reader=Reader(
                asked.model, asked.recorder, asked.who, asked.agent, self._answering, guarding
            ),
            offered=Offered(tools_of(pack, asked.agent) if pack else (), without),
            executor=pack.executor if pack else None,
            budget=pack.executor.budget if pack else Budget(),
            voice=Voice(asked.recorder, language, guarding),
            clock=self._stamps.now,
            passing=self._passing,
            state=read_state(asked.last_state()).model_copy(update={"reminded": 0, "asks": ""}),
            ask=partial(self._forms.ask, asked.recorder),
            path=asked.path,
        )


def _guarding(asked: Asked, pack: OpenPack | None, language: str) -> Guarding:
    recorder = asked.recorder
    return Guarding(pack, recorder, asked.who, recorder.session_id, language)


@dataclass
class _Plain:
    """An agent without flows answers from the documents, or plainly."""

    asked: Asked
    answering: Answering
    usage: Usage = Usage()
    kept: str | None = None
    handed_off_for: str | None = None
    alarm_in: str = ""
    answer_label: Label | None = None

    async def take(self) -> None:
        """Answer."""
        asked = self.asked
        turn = PlainTurn(
            asked.recorder, self.answering, asked.who, asked.agent, asked.model, asked.known
        )
        self.usage = await turn.take(asked.history, asked.path[-1].id)
