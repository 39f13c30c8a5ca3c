"""Automations of an installation: kept, set off, woken, paused, answered; carried out on a queue.

Rows are the truth, and the queue is told of what they say: a run that nobody carries out although
it runs is given to the queue anew. Nothing is loaded and nothing wakes up where no automation is.
"""

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import JsonValue

from attenda.core.errors import Conflict
from attenda.core.label import Label, Labelled
from attenda.core.principal import Principal
from attenda.runtime.automating import AutomationRunner
from attenda.runtime.automation import Automation, FormField, WebhookTrigger
from attenda.runtime.automation_fields import checked_fields
from attenda.runtime.automation_triggers import (
    begin_due,
    begin_for_files,
    files_in,
    folders_of,
)
from attenda.runtime.durable import Durable, keep_on
from attenda.store import automation_forms as forms
from attenda.store import automation_runs as runs
from attenda.store import automations as kept
from attenda.store import journal, processes
from attenda.store.database import Connection, Database
from attenda.store.people import OWNER_ID
from attenda.store.stamps import Stamps
from attenda.tools.mailbox import Mailbox
from attenda.tools.webhook import secret_from, verify

__all__ = ["Automations", "process_id"]

_log = logging.getLogger("attenda.automations")
_LOOK_S = 1.0
_FOLDERS_S = 5.0
_LOST_S = 30.0
_SWEEP_S = 3600.0
_BEAT_S = 2.0
_DEAD_S = 10.0
"""A process whose beat has not changed for so long is taken to be dead."""


def process_id(home: Path) -> str:
    """The name of this home's process among those that share a database; made once."""
    path = home / "process.id"
    with contextlib.suppress(OSError):
        if text := path.read_text().strip():
            return text[:40]
    text = f"prc_{secrets.token_hex(12)}"
    path.write_text(text)
    return text


