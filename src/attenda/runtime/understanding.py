"""Understanding at work: the examples of a book as vectors, made once, and each message's own."""

import datetime
from collections.abc import Sequence

import numpy as np

from attenda.core.command import Command
from attenda.core.ports import Embedder
from attenda.dialogue.book import FlowBook
from attenda.dialogue.understand import Understanding
from attenda.runtime.pack import Said, Understand

__all__ = ["learn_examples"]


async def learn_examples(embedder: Embedder, book: FlowBook) -> Understand:
    """How the people are understood who talk to an agent with these flows."""
    named = [
        (flow.name, text)
        for flow in book.current.values()
        for texts in flow.examples.values()
        for text in texts
    ]
    texts = [text for _, text in named]
    vectors = await embedder.embed(texts) if texts else np.zeros((0, embedder.width), np.float32)
    known = Understanding(book, [name for name, _ in named], vectors)

    async def understand(said: Said) -> Sequence[Command]:
        (vector,) = await embedder.embed([known.wish(said.text)])
        today = datetime.date.fromisoformat(str(said.given.names["today"].value))
        return known.commands(said.text, vector, said.state, said.label, today)

    return understand
