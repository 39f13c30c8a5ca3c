"""The seven methods of a shop, the same over the pack's tables, over files and over a database."""

import csv
import datetime
import json
import sqlite3
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from attenda.api import UserError
from attenda.packs.support.samples import samples_on
from attenda.packs.support.shop import Booking, Change, RefundWish, Shop, ShopRefused
from attenda.packs.support.shop_policy import read_policy, sample_policy
from attenda.packs.support.shop_rows import ListRows, file_rows, sql_rows
from attenda.packs.support.table_shop import RowShop
from attenda.packs.support.tables import TABLES

NOW = int(datetime.datetime(2026, 3, 10, 10, tzinfo=datetime.UTC).timestamp()) * 1_000_000
TODAY = datetime.date(2026, 3, 10)
NAMES = ("customers", "orders", "order_items", "refunds")
ROWS = samples_on(NOW)


def columns(name: str) -> list[str]:
    return list(next(one for one in TABLES if one.name == name).columns)


def of_csv(folder: Path) -> RowShop:
    for name in NAMES:
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, columns(name))
            writer.writeheader()
            writer.writerows(ROWS[name])
    return RowShop(file_rows(folder), sample_policy())


def of_json(folder: Path) -> RowShop:
    for name in NAMES:
        text = json.dumps(list(ROWS[name]), ensure_ascii=False, default=str)
        (folder / f"{name}.json").write_text(text, "utf-8")
    return RowShop(file_rows(folder), sample_policy())


def of_sql(folder: Path) -> RowShop:
    connection = sqlite3.connect(folder / "shop.sqlite")
    for name in NAMES:
        names = columns(name)
        connection.execute(f"CREATE TABLE {name} ({', '.join(names)})")
        marks = ", ".join("?" * len(names))
        for row in ROWS[name]:
            values = [row.get(one) for one in names]
            plain = [str(one) if isinstance(one, Decimal) else one for one in values]
            connection.execute(f"INSERT INTO {name} VALUES ({marks})", plain)
    return RowShop(sql_rows(connection), sample_policy())


def of_memory(folder: Path) -> RowShop:
    tables = {name: ListRows(ROWS[name], "holds" * (name == "refunds")) for name in NAMES}
    return RowShop(tables.__getitem__, sample_policy())


@pytest.fixture(params=[of_csv, of_json, of_sql, of_memory])
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shop]:
    make: Callable[[Path], Shop] = request.param
    yield make(tmp_path)


def test_a_customer_is_found_by_both_facts_alone(shop: Shop) -> None:
    found = shop.find_customer(" Li@Example.test ", "200000")
    assert found is not None and (found.id, found.language, found.tier) == (
        "C-101", "zh-CN", "standard",
    )  # fmt: skip
    assert shop.find_customer("li@example.test", "4000") is None
    assert shop.find_customer("ana@example.test", "") is None
    assert shop.find_customer("nobody@example.test", "4000") is None
    vip = shop.find_customer("marta@example.test", "00-950")
    assert vip is not None and vip.tier == "vip"


def test_an_order_is_its_customers_alone(shop: Shop) -> None:
    order = shop.get_order("O-1001", "C-100")
    assert order is not None
    assert [(one.name["en"], one.price, one.final_sale) for one in order.items] == [
        ("kettle", Decimal("39.90"), False),
        ("filter", Decimal("12.50"), False),
        ("mug", Decimal("8.00"), True),
    ]
    assert order.total == Decimal("60.40") and order.paid
    assert order.delivered_on == datetime.date(2026, 2, 28)
    assert shop.get_order("O-1004", "C-100") is None
    assert shop.get_order("O-9999", "C-100") is None
    mine = shop.list_orders("C-100")
    assert {"O-1001", "O-1002", "O-1003", "O-1005"} <= {one.id for one in mine}
    assert [one.placed_on for one in mine] == sorted((o.placed_on for o in mine), reverse=True)
    assert shop.list_orders("C-999") == []


def test_a_refund_is_quoted_reserved_once_and_issued(shop: Shop) -> None:
    order = shop.get_order("O-1001", "C-100")
    assert order is not None
    quoted = shop.quote_refund(order, RefundWish("O-1001-1"), TODAY)
    assert quoted.ok and quoted.amount == Decimal("39.90")
    booking = Booking("abcdef0123456789", NOW, "ses_1", "sue")
    first = shop.issue_refund(quoted, booking)
    assert (first.state, first.amount, first.item_id) == ("reserved", Decimal("39.90"), "O-1001-1")
    assert shop.issue_refund(quoted, booking) == first, "the same deed again"
    with pytest.raises(ShopRefused):
        shop.issue_refund(quoted, Booking("another-key-0001", NOW))
    again = shop.quote_refund(order, RefundWish("O-1001-1"), TODAY)
    assert not again.ok and again.rule is not None and again.rule.id == "REF-ONCE"
    change = Change(
        items=["O-1001-1"], item_state="refunded",
        refund=first.id, refund_state="issued", payment="P-1",
    )  # fmt: skip
    for _ in range(2):
        done = shop.update_order("O-1001", change, booking)
    assert [one.state for one in done.items] == ["refunded", "delivered", "delivered"]
    rest = shop.quote_refund(done, RefundWish(), TODAY)
    assert rest.amount == Decimal("12.50") and rest.of_order == Decimal("52.40")


