"""What the embedded engines make of an exported file, asked in a process of their own.

`python -m tests.learn.engines ENGINE FILE QUESTION ANSWER`: reads token ids from QUESTION and
writes the ids of the likeliest tokens at each place, with their log-probabilities, into ANSWER.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from attenda.learn.transformer import Decoder

ROOT = Path(__file__).resolve().parents[2]
TOP = 20


@dataclass(frozen=True)
class Agreement:
    """How alike a model in torch and its export in an engine are."""

    tokens: int
    clear: int
    """Places where the two likeliest tokens are further apart than rounding."""
    same: float
    """Share of the clear places with the same likeliest token."""
    distance: float
    """Mean distance of the log-probabilities of the engine's likeliest tokens."""


def ask(
    engine: str, file: Path, texts: Sequence[Sequence[int]], places: int, adapter: Path | None
) -> list[dict[str, Any]]:
    """For each text what the engine thinks comes next at its last places."""
    with tempfile.TemporaryDirectory() as folder:
        question, answer = Path(folder) / "question.json", Path(folder) / "answer.json"
        question.write_text(
            json.dumps(
                {
                    "texts": [list(t) for t in texts],
                    "places": places,
                    "adapter": adapter and str(adapter),
                }
            )
        )
        command = [sys.executable, "-m", "tests.learn.engines", engine]
        subprocess.run(
            [*command, str(file), str(question), str(answer)],
            cwd=ROOT,
            check=True,
            capture_output=True,
            timeout=1500,
        )
        found: list[dict[str, Any]] = json.loads(answer.read_text())
        return found


def agreement(
    model: Decoder,
    file: Path,
    engine: str,
    texts: Sequence[Sequence[int]],
    places: int,
    apart: float,
    adapter: Path | None = None,
) -> Agreement:
    """Compare `model` with its export where the engine has read and written.

    Args:
        model: in torch.
        file: its export.
        engine: openvino or llamacpp.
        texts: ids to begin with.
        places: how many of each text, counted from its end.
        adapter: laid over the file (llama.cpp alone).
        apart: nats between the two likeliest tokens from which on rounding can't turn them round.
    """
    tokens, clear, same, distances = 0, 0, 0, []
    for row in ask(engine, file, texts, places, adapter):
        with torch.no_grad():
            shares = model(torch.tensor([row["ids"]]))[0].log_softmax(-1)  # (T, V)
        shares = shares[row["start"] : row["start"] + len(row["top"])]
        best = shares.topk(2).values
        for place, top in enumerate(row["top"]):
            if not top:
                continue
            ids = torch.tensor([token for token, _ in top])
            theirs = torch.tensor([share for _, share in top])
            distances.append((shares[place, ids] - theirs).abs().mean().item())
            tokens += 1
            if best[place, 0] - best[place, 1] > apart:
                clear += 1
                same += int(shares[place].argmax().item() == top[0][0])
    return Agreement(tokens, clear, same / max(clear, 1), sum(distances) / max(tokens, 1))


def _openvino(
    file: Path, texts: list[list[int]], places: int, adapter: str | None
) -> list[dict[str, Any]]:
    import openvino

    from attenda.llm.gguf_header import read_header
    from attenda.llm.openvino_model import converted

    with converted(file, read_header(file)) as folder:
        exact = {"INFERENCE_PRECISION_HINT": "f32"}
        model = openvino.Core().compile_model(str(folder / "openvino_model.xml"), "CPU", exact)
    found = []
    for ids in texts:
        request = model.create_infer_request()
        count = len(ids)
        answer = request.infer(
            {
                "input_ids": np.array([ids], np.int64),
                "attention_mask": np.ones((1, count), np.int64),
                "position_ids": np.arange(count, dtype=np.int64)[None],
                "beam_idx": np.zeros(1, np.int32),
            }
        )
        shares = torch.from_numpy(np.array(next(iter(answer.values()))))[0].float().log_softmax(-1)
        values, tokens = shares.topk(TOP)
        top = [
            list(zip(t, v, strict=True))
            for t, v in zip(tokens.tolist(), values.tolist(), strict=True)
        ]
        found.append({"ids": ids, "start": count - places, "top": top[-places:]})
    return found


def _llamacpp(
    file: Path, texts: list[list[int]], places: int, adapter: str | None
) -> list[dict[str, Any]]:
    import xllamacpp

    settings = xllamacpp.CommonParams()
    settings.model.path = str(file)
    settings.n_ctx, settings.n_parallel = 1024, 1
    settings.ui, settings.verbosity = False, 1
    if adapter:
        over = xllamacpp.CommonAdapterLoraInfo()
        over.path, over.scale = adapter, 1.0
        settings.lora_adapters = [over]
    found = []
    with tempfile.TemporaryDirectory() as folder:
        settings.hostnames = [f"{folder}/s.sock"]
        server = xllamacpp.Server(settings)
        for ids in texts:
            top: list[list[tuple[int, float]]] = []
            start = len(ids) - places
            for place in range(start, len(ids)):  # a place a request: it leaves out half letters
                body = {"prompt": ids[: place + 1], "n_predict": 1, "n_probs": TOP}
                body |= {"temperature": 0.0, "ignore_eos": False, "cache_prompt": True}
                body |= {"top_k": 0, "top_p": 1.0, "min_p": 0.0, "repeat_penalty": 1.0}
                choice = server.handle_completions(body)["choices"][0]
                rows = (choice.get("logprobs") or {}).get("content")
                best = rows[0]["top_logprobs"] if rows else []
                top.append([(one["id"], one["logprob"]) for one in best])
            found.append({"ids": ids, "start": start, "top": top})
    return found


def main(arguments: Sequence[str]) -> None:
    """Answer one question."""
    engine, file, question, answer = arguments
    row = json.loads(Path(question).read_text())
    ask_engine = {"openvino": _openvino, "llamacpp": _llamacpp}[engine]
    Path(answer).write_text(
        json.dumps(ask_engine(Path(file), row["texts"], row["places"], row["adapter"]))
    )


if __name__ == "__main__":
    main(sys.argv[1:])
