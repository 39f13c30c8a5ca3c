"""Training and decoding beside the peers: same model, batch and machine, in one run.

    python benchmarks/learn.py pretrain --model gpt2-10m [--nanogpt CHECKOUT]
    python benchmarks/learn.py lora --home HOME
    python benchmarks/learn.py decode --home HOME

Each contestant has a process of its own, in turn, `--rounds` times; the median of its steps counts.
`pretrain`: rows of 512 random tokens, 8 a step. Ours computes in bf16 with 32-bit weights beside
it; Hugging Face's Trainer as it does with `bf16=True`; nanoGPT's model in its own loop, as its
README trains on a CPU (float32, no compile), from a checkout that is named.
`lora`: SmolLM2-135M, rank 16 on all layers, rows of 256 tokens, 8 a step, the last 100 of each
learned; beside transformers and peft in a plain loop.
`decode`: SmolLM2-135M, greedy, 32 tokens read and 96 written, in 16 bits where the processor
multiplies these, as `attenda learn sample` does; beside `transformers.generate`, so and in 32.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

__all__ = ["main"]

VOCABULARY = 4096
ROWS = 8


def main() -> None:
    """Run each contestant in turn and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["pretrain", "lora", "decode"])
    parser.add_argument("--model", default="gpt2-10m")
    parser.add_argument("--home", type=Path)
    parser.add_argument("--nanogpt", type=Path)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--only", help=argparse.SUPPRESS)
    options = parser.parse_args()
    contestants = {
        "pretrain": {"attenda": pretrain_ours, "trainer": pretrain_trainer, "nanogpt": nanogpt},
        "lora": {"attenda": lora_ours, "peft": lora_peft},
        "decode": {
            "attenda": decode_ours,
            "transformers": decode_theirs,
            "in 32 bits": lambda options: decode_theirs(options, exact=True),
        },
    }[options.what]
    if options.nanogpt is None:
        contestants.pop("nanogpt", None)
    if options.only:
        print(json.dumps(contestants[options.only](options)))
        return
    found: dict[str, list[dict[str, float]]] = {name: [] for name in contestants}
    for _ in range(options.rounds):
        for name in contestants:
            command = [sys.executable, *sys.argv, "--only", name]
            answer = subprocess.run(command, capture_output=True, text=True, check=False)
            if answer.returncode:
                sys.exit(answer.stderr)
            found[name].append(json.loads(answer.stdout.splitlines()[-1]))
    ours = statistics.median(row["tokens_per_s"] for row in found["attenda"])
    print(f"{options.what} {options.model if options.what == 'pretrain' else 'SmolLM2-135M'}")
    for name, rows in found.items():
        rate = statistics.median(row["tokens_per_s"] for row in rows)
        memory = max(row["peak_mb"] for row in rows)
        first = statistics.median(row["first_s"] for row in rows)
        print(
            f"{name:14} {rate:9.0f} tokens/s   ours is {ours / rate:5.2f} x   "
            f"peak {memory:5.0f} MB   first {first:5.1f} s"
        )


def measured(step: Callable[[], int], steps: int) -> dict[str, float]:
    """Tokens a second of the median step after the first three; `step` returns its tokens."""
    rates: list[float] = []
    first = 0.0
    for number in range(steps + 3):
        began = time.perf_counter()
        tokens = step()
        spent = time.perf_counter() - began
        first = first or spent
        if number >= 3:
            rates.append(tokens / spent)
    return {"tokens_per_s": statistics.median(rates), "first_s": first, "peak_mb": peak_mb()}


def peak_mb() -> float:
    """Most memory that this process has had."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def pretrain_ours(options: argparse.Namespace) -> dict[str, float]:
    """Our loop's own step."""
    import torch

    from attenda.learn.families import preset
    from attenda.learn.loss import LearnedTokens
    from attenda.learn.optimizers import MasterWeights, OptimizerPlan, make_optimizers
    from attenda.learn.transformer import build

    model = build(preset(options.model, VOCABULARY))
    weights = MasterWeights(model, torch.bfloat16)
    objective = LearnedTokens(model)  # type: ignore[arg-type]
    for stack in model.stacks():
        stack.compile_parts(torch.device("cpu"))
    optimizers = make_optimizers(weights.named(), OptimizerPlan())
    return measured(
        lambda: our_step(objective, weights, optimizers, random_batch(512)), options.steps
    )


