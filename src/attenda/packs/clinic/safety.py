"""The medication check: a chart and an order become cards. Pure; what was not checked is said.

No rule found is never called harmless, an unknown drug is named, and a rule whose inputs are
missing says which, instead of keeping silent.
"""

import datetime
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from attenda.packs.clinic.cards import ORDER, Card, make_card
from attenda.packs.clinic.chart import Chart
from attenda.packs.clinic.formulary import Formulary, Kind, Rule, Severity
from attenda.packs.clinic.formulas import ckd_epi_2021, cockcroft_gault
from attenda.packs.clinic.result import Result
from attenda.packs.clinic.words import phrase

__all__ = ["Checked", "Status", "check_order", "kidney_function"]

Status = Literal["found", "no_rule", "unknown_drug"]
CHILDBEARING = range(12, 51)
"""Years in which an unknown pregnancy is asked about."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check gave."""

    status: Status
    """`found` where a rule spoke."""
    cards: tuple[Card, ...]
    """The gravest first."""
    ingredients: tuple[str, ...]
    unknown: tuple[str, ...]


def check_order(
    order: str, chart: Chart, formulary: Formulary, today: datetime.date, language: str = "en"
) -> Checked:
    """Hold an order against a chart by every rule there is.

    Args:
        order: as it was written.
        chart: of the patient.
        formulary: the rules.
        today: for ages, and for the date on which the rules expire.
        language: of the cards.
    """
    checker = _Checker(chart, formulary, today, language, order)
    named = formulary.find(order)
    cards = [card for drug in named.ingredients for card in checker.about(drug)]
    status: Status = "found" if any(one.kind != "limit" for one in cards) else "no_rule"
    for part in named.unknown:
        key = "check.unknown_part" if named.ingredients else "check.unknown_drug"
        cards.append(checker.limit("UNKNOWN-DRUG", key, "check.unknown_do", drug=part))
        status = "unknown_drug"
    if named.ingredients:
        cards += checker.not_known_in_chart()
    if status == "no_rule":
        shown = ", ".join(formulary.shown(one, language) for one in named.ingredients)
        cards.append(checker.limit("NO-RULE", "check.no_rule", "check.no_rule_do", drug=shown))
    cards += checker.expired()
    cards.sort(key=lambda one: ORDER.index(one.severity))
    return Checked(status, tuple(_once(cards)), named.ingredients, named.unknown)


def kidney_function(chart: Chart, measure: str, today: datetime.date) -> Result:
    """Filtration (`egfr`) or clearance (`crcl`) of a chart."""
    age = chart.age_on(today)
    if measure == "egfr":
        return ckd_epi_2021(age, chart.creatinine_mg_dl, chart.sex)
    return cockcroft_gault(age, chart.weight_kg, chart.creatinine_mg_dl, chart.sex)


def _once(cards: Iterable[Card]) -> Iterator[Card]:
    seen: set[tuple[str, tuple[str, ...]]] = set()
    for one in cards:
        if (one.rule, one.about) not in seen:
            seen.add((one.rule, one.about))
            yield one


