"""An approval covers exactly what was shown: forty ways to make more of it, and none works."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from attenda.core.errors import AttendaError, Conflict, Denied, NotFound
from attenda.core.label import Label, Labelled
from attenda.core.principal import Principal
from attenda.store import journal
from attenda.store.database import Database
from attenda.store.schema_deeds import approvals, effects
from attenda.tools.call import Call, canonical
from tests.tools.test_effects import AGENT, ANA, HOUR, SUPERVISOR, Shop, call, value

LI = Principal(id="usr_li", role="supervisor")
LARGE = call("899.00")
Change = Callable[[Call], Call]


def arguments(**changed: Labelled) -> Change:
    return lambda one: replace(one, arguments={**one.arguments, **changed})


def labelled(name: str, **changed: Any) -> Change:
    def change(one: Call) -> Call:
        old = one.arguments[name]
        label = old.label.model_copy(update=changed)
        return arguments(**{name: old.model_copy(update={"label": label})})(one)

    return change


OTHER_DEEDS: dict[str, Change] = {
    "a cent more": arguments(amount=value("899.01")),
    "a cent less": arguments(amount=value("898.99")),
    "the same amount, written otherwise": arguments(amount=value("899.0")),
    "the amount as a number": arguments(amount=value(899)),
    "a great deal more": arguments(amount=value("89900")),
    "another order": arguments(order=value("O-2", "user")),
    "the order with a space": arguments(order=value("O-1 ", "user")),
    "the order in small letters": arguments(order=value("o-1", "user")),
    "both changed": arguments(order=value("O-2", "user"), amount=value("1000")),
    "another session": lambda one: replace(one, session_id="ses_2"),
    "another instance of the flow": lambda one: replace(one, instance="msg_2.0"),
    "another step": lambda one: replace(one, step="5"),
    "a longer step's name": lambda one: replace(one, step="4.1"),
    "parts moved over a border": lambda one: replace(one, session_id="ses_1m", instance="sg_1.0"),
    "another source of the order": labelled("order", sources=frozenset({"msg_9"})),
    "another source of the amount": labelled("amount", sources=frozenset({"doc_1"})),
    "more readers": labelled("order", readers=frozenset({ANA.id, "usr_li"})),
    "other readers": labelled("order", readers=frozenset({"usr_li"})),
    "led to by something else": lambda one: replace(
        one, because=Label(integrity="user", sources=frozenset({"doc_1"}))
    ),
}
"""Each must be asked about anew."""

REFUSED: dict[str, Change] = {
    "the amount from the person": labelled("amount", integrity="user"),
    "the amount from a stranger": labelled("amount", integrity="untrusted"),
    "the order from a stranger": labelled("order", integrity="untrusted"),
    "led to by a stranger": lambda one: replace(one, because=Label()),
    "another tool": lambda one: replace(one, tool="mail"),
    "a tool that is not there": lambda one: replace(one, tool="refund_all"),
    "an argument more": arguments(also=value("O-2", "user")),
    "an argument less": lambda one: replace(one, arguments={"order": one.arguments["order"]}),
    "an amount that is none": arguments(amount=value("lots")),
}
"""Each is denied, whoever has approved what."""


async def approved(shop: Shop) -> journal.Approval:
    """The large refund, asked about and approved."""
    asked = await shop.executor.perform(LARGE)
    assert asked.state == "waiting"
    return await answer(shop, asked.approval_id)


async def answer(
    shop: Shop, id_: str, who: Principal = SUPERVISOR, *, shown: str = "", yes: bool = True
) -> journal.Approval:
    def work(connection: Any) -> journal.Approval:
        found = journal.get_approval(connection, SUPERVISOR, id_)
        hash_ = shown or found.hash
        return journal.decide(connection, shop.stamps, who, id_, hash_, yes=yes)

    return await shop.write(work)


def story(database: Database, tell: Callable[[Shop], Any]) -> None:
    async def body() -> None:
        shop = await Shop(database).open()
        await tell(shop)

    asyncio.run(body())


def test_no_other_deed_is_done_under_an_approval(database: Database) -> None:
    async def tell(shop: Shop) -> None:
        yes = await approved(shop)
        for name, change in OTHER_DEEDS.items():
            outcome = await shop.executor.perform(change(LARGE))
            assert outcome.state == "waiting", name
            assert outcome.approval_id != yes.id, name
        for name, change in REFUSED.items():
            outcome = await shop.executor.perform(change(LARGE))
            assert outcome.state == "denied" and outcome.problem is not None, name
        assert await shop.refunds() == []
        assert (await shop.executor.perform(LARGE)).state == "done"
        (row,) = await shop.refunds()
        assert (row["order_id"], row["amount"]) == ("O-1", "899.00")
        # used up: a deed whose row is gone from the journal must be asked about again
        await shop.write(lambda c: c.execute(effects.delete()))
        again = await shop.executor.perform(LARGE)
        assert again.state == "waiting" and again.approval_id != yes.id

    story(database, tell)


def test_who_may_not_decide_does_not(database: Database) -> None:
    async def tell(shop: Shop) -> None:
        asked = await shop.executor.perform(LARGE)
        attempts: list[tuple[str, type[AttendaError], dict[str, Any]]] = [
            ("the person it is for", Denied, {"who": Principal(id=ANA.id, role="viewer")}),
            ("a stranger", NotFound, {"who": Principal(id="usr_x", role="viewer")}),
            ("too low a role", Denied, {"who": AGENT}),
            ("a key without the scope", NotFound, {
                "who": Principal(id="usr_k", role="owner", scopes=frozenset({"chat"}))}),
            ("no hash", Conflict, {"shown": "0"}),
            ("another deed's hash", Conflict, {"shown": "f" * 64}),
        ]  # fmt: skip
        for name, error, how in attempts:
            with pytest.raises(error):
                await answer(shop, asked.approval_id, **{"who": SUPERVISOR, **how})
            assert (await shop.executor.perform(LARGE)).state == "waiting", name
        with pytest.raises(NotFound):
            await shop.write(
                lambda c: journal.decide(c, shop.stamps, SUPERVISOR, "apr_none", "x", yes=True)
            )
        assert await shop.refunds() == []

    story(database, tell)


def test_a_decision_is_made_once_and_in_time(database: Database) -> None:
    async def tell(shop: Shop) -> None:
        asked = await shop.executor.perform(LARGE)
        both = await asyncio.gather(
            *(answer(shop, asked.approval_id, who, yes=who is LI) for who in (SUPERVISOR, LI) * 5),
            return_exceptions=True,
        )
        made = [one for one in both if not isinstance(one, BaseException)]
        assert len(made) == 1 and all(isinstance(one, Conflict) for one in both if one not in made)
        state = (await shop.executor.perform(LARGE)).state
        assert state == ("done" if made[0].state == "approved" else "denied")
        with pytest.raises(Conflict):
            await answer(shop, asked.approval_id, yes=True)

        later = call("900", instance="msg_3.0")
        asked = await shop.executor.perform(later)
        shop.now += HOUR  # to the microsecond when it ends
        with pytest.raises(Conflict):
            await answer(shop, asked.approval_id)
        assert (await shop.executor.perform(later)).approval_id != asked.approval_id

    story(database, tell)


def test_what_is_shown_is_what_is_done(database: Database) -> None:
    async def tell(shop: Shop) -> None:
        yes = await approved(shop)
        assert yes.arguments == canonical(LARGE.plain)
        # a row that somebody changed in the database is no approval of the changed deed
        changed = canonical({**LARGE.plain, "amount": "1.00"})
        await shop.write(lambda c: c.execute(approvals.update().values(arguments=changed)))
        assert (await shop.executor.perform(arguments(amount=value("1.00"))(LARGE))).state == "done"
        assert [row["amount"] for row in await shop.refunds()] == ["1.00"]  # under its own rule

    story(database, tell)
