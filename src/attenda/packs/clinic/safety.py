"""The medication check: a chart and an order become cards. Pure; what was not checked is said.

No rule found is never called harmless, an unknown drug is named, and a rule whose inputs are
missing says which, instead of keeping silent.
"""

import datetime
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal

from attenda.packs.clinic.cards import ORDER, Card, make_card
from attenda.packs.clinic.chart import Allergy, Chart, Condition, Medicine
from attenda.packs.clinic.formulary import Formulary, Kind, Rule, Severity, says
from attenda.packs.clinic.formulas import ckd_epi_2021, cockcroft_gault
from attenda.packs.clinic.result import Result
from attenda.packs.clinic.words import phrase

__all__ = ["Checked", "Status", "check_order", "kidney_function", "limits_of"]

Status = Literal["found", "no_rule", "unknown_drug"]
_WARNS = frozenset({"UNKNOWN-DRUG", "MEDICINES-UNKNOWN", "LISTS-PART", "ALLERGY-NOT-CHECKED"})
"""Limits that are more than a note: something may stand there that forbids the drug."""
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
    """Hold an order against a chart by every rule there is, and its own drugs against each other.

    Args:
        order: as it was written.
        chart: of the patient.
        formulary: the rules.
        today: for ages, and for the date on which the rules expire.
        language: of the cards.
    """
    named = formulary.find(order)
    checker = _Checker(chart, formulary, today, language, order, named.ingredients)
    cards = [card for drug in named.ingredients for card in checker.about(drug)]
    status: Status = "found" if any(one.kind != "limit" for one in cards) else "no_rule"
    for part in named.unknown:
        key = "check.unknown_part" if named.ingredients else "check.unknown_drug"
        cards.append(checker.limit("UNKNOWN-DRUG", key, "check.unknown_do", drug=part))
        cards += checker.unknown_and_reacted_to(part)
        status = "unknown_drug"
    if named.ingredients:
        cards += checker.limits()
    if status == "no_rule":
        shown = ", ".join(formulary.shown(one, language) for one in named.ingredients)
        cards.append(checker.limit("NO-RULE", "check.no_rule", "check.no_rule_do", drug=shown))
    cards += checker.expired()
    cards.sort(key=lambda one: ORDER.index(one.severity))
    return Checked(status, tuple(_once(cards)), named.ingredients, named.unknown)


def limits_of(
    chart: Chart, formulary: Formulary, today: datetime.date, language: str = "en"
) -> tuple[Card, ...]:
    """What cannot be checked of a chart, whatever is ordered: unknown lists, words, old rules."""
    checker = _Checker(chart, formulary, today, language)
    found = sorted(
        (*checker.limits(), *checker.expired()), key=lambda one: ORDER.index(one.severity)
    )
    return tuple(_once(found))


def kidney_function(chart: Chart, measure: str, today: datetime.date) -> Result:
    """Filtration (`egfr`) or clearance (`crcl`) of a chart."""
    age = chart.age_on(today)
    if measure == "egfr":
        return ckd_epi_2021(age, chart.creatinine_mg_dl, chart.sex)
    return cockcroft_gault(age, chart.weight_kg, chart.creatinine_mg_dl, chart.sex)


def _once(cards: Iterable[Card]) -> Iterator[Card]:
    seen: set[tuple[str, ...]] = set()
    for one in cards:
        if one.key not in seen:
            seen.add(one.key)
            yield one


