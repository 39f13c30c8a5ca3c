"""Families: how GPT-2, Llama, Qwen2, Qwen3, BERT and T5 describe themselves, both ways.

A family turns Hugging Face's `config.json` into our shape and back; `weight_names.py` does the
same for its weights. `PRESETS` are sizes to start from; `vaswani` is the architecture of 2017,
which has no other maker's files.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from attenda.core.errors import UserError
from attenda.learn.shape import ModelShape

__all__ = ["FAMILIES", "PRESETS", "Family", "config_of", "preset", "shape_of"]

Config = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Family:
    """One architecture as its makers' files have it."""

    name: str
    """`model_type` in the config."""
    architecture: str
    """What the config's `architectures` says when we write one."""
    shape_of: Callable[[Config], ModelShape]
    config_of: Callable[[ModelShape], dict[str, Any]]


def _gpt2_shape(config: Config) -> ModelShape:
    width, heads = config["n_embd"], config["n_head"]
    _expect(config, "activation_function", ("gelu_new", "gelu_pytorch_tanh"), "gelu_new")
    return ModelShape(
        family="gpt2",
        kind="decoder",
        vocabulary=config["vocab_size"],
        context=config.get("n_positions") or config["n_ctx"],
        width=width,
        layers=config["n_layer"],
        heads=heads,
        kv_heads=heads,
        head_width=width // heads,
        hidden=config.get("n_inner") or 4 * width,
        positions="learned",
        norm="layer",
        norm_eps=config.get("layer_norm_epsilon", 1e-5),
        activation="gelu_tanh",
        bias=True,
        query_bias=True,
        tied=config.get("tie_word_embeddings", True),
    )


def _gpt2_config(shape: ModelShape) -> dict[str, Any]:
    return {
        "model_type": "gpt2",
        "vocab_size": shape.vocabulary,
        "n_positions": shape.context,
        "n_ctx": shape.context,
        "n_embd": shape.width,
        "n_layer": shape.layers,
        "n_head": shape.heads,
        "n_inner": shape.hidden,
        "activation_function": "gelu_new",
        "layer_norm_epsilon": shape.norm_eps,
        "tie_word_embeddings": shape.tied,
        "resid_pdrop": shape.dropout,
        "embd_pdrop": shape.dropout,
        "attn_pdrop": 0.0,
    }


def _llama_shape(config: Config) -> ModelShape:
    """Llama, Qwen2 and Qwen3 differ in two switches."""
    family = config["model_type"]
    rope = config.get("rope_parameters") or config.get("rope_scaling") or {}
    if (rope.get("rope_type") or rope.get("type") or "default") != "default":
        raise UserError("learn.family.option", option="rope_scaling", value=rope, known="none")
    _expect(config, "hidden_act", ("silu",), "silu")
    _expect(config, "use_sliding_window", (False, None), False)
    width, heads = config["hidden_size"], config["num_attention_heads"]
    bias = bool(config.get("attention_bias", False))
    if family == "llama" and (bias or config.get("mlp_bias")):
        raise UserError("learn.family.option", option="attention_bias", value=True, known="false")
    return ModelShape(
        family=family,
        kind="decoder",
        vocabulary=config["vocab_size"],
        context=config["max_position_embeddings"],
        width=width,
        layers=config["num_hidden_layers"],
        heads=heads,
        kv_heads=config.get("num_key_value_heads") or heads,
        head_width=config.get("head_dim") or width // heads,
        hidden=config["intermediate_size"],
        rotary_base=float(rope.get("rope_theta") or config.get("rope_theta") or 10_000.0),
        norm_eps=config.get("rms_norm_eps", 1e-6),
        query_bias=family == "qwen2",
        query_norm=family == "qwen3",
        tied=bool(config.get("tie_word_embeddings", False)),
    )


def _llama_config(shape: ModelShape) -> dict[str, Any]:
    return {
        "model_type": shape.family,
        "vocab_size": shape.vocabulary,
        "max_position_embeddings": shape.context,
        "hidden_size": shape.width,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.kv_heads,
        "head_dim": shape.head_width,
        "intermediate_size": shape.hidden,
        "hidden_act": "silu",
        "rms_norm_eps": shape.norm_eps,
        "rope_theta": shape.rotary_base,
        "rope_parameters": {"rope_type": "default", "rope_theta": shape.rotary_base},
        "attention_bias": False,
        "tie_word_embeddings": shape.tied,
    }


