"""Who learns of a write depends on what it is given: worked out per call, held, asked, bound."""

import asyncio
import itertools
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from attenda.core.label import Label, Labelled
from attenda.core.principal import DESK, EVERYONE, Principal
from attenda.store import journal
from attenda.store.database import Database
from attenda.store.pack_tables import PackTable, Rows, create_tables
from attenda.store.stamps import Stamps
from attenda.tools.call import Call, Outcome
from attenda.tools.effects import Executor
from attenda.tools.monitor import learners, monitor
from attenda.tools.policy import read_policy
from attenda.tools.tool import Deed, tool

ANA = Principal(id="usr_ana", role="viewer")
SUE = Principal(id="usr_sue", role="supervisor")
BOX = PackTable("boxes", {"id": "text", "owner": "text"})
LETTERS = PackTable("letters", {"id": "text", "to": "text", "text": "text"})
RULES = "".join(
    f'[[rule]]\nid = "{name}"\ntool = "{name}"\ndo = "allow"\n'
    for name in ("mail", "drop", "ticket", "odd")
)


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    """SQLite alone: readers hang on no database's own ways."""
    return f"sqlite:///{tmp_path / 'attenda.db'}"


def whose(deed: Deed, box: str) -> set[str]:
    """Whose a box is, by our own table."""
    return {str(one["owner"]) for one in deed.rows("boxes").find(id=box)}


def odd_readers(deed: Deed, way: str) -> Any:
    """What no tool should say of its readers."""
    return {"nobody": set(), "a text": "usr_ana", "no text": {1}, "an empty one": {""}}[way]


class Office:
    """Tools whose readers differ by argument, and what they did."""

    def __init__(self, database: Database, rules: str = "") -> None:
        self.database, self.rules = database, rules
        self.stamps = Stamps(
            clock=lambda: 1_773_136_800_000_000, chance=itertools.count(1).__next__
        )
        self.sent: list[tuple[str, str]] = []
        self.count = 0

    async def open(self) -> "Office":
        rows = {"boxes": [{"id": "B-1", "owner": "usr_bob"}, {"id": "B-2", "owner": "usr_li"}]}
        self.tables = await create_tables(self.database, "office", [BOX, LETTERS], rows)
        free = frozenset({"text"})

        @tool(writes=True, takes_key=True, free_text=free, sink=lambda deed, to: {to})
        async def mail(deed: Deed, to: str, text: str) -> None:
            """Write to somebody."""
            self.sent.append((to, text))

        @tool(writes=True, free_text=free, sink=whose)
        def drop(deed: Deed, box: str, text: str) -> None:
            """Lay a letter into a box."""
            deed.rows("letters").add(id=deed.key, to=box, text=text)

        @tool(sink=lambda deed, host: {host})
        async def fetch(deed: Deed, host: str, query: str) -> str:
            """Ask a host."""
            self.sent.append((host, query))
            return "found"

        @tool(writes=True, sink=frozenset({DESK}))
        def ticket(deed: Deed, text: str) -> None:
            """Tell the people of the desk."""
            deed.rows("letters").add(id=deed.key, to="desk", text=text)

        @tool(writes=True, sink=odd_readers)
        def odd(deed: Deed, way: str) -> None:
            """Says odd things of its readers."""
            deed.rows("letters").add(id=deed.key, to="odd", text=way)

        tools = {one.name: one for one in (mail, drop, fetch, ticket, odd)}
        policy = read_policy(RULES + self.rules, "policy.toml")
        self.executor = Executor(self.database, self.stamps, tools, policy, self.tables)
        return self

    async def call(self, name: str, readers: frozenset[str] | None = None, **more: Any) -> Outcome:
        """A call of Ana's; its last argument may be read by `readers`, what chooses by her."""
        return await self.executor.perform(self.made(name, readers, **more))

    def made(
        self, name: str, readers: frozenset[str] | None = None, *, asks: bool = False,
        confirmed: bool = False, instance: str = "", **arguments: str,
    ) -> Call:  # fmt: skip
        self.count += 1
        own = Label(integrity="user", readers=frozenset({ANA.id}))
        if readers is not None and "public" in readers:
            own = Label(integrity="user", readers=readers)
        given = {one: Labelled(value=value, label=own) for one, value in arguments.items()}
        last = list(arguments)[-1]
        if readers is not None:
            label = Label(integrity="user", readers=readers)
            given[last] = Labelled(value=arguments[last], label=label)
        return Call(
            "ses_1", instance or f"m{self.count}", "1", name, given, own, ANA,
            asks=asks, confirmed=confirmed,
        )  # fmt: skip

    async def letters(self) -> list[dict[str, Any]]:
        return await self.database.read(lambda c: Rows(c, self.tables["letters"]).find())

    async def decide(self, id_: str, who: Principal) -> journal.Approval:
        def work(connection: Any) -> journal.Approval:
            hash_ = journal.get_approval(connection, who, id_).hash
            return journal.decide(connection, self.stamps, who, id_, hash_, yes=True)

        return await self.database.write(work)


def run(
    database: Database, tell: Callable[[Office], Coroutine[Any, Any, None]], rules: str = ""
) -> None:
    async def story() -> None:
        await tell(await Office(database, rules).open())

    asyncio.run(story())


