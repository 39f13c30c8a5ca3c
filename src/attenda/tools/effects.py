"""Exactly once: key, policy, journal, do, record; and what to do when an answer was lost.

A tool in our database and its row in the journal are one transaction. A tool beyond it is written
down first; a lost answer is asked after by its key, or sent again with the same key where the
outside counts keys, or left to a person; a deed is never repeated blindly.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

from attenda.core.errors import NotFound, UserError
from attenda.core.label import SYSTEM, Labelled, at_least
from attenda.core.principal import Principal
from attenda.store import audit, hours, journal, staff_mail, switches, trials
from attenda.store.database import Connection, Database, apart, yielded
from attenda.store.pack_tables import Rows
from attenda.store.stamps import Stamps
from attenda.tools.approving import approved
from attenda.tools.call import Call, Outcome, effect_key, where_it_is_called
from attenda.tools.deadline import Deadline
from attenda.tools.monitor import learners, monitor
from attenda.tools.passage import passages_for
from attenda.tools.policy import Budget, Policy, Rule, Ruling
from attenda.tools.problems import denied, kept_off, problem_of, unreadable, untried
from attenda.tools.rehearsal import Past, after_its_deeds, keep, would_give, would_refuse
from attenda.tools.sending import Letter, send_out
from attenda.tools.tool import ANYTHING, Deed, Tool

__all__ = ["Executor"]

_LOOK_S = 10.0
T = TypeVar("T")


class Executor:
    """Carries out calls of one set of tools."""

    def __init__(
        self,
        database: Database,
        stamps: Stamps,
        tools: Mapping[str, Tool],
        policy: Policy,
        tables: Mapping[str, Any],
        passing: Callable[[str], None] = lambda point: None,
        pack: str = "",
    ) -> None:
        """`tables` are those that the tools of `pack` may use; `passing` is told of each point."""
        self.tools = dict(tools)
        self._stamps, self.now = stamps, stamps.now
        self._database, self._policy, self._tables = database, policy, tables
        self._passing, self._pack = passing, pack

    @property
    def offers(self) -> tuple[str, ...]:
        """Names of the tools that a person's programs may call by themselves."""
        return self._policy.offer

    def rules_for(self, tool: str) -> tuple[Rule, ...]:
        """The policy's rules that speak of a tool, in order."""
        return self._policy.rules_for(tool)

    @property
    def budget(self) -> Budget:
        """What one turn may take."""
        return self._policy.budget

    async def perform(self, call: Call) -> Outcome:
        """Do it if it may be done; a deed that was done before is not done again."""
        tool = self.tools.get(call.tool)
        try:
            if tool is None:
                raise NotFound("tool.unknown", name=call.tool)
            arguments = tool.checked(call.plain)
            call, endorsed = await self._endorsed(tool, call, arguments)
            if not tool.writes and tool.sink is not None:
                call = await self._look(call, lambda c: self._told(c, tool, call, arguments))
            for why in monitor(tool, call):
                if why.readers and not tool.writes:
                    raise unreadable(tool, why)
                if not why.readers and not (
                    call.asks and tool.writes and why.argument != "because"
                ):
                    raise UserError("tool.untrusted", tool=tool.name, name=why.argument)
        except UserError as problem:
            return Outcome("denied", problem=problem)
        return replace(await self._carry_out(tool, call, arguments), endorsed=endorsed)

    def perform_within(self, connection: Connection, call: Call) -> Outcome:
        """As `perform`, in a transaction: of a tool in our database, without voucher or limit."""
        tool = self.tools.get(call.tool)
        try:
            if tool is None or tool.outside or not tool.writes:
                raise NotFound("tool.unknown", name=call.tool)
            arguments = tool.checked(call.plain)
            if why := monitor(tool, call):
                raise UserError("tool.untrusted", tool=tool.name, name=why[0].argument)
        except UserError as problem:
            return Outcome("denied", problem=problem)
        return self._write(connection, tool, call, arguments, None)

    def _told(
        self, connection: Connection, tool: Tool, call: Call, arguments: dict[str, Any]
    ) -> Call:
        """The call with those who would learn of it now."""
        return replace(call, sink=learners(tool, self._deed(connection, call), arguments))

    async def confirm(self, who: Principal, approval_id: str, *, yes: bool, said: str) -> None:
        """Take a person's own answer to what they were asked; one that comes too late is none."""

        def work(connection: Connection) -> None:
            if journal.is_pending(connection, approval_id, self._stamps.now()):
                shown = journal.get_approval(connection, who, approval_id).hash
                journal.decide(
                    connection, self._stamps, who, approval_id, shown, yes=yes, reason=said
                )

        await self._database.write(work)

    async def _carry_out(self, tool: Tool, call: Call, arguments: dict[str, Any]) -> Outcome:
        if not tool.writes:
            return await self._read(tool, call, arguments)
        if tool.outside:
            return await self._write_outside(tool, call, arguments)
        with closing(Deadline(tool.timeout_s)) as deadline:
            return await self._database.write(
                lambda c: self._write(c, tool, call, arguments, deadline)
            )

    async def _endorsed(
        self, tool: Tool, call: Call, arguments: dict[str, Any]
    ) -> tuple[Call, tuple[str, ...]]:
        """The call with the values that our own tables vouch for, and whose those are."""
        doubtful = [
            name
            for name in tool.endorse
            if name in call.arguments
            and not at_least(call.arguments[name].whole_label, tool.needed(name))
        ]
        if not doubtful:
            return call, ()

        def look(connection: Connection) -> list[str]:
            deed = self._deed(connection, call)
            return [name for name in doubtful if tool.endorse[name](deed, arguments[name])]

        given = dict(call.arguments)
        for name in (found := await self._look(call, look)):
            label = given[name].whole_label.model_copy(update={"integrity": tool.needed(name)})
            given[name] = Labelled(value=given[name].value, label=label)
        return replace(call, arguments=given), tuple(found)

    async def _read(self, tool: Tool, call: Call, arguments: dict[str, Any]) -> Outcome:
        ruling = self._policy.rules_on(tool, arguments, call.who, {})
        if ruling.do != "allow":
            return await self._database.write(lambda c: self._deny(c, tool, call, ruling))
        try:
            found = await self._found(tool, call, arguments)
            return Outcome("done", result=_labelled(tool, found, call))
        except Exception as error:  # noqa: BLE001 - whatever a tool raises ends in a state
            return Outcome("failed", problem=problem_of(tool, error))

    async def _found(self, tool: Tool, call: Call, arguments: dict[str, Any]) -> Any:
        if tool.outside:
            async with asyncio.timeout(tool.timeout_s):
                return await tool.run(self._deed(None, call), **arguments)
        with closing(Deadline(tool.timeout_s)) as deadline:
            return await self._look(
                call, lambda c: deadline.run(lambda: tool.run(self._deed(c, call), **arguments))
            )

    async def _look(self, call: Call, work: Callable[[Connection], T]) -> T:
        """What `work` reads; where a draft is tried, as if its deeds so far had been done."""

        def look(connection: Connection) -> tuple[T] | None:
            tries = trials.is_trial(connection, call.session_id)
            return None if tries else (work(connection),)

        seen = await self._database.read(look)
        if seen is not None:
            return seen[0]
        return await self._database.write(lambda c: self._in_trial(c, call, lambda: work(c)))

    def _in_trial(self, connection: Connection, call: Call, work: Callable[[], T]) -> T:
        """What `work` gives after the deeds of a trial so far; nothing of it stays."""

        def redo(past: Past) -> None:
            tool = self.tools.get(past.call.tool)
            if tool is not None and not tool.outside:
                deed = replace(self._deed(connection, past.call, past.approver), now=past.at)
                tool.run(deed, **tool.checked(past.call.plain))

        return after_its_deeds(connection, call, redo, work)

    def _write(
        self,
        connection: Connection,
        tool: Tool,
        call: Call,
        arguments: dict[str, Any],
        deadline: Deadline | None,
    ) -> Outcome:
        """Permission, journal and deed in one transaction."""
        approver = self._may_begin(connection, tool, call, arguments, deadline)
        if isinstance(approver, Outcome):
            return approver
        key = effect_key(call)
        self._passing("effect.begun")
        try:
            with apart(connection):
                deed = self._deed(connection, call, approver)
                work = partial(tool.run, deed, **arguments)
                found = deadline.run(work) if deadline else work()
                outcome = Outcome("done", key, _labelled(tool, found, call))
        except Exception as error:
            if yielded(error):  # the whole unit is run again
                raise
            outcome = Outcome("failed", key, problem=problem_of(tool, error))
        else:
            self._passing("effect.done")
        return self._end(connection, key, outcome)

    async def _write_outside(self, tool: Tool, call: Call, arguments: dict[str, Any]) -> Outcome:
        found = await self._database.write(lambda c: self._may_begin(c, tool, call, arguments))
        if isinstance(found, Outcome) and found.state != "unknown":
            return found
        self._passing("effect.begun")
        deed = self._deed(None, call, found if isinstance(found, str) else "")

        async def is_off() -> bool:
            return await self._database.read(lambda c: switches.is_off(c, tool.name))

        letter = Letter(tool, deed, arguments, lambda given: _labelled(tool, given, call))
        outcome = await send_out(letter, is_off, lost=isinstance(found, Outcome))
        self._passing("effect.done")
        await self._database.write(lambda c: self._end(c, outcome.key, outcome))
        self._passing("effect.recorded")
        return outcome

    def _may_begin(
        self,
        connection: Connection,
        tool: Tool,
        call: Call,
        arguments: dict[str, Any],
        deadline: Deadline | None = None,
    ) -> Outcome | str:
        """Who approved it, perhaps nobody, if it may begin; else what came of it, or comes."""
        key = effect_key(call)
        journal.take_turns(connection)
        row = journal.find_effect(connection, key)
        if row is not None and row.state in ("done", trials.STATE):
            result = Labelled.model_validate_json(row.result or "null")
            return Outcome("done", key, result, simulated=row.state == trials.STATE)
        if switches.is_off(connection, tool.name):
            return Outcome("denied", problem=UserError("tool.off", tool=tool.name))
        try:
            call = self._told(connection, tool, call, arguments)
        except UserError as problem:
            return Outcome("denied", problem=problem)
        ruling = self._ruling(connection, tool, call, arguments)
        if trials.is_trial(connection, call.session_id):  # nothing was written up to here
            return self._rehearse(connection, tool, call, arguments, ruling, deadline)
        if row is not None and row.state in ("begun", "unknown"):
            return Outcome("unknown", key)
        if ruling.do == "deny":
            return self._deny(connection, tool, call, ruling)
        asks = ruling.do in ("confirm", "ask")
        refusal = partial(self._refusal, connection, tool, call, arguments, deadline)
        approver = approved(connection, self._stamps, tool, call, ruling, refusal) if asks else ""
        if isinstance(approver, Outcome):
            return approver
        if why := kept_off(tool, self._deed(connection, call, approver), arguments):
            return Outcome("failed", problem=why)
        if row is not None:
            journal.begin_again(connection, key)
        else:
            self._write_down(connection, key, call, rule=ruling.rule, approved_by=approver or None)
        return approver

    def _deny(self, connection: Connection, tool: Tool, call: Call, ruling: Ruling) -> Outcome:
        """Who tried what a rule forbids stays known; with which values does not."""
        who, about = call.who.id, {"rule": ruling.rule, "session": call.session_id}
        audit.note(connection, self._stamps, who, "tool.denied", tool.name, **about)
        return Outcome("denied", problem=denied(tool, ruling))

    def _write_down(self, connection: Connection, key: str, call: Call, **why: str | None) -> None:
        values = {**call.row, "owner_id": call.who.id, **why}
        journal.begin_effect(connection, self._stamps, key, call.label, **values)

    def _ruling(
        self, connection: Connection, tool: Tool, call: Call, arguments: dict[str, Any]
    ) -> Ruling:
        now = self._stamps.now()
        done = {
            within_s: journal.count_effects(
                connection, call.who.id, tool.name, now - within_s * 1_000_000
            )
            for within_s in self._policy.windows(tool.name)
        }
        ruling = self._policy.rules_on(tool, arguments, call.who, done)
        return where_it_is_called(self._policy.doubting(ruling, monitor(tool, call)), call)

    def _refusal(
        self,
        connection: Connection,
        tool: Tool,
        call: Call,
        arguments: dict[str, Any],
        deadline: Deadline | None,
    ) -> UserError | None:
        """Why a tool would refuse this now."""
        if deadline is None:  # it reaches beyond our database
            return None
        deed = self._deed(connection, call)
        return would_refuse(
            connection, tool, lambda: deadline.run(lambda: tool.run(deed, **arguments))
        )

    def _rehearse(
        self,
        connection: Connection,
        tool: Tool,
        call: Call,
        arguments: dict[str, Any],
        ruling: Ruling,
        deadline: Deadline | None,
    ) -> Outcome:
        """What would come of a deed, for a session that tries a draft: nothing of it stays."""
        if ruling.do == "deny" or tool.opens:
            return Outcome("denied", problem=untried(tool, ruling))
        asks = {"ask": ruling.approver, "confirm": journal.ASKER}.get(ruling.do, "")
        approver = call.who.id if asks else ""

        def work() -> Any:
            deed = self._deed(connection, call, approver)
            if deadline is None:  # it reaches beyond our database
                return would_give(tool, deed, arguments)
            return deadline.run(lambda: tool.run(deed, **arguments))

        try:
            made = replace(tool, promises=ANYTHING) if deadline is None else tool
            result = _labelled(made, self._in_trial(connection, call, work), call)
        except Exception as error:
            if yielded(error):  # the whole unit is run again
                raise
            return Outcome("failed", problem=problem_of(tool, error))
        keep(connection, self._stamps, call, result, approver)
        return Outcome("done", effect_key(call), result, simulated=True, would_ask=asks)

    def _end(self, connection: Connection, key: str, outcome: Outcome) -> Outcome:
        state, problem = outcome.state, str(outcome.problem or "")
        result = outcome.result.model_dump_json() if outcome.result else None
        journal.end_effect(connection, self._stamps, key, state, result=result, problem=problem)
        return replace(outcome, key=key)

    def rows(self, connection: Connection | None, name: str) -> Rows:
        """The rows of a table that the tools may use; outside a transaction there are none.

        Raises:
            NotFound: there is no such table.
        """
        if connection is None or name not in self._tables:
            raise NotFound("pack.no_table", name=name)
        return Rows(connection, self._tables[name])

    async def look(self, who: Principal, session_id: str, work: Callable[[Deed], T]) -> T:
        """What `work` finds in the tables for a person, in a deed that changes nothing.

        Raises:
            TimeoutError: it took too long.
        """
        call = Call(session_id, "", "", "", arguments={}, because=SYSTEM, who=who)
        with closing(Deadline(_LOOK_S)) as deadline:
            return await self._look(call, lambda c: deadline.run(lambda: work(self._deed(c, call))))

    def _deed(self, connection: Connection | None, call: Call, approver: str = "") -> Deed:
        return Deed(
            who=call.who,
            key=effect_key(call),
            now=self._stamps.now(),
            rows=partial(self.rows, connection),
            ask=call.ask,
            session_id=call.session_id,
            sources={name: one.whole_label.sources for name, one in call.arguments.items()},
            passages=partial(passages_for, connection, call.who),
            spans={name: one.span for name, one in call.arguments.items() if one.span},
            approved_by=approver,
            opening=partial(hours.opening_of, connection, self._pack),
            mail=partial(staff_mail.write_mail, connection, self._stamps, self._pack, call.who),
        )


def _labelled(tool: Tool, found: Any, call: Call) -> Labelled:
    return tool.result(found, frozenset({call.who.id}), effect_key(call), call.label)
