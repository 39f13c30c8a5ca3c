"""Names of weights: ours and those of each family's files, moved both ways.

A table names a layer on both sides, with `{i}` for the block's number; whether it has a bias is
the model's own knowledge. Where a file holds one fused layer, we hold its parts.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from attenda.core.errors import UserError
from attenda.learn.shape import ModelShape

__all__ = [
    "GGUF_FAMILIES",
    "Table",
    "from_family",
    "gguf",
    "hugging_face",
    "layer_names",
    "to_family",
]


@dataclass(frozen=True, slots=True)
class Names:
    """A layer's name in our model and in the family's files; `{i}` is the block's number."""

    ours: tuple[str, ...]
    """Several are one fused layer in the file, one below the other."""
    theirs: str
    transposed: bool = False
    """The file keeps the weight as (in, out), as GPT-2 does."""


@dataclass(frozen=True, slots=True)
class Table:
    """The names of one family in one kind of file."""

    names: tuple[Names, ...]
    prefix: str = ""
    """Stands before each name but the output layer's; some files leave it out."""
    writes_prefix: bool = True
    ignored: str = "$^"
    """Names in files that hold nothing we need."""
    head: str = "lm_head"
    """The output layer."""


def _fused(block: str, theirs: str) -> Names:
    return Names(tuple(f"{block}.{part}" for part in ("query", "key", "value")), theirs, True)


_HEAD = Names(("head",), "lm_head")
_B = "stack.blocks.{i}"
_G = "blk.{i}"
_GPT2 = (
    Names(("tokens",), "wte"),
    Names(("embedding.positions",), "wpe"),
    Names((f"{_B}.attention_norm",), "h.{i}.ln_1"),
    _fused(f"{_B}.attention", "h.{i}.attn.c_attn"),
    Names((f"{_B}.attention.output",), "h.{i}.attn.c_proj", transposed=True),
    Names((f"{_B}.feed_norm",), "h.{i}.ln_2"),
    Names((f"{_B}.feed.up",), "h.{i}.mlp.c_fc", transposed=True),
    Names((f"{_B}.feed.down",), "h.{i}.mlp.c_proj", transposed=True),
    Names(("stack.norm",), "ln_f"),
    _HEAD,
)
_LLAMA = (
    Names(("tokens",), "embed_tokens"),
    Names((f"{_B}.attention_norm",), "layers.{i}.input_layernorm"),
    Names((f"{_B}.attention.query",), "layers.{i}.self_attn.q_proj"),
    Names((f"{_B}.attention.key",), "layers.{i}.self_attn.k_proj"),
    Names((f"{_B}.attention.value",), "layers.{i}.self_attn.v_proj"),
    Names((f"{_B}.attention.query_norm",), "layers.{i}.self_attn.q_norm"),
    Names((f"{_B}.attention.key_norm",), "layers.{i}.self_attn.k_norm"),
    Names((f"{_B}.attention.output",), "layers.{i}.self_attn.o_proj"),
    Names((f"{_B}.feed_norm",), "layers.{i}.post_attention_layernorm"),
    Names((f"{_B}.feed.gate",), "layers.{i}.mlp.gate_proj"),
    Names((f"{_B}.feed.up",), "layers.{i}.mlp.up_proj"),
    Names((f"{_B}.feed.down",), "layers.{i}.mlp.down_proj"),
    Names(("stack.norm",), "norm"),
    _HEAD,
)
_BERT = (
    Names(("tokens",), "embeddings.word_embeddings"),
    Names(("embedding.positions",), "embeddings.position_embeddings"),
    Names(("embedding.types",), "embeddings.token_type_embeddings"),
    Names(("embedding.norm",), "embeddings.LayerNorm"),
    Names((f"{_B}.attention.query",), "encoder.layer.{i}.attention.self.query"),
    Names((f"{_B}.attention.key",), "encoder.layer.{i}.attention.self.key"),
    Names((f"{_B}.attention.value",), "encoder.layer.{i}.attention.self.value"),
    Names((f"{_B}.attention.output",), "encoder.layer.{i}.attention.output.dense"),
    Names((f"{_B}.attention_norm",), "encoder.layer.{i}.attention.output.LayerNorm"),
    Names((f"{_B}.feed.up",), "encoder.layer.{i}.intermediate.dense"),
    Names((f"{_B}.feed.down",), "encoder.layer.{i}.output.dense"),
    Names((f"{_B}.feed_norm",), "encoder.layer.{i}.output.LayerNorm"),
)


