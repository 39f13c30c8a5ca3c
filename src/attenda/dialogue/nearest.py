"""Which flow a sentence means, judged from examples, or that it means none of them.

Softmax regression on a sentence vector and hashed n-grams, and a gate with one threshold that is
chosen on the examples alone, by cross-validation. No generative model, no text of documents.
It does not embed: vectors are handed in.
"""

import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attenda.dialogue.nearest_features import SentenceFeatures, has_han
from attenda.dialogue.nearest_gate import Gate, best_vote, fit_gate, share_factor, try_out
from attenda.dialogue.nearest_model import SentenceModel, Signals
from attenda.dialogue.nearest_softmax import inner_products, softmax

__all__ = [
    "MOST_CANDIDATES",
    "Candidate",
    "Certain",
    "Judgement",
    "Nearest",
    "NoneOfThese",
    "Unsure",
]

Floats = NDArray[np.float32]

_WEIGHT_DECAYS = (0.1, 0.03)
"""Tried on the examples; of two as good the first. Many flows want the smaller."""
_HAN_LENGTHS = (1.0, 0.5)
"""Of the vectors of sentences in Han, tried likewise: an English embedder says little of them."""
_VOTE = 0.3
"""Weight of a vote where votes help: in a language that the embedder does not know they do not."""
MOST_CANDIDATES = 3
_CLOSE = 0.4
"""A flow with at least this share of the best one's share may be meant as well."""
_BELIEVED = 0.5
"""The least share of a flow that is taken without asking."""
_NAMED = 20.0
"""How much likelier a flow is of which a sentence names a value."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A flow that the sentence may mean."""

    name: str
    share: float
    """Of the belief, 0 to 1; those of all flows sum to 1."""


@dataclass(frozen=True, slots=True)
class Certain:
    """One flow, well ahead of the others."""

    best: Candidate


@dataclass(frozen=True, slots=True)
class Unsure:
    """Two or three flows too close to choose: ask, naming them."""

    candidates: tuple[Candidate, ...]

    @property
    def best(self) -> Candidate:
        """The likeliest."""
        return self.candidates[0]


@dataclass(frozen=True, slots=True)
class NoneOfThese:
    """Out of scope; the nearest are given all the same."""

    candidates: tuple[Candidate, ...]

    @property
    def best(self) -> Candidate:
        """The likeliest."""
        return self.candidates[0]


@dataclass(frozen=True, slots=True)
class Mixture:
    """How a model's logits and its examples' votes become shares of belief."""

    vote: float
    factor: float
    """Multiplies the logits, so that shares are as often right as they say."""

    def shares(self, signals: Signals) -> Floats:
        """(N, C), each row summing to 1."""
        logits = signals.logits + np.float32(self.vote) * signals.votes
        return softmax(logits * np.float32(self.factor))


Judgement = Certain | Unsure | NoneOfThese


