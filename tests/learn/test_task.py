"""Scores on a task: what is asked is fair, ranking is what it says it is, grades are SQuAD's."""

import json
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from attenda.cli.learn_app import learn_app
from attenda.core.words import sentence
from attenda.learn.dialogues import Dialogue
from attenda.learn.report import report
from attenda.learn.run_folder import RunFolder
from attenda.learn.task import grade, make_task, task_scores
from attenda.learn.transformer import Decoder, EncoderDecoder, build
from tests.learn.rows import dialogue, dialogues
from tests.learn.school import plan_of, run, school, talks, tiny, tokenizer


@pytest.mark.parametrize(
    ("answer", "truth", "exact", "f1"),
    [
        ("The cat.", "cat", True, 1.0),
        ("a black cat sat", "the cat", False, 2 * (1 / 3) * 1 / (1 / 3 + 1)),
        ("cat cat", "cat", False, 2 * 0.5 * 1 / 1.5),
        ("dog", "cat", False, 0.0),
        ("!", "the", True, 1.0),
        ("", "cat", False, 0.0),
        ("你好！", "你 好", True, 1.0),
        ("去北京", "北京", False, 2 * (2 / 3) * 1 / (2 / 3 + 1)),
    ],
)
def test_grades_are_those_of_squad(answer: str, truth: str, exact: bool, f1: float) -> None:
    assert grade(answer, truth) == (exact, pytest.approx(f1))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(dialogues, st.integers(0, 9), st.booleans())
def test_what_is_asked_is_fair(drawn: list[Dialogue], seed: int, many: bool) -> None:
    """The true answer stands among ten, at any place, once; what is asked hangs on the seed."""
    rows = [*drawn, *(talks(30) if many else [])]
    task = make_task(rows, seed)
    assert task == make_task(rows, seed)
    given_answers = {m.text for row in rows for m in row.messages if m.role == "assistant"}
    for one in task.rankings:
        assert len(set(one.candidates)) == len(one.candidates) == 10
        assert set(one.candidates) <= given_answers
        true = one.candidates[one.own]
        assert any(
            row.messages[: len(one.said)] == tuple(one.said)
            and row.messages[len(one.said)].text == true
            for row in rows
            if len(row.messages) > len(one.said)
        )
        assert sum(grade(other, true)[0] for other in one.candidates) == 1 or grade(true, "")[0]
    if many:
        assert len({one.own for one in task.rankings}) > 3


def slow_rank(model: Decoder | EncoderDecoder, one: object) -> int:
    """The likeliest candidate, each read whole and alone."""
    own, means = tokenizer(), []
    for text in one.candidates:  # type: ignore[attr-defined]
        prompt = own.prompt(one.said)  # type: ignore[attr-defined]
        answer = [*own.encode(text), own.stop_ids[0]]
        if isinstance(model, Decoder):
            shares = model(torch.tensor([[*prompt, *answer]])).log_softmax(-1)[0]
            shares = shares[len(prompt) - 1 : -1]
        else:
            begun = torch.tensor([[own.end_id, *answer[:-1]]])
            shares = model(torch.tensor([prompt]), begun).log_softmax(-1)[0]
        means.append(shares[range(len(answer)), answer].mean().item())
    return means.index(max(means))


@pytest.mark.parametrize("family", ["llama", "gpt2", "vaswani"])
def test_ranking_is_by_the_mean_log_probability(family: str) -> None:
    """Prompts read once for ten answers of different lengths give what each read alone gives."""
    model = build(tiny(family, tokenizer().vocabulary), seed=2).eval()
    assert isinstance(model, Decoder | EncoderDecoder)
    task = make_task(talks(60), 0)
    with torch.inference_mode():
        slow = sum(slow_rank(model, one) == one.own for one in task.rankings)
    found = task_scores(model, tokenizer(), task)
    assert found.hits_1 == slow / 60
    assert found.ranked == found.graded == 60


def test_a_run_says_what_tuning_changed(tmp_path: Path) -> None:
    values = school(tmp_path, count=200)
    values["data"]["validation_share"] = 0.3
    facts = run(tmp_path / "tuned", plan_of(values, steps=100, rate=1e-2))
    scores = facts["figures"]["task"]
    assert scores["after"]["hits_1"] > scores["before"]["hits_1"]
    assert scores["after"]["f1"] > scores["before"]["f1"]
    assert set(scores) == {"before", "after", "ngram"}
    card = json.loads((tmp_path / "tuned/model/card.json").read_text())
    assert card["figures"]["task"] == scores
    for language in ("en", "zh-CN"):
        page = report(RunFolder(tmp_path / "tuned"), language)
        assert sentence(language, "learn.task.before", name=values["model"]["start"]) in page
        assert all(f"<td>{row['hits_1']:.1%}</td>" in page for row in scores.values())
    models = ["start", "tuned/model"]
    words = ["eval", *(str(tmp_path / name) for name in models), "--json", "--data"]
    told = CliRunner().invoke(learn_app, [*words, str(tmp_path / "talks.jsonl")])
    found = json.loads(told.stdout)
    first, second = (found[str(tmp_path / name)]["task"] for name in models)
    assert first["ranked"] == second["ranked"] == 64
    assert first["hits_1"] < second["hits_1"] and first["f1"] < second["f1"]


def test_long_talks_and_few_answers_are_no_obstacle() -> None:
    model = build(tiny(vocabulary=tokenizer().vocabulary), seed=2)
    long = [dialogue("red " * 99, f"{n} " * 99) for n in range(12)]
    assert task_scores(model, tokenizer(), make_task(long, 0)).ranked == 12
    same = [dialogue("red", "blue") for _ in range(12)]
    found = task_scores(model, tokenizer(), make_task(same, 0)).figures()
    assert found["ranked"] == 0 and "hits_1" not in found and found["graded"] == 12
