"""The service's screens before the HTTP routes: by role, with what strangers wrote; the report."""

import asyncio
import contextlib
import csv
import io
import re
from collections import Counter
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import httpx
import pytest

from attenda.api import Principal, Talk
from attenda.packs.support.clusters import groups, masked, middle
from attenda.packs.support.import_tickets import read_zendesk
from attenda.packs.support.pack import PACK
from attenda.packs.support.plots import bars, columns
from attenda.packs.support.report import outcomes, quantile, report_of, talk_rows
from attenda.runtime.house import House
from attenda.runtime.pack_import import import_file
from attenda.serve.app import create_app
from attenda.store import agents, documents, keys, people, schema
from attenda.store.people import OWNER_ID
from tests.runtime.test_flows import rows, understand
from tests.scripted_house import add_text, scripted_house
from tests.serve.desk_people import DESK, Person

FILES = Path(__file__).parents[2] / "data" / "support"
PEOPLE = {"ana": "agent", "sam": "agent", "sue": "supervisor", "li": "viewer"}
HOUR, DAY = 3_600_000_000, 86_400_000_000


@contextlib.asynccontextmanager
async def service(home: Path) -> AsyncIterator[tuple[House, dict[str, Person], str]]:
    async with scripted_house(home, lambda _: "Fine.", packs=[PACK], understand=understand) as (
        house,
        _,
    ):

        def enrol(c: Any) -> tuple[dict[str, str], str]:
            secrets = {}
            for id_, role in PEOPLE.items():
                row = {"id": id_, "name": id_.title(), "role": role, "created_at": 1}
                c.execute(schema.users.insert().values(**row))
                who = people.principal_of(c, id_)
                secrets[id_] = keys.create_key(c, house.stamps, who, "test")[1]
            found = agents.list_agents(c, people.principal_of(c, OWNER_ID))
            return secrets, next(one["id"] for one in found if one["pack"] == "support")

        secrets, agent_id = await house.database.write(enrol)
        transport = httpx.ASGITransport(create_app(house))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            yield house, {name: Person(client, one) for name, one in secrets.items()}, agent_id


async def page(who: Person, path: str) -> str:
    answer = await who.raw("GET", f"/packs/support/{path}".rstrip("/"))
    assert answer.status_code == 200, answer.text
    return answer.text


async def talk(house: House, who: Person, agent_id: str, *said: str) -> str:
    made = await who("POST", "/api/sessions", {"agent_id": agent_id})
    for text in said:
        await who("POST", f"/api/sessions/{made['id']}/messages", {"text": text})
        while house.runs.running(made["id"]):
            await asyncio.sleep(0.005)
    return str(made["id"])


def test_orders_and_customers_are_shown_to_those_of_the_desk(home: Path) -> None:
    async def story() -> None:
        async with service(home) as (house, who, agent_id):
            sam = who["sam"]
            listed = await page(sam, "?words=ana+duarte")
            assert "O-1001" in listed
            assert "O-1004" not in listed
            assert "O-1004" in await page(sam, "?status=shipped")
            order = await page(sam, "orders/O-1001")
            assert all(one in order for one in ("kettle", "39.90 EUR", "final sale", "Ana Duarte"))
            assert "https://evil.test/p.png" in order
            assert 'src="http' not in order, "what a stranger wrote is words"
            profile = await page(sam, "customers/C-100")
            assert all(one in profile for one in ("ana@example.test", "O-1005", "O-1003"))
            assert "ZX55" not in profile
            assert "Li Wei" in await page(sam, "customers?words=LI@")
            for path in ("orders/O-0", "customers/C-0", "tickets/x"):
                assert (await sam.raw("GET", f"/packs/support/{path}")).status_code == 404
            for path in ("", "customers/C-100", "orders/O-1001", "tickets"):
                assert (await who["li"].raw("GET", f"/packs/support/{path}")).status_code == 403
            for path in ("report", "articles", "api/report", "api/report/refunds.csv"):
                assert (await sam.raw("GET", f"/packs/support/{path}")).status_code == 403
            id_ = await talk(house, who["ana"], agent_id, "person")
            await _the_panel_knows_who_has_proved_it(house, sam, id_)

    asyncio.run(story())


