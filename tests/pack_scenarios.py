"""The scenarios of a pack through the real turn, without weights: how tests run them."""

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from attenda.api import Command, Pack, Said, ScriptedEmbedder, ScriptedModel, Understand
from attenda.cli.commands import run
from attenda.cli.wiring import open_house
from attenda.core.config import Settings
from attenda.dialogue.book import FlowBook
from attenda.evals.results import Result
from attenda.evals.run import OpenHouse, Seeds, Wrap, run_scenario
from attenda.evals.scenario import Scenario
from attenda.evals.scenario_file import known_pack, read_scenarios
from attenda.evals.spoken import read_beside, with_commands
from attenda.llm.loaded import LoadedModels
from attenda.runtime.house import House
from attenda.runtime.understanding import learn_examples
from attenda.store.stamps import Stamps

__all__ = ["by_their_words", "faults", "scenarios_of", "told_by_eval", "tried"]


def by_their_words() -> OpenHouse:
    """Opens houses in which sentences are told apart by their words; examples are learned once."""
    kept: list[Understand] = []

    @contextlib.asynccontextmanager
    async def opened(home: Path, stamps: Stamps, pack: Pack, wrap: Wrap) -> AsyncIterator[House]:
        models = LoadedModels(home, "scripted")
        models.register(ScriptedModel(lambda _: ""))
        models.register_embedder(ScriptedEmbedder())

        async def understanding(book: FlowBook) -> Understand:
            async def understand(said: Said) -> Sequence[Command]:
                if not kept:  # not before somebody's words are to be understood
                    kept.append(await learn_examples(ScriptedEmbedder(), book))
                return await kept[0](said)

            return wrap(understand)

        settings = Settings(home=home, model="scripted")
        async with open_house(
            settings, models, stamps, [pack], understanding, automatic=False
        ) as house:
            yield house

    return opened


def scenarios_of(pack: Pack, *, scripted: bool = False) -> list[Scenario]:
    """The scenarios of a pack in their own words; `scripted` ones mean what `commands/` says."""
    files = sorted((pack.folder / "scenarios").glob("*.yaml"))
    return [one for path in files for one in _in(path, pack, scripted=scripted)]


def _in(path: Path, pack: Pack, *, scripted: bool) -> list[Scenario]:
    known = {pack.name: known_pack(pack)}
    found, problems = read_scenarios(path.read_text("utf-8"), path.name, known)
    if scripted:
        beside = path.parent / "commands" / path.name
        text = beside.read_text("utf-8")
        meant, more = read_beside(text, beside.name, found, commands=True)
        found = [with_commands(one, meant.get(one.name, {})) for one in found]
        problems += more
    assert not problems, [one.text("en") for one in problems]
    return found


def tried(pack: Pack, scenarios: Sequence[Scenario]) -> list[Result]:
    """What came of some scenarios of a pack, one trial each."""

    async def story() -> list[Result]:
        with Seeds(by_their_words()) as seeds:
            return [await run_scenario(one, pack, seeds, 1) for one in scenarios]

    return asyncio.run(story())


def faults(results: list[Result]) -> dict[str, list[str]]:
    """What went wrong, by scenario; empty where nothing did."""
    told = {one.name: [fault.text for t in one.trials for fault in t.faults] for one in results}
    return {name: texts for name, texts in told.items() if texts}


def told_by_eval(
    files: list[Path],
    home: Path,
    weights_home: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    *,
    how: Sequence[str] = ("-k", "4"),
) -> dict[str, Any]:
    """What `attenda eval … --json` prints of some files, with the weights of a home."""
    home.mkdir(exist_ok=True)
    (home / "models").symlink_to(weights_home / "models")
    words = ["attenda", "eval", *map(str, files), *how, "--json"]
    monkeypatch.setattr(sys, "argv", words)
    run()
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    return told
