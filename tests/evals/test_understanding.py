"""The exam of understanding: what is held out, what it reports, and what it says without data."""

import asyncio
import csv
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from attenda.core.errors import NotFound, OperatorError
from attenda.evals.exams.intent_sets import SETS, IntentRow, load
from attenda.evals.exams.understanding import examine

COLOURS = ("red", "green", "blue", "yellow")
THINGS = ("mug", "plate", "bowl", "spoon", "fork", "glass", "jug", "pan", "lid", "tray")
CLOSE = "please|now|today|if you can|again"


class LetterEmbedder:
    """Counts of letters, as unit vectors."""

    name = "letters"
    width = 128

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        rows = [np.bincount([ord(c) % 128 for c in text + "."], minlength=128) for text in texts]
        made = np.array(rows, dtype=np.float32)
        return made / np.linalg.norm(made, axis=1, keepdims=True)

    async def close(self) -> None: ...


def sentences() -> list[IntentRow]:
    return [
        IntentRow(f"paint the {thing} {colour} {end}", colour)
        for colour in COLOURS
        for thing in THINGS
        for end in CLOSE.split("|")
    ]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Every set in its own shape, in sentences of ours."""
    rows = sentences()
    for name in SETS:
        (tmp_path / name).mkdir()
    with (tmp_path / "banking77" / "train.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("text", "category"), *((row.text, row.name) for row in rows)])
    pairs = [[row.text, row.name] for row in rows]
    strange = [[f"why does the moon turn {n}", "oos"] for n in range(24)]
    parts = {"train": pairs[::2], "val": pairs[1::2], "oos_train": strange[::2]}
    clinc = json.dumps(parts | {"oos_val": strange[1::2]})
    (tmp_path / "clinc150" / "data_train_val.json").write_text(clinc, "utf-8")
    turns = [
        {"speaker": "USER", "utterance": r.text, "frames": [{"state": {"active_intent": r.name}}]}
        for r in rows
    ]
    dialogues = [
        {"dialogue_id": f"1_{at:05}", "turns": turns[at : at + 2]} for at in range(0, len(turns), 2)
    ]
    guided = json.dumps(dialogues)
    (tmp_path / "schema_guided_dialogue" / "test_dialogues_001.json").write_text(guided, "utf-8")
    acts = [["General", "greet", "none", "none"], ["Inform", "餐馆", "人均", "50"]]
    messages = [
        {"role": "usr", "content": "你好，人均五十的餐馆", "dialog_act": acts},
        {"role": "sys", "content": "有的", "dialog_act": []},
        {"role": "usr", "content": "谢谢", "dialog_act": [["General", "thank", "none", "none"]]},
        {"role": "usr", "content": "电话？", "dialog_act": [["Request", "餐馆", "电话", ""]]},
    ]
    lines = [json.dumps({"id": at, "messages": messages}) for at in range(40)]
    (tmp_path / "crosswoz" / "dialogues.jsonl").write_text("\n".join(lines), "utf-8")
    return tmp_path


@pytest.mark.parametrize("name", SETS)
def test_nothing_held_out_is_learned(folder: Path, name: str) -> None:
    exam = load(name, folder)
    assert exam.train and exam.held_out
    if name == "crosswoz":  # its sentences repeat in each dialogue
        assert {row.name for row in exam.held_out} == {
            "Inform:餐馆",
            "General:thank",
            "Request:餐馆",
        }
        assert len(exam.held_out) % 3 == 0
    else:
        assert not set(exam.train) & set(exam.held_out)
    assert load(name, folder) == exam


def test_the_report_sets_ours_beside_plain_neighbours(folder: Path) -> None:
    report = asyncio.run(examine("clinc150", folder, LetterEmbedder()))
    ours, plain = report["ours"], report["neighbours"]
    assert isinstance(ours, dict) and isinstance(plain, dict)
    assert ours.keys() == plain.keys()
    assert ours["accuracy"] >= plain["accuracy"] >= 0.9
    assert ours["out_of_scope_recall"] == 1
    assert report["held_out_rows"] == 112


def test_what_is_missing_is_said_plainly(folder: Path) -> None:
    with pytest.raises(NotFound, match="no exam called trec"):
        load("trec", folder)
    with pytest.raises(OperatorError, match="banking77 is not in"):
        load("banking77", folder / "elsewhere")
    (folder / "clinc150" / "data_train_val.json").write_text('{"train": []}', "utf-8")
    with pytest.raises(OperatorError, match="clinc150 can’t be read"):
        load("clinc150", folder)


def test_the_command_says_that_there_is_no_data() -> None:
    command = [sys.executable, "-m", "attenda.evals.exams.understanding", "banking77"]
    bare = {name: value for name, value in os.environ.items() if name != "ATTENDA_DATA"}
    answer = subprocess.run(command, env=bare, capture_output=True, text=True, check=False)
    assert answer.returncode == 1
    assert "ATTENDA_DATA" in answer.stderr
    assert "Traceback" not in answer.stderr
