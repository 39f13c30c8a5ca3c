"""See inside a model: who looks at whom, what surprises it, and what it would say layer by layer.

Everything is taken from the model's own forward pass, of any of the three kinds. An encoder has
attention alone. Of an encoder-decoder the losses and guesses are those of its decoder; guesses of
the encoder's layers would mean nothing, since no output layer reads them.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from attenda.core.errors import UserError
from attenda.core.message import Message, text_message
from attenda.core.template import assistant_words
from attenda.learn.attention import Attention, Sight, attend_by_formula
from attenda.learn.blocks import Stack
from attenda.learn.pieces import Piece, pieces
from attenda.learn.sample import Sampling, generate
from attenda.learn.tokenizer import TextTokenizer
from attenda.learn.transformer import Decoder, Encoder, EncoderDecoder, Transformer

__all__ = ["MOST_TOKENS", "AttentionMap", "Guess", "View", "look"]

MOST_TOKENS = 128
"""Tokens of the longest text that is looked at: maps of more can't be read."""

_GUESSES = 5
_ANSWER = 32

MapKind = Literal["own", "cross", "reading"]


@dataclass(frozen=True, slots=True)
class Guess:
    """A token that a layer would write next."""

    piece: Piece
    share: float
    """Its probability."""


@dataclass(frozen=True, slots=True)
class AttentionMap:
    """The attention of all layers and heads of one stack."""

    kind: MapKind
    """To its own text, from an answer to what was read, or of an encoder-decoder's reading."""
    queries: tuple[Piece, ...]
    keys: tuple[Piece, ...]
    weights: Tensor
    """(L, H, T, S); each row sums to 1."""


@dataclass(frozen=True, slots=True)
class View:
    """What is seen of a model while it reads one text."""

    tokens: tuple[Piece, ...]
    """Those with losses and guesses: the text, or an encoder-decoder's answer."""
    maps: tuple[AttentionMap, ...]
    losses: tuple[float | None, ...] = ()
    """Of each token given those before it, in nats; the first has none."""
    guesses: tuple[tuple[tuple[Guess, ...], ...], ...] = ()
    """By layer and place: the likeliest next tokens, if the model ended after that layer (the
    logit lens, nostalgebraist 2020). The last layer's are the model's own."""

    @property
    def loss(self) -> float | None:
        """Mean loss in nats; none where there is nothing to be surprised by."""
        known = [one for one in self.losses if one is not None]
        return sum(known) / len(known) if known else None


@torch.inference_mode()
def look(model: Transformer, tokenizer: TextTokenizer, said: str | Sequence[Message]) -> View:
    """Let a model read a text and see what it does.

    Args:
        model: of any kind; an encoder-decoder answers first, where no answer is given.
        tokenizer: its own.
        said: a text as it stands, or a conversation, which is rendered by the model's template.

    Raises:
        UserError: there is no token, or more than `MOST_TOKENS` or than the model reads.
    """
    was_training = model.training
    model.eval()
    try:
        if isinstance(model, EncoderDecoder):
            return _look_at_both(model, tokenizer, said)
        return _look_at_one(model, tokenizer, said)
    finally:
        model.train(was_training)


def _look_at_one(
    model: Decoder | Encoder, tokenizer: TextTokenizer, said: str | Sequence[Message]
) -> View:
    ids = tokenizer.encode(said) if isinstance(said, str) else _talk(tokenizer, said)
    tokens = _row(model, ids)
    with _watched(model.stack) as seen:
        hidden = model.hidden(tokens)  # (1, T, W)
    shown = pieces(tokenizer, ids)
    maps = (AttentionMap("own", shown, shown, torch.stack(seen.own)),)
    if isinstance(model, Encoder):
        return View(shown, maps)
    return View(
        shown, maps, _losses(model, hidden, ids), _guesses(model, model.stack, tokenizer, seen)
    )


def _look_at_both(
    model: EncoderDecoder, tokenizer: TextTokenizer, said: str | Sequence[Message]
) -> View:
    talk = [text_message("user", said)] if isinstance(said, str) else list(said)
    answered = bool(talk) and talk[-1].role == "assistant"
    source = tokenizer.prompt(talk[:-1] if answered else talk)
    read = _row(model, source)
    begin = tokenizer.end_id
    if answered:
        words = assistant_words(talk[-1], tokenizer.template)
        answer = [*tokenizer.encode(words), tokenizer.stop_ids[0]]
    else:
        how = Sampling(most=min(_ANSWER, model.shape.context - 1))
        (answer,) = generate(model, [source], tokenizer.stop_ids, how, begin)
    ids = [begin, *answer]
    tokens = _row(model, ids)
    with _watched(model.encoder) as reading:
        memory = model.read(read)  # (1, S, W)
    with _watched(model.decoder) as seen:
        hidden = model.hidden(tokens, (memory, None))  # (1, T, W)
    shown, asked = pieces(tokenizer, ids), pieces(tokenizer, source)
    maps = (
        AttentionMap("cross", shown, asked, torch.stack(seen.cross)),
        AttentionMap("own", shown, shown, torch.stack(seen.own)),
        AttentionMap("reading", asked, asked, torch.stack(reading.own)),
    )
    guesses = _guesses(model, model.decoder, tokenizer, seen)
    return View(shown, maps, _losses(model, hidden, ids), guesses)


