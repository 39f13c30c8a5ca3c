"""Cards: what a check shows, the reasons for going on against it, and how each rule fares."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from attenda.packs.clinic.formulary import About, Formulary, Severity
from attenda.packs.clinic.result import UNREVIEWED
from attenda.packs.clinic.words import phrase

__all__ = [
    "MOST_SUMMARY",
    "REASONS",
    "Card",
    "Hygiene",
    "make_card",
    "must_give_reason",
    "not_yet_shown",
    "report_on_alerts",
]

MOST_SUMMARY = 139
"""Characters of a summary: fewer than 140 (CDS Hooks)."""
REASONS = ("benefit", "tolerated", "monitored", "no_alternative", "wrong")
"""Codes of reasons for going on against a card."""
ORDER: Sequence[Severity] = ("critical", "warning", "info")
ALWAYS_OVERRIDDEN_FROM = 5
"""Answers to a rule before it can be called always overridden."""


@dataclass(frozen=True, slots=True)
class Card:
    """One thing a clinician should know before going on."""

    rule: str
    kind: str
    severity: Severity
    summary: str
    detail: str
    source: str
    about: tuple[str, ...] = ()
    """What it is about: ingredients, conditions, what is missing."""
    suggestions: tuple[str, ...] = ()
    """Ingredients that might be taken instead."""
    trace: tuple[str, ...] = ()
    """Why it is shown: the words of order and chart that led to it."""

    @property
    def key(self) -> tuple[str, ...]:
        """The same for the same card: a pair is one, from whichever side."""
        return self.rule, *sorted(self.about)

    def key_in(self, context: str) -> str:
        """The same for the same card in one context: a patient's visit, a session."""
        text = "\x1f".join((context, *self.key))
        return hashlib.sha256(text.encode()).hexdigest()[:24]


@dataclass(frozen=True, slots=True)
class Hygiene:
    """How one rule fared."""

    rule: str
    shown: int
    accepted: int
    overridden: int
    reasons: Mapping[str, int] = field(default_factory=dict)

    @property
    def always_overridden(self) -> bool:
        """Whether nobody ever followed it, though many were asked."""
        answered = self.accepted + self.overridden
        return answered >= ALWAYS_OVERRIDDEN_FROM and self.accepted == 0


def make_card(
    rule: str,
    kind: str,
    severity: Severity,
    texts: Mapping[str, str],
    language: str,
    formulary: Formulary,
    pack: About | None = None,
    **more: tuple[str, ...],
) -> Card:
    """A card with all that every card must say: source, date, that nobody reviewed it, why shown.

    Args:
        rule: its id.
        kind: of the check.
        severity: as the rule says.
        texts: `summary`, `do`, and where known `effect` and `why`.
        language: of the reader.
        formulary: whose rule it is, where `pack` names no other.
        pack: that the rule is from.
        more: `about`, `suggestions`, `trace`.
    """
    named = phrase(language, "check.trace_rule", rule=rule)
    shown = (*more.get("trace", ()), named)
    key = "check.detail" if "effect" in texts else "check.detail_plain"
    notice = phrase(language, "check.notice_read_in" if pack else "check.notice")
    gap = "；" if language == "zh-CN" else "; "
    detail = phrase(language, key, **texts, trace=gap.join(shown), notice=notice)
    return Card(
        rule, kind, severity, _short(texts["summary"]), detail,
        source_of(pack or formulary.about, language), about=more.get("about", ()),
        suggestions=more.get("suggestions", ()), trace=shown,
    )  # fmt: skip


def source_of(about: About, language: str) -> str:
    """Which pack of knowledge, its version, date and end, and how far it was reviewed."""
    unreviewed = about.source == UNREVIEWED
    return phrase(
        language, "check.source", pack=about.title.get(language, about.title["en"]),
        version=about.version, date=about.date or "?", expires=about.expires or "?",
        source=phrase(language, "check.unreviewed") if unreviewed else about.source,
    )  # fmt: skip


def must_give_reason(cards: Iterable[Card], reasons: Mapping[str, str]) -> list[str]:
    """Rules of critical cards for which no kept reason was given, in order."""
    return [
        one.rule
        for one in cards
        if one.severity == "critical" and reasons.get(one.rule) not in REASONS
    ]


def not_yet_shown(cards: Iterable[Card], context: str, shown: Iterable[str]) -> list[Card]:
    """Cards to show: a critical one always, any other at most once in its context."""
    before = set(shown)
    return [one for one in cards if one.severity == "critical" or one.key_in(context) not in before]


def report_on_alerts(
    shown: Iterable[str], answers: Iterable[tuple[str, str, str]]
) -> list[Hygiene]:
    """How each rule fared, the most overridden first.

    Args:
        shown: the rule of each card that was shown.
        answers: rule, `accepted` or `overridden`, and the code of the reason.
    """
    seen = Counter(shown)
    accepted: Counter[str] = Counter()
    reasons: dict[str, Counter[str]] = {}
    for rule, outcome, reason in answers:
        if outcome == "accepted":
            accepted[rule] += 1
        else:
            reasons.setdefault(rule, Counter())[reason] += 1
    found = [
        Hygiene(
            rule,
            seen[rule],
            accepted[rule],
            reasons.get(rule, Counter()).total(),
            dict(reasons.get(rule, {})),
        )
        for rule in {*seen, *accepted, *reasons}
    ]
    return sorted(found, key=lambda one: (-one.overridden, -one.shown, one.rule))


def _short(text: str) -> str:
    return text if len(text) <= MOST_SUMMARY else f"{text[: MOST_SUMMARY - 1]}…"
