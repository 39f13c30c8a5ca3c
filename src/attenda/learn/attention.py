"""Attention: the formula in plain sight, and beside it the fast path that must equal it.

Attention(Q, K, V) = softmax(QKᵀ / √d_k) V                   (Vaswani et al. 2017, equation 1)
MultiHead(x)      = W_O [head_1 … head_H],  head_h = Attention(W_Q^h x, W_K^h x, W_V^h x)

Letters of the shapes: B batch, H heads, G key-value heads, T queries, S keys, D width of a head,
W width of the model. Nothing here knows tokens, losses or training.
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from attenda.learn.shape import ModelShape

__all__ = [
    "Attention",
    "KeyValueCache",
    "Rotation",
    "Sight",
    "attend",
    "attend_by_formula",
    "attend_in_slices",
    "relative_buckets",
    "rotate",
]

_WORTH_ONE_LAYER = 64
"""Places from which on one product of joined weights is faster than three."""


def attend_by_formula(
    q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None, scale: float | None = None
) -> tuple[Tensor, Tensor]:
    """softmax(QKᵀ / √d_k) V, written as it is read; the reference for `attend`.

    Args:
        q: (B, H, T, D).
        k: (B, G, S, D); each of the G heads serves H / G query heads.
        v: (B, G, S, D).
        mask: True where a query may look, or a number added to the score; broadcasts to
            (B, H, T, S). A query that may look nowhere gets zeros.
        scale: instead of 1 / √D.

    Returns:
        Output (B, H, T, D) and weights (B, H, T, S); each row of weights sums to 1, or to 0.
    """
    shared = q.shape[1] // k.shape[1]
    k = k.repeat_interleave(shared, dim=1)  # (B, H, S, D)
    v = v.repeat_interleave(shared, dim=1)  # (B, H, S, D)
    scores = q @ k.transpose(-2, -1)  # (B, H, T, S)
    scores = scores * (1 / math.sqrt(q.shape[-1]) if scale is None else scale)
    if mask is not None and mask.dtype == torch.bool:
        scores = scores.masked_fill(~mask, -math.inf)
    elif mask is not None:
        scores = scores + mask
    weights = scores.softmax(dim=-1)  # (B, H, T, S)
    blind = (scores == -math.inf).all(dim=-1, keepdim=True)
    weights = weights.masked_fill(blind, 0.0)
    return weights @ v, weights


@dataclass(frozen=True, slots=True)
class Sight:
    """Which keys a query may look at."""

    causal: bool = False
    """Only those up to its own place (and no `mask`)."""
    mask: Tensor | None = None
    """True where it may look, or a number added to the score; broadcasts to (B, H, T, S)."""
    starts: Tensor | None = None
    """(B, T), the first key that each query may look at, where `mask` is causal and S = T."""


def attend(q: Tensor, k: Tensor, v: Tensor, sight: Sight, scale: float | None = None) -> Tensor:
    """The same as the formula, by PyTorch's fused kernel or in slices: (B, H, T, D).

    Args:
        q: (B, H, T, D).
        k: (B, G, S, D).
        v: (B, G, S, D).
        sight: which keys each query may look at.
        scale: instead of 1 / √D.
    """
    if (shared := q.shape[1] // k.shape[1]) > 1:
        if q.shape[2] == 1 and (sight.mask is None or sight.mask.shape[1] == 1):
            return _attend_once(q, k, v, sight.mask, scale)
        k, v = k.repeat_interleave(shared, dim=1), v.repeat_interleave(shared, dim=1)
    if _slices_pay(q, k, sight):
        return attend_in_slices(q, k, v, sight, scale)
    return F.scaled_dot_product_attention(
        q, k, v, attn_mask=sight.mask, is_causal=sight.causal, scale=scale
    )


def _attend_once(
    q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, scale: float | None
) -> Tensor:
    """One query of each head, (B, H, 1, D): the heads of a group look as H / G queries would."""
    grouped = q.unflatten(1, (k.shape[1], -1)).squeeze(3)  # (B, G, H / G, D)
    heads = F.scaled_dot_product_attention(grouped, k, v, attn_mask=mask, scale=scale)
    return heads.flatten(1, 2).unsqueeze(2)


def _slices_pay(q: Tensor, k: Tensor, sight: Sight) -> bool:
    """On a CPU in 16 bits, the fused kernel's way back takes twice as long as slices do."""
    causal = (sight.causal or sight.starts is not None) and q.shape[2] == k.shape[2]
    slow = q.device.type == "cpu" and q.dtype == torch.bfloat16
    return causal and slow and not torch.compiler.is_compiling()


