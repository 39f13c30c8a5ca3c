"""Exports: an engine computes what torch computes, from one file and nothing else."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from attenda.core.errors import UserError
from attenda.core.message import text_message
from attenda.core.template import TEMPLATES, template_hash
from attenda.learn.gguf import read_gguf, write_gguf, write_gguf_adapter
from attenda.learn.lora import TARGETS, add_lora
from attenda.learn.sample import Sampling, generate
from attenda.learn.shape import ModelShape
from attenda.learn.transformer import Decoder, build
from tests.learn.engines import agreement
from tests.learn.school import tokenizer

LONG = os.environ.get("ATTENDA_LONG") == "1"
VOCABULARY = 320
LLAMA = ModelShape(
    family="llama",
    kind="decoder",
    vocabulary=VOCABULARY,
    context=256,
    width=64,
    layers=3,
    heads=4,
    kv_heads=2,
    head_width=16,
    hidden=128,
)
SHAPES = {
    "llama": LLAMA,
    "llama, untied": replace(LLAMA, tied=False, kv_heads=4, rotary_base=5e5),
    "qwen2": replace(LLAMA, family="qwen2", query_bias=True),
    "qwen3": replace(LLAMA, family="qwen3", query_norm=True, head_width=32),
    "gpt2": replace(
        LLAMA,
        family="gpt2",
        positions="learned",
        norm="layer",
        activation="gelu_tanh",
        bias=True,
        query_bias=True,
        kv_heads=4,
    ),
}
ENGINES = [
    (engine, name)
    for engine in ("llamacpp", "openvino")
    for name in SHAPES
    if not (engine == "openvino" and name == "gpt2")  # it reads no GPT-2
]
ROUNDING = {"f16": (0.02, 0.01), "q8_0": (0.1, 0.05), "q4_0": (0.1, 0.05)}
"""By kind: nats that rounding may turn round, and the most that the mean distance may be."""


def drawn(name: str) -> Decoder:
    """Random weights large enough that a mistake shows."""
    model = build(SHAPES[name], seed=3)
    assert isinstance(model, Decoder)
    chance = torch.Generator().manual_seed(1)
    for weight in model.parameters():
        weight.data += torch.randn(weight.shape, generator=chance) * 0.08
    return model.eval()


def texts(count: int, length: int) -> list[list[int]]:
    chance = torch.Generator().manual_seed(9)
    return torch.randint(5, 300, (count, length), generator=chance).tolist()


@pytest.mark.parametrize(("engine", "name"), ENGINES)
def test_an_engine_computes_the_same(engine: str, name: str, tmp_path: Path) -> None:
    model = drawn(name)
    write_gguf(tmp_path / "x.gguf", model, tokenizer(), "f16", name)
    apart, most = ROUNDING["f16"]
    found = agreement(model, tmp_path / "x.gguf", engine, texts(4, 100), 80, apart)
    assert found.tokens >= 200 and found.clear > 100
    assert found.same >= 0.995, found
    assert found.distance <= most, found


@pytest.mark.parametrize("kind", ["q8_0", "q4_0"])
@pytest.mark.parametrize("engine", ["llamacpp", "openvino"])
def test_an_engine_reads_what_was_rounded(engine: str, kind: str, tmp_path: Path) -> None:
    """Against the rounded weights read back, so that only the engine's own rounding is left."""
    write_gguf(tmp_path / "x.gguf", drawn("llama"), tokenizer(), kind, "x")  # type: ignore[arg-type]
    model, _ = read_gguf(tmp_path / "x.gguf")
    assert isinstance(model, Decoder)
    apart, most = ROUNDING[kind]
    found = agreement(model, tmp_path / "x.gguf", engine, texts(4, 100), 80, apart)
    assert found.clear > 20
    assert found.same >= 0.995, found
    assert found.distance <= most, found


