"""Understanding at work: a judge that learns the examples of a book when it is opened."""

import asyncio
import datetime
from collections.abc import Sequence

from attenda.core.command import Command
from attenda.core.ports import Embedder
from attenda.dialogue.book import FlowBook
from attenda.dialogue.nearest import Nearest
from attenda.dialogue.understand import Understanding
from attenda.runtime.pack import Said, Understand

__all__ = ["learn_examples"]


async def learn_examples(embedder: Embedder, book: FlowBook) -> Understand:
    """How the people are understood who talk to an agent with these flows."""
    wish = Understanding(book, None).wish  # an example may name an order, as people do
    named = [
        (flow.name, wish(text))
        for flow in book.current.values()
        for texts in flow.examples.values()
        for text in texts
    ]
    nearest: Nearest | None = None
    if named:
        names, texts = zip(*named, strict=True)
        vectors = await embedder.embed(texts)
        nearest = await asyncio.to_thread(Nearest.fit, names, texts, vectors)
    known = Understanding(book, nearest)

    async def understand(said: Said) -> Sequence[Command]:
        (vector,) = await embedder.embed([known.wish(said.text)])
        today = datetime.date.fromisoformat(str(said.given.names["today"].value))
        return known.commands(said.text, vector, said.state, said.label, today)

    return understand
