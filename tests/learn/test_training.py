"""Training: the loss is what it says it is, however the batch is cut; each recipe learns."""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from attenda.core.errors import AttendaError, UserError
from attenda.core.message import text_message
from attenda.learn.batches import Corpus, Packing, Place
from attenda.learn.dialogues import Dialogue, write
from attenda.learn.encoding import choose_answer, read_answers
from attenda.learn.estimate import estimate
from attenda.learn.lora import add_lora, merge_lora, read_adapter, write_adapter
from attenda.learn.loss import LearnedTokens, head_loss
from attenda.learn.model_folder import read_folder, read_tokenizer
from attenda.learn.ngram import KneserNey
from attenda.learn.optimizers import MasterWeights, OptimizerPlan, Schedule, make_optimizers
from attenda.learn.recipes import make_lesson
from attenda.learn.rows import read_data
from attenda.learn.run_folder import RunFolder
from attenda.learn.sample import Sampling, generate
from attenda.learn.sources import find_source, open_source
from attenda.learn.spread import ALONE
from attenda.learn.tokenizer import TokenRow
from attenda.learn.trainer import Learner, Report, TrainState, train
from attenda.learn.transformer import Decoder, Encoder, EncoderDecoder, build
from tests.learn.rows import dialogue
from tests.learn.school import WORDS, Quiet, losses, plan_of, run, school, talks, tiny, tokenizer

ROOT = Path(__file__).resolve().parents[2]

rows_of_tokens = st.lists(
    st.lists(st.tuples(st.integers(0, 90), st.booleans()), min_size=1, max_size=40),
    min_size=1,
    max_size=30,
)


@settings(max_examples=100, deadline=None)
@given(
    rows=rows_of_tokens, batch=st.integers(1, 5), seed=st.integers(0, 99), epoch=st.integers(0, 3)
)
def test_each_epoch_deals_out_every_learned_token_once(
    rows: list[list[tuple[int, bool]]], batch: int, seed: int, epoch: int
) -> None:
    texts = [TokenRow(tuple(i for i, _ in row), tuple(m for _, m in row)) for row in rows]
    try:
        corpus = Corpus(texts, 16, cut=True)
    except UserError:
        assert not any(mark for text in texts for mark in text.learned[1:])
        return
    wanted = sorted(
        (text.ids[i - 1], text.ids[i])
        for text in texts
        for i in range(1, len(text.ids))
        if text.learned[i]
    )
    packing = Packing(corpus, batch, seed)
    found: list[tuple[int, int]] = []
    place, weight = Place(epoch), 0
    for _ in range(packing.batches_in(epoch)):
        numbers, place = packing.next(place)
        part = packing.fill(numbers, "x", batch)
        marks = part.learned
        found += zip(part.tokens[marks].tolist(), part.targets[marks].tolist(), strict=True)
        weight += part.weight
    assert sorted(found) == wanted
    assert weight == corpus.learned_count == len(wanted)
    assert place == Place(epoch, packing.batches_in(epoch))
    assert Packing(corpus, batch, seed).next(Place(epoch)) == packing.next(Place(epoch))


def test_the_head_and_its_gradients_equal_pytorchs() -> None:
    chance = torch.Generator().manual_seed(0)
    hidden = torch.randn(2500, 24, generator=chance, requires_grad=True)
    weight = torch.randn(57, 24, generator=chance, requires_grad=True)
    targets = torch.randint(0, 57, (2500,), generator=chance)
    expected = F.cross_entropy(hidden @ weight.T, targets, reduction="sum")
    wanted = torch.autograd.grad(expected * 0.3, (hidden, weight))
    found = head_loss(hidden, weight, targets)
    slopes = torch.autograd.grad(found * 0.3, (hidden, weight))
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-3)
    for one, other in zip(slopes, wanted, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)


