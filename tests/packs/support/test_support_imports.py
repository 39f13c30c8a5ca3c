"""What customer service reads in: every item of a file becomes rows or is rejected with a reason.

The files in `tests/data/support` are made in the documented shape of each program.
"""

import asyncio
import contextlib
import io
import json
import os
import random
import zipfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from attenda.api import Principal, ReadIn, UserError
from attenda.cli.pack_home import import_into
from attenda.packs.support.importing import IMPORTERS
from attenda.packs.support.pack import PACK
from attenda.runtime.house import House
from attenda.runtime.pack_import import import_file
from attenda.serve.app import create_app
from attenda.store import documents
from attenda.store.people import OWNER_ID
from tests.runtime.test_flows import rows, understand
from tests.scripted_house import scripted_house

FILES = Path(__file__).parents[2] / "data" / "support"
READERS = {one.name: one.read for one in IMPORTERS}
TRIES = 700 if os.environ.get("ATTENDA_LONG") == "1" else 12
OWNER = Principal(id=OWNER_ID, role="owner")


def _zip(**files: str) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as file:
        for name, text in files.items():
            file.writestr(name, text)
    return made.getvalue()


SAMPLES = {
    **{
        name: (file, (FILES / file).read_bytes())
        for name, file in {
            "shopify": "shopify_orders.csv",
            "woocommerce": "woocommerce_orders.json",
            "zendesk": "zendesk_tickets.json",
            "freshdesk": "freshdesk_tickets.json",
            "chatwoot": "chatwoot_conversations.json",
            "mail": "threads.mbox",
        }.items()
    },
    "help_centre": ("help.zip", _zip(**{"a.md": "# A\n\nx\n", "b.html": "<h1>B</h1><p>y</p>"})),
    "customers": ("c.csv", b"email,name,since\na@b.test,A,2020-01-01\n"),
    "orders": ("o.csv", b"order,email,name,unit_price,placed_on\nA,a@b.test,x,2.00,2026-01-01\n"),
}


def read(importer: str, name: str) -> ReadIn:
    return READERS[importer](name, (FILES / name).read_bytes())


def rejected(found: ReadIn) -> list[tuple[str, str]]:
    """Places and reasons; each is told in Chinese too."""
    told = []
    for place, reason in found.rejected:
        assert not isinstance(reason, str)
        assert reason["zh-CN"] not in ("", reason["en"])
        told.append((place, reason["en"]))
    return told


def by(found: ReadIn, table: str, key: str = "id") -> dict[Any, Any]:
    return {row[key]: row for row in found.rows.get(table, ())}


def test_shopify_orders_cost_what_was_paid_for_them() -> None:
    found = read("shopify", "shopify_orders.csv")
    orders, items = by(found, "orders"), by(found, "order_items")
    assert set(orders) == {"1001", "1002", "1003"}
    assert [place for place, _ in rejected(found)] == [f"shopify_orders.csv:{n}" for n in (6, 7)]
    assert [why for _, why in rejected(found)] == [
        "it has no e-mail address",
        "Lineitem quantity is no whole number: one",
    ]
    assert {id_: one["status"] for id_, one in orders.items()} == {
        "1001": "shipped", "1002": "shipped", "1003": "cancelled"
    }  # fmt: skip
    # 10 of 100 are off: each item is worth a tenth less, and no cent more is ever given back.
    assert (items["1001-1"]["unit_price"], items["1001-1"]["quantity"]) == (Decimal("35.91"), 2)
    assert (items["1001-2"]["name"], items["1001-2"]["unit_price"]) == (
        "Filter, large",
        Decimal("18.18"),
    )
    assert orders["1001"]["total"] == Decimal("90.00")
    assert (orders["1001"]["postcode"], orders["1001"]["placed_on"]) == ("04000", "2026-02-20")
    assert items["1002-1"]["state"] == "refunded"
    (refund,) = found.rows["refunds"]
    assert (refund["order_id"], refund["amount"]) == ("1002", Decimal("25.00"))
    assert orders["1002"]["postcode"] == "10115", "the billing address stands in"
    assert [(one["sent_on"], one["delivered_on"], one["country"], one["paid"])
            for one in orders.values()] == [
        ("2026-02-21", None, "PT", True), ("2026-02-23", None, "DE", True),
        (None, None, "DE", False),
    ]  # fmt: skip
    text = (FILES / "shopify_orders.csv").read_text("utf-8").splitlines()
    days = ("delivered_at", "2026-02-24", "")
    came = [f"{line},{at}" for line, at in zip(text[:3], days, strict=True)]
    (order,) = READERS["shopify"]("s.csv", "\n".join(came).encode()).rows["orders"]
    assert (order["status"], order["delivered_on"]) == ("delivered", "2026-02-24")
    text[1] = text[1].replace("fulfilled,2026-02-21 09:00:00 +0100", ",", 1)
    (order,) = READERS["shopify"]("s.csv", "\n".join(text[:3]).encode()).rows["orders"]
    assert (order["status"], order["sent_on"]) == ("processing", None), "paid, and not sent"