@dataclass(frozen=True, slots=True)
class _Checker:
    chart: Chart
    formulary: Formulary
    today: datetime.date
    language: str
    order: str = ""
    together: tuple[str, ...] = ()
    """Ingredients that the order itself names."""
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

    def _taken(self, drug: str) -> Iterator[tuple[str, Medicine]]:
        """Ingredients beside a drug: taken, ordered, or in the same order; with their words."""
        for medicine in self.chart.taken:
            for one in self.formulary.find(medicine.text).ingredients:
                yield one, medicine
        for one in self.together:
            if one != drug:
                yield one, Medicine(self.order, origin="same")

    def _interactions(self, drug: str) -> Iterator[Card]:
        belongs = self.formulary.belongs
        for other, medicine in self._taken(drug):
            for rule in self._rules("interaction", drug):
                one, two = rule.terms
                pair = (belongs(drug, one) and belongs(other, two)) or (
                    belongs(drug, two) and belongs(other, one)
                )
                if pair and drug != other:
                    yield self._ruled(rule, drug, other, trace=medicine)

    def _duplicates(self, drug: str) -> Iterator[Card]:
        for other, medicine in self._taken(drug):
            shared = next((one for one in self.formulary.duplicates
                           if self.formulary.belongs(drug, one)
                           and self.formulary.belongs(other, one)), "")  # fmt: skip
            if other != drug and not shared:
                continue
            key = "check.duplicate_same" if other == drug else "check.duplicate_effect"
            rule = "DUP-SAME" if other == drug else f"DUP-{shared.upper().replace('_', '-')}"
            yield self._plain("duplicate", rule, drug, other, key, medicine)

    def _allergies(self, drug: str) -> Iterator[Card]:
        if self.chart.allergies is None:
            shown = self.formulary.shown(drug, self.language)
            yield self.limit("ALLERGIES-UNKNOWN", "check.allergies_unknown",
                             "check.not_computable_do", drug=shown)  # fmt: skip
        for allergy in self._allergies_known():
            reacted = self.formulary.reacted_to(allergy.substance)
            rules = [
                rule
                for rule in self._rules("allergy", drug)
                if any(self.formulary.belongs(one, rule.allergy) for one in reacted)
            ]
            trace = _trace_of(allergy)
            if rules:
                gravest = min(rules, key=lambda one: ORDER.index(one.severity))
                yield self._ruled(gravest, drug, gravest.allergy, trace=trace, kind="allergy")
            elif any(self.formulary.belongs(drug, one) for one in reacted):
                yield self._plain("allergy", "ALG-SAME", drug, drug, "check.allergy_same", trace)

    def _allergies_known(self) -> Iterator[Allergy]:
        """Of the chart's list, then those that were told."""
        yield from self.chart.allergies or ()
        yield from self.chart.told.allergies

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
        if rules and self.chart.conditions is None:
            shown = self.formulary.shown(drug, self.language)
            yield self.limit("CONDITIONS-UNKNOWN", "check.conditions_unknown",
                             "check.not_computable_do", drug=shown)  # fmt: skip
        known = (*(self.chart.conditions or ()), *self.chart.told.conditions)
        for condition in known if rules else ():
            for name in self.formulary.conditions_in(condition.text) if condition.active else ():
                fits = [one for one in rules if one.condition == name]
                if fits:
                    gravest = min(fits, key=lambda one: ORDER.index(one.severity))
                    yield self._ruled(gravest, drug, condition.text, trace=_trace_of(condition))

    def limits(self) -> Iterator[Card]:
        """What of the chart nothing could be checked against, whatever rules there are."""
        drugs = ", ".join(self.formulary.shown(one, self.language) for one in self.together)
        yield from self._lists_not_whole(drugs)
        yield from self._unknown_allergies(drugs)
        for medicine in self.chart.taken:
            # a draft beside it has such a card of its own
            if medicine.origin != "drafted" and self.formulary.find(medicine.text).unknown:
                own = medicine.origin if medicine.origin in ("signed", "told") else "in_chart"
                key = f"check.unknown_{own}"
                yield self.limit("UNKNOWN-IN-CHART", key, "check.unknown_do",
                                 drug=medicine.text, number=medicine.number)  # fmt: skip

    def _lists_not_whole(self, drugs: str) -> Iterator[Card]:
        if self.chart.medicines is None:
            yield self.limit("MEDICINES-UNKNOWN", "check.medicines_unknown", "check.lists_do",
                             drug=drugs)  # fmt: skip
        if self.chart.partly:
            yield self.limit("LISTS-PART", "check.lists_part", "check.lists_do", drug=drugs,
                             lists=self._names(self.chart.partly))  # fmt: skip
        if self.chart.kept:
            yield self.limit("LISTS-KEPT", "check.lists_kept", "check.lists_do",
                             lists=self._names(self.chart.kept))  # fmt: skip

    def _unknown_allergies(self, drugs: str) -> Iterator[Card]:
        for allergy in self._allergies_known():
            for words in self.formulary.not_reacted_to(allergy.substance):
                yield self.limit("ALLERGY-NOT-CHECKED", "check.allergy_not_checked",
                                 "check.allergy_not_checked_do", allergy=words,
                                 drug=drugs)  # fmt: skip

    def unknown_and_reacted_to(self, part: str) -> Iterator[Card]:
        """An unknown drug that an allergy names by the same words."""
        for allergy in self._allergies_known():
            for words in self.formulary.not_reacted_to(allergy.substance):
                if says(part, words):
                    yield self._plain("allergy", "ALG-SAME", words, words, "check.allergy_same",
                                      _trace_of(allergy))  # fmt: skip

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
        named = ("drug", "missing", "allergy", "lists")
        missing = tuple(values[one] for one in named if values.get(one))
        missing = missing or ((values["pack"],) if rule == "PACK-EXPIRED" else ())
        severity: Severity = "warning" if rule in _WARNS else "info"
        return make_card(rule, "limit", severity, texts, self.language, self.formulary,
                         about=missing, trace=self._ordered())  # fmt: skip

    def _not_computable(self, drug: str, measure: str, found: Result) -> Card:
        missing = ", ".join(self._name(one) for one in found.missing)
        shown = self.formulary.shown(drug, self.language)
        return self.limit("NOT-COMPUTABLE", "check.not_computable", "check.not_computable_do",
                          drug=shown, measure=self._name(measure), missing=missing)  # fmt: skip

    def _ruled(
        self,
        rule: Rule,
        drug: str,
        other: str = "",
        *,
        trace: str | Medicine,
        kind: str = "",
        **values: str,
    ) -> Card:
        """The card of a rule."""
        effect, why, do = rule.texts.get(self.language) or rule.texts["en"]
        shown = self.formulary.shown(drug, self.language)
        summary = phrase(self.language, f"check.{rule.kind}", drug=shown, effect=effect,
                         other=self._other(other, trace), **values)  # fmt: skip
        texts = {"summary": summary, "effect": effect, "why": why, "do": do}
        return make_card(rule.id, kind or rule.kind, rule.severity, texts, self.language,
                         self.formulary, rule.about, about=tuple(filter(None, (drug, other))),
                         suggestions=self._instead(rule), trace=self._traced(trace))  # fmt: skip

    def _plain(
        self, kind: str, rule: str, drug: str, other: str, effect: str, trace: str | Medicine
    ) -> Card:
        """The card of a check that needs no written rule."""
        said = phrase(self.language, effect)
        summary = phrase(self.language, f"check.{kind}", effect=said,
                         drug=self.formulary.shown(drug, self.language),
                         other=self._other(other, trace))  # fmt: skip
        texts = {"summary": summary, "effect": said,
                 "why": phrase(self.language, f"check.{kind}_why"),
                 "do": phrase(self.language, f"check.{kind}_do")}  # fmt: skip
        severity: Severity = "critical" if kind == "allergy" else "warning"
        return make_card(rule, kind, severity, texts, self.language, self.formulary,
                         about=(drug, other), trace=self._traced(trace))  # fmt: skip

    def _instead(self, rule: Rule) -> tuple[str, ...]:
        """Drugs that might be taken instead, less those that give a grave card themselves."""
        if not self.alternatives:
            return ()
        plain = replace(self, alternatives=False)
        return tuple(
            drug for drug in rule.instead
            if not any(card.severity != "info" for card in plain.about(drug))
        )  # fmt: skip

    def _other(self, other: str, trace: str | Medicine) -> str:
        """The other one of a pair, with where it stands if that is not the chart."""
        shown = self.formulary.shown(other, self.language)
        if isinstance(trace, str) or trace.origin in ("chart", "kept"):
            return shown
        return phrase(self.language, f"check.other_{trace.origin}", drug=shown,
                      number=trace.number)  # fmt: skip

    def _traced(self, trace: str | Medicine) -> tuple[str, ...]:
        found = Medicine(trace) if isinstance(trace, str) else trace
        said = phrase(self.language, f"check.trace_{found.origin}", text=found.text,
                      number=found.number)  # fmt: skip
        return *self._ordered(), said

    def _ordered(self) -> tuple[str, ...]:
        if not self.order:
            return ()
        return (phrase(self.language, "check.trace_order", text=self.order),)

    def _names(self, lists: Iterable[str]) -> str:
        gap = "、" if self.language == "zh-CN" else ", "
        return gap.join(self._name(one) for one in sorted(lists))

    def _name(self, name: str) -> str:
        return phrase(self.language, f"name.{name}")


def _trace_of(one: Allergy | Condition) -> str | Medicine:
    """The words of a list, as they are traced; with the interview where they were told in one."""
    if isinstance(one, Allergy):
        words = " ".join(filter(None, (one.substance, one.reaction)))
    else:
        words = one.text
    return Medicine(words, origin="told", number=one.number) if one.number else words


def _within(rule: Rule, value: Decimal) -> bool:
    low = rule.at_least is None or value >= rule.at_least
    return low and (rule.below is None or value < rule.below)
