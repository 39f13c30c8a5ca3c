"""The tool loop: for models that are able to choose tools themselves.

The model is asked what to do, its calls are carried out, and it is shown what came of them, until
it has an answer. It never sees what strangers wrote, so all that it chooses is chosen before
anything of theirs is read; a model without tools reads for it. Policy, journal, approvals and
events are the same as those of flows, and every limit is held before a call.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

from attenda.core.errors import Denied, UserError
from attenda.core.event import Called, HandedBack, HandedOff
from attenda.core.label import Label, Labelled, at_least, join
from attenda.core.message import Message, TextPart, ToolCallPart, result_message, text_message
from attenda.core.ports import ModelSettings, Usage
from attenda.runtime.loop_confirm import hear, question
from attenda.runtime.loop_reader import Reader
from attenda.runtime.loop_state import Came, LoopState, LoopStep, in_words, openly_failed, origin
from attenda.runtime.loop_tools import Offered, as_seen, hidden_answers, prompt
from attenda.runtime.loop_values import as_text, names_in, resolve, shown
from attenda.runtime.loop_voice import Voice
from attenda.store.sessions import StoredMessage
from attenda.tools.call import Call, Outcome
from attenda.tools.effects import Executor
from attenda.tools.policy import Budget
from attenda.tools.tool import Ask, Tool

__all__ = ["ToolLoop"]

_ROUND_TOKENS, _AT_ONCE = 2048, 8
"""Tokens that one round may make, and reads that are carried out side by side."""
_ENDS = ("write_answer", "hand_over", "ask_person")
"""Of our own tools, those that end the turn."""
_LONGEST_REASON = 500
_MOST_SHOWN = 12_000
"""Letters of one result that the model is shown; a reference to it stands for all of it."""


@dataclass
class ToolLoop:
    """One turn of one session."""

    reader: Reader
    offered: Offered
    executor: Executor | None
    """Of the pack's tools; none where the agent has no pack."""
    budget: Budget
    voice: Voice
    clock: Callable[[], int]
    """Microseconds."""
    passing: Callable[[str], None]
    """Is told of each point passed that a crash test may end the process at."""
    state: LoopState
    ask: Ask | None
    """Asks the person a question of somebody else's program."""
    path: Sequence[StoredMessage]
    """The conversation, the message to answer last."""
    alarm_in: str = ""  # alarms are looked for before a model is asked
    _handed_off_for: str = ""
    _until: int = 0
    _spent: Usage = field(default_factory=Usage)

    @property
    def usage(self) -> Usage:
        """What the models read and wrote in this turn."""
        return self._spent + self.reader.usage

    @property
    def kept(self) -> str:
        """Where it stands, as JSON."""
        return self.state.model_dump_json()

    @property
    def answer_label(self) -> Label:
        """What the answer is made from."""
        return self.voice.label

    @property
    def handed_off_for(self) -> str | None:
        """Why a person must take over; none if none must."""
        return self._handed_off_for if self.state.handed_off else None

    async def take(self) -> None:
        """Answer the person, or go on with what waited for a decision.

        Raises:
            UserError: the model can't choose tools.
            ModelError: it failed.
        """
        model, asked = self.reader.model, self.path[-1].message
        if not model.calls_tools:
            raise UserError("model.no_tools", name=model.name)
        self._until = self.clock() + self.budget.seconds * 1_000_000
        if self.state.handed_off:  # it is the agent's again, or there were no turn
            self.state.handed_off = False
            self.reader.recorder.jot(HandedBack())
        waits = False
        try:
            await self._take(asked)
            waits = bool(self.state.steps)
        finally:
            if not waits:  # whoever stops a turn also stops what it would have gone on with
                self.state = LoopState(handed_off=self.state.handed_off, asks=self.state.asks)
        if not self.reader.recorder.length:
            self.voice.tell("loop.silent")

    async def _take(self, asked: Message) -> None:
        if not self.state.steps and asked.role != "user":
            self.voice.tell("dialogue.anything_else")
            return
        if not self.state.steps:
            self._begin()
        elif not await self._go_on():
            return
        elif asked.role == "user":
            self.state.messages.append(asked)
        await self._go_round()

    async def _go_on(self) -> bool:
        """Go on with what waited; whether the model is to be asked again."""
        await hear(self.executor, self.reader.who, self.state, self.path[-1])
        return await self._carry_out()

    def _begin(self) -> None:
        asked, who = self.path[-1], self.reader.who
        hides = self.offered.guarded
        trusted = hides or not hidden_answers(self.path)
        self.state = LoopState(
            instance=f"loop-{asked.parent_id or asked.session_id}",
            label=Label(
                integrity="user" if trusted else "untrusted",
                readers=frozenset({who.id}),
                sources=frozenset({asked.id}),
            ),
            messages=as_seen(self.path, guarded=hides),
        )

    async def _go_round(self) -> None:
        for _ in range(self.budget.rounds):
            try:
                answer = await self._ask()
            except Denied as used_up:
                self.voice.tell_problem(used_up)
                return
            if answer is None or not answer.calls:
                return
            self._take_up(answer.calls)
            if not await self._carry_out():
                return
        self.voice.tell("loop.too_far")

    async def _ask(self) -> Message | None:
        """What the model says next; nothing when that would be more than the turn may take."""
        reader, agent = self.reader, self.reader.agent
        system = "\n".join(
            one for one in (agent.instructions, agent.tone, prompt("loop")) if one.strip()
        )
        messages = [text_message("system", system), *self.state.messages]
        left = self.budget.tokens - self.usage.total - await reader.model.count_tokens(messages)
        if left <= 0 or self.clock() > self._until:
            self.voice.tell("loop.too_far")
            return None
        settings = ModelSettings(max_tokens=min(_ROUND_TOKENS, left), tools=self.offered.offers)
        said: list[str] = []
        calls: tuple[ToolCallPart, ...] = ()
        self.voice.paragraph()
        stream = reader.model.stream(messages, settings)
        async with self.voice.of_model(), aclosing(stream) as chunks:
            async for chunk in chunks:
                said.append(chunk.text)
                self.voice.say(chunk.text, self.state.results, self.state.label)
                self._spent += chunk.usage or Usage()
                calls = chunk.calls or calls
            self.voice.say("", self.state.results, self.state.label, ends=True)
        parts = [TextPart(text=text)] if (text := "".join(said)) else []
        answer = Message(role="assistant", parts=(*parts, *calls))
        self.state.messages.append(answer)
        self.passing("loop.chosen")
        return answer

    def _take_up(self, calls: Sequence[ToolCallPart]) -> None:
        """Put what the model called among the steps; what ends the turn comes last."""
        state = self.state
        for call in calls:
            state.count += 1
            step = LoopStep(
                name=f"r{state.count}", call_id=call.id, tool=call.name, arguments=call.arguments
            )
            if call.problem:
                problem = UserError("loop.unreadable", tool=call.name, problem=call.problem)
                self._note(step, call.name, {}, Outcome("failed", problem=problem))
                self._show(step, f"error: {problem}")
            else:
                state.steps.append(step)
        state.steps.sort(key=lambda one: one.tool in _ENDS)

    async def _carry_out(self) -> bool:
        """Carry out the steps under way; whether the model is to be asked again."""
        state = self.state
        while state.steps:
            batch = self._batch()
            late = self.clock() > self._until
            if late or state.count - len(state.steps) + len(batch) > self.budget.calls:
                self.voice.tell("loop.too_far")
                state.steps.clear()
                return False
            if batch[0].tool == "write_answer":
                return await self._write_answer(batch[0])
            outcomes = await asyncio.gather(*map(self._perform, batch))
            self.passing("loop.carried_out")
            for step, came in zip(batch, outcomes, strict=True):
                if came.outcome.state == "waiting":
                    self._wait(step, came)
                    return False
                state.steps.remove(step)
                self._keep(step, came)
                if came.outcome.state == "unknown":
                    self._hand_off(str(came.outcome.problem))
                    return False
                if step.tool in _ENDS and came.outcome.result is not None:
                    await self._end(step, as_text(came.outcome.result.value))
                    return False
        return True

    async def _end(self, step: LoopStep, words: str) -> None:
        """Pass the person on for a reason, or ask them what the model must know."""
        if step.tool == "hand_over":
            self.voice.tell("dialogue.handed_off_asked")
            return self._hand_off(words[:_LONGEST_REASON])
        state, written = self.state, as_text(step.arguments.get("question", ""))
        state.steps, state.asks = [], words
        await self.voice.ask(written, state.results, state.label)

    def _hand_off(self, reason: str) -> None:
        self.state.steps.clear()
        self.state.handed_off, self._handed_off_for = True, reason
        self.reader.recorder.jot(HandedOff(reason=reason))

    def _batch(self) -> list[LoopStep]:
        """The next step; with reads, as many that do not need each other."""
        first, *rest = self.state.steps
        batch = [first]
        for step in rest if self._only_reads(first) else ():
            needs = set(names_in(step.arguments)) & {one.name for one in batch}
            if needs or not self._only_reads(step) or len(batch) == _AT_ONCE:
                break
            batch.append(step)
        return batch

    def _only_reads(self, step: LoopStep) -> bool:
        tool = self.offered.tool(step.tool)
        return step.tool != "write_answer" and (tool is None or not tool.writes)

    async def _perform(self, step: LoopStep) -> Came:
        """Carry out one step."""
        state, tool = self.state, self.offered.tool(step.tool)
        try:
            if tool is None:
                return await self._perform_own(step)
            arguments = {
                name: resolve(one, state.results, state.label)
                for name, one in step.arguments.items()
            }
        except UserError as problem:  # the model's own mistake
            outcome = Outcome("failed", problem=problem)
            self._note(step, step.tool, {}, outcome)
            return Came(state.label, outcome, openly=at_least(state.label, "user"))
        assert self.executor is not None
        call = self._call(tool, step, arguments)
        outcome = await self.executor.perform(call)
        self._note(step, tool.name, arguments, outcome)
        self.voice.tell_rehearsed(tool, call, outcome)
        return Came(call.label, outcome, openly=openly_failed(tool, call.label, outcome))

    def _call(self, tool: Tool, step: LoopStep, arguments: Mapping[str, Labelled]) -> Call:
        """The deed: the same one, asked for at the same place, is never another.

        Its key names neither the run nor the place among the model's calls.
        """
        origins = {
            name: origin(self.state, step.arguments[name])
            for name, one in arguments.items()
            if not at_least(one.label, "user")
        }
        return Call(
            session_id=self.reader.recorder.session_id,
            instance=self.state.instance,
            step=tool.name,
            tool=tool.name,
            arguments=arguments,
            because=self.state.label,
            who=self.reader.who,
            asks=True,
            origins=origins,
            ask=self.ask,
        )

    async def _perform_own(self, step: LoopStep) -> Came:
        state, reader = self.state, self.reader
        if step.tool not in self.offered.own:
            gone = "loop.taken_away" if state.approval_id else "tool.unknown"
            raise UserError(gone, name=step.tool)
        match step.tool:
            case "extract":
                outcome = await reader.extract(step.arguments, state.results, state.label)
            case "search_documents":
                query = resolve(step.arguments.get("query", ""), state.results, state.label)
                outcome = Outcome("done", result=await reader.search(step.name, query))
            case "hand_over" | "ask_person":
                said = step.arguments.get("reason", step.arguments.get("question", ""))
                outcome = Outcome("done", result=resolve(said, state.results, state.label))
            case _:
                label = state.label.model_copy(update={"integrity": "untrusted"})
                kept = Labelled(value=hidden_answers(self.path), label=label)
                outcome = Outcome("done", result=kept)
        label = resolve(step.arguments, state.results, state.label).label
        self._note(step, step.tool, {}, outcome)
        return Came(label, outcome, openly=False)

    async def _write_answer(self, step: LoopStep) -> bool:
        state = self.state
        state.steps.clear()
        asked = next((one.text for one in reversed(state.messages) if one.role == "user"), "")
        try:
            made_from = await self.reader.answer(step.arguments, state.results, state.label, asked)
        except UserError as problem:
            self._note(step, step.tool, {}, Outcome("failed", problem=problem))
            self._show(step, f"error: {problem}")
            return True
        self.voice.made_from(made_from)
        return False

    def _wait(self, step: LoopStep, came: Came) -> None:
        again = self.state.approval_id == came.outcome.approval_id
        self.state.approval_id = came.outcome.approval_id
        self.state.confirms = came.outcome.confirms
        tool = self.offered.tool(step.tool)
        if tool is not None and came.outcome.confirms:
            self.voice.made_from(came.led_to_it)
            language, sink = self.voice.language, came.outcome.sink
            asked = question(tool, step, self.state, language, sink)
            self.voice.tell("loop.confirm", **asked)
        else:
            self.voice.tell("dialogue.waits_for_approval" if again else "dialogue.needs_approval")

    def _keep(self, step: LoopStep, came: Came) -> None:
        """Keep a result, and show the model what it may see of it.

        Where a stranger may have caused a failure, it looks like a result that is kept aside. What
        was not done the person hears from us, and not from the model.
        """
        state, tool, outcome = self.state, self.offered.tool(step.tool), came.outcome
        state.called[step.name] = in_words(step)
        waited, state.approval_id, state.confirms = bool(state.approval_id), "", False
        if outcome.problem is not None and (tool.writes if tool is not None else waited):
            self.voice.tell_problem(outcome.problem)
        result = outcome.result
        if outcome.state != "done" or result is None:
            if came.openly:
                self._show(step, f"error: {outcome.problem}")
                return
            lower = came.led_to_it.model_copy(update={"integrity": "untrusted"})
            result = Labelled(value="", label=lower)
        state.results[step.name] = result
        if not self.offered.guarded:
            state.label = join(state.label, result.whole_label)
            seen = result.value
        else:
            if at_least(result.label, "user"):
                state.label = join(state.label, result.label)
            seen = shown(result, step.name)
        text = as_text(seen)
        if len(text) > _MOST_SHOWN:
            text = f"{text[:_MOST_SHOWN]}… (${{{step.name}}} is all of it)"
        self._show(step, text)

    def _show(self, step: LoopStep, text: str) -> None:
        self.state.messages.append(result_message(step.call_id, text))

    def _note(
        self, step: LoopStep, tool: str, arguments: Mapping[str, Labelled], outcome: Outcome
    ) -> None:
        """Let everyone hear of a call."""
        self.reader.recorder.jot(
            Called(
                instance=self.state.instance,
                step=step.name,
                tool=tool,
                effect=outcome.key,
                state=outcome.state,
                arguments={name: as_text(one.value)[:2000] for name, one in arguments.items()},
                approval_id=outcome.approval_id,
                problem=str(outcome.problem or ""),
                endorsed=outcome.endorsed,
                simulated=outcome.simulated,
            )
        )
