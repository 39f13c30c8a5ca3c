"""Scenarios in files: what is wrong is told by file and line; no text breaks the reader."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attenda.cli.packs import load_pack
from attenda.core.words import LANGUAGES
from attenda.evals.scenario_file import known_pack, read_scenarios

SHOP_FOLDER = Path(__file__).parent.parent / "packs" / "shop"
KNOWN = {"shop": known_pack(load_pack(SHOP_FOLDER))}
FILE = (SHOP_FOLDER / "scenarios" / "refunds.yaml").read_text("utf-8")


def test_the_good_file_is_good() -> None:
    found, problems = read_scenarios(FILE, "x", KNOWN)
    assert not problems and len(found) == 6


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("  about: A ref", "  abuot: A ref", "scenario.unknown_key"),
        ("  pack: shop", "  pack: shopp", "scenario.unknown_pack"),
        ("clock: 2026-03-10T10:00:00Z", "clock: 2026-03-10T10:00:00", "scenario.value"),
        ("clock: 2026-03-10T10:00:00Z", "clock: noon", "scenario.value"),
        ("people: {ana: {}}", "people: {ana: {role: boss}}", "scenario.value"),
        ("people: {ana: {}}", "people: {everyone: {}}", "scenario.value"),
        ("commands: [wait]", "commands: [wiat]", "scenario.value"),
        ("{start_flow: refund}", "{start_flow: refnud}", "flow.unknown_flow"),
        ("{set: {order: O-1005}}", "{set: {ordr: O-1005}}", "flow.unknown_slot"),
        ("restart: true", "restart: true\n      must_say: hi", "scenario.value"),
        ("advance: 2h", "advance: soon", "scenario.value"),
        ("advance: 2h", "advance: 2h\n      restart: true", "scenario.value"),
        ("approve: {by: s1", "approve: {by: s9", "scenario.unknown_person"),
        ("refunds: {added", "refnuds: {added", "scenario.unknown_table"),
        ("refunds: {added", "refunds: {rows: [], added", "scenario.value"),
        ("{has: {O-1001: {status", "{has: {O-1001: {sttus", "scenario.unknown_column"),
        ("        - find_customer", "        - find_costumer", "flow.unknown_tool"),
        ("query: SELECT count", "query: DELETE count", "scenario.value"),
        ("owner: bot", "owner: nobody", "scenario.value"),
        ("strangers_order:", "no_yes_no_act:", "scenario.yaml"),
        ("strangers_order:\n", "strangers_order: &x\n", "scenario.yaml"),
        ("about: An order", "outside: {get_order: {}}\n  about: An order", "scenario.not_outside"),
    ],
)
def test_a_mistake_is_told_where_it_stands(old: str, new: str, key: str) -> None:
    found, problems = read_scenarios(FILE.replace(old, new, 1), "x", KNOWN)
    line = FILE[: FILE.index(old)].count("\n") + 1
    assert [one.key for one in problems] == [key], [one.text("en") for one in problems]
    assert abs(problems[0].line - line) <= 1
    assert len(found) <= 5
    for language in LANGUAGES:
        assert problems[0].text(language).startswith(f"x:{problems[0].line}: ")


@settings(max_examples=150, deadline=None)
@given(st.text())
def test_no_text_breaks_the_reader(text: str) -> None:
    for one in read_scenarios(text, "x", KNOWN)[1]:
        assert one.text("en")


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_no_torn_file_breaks_the_reader(data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(FILE)))
    end = data.draw(st.integers(start, min(start + 40, len(FILE))))
    torn = FILE[:start] + data.draw(st.text(max_size=12)) + FILE[end:]
    for one in read_scenarios(torn, "x", KNOWN)[1]:
        assert one.line >= 1 and one.text("zh-CN")


@pytest.mark.parametrize("text", ['a: "\\UFFFFFFFF"', 'a: "\\uD800"', "[" * 3000, "a: *b", "? [a]"])
def test_no_spite_breaks_the_reader(text: str) -> None:
    assert read_scenarios(text, "x", KNOWN)[1]