def _talk(tokenizer: TextTokenizer, talk: Sequence[Message]) -> Sequence[int]:
    answered = bool(talk) and talk[-1].role == "assistant"
    return tokenizer.row(talk).ids if answered else tokenizer.prompt(talk)


def _row(model: Transformer, ids: Sequence[int]) -> Tensor:
    """Ids as (1, T)."""
    limit = min(MOST_TOKENS, model.shape.context)
    if not ids:
        raise UserError("learn.lens.empty")
    if len(ids) > limit:
        raise UserError("learn.lens.long", tokens=len(ids), limit=limit)
    return torch.tensor([list(ids)], device=model.tokens.weight.device)


class _Seen:
    """What went through a stack."""

    def __init__(self) -> None:
        self.own: list[Tensor] = []  # (H, T, T) a layer
        self.cross: list[Tensor] = []  # (H, T, S) a layer
        self.outputs: list[Tensor] = []  # (1, T, W) a layer


@contextmanager
def _watched(stack: Stack) -> Iterator[_Seen]:
    """See each layer of a stack while the model computes; its results stay as they are."""
    seen = _Seen()
    hooks = []
    for block in stack.blocks:
        hooks.append(block.register_forward_hook(lambda _, __, x: seen.outputs.append(x)))
        for name, into in (("attention", seen.own), ("cross", seen.cross)):
            if hasattr(block, name):
                hooks.append(block.get_submodule(name).register_forward_hook(_weigh(into)))
    try:
        yield seen
    finally:
        for hook in hooks:
            hook.remove()


def _weigh(into: list[Tensor]) -> Callable[[nn.Module, tuple[Any, ...], Tensor], None]:
    """A hook that computes an attention's weights again, by the formula."""

    def after(module: nn.Module, given: tuple[Any, ...], output: Tensor) -> None:
        assert isinstance(module, Attention)
        x, sight, rotation, _cache, memory = (*given, None)[:5]
        q = module.queries(x, rotation)  # (1, H, T, D)
        k, v = module.keys_values(x if memory is None else memory, rotation)  # (1, G, S, D)
        mask = _mask(sight, q.shape[2], q.device)
        weights = attend_by_formula(q, k, v, mask, module.shape.attention_scale)[1]
        into.append(weights[0].cpu())  # (H, T, S)

    return after


def _mask(sight: Sight, count: int, device: torch.device) -> Tensor | None:
    if sight.causal:
        return torch.ones(count, count, dtype=torch.bool, device=device).tril()
    return sight.mask


def _losses(
    model: Decoder | EncoderDecoder, hidden: Tensor, ids: Sequence[int]
) -> tuple[float | None, ...]:
    logits = model.logits(hidden[0, :-1]).float()  # (T - 1, V)
    targets = torch.tensor(ids[1:], device=logits.device)
    return (None, *F.cross_entropy(logits, targets, reduction="none").tolist())


def _guesses(
    model: Decoder | EncoderDecoder, stack: Stack, tokenizer: TextTokenizer, seen: _Seen
) -> tuple[tuple[tuple[Guess, ...], ...], ...]:
    layers = []
    for output in seen.outputs:
        hidden = stack.norm(output) if stack.shape.norm_first else output  # (1, T, W)
        shares = model.logits(hidden)[0].float().softmax(-1)  # (T, V)
        best = shares.topk(min(_GUESSES, shares.shape[-1]))
        rows = zip(best.indices.tolist(), best.values.tolist(), strict=True)
        layers.append(tuple(_named(tokenizer, ids, values) for ids, values in rows))
    return tuple(layers)


def _named(
    tokenizer: TextTokenizer, ids: Sequence[int], shares: Sequence[float]
) -> tuple[Guess, ...]:
    return tuple(
        Guess(pieces(tokenizer, [number])[0], share)
        for number, share in zip(ids, shares, strict=True)
    )
