"""The shop's rules by worked examples: each row is a case that a domain reader can check."""

import datetime
from dataclasses import replace
from decimal import Decimal

import pytest

from attenda.api import Opening
from attenda.packs.support.countries import (
    code_of,
    countries,
    country_named_in,
    plain_postcode,
    postcodes_in,
)
from attenda.packs.support.hours_words import in_words
from attenda.packs.support.identity import day_of
from attenda.packs.support.rules import (
    add_months,
    address_decision,
    arrival,
    case_decision,
    change_decision,
    due_day,
    quote,
    rounded,
)
from attenda.packs.support.shop import Item, Order, Refund, RefundWish
from attenda.packs.support.shop_policy import FOLDER, Delivery, sample_policy

POLICY = sample_policy()
DAY = datetime.date
TODAY = DAY(2026, 3, 10)
KETTLE = Item("O-1-1", {"en": "kettle", "zh-CN": "水壶"}, Decimal("39.90"),
              warranty_months=24, state="delivered")  # fmt: skip
FILTER = Item("O-1-2", {"en": "filter"}, Decimal("12.50"), state="delivered")
MUG = Item("O-1-3", {"en": "mug"}, Decimal("8.00"), final_sale=True, state="delivered")
ORDER = Order("O-1", "C-1", "delivered", "EUR", (KETTLE, FILTER, MUG), DAY(2026, 2, 20),
              shipping=Decimal("4.90"), delivered_on=DAY(2026, 2, 28))  # fmt: skip
PLAIN = replace(ORDER, items=(KETTLE, FILTER))
SENT = replace(ORDER, status="shipped", delivered_on=None)


def refund(amount: str, item: str = "", state: str = "issued") -> Refund:
    return Refund("RF-1", "O-1", item, Decimal(amount), "EUR", state)  # type: ignore[arg-type]


def wish(item: str = "", part: str = "", share: str = "") -> RefundWish:
    return RefundWish(item, Decimal(part) if part else None, Decimal(share) if share else None)


