"""Looks a data set over before anything learns from it: sizes, languages, repeats, leaks.

`examine` only looks; `clean` drops what is broken or there twice. It keeps numbers of each
conversation, not the words, and knows no format: rows come from `dialogues.read`.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from attenda.core.message import Message
from attenda.learn.conversation import Dialogue, Problem, all_texts, rewritten, with_rest
from attenda.learn.languages import guess_language
from attenda.learn.near import Overlap, Twins, is_han, overlap_grams, shingles, words_of
from attenda.learn.personal import personal_hints, redacted

__all__ = ["Cleaned", "Findings", "Leakage", "Repeat", "Spread", "clean", "examine", "leakage"]

MOST_LEAKAGE = 0.01
"""Share of validation conversations known from training, above which figures are worth nothing."""
_LEAKS = 0.5
_REPEATS = 0.05
_FEWEST_TO_REPEAT = 20
"""With fewer conversations than this, an answer that comes back is no sign of anything."""
_SHORT_WORDS, _SHORT_HAN = 2, 3

Rows = Iterable[Dialogue | Problem]


@dataclass(frozen=True, slots=True)
class Spread:
    """Where numbers lie."""

    least: int
    median: int
    p95: int
    most: int

    @classmethod
    def of(cls, numbers: Sequence[int]) -> "Spread":
        """The spread of `numbers`; all 0 without any."""
        ordered = sorted(numbers) or [0]
        last = len(ordered) - 1
        return cls(ordered[0], ordered[last // 2], ordered[last * 95 // 100], ordered[-1])


@dataclass(frozen=True, slots=True)
class Repeat:
    """The answer that comes most often."""

    answer: str
    share: float


@dataclass(frozen=True, slots=True)
class Leakage:
    """How much of a validation set was seen in training."""

    checked: int
    exact: int
    """Conversations that are in training word by word."""
    near: int
    """Those with more than half of their n-grams in training, the exact ones among them."""

    @property
    def share(self) -> float:
        """The share of conversations that leaked."""
        return self.near / self.checked if self.checked else 0.0

    @property
    def shown(self) -> dict[str, str]:
        """As a sentence names it."""
        return {"share": f"{self.share:.1%}", "count": f"{self.near}", "checked": f"{self.checked}"}


@dataclass(frozen=True, slots=True)
class Findings:
    """What the doctor found."""

    conversations: int
    """Those that can be used."""
    preferences: int
    """Of them, those with a rejected answer."""
    turns: Spread
    words: Spread
    """For each conversation; of Chinese, characters count as words."""
    characters: Spread
    languages: Mapping[str, float]
    """Shares of conversations, largest first; `?` is unknown."""
    exact_duplicates: int
    near_duplicates: int
    short_answers: float
    """Share of answers of at most two words, or three Chinese characters."""
    repeat: Repeat
    personal: Mapping[str, int]
    """Hints at personal data: `emails`, `phones`, `cards`."""
    leakage: Leakage | None
    problems: tuple[Problem, ...]

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems that must be mended."""
        return tuple(one for one in self.problems if one.severity == "error")

    def to_json(self, language: str = "en") -> dict[str, Any]:
        """Plain data, problems in `language`."""
        plain = asdict(self)
        if self.leakage is not None:
            plain["leakage"]["share"] = self.leakage.share
        plain["problems"] = [
            {
                "place": one.place,
                "severity": one.severity,
                "kind": one.key.rpartition(".")[2],
                "text": one.text(language),
            }
            for one in self.problems
        ]
        return plain


@dataclass(frozen=True, slots=True)
class Cleaned:
    """What `clean` kept, and what it left out and why."""

    kept: tuple[Dialogue, ...]
    dropped: tuple[Problem, ...]


