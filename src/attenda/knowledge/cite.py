"""Answers held against passages: what supports a sentence, and which sentences answer a question.

A sentence is supported when a passage says nearly all of its telling words within a sentence or
two, all of its numbers, and denies where it denies. Support is a span of the passage's own text,
so a citation can be opened and its words marked. It judges wording, not truth: a document that
is wrong is cited as it stands.
"""

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from attenda.core.event import Found
from attenda.core.message import Citation
from attenda.knowledge.sentences import sentence_spans, words_of

__all__ = ["Support", "answerable", "best_sentences", "citation", "support_of", "telling_terms"]

_ENOUGH = 0.68
"""Share of a sentence's telling words that a passage must say for the sentence to stand."""

# What a passage must reach to answer (see `answerable`); measured by `benchmarks/answers.py`.
_NEED = 0.38
_NEED_BY_SIZE = 0.075
"""More for each tenfold of passages: the nearest of many strangers is nearer than that of few."""
_FAQ_NEED = 0.3
"""More where a document's title is itself a question: the right one says nearly the same."""
_WORDS_NEED = 0.43

_STOP = frozenset(
    "a about after all also am an and any are as at be because been before being both but by can "
    "could did do does doing for from get had has have having he her here hers him his how i if "
    "in into is it its itself just may me might more most must my no nor not of off on once only "
    "or other our out over own please same she should so some such tell than that the their them "
    "then there these they this those through to too under until up us very was we were what when "
    "where which while who whom why will with would you your yours".split()
)
_STOP_HAN = frozenset("的了是在和与及或也都就而并把被对从到以于为吗呢吧啊哪什么谁怎几个这那有")
_NEGATION = re.compile(
    r"\b(?:not|no|never|cannot|can't|don't|doesn't|isn't|aren't|won't|without|neither|nor)\b|[不没无未非]",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


@dataclass(frozen=True, slots=True)
class Support:
    """A span of a passage that says something."""

    passage: Found
    start: int
    """First code point in the document's text."""
    end: int
    score: float

    @property
    def quote(self) -> str:
        """The span's own words."""
        return self.passage.text[self.start - self.passage.start : self.end - self.passage.start]


def citation(support: Support, n: int) -> Citation:
    """The citation numbered `n` of a support."""
    return Citation(
        n=n,
        passage_id=support.passage.passage_id,
        document_id=support.passage.document_id,
        document=support.passage.document,
        page=support.passage.page,
        start=support.start,
        end=support.end,
        quote=support.quote,
    )


@lru_cache(maxsize=20_000)
def _stem(word: str) -> str:
    """A light stem, the same for singular and plural, and for the common verb endings."""
    for ending, least in (("ies", 3), ("ing", 4), ("edly", 4), ("ed", 4), ("es", 4), ("s", 3)):
        if word.endswith(ending) and len(word) - len(ending) >= least and not word.endswith("ss"):
            stem = word[: -len(ending)]
            return stem + "y" if ending == "ies" else stem.rstrip("e")
    return word.rstrip("e") if len(word) > 4 else word


def telling_terms(text: str) -> list[str]:
    """The distinct words of `text` that carry meaning: stems, and pairs of Han characters."""
    terms: list[str] = []
    previous = ""
    for word in words_of(text.lower()):
        is_han = "\u3400" <= word <= "\u9fff"
        if is_han and previous:
            terms.append(previous + word)
        elif not is_han and word not in _STOP:
            terms.append(_stem(word.replace("’", "'").removesuffix("'s")))
        previous = word if is_han and word not in _STOP_HAN else ""
    return list(dict.fromkeys(terms))


def support_of(sentence: str, passages: Sequence[Found]) -> Support | None:
    """The span that says what `sentence` says, or nothing when none does."""
    terms = telling_terms(sentence)
    if len(terms) < 3:
        return None
    weights = _weights(terms, passages)
    total = sum(weights.values())
    numbers = set(_NUMBER.findall(sentence))
    denies = _denies(sentence)
    best: Support | None = None
    for passage in passages:
        context = set(telling_terms(f"{passage.document} {passage.heading}"))
        for start, end in _windows(passage):
            window = passage.text[start:end]
            if not numbers <= set(_NUMBER.findall(window)) or _denies(window) != denies:
                continue
            said = set(telling_terms(window))
            from_title = 0.0 if numbers else 0.5  # a number needs all its words beside it
            score = sum(
                weight if term in said else from_title * weight * (term in context)
                for term, weight in weights.items()
            )
            score /= total
            if score >= _ENOUGH and (best is None or score > best.score + 1e-9):
                best = Support(passage, passage.start + start, passage.start + end, score)
    return best


def best_sentences(
    question: str,
    passages: Sequence[Found],
    likeness: Callable[[str], float],
    limit: int = 3,
) -> list[Support]:
    """The sentences that come nearest to answering, best first, in at most `limit` spans.

    `likeness` gives the nearness of meaning of a sentence to the question, from -1 to 1.
    """
    weights = _weights(telling_terms(question), passages)
    total = sum(weights.values()) or 1.0
    scored: list[Support] = []
    for rank, passage in enumerate(passages):
        context = set(telling_terms(f"{passage.document} {passage.heading}"))
        headings = {passage.document, *passage.heading.split(" › ")}
        for start, end in _sentences(passage):
            sentence = passage.text[start:end]
            said = set(telling_terms(sentence))
            if len(said) < 3 or sentence.rstrip().endswith(("?", "？", ":", "：")):
                continue
            if sentence.strip("# ") in headings:  # it names what is answered below it
                continue
            covered = sum(
                weight * (1.0 if term in said else 0.6 if term in context else 0.0)
                for term, weight in weights.items()
            )
            score = covered / total + likeness(sentence) + 0.6 / (1 + rank)
            scored.append(Support(passage, passage.start + start, passage.start + end, score))
    scored.sort(key=lambda support: -support.score)
    return _not_far_below(scored, limit)


def answerable(
    question: str,
    passages: Sequence[Found],
    cosines: Sequence[float | None],
    rarity: Mapping[str, float],
    size: int,
) -> bool:
    """Whether any of the best passages comes near enough to answer the question.

    Nearness is the cosine of meaning plus a share of the question's words that the passage says,
    each weighed by its `rarity` in the whole collection of `size` passages. Without vectors the
    words decide alone.
    """
    terms = telling_terms(question)
    total = sum(rarity.get(term, 1.0) for term in terms)
    if not total:
        return False
    near = list(zip(passages, cosines, strict=True))[:4]
    by_words_alone = all(cosine is None for _, cosine in near)
    for passage, cosine in near:
        said = set(telling_terms(f"{passage.document} {passage.heading} {passage.text}"))
        covered = sum(rarity.get(term, 1.0) for term in terms if term in said) / total
        if by_words_alone and covered >= _WORDS_NEED:
            return True
        asks = passage.document.rstrip().endswith(("?", "？"))
        need = _NEED + _NEED_BY_SIZE * math.log10(max(1, size)) + (_FAQ_NEED if asks else 0.0)
        if cosine is not None and cosine + 0.3 * covered >= need:
            return True
    return False


def _not_far_below(scored: Sequence[Support], limit: int) -> list[Support]:
    kept: list[Support] = []
    for support in scored:
        if kept and support.score < 0.75 * kept[0].score:
            break
        if all(_words_apart(support, other) for other in kept):
            kept.append(support)
        if len(kept) == limit:
            break
    return kept


def _words_apart(one: Support, other: Support) -> bool:
    """Whether two spans say different things: templates repeat sentences across documents."""
    first, second = set(telling_terms(one.quote)), set(telling_terms(other.quote))
    return len(first & second) < 0.8 * min(len(first), len(second))


def _weights(terms: Iterable[str], passages: Sequence[Found]) -> dict[str, float]:
    """Rarity of each term among the passages at hand: ln(1 + N / (1 + n))."""
    sets = [set(telling_terms(passage.text)) for passage in passages]
    return {
        term: math.log(1 + (len(sets) + 1) / (1 + sum(term in one for one in sets)))
        for term in terms
    }


def _denies(text: str) -> bool:
    return _NEGATION.search(text) is not None


def _sentences(passage: Found) -> list[tuple[int, int]]:
    return list(sentence_spans(passage.text))


def _windows(passage: Found) -> list[tuple[int, int]]:
    """Each sentence, and each pair of neighbours that agree in denying or not, of a passage."""
    sentences = _sentences(passage)
    pairs = [
        (start, end)
        for (start, middle), (after, end) in zip(sentences, sentences[1:], strict=False)
        if end - start < 600
        and _denies(passage.text[start:middle]) == _denies(passage.text[after:end])
    ]
    return sentences + pairs
