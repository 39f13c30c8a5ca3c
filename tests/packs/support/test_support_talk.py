"""What scenarios can't tell: cards, guesses in many talks, answers in flight, lost replies."""

import asyncio
import contextlib
import datetime
import json
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from attenda.api import Command, Label, Labelled, NotUnderstood, Principal, Said
from attenda.core.event import TextAdded
from attenda.dialogue.extract_contacts import ids
from attenda.evals.scenario import commands_from
from attenda.packs.support.countries import countries, plain_postcode
from attenda.packs.support.looking import look_first, masked, signs_in
from attenda.packs.support.orders import back_in, course_in, items_in, part_in
from attenda.packs.support.pack import PACK
from attenda.packs.support.payments import WebPayments
from attenda.packs.support.shop import Item
from attenda.packs.support.shop_policy import sample_policy
from attenda.packs.support.shop_tools import own_tables, support_tools
from attenda.runtime.desk import Desk
from attenda.runtime.house import House
from attenda.runtime.pack import read_pack
from attenda.store import agents, journal, sessions
from attenda.tools.call import Call
from tests.runtime.test_flows import _person, rows
from tests.scripted_house import scripted_house

WHO = Principal(id="usr_web", role="viewer")
AGENT = Principal(id="usr_s1", role="agent")
BOSS = Principal(id="usr_s2", role="supervisor")
YES, SLOWLY = '["affirm"]', "[]"
IN_FLIGHT, GO_ON = asyncio.Event(), asyncio.Event()


async def understand(said: Said) -> Sequence[Command]:
    """Commands as a scenario writes them; nothing else is understood."""
    if said.text == SLOWLY:
        IN_FLIGHT.set()
        await GO_ON.wait()
    if not said.text.startswith("["):
        return look_first(said) or [NotUnderstood()]
    return commands_from(json.loads(said.text), said.label)


@contextlib.asynccontextmanager
async def service(home: Path) -> AsyncIterator[House]:
    async with scripted_house(home, lambda _: "", packs=[PACK], understand=understand) as (
        house, _,
    ):  # fmt: skip
        await _person(house, WHO)
        await _person(house, AGENT)
        yield house


async def begin(house: House) -> str:
    def make(connection: Any) -> str:
        agent = next(a for a in agents.list_agents(connection, WHO) if a["pack"] == "support")
        return sessions.create_session(connection, house.stamps, WHO, agent["id"]).id

    return await house.database.write(make)


async def say(house: House, session: str, *wishes: Any) -> str:
    words = wishes[0] if isinstance(wishes[0], str) else json.dumps(wishes)
    started = await house.runs.start(WHO, session, words)
    async for _ in house.runs.follow(session, started.after):
        pass

    def read(connection: Any) -> str:
        tree = sessions.message_tree(connection, session)
        head = sessions.get_session(connection, WHO, session).head_id
        return sessions.message_path(tree, head)[-1].message.text

    return await house.database.read(read)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("my card is 4111 1111 1111 1111 ok", "my card is [card …1111] ok"),
        ("4111-1111-1111-1111", "[card …1111]"),
        ("卡号5500005555555559，谢谢", "卡号[card …5559]，谢谢"),
        ("378282246310005", "[card …0005]"),
        ("order O-1001, tracking 4111111111111112", "order O-1001, tracking 4111111111111112"),
        ("call +49 30 1234567, 200000", "call +49 30 1234567, 200000"),
        ("it cost 1234567890123.45", "it cost 1234567890123.45"),
    ],
)
def test_card_numbers_are_cut(text: str, kept: str) -> None:
    assert masked(text) == kept


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("I will call my lawyer", {"legal"}), ("我要起诉你们", {"legal"}),
        ("the kettle caught fire", {"safety"}), ("水壶漏电了", {"safety"}),
        ("this is ridiculous", {"anger"}), ("太过分了", {"anger"}),
 ("hello", set()), ("您好！", set()),
        ("hello, where is O-1004?", set()), ("I am waiting for my parcel", set()),
        ("the court yard lamp", set()), ("refund the kettle", set()), ("退款", set()),
    ],
)  # fmt: skip
def test_words_that_call_for_a_person(text: str, kinds: set[str]) -> None:
    assert {kind for kind, _, _ in signs_in(text)} == kinds


