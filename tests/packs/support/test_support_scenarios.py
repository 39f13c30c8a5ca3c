"""The scenarios of customer service through the real turn: a few always, all in the long suite."""

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from attenda.api import Pack, ScriptedEmbedder, ScriptedModel, Understand, check_pack
from attenda.cli.commands import run
from attenda.cli.wiring import by_examples, open_house
from attenda.core.config import Settings
from attenda.evals.results import Result
from attenda.evals.run import Seeds, Wrap, run_scenario
from attenda.evals.scenario_file import known_pack, read_scenarios
from attenda.llm.loaded import LoadedModels
from attenda.packs.support.pack import PACK
from attenda.runtime.house import House
from attenda.store.stamps import Stamps

QUICK = (
    "cs_5_approval_across_a_restart",
    "cs_6_lost_reply_of_the_payment",
)
LEARNED: list[Understand] = []
SCENARIOS = PACK.folder / "scenarios"


@contextlib.asynccontextmanager
async def opened(home: Path, stamps: Stamps, pack: Pack, wrap: Wrap) -> AsyncIterator[House]:
    """A house without weights: sentences are told apart by their words."""
    models = LoadedModels(home, "scripted")
    models.register(ScriptedModel(lambda _: ""))
    models.register_embedder(ScriptedEmbedder())

    async def understanding(book: object) -> object:
        if not LEARNED:  # six hundred examples are learned once, not for each house
            LEARNED.append(await by_examples(ScriptedEmbedder())(book))  # type: ignore[arg-type]
        return wrap(LEARNED[0])

    settings = Settings(home=home, model="scripted")
    async with open_house(settings, models, stamps, [pack], understanding) as house:  # type: ignore[arg-type]
        yield house


def tried(names: tuple[str, ...]) -> list[Result]:
    """What came of the English scenarios with these names."""

    async def story() -> list[Result]:
        text = (SCENARIOS / "cs-en.yaml").read_text("utf-8")
        scenarios, problems = read_scenarios(text, "cs-en.yaml", {"support": known_pack(PACK)})
        assert not problems, [one.text("en") for one in problems]
        with Seeds(opened) as seeds:
            return [await run_scenario(s, PACK, seeds, 1) for s in scenarios if s.name in names]

    return asyncio.run(story())


def test_nothing_is_wrong_with_the_pack() -> None:
    assert check_pack(PACK) == []
    for path in SCENARIOS.glob("*.yaml"):
        _, problems = read_scenarios(
            path.read_text("utf-8"), path.name, {"support": known_pack(PACK)}
        )
        assert not problems, [one.text("en") for one in problems]


def test_the_main_ways_go_right() -> None:
    results = tried(QUICK)
    assert len(results) == len(QUICK)
    faults = {one.name: [f.text for t in one.trials for f in t.faults] for one in results}
    assert faults == {name: [] for name in faults}


@pytest.mark.long
@pytest.mark.parametrize(("language", "least"), [("en", 0.85), ("zh", 0.70)])
def test_customers_are_understood_however_they_say_it(
    language: str,
    least: float,
    home: Path,
    weights_home: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    home.mkdir(exist_ok=True)
    (home / "models").symlink_to(weights_home / "models")
    files = [str(path) for path in sorted(SCENARIOS.glob(f"*-{language}.yaml"))]
    monkeypatch.setattr(sys, "argv", ["attenda", "eval", *files, "-k", "4", "--json"])
    run()
    found = json.loads(capsys.readouterr().out)
    assert found["pass^4"] >= least and found["restraint"] == 1, found
