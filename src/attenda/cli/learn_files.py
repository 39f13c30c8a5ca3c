"""Models as files: tokenizers made, models sampled, measured and exported."""

import json
from pathlib import Path
from typing import Any

from rich.table import Table

from attenda.cli.hub import bring
from attenda.cli.learn_runs import needs_torch
from attenda.cli.terminal import err, out
from attenda.core.errors import UserError
from attenda.core.message import text_message
from attenda.core.words import sentence

__all__ = ["evaluate", "export", "make_tokenizer", "sample", "write_export"]

_EVALUATED = {
    ("validation", "loss"): "learn.report.loss",
    ("validation", "perplexity"): "learn.report.perplexity",
    ("validation", "bits_per_byte"): "learn.report.bits",
    ("answers", "stopped"): "learn.eval.stopped",
    ("answers", "tokens"): "learn.eval.tokens",
    ("answers", "distinct_1"): "learn.eval.distinct_1",
    ("answers", "distinct_2"): "learn.eval.distinct_2",
    ("answers", "repeated"): "learn.eval.repeated",
    ("task", "ranked"): "learn.task.ranked",
    ("task", "hits_1"): "learn.task.hits_1",
    ("task", "graded"): "learn.task.graded",
    ("task", "exact_match"): "learn.task.exact_match",
    ("task", "f1"): "learn.task.f1",
}
"""Figures of a model in the order of a table's rows, each with the key of its name."""


def make_tokenizer(
    data: list[Path], folder: Path, vocabulary: int, template: str, *, as_json: bool
) -> None:
    """Learn a vocabulary and write it into a folder."""
    from attenda.core.template import TEMPLATES
    from attenda.learn.plan import DataPlan
    from attenda.learn.rows import read_data, rendered
    from attenda.learn.tokenizer import train_tokenizer

    if template not in TEMPLATES:
        raise UserError("learn.template.unknown", name=template, known=", ".join(TEMPLATES))
    rows = read_data(DataPlan(files=tuple(data), validation_share=0.0), seed=0)
    texts = list(rendered(rows.train, TEMPLATES[template]))
    tokenizer = train_tokenizer(texts, vocabulary, TEMPLATES[template])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tokenizer.json").write_text(tokenizer.to_json(), "utf-8")
    tokens = sum(len(tokenizer.encode(text)) for text in texts)
    size = sum(len(text.encode()) for text in texts)
    row = {
        "path": str(folder),
        "vocabulary": tokenizer.vocabulary,
        "tokens": tokens,
        "bytes_per_token": round(size / max(tokens, 1), 3),
    }
    if as_json:
        print(json.dumps(row))
    else:
        out.print(
            f"✓ {folder}: {row['vocabulary']:,} tokens, {row['bytes_per_token']} bytes each.",
            markup=False,
        )


def sample(
    home: Path,
    name: str,
    text: str,
    count: int,
    how: dict[str, Any],
    template: str,
    *,
    as_json: bool,
) -> None:
    """Print answers of a model."""
    with needs_torch():
        from attenda.learn.encoding import choose_answer, read_answers
        from attenda.learn.sample import Sampling, generate
        from attenda.learn.sources import find_source, open_source
        from attenda.learn.transformer import Encoder, fast_type

    bring(home, name)
    source = find_source(name, home)
    model, tokenizer = open_source(source, template)
    prompt = tokenizer.prompt([text_message("user", text)])
    if isinstance(model, Encoder):
        known = read_answers(source.path)
        order = choose_answer(model, tokenizer, prompt, known)
        answers = [known[number] for number in order[:count]]
    else:
        begin = tokenizer.end_id
        model.to(fast_type("cpu"))  # half the memory to read for each token
        found = generate(model, [prompt] * count, tokenizer.stop_ids, Sampling(**how), begin)
        answers = [tokenizer.decode(ids, controls=False) for ids in found]
    if as_json:
        print(json.dumps(answers, ensure_ascii=False))
        return
    for answer in answers:
        out.print(answer, markup=False)


def evaluate(
    home: Path, names: list[str], data: list[Path], template: str, language: str, *, as_json: bool
) -> None:
    """Measure models on the same conversations and print the figures side by side."""
    with needs_torch():
        from attenda.learn.finish import measure
        from attenda.learn.plan import DataPlan
        from attenda.learn.rows import read_data
        from attenda.learn.sources import find_source, open_source

    rows = read_data(DataPlan(files=tuple(data), validation_share=0.0), seed=0).train
    found: dict[str, dict[str, dict[str, float]]] = {}
    for name in names:
        err.print(name, style="dim", markup=False)
        bring(home, name)
        model, tokenizer = open_source(find_source(name, home), template)
        found[name] = measure(model, tokenizer, rows)
    if as_json:
        print(json.dumps(found, indent=2))
        return
    table = Table(box=None, pad_edge=False)
    table.add_column("")
    for name in found:
        table.add_column(name)
    for (group, key), label in _EVALUATED.items():
        cells = [figures.get(group, {}).get(key) for figures in found.values()]
        if any(cell is not None for cell in cells):
            shown = ("" if cell is None else f"{cell:.4g}" for cell in cells)
            table.add_row(sentence(language, label), *shown)
    out.print(table)


def export(home: Path, name: str, path: Path, kind: str, template: str) -> None:
    """Write a model as a GGUF file or as a folder, and say so."""
    write_export(home, name, path, kind, template)
    out.print(f"✓ {path}", markup=False)


def write_export(home: Path, name: str, path: Path, kind: str, template: str = "") -> None:
    """Write a model as a GGUF file or as a folder.

    Raises:
        UserError: no such model or kind, or the path is neither a file's nor a folder's.
    """
    with needs_torch():
        from attenda.learn.gguf import QUANTIZATIONS, write_gguf
        from attenda.learn.model_folder import write_folder
        from attenda.learn.sources import find_source, open_source

    if kind not in QUANTIZATIONS:
        raise UserError("learn.export.kind", kind=kind, known=", ".join(QUANTIZATIONS))
    if path.suffix not in ("", ".gguf"):
        raise UserError("learn.export.path", path=path)
    bring(home, name)
    source = find_source(name, home)
    model, tokenizer = open_source(source, template)
    if path.suffix:
        write_gguf(path, model, tokenizer, kind, Path(name).stem, source.people)  # type: ignore[arg-type]
        return
    write_folder(path, model, tokenizer)
    if source.people:
        (path / "card.json").write_text(json.dumps({"people": source.people}) + "\n", "utf-8")