def gradient(folder: Path, values: dict[str, Any], micro: int) -> torch.Tensor:
    """The gradient of one step of 16 rows, computed `micro` rows at a time."""
    plan = plan_of(values, batch=16, micro_batch=micro)
    model = read_folder(folder / "start")
    lesson = make_lesson(model, read_tokenizer(folder / "start"), talks(100), plan)
    weights = MasterWeights(model, torch.float32)
    parts, weight, _ = lesson.source(Place())
    assert len(parts) == -(-16 // (micro or 16))
    for part in parts:
        (lesson.objective(part) / weight).backward()
        weights.collect()
    return torch.cat(
        [weight.grad.flatten() for weight in weights.weights if weight.grad is not None]
    )


def test_a_batch_in_parts_has_the_gradient_of_the_whole(tmp_path: Path) -> None:
    values = school(tmp_path)
    whole = gradient(tmp_path, values, 0)
    for micro in (1, 3, 16):
        parts = gradient(tmp_path, values, micro)
        assert abs(parts.norm() / whole.norm() - 1).item() <= 1e-6
        assert ((parts - whole).norm() / whole.norm()).item() <= 1e-6


@pytest.mark.parametrize(
    ("family", "recipe", "lora", "train_values"),
    [
        ("llama", "pretrain", 0, {}),
        ("gpt2", "tune", 0, {"optimizer": "muon", "muon_rate": 0.02}),
        ("qwen3", "tune", 4, {"rate": 2e-2}),
        ("llama", "tune", 0, {"precision": "bf16", "recompute": True, "schedule": "cosine"}),
        ("vaswani", "tune", 0, {}),
    ],
)
def test_each_recipe_learns_and_leaves_a_model(
    family: str, recipe: str, lora: int, train_values: dict[str, Any], tmp_path: Path
) -> None:
    values = {**school(tmp_path, family), "lora": {"rank": lora}}
    facts = run(tmp_path / "run", plan_of(values, recipe, **{"steps": 40, **train_values}))
    curve = losses(tmp_path / "run")
    assert len(curve) == 40
    # a detour beside random, frozen embeddings can't do much; whole models can
    assert sum(curve[-5:]) / 5 < curve[0] * (0.99 if lora else 0.8)
    assert facts["status"] == "finished"
    figures = facts["figures"]
    assert figures["validation"]["bits_per_byte"] > 0
    card = json.loads((tmp_path / "run/model/card.json").read_text())
    assert card["data"]["sha256"] == facts["data"]
    everything = recipe == "pretrain" or family == "vaswani"  # its questions are apart
    assert everything == (card["mask"]["share"] == 1.0)
    model = read_folder(tmp_path / "run/model")
    own = read_tokenizer(tmp_path / "run/model")
    assert isinstance(model, Decoder | EncoderDecoder)
    prompt = own.prompt([text_message("user", "red dog")])
    found = generate(model, [prompt], own.stop_ids, Sampling(most=12), begin=own.end_id)
    assert 0 < len(found[0]) <= 12


def test_an_encoder_learns_and_answers_by_choosing(tmp_path: Path) -> None:
    values = school(tmp_path, "bert", count=120)
    values["data"]["validation_share"] = 0.3
    run(tmp_path / "first", plan_of(values, "pretrain", steps=60, rate=1e-2))
    curve = losses(tmp_path / "first")
    assert sum(curve[-5:]) < sum(curve[:5]) * 0.8
    values["model"] = {"start": str(tmp_path / "first")}
    facts = run(tmp_path / "second", plan_of(values, "tune", steps=60, batch=16, rate=3e-3))
    before, after = (facts["figures"]["task"][key] for key in ("before", "after"))
    assert after["hits_1"] > max(0.3, before["hits_1"]) and not after["graded"]
    model, own = read_folder(tmp_path / "second/model"), read_tokenizer(tmp_path / "second/model")
    assert isinstance(model, Encoder)
    known = read_answers(tmp_path / "second/model")
    asked = own.prompt([text_message("user", "red dog")])
    assert sorted(choose_answer(model, own, asked, known)) == list(range(len(known)))


def test_hidden_tokens_are_the_same_however_the_batch_is_cut(tmp_path: Path) -> None:
    values = school(tmp_path, "bert")
    plan = plan_of(values, "pretrain", batch=8, micro_batch=3)
    model, own = read_folder(tmp_path / "start"), read_tokenizer(tmp_path / "start")
    cut, weight, _ = make_lesson(model, own, talks(60), plan).source(Place())
    plan = plan_of(values, "pretrain", batch=8)
    whole, same, _ = make_lesson(model, own, talks(60), plan).source(Place())
    assert weight == same == sum(part.weight for part in cut)
    learned = torch.cat([part.tokens[part.learned] for part in cut])
    assert torch.equal(learned, whole[0].tokens[whole[0].learned])
    assert weight < whole[0].documents.ge(0).sum() * 0.3


def test_what_is_forgotten_is_measured(tmp_path: Path) -> None:
    values = school(tmp_path)
    write(tmp_path / "other.jsonl", [t for t in talks(60) if "sun" in t.messages[0].text])
    values["data"]["general"] = str(tmp_path / "other.jsonl")
    facts = run(tmp_path / "run", plan_of(values, steps=12))
    general = facts["figures"]["general"]
    assert general["before"]["loss"] != general["after"]["loss"]
    assert facts["figures"]["export"]["same_likeliest"] > 0.9
    assert "validation" in RunFolder(tmp_path / "run").metrics()[0], (
        "measured before the first step"
    )


def test_a_run_whose_validation_is_known_is_refused(tmp_path: Path) -> None:
    """Forms filled in with other numbers leak, unless they are parted by template."""
    values = school(tmp_path)
    forms = [" ".join(WORDS[(n + k * k) % len(WORDS)] for k in range(9)) for n in range(12)]
    rows = [
        dialogue(f"order {n}: {form}", form[:9], id=f"{n} {form}")
        for n in range(9)
        for form in forms
    ]
    write(tmp_path / "talks.jsonl", rows)
    values["data"] = {"files": [str(tmp_path / "talks.jsonl")], "validation_share": 0.2}
    with pytest.raises(UserError, match=r"at most 1%.*data\.split=template"):
        run(tmp_path / "leaks", plan_of(values, steps=1, length=60))
    assert RunFolder(tmp_path / "leaks").facts()["problem_key"] == "learn.data.overlap"
    values["data"]["split"] = "template"
    watch = Quiet()
    facts = run(tmp_path / "parted", plan_of(values, steps=1, length=60), watch)
    assert facts["overlap"] == {"checked": facts["validation"], "known": 0, "share": 0.0}
    assert facts["validation"] == 18 and "learn.doing.overlap" in watch.said
    values["data"] |= {"split": "group", "most_overlap": 1.0}
    assert run(tmp_path / "accepted", plan_of(values, steps=1, length=60))["overlap"]["share"] > 0.9


def test_a_tuned_model_answers_and_stops(tmp_path: Path) -> None:
    """After training, the stop token comes in at least 99 % of 200 generations."""
    values = school(tmp_path, count=120)
    run(tmp_path / "run", plan_of(values, steps=150, batch=16, rate=1e-2, measure_every=500))
    model, own = read_folder(tmp_path / "run/model"), read_tokenizer(tmp_path / "run/model")
    assert isinstance(model, Decoder)
    prompts = [own.prompt(talk.messages[:1]) for talk in talks(200)]
    found = generate(model, prompts, own.stop_ids, Sampling(most=24))
    assert sum(ids[-1] in own.stop_ids for ids in found) >= 198
    right = sum(
        own.decode(ids, controls=False) == talk.messages[1].text
        for ids, talk in zip(found, talks(200), strict=True)
    )
    assert right > 100, "it learned to turn the words round"


def test_rows_of_several_lengths_are_written_as_each_alone(tmp_path: Path) -> None:
    school(tmp_path)
    model, own = read_folder(tmp_path / "start"), read_tokenizer(tmp_path / "start")
    assert isinstance(model, Decoder)
    prompts = [own.prompt(talk.messages[:1]) for talk in talks(6)]
    assert len({len(prompt) for prompt in prompts}) > 1
    together = generate(model, prompts, own.stop_ids, Sampling(most=10))
    alone = [generate(model, [p], own.stop_ids, Sampling(most=10))[0] for p in prompts]
    assert together == alone


def test_preferences_widen_the_margin(tmp_path: Path) -> None:
    values = school(tmp_path)
    pairs = [
        Dialogue(t.id, t.messages, t.group, t.place, text_message("assistant", t.messages[0].text))
        for t in talks(30)
        if t.messages[0].text != t.messages[1].text
    ]
    write(tmp_path / "pairs.jsonl", pairs)
    values["data"] = {"files": [str(tmp_path / "pairs.jsonl")], "validation_share": 0.0}
    run(tmp_path / "run", plan_of(values, "prefer", steps=30, rate=3e-3))
    curve = losses(tmp_path / "run")
    assert curve[0] == pytest.approx(math.log(2), abs=1e-4), "no margin before the first step"
    assert curve[-1] < 0.4


def test_a_merged_detour_computes_the_same_and_peft_reads_it(tmp_path: Path) -> None:
    peft = pytest.importorskip("peft")
    transformers = pytest.importorskip("transformers")
    school(tmp_path)
    model = read_folder(tmp_path / "start")
    assert isinstance(model, Decoder)
    add_lora(model, 4, 8.0, ("query", "value", "down"), seed=3)
    chance = torch.Generator().manual_seed(5)
    for name, weight in model.named_parameters():
        if name.endswith(".b"):
            weight.data = torch.randn(weight.shape, generator=chance) * 0.1
    tokens = torch.randint(0, 300, (2, 20), generator=chance)
    with torch.no_grad():
        apart = model(tokens)
        write_adapter(tmp_path / "adapter", model, model.shape, "start")
        merge_lora(model)
        merged = model(tokens)
        plain = read_folder(tmp_path / "start")
        assert isinstance(plain, Decoder)
        before = plain(tokens)
        read_adapter(tmp_path / "adapter", plain, plain.shape)
        again = plain(tokens)
        theirs = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "start")
        theirs = peft.PeftModel.from_pretrained(theirs, tmp_path / "adapter").eval()
        foreign = theirs(tokens).logits
    assert (apart - before).abs().max().item() > 1e-2, "the detour does something"
    for other in (merged, again, foreign):
        assert (apart - other).abs().max().item() <= 1e-4