def _t5_half(half: str, up: str, *, cross: bool) -> tuple[Names, ...]:
    ours, theirs = f"{half}.blocks.{{i}}", f"{half}.block.{{i}}.layer"
    feed = 2 if cross else 1
    parts = (("query", "q"), ("key", "k"), ("value", "v"), ("output", "o"))
    looks = (("attention", "0.SelfAttention"), ("cross", "1.EncDecAttention"))[: 1 + cross]
    return (
        Names(
            (f"{half}.distances",), f"{half}.block.0.layer.0.SelfAttention.relative_attention_bias"
        ),
        *(
            Names((f"{ours}.{look}.{mine}",), f"{theirs}.{place}.{their}")
            for look, place in looks
            for mine, their in parts
        ),
        *(
            Names((f"{ours}.{look}_norm",), f"{theirs}.{place[0]}.layer_norm")
            for look, place in looks
        ),
        Names((f"{ours}.feed_norm",), f"{theirs}.{feed}.layer_norm"),
        Names((f"{ours}.feed.gate",), f"{theirs}.{feed}.DenseReluDense.wi_0"),
        Names((f"{ours}.feed.up",), f"{theirs}.{feed}.DenseReluDense.{up}"),
        Names((f"{ours}.feed.down",), f"{theirs}.{feed}.DenseReluDense.wo"),
        Names((f"{half}.norm",), f"{half}.final_layer_norm"),
    )


def _t5(up: str) -> tuple[Names, ...]:
    return (
        Names(("tokens",), "shared"),
        *_t5_half("encoder", up, cross=False),
        *_t5_half("decoder", up, cross=True),
        _HEAD,
    )


def _gguf(*, fused: bool) -> tuple[Names, ...]:
    """llama.cpp's names; its GPT-2 keeps Q, K and V as one layer."""
    one = (
        Names(tuple(f"{_B}.attention.{p}" for p in ("query", "key", "value")), f"{_G}.attn_qkv"),
    )
    three = (
        Names((f"{_B}.attention.query",), f"{_G}.attn_q"),
        Names((f"{_B}.attention.key",), f"{_G}.attn_k"),
        Names((f"{_B}.attention.value",), f"{_G}.attn_v"),
        Names((f"{_B}.attention.query_norm",), f"{_G}.attn_q_norm"),
        Names((f"{_B}.attention.key_norm",), f"{_G}.attn_k_norm"),
    )
    return (
        Names(("tokens",), "token_embd"),
        Names(("embedding.positions",), "position_embd"),
        *(one if fused else three),
        Names((f"{_B}.attention.output",), f"{_G}.attn_output"),
        Names((f"{_B}.attention_norm",), f"{_G}.attn_norm"),
        Names((f"{_B}.feed_norm",), f"{_G}.ffn_norm"),
        Names((f"{_B}.feed.gate",), f"{_G}.ffn_gate"),
        Names((f"{_B}.feed.up",), f"{_G}.ffn_up"),
        Names((f"{_B}.feed.down",), f"{_G}.ffn_down"),
        Names(("stack.norm",), "output_norm"),
        Names(("head",), "output"),
    )


_HUGGING_FACE = {
    "gpt2": Table(_GPT2, "transformer.", True, r"h\.\d+\.attn\.(masked_)?bias"),
    "llama": Table(_LLAMA, "model.", True, r".*rotary_emb\.inv_freq"),
    "qwen2": Table(_LLAMA, "model.", True, r".*rotary_emb\.inv_freq"),
    "qwen3": Table(_LLAMA, "model.", True, r".*rotary_emb\.inv_freq"),
    "bert": Table(_BERT, "bert.", False, r"pooler\..*|embeddings\.position_ids|cls\..*"),
    "t5": Table(_t5("wi"), "", True, r"(en|de)coder\.embed_tokens\.weight"),
    "t5-gated": Table(_t5("wi_1"), "", True, r"(en|de)coder\.embed_tokens\.weight"),
}
_GGUF = {
    family: Table(_gguf(fused=family == "gpt2"), head="output", ignored=r"rope_freqs\.weight")
    for family in ("gpt2", "llama", "qwen2", "qwen3")
}
GGUF_FAMILIES = frozenset(_GGUF)
"""Families that have a place in llama.cpp's files."""