async def _the_panel_knows_who_has_proved_it(house: House, sam: Person, id_: str) -> None:
    before = (await sam("GET", f"{DESK}/{id_}/panel"))["html"]
    assert "Not verified" in before
    assert "ana@example.test" not in before
    executor = house.packs["support"].executor
    row = {"id": id_, "verified_customer": "C-100", "verified_at": 1, "tries": 1}
    await house.database.write(lambda c: executor.rows(c, "conversations").put(**row))
    after = (await sam("GET", f"{DESK}/{id_}/panel"))["html"]
    assert all(one in after for one in ("Verified", "ana@example.test", "O-1001"))
    assert "O-1004" not in after, "another customer's order"
    assert 'href="/packs/support/customers/C-100"' in after


def test_open_questions_become_articles_and_the_report_adds_up(home: Path) -> None:
    async def story() -> None:
        async with service(home) as (house, who, agent_id):
            sue = who["sue"]
            owner = await house.database.read(lambda c: people.principal_of(c, OWNER_ID))
            await add_text(house, owner, "tea.md", "# Tea\n\nTea is green or black.\n")
            await talk(house, who["ana"], agent_id, "docs who mends a broken umbrella?", "person")
            await talk(
                house, who["ana"], agent_id,
                "docs who mends a broken umbrella for ana@example.test, order O-1001?", "person",
            )  # fmt: skip
            open_ = await page(sue, "articles")
            assert open_.count("2 ×") == 1, "both questions are one group"
            assert "ana@example.test" not in open_
            form = re.search(r'<form data-tool="begin_article".*?</form>', open_, re.DOTALL)
            assert form is not None
            fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', form[0]))
            tools = "/api/packs/support/tools"
            begun = {"arguments": fields, "once": "a"}
            made = await sue("POST", f"{tools}/begin_article", begun)
            article = made["result"]["article"]
            again = await sue("POST", f"{tools}/begin_article", {**begun, "once": "b"})
            assert again["result"]["article"] == article, "one draft for the same questions"
            assert "2 ×" not in (await page(sue, "articles")).split("Drafts")[0]
            assert "who mends a broken umbrella" in await page(sue, f"articles/{article}")

            async def write(once: str, expect: int | None = None, **more: Any) -> Any:
                body = {"article": article, "title": "Umbrellas", **more}
                path = f"{tools}/write_article"
                return await sue("POST", path, {"arguments": body, "once": once}, expect)

            await write("c", expect=400, published=True)  # no words yet
            assert await found(house) == []
            await write("d", body="We mend a broken umbrella for 9.00 EUR.", published=True)
            await house.ingester.wait_idle()
            assert await found(house) == ["# Umbrellas\n\nWe mend a broken umbrella for 9.00 EUR."]
            await write("e", body="We mend a broken umbrella for 9.00 EUR.")
            assert await found(house) == [], "withdrawn, nobody finds it"
            await who["sam"]("POST", f"{tools}/begin_article", {**begun, "once": "f"}, 403)
            await _the_report_can_be_made_again(house, who, agent_id)

    async def found(house: House) -> list[str]:
        def look(c: Any) -> list[str]:
            owner = people.principal_of(c, OWNER_ID)
            listed = documents.documents_from(c, owner, "pack:support/").values()
            living = [one.id for one in listed if one.deleted_at is None]
            return [documents.document_text(c, owner, id_).strip() for id_ in living]

        return await house.database.read(look)

    asyncio.run(story())


async def _the_report_can_be_made_again(
    house: House, who: dict[str, Person], agent_id: str
) -> None:
    """From its files, after two conversations that wait and one that a person had."""
    sue = who["sue"]
    id_ = await talk(house, who["ana"], agent_id, "person")
    await who["sam"]("POST", f"{DESK}/{id_}/claim")
    await who["sam"]("POST", f"{DESK}/{id_}/messages", {"text": "Hello."})
    await who["sam"]("POST", f"{DESK}/{id_}/resolve")
    await who["ana"]("PUT", f"/api/sessions/{id_}/rating", {"score": 5, "comment": "=1+1"})
    shown = await page(sue, "report?days=90")
    assert "<svg" in shown
    assert all(one in shown for one in ("100.0 %", "0.0 %", "asked for a person"))
    figures = (await sue("GET", "/packs/support/api/report?days=90"))["figures"]
    talks = {one["session"]: one for one in await _table(sue, "conversations", 90)}
    assert figures["outcomes"] == {"open": 2, "person": 1}
    assert figures["outcomes"] == Counter(one["outcome"] for one in talks.values())
    assert (talks[id_]["handoffs"], talks[id_]["score"]) == ("asked", "5")
    assert talks[id_]["comment"] == "'=1+1", "no spreadsheet takes it for a formula"
    firsts = sorted(int(one["first_response_s"]) for one in talks.values())
    assert figures["first_response"] == {"median": str(firsts[1]), "p90": str(firsts[2]), "n": "3"}
    scores = [int(one["score"]) for one in talks.values() if one["score"]]
    content = sum(score > 3 for score in scores)
    assert Decimal(figures["csat"]) == Decimal(content) / len(scores)
    refunds = await _table(sue, "refunds", 90)
    every = [row for row in await rows(house, "support_refunds") if row["state"] == "issued"]
    assert len(refunds) == len(every) > 3
    for key in ("approver", "rule"):
        again: Counter[tuple[str, str]] = Counter()
        for row in refunds:
            again[row[key], row["currency"]] += Decimal(row["amount"])  # type: ignore[assignment]
        told = {(name, code): Decimal(sum_) for name, code, _, sum_ in figures[f"by_{key}"]}
        assert told == again
    assert await page(sue, "report?days=7x"), "a period that is none is the usual one"