def attend_in_slices(
    q: Tensor, k: Tensor, v: Tensor, sight: Sight, scale: float | None = None, size: int = 128
) -> Tensor:
    """The formula for `size` queries at a time, with only the keys that these may look at.

    For causal attention of a sequence to itself: half of the scores are never computed, and of
    packed rows only those near the diagonal are.

    Args:
        q: (B, H, T, D).
        k: (B, H, T, D).
        v: (B, H, T, D).
        sight: causal, or a causal mask with its `starts`.
        scale: instead of 1 / √D.
        size: of a slice.
    """
    scale = 1 / math.sqrt(q.shape[-1]) if scale is None else scale
    outputs: list[Tensor] = []
    for start in range(0, q.shape[2], size):
        end = min(start + size, q.shape[2])
        first = 0 if sight.starts is None else int(sight.starts[:, start:end].min())
        scores = (q[:, :, start:end] * scale) @ k[:, :, first:end].transpose(-2, -1)
        if sight.mask is None:  # only the last keys may come after a query
            late = scores.new_ones(end - start, end - start, dtype=torch.bool).triu(1)
            scores[..., start - first :].masked_fill_(late, -math.inf)  # (B, H, slice, keys)
        elif sight.mask.dtype == torch.bool:
            scores = scores.masked_fill(~sight.mask[:, :, start:end, first:end], -math.inf)
        else:
            scores = scores + sight.mask[:, :, start:end, first:end]
        outputs.append(scores.softmax(dim=-1) @ v[:, :, first:end])
    return torch.cat(outputs, dim=2)