@pytest.mark.parametrize(
    ("order", "refunds", "asked", "today", "expected"),
    [
        # an item, the whole, a part
        (ORDER, [], wish("O-1-1"), TODAY, ("REF-30D", "39.90", ["O-1-1"])),
        (ORDER, [], wish(), TODAY, ("REF-30D", "52.40", ["O-1-1", "O-1-2"])),  # without the mug
        (PLAIN, [], wish(), TODAY, ("REF-30D", "57.30", ["O-1-1", "O-1-2"])),  # with shipping
        (ORDER, [], wish("O-1-1", part="10"), TODAY, ("REF-30D", "10.00", [])),
        (ORDER, [], wish("O-1-1", share="0.5"), TODAY, ("REF-30D", "19.95", [])),
        (ORDER, [], wish("O-1-2", share="0.33"), TODAY, ("REF-30D", "4.13", [])),  # 4.125 up
        # the window: the last day counts, the next does not
        (ORDER, [], wish("O-1-1"), DAY(2026, 3, 30), ("REF-30D", "39.90", ["O-1-1"])),
        (ORDER, [], wish("O-1-1"), DAY(2026, 3, 31), ("REF-30D", None, [])),
        # the rule of the day on which it was ordered
        (replace(ORDER, placed_on=DAY(2025, 12, 31)), [], wish("O-1-1"), DAY(2026, 3, 14),
         ("REF-14D", "39.90", ["O-1-1"])),
        (replace(ORDER, placed_on=DAY(2025, 12, 31)), [], wish("O-1-1"), DAY(2026, 3, 15),
         ("REF-14D", None, [])),
        (replace(ORDER, placed_on=DAY(2019, 12, 31)), [], wish("O-1-1"), TODAY, ("", None, [])),
        # what is not refunded
        (ORDER, [], wish("O-1-3"), TODAY, ("REF-FINAL", None, [])),
        (replace(ORDER, status="shipped", delivered_on=None), [], wish(), TODAY,
         ("REF-DEL", None, [])),
        # nothing twice, nothing more than was paid
        (ORDER, [refund("39.90", "O-1-1")], wish("O-1-1"), TODAY, ("REF-ONCE", None, [])),
        (ORDER, [refund("39.90", "O-1-1", "reserved")], wish("O-1-1"), TODAY,
         ("REF-ONCE", None, [])),
        (ORDER, [refund("39.90", "O-1-1", "failed")], wish("O-1-1"), TODAY,
         ("REF-30D", "39.90", ["O-1-1"])),
        (ORDER, [refund("10.00", "O-1-1")], wish("O-1-1"), TODAY, ("REF-30D", "29.90", ["O-1-1"])),
        (ORDER, [refund("10.00", "O-1-1")], wish("O-1-1", part="30"), TODAY,
         ("REF-ONCE", None, [])),
        (ORDER, [refund("45.00")], wish("O-1-2"), TODAY, ("REF-30D", "7.40", ["O-1-2"])),
        (ORDER, [], wish("O-1-1", part="39.91"), TODAY, ("REF-ONCE", None, [])),
        (ORDER, [], wish("O-1-1", part="0"), TODAY, ("REF-ONCE", None, [])),
        (ORDER, [], wish("O-1-1", part="-5"), TODAY, ("REF-ONCE", None, [])),
        # when it came is not known: a week after it was sent, not before it was due; else a person
        (replace(SENT, sent_on=DAY(2026, 2, 1)), [], wish("O-1-1"), TODAY,
         ("REF-30D", "39.90", ["O-1-1"])),  # until 2026-03-10
        (replace(SENT, sent_on=DAY(2026, 1, 31)), [], wish("O-1-1"), TODAY,
         ("REF-30D", None, [])),
        (replace(SENT, sent_on=DAY(2026, 3, 4)), [], wish("O-1-1"), TODAY, ("REF-DEL", None, [])),
        (replace(SENT, sent_on=DAY(2026, 3, 1), due_on=DAY(2026, 3, 11)), [], wish("O-1-1"), TODAY,
         ("REF-DEL", None, [])),
        (SENT, [], wish("O-1-1"), TODAY, ("REF-DEL", None, [])),
        (replace(SENT, status="delivered"), [], wish("O-1-1"), TODAY, ("REF-DAY", None, [])),
        (replace(SENT, status="delivered", sent_on=DAY(2026, 1, 31)), [], wish("O-1-1"), TODAY,
         ("REF-30D", None, [])),
        # what it would come to were it cancelled now
        (replace(ORDER, status="processing", delivered_on=None), [refund("5.30")],
         RefundWish(cancels=True), TODAY, ("CAN-PRE", "60.00", ["O-1-1", "O-1-2", "O-1-3"])),
        # cancelled before it was sent: all that was paid; what was not paid is not paid back
        (replace(ORDER, status="cancelled", delivered_on=None), [], wish(), TODAY,
         ("CAN-PRE", "65.30", ["O-1-1", "O-1-2", "O-1-3"])),
        (replace(ORDER, status="cancelled", paid=False), [], wish(), TODAY, ("REF-ONCE", None, [])),
    ],
)  # fmt: skip
def test_what_a_refund_comes_to(
    order: Order, refunds: list[Refund], asked: RefundWish, today: DAY,
    expected: tuple[str, str | None, list[str]],
) -> None:  # fmt: skip
    rule, amount, items = expected
    made = quote(order, refunds, asked, POLICY, today)
    assert (made.rule.id if made.rule else "") == rule
    assert made.ok == (amount is not None)
    assert str(made.amount) == (amount or "0") and list(made.items) == items
    if made.ok:
        before = sum((one.amount for one in refunds if one.state != "failed"), Decimal(0))
        assert made.of_order == before + made.amount


@pytest.mark.parametrize(
    ("amount", "currency", "coins"),
    [("10.005", "EUR", "10.01"), ("10.004", "EUR", "10.00"), ("1234.5", "JPY", "1235"),
     ("1.2345", "KWD", "1.235"), ("2.675", "SEK", "2.68"), ("0.005", "CNY", "0.01")],
)  # fmt: skip
def test_coins_of_a_currency(amount: str, currency: str, coins: str) -> None:
    assert str(rounded(Decimal(amount), currency, POLICY)) == coins


@pytest.mark.parametrize(
    ("status", "cancel", "address"),
    [("pending", True, True), ("processing", True, True), ("shipped", False, False),
     ("delivered", False, False), ("cancelled", False, False), ("returned", False, False)],
)  # fmt: skip
def test_what_may_be_changed_before_it_is_sent(status: str, cancel: bool, address: bool) -> None:
    order = replace(ORDER, status=status)
    ok, rule, _ = change_decision(order, "cancel", POLICY)
    assert ok is cancel and rule is not None and rule.id == "CAN-PRE"
    ok, rule, _ = change_decision(order, "address", POLICY)
    assert ok is address and rule is not None and rule.id == "ADR-PRE"