def test_the_same_tool_may_tell_one_and_not_another(database: Database) -> None:
    async def tell(office: Office) -> None:
        both = frozenset({ANA.id, "usr_bob"})
        for to, state in (("usr_bob", "done"), ("usr_li", "denied"), (ANA.id, "done")):
            for asks in (False, True):  # a flow, a model that chooses
                outcome = await office.call("mail", both, asks=asks, to=to, text=f"plans {asks}")
                assert outcome.state == state, (to, asks)
                if state == "denied":
                    said = "its “text” would be told to usr_li, who may not read it"
                    assert said in str(outcome.problem) and "plans" not in str(outcome.problem)
        assert {to for to, _ in office.sent} == {"usr_bob", ANA.id}
        for box, state in (("B-1", "done"), ("B-2", "denied"), ("B-3", "denied")):
            assert (await office.call("drop", both, box=box, text="plans")).state == state, box
        assert [one["to"] for one in await office.letters()] == ["B-1"]
        # what goes out with a read tells as much
        assert (await office.call("fetch", host="a.example", query="tea")).state == "denied"
        public = frozenset({"public"})
        assert (await office.call("fetch", public, host="a.example", query="tea")).state == "done"

    run(database, tell)


def test_readers_that_can_not_be_told_are_nobody(database: Database) -> None:
    async def tell(office: Office) -> None:
        for way in ("nobody", "a text", "no text", "an empty one", "an error"):
            outcome = await office.call("odd", frozenset({"public"}), way=way)
            assert outcome.state == "denied", way
            assert "it can't say who would learn of it" in str(outcome.problem)
        assert await office.letters() == []

    run(database, tell)


def test_whoever_may_decide_is_asked_where_the_policy_says_so(database: Database) -> None:
    async def tell(office: Office) -> None:
        secret = frozenset({ANA.id})
        for asks, confirms in ((False, False), (True, True)):
            call = office.made("mail", secret, asks=asks, to="usr_bob", text="plans")
            outcome = await office.executor.perform(call)
            assert (outcome.state, outcome.confirms) == ("waiting", confirms)
            assert outcome.sink == {"usr_bob"}
            await office.decide(outcome.approval_id, ANA if confirms else SUE)
            assert (await office.executor.perform(call)).state == "done"
        # a flow has asked by itself; of what is not theirs they can't say yes
        flow = office.made("mail", secret, confirmed=True, to="usr_bob", text="plans")
        assert (await office.executor.perform(flow)).state == "done"
        lis = frozenset({"usr_li"})
        for more in ({"confirmed": True}, {"asks": True}):
            outcome = await office.call("mail", lis, to="usr_bob", text="hers", **more)
            assert (outcome.state, outcome.confirms) == ("waiting", False)
        assert len(office.sent) == 3

    run(database, tell, '[readers]\ndo = "confirm"\napprover = "supervisor"\n')


def test_a_yes_is_for_those_who_would_learn_of_it_then(database: Database) -> None:
    async def tell(office: Office) -> None:
        call = office.made("drop", frozenset({ANA.id}), box="B-1", text="plans")
        asked = await office.executor.perform(call)
        await office.decide(asked.approval_id, SUE)

        def give(owner: str) -> Callable[[Any], None]:
            return lambda c: Rows(c, office.tables["boxes"]).change("B-1", owner=owner)

        await office.database.write(give("usr_mal"))
        again = await office.executor.perform(call)
        assert again.state == "waiting" and again.approval_id != asked.approval_id
        assert await office.letters() == []
        await office.database.write(give("usr_bob"))
        assert (await office.executor.perform(call)).state == "done"
        await office.database.write(give("usr_mal"))  # what is done is done
        assert (await office.executor.perform(call)).state == "done"
        assert len(await office.letters()) == 1

    run(database, tell, '[readers]\ndo = "ask"\n')


def test_the_desk_learns_what_the_person_may_tell(database: Database) -> None:
    async def tell(office: Office) -> None:
        for readers, state in (
            ({ANA.id}, "done"), ({DESK}, "done"), ({EVERYONE}, "done"), ({"usr_li"}, "denied"),
        ):  # fmt: skip
            assert (await office.call("ticket", frozenset(readers), text="x")).state == state

    run(database, tell)


PEOPLE = ("usr_ana", "usr_bob", "usr_li", "public")


def test_the_truth_table_of_readers() -> None:
    @tool(writes=True, free_text=frozenset({"text"}), sink=lambda deed, to: {to})
    def mail(deed: Deed, to: str, text: str) -> None:
        """Write to somebody."""

    deed = Deed(ANA, "", 0, lambda name: None)  # type: ignore[arg-type, return-value]
    for bits, to in itertools.product(range(16), ("usr_ana", "usr_bob", "usr_li", "web")):
        readers = frozenset(one for n, one in enumerate(PEOPLE) if bits >> n & 1)
        text = Labelled(value="x", label=Label(integrity="untrusted", readers=readers))
        whom = Labelled(value=to, label=Label(integrity="user", readers=frozenset({ANA.id})))
        given, sink = {"to": whom, "text": text}, learners(mail, deed, {"to": to})
        found = monitor(
            mail, Call("s", "i", "1", "mail", given, Label(integrity="user"), ANA, sink=sink)
        )
        allowed = to == ANA.id or bool({"public", to} & readers)
        assert [one.readers for one in found] == ([] if allowed else [(to,)]), (readers, to)


@pytest.mark.parametrize(
    "contract",
    [
        {"sink": lambda deed, whom: {whom}},
        {"sink": lambda deed, text: {text}},
        {"releases": frozenset({"whom"})},
        {"releases": frozenset({"text"})},
        {"releases": frozenset({"to"})},
    ],
)
def test_readers_that_rest_on_nothing_are_told_when_a_tool_is_made(contract: Any) -> None:
    with pytest.raises(TypeError, match="mail: "):

        @tool(writes=True, free_text=frozenset({"text"}), **contract)
        def mail(deed: Deed, to: str, text: str) -> None:
            """Write to somebody."""
