"""How good a model is: surprise in bits per byte, beside the n-gram; lengths, variety, stops.

Every figure is over text that was not learned from. Nothing here changes a model.
"""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import torch

from attenda.learn.batches import Batch, Corpus, Packing
from attenda.learn.loss import Answer, LearnedTokens
from attenda.learn.ngram import KneserNey
from attenda.learn.tokenizer import TextTokenizer
from attenda.learn.transformer import Decoder, EncoderDecoder, Transformer

__all__ = ["Surprise", "TextFigures", "ngram_surprise", "ngrams_of", "surprise", "text_figures"]


@dataclass(frozen=True, slots=True)
class Surprise:
    """How surprised a model is by text that it did not learn from."""

    nats: float
    """Summed over `tokens`."""
    tokens: int
    bytes: int
    """Of the text that those tokens stand for."""

    @property
    def per_token(self) -> float:
        """Mean loss, in nats."""
        return self.nats / max(self.tokens, 1)

    @property
    def perplexity(self) -> float:
        """E to the power of the mean loss; only comparable between models of one tokenizer."""
        return math.exp(min(self.per_token, 700.0))

    @property
    def bits_per_byte(self) -> float:
        """Comparable between all models."""
        return self.nats / math.log(2) / max(self.bytes, 1)

    def figures(self) -> dict[str, float]:
        """As a report shows it."""
        return {
            "loss": self.per_token,
            "perplexity": self.perplexity,
            "bits_per_byte": self.bits_per_byte,
            "tokens": self.tokens,
        }


@torch.inference_mode()
def surprise(
    model: Transformer,
    tokenizer: TextTokenizer,
    corpus: Corpus,
    *,
    rows: int = 0,
    batch: int = 8,
    told: Callable[[int, int], None] = lambda done, most: None,
) -> Surprise:
    """Surprise of a decoder or encoder-decoder over the learned tokens of a corpus.

    Args:
        model: what is measured.
        tokenizer: its own.
        corpus: the text.
        rows: only the so many first rows; 0 is all.
        batch: rows computed at once.
        told: called with the rows done so far, and all of them.
    """
    assert isinstance(model, Decoder | EncoderDecoder)
    objective = Answer(model) if isinstance(model, EncoderDecoder) else LearnedTokens(model)
    was_training = model.training
    objective.eval()
    packing = Packing(corpus, batch, seed=0, shuffle=False)
    sizes = np.zeros(model.shape.vocabulary, np.int64)
    counts = tokenizer.byte_counts[: len(sizes)]
    sizes[: len(counts)] = counts
    nats, tokens, weight = 0.0, 0, 0
    device = model.tokens.weight.device
    most = len(packing.rows(0)) if not rows else min(rows, len(packing.rows(0)))
    for start in range(0, most, batch):
        part: Batch = packing.fill(packing.rows(0)[start : min(start + batch, most)], "measured")
        nats += objective(part.to(device)).item()
        tokens += part.weight
        told(min(start + batch, most), most)
        weight += int(sizes[part.targets[part.learned].numpy()].sum())
    model.train(was_training)
    return Surprise(nats, tokens, weight)


def ngrams_of(learned: Corpus, vocabulary: int, order: int = 5) -> KneserNey:
    """A Kneser–Ney model of all of the text that a Transformer learned, prompts too."""
    texts = (learned.ids[learned.piece(n)].tolist() for n in range(learned.pieces))
    return KneserNey(texts, vocabulary, order)


def ngram_surprise(model: KneserNey, measured: Corpus, tokenizer: TextTokenizer) -> Surprise:
    """Surprise of a Kneser–Ney model over the same tokens as the Transformer's."""
    nats, tokens, size = 0.0, 0, 0
    for number in range(measured.pieces):
        where = measured.piece(number)
        ids, marks = measured.ids[where].tolist(), measured.learned[where].tolist()
        one, count = model.nats(ids, marks)
        nats, tokens = nats + one, tokens + count
        size += sum(
            tokenizer.byte_counts[i]
            for place, (i, mark) in enumerate(zip(ids, marks, strict=True))
            if mark and place and i < len(tokenizer.byte_counts)
        )
    return Surprise(nats, tokens, size)


@dataclass(frozen=True, slots=True)
class TextFigures:
    """What generated answers are like, taken together."""

    count: int
    stopped: float
    """Share that ended by themselves before the limit."""
    tokens: float
    """Mean length."""
    distinct_1: float
    distinct_2: float
    """Share of different words, and of different pairs of words (Li et al. 2016)."""
    repeated: float
    """Share of the answers that are word for word another's."""

    def figures(self) -> dict[str, float]:
        """As a report shows it."""
        return asdict(self)


def text_figures(
    generated: Sequence[Sequence[int]], tokenizer: TextTokenizer, stops: Sequence[int]
) -> TextFigures:
    """Figures of answers as ids, stop token included where there was one."""
    texts = [tokenizer.decode(ids, controls=False).split() for ids in generated]
    pairs = [pair for words in texts for pair in zip(words, words[1:], strict=False)]
    words = [word for text in texts for word in text]
    same = Counter(tuple(text) for text in texts)
    count = max(len(generated), 1)
    return TextFigures(
        count=len(generated),
        stopped=sum(bool(ids) and ids[-1] in stops for ids in generated) / count,
        tokens=sum(len(ids) for ids in generated) / count,
        distinct_1=len(set(words)) / max(len(words), 1),
        distinct_2=len(set(pairs)) / max(len(pairs), 1),
        repeated=sum(n for n in same.values() if n > 1) / count,
    )
