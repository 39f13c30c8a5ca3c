"""What a finished run leaves: the model, its adapter, its figures and a card that proves them."""

import json
import time
from typing import Any

from attenda.core.template import template_hash
from attenda.learn.batches import Corpus
from attenda.learn.encoding import choose_answer, write_answers
from attenda.learn.gguf import write_gguf_adapter
from attenda.learn.lora import merge_lora, write_adapter
from attenda.learn.measure import ngram_surprise, surprise, text_figures
from attenda.learn.model_folder import write_folder
from attenda.learn.plan import Plan
from attenda.learn.recipes import corpus_of
from attenda.learn.rows import DataSplit, answers, question_of
from attenda.learn.run_folder import RunFolder
from attenda.learn.sample import Sampling, generate
from attenda.learn.tokenizer import TextTokenizer
from attenda.learn.transformer import Decoder, Encoder, Transformer

__all__ = ["finish", "measure_finished"]

_GENERATED = 64
_MOST_TOKENS = 64
_MOST_CHOICES = 200


def finish(
    folder: RunFolder,
    plan: Plan,
    model: Transformer,
    tokenizer: TextTokenizer,
    data: DataSplit,
    learned: Corpus,
    base: dict[str, str],
) -> dict[str, Any]:
    """Write the finished model and its card; returns its figures.

    Args:
        folder: of the run.
        plan: of the run.
        model: in 32 bits, with its detours if it has any.
        tokenizer: its own.
        data: what it learned from, and what it did not.
        learned: the training text as it learned it.
        base: what it began as.
    """
    model.to("cpu").eval()
    if plan.lora.rank:
        if model.shape.family in ("llama", "qwen2", "qwen3"):  # others' files fuse the layers
            write_adapter(folder.adapter, model, model.shape, base["name"])
            write_gguf_adapter(folder.adapter / "adapter.gguf", model, folder.name)
        merge_lora(model)
    write_folder(folder.model, model, tokenizer)
    if isinstance(model, Encoder):
        known = [answer.text for one in data.train for _, answer in answers(one)]
        write_answers(folder.model, known)
    figures = measure_finished(model, tokenizer, data, learned, plan)
    card = {
        "name": folder.name,
        "recipe": plan.recipe,
        "base": base,
        "data": {"sha256": data.fingerprint, "conversations": len(data.train)},
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


def measure_finished(
    model: Transformer, tokenizer: TextTokenizer, data: DataSplit, learned: Corpus, plan: Plan
) -> dict[str, Any]:
    """Surprise beside the n-gram's, and what generated answers are like."""
    if not data.validation or plan.recipe == "prefer":
        return {}
    if isinstance(model, Encoder):
        return {"choice": _choice(model, tokenizer, data)} if plan.recipe == "tune" else {}
    measured = corpus_of(model, tokenizer, data.validation, plan)
    figures: dict[str, Any] = {
        "validation": surprise(model, tokenizer, measured).figures(),
        "ngram": ngram_surprise(learned, measured, tokenizer, model.shape.vocabulary).figures(),
    }
    if isinstance(model, Decoder):
        asked = [said for one in data.validation if (said := question_of(one))][:_GENERATED]
        room = model.shape.context - _MOST_TOKENS
        prompts = [tokenizer.prompt(said)[-room:] for said in asked]
        if prompts:
            found = generate(model, prompts, tokenizer.stop_ids, Sampling(most=_MOST_TOKENS))
            figures["answers"] = text_figures(found, tokenizer, tokenizer.stop_ids).figures()
    return figures


def _choice(model: Encoder, tokenizer: TextTokenizer, data: DataSplit) -> dict[str, float]:
    """How often a question's own answer is chosen among all answers that were not learned."""
    pairs = [pair for one in data.validation for pair in answers(one)][:_MOST_CHOICES]
    known = list(dict.fromkeys(answer.text for _, answer in pairs))
    first = [
        known[choose_answer(model, tokenizer, tokenizer.prompt(said), known)[0]] == answer.text
        for said, answer in pairs
    ]
    return {"right": sum(first) / max(len(first), 1), "by_chance": 1 / max(len(known), 1)}