def random_batch(length: int, learned: int = 0) -> Any:
    """Rows of random tokens, the last of them learned."""
    import torch

    from attenda.learn.batches import Batch

    ids = torch.randint(0, VOCABULARY, (ROWS, length + 1))
    marks = torch.ones(ROWS, length, dtype=torch.bool)
    if learned:
        marks[:, :-learned] = False
    return Batch(ids[:, :-1], ids[:, 1:], marks, None, None, int(marks.sum()), "random")


def our_step(objective: Any, weights: Any, optimizers: Any, batch: Any) -> int:
    """What the trainer does in a step."""
    (objective(batch) / batch.weight).backward()
    weights.collect()
    weights.clip(1.0)
    for optimizer in optimizers:
        optimizer.step()
    weights.hand_back()
    return int(batch.tokens.numel())


def pretrain_trainer(options: argparse.Namespace) -> dict[str, float]:
    """Hugging Face's Trainer on the same shape."""
    import torch
    import transformers

    from attenda.learn.families import config_of, preset

    shape = preset(options.model, VOCABULARY)
    config = {**config_of(shape), "resid_pdrop": 0.0, "embd_pdrop": 0.0, "attn_pdrop": 0.0}
    config.pop("architectures")
    model = transformers.GPT2LMHeadModel(transformers.GPT2Config(**config))
    times: list[float] = []

    class Rows(torch.utils.data.Dataset):  # type: ignore[type-arg]
        def __len__(self) -> int:
            return ROWS * (options.steps + 4)

        def __getitem__(self, number: int) -> dict[str, Any]:
            ids = torch.randint(0, VOCABULARY, (512,))
            return {"input_ids": ids, "labels": ids}

    class Clock(transformers.TrainerCallback):
        def on_step_end(self, *_: Any, **__: Any) -> None:
            times.append(time.perf_counter())

    with tempfile.TemporaryDirectory() as folder:
        arguments = transformers.TrainingArguments(
            folder,
            per_device_train_batch_size=ROWS,
            max_steps=options.steps + 4,
            bf16=True,
            use_cpu=True,
            report_to=[],
            logging_strategy="no",
            save_strategy="no",
            disable_tqdm=True,
        )
        trainer = transformers.Trainer(model, arguments, train_dataset=Rows(), callbacks=[Clock()])
        began = time.perf_counter()
        trainer.train()
    spans = [b - a for a, b in zip(times[3:], times[4:], strict=False)]
    rate = statistics.median(ROWS * 512 / span for span in spans)
    return {"tokens_per_s": rate, "first_s": times[0] - began, "peak_mb": peak_mb()}


def nanogpt(options: argparse.Namespace) -> dict[str, float]:
    """NanoGPT's model and optimizer, in its own kind of loop."""
    sys.path.insert(0, str(options.nanogpt))
    import torch
    from model import GPT, GPTConfig  # type: ignore[import-not-found]

    from attenda.learn.families import preset

    shape = preset(options.model, VOCABULARY)
    model = GPT(
        GPTConfig(
            block_size=512,
            vocab_size=VOCABULARY,
            n_layer=shape.layers,
            n_head=shape.heads,
            n_embd=shape.width,
            dropout=0.0,
            bias=True,
        )
    )
    optimizer = model.configure_optimizers(0.1, 1e-3, (0.9, 0.95), "cpu")

    def step() -> int:
        ids = torch.randint(0, VOCABULARY, (ROWS, 513))
        _, loss = model(ids[:, :-1].contiguous(), ids[:, 1:].contiguous())
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        return ROWS * 512

    return measured(step, options.steps)


