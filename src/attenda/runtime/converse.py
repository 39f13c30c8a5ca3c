"""A turn with flows: what was understood changes the state, and each next thing is carried out.

Decide and act take turns until the person is needed again, a person must approve, or nothing is
under way. What happens is noted in the run's log as it happens.
"""

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from attenda.core.command import Cancel, Command, Recall, Remember, Wait
from attenda.core.errors import UserError
from attenda.core.event import (
    Called,
    Cited,
    DialogueEvent,
    FlowEnded,
    FlowMoved,
    HandedBack,
    HandedOff,
    Silent,
    TooLate,
    Understood,
)
from attenda.core.label import Label, said_by
from attenda.core.message import Citation
from attenda.core.principal import Principal
from attenda.core.words import sentence
from attenda.dialogue.book import FlowBook
from attenda.dialogue.extract_answers import yes_or_no
from attenda.dialogue.flow import words_in
from attenda.dialogue.machine import Given, advance, reduce
from attenda.dialogue.next_step import (
    AskSlot,
    AskWhich,
    AskYesNo,
    Await,
    CallTool,
    HandOver,
    Next,
    Say,
    SearchFor,
)
from attenda.dialogue.state import DialogueState, replay
from attenda.runtime.choice import always
from attenda.runtime.pack import OpenPack
from attenda.runtime.recorder import Recorder
from attenda.runtime.rehearsed import told_instead
from attenda.runtime.remembering import answer_about_memory, slots_to_remember
from attenda.store.facts import Fact
from attenda.tools.call import Call, Outcome
from attenda.tools.tool import Ask

__all__ = ["Converser", "MOST_DEEDS", "which_words"]

_ENDED = {
    "refused": "dialogue.refused",
    "cancelled": "dialogue.cancelled",
    "failed": "dialogue.failed",
}
_HANDED_OFF = {
    "asked": "dialogue.handed_off_asked",
    "unclear": "dialogue.handed_off_unclear",
}

_MARKER = re.compile(r"\[(\d{1,3})\]")

MOST_DEEDS = 40
"""Things done in one turn; a flow that would do more is stopped before the next.

So is one whose turn has taken longer than the budget allows, and a yes goes on there.
"""


