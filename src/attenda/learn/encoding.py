"""How an encoder learns, and how it answers: by choosing among answers that it knows.

    pretrain   some tokens of each text are hidden, and it says which (Devlin et al. 2019, BERT)
    tune       a question is nearer to its own answer than to the others of the batch
               (van den Oord et al. 2018, equation 4)

Letters of the shapes: B batch, T places, N pairs, W width.
"""

import json
import zlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from attenda.core.errors import UserError
from attenda.learn.batches import Batch, Packing
from attenda.learn.tokenizer import PAD, TextTokenizer
from attenda.learn.transformer import Encoder

__all__ = [
    "HidingPacking",
    "Matching",
    "choose_answer",
    "rank_answers",
    "read_answers",
    "write_answers",
]

_HIDDEN = 0.15
"""Share of the tokens that are hidden."""
_TEMPERATURE = 0.05
_ANSWERS = "answers.json"
_MOST_ANSWERS = 5_000


class HidingPacking(Packing):
    """Deals out texts with some tokens hidden; which, depends on the seed, epoch and text alone."""

    def __init__(self, packing: Packing, tokenizer: TextTokenizer) -> None:
        super().__init__(packing.corpus, packing.batch, packing.seed, shuffle=packing.shuffle)
        self._vocabulary = tokenizer.vocabulary
        self._blank = tokenizer.inner.token_to_id(PAD) or 0

    def fill(self, rows: Sequence[Sequence[int]], name: str, height: int = 0) -> Batch:
        """As of `Packing`; targets are the tokens that were hidden."""
        whole = super().fill(rows, name, height)
        tokens, learned = whole.tokens.clone(), torch.zeros_like(whole.learned)
        documents = whole.documents
        if documents is None:
            documents = torch.zeros_like(tokens)
        for number, row in enumerate(rows):
            key = f"{self.seed} {name.partition(',')[0]} {list(row)}"
            chance = torch.Generator().manual_seed(zlib.crc32(key.encode()))
            drawn = torch.rand(tokens.shape[1], generator=chance)
            learned[number] = (drawn < _HIDDEN) & (documents[number] >= 0)
            other = torch.randint(0, self._vocabulary, drawn.shape, generator=chance)
            blank = learned[number] & (drawn < 0.8 * _HIDDEN)
            swapped = learned[number] & (drawn >= 0.9 * _HIDDEN)
            tokens[number] = torch.where(blank, self._blank, tokens[number])
            tokens[number] = torch.where(swapped, other, tokens[number])
        weight = int(learned.sum())
        return replace(whole, tokens=tokens, targets=whole.tokens, learned=learned, weight=weight)

    def weigh(self, rows: Sequence[Sequence[int]], name: str) -> int:
        """How many tokens are hidden."""
        return self.fill(rows, name).weight


class Matching(nn.Module):
    """How far each question is from its own answer, among the answers of the batch, summed."""

    def __init__(self, model: Encoder) -> None:
        super().__init__()
        self.model = model

    def forward(self, batch: Batch) -> Tensor:
        """N answers with their questions as sources to one number."""
        source = batch.source
        assert source is not None and source.documents is not None
        assert batch.documents is not None
        real = (batch.documents >= 0).any(-1)  # rows that only fill up are no pairs
        asked = self.model.sentences(source.tokens[real], source.documents[real])  # (N, W)
        answers = self.model.sentences(batch.tokens[real], batch.documents[real])  # (N, W)
        scores = asked @ answers.T / _TEMPERATURE  # (N, N)
        own = torch.arange(len(scores), device=scores.device)
        return F.cross_entropy(scores, own, reduction="sum")


def write_answers(folder: Path, answers: Sequence[str]) -> None:
    """Keep what an encoder may answer beside its weights, each once."""
    known = list(dict.fromkeys(answers))[:_MOST_ANSWERS]
    (folder / _ANSWERS).write_text(json.dumps(known, ensure_ascii=False), "utf-8")


def read_answers(folder: Path) -> list[str]:
    """What an encoder may answer.

    Raises:
        UserError: its folder holds no answers.
    """
    try:
        found = json.loads((folder / _ANSWERS).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise UserError("learn.sample.encoder") from error
    return [str(text) for text in found]


@torch.inference_mode()
def rank_answers(
    model: Encoder,
    tokenizer: TextTokenizer,
    prompts: Sequence[Sequence[int]],
    answers: Sequence[str],
) -> list[list[int]]:
    """For each prompt, numbers of the answers, the nearest first."""
    model.eval()
    ids = [[tokenizer.end_id, *tokenizer.encode(text)] for text in answers]
    known, asked = _vectors(model, ids), _vectors(model, prompts)  # (answers, W), (prompts, W)
    order: list[list[int]] = (asked @ known.T).argsort(dim=-1, descending=True).tolist()
    return order


def choose_answer(
    model: Encoder, tokenizer: TextTokenizer, prompt: Sequence[int], answers: Sequence[str]
) -> list[int]:
    """Numbers of the answers, the nearest to the prompt first."""
    return rank_answers(model, tokenizer, [prompt], answers)[0]


def _vectors(model: Encoder, texts: Sequence[Sequence[int]]) -> Tensor:
    """Each text as a vector (N, W), some at a time."""
    parts = [_vectors_at_once(model, texts[at : at + 64]) for at in range(0, len(texts), 64)]
    return torch.cat(parts)


def _vectors_at_once(model: Encoder, texts: Sequence[Sequence[int]]) -> Tensor:
    """Each text as a vector (N, W)."""
    room = model.shape.context
    longest = min(max(len(text) for text in texts), room)
    device = model.tokens.weight.device
    tokens = torch.zeros(len(texts), longest, dtype=torch.long, device=device)
    documents = torch.full((len(texts), longest), -1, device=device)
    for row, text in enumerate(texts):
        kept = list(text)[-room:]
        tokens[row, : len(kept)] = torch.tensor(kept)
        documents[row, : len(kept)] = 0
    return model.sentences(tokens, documents)
