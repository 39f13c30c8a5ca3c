"""Rows of tokens packed into batches, each place knowing which text it belongs to.

What comes at a step depends on the seed and the step alone, so a run that starts again goes on
with exactly the rows it would have had. Nothing here knows models or losses.

Letters of the shapes: B rows of a batch, T places.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from attenda.core.errors import UserError
from attenda.learn.tokenizer import TokenRow

__all__ = ["Batch", "Corpus", "Packing", "Place", "SinglePacking"]

_OPEN_ROWS = 64
"""Unfilled rows that a text may be put into; more pack tighter and take longer."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Packed rows; `targets` are the tokens that come after `tokens`."""

    tokens: Tensor  # (B, T)
    targets: Tensor  # (B, T)
    learned: Tensor  # (B, T), whether the target counts in the loss
    positions: Tensor | None  # (B, T), each place in its own text; none where rows are one text
    documents: Tensor | None  # (B, T), the number of the text; -1 is padding
    weight: int
    """Targets that count."""
    name: str
    """For a person to find it: epoch and place."""
    source: "Batch | None" = None
    """Where the texts answer others: those, under the same numbers."""

    @property
    def places(self) -> int:
        """Places computed, padding included."""
        return self.tokens.numel() + (self.source.tokens.numel() if self.source else 0)

    def to(self, device: torch.device) -> Self:
        """The same on another device."""
        return replace(
            self,
            tokens=self.tokens.to(device),
            targets=self.targets.to(device),
            learned=self.learned.to(device),
            positions=None if self.positions is None else self.positions.to(device),
            documents=None if self.documents is None else self.documents.to(device),
            source=None if self.source is None else self.source.to(device),
        )


class Corpus:
    """Texts as one long array of ids; long ones are cut so that each fits into a row.

    A piece of a long text begins with the last token of the piece before, so that every token
    but a text's first is a target once.
    """

    def __init__(
        self,
        rows: Iterable[TokenRow],
        length: int,
        *,
        cut: bool,
        sources: Iterable[Sequence[int]] | None = None,
    ) -> None:
        """Take in `rows`.

        Args:
            rows: texts as ids, with what is learned of them.
            length: places of a row (T).
            cut: cut long texts into pieces; else what does not fit is left out at their end.
            sources: for each text, the one that it answers, which is never cut into pieces but
                loses its beginning.

        Raises:
            UserError: no token is learned, or all tokens of conversations are.
        """
        self.length = length
        self.texts = 0
        self.shortened = 0
        """Texts that lost their end."""
        self.dropped: list[int] = []
        """Numbers of the texts that have nothing to learn."""
        ids: list[NDArray[np.int32]] = []
        learned: list[NDArray[np.bool_]] = []
        answered = None if sources is None else iter(sources)
        self.sources: list[NDArray[np.int32]] = []
        for number, row in enumerate(rows):
            self.texts += 1
            source = None if answered is None else np.asarray(next(answered), dtype=np.int32)
            pieces = list(self._pieces(row, cut=cut))
            if not pieces:
                self.dropped.append(number)
            for one, marks in pieces:
                ids.append(one)
                learned.append(marks)
                if source is not None:
                    self.sources.append(source[-length:])
        if not ids:
            raise UserError("learn.data.unlearned", texts=self.texts)
        self.starts = np.cumsum([0, *(len(piece) for piece in ids)])
        self.ids, self.learned = np.concatenate(ids), np.concatenate(learned)

    def _pieces(
        self, row: TokenRow, *, cut: bool
    ) -> Iterator[tuple[NDArray[np.int32], NDArray[np.bool_]]]:
        ids = np.asarray(row.ids, dtype=np.int32)
        learned = np.asarray(row.learned, dtype=np.bool_)
        if len(ids) > self.length + 1 and not cut:
            self.shortened += 1
        for start in range(0, max(len(ids) - 1, 0) if cut else 1, self.length):
            piece = slice(start, start + self.length + 1)
            if learned[piece][1:].any():
                yield ids[piece], learned[piece]

    @property
    def tokens(self) -> int:
        """Targets, learned or not."""
        return len(self.ids) - self.pieces

    @property
    def pieces(self) -> int:
        """Texts, or parts of them, that fit into a row."""
        return len(self.starts) - 1

    @property
    def learned_share(self) -> float:
        """Share of targets that are learned."""
        return self.learned_count / max(self.tokens, 1)

    @property
    def learned_count(self) -> int:
        """Targets that are learned; a piece's first token is no target."""
        return int(self.weights.sum())

    @cached_property
    def weights(self) -> NDArray[np.int64]:
        """Learned targets of each piece."""
        sums = np.add.reduceat(self.learned.astype(np.int64), self.starts[:-1])
        return sums - self.learned[self.starts[:-1]]

    @cached_property
    def needs(self) -> NDArray[np.int64]:
        """Places that each piece takes in a row, of its own and for its source."""
        own = np.diff(self.starts) - 1
        return np.maximum(own, [len(s) for s in self.sources]) if self.sources else own

    def piece(self, number: int) -> slice:
        """Where a piece lies in `ids` and `learned`."""
        return slice(int(self.starts[number]), int(self.starts[number + 1]))