@pytest.mark.parametrize(
    ("kind", "item", "today", "may", "rule"),
    [
        ("return", KETTLE, DAY(2026, 3, 30), True, "RET-30D"),
        ("return", KETTLE, DAY(2026, 3, 31), False, "RET-30D"),
        ("return", MUG, TODAY, False, "RET-30D"),
        ("exchange", KETTLE, TODAY, True, "EXC-30D"),
        ("exchange", MUG, TODAY, False, "EXC-30D"),
        ("exchange", replace(KETTLE, state="refunded"), TODAY, False, "EXC-30D"),
        ("warranty", MUG, TODAY, False, "WAR-ITEM"),  # it has no months of warranty
        ("warranty", KETTLE, DAY(2028, 2, 28), True, "WAR-ITEM"),
        ("warranty", KETTLE, DAY(2028, 2, 29), False, "WAR-ITEM"),
        ("warranty", replace(KETTLE, warranty_months=36), DAY(2028, 2, 29), True, "WAR-ITEM"),
    ],
)
def test_what_may_be_sent_back_changed_or_claimed_for(
    kind: str, item: Item, today: DAY, may: bool, rule: str
) -> None:
    ok, found, _ = case_decision(ORDER, item, kind, POLICY, today)
    assert ok is may and found is not None and found.id == rule


@pytest.mark.parametrize("kind", ["return", "exchange", "warranty"])
def test_no_window_is_open_for_what_nobody_knows_the_day_of(kind: str) -> None:
    for order, known in ((replace(SENT, status="delivered"), "REF-DAY"), (SENT, "REF-DEL")):
        ok, rule, _ = case_decision(order, KETTLE, kind, POLICY, TODAY)
        assert not ok and rule is not None and rule.id == known
    sent = replace(SENT, sent_on=DAY(2026, 2, 20))
    moved = replace(KETTLE, state="shipped")
    ok, rule, facts = case_decision(sent, moved, kind, POLICY, TODAY)
    assert ok and (facts["delivered"], facts["sent"]) == ("2026-02-27", "2026-02-20")
    without = POLICY.model_copy(update={"delivery": Delivery()})
    assert arrival(sent, without) is None
    assert not case_decision(sent, moved, kind, without, TODAY)[0]


@pytest.mark.parametrize(
    ("country", "address", "rule", "postcode"),
    [
        ("PT", "Rua Nova 1200, 4050-123 Porto", "ADR-PRE", "4050-123"),
        ("PT", "Rua Nova 1200, 4050 Porto", "ADR-PRE", "4050"),  # 1200 is the house
        ("PT", "Rua Nova 1, Porto", "ADR-POST", ""),
        ("PT", "Calle Mayor 1, 28013 Madrid", "ADR-POST", ""),
        ("PT", "Calle Mayor 1, 2801 Madrid, Spain", "ADR-COUNTRY", ""),
        ("PT", "4050 Porto, Portugal please", "ADR-PRE", "4050"),
        ("GB", "10 High Street, London sw1a 1aa", "ADR-PRE", "sw1a 1aa"),
        ("GB", "10 High Street, London", "ADR-POST", ""),
        ("CA", "5 King St, Toronto M5V2T6", "ADR-PRE", "M5V2T6"),
        ("CA", "5 King St, Buffalo 14201", "ADR-POST", ""),
        ("NL", "Damrak 1, 1012 LG Amsterdam", "ADR-PRE", "1012 LG"),
        ("NL", "Damrak 1, 1012 in Amsterdam", "ADR-POST", ""),
        ("CN", "北京路 3 号，广州 510000", "ADR-PRE", "510000"),
        ("CN", "美国加州 510000", "ADR-COUNTRY", ""),
        ("BR", "Rua 1, Recife", "ADR-PRE", ""),  # nothing is known of how it writes postcodes
        ("BR", "Rua 1, 4050 Porto, Portugal", "ADR-COUNTRY", ""),
        ("", "Rua Nova 1, 4050-123 Porto", "ADR-UNKNOWN", ""),
    ],
)
def test_an_address_stays_in_its_country_and_has_its_postcode(
    country: str, address: str, rule: str, postcode: str
) -> None:
    ok, found, facts = address_decision(replace(ORDER, country=country), address, POLICY)
    assert found is not None
    assert (found.id, ok, facts["postcode"]) == (rule, rule == "ADR-PRE", postcode)