class Nearest:
    """A fitted judge of sentences; immutable, safe in several threads."""

    def __init__(
        self,
        names: tuple[str, ...],
        features: SentenceFeatures,
        model: SentenceModel,
        mixture: Mixture,
        gate: Gate,
        examples: Mapping[str, str],
    ) -> None:
        """Made by `fit`; `examples` are the flows by what an example of them says."""
        self.names = names
        self._examples = examples
        self._mixture = mixture
        self._features = features
        self._model = model
        self._gate = gate

    @property
    def threshold(self) -> float:
        """The least likelihood of being in scope, 0 to 1, of a sentence that is not "none"."""
        return self._gate.threshold

    @classmethod
    def fit(cls, names: Sequence[str | None], texts: Sequence[str], vectors: Floats) -> "Nearest":
        """Learn from examples: the flow of each, its text and its unit vector, (N, W).

        A name of None marks an example of what is out of scope. Such rows set the threshold; with
        fewer than ten of them, flows left out in turn stand for what nobody has foreseen.

        Raises:
            ValueError: lengths differ, or no example has a name.
        """
        if not len(names) == len(texts) == len(vectors):
            raise ValueError(f"{len(names)} names, {len(texts)} texts, {len(vectors)} vectors")
        known = sorted({name for name in names if name is not None})
        if not known:
            raise ValueError("no example has a name")
        labels = np.array([-1 if name is None else known.index(name) for name in names])
        inside = labels >= 0
        taught = [text for text, name in zip(texts, names, strict=True) if name is not None]
        width = vectors.shape[1]
        tried = {}
        for han in _HAN_LENGTHS if any(map(has_han, taught)) else (1.0,):
            features = SentenceFeatures(taught, han=han)
            rows = features.rows(texts, vectors)
            products = inner_products(rows) if len(rows) < rows.shape[1] else None
            for decay in _WEIGHT_DECAYS:
                trials = try_out(rows, labels, width=width, weight_decay=decay, products=products)
                tried[han, decay] = (best_vote(trials, _VOTE), trials, features, rows)
        _, decay = best = max(tried, key=lambda each: tried[each][0][0])
        (_, vote), trials, features, rows = tried[best]
        model = SentenceModel.fit(rows[inside], labels[inside], width=width, weight_decay=decay)
        mixture = Mixture(vote, share_factor(trials, vote))
        gate, said = fit_gate(trials, vote), _said(zip(names, texts, strict=True))
        return cls(tuple(known), features, model, mixture, gate, said)

    @property
    def learned(self) -> dict[str, NDArray[Any]]:
        """All that fitting found out, for `again`."""
        weighing = (self._features.han, self._mixture.vote, self._mixture.factor)
        gate = {f"gate_{name}": np.asarray(one) for name, one in asdict(self._gate).items()}
        model = {field.name: getattr(self._model, field.name) for field in fields(self._model)}
        return {"weighing": np.array(weighing), **model, **gate}

    @classmethod
    def again(
        cls, names: Sequence[str], texts: Sequence[str], learned: Mapping[str, NDArray[Any]]
    ) -> "Nearest":
        """The judge that was fitted to examples in scope, from what it had `learned`.

        Raises:
            KeyError: something is missing in it.
        """
        han, vote, factor = map(float, learned["weighing"])
        model = SentenceModel(*(learned[field.name] for field in fields(SentenceModel)))
        gate = [learned[f"gate_{field.name}"] for field in fields(Gate)]
        return cls(
            tuple(sorted(set(names))),
            SentenceFeatures(texts, han=han),
            model,
            Mixture(vote, factor),
            Gate(*(float(one) if one.ndim == 0 else one for one in gate)),  # type: ignore[arg-type]
            _said(zip(names, texts, strict=True)),
        )

    def rank(self, text: str, vector: Floats) -> list[Candidate]:
        """All flows, the likeliest first."""
        return self._ranked(self._signals(text, vector))

    def judge(
        self,
        text: str,
        vector: Floats,
        named: Collection[str] = frozenset(),
        leaning: Mapping[str, float] = MappingProxyType({}),
    ) -> Judgement:
        """The flow that a sentence means; or several; or none.

        Args:
            text: of the sentence.
            vector: of it, a unit vector (W,).
            named: flows of which it names a value, an id or an option: it speaks for them, and an
                example that says the same for its own.
            leaning: how much likelier, or less likely below 1, flows are by what is known beside
                the sentence; a value that it names counts more.
        """
        signals = self._signals(text, vector)
        if (example := self._examples.get(_plain(text))) is not None:
            named = {*named, example}
        ranked = _weighed(self._ranked(signals), named, leaning)
        best = ranked[0]
        known = best.name in named and best.share >= _BELIEVED
        strange = self._gate.likelihood(signals.evidence)[0] < self.threshold
        if not known and (strange or self._features.is_unheard(text)):
            return NoneOfThese(tuple(ranked[:MOST_CANDIDATES]))
        near = [one for one in ranked if one.share >= _CLOSE * ranked[0].share]
        if ranked[0].share < _BELIEVED:
            near = ranked[: max(2, len(near))]
        return Certain(ranked[0]) if len(near) == 1 else Unsure(tuple(near[:MOST_CANDIDATES]))

    def _signals(self, text: str, vector: Floats) -> Signals:
        return self._model.signals(self._features.rows([text], vector[None]))

    def _ranked(self, signals: Signals) -> list[Candidate]:
        shares = self._mixture.shares(signals)[0]
        order = np.argsort(-shares, kind="stable")
        return [Candidate(self.names[at], float(shares[at])) for at in order]


def _said(examples: Iterable[tuple[str | None, str]]) -> dict[str, str]:
    """The flow of each example in scope that no example of another flow says as well."""
    flows: dict[str, set[str | None]] = {}
    for name, text in examples:
        flows.setdefault(_plain(text), set()).add(name)
    alone = ((text, next(iter(names))) for text, names in flows.items() if len(names) == 1)
    return {text: name for text, name in alone if name is not None}


def _plain(text: str) -> str:
    """Its letters and digits."""
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", text).casefold()))


def _weighed(
    ranked: list[Candidate], named: Collection[str], leaning: Mapping[str, float]
) -> list[Candidate]:
    """The candidates with more belief in those that are named or leant to; in order."""
    if not named and not leaning:
        return ranked
    factors = [_NAMED if one.name in named else leaning.get(one.name, 1.0) for one in ranked]
    weighed = [one.share * factor for one, factor in zip(ranked, factors, strict=True)]
    total = sum(weighed)
    found = [Candidate(one.name, share / total) for one, share in zip(ranked, weighed, strict=True)]
    return sorted(found, key=lambda one: -one.share)
