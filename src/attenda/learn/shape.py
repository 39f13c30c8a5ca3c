"""The shape of a Transformer: everything needed to build it, but the weights.

A pure value; it knows no PyTorch, so that commands can read and print it at no cost.
"""

import json
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, Self

from attenda.core.errors import UserError

__all__ = ["ModelShape"]

Kind = Literal["decoder", "encoder", "encoder-decoder"]
Positions = Literal["learned", "sinusoidal", "rotary", "relative"]
Norm = Literal["layer", "rms"]
Activation = Literal["gelu", "gelu_tanh", "relu", "swiglu", "geglu"]


@dataclass(frozen=True, slots=True)
class ModelShape:
    """Sizes and choices of one model."""

    family: str
    """Name in `families.py`: whose weight names its files carry."""
    kind: Kind
    vocabulary: int
    """Tokens it knows."""
    context: int
    """Longest sequence, in tokens."""
    width: int
    """Width of the stream between blocks (d_model)."""
    layers: int
    """Blocks; of an encoder-decoder, in each half."""
    heads: int
    """Query heads."""
    kv_heads: int
    """Key-value heads; fewer than `heads` is grouped-query attention."""
    head_width: int
    """Width of a head (d_k)."""
    hidden: int
    """Width inside the feed-forward layer (d_ff)."""
    positions: Positions = "rotary"
    rotary_base: float = 10_000.0
    """Theta of rotary positions."""
    norm: Norm = "rms"
    norm_eps: float = 1e-5
    norm_first: bool = True
    """Norms stand before each layer, else after it, as in 2017 and in BERT."""
    activation: Activation = "swiglu"
    bias: bool = False
    """Linear layers add a bias."""
    query_bias: bool = False
    """So do the projections to Q, K and V."""
    query_norm: bool = False
    """Queries and keys are normalised in each head (Qwen3)."""
    attention_scale: float | None = None
    """Factor of the scores; none is 1 / √head_width."""
    tied: bool = True
    """The output layer's weights are the token embeddings."""
    embedding_scale: float = 1.0
    """Factor of the token embeddings on their way in."""
    output_scale: float = 1.0
    """Factor of the stream before the output layer."""
    embedding_norm: bool = False
    """A norm stands after the embeddings, and none at the end (BERT)."""
    token_types: int = 0
    """Kinds of segments with an embedding each (BERT); ours is always the first."""
    relative_buckets: int = 32
    relative_farthest: int = 128
    dropout: float = 0.0
    """Share of values dropped after embeddings, attention and feed-forward while training."""

    def __post_init__(self) -> None:
        for size in ("vocabulary", "context", "width", "layers", "heads", "kv_heads", "hidden"):
            if getattr(self, size) < 1:
                raise UserError("learn.shape.size", name=size, value=getattr(self, size))
        if self.heads % self.kv_heads:
            raise UserError("learn.shape.groups", heads=self.heads, kv_heads=self.kv_heads)
        if self.positions == "rotary" and self.head_width % 2:
            raise UserError("learn.shape.odd_head", width=self.head_width)

    def to_json(self) -> str:
        """As JSON; `from_json` reads it back."""
        return json.dumps(asdict(self), indent=2)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what `to_json` wrote.

        Raises:
            UserError: it is not a shape, or has a key that this version doesn't know.
        """
        try:
            row: dict[str, Any] = json.loads(text)
            return cls(**row)
        except (ValueError, TypeError) as error:
            known = ", ".join(field.name for field in fields(cls))
            raise UserError("learn.shape.unreadable", problem=error, known=known) from error