@pytest.mark.parametrize("name", ["llama", "qwen3"])
def test_an_adapter_changes_an_engines_answers_as_torchs(name: str, tmp_path: Path) -> None:
    model = drawn(name)
    write_gguf(tmp_path / "x.gguf", model, tokenizer(), "f16", "x")
    plain = drawn(name)
    add_lora(model, 4, 8.0, TARGETS, seed=3)
    chance = torch.Generator().manual_seed(5)
    for key, weight in model.named_parameters():
        if key.endswith(".b"):
            weight.data = torch.randn(weight.shape, generator=chance) * 0.2
    write_gguf_adapter(tmp_path / "a.gguf", model, "a")
    apart, most = ROUNDING["f16"]
    where = (tmp_path / "x.gguf", "llamacpp", texts(3, 80), 60, apart, tmp_path / "a.gguf")
    found = agreement(model, *where)
    assert found.same >= 0.995 and found.distance <= most, found
    assert agreement(plain, *where).distance > 10 * most, "without it the answers are others"


@pytest.mark.parametrize("name", SHAPES)
def test_a_file_comes_back(name: str, tmp_path: Path) -> None:
    model = drawn(name)
    write_gguf(tmp_path / "x.gguf", model, tokenizer(), "f16", name)
    again, own = read_gguf(tmp_path / "x.gguf")
    assert replace(again.shape, norm_eps=0.0) == replace(model.shape, norm_eps=0.0)
    for key, weight in model.state_dict().items():
        torch.testing.assert_close(again.state_dict()[key], weight, atol=2e-4, rtol=1e-3)
    text = "red dog 12 — 退款\n\n  <|im_end|>"
    assert own.encode(text) == tokenizer().encode(text)
    assert own.template == tokenizer().template and own.stop_ids == tokenizer().stop_ids


def test_what_has_no_place_in_a_file_is_refused(tmp_path: Path) -> None:
    bert = build(replace(LLAMA, family="bert", kind="encoder"), seed=0)
    with pytest.raises(UserError, match="bert"):
        write_gguf(tmp_path / "x.gguf", bert, tokenizer(), "f16", "x")
    assert not list(tmp_path.iterdir()), "nothing half written stays"
    write_gguf(tmp_path / "x.gguf", drawn("llama"), tokenizer(), "f16", "x")
    whole = (tmp_path / "x.gguf").read_bytes()
    for cut in (0, 3, 100, len(whole) // 2):
        (tmp_path / "cut.gguf").write_bytes(whole[:cut])
        with pytest.raises(UserError, match="cut"):
            read_gguf(tmp_path / "cut.gguf")
    sha256 = template_hash(TEMPLATES["chatml"]).encode()
    assert whole.count(sha256) == 1
    (tmp_path / "x.gguf").write_bytes(whole.replace(sha256, b"0" * 64))
    with pytest.raises(UserError, match="no longer the one"):
        read_gguf(tmp_path / "x.gguf")


@pytest.mark.timeout(1800)
@pytest.mark.skipif(not LONG, reason="the long suite")
@pytest.mark.parametrize("engine", ["llamacpp", "openvino"])
def test_smollm2_over_2000_tokens(engine: str, weights_home: Path, tmp_path: Path) -> None:
    model, own = read_gguf(weights_home / "models/smollm2-135m-instruct/model.gguf")
    assert isinstance(model, Decoder)
    write_gguf(tmp_path / "x.gguf", model, own, "f16", "x")
    asked = ["Where is my order?", "What is attention?", "Write a poem.", "List three fruits."]
    begun = [own.prompt([text_message("user", text)]) for text in asked]
    written = generate(model, begun, (), Sampling(most=550))
    whole = [[*ids, *more] for ids, more in zip(begun, written, strict=True)]
    found = agreement(model, tmp_path / "x.gguf", engine, whole, 550, ROUNDING["f16"][0])
    print(engine, found)
    assert found.tokens >= 2000
    assert found.same >= 0.995, found
    assert found.distance <= ROUNDING["f16"][1], found