def test_postcodes_and_countries_are_read_as_people_write_them() -> None:
    assert {len(code) for code in countries()} == {2}
    for code, one in countries().items():
        assert postcodes_in(f"x {one.example}, y", code) == [one.example], code
        assert postcodes_in(one.example) == [one.example], code
        assert {code_of(name) for name in (code.lower(), *one.name.values(), *one.also)} == {code}
    assert code_of(" xx ") == "XX"
    said = {
        "4000 is mine": ["4000"], "1012 AB": ["1012 AB"], "1012ab": ["1012ab"],
        "D-10115 Berlin": ["10115"], "邮编是4000，谢谢": ["4000"], "k1a0b1": ["k1a0b1"],
        "D02 that": [], "O-1001": [], "12345678901": [], "": [],
    }  # fmt: skip
    assert {text: postcodes_in(text) for text in said} == said
    assert plain_postcode("SW1A 1AA") == plain_postcode("sw1a-1aa") == "sw1a1aa"
    named = {
        "10 High Street, London, UK": "GB", "寄到德国柏林": "DE", "南美国际大厦，上海": "",
        "Australia Street 4, London": "", "send it to us": "", "5 Rue X\nFrance": "FR",
        "Germany, later Spain": "ES", "Belfast BT1 1AA, Northern Ireland": "GB",
        "贝尔法斯特，北爱尔兰": "GB", "Dublin, Ireland": "IE", "Sydney 2000, New South Wales": "AU",
    }  # fmt: skip
    assert {text: country_named_in(text) for text in named} == named


def test_days() -> None:
    assert add_months(DAY(2026, 1, 31), 1) == DAY(2026, 2, 28)
    assert add_months(DAY(2024, 2, 29), 24) == DAY(2026, 2, 28)


def test_what_is_promised_leaves_out_the_days_on_which_nobody_is_there() -> None:
    hours = POLICY.hours
    assert due_day(DAY(2026, 3, 6), 1, hours) == DAY(2026, 3, 9)  # a Friday, and the Monday after
    assert due_day(DAY(2026, 3, 10), 5, hours) == DAY(2026, 3, 17)
    day, half = (("09:00", "18:00"),), (("08:30", "12:00"), ("13:00", "17:00"))
    other = Opening(zone="Asia/Tokyo", week=(day, day, (), day, half, half, ()),
                    holidays=(DAY(2026, 3, 9), DAY(2026, 4, 30)))  # fmt: skip
    assert due_day(DAY(2026, 3, 6), 2, other) == DAY(2026, 3, 10)  # Saturday, and no Monday
    assert due_day(DAY(2026, 3, 10), 1, other) == DAY(2026, 3, 12)  # no Wednesday
    assert in_words(hours, DAY(2026, 3, 6)) == {
        "en": "Monday to Friday, 9:00 to 18:00", "zh": "周一至周五 9:00–18:00",
    }  # fmt: skip
    assert in_words(other, DAY(2026, 3, 6))["en"] == (
        "Monday to Tuesday, 9:00 to 18:00; Thursday, 9:00 to 18:00; Friday to Saturday, "
        "8:30 to 12:00 and 13:00 to 17:00; closed on 2026-03-09"
    )
    assert "休息" not in in_words(other, DAY(2026, 3, 10))["zh"]
    evening = int(datetime.datetime(2026, 7, 1, 23, 30, tzinfo=datetime.UTC).timestamp())
    assert day_of(evening * 1_000_000, hours.zone) == DAY(2026, 7, 2), "the shop's day has begun"


def test_every_rule_names_a_part_of_an_article_that_is_there() -> None:
    for rule in POLICY.rules:
        for language, suffix in (("en", ""), ("zh-CN", ".zh-CN")):
            article = FOLDER / "knowledge" / f"{rule.source.file}{suffix}.md"
            part = rule.source.part[language]
            text = article.read_text("utf-8")
            assert f"## {part}\n" in text, (rule.id, language)
            _, _, rest = text.partition(f"## {part}\n")
            assert rule.quote[language] in rest.partition("\n## ")[0], (rule.id, language)
            assert rule.text[language], rule.id