def test_woocommerce_orders_have_their_taxes_and_refunds() -> None:
    found = read("woocommerce", "woocommerce_orders.json")
    (order,) = found.rows["orders"]
    (item,) = found.rows["order_items"]
    (refund,) = found.rows["refunds"]
    assert (order["id"], order["status"], order["shipping"]) == ("727", "shipped", Decimal("4.90"))
    assert (order["paid"], order["sent_on"], order["country"]) == (True, None, "DE")
    made = json.loads((FILES / "woocommerce_orders.json").read_text("utf-8"))[0]
    told = {"date_completed_gmt": "2026-02-21T23:30:00", "date_paid_gmt": None, "delivered_at": ""}
    (again,) = READERS["woocommerce"]("w.json", json.dumps([{**made, **told}]).encode()).rows[
        "orders"
    ]
    assert (again["sent_on"], again["delivered_on"], again["paid"]) == ("2026-02-21", None, False)
    assert item["unit_price"] == order["total"] == Decimal("47.50")
    assert refund["amount"] == Decimal("10.00")
    assert rejected(found) == [("woocommerce_orders.json 2", "it has no e-mail address")]


def test_tickets_of_other_help_desks_keep_who_said_what() -> None:
    zendesk = read("zendesk", "zendesk_tickets.json")
    (ticket,) = zendesk.rows["tickets"]
    assert (ticket["email"], ticket["status"], ticket["tags"]) == (
        "ana@example.test", "solved", "kettle warranty"
    )  # fmt: skip
    assert (ticket["score"], ticket["comment"]) == ("good", "quick")
    said = [
        (one["author"], one["is_customer"], one["is_public"], one["text"], one["files"])
        for one in zendesk.rows["ticket_messages"]
    ]
    assert said == [
        (
            "Ana Duarte",
            True,
            True,
            "It leaks. Paid with •••• 1111, order 4111 1111 1111 1112.",
            "leak.jpg",
        ),
        ("Sam", False, True, "A new one is on its way.", ""),
        ("Sam", False, False, "Check the batch.", ""),
    ]
    assert rejected(zendesk) == [("zendesk_tickets.json 2", "it has no e-mail address")]
    lines = b'{"id": 1, "requester": {"id": 5, "email": "A@x.test"}, "description": "hi"}\n\n{}'
    each = READERS["zendesk"]("z.jsonl", lines)
    assert [one["email"] for one in each.rows["tickets"]] == ["a@x.test"]
    assert rejected(each) == [("z.jsonl 2", "it has no number")]
    fresh = read("freshdesk", "freshdesk_tickets.json")
    assert fresh.rows["tickets"][0]["status"] == "closed"
    said = [
        (one["text"], one["is_customer"], one["files"]) for one in fresh.rows["ticket_messages"]
    ]
    assert said == [
        ("Please send the invoice.", True, ""),
        ("Here it is.", False, "invoice.pdf"),
    ]
    chat = read("chatwoot", "chatwoot_conversations.json")
    assert chat.rows["tickets"][0]["created_at"] == 1_767_600_000_000_000
    assert [(one["text"], one["files"]) for one in chat.rows["ticket_messages"]] == [
        ("Where is my parcel?", ""), ("It comes tomorrow.", "map.png")
    ]  # fmt: skip


