"""Text into token ids and back: byte-level BPE, trained here or brought by a model; word pieces.

Also the one place where a rendered conversation becomes ids together with its loss mask. The
algorithm is the `tokenizers` library's; this file knows nothing of batches or models.
"""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from attenda.core.errors import UserError
from attenda.core.message import Message
from attenda.core.template import ChatTemplate, control_strings, render, render_pieces

__all__ = [
    "PAD",
    "TextTokenizer",
    "TokenRow",
    "WordPieceTokenizer",
    "byte_level",
    "load_tokenizer",
    "load_word_pieces",
    "train_tokenizer",
]

PAD = "<|pad|>"
END_OF_TEXT = "<|endoftext|>"
_DIGITS = Regex(r"\p{N}")


@dataclass(frozen=True, slots=True)
class TokenRow:
    """A conversation as ids, with which of them the model learns to write."""

    ids: tuple[int, ...]
    learned: tuple[bool, ...]


class TextTokenizer:
    """A tokenizer together with the chat template of the model it belongs to."""

    def __init__(self, inner: Tokenizer, template: ChatTemplate) -> None:
        """Raises UserError where the tokenizer can't write the template's control strings."""
        self.inner, self.template = inner, template
        stops: list[int | None] = [inner.token_to_id(stop) for stop in template.stop]
        missing = [text for text in control_strings(template) if not self._is_one_token(text)]
        if missing or None in stops:
            raise UserError("learn.tokenizer.template", name=template.name, tokens=missing)
        self.stop_ids = tuple(stop for stop in stops if stop is not None)
        """Ids that end the assistant's turn."""

    @property
    def vocabulary(self) -> int:
        """How many tokens there are, added ones included."""
        return int(self.inner.get_vocab_size(with_added_tokens=True))

    @cached_property
    def byte_counts(self) -> tuple[int, ...]:
        """Bytes of text that each token stands for; control tokens stand for none."""
        controls = {text for text in self.inner.get_vocab() if re.fullmatch(r"<\|[^|]*\|>", text)}
        counts = [0] * self.vocabulary
        for text, number in self.inner.get_vocab().items():
            counts[number] = 0 if text in controls else len(text)  # byte-level: a letter a byte
        return tuple(counts)

    @property
    def end_id(self) -> int:
        """The id that stands between texts."""
        found = self.inner.token_to_id(END_OF_TEXT)
        return self.stop_ids[0] if found is None else int(found)

    def encode(self, text: str) -> list[int]:
        """Ids of `text`; nothing is added before or after."""
        return list(self.inner.encode(text, add_special_tokens=False).ids)

    def decode(self, ids: Sequence[int], *, controls: bool = True) -> str:
        """The text of `ids`; without control tokens if `controls` is off."""
        return str(self.inner.decode(list(ids), skip_special_tokens=not controls))

    def prompt(self, messages: Sequence[Message]) -> list[int]:
        """Ids of a conversation that waits for the assistant's words."""
        return self.encode(render(messages, self.template))

    def row(self, messages: Sequence[Message]) -> TokenRow:
        """A whole conversation as ids, and which the model learns: answers with their stops.

        The text is cut into tokens in one piece, as it is when the model is asked; a token is
        learned if it lies inside what the assistant wrote.
        """
        pieces = render_pieces(messages, self.template)
        encoding = self.inner.encode("".join(text for text, _ in pieces), add_special_tokens=False)
        spans, start = [], 0
        for text, learned in pieces:
            if learned:
                spans.append((start, start + len(text)))
            start += len(text)
        return TokenRow(tuple(encoding.ids), tuple(_inside(encoding.offsets, spans)))

    def to_json(self) -> str:
        """The tokenizer as `tokenizer.json` holds it."""
        return str(self.inner.to_str())

    def _is_one_token(self, text: str) -> bool:
        marks = re.findall(r"<\|[^|]*\|>", text)
        return all(self.inner.token_to_id(mark) is not None for mark in marks)


class WordPieceTokenizer(TextTokenizer):
    """BERT's kind, which knows no conversations: it puts its own marks around a text."""

    def __init__(self, inner: Tokenizer) -> None:
        inner.no_truncation()
        inner.no_padding()
        super().__init__(inner, ChatTemplate(name="", before="", after=""))

    def encode(self, text: str) -> list[int]:
        """Ids of `text` between the marks, as the model reads it; none where there are no words."""
        return list(self.inner.encode(text).ids) if super().encode(text) else []


