"""One turn: load, perceive, act, respond, commit; and the runs under way in this process.

The server owns a run. Whoever follows it, from any tab, hears the log from the number they name
and then what happens; stopping it stops the model. A session has one running answer at most.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing

from attenda.core.errors import AttendaError, Conflict, ModelError, NotFound, UserError
from attenda.core.event import RunFinished, RunStarted
from attenda.core.label import Label
from attenda.core.message import text_message
from attenda.core.ports import ChatModel
from attenda.core.principal import Principal
from attenda.knowledge import memory
from attenda.runtime.agent import Agent, agent_of
from attenda.runtime.announcing import customer_wrote, hand_over
from attenda.runtime.answering import Answering
from attenda.runtime.bounds import Allowance, AtOnce, Meter
from attenda.runtime.follower import Follower
from attenda.runtime.forms import Forms
from attenda.runtime.live import DESK, Bells, Heard, Hub
from attenda.runtime.log import EventLog
from attenda.runtime.pack import OpenPack
from attenda.runtime.recorder import Recorder
from attenda.runtime.remembering import with_memory
from attenda.runtime.started import Noted, Started
from attenda.runtime.taking import Answerers, Asked, Taking
from attenda.runtime.under_way import UnderWay
from attenda.store import agent_versions, journal, quota, runs, sessions, visitors
from attenda.store.database import Connection, Database
from attenda.store.facts import Fact
from attenda.store.stamps import Stamps
from attenda.tools.policy import Budget

__all__ = ["Noted", "Runs", "Started"]

_log = logging.getLogger("attenda.runs")
_MAX_QUESTION = 20_000


class Runs:
    """Starts, stops and follows runs."""

    def __init__(
        self,
        database: Database,
        stamps: Stamps,
        answering: Answering,
        model_named: Callable[[str], ChatModel],
        packs: Mapping[str, OpenPack],
        passing: Callable[[str], None] = lambda point: None,
        at_once: int = 0,
    ) -> None:
        """`model_named` gives the chat model of a name; an empty name means the default.

        `passing` is told of each point passed that a crash test may end the process at. A person
        may have so many answers `at_once`, 0 is no limit.
        """
        self._database, self._stamps = database, stamps
        self._passing, self._model_named = passing, model_named
        self.forms = Forms(stamps)
        """Questions of other programs that wait for a person."""
        self._packs = packs
        self._answerers = Answerers(database, stamps, answering, packs, self.forms, passing)
        self._hub = Hub()
        self.bells = Bells()
        """Ring when a session changed."""
        self._log = EventLog(database, stamps, self._hub)
        self._under_way = UnderWay(self._hub)
        self.at_once, self.allowance = AtOnce(at_once), Allowance(database, stamps)

    async def recover(self) -> int:
        """Close the runs that a dead process left open; how many."""
        lost = ModelError("run.interrupted")
        ids = await self._database.write(lambda c: runs.fail_orphans(c, self._stamps, lost))
        return len(ids)

    async def start(
        self,
        who: Principal,
        session_id: str,
        text: str,
        *,
        parent_id: str | None = None,
        model: str = "",
        client_id: str = "",
    ) -> Started | Noted:
        """Take a message and begin to answer it; returns once both are stored.

        The session's agent answers; `model` names another model for this answer alone. While the
        session is with the people of the desk, the message is kept for them and nothing begins.
        One that comes again under the same `client_id` is refused.

        Raises:
            UserError: the message is empty or too long.
            NotFound: the session, the parent or the model is not there.
            Conflict: the session has a running answer, or the message came before.
            Denied: the day's tokens are used up.
        """
        if not text.strip():
            raise UserError("message.empty")
        if len(text) > _MAX_QUESTION:
            raise UserError("message.too_long", limit=_MAX_QUESTION)

        def asked(connection: Connection, session: sessions.Session) -> sessions.StoredMessage:
            message = text_message("user", self.masked(connection, session, text.strip()))
            goes_on = parent_id is None or session.owner != "bot"
            parent = session.head_id if goes_on else parent_id
            label = Label(integrity="user", readers=frozenset({who.id}))
            stored = sessions.add_message(
                connection, self._stamps, session_id, message, label, parent_id=parent or None
            )
            if client_id:
                sessions.name_message(connection, session_id, stored.id, client_id)
            if not session.title:
                title = message.text.splitlines()[0][:80]
                sessions.update_session(connection, who, session_id, title=title)
            return stored

        return await self._begin(who, session_id, asked, model)

    def masked(self, connection: Connection, session: sessions.Session, text: str) -> str:
        """What is kept of a person's words in a session, by the pack of its agent."""
        pack = self._packs.get(agent_versions.pack_of_session(connection, session))
        return pack.pack.masked(text) if pack and pack.pack.masked else text

    async def regenerate(
        self, who: Principal, session_id: str, user_message_id: str, *, model: str = ""
    ) -> Started:
        """Answer a message again; the new answer is a sibling of the old one.

        Raises:
            NotFound: no such message of a person in this session, or no such model.
            Conflict: the session has a running answer, or is with a person.
            Denied: the day's tokens are used up.
        """

        def asked(connection: Connection, session: sessions.Session) -> sessions.StoredMessage:
            if session.owner != "bot":
                raise Conflict("desk.with_person")
            return _message(connection, session, user_message_id, ("user",))

        started = await self._begin(who, session_id, asked, model)
        assert isinstance(started, Started)
        return started

    async def _begin(
        self,
        who: Principal,
        session_id: str,
        asked: Callable[[Connection, sessions.Session], sessions.StoredMessage],
        model_name: str,
        *,
        counts: bool = True,
    ) -> Started | Noted:
        """Open a run that answers what `asked` gives, in one transaction, and set it going.

        `counts` says that the person's bounds hold: the day's tokens, and answers at once.

        Raises:
            Conflict: they have as many answers under way as they may.
        """
        self.at_once.enter(who, bounded=counts)
        launched = False
        try:
            async with self._under_way.opening(session_id):
                agent = await self._database.read(lambda c: agent_of(c, who, session_id))
                model = self._model_named(model_name or agent.model)

                def begin(connection: Connection) -> Started | Noted:
                    session = sessions.get_session(connection, who, session_id, hold=True)
                    is_bots = session.owner == "bot"
                    if is_bots and counts:
                        quota.check(connection, who, self._stamps.now())
                    message = asked(connection, session)
                    if not is_bots:
                        customer_wrote(connection, self._stamps, session_id, self._packs)
                        return Noted(session_id, message.id, message.parent_id)
                    return self._open(connection, message, session.last_event, model.name)

                started = await self._database.write(begin)
                if launched := isinstance(started, Started):
                    turn = self._take_turn(started, who, agent, model)
                    self._under_way.launch(session_id, turn, who.id)
        finally:
            if not launched:
                self.at_once.leave(who)
        self.bells.ring(session_id, DESK)
        return started

    async def go_on(self, session_id: str) -> Started | None:
        """Go on with a session after a person decided what it waits for.

        Nothing happens while it is busy or with a person: the next turn finds the decision.

        Raises:
            NotFound: the session is gone.
            Unauthenticated: whoever it belongs to is gone.
        """
        who = await self._database.read(lambda c: visitors.owner_of(c, session_id))

        def head(connection: Connection, session: sessions.Session) -> sessions.StoredMessage:
            if session.owner != "bot":
                raise Conflict("desk.with_person")
            return _message(connection, session, session.head_id, ("user", "assistant"))

        with contextlib.suppress(Conflict):
            started = await self._begin(who, session_id, head, "", counts=False)
            return started if isinstance(started, Started) else None
        return None

    async def go_on_decided(self) -> None:
        """Go on where somebody decided and this process, or one before it, died over it."""
        now = self._stamps.now()
        for session_id in await self._database.read(lambda c: journal.left_decided(c, now)):
            with contextlib.suppress(AttendaError):  # whoever it belongs to is gone
                await self.go_on(session_id)

    async def stop(self, who: Principal, session_id: str) -> bool:
        """Stop the running answer of a session; whether there was one.

        Raises:
            NotFound: the session is not theirs.
        """
        await self._database.read(lambda c: sessions.get_session(c, who, session_id))
        return await self.silence(session_id)

    async def silence(self, session_id: str) -> bool:
        """Stop the running answer of a session and wait until it has; whether there was one."""
        return await self._under_way.stop(session_id)

    def publish(self, session_id: str, events: Sequence[runs.NumberedEvent]) -> None:
        """Let what was stored elsewhere be heard, and everyone know who watches the session."""
        for one in events:
            self._hub.publish(session_id, Heard(one.event, one.number))
        self.bells.ring(session_id, DESK)

    async def stop_all_of(self, user_id: str) -> None:
        """Stop every answer that a user asked for, and wait for its end to be stored."""
        await self._under_way.stop_of(user_id)

    def running(self, session_id: str) -> bool:
        """Whether the session has a running answer in this process."""
        return self._under_way.runs(session_id)

    def follower(self, session_id: str, after: int) -> Follower:
        """A reader of the session's events after number `after`, until its run has ended."""
        return Follower(
            self._database, self._hub, session_id, after, lambda: self.running(session_id)
        )

    async def follow(self, session_id: str, after: int) -> AsyncGenerator[Heard, None]:
        """The events of a follower, one by one."""
        async with aclosing(self.follower(session_id, after).batches()) as batches:
            async for batch in batches:
                for heard in batch:
                    yield heard

    async def close(self) -> None:
        """Stop every run and wait for its end to be stored."""
        await self._under_way.stop_all()

    def _open(
        self, connection: Connection, asked: sessions.StoredMessage, after: int, model: str
    ) -> Started:
        lost = None
        if self._database.dialect == "sqlite" and not self.running(asked.session_id):
            # Only this process could be running it, and it isn't: its end could not be stored.
            lost = ModelError("run.interrupted")
        label = Label(integrity="untrusted", sources=frozenset({asked.id}))
        run_id, answer = runs.begin_run(connection, self._stamps, asked, model, label, lost)
        started = RunStarted(
            run_id=run_id, user_message_id=asked.id, message_id=answer.id, model=model
        )
        runs.append_events(connection, self._stamps, asked.session_id, run_id, [started])
        return Started(asked.session_id, run_id, asked.id, answer.id, after)

    async def _take_turn(
        self, started: Started, who: Principal, agent: Agent, model: ChatModel
    ) -> None:
        """The five verbs; whatever happens, the run ends in the log and in its row."""
        recorder = Recorder(self._log, self._hub, started.session_id, started.run_id)
        status, error = "done", None
        taking: Taking | None = None
        pack = self._packs.get(agent.pack)
        budget = pack.executor.budget if pack else Budget()
        meter = Meter(model, who, self.allowance, budget.tokens)
        try:
            async with self.at_once.turn(who):
                path, known = await self._load(started, who)
                asked = Asked(recorder, who, with_memory(agent, known), meter, path, known)
                taking = await self._answerers.open(asked)
                await taking.take()
        except asyncio.CancelledError:
            status = "stopped"
        except AttendaError as failure:
            status, error = "failed", failure
        except Exception:
            _log.exception("run %s failed", started.run_id)
            status, error = "failed", ModelError("run.broken")
            raise
        finally:
            try:
                end = RunFinished(
                    run_id=started.run_id,
                    reason=status,  # type: ignore[arg-type]
                    error_key=error.key if error else None,
                    error_values=error.plain_values if error else {},
                    usage=meter.spent,
                    context_tokens=model.context_tokens,
                )
                await asyncio.shield(self._commit(recorder, end, error, taking, meter))
            finally:
                self.at_once.leave(who)
                self._under_way.leave(started.session_id)

    async def _load(
        self, started: Started, who: Principal
    ) -> tuple[list[sessions.StoredMessage], list[Fact]]:
        """The branch that ends in the message to answer, and what is remembered of who asks."""

        def load(connection: Connection) -> tuple[list[sessions.StoredMessage], list[Fact]]:
            tree = sessions.message_tree(connection, started.session_id)
            path = sessions.message_path(tree, started.user_message_id)
            return path, memory.recall(connection, who)

        return await self._database.read(load)

    async def _commit(
        self,
        recorder: Recorder,
        end: RunFinished,
        error: AttendaError | None,
        taking: Taking | None,
        meter: Meter,
    ) -> None:
        """Store the answer, the state, the run's end and the last event in one transaction.

        The answer stands only if the session is the bot's until then: nobody is talked over.
        """
        await recorder.close()
        self._passing("turn.done")
        session_id, run_id = recorder.session_id, recorder.run_id

        def commit(connection: Connection) -> list[runs.NumberedEvent]:
            stamps, answer = self._stamps, recorder.answer()
            held = sessions.hold_session(connection, session_id)
            stands = (
                held is not None
                and held[0] == "bot"
                and runs.finish_run(
                    connection, stamps, run_id, answer, end.reason, usage=end.usage, error=error
                )
            )
            last = [] if stands else runs.withdraw_run(connection, stamps, session_id, run_id)
            if taking and taking.kept:
                runs.keep_dialogue(connection, run_id, taking.kept)
            if taking and taking.answer_label:
                runs.label_answer(connection, run_id, taking.answer_label)
            if stands and taking and (why := taking.handed_off_for) is not None:
                hand_over(connection, stamps, session_id, why, taking.alarm_in)
            if held is None:
                return []  # the session was erased while it was answered
            quota.spend(connection, meter.who.id, stamps.now(), meter.unstored)
            if stands:
                memory.keep(connection, stamps, held[1], recorder.told)
                last = runs.append_events(connection, stamps, session_id, run_id, [end])
            return last

        last = await self._database.write(commit)
        self._passing("turn.committed")
        self.publish(session_id, last)


def _message(
    connection: Connection, session: sessions.Session, id_: str | None, roles: Sequence[str]
) -> sessions.StoredMessage:
    for one in sessions.message_tree(connection, session.id):
        if one.id == id_ and one.message.role in roles:
            return one
    raise NotFound("message.missing")
