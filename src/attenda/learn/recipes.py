"""Recipes: each is rows, a loss, and the weights that move; the loop is the trainer's.

    pretrain   all of each conversation     how surprising is the next token
    tune       the assistant's words        the same, of all weights or of a LoRA detour
    prefer     better and worse answers     how much better is the better one (DPO)

An encoder-decoder reads what was said and writes the answer, in the first two alike; an encoder
learns hidden tokens, and then which answer belongs to a question (`encoding.py`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from attenda.core.errors import UserError
from attenda.core.message import Message
from attenda.core.template import assistant_words
from attenda.learn.batches import Corpus, Packing, Place, SinglePacking
from attenda.learn.dialogues import Dialogue
from attenda.learn.encoding import HidingPacking, Matching
from attenda.learn.loss import Answer, LearnedTokens, PairBatch, Preference, answer_log_probability
from attenda.learn.plan import Plan
from attenda.learn.rows import answers, token_rows
from attenda.learn.spread import ALONE, Spread
from attenda.learn.tokenizer import TextTokenizer, TokenRow
from attenda.learn.trainer import Source, Work
from attenda.learn.transformer import Decoder, Encoder, EncoderDecoder, Transformer

__all__ = ["Lesson", "corpus_of", "make_lesson"]

_MOST_UNLEARNABLE = 0.01
"""Share of the conversations that may have nothing to learn before a run is refused."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """What a recipe makes of its data."""

    objective: nn.Module
    source: Source
    corpus: Corpus
    steps_in_epoch: int


def make_lesson(
    model: Transformer,
    tokenizer: TextTokenizer,
    dialogues: Sequence[Dialogue],
    plan: Plan,
    spread: Spread = ALONE,
) -> Lesson:
    """The lesson of a plan for a model.

    Raises:
        UserError: the data has nothing to learn for this recipe, or the model can't learn it.
    """
    if plan.train.length > model.shape.context:
        limit = model.shape.context
        raise UserError("learn.train.length", length=plan.train.length, limit=limit)
    if plan.recipe == "prefer":
        return _prefer(model, tokenizer, dialogues, plan, spread)
    corpus = corpus_of(model, tokenizer, dialogues, plan)
    packing = Packing(corpus, plan.train.batch, plan.train.seed)
    objective: nn.Module
    if isinstance(model, EncoderDecoder):
        objective = Answer(model)
    elif isinstance(model, Decoder):
        objective = LearnedTokens(model)
    elif plan.recipe == "pretrain":
        packing, objective = HidingPacking(packing, tokenizer), LearnedTokens(model)
    else:
        packing = SinglePacking(corpus, plan.train.batch, plan.train.seed)
        objective = Matching(model)
    source = _dealt(packing, plan, spread, packing.fill)
    return Lesson(objective, source, corpus, packing.batches_in(0))


def corpus_of(
    model: Transformer, tokenizer: TextTokenizer, dialogues: Sequence[Dialogue], plan: Plan
) -> Corpus:
    """Conversations as the recipe learns from them.

    Raises:
        UserError: too many have nothing to learn, or everything is learned where answers should.
    """
    length = plan.train.length
    matches = isinstance(model, Encoder) and plan.recipe != "pretrain"
    if matches or isinstance(model, EncoderDecoder):
        pairs = [pair for one in dialogues for pair in answers(one)]
        sources = (tokenizer.prompt(said) for said, _ in pairs)
        written = (_answer_row(tokenizer, answer) for _, answer in pairs)
        corpus = Corpus(written, length, cut=False, sources=sources)
    else:
        everything = plan.recipe == "pretrain"
        rows = token_rows(dialogues, tokenizer, all_learned=everything)
        corpus = Corpus(rows, length, cut=everything)
        if not everything and corpus.learned_share == 1.0:
            raise UserError("learn.data.all_learned")
    _check_dropped(corpus, dialogues)
    return corpus


def _answer_row(tokenizer: TextTokenizer, answer: Message) -> TokenRow:
    """An answer and its stop, after the token that answers begin with."""
    words = assistant_words(answer, tokenizer.template)
    ids = [tokenizer.end_id, *tokenizer.encode(words), tokenizer.stop_ids[0]]
    return TokenRow(tuple(ids), (False, *[True] * (len(ids) - 1)))


def _check_dropped(corpus: Corpus, dialogues: Sequence[Dialogue]) -> None:
    if len(corpus.dropped) > max(corpus.texts * _MOST_UNLEARNABLE, 1):
        places = ", ".join(
            dialogues[number].place for number in corpus.dropped[:3] if number < len(dialogues)
        )
        raise UserError(
            "learn.data.unlearnable", count=len(corpus.dropped), texts=corpus.texts, places=places
        )


def _dealt(
    packing: Packing,
    plan: Plan,
    spread: Spread,
    fill: Callable[[Sequence[Sequence[int]], str, int], Work],
) -> Source:
    """A step's rows, cut into parts that are computed at once, this process's share of them."""
    share = -(-plan.train.batch // spread.processes)
    height = min(plan.train.micro_batch or share, share)

    def source(place: Place) -> tuple[Sequence[Work], int, Place]:
        rows, after = packing.next(place)
        mine = rows[spread.rank :: spread.processes]
        name = f"epoch {after.epoch + 1}, batch {after.done}"
        parts = [mine[start : start + height] for start in range(0, share, height)]
        parts = [part for part in parts if part] or [[]]
        if spread.processes > 1:  # each process takes part in each average
            parts += [[]] * (-(-share // height) - len(parts))
        return [fill(part, name, height) for part in parts], packing.weigh(rows, name), after

    return source


def _prefer(
    model: Transformer,
    tokenizer: TextTokenizer,
    dialogues: Sequence[Dialogue],
    plan: Plan,
    spread: Spread,
) -> Lesson:
    """Pairs of answers, each with how likely it was before training."""
    if not isinstance(model, Decoder):
        raise UserError("learn.train.encoder", recipe=plan.recipe)
    pairs = [one for one in dialogues if one.rejected is not None]
    if not pairs:
        raise UserError("learn.data.no_pairs")
    better = [tokenizer.row(one.messages) for one in pairs]
    worse = [tokenizer.row((*one.messages[:-1], one.rejected)) for one in pairs if one.rejected]
    rows = [
        _last_answer(row, tokenizer) for pair in zip(better, worse, strict=True) for row in pair
    ]
    corpus = Corpus(rows, plan.train.length, cut=False)
    _check_dropped(corpus, [one for one in pairs for _ in range(2)])
    if corpus.dropped:  # a pair needs both sides
        lost = {number // 2 for number in corpus.dropped}
        kept = [row for number, row in enumerate(rows) if number // 2 not in lost]
        corpus = Corpus(kept, plan.train.length, cut=False)
    packing = _PairPacking(corpus, plan.train.batch, plan.train.seed)
    reference = _reference(model, packing)

    def fill(rows: Sequence[Sequence[int]], name: str, height: int) -> Work:
        numbers = [pair[0] for pair in rows]
        sides = [[2 * number] for number in numbers] + [[2 * number + 1] for number in numbers]
        batch = packing.fill(sides, name)
        return PairBatch(batch, reference[[side[0] for side in sides]], name)

    source = _dealt(packing, plan, spread, fill)
    return Lesson(Preference(model, plan.beta), source, corpus, packing.batches_in(0))


def _last_answer(row: TokenRow, tokenizer: TextTokenizer) -> TokenRow:
    """Only the last answer of the conversation is compared."""
    last = len(row.learned) - 1
    while last >= 0 and not row.learned[last]:
        last -= 1
    first = last
    while first > 0 and row.learned[first - 1]:
        first -= 1
    return replace(row, learned=tuple(first <= i <= last for i in range(len(row.learned))))


class _PairPacking(SinglePacking):
    """Deals out pairs by number, a pair a row; the better answer's piece stands first."""

    @property
    def texts(self) -> int:
        """Pairs."""
        return self.corpus.pieces // 2


@torch.no_grad()
def _reference(model: Decoder, packing: Packing) -> Tensor:
    """Log-probability of each row's answer before training (rows,)."""
    found = []
    for start in range(0, packing.corpus.pieces, packing.batch):
        rows = [[n] for n in range(start, min(start + packing.batch, packing.corpus.pieces))]
        found.append(answer_log_probability(model, packing.fill(rows, "reference")))
    return torch.cat(found)
