"""What a tool of ours gives is what its function says it gives, or it is no data."""

import asyncio
import itertools
from collections.abc import Callable, Coroutine
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from attenda.core.label import Label, Labelled
from attenda.core.principal import Principal
from attenda.store.database import Database
from attenda.store.pack_tables import PackTable, Rows, create_tables
from attenda.store.stamps import Stamps
from attenda.tools.call import Call, Outcome
from attenda.tools.effects import Executor
from attenda.tools.policy import read_policy
from attenda.tools.tool import Deed, Tool, tool

ANA = Principal(id="usr_ana", role="viewer")
NOTES = PackTable("notes", {"id": "text", "text": "text"})
NAMES = ("note", "post", "keyed")
RULES = "".join(f'[[rule]]\nid="{one}"\ntool="{one}"\ndo="allow"\n' for one in NAMES)


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    """SQLite alone: results hang on no database's own ways."""
    return f"sqlite:///{tmp_path / 'attenda.db'}"


class Desk:
    """Tools whose results are what a test says, and the deeds that they did."""

    def __init__(self, database: Database) -> None:
        self.database, self.gives = database, {}  # type: tuple[Database, Any]
        self.stamps = Stamps(
            clock=lambda: 1_773_136_800_000_000, chance=itertools.count(1).__next__
        )
        self.sent: list[str] = []

    async def open(self) -> "Desk":
        self.tables = await create_tables(self.database, "desk", [NOTES], {})

        @tool()
        def total(deed: Deed) -> dict[str, Decimal]:
            """What it comes to."""
            return self.gives

        @tool(writes=True)
        def note(deed: Deed, text: str) -> dict[str, int]:
            """Keep a note."""
            deed.rows("notes").add(id=deed.key, text=text)
            return self.gives

        @tool(writes=True)
        async def post(deed: Deed, text: str) -> dict[str, int]:
            """Send a text."""
            self.sent.append(text)
            return self.gives

        @tool(writes=True, takes_key=True, most_bytes=40)
        async def keyed(deed: Deed, text: str) -> list[str]:
            """Send a text to an outside that counts keys."""
            self.sent.append(deed.key)
            return self.gives

        tools: dict[str, Tool] = {one.name: one for one in (total, note, post, keyed)}
        policy = read_policy(RULES, "policy.toml")
        self.executor = Executor(self.database, self.stamps, tools, policy, self.tables)
        return self

    async def call(self, name: str, gives: Any, **given: str) -> Outcome:
        self.gives = gives
        label = Label(integrity="user", readers=frozenset({ANA.id}))
        arguments = {one: Labelled(value=value, label=label) for one, value in given.items()}
        return await self.executor.perform(Call("s", "i", "1", name, arguments, label, ANA))

    async def notes(self) -> list[dict[str, Any]]:
        return await self.database.read(lambda c: Rows(c, self.tables["notes"]).find())


def run(database: Database, tell: Callable[[Desk], Coroutine[Any, Any, None]]) -> None:
    async def story() -> None:
        await tell(await Desk(database).open())

    asyncio.run(story())


def test_a_read_that_lies_gives_no_data(database: Database) -> None:
    async def tell(desk: Desk) -> None:
        for gives in ({"sum": Decimal("1.50")}, {}, {"sum": "1.50"}):
            assert (await desk.call("total", gives)).state == "done", gives
        for gives in ({"sum": "lots"}, {"sum": None}, [1], None, "1.50", {"sum": object()}):
            outcome = await desk.call("total", gives)
            assert (outcome.state, outcome.result) == ("failed", None), gives
            assert str(outcome.problem).startswith("“total” ") or "“total” gave" in str(
                outcome.problem
            )

    run(database, tell)


def test_a_write_of_ours_that_lies_is_taken_back(database: Database) -> None:
    async def tell(desk: Desk) -> None:
        outcome = await desk.call("note", {"number": "three"}, text="x")
        assert outcome.state == "failed" and "than it promises (number: " in str(outcome.problem)
        assert await desk.notes() == []
        assert (await desk.call("note", {"number": 3}, text="x")).state == "done"  # mended
        assert len(await desk.notes()) == 1

    run(database, tell)


def test_a_deed_outside_whose_answer_lies_is_not_repeated_blindly(database: Database) -> None:
    async def tell(desk: Desk) -> None:
        for said in ("answered with something that can't be used", "is not known"):
            outcome = await desk.call("post", {"number": "three"}, text="x")
            assert (outcome.state, outcome.result) == ("unknown", None)
            assert said in str(outcome.problem)
        assert desk.sent == ["x"], "it was sent once"
        for gives in ([1], ["y" * 100]):  # of another kind, and too large
            assert (await desk.call("keyed", gives, text="x")).state == "unknown"
        done = await desk.call("keyed", ["ok"], text="x")
        assert done.state == "done" and done.result is not None and done.result.value == ["ok"]
        assert len(set(desk.sent[1:])) == 1, "only under its own key, which the outside counts"

    run(database, tell)


def test_what_can_not_be_held_is_told_when_a_tool_is_made() -> None:
    class Odd:
        pass

    def odd(deed: Deed) -> Odd:
        """Gives what nobody can hold."""
        return Odd()

    odd.__annotations__["return"] = Odd
    odd.__annotations__["deed"] = Deed
    with pytest.raises(TypeError, match="odd: its results can't be held"):
        tool()(odd)
