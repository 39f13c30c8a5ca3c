"""Killed at any microsecond while people and programs act: no deed twice or lost, one yes.

Flows, a model that chooses tools, and automations are at work at once.
"""

import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from tests.crash.check import acknowledged
from tests.crash.deeds import World
from tests.crash.flow_check import violations
from tests.crash.flow_server import prepare, run
from tests.crash.kinds import Receiver, kinds_folder
from tests.crash.server import Server
from tests.crash.test_kill import ROOT, environment, short_home

__all__ = ["short_home"]

SEED, SHORT_KILLS = 20260105, 3
LONG_S = float(os.environ.get("ATTENDA_KILL_S", "600"))


class Day:
    """A home whose people work while its server is killed again and again."""

    def __init__(self, home: Path, folder: Path, url: str, seed: int, customers: int) -> None:
        self.world = World(folder / "world")
        self._home, self._log, self._seed = home, folder / "told.jsonl", seed
        self._results = folder / "trials.jsonl"
        self._url = url or f"sqlite:///{home / 'attenda.db'}"
        self._receiver = Receiver(self.world, seed, faults=0.2)
        kinds = kinds_folder(folder / "kinds", self._receiver.port, deadline="25s")
        self._more = (str(folder / "world"), url, str(kinds))
        self._chance = random.Random(seed)
        self.kills = 0
        prepare(home, folder / "world", url, kinds, customers)
        self._server = self._begin()
        self._server.wait_ready()
        command = [sys.executable, "-m", "tests.crash.flow_people", home, self._log]
        self._people = subprocess.Popen(
            [*map(str, command), "--seed", str(seed)], cwd=ROOT, env=environment()
        )

    def _begin(self) -> Server:
        return Server(self._home, 0, run, self._more)

    def kill(self) -> None:
        """Let the server die at some moment of some work, and begin anew."""
        starting = self._chance.random() < 0.2
        point_s = self._chance.uniform(0.0, 0.25)
        if starting:
            self._server.end(signal.SIGKILL)
            self._server = self._begin()
        else:
            self._wait_for(self._chance.randint(1, 30))
        time.sleep(point_s)
        self._server.end(signal.SIGKILL)
        self.kills += 1
        told = acknowledged(self._log)
        self._server = self._begin()
        self._server.wait_ready()
        assert self._people.poll() is None, "the people's own program failed"
        self._judge(point_s, told, settled=False)

    def _wait_for(self, lines: int) -> None:
        """Until people were told so much more; on a busy machine that takes its time."""
        until, wanted = time.monotonic() + 30, len(acknowledged(self._log)) + lines
        while len(acknowledged(self._log)) < wanted and time.monotonic() < until:
            time.sleep(0.01)

    def _judge(self, point_s: float, told: list[dict[str, object]], *, settled: bool) -> None:
        found = violations(self._url, self.world, told, settled=settled)
        verdict = {"seed": self._seed, "trial": self.kills, "point_s": point_s, "found": found[:5]}
        with self._results.open("a") as file:
            file.write(json.dumps(verdict) + "\n")
        assert not found, f"seed {self._seed}, kill {self.kills}: {found[:5]}"

    def finish(self) -> Counter[str]:
        """Let everybody come to an end; how often each thing was acknowledged."""
        self._people.send_signal(signal.SIGTERM)
        self._people.wait(LONG_S * 2 + 300)
        self._server.end()
        told = acknowledged(self._log)
        self._judge(0.0, told, settled=True)
        return Counter(str(one["kind"]) for one in told)

    def close(self) -> None:
        self._people.kill()
        self._people.wait(60)
        self._server.end(signal.SIGKILL)
        self._receiver.close()


def kill_for(day: Day, *, kills: int = 0, seconds: float = 0.0) -> None:
    until = time.monotonic() + seconds
    try:
        while day.kills < kills or time.monotonic() < until:
            day.kill()
        told = day.finish()
    finally:
        day.close()
    for kind in ("session", "message", "done", "claimed", "decided", "asked", "began", "filled"):
        assert told[kind], f"nothing was ever told as {kind}: {told}"
    deeds = len(day.world.lines())
    stories = told["session"] + told["began"]
    print(
        f"kills {day.kills}, stories {stories}, deeds outside {deeds}, told {dict(told)}; wrong 0"
    )


TAMPERED = {
    "is not in the journal": "DELETE FROM effects WHERE tool = 'queried' AND state = 'done'",
    "did not happen": "DELETE FROM deeds_refunds",
    "(approved) has 1 deeds": "UPDATE approvals SET state = 'approved' WHERE state = 'used'",
    "was another's": "UPDATE approvals SET decided_by = 'usr_sam' WHERE state = 'used'",
    "was never approved": "DELETE FROM approvals WHERE state = 'used'",
    "is gone or altered": "UPDATE messages SET parts = '[]' WHERE role = 'user'",
    "still runs": "UPDATE runs SET state = 'running'",
    "talked over a person": "UPDATE runs SET state = 'done', finished_at = (SELECT at + 1 FROM"
    " audit WHERE action = 'session.claimed' AND object_id = session_id)",
    "audit broken": "UPDATE audit SET actor_id = 'x' WHERE action = 'session.returned'",
    "the run ": "DELETE FROM automation_runs",
    " has 2 runs": "INSERT INTO automation_runs (id, automation, fingerprint, origin, state, at,"
    " because, input, segment, created_at, updated_at, owner_id) SELECT id || 'x', automation,"
    " fingerprint, origin || 'x', state, at, because, input, segment, created_at, updated_at,"
    " owner_id FROM automation_runs LIMIT 1",
    "is done (None)": "UPDATE messages SET role = 'user' WHERE run_id IS NULL",
    "form ": "UPDATE automation_forms SET answered_by = 'usr_c1' WHERE state = 'answered'",
    "is running": "UPDATE automation_runs SET state = 'running'",
    "was told to have": "UPDATE audit SET action = 'x' WHERE action = 'session.claimed'",
}
"""What must be told of a home that was tampered with, and how it was."""


@pytest.mark.long
def test_kills_while_people_use_flows(short_home: Path, tmp_path: Path) -> None:
    kill_for(Day(short_home, tmp_path, "", SEED, customers=6), kills=SHORT_KILLS)
    told, world = acknowledged(tmp_path / "told.jsonl"), World(tmp_path / "world")
    for said, statement in TAMPERED.items():
        copy = tmp_path / "tampered.db"
        shutil.copy(short_home / "attenda.db", copy)
        with closing(sqlite3.connect(copy)) as connection:
            connection.execute(statement)
            connection.commit()
        found = violations(f"sqlite:///{copy}", world, told, settled=True)
        assert any(said in one for one in found), f"{said} was not seen: {found[:5]}"
    twice = next(line for line in world.lines() if line[0] == "queried")
    world.write(*twice)
    found = violations(f"sqlite:///{short_home / 'attenda.db'}", world, told, settled=True)
    assert found == [f"queried for {twice[2]} happened 2 times"]


@pytest.mark.long
@pytest.mark.timeout(LONG_S * 5 + 600)
@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def test_kills_for_ten_minutes_while_people_use_flows(
    kind: str, short_home: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = str(request.getfixturevalue("postgres_url")) if kind == "postgres" else ""
    seed = int(os.environ.get("ATTENDA_SEED", time.time_ns() % 2**32))
    kill_for(Day(short_home, tmp_path, url, seed, customers=20), seconds=LONG_S)
