"""What every model here is made of: embeddings, feed-forward layers, blocks and stacks of them.

A stack takes whole batches of packed rows: `documents` numbers the text that each place belongs
to (-1 is padding), and no place looks into another text.

Letters of the shapes: B batch, H heads, T places, S places of the memory, W width.
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from attenda.learn.attention import Attention, KeyValueCache, Rotation, Sight, relative_buckets
from attenda.learn.shape import ModelShape

__all__ = ["Block", "BlockCache", "Cache", "Embedding", "FeedForward", "Stack"]


class FeedForward(nn.Module):
    """Two layers at each place alone, or three where a gate decides what passes."""

    def __init__(self, shape: ModelShape) -> None:
        super().__init__()
        self.activation = shape.activation
        self.gated = shape.activation in ("swiglu", "geglu")
        if self.gated:
            self.gate = nn.Linear(shape.width, shape.hidden, bias=shape.bias)
        self.up = nn.Linear(shape.width, shape.hidden, bias=shape.bias)
        self.down = nn.Linear(shape.hidden, shape.width, bias=shape.bias)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, W) to (B, T, W)."""
        if self.gated:
            return self.down(self._bend(self.gate(x)) * self.up(x))  # inside: (B, T, hidden)
        return self.down(self._bend(self.up(x)))

    def _bend(self, x: Tensor) -> Tensor:
        match self.activation:
            case "relu":
                return F.relu(x)
            case "swiglu":
                return F.silu(x)
            case "gelu":
                return F.gelu(x)
            case "gelu_tanh" | "geglu":
                return F.gelu(x, approximate="tanh")


def _norm(shape: ModelShape) -> nn.Module:
    if shape.norm == "rms":
        return nn.RMSNorm(shape.width, eps=shape.norm_eps)
    return nn.LayerNorm(shape.width, eps=shape.norm_eps)


@dataclass(slots=True)
class BlockCache:
    """What one block keeps of the tokens read so far, and of the memory."""

    own: KeyValueCache
    cross: KeyValueCache | None


@dataclass(slots=True)
class Cache:
    """What a model keeps of the tokens read so far, so that each is read once."""

    blocks: list[BlockCache]

    @property
    def length(self) -> int:
        """Tokens read so far."""
        return self.blocks[0].own.length

    def repeat(self, rows: int) -> None:
        """Go on with `rows` copies of the one row so far, which nothing was read beside."""
        for block in self.blocks:
            assert block.cross is None
            block.own.repeat(rows)


@dataclass(frozen=True, slots=True)
class _View:
    """What the blocks of a stack share: who looks where, and where each place stands."""

    own: Sight
    rotation: tuple[Tensor, Tensor] | None
    memory: Tensor | None = None  # (B, S, W)
    cross: Sight = Sight()


class Block(nn.Module):
    """Attention, cross-attention where there is a memory, feed-forward; each added to x."""

    def __init__(self, shape: ModelShape, *, cross: bool = False) -> None:
        super().__init__()
        self.norm_first = shape.norm_first
        self.attention_norm, self.attention = _norm(shape), Attention(shape)
        if cross:
            self.cross_norm, self.cross = _norm(shape), Attention(shape)
        self.feed_norm, self.feed = _norm(shape), FeedForward(shape)
        self.dropout = nn.Dropout(shape.dropout)

    def forward(self, x: Tensor, view: _View, cache: BlockCache | None = None) -> Tensor:
        """(B, T, W) to (B, T, W)."""
        own = cache.own if cache else None
        before = self.attention_norm(x) if self.norm_first else x
        x = x + self.dropout(self.attention(before, view.own, view.rotation, own))
        if not self.norm_first:
            x = self.attention_norm(x)
        if view.memory is not None:
            x = self._look_at_memory(x, view, cache.cross if cache else None)
        before = self.feed_norm(x) if self.norm_first else x
        x = x + self.dropout(self.feed(before))
        return x if self.norm_first else self.feed_norm(x)

    def _look_at_memory(self, x: Tensor, view: _View, cache: KeyValueCache | None) -> Tensor:
        before = self.cross_norm(x) if self.norm_first else x
        x = x + self.dropout(self.cross(before, view.cross, None, cache, view.memory))
        return x if self.norm_first else self.cross_norm(x)


class Embedding(nn.Module):
    """What is added to the vectors of tokens before the first block: places, types, a norm."""

    sinusoids: Tensor

    def __init__(self, shape: ModelShape) -> None:
        super().__init__()
        self.shape = shape
        if shape.positions == "learned":
            self.positions = nn.Embedding(shape.context, shape.width)
        if shape.positions == "sinusoidal":
            self.register_buffer("sinusoids", torch.empty(shape.context, shape.width), False)
            self.make_tables()
        if shape.token_types:
            self.types = nn.Embedding(shape.token_types, shape.width)
        if shape.embedding_norm:
            self.norm = _norm(shape)
        self.dropout = nn.Dropout(shape.dropout)

    def make_tables(self) -> None:
        """Fill the table of sinusoids, which no file holds."""
        if self.shape.positions == "sinusoidal":
            self.sinusoids.copy_(_sinusoids(self.shape))

    def forward(self, x: Tensor, positions: Tensor) -> Tensor:
        """Vectors of tokens (B, T, W) at positions (B, T) to (B, T, W)."""
        if self.shape.embedding_scale != 1.0:
            x = x * self.shape.embedding_scale
        if self.shape.positions == "learned":
            x = x + self.positions(positions)
        if self.shape.positions == "sinusoidal":
            x = x + self.sinusoids[positions].to(x.dtype)
        if self.shape.token_types:
            x = x + self.types.weight[0]
        if self.shape.embedding_norm:
            x = self.norm(x)
        return self.dropout(x)


