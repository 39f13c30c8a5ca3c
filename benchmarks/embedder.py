"""Measures the sentence embedder: agreement with PyTorch, passages a second, query latency.

Repeat it from the repository root, PyTorch and transformers installed beside the product:

    python benchmarks/embedder.py --model FOLDER --data FOLDER --torch

FOLDER of --model holds `model.safetensors` and `tokenizer.json`; FOLDER of --data holds .jsonl
files, at any depth, with long texts under "content" or "answer". Prints one JSON object.
Without --torch it compares the backends with NumPy's vectors and imports neither library.
"""

import argparse
import json
import platform
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from attenda.llm.minilm import MiniLM
from attenda.llm.minilm_numpy import FloatArray

__all__ = ["main"]

Embed = Callable[[Sequence[str]], FloatArray]

QUERY = "how do I open a checking account?"
QUERIES = 20
BATCH = 32
LENGTH = 256


def main() -> None:
    """Read the arguments, measure, print JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", type=Path, required=True, help="the model's folder")
    parser.add_argument("--data", type=Path, required=True, help="a folder of .jsonl files")
    parser.add_argument("--torch", action="store_true", help="compare with transformers")
    parser.add_argument("--passages", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    passages = read_passages(options.data, options.passages)
    contenders = make_contenders(options.model, options.threads, options.torch)
    against = "torch" if options.torch else "numpy"
    report = {
        "machine": platform.processor() or platform.machine(),
        "threads": options.threads,
        "passages": len(passages),
        "words_mean": round(statistics.fmean(len(p.split()) for p in passages), 1),
        "rounds": options.rounds,
        "reference": against,
        "results": measure(contenders, passages, options.rounds, against),
    }
    print(json.dumps(report, indent=2))


def read_passages(folder: Path, count: int) -> list[str]:
    """Return `count` passages of 120 to 180 words, taken in turn from the files that have any.

    Raises:
        ValueError: the folder holds too few.
    """
    sources = [cut(path) for path in sorted(folder.rglob("*.jsonl"))]
    passages: list[str] = []
    while sources and len(passages) < count:
        for source in list(sources):
            passage = next(source, None)
            if passage is None:
                sources.remove(source)
            else:
                passages.append(passage)
    if len(passages) < count:
        raise ValueError(f"{folder}: {len(passages)} passages found, {count} asked for")
    return passages[:count]


def cut(path: Path) -> Iterator[str]:
    """Yield the passages of one file; the lengths walk through 120 to 180 words."""
    made = 0
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            record = json.loads(line)
            text = record.get("content") or record.get("answer")
            words = text.split() if isinstance(text, str) else []
            while len(words) >= 120:
                size = 120 + made * 17 % 61
                yield " ".join(words[:size])
                words = words[size:]
                made += 1


def make_contenders(model: Path, threads: int, with_torch: bool) -> dict[str, Embed]:
    """Return the ways to embed by name; an OpenVINO that is not installed is left out."""
    contenders: dict[str, Embed] = {}
    if MiniLM(model, threads).backend == "openvino":
        native = MiniLM(model, threads, "openvino")
        contenders["openvino"] = native.embed
        contenders["openvino_f32"] = MiniLM(model, threads, "openvino", precision="f32").embed
    contenders["numpy"] = MiniLM(model, threads, "numpy").embed
    if with_torch:
        contenders["torch"] = make_torch(model, threads)
    return contenders


def make_torch(model: Path, threads: int) -> Embed:
    """Return transformers' float32 model: batches of 32 of like length, mean pooling, norm 1."""
    torch: Any = import_module("torch")
    transformers: Any = import_module("transformers")
    torch.set_num_threads(threads)
    tokenizer = transformers.AutoTokenizer.from_pretrained(model)
    bert = transformers.AutoModel.from_pretrained(model, dtype=torch.float32).eval()

    def embed(texts: Sequence[str]) -> FloatArray:
        # Sorted as MiniLM.embed does, so that the ratio is not one of padding.
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        vectors = np.empty((len(texts), MiniLM.width), dtype=np.float32)
        with torch.inference_mode():
            for start in range(0, len(order), BATCH):
                batch = order[start : start + BATCH]
                tokens = tokenizer(
                    [texts[i] for i in batch],
                    padding=True,
                    truncation=True,
                    max_length=LENGTH,
                    return_tensors="pt",
                )
                hidden = bert(**tokens).last_hidden_state  # (B, T, C)
                real = tokens["attention_mask"].unsqueeze(-1).float()  # (B, T, 1)
                mean = (hidden * real).sum(1) / real.sum(1)
                vectors[batch] = torch.nn.functional.normalize(mean, dim=1).numpy()
        return vectors

    return embed


def measure(
    contenders: dict[str, Embed], passages: list[str], rounds: int, against: str
) -> dict[str, Any]:
    """Time every contender once a round, in turn, so that other load falls on all alike."""
    vectors = {name: embed(passages) for name, embed in contenders.items()}
    speeds: dict[str, list[float]] = {name: [] for name in contenders}
    delays: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, embed in contenders.items():
            speeds[name].append(len(passages) / seconds(embed, passages))
            seconds(embed, [QUERY])  # the first after a long batch finds cold caches
            delays[name] += [1000 * seconds(embed, [QUERY]) for _ in range(QUERIES)]
    results: dict[str, Any] = {}
    for name in contenders:
        cosines = (vectors[name] * vectors[against]).sum(axis=1)
        ratios = [a / b for a, b in zip(speeds[name], speeds[against], strict=True)]
        results[name] = {
            "cosine_min": round(float(cosines.min()), 6),
            "cosine_mean": round(float(cosines.mean()), 6),
            "passages_per_second": spread(speeds[name]),
            f"ratio_to_{against}": spread(ratios),
            "query_ms": spread(delays[name]),
        }
    return results


def seconds(embed: Embed, texts: Sequence[str]) -> float:
    """Return the wall-clock seconds of one call."""
    start = time.perf_counter()
    embed(texts)
    return time.perf_counter() - start


def spread(values: Sequence[float]) -> dict[str, float]:
    """Return median, smallest and largest, to two decimals."""
    return {
        "median": round(statistics.median(values), 2),
        "min": round(min(values), 2),
        "max": round(max(values), 2),
    }


if __name__ == "__main__":
    main()
