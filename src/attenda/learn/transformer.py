"""The Transformer in its three forms, all made of the same blocks.

`Decoder` writes on (GPT-2, Llama, Qwen), `Encoder` reads (BERT, MiniLM), `EncoderDecoder` reads
one text and writes another (Vaswani et al. 2017, T5). They take whole batches of packed rows and
know nothing of losses, files or text.

Letters of the shapes: B batch, T places, S places of the memory, W width, V vocabulary.
"""

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from attenda.learn.attention import KeyValueCache
from attenda.learn.blocks import BlockCache, Cache, Embedding, Stack
from attenda.learn.shape import ModelShape

__all__ = ["Decoder", "Encoder", "EncoderDecoder", "Transformer", "build", "fast_type"]


def _places(tokens: Tensor, before: int = 0) -> Tensor:
    """Positions (B, T) of tokens that follow `before` others."""
    return torch.arange(before, before + tokens.shape[1], device=tokens.device).expand(tokens.shape)


class _Model(nn.Module):
    """The output layer, which is the token embeddings again unless the shape says otherwise."""

    def __init__(self, shape: ModelShape) -> None:
        super().__init__()
        self.shape = shape
        self.tokens = nn.Embedding(shape.vocabulary, shape.width)
        if not shape.tied:
            self.head = nn.Linear(shape.width, shape.vocabulary, bias=False)

    @property
    def output_weight(self) -> Tensor:
        """The output layer's weights (V, W)."""
        return self.tokens.weight if self.shape.tied else self.head.weight

    def stacks(self) -> list[Stack]:
        """Its stacks of blocks."""
        return [part for part in self.children() if isinstance(part, Stack)]

    def logits(self, hidden: Tensor) -> Tensor:
        """Vectors (..., W) to scores of each token (..., V)."""
        if self.shape.output_scale != 1.0:
            hidden = hidden * self.shape.output_scale
        return F.linear(hidden, self.output_weight)


class Decoder(_Model):
    """Reads a text and says, at each place, how likely each token is to come next."""

    def __init__(self, shape: ModelShape) -> None:
        super().__init__(shape)
        self.embedding = Embedding(shape)
        self.stack = Stack(shape, causal=True)

    def hidden(
        self,
        tokens: Tensor,
        *,
        positions: Tensor | None = None,
        documents: Tensor | None = None,
        cache: Cache | None = None,
    ) -> Tensor:
        """Tokens (B, T) to the vectors (B, T, W) that `logits` reads.

        Args:
            tokens: ids.
            positions: where each stands in its text; none counts from the row's start.
            documents: as in `Stack.forward`.
            cache: what was kept of the tokens before these.
        """
        if positions is None:
            positions = _places(tokens, cache.length if cache else 0)
        return self.stack(
            self.embedding(self.tokens(tokens), positions), positions, documents, cache
        )

    def forward(self, tokens: Tensor, **where: Tensor | Cache | None) -> Tensor:
        """Tokens (B, T) to logits (B, T, V); the rest as in `hidden`."""
        return self.logits(self.hidden(tokens, **where))  # type: ignore[arg-type]

    def new_cache(self, batch: int, room: int) -> Cache:
        """An empty cache for `batch` rows of at most `room` tokens."""
        like, shape = self.tokens.weight, self.shape
        return Cache(
            [BlockCache(KeyValueCache(batch, room, shape, like), None) for _ in self.stack.blocks]
        )


class Encoder(_Model):
    """Reads a text whole, each place looking both ways; gives a vector for each place."""

    def __init__(self, shape: ModelShape) -> None:
        super().__init__(shape)
        self.embedding = Embedding(shape)
        self.stack = Stack(shape, causal=False)

    def hidden(
        self, tokens: Tensor, *, positions: Tensor | None = None, documents: Tensor | None = None
    ) -> Tensor:
        """Tokens (B, T) to vectors (B, T, W)."""
        positions = _places(tokens) if positions is None else positions
        return self.stack(self.embedding(self.tokens(tokens), positions), positions, documents)

    def forward(self, tokens: Tensor, documents: Tensor | None = None) -> Tensor:
        """Tokens (B, T) to vectors (B, T, W); -1 in `documents` is padding."""
        return self.hidden(tokens, documents=documents)

    def sentences(self, tokens: Tensor, documents: Tensor) -> Tensor:
        """Each row as one vector of length 1, (B, W): the mean over its places but padding."""
        vectors = self.hidden(tokens, documents=documents)  # (B, T, W)
        real = (documents >= 0).unsqueeze(-1).to(vectors.dtype)  # (B, T, 1)
        mean = (vectors * real).sum(1) / real.sum(1).clamp(min=1)
        return F.normalize(mean.float(), dim=-1)


