"""Findings in a person's own words, each with its span and how it was spoken of (en, zh-CN)."""

import functools
import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from attenda.api import dying_said
from attenda.packs.clinic.assertion import Assertion, assertion_of, clauses
from attenda.packs.clinic.echoed import is_echo_denied
from attenda.packs.clinic.signs import sign_patterns
from attenda.packs.clinic.spelling import Speller
from attenda.packs.clinic.words import FOLDER, read_yaml

__all__ = ["Lexicon", "Mention", "lexicon", "mentions"]


@dataclass(frozen=True, slots=True)
class Mention:
    """A finding in a text."""

    finding: str
    category: str
    """symptom, history or social."""
    start: int
    end: int
    words: str
    assertion: Assertion

    @property
    def is_own_and_present(self) -> bool:
        """Whether the person has it, or may have it, or had it a short while ago."""
        said = self.assertion
        return said.subject == "patient" and said.when != "past" and said.status != "absent"


_MOST_READ = 100
"""Findings of one sentence; nobody tells so many in one."""
_SAID = Assertion("present", "patient", "now")
_ME = re.compile(r"\b(?:me|myself)\b|我", re.IGNORECASE)
_GAP = "…"
_DYING = "self_harm"
_LATIN_GAP = (
    r"(?:[\s,]+(?!(?:no|not|never|without|nor|and|but|or)\b|[a-z]+n't\b"
    r"|(?:do|does|did|is|are|was|were)nt\b(?! (?:stop|quit|let|ease|go"
    r"|get)\b))[a-z0-9']+){0,5}[\s,]+"
)
_OTHER_GAP = r"[^，。,.;；！？!?\s不没无未但]{0,6}"


class Lexicon:
    """Findings with the words that mean them."""

    def __init__(
        self,
        findings: dict[str, dict[str, object]],
        signs: Iterable[tuple[re.Pattern[str], str]] = (),
    ) -> None:
        self.category: dict[str, str] = {}
        self.shown: dict[str, dict[str, str]] = {}
        self._by_words: dict[str, str] = {}
        self._gapped: list[tuple[re.Pattern[str], str]] = []
        for name, one in findings.items():
            self.category[name] = str(one["in"])
            self.shown[name] = dict(one["show"])  # type: ignore[call-overload]
            for language in ("en", "zh-CN"):
                for words in one[language]:  # type: ignore[attr-defined]
                    if _GAP in words:
                        self._gapped.append((_with_gap(_even(words)), name))
                    else:
                        self._by_words[_even(words)] = name
        self._gapped += signs
        self._pattern = _pattern(self._by_words)
        self._speller = Speller([*self._by_words, *(one.pattern for one, _ in self._gapped)])

    def find(self, text: str) -> Iterator[tuple[int, int, str]]:
        """Where findings stand, the longest words first: start, end, finding."""
        even, places = self._speller.mended(_even(text))
        found = [(*one.span(), self._by_words[one.group()]) for one in self._pattern.finditer(even)]
        taken: dict[str, bytearray] = {}
        for start, end, name in found:
            _take(taken.setdefault(name, bytearray(len(even))), start, end)
        for pattern, name in self._gapped:
            for one in pattern.finditer(even):
                here = taken.setdefault(name, bytearray(len(even)))
                if _take(here, *one.span()):
                    found.append((*one.span(), name))
        yield from sorted((places[start], places[end - 1] + 1, name) for start, end, name in found)


def mentions(text: str, lexicon_: Lexicon | None = None) -> list[Mention]:
    """Every finding that a text names, in order."""
    return _named(text, lexicon_) if lexicon_ else list(_known(text))


@functools.lru_cache(maxsize=512)
def _known(text: str) -> Sequence[Mention]:
    """By the pack's own lexicon; an interview's messages are looked at with each that follows."""
    return tuple(_named(text, lexicon()))


def _named(text: str, known: Lexicon) -> list[Mention]:
    reader = _Reader(text)
    found = [
        Mention(name, known.category[name], start, end, text[start:end],
                _own(reader.read(start, end), text[start:end]))
        for start, end, name in known.find(text)
    ]  # fmt: skip
    told = [(one.start, one.end, one.finding, one.assertion.status == "absent") for one in found]
    if is_echo_denied(text, told):
        found = [replace(one, assertion=replace(one.assertion, status="absent")) for one in found]
    found += _dying(text, known, found, reader)
    return sorted(found, key=lambda one: (one.start, one.end))


class _Reader:
    """How findings are spoken of, of so many in each sentence.

    Reading one takes as long as its sentence. What a heap names past that counts as said.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._ends = [end for _, end in clauses(text)]
        self._read: Counter[int] = Counter()

    def read(self, start: int, end: int) -> Assertion:
        sentence = bisect_right(self._ends, start)
        self._read[sentence] += 1
        if self._read[sentence] > _MOST_READ:
            return _SAID
        return assertion_of(self._text, start, end)


def _take(taken: bytearray, start: int, end: int) -> bool:
    """Whether a place was free; now it is taken."""
    if any(taken[start:end]):
        return False
    taken[start:end] = b"\1" * (end - start)
    return True


def _dying(
    text: str, known: Lexicon, found: Sequence[Mention], reader: _Reader
) -> Iterator[Mention]:
    """Wishes to die beside those that the lexicon knows by their words."""
    if _DYING not in known.category:
        return
    taken = bytearray(len(text))
    for one in found:
        if one.finding == _DYING:
            _take(taken, one.start, one.end)
    for start, end, so in dying_said(text):
        if _take(taken, start, end):
            said = replace(reader.read(start, end), status="present" if so else "absent")
            yield Mention(_DYING, known.category[_DYING], start, end, text[start:end], said)


def _own(said: Assertion, words: str) -> Assertion:
    """Words that name the speaker are about them, whoever else the sentence names."""
    return replace(said, subject="patient", relative="") if _ME.search(words) else said


@functools.cache
def lexicon() -> Lexicon:
    """The findings that come with the pack."""
    return Lexicon(read_yaml(FOLDER / "findings.yaml")["findings"], sign_patterns())


def _even(text: str) -> str:
    """The same length, in lower case, with one kind of apostrophe."""
    folded = "".join(low if len(low := one.lower()) == 1 else one for one in text)
    return folded.replace("\u2019", "'")


def _pattern(words: Iterable[str]) -> re.Pattern[str]:
    ordered = sorted(words, key=len, reverse=True)
    latin = "|".join(re.escape(one) for one in ordered if one.isascii())
    other = "|".join(re.escape(one) for one in ordered if not one.isascii())
    return re.compile(rf"(?<![a-z0-9])(?:{latin})(?![a-z0-9])|{other}")


def _with_gap(words: str) -> re.Pattern[str]:
    """Words with a gap between two parts."""
    first, last = (re.escape(part.strip()) for part in words.split(_GAP))
    if words.replace(_GAP, "").isascii():
        return re.compile(rf"(?<![a-z0-9]){first}{_LATIN_GAP}{last}(?![a-z0-9])")
    return re.compile(f"{first}{_OTHER_GAP}{last}")
