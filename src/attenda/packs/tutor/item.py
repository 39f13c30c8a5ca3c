"""An exercise as a value: what is asked, what is right, what wrong answers tell, what helps.

To and from JSON, so that exercises of any source (our course, GIFT, QTI, word problems, cards) are
kept and graded alike. Knows nothing of learners.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

__all__ = ["Item", "Kind", "Option", "Texts", "from_json", "text_in", "to_json"]

Texts = Mapping[str, str]
"""A text by language."""

Kind = Literal[
    "number", "quantity", "term", "choice", "several", "short", "set", "order", "match", "open"
]


@dataclass(frozen=True, slots=True)
class Option:
    """One answer to choose, or one pair to match."""

    text: Texts
    right: bool = False
    """Of a choice: it is (one of) the right one(s)."""
    partner: Texts = field(default_factory=dict)
    """Of a pair: what belongs to it."""
    share: float = 0.0
    """Of several: the part of the score that it gives or takes."""
    feedback: Texts = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Item:
    """An exercise."""

    id: str
    skill: str
    kind: Kind
    prompt: Texts
    keys: tuple[str, ...] = ()
    """Accepted answers: numbers, terms or words; `LOW..HIGH` is a range of numbers."""
    tolerance: float = 0.0
    """Of numbers; 0 is exact, save that endless decimals may be rounded."""
    form: Literal["", "lowest", "expanded", "percent"] = ""
    """How a right answer must be written; of percent, that a bare number means hundredths."""
    options: tuple[Option, ...] = ()
    mistakes: tuple[tuple[str, str], ...] = ()
    """A misconception and the answer that tells it."""
    hints: tuple[Texts, ...] = ()
    """Idea, step, worked parallel example; fewer where a source has none."""
    solution: Texts = field(default_factory=dict)
    difficulty: float = 0.0
    source: str = ""
    part_scores: tuple[tuple[str, float], ...] = ()
    """Of short and number: answers that are partly right, with their share."""


def text_in(texts: Texts, language: str) -> str:
    """The text in a language; else the English one, else any."""
    return texts.get(language) or texts.get("en") or next(iter(texts.values()), "")


def to_json(item: Item) -> dict[str, Any]:
    """As it is stored."""
    plain: dict[str, Any] = json.loads(json.dumps(asdict(item)))
    return plain


def from_json(body: Mapping[str, Any]) -> Item:
    """An exercise as it was stored.

    Raises:
        ValueError: it is none.
    """
    if body.get("kind") not in get_args(Kind):
        raise ValueError(f"{body.get('kind')!r} is no kind of exercise")
    made = dict(body)
    made["keys"] = tuple(map(str, made.get("keys", ())))
    made["options"] = tuple(Option(**one) for one in made.get("options", ()))
    made["hints"] = tuple(made.get("hints", ()))
    made["mistakes"] = tuple((str(tag), str(key)) for tag, key in made.get("mistakes", ()))
    made["part_scores"] = tuple((str(a), float(b)) for a, b in made.get("part_scores", ()))
    try:
        return Item(**made)
    except TypeError as error:
        raise ValueError(f"not an exercise: {error}") from error
