"""The audit log is whole (R27): every edit of its rows is found, and so is a cut tail.

Edits are made behind the program's back, in SQL. The one thing that is not found, as the module
says, is a chain forged as a whole by someone who writes the database and knows the rule.
"""

import asyncio
import itertools
import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Connection, delete, func, insert, select, text, update

from attenda.store import audit
from attenda.store.database import Database, open_database
from attenda.store.schema import access
from attenda.store.schema import audit as log
from attenda.store.stamps import Stamps
from attenda.store.upgrade import upgrade_database

ROWS = 40
EDITS = 1000


class _Undo(Exception):
    """Ends a transaction whose edit was looked at."""


def _fill(c: Connection, stamps: Stamps) -> None:
    for number in range(ROWS):
        detail = {"role": "agent", "n": number, "teams": ["ours", "团队"], "off": None}
        audit.note(c, stamps, f"usr_{number % 5}", "user.changed", f"usr_{number}", **detail)


def _change(c: Connection, chance: random.Random) -> str:
    column = chance.choice(["at", "actor_id", "action", "object_id", "detail", "hash"])
    number = chance.randint(1, ROWS)
    old = c.execute(select(log.c[column]).where(log.c.number == number)).scalar_one()
    if column == "at":
        new = old + chance.choice([-1, 1, 1_000_000])
    elif column == "detail":
        new = {**old, chance.choice(["n", "role", "added"]): chance.choice([None, "owner", -1])}
    else:
        place = chance.randrange(len(old))
        new = old[:place] + chance.choice([c for c in "abc012Z_" if c != old[place]])
        new += old[place + 1 :]
    c.execute(update(log).where(log.c.number == number).values({column: new}))
    return f"change {column} of {number}: {old!r} -> {new!r}"


def _drop(c: Connection, chance: random.Random) -> str:
    number = chance.randint(1, ROWS)
    c.execute(delete(log).where(log.c.number == number))
    return f"drop {number}"


def _drop_and_close(c: Connection, chance: random.Random) -> str:
    """Drop a row and number those behind it anew."""
    number = chance.randint(1, ROWS - 1)
    c.execute(delete(log).where(log.c.number == number))
    for later in range(number + 1, ROWS + 1):
        c.execute(update(log).where(log.c.number == later).values(number=later - 1))
    return f"drop {number} and close the gap"


def _swap(c: Connection, chance: random.Random) -> str:
    one, other = chance.sample(range(1, ROWS + 1), 2)
    for here, there in ((one, -1), (other, one), (-1, other)):
        c.execute(update(log).where(log.c.number == here).values(number=there))
    return f"swap {one} and {other}"


def _insert(c: Connection, chance: random.Random) -> str:
    copied = c.execute(select(log).where(log.c.number == chance.randint(1, ROWS))).mappings().one()
    number = chance.choice([0, -7, ROWS + 1, ROWS + 2])
    c.execute(insert(log).values({**copied, "number": number}))
    return f"insert a copy as {number}"


def _forge_next(c: Connection, chance: random.Random) -> str:
    """Add a row that fits the chain: only the counter tells."""
    last = c.execute(select(log.c.hash).where(log.c.number == ROWS)).scalar_one()
    row = {"number": ROWS + 1, "at": chance.randint(0, 10**15), "actor_id": "usr_1"}
    row |= {"action": "user.erased", "object_id": "usr_2", "detail": {}}
    c.execute(insert(log).values(**row, hash=audit._chained(last, row)))
    return "add a row that fits"


def _cut(c: Connection, chance: random.Random) -> str:
    number = chance.randint(1, ROWS)
    c.execute(delete(log).where(log.c.number >= number))
    return f"cut from {number} on"


def _cut_and_go_on(c: Connection, chance: random.Random) -> str:
    """Cut the tail, then let the program add honest rows."""
    number = chance.randint(1, ROWS)
    c.execute(delete(log).where(log.c.number >= number))
    for _ in range(chance.randint(1, 3)):
        audit.note(c, Stamps(), "usr_1", "signed_in", "usr_1")
    return f"cut from {number} on, then go on"


