"""Automations of every kind, set off in every way, in a process that may be killed.

    python -m tests.crash.kind_deeds HOME WORLD [URL]

HOME's folder holds the pack and `mailboxes.json`. A trial that is told again finds its run where it
stands. The clock is this machine's, moved forth to whatever a run waits for; how far is kept, so
that it never goes back.
"""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import dbos  # noqa: F401 - loaded once, before the forks
from sqlalchemy import text

from attenda.api import Label, Labelled, ScriptedEmbedder, ScriptedModel
from attenda.cli.wiring import open_house
from attenda.core.config import MailboxSpec, Settings
from attenda.llm.loaded import LoadedModels
from attenda.runtime.house import House
from attenda.store import agents, automations, channels, desk, mail, sessions, visitors
from attenda.store import automation_forms as forms
from attenda.store import automation_runs as runs
from attenda.store.database import Connection
from attenda.store.pack_tables import Rows
from attenda.store.schema_mail import outbox
from attenda.store.stamps import Stamps
from tests.crash.deeds import ANA, Dying, World, approve_in, main, pack
from tests.crash.kinds import SECRET, signed, spoken
from tests.scripted_house import add_text

__all__ = ["WANTED"]

WANTED: dict[str, dict[str, int]] = {
    "walked": {"inside": 1, "hook": 1, "queried": 1, "said": 1},
    "late": {"inside": 1, "hook": 1, "keyed": 1, "said": 1},
    "vouched": {"inside": 1, "hook": 1},
    "letter": {"inside": 1, "said": 1, "sent": 1},
    "scheduled": {"keyed": 1},
    "filed": {"inside": 1},
    "queued": {"queried": 1},
    "mailed": {"keyed": 1},
}
"""How often each deed must have happened in the end; each trial has just one run."""
_OVER = ("done", "failed", "cancelled")


class DyingThere(Dying):
    """Ends the process when the point that was passed as `at`-th, by its name, is passed again.

    Several loops are at work, and their points come in one order or another.
    """

    def __init__(self, at: Sequence[Any]) -> None:
        super().__init__(0)
        self._point, self._times = at or ("", 0)

    def __call__(self, point: str) -> None:
        super().__call__(point)
        if point == self._point and self.passed.count(point) == self._times:
            os.kill(os.getpid(), signal.SIGKILL)


class Clock:
    """Real time, and as much more as was skipped in this home."""

    def __init__(self, home: Path) -> None:
        self._path = home.parent / "skipped"
        self._skipped = int(self._path.read_text()) if self._path.exists() else 0

    def __call__(self) -> int:
        return time.time_ns() // 1000 + self._skipped

    def move_to(self, instant: int) -> None:
        self._skipped += max(0, instant - self())
        scratch = self._path.with_suffix(".new")
        scratch.write_text(str(self._skipped))
        scratch.rename(self._path)