def examine(rows: Rows, validation: Rows | None = None) -> Findings:
    """Look over the rows of a data set, and over what is held back from it.

    Problems of both come back in `problems`; all other numbers are of `rows`. A leakage over 1 %
    is an error.
    """
    look = _Look()
    known = _Known()
    for row in rows:
        words = look.take(row)
        if validation is not None and isinstance(row, Dialogue):
            known.add(row, words)
    found: Leakage | None = None
    if validation is not None:
        found, problems = _leakage(known, validation)
        look.problems.extend(problems)
    return look.findings(found)


def leakage(train: Iterable[Dialogue], validation: Iterable[Dialogue]) -> Leakage:
    """How much of `validation` is known from `train`, word by word or by its n-grams."""
    known = _Known()
    for row in train:
        known.add(row, _words(row))
    return _leakage(known, validation)[0]


def clean(rows: Rows, *, redact: bool = False) -> Cleaned:
    """The conversations without the broken ones and exact repeats, in order, edges stripped.

    `redact` puts marks for e-mail addresses, telephone and card numbers.
    """
    kept: list[Dialogue] = []
    dropped: list[Problem] = []
    seen: dict[bytes, str] = {}
    for row in rows:
        if isinstance(row, Problem):
            dropped += [row] if row.severity == "error" else []
            continue
        key = _identity(row)
        if key in seen:
            dropped.append(_repeated(row, seen[key]))
        else:
            seen[key] = row.place
            plain = _rewritten(row, _stripped)
            kept.append(_rewritten(plain, _redacted) if redact else plain)
    return Cleaned(tuple(kept), tuple(dropped))


def _rewritten(row: Dialogue, rewrite: Callable[[Message], Message]) -> Dialogue:
    messages = tuple(rewrite(one) for one in row.messages)
    return replace(row, messages=messages, rejected=row.rejected and rewrite(row.rejected))


def _stripped(message: Message) -> Message:
    return rewritten(message, str.strip, words_alone=True)


def _redacted(message: Message) -> Message:
    return rewritten(message, redacted)


def _repeated(row: Dialogue, first: str) -> Problem:
    return Problem(row.place, "learn.data.duplicate", {"first": first}, "warning")


def _identity(row: Dialogue) -> bytes:
    """Equal for conversations of the same words."""
    said = [part for one in row.messages for part in (one.role, *_written(one))]
    said += _written(row.rejected) if row.rejected else [""]
    return hashlib.blake2b("\0".join(said).encode(), digest_size=16).digest()


def _written(message: Message) -> list[str]:
    words, *rest = with_rest(message)
    return [str(words).strip(), *map(repr, rest)]


def _words(row: Dialogue) -> list[str]:
    """What was said; a system prompt that all rows share makes none alike."""
    spoken = [one.text for one in row.messages if one.role != "system"]
    return words_of("\n".join(spoken))


class _Known:
    """What training has seen."""

    def __init__(self) -> None:
        self._rows: set[bytes] = set()
        self._overlap = Overlap()

    def add(self, row: Dialogue, words: Sequence[str]) -> None:
        """Take a row of training in."""
        self._rows.add(_identity(row))
        self._overlap.add(overlap_grams(words))

    def share(self, row: Dialogue) -> tuple[bool, float]:
        """Whether a row is there word by word, and the share of its n-grams that is."""
        if _identity(row) in self._rows:
            return True, 1.0
        return False, self._overlap.share(overlap_grams(_words(row)))


def _leakage(known: _Known, validation: Rows) -> tuple[Leakage, list[Problem]]:
    checked = same = near = 0
    problems: list[Problem] = []
    for row in validation:
        if isinstance(row, Problem):
            problems.append(row)
            continue
        checked += 1
        whole, share = known.share(row)
        same += whole
        if share > _LEAKS:
            near += 1
            values = {"share": f"{share:.0%}"}
            problems.append(Problem(row.place, "learn.data.leak", values, "warning"))
    found = Leakage(checked, same, near)
    if found.share > MOST_LEAKAGE:
        values = {"share": f"{found.share:.1%}", "count": str(near), "most": f"{MOST_LEAKAGE:.0%}"}
        problems.append(Problem("", "learn.data.leakage", values))
    return found, problems


