"""Trials: a scenario several times through the real turn, each in a fresh home from one seed.

A trial has the database, the journal and the understanding that people get; its clock stands, and
tools that reach outside are answered by the scenario. How a house is opened is its caller's.
"""

import asyncio
import itertools
import shutil
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from attenda.core.command import Command
from attenda.core.errors import UserError
from attenda.core.ports import ChatModel
from attenda.evals.grade import Problem
from attenda.evals.outside import answered_by
from attenda.evals.results import CallMade, Fault, Result, Trial, TurnMade
from attenda.evals.scenario import Scenario, Turn, commands_from, commands_written
from attenda.evals.simulated import SimulatedUser, scripted_answers
from attenda.evals.spoken import in_trial
from attenda.evals.talk import Talk
from attenda.evals.unsafe import Bounds, bounds_of
from attenda.llm.scripted import ScriptedModel
from attenda.runtime.house import House
from attenda.runtime.pack import Pack, Said, Understand
from attenda.runtime.pack_knowledge import read_knowledge
from attenda.store import documents
from attenda.store.people import OWNER
from attenda.store.stamps import Stamps

__all__ = ["OpenHouse", "Prompter", "Seeds", "Wrap", "run_scenario"]

Wrap = Callable[[Understand], Understand]
"""Puts something around how people are understood."""
OpenHouse = Callable[[Path, Stamps, Pack, Wrap], AbstractAsyncContextManager[House]]
"""Opens a house in a folder, with a clock, one pack, and understanding wrapped so."""
Told = Callable[[int, Trial], None]

_AFTER_SEED = 1 << 40
"""Ids of a trial begin here, so that none is that of a seed's row."""


class Prompter:
    """Says what the next message means, where the scenario says it; keeps what it was taken for."""

    def __init__(self) -> None:
        self.turn: Turn | None = None
        self.understood: Sequence[Command] = ()

    def around(self, understand: Understand) -> Understand:
        """Understanding that asks here first."""

        async def prompted(said: Said) -> Sequence[Command]:
            if self.turn is not None and self.turn.commands:
                self.understood = commands_from(self.turn.commands, said.label)
            else:
                self.understood = await understand(said)
            return self.understood

        return prompted


class Seeds:
    """Homes from which trials begin: tables made, samples put in, documents read; each once."""

    def __init__(self, open_house: OpenHouse) -> None:
        self.open_house = open_house
        self._folder = TemporaryDirectory(prefix="attenda-eval-")
        self._made: dict[tuple[str, int], Path] = {}

    def __enter__(self) -> "Seeds":
        """Nothing is made before it is asked for."""
        return self

    def __exit__(self, *_error: object) -> None:
        self._folder.cleanup()

    def new_folder(self, name: str) -> Path:
        """A place for a home that is not made yet."""
        return Path(self._folder.name) / f"{name}-{len(list(Path(self._folder.name).iterdir()))}"

    async def of(self, pack: Pack, begins_at: int) -> Path:
        """The seed of a pack at a moment.

        Raises:
            UserError: documents of the pack could not be read: answers would not be its own.
        """
        known = self._made.get((pack.name, begins_at))
        if known is None:
            known = self.new_folder("seed")
            stamps = Stamps(lambda: begins_at, itertools.count(1).__next__)
            async with self.open_house(known, stamps, pack, lambda found: found) as house:
                await read_knowledge(house, pack)
                await house.ingester.wait_idle()
                states = await house.database.read(lambda c: documents.count_documents(c, OWNER))
            if unread := sum(count for state, count in states.items() if state != "ready"):
                raise UserError("eval.unread", pack=pack.name, number=unread)
            self._made[pack.name, begins_at] = known
        return known


