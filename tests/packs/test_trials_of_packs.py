"""Every pack's flows tried as drafts, by its own scenarios: tools are worked out, none is done."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Mapping, Sequence
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, get_origin

import pytest

from attenda.api import Command, NotUnderstood, Pack, Said, ScriptedEmbedder, ScriptedModel
from attenda.cli.wiring import open_house
from attenda.core.config import Settings
from attenda.core.label import SYSTEM, Labelled
from attenda.core.principal import Principal
from attenda.evals.run import Seeds, Wrap, run_scenario
from attenda.evals.scenario import Scenario
from attenda.llm.loaded import LoadedModels
from attenda.packs.clinic.pack import PACK as CLINIC
from attenda.packs.demo.pack import PACK as DEMO
from attenda.packs.support.pack import PACK as SUPPORT
from attenda.packs.tutor.pack import PACK as TUTOR
from attenda.runtime.house import House
from attenda.store import agent_versions, sessions
from attenda.store.database import Connection
from attenda.store.inspection import raw_rows
from attenda.store.people import OWNER_ID
from attenda.store.stamps import Stamps
from attenda.store.trials import STATE
from attenda.tools.call import Call
from tests.pack_scenarios import scenarios_of
from tests.scripted_house import scripted_house
from tests.serve.test_trials import outside_of_talks

IN_MARCH = 1_773_136_800_000_000
OWNER = Principal(id=OWNER_ID, role="owner")
BY_FLOWS = {
    "support": {"verify_customer", "issue_refund", "pay_refund", "settle_refund", "update_order"},
    "clinic": {"begin_intake", "hear", "reckon"},
    "tutor": {"answer", "give_task", "raise_concern"},
}
"""What scenarios reach of each."""


async def nothing(_said: Said) -> Sequence[Command]:
    """Nobody is understood but by what a scenario says they mean."""
    return [NotUnderstood()]


class Watch:
    """Opens houses, and holds each at its end against what it was when it was opened."""

    def __init__(self) -> None:
        self.tools: set[str] = set()
        """What was worked out."""
        self.changed: list[str] = []

    @contextlib.asynccontextmanager
    async def opened(
        self, home: Path, stamps: Stamps, pack: Pack, wrap: Wrap
    ) -> AsyncIterator[House]:
        models = LoadedModels(home, "scripted")
        models.register(ScriptedModel(lambda _: ""))
        models.register_embedder(ScriptedEmbedder())

        async def understanding(_book: object) -> Any:
            return wrap(nothing)

        settings = Settings(home=home, model="scripted")
        opened = open_house(settings, models, stamps, [pack], understanding, automatic=False)
        async with opened as house:
            before = await outside_of_talks(house)
            yield house
            if not home.name.startswith("trial"):
                return
            after = await outside_of_talks(house)
            self.changed += [name for name in before if _kept(before, name) != _kept(after, name)]
            rows = await house.database.read(lambda c: raw_rows(c, "effects"))
            self.tools |= {row["tool"] for row in rows if row["state"] == STATE}


def _kept(found: Mapping[str, list[dict[str, Any]]], name: str) -> list[dict[str, Any]]:
    """The rows of a table that a trial must leave alone.

    Its people are the scenario's, tokens are spent in earnest, and what a rule forbids to read is
    noted as ever.
    """
    if name in ("users", "access", "usage"):
        return []
    return [row for row in found[name] if row.get("action") != "tool.denied"]


async def _no_documents(*_: object) -> None:
    """Deeds need none."""


def tried_out(
    pack: Pack, scenarios: Sequence[Scenario], monkeypatch: pytest.MonkeyPatch
) -> tuple[set[str], list[str]]:
    """The tools that scenarios tried, and the tables that were not as they had been.

    Every person may try: whose agent it is decides that elsewhere.
    """
    begin = partial(sessions.create_session, uses_draft=True)
    monkeypatch.setattr(sessions, "create_session", begin)
    monkeypatch.setattr(agent_versions, "draft_of", lambda *_: {})
    monkeypatch.setattr("attenda.evals.run.read_knowledge", _no_documents)
    watch = Watch()

    async def story() -> None:
        with Seeds(watch.opened) as seeds:
            for one in scenarios:
                await run_scenario(one, pack, seeds, 1)

    asyncio.run(story())
    return watch.tools, watch.changed


@pytest.mark.long
@pytest.mark.parametrize("pack", [SUPPORT, CLINIC, TUTOR], ids=lambda one: one.name)
def test_every_scenario_of_a_pack_leaves_no_trace_in_a_trial(
    pack: Pack, monkeypatch: pytest.MonkeyPatch
) -> None:
    tools, changed = tried_out(pack, scenarios_of(pack, scripted=True), monkeypatch)
    assert changed == []
    assert tools >= BY_FLOWS[pack.name], sorted(tools)


def test_no_tool_of_any_pack_does_anything_in_a_trial(home: Path) -> None:
    """Those that no flow calls too, with whatever fits their arguments."""
    packs = [DEMO, SUPPORT, CLINIC, TUTOR]

    async def story() -> None:
        clock = Stamps(lambda: IN_MARCH, itertools.count(1).__next__)
        opened = scripted_house(home, packs=packs, understand=nothing, stamps=clock)
        async with opened as (house, _):
            trying = await Trying.begin(house)
            before = await outside_of_talks(house)
            who = {"email": "ana@example.test", "postcode": "4000"}
            await trying.perform(SUPPORT, "verify_customer", who)
            refund = {"order": "O-1001", "item": "O-1001-1", "amount": "39.90", "currency": "EUR"}
            made = await trying.perform(SUPPORT, "issue_refund", {**refund, "of_order": "39.90"})
            settled = {"refund": made["id"], "state": "paid", "payment": "P-1"}
            wish = {"order": "O-1001", "items": ["O-1001-1"], **settled}
            assert await trying.perform(SUPPORT, "settle_refund", wish) == {"paid": True}
            paid = {"refund": made["id"], "amount": "39.90", "currency": "EUR"}
            told = await trying.perform(SUPPORT, "pay_refund", paid)
            assert told == {"state": "paid", "reference": f"trial:{made['id']}", "simulated": True}
            glass = {"patient": "P-113", "reason": "an emergency"}
            assert await trying.perform(CLINIC, "break_glass", glass) is None  # read in earnest
            assert await trying.perform(CLINIC, "note_look", {"patient": "P-113"}) is None
            for pack in packs:
                for one in pack.tools:
                    if one.writes:
                        fields = one.model.model_fields.items()
                        given = {name: _fitting(kind.annotation) for name, kind in fields}
                        await trying.perform(pack, one.name, given)
            assert len(trying.worked_out) >= 12
            assert await outside_of_talks(house) == before

    asyncio.run(story())


class Trying:
    """A trial in which tools are called."""

    def __init__(self, house: House, session_id: str) -> None:
        self.house, self.session_id = house, session_id
        self.worked_out: set[str] = set()

    @classmethod
    async def begin(cls, house: House) -> "Trying":
        def make(connection: Connection) -> str:
            begun = sessions.create_session(connection, house.stamps, OWNER, uses_draft=True)
            return begun.id

        return cls(house, await house.database.write(make))

    async def perform(self, pack: Pack, name: str, given: Mapping[str, Any]) -> Any:
        """What a tool would give, were it called; none where it refuses."""
        labelled = {key: Labelled(value=value, label=SYSTEM) for key, value in given.items()}
        place = self.session_id, "m1", str(sorted(given)), name
        call = Call(*place, labelled, SYSTEM, OWNER, confirmed=True)
        outcome = await self.house.packs[pack.name].executor.perform(call)
        assert outcome.state in ("done", "failed", "denied"), (name, outcome)
        assert outcome.simulated == (outcome.state == "done"), name
        if outcome.simulated:
            self.worked_out.add(name)
        return outcome.result.value if outcome.result else None


def _fitting(kind: Any) -> Any:
    """A value of a type of argument."""
    values: dict[Any, Any] = {str: "T-1", int: 1, bool: True, Decimal: "1", list: [], dict: {}}
    return values.get(get_origin(kind) or kind)
