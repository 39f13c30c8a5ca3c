"""Families: the same weights give the same logits here and in `transformers`, both ways."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from attenda.core.errors import UserError
from attenda.learn.model_folder import read_folder, write_folder
from attenda.learn.transformer import Decoder, Encoder, EncoderDecoder, Transformer

os.environ["HF_HUB_OFFLINE"] = "1"
transformers = pytest.importorskip("transformers")

BOUND = 1e-4
SIZES = {"vocab_size": 131, "hidden_size": 48, "num_hidden_layers": 3, "intermediate_size": 80}
LLAMA = {**SIZES, "num_attention_heads": 4, "max_position_embeddings": 64}
T5 = {"vocab_size": 131, "d_model": 48, "num_layers": 3, "num_heads": 4, "d_kv": 8, "d_ff": 80}
CONFIGS: dict[str, tuple[str, dict[str, Any]]] = {
    "gpt2": (
        "GPT2LMHeadModel",
        {"vocab_size": 131, "n_embd": 48, "n_layer": 3, "n_head": 4, "n_positions": 64},
    ),
    "llama": ("LlamaForCausalLM", {**LLAMA, "num_key_value_heads": 2, "tie_word_embeddings": True}),
    "llama, untied": ("LlamaForCausalLM", {**LLAMA, "num_key_value_heads": 4, "rope_theta": 5e5}),
    "qwen2": ("Qwen2ForCausalLM", {**LLAMA, "num_key_value_heads": 1}),
    "qwen3": ("Qwen3ForCausalLM", {**LLAMA, "num_key_value_heads": 2, "head_dim": 16}),
    "bert": ("BertModel", {**SIZES, "num_attention_heads": 4, "max_position_embeddings": 64}),
    "t5": ("T5ForConditionalGeneration", T5),
    "t5, gated": (
        "T5ForConditionalGeneration",
        {**T5, "feed_forward_proj": "gated-gelu", "tie_word_embeddings": False},
    ),
}


def theirs(name: str) -> Any:
    """Their model with weights large enough that a mistake shows."""
    kind, sizes = CONFIGS[name]
    model_class = getattr(transformers, kind)
    torch.manual_seed(7)
    model = model_class(model_class.config_class(**sizes)).eval()
    for weight in model.parameters():
        weight.data.add_(torch.randn_like(weight) * 0.05)
    return model


def tokens(count: int, seed: int = 5) -> torch.Tensor:
    return torch.randint(0, 131, (2, count), generator=torch.Generator().manual_seed(seed))


def our_answer(model: Transformer) -> torch.Tensor:
    padded = torch.tensor([[0] * 13, [0] * 9 + [-1] * 4])
    with torch.no_grad():
        match model:
            case Decoder():
                return model(tokens(13))
            case Encoder():
                return model(tokens(13), padded)[padded >= 0]
            case EncoderDecoder():
                return model(tokens(13), tokens(7, 6), padded)


def their_answer(model: Any) -> torch.Tensor:
    padded = torch.tensor([[1] * 13, [1] * 9 + [0] * 4])
    with torch.no_grad():
        match model.config.model_type:
            case "bert":
                states = model(tokens(13), attention_mask=padded).last_hidden_state
                return states[padded > 0]
            case "t5":
                writer = {"decoder_input_ids": tokens(7, 6)}
                return model(tokens(13), attention_mask=padded, **writer).logits
            case _:
                return model(tokens(13)).logits


@pytest.mark.parametrize("name", CONFIGS)
def test_their_folder_gives_the_same_logits_here_and_back_there(name: str, tmp_path: Path) -> None:
    model = theirs(name)
    model.save_pretrained(tmp_path / "theirs")
    ours = read_folder(tmp_path / "theirs")
    expected = their_answer(model)
    assert expected.std().item() > 0.05, "weights so small would hide a mistake"
    assert (our_answer(ours) - expected).abs().max().item() <= BOUND

    write_folder(tmp_path / "ours", ours, None)
    again = type(model).from_pretrained(tmp_path / "ours").eval()
    assert (their_answer(again) - expected).abs().max().item() <= BOUND
    assert (our_answer(read_folder(tmp_path / "ours")) - expected).abs().max().item() <= BOUND


def test_a_folder_in_parts_is_read_whole(tmp_path: Path) -> None:
    model = theirs("llama")
    model.save_pretrained(tmp_path, max_shard_size="50KB")
    assert len(list(tmp_path.glob("*.safetensors"))) > 1
    assert (our_answer(read_folder(tmp_path)) - their_answer(model)).abs().max().item() <= BOUND


def refusal(folder: Path) -> str:
    with pytest.raises(UserError) as caught:
        read_folder(folder)
    return str(caught.value)


def test_what_would_be_computed_wrongly_is_refused(tmp_path: Path) -> None:
    theirs("llama").save_pretrained(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())

    def with_config(**change: object) -> str:
        (tmp_path / "config.json").write_text(json.dumps({**config, **change}))
        return refusal(tmp_path)

    assert "mamba" in with_config(model_type="mamba")
    assert "gpt2" in with_config(model_type="mamba"), "the families it does know are named"
    assert "rope_scaling" in with_config(rope_parameters={"rope_type": "yarn", "factor": 4.0})
    assert "hidden_act" in with_config(hidden_act="relu")
    assert "layers.3" in with_config(num_hidden_layers=4)
    assert "layers.2" in with_config(num_hidden_layers=2)
    assert "up_proj" in with_config(intermediate_size=96) or "gate_proj" in with_config(
        intermediate_size=96
    )


def test_a_damaged_or_pickled_folder_is_refused(tmp_path: Path) -> None:
    theirs("gpt2").save_pretrained(tmp_path)
    weights = tmp_path / "model.safetensors"
    whole = weights.read_bytes()
    for cut in (0, 5, len(whole) // 2, len(whole) - 1):
        weights.write_bytes(whole[:cut])
        assert "model.safetensors" in refusal(tmp_path)
    weights.write_bytes(whole)
    tensors = load_file(weights)
    tensors["transformer.h.0.surprise.weight"] = torch.zeros(1)
    save_file(tensors, weights)
    assert "surprise" in refusal(tmp_path)
    weights.unlink()
    (tmp_path / "pytorch_model.bin").write_bytes(b"\x80\x02}q\x00.")
    assert "pytorch_model.bin" in refusal(tmp_path)
    (tmp_path / "pytorch_model.bin").unlink()
    assert "model.safetensors" in refusal(tmp_path)
    (tmp_path / "config.json").write_text("{")
    assert "config.json" in refusal(tmp_path)
