"""The guide's commands, as written, on small films made here; only sizes are cut short.

They share a process, since each would spend most of its time on loading PyTorch, and a tiny model
goes by the name of the real one, which the long suite takes.
"""

import csv
import json
import os
import re
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from attenda.cli.commands import app
from attenda.core.template import TEMPLATES, render
from attenda.learn.gguf import write_gguf
from attenda.learn.tokenizer import train_tokenizer
from attenda.learn.transformer import Decoder, build
from attenda.llm.catalogue import add_file
from tests.learn.school import WORDS, talks, tiny

LONG = os.environ.get("ATTENDA_LONG") == "1"
ROOT = Path(__file__).resolve().parents[2]
SHORTER = [
    (r"--vocabulary \d+", "--vocabulary 400"),
    (r"--model gpt2-3m", "--model gpt2-1m"),
    (r"--epochs \d+", "--steps 6"),
    (r"^(.* (?:pretrain|tune) .*)$", r"\1 --set data.most_overlap=1"),
    (r"--steps 60", "--steps 2"),
    (r"--length \d+", "--length 64"),
    (r"--batch \d+", "--batch 4"),
]


def commands() -> list[str]:
    page = (ROOT / "docs" / "learn.md").read_text("utf-8")
    blocks = re.findall(r"^```sh\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line.startswith("attenda")]


def make_films(folder: Path) -> None:
    """Raw files in the corpus's shape, and pairs of the same films."""
    films = folder / "FILMS"
    films.mkdir()
    lines, talks, pairs = [], [], []
    for number in range(72):
        film = f"m{number % 12}"
        said = [
            " ".join(WORDS[(number * k + k) % len(WORDS)] for k in range(1, 4 + i)) for i in (1, 3)
        ]
        names = [f"L{number * 2 + i}" for i in range(2)]
        for name, who, text in zip(names, ("u0", "u1"), said, strict=True):
            lines.append(
                f"{name} +++$+++ {who} +++$+++ {film} +++$+++ {who.upper()} +++$+++ {text}."
            )
        talks.append(f"u0 +++$+++ u1 +++$+++ {film} +++$+++ {names}")
        pairs.append({"question": said[0] + "?", "answer": said[1] + ".", "movie_id": film})
    (films / "movie_lines.txt").write_text("\n".join(lines) + "\n", "utf-8")
    (films / "movie_conversations.txt").write_text("\n".join(talks) + "\n", "utf-8")
    with (folder / "PAIRS.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, ["question", "answer", "movie_id"])
        table.writeheader()
        table.writerows(pairs)
    rows = [
        [
            {"role": "user", "content": pair["question"]},
            {"role": "assistant", "content": pair["answer"]},
        ]
        for pair in pairs[:6]
    ]
    text = "".join(json.dumps({"messages": row}) + "\n" for row in rows)
    (folder / "held-out.jsonl").write_text(text, "utf-8")


def put_models(home: Path, weights_home: Path) -> None:
    """The default models; in place of the one that learns, a tiny one of its family."""
    (home / "models").mkdir(parents=True)
    for model in (weights_home / "models").iterdir():
        if LONG or not model.name.startswith("smollm2"):
            (home / "models" / model.name).symlink_to(model)
    if not LONG:
        template = TEMPLATES["smollm2"]
        said = [render(talk.messages, template, answer_next=False) for talk in talks(60)]
        words = train_tokenizer(said, 500, template)
        model = build(replace(tiny("llama", words.vocabulary), context=256), seed=1)
        assert isinstance(model, Decoder)
        write_gguf(home / "tiny.gguf", model, words, "f16", "smollm2-135m-instruct")
        add_file(home, home / "tiny.gguf", "smollm2-135m-instruct", "smollm2")


def test_the_guide_works_as_written(
    tmp_path: Path, weights_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_films(tmp_path)
    home = tmp_path / "home"
    put_models(home, weights_home)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ATTENDA_HOME", str(home))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    outputs: dict[str, str] = {}
    for line in commands():
        short = line.replace("PAIRS", "PAIRS.csv")
        for pattern, other in SHORTER:
            short = re.sub(pattern, other, short)
        words = [word.strip('"') for word in re.findall(r'"[^"]*"|\S+', short)]
        answer = CliRunner().invoke(app, words[1:], catch_exceptions=False)
        assert answer.exit_code == 0, f"{line}\n{answer.output}"
        outputs[line] = answer.stdout
    finished = {run.name for run in (home / "runs").iterdir() if (run / "model").is_dir()}
    assert finished == {
        *("films", "films-chat", "smollm2-films", "films-2017", "films-reader", "films-chooser")
    }
    assert (home / "runs/smollm2-films/adapter/adapter.gguf").exists()
    assert (tmp_path / "films-chat.gguf").exists()
    measured = next(text for line, text in outputs.items() if "learn eval" in line)
    assert "smollm2-films" in measured and "Bits per byte" in measured
    assert "Answers ranked" in measured
    chosen = next(text for line, text in outputs.items() if 'films-chooser "' in line)
    assert len(chosen.strip().splitlines()) == 3
