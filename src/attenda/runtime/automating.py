"""Carries runs of automations out: step by step, each written down before it is done and after.

A step that reaches beyond our rows is begun in one transaction and ended in another. A process
that dies in between leaves it begun; it is done again, and the journal says what of it was done.
A run that must wait is put down, and costs nothing until it is woken.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from attenda.core.duration import read_duration
from attenda.core.errors import AttendaError, UserError
from attenda.dialogue.expression import BadExpression
from attenda.runtime.automation import Automation
from attenda.runtime.automation_deeds import Deeds, Doing, End, OutsideStep, given_to
from attenda.runtime.automation_progress import MOST_BYTES, Progress, as_told, look_at
from attenda.runtime.pack import OpenPack
from attenda.store import automation_runs as runs
from attenda.store import automations, journal, people
from attenda.store.database import Connection, Database
from attenda.store.stamps import Stamps

__all__ = ["AutomationRunner"]

_CRASHES = 5
"""Beginnings without an end that a step may have beyond its tries."""


@dataclass(frozen=True, slots=True)
class _Begun:
    """A step that reaches beyond, written down."""

    run_id: str
    at: int
    after: int
    doing: Doing
    attempts: int


class AutomationRunner:
    """Carries runs out, in whichever process they are given to it."""

    def __init__(
        self,
        database: Database,
        stamps: Stamps,
        packs: Mapping[str, OpenPack],
        deeds: Deeds,
        passing: Callable[[str], None] = lambda point: None,
        said: Callable[[str], None] = lambda session_id: None,
    ) -> None:
        """`passing` is told of each point passed, `said` of sessions that got a message."""
        self._database, self._stamps = database, stamps
        self._packs, self._deeds = packs, deeds
        self._passing, self._said = passing, said
        self._texts: dict[str, Automation] = {}
        self._active: set[asyncio.Task[Any]] = set()
        self._closing = False

    async def carry(self, run_id: str, segment: int) -> None:
        """Go on with a run until it waits, is over, or is somebody else's."""
        task = asyncio.current_task()
        assert task is not None
        self._active.add(task)
        try:
            while not self._closing and await self._advance(run_id, segment):
                pass
        finally:
            self._active.discard(task)

    async def close(self, patience_s: float = 5.0) -> None:
        """End at the next step; what takes longer is broken off, as by a crash."""
        self._closing = True
        if self._active:
            _, late = await asyncio.wait(self._active, timeout=patience_s)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _advance(self, run_id: str, segment: int) -> bool:
        """Do what comes next; whether there is more to do now."""
        begun, said_in = await self._database.write(lambda c: self._begin(c, run_id, segment))
        for session_id in said_in:
            self._said(session_id)
        if begun is None:
            self._passing("automation.put_down")
            return False
        self._passing("automation.begun")
        end = await self._deeds.do(begun.doing)
        self._passing("automation.done")
        more = await self._database.write(lambda c: self._finish(c, segment, begun, end))
        self._passing("automation.recorded")
        return more

    def _begin(
        self, connection: Connection, run_id: str, segment: int
    ) -> tuple[_Begun | None, list[str]]:
        """Do all that stays within our rows; the next step that reaches beyond, written down."""
        row = runs.read_run(connection, run_id)
        if row.state != "running" or row.segment != segment:
            return None, []
        text = self._text(connection, row.fingerprint)
        run = look_at(connection, self._stamps, row, text)
        try:
            return self._go(run), run.said_in
        except BadExpression as error:
            run.fail(UserError("automation.expression", problem=error))
        except AttendaError as problem:
            run.fail(problem)
        return None, run.said_in

    def _text(self, connection: Connection, fingerprint: str) -> Automation:
        if fingerprint not in self._texts:
            body = automations.kept_text(connection, fingerprint)
            self._texts[fingerprint] = Automation.model_validate_json(body)
        return self._texts[fingerprint]

    def _go(self, run: Progress) -> _Begun | None:
        while (step := run.step) is not None:
            self._passing("automation.inside")
            if isinstance(step, OutsideStep):
                return self._begin_outside(run, step)
            if not run.inside(step):
                return None
        run.move(state="done", ended_at=self._stamps.now())
        return None

    def _begin_outside(self, run: Progress, step: OutsideStep) -> _Begun:
        row, before = run.row, run.before.get(run.at)
        pack_name = automations.get_automation_anyhow(run.connection, row.automation).pack
        pack = self._packs.get(pack_name)
        if pack is None:
            raise UserError("automation.no_pack", name=pack_name)
        who = people.principal_of(run.connection, row.owner_id)
        run.move()
        attempts = run.begin(step, given_to(step, run.names))
        if attempts > step.tries + _CRASHES:
            raise UserError("automation.crashed", count=attempts - 1)
        awaited = before.output if before is not None and before.state != "done" else ""
        whose = row.id, row.automation, step, run.names, run.label, who, pack.executor
        doing = Doing(*whose, awaited)
        return _Begun(row.id, run.at, run.text.after(run.at), doing, attempts)

    def _finish(self, connection: Connection, segment: int, begun: _Begun, end: End) -> bool:
        """Write down what came of a step; whether the run goes on now."""
        if end.approval_id:
            self._await_approval(connection, segment, begun, end.approval_id)
            return False
        problem = end.problem
        output = end.value.model_dump_json() if end.value is not None else ""
        if len(output) > MOST_BYTES:
            problem, output = UserError("automation.too_large", limit=MOST_BYTES), ""
        if problem is not None:
            self._failed(connection, segment, begun, problem, may_pass=end.may_pass)
            return False
        place = begun.run_id, begun.at
        runs.end_step(connection, self._stamps, *place, "done", output=output)
        goes_on = {"state": "running", "at": begun.after}
        return runs.move_run(connection, self._stamps, begun.run_id, segment, **goes_on)

    def _failed(
        self,
        connection: Connection,
        segment: int,
        begun: _Begun,
        problem: AttendaError,
        *,
        may_pass: bool,
    ) -> None:
        """Try again later where that may help and was not tried too often; else it is over."""
        told, now = as_told(problem), self._stamps.now()
        runs.end_step(connection, self._stamps, begun.run_id, begun.at, "failed", problem=told)
        step = begun.doing.step
        values: dict[str, object] = {"state": "failed", "ended_at": now}
        if may_pass and begun.attempts < step.tries:
            pause_s = read_duration(step.pause or "0s") * 2 ** (begun.attempts - 1)
            wake_at = now + min(pause_s, runs.LONGEST_PAUSE_S) * 1_000_000
            values = {"state": "waiting", "waits_for": "retry", "wake_at": wake_at}
        runs.move_run(connection, self._stamps, begun.run_id, segment, **values, problem=told)

    def _await_approval(
        self, connection: Connection, segment: int, begun: _Begun, approval_id: str
    ) -> None:
        """Put a run down until a person has decided."""
        place = begun.run_id, begun.at
        runs.end_step(connection, self._stamps, *place, "waiting", output=approval_id)
        runs.untried(connection, *place)
        values = {"state": "waiting", "waits_for": "approval", "waits_id": approval_id}
        waits = runs.move_run(connection, self._stamps, begun.run_id, segment, **values)
        if not waits and runs.read_run(connection, begun.run_id).state == "cancelled":
            journal.withdraw_approval(connection, approval_id)  # ended while it was asked
