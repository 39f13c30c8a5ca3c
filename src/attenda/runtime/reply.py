"""Respond: words for the person, each claim held against the passages before it is shown.

Sentences of the model stream as they are finished; one that no passage supports is dropped, and
when none stands, the best sentences of the documents answer in their own words. Nothing near
enough: it says so and shows what came nearest.
"""

import asyncio
import contextlib
import re
from collections.abc import Sequence
from contextlib import aclosing
from functools import cache
from importlib.resources import files

import numpy as np

from attenda.core.errors import Denied
from attenda.core.event import Cited, Found, Nearest
from attenda.core.message import Message, text_message
from attenda.core.ports import ChatModel, Embedder, ModelSettings, Usage
from attenda.core.words import sentence
from attenda.knowledge import cite
from attenda.knowledge.sentences import sentence_spans, words_of
from attenda.runtime.agent import Agent
from attenda.runtime.recorder import Pen

__all__ = [
    "WORD",
    "answer_from_documents",
    "answer_plainly",
    "language_of",
    "prompt",
    "say_nothing_found",
]

_PROMPT_WORDS = 420
"""Words of passages that a small model is given: it must read them before its first word."""
_ANSWER_TOKENS = 160
_MARKER = re.compile(r"\s*\[\d+(?:\s*,\s*\d+)*\]")
_DISCLAIMER = re.compile(r"passages? (?:do|does) not say|not in the documents", re.IGNORECASE)
WORD = re.compile(r"(?<![\w@.-])[A-Za-z']{2,}(?![\w@-])")
"""A word of an alphabet; what stands in ids and addresses is none."""


@cache
def prompt(name: str) -> str:
    """A prompt of ours by name."""
    return (files("attenda.runtime") / "prompts" / f"{name}.txt").read_text("utf-8").strip()


def language_of(text: str) -> str:
    """`zh` where Han characters outweigh words, else `en`; ids and addresses are neither."""
    han = sum("\u3400" <= letter <= "\u9fff" for letter in text)
    return "zh" if han > 2 * len(WORD.findall(text)) else "en"


async def say_nothing_found(recorder: Pen, question: str, passages: Sequence[Found]) -> None:
    """Say plainly that the documents do not answer, and show the nearest passages."""
    language = "zh-CN" if language_of(question) == "zh" else "en"
    key = "answer.nearest" if passages else "answer.nothing"
    recorder.write(sentence(language, key))
    if passages:
        await recorder.note(Nearest(passages=tuple(passages[:3])))


async def answer_plainly(
    recorder: Pen, model: ChatModel, agent: Agent, history: Sequence[Message]
) -> Usage:
    """Let the model answer on its own, word by word."""
    system = "\n".join(part for part in (agent.instructions, agent.tone) if part.strip())
    messages = [text_message("system", system), *history] if system else list(history)
    settings = ModelSettings(max_tokens=1024, repetition_penalty=1.1)
    usage = Usage()
    async with aclosing(model.stream(messages, settings)) as chunks:
        async for chunk in chunks:
            recorder.write(chunk.text)
            usage = chunk.usage or usage
    return usage


async def answer_from_documents(
    recorder: Pen,
    model: ChatModel | None,
    embedder: Embedder | None,
    agent: Agent,
    question: str,
    passages: Sequence[Found],
) -> Usage:
    """Answer `question` from `passages`; every sentence shown carries a citation that holds."""
    best = asyncio.create_task(_best_sentences(embedder, question, passages))
    cites = _Citations(recorder)
    usage = Usage()
    try:
        if model is not None and language_of(question) in model.languages:
            with contextlib.suppress(Denied):  # out of tokens: the documents speak for themselves
                usage = await _in_the_models_words(cites, model, agent, question, passages)
        if not cites.count:
            for support in await best:
                await cites.show(_tidy(support.quote), support)
    finally:
        best.cancel()
    if not cites.count:
        await say_nothing_found(recorder, question, passages)
    return usage