async def run_scenario(
    scenario: Scenario,
    pack: Pack,
    seeds: Seeds,
    trials: int,
    language: str = "en",
    told: Told = lambda number, trial: None,
    player: ChatModel | None = None,
) -> Result:
    """Go through a scenario several times.

    Args:
        scenario: of this pack.
        pack: whose agent is talked to.
        seeds: where trials begin.
        trials: how many, at least one.
        language: of what is said about faults.
        told: hears of each trial, with its number from 1.
        player: plays a simulated user; the scenario's own script where there is none.

    Raises:
        UserError: the pack can't be used, or nobody plays the user.
    """
    if scenario.user and player is None and not scenario.user.script:
        raise UserError("eval.no_player", name=scenario.name)
    made: list[Trial] = []
    bounds = bounds_of(pack)
    for number in range(trials):
        prompter, user = Prompter(), _user(scenario, number, player)
        spoken = in_trial(scenario, number)
        made.append(await _run_trial(spoken, pack, bounds, seeds, prompter, user, language))
        told(number + 1, made[-1])
    every = [scenario.expect, *(turn.expect for turn in scenario.turns if turn.expect)]
    return Result(
        name=scenario.name,
        pack=pack.name,
        language=scenario.language,
        about=scenario.about,
        forbids=any(one.calls.forbidden for one in every),
        names_calls=any(one.calls.forbidden or one.calls.required for one in every),
        trials=tuple(made),
    )


async def _run_trial(
    scenario: Scenario,
    pack: Pack,
    bounds: Bounds,
    seeds: Seeds,
    prompter: Prompter,
    user: SimulatedUser | None,
    language: str,
) -> Trial:
    seed = await seeds.of(pack, scenario.begins_at)
    home = seeds.new_folder("trial")
    await asyncio.to_thread(shutil.copytree, seed, home)
    understood: list[Sequence[Command]] = []
    clock = [scenario.begins_at]
    stamps = Stamps(lambda: clock[0], itertools.count(_AFTER_SEED).__next__)
    acting = replace(pack, tools=answered_by(scenario.outside, pack.tools))

    def opened() -> AbstractAsyncContextManager[House]:
        return seeds.open_house(home, stamps, acting, prompter.around)

    try:
        async with Talk(scenario, acting, bounds, opened, clock) as talk:
            turns = await talk.with_user(user) if user else []
            for turn in scenario.turns:
                prompter.turn, prompter.understood = turn, ()
                await talk.take(turn)
                understood.append(prompter.understood)
            await talk.end()
    finally:
        await asyncio.to_thread(shutil.rmtree, home, ignore_errors=True)
    understood = [*([()] * len(turns)), *understood]
    marked = tuple(
        _marked(
            one.model_copy(update={"understood": tuple(commands_written(meant))}),
            turn,
            scenario,
            pack,
        )
        for one, meant, turn in zip(talk.made, understood, (*turns, *scenario.turns), strict=True)
    )
    return Trial(turns=marked, faults=tuple(_fault(one, language) for one in talk.problems))


def _user(scenario: Scenario, trial: int, player: ChatModel | None) -> SimulatedUser | None:
    brief = scenario.user
    if brief is None:
        return None
    model = player or ScriptedModel(scripted_answers(brief, trial))
    return SimulatedUser(brief, model, scenario.language, trial)


def _fault(problem: Problem, language: str) -> Fault:
    return Fault(grade=problem.grade, turn=problem.turn, text=problem.text(language))


def _marked(made: TurnMade, turn: Turn, scenario: Scenario, pack: Pack) -> TurnMade:
    """The turn with its calls held against what the scenario says of calls."""
    every = [scenario.expect, *(one.expect for one in scenario.turns if one.expect)]
    here = [scenario.expect, *([turn.expect] if turn.expect else [])]
    forbidden = {tool for one in here for tool in one.calls.forbidden}
    needed = {call.tool for one in every for call in one.calls.required}
    writes = {tool.name for tool in pack.tools if tool.writes}

    def mark(call: CallMade) -> CallMade:
        needless = bool(needed) and call.tool in writes and call.tool not in needed
        update = {"forbidden": call.tool in forbidden, "needless": needless}
        return call.model_copy(update=update)

    return made.model_copy(update={"calls": tuple(map(mark, made.calls))})