def smollm2(home: Path) -> Any:
    """The model and its tokenizer."""
    from attenda.learn.gguf import read_gguf

    return read_gguf(home / "models" / "smollm2-135m-instruct" / "model.gguf")


def lora_ours(options: argparse.Namespace) -> dict[str, float]:
    """A detour of rank 16 on all layers."""
    import torch

    from attenda.learn.lora import TARGETS, add_lora
    from attenda.learn.loss import LearnedTokens
    from attenda.learn.optimizers import MasterWeights, OptimizerPlan, make_optimizers

    model, _ = smollm2(options.home)
    add_lora(model, 16, 32.0, TARGETS, 0)
    weights = MasterWeights(model, torch.bfloat16)
    optimizers = make_optimizers(weights.named(), OptimizerPlan(rate=2e-4))
    objective = LearnedTokens(model)
    return measured(
        lambda: our_step(objective, weights, optimizers, random_batch(256, learned=100)),
        options.steps,
    )


def their_folder(home: Path) -> Path:
    """SmolLM2 as transformers reads it, written once beside the home's models."""
    from attenda.learn.model_folder import write_folder

    folder = home / "benchmark-smollm2"
    if not (folder / "model.safetensors").exists():
        model, tokenizer = smollm2(home)
        write_folder(folder, model, tokenizer)
    return folder


def lora_peft(options: argparse.Namespace) -> dict[str, float]:
    """The same by transformers and peft."""
    folder = in_another_process(their_folder, options.home)
    import peft
    import torch
    import transformers

    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16)
    model = peft.get_peft_model(
        model,
        peft.LoraConfig(
            r=16,
            lora_alpha=32,
            task_type="CAUSAL_LM",
            target_modules="q_proj k_proj v_proj o_proj gate_proj up_proj down_proj".split(),
        ),
    )
    moving = [weight for weight in model.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(moving, lr=2e-4)

    def step() -> int:
        ids = torch.randint(0, VOCABULARY, (ROWS, 256))
        labels = ids.clone()
        labels[:, :-100] = -100
        model(input_ids=ids, labels=labels).loss.backward()
        torch.nn.utils.clip_grad_norm_(moving, 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        return ROWS * 256

    return measured(step, options.steps)


def in_another_process(make: Callable[[Path], Path], home: Path) -> Path:
    """Call `make` where its memory isn't counted as this process's."""
    code = "import runpy, pathlib, sys; here = runpy.run_path(sys.argv[1]);"
    code += "print(here[sys.argv[2]](pathlib.Path(sys.argv[3])))"
    command = [sys.executable, "-c", code, __file__, make.__name__, str(home)]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    return Path(answer.stdout.splitlines()[-1])


def decode_ours(options: argparse.Namespace) -> dict[str, float]:
    """Greedy tokens with our cache."""
    from attenda.learn.sample import Sampling, generate
    from attenda.learn.transformer import fast_type

    model, tokenizer = smollm2(options.home)
    model.to(fast_type("cpu"))
    prompt = (tokenizer.encode("The quick brown fox jumps over the lazy dog. ") * 4)[:32]
    return measured(lambda: len(generate(model, [prompt], (), Sampling(most=96))[0]), options.steps)


def decode_theirs(options: argparse.Namespace, exact: bool = False) -> dict[str, float]:
    """Greedy tokens by transformers."""
    folder = in_another_process(their_folder, options.home)
    import torch
    import transformers

    from attenda.learn.transformer import fast_type

    kind = torch.float32 if exact else fast_type("cpu")
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=kind).eval()
    ids = torch.arange(100, 132)[None]

    def step() -> int:
        with torch.inference_mode():
            found = model.generate(ids, max_new_tokens=96, min_new_tokens=96, do_sample=False)
        return int(found.shape[1] - ids.shape[1])

    return measured(step, options.steps)


if __name__ == "__main__":
    os.environ["HF_HUB_OFFLINE"] = "1"
    main()