async def _table(who: Person, name: str, days: int) -> list[dict[str, str]]:
    answer = await who.raw("GET", f"/packs/support/api/report/{name}.csv?days={days}")
    return list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))


def test_a_customer_is_handed_out_whole_and_erased_but_for_the_books(home: Path) -> None:
    async def story() -> None:
        async with service(home) as (house, who, agent_id):
            sue, sam, support = who["sue"], who["sam"], house.packs["support"]
            found = read_zendesk("z.json", (FILES / "zendesk_tickets.json").read_bytes())
            await import_file(house, support, Principal(id=OWNER_ID, role="owner"), "x", found)
            id_ = await talk(house, who["ana"], agent_id, "person")
            row = {"id": id_, "verified_customer": "C-100", "email": "a…@example.test"}
            guess = {"id": "SE-1", "kind": "bad_identity", "subject": "ana@example.test"}
            other = {"id": "T-1", "email": "", "subject": "by telephone"}

            def note(c: Any) -> None:
                support.executor.rows(c, "conversations").put(**row)
                support.executor.rows(c, "security_events").put(**guess)
                support.executor.rows(c, "tickets").put(**other)
                support.executor.rows(c, "customers").put(id="C-0", name="No Mail", email="")

            def limited_key(c: Any) -> str:
                who = people.principal_of(c, "sue")
                return keys.create_key(c, house.stamps, who, "desk", scopes=["desk"])[1]

            await house.database.write(note)
            path = "/packs/support/api/customers/C-100/data"
            assert (await sam.raw("GET", path)).status_code == 403
            assert "erase_customer" not in await page(sam, "customers/C-100")
            assert 'data-tool="erase_customer"' in await page(sue, "customers/C-100")
            told = (await sue.raw("GET", path)).json()
            assert told["customers"][0]["email"] == "ana@example.test"
            assert {one["id"] for one in told["orders"]} >= {"O-1001", "O-1002", "O-1010"}
            assert len(told["order_items"]) > len(told["orders"])
            counts = {name: len(told[name]) for name in ("tickets", "conversations")}
            assert counts == {"tickets": 1, "conversations": 1}
            assert "It leaks" in told["ticket_messages"][0]["text"]
            assert [one["id"] for one in told["security_events"]] == ["SE-1"]
            before = await _books(house)
            ask = {"arguments": {"customer": "C-100"}, "once": "a"}
            erase = "/api/packs/support/tools/erase_customer"
            await sam("POST", erase, ask, 403)
            whole = {"arguments": {"customer": "C-100", "anyway": True}, "once": "k"}
            limited = sue.by(await house.database.write(limited_key))
            assert "may not erase" in str(await limited("POST", erase, whole, 400))
            refused = await sue("POST", erase, ask, 400)
            assert "O-1010" in str(refused), "it is being packed"
            assert "Ana Duarte" in str(await rows(house, "support_customers"))
            done = {"arguments": {"customer": "C-100", "anyway": True}, "once": "b"}
            await sue("POST", erase, done)
            await sue("POST", erase, {**done, "once": "c"}, 400)
            nameless = {"arguments": {"customer": "C-0"}, "once": "d"}
            await sue("POST", erase, nameless)
            assert [one["id"] for one in await rows(house, "support_tickets")] == ["T-1"]
            assert await _books(house) == before, "what was paid and paid back stays"
            for table in PACK.tables:
                kept = str(await rows(house, f"support_{table.name}"))
                for theirs in ("ana@example", "Ana Duarte", "Rua das Flores", "C-100", "It leaks"):
                    assert theirs not in kept, table.name
            assert (await sue.raw("GET", path)).status_code == 404
            assert "Ana" not in await page(sam, "") + await page(sam, "orders/O-1001")
            assert "Not verified" in (await sam("GET", f"{DESK}/{id_}/panel"))["html"]

    asyncio.run(story())


