"""What a finished run leaves: the model, its adapter, its figures and a card that proves them."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from attenda.core.template import template_hash
from attenda.learn.batches import Batch, Corpus, Packing
from attenda.learn.devices import hand_back
from attenda.learn.dialogues import Dialogue
from attenda.learn.encoding import write_answers
from attenda.learn.gguf import read_gguf, write_gguf, write_gguf_adapter
from attenda.learn.lora import merge_lora, write_adapter
from attenda.learn.measure import Surprise, ngram_surprise, ngrams_of, surprise, text_figures
from attenda.learn.model_folder import write_folder
from attenda.learn.plan import DataPlan, Plan, TrainPlan
from attenda.learn.recipes import corpus_of
from attenda.learn.rows import DataSplit, answers, questions, read_data, token_rows
from attenda.learn.run_folder import RunFolder
from attenda.learn.sample import Sampling, generate
from attenda.learn.task import TaskScores, make_task, ngram_scores, task_scores
from attenda.learn.tokenizer import TextTokenizer
from attenda.learn.transformer import Decoder, Encoder, Transformer
from attenda.learn.weight_names import GGUF_FAMILIES

__all__ = ["Finishing", "finish", "general_surprise", "measure", "measure_finished"]

_GENERATED = 64
_MOST_TOKENS = 64
_MOST_READ = 1024
_GENERAL_ROWS = 64
_COMPARED = 1024
"""Places at which a file's model is compared with its own; their logits are held at once."""


@dataclass(frozen=True, slots=True)
class Finishing:
    """A run that has learned, and is to be written down and measured."""

    folder: RunFolder
    plan: Plan
    model: Transformer
    """In 32 bits, with its detours if it has any."""
    tokenizer: TextTokenizer
    data: DataSplit
    """What it learned from, and what it did not."""
    learned: Corpus
    """The training text as it learned it."""
    base: dict[str, str]
    """What it began as."""
    told: Callable[[int, int], None]
    """Called with the rows measured so far, and those to be measured."""
    rows: int = 512
    """Most rows of the validation text, and most questions of each kind, that are measured."""