class _Look:
    """Numbers of all rows seen so far."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self._seen: dict[bytes, str] = {}
        self._twins = Twins()
        self._places: list[str] = []
        self._turns: list[int] = []
        self._words: list[int] = []
        self._characters: list[int] = []
        self._languages: Counter[str] = Counter()
        self._answers: Counter[bytes] = Counter()
        self._shown: dict[bytes, str] = {}
        self._personal: Counter[str] = Counter()
        self._short = self._repeats = self._preferences = 0

    def take(self, row: Dialogue | Problem) -> list[str]:
        """Count a row in; its words, none of a problem."""
        if isinstance(row, Problem):
            self.problems.append(row)
            return []
        words = _words(row)
        self._words.append(len(words))
        self._languages[guess_language(words)] += 1
        self._measure(row)
        self._compare(row, words)
        return words

    def _compare(self, row: Dialogue, words: Sequence[str]) -> None:
        key = _identity(row)
        if key in self._seen:
            self._repeats += 1
            self.problems.append(_repeated(row, self._seen[key]))
            return
        self._seen[key] = row.place
        if words:
            self._twins.add(shingles(words))
            self._places.append(row.place)

    def _measure(self, row: Dialogue) -> None:
        spoken = [one for one in row.messages if one.role in ("user", "assistant")]
        self._turns.append(len(spoken))
        self._characters.append(sum(len(one.text) for one in spoken))
        self._preferences += row.rejected is not None
        for one in row.messages:
            self._personal += personal_hints(all_texts(one))
        for answer in spoken:
            if answer.role == "assistant" and (answer.text.strip() or not answer.calls):
                self._answer(answer)

    def _answer(self, answer: Message) -> None:
        text = answer.text.strip()
        words = words_of(text)
        self._short += len(words) <= (_SHORT_HAN if words and is_han(words) else _SHORT_WORDS)
        key = hashlib.blake2b(text.encode(), digest_size=12).digest()
        self._answers[key] += 1
        self._shown.setdefault(key, text[:80])

    def findings(self, found: Leakage | None) -> Findings:
        """All of it."""
        answers = max(1, self._answers.total())
        repeat = self._most_repeated(answers)
        twins = self._twins.find()
        self.problems.extend(self._closing(repeat, twins))
        total = max(1, len(self._turns))
        return Findings(
            conversations=len(self._turns),
            preferences=self._preferences,
            turns=Spread.of(self._turns),
            words=Spread.of(self._words),
            characters=Spread.of(self._characters),
            languages={name: count / total for name, count in self._languages.most_common()},
            exact_duplicates=self._repeats,
            near_duplicates=len(twins),
            short_answers=self._short / answers,
            repeat=repeat,
            personal=dict(self._personal),
            leakage=found,
            problems=tuple(self.problems),
        )

    def _most_repeated(self, answers: int) -> Repeat:
        for key, count in self._answers.most_common(1):
            return Repeat(self._shown[key], count / answers)
        return Repeat("", 0.0)

    def _closing(self, repeat: Repeat, twins: Mapping[int, int]) -> Iterator[Problem]:
        """What only shows when all rows were seen."""
        for later, earlier in sorted(twins.items()):
            values = {"first": self._places[earlier]}
            yield Problem(self._places[later], "learn.data.near_duplicate", values, "warning")
        if repeat.share > _REPEATS and self._answers.total() >= _FEWEST_TO_REPEAT:
            values = {"share": f"{repeat.share:.0%}", "answer": repeat.answer}
            yield Problem("", "learn.data.repeated_answer", values, "warning")
        if self._personal:
            found = ", ".join(f"{name}: {count}" for name, count in sorted(self._personal.items()))
            yield Problem("", "learn.data.personal", {"found": found}, "warning")
        if not self._turns:
            yield Problem("", "learn.data.nothing")
