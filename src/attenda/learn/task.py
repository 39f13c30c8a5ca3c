"""Task scores: answers that a program grades, without a judge, on conversations held back.

    Hits@1/10         the true answer against nine others of the same conversations, by the mean
                      log-probability of its tokens, or by nearness for an encoder (ConvAI2:
                      Dinan et al. 2019; Dialogue NLI: Welleck et al. 2019)
    exact match, F1   the likeliest answer where the true one is short, as SQuAD grades it
                      (Rajpurkar et al. 2016); Chinese by characters (CMRC 2018: Cui et al. 2019)

What is asked depends on the conversations and a seed alone, so all models are asked the same.
"""

import re
import string
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Self

import numpy as np
import torch
from torch import Tensor

from attenda.core.message import Message, text_message
from attenda.learn.dialogues import Dialogue
from attenda.learn.encoding import rank_answers
from attenda.learn.near import is_han, separate_han
from attenda.learn.ngram import KneserNey
from attenda.learn.rows import answers
from attenda.learn.sample import Sampling, generate
from attenda.learn.tokenizer import TextTokenizer
from attenda.learn.transformer import Decoder, Encoder, EncoderDecoder, Transformer

__all__ = ["Ranking", "Task", "TaskScores", "grade", "make_task", "ngram_scores", "task_scores"]

_RANKED = 64
_CANDIDATES = 10
_GRADED = 64
_SHORT_WORDS, _SHORT_HAN = 5, 10
"""Longest true answers that are graded word by word, or character by character."""
_MOST_TOKENS = 64
"""Of an answer; longer candidates are compared by their beginning."""
_MOST_PROMPT = 448
_ARTICLES = re.compile(r"\b(a|an|the)\b")

Told = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Ranking:
    """What was said, and ten answers of which one was really given."""

    said: Sequence[Message]
    candidates: tuple[str, ...]
    own: int
    """Number of the true one."""


@dataclass(frozen=True, slots=True)
class Task:
    """What is asked of a model."""

    rankings: tuple[Ranking, ...]
    short: tuple[tuple[Sequence[Message], str], ...]
    """What was said, and the short answer that was given."""

    def cut(self, most: int | None) -> Self:
        """The first `most` of each, or all."""
        return replace(self, rankings=self.rankings[:most], short=self.short[:most])


@dataclass(frozen=True, slots=True)
class TaskScores:
    """How well it did; a score is none where nothing of its kind could be asked."""

    ranked: int
    hits_1: float | None
    """Share of the rankings whose true answer came first; chance is one in ten."""
    graded: int = 0
    exact_match: float | None = None
    f1: float | None = None

    def figures(self) -> dict[str, float]:
        """As a report shows it; without what was not measured."""
        return {key: value for key, value in asdict(self).items() if value is not None}


def make_task(dialogues: Iterable[Dialogue], seed: int) -> Task:
    """At most 64 rankings and 64 short answers of conversations, drawn by `seed`.

    Rankings need ten different answers.
    """
    chance = np.random.default_rng(seed)
    found = [
        (said, answer.text)
        for one in dialogues
        for said, answer in answers(one)
        if not answer.calls  # what is graded is words
    ]
    pairs = [found[number] for number in chance.permutation(len(found))]
    known = {_identity(text): text for _, text in reversed(pairs)}
    rankings = (
        [_ranking(said, text, known, chance) for said, text in pairs[:_RANKED]]
        if len(known) >= _CANDIDATES
        else []
    )
    short = [(said, text) for said, text in pairs if _is_short(text)]
    return Task(tuple(rankings), tuple(short[:_GRADED]))


def _ranking(
    said: Sequence[Message], text: str, known: dict[str, str], chance: np.random.Generator
) -> Ranking:
    own = _identity(text)
    keys = list(known)
    drawn = [keys[number] for number in chance.choice(len(keys), _CANDIDATES, replace=False)]
    candidates = [known[key] for key in drawn if key != own][: _CANDIDATES - 1]
    place = int(chance.integers(_CANDIDATES))
    candidates.insert(place, text)
    return Ranking(said, tuple(candidates), place)


def _identity(text: str) -> str:
    """Equal for answers that no grade tells apart."""
    return " ".join(_words(text)) or text.strip()


def _is_short(text: str) -> bool:
    words = _words(text)
    return 0 < len(words) <= (_SHORT_HAN if is_han(words) else _SHORT_WORDS)


def _words(text: str) -> list[str]:
    """Words as SQuAD compares them: small, without punctuation and articles; Han by character."""
    kept = (
        letter
        for letter in text.lower()
        if letter not in string.punctuation and unicodedata.category(letter)[0] != "P"
    )
    return separate_han(_ARTICLES.sub(" ", "".join(kept))).split()


def grade(answer: str, truth: str) -> tuple[bool, float]:
    """Exact match and F1 of an answer's words, as SQuAD's own script gives them."""
    given, wanted = _words(answer), _words(truth)
    if not given or not wanted:
        return given == wanted, float(given == wanted)
    common = (Counter(given) & Counter(wanted)).total()
    return given == wanted, 2 * common / (len(given) + len(wanted))


@torch.inference_mode()
def task_scores(
    model: Transformer,
    tokenizer: TextTokenizer,
    task: Task,
    told: Told = lambda done, most: None,
) -> TaskScores:
    """How well a model does; an encoder, which writes nothing, only ranks.

    Args:
        model: what is asked.
        tokenizer: its own.
        task: what is asked.
        told: called with the rankings done so far, and all of them.
    """
    was_training = model.training
    model.eval()
    hits = 0
    for done, one in enumerate(task.rankings):
        hits += _first(model, tokenizer, one) == one.own
        told(done + 1, len(task.rankings))
    grades = [] if isinstance(model, Encoder) else _grades(model, tokenizer, task)
    model.train(was_training)
    return _scores(len(task.rankings), hits, grades)


