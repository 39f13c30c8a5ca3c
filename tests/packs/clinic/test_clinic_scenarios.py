"""The clinic's scenarios through the real turn: a few always, all of them in the long suite."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from attenda.api import Pack, ScriptedEmbedder, ScriptedModel, check_pack
from attenda.cli.wiring import by_examples, open_house
from attenda.core.config import Settings
from attenda.evals.results import Result
from attenda.evals.run import Seeds, Wrap, run_scenario
from attenda.evals.scenario_file import known_pack, read_scenarios
from attenda.llm.loaded import LoadedModels
from attenda.packs.clinic.pack import PACK
from attenda.runtime.house import House
from attenda.store.stamps import Stamps

QUICK = ("history_to_summary", "red_flag_first_zh", "early_warning_by_code")


@contextlib.asynccontextmanager
async def opened(home: Path, stamps: Stamps, pack: Pack, wrap: Wrap) -> AsyncIterator[House]:
    """A house without weights: sentences are told apart by their words."""
    models = LoadedModels(home, "scripted")
    models.register(ScriptedModel(lambda _: ""))
    models.register_embedder(ScriptedEmbedder())

    async def understanding(book: object) -> object:
        return wrap(await by_examples(ScriptedEmbedder())(book))  # type: ignore[arg-type]

    settings = Settings(home=home, model="scripted")
    async with open_house(settings, models, stamps, [pack], understanding) as house:  # type: ignore[arg-type]
        yield house


def tried(names: tuple[str, ...]) -> list[Result]:
    """What came of the scenarios with these names; of all where none is named."""

    async def story() -> list[Result]:
        found: list[Result] = []
        with Seeds(opened) as seeds:
            for path in sorted((PACK.folder / "scenarios").glob("*.yaml")):
                text = path.read_text("utf-8")
                scenarios, problems = read_scenarios(text, path.name, {"clinic": known_pack(PACK)})
                assert not problems, [one.text("en") for one in problems]
                for one in scenarios:
                    if not names or one.name in names:
                        found.append(await run_scenario(one, PACK, seeds, 1))
        return found

    return asyncio.run(story())


def hold(results: list[Result]) -> None:
    wrong = {
        result.name: [fault.text for fault in trial.faults]
        for result in results
        for trial in result.trials
        if trial.faults
    }
    assert wrong == {}


def test_nothing_is_wrong_with_the_pack() -> None:
    assert check_pack(PACK) == []


def test_the_main_ways_go_right() -> None:
    results = tried(QUICK)
    assert len(results) == len(QUICK)
    hold(results)


@pytest.mark.long
def test_every_scenario_goes_right() -> None:
    results = tried(())
    assert len(results) >= 20
    hold(results)
