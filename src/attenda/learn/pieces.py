"""Tokens as a person reads them: their text, with spaces made visible and bytes put together.

A letter that a tokenizer cuts into several tokens is shown with a number for each part. Knows
nothing of models or pages.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from attenda.learn.tokenizer import TextTokenizer

__all__ = ["Piece", "pieces"]

_CONTROL = re.compile(r"<\|[^|]*\|>")
_PARTS = "₁₂₃₄₅₆₇₈"
_MOST_PARTS = len(_PARTS)
_SEEN: dict[int, int | str] = {
    **{code: 0x2400 + code for code in range(32)},
    ord(" "): "·",
    ord("\n"): "↵",
    ord("\t"): "⇥",
    0x7F: "␡",
}


@dataclass(frozen=True, slots=True)
class Piece:
    """One token as it is shown."""

    text: str
    control: bool
    """It is a control token, which no person wrote."""


def pieces(tokenizer: TextTokenizer, ids: Sequence[int]) -> tuple[Piece, ...]:
    """Each of `ids` as it is shown."""
    return tuple(_pieces([tokenizer.inner.id_to_token(number) or "?" for number in ids]))


def _pieces(tokens: Sequence[str]) -> Iterator[Piece]:
    open_parts: list[bytes] = []
    for token in tokens:
        own = None if _CONTROL.fullmatch(token) else _bytes_of(token)
        if own is None:
            yield from _broken(open_parts)
            open_parts = []
            yield Piece(token.translate(_SEEN), bool(_CONTROL.fullmatch(token)))
            continue
        open_parts.append(own)
        whole = _text(b"".join(open_parts))
        if whole is not None:
            many = len(open_parts) > 1
            for part in range(len(open_parts)):
                yield Piece(whole.translate(_SEEN) + (_PARTS[part] if many else ""), False)
            open_parts = []
        elif len(open_parts) == _MOST_PARTS:
            yield from _broken(open_parts)
            open_parts = []
    yield from _broken(open_parts)


def _broken(parts: Sequence[bytes]) -> Iterator[Piece]:
    """Bytes that make no letter, each part as its hexadecimal digits or what can be read of it."""
    for part in parts:
        text = _text(part)
        shown = f"⟨{part.hex(' ')}⟩" if text is None else text.translate(_SEEN)
        yield Piece(shown, False)


def _text(data: bytes) -> str | None:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None


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