def finish(run: Finishing) -> dict[str, Any]:
    """Write the finished model and its card; returns its figures. The model is used up."""
    folder, plan, model, tokenizer = run.folder, run.plan, run.model, run.tokenizer
    data, learned = run.data, run.learned
    model.to("cpu").eval()
    if plan.lora.rank:
        if model.shape.family in GGUF_FAMILIES - {"gpt2"}:  # whose file fuses layers
            write_adapter(folder.adapter, model, model.shape, run.base["name"])
            write_gguf_adapter(folder.adapter / "adapter.gguf", model, folder.name)
        merge_lora(model)
    write_folder(folder.model, model, tokenizer)
    if isinstance(model, Encoder):
        known = [answer.text for one in data.train for _, answer in answers(one) if answer.text]
        write_answers(folder.model, known)
    figures = measure_finished(run)
    if plan.data.general is not None and not isinstance(model, Encoder):
        figures["general"] = {
            "before": folder.facts().get("general_before"),
            "after": general_surprise(plan, model, tokenizer).figures(),
        }
    if isinstance(model, Decoder) and model.shape.family in GGUF_FAMILIES:
        figures["export"] = _export_parity(folder, model, tokenizer, learned)
    card = {
        "name": folder.name,
        "recipe": plan.recipe,
        "base": run.base,
        "data": {"sha256": data.fingerprint, "conversations": len(data.train)},
        "people": folder.facts().get("people", []),
        "template": {
            "name": tokenizer.template.name,
            "sha256": template_hash(tokenizer.template),
        },
        "mask": {
            "tokens": learned.tokens,
            "learned": learned.learned_count,
            "share": learned.learned_share,
        },
        "shape": json.loads(model.shape.to_json()),
        "figures": figures,
        "made": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
    (folder.model / "card.json").write_text(json.dumps(card, indent=2) + "\n", "utf-8")
    return figures


def measure_finished(run: Finishing) -> dict[str, Any]:
    """Surprise beside the n-gram's, what generated answers are like, and scores on a task."""
    model, tokenizer, data, plan = run.model, run.tokenizer, run.data, run.plan
    task = make_task(data.validation, plan.train.seed).cut(run.rows)
    figures: dict[str, Any] = {}
    scores: dict[str, TaskScores] = {}
    if plan.recipe != "prefer" and data.validation and not isinstance(model, Encoder):
        measured = corpus_of(model, tokenizer, data.validation, plan)
        ngrams = ngrams_of(run.learned, model.shape.vocabulary)
        found = surprise(model, tokenizer, measured, rows=run.rows, told=run.told)
        figures["validation"] = found.figures()
        figures["ngram"] = ngram_surprise(ngrams, measured, tokenizer).figures()
        scores["ngram"] = ngram_scores(ngrams, tokenizer, task)
        if isinstance(model, Decoder):
            figures |= _answers(model, tokenizer, data.validation, min(run.rows, _GENERATED))
    if plan.recipe != "pretrain" or not isinstance(model, Encoder):  # which only hid tokens so far
        scores["after"] = task_scores(model, tokenizer, task, run.told)
    rows = {key: one.figures() for key, one in scores.items() if one.ranked or one.graded}
    if rows:
        before = run.folder.facts().get("task_before")
        figures["task"] = {"before": before, **rows} if before else rows
    return figures


def measure(
    model: Transformer, tokenizer: TextTokenizer, dialogues: Sequence[Dialogue]
) -> dict[str, Any]:
    """What any model is like on conversations: its surprise, its answers, its scores.

    An encoder says nothing and only has scores.
    """
    figures: dict[str, Any] = {}
    length = min(model.shape.context, _MOST_READ)
    if isinstance(model, Decoder):
        corpus = Corpus(token_rows(dialogues, tokenizer, all_learned=False), length, cut=False)
        figures["validation"] = surprise(model, tokenizer, corpus).figures()
        figures |= _answers(model, tokenizer, dialogues)
    elif not isinstance(model, Encoder):
        plan = Plan(recipe="tune", train=TrainPlan(length=length))
        corpus = corpus_of(model, tokenizer, dialogues, plan)
        figures["validation"] = surprise(model, tokenizer, corpus).figures()
    figures["task"] = task_scores(model, tokenizer, make_task(dialogues, seed=0)).figures()
    return figures


def _answers(
    model: Decoder, tokenizer: TextTokenizer, dialogues: Sequence[Dialogue], most: int = _GENERATED
) -> dict[str, Any]:
    """What generated answers are like; nothing where nobody asks."""
    room = min(model.shape.context, _MOST_READ) - _MOST_TOKENS
    prompts = [tokenizer.prompt(said)[-room:] for said in questions(dialogues, most)]
    if not prompts:
        return {}
    found = generate(model, prompts, tokenizer.stop_ids, Sampling(most=_MOST_TOKENS))
    return {"answers": text_figures(found, tokenizer, tokenizer.stop_ids).figures()}


def general_surprise(plan: Plan, model: Transformer, tokenizer: TextTokenizer) -> Surprise:
    """Surprise on conversations of another kind, which shows what training has made it forget."""
    assert plan.data.general is not None
    other = read_data(DataPlan(files=(plan.data.general,), validation_share=0.0), seed=0)
    length = min(plan.train.length, model.shape.context)
    rows = token_rows(other.train, tokenizer, all_learned=True)
    return surprise(model, tokenizer, Corpus(rows, length, cut=True), rows=_GENERAL_ROWS)


@torch.inference_mode()
def _export_parity(
    folder: RunFolder, model: Decoder, tokenizer: TextTokenizer, corpus: Corpus
) -> dict[str, float]:
    """The model beside itself as read back from an 8-bit GGUF file, on text that it knows."""
    packing = Packing(corpus, 2, seed=0, shuffle=False)
    part = packing.fill(packing.rows(0)[:2], "parity")
    shares = _log_shares(model, part)
    best = shares.topk(10).indices  # (N, 10)
    own, likeliest = shares.gather(-1, best), shares.argmax(-1)
    del shares
    file = folder.path / ".parity.gguf"
    try:
        write_gguf(file, model, tokenizer, "q8_0", folder.name)
        model.to("meta")  # two whole models at once would be the most that a run holds
        hand_back()
        again, _ = read_gguf(file)
    finally:
        file.unlink(missing_ok=True)
    assert isinstance(again, Decoder)
    others = _log_shares(again, part)
    return {
        "tokens": len(best),
        "same_likeliest": (others.argmax(-1) == likeliest).float().mean().item(),
        "distance": (others.gather(-1, best) - own).abs().mean().item(),
    }


def _log_shares(model: Decoder, part: Batch) -> Tensor:
    """Log-probabilities of each token (N, V) at the first learned places of a batch."""
    hidden = model.hidden(part.tokens, positions=part.positions, documents=part.documents)
    return model.logits(hidden[part.learned][:_COMPARED]).log_softmax(-1)
