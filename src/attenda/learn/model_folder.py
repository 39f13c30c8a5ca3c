"""A model's folder in Hugging Face's shape: `config.json`, `model.safetensors`, a tokenizer.

Read and written, by ours and by other programs alike. Weights are data: a folder that holds
pickled weights alone is refused, and no code of it ever runs.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from attenda.core.errors import UserError
from attenda.core.jinja import jinja_template
from attenda.core.template import (
    TEMPLATES,
    ChatTemplate,
    template_hash,
    template_in,
)
from attenda.learn.families import FAMILIES, config_of, shape_of
from attenda.learn.shape import ModelShape
from attenda.learn.tokenizer import TextTokenizer, load_tokenizer
from attenda.learn.transformer import Transformer, build
from attenda.learn.weight_names import from_family, hugging_face, to_family

__all__ = ["load_weights", "read_folder", "read_tensors", "read_tokenizer", "write_folder"]

_SHAPE = "attenda.json"
"""Our own shape and the template's name and hash, beside the config for others."""


def read_folder(folder: Path) -> Transformer:
    """The model in a folder, in fp32.

    Raises:
        UserError: a file is missing, damaged, pickled, or of an unknown family.
    """
    shape = _read_shape(folder)
    model = build(shape, seed=None)
    tensors = read_tensors(folder)
    if shape.family in FAMILIES:
        tensors = from_family(tensors, hugging_face(shape), shape, model.state_dict())
    load_weights(model, tensors)
    return model


