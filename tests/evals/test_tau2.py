"""The exam of tau2-bench retail: databases end equal, what policy forbids has no effect."""

import asyncio
import json
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from attenda.cli.evaluating import with_seeds
from attenda.core.config import Settings
from attenda.evals.exams.retail.tables import TABLES, database_of, rows_of
from attenda.evals.exams.tau2 import Planner, examine_shop
from attenda.evals.exams.tau2_tasks import Shop, load_shop, owner_of
from attenda.llm.scripted import ScriptedModel
from tests.cli.typing_at_home import Typed
from tests.evals.little_shop import little_shop

DATA = Path(os.environ.get("ATTENDA_DATA", "")) / "tau2_bench" / "retail"
needs_data = pytest.mark.skipif(
    not (DATA / "db.json").is_file(), reason="tau2_bench is not in ATTENDA_DATA"
)

FLYING = json.dumps(
    [{"id": 1, "evaluation_criteria": {"actions": [{"name": "fly", "arguments": {}}]}}]
)


def examined(home: Path, shop: Shop) -> dict[str, Any]:
    planner = Planner()
    return asyncio.run(
        with_seeds(
            Settings(home=home),
            ScriptedModel(planner),
            lambda seeds: examine_shop(shop, seeds, planner),
        )
    )


def part_of(shop: Shop, ids: Sequence[str]) -> Shop:
    """Some tasks, with the people whom they are about and a few more."""
    tasks = tuple(one for one in shop.tasks if one.id in ids)
    assert len(tasks) == len(ids)
    kept = {*list(shop.database["users"])[:20], *(owner_of(one, shop.database) for one in tasks)}
    users = {id_: one for id_, one in shop.database["users"].items() if id_ in kept}
    orders = {id_: one for id_, one in shop.database["orders"].items() if one["user_id"] in kept}
    database = {**shop.database, "users": users, "orders": orders}
    return Shop(database, rows_of(database), tasks)


def test_every_tool_ends_in_the_expected_database(home: Path, tmp_path: Path, typed: Typed) -> None:
    folder = little_shop(tmp_path / "shop")
    code, said, _ = typed("eval", "tau2", str(folder), "--json")
    found = json.loads(said)
    assert code == 0 and found["passed"]
    assert (found["tasks"], found["equal"]) == (4, 3)
    (refused,) = found["refused_by_policy"]  # what the benchmark's program would have done
    assert (refused["task"], refused["action"]) == (
        "changed after its items were",
        "modify_pending_order_address",
    )
    assert "can only be done while it is “pending”" in refused["why"]
    assert list(found["differs"]) == ["changed after its items were"]
    assert (found["identified_first"], found["impossible"]) == (2, 2)
    assert found["forbidden_run"] == found["forbidden_refused"] > 40
    assert found["forbidden_effects"] == found["asked_in_vain"] == 0
    assert found["journal_faults"] == []
    assert set(found["forbidden"]) == {
        *("unidentified", "another_persons", "second_person", "said_no", "said_neither"),
        *("wrong_state", "anothers_method", "refund_elsewhere", "not_in_order", "unavailable"),
        *("other_product", "same_item", "counts", "poor_card", "other_reason", "again"),
    }
    code, said, _ = typed("eval", "tau2", str(folder), "--rows", "1")
    assert code == 0 and "1 of 1 tasks end in the expected database" in said


def test_a_shop_that_is_not_as_expected_is_told_with_its_place(home: Path, tmp_path: Path) -> None:
    shop = load_shop(little_shop(tmp_path / "shop"))
    rows = {name: [dict(one) for one in found] for name, found in shop.rows.items()}
    rows["variants"][0]["price"] += 1
    tasks = tuple(one for one in shop.tasks if one.id == "nothing at all")
    found = examined(home, replace(shop, rows=rows, tasks=tasks))
    assert not found["passed"] and found["equal"] == 0
    (where,) = found["differs"]["nothing at all"]
    assert where.startswith("/products/P1/variants/11/price: ")


def test_files_that_are_not_there_or_broken_are_said_plainly(
    home: Path, tmp_path: Path, typed: Typed
) -> None:
    folder = little_shop(tmp_path / "shop")
    code, said, told = typed("eval", "tau2", str(tmp_path / "nowhere"))
    assert code != 0 and said == "" and "nowhere/db.json is not there" in " ".join(told.split())
    for name, text in (
        ("tasks.json", "[{"),
        ("tasks.json", '[{"id": 1}]'),
        ("tasks.json", FLYING),
        ("db.json", '{"users": {}, "products": {}}'),
        ("db.json", '{"users": {}, "products": {}, "orders": []}'),
    ):  # fmt: skip
        little_shop(folder)
        (folder / name).write_text(text, "utf-8")
        code, said, told = typed("eval", "tau2", str(folder))
        assert code != 0 and said == "" and "tau2 can’t be read" in " ".join(told.split()), text
        assert "Traceback" not in told


@needs_data
def test_the_real_database_goes_into_tables_and_out_again() -> None:
    shop = load_shop(DATA)
    columns = {one.name: one.columns for one in TABLES}
    whole = {
        name: [{column: one.get(column) for column in columns[name]} for one in rows]
        for name, rows in shop.rows.items()
    }
    assert database_of(whole) == shop.database and len(shop.tasks) >= 30


@needs_data
def test_some_real_tasks(home: Path) -> None:
    shop = load_shop(DATA)
    ids = [one.id for one in shop.tasks if len(one.actions) in (3, 4)][:1]
    found = examined(home, part_of(shop, ids))
    assert found["passed"] and found["equal"] == len(ids) and found["confirmations"] == 1


@needs_data
@pytest.mark.long
@pytest.mark.timeout(1800)
def test_all_real_tasks(home: Path) -> None:
    found = examined(home, load_shop(DATA))
    assert found["passed"]
    assert found["equal"] == found["tasks"] - len(found["differs"]) and found["tasks"] >= 74
    print(json.dumps({name: one for name, one in found.items() if name != "forbidden"}, indent=1))