def ngram_scores(model: KneserNey, tokenizer: TextTokenizer, task: Task) -> TaskScores:
    """How well counted n-grams rank, by the same tokens."""
    hits = 0
    for one in task.rankings:
        prompt = tokenizer.prompt(one.said)
        costs = []
        for answer in _candidate_ids(tokenizer, one):
            marks = [False] * len(prompt) + [True] * len(answer)
            nats, count = model.nats([*prompt, *answer], marks)
            costs.append(nats / count)
        hits += costs.index(min(costs)) == one.own
    return _scores(len(task.rankings), hits, [])


def _scores(ranked: int, hits: int, grades: Sequence[tuple[bool, float]]) -> TaskScores:
    count = len(grades)
    return TaskScores(
        ranked=ranked,
        hits_1=hits / ranked if ranked else None,
        graded=count,
        exact_match=sum(same for same, _ in grades) / count if count else None,
        f1=sum(f1 for _, f1 in grades) / count if count else None,
    )


def _first(model: Transformer, tokenizer: TextTokenizer, one: Ranking) -> int:
    """Number of the candidate that the model finds likeliest."""
    if isinstance(model, Encoder):
        prompt = tokenizer.prompt(one.said)
        return rank_answers(model, tokenizer, [prompt], one.candidates)[0][0]
    prompt = _prompt(model, tokenizer, one.said)
    room = _MOST_TOKENS if isinstance(model, EncoderDecoder) else model.shape.context - len(prompt)
    ids = [answer[: min(room, _MOST_TOKENS)] for answer in _candidate_ids(tokenizer, one)]
    if isinstance(model, Decoder):
        likely = _after(model, prompt, ids)
    else:
        likely = _in_answer_to(model, prompt, ids, tokenizer.end_id)
    return int(likely.argmax())


def _prompt(
    model: Decoder | EncoderDecoder, tokenizer: TextTokenizer, said: Sequence[Message]
) -> list[int]:
    """The end of what was said, so that an answer has room after it."""
    context = model.shape.context
    return tokenizer.prompt(said)[-min(_MOST_PROMPT, max(context - _MOST_TOKENS, context // 2)) :]


def _candidate_ids(tokenizer: TextTokenizer, one: Ranking) -> list[list[int]]:
    """Each candidate with its stop, as a model learns to write it."""
    rows = (tokenizer.row([text_message("assistant", text)]) for text in one.candidates)
    return [[i for i, own in zip(row.ids, row.learned, strict=True) if own] for row in rows]


def _after(model: Decoder, prompt: Sequence[int], written: Sequence[Sequence[int]]) -> Tensor:
    """Mean log-probability of the tokens of each answer (N,); the prompt is read once for all."""
    rows, lengths = _beside([[prompt[-1], *answer] for answer in written], model)
    cache = model.new_cache(1, len(prompt) - 1 + rows.shape[1])
    if len(prompt) > 1:
        model.hidden(torch.tensor([prompt[:-1]], device=rows.device), cache=cache)
    cache.repeat(len(rows))
    return _means(model.logits(model.hidden(rows[:, :-1], cache=cache)), rows, lengths)


def _in_answer_to(
    model: EncoderDecoder, prompt: Sequence[int], written: Sequence[Sequence[int]], begin: int
) -> Tensor:
    """The same for an encoder-decoder, whose answers begin with the id `begin`."""
    rows, lengths = _beside([[begin, *answer] for answer in written], model)
    memory = model.read(torch.tensor([prompt], device=rows.device))  # (1, S, W)
    memory = memory.expand(len(rows), -1, -1)
    return _means(model.logits(model.hidden(rows[:, :-1], (memory, None))), rows, lengths)


def _beside(rows: Sequence[Sequence[int]], model: Transformer) -> tuple[Tensor, Tensor]:
    """Rows filled up at their end (N, T), and how many tokens follow the first of each (N,)."""
    device = model.tokens.weight.device
    lengths = torch.tensor([len(row) - 1 for row in rows], device=device)
    tokens = torch.zeros(len(rows), max(map(len, rows)), dtype=torch.long, device=device)
    for number, row in enumerate(rows):
        tokens[number, : len(row)] = torch.tensor(row)
    return tokens, lengths


def _means(logits: Tensor, rows: Tensor, lengths: Tensor) -> Tensor:
    """Logits (N, T - 1, V) of rows (N, T) to the mean log-probability of each row's tokens (N,)."""
    each = logits.float().log_softmax(-1).gather(-1, rows[:, 1:, None])[..., 0]
    real = torch.arange(each.shape[1], device=rows.device)[None, :] < lengths[:, None]
    return (each * real).sum(-1) / lengths


def _grades(
    model: Decoder | EncoderDecoder, tokenizer: TextTokenizer, task: Task
) -> list[tuple[bool, float]]:
    """The grades of the likeliest answers where short ones are right."""
    if not task.short:
        return []
    prompts = [_prompt(model, tokenizer, said) for said, _ in task.short]
    how = Sampling(most=_MOST_TOKENS)
    written = generate(model, prompts, tokenizer.stop_ids, how, tokenizer.end_id)
    texts = [tokenizer.decode(ids, controls=False) for ids in written]
    return [grade(text, truth) for text, (_, truth) in zip(texts, task.short, strict=True)]
