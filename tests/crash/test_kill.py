"""What was acknowledged outlives a kill at any microsecond: nothing lost, doubled or half done."""

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.crash.check import acknowledged, losses, unsettled
from tests.crash.server import Server

ROOT = Path(__file__).resolve().parents[2]
SHORT_TRIALS, SEED = 15, 20260105
LONG_S = 300


def environment() -> dict[str, str]:
    paths = [str(ROOT), str(ROOT / "src"), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}


def start_people(home: Path, log: Path, seed: int) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "tests.crash.client", str(home), str(log), "--seed", str(seed)]
    return subprocess.Popen(command, cwd=ROOT, env=environment())


@pytest.fixture
def short_home() -> Iterator[Path]:
    """A home whose path is short enough for a socket in it."""
    with tempfile.TemporaryDirectory(prefix="attenda-crash-") as name:
        yield Path(name) / "home"


class Trials:
    """Kills a server again and again, and holds what is left against what was promised."""

    def __init__(self, home: Path, folder: Path, seed: int) -> None:
        self._home = home
        self._log = folder / "acknowledged.jsonl"
        self.results = folder / "trials.jsonl"
        self._chance = random.Random(seed)
        self._seed = seed
        self._server = Server(home)
        self._server.wait_ready()
        self._people = start_people(home, self._log, seed)
        self.done = 0

    def kill_once(self) -> None:
        began = time.monotonic()
        starting = self._chance.random() < 0.2
        point_s = self._chance.uniform(0.0, 1.0)
        if starting:
            # The server dies while it opens the home, and so while it mends what it finds.
            self._server.end(signal.SIGKILL)
            self._server = Server(self._home)
            point_s /= 4
        time.sleep(point_s)
        self._server.end(signal.SIGKILL)
        told = acknowledged(self._log)
        self._server = Server(self._home)
        self._server.wait_ready()
        found = losses(self._home, told)
        self._note(
            {
                "trial": self.done,
                "seed": self._seed,
                "fault": "SIGKILL",
                "point": f"{'starting' if starting else 'serving'} +{point_s * 1e6:.0f} µs",
                "verdict": "lost" if found else "kept",
                "acknowledged": len(told),
                "seconds": round(time.monotonic() - began, 2),
                "found": found[:5],
            }
        )
        self.done += 1
        assert not found, f"seed {self._seed}, trial {self.done - 1}: {found[:5]}"

    def finish(self) -> list[dict[str, Any]]:
        """Let everybody come to rest; all that was ever promised, once more held against it."""
        self._people.terminate()
        self._people.wait(60)
        while unsettled(self._home):
            assert self._server.is_alive()
            time.sleep(0.1)
        self._server.end()
        told = acknowledged(self._log)
        assert losses(self._home, told) == [], f"seed {self._seed}"
        return told

    def close(self) -> None:
        self._people.kill()
        self._people.wait(60)
        self._server.end(signal.SIGKILL)

    def _note(self, row: dict[str, Any]) -> None:
        with self.results.open("a") as file:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


def kill_until(trials: Trials, *, count: int = 0, seconds: float = 0.0) -> list[dict[str, Any]]:
    until = time.monotonic() + seconds
    try:
        while trials.done < count or time.monotonic() < until:
            trials.kill_once()
        told = trials.finish()
    finally:
        trials.close()
    kinds = {one["kind"] for one in told}
    assert kinds == {"session", "message", "document", "key"}, "nothing else, and none refused"
    print(f"kills {trials.done}, acknowledged {len(told)}, lost 0, in {trials.results}")
    return told


def test_kills_lose_nothing_that_was_acknowledged(short_home: Path, tmp_path: Path) -> None:
    kill_until(Trials(short_home, tmp_path, SEED), count=SHORT_TRIALS)


@pytest.mark.long
@pytest.mark.timeout(LONG_S * 3)
def test_kills_for_five_minutes_lose_nothing(short_home: Path, tmp_path: Path) -> None:
    seed = int(os.environ.get("ATTENDA_SEED", time.time_ns() % 2**32))
    kill_until(Trials(short_home, tmp_path, seed), seconds=LONG_S)


def test_the_check_sees_each_kind_of_loss(short_home: Path, tmp_path: Path) -> None:
    """Whoever holds others against their word must notice when it is broken."""
    log = tmp_path / "acknowledged.jsonl"
    server = Server(short_home)
    server.wait_ready()
    people = start_people(short_home, log, SEED)
    wanted = {"session", "message", "document", "key"}
    while not wanted <= {one["kind"] for one in acknowledged(log)}:
        time.sleep(0.05)
    people.terminate()
    people.wait(60)
    server.end()
    told = acknowledged(log)
    assert losses(short_home, told) == []
    first = {kind: next(one for one in told if one["kind"] == kind) for kind in wanted}
    message, document = first["message"], first["document"]
    copy = short_home / "files" / document["sha256"][:2] / document["sha256"]
    run_again = "UPDATE runs SET state = 'running' WHERE id = ?"
    with sqlite3.connect(short_home / "attenda.db") as connection:
        for statement, id_ in (
            ("UPDATE messages SET parts = '[]' WHERE id = ?", message["id"]),
            (run_again, message["run"]),
            ("DELETE FROM messages WHERE id = ?", message["answer"]),
            ("DELETE FROM keys WHERE id = ?", first["key"]["id"]),
            ("UPDATE audit SET actor_id = 'x' WHERE ? <> '' AND number = 1", "1"),
        ):
            before = len(losses(short_home, told))
            connection.execute(statement, (id_,))
            connection.commit()
            assert len(losses(short_home, told)) == before + 1, statement
    before = len(losses(short_home, told))
    copy.write_bytes(b"altered")
    assert len(losses(short_home, told)) == before + 1
