"""What a model learns of each row of its data, token by token.

The marks are those that training takes: the tokenizer's own. Knows nothing of pages.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from attenda.learn.dialogues import Dialogue
from attenda.learn.pieces import Piece, pieces
from attenda.learn.rows import token_rows
from attenda.learn.tokenizer import TextTokenizer

__all__ = ["MaskedRow", "masked_rows"]


@dataclass(frozen=True, slots=True)
class MaskedRow:
    """A conversation as tokens, with which of them are learned."""

    name: str
    """Its file, without the folders, and where it stands there."""
    tokens: tuple[Piece, ...]
    learned: tuple[bool, ...]

    @property
    def share(self) -> float:
        """Share of its tokens that is learned."""
        return sum(self.learned) / max(len(self.learned), 1)


def masked_rows(
    dialogues: Iterable[Dialogue], tokenizer: TextTokenizer, *, all_learned: bool = False
) -> Iterator[MaskedRow]:
    """Each conversation with its mask.

    Args:
        dialogues: the conversations.
        tokenizer: with the template.
        all_learned: as pretraining learns, else the assistant's words alone.
    """
    for one in dialogues:
        (row,) = token_rows([one], tokenizer, all_learned=all_learned)
        yield MaskedRow(Path(one.place).name, pieces(tokenizer, row.ids), row.learned)