def _bert_shape(config: Config) -> ModelShape:
    _expect(config, "hidden_act", ("gelu",), "gelu")
    _expect(config, "position_embedding_type", ("absolute", None), "absolute")
    width, heads = config["hidden_size"], config["num_attention_heads"]
    return ModelShape(
        family="bert",
        kind="encoder",
        vocabulary=config["vocab_size"],
        context=config["max_position_embeddings"],
        width=width,
        layers=config["num_hidden_layers"],
        heads=heads,
        kv_heads=heads,
        head_width=width // heads,
        hidden=config["intermediate_size"],
        positions="learned",
        norm="layer",
        norm_eps=config.get("layer_norm_eps", 1e-12),
        norm_first=False,
        activation="gelu",
        bias=True,
        query_bias=True,
        embedding_norm=True,
        token_types=config.get("type_vocab_size", 2),
    )


def _bert_config(shape: ModelShape) -> dict[str, Any]:
    return {
        "model_type": "bert",
        "vocab_size": shape.vocabulary,
        "max_position_embeddings": shape.context,
        "hidden_size": shape.width,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "intermediate_size": shape.hidden,
        "hidden_act": "gelu",
        "layer_norm_eps": shape.norm_eps,
        "type_vocab_size": shape.token_types,
        "hidden_dropout_prob": shape.dropout,
        "attention_probs_dropout_prob": 0.0,
    }


def _t5_shape(config: Config) -> ModelShape:
    _expect(config, "feed_forward_proj", ("relu", "gated-gelu"), "relu")
    layers = config["num_layers"]
    _expect(config, "num_decoder_layers", (layers, None), layers)
    gated = config.get("feed_forward_proj", "relu") == "gated-gelu"
    scaled = bool(config.get("scale_decoder_outputs", config.get("tie_word_embeddings", True)))
    tied = scaled or "scale_decoder_outputs" in config  # transformers 5 ties them in any case
    return ModelShape(
        family="t5",
        kind="encoder-decoder",
        vocabulary=config["vocab_size"],
        context=config.get("n_positions", 512),
        width=config["d_model"],
        layers=layers,
        heads=config["num_heads"],
        kv_heads=config["num_heads"],
        head_width=config["d_kv"],
        hidden=config["d_ff"],
        positions="relative",
        norm_eps=config.get("layer_norm_epsilon", 1e-6),
        activation="geglu" if gated else "relu",
        attention_scale=1.0,
        tied=tied,
        output_scale=config["d_model"] ** -0.5 if scaled else 1.0,
        relative_buckets=config.get("relative_attention_num_buckets", 32),
        relative_farthest=config.get("relative_attention_max_distance", 128),
    )


def _t5_config(shape: ModelShape) -> dict[str, Any]:
    return {
        "model_type": "t5",
        "vocab_size": shape.vocabulary,
        "n_positions": shape.context,
        "d_model": shape.width,
        "num_layers": shape.layers,
        "num_decoder_layers": shape.layers,
        "num_heads": shape.heads,
        "d_kv": shape.head_width,
        "d_ff": shape.hidden,
        "layer_norm_epsilon": shape.norm_eps,
        "feed_forward_proj": "gated-gelu" if shape.activation == "geglu" else "relu",
        "tie_word_embeddings": shape.tied,
        **({"scale_decoder_outputs": shape.output_scale != 1.0} if shape.tied else {}),
        "relative_attention_num_buckets": shape.relative_buckets,
        "relative_attention_max_distance": shape.relative_farthest,
        "dropout_rate": shape.dropout,
    }


def _expect(config: Config, key: str, known: tuple[object, ...], default: object) -> None:
    """Refuse a variant of the family that we would compute wrongly."""
    if config.get(key, default) not in known:
        names = ", ".join(str(value) for value in known if value is not None)
        raise UserError("learn.family.option", option=key, value=config[key], known=names)


FAMILIES: dict[str, Family] = {
    family.name: family
    for family in (
        Family("gpt2", "GPT2LMHeadModel", _gpt2_shape, _gpt2_config),
        Family("llama", "LlamaForCausalLM", _llama_shape, _llama_config),
        Family("qwen2", "Qwen2ForCausalLM", _llama_shape, _llama_config),
        Family("qwen3", "Qwen3ForCausalLM", _llama_shape, _llama_config),
        Family("bert", "BertModel", _bert_shape, _bert_config),
        Family("t5", "T5ForConditionalGeneration", _t5_shape, _t5_config),
    )
}