def test_items_and_parts_in_somebodys_words() -> None:
    items = [Item("1", {"en": "gift card", "zh-CN": "礼品卡"}, Decimal(50)),
             Item("2", {"en": "mug", "zh-CN": "马克杯"}, Decimal(8))]  # fmt: skip
    assert [one.id for one in items_in("refund the mugs", items)] == ["2"]
    assert [one.id for one in items_in("退礼品卡和马克杯", items)] == ["1", "2"]
    assert items_in("refund the smug thing", items) == []
    kettle = [*items, Item("3", {"en": "Kettle", "zh-CN": "水壶"}, Decimal(9))]
    for said in ("refund the kettel", "kittle", "the ketle please", "kettlle"):
        assert [one.id for one in items_in(said, kettle)] == ["3"], said
    for said in ("let's settle this", "the cattle one", "the kennel", "the rug"):
        assert items_in(said, kettle) == [], said
    assert [one.id for one in items_in("杯子我也想退", items)] == ["2"]
    assert [one.id for one in items_in("那个卡呢", items)] == ["1"]
    assert items_in("我想退掉", items) == []
    assert part_in("10 euros of it", "EUR") == (Decimal(10), None, "")
    assert part_in("退 25% 的钱", "EUR") == (None, Decimal("0.25"), "")
    assert part_in("一半", "EUR") == (None, Decimal("0.5"), "")
    assert part_in("$10 please", "EUR") == (None, None, "USD")
    assert part_in("the kettle of O-1001", "EUR") == (None, None, "")


@pytest.mark.parametrize(
    ("words", "meant", "course"),
    [
        ("return the kettle", "either", "return"), ("take the kettle back", "either", "return"),
        ("退回水壶", "either", "return"), ("水壶退货", "either", "return"),
        ("send it back, it is the wrong size", "goods", "return"),
        ("a return label please", "goods", "return"), ("把水壶寄回去", "goods", "return"),
        ("send my money back", "", "money"), ("give me half back", "", "money"),
        ("refund the kettle", "", "money"), ("把水壶的钱退回来", "", "money"),
        ("退还货款", "", "money"), ("这款水壶我要退回", "either", "return"),
        ("swap it for another one", "", "exchange"), ("换一个", "", "exchange"),
        ("yes", "", ""), ("好的", "", ""),
    ],
)  # fmt: skip
def test_what_is_given_back_is_told_from_its_price(words: str, meant: str, course: str) -> None:
    assert (back_in(words), course_in(words)) == (meant, course)


def test_a_card_number_is_kept_nowhere(tmp_path: Path) -> None:
    async def story() -> None:
        async with service(tmp_path) as house:
            session = await begin(house)
            await say(house, session, "charge 4111 1111 1111 1111 please")
            for table in ("messages", "events", "sessions"):
                kept = str(await rows(house, table))
                assert "4111 1111" not in kept and "4111111111111111" not in kept, table
            assert "1111] please" in str(await rows(house, "messages"))

    asyncio.run(story())


def test_many_talks_guess_no_better_than_one(tmp_path: Path) -> None:
    async def story() -> None:
        async with service(tmp_path) as house:
            start = {"start_flow": "where"}
            for number in range(3):
                session = await begin(house)
                await say(house, session, start, {"set": {"order": "O-1004"}})
                for postcode in (f"9{number}01", f"9{number}02"):
                    facts = {"email": "li@example.test", "postcode": postcode}
                    assert "find nobody" in await say(house, session, {"set": facts})
            session = await begin(house)
            await say(house, session, start, {"set": {"order": "O-1004"}})
            right = {"email": "li@example.test", "postcode": "200000"}
            assert "ZX55" not in await say(house, session, {"set": right})
            known = [one["verified_customer"] for one in await rows(house, "support_conversations")]
            assert known == ["", "", ""]
            assert "locked" in {one["kind"] for one in await rows(house, "support_security_events")}

    asyncio.run(story())


async def put(house: House, table: str, **row: Any) -> None:
    """A row of the shop's, in the place of the one with its key."""
    executor = house.packs["support"].executor
    await house.database.write(lambda c: executor.rows(c, table).put(**row))