@dataclass(frozen=True, slots=True)
class Place:
    """Where a run stands in its data: so many batches of this epoch are done."""

    epoch: int = 0
    done: int = 0


class Packing:
    """A corpus dealt out in batches, epoch after epoch, shuffled anew in each."""

    def __init__(self, corpus: Corpus, batch: int, seed: int, *, shuffle: bool = True) -> None:
        """Deal out `corpus`, `batch` rows at a time."""
        self.corpus, self.batch, self.seed, self.shuffle = corpus, batch, seed, shuffle
        self._epoch = -1
        self._rows: list[list[int]] = []

    def batches_in(self, epoch: int) -> int:
        """Batches of an epoch; the last may not be full, and is not left out."""
        return -(-len(self.rows(epoch)) // self.batch)

    def next(self, place: Place) -> tuple[list[list[int]], Place]:
        """Rows of the batch at `place`, each a list of pieces, and the place after it."""
        if place.done >= self.batches_in(place.epoch):
            place = Place(place.epoch + 1)
        start = place.done * self.batch
        rows = self.rows(place.epoch)[start : start + self.batch]
        return rows, Place(place.epoch, place.done + 1)

    def weigh(self, rows: Sequence[Sequence[int]], name: str) -> int:
        """Learned targets of some rows."""
        return int(sum(self.corpus.weights[piece] for row in rows for piece in row))

    def fill(self, rows: Sequence[Sequence[int]], name: str, height: int = 0) -> Batch:
        """The tensors of some rows; empty rows are added up to `height`."""
        size = (max(len(rows), height), self.corpus.length)
        tokens, targets = np.zeros(size, np.int64), np.zeros(size, np.int64)
        learned = np.zeros(size, np.bool_)
        positions, documents = np.zeros(size, np.int64), np.full(size, -1, np.int64)
        for row, pieces in enumerate(rows):
            at = 0
            for number, piece in enumerate(pieces):
                where = self.corpus.piece(piece)
                count = where.stop - where.start - 1
                here = slice(at, at + count)
                tokens[row, here] = self.corpus.ids[where][:-1]
                targets[row, here] = self.corpus.ids[where][1:]
                learned[row, here] = self.corpus.learned[where][1:]
                positions[row, here] = np.arange(count)
                documents[row, here] = number
                at += count
        # where each row is one text, attention is plainly causal
        whole = not self.corpus.sources and bool((documents == 0).all())
        return Batch(
            torch.from_numpy(tokens),
            torch.from_numpy(targets),
            torch.from_numpy(learned),
            None if whole else torch.from_numpy(positions),
            None if whole else torch.from_numpy(documents),
            int(learned.sum()),
            name,
            self._fill_sources(rows, size, name) if self.corpus.sources else None,
        )

    def _fill_sources(
        self, rows: Sequence[Sequence[int]], size: tuple[int, int], name: str
    ) -> Batch:
        tokens, positions = np.zeros(size, np.int64), np.zeros(size, np.int64)
        documents = np.full(size, -1, np.int64)
        for row, pieces in enumerate(rows):
            at = 0
            for number, piece in enumerate(pieces):
                ids = self.corpus.sources[piece]
                here = slice(at, at + len(ids))
                tokens[row, here], positions[row, here] = ids, np.arange(len(ids))
                documents[row, here] = number
                at += len(ids)
        read = torch.from_numpy(tokens)
        places, texts = torch.from_numpy(positions), torch.from_numpy(documents)
        return Batch(read, read, torch.zeros(size, dtype=torch.bool), places, texts, 0, name)

    def rows(self, epoch: int) -> list[list[int]]:
        """Rows of an epoch: pieces put together so that little room is left."""
        if epoch != self._epoch:
            order = np.arange(self.corpus.pieces)
            if self.shuffle:
                np.random.default_rng([self.seed, epoch]).shuffle(order)
            self._rows, self._epoch = _pack(order, self.corpus), epoch
        return self._rows


class SinglePacking(Packing):
    """Deals out one text a row, which is what a batch's weight counts."""

    @property
    def texts(self) -> int:
        """How many there are."""
        return self.corpus.pieces

    def rows(self, epoch: int) -> list[list[int]]:
        """Rows of an epoch."""
        if epoch != self._epoch:
            order = np.arange(self.texts)
            if self.shuffle:
                np.random.default_rng([self.seed, epoch]).shuffle(order)
            self._rows, self._epoch = [[number] for number in order.tolist()], epoch
        return self._rows

    def weigh(self, rows: Sequence[Sequence[int]], name: str) -> int:
        """How many texts."""
        return len(rows)


def _pack(order: NDArray[np.int64], corpus: Corpus) -> list[list[int]]:
    """Put each piece into the fullest open row that has room for it (best fit)."""
    rows: list[list[int]] = []
    room: dict[int, int] = {}
    for piece in order.tolist():
        need = int(corpus.needs[piece])
        fitting = [row for row, left in room.items() if left >= need]
        if fitting:
            row = min(fitting, key=room.__getitem__)
        else:
            row = len(rows)
            rows.append([])
            room[row] = corpus.length
            if len(room) > _OPEN_ROWS:
                del room[min(room, key=room.__getitem__)]
        rows[row].append(piece)
        if row in room:
            room[row] -= need
            if room[row] == 0:
                del room[row]
    return rows