def shape_of(config: Config) -> ModelShape:
    """The shape that a Hugging Face `config.json` describes.

    Raises:
        UserError: the family is unknown, a key is missing, or an option would be computed wrongly.
    """
    family = FAMILIES.get(str(config.get("model_type")))
    if family is None:
        known = ", ".join(FAMILIES)
        raise UserError("learn.family.unknown", name=config.get("model_type"), known=known)
    try:
        return family.shape_of(config)
    except KeyError as error:
        raise UserError("learn.family.key", option=error.args[0], name=family.name) from error


def config_of(shape: ModelShape) -> dict[str, Any]:
    """The `config.json` that other programs read for this shape.

    Raises:
        UserError: no other program has this family.
    """
    family = FAMILIES.get(shape.family)
    if family is None:
        raise UserError("learn.family.own", name=shape.family, known=", ".join(FAMILIES))
    return {"architectures": [family.architecture], **family.config_of(shape)}


def _gpt2(width: int, layers: int, heads: int, context: int = 512) -> ModelShape:
    config = {"n_embd": width, "n_layer": layers, "n_head": heads, "n_positions": context}
    return _gpt2_shape({**config, "vocab_size": 1})


def _llama(family: str, width: int, layers: int, heads: int, kv_heads: int) -> ModelShape:
    return _llama_shape(
        {
            "model_type": family,
            "vocab_size": 1,
            "max_position_embeddings": 512,
            "hidden_size": width,
            "num_hidden_layers": layers,
            "num_attention_heads": heads,
            "num_key_value_heads": kv_heads,
            "intermediate_size": -(-width * 8 // 3 // 64) * 64,
            "tie_word_embeddings": True,
        }
    )


def _vaswani(width: int, layers: int, heads: int) -> ModelShape:
    """The model of 2017: sinusoids, norms after each layer, ReLU, one embedding for all three."""
    return ModelShape(
        family="vaswani",
        kind="encoder-decoder",
        vocabulary=1,
        context=512,
        width=width,
        layers=layers,
        heads=heads,
        kv_heads=heads,
        head_width=width // heads,
        hidden=4 * width,
        positions="sinusoidal",
        norm="layer",
        norm_first=False,
        activation="relu",
        bias=True,
        query_bias=True,
        embedding_scale=width**0.5,
        dropout=0.1,
    )


def _bert(width: int, layers: int, heads: int) -> ModelShape:
    return _bert_shape(
        {
            "vocab_size": 1,
            "max_position_embeddings": 512,
            "hidden_size": width,
            "num_hidden_layers": layers,
            "num_attention_heads": heads,
            "intermediate_size": 4 * width,
        }
    )


PRESETS: dict[str, ModelShape] = {
    "gpt2-1m": _gpt2(128, 4, 4, 256),
    "gpt2-3m": _gpt2(192, 6, 6),
    "gpt2-10m": _gpt2(320, 7, 5),
    "gpt2-30m": _gpt2(512, 9, 8),
    "gpt2-124m": _gpt2(768, 12, 12, 1024),
    "llama-3m": _llama("llama", 192, 6, 6, 2),
    "llama-10m": _llama("llama", 320, 7, 5, 5),
    "qwen3-10m": _llama("qwen3", 320, 7, 5, 5),
    "bert-3m": _bert(192, 6, 6),
    "vaswani-3m": _vaswani(160, 4, 5),
    "vaswani-10m": _vaswani(256, 5, 8),
}
"""Sizes by name; the count is of all weights but the tokens' embeddings, roughly."""


def preset(name: str, vocabulary: int, dropout: float | None = None) -> ModelShape:
    """A preset for a vocabulary of so many tokens.

    Args:
        name: of the preset.
        vocabulary: tokens.
        dropout: none leaves the preset's own.

    Raises:
        UserError: there is no such preset.
    """
    if name not in PRESETS:
        raise UserError("learn.preset.unknown", name=name, known=", ".join(PRESETS))
    shape = replace(PRESETS[name], vocabulary=vocabulary)
    return shape if dropout is None else replace(shape, dropout=dropout)