def _lose_counter(c: Connection, chance: random.Random) -> str:
    c.execute(delete(access).where(access.c.id == audit._LENGTH))
    return "drop the counter"


EDIT_KINDS: list[Callable[[Connection, random.Random], str]] = [
    _change, _change, _change, _drop, _drop_and_close, _swap, _insert, _forge_next, _cut,
    _cut_and_go_on, _lose_counter,
]  # fmt: skip


async def _missed(database: Database, stamps: Stamps, edits: int) -> list[str]:
    chance = random.Random(27)
    missed: list[str] = []
    await database.write(lambda c: _fill(c, stamps))
    assert await database.read(audit.verify) is None

    def attempt(c: Connection) -> None:
        what = chance.choice(EDIT_KINDS)(c, chance)
        if audit.verify(c) is None:
            missed.append(what)
        raise _Undo

    for _ in range(edits):
        with pytest.raises(_Undo):
            await database.write(attempt)
    assert await database.read(audit.verify) is None, "the edits were not undone"
    return missed


def test_every_edit_is_found(database: Database, stamps: Stamps) -> None:
    assert asyncio.run(_missed(database, stamps, EDITS)) == []


def test_without_the_chain_edits_are_missed(
    database: Database, stamps: Stamps, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "_chained", lambda before, row: "x" * 64)
    monkeypatch.setattr(audit, "_length", lambda c: c.scalar(select(func.max(log.c.number))) or 0)
    missed = asyncio.run(_missed(database, stamps, 100))
    assert {what.split()[0] for what in missed} >= {"change", "swap", "cut", "add"}


@pytest.mark.parametrize("planted", ["not json", '{"a":', "", "[" * 5000, "null"])
def test_a_detail_that_is_no_json_is_found_and_shown(
    tmp_path: Path, stamps: Stamps, planted: str
) -> None:
    """SQLite takes any text there; the log must still be read, and the place named."""

    async def body() -> None:
        database = open_database(f"sqlite:///{tmp_path / 'a.db'}")
        await upgrade_database(database)
        await database.write(lambda c: _fill(c, stamps))
        change = text("UPDATE audit SET detail = :planted WHERE number = 7")
        await database.write(lambda c: c.execute(change, {"planted": planted}))
        assert await database.read(audit.verify) == 7
        rows = await database.read(audit.audit_rows)
        assert [row.number for row in rows] == list(range(ROWS, 0, -1))
        await database.close()

    asyncio.run(body())


def test_writers_at_once_make_one_chain(database: Database) -> None:
    async def body() -> None:
        stamps = Stamps()
        many = [database.write(lambda c: audit.note(c, stamps, "usr_1", "deed")) for _ in range(60)]
        await asyncio.gather(*many)
        assert await database.read(audit.verify) is None
        rows = await database.read(lambda c: audit.audit_rows(c, 100))
        assert [row.number for row in rows] == list(range(60, 0, -1))

    asyncio.run(body())


@pytest.mark.long
def test_every_place_of_every_row_counts(database: Database) -> None:
    """Not by chance but one by one: each column of each row."""

    async def body() -> None:
        frozen = Stamps(lambda: 1_767_614_400_000_000, itertools.count(1).__next__)
        await database.write(lambda c: _fill(c, frozen))
        for number, column in itertools.product(range(1, ROWS + 1), log.c):
            new = {"x": os.urandom(4).hex()} if column.name == "detail" else "tampered"
            value = -number if column.name in ("number", "at") else new

            def attempt(c: Connection, number: int = number, values: object = {column: value}):
                c.execute(update(log).where(log.c.number == number).values(values))
                assert audit.verify(c) is not None, (number, values)
                raise _Undo

            with pytest.raises(_Undo):
                await database.write(attempt)

    asyncio.run(body())