async def _books(house: House) -> list[tuple[str, ...]]:
    """Orders, what is in them and what was paid back, by their amounts."""
    orders = [(one["id"], one["total"], one["shipping"], one["currency"], one["placed_on"])
              for one in await rows(house, "support_orders")]  # fmt: skip
    items = [(one["id"], one["name"], one["unit_price"])
             for one in await rows(house, "support_order_items")]  # fmt: skip
    back = [(one["id"], one["amount"], one["state"], one["rule"], one["approver"])
            for one in await rows(house, "support_refunds")]  # fmt: skip
    return [*orders, *items, *back]


def a_talk(id_: str, asked: tuple[int, ...], **more: Any) -> Talk:
    usual: dict[str, Any] = {
        "customer": id_, "owner": "bot", "answered_at": tuple(at + 2_000_000 for at in asked),
        "person_at": (), "handoffs": (), "closed_at": (), "score": None, "comment": "",
    }  # fmt: skip
    return Talk(id=id_, begun_at=asked[0] if asked else 0, asked_at=asked, **{**usual, **more})


def test_what_became_of_a_conversation() -> None:
    now = 100 * DAY
    old = now - 10 * DAY
    cases = {
        "bot": a_talk("a", (old, old + HOUR // 2)),
        "young": a_talk("b", (now - 72 * HOUR + 1,)),
        "reopened": a_talk("c", (old,), customer="c"),
        "again": a_talk("c2", (old + 72 * HOUR + 2_000_000,), customer="c"),
        "late": a_talk("d", (old,), customer="d"),
        "later": a_talk("d2", (old + 72 * HOUR + 2_000_001,), customer="d"),
        "silence": a_talk("e", (old, old + HOUR + 2_000_000)),
        "person": a_talk("f", (old,), handoffs=((old + 1, "asked"),), owner="resolved"),
        "queued": a_talk("g", (old,), handoffs=((old + 1, "asked"),), owner="queued"),
        "unanswered": a_talk("h", (old,), answered_at=()),
        "silent": a_talk("i", ()),
    }
    became = outcomes(list(cases.values()), now)
    assert {name: became.get(one.id) for name, one in cases.items()} == {
        "bot": "bot", "young": "young", "reopened": "reopened", "again": "bot", "late": "bot",
        "later": "bot", "silence": "reopened", "person": "person", "queued": "open",
        "unanswered": "open", "silent": None,
    }  # fmt: skip
    report = report_of(list(cases.values()), [], old, now)
    assert report.bot_share == Decimal("0.571")  # 4 of 7 that have settled
    assert report.first_response is not None
    assert (report.first_response["median"], report.first_response["n"]) == (2, 9)
    assert len(talk_rows(list(cases.values()), old, now)) == 10
    assert [quantile([1, 2, 3, 4], share) for share in ("0.5", "0.9", "0.25")] == [2, 4, 1]


def test_questions_are_put_together_by_meaning_or_by_words() -> None:
    asked = [
        "Do you repair broken umbrellas?",
        "can an umbrella be repaired",
        "Is there a loyalty card?",
        "who repairs umbrellas",
        "你们修雨伞吗",
        "雨伞坏了可以修吗",
    ]
    assert groups(asked) == [[0, 1, 3], [4, 5], [2]]
    assert middle([0, 1, 3], asked) in (0, 1, 3)
    vectors = [[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]]
    assert groups(["a", "b", "c"], vectors) == [[0, 2], [1]]
    assert masked("Write to a.b@c.de about O-1001, card 4111 1111 1111 1111") == (
        "Write to … about …, card …"
    )


@pytest.mark.parametrize("bad", ["<script>", "a & b", "很长的名字" * 20])
def test_plots_are_well_formed_whatever_they_name(bad: str) -> None:
    for made in (
        bars([(bad, 3, bad), (bad, 0, "")], bad),
        columns([(bad, {"x": 2, "y": 1})], [("x", bad), ("y", bad)], bad),
        bars([], bad),
    ):
        tree = ElementTree.fromstring(made)
        assert tree.find("{http://www.w3.org/2000/svg}title").text == bad  # type: ignore[union-attr]
        assert "<script" not in made