def load_weights(model: torch.nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Make `tensors`, under our names, the weights of `model`; they aren't kept twice.

    Raises:
        UserError: one is missing, too many, or of another size.
    """
    wanted = model.state_dict()
    for name, tensor in wanted.items():
        if name not in tensors:
            raise UserError("learn.weights.missing", name=name)
        if tensor.shape != tensors[name].shape:
            found = tuple(tensors[name].shape)
            raise UserError(
                "learn.weights.size", name=name, found=found, wanted=tuple(tensor.shape)
            )
    if extra := [name for name in tensors if name not in wanted]:
        raise UserError("learn.weights.unknown", name=extra[0], count=len(extra))
    model.load_state_dict({name: _own(tensor) for name, tensor in tensors.items()}, assign=True)


def _own(tensor: Tensor) -> Tensor:
    """In 32 bits and in memory of its own, neither a file's nor a larger tensor's."""
    tensor = tensor.float()
    alone = tensor.is_contiguous() and tensor.untyped_storage().nbytes() == tensor.nbytes
    return tensor if alone else tensor.clone(memory_format=torch.contiguous_format)


def read_tensors(folder: Path) -> dict[str, Tensor]:
    """All weights of a folder under the names its files use, in one file or in several.

    Raises:
        UserError: there are none, they are pickled, or a file is damaged.
    """
    index = folder / "model.safetensors.index.json"
    names = ["model.safetensors"]
    if index.exists():
        names = sorted(set(_read_json(index).get("weight_map", {}).values()))
    if bad := [name for name in names if Path(name).name != name]:
        raise UserError("learn.folder.damaged", path=index, problem=bad[0])
    found: dict[str, Tensor] = {}
    for name in names:
        if not (folder / name).exists():
            pickled = next(iter([*folder.glob("*.bin"), *folder.glob("*.pt*")]), None)
            key = "learn.folder.pickled" if pickled else "file.missing"
            raise UserError(key, path=pickled or folder / name)
        try:
            found |= load_file(folder / name)
        except (SafetensorError, OSError, ValueError) as error:
            raise UserError("learn.folder.damaged", path=folder / name, problem=error) from error
    return found


def read_tokenizer(folder: Path, template: str = "") -> TextTokenizer:
    """The tokenizer of a folder, with its chat template.

    Args:
        folder: of the model.
        template: name of a listed one; none takes what the folder says.

    Raises:
        UserError: the template is none of ours, or not the one the model learned with.
    """
    return load_tokenizer(folder, _template_of(folder, template))


def write_folder(folder: Path, model: Transformer, tokenizer: TextTokenizer | None) -> None:
    """Write weights, config and tokenizer, for our programs and others.

    Args:
        folder: made if it is not there.
        model: its weights are written in their own type.
        tokenizer: none where the model has none.
    """
    folder.mkdir(parents=True, exist_ok=True)
    shape = model.shape
    weights = {name: tensor.detach().cpu() for name, tensor in model.state_dict().items()}
    note: dict[str, Any] = {"shape": json.loads(shape.to_json())}
    if shape.family in FAMILIES:
        weights = to_family(weights, hugging_face(shape), shape)
        _write_json(folder / "config.json", _config(model, tokenizer))
    if tokenizer is not None:
        template = tokenizer.template
        note["template"] = {"name": template.name, "sha256": template_hash(template)}
        (folder / "tokenizer.json").write_text(tokenizer.to_json(), "utf-8")
        _write_json(folder / "tokenizer_config.json", _tokenizer_config(tokenizer, shape))
        _write_json(folder / "generation_config.json", {"eos_token_id": list(tokenizer.stop_ids)})
    _write_json(folder / _SHAPE, note)
    scratch = folder / ".model.safetensors.new"
    save_file({n: t.contiguous() for n, t in weights.items()}, scratch, metadata={"format": "pt"})
    os.replace(scratch, folder / "model.safetensors")


def _config(model: Transformer, tokenizer: TextTokenizer | None) -> dict[str, Any]:
    kind = next(model.parameters()).dtype
    config = {**config_of(model.shape), "dtype": str(kind).removeprefix("torch.")}
    if tokenizer is not None:
        config["eos_token_id"] = tokenizer.stop_ids[0]
    return config


def _tokenizer_config(tokenizer: TextTokenizer, shape: ModelShape) -> dict[str, Any]:
    pad = tokenizer.inner.token_to_id("<|pad|>")
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "chat_template": jinja_template(tokenizer.template),
        "eos_token": tokenizer.template.stop[0],
        "pad_token": "<|pad|>" if pad is not None else None,
        "model_max_length": shape.context,
        "clean_up_tokenization_spaces": False,
    }


def _read_shape(folder: Path) -> ModelShape:
    if (folder / "config.json").exists():
        return shape_of(_read_json(folder / "config.json"))
    if (folder / _SHAPE).exists():
        return ModelShape.from_json(json.dumps(_read_json(folder / _SHAPE).get("shape")))
    raise UserError("file.missing", path=folder / "config.json")


def _template_of(folder: Path, wanted: str) -> ChatTemplate:
    note = _read_json(folder / _SHAPE) if (folder / _SHAPE).exists() else {}
    learned = note.get("template") or {}
    name = wanted or str(learned.get("name", "")) or _foreign_template(folder)
    if name not in TEMPLATES:
        raise UserError("learn.template.unknown", name=name or folder, known=", ".join(TEMPLATES))
    template = TEMPLATES[name]
    if learned and learned.get("sha256") != template_hash(template):
        raise UserError("learn.template.changed", name=name, learned=learned.get("name"))
    return template


def _foreign_template(folder: Path) -> str:
    """The listed template that another program's folder belongs to, or nothing."""
    separate = folder / "chat_template.jinja"
    config = folder / "tokenizer_config.json"
    text = separate.read_text("utf-8") if separate.exists() else ""
    if not text and config.exists():
        text = str(_read_json(config).get("chat_template") or "")
    if not text:
        return "gpt2" if (folder / "merges.txt").exists() else ""
    found = template_in(text)
    return found.name if found else ""


def _read_json(path: Path) -> dict[str, Any]:
    try:
        row = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise UserError("learn.folder.damaged", path=path, problem=error) from error
    if not isinstance(row, dict):
        raise UserError("learn.folder.damaged", path=path, problem="not an object")
    return row


def _write_json(path: Path, row: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(row, indent=2, ensure_ascii=False) + "\n", "utf-8")
