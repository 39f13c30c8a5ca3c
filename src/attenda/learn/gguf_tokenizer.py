"""A tokenizer in a GGUF file's fields, both ways.

Only byte-level BPE is known, cut by a rule that llama.cpp has a name for: a file whose rule has
another name would be read as other tokens there, so it is refused here.
"""

import json
from collections.abc import Mapping
from typing import Any

from gguf import GGUFWriter
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers

from attenda.core.errors import UserError
from attenda.core.jinja import jinja_template
from attenda.core.template import template_hash
from attenda.learn.tokenizer import TextTokenizer, byte_level

__all__ = ["read_gguf_tokenizer", "write_gguf_tokenizer"]

_NORMAL, _CONTROL = 1, 3
_QWEN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def write_gguf_tokenizer(writer: GGUFWriter, tokenizer: TextTokenizer, vocabulary: int) -> None:
    """Write tokens, merges, cutting rule, stop token, chat template and its hash.

    Args:
        writer: of the file.
        tokenizer: what to write.
        vocabulary: tokens that the model has; unused ones at the end get a name of their own.

    Raises:
        UserError: llama.cpp has no name for the way it cuts text, or it is not BPE.
    """
    described = json.loads(tokenizer.to_json())
    if described["model"]["type"] != "BPE":
        raise UserError("learn.gguf.tokenizer", what=described["model"]["type"])
    by_id = {number: text for text, number in tokenizer.inner.get_vocab().items()}
    special = {row["id"] for row in described["added_tokens"] if row["special"]}
    merges = described["model"]["merges"]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(_rule_name(described["pre_tokenizer"]))
    writer.add_token_list([by_id.get(i, f"<|unused{i}|>") for i in range(vocabulary)])
    writer.add_token_types(
        [_CONTROL if i in special or i not in by_id else _NORMAL for i in range(vocabulary)]
    )
    writer.add_token_merges([pair if isinstance(pair, str) else " ".join(pair) for pair in merges])
    writer.add_eos_token_id(tokenizer.stop_ids[0])
    writer.add_bos_token_id(tokenizer.end_id)
    writer.add_add_bos_token(False)
    writer.add_add_space_prefix(False)
    writer.add_chat_template(jinja_template(tokenizer.template))
    writer.add_string("attenda.template.name", tokenizer.template.name)
    writer.add_string("attenda.template.sha256", template_hash(tokenizer.template))


def read_gguf_tokenizer(fields: Mapping[str, Any]) -> Tokenizer:
    """The tokenizer that a file's fields describe.

    Raises:
        UserError: it is not byte-level BPE, or cut by a rule we don't know.
    """
    kind = fields.get("tokenizer.ggml.model")
    if kind != "gpt2":
        raise UserError("learn.gguf.tokenizer", what=kind)
    tokens, kinds = fields["tokenizer.ggml.tokens"], fields["tokenizer.ggml.token_type"]
    merges = [
        (left, right)
        for left, _, right in (pair.partition(" ") for pair in fields["tokenizer.ggml.merges"])
    ]
    model = models.BPE(vocab={text: i for i, text in enumerate(tokens)}, merges=merges)
    inner = _cutting(str(fields.get("tokenizer.ggml.pre", "")), model)
    controls = [text for text, kind in zip(tokens, kinds, strict=True) if kind == _CONTROL]
    inner.add_special_tokens([AddedToken(text, normalized=False) for text in controls])
    return inner


def _cutting(rule: str, model: models.BPE) -> Tokenizer:
    if rule == "smollm":
        return byte_level(model)
    inner = Tokenizer(model)
    inner.decoder = decoders.ByteLevel()
    if rule in ("gpt-2", "gpt2", ""):
        inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    elif rule == "qwen2":
        whole = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
        inner.pre_tokenizer = pre_tokenizers.Sequence(
            [pre_tokenizers.Split(Regex(_QWEN), "isolated"), whole]
        )
    else:
        raise UserError("learn.gguf.rule", rule=rule, known="smollm, gpt-2, qwen2")
    return inner


def _rule_name(described: Mapping[str, Any]) -> str:
    """llama.cpp's name of the way a tokenizer cuts text into words."""
    parts = described.get("pretokenizers", [described])
    kinds = [part["type"] for part in parts]
    regex = str(parts[0].get("pattern", {}).get("Regex", ""))
    if kinds == ["ByteLevel"]:
        return "gpt-2"
    if kinds == ["Digits", "ByteLevel"] or (kinds == ["Split", "ByteLevel"] and regex == r"\p{N}"):
        return "smollm"
    if kinds == ["Split", "ByteLevel"] and regex == _QWEN:
        return "qwen2"
    raise UserError("learn.gguf.rule", rule=regex or kinds, known="smollm, gpt-2, qwen2")