def _inside(offsets: Sequence[tuple[int, int]], spans: Sequence[tuple[int, int]]) -> list[bool]:
    """For each token's offsets, whether one of the spans holds it; both are in order."""
    found, number = [], 0
    for start, end in offsets:
        while number < len(spans) and spans[number][1] < end:
            number += 1
        found.append(number < len(spans) and spans[number][0] <= start)
    return found


def train_tokenizer(texts: Iterable[str], vocabulary: int, template: ChatTemplate) -> TextTokenizer:
    """Learn a byte-level BPE vocabulary (Sennrich et al. 2016) from `texts`.

    Digits stay single, so numbers are read alike wherever they stand; so do newlines, since those
    that end a prompt would else be other tokens than the same ones before an answer. Any bytes can
    be written.

    Args:
        texts: what to learn from.
        vocabulary: how many tokens, control tokens included; at least 300.
        template: its control strings become tokens of their own.

    Raises:
        UserError: the vocabulary is too small, or there is no text.
    """
    if vocabulary < 300:
        raise UserError("learn.tokenizer.small", size=vocabulary, least=300)
    marks = re.findall(r"<\|[^|]*\|>", template.before + template.after + template.start)
    controls = list(dict.fromkeys([PAD, END_OF_TEXT, *marks]))
    inner = byte_level(models.BPE())
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=controls,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    texts = iter(texts)
    if (first := next((text for text in texts if text.strip()), None)) is None:
        raise UserError("learn.tokenizer.no_text")
    cuts = inner.pre_tokenizer
    inner.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split("\n", "isolated"), cuts])
    inner.train_from_iterator((text for part in ((first,), texts) for text in part), trainer)
    inner.pre_tokenizer = cuts
    return TextTokenizer(inner, template)


def byte_level(model: models.BPE) -> Tokenizer:
    """GPT-2's way of cutting text into words and bytes, with single digits (as SmolLM2's)."""
    inner = Tokenizer(model)
    inner.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(_DIGITS, "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
        ]
    )
    inner.decoder = decoders.ByteLevel()
    return inner


def load_word_pieces(folder: Path) -> WordPieceTokenizer | None:
    """The tokenizer in a model's folder, where it is one of word pieces.

    Raises:
        UserError: it can't be read.
    """
    path = folder / "tokenizer.json"
    inner = _read_whole(path) if path.exists() else None
    if inner is None or not isinstance(inner.model, models.WordPiece):
        return None
    return WordPieceTokenizer(inner)


def load_tokenizer(folder: Path, template: ChatTemplate) -> TextTokenizer:
    """The tokenizer in a model's folder: `tokenizer.json`, or GPT-2's two files.

    Raises:
        UserError: neither is there or readable, or it can't write the template.
    """
    whole, vocab, merges = (folder / n for n in ("tokenizer.json", "vocab.json", "merges.txt"))
    if whole.exists():
        return TextTokenizer(_read_whole(whole), template)
    if vocab.exists() and merges.exists():
        return TextTokenizer(_read_gpt2(vocab, merges), template)
    raise UserError("learn.tokenizer.missing", path=folder)


def _read_whole(path: Path) -> Tokenizer:
    try:
        return Tokenizer.from_str(path.read_text("utf-8"))
    except Exception as error:
        raise UserError("learn.tokenizer.unreadable", path=path, problem=error) from error


def _read_gpt2(vocab: Path, merges: Path) -> Tokenizer:
    try:
        ids = json.loads(vocab.read_text("utf-8"))
        lines = merges.read_text("utf-8").splitlines()
        pairs = [
            (left, right)
            for left, _, right in (line.partition(" ") for line in lines)
            if right and not left.startswith("#version")
        ]
        inner = Tokenizer(models.BPE(vocab=ids, merges=pairs))
    except Exception as error:
        raise UserError("learn.tokenizer.unreadable", path=vocab, problem=error) from error
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    inner.add_special_tokens([END_OF_TEXT])
    return inner