def test_mails_become_threads_and_nothing_in_them_is_opened() -> None:
    found = read("mail", "threads.mbox")
    tickets = by(found, "tickets", "email")
    assert set(tickets) == {"ana@example.test", "li@example.test"}
    ana = tickets["ana@example.test"]
    assert ana["subject"] == "My order – O-1001"
    assert tickets["li@example.test"]["name"] == "李伟"
    said = [
        (one["author"], one["is_customer"], one["text"], one["files"])
        for one in found.rows["ticket_messages"]
        if one["ticket_id"] == ana["id"]
    ]
    assert said == [
        ("Ana Duarte", True, "The kettle is broken – see the photo.", "kettle.jpg"),
        ("Sam", False, "From our shop: a new one is on its way.", ""),
        ("Ana Duarte", True, "Thank you!", ""),
    ]
    assert [place for place, _ in rejected(found)] == ["threads.mbox 4", "threads.mbox 6"]
    assert [why for _, why in rejected(found)] == [
        "it is the same mail as threads.mbox 3", "it has no sender"
    ]  # fmt: skip
    later = (
        b"From: Sam <help@shop.example>\nSubject: Re: My order\nMessage-ID: <six@shop.example>\n"
        b"References: <one@example.test> <three@example.test>\n"
        b"Date: Tue, 10 Mar 2026 13:00:00 +0000\n\nWelcome.\n"
    )
    one = READERS["mail"]("later.eml", later)
    assert one.rows["tickets"][0]["id"] == ana["id"], "a later mail finds its thread"


def test_a_help_centre_comes_in_whole_or_says_what_is_none(tmp_path: Path) -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as file:
        file.writestr("shop/shipping.md", "# Shipping\n\nIt costs 4.90 EUR.\n")
        file.writestr("shop/shipping.zh-CN.md", "# 运费\n\n运费 4.90 欧元。\n")
        file.writestr("../up/tracking.HTML", "<title>Where it is</title><p>Look.</p>")
        file.writestr("logo.png", b"\x89PNG")
        file.writestr("empty.md", " \n")
        file.writestr("latin.txt", "Größe".encode("latin-1"))
        file.writestr("__MACOSX/._shipping.md", "x")
    found = READERS["help_centre"]("help.zip", made.getvalue())
    articles = by(found, "articles")
    assert {id_: (one["title"], one["language"]) for id_, one in articles.items()} == {
        "shop-shipping.md": ("Shipping", ""),
        "shop-shipping.zh-CN.md": ("运费", "zh-CN"),
        "up-tracking.html": ("Where it is", ""),
    }
    reasons = dict(rejected(found))
    assert reasons["logo.png"] == "it is no article: .png"
    assert reasons["empty.md"] == "nothing stands in it"
    assert "UTF-8" in reasons["latin.txt"]
    with pytest.raises(UserError, match="zip"):
        READERS["help_centre"]("help.zip", made.getvalue()[:-40] + made.getvalue()[-22:])


@pytest.mark.parametrize("importer", [one for one in READERS if one != "help_centre"])
@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe", b"[1, null, {}]", b"a,b\n1,2\n", b"[" * 9999]
)
def test_a_file_of_another_kind_is_one_sentence(importer: str, content: bytes) -> None:
    """Nothing of it is taken, and nothing but a `UserError` comes out."""
    suffix = next(one.suffixes for one in IMPORTERS if one.name == importer)[-1]
    try:
        found = READERS[importer](f"x{suffix}", content)
    except UserError as problem:
        assert problem.text("en")
    else:
        assert not found.rows
        assert len(rejected(found)) == 3 or content == b""