class Trial:
    """One story, from where it stands."""

    def __init__(self, house: House, world: World, given: dict[str, Any], clock: Clock) -> None:
        self.house, self._world, self._given, self._clock = house, world, given, clock
        self.story: str = given["story"]
        self._home = house.settings.home
        self.order = f"O-{given['number']}"
        self.session = ""
        self.dying = DyingThere(())

    async def tell(self) -> dict[str, Any]:
        if self.story in ("walked", "late", "letter", "queued"):
            self.session = await self.house.database.write(self._own_session)
        origin = await self._set_off()
        self.house.automations.ring()
        async with asyncio.timeout(90):
            while not (found := await self._runs(origin)):
                await self._look_again()
            while (row := (await self._runs(origin))[0]).state not in _OVER:
                await self._help(row)
                await asyncio.sleep(0.02)
            while self.story == "letter" and not await self._letter_is_over():
                await asyncio.sleep(0.05)
                if not self._given["at"]:  # where processes share a database, nobody knows so soon
                    self._clock.move_to(self._clock() + 20_000_000)
        problem = (row.problem or {}).get("key", "")
        came = {"state": row.state, "problem": problem, "runs": len(await self._runs(origin))}
        if self.story in ("scheduled", "filed", "mailed"):
            self.order = found[0].id
        elif self.story == "queued":
            self.order = self.session
        return came | {"found": await self._found()}

    def _own_session(self, connection: Connection) -> str:
        """The trial's session, for a person here or one who writes mails."""
        title = f"{self.story} {self._given['number']}"
        found = connection.execute(
            text("SELECT id FROM sessions WHERE title = :title"), {"title": title}
        ).scalar()
        if found is not None:
            return str(found)
        stamps = self.house.stamps
        if self.story == "letter":
            channel = _channel(connection, stamps)
            _, id_ = visitors.start_session(connection, stamps, channel)
            address = f"{id_}@customer.example"
            thread = mail.Thread(id_, channel.id, address.lower(), "Ana", "Hello", "", [])
            mail.keep_thread(connection, thread)
        else:
            id_ = sessions.create_session(connection, stamps, ANA).id
        connection.execute(
            text("UPDATE sessions SET title = :title WHERE id = :id"), {"title": title, "id": id_}
        )
        return id_

    async def _set_off(self) -> str:
        """Let it begin, in the way of its story; how the origin of its run begins."""
        number, database = self._given["number"], self.house.database
        match self.story:
            case "walked" | "late":
                values = {"order": self.order, "session": self.session}
                at_s = self.house.stamps.now() // 1_000_000
                headers, body = signed(self.order, at_s, values)
                await self.house.automations.hook("walked", headers, body, values)
                return f"webhook:walked:{self.order}"
            case "vouched" | "letter":
                await database.write(self._begin)
                return f"trial:{number}"
            case "filed":
                folder = self._home / "inbox"
                folder.mkdir(exist_ok=True)
                (folder / f"{number}.csv").write_text(f"{number}\n")
                return "folder:"
            case "queued":
                await database.write(self._queue)
                self.dying("test.queued")
                return f"event:session.queued:{self.session}:"
            case "scheduled":
                return f"schedule:0:{await self._time_comes()}"
        return "mail:"

    def _begin(self, connection: Connection) -> None:
        row = automations.get_automation(connection, self.story)
        values: dict[str, Any] = {"order": self.order, "session": self.session}
        given = Labelled(value=values, label=Label(integrity="user", readers=frozenset({ANA.id})))
        automations.begin_run(
            connection, self.house.stamps, row, f"trial:{self._given['number']}", given
        )

    def _queue(self, connection: Connection) -> None:
        desk.enqueue(connection, self.house.stamps, self.session, "asked")
        self.dying("test.queueing")

    async def _time_comes(self) -> int:
        """Let the schedule be due, at an instant that is this trial's; its second."""
        kept = self._home.parent / f"due-{self._given['number']}"
        if not kept.exists():
            ((_, _, due_at),) = await self.house.database.read(automations.schedules_due)
            kept.write_text(str(due_at))
        due_at = int(kept.read_text())
        self._clock.move_to(due_at)
        return due_at // 1_000_000

    async def _runs(self, origin: str) -> list[runs.RunRow]:
        name = "walked" if self.story == "late" else self.story
        rows = await self.house.database.read(lambda c: runs.list_runs(c, ANA, name, 1000))
        mine = [one for one in rows if one.origin.startswith(origin)]
        if self.story in ("filed", "mailed"):
            mark = f"{self._given['number']}.csv" if self.story == "filed" else self.order
            mine = [one for one in mine if json.dumps(mark)[1:-1] in one.input]
        return mine

    async def _look_again(self) -> None:
        if self.story == "filed":
            await self.house.automations._look_at_folders()
        await asyncio.sleep(0.02)

    async def _help(self, row: runs.RunRow) -> None:
        """What people do about a run that waits for them; other waits pass."""
        if row.waits_for == "approval":
            await approve_in(self.house, row.id)
        elif row.state == "waiting" and row.waits_for == "form" and self.story != "late":
            for form in await self.house.database.read(lambda c: forms.forms_of(c, row.id)):
                if form.state == "pending":
                    await self.house.automations.answer(ANA, form.id, {"sure": True})
        elif row.state == "waiting" and row.wake_at:
            self._clock.move_to(row.wake_at)
        self.house.automations.ring()

    async def _letter_is_over(self) -> bool:
        states = await self.house.database.read(self._letters)
        return bool(states) and not {"waiting", "sending"} & set(states)

    def _letters(self, connection: Connection) -> list[str]:
        mine = outbox.c.address.like(f"{self.session.lower()}@%")
        return [one.state for one in connection.execute(outbox.select().where(mine))]

    async def _found(self) -> dict[str, int]:
        database = self.house.database
        found = self._world.count(self.order)
        table = self.house.packs["deeds"].executor._tables["refunds"]
        inside = await database.read(lambda c: Rows(c, table).find(order_id=self.order))
        found |= {"inside": len(inside)} if inside else {}
        if self.session and self.story != "queued":
            told = await database.read(lambda c: sessions.message_tree(c, self.session))
            found |= {"said": len(told)} if told else {}
        if self.story == "letter":
            found |= {one: 1 for one in await database.read(self._letters)}
        return found


def _channel(connection: Connection, stamps: Stamps) -> channels.Channel:
    known = channels.mail_channels(connection)
    if not known:
        agent = agents.create_agent(connection, stamps, ANA, name="Help")
        values = {"name": "Help", "agent_id": agent, "mailbox": "support"}
        return channels.create_channel(connection, stamps, ANA, "mail", **values)
    return known[0]


async def tell(home: Path, url: str, world: World, given: dict[str, Any]) -> dict[str, Any]:
    """One run, from where it stands; what it came to."""
    os.environ["CRASH_SECRET"] = SECRET.decode()
    dying, clock = DyingThere(given["at"]), Clock(home)
    models = LoadedModels(home, "scripted")
    models.register(ScriptedModel(spoken))
    models.register_embedder(ScriptedEmbedder())
    specs = json.loads((home.parent / "mailboxes.json").read_text())
    boxes = tuple(MailboxSpec.model_validate(one) for one in specs)
    settings = Settings(home=home, model="scripted", database=url, mailboxes=boxes)

    async def understanding(_book: object) -> Any:
        return None

    packs = [pack(world, dying, "deeds", home.parent / "pack")]
    async with open_house(settings, models, Stamps(clock), packs, understanding, dying) as house:
        if given["number"] == 0:
            await add_text(house, ANA, "orders.md", "# Orders\n\nO-1000 is an order of tea.\n")
            while await house.database.read(_mailbox_place) is None:
                await asyncio.sleep(0.05)
            return {}
        trial = Trial(house, world, given, clock)
        trial.dying = dying
        return await trial.tell() | {"passed": dying.passed}


def _mailbox_place(connection: Connection) -> mail.Position | None:
    return mail.position_of(connection, "automation:mailed:0")


if __name__ == "__main__":
    main(sys.argv[1:], tell)