@dataclass
class Automations:
    """What people and programs do with automations."""

    database: Database
    stamps: Stamps
    home: Path
    runner: AutomationRunner
    durable: Durable
    process: str
    mailboxes: Mapping[str, Mailbox] = field(default_factory=dict)
    passing: Callable[[str], None] = lambda point: None
    """Is told of each point passed that a crash test may end the process at."""
    _bell: asyncio.Event = field(default_factory=asyncio.Event)
    _files: dict[Path, tuple[int, int]] = field(default_factory=dict)
    _beats: dict[str, tuple[int, float]] = field(default_factory=dict)
    _opening: asyncio.Lock = field(default_factory=asyncio.Lock)
    _looked_at: int = 1 << 62

    async def start(self, who: Principal, name: str, values: Mapping[str, JsonValue]) -> str:
        """Begin a run as a person; its id.

        Raises:
            NotFound: there is no such automation.
            UserError: the values are not what it must be told.
        """
        row = await self.database.read(lambda c: kept.get_automation(c, name))
        text = await self._text(row)
        label = Label(integrity="user", readers=frozenset({who.id}))
        given = Labelled(value=checked_fields(text.input, values), label=label)
        origin = f"person:{self.stamps.new_id('by')}"

        def begin(connection: Connection) -> str:
            return kept.begin_run(connection, self.stamps, row, origin, given, who.id)[0]

        run_id = await self.database.write(begin)
        self.passing("automation.set_off")
        self._bell.set()
        return run_id

    async def hook(
        self, name: str, headers: Mapping[str, str], body: bytes, values: Mapping[str, JsonValue]
    ) -> tuple[str, bool]:
        """Begin a run for a signed request; its id, and whether the request was a new one.

        Raises:
            NotFound: no automation waits for such requests.
            Unauthenticated: it is not signed as it must be.
            UserError: what it says is not what the automation must be told.
        """
        row, trigger = await self.database.read(lambda c: kept.for_webhook(c, name))
        asked = WebhookTrigger.model_validate(trigger)
        now_s = self.stamps.now() // 1_000_000
        id_ = verify(secret_from(asked.secret_env), headers, body, now_s)
        text = await self._text(row)
        chosen = {key: value for key, value in values.items() if key in text.input}
        label = Label(integrity=asked.trust, readers=frozenset({OWNER_ID}))
        given = Labelled(value=checked_fields(text.input, chosen), label=label)

        def begin(connection: Connection) -> tuple[str, bool]:
            if row.paused:
                raise Conflict("automation.is_paused", name=row.name)
            origin = f"webhook:{name}:{id_}"
            return kept.begin_run(connection, self.stamps, row, origin, given)

        found = await self.database.write(begin)
        self.passing("automation.set_off")
        self._bell.set()
        return found

    async def answer(self, who: Principal, form_id: str, values: Mapping[str, JsonValue]) -> str:
        """Fill a form in; the id of the run that goes on.

        Raises:
            NotFound: there is no such form for them.
            UserError: a value is missing or is no such value.
            Conflict: it was answered before, or is too late.
        """
        form = await self.database.read(lambda c: forms.get_form(c, who, form_id))
        fields = {one: FormField.model_validate(about) for one, about in form.fields.items()}
        found = checked_fields(fields, values)
        label = Label(integrity="operator", readers=frozenset({who.id, form.owner_id}))
        answers = Labelled(value=found, label=label)
        run_id = await self.database.write(
            lambda c: forms.answer_form(c, self.stamps, who, form_id, answers)
        )
        self._bell.set()
        return run_id

    async def pause(self, who: Principal, run_id: str) -> None:
        """Let a run do nothing after the step that it is at.

        Raises:
            NotFound: it is not theirs to see.
            Conflict: it is over, or paused.
        """
        await self._change(who, run_id, ("queued", "running", "waiting"), "paused")

    async def resume(self, who: Principal, run_id: str) -> None:
        """Let a paused run go on; one that waited for something waits for it again.

        Raises:
            NotFound: it is not theirs to see.
            Conflict: it is not paused.
        """
        await self._change(who, run_id, ("paused",), "queued", wake_at=self.stamps.now())

    async def cancel(self, who: Principal, run_id: str) -> None:
        """End a run after the step that it is at; what was done stays done.

        Raises:
            NotFound: it is not theirs to see.
            Conflict: it is over.
        """
        await self._change(who, run_id, runs.OPEN, "cancelled", ended_at=self.stamps.now())

    async def restart(self, who: Principal, run_id: str) -> None:
        """Let a run that failed go on with the step that failed; what was done is not repeated.

        Raises:
            NotFound: it is not theirs to see.
            Conflict: it has not failed.
        """
        again = {"wake_at": self.stamps.now(), "ended_at": None}
        await self._change(who, run_id, ("failed",), "queued", **again)

    async def pause_all(self, who: Principal, name: str, *, paused: bool) -> None:
        """Let nothing set an automation off, or let it again.

        Raises:
            NotFound: there is none.
        """
        await self.database.write(
            lambda c: kept.pause_automation(c, self.stamps, who, name, paused=paused)
        )
        self._bell.set()

    def ring(self) -> None:
        """Something has happened that a run may wait for."""
        self._bell.set()

    async def work(self) -> None:
        """Look after automations for ever; where there are none, and no runs, end at once."""
        if not await self.database.read(kept.any_to_do):
            return
        if self.database.dialect != "sqlite":  # it takes its share of what others begin
            await self._open_queue()
        looking = [
            asyncio.create_task(keep_on(look, pause_s))
            for look, pause_s in (
                (self._look, 0.0),
                *self._mail_looks(),
                (self._look_at_folders, _FOLDERS_S),
                (self._look_for_lost, _LOST_S),
                (self._sweep, _SWEEP_S),
                (self._beat, _BEAT_S),
            )
        ]
        try:
            await asyncio.gather(*looking)
        finally:
            for task in looking:
                task.cancel()
            await asyncio.gather(*looking, return_exceptions=True)

    async def close(self) -> None:
        """Let runs end their step, and leave the queue."""
        await self.runner.close()
        await self.durable.close()

    async def _look(self) -> None:
        """Begin what is due, and wake whose time has come; then wait for the next time."""
        self._bell.clear()
        now = self.stamps.now()
        set_back, self._looked_at = now < self._looked_at, now
        if set_back or await self.database.read(lambda c: _anything_due(c, now)):
            woken = await self.database.write(self._wake_due)
            self.passing("automation.woken")
            await self._carry(woken)
            self.passing("automation.handed_on")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LOOK_S):
                await self._bell.wait()

    def _wake_due(self, connection: Connection) -> list[tuple[str, int]]:
        begin_due(connection, self.stamps)
        self.passing("automation.due")
        now = self.stamps.now()
        ids = [*runs.due_runs(connection, now), *runs.decided_approvals(connection, now)]
        return _woken(connection, self.stamps, ids)

    async def _carry(self, segments: Sequence[tuple[str, int]]) -> None:
        if segments:
            await self._open_queue()
        for run_id, segment in segments:
            await self.durable.enqueue(run_id, segment)

    async def _look_at_folders(self) -> None:
        for row, trigger in await self.database.read(folders_of):
            found = await asyncio.to_thread(
                lambda one=trigger: list(files_in(self.home, one, self._files))  # type: ignore[misc]
            )
            if found:
                self.passing("automation.found")
                await self.database.write(
                    lambda c, row=row, found=found: begin_for_files(  # type: ignore[misc]
                        c, self.stamps, row, found
                    )
                )
                self.passing("automation.set_off")
                self._bell.set()

    def _mail_looks(self) -> Iterator[tuple[Callable[[], Awaitable[None]], float]]:
        if not self.mailboxes:
            return
        from attenda.runtime.automation_mail import MailWatch

        watch = MailWatch(self.database, self.stamps, self.mailboxes, self.passing)

        async def look() -> None:
            if await watch.look():
                self._bell.set()

        yield look, _LOOK_S

    async def _look_for_lost(self) -> None:
        """Give runs that nobody carries out to the queue anew."""
        running = await self.database.read(runs.running_runs)
        if not running:
            return
        await self._open_queue()
        lost = await self.durable.lost(running)

        def wake(connection: Connection) -> list[tuple[str, int]]:
            woken: list[tuple[str, int]] = []
            for run_id, segment in lost:
                new = runs.wake_run(connection, self.stamps, run_id, ("running",), segment)
                woken += [(run_id, new)] if new is not None else []
            return woken

        if lost:
            await self._carry(await self.database.write(wake))

    async def _sweep(self) -> None:
        if self.durable.is_open:
            await self.durable.sweep()

    async def _beat(self) -> None:
        """Show that this process lives; take over what dead ones were at. For many processes."""
        if self.database.dialect == "sqlite":
            await asyncio.sleep(_SWEEP_S)
            return
        beats = await self.database.write(lambda c: processes.beat(c, self.process))
        now = asyncio.get_running_loop().time()
        for id_, beat in beats.items():
            if self._beats.get(id_, (-1, 0.0))[0] != beat:
                self._beats[id_] = beat, now
            elif id_ != self.process and now - self._beats[id_][1] >= _DEAD_S:
                await self._take_over(id_, beat)

    async def _take_over(self, id_: str, beat: int) -> None:
        """First its work, then its row: whoever dies in between leaves it to the next."""
        _log.warning("the process %s is gone; its runs are taken over", id_)
        await self._open_queue()
        await self.durable.take_over(id_)
        await self.database.write(lambda c: processes.forget(c, id_, beat))
        self._beats.pop(id_, None)

    async def _open_queue(self) -> None:
        async with self._opening:
            if not self.durable.is_open:
                await self.durable.open()

    async def _change(
        self, who: Principal, run_id: str, before: Sequence[str], state: str, **values: object
    ) -> None:
        def change(connection: Connection) -> None:
            row = runs.change_run(
                connection, self.stamps, who, run_id, before, state=state, **values
            )
            if state == "cancelled":
                forms.close_forms(connection, run_id, "closed")
                for asked in journal.pending_in(connection, run_id, self.stamps.now()):
                    journal.withdraw_approval(connection, asked.id)  # it would do nothing any more
            if row.state == "failed":
                runs.forget_tries(connection, run_id, row.at)

        await self.database.write(change)
        self._bell.set()

    async def _text(self, row: kept.AutomationRow) -> Automation:
        body = await self.database.read(lambda c: kept.kept_text(c, row.fingerprint))
        return Automation.model_validate_json(body)


def _anything_due(connection: Connection, now: int) -> bool:
    return bool(
        runs.due_runs(connection, now, 1)
        or runs.decided_approvals(connection, now)
        or any(due_at <= now for _, _, due_at in kept.schedules_due(connection))
    )


def _woken(connection: Connection, stamps: Stamps, ids: Sequence[str]) -> list[tuple[str, int]]:
    """Runs that go on, each with its new segment."""
    woken: list[tuple[str, int]] = []
    for run_id in ids:
        segment = runs.wake_run(connection, stamps, run_id, ("queued", "waiting"))
        woken += [(run_id, segment)] if segment is not None else []
    return woken