def test_a_spoiled_step_is_not_taken(tmp_path: Path) -> None:
    school(tmp_path)
    model = read_folder(tmp_path / "start")
    assert isinstance(model, Decoder)
    own = read_tokenizer(tmp_path / "start")
    lesson = make_lesson(model, own, talks(20), plan_of(school(tmp_path)))
    weights = MasterWeights(model, torch.float32)
    before = [weight.detach().clone() for weight in weights.weights]

    class Broken(torch.nn.Module):
        def forward(self, batch: Any) -> torch.Tensor:
            return LearnedTokens(model)(batch) * float("nan")

    learner = Learner(
        Broken(),
        weights,
        make_optimizers(weights.named(), OptimizerPlan()),
        Schedule("constant", 5, 0, 0.0, 1.0),
    )
    with pytest.raises(AttendaError, match="epoch 1, batch 1"):
        train(learner, lesson.source, TrainState(), lambda *_: False)
    assert all(torch.equal(a, b) for a, b in zip(before, weights.weights, strict=True))


def test_places_stay_exact_where_weights_have_16_bits() -> None:
    model = build(tiny("llama"))
    exact = dict(build(tiny("llama")).named_buffers())
    weights = MasterWeights(model, torch.bfloat16)
    for kind in (torch.bfloat16, torch.float32):  # measured while it learns, and at the end
        assert ALONE.whole_model(model, weights, kind) is model
        assert {weight.dtype for weight in model.parameters()} == {kind}
        assert exact and all(torch.equal(model.get_buffer(name), exact[name]) for name in exact)