class EncoderDecoder(_Model):
    """Reads one text whole and writes another, looking at what it read (Vaswani et al. 2017)."""

    def __init__(self, shape: ModelShape) -> None:
        super().__init__(shape)
        self.reading, self.writing = Embedding(shape), Embedding(shape)
        self.encoder = Stack(shape, causal=False)
        self.decoder = Stack(shape, causal=True, cross=True)

    def read(
        self, source: Tensor, *, positions: Tensor | None = None, documents: Tensor | None = None
    ) -> Tensor:
        """The text to answer, (B, S), as the memory (B, S, W)."""
        positions = _places(source) if positions is None else positions
        return self.encoder(self.reading(self.tokens(source), positions), positions, documents)

    def hidden(
        self,
        tokens: Tensor,
        memory: tuple[Tensor, Tensor | None],
        *,
        positions: Tensor | None = None,
        documents: Tensor | None = None,
        cache: Cache | None = None,
    ) -> Tensor:
        """Tokens (B, T) of the answer so far to the vectors (B, T, W) that `logits` reads.

        Args:
            tokens: ids.
            memory: what `read` gave, and the documents it was given.
            positions: where each stands in its text; none counts from the row's start.
            documents: as in `Stack.forward`.
            cache: what was kept of the tokens before these.
        """
        if positions is None:
            positions = _places(tokens, cache.length if cache else 0)
        x = self.writing(self.tokens(tokens), positions)  # (B, T, W)
        return self.decoder(x, positions, documents, cache, memory)

    def forward(
        self, source: Tensor, tokens: Tensor, source_documents: Tensor | None = None
    ) -> Tensor:
        """Source (B, S) and answer so far (B, T) to logits (B, T, V)."""
        memory = self.read(source, documents=source_documents)
        return self.logits(self.hidden(tokens, (memory, source_documents)))

    def new_cache(self, batch: int, room: int, source: int) -> Cache:
        """An empty cache for `batch` rows of at most `room` tokens, read from `source` tokens."""
        like, shape = self.tokens.weight, self.shape
        return Cache(
            [
                BlockCache(
                    KeyValueCache(batch, room, shape, like),
                    KeyValueCache(batch, source, shape, like),
                )
                for _ in self.decoder.blocks
            ]
        )


Transformer = Decoder | Encoder | EncoderDecoder


def build(shape: ModelShape, seed: int | None = 0) -> Transformer:
    """A model of `shape` with weights drawn as GPT-2 draws them, the same for the same seed.

    Args:
        shape: sizes and choices.
        seed: none leaves the weights undrawn, to be loaded.
    """
    kinds: dict[str, type[Transformer]] = {
        "decoder": Decoder,
        "encoder": Encoder,
        "encoder-decoder": EncoderDecoder,
    }
    with _Undrawn():
        model = kinds[shape.kind](shape)
    if seed is None:
        return model
    _draw(model, shape, torch.Generator().manual_seed(seed))
    return model


class _Undrawn(TorchFunctionMode):
    """Weights without values, which cost neither time nor, until they are written, memory.

    The device `meta` would do as much, but loads PyTorch's compiler: seconds for each command.
    """

    def __torch_function__(
        self, function: Any, types: Any, arguments: Any = (), named: Any = None
    ) -> Any:
        """Leave a weight as it is where it would be drawn."""
        if getattr(function, "__module__", "") == "torch.nn.init":
            return named["tensor"] if named and "tensor" in named else arguments[0]
        return function(*arguments, **(named or {}))


def _draw(model: nn.Module, shape: ModelShape, chance: torch.Generator) -> None:
    """Normal weights of deviation 0.02, smaller where a layer adds to the stream (GPT-2)."""
    smaller = 0.02 / math.sqrt(2 * shape.layers)
    for name, weight in model.named_parameters():
        if name.endswith("bias"):
            nn.init.zeros_(weight)
        elif weight.ndim == 1:
            nn.init.ones_(weight)  # norms
        else:
            deviation = smaller if name.endswith(("output.weight", "down.weight")) else 0.02
            nn.init.normal_(weight, std=deviation, generator=chance)


def fast_type(device: str) -> torch.dtype:
    """16 bits where the processor multiplies them itself; elsewhere they are slower than 32."""
    if device.startswith("cuda"):
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float32
    able = torch.cpu.get_capabilities()
    return torch.bfloat16 if able.get("avx512_bf16") or able.get("amx_bf16") else torch.float32