def hugging_face(shape: ModelShape) -> Table:
    """The names in Hugging Face's files."""
    gated = shape.family == "t5" and shape.activation == "geglu"
    return _HUGGING_FACE["t5-gated" if gated else shape.family]


def gguf(shape: ModelShape) -> Table:
    """The names in llama.cpp's files.

    Raises:
        UserError: llama.cpp has no such model, or we don't write it.
    """
    if shape.family not in _GGUF:
        raise UserError("learn.gguf.family", name=shape.family, known=", ".join(_GGUF))
    return _GGUF[shape.family]


def _layers(table: Table, shape: ModelShape) -> Iterator[Names]:
    """Each layer of the whole model, block by block."""
    for names in table.names:
        if "{i}" in names.theirs or "{i}" in names.ours[0]:
            for i in range(shape.layers):
                ours = tuple(name.replace("{i}", str(i)) for name in names.ours)
                yield Names(ours, names.theirs.replace("{i}", str(i)), names.transposed)
        else:
            yield names


def layer_names(table: Table, shape: ModelShape) -> dict[str, Names]:
    """For each layer of ours, the names it goes by."""
    return {ours: names for names in _layers(table, shape) for ours in names.ours}


def from_family(
    tensors: Mapping[str, Tensor], table: Table, shape: ModelShape, wanted: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """A family's weights under our names.

    Args:
        tensors: as the file has them.
        table: the names that the file uses.
        shape: of the model.
        wanted: the model's own weights, for their names and sizes.

    Raises:
        UserError: a weight is missing, has another size than the config says, or is unknown.
    """
    given = {name.removeprefix(table.prefix): tensor for name, tensor in tensors.items()}
    found: dict[str, Tensor] = {}
    for names in _layers(table, shape):
        for kind in ("weight", "bias"):
            ours = [f"{name}.{kind}" for name in names.ours]
            if ours[0] not in wanted:
                continue
            tensor = given.pop(f"{names.theirs}.{kind}", None)
            if tensor is None:
                raise UserError("learn.weights.missing", name=f"{names.theirs}.{kind}")
            if names.transposed and kind == "weight":
                tensor = tensor.T
            sizes = [wanted[name].shape[0] for name in ours]
            whole = (sum(sizes), *wanted[ours[0]].shape[1:])
            if tensor.shape != whole:
                raise UserError(
                    "learn.weights.size",
                    name=f"{names.theirs}.{kind}",
                    found=tuple(tensor.shape),
                    wanted=whole,
                )
            found.update(zip(ours, tensor.split(sizes), strict=True))
    head = given.pop(f"{table.head}.weight", None) if shape.tied else None
    if head is not None and not torch.equal(head, found["tokens.weight"]):
        raise UserError("learn.weights.untied")
    unknown = [name for name in given if not re.fullmatch(table.ignored, name)]
    if unknown:
        raise UserError("learn.weights.unknown", name=unknown[0], count=len(unknown))
    return found


def to_family(weights: Mapping[str, Tensor], table: Table, shape: ModelShape) -> dict[str, Tensor]:
    """Our weights under the names of `table`, as other programs read them."""
    given: dict[str, Tensor] = {}
    for names in _layers(table, shape):
        prefix = table.prefix if table.writes_prefix and names is not _HEAD else ""
        for kind in ("weight", "bias"):
            if f"{names.ours[0]}.{kind}" not in weights:
                continue
            tensor = torch.cat([weights[f"{name}.{kind}"] for name in names.ours])
            if names.transposed and kind == "weight":
                tensor = tensor.T
            given[f"{prefix}{names.theirs}.{kind}"] = tensor
    return {name: tensor.contiguous() for name, tensor in given.items()}