def test_a_postcode_may_have_letters(tmp_path: Path) -> None:
    """Of a fact that says who somebody is, and ahead of being asked for it."""
    form = read_pack(PACK)[0]["identify"].slots["postcode"].pattern
    for code in ("PT", "JP", "NL", "GB", "CA", "DE", "CN", "AT"):
        example = countries()[code].example
        (read,) = ids(f"it is {example}, thanks", form)
        assert plain_postcode(read.value) == plain_postcode(example)

    async def story() -> None:
        async with service(tmp_path) as house:
            for id_, country, postcode in (
                ("C-GB", "GB", "SW1A 1AA"), ("C-NL", "NL", "1012 LG"), ("C-PT", "Portugal", "4000"),
            ):  # fmt: skip
                await put(house, "customers", id=id_, name=id_, email=f"{id_}@example.test".lower(),
                          postcode=postcode, country=country)  # fmt: skip
            for id_, words in (
                ("C-GB", "c-gb@example.test, my postcode is sw1a1aa"),
                ("C-NL", "1012LG is mine, c-nl@example.test"),
                ("C-PT", "4000 is my postcode and c-pt@example.test my address"),
            ):
                session = await begin(house)
                await say(house, session, {"start_flow": "where"})
                assert "find nobody" not in await say(house, session, words)
                known = await rows(house, "support_conversations")
                assert [row["verified_customer"] for row in known if row["id"] == session] == [id_]
            for postcode, found in (("4000 IS", True), ("4000 4001", False)):  # as read ahead
                session, ahead = await begin(house), {"email": "c-pt@example.test"}
                answer = await say(house, session, {"start_flow": "where"},
                                   {"set": {**ahead, "postcode": postcode}})  # fmt: skip
                assert ("find nobody" not in answer) is found

    asyncio.run(story())


def test_an_order_that_is_sent_meanwhile_is_neither_cancelled_nor_paid_back(tmp_path: Path) -> None:
    async def story() -> None:
        async with service(tmp_path) as house:
            await _person(house, BOSS)
            session = await begin(house)
            facts = {"order": "O-1043", "email": "li@example.test", "postcode": "200000"}
            await say(house, session, {"start_flow": "cancel"}, {"set": facts})
            assert "approval" in await say(house, session, YES)
            executor = house.packs["support"].executor
            label = Label(integrity="operator", readers=frozenset({WHO.id}))
            alone = {"order": "O-1043", "change": "cancel"}
            outcome = await executor.perform(Call(
                session_id=session, instance="x", step="", tool="update_order", because=label,
                who=WHO, confirmed=True,
                arguments={k: Labelled(value=one, label=label) for k, one in alone.items()},
            ))  # fmt: skip
            assert outcome.state == "failed", "an order is not cancelled without its money"
            await put(house, "orders", id="O-1043", status="shipped")

            def approve(connection: Any) -> None:
                (asked,) = journal.list_approvals(connection, BOSS)
                journal.decide(connection, house.stamps, BOSS, asked.id, asked.hash, yes=True)

            await house.database.write(approve)
            started = await house.runs.go_on(session)
            assert started is not None
            told = "".join([
                one.event.text
                async for one in house.runs.follow(session, started.after)
                if isinstance(one.event, TextAdded)
            ])  # fmt: skip
            assert "the order has changed since" in told and "cancelled" not in told
            (order,) = [one for one in await rows(house, "support_orders") if one["id"] == "O-1043"]
            refunds = {one["order_id"] for one in await rows(house, "support_refunds")}
            cases = {one["order_id"] for one in await rows(house, "support_cases")}
            assert order["status"] == "shipped" and "O-1043" not in refunds | cases

    asyncio.run(story())


def test_no_refund_is_in_time_by_a_day_that_nobody_knows(tmp_path: Path) -> None:
    """Of orders that were read in: delivered on no known day, or sent on one."""

    async def story() -> None:
        async with service(tmp_path) as house:
            now = datetime.datetime.fromtimestamp(house.stamps.now() / 1e6, datetime.UTC).date()
            sent = now - datetime.timedelta(days=10)
            counted = now - datetime.timedelta(days=3)
            for id_, status, day in (
                ("O-2001", "delivered", None),
                ("O-2002", "shipped", str(sent)),
                ("O-2003", "processing", None),
            ):
                await put(house, "orders", id=id_, customer_id="C-100", status=status,
                          currency="EUR", placed_on=str(sent), sent_on=day)  # fmt: skip
                await put(house, "order_items", id=f"{id_}-1", order_id=id_, name="teapot",
                          quantity=1, unit_price="12.00", final_sale=False, warranty_months=24,
                          state=status)  # fmt: skip
            session, refund = await begin(house), {"start_flow": "refund"}
            facts = {"email": "ana@example.test", "postcode": "4000", "order": "O-2001"}
            answer = await say(house, session, refund, {"set": facts})
            assert "REF-DAY" in answer and "a person has to decide" in answer
            answer = await say(house, session, refund, {"set": {"order": "O-2002"}})
            assert f"sent on {sent}, it counts as delivered on {counted}. Shall I?" in answer
            answer = await say(house, session, YES)
            assert "12.00 EUR" in answer and "is refunded" in answer
            for order, news in (
                ("O-2002", f"sent on {sent}. Our records don't say more"),
                ("O-2001", "was delivered; our records don't say when"),
            ):
                known = {"set": {"order": order}}
                assert news in await say(house, session, {"start_flow": "where"}, known)
            cancel = {"start_flow": "cancel"}, {"set": {"order": "O-2003"}}
            answer = await say(house, session, *cancel)
            assert "pay 12.00 EUR back" in answer, "what is packed was paid, where nobody says"

    asyncio.run(story())


