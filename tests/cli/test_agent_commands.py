"""`attenda agents …` as it is typed: listed, shown, written to a file, read from one, published."""

import json
import re
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import typer.main

from attenda.cli.agents_app import agents_app
from attenda.core.principal import EVERYONE
from attenda.runtime.house import House
from attenda.store import documents, people, schema
from tests.cli.typing_at_home import Typed, at_home
from tests.runtime.test_flows import rows
from tests.serve.desk_people import SHOP


@pytest.fixture
def typed(typed: Typed) -> Typed:
    """Types a command of agents."""
    return partial(typed, "agents")


async def give_collections(house: House) -> None:
    await house.database.write(lambda c: _collections(c, house))


async def deeds_of(house: House) -> list[tuple[str, str]]:
    """What the log of deeds says of agents, and of whom."""
    noted = await rows(house, "audit")
    deeds = [(str(one["action"]), str(one["actor_id"])) for one in noted]
    return [one for one in deeds if one[0].startswith("agent.")]


def _collections(connection: Any, house: House) -> None:
    owner = people.principal_of(connection, people.OWNER_ID)
    documents.ensure_collection(connection, house.stamps, owner, "Prices")
    for id_ in ("col_1", "col_2"):  # of two people
        row = {"id": id_, "name": "Twice", "owner_id": id_, "team_id": EVERYONE, "created_at": 1}
        connection.execute(schema.collections.insert().values(**row))


def written(folder: Path, **fields: Any) -> str:
    path = folder / "agent.json"
    path.write_text(json.dumps(fields), "utf-8")
    return str(path)


def test_an_agent_goes_from_a_file_to_people_and_back(
    typed: Typed, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def story() -> None:
        assert "Shop  shop  published" in typed("list")[1]
        file = written(
            tmp_path, name="Front", instructions="One.", pack="shop", collections=["Prices"]
        )
        code, said, _ = typed("import", file)
        assert code == 0 and "draft of “Front”" in said
        assert "Front  shop  draft, never published" in typed("list")[1]
        assert typed("rollback", "Front", "9")[::2] == (1, "This agent has no version 9.\n")
        assert typed("publish", "Front")[::2] == (0, "Version 1 is published.\n")
        whole = json.loads(typed("export", "Front")[1])
        assert (whole["collections"], whole["flows"], whole["pack"]) == (["Prices"], None, "shop")

        assert typed("import", written(tmp_path, **{**whole, "instructions": "Two."}))[0] == 0
        shown = typed("show", "Front")[1]
        assert "Not published yet: instructions" in shown and "instructions: Two." in shown
        assert json.loads(typed("export", "Front")[1]) == whole
        assert json.loads(typed("export", "Front", "--draft")[1])["instructions"] == "Two."
        assert json.loads(typed("publish", "Front", "--json")[1]) == {"version": 2}
        assert json.loads(typed("export", "Front", "--version", "1")[1]) == whole
        assert json.loads(typed("rollback", "Front", "1", "--json")[1]) == {"version": 3}
        assert json.loads(typed("export", "Front")[1]) == whole

        assert typed("import", written(tmp_path, **whole), "--into", "Shop")[0] == 0
        assert typed("publish", "Shop")[0] == 0
        code, _, beside = typed("show", "Front")
        assert code == 2 and beside.count("agt_") == 2, "two are called so by now"
        monkeypatch.setenv("ATTENDA_LANGUAGE", "zh")
        ids = [one["id"] for one in json.loads(typed("list", "--json")[1])]
        assert "全部已发布。" in typed("show", ids[0])[1]

    done = at_home(home, SHOP, story, give_collections, deeds_of)
    wanted = [("agent.created", people.OWNER_ID)] + [("agent.published", people.OWNER_ID)] * 4
    assert done == wanted, "as by the page"


def test_a_file_that_is_no_agent_gets_one_sentence_and_changes_nothing(
    typed: Typed, home: Path, tmp_path: Path
) -> None:
    wrong: list[tuple[dict[str, Any], int, str]] = [
        ({"tone": "calm"}, 2, "no agent as"),
        ({"name": "A", "colour": "red"}, 2, "no “colour”"),
        ({"name": "A", "collections": "all"}, 2, "no agent as"),
        ({"name": "A", "collections": ["Law"]}, 1, "no collection “Law”"),
        ({"name": "A", "collections": ["Twice"]}, 2, "col_1, col_2"),
        ({"name": "A", "pack": "ghost"}, 1, "ghost"),
        ({"name": "A", "flows": ["refund"]}, 2, "pack"),
        ({"name": "Shop", "flows": ["dance"]}, 2, "dance"),
        ({"name": "Shop", "mode": "loop", "model": "ghost"}, 1, "ghost"),
        ({"name": "A", "mode": "anything"}, 2, "mode"),
        ({"name": " "}, 2, "name"),
    ]

    def story() -> None:
        assert typed("import", str(tmp_path / "none.json"))[0] == 2
        before = typed("list", "--json")[1]
        for fields, code, told in wrong:
            found, said, beside = typed("import", written(tmp_path, **fields))
            assert (found, said) == (code, ""), (fields, found, beside)
            assert told in beside and "Traceback" not in beside, (fields, beside)
        assert typed("list", "--json")[1] == before
        assert typed("publish", "Nobody")[0] == 1

    assert at_home(home, SHOP, story, give_collections, deeds_of) == []


def test_the_guide_names_its_commands() -> None:
    guide = (Path(__file__).parents[2] / "docs" / "agents.md").read_text("utf-8")
    group = typer.main.get_command(agents_app)
    named = set(re.findall(r"^attenda agents (\w+)", guide, re.M))
    assert named == set(group.commands)  # type: ignore[attr-defined]
