"""Text from a model in memory: token by token, several conversations at once.

For trying and measuring a model while it learns; engines serve finished ones.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from attenda.core.errors import UserError
from attenda.learn.transformer import Decoder, EncoderDecoder

__all__ = ["Sampling", "choose", "generate"]

_TOGETHER = 32
"""Prompts that are gone on with at once; more would be somewhat faster, and hold more memory."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the next token is drawn."""

    most: int = 64
    """Tokens at most."""
    temperature: float = 0.0
    """0 takes the likeliest token."""
    top_k: int = 0
    """Only the so many likeliest; 0 is all."""
    top_p: float = 1.0
    """Only the likeliest that together have this share (Holtzman et al. 2020)."""
    seed: int = 0


def choose(logits: Tensor, sampling: Sampling, chance: torch.Generator) -> Tensor:
    """One token for each row of logits (B, V): (B,)."""
    if sampling.temperature <= 0:
        return logits.argmax(-1)
    scores = logits.float() / sampling.temperature
    if sampling.top_k:
        least = scores.topk(min(sampling.top_k, scores.shape[-1])).values[:, -1:]
        scores = scores.masked_fill(scores < least, -torch.inf)
    if sampling.top_p < 1:
        ordered, order = scores.sort(descending=True)
        shares = ordered.softmax(-1)
        late = shares.cumsum(-1) - shares >= sampling.top_p
        scores = scores.masked_fill(late.scatter(-1, order, late), -torch.inf)
    return torch.multinomial(scores.softmax(-1), 1, generator=chance)[:, 0]


def generate(
    model: Decoder | EncoderDecoder,
    prompts: Sequence[Sequence[int]],
    stops: Sequence[int],
    how: Sampling,
    begin: int = 0,
) -> list[list[int]]:
    """What follows each prompt, up to a stop token (which is given too) or the limit.

    Args:
        model: a decoder writes on; an encoder-decoder answers.
        prompts: ids; many are gone on with at once.
        stops: ids that end a text.
        how: the next token is drawn.
        begin: the id that an encoder-decoder's answer begins with.

    Raises:
        UserError: a prompt is longer than the model reads.
    """
    chance = torch.Generator(model.tokens.weight.device).manual_seed(how.seed)
    found: list[list[int]] = []
    for start in range(0, len(prompts), _TOGETHER):
        some = prompts[start : start + _TOGETHER]
        texts: list[list[int]] = [[] for _ in some]
        done = [False] * len(some)
        for ids in _steps(model, some, how, begin, chance):
            for row, token in enumerate(ids):
                if not done[row]:
                    texts[row].append(token)
                    done[row] = token in stops
            if all(done):
                break
        found += texts
    return found


@torch.inference_mode()
def _steps(
    model: Decoder | EncoderDecoder,
    prompts: Sequence[Sequence[int]],
    how: Sampling,
    begin: int,
    chance: torch.Generator,
) -> Iterator[list[int]]:
    """A token for each prompt, again and again."""
    longest = max(len(prompt) for prompt in prompts)
    reads = model.shape.context
    if longest >= reads if isinstance(model, Decoder) else longest > reads:
        raise UserError("learn.sample.long", tokens=longest, limit=reads)
    model.eval()
    device = model.tokens.weight.device
    tokens, documents = (one.to(device) for one in _padded(prompts, longest))
    logits_of: Callable[[Tensor], Tensor]
    if isinstance(model, Decoder):
        logits_of = _Decoding(model, documents, min(longest + how.most, reads))
        most = min(how.most, reads - longest)
    else:
        writer = model
        read = (model.read(tokens, documents=documents), documents)
        cache = model.new_cache(len(prompts), how.most, longest)
        tokens = torch.full((len(prompts), 1), begin, device=device)

        def logits_of(tokens: Tensor) -> Tensor:
            return writer.logits(writer.hidden(tokens, read, cache=cache)[:, -1])

        most = min(how.most, reads)
    for _ in range(most):
        chosen = choose(logits_of(tokens), how, chance)  # (B,)
        yield chosen.tolist()
        tokens = chosen[:, None]


def _padded(prompts: Sequence[Sequence[int]], longest: int) -> tuple[Tensor, Tensor]:
    """Prompts side by side (B, T), the shorter ones padded at their start; their documents."""
    tokens = torch.zeros(len(prompts), longest, dtype=torch.long)
    documents = torch.full((len(prompts), longest), -1)
    for row, prompt in enumerate(prompts):
        tokens[row, longest - len(prompt) :] = torch.tensor(prompt)
        documents[row, longest - len(prompt) :] = 0
    return tokens, documents


class _Decoding:
    """Logits after the tokens so far (B, V), each token read once."""

    def __init__(self, model: Decoder, documents: Tensor, room: int) -> None:
        self.model, self.documents = model, documents
        self.padded = bool((documents < 0).any())
        self.begins = (documents < 0).sum(-1, keepdim=True)  # (B, 1)
        self.cache = model.new_cache(len(documents), room)

    def __call__(self, tokens: Tensor) -> Tensor:
        before = self.cache.length
        if not self.padded:
            return self.model.logits(self.model.hidden(tokens, cache=self.cache)[:, -1])
        if before:
            self.documents = torch.cat([self.documents, self.documents.new_zeros(tokens.shape)], 1)
        places = torch.arange(before, before + tokens.shape[1], device=tokens.device)
        places = places[None, :] - self.begins
        hidden = self.model.hidden(
            tokens,
            positions=places.clamp(min=0),
            documents=self.documents,
            cache=self.cache,
        )
        return self.model.logits(hidden[:, -1])