def test_an_answer_in_flight_is_not_said_once_a_person_has_the_talk(tmp_path: Path) -> None:
    async def story() -> None:
        async with service(tmp_path) as house:
            session, desk = await begin(house), Desk(house)
            facts = {"order": "O-1001", "email": "ana@example.test", "postcode": "4000"}
            await say(house, session, {"start_flow": "where"}, {"set": facts})
            await house.runs.start(WHO, session, SLOWLY)
            await IN_FLIGHT.wait()
            await desk.ask_person(WHO, session)
            await desk.claim(AGENT, session)
            GO_ON.set()
            before = len(await rows(house, "messages"))
            await desk.reply(AGENT, session, "Here I am.")
            for words in ("hello?", "are you there?"):
                await house.runs.start(WHO, session, words)
            after = (await rows(house, "messages"))[before:]
            assert [(one["role"], one["author_id"]) for one in after] == [
                ("assistant", AGENT.id), ("user", None), ("user", None),
            ]  # fmt: skip
            await desk.hand_back(AGENT, session)
            assert "was delivered" in await say(
                house, session, {"start_flow": "where"}, {"set": facts}
            )
            found = await house.database.read(lambda c: sessions.session_by_id(c, session))
            assert found.owner == "bot"

    asyncio.run(story())


class Provider(BaseHTTPRequestHandler):
    """Pays, and drops the line before it says so, as often as it is told to."""

    drops = 0
    keys: list[str]
    paid: dict[str, dict[str, str]]

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        key = self.headers["Idempotency-Key"]
        type(self).keys.append(key)
        type(self).paid.setdefault(key, body)
        if type(self).drops:
            type(self).drops -= 1
            self.close_connection = True
            self.connection.close()
            return
        status, answer = (402, {"reason": "closed"}) if body["amount"] == "9" else (
            200, {"reference": f"P-{len(type(self).paid)}"},
        )  # fmt: skip
        text = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_about: object) -> None:
        """Nothing is logged."""


@pytest.fixture
def provider() -> Iterator[tuple[type[Provider], str]]:
    kind = type("OneProvider", (Provider,), {"keys": [], "paid": {}, "drops": 0})
    server = HTTPServer(("127.0.0.1", 0), kind)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield kind, f"http://127.0.0.1:{server.server_address[1]}/refunds"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_lost_reply_is_asked_for_again_with_the_same_key(
    tmp_path: Path, provider: tuple[type[Provider], str]
) -> None:
    kind, url = provider
    ours = {one.name: one for one in support_tools(own_tables, sample_policy(), WebPayments(url))}
    pack = replace(PACK, tools=[ours.get(one.name, one) for one in PACK.tools])

    async def story() -> None:
        async with scripted_house(tmp_path, lambda _: "", packs=[pack], understand=understand) as (
            house, _,
        ):  # fmt: skip
            await _person(house, WHO)
            session = await begin(house)
            facts = {"order": "O-1001", "email": "ana@example.test", "postcode": "4000"}
            await say(house, session, {"start_flow": "refund"}, {"set": facts})
            answer = await say(house, session, {"set": {"what": "the kettle"}})
            assert "39.90 EUR" in answer
            kind.drops = 2
            answer = await say(house, session, YES)
            assert answer.count("is refunded") == 1
            assert len(kind.keys) == 3 and len(set(kind.keys)) == 1 and len(kind.paid) == 1
            refunds = await rows(house, "support_refunds")
            (row,) = [one for one in refunds if one["order_id"] == "O-1001"]
            assert (row["state"], row["amount"], row["payment"]) == ("issued", "39.90", "P-1")

    asyncio.run(story())


def test_a_provider_that_declines_or_is_gone(provider: tuple[type[Provider], str]) -> None:
    async def story() -> None:
        pay = WebPayments(provider[1], timeout_s=5)
        declined = await pay.pay_back("k1", "RF-1", Decimal(9), "EUR")
        assert declined == {"state": "declined", "reference": "402"}
        provider[0].drops = 1
        with pytest.raises(OSError):
            await pay.pay_back("k2", "RF-2", Decimal(10), "EUR")
        with pytest.raises(OSError):
            await WebPayments("http://127.0.0.1:1/").pay_back("k3", "RF-3", Decimal(10), "EUR")

    asyncio.run(story())
