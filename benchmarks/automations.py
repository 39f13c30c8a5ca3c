"""What a step of an automation costs, beside a step of bare DBOS in the same run.

    python benchmarks/automations.py [--steps 50] [--runs 4]

Both on SQLite files. A step of ours is a tool that changes a row, journalled, with its record; one
of bare DBOS is an empty function whose result is recorded.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from dbos import DBOS

from attenda.api import Pack, Principal
from attenda.cli.packs import load_pack
from attenda.store import automation_runs

__all__ = ["main"]

WHO = Principal(id="usr_owner", role="owner")
RULES = '[[rule]]\nid = "ORDER"\ntool = "order"\ndo = "allow"\n'


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--runs", type=int, default=4)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        bare = [bare_step_ms(Path(name), options.steps) for _ in range(options.runs)]
    with tempfile.TemporaryDirectory() as name:
        ours = asyncio.run(our_steps_ms(Path(name), options.steps, options.runs))
    theirs, mine = statistics.median(bare), statistics.median(ours)
    print(f"a step of bare DBOS             median of {options.runs} runs {theirs:6.2f} ms")
    print(f"a step of an automation, once   median of {options.runs} runs {mine:6.2f} ms (≤ 10)")
    print(f"ratio {mine / theirs:.2f}")


def bare_step_ms(folder: Path, steps: int) -> float:
    """Milliseconds of one empty step of a workflow, DBOS as it comes."""

    def flow() -> float:
        began = time.perf_counter()
        for number in range(steps):
            DBOS.run_step({"name": "step"}, lambda number=number: number)
        return time.perf_counter() - began

    made = DBOS.workflow(name="bare")(flow)
    url = f"sqlite:///{folder / 'bare.db'}"
    DBOS(config={"name": "bare", "system_database_url": url, "log_level": "ERROR"})
    DBOS.launch()
    try:
        return made() / steps * 1000
    finally:
        DBOS.destroy(destroy_registry=True)


def depot_of(folder: Path, steps: int) -> Pack:
    """The tests' depot with an automation of so many orders."""
    shop = load_pack(Path(__file__).resolve().parents[1] / "tests" / "packs" / "depot")
    (folder / "automations").mkdir(parents=True)
    (folder / "policy.toml").write_text(RULES)
    row = "    - call: order\n      with: {item: \"'tea'\", count: '1'}\n"
    text = f"many:\n  title: {{en: Many}}\n  steps:\n{row * steps}"
    (folder / "automations" / "many.yaml").write_text(text)
    return replace(shop, folder=folder)


async def our_steps_ms(folder: Path, steps: int, runs: int) -> list[float]:
    """Milliseconds of one step, for each run: from its first step's beginning to its last's end."""
    from tests.scripted_house import scripted_house

    async def understand(_said: object) -> list[Any]:
        return []

    found: list[float] = []
    pack = depot_of(folder / "pack", steps)
    async with scripted_house(folder / "home", packs=[pack], understand=understand) as (house, _):
        for _ in range(runs):
            run_id = await house.automations.start(WHO, "many", {})
            row = await house.database.read(lambda c, i=run_id: automation_runs.read_run(c, i))
            while row.state in automation_runs.OPEN:
                await asyncio.sleep(0.05)
                row = await house.database.read(lambda c, i=run_id: automation_runs.read_run(c, i))
            assert row.state == "done", row.problem
            done = await house.database.read(lambda c, i=run_id: automation_runs.list_steps(c, i))
            found.append(((done[-1].ended_at or 0) - done[0].began_at) / steps / 1000)
    return found


if __name__ == "__main__":
    main()