def test_what_can_not_be_learned_is_refused(tmp_path: Path) -> None:
    values = school(tmp_path)

    def refusal(**train_values: object) -> str:
        with pytest.raises(UserError) as caught:
            run(tmp_path / f"run{len(list(tmp_path.iterdir()))}", plan_of(values, **train_values))
        return str(caught.value)

    assert "64" in refusal(length=65)
    assert "answers" in refusal(length=8), "all answers lie beyond the row's end"
    silent = [Dialogue("a", talks(1)[0].messages, "g", "p")]
    write(tmp_path / "one.jsonl", silent)
    values["data"] |= {"files": [str(tmp_path / "gone.jsonl")]}
    assert "gone.jsonl" in refusal()
    values["data"] |= {"files": [str(tmp_path / "talks.jsonl")]}
    values["model"] = {"start": "nothing-of-the-kind"}
    assert "gpt2-3m" in refusal(), "the presets are named"
    with pytest.raises(UserError, match=r"train\.rate"):
        plan_of(values, rate=-1)
    with pytest.raises(UserError, match=r"train\.rat"):
        plan_of(values, rat=1)


@settings(max_examples=50, deadline=None)
@given(
    texts=st.lists(st.lists(st.integers(0, 5), max_size=12), min_size=1, max_size=12),
    history=st.lists(st.integers(0, 5), max_size=6),
    order=st.integers(1, 4),
)
def test_shares_of_the_ngram_sum_to_one(
    texts: list[list[int]], history: Sequence[int], order: int
) -> None:
    model = KneserNey(texts, 6, order)
    shares = [model.probability(history, word) for word in range(6)]
    assert all(share > 0 for share in shares)
    assert sum(shares) == pytest.approx(1)


