"""The clock jumps, and nothing is valid that should not be (R30).

A random walk over moments: forth and back by seconds and by months, onto changes to and from
summer time, onto a leap day and a turn of the year, each just before, at and after what ends there.
At each moment sign-ins, keys, invitations, visits and questions for approval count if they should,
whatever the zone of the machine; what was used, revoked or decided stays so; of the trash and of
old chats, what is due goes.
"""

import asyncio
import datetime
import os
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from sqlalchemy import insert, select

from attenda.api import Conflict, Label, NotFound, Principal, Unauthenticated
from attenda.store import (
    agents,
    channels,
    invitations,
    journal,
    keys,
    people,
    privacy,
    quota,
    schema,
    visitors,
)
from attenda.store.automation_runs import due_runs
from attenda.store.database import Connection, Database
from attenda.store.schema_automations import automation_runs
from attenda.store.stamps import Stamps

STEPS = 2000 if os.environ.get("ATTENDA_LONG") == "1" else 100
DAY = 86_400_000_000
OWNER = Principal(id=people.OWNER_ID, role="owner")
INSTANTS = [
    datetime.datetime(*parts, tzinfo=datetime.UTC)
    for parts in (
        (2026, 3, 29, 1), (2026, 10, 25, 1), (2026, 12, 31, 23, 59, 59), (2028, 2, 28, 23, 59, 59),
        (2028, 2, 29, 12), (2028, 3, 1), (2026, 11, 1, 6), (2026, 3, 8, 7),
    )
]  # fmt: skip
"""Changes of summer time in Europe and America, a turn of a year, a leap day and its edges."""
ZONES = ["UTC", "Europe/Zurich", "America/New_York", "Pacific/Apia"]


@dataclass
class Thing:
    """Something that ends: how it is tried, and what must be known of it."""

    kind: str
    ends_at: int
    tried: Callable[[Connection], bool]
    """Whether it counts now; trying it may use it up."""
    spend: Callable[[Connection], None] | None = None
    spent: bool = False


