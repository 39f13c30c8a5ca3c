"""One trial's talk: what is said and decided, turn by turn, and what must be so after each.

It goes through the doors that pages go through: runs are started and followed, approvals decided.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import asdict
from typing import Any

from attenda.core.errors import AttendaError, NotFound, UserError
from attenda.core.event import Called, Event, RunFinished, TextAdded
from attenda.core.ports import Usage
from attenda.core.words import sentence
from attenda.evals.grade import Found, Problem, State, grade_calls, grade_state, grade_words
from attenda.evals.on_screen import OnScreen, do_on_screen
from attenda.evals.results import CallMade, TurnMade
from attenda.evals.scenario import AtDesk, Decision, Expected, Scenario, SqlCheck, Turn
from attenda.evals.simulated import SimulatedUser
from attenda.evals.unsafe import Bounds, unsafe_deeds
from attenda.runtime.desk import Desk
from attenda.runtime.house import House
from attenda.runtime.pack import Pack
from attenda.runtime.silence import silence_in
from attenda.runtime.silence_watch import SilenceWatch
from attenda.runtime.started import Noted, Started
from attenda.store import agents, alarms, inspection, journal, runs, sessions
from attenda.store.database import Connection
from attenda.store.people import OWNER

__all__ = ["Talk"]

_TURN_S = 180.0
"""Longer takes no turn; a model or a tool that hangs ends it."""


class Talk:
    """The talk of one trial."""

    def __init__(
        self,
        scenario: Scenario,
        pack: Pack,
        bounds: Bounds,
        opened: Callable[[], AbstractAsyncContextManager[House]],
        clock: list[int],
    ) -> None:
        """`opened` opens the trial's house, and again after a restart.

        `clock` holds the time of the trial: microseconds since 1970, UTC.
        """
        self.made: list[TurnMade] = []
        self.problems: list[Problem] = []
        self._scenario, self._pack, self._opened = scenario, pack, opened
        self._bounds, self._clock = bounds, clock
        self._stack = AsyncExitStack()
        self._calls: list[Called] = []
        self._events: list[Event] = []
        self._answers: list[str] = []
        self._seed: dict[str, list[dict[str, Any]]] = {}

    async def __aenter__(self) -> "Talk":
        """Open the house, put the people in, begin a session with the pack's agent."""
        async with self._stack as stack:
            await self._open()
            await self._house.database.write(self._enter)
            self._seed = await self._house.database.read(self._tables)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self._stack.aclose()

    async def take(self, turn: Turn) -> None:
        """Let one turn happen, and hold what came of it against what it expects."""
        number = len(self.made) + 1
        try:
            async with asyncio.timeout(_TURN_S):
                made, calls = await self._happen(turn, number)
        except (AttendaError, TimeoutError) as error:
            problem = str(error) or sentence("en", "eval.too_slow", seconds=int(_TURN_S))
            who = self._scenario.principal(self._scenario.speaker)
            await self._house.runs.stop(who, self._session_id)
            self._wrong(Problem("words", number, "eval.failed", {"problem": problem}))
            made, calls = TurnMade(done=_done(turn)), []
        self.made.append(made)
        self._calls += calls
        if turn.answered:
            self._answers.append(made.answer)
        self._wrong(*grade_words(turn.must_say, turn.must_not_say, made.answer, number))
        if turn.expect:
            await self._hold(turn.expect, calls, made.answer, number)

    async def with_user(self, user: SimulatedUser) -> list[Turn]:
        """Let a simulated user talk until they end it or a person takes over; their turns."""
        turns: list[Turn] = []
        try:
            while (said := await user.say(self._answers[-1] if turns else "")) is not None:
                turns.append(Turn(say=(said,)))
                await self.take(turns[-1])
                if self.problems or await self._owner() != "bot":
                    break
        except AttendaError as error:
            where = len(self.made) + 1
            self._wrong(Problem("user", where, error.key, error.plain_values))
        return turns

    async def end(self) -> None:
        """Hold the end against what the scenario expects."""
        said = "\n".join(self._answers)
        await self._hold(self._scenario.expect, self._calls, said, 0)
        id_ = self._session_id
        done, alarmed = await self._house.database.read(
            lambda c: (journal.list_effects(c, id_), alarms.alarms_in(c, id_))
        )
        forbidden = self._scenario.expect.calls.forbidden
        for one in unsafe_deeds(self._events, done, self._bounds, forbidden, alarmed):
            self._wrong(Problem("safety", 0, one.key, {"tool": one.tool}))

    async def _owner(self) -> str:
        who = self._scenario.principal(self._scenario.speaker)

        def look(connection: Connection) -> str:
            return sessions.get_session(connection, who, self._session_id).owner

        return await self._house.database.read(look)

    async def _open(self) -> None:
        self._house = await self._stack.enter_async_context(self._opened())

    def _enter(self, connection: Connection) -> None:
        scenario, stamps = self._scenario, self._house.stamps
        for name in scenario.people:
            inspection.add_person(connection, stamps, scenario.principal(name))
        who = scenario.principal(scenario.speaker)
        (agent,) = (
            one for one in agents.list_agents(connection, who) if one["pack"] == self._pack.name
        )
        self._session_id = sessions.create_session(connection, stamps, who, agent["id"]).id

    async def _happen(self, turn: Turn, number: int) -> tuple[TurnMade, list[Called]]:
        done, by = _done(turn), turn.by or self._scenario.speaker
        decision = turn.approve or turn.deny
        self._clock[0] += turn.advance * 1_000_000
        if turn.silence:
            return await self._stay_silent(turn), []
        if turn.restart:
            await self._stack.aclose()
            await self._open()
        elif turn.desk is not None:
            by = turn.desk.by
            await self._at_desk(turn.desk)
        elif turn.screen is not None:
            by = turn.screen.by
            await self._on_screen(turn.screen, number)
        elif decision is not None:
            await self._decide(decision, yes=turn.approve is not None, number=number)
            if not decision.refused:
                return await self._answered(done, decision.by, self._go_on, number)
            by = decision.by
        elif turn.answered:
            who = self._scenario.principal(by)
            return await self._answered(
                done, by, lambda: self._house.runs.start(who, self._session_id, done), number
            )
        return TurnMade(done=done, by="" if turn.restart or turn.advance else by), []

    async def _at_desk(self, turn: AtDesk) -> None:
        desk, who = Desk(self._house), self._scenario.principal(turn.by)
        if turn.claim:
            await desk.claim(who, self._session_id)
        elif turn.reply:
            await desk.reply(who, self._session_id, turn.reply)
        elif turn.give_back:
            await desk.hand_back(who, self._session_id)
        else:
            await desk.resolve(who, self._session_id)

    async def _on_screen(self, turn: OnScreen, number: int) -> None:
        who, once = self._scenario.principal(turn.by), f"turn-{number}"
        came = await do_on_screen(self._house, self._pack.name, who, turn, once)
        if came != turn.comes_to:
            values = {"tool": turn.tool or turn.endpoint, "found": came, "wanted": turn.comes_to}
            self._wrong(Problem("state", number, "eval.came_to", values))

    async def _stay_silent(self, turn: Turn) -> TurnMade:
        """Let time pass from one thing that is due to the next, as it does for the house."""
        house, id_ = self._house, self._session_id
        until = self._clock[0] + turn.silence * 1_000_000
        after = (await house.database.read(lambda c: sessions.session_by_id(c, id_))).last_event
        while True:
            at = await house.database.read(lambda c: silence_in(c, house, id_))
            if at is None or at > until:
                break
            self._clock[0] = max(at, self._clock[0])
            if not await SilenceWatch(house).round():
                break
        self._clock[0] = until
        log = await house.database.read(lambda c: runs.events_after(c, id_, after))
        self._events += [one.event for one in log]
        said = [one.event.text for one in log if isinstance(one.event, TextAdded)]
        return TurnMade(done=_done(turn), answer="\n\n".join(said))

    async def _go_on(self) -> Started:
        started = await self._house.runs.go_on(self._session_id)
        if started is None:
            raise NotFound("session.missing")
        return started

    async def _decide(self, decision: Decision, *, yes: bool, number: int) -> None:
        who, stamps = self._scenario.principal(decision.by), self._house.stamps

        def work(connection: Connection) -> None:
            waiting = [
                one
                for one in journal.list_approvals(connection, OWNER)
                if one.session_id == self._session_id and one.state == "pending"
            ]
            if not waiting:
                raise NotFound("approval.missing")
            shown = decision.shown or waiting[0].hash
            reason = decision.reason
            journal.decide(connection, stamps, who, waiting[0].id, shown, yes=yes, reason=reason)

        try:
            await self._house.database.write(work)
        except UserError:
            if not decision.refused:
                raise
        else:
            if decision.refused:
                self._wrong(Problem("state", number, "eval.not_refused", {"name": decision.by}))

    async def _answered(
        self, done: str, by: str, begin: Callable[[], Any], number: int
    ) -> tuple[TurnMade, list[Called]]:
        """Begin a run, hear it to its end, and tell of it."""
        begun = time.perf_counter()
        started: Started | Noted = await begin()
        if isinstance(started, Noted):  # a person has the session: nobody answers for them
            return TurnMade(done=done, by=by), []
        answer, calls, end = "", list[Called](), None
        async for heard in self._house.runs.follow(self._session_id, started.after):
            self._events.append(heard.event)
            match heard.event:
                case TextAdded(at=at, text=text):
                    answer = answer[:at] + text
                case Called():
                    calls.append(heard.event)
                case RunFinished():
                    end = heard.event
        seconds = time.perf_counter() - begun
        if end is not None and end.error_key:
            problem = sentence("en", end.error_key, **end.error_values)
            self._wrong(Problem("words", number, "eval.failed", {"problem": problem}))
        made = TurnMade(
            done=done,
            by=by,
            answer=answer,
            calls=tuple(
                CallMade(tool=one.tool, state=one.state, arguments=one.arguments) for one in calls
            ),
            seconds=round(seconds, 4),
            usage=end.usage if end else Usage(),
        )
        return made, calls

    async def _hold(self, expected: Expected, calls: list[Called], said: str, number: int) -> None:
        state = await self._state(expected)
        kinds = {one.name: dict(one.columns) for one in self._pack.tables}
        found = Found(now=state, seed=self._seed, kinds=kinds)
        self._wrong(*grade_state(expected, found, number))
        self._wrong(*grade_calls(expected.calls, calls, number))
        self._wrong(*grade_words(expected.must_say, expected.must_not_say, said, number))

    async def _state(self, expected: Expected) -> State:
        def look(connection: Connection) -> State:
            who = self._scenario.principal(self._scenario.speaker)
            asked = journal.list_approvals(connection, OWNER, limit=1000)
            mine = [asdict(one) for one in asked if one.session_id == self._session_id]
            mine.sort(key=lambda one: (one["asked_at"], one["id"]))
            done = journal.list_effects(connection, self._session_id)
            return State(
                tables=self._tables(connection),
                effects=[asdict(one) for one in done],
                approvals=mine,
                owner=sessions.get_session(connection, who, self._session_id).owner,
                answers=[_ask(connection, check) for check in expected.sql],
            )

        return await self._house.database.read(look)

    def _tables(self, connection: Connection) -> dict[str, list[dict[str, Any]]]:
        return {
            one.name: inspection.raw_rows(connection, f"{self._pack.name}_{one.name}")
            for one in self._pack.tables
        }

    def _wrong(self, *problems: Problem) -> None:
        self.problems += problems


def _ask(connection: Connection, check: SqlCheck) -> list[tuple[Any, ...]] | str:
    try:
        return inspection.ask(connection, check.query)
    except UserError as error:
        return str(error.values["problem"])


def _done(turn: Turn) -> str:
    """What happens in a turn, as a line; of words, the first."""
    if turn.say:
        return str(turn.say[0])
    if turn.commands:
        return " ".join(map(_written, turn.commands))
    if decision := turn.approve or turn.deny:
        return f"{'approve' if turn.approve else 'deny'}: {decision.by}"
    if turn.desk:
        return f"desk: {turn.desk.by}"
    if turn.screen:
        return f"screen: {turn.screen.by} {turn.screen.tool or turn.screen.endpoint}"
    if turn.silence:
        return f"silence: {turn.silence}s"
    return "restart" if turn.restart else f"advance: {turn.advance}s"


def _written(command: Any) -> str:
    if isinstance(command, dict):
        return " ".join(f"{name}: {_written(value)}" for name, value in command.items())
    return str(command)
