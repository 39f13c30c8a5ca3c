"""Two processes at one PostgreSQL: each run is done once, those of a dead one are taken over."""

import asyncio
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from attenda.api import Label, Labelled
from attenda.store import automations
from attenda.store.database import Database, open_database
from attenda.store.stamps import Stamps
from tests.crash.deeds import ANA, World
from tests.crash.test_kill import ROOT, environment

RUNS = 40


def begin(home: Path, world: Path, url: str) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "tests.crash.automation_process", str(home), str(world), url]
    made = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, env=environment())
    assert made.stdout is not None and made.stdout.readline() == b"ready\n"
    return made


def begin_runs(c: Any) -> None:
    row = automations.get_automation(c, "pair")
    label = Label(integrity="user", readers=frozenset({ANA.id}))
    for number in range(RUNS):
        given = Labelled(value={"order": f"O-{number}"}, label=label)
        for _ in range(2):  # what sets a run off twice begins it once
            automations.begin_run(c, Stamps(), row, f"trial:{number}", given)


def states(c: Any) -> Counter[str]:
    rows = c.execute(text("SELECT state, count(*) FROM automation_runs GROUP BY state"))
    return Counter({state: count for state, count in rows})


async def until(database: Database, done: int) -> None:
    async with asyncio.timeout(240):
        while (found := await database.read(states))["done"] < done:
            assert not found["failed"], found
            await asyncio.sleep(0.2)


@pytest.mark.long
@pytest.mark.postgres
@pytest.mark.timeout(400)
def test_each_run_once_and_a_dead_process_is_followed(tmp_path: Path, postgres_url: str) -> None:
    world = tmp_path / "world"
    first = begin(tmp_path / "a", world, postgres_url)
    second = begin(tmp_path / "b", world, postgres_url)

    async def body() -> float:
        database = open_database(postgres_url)
        await database.write(begin_runs)
        await until(database, 5)
        first.kill()
        killed_at = time.monotonic()
        await until(database, RUNS)
        inside = await database.read(
            lambda c: c.execute(text("SELECT order_id FROM deeds_refunds")).scalars().all()
        )
        assert sorted(inside) == sorted(f"O-{number}" for number in range(RUNS))
        await database.close()
        return time.monotonic() - killed_at

    try:
        lasted_s = asyncio.run(body())
    finally:
        for process in (first, second):
            process.kill()
            process.wait()
    for number in range(RUNS):
        assert World(world).count(f"O-{number}") == {"queried": 1}
    shares = [len((tmp_path / name / "begun").read_text()) for name in ("a", "b")]
    assert min(shares) > 0, "both took part"
    print(
        f"{RUNS} runs, steps begun by each process: {shares}; over {lasted_s:.0f} s after the kill"
    )
