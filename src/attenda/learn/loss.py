"""Losses, each a sum over what is learned, so that batches of any cut add up to the same.

`Objective`s hold the model and turn a batch into one number; the trainer knows only that. The
output layer and its cross-entropy are computed together in slices: all logits at once would take
more memory than the rest of a small model.

Letters of the shapes: B batch, T places, N learned places, W width, V vocabulary.
"""

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from attenda.learn.batches import Batch
from attenda.learn.transformer import Decoder, Encoder, EncoderDecoder, Transformer

__all__ = [
    "Answer",
    "LearnedTokens",
    "PairBatch",
    "Preference",
    "answer_log_probability",
    "head_loss",
]

_SLICE = 1024
"""Places whose logits are held at once."""


class _HeadLoss(torch.autograd.Function):
    """Σ −log softmax(h Wᵀ)[target]; the gradient is made on the way, slice by slice.

    For one place with p = softmax(h Wᵀ): ∂/∂logits = p − onehot(target).
    """

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, weight: Tensor, targets: Tensor) -> Tensor:
        """Hidden (N, W), weight (V, W), targets (N,) to the sum of their losses."""
        total = hidden.new_zeros((), dtype=torch.float32)
        to_hidden = torch.empty_like(hidden) if ctx.needs_input_grad[0] else None
        to_weight = (
            weight.new_zeros(weight.shape, dtype=torch.float32) if weight.requires_grad else None
        )
        for start in range(0, len(hidden), _SLICE):
            part = slice(start, start + _SLICE)
            logits = (hidden[part] @ weight.T).float()  # (slice, V)
            shares = logits.log_softmax(dim=-1)
            goal = targets[part, None]
            total -= shares.gather(-1, goal).sum()
            if to_hidden is None and to_weight is None:
                continue
            slope = shares.exp_()
            slope.scatter_add_(-1, goal, slope.new_full(goal.shape, -1.0))
            slope = slope.to(hidden.dtype)
            if to_hidden is not None:
                torch.mm(slope, weight, out=to_hidden[part])
            if to_weight is not None:
                to_weight += (slope.T @ hidden[part]).float()
        ctx.save_for_backward(to_hidden, to_weight)
        ctx.kind = weight.dtype
        return total

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        """The kept gradients, times the slope of the sum."""
        to_hidden, to_weight = ctx.saved_tensors
        return (
            None if to_hidden is None else to_hidden * slope.to(to_hidden.dtype),
            None if to_weight is None else (to_weight * slope).to(ctx.kind),
            None,
        )


def head_loss(hidden: Tensor, weight: Tensor, targets: Tensor) -> Tensor:
    """The summed cross-entropy, in nats, of an output layer without a bias.

    Args:
        hidden: (N, W).
        weight: (V, W).
        targets: (N,).
    """
    if not torch.is_grad_enabled():  # the function can't see that, and would make gradients
        hidden, weight = hidden.detach(), weight.detach()
    return _HeadLoss.apply(hidden, weight, targets)


class LearnedTokens(nn.Module):
    """How surprised a model is by the learned tokens of a batch, in nats, summed.

    A decoder's are those that come next, an encoder's those that were hidden.
    """

    def __init__(self, model: Decoder | Encoder) -> None:
        super().__init__()
        self.model = model

    def forward(self, batch: Batch) -> Tensor:
        """A batch of (B, T) to one number."""
        hidden = self.model.hidden(
            batch.tokens, positions=batch.positions, documents=batch.documents
        )  # (B, T, W)
        return _learned_loss(self.model, hidden, batch)


def _learned_loss(model: Transformer, hidden: Tensor, batch: Batch) -> Tensor:
    """The loss at learned places alone; the output layer isn't computed at the others."""
    if batch.weight == batch.targets.numel():
        chosen, targets = hidden.flatten(0, 1), batch.targets.flatten()
    else:
        chosen, targets = hidden[batch.learned], batch.targets[batch.learned]  # (N, W), (N,)
    if (scale := model.shape.output_scale) != 1.0:
        chosen = chosen * scale
    return head_loss(chosen, model.output_weight, targets)


class Answer(nn.Module):
    """How surprised an encoder-decoder is by the answers of a batch, in nats, summed."""

    def __init__(self, model: EncoderDecoder) -> None:
        super().__init__()
        self.model = model

    def forward(self, batch: Batch) -> Tensor:
        """A batch of (B, T) with its sources to one number."""
        source = batch.source
        assert source is not None, "an encoder-decoder answers sources"
        memory = self.model.read(
            source.tokens, positions=source.positions, documents=source.documents
        )  # (B, S, W)
        hidden = self.model.hidden(
            batch.tokens,
            (memory, source.documents),
            positions=batch.positions,
            documents=batch.documents,
        )  # (B, T, W)
        return _learned_loss(self.model, hidden, batch)


@dataclass(frozen=True, slots=True)
class PairBatch:
    """Better and worse answers to the same prompts."""

    rows: Batch  # (2N, T): N better ones, then the N worse ones
    reference: Tensor  # (2N,), log-probability of each answer before training
    name: str

    @property
    def places(self) -> int:
        """Places computed, padding included."""
        return self.rows.places

    def to(self, device: torch.device) -> "PairBatch":
        """The same on another device."""
        return PairBatch(self.rows.to(device), self.reference.to(device), self.name)


class Preference(nn.Module):
    """DPO (Rafailov et al. 2023, equation 7): prefer the better answer, near the first model.

    −log σ(β [(log π(better) − log π₀(better)) − (log π(worse) − log π₀(worse))]), summed.
    """

    def __init__(self, model: Decoder, beta: float) -> None:
        super().__init__()
        self.model, self.beta = model, beta

    def forward(self, batch: PairBatch) -> Tensor:
        """N pairs to one number."""
        gain = answer_log_probability(self.model, batch.rows) - batch.reference  # (2N,)
        better, worse = gain.chunk(2)
        return -F.logsigmoid(self.beta * (better - worse)).sum()


def answer_log_probability(model: Decoder, batch: Batch) -> Tensor:
    """Log-probability of the learned tokens of each row: (B,)."""
    hidden = model.hidden(batch.tokens, positions=batch.positions, documents=batch.documents)
    rows = batch.learned.nonzero()[:, 0]  # (N,)
    logits = model.logits(hidden[batch.learned]).float()  # (N, V)
    each = logits.gather(-1, batch.targets[batch.learned][:, None])[:, 0] - logits.logsumexp(-1)
    return each.new_zeros(len(batch.tokens)).index_add(0, rows, each)
