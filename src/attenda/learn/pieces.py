"""Tokens as a person reads them: their text, with spaces made visible and bytes put together.

A letter that a tokenizer cuts into several tokens is shown with a number for each part. Knows
nothing of models or pages.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tokenizers.models import WordPiece

from attenda.learn.tokenizer import TextTokenizer

__all__ = ["Piece", "pieces"]

_CONTROL = re.compile(r"<\|[^|]*\|>")
_PARTS = "₁₂₃₄₅₆₇₈"
_MOST_PARTS = len(_PARTS)
_SEEN = {" ": "·", "\n": "↵", "\t": "⇥"}


@dataclass(frozen=True, slots=True)
class Piece:
    """One token as it is shown."""

    text: str
    control: bool
    """It is a control token, which no person wrote."""


def pieces(tokenizer: TextTokenizer, ids: Sequence[int]) -> tuple[Piece, ...]:
    """Each of `ids` as it is shown."""
    tokens = [tokenizer.inner.id_to_token(number) or "?" for number in ids]
    if isinstance(tokenizer.inner.model, WordPiece):
        return tuple(_word_pieces(tokenizer, tokens))
    return tuple(_pieces(tokens))


def _word_pieces(tokenizer: TextTokenizer, tokens: Sequence[str]) -> Iterator[Piece]:
    """Word pieces as they stand in the vocabulary: `##` goes on with the word before it."""
    added = tokenizer.inner.get_added_tokens_decoder().values()
    marks = {one.content for one in added if one.special} - {tokenizer.inner.model.unk_token}
    return (Piece(_visible(token), token in marks) for token in tokens)


def _pieces(tokens: Sequence[str]) -> Iterator[Piece]:
    open_parts: list[bytes] = []
    for token in tokens:
        own = None if _CONTROL.fullmatch(token) else _bytes_of(token)
        if own is None:
            yield from _broken(open_parts)
            open_parts = []
            yield Piece(_visible(token), bool(_CONTROL.fullmatch(token)))
            continue
        open_parts.append(own)
        whole = _text(b"".join(open_parts))
        if whole is not None:
            yield from _parted(_visible(whole), len(open_parts))
            open_parts = []
        elif len(open_parts) == _MOST_PARTS:
            yield from _broken(open_parts)
            open_parts = []
    yield from _broken(open_parts)


def _parted(text: str, parts: int) -> Iterator[Piece]:
    """A text that takes several tokens, once for each; a space before it is the first's."""
    if parts == 1:
        yield Piece(text, False)
        return
    yield Piece(text + _PARTS[0], False)
    for mark in _PARTS[1:parts]:
        yield Piece(text.lstrip("·") + mark, False)


def _broken(parts: Sequence[bytes]) -> Iterator[Piece]:
    """Bytes that make no letter, each part as its hexadecimal digits or what can be read of it."""
    for part in parts:
        text = _text(part)
        shown = f"⟨{part.hex(' ')}⟩" if text is None else _visible(text)
        yield Piece(shown, False)


def _text(data: bytes) -> str | None:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None


def _visible(text: str) -> str:
    """The text with spaces, line breaks and what can't be seen as signs or numbers."""
    return "".join(
        _SEEN.get(letter, letter if letter.isprintable() else f"⟨{ord(letter):04X}⟩")
        for letter in text
    )


def _letters() -> dict[str, int]:
    """The letter that stands for each byte in a byte-level vocabulary (GPT-2)."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in plain]
    return {
        **{chr(byte): byte for byte in plain},
        **{chr(256 + place): byte for place, byte in enumerate(others)},
    }


_LETTERS = _letters()


def _bytes_of(token: str) -> bytes | None:
    """The bytes of a byte-level token; none where it is of another kind."""
    if any(letter not in _LETTERS for letter in token):
        return None
    return bytes(_LETTERS[letter] for letter in token)