class _Citations:
    """Numbers the citations of one answer; the same span keeps its number."""

    def __init__(self, recorder: Pen) -> None:
        self._recorder = recorder
        self._numbers: dict[tuple[str, int, int], int] = {}
        self.count = 0
        """Sentences shown."""

    async def show(self, words: str, support: cite.Support) -> None:
        """Write a sentence with its marker."""
        key = (support.passage.passage_id, support.start, support.end)
        fresh = key not in self._numbers
        n = self._numbers.setdefault(key, len(self._numbers) + 1)
        gap = "" if not self._recorder.length else " " if language_of(words) == "en" else ""
        self._recorder.write(f"{gap}{words} [{n}]")
        self.count += 1
        if fresh:
            await self._recorder.note(Cited(citation=cite.citation(support, n)))


async def _in_the_models_words(
    cites: _Citations,
    model: ChatModel,
    agent: Agent,
    question: str,
    passages: Sequence[Found],
) -> Usage:
    """Stream the model's sentences, those that a passage supports."""
    given = _within(passages, _PROMPT_WORDS)
    messages = _document_prompt(agent, question, given)
    settings = ModelSettings(max_tokens=_ANSWER_TOKENS, repetition_penalty=1.05)
    shown: set[str] = set()
    pending, usage = "", Usage()
    async with aclosing(model.stream(messages, settings)) as chunks:
        async for chunk in chunks:
            usage = chunk.usage or usage
            pending += chunk.text
            ended = chunk.stop_reason == "stop"
            whole, pending = _whole_sentences(pending, ended=ended)
            for words in whole:
                await _show_if_supported(cites, words, given, shown)
    return usage


async def _show_if_supported(
    cites: _Citations, words: str, given: Sequence[Found], shown: set[str]
) -> None:
    claim = _MARKER.sub("", words).strip()
    if not claim or claim in shown or _DISCLAIMER.search(claim):
        return
    support = cite.support_of(claim, given)
    if support is not None:
        shown.add(claim)
        await cites.show(claim, support)


def _whole_sentences(pending: str, *, ended: bool) -> tuple[list[str], str]:
    """Sentences that are finished, and the beginning of the next one."""
    spans = list(sentence_spans(pending))
    if not ended:
        spans = spans[:-1]
    done = spans[-1][1] if spans else 0
    return [pending[start:end] for start, end in spans], pending[done:]


def _within(passages: Sequence[Found], words: int) -> list[Found]:
    """The best passages that fit into `words`, at least one."""
    given: list[Found] = []
    for passage in passages:
        words -= len(words_of(passage.text))
        if given and words < 0:
            break
        given.append(passage)
    return given


def _document_prompt(agent: Agent, question: str, given: Sequence[Found]) -> list[Message]:
    listed = "\n\n".join(
        f"[{place}] {passage.document}\n{passage.text}"
        for place, passage in enumerate(given, start=1)
    )
    system = "\n".join(part for part in (agent.instructions, prompt("documents")) if part)
    return [
        text_message("system", system),
        text_message("user", f"Passages:\n{listed}\n\nQuestion: {question}"),
    ]


async def _best_sentences(
    embedder: Embedder | None, question: str, passages: Sequence[Found]
) -> list[cite.Support]:
    """The sentences of the best passages that come nearest to answering."""
    near = passages[:4]
    likeness = await _likeness(embedder, question, near)
    return cite.best_sentences(question, near, lambda text: likeness.get(text, 0.0))


async def _likeness(
    embedder: Embedder | None, question: str, passages: Sequence[Found]
) -> dict[str, float]:
    """Cosine of each sentence of `passages` to the question; nothing without an embedder."""
    if embedder is None or language_of(question) == "zh":
        return {}
    texts = [
        passage.text[start:end]
        for passage in passages
        for start, end in sentence_spans(passage.text)
    ]
    vectors = await embedder.embed([question, *texts])
    cosines = np.clip(vectors[1:] @ vectors[0], -1, 1)
    return dict(zip(texts, map(float, cosines), strict=True))


def _tidy(quote: str) -> str:
    """A quote as running text: list marks and heading marks left out."""
    return re.sub(r"^\s*(?:[-*•#>]+|\d{1,3}[.)])\s+", "", re.sub(r"\s+", " ", quote)).strip()
