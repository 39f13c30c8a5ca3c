"""Understanding at work: a judge that learns the examples of a book when it is opened."""

import asyncio
import datetime
from collections import OrderedDict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from attenda.core.command import Command
from attenda.core.ports import Embedder
from attenda.dialogue.book import FlowBook
from attenda.dialogue.nearest import Nearest
from attenda.dialogue.nearest_features import has_han
from attenda.dialogue.outside import OUTSIDE
from attenda.dialogue.understand import Understanding
from attenda.runtime.pack import Said, Understand

__all__ = ["learn_examples"]


_kept: OrderedDict[tuple[str, tuple[tuple[str, str], ...]], Nearest] = OrderedDict()
"""Judges by the embedder's identity and the examples that they learned, the newest last."""
_MOST_KEPT = 8
_LIKE = 0.6
"""Cosine from which on a sentence may mean what an example does."""


async def learn_examples(embedder: Embedder, book: FlowBook) -> Understand:
    """How the people are understood who talk to an agent with these flows."""
    wish = Understanding(book, None).wish  # an example may name an order, as people do
    named = [
        (flow.name, wish(text))
        for flow in book.current.values()
        for texts in flow.examples.values()
        for text in texts
    ]
    nearest = await _fitted(embedder, named) if named else None
    known = Understanding(book, nearest)

    async def understand(said: Said) -> Sequence[Command]:
        vectors = await embedder.embed(known.wishes(said.text))
        today = datetime.date.fromisoformat(str(said.given.names["today"].value))
        user = said.given.names["user"].value
        role = str(user.get("role", "")) if isinstance(user, dict) else ""
        return known.commands(said.text, vectors, said.state, said.label, today, role)

    return understand


async def _fitted(embedder: Embedder, named: list[tuple[str, str]]) -> Nearest:
    """A judge that learned these examples, by flow; one that has learned them before is kept."""
    key = embedder.name, tuple(named)
    found = _kept.get(key)
    if found is None:
        names, texts = zip(*named, strict=True)
        vectors = await embedder.embed(texts)
        strange, of_strange = await _outside(embedder, texts, vectors)
        found = await asyncio.to_thread(
            Nearest.fit,
            [*names, *[None] * len(strange)],
            [*texts, *strange],
            np.vstack([vectors, of_strange]),
        )
    _kept[key] = found
    _kept.move_to_end(key)
    while len(_kept) > _MOST_KEPT:
        _kept.popitem(last=False)
    return found


async def _outside(
    embedder: Embedder, texts: Sequence[str], vectors: NDArray[np.float32]
) -> tuple[list[str], NDArray[np.float32]]:
    """Sentences that nothing here is for, in the languages of the examples, and their vectors."""
    spoken = {"zh-CN" if has_han(text) else "en" for text in texts}
    strange = [text for language in sorted(spoken) for text in OUTSIDE[language]]
    found = await embedder.embed(strange)
    said = set(texts)
    far = (found @ vectors.T).max(axis=1) < _LIKE
    kept = [bool(one) and text not in said for text, one in zip(strange, far, strict=True)]
    return [text for text, keep in zip(strange, kept, strict=True) if keep], found[kept]
