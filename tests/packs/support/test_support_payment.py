"""A payment is what was reserved, whatever a model that chooses tools puts together and
a person allows."""

import asyncio
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from attenda.api import scripted_call
from attenda.packs.support.pack import PACK
from attenda.packs.support.shop_policy import sample_policy
from attenda.packs.support.shop_tools import own_tables, support_tools
from attenda.runtime.house import House
from attenda.store import journal
from tests.packs.support.test_support_cases import Till
from tests.runtime.test_flows import Talk, _person, rows
from tests.runtime.test_toolloop import BOSS, called, shop

MONEY = ("order", "item", "amount", "currency", "of_order")


async def _say_yes(house: House, talk: Talk, asked: dict[str, Any]) -> None:
    """A supervisor allows whatever they are shown."""

    def decide(c: Any) -> None:
        journal.decide(c, house.stamps, BOSS, asked["id"], asked["hash"], yes=True)

    await house.database.write(decide)
    started = await house.runs.go_on(talk.session_id)
    assert started is not None
    await talk.heard(started.after)


def _pay(of: str) -> list[Any]:
    """Pay the refund that was reserved with the money of a result."""
    money = {name: f"${{{of}.{name}}}" for name in ("amount", "currency")}
    return [scripted_call("pay_refund", refund="${r4.id}", **money)]


def test_a_model_pays_no_refund_with_the_money_of_another(home: Path) -> None:
    till = Till()
    ours = {one.name: one for one in support_tools(own_tables, sample_policy(), till)}
    tools = [ours.get(one.name, one) for one in PACK.tools]
    pack = replace(PACK, tools=tools, mode="loop", first=None, alarms=())
    quotes = [scripted_call("quote_refund", order="O-1001", item=f"O-1001-{n}") for n in (1, 2)]
    script: list[Any] = [
        [scripted_call("verify_customer", email="ana@example.test", postcode="4000")],
        quotes,
        [scripted_call("issue_refund", **{name: f"${{r2.{name}}}" for name in MONEY})],
        _pay("r3"),
        _pay("r2"),
        _pay("r2"),
        "It is paid.",
    ]

    async def story() -> None:
        async with shop(home, script, pack) as (house, _, talk):
            await _person(house, BOSS)
            await talk.say("I am ana@example.test, 4000; money back for O-1001-1 or O-1001-2")
            while pending := [one for one in await rows(house, "approvals")
                              if one["state"] == "pending"]:  # fmt: skip
                await _say_yes(house, talk, pending[0])
            deeds = [(one.tool, one.state, one.problem) for one in await called(house, talk)]
            ended = [one for one in deeds[3:] if one[1] != "waiting"]
            assert [one[:2] for one in ended] == [
                ("issue_refund", "done"), ("pay_refund", "failed"),
                ("pay_refund", "done"), ("pay_refund", "done"),
            ]  # fmt: skip
            assert "only what was reserved under a refund's number" in ended[1][2]
            (refund,) = [one for one in await rows(house, "support_refunds")
                         if one["order_id"] == "O-1001"]  # fmt: skip
            assert list(till.paid.values()) == [(refund["id"], Decimal("39.90"), "EUR")]
            assert refund["amount"] == "39.90" and refund["payment"].startswith("begun:")

    asyncio.run(story())
