"""The guide to automations: its examples are read and run, its commands are there."""

import asyncio
import re
import shutil
from pathlib import Path

import pytest
import typer.main

from attenda.cli.automation_app import automation_app
from attenda.cli.packs import load_pack
from attenda.runtime.pack import check_pack
from tests.runtime.depot import ANA, FOLDER, depot

GUIDE = (Path(__file__).parents[2] / "docs" / "automations.md").read_text("utf-8")


@pytest.fixture
def pack_folder(tmp_path: Path) -> Path:
    """The depot with the guide's automations in the place of its own."""
    folder = tmp_path / "guide"
    shutil.copytree(FOLDER, folder)
    shutil.rmtree(folder / "automations")
    (folder / "automations").mkdir()
    for number, block in enumerate(re.findall(r"```yaml\n(.*?)```", GUIDE, re.S)):
        (folder / "automations" / f"{number}.yaml").write_text(block)
    return folder


def test_its_examples_are_right_and_run(home: Path, pack_folder: Path) -> None:
    pack = load_pack(pack_folder)
    assert check_pack(pack) == []

    async def body() -> None:
        async with depot(home, pack=pack) as d:
            run_id = await d.start("restock")
            await d.until(run_id, "waiting")
            form = await d.form()
            await d.house.automations.answer(ANA, form.id, {"count": 4})
            assert (await d.until(run_id, "done")).result.startswith("Ordered as B-")

    asyncio.run(body())


def test_its_commands_are_there() -> None:
    named = set(re.findall(r"^attenda automations (\w+)", GUIDE, re.M))
    group = typer.main.get_command(automation_app)
    assert named == set(group.commands)  # type: ignore[attr-defined]


MISTAKES = {
    "a: {title: {en: x}, steps: [{call: nothing}]}": "no tool “nothing”",
    "a: {title: {en: x}, steps: [{call: get_stock}]}": "needs “item”",
    "a: {title: {en: x}, steps: [{set: {b: c.d}}]}": "“c” a value",
    "a: {title: {en: x}, steps: [{wait: soon}]}": "90s, 15m",
    "a: {title: {en: x}, steps: [{wait: 1h, until: today}]}": "either a time to wait",
    "a: {title: {en: x}, on: [{schedule: 1 2 3}], steps: [{wait: 1h}]}": "five fields",
    "a: {title: {en: x}, on: [{schedule: '@daily', zone: Mars}], steps: [{wait: 1h}]}": "no such",
    "a: {title: {en: x}, steps: [{form: {en: x}, fields: {}}]}": "give it fields",
    "a: {title: {en: x}, steps: [{model: {en: x}, schema: {type: 7}}]}": "no JSON schema",
    "a: {title: {en: x}, steps: [{webhook: 'http://{input.x}/', secret_env: A}]}": "webhook",
    "a: {title: {en: x}, steps: [{wait: 1h, call: order}]}": "exactly one of",
    "a: {title: {en: x}, steps: []}": "steps",
    "a: [1]": "has no body",
    "- a": "must map names",
}


@pytest.mark.parametrize("text", MISTAKES, ids=MISTAKES.values())
def test_a_mistake_is_told_with_its_line(pack_folder: Path, text: str) -> None:
    path = pack_folder / "automations" / "wrong.yaml"
    path.write_text(f"# a comment\n{text}\n")
    (problem,) = check_pack(load_pack(pack_folder))
    line = 1 if text == "- a" else 2  # of the whole file, or of what is wrong in it
    assert problem.startswith(f"automations/wrong.yaml:{line}: ")
    assert MISTAKES[text] in problem