def test_a_payment_begins_once_as_it_was_reserved(shop: Shop) -> None:
    order = shop.get_order("O-1001", "C-100")
    assert order is not None
    quoted = shop.quote_refund(order, RefundWish("O-1001-1"), TODAY)
    booking = Booking("abcdef0123456789", NOW)
    refund = shop.issue_refund(quoted, booking)
    money = Decimal("39.90"), "EUR"
    for wrong in (
        ("RF-NOBODYS", *money, "C-100"), (refund.id, Decimal("39.91"), "EUR", "C-100"),
        (refund.id, Decimal("39.90"), "USD", "C-100"), (refund.id, *money, "C-101"),
    ):  # fmt: skip
        with pytest.raises(ShopRefused, match="other_money"):
            shop.begin_payment(*wrong, Booking("wrong", NOW))
    for customer in ("C-100", ""):  # the same deed again, by staff
        shop.begin_payment(refund.id, *money, customer, booking)
    with pytest.raises(ShopRefused, match="payment_begun"):
        shop.begin_payment(refund.id, *money, "C-100", Booking("another-key-0001", NOW))
    paid = Change(refund=refund.id, refund_state="issued", payment="P-1")
    shop.update_order("O-1001", paid, booking)
    with pytest.raises(ShopRefused, match="payment_begun"):
        shop.begin_payment(refund.id, *money, "C-100", booking)


def test_what_was_declined_can_be_asked_for_again(shop: Shop) -> None:
    order = shop.get_order("O-1005", "C-100")
    assert order is not None
    quoted = shop.quote_refund(order, RefundWish(), TODAY)
    first = shop.issue_refund(quoted, Booking("first-key-000001", NOW))
    failed = Change(refund=first.id, refund_state="failed", payment="402")
    shop.update_order("O-1005", failed, Booking("first-key-000001", NOW))
    anew = shop.quote_refund(order, RefundWish(), TODAY)
    assert anew.ok and anew.amount == Decimal("899.00")
    assert shop.issue_refund(anew, Booking("other-key-000002", NOW)).id != first.id


def test_an_order_changes_once(shop: Shop) -> None:
    booking = Booking("k", NOW)
    changed = shop.update_order("O-1002", Change(address="Rua Nova 1, 4000 Porto"), booking)
    assert changed.address == "Rua Nova 1, 4000 Porto" and changed.status == "pending"
    items = [one.id for one in changed.items]
    cancelled = Change(status="cancelled", items=items, item_state="cancelled")
    assert shop.update_order("O-1002", cancelled, booking) == shop.update_order(
        "O-1002", cancelled, booking
    )
    with pytest.raises(ShopRefused):
        shop.update_order("O-9999", cancelled, booking)


def test_amounts_keep_their_coins(shop: Shop) -> None:
    yen = next(one for one in ROWS["orders"] if one["currency"] == "JPY")
    order = shop.get_order(yen["id"], yen["customer_id"])
    assert order is not None and order.total == order.total.to_integral_value()


def test_files_that_are_no_shop_say_what_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"customers\.csv"):
        file_rows(tmp_path)
    (tmp_path / "customers.json").write_text("[1", "utf-8")
    with pytest.raises(UserError, match="customers"):
        file_rows(tmp_path)
    with pytest.raises(UserError):
        sql_rows(sqlite3.connect(":memory:"))("orders; DROP TABLE x")


def test_a_policy_that_is_none_is_refused(tmp_path: Path) -> None:
    text = (Path(read_policy.__code__.co_filename).parent / "shop_policy.yaml").read_text("utf-8")
    for old, new in (
        ("days: 30", "days: many"),
        ("kind: cancel", "kinds: cancel"),
        ("rules:", "rules: ["),
    ):
        assert old in text
        (tmp_path / "policy.yaml").write_text(text.replace(old, new, 1), "utf-8")
        with pytest.raises(UserError, match=r"policy\.yaml"):
            read_policy(tmp_path / "policy.yaml")


def test_the_sample_shop_has_weight_and_agrees_with_itself() -> None:
    orders: dict[str, Any] = {one["id"]: one for one in ROWS["orders"]}
    assert len(orders) == 60 and samples_on(NOW) == ROWS
    assert {one["status"] for one in orders.values()} == {
        "pending", "processing", "shipped", "delivered", "returned", "cancelled",
    }  # fmt: skip
    for id_, order in orders.items():
        items = [one for one in ROWS["order_items"] if one["order_id"] == id_]
        assert sum(one["unit_price"] * one["quantity"] for one in items) == order["total"]
        back = [one["amount"] for one in ROWS["refunds"] if one["order_id"] == id_]
        assert sum(back) <= order["total"] + order["shipping"]
        if order["delivered_on"]:
            assert order["placed_on"] <= order["delivered_on"] <= "2026-03-10"
