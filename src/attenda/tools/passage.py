"""Passages of documents as a pack's tools find them: read alone, by the rights of the person."""

from collections.abc import Sequence
from dataclasses import dataclass

from attenda.core.errors import NotFound
from attenda.core.message import Citation
from attenda.core.principal import Principal
from attenda.store import passages
from attenda.store.database import Connection

__all__ = ["Passage", "passages_for"]

_MOST = 50


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of a document that the person may read."""

    id: str
    document_id: str
    document: str
    """Title of the document."""
    heading: str
    page: int | None
    start: int
    """First code point in the document's stored text."""
    text: str

    def cited(self, n: int, words: str) -> Citation | None:
        """The citation with the marker `[n]` of words of it; none where it has no such words."""
        at = self.text.find(words) if words else -1
        if at < 0:
            return None
        return Citation(
            n=n,
            passage_id=self.id,
            document_id=self.document_id,
            document=self.document,
            page=self.page,
            start=self.start + at,
            end=self.start + at + len(words),
            quote=words,
        )


def passages_for(
    connection: Connection | None, who: Principal, query: str, limit: int = 5
) -> Sequence[Passage]:
    """Passages by their words that a person may see at this moment, best first.

    Raises:
        NotFound: there is no transaction to read in.
    """
    if connection is None:
        raise NotFound("tool.no_passages")
    ranked = passages.words_search(connection, who, query, min(limit, _MOST))
    found = passages.fetch_passages(connection, who, [number for number, _ in ranked])
    return [
        Passage(one.id, one.document_id, one.document, one.heading, one.page, one.start, one.text)
        for one in found
    ]