def test_the_ngram_by_hand() -> None:
    model = KneserNey([[0, 1, 0, 1, 0, 2]], 3, order=2)
    # bigrams: start-0, 0-1 twice, 1-0 twice, 0-2; D = 2 / (2 + 2·2) = 1/3
    # histories of 0: start and 1, of 1: 0, of 2: 0; unigram D = 2 / (2 + 2·1) = 1/2
    unigram = (1 - 0.5) / 4 + 0.5 * 3 / 4 / 3
    assert model.probability([0], 1) == pytest.approx((2 - 1 / 3) / 3 + (1 / 3) * 2 / 3 * unigram)


def test_the_schedule_rises_stays_and_falls() -> None:
    plan = Schedule("wsd", 100, 10, 0.2, 0.1)
    shares = [plan.at(step) for step in range(100)]
    assert shares[0] == pytest.approx(0.1) and shares[9] == 1.0
    assert all(share == 1.0 for share in shares[10:80])
    assert shares[80:] == sorted(shares[80:], reverse=True) and shares[-1] == pytest.approx(0.1)
    cosine = [Schedule("cosine", 100, 10, 0.2, 0.1).at(step) for step in range(100)]
    assert cosine[10:] == sorted(cosine[10:], reverse=True) and cosine[-1] == pytest.approx(0.1)


def test_films_stay_on_one_side(tmp_path: Path) -> None:
    values = school(tmp_path)
    data = read_data(plan_of(values).data, seed=0)
    assert data.train and data.validation
    assert not {one.group for one in data.train} & {one.group for one in data.validation}


def test_a_report_names_each_step(tmp_path: Path) -> None:
    seen: list[Report] = []
    model = build(tiny("llama", tokenizer().vocabulary), seed=1)
    lesson = make_lesson(model, tokenizer(), talks(20), plan_of(school(tmp_path)))
    weights = MasterWeights(model, torch.float32)
    learner = Learner(
        lesson.objective,
        weights,
        make_optimizers(weights.named(), OptimizerPlan()),
        Schedule("constant", 9, 0, 0.0, 1.0),
    )

    def enough(state: TrainState, report: Report) -> bool:
        seen.append(report)
        return state.step == 4

    assert train(learner, lesson.source, TrainState(), enough).step == 4
    assert [report.step for report in seen] == [1, 2, 3, 4]
    assert seen[-1].learned == sum(lesson.source(Place(0, i))[1] for i in range(4))


def test_a_gpt2_folder_is_tuned_and_answers(tmp_path: Path) -> None:
    """Another program's folder: weights, vocab.json and merges.txt, and no chat template."""
    transformers = pytest.importorskip("transformers")
    values = school(tmp_path)
    own = tokenizer("gpt2")
    sizes = {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 64}
    config = transformers.GPT2Config(vocab_size=own.vocabulary, **sizes)
    transformers.GPT2LMHeadModel(config).save_pretrained(tmp_path / "gpt2")
    described = json.loads(own.to_json())["model"]
    (tmp_path / "gpt2/vocab.json").write_text(json.dumps(described["vocab"]), "utf-8")
    merges = "\n".join(" ".join(pair) for pair in described["merges"])
    (tmp_path / "gpt2/merges.txt").write_text(f"#version: 0.2\n{merges}\n", "utf-8")
    values["model"] = {"start": str(tmp_path / "gpt2")}
    run(tmp_path / "run", plan_of(values, steps=20))
    curve = losses(tmp_path / "run")
    assert curve[-1] < curve[0] * 0.9
    model, words = open_source(find_source(str(tmp_path / "run"), tmp_path))
    assert words.template.name == "gpt2" and isinstance(model, Decoder)
    prompt = words.prompt([text_message("user", "red dog")])
    assert generate(model, [prompt], words.stop_ids, Sampling(most=8))[0]


def test_an_estimate_does_a_few_steps_and_leaves_nothing(tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    values = school(tmp_path)
    kept = sorted(tmp_path.rglob("*"))
    row = estimate(plan_of(values, steps=50), tmp_path, Quiet())
    assert row["steps"] == 50 and row["conversations"] == len(talks(40)) - row["validation"]
    assert row["minutes"] == pytest.approx(row["seconds_a_step"] * 50 / 60, abs=0.1)
    assert row["peak_memory_mb"] > 100
    assert sorted(tmp_path.rglob("*")) == kept != before