@dataclass
class Converser:
    """One turn of one session."""

    pack: OpenPack
    recorder: Recorder
    who: Principal
    given: Given
    state: DialogueState
    ask: Ask | None = None
    """Asks the person a question of somebody else's program."""
    look_up: Callable[[str], Awaitable[None]] | None = None
    """Answers from the documents what a flow looks for."""
    handed_off_for: str = ""
    """Why a person must take over."""
    alarm_in: str = ""
    """Id of the message for whose alarm they must."""
    known: Sequence[Fact] = ()
    """What is remembered of the person."""

    @property
    def message_label(self) -> Label:
        """The label of what the person says in this turn."""
        return said_by(self.who.id, self.given.message_id)

    async def take(self, commands: Sequence[Command]) -> DialogueState:
        """Take what the person wants, and go on until they are needed again; the state then."""
        before = self.state
        for one in commands:
            if isinstance(one, Remember | Recall):
                label, language = self.message_label, self.given.language
                known = None if self.who.role is None else self.known
                answer_about_memory(self.recorder, known, one, label, language)
        events = reduce(self.state, self._answered(commands), self.pack.book, self.given)
        self.note(events)
        for event in events:
            self._answer_to(before, event)
        await self._go_on(before)
        if not self.recorder.length:
            self._tell("dialogue.anything_else")
        return self.state

    def _answered(self, commands: Sequence[Command]) -> Sequence[Command]:
        """What a bare yes or no means to a flow that was stopped before something it would do."""
        words = self.given.names["message"].value
        said = yes_or_no(str(words["text"])) if isinstance(words, dict) else None
        if said is None or not commands or not all(isinstance(one, Wait) for one in commands):
            return commands
        if not isinstance(self._pending(), CallTool | SearchFor):
            return commands
        self.note([Understood()])
        return () if said.value else [Cancel()]

    def _pending(self) -> Next:
        """What comes next where all is clear."""
        clear = replay(self.state, [Understood()])
        return advance(clear, self.pack.book, self.given).next

    async def _go_on(self, before: DialogueState) -> None:
        """Do one thing after the other until the person is needed, or bounds are reached."""
        executor = self.pack.executor
        until = executor.now() + executor.budget.seconds * 1_000_000
        for _ in range(MOST_DEEDS):
            decision = advance(self.state, self.pack.book, self.given)
            self.note(decision.events)
            for event in decision.events:
                self._answer_to(before, event)
            if isinstance(decision.next, CallTool | SearchFor) and executor.now() > until:
                break
            if not await self._carry_out(decision.next):
                return
        self._tell("dialogue.too_long")

    def catch_up(self, *, decided: bool) -> None:
        """What people did meanwhile: gave the session back, or `decided` what a flow waits for."""
        if self.state.reminded:
            self.note([Silent()])
        if self.state.handed_off:  # it is the agent's again, or there were no turn
            self.note([HandedBack()])
        top = self.state.top
        if decided and top is not None:
            self.note([FlowMoved(instance=top.instance, at=top.at)])

    async def _carry_out(self, step: Next) -> bool:
        """Do one thing; whether the turn goes on."""
        match step:
            case Say(text=text, cites=cites):
                await self._say_citing(text, cites)
                return True
            case AskSlot(text=text) | AskYesNo(text=text):
                self._say(text)
            case AskWhich(flows=flows):
                self._ask_which(flows)
            case Await():
                self._tell("dialogue.waits_for_approval")
            case CallTool():
                return await self._call(step)
            case SearchFor(instance=instance, query=query, after=after):
                if self.look_up is not None:
                    await self.look_up(query)
                self.note([FlowMoved(instance=instance, at=after)])
                return True
            case HandOver(instance=instance, reason=reason, after=after):
                self._say(reason)
                ends = {one.flow for one in self.state.frames if one.instance == instance}
                if ends & always(self.pack.pack):
                    self.alarm_in = self.given.message_id
                moved = FlowMoved(instance=instance, at=after)
                self.note([moved, HandedOff(reason=reason)])
        return False

    async def _call(self, step: CallTool) -> bool:
        call = Call(
            session_id=self.recorder.session_id,
            instance=step.instance,
            step=step.step,
            tool=step.tool,
            arguments=step.arguments,
            because=step.because,
            who=self.who,
            confirmed=True,
            ask=self.ask,
        )
        outcome = await self.pack.executor.perform(call)
        if outcome.simulated:
            tool = self.pack.executor.tools.get(step.tool)
            self._say(told_instead(tool, call, outcome, self.given.language))
        events: list[DialogueEvent] = [_called(step, outcome)]
        if outcome.state == "done":
            self.note([*events, *step.done(outcome.result, call.label)])
            return True
        if outcome.state == "waiting":
            self.note(events)
            self._tell("dialogue.needs_approval")
            return False
        problem = outcome.problem or UserError("tool.broke", tool=step.tool)
        self._say(problem.text(self.given.language))
        if outcome.state == "unknown":
            events.append(HandedOff(reason=str(problem)))
        before = self.state
        self.note([*events, *_all_ended(before, step.instance)])
        return outcome.state != "unknown" and self.state.top is not None

    def _answer_to(self, before: DialogueState, event: DialogueEvent) -> None:
        """Words for what an event means to the person."""
        match event:
            case TooLate():
                self._tell("dialogue.too_late")
            case HandedOff(reason=reason) if reason in _HANDED_OFF:
                self._tell(_HANDED_OFF[reason])
            case FlowEnded(outcome=outcome, instance=instance) if outcome in _ENDED:
                called = any(f.instance == instance and f.called for f in before.frames)
                if not called:
                    self._tell(_ENDED[outcome])

    def _ask_which(self, names: Sequence[str]) -> None:
        if not names:
            self._tell("dialogue.again")
            pending = self._pending()
            if isinstance(pending, AskSlot | AskYesNo):
                self._say(pending.text)
            elif isinstance(pending, Await):
                self._tell("dialogue.waits_for_approval")
            elif isinstance(pending, CallTool | SearchFor):
                self._tell("dialogue.too_long")
            return
        self._say(which_words(self.pack.book, names, self.given.language))

    def _tell(self, key: str, **values: str) -> None:
        self._say(sentence(self.given.language, key, **values))

    async def _say_citing(self, text: str, given: JsonValue) -> None:
        """Words with their citations, whose numbers go on from those of this answer."""
        before = self.recorder.citations
        cited = [Citation.model_validate(one) for one in (given if isinstance(given, list) else [])]
        numbers = {one.n for one in cited}

        def marker(found: re.Match[str]) -> str:
            n = int(found[1])
            return f"[{n + before}]" if n in numbers else found[0]

        self._say(_MARKER.sub(marker, text) if cited else text)
        if cited:
            events = [Cited(citation=one.model_copy(update={"n": one.n + before})) for one in cited]
            await self.recorder.note(*events)

    def _say(self, text: str) -> None:
        gap = "\n\n" if self.recorder.length else ""
        self.recorder.write(f"{gap}{text}")

    def note(self, events: Sequence[DialogueEvent]) -> None:
        """Let events happen: into the log, and into the state."""
        if events:
            self.recorder.jot(*events)
        for event in events:
            if isinstance(event, HandedOff):
                self.handed_off_for = event.reason
        self.state = replay(self.state, events)
        if self.who.role is not None:
            name = self.pack.pack.name
            told = slots_to_remember(events, self.state, self.pack.book, name, self.given)
            self.recorder.jot(*told)


def which_words(book: FlowBook, names: Sequence[str], language: str) -> str:
    """The question which of these flows is wanted."""
    titles = [words_in(book.current[name].title, language) for name in names]
    return sentence(language, "dialogue.which", titles="".join(f"\n- {one}" for one in titles))


def _called(step: CallTool, outcome: Outcome) -> Called:
    return Called(
        instance=step.instance,
        step=step.step,
        tool=step.tool,
        effect=outcome.key,
        state=outcome.state,
        arguments={name: str(one.value) for name, one in step.arguments.items()},
        approval_id=outcome.approval_id,
        problem=str(outcome.problem or ""),
        simulated=outcome.simulated,
    )


def _all_ended(state: DialogueState, instance: str) -> list[DialogueEvent]:
    """A flow that cannot go on is over, and so are those that wait for it."""
    ended: list[DialogueEvent] = []
    for frame in reversed(state.frames):
        if frame.instance == instance or ended:
            ended.append(FlowEnded(instance=frame.instance, outcome="failed"))
            if not frame.called:
                break
    return ended