def test_own_files_find_the_customers_that_are_there(home: Path) -> None:
    """An order by e-mail belongs to the customer who has the address, whatever their id."""
    lines = (
        b"order;email;status;currency;placed_on;delivered_at;name;quantity;unit_price;final_sale\n"
        b"N-1;ANA@example.test;delivered;EUR;2026-03-01;2026-03-04T08:00Z;Teapot;2;12.25;no\n"
        b"N-1;;;;;;Cup;1;3.00;yes\n"
        b"N-2;b@example.test;lost;EUR;;;Cup;1;3.00;no\n"
        b"N-3;;pending;EUR;;;Cup;1;3.00;no\n"
        b"N-4;c@example.test;pending;EUR;;;Cup;1;3.005;no\n"
    )
    people = b'[{"email": "Ana@Example.test", "name": "Ana D.", "postcode": "4000"}, {"name": "x"}]'

    async def put(house: House, found: ReadIn) -> dict[str, Any]:
        return await import_file(house, house.packs["support"], OWNER, "x", found)

    async def story() -> None:
        async with scripted_house(home, packs=[PACK], understand=understand) as (house, _):
            first = await put(house, READERS["customers"]("c.json", people))
            assert (first["changed"], first["rejected"]) == (1, 1)
            found = READERS["orders"]("o.csv", lines)
            assert [place for place, _ in rejected(found)] == ["o.csv:4", "o.csv:5", "o.csv:6"]
            ana = "C-100"
            order = {**found.rows["orders"][0]}
            assert order["total"] == Decimal("27.50")
            assert (order["delivered_on"], order["paid"]) == ("2026-03-04", True)
            both = await put(house, ReadIn(
                {**READERS["customers"]("c.json", people).rows, **found.rows},
                same_by=found.same_by, refers=found.refers,
            ))  # fmt: skip
            assert both["added"] == 3
            made = [row for row in await rows(house, "support_orders") if row["id"] == "N-1"]
            assert [row["customer_id"] for row in made] == [ana]
            mails = read("mail", "threads.mbox")
            await put(house, mails)
            again = await put(house, mails)
            assert (again["added"], again["changed"]) == (0, 0), "read in twice, it is there once"
            await _a_folder_comes_in_by_command(house, home)

    asyncio.run(story())


async def _a_folder_comes_in_by_command(house: House, home: Path) -> None:
    """As one file, and its articles stand among the documents at once."""
    folder = home / "help"
    (folder / "more").mkdir(parents=True)
    (folder / "shipping.md").write_text("# Shipping\n\nIt costs 4.90 EUR.\n", "utf-8")
    (folder / "more" / "gifts.md").write_text("# Gifts\n\nWe wrap them.\n", "utf-8")
    (folder / "logo.png").write_bytes(b"x")
    headers = {"Authorization": f"Bearer {house.owner_key}"}
    transport = httpx.ASGITransport(create_app(house))
    async with httpx.AsyncClient(
        transport=transport, base_url="http://localhost", headers=headers
    ) as client:
        assert await import_into(client, "support", folder, "", "en", trial=False) == 0
        with pytest.raises(UserError):
            await import_into(client, "support", home / "nowhere", "", "en", trial=False)
    articles = await rows(house, "support_articles")
    assert {row["id"]: row["state"] for row in articles} == {
        "shipping.md": "published", "more-gifts.md": "published"
    }  # fmt: skip
    there = await house.database.read(lambda c: documents.documents_from(c, OWNER, "pack:support/"))
    assert set(there) == {"pack:support/shipping.md", "pack:support/more-gifts.md"}


@pytest.mark.parametrize("importer", sorted(SAMPLES))
def test_whatever_stands_in_a_file_costs_no_more_than_a_sentence(importer: str) -> None:
    """Files changed at random places: rows, reasons, or one `UserError`."""
    name, content = SAMPLES[importer]
    chance = random.Random(importer)
    for _ in range(TRIES):
        changed = _changed_json(content, chance) if name.endswith("json") else b""
        with contextlib.suppress(UserError):
            found = READERS[importer](name, changed or _changed_bytes(content, chance))
            words = [one for rows in found.rows.values() for row in rows for one in row.values()]
            assert not any("\x00" in one for one in words if isinstance(one, str))


def _changed_bytes(content: bytes, chance: random.Random) -> bytes:
    made = bytearray(content)
    for _ in range(chance.randint(1, 12)):
        at = chance.randrange(len(made) or 1)
        kind = chance.randrange(3)
        if kind == 0:
            made[at : at + 1] = bytes([chance.randrange(256)])
        elif kind == 1:
            del made[at : at + chance.randint(1, 40)]
        else:
            made[at:at] = chance.choice(
                [b"\n", b",", b'"', b"\xff", b"9" * 30, b"=?x?", b"NaN", b"\r"]
            )
    return bytes(made)


def _changed_json(content: bytes, chance: random.Random) -> bytes:
    others = [None, -1, 1e300, True, [], {}, "x\x00\ud800", [[]], {"a": 1}, 10**30]

    def change(value: Any) -> Any:
        if chance.random() < 0.06:
            return chance.choice(others)
        if isinstance(value, dict):
            return {key: change(one) for key, one in value.items() if chance.random() > 0.03}
        return [change(one) for one in value] if isinstance(value, list) else value

    return json.dumps(change(json.loads(content))).encode() if chance.random() < 0.6 else b""
