"""Understanding at work: a judge that learns the examples of a book when it is opened."""

import asyncio
import datetime
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from attenda.core.command import Command
from attenda.core.ports import Embedder
from attenda.dialogue.book import FlowBook
from attenda.dialogue.nearest import Nearest
from attenda.dialogue.nearest_features import language_by_script
from attenda.dialogue.outside import OUTSIDE
from attenda.dialogue.understand import Understanding
from attenda.runtime.choosing import Chooser, is_left_open
from attenda.runtime.judges import keep_judge, kept_judge
from attenda.runtime.pack import Said, Understand

__all__ = ["Examples", "gather_examples", "learn_examples"]


_kept: OrderedDict[tuple[str, tuple[tuple[str, str], ...]], Nearest] = OrderedDict()
"""Judges by the embedder's identity and the examples that they learned, the newest last."""
_MOST_KEPT = 8
_LIKE = 0.6
"""Cosine from which on a sentence may mean what an example does."""


@dataclass(frozen=True, slots=True)
class Examples:
    """What a judge learns from: rows of N sentences."""

    flows: tuple[str | None, ...]
    """None for what is out of scope."""
    texts: tuple[str, ...]
    vectors: NDArray[np.float32]
    """(N, D), each of length 1."""


async def learn_examples(
    embedder: Embedder,
    book: FlowBook,
    choosers: Sequence[Chooser] = (),
    judges: Path | None = None,
) -> Understand:
    """How the people are understood who talk to an agent with these flows.

    The first of `choosers` that knows all flows that may be meant is asked which of them is. What
    is learned is kept in the folder `judges`, if there is one.
    """
    known = Understanding(book, await _fitted(embedder, book, judges))

    async def understand(said: Said) -> Sequence[Command]:
        vectors = await embedder.embed(known.wishes(said.text))
        today = datetime.date.fromisoformat(str(said.given.names["today"].value))
        user = said.given.names["user"].value
        role = str(user.get("role", "")) if isinstance(user, dict) else ""
        here = replace(known, begins=said.begins)
        found = here.commands(said.text, vectors, said.state, said.label, today, role)
        if not (choosers and is_left_open(found)):
            return found
        choice = here.left_open(said.text, vectors[0], said.state, role)
        able = [one for one in choosers if choice and one.knows(choice)]
        if choice is None or not able:
            return found
        name = await able[0].choose(choice, said.account)
        return here.chosen(name, said.text, said.state, said.label, today) or found

    return understand


async def gather_examples(embedder: Embedder, book: FlowBook) -> Examples:
    """The examples of a book's flows, as people would say them, and what no flow is for."""
    named = named_examples(book)
    texts = [text for _, text in named]
    vectors = await embedder.embed(texts)
    strange, of_strange = await _outside(embedder, texts, vectors)
    return Examples(
        (*(name for name, _ in named), *[None] * len(strange)),
        (*texts, *strange),
        np.vstack([vectors, of_strange]),
    )


def named_examples(book: FlowBook) -> list[tuple[str, str]]:
    """The examples of a book, by flow, in wording without values: one may name an order."""
    wish = Understanding(book, None).wish
    return [
        (flow.name, wish(text))
        for flow in book.current.values()
        for texts in flow.examples.values()
        for text in texts
    ]


async def _fitted(embedder: Embedder, book: FlowBook, judges: Path | None) -> Nearest | None:
    """A judge that learned the examples of a book; one that has learned them before is kept."""
    named = named_examples(book)
    if not named:
        return None
    key = embedder.name, tuple(named)
    found = _kept.get(key)
    if found is None and judges is not None:
        found = await asyncio.to_thread(kept_judge, judges, embedder.name, named)
    if found is None:
        known = await gather_examples(embedder, book)
        found = await asyncio.to_thread(Nearest.fit, known.flows, known.texts, known.vectors)
        if judges is not None:
            await asyncio.to_thread(keep_judge, judges, embedder.name, named, found)
    _kept[key] = found
    _kept.move_to_end(key)
    while len(_kept) > _MOST_KEPT:
        _kept.popitem(last=False)
    return found


async def _outside(
    embedder: Embedder, texts: Sequence[str], vectors: NDArray[np.float32]
) -> tuple[list[str], NDArray[np.float32]]:
    """Sentences that nothing here is for, in the languages of the examples, and their vectors."""
    spoken = {language_by_script(text) for text in texts}
    strange = [text for language in sorted(spoken) for text in OUTSIDE[language]]
    found = await embedder.embed(strange)
    said = set(texts)
    far = (found @ vectors.T).max(axis=1) < _LIKE
    kept = [bool(one) and text not in said for text, one in zip(strange, far, strict=True)]
    return [text for text, keep in zip(strange, kept, strict=True) if keep], found[kept]