class Rotation(nn.Module):
    """Rotary positions (Su et al. 2021, RoFormer, equation 34), in Hugging Face's half layout.

    Holds no weights: cosines and sines are made for the whole context once.
    """

    cos: Tensor
    sin: Tensor

    def __init__(self, shape: ModelShape) -> None:
        super().__init__()
        self.shape = shape
        size = (shape.context, shape.head_width)
        self.register_buffer("cos", torch.empty(size), persistent=False)
        self.register_buffer("sin", torch.empty(size), persistent=False)
        self.make_tables()

    def make_tables(self) -> None:
        """Fill the tables, which no file holds."""
        shape = self.shape
        half = torch.arange(0, shape.head_width, 2, dtype=torch.float64) / shape.head_width
        angles = torch.outer(
            torch.arange(shape.context, dtype=torch.float64), shape.rotary_base**-half
        )
        angles = torch.cat([angles, angles], dim=-1)  # (context, D)
        self.cos.copy_(angles.cos())
        self.sin.copy_(angles.sin())

    def forward(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        """Cosines and sines of `positions` (B, T), each (B, 1, T, D)."""
        return self.cos[positions].unsqueeze(1), self.sin[positions].unsqueeze(1)


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turn each pair (x_i, x_{i + D/2}) of x (B, H, T, D) by the angle of its position."""
    exact = x.float()
    first, second = exact.chunk(2, dim=-1)  # (B, H, T, D/2) each
    turned = torch.cat([-second, first], dim=-1)  # (B, H, T, D)
    return torch.addcmul(exact * cos, turned, sin).to(x.dtype)


def relative_buckets(
    queries: Tensor, keys: Tensor, *, buckets: int, farthest: int, both_ways: bool
) -> Tensor:
    """T5's bucket of each distance (Raffel et al. 2020, section 2.1), as (T, S).

    Near distances have a bucket each; farther ones share one, by their logarithm.

    Args:
        queries: positions (T,).
        keys: positions (S,).
        buckets: how many there are.
        farthest: distances from here on share the last bucket.
        both_ways: keys after the query have buckets of their own.
    """
    distance = keys[None, :] - queries[:, None]  # (T, S)
    offset = torch.zeros_like(distance)
    if both_ways:
        buckets //= 2
        offset = (distance > 0) * buckets
        distance = distance.abs()
    else:
        distance = (-distance).clamp(min=0)
    near = buckets // 2
    ratio = (distance.clamp(min=1).float() / near).log() / math.log(farthest / near)
    far = (near + (ratio * (buckets - near)).long()).clamp(max=buckets - 1)
    return offset + torch.where(distance < near, distance, far)


class KeyValueCache:
    """Keys and values of the tokens read so far, for one attention layer.

    The room is taken at once; `length` says how much of it is filled.
    """

    def __init__(self, batch: int, room: int, shape: ModelShape, like: Tensor) -> None:
        size = (batch, shape.kv_heads, room, shape.head_width)  # (B, G, room, D)
        self.keys = torch.empty(size, dtype=like.dtype, device=like.device)
        self.values = torch.empty(size, dtype=like.dtype, device=like.device)
        self.length = 0

    def add(self, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Append k and v (B, G, T, D); returns all so far (B, G, length, D)."""
        end = self.length + k.shape[2]
        self.keys[:, :, self.length : end] = k
        self.values[:, :, self.length : end] = v
        self.length = end
        return self.held()

    def repeat(self, rows: int) -> None:
        """Go on with `rows` copies of the one row so far."""
        self.keys, self.values = (one.repeat(rows, 1, 1, 1) for one in (self.keys, self.values))

    def held(self) -> tuple[Tensor, Tensor]:
        """All keys and values so far, (B, G, length, D) each."""
        return self.keys[:, :, : self.length], self.values[:, :, : self.length]


class Attention(nn.Module):
    """Multi-head attention: of a sequence to itself, or to a memory (cross-attention)."""

    def __init__(self, shape: ModelShape) -> None:
        super().__init__()
        self.shape = shape
        inner, shared = shape.heads * shape.head_width, shape.kv_heads * shape.head_width
        self.query = nn.Linear(shape.width, inner, bias=shape.query_bias)
        self.key = nn.Linear(shape.width, shared, bias=shape.query_bias)
        self.value = nn.Linear(shape.width, shared, bias=shape.query_bias)
        self.output = nn.Linear(inner, shape.width, bias=shape.bias)
        if shape.query_norm:  # Qwen3: each head's queries and keys are normalised
            self.query_norm = nn.RMSNorm(shape.head_width, eps=shape.norm_eps)
            self.key_norm = nn.RMSNorm(shape.head_width, eps=shape.norm_eps)

    def forward(
        self,
        x: Tensor,
        sight: Sight,
        rotation: tuple[Tensor, Tensor] | None = None,
        cache: KeyValueCache | None = None,
        memory: Tensor | None = None,
    ) -> Tensor:
        """What each place of x gathers from the places it may look at.

        Args:
            x: (B, T, W).
            sight: which keys each query may look at.
            rotation: cosines and sines of the positions, for rotary models.
            cache: keys and values of the tokens before x; x's own are added to it. Those of a
                memory are added once.
            memory: (B, S, W); attend to this instead of to x.

        Returns:
            (B, T, W).
        """
        if memory is None:
            q, k, v = self.project(x, rotation)  # (B, H, T, D), (B, G, T, D) twice
            k, v = (k, v) if cache is None else cache.add(k, v)  # (B, G, S, D)
        else:
            q = self.queries(x)
            kept = cache is not None and cache.length
            k, v = cache.held() if cache and kept else self.keys_values(memory)
            k, v = cache.add(k, v) if cache and not kept else (k, v)
        heads = attend(q, k, v, sight, self.shape.attention_scale)  # (B, H, T, D)
        return self.output(heads.transpose(1, 2).flatten(2))  # (B, T, W)

    def project(
        self, x: Tensor, rotation: tuple[Tensor, Tensor] | None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Q, K and V of x (B, T, W); as one layer where that is worth putting them together."""
        layers = (self.query, self.key, self.value)
        few = x.shape[0] * x.shape[1] < _WORTH_ONE_LAYER
        if few or not all(type(layer) is nn.Linear for layer in layers):
            return self.queries(x, rotation), *self.keys_values(x, rotation)
        weight = torch.cat([layer.weight for layer in layers])  # (inner + 2 shared, W)
        bias = torch.cat([layer.bias for layer in layers]) if self.shape.query_bias else None
        sizes = [layer.out_features for layer in layers]
        q, k, v = F.linear(x, weight, bias).split(sizes, dim=-1)
        return self._queries(q, rotation), *self._keys_values(k, v, rotation)

    def queries(self, x: Tensor, rotation: tuple[Tensor, Tensor] | None = None) -> Tensor:
        """Q of x (B, T, W), by head: (B, H, T, D)."""
        return self._queries(self.query(x), rotation)

    def keys_values(
        self, x: Tensor, rotation: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, Tensor]:
        """K and V of x (B, S, W), by head: (B, G, S, D) each."""
        return self._keys_values(self.key(x), self.value(x), rotation)

    def _queries(self, q: Tensor, rotation: tuple[Tensor, Tensor] | None) -> Tensor:
        """Projected (B, T, inner) by head, normalised and turned where the shape says so."""
        q = self._heads(q)
        if self.shape.query_norm:
            q = self.query_norm(q)
        return q if rotation is None else rotate(q, *rotation)

    def _keys_values(
        self, k: Tensor, v: Tensor, rotation: tuple[Tensor, Tensor] | None
    ) -> tuple[Tensor, Tensor]:
        k, v = self._heads(k), self._heads(v)
        if self.shape.query_norm:
            k = self.key_norm(k)
        return (k if rotation is None else rotate(k, *rotation)), v

    def _heads(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (-1, self.shape.head_width)).transpose(1, 2)  # (B, H, T, D)
