"""The real SmolLM2 and MiniLM: the same logits and tokens here as in `transformers`."""

import os
from pathlib import Path

import pytest
import torch

from attenda.core.message import text_message
from attenda.learn.gguf import read_gguf
from attenda.learn.model_folder import read_folder
from attenda.learn.transformer import Decoder, Encoder

os.environ["HF_HUB_OFFLINE"] = "1"
transformers = pytest.importorskip("transformers")

TEXTS = [
    "The refund window is 30 days; order 4711 was placed on 3 May.",
    "Attention is all you need. 注意力机制 — naïve café 🙂\n\n  indented\tcode = 1.5e-3",
]


@pytest.mark.long
def test_smollm2_from_its_gguf_file(weights_home: Path) -> None:
    folder = weights_home / "models" / "smollm2-135m-instruct"
    theirs = transformers.AutoModelForCausalLM.from_pretrained(
        folder, gguf_file="model.gguf", dtype=torch.float32
    ).eval()
    their_tokenizer = transformers.AutoTokenizer.from_pretrained(folder, gguf_file="model.gguf")
    model, tokenizer = read_gguf(folder / "model.gguf")
    assert isinstance(model, Decoder)
    assert tokenizer.template.name == "smollm2"
    talk = [text_message("user", TEXTS[0]), text_message("assistant", "Yes."), *()]
    for text in (*TEXTS, tokenizer.decode(tokenizer.row(talk).ids)):
        ids = tokenizer.encode(text)
        assert ids == their_tokenizer.encode(text, add_special_tokens=False)
        assert tokenizer.decode(ids) == text
        with torch.no_grad():
            found, expected = model(torch.tensor([ids])), theirs(torch.tensor([ids])).logits
        assert (found - expected).abs().max().item() <= 1e-4 * expected.abs().max().item()


def test_minilm_from_its_folder(weights_home: Path) -> None:
    folder = weights_home / "models" / "all-minilm-l6-v2"
    theirs = transformers.BertModel.from_pretrained(folder).eval()
    model = read_folder(folder)
    assert isinstance(model, Encoder)
    ids = torch.randint(1000, 20_000, (2, 31), generator=torch.Generator().manual_seed(1))
    padded = torch.ones(2, 31, dtype=torch.long)
    padded[1, 20:] = 0
    with torch.no_grad():
        expected = theirs(ids, attention_mask=padded).last_hidden_state[padded > 0]
        found = model(ids, padded - 1)[padded > 0]
    assert (found - expected).abs().max().item() <= 1e-4