def _sinusoids(shape: ModelShape) -> Tensor:
    """Vaswani et al. 2017, section 3.5: (context, W), sines in even places, cosines in odd."""
    place = torch.arange(shape.context, dtype=torch.float64)[:, None]
    rate = 10_000.0 ** (-torch.arange(0, shape.width, 2, dtype=torch.float64) / shape.width)
    waves = torch.stack([(place * rate).sin(), (place * rate).cos()], dim=-1)
    return waves.flatten(1)[:, : shape.width].float()


class Stack(nn.Module):
    """Blocks one after another, and the norm at their end."""

    def __init__(self, shape: ModelShape, *, causal: bool, cross: bool = False) -> None:
        super().__init__()
        self.shape, self.causal = shape, causal
        self.recompute = False
        """Gradient checkpointing: blocks are run again in the backward pass, to save memory."""
        self.blocks = nn.ModuleList(Block(shape, cross=cross) for _ in range(shape.layers))
        if shape.positions == "rotary":
            self.rotation = Rotation(shape)
        if shape.positions == "relative":
            self.distances = nn.Embedding(shape.relative_buckets, shape.heads)
        if shape.norm_first:
            self.norm = _norm(shape)

    def forward(
        self,
        x: Tensor,
        positions: Tensor,
        documents: Tensor | None = None,
        cache: Cache | None = None,
        memory: tuple[Tensor, Tensor | None] | None = None,
    ) -> Tensor:
        """Vectors (B, T, W) at positions (B, T) through all blocks: (B, T, W).

        Args:
            x: the vectors.
            positions: where each stands in its text.
            documents: which text each belongs to (B, S) with S = T, or S = all tokens so far
                where there is a cache; -1 is padding.
            cache: what was kept of the tokens before x.
            memory: vectors (B, S, W) to look at, and their documents.
        """
        view = self._view(x, positions, documents, cache, memory)
        for number, block in enumerate(self.blocks):
            if self.recompute and self.training:
                x = checkpoint(block, x, view, use_reentrant=False)
            else:
                x = block(x, view, cache.blocks[number] if cache else None)
        return self.norm(x) if self.shape.norm_first else x

    def compile_parts(self, device: torch.device) -> None:
        """Compile what gains by it: whole blocks, or on a CPU the feed-forward layers alone.

        Attention in slices is faster there than what the compiler makes of the fused kernel.
        """
        for block in self.blocks:
            assert isinstance(block, Block)
            (block.feed if device.type == "cpu" else block).compile()

    def _view(
        self,
        x: Tensor,
        positions: Tensor,
        documents: Tensor | None,
        cache: Cache | None,
        memory: tuple[Tensor, Tensor | None] | None,
    ) -> _View:
        rotation = self.rotation(positions) if self.shape.positions == "rotary" else None
        own = self._sight(x, positions, documents, cache.length if cache else 0)
        if memory is None:
            return _View(own, rotation)
        vectors, texts = memory
        mask = None
        if texts is not None:
            here = texts.new_zeros(x.shape[:2]) if documents is None else documents
            mask = _same_text(here[:, -x.shape[1] :], texts)
        return _View(own, rotation, vectors, Sight(mask=mask))

    def _sight(self, x: Tensor, positions: Tensor, documents: Tensor | None, before: int) -> Sight:
        """Who looks where among the tokens of one sequence, `before` of which are in a cache."""
        count, total = x.shape[1], before + x.shape[1]
        bare = documents is None and self.shape.positions != "relative"
        if bare and (count == 1 or not self.causal):
            return Sight()
        if bare and before == 0:
            return Sight(causal=True)
        places = torch.arange(total, device=x.device)
        mask = x.new_ones(1, 1, count, total, dtype=torch.bool)
        if self.causal:
            mask = (places[None, :] <= places[before:, None])[None, None]  # (1, 1, T, S)
        starts = None
        if documents is not None:
            # padding looks at padding: no place is blind, and nobody learns from it
            same = documents[:, before:, None] == documents[:, None, :]  # (B, T, S)
            mask = mask & same[:, None]  # (B, 1, T, S)
            starts = places - positions if self.causal and before == 0 else None  # (B, T)
        if self.shape.positions == "relative":
            mask = self._bias(places[before:], places, x).masked_fill(~mask, -math.inf)
        return Sight(mask=mask, starts=starts)

    def _bias(self, queries: Tensor, keys: Tensor, x: Tensor) -> Tensor:
        buckets = relative_buckets(
            queries,
            keys,
            buckets=self.shape.relative_buckets,
            farthest=self.shape.relative_farthest,
            both_ways=not self.causal,
        )  # (T, S)
        return self.distances(buckets).permute(2, 0, 1)[None].to(x.dtype)  # (1, H, T, S)


def _same_text(queries: Tensor, keys: Tensor) -> Tensor:
    """True where a query (B, T) and a key (B, S) belong to one text: (B, 1, T, S)."""
    same = queries[:, :, None] == keys[:, None, :]
    return (same & (keys >= 0)[:, None, :])[:, None]
