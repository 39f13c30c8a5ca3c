"""Write down what the turns of a pack's scenarios mean, as understood from their own first words.

`python scripts/keep_commands.py HOME PACK` goes through each scenario once, with the embedder of
HOME, and writes `commands/FILE.yaml` beside each file for `attenda eval --scripted`. It is for who
changed a scenario or a flow: the result is to be read before it is kept, since a wrong reading that
happens to lead to the right end would be kept too. A scenario that goes wrong is named and left
out.
"""

import asyncio
import json
import sys
from functools import partial
from pathlib import Path

from attenda.api import Pack
from attenda.cli.eval_files import find_scenarios
from attenda.cli.evaluating import open_seeds
from attenda.cli.packs import load_pack, pack_above
from attenda.core.config import Settings
from attenda.evals.results import Result
from attenda.evals.run import Seeds, run_scenario
from attenda.evals.scenario import Scenario
from attenda.evals.scenario_file import known_pack, read_scenarios

HEAD = "# What each turn means; made by scripts/keep_commands.py from the scenarios' own words.\n"


async def keep(home: Path, name: str) -> int:
    """Write the files of a pack; how many scenarios went wrong."""
    wrong = 0
    files = find_scenarios(home, name)
    async with open_seeds(Settings(home=home)) as seeds:
        for path in files:
            results = await _tried(path, seeds)
            for one in results:
                if not one.passed:
                    wrong += 1
                    print(f"left out: {one.name}: {one.trials[0].faults[0].text}")
            text = "".join(map(_written, filter(lambda one: one.passed, results)))
            kept = path.parent / "commands" / path.name
            kept.parent.mkdir(exist_ok=True)
            kept.write_text(HEAD + text, "utf-8")
    return wrong


async def _tried(path: Path, seeds: Seeds) -> list[Result]:
    folder = pack_above(path)
    assert folder is not None, f"{path} is no pack's"
    pack = load_pack(folder)
    tried = partial(run_scenario, pack=pack, seeds=seeds, trials=1)
    return [await tried(one) for one in _scenarios(path, pack)]


def _scenarios(path: Path, pack: Pack) -> list[Scenario]:
    known = {pack.name: known_pack(pack)}
    scenarios, problems = read_scenarios(path.read_text("utf-8"), path.name, known)
    assert not problems, [one.text("en") for one in problems]
    return scenarios


def _written(result: Result) -> str:
    """What was understood, a line a turn; a turn that a pack's own first look took has none."""
    lines = [
        f"  {number}: {json.dumps(turn.understood, ensure_ascii=False)}\n"
        for number, turn in enumerate(result.trials[0].turns, start=1)
        if turn.understood
    ]
    return f"\n{result.name}:\n{''.join(lines)}" if lines else ""


if __name__ == "__main__":
    sys.exit(asyncio.run(keep(Path(sys.argv[1]), sys.argv[2])))