class Walk:
    """A database under a clock that jumps."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.now = int(datetime.datetime(2026, 3, 28, tzinfo=datetime.UTC).timestamp()) * 1_000_000
        self.stamps = Stamps(clock=lambda: self.now)
        self.things: list[Thing] = []
        self.checked: Counter[str] = Counter()

    def jump(self) -> None:
        """To another moment, often the edge of something."""
        near = self.chance.choice([-1, 0, 1])
        match self.chance.randrange(5):
            case 0 if self.things:
                self.now = self.chance.choice(self.things).ends_at + near
            case 1:
                moment = self.chance.choice(INSTANTS)
                self.now = int(moment.timestamp()) * 1_000_000 + near
            case 2:
                self.now += self.chance.choice([30 * DAY, -30 * DAY, 366 * DAY, -365 * DAY])
            case 3:
                self.now += self.chance.choice([-2, 1, 2, 24]) * 3_600_000_000
            case _:
                self.now += self.chance.randrange(1, 10_000_000)

    def make(self, connection: Connection) -> None:
        """One more thing that ends."""
        makes = [self._sign_in, self._key, self._invitation, self._question, self._visit]
        self.things.append(self.chance.choice(makes)(connection))

    def _sign_in(self, connection: Connection) -> Thing:
        token = keys.sign_in(connection, self.stamps, OWNER.id)
        spend = lambda c: keys.end_login(c, token)  # noqa: E731
        return Thing("sign-in", self.now + 30 * DAY, lambda c: self._known(c, token), spend)

    def _key(self, connection: Connection) -> Thing:
        days = self.chance.choice([1, 30, 365])
        made = keys.create_key(connection, self.stamps, OWNER, "test", days=days)
        spend = lambda c: keys.revoke_key(c, self.stamps, OWNER, made[0])  # noqa: E731
        return Thing("key", self.now + days * DAY, lambda c: self._known(c, made[1]), spend)

    def _known(self, connection: Connection, secret: str) -> bool:
        try:
            return keys.authenticate(connection, self.stamps, secret).id == OWNER.id
        except Unauthenticated:
            return False

    def _invitation(self, connection: Connection) -> Thing:
        _, token = invitations.invite(connection, self.stamps, OWNER)
        ends_at = connection.execute(
            select(schema.invitations.c.expires_at).order_by(schema.invitations.c.created_at.desc())
            .where(schema.invitations.c.token_hash == people.hash_token(token))
        ).scalar_one()  # fmt: skip

        def use(c: Connection) -> bool:
            mail = f"p{len(self.things)}-{self.chance.randrange(10**9)}@example.test"
            try:
                invitations.accept_invitation(c, self.stamps, token, "P", mail, "x" * 12)
            except NotFound:
                return False
            thing.spent = True
            return True

        thing = Thing("invitation", int(ends_at), use)
        return thing

    def _visit(self, connection: Connection) -> Thing:
        known = channels.list_channels(connection)
        if not known:
            agent = agents.create_agent(connection, self.stamps, OWNER, name="Help")
            values = {"name": "Help", "agent_id": agent, "origins": ["https://shop.example"]}
            known = [channels.create_channel(connection, self.stamps, OWNER, "widget", **values)]
        who, _ = visitors.start_session(connection, self.stamps, known[0])
        token, ends_at = visitors.begin_visit(connection, self.stamps, who, "en")

        def known_here(c: Connection) -> bool:
            try:
                return visitors.authenticate(c, self.stamps, token).id == who.id
            except Unauthenticated:
                return False

        return Thing("visit", ends_at, known_here)

    def _question(self, connection: Connection) -> Thing:
        lasts_s = self.chance.choice([60, 86_400, 7 * 86_400])
        names = ("session_id", "instance", "step", "tool", "arguments", "rule")
        values = {name: f"{name}-{len(self.things)}" for name in names}
        values |= {"role": "supervisor", "asked_for": OWNER.id, "arguments": "{}"}
        hash_ = f"{len(self.things):064}"
        id_ = journal.ask_approval(
            connection, self.stamps, hash_, lasts_s, Label(), origins={}, sink=(), **values
        )

        def decide(c: Connection) -> bool:
            try:
                journal.decide(c, self.stamps, OWNER, id_, hash_, yes=True)
            except Conflict:
                return False
            thing.spent = True
            return True

        thing = Thing("question", self.now + lasts_s * 1_000_000, decide)
        return thing

    def check(self, connection: Connection) -> Iterator[str]:
        """Try a few, and hold them against what must be."""
        some = self.chance.sample(self.things, min(6, len(self.things)))
        for one in some:
            should = not one.spent and self.now < one.ends_at
            does = one.tried(connection)
            self.checked[f"{one.kind} {'counts' if should else 'is over'}"] += 1
            if does and not should:
                yield f"a {one.kind} counts, {self.now - one.ends_at} µs after its end"
            if should and not does and one.kind != "sign-in":  # those that ended may be swept
                yield f"a {one.kind} does not count, {one.ends_at - self.now} µs before its end"
            if one.spend and not one.spent and self.chance.random() < 0.2:
                one.spend(connection)
                one.spent = True


@pytest.mark.timeout(3600 if STEPS > 100 else 280)
def test_nothing_is_wrongly_valid_whichever_way_the_clock_jumps(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    walk = Walk(20260105)

    def step(connection: Connection) -> list[str]:
        walk.jump()
        if len(walk.things) < 60 or walk.chance.random() < 0.1:
            walk.make(connection)
        return list(walk.check(connection))

    async def story() -> list[str]:
        await database.write(lambda c: people.ensure_owner(c, walk.stamps))
        wrong = []
        for number in range(STEPS):
            monkeypatch.setenv("TZ", ZONES[number % len(ZONES)])
            time.tzset()
            wrong += await database.write(step)
        return wrong

    try:
        wrong = asyncio.run(story())
    finally:
        monkeypatch.undo()
        time.tzset()
    assert wrong == []
    assert len(walk.checked) == 10, walk.checked  # each kind was tried on both sides of its end
    print(f"{database.dialect}: {sum(walk.checked.values())} tries; wrong 0")


def test_what_is_to_be_done_now_does_not_wait_for_a_clock_that_was_set_back(
    database: Database,
) -> None:
    now = int(INSTANTS[0].timestamp()) * 1_000_000
    hour = 3_600_000_000
    states = {
        "begun": ("queued", "", now + 30 * DAY),
        "answered": ("queued", "form", now + 1),
        "waits": ("waiting", "timer", now + 30 * DAY),
        "late": ("waiting", "timer", now),
        "again": ("waiting", "retry", now + hour),
        "again, set back": ("waiting", "retry", now + hour + 1),
        "paused": ("paused", "", now),
    }

    def enter(connection: Connection) -> list[str]:
        same = {"automation": "x", "fingerprint": "x", "because": [], "input": "{}"}
        same |= {"created_at": now, "updated_at": now, "owner_id": OWNER.id}
        for name, (state, waits_for, wake_at) in states.items():
            row = {"id": name, "state": state, "waits_for": waits_for, "wake_at": wake_at}
            connection.execute(insert(automation_runs).values(**same, **row, origin=name))
        return due_runs(connection, now)

    due = asyncio.run(database.write(enter))
    assert sorted(due) == ["again, set back", "answered", "begun", "late"]


@pytest.mark.parametrize(
    ("column", "kept"), [("deleted_at", "trash_days"), ("updated_at", "chat_days")]
)
def test_the_trash_is_emptied_once_and_of_what_is_due_alone(
    database: Database, column: str, kept: str
) -> None:
    """Thirty days are thirty times 24 hours, over summer time, a leap day and jumps back."""
    chance, clock = random.Random(20260105), [0]
    stamps = Stamps(clock=lambda: clock[0])
    left: dict[str, int] = {}

    def round_(connection: Connection) -> str:
        clock[0] = int(chance.choice(INSTANTS).timestamp()) * 1_000_000
        clock[0] += chance.randrange(-40, 40) * DAY + chance.choice([-1, 0, 1])
        id_ = stamps.new_id("ses")
        old_since = clock[0] - chance.choice([29, 30, 31]) * DAY + chance.choice([-1, 0, 1])
        row = {"id": id_, "owner_id": OWNER.id, "created_at": 1, "updated_at": 1}
        connection.execute(insert(schema.sessions).values({**row, column: old_since}))
        left[id_] = old_since
        days = {"trash_days": 0, "chat_days": 0, kept: 30}
        gone = privacy.expire(connection, stamps, **days)
        due = {one for one, at in left.items() if at < clock[0] - 30 * DAY}
        for one in due:
            del left[one]
        there = set(connection.execute(select(schema.sessions.c.id)).scalars())
        again = privacy.expire(connection, stamps, **days)
        return "" if (gone, there, again) == (len(due), set(left), 0) else f"{gone} of {len(due)}"

    async def story() -> list[str]:
        await database.write(lambda c: people.ensure_owner(c, stamps))
        rounds = 60 if kept == "trash_days" or STEPS > 100 else 15
        return [wrong for _ in range(rounds) if (wrong := await database.write(round_))]

    assert asyncio.run(story()) == []


def test_a_days_tokens_are_the_days_whichever_way_the_clock_jumps(database: Database) -> None:
    """A jump back gives no tokens back, and a jump forth takes none of tomorrow's."""
    from attenda.api import Denied, Usage

    chance, clock, used = random.Random(20260105), [0], Counter[int]()
    stamps = Stamps(clock=lambda: clock[0])
    asks = Principal(id="usr_q", role="agent")

    def round_(connection: Connection) -> None:
        moment = chance.choice(INSTANTS) + datetime.timedelta(hours=chance.randrange(-30, 30))
        clock[0] = int(moment.timestamp()) * 1_000_000
        try:
            quota.check(connection, asks, clock[0])
        except Denied:
            assert used[clock[0] // DAY] >= 100
            return
        assert used[clock[0] // DAY] < 100
        used[clock[0] // DAY] += 30
        quota.spend(connection, "usr_q", clock[0], Usage(prompt_tokens=10, answer_tokens=20))

    async def story() -> None:
        row = {"id": "usr_q", "role": "agent", "created_at": 1, "tokens_a_day": 100}
        await database.write(lambda c: people.ensure_owner(c, stamps))
        await database.write(lambda c: c.execute(insert(schema.users).values(**row)))
        for _ in range(200):
            await database.write(round_)

    asyncio.run(story())
    assert max(used.values()) == 120 and len(used) > 10
