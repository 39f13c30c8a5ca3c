"""A model as one GGUF file, which the engines serve: written, quantized and read back.

The tensors, the tokenizer and the chat template are in the file; no compiler and no other
program is needed. Llama's queries and keys are kept in llama.cpp's order of rows there.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from gguf import GGMLQuantizationType, GGUFReader, GGUFWriter
from gguf.quants import dequantize, quantize
from numpy.typing import NDArray
from torch import Tensor

from attenda.core.errors import OperatorError, UserError
from attenda.core.template import TEMPLATES, template_hash, template_in
from attenda.learn import weight_names
from attenda.learn.families import shape_of
from attenda.learn.gguf_tokenizer import read_gguf_tokenizer, write_gguf_tokenizer
from attenda.learn.lora import lora_layers
from attenda.learn.model_folder import load_weights
from attenda.learn.shape import ModelShape
from attenda.learn.tokenizer import TextTokenizer
from attenda.learn.transformer import Transformer, build

__all__ = [
    "QUANTIZATIONS",
    "Quantization",
    "interleave_rows",
    "people_in",
    "read_gguf",
    "write_gguf",
    "write_gguf_adapter",
]

Quantization = Literal["f16", "q8_0", "q4_0"]
_TYPES = {
    "f16": GGMLQuantizationType.F16,
    "q8_0": GGMLQuantizationType.Q8_0,
    "q4_0": GGMLQuantizationType.Q4_0,
}
QUANTIZATIONS = tuple(_TYPES)
"""Ways to keep a weight, by name."""
_FILE_TYPES = {"f16": 1, "q8_0": 7, "q4_0": 2}
_PEOPLE = "attenda.people"
_BLOCK = 32
"""Weights that share a scale; a row that is no multiple of it stays in 16 bits."""


def write_gguf(
    path: Path,
    model: Transformer,
    tokenizer: TextTokenizer,
    kind: Quantization,
    name: str,
    people: Sequence[str] = (),
) -> None:
    """Write `model` with its tokenizer and chat template; the file appears whole or not at all.

    Args:
        path: of the file.
        model: a decoder of a family that llama.cpp knows.
        tokenizer: its tokenizer, with the chat template.
        kind: 16 bits, or 8 or 4 bits with a scale for each 32 weights.
        name: what the file calls the model.
        people: marks of those whose conversations it learned from.

    Raises:
        UserError: the family or the tokenizer has no place in a GGUF file.
    """
    table = weight_names.gguf(model.shape)
    with _written_whole(path, model.shape.family) as writer:
        writer.add_name(name)
        writer.add_file_type(_FILE_TYPES[kind])
        writer.add_quantization_version(2)
        if people:
            writer.add_string(_PEOPLE, ",".join(people))
        _write_shape(writer, model.shape)
        write_gguf_tokenizer(writer, tokenizer, model.shape.vocabulary)
        weights = {key: tensor.detach().float().cpu() for key, tensor in model.state_dict().items()}
        for key, tensor in weight_names.to_family(weights, table, model.shape).items():
            _add_tensor(writer, key, _rows_for_llama(key, tensor, model.shape), kind)


@contextmanager
def _written_whole(path: Path, architecture: str) -> Iterator[GGUFWriter]:
    """A writer whose file gets its name when the block ends well, and else is gone."""
    scratch = path.with_name(f".{path.name}.new")
    writer = GGUFWriter(scratch, architecture)
    try:
        yield writer
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        os.replace(scratch, path)
    except OSError as error:
        raise OperatorError("learn.gguf.unwritten", path=path, problem=error) from error
    finally:
        writer.close()
        scratch.unlink(missing_ok=True)


def people_in(path: Path) -> list[str]:
    """Marks of those whose conversations a file's model learned from, where it says so.

    Raises:
        UserError: the file is damaged.
    """
    field = _reader(path).fields.get(_PEOPLE)
    return [] if field is None else str(field.contents()).split(",")


def _reader(path: Path) -> GGUFReader:
    try:
        return GGUFReader(path)
    except (OSError, ValueError, IndexError, KeyError) as error:
        raise UserError("learn.folder.damaged", path=path, problem=error) from error


def read_gguf(path: Path, template: str = "") -> tuple[Transformer, TextTokenizer]:
    """The model and the tokenizer of a file; quantized weights come back as fp32.

    Args:
        path: of the file.
        template: name of a listed one; none takes what the file says.

    Raises:
        UserError: the file is damaged, or its architecture, tokenizer or template is unknown.
    """
    reader = _reader(path)
    fields = {name: field.contents() for name, field in reader.fields.items()}
    held = {tensor.name for tensor in reader.tensors}
    shape = _read_shape(fields, tied="output.weight" not in held)
    tokenizer = TextTokenizer(read_gguf_tokenizer(fields), _template(fields, template, path))
    model = build(shape, seed=None)
    tensors: dict[str, Tensor] = {}
    for tensor in reader.tensors:
        values = np.require(dequantize(tensor.data, tensor.tensor_type), np.float32, "W")
        tensors[tensor.name] = _rows_from_llama(tensor.name, torch.from_numpy(values), shape)
    table = weight_names.gguf(shape)
    load_weights(model, weight_names.from_family(tensors, table, shape, model.state_dict()))
    return model, tokenizer


def interleave_rows(tensor: Tensor, heads: int) -> Tensor:
    """Rows of a projection from Hugging Face's order (halves of a head) to llama.cpp's (pairs)."""
    half = tensor.shape[0] // heads // 2
    return tensor.unflatten(0, (heads, 2, half)).transpose(1, 2).flatten(0, 2)


def _halve_rows(tensor: Tensor, heads: int) -> Tensor:
    """The way back from `interleave_rows`."""
    half = tensor.shape[0] // heads // 2
    return tensor.unflatten(0, (heads, half, 2)).transpose(1, 2).flatten(0, 2)


def _heads_of(name: str, shape: ModelShape) -> int:
    """How many heads a projection has whose rows llama.cpp keeps in another order; else 0."""
    if shape.family != "llama":
        return 0
    if name.endswith("attn_q.weight"):
        return shape.heads
    return shape.kv_heads if name.endswith("attn_k.weight") else 0


def _rows_for_llama(name: str, tensor: Tensor, shape: ModelShape) -> Tensor:
    heads = _heads_of(name, shape)
    return interleave_rows(tensor, heads) if heads else tensor


def _rows_from_llama(name: str, tensor: Tensor, shape: ModelShape) -> Tensor:
    heads = _heads_of(name, shape)
    return _halve_rows(tensor, heads) if heads else tensor


def _add_tensor(writer: GGUFWriter, name: str, tensor: Tensor, kind: Quantization) -> None:
    values: NDArray[Any] = tensor.contiguous().numpy()
    if values.ndim == 1 or name == "position_embd.weight":
        writer.add_tensor(name, values)
        return
    chosen = _TYPES[kind] if values.shape[-1] % _BLOCK == 0 else GGMLQuantizationType.F16
    writer.add_tensor(name, quantize(values, chosen), raw_dtype=chosen)


def _write_shape(writer: GGUFWriter, shape: ModelShape) -> None:
    writer.add_vocab_size(shape.vocabulary)
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.hidden)
    writer.add_head_count(shape.heads)
    if shape.norm == "layer":
        writer.add_layer_norm_eps(shape.norm_eps)
        return
    writer.add_head_count_kv(shape.kv_heads)
    writer.add_layer_norm_rms_eps(shape.norm_eps)
    writer.add_rope_freq_base(shape.rotary_base)
    writer.add_rope_dimension_count(shape.head_width)
    writer.add_key_length(shape.head_width)
    writer.add_value_length(shape.head_width)


def _read_shape(fields: Mapping[str, Any], *, tied: bool) -> ModelShape:
    """The shape by way of the family's own config, so that both kinds of file agree."""
    family = str(fields.get("general.architecture"))

    def field(name: str, default: Any = None) -> Any:
        value = fields.get(f"{family}.{name}", default)
        if value is None:
            raise UserError("learn.family.key", option=f"{family}.{name}", name="GGUF")
        return value

    if f"{family}.rope.scaling.type" in fields and field("rope.scaling.type") != "none":
        value = field("rope.scaling.type")
        raise UserError("learn.family.option", option="rope.scaling", value=value, known="none")
    vocabulary = len(fields.get("tokenizer.ggml.tokens", ()))
    if family == "gpt2":
        return shape_of(
            {
                "model_type": family,
                "vocab_size": vocabulary,
                "n_positions": field("context_length"),
                "n_embd": field("embedding_length"),
                "n_layer": field("block_count"),
                "n_head": field("attention.head_count"),
                "n_inner": field("feed_forward_length"),
                "layer_norm_epsilon": field("attention.layer_norm_epsilon"),
                "tie_word_embeddings": tied,
            }
        )
    heads, width = field("attention.head_count"), field("embedding_length")
    return shape_of(
        {
            "model_type": family,
            "vocab_size": vocabulary,
            "max_position_embeddings": field("context_length"),
            "hidden_size": width,
            "num_hidden_layers": field("block_count"),
            "num_attention_heads": heads,
            "num_key_value_heads": field("attention.head_count_kv", heads),
            "head_dim": field("attention.key_length", width // heads),
            "intermediate_size": field("feed_forward_length"),
            "rms_norm_eps": field("attention.layer_norm_rms_epsilon"),
            "rope_theta": field("rope.freq_base", 10_000.0),
            "tie_word_embeddings": tied,
        }
    )


def _template(fields: Mapping[str, Any], wanted: str, path: Path) -> Any:
    known = ", ".join(TEMPLATES)
    name = wanted or str(fields.get("attenda.template.name", ""))
    if not name:
        found = template_in(str(fields.get("tokenizer.chat_template", "")))
        name = found.name if found else ""
    if name not in TEMPLATES:
        raise UserError("learn.template.unknown", name=name or path, known=known)
    learned = fields.get("attenda.template.sha256")
    if learned and not wanted and learned != template_hash(TEMPLATES[name]):
        raise UserError("learn.template.changed", name=name)
    return TEMPLATES[name]


def write_gguf_adapter(path: Path, model: Transformer, name: str) -> None:
    """Write the detours of `model` as an adapter that llama.cpp lays over the base's GGUF file.

    Args:
        path: of the file; it appears whole or not at all.
        model: with detours.
        name: what the file calls the adapter.

    Raises:
        UserError: the family has no place in a GGUF file, or a layer is fused with others there.
    """
    shape = model.shape
    names = weight_names.layer_names(weight_names.gguf(shape), shape)
    with _written_whole(path, shape.family) as writer:
        writer.add_type("adapter")
        writer.add_name(name)
        writer.add_string("adapter.type", "lora")
        alpha = 0.0
        for place, layer in lora_layers(model):
            if len(names[place].ours) > 1:
                raise UserError("learn.lora.fused", name=names[place].theirs)
            key = f"{names[place].theirs}.weight"
            a, b = layer.a.detach().float().cpu(), layer.b.detach().float().cpu()
            alpha = layer.scale * a.shape[0]
            writer.add_tensor(f"{key}.lora_a", a.contiguous().numpy())
            writer.add_tensor(f"{key}.lora_b", _rows_for_llama(key, b, shape).contiguous().numpy())
        writer.add_float32("adapter.lora.alpha", alpha)