@dataclass(frozen=True, slots=True)
class _Checker:
    chart: Chart
    formulary: Formulary
    today: datetime.date
    language: str
    order: str
    alternatives: bool = True
    """Whether drugs to take instead are looked for; they are checked too, without their own."""

    def about(self, drug: str) -> Iterator[Card]:
        """All cards about one ingredient of the order."""
        yield from self._interactions(drug)
        yield from self._duplicates(drug)
        yield from self._allergies(drug)
        yield from self._kidney(drug)
        yield from self._pregnancy(drug)
        yield from self._ages(drug)
        yield from self._diseases(drug)

    def _rules(self, kind: Kind, drug: str) -> Iterator[Rule]:
        for rule in self.formulary.rules:
            if rule.kind == kind and any(self.formulary.belongs(drug, one) for one in rule.terms):
                yield rule

    def _taken(self) -> Iterator[tuple[str, str]]:
        """Ingredients that the patient takes, with the words of the chart."""
        for medicine in self.chart.medicines:
            if medicine.active:
                for one in self.formulary.find(medicine.text).ingredients:
                    yield one, medicine.text

    def _interactions(self, drug: str) -> Iterator[Card]:
        belongs = self.formulary.belongs
        for other, words in self._taken():
            for rule in self._rules("interaction", drug):
                one, two = rule.terms
                pair = (belongs(drug, one) and belongs(other, two)) or (
                    belongs(drug, two) and belongs(other, one)
                )
                if pair and drug != other:
                    yield self._ruled(rule, drug, other, trace=words)

    def _duplicates(self, drug: str) -> Iterator[Card]:
        for other, words in self._taken():
            shared = next((one for one in self.formulary.duplicates
                           if self.formulary.belongs(drug, one)
                           and self.formulary.belongs(other, one)), "")  # fmt: skip
            if other != drug and not shared:
                continue
            key = "check.duplicate_same" if other == drug else "check.duplicate_effect"
            rule = "DUP-SAME" if other == drug else f"DUP-{shared.upper().replace('_', '-')}"
            yield self._plain("duplicate", rule, drug, other, key, words)

    def _allergies(self, drug: str) -> Iterator[Card]:
        if self.chart.allergies is None:
            shown = self.formulary.shown(drug, self.language)
            yield self.limit("ALLERGIES-UNKNOWN", "check.allergies_unknown",
                             "check.not_computable_do", drug=shown)  # fmt: skip
            return
        for allergy in self.chart.allergies:
            reacted = self.formulary.reacted_to(allergy.substance)
            rules = [
                rule
                for rule in self._rules("allergy", drug)
                if any(self.formulary.belongs(one, rule.allergy) for one in reacted)
            ]
            words = " ".join(filter(None, (allergy.substance, allergy.reaction)))
            if rules:
                gravest = min(rules, key=lambda one: ORDER.index(one.severity))
                yield self._ruled(gravest, drug, gravest.allergy, trace=words, kind="allergy")
            elif any(self.formulary.belongs(drug, one) for one in reacted):
                yield self._plain("allergy", "ALG-SAME", drug, drug, "check.allergy_same", words)

    def _kidney(self, drug: str) -> Iterator[Card]:
        rules = list(self._rules("kidney", drug))
        for measure in sorted({one.measure for one in rules}):
            found = kidney_function(self.chart, measure, self.today)
            if found.total is None:
                yield self._not_computable(drug, measure, found)
                continue
            fits = [one for one in rules if one.measure == measure and _within(one, found.total)]
            if fits:
                gravest = min(fits, key=lambda one: ORDER.index(one.severity))
                name = phrase(self.language, f"name.{measure}")
                value = f"{found.shown_total} {found.unit}"
                inputs = ", ".join(f"{k} {v}" for k, v in (found.inputs or {}).items())
                yield self._ruled(gravest, drug, measure=name, value=value,
                                  trace=f"{found.rule} {value} ({inputs})")  # fmt: skip

    def _pregnancy(self, drug: str) -> Iterator[Card]:
        rules = list(self._rules("pregnancy", drug))
        if not rules or self.chart.pregnant is False or self.chart.sex == "male":
            return
        if self.chart.pregnant:
            yield from (self._ruled(one, drug, trace=self._name("pregnant")) for one in rules)
            return
        age = self.chart.age_on(self.today)
        if age is None or int(age) in CHILDBEARING:
            shown = self.formulary.shown(drug, self.language)
            yield self.limit("PREGNANCY-UNKNOWN", "check.pregnancy_unknown",
                             "check.not_computable_do", drug=shown)  # fmt: skip

    def _ages(self, drug: str) -> Iterator[Card]:
        rules = list(self._rules("age", drug))
        age = self.chart.age_on(self.today)
        if rules and age is None:
            yield self.limit("AGE-UNKNOWN", "check.not_computable", "check.not_computable_do",
                             drug=self.formulary.shown(drug, self.language),
                             measure=self._name("age"), missing=self._name("age"))  # fmt: skip
            return
        for rule in rules:
            if age is not None and _within(rule, age):
                yield self._ruled(rule, drug, age=str(age), trace=f"{self._name('age')} {age}")

    def _diseases(self, drug: str) -> Iterator[Card]:
        rules = list(self._rules("disease", drug))
        for condition in self.chart.conditions if rules else ():
            for name in self.formulary.conditions_in(condition.text) if condition.active else ():
                fits = [one for one in rules if one.condition == name]
                if fits:
                    gravest = min(fits, key=lambda one: ORDER.index(one.severity))
                    yield self._ruled(gravest, drug, condition.text, trace=condition.text)

    def not_known_in_chart(self) -> Iterator[Card]:
        """Medicines of the chart against which nothing could be checked."""
        for medicine in self.chart.medicines:
            if medicine.active and self.formulary.find(medicine.text).unknown:
                yield self.limit("UNKNOWN-IN-CHART", "check.unknown_in_chart", "check.unknown_do",
                                 drug=medicine.text)  # fmt: skip

    def expired(self) -> Iterator[Card]:
        """Packs of rules that are past their date."""
        for about in (self.formulary.about, *self.formulary.more):
            if about.expires and self.today > about.expires:
                title = about.title.get(self.language, about.title["en"])
                yield self.limit("PACK-EXPIRED", "check.expired", "check.unknown_do",
                                 pack=title, date=about.expires.isoformat())  # fmt: skip

    def limit(self, rule: str, key: str, do: str, **values: str) -> Card:
        """A card that says what was not checked."""
        packs = [self.formulary.about, *(one for one in self.formulary.more if one.expires)]
        titles = [one.title.get(self.language, one.title["en"]) for one in packs]
        dates = [str(one.date) for one in packs]
        values = {"pack": ", ".join(titles), "date": ", ".join(dates)} | values
        texts = {
            "summary": phrase(self.language, key, **values),
            "do": phrase(self.language, do),
        }
        missing = tuple(values[one] for one in ("drug", "missing") if one in values)
        missing = missing or ((values["pack"],) if rule == "PACK-EXPIRED" else ())
        severity: Severity = "warning" if rule == "UNKNOWN-DRUG" else "info"
        return make_card(rule, "limit", severity, texts, self.language, self.formulary,
                         about=missing, trace=(self._ordered(),))  # fmt: skip

    def _not_computable(self, drug: str, measure: str, found: Result) -> Card:
        missing = ", ".join(self._name(one) for one in found.missing)
        shown = self.formulary.shown(drug, self.language)
        return self.limit("NOT-COMPUTABLE", "check.not_computable", "check.not_computable_do",
                          drug=shown, measure=self._name(measure), missing=missing)  # fmt: skip

    def _ruled(
        self, rule: Rule, drug: str, other: str = "", *, trace: str, kind: str = "", **values: str
    ) -> Card:
        """The card of a rule."""
        effect, why, do = rule.texts.get(self.language) or rule.texts["en"]
        shown = self.formulary.shown(drug, self.language)
        summary = phrase(self.language, f"check.{rule.kind}", drug=shown, effect=effect,
                         other=self.formulary.shown(other, self.language), **values)  # fmt: skip
        texts = {"summary": summary, "effect": effect, "why": why, "do": do}
        return make_card(rule.id, kind or rule.kind, rule.severity, texts, self.language,
                         self.formulary, rule.about, about=tuple(filter(None, (drug, other))),
                         suggestions=self._instead(rule), trace=self._traced(trace))  # fmt: skip

    def _plain(self, kind: str, rule: str, drug: str, other: str, effect: str, words: str) -> Card:
        """The card of a check that needs no written rule."""
        said = phrase(self.language, effect)
        summary = phrase(self.language, f"check.{kind}", effect=said,
                         drug=self.formulary.shown(drug, self.language),
                         other=self.formulary.shown(other, self.language))  # fmt: skip
        texts = {"summary": summary, "effect": said,
                 "why": phrase(self.language, f"check.{kind}_why"),
                 "do": phrase(self.language, f"check.{kind}_do")}  # fmt: skip
        severity: Severity = "critical" if kind == "allergy" else "warning"
        return make_card(rule, kind, severity, texts, self.language, self.formulary,
                         about=(drug, other), trace=self._traced(words))  # fmt: skip

    def _instead(self, rule: Rule) -> tuple[str, ...]:
        """Drugs that might be taken instead, less those that give a grave card themselves."""
        if not self.alternatives:
            return ()
        plain = _Checker(
            self.chart, self.formulary, self.today, self.language, self.order, alternatives=False
        )
        return tuple(
            drug for drug in rule.instead
            if not any(card.severity != "info" for card in plain.about(drug))
        )  # fmt: skip

    def _traced(self, words: str) -> tuple[str, str]:
        return self._ordered(), phrase(self.language, "check.trace_chart", text=words)

    def _ordered(self) -> str:
        return phrase(self.language, "check.trace_order", text=self.order)

    def _name(self, name: str) -> str:
        return phrase(self.language, f"name.{name}")


def _within(rule: Rule, value: Decimal) -> bool:
    low = rule.at_least is None or value >= rule.at_least
    return low and (rule.below is None or value < rule.below)
