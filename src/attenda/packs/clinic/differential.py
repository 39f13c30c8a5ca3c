"""Options to weigh for what was found: for, against, what must not be missed; each with its page.

No likelihood is made up: options are ordered by how many findings speak for and against them. A
topic that the knowledge does not cover gives nothing, and that is said.
"""

import functools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from attenda.packs.clinic.chart import Chart
from attenda.packs.clinic.extract import Mention, lexicon, mentions
from attenda.packs.clinic.measured import vitals_of
from attenda.packs.clinic.units import UnknownUnit, convert
from attenda.packs.clinic.words import FOLDER, phrase, read_yaml

__all__ = ["MOST_OPTIONS", "Candidate", "candidates", "told_candidates"]

MOST_OPTIONS = 5
FEVER_FROM = Decimal("38.0")
NO_FEVER_BELOW = Decimal("37.5")
"""Degrees Celsius; between both the chart says nothing of fever."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One option."""

    name: Mapping[str, str]
    must_not_miss: bool
    speaks_for: tuple[str, ...]
    """Findings that are there."""
    against: tuple[str, ...]
    """Findings that are there and speak against it, and those for it that are denied."""
    page: str
    quote: str
    """The sentence of the page that says so."""

    def as_row(self) -> dict[str, Any]:
        """As a table keeps it."""
        return {
            "name": self.name["en"], "must_not_miss": self.must_not_miss,
            "for": list(self.speaks_for), "against": list(self.against), "page": self.page,
            "quote": self.quote,
        }  # fmt: skip


@functools.cache
def _topics() -> Sequence[Mapping[str, Any]]:
    found: Sequence[Mapping[str, Any]] = read_yaml(FOLDER / "differential.yaml")["topics"]
    return found


def candidates(text: str, chart: Chart | None = None) -> list[Candidate]:
    """Options for what a text tells; none where no topic of the knowledge fits.

    Args:
        text: of a clinician or a patient.
        chart: of the patient, which has findings of its own; what the text says goes before it.
    """
    said = [one for one in mentions(text) if one.assertion.subject == "patient"]
    told = {one.finding for one in said if one.is_own_and_present}
    warm = vitals_of(text).get("temperature_c")
    if isinstance(warm, Decimal) and warm >= FEVER_FROM:
        told.add("fever")
    untrue = {one.finding for one in said if _is_denied(one)} - told
    in_chart, not_in_chart = _charted(chart) if chart else (set[str](), set[str]())
    present = told | (in_chart - untrue)
    denied = untrue | (not_in_chart - present)
    found: dict[str, Candidate] = {}
    for topic in _topics():
        if present.isdisjoint(topic["any"]):
            continue
        for option in topic["options"]:
            one = _weighed(option, topic["page"], present, denied)
            if one and one.name["en"] not in found:
                found[one.name["en"]] = one
    ordered = sorted(
        found.values(),
        key=lambda one: (not one.must_not_miss, len(one.against) - len(one.speaks_for)),
    )
    return ordered[:MOST_OPTIONS]


def _charted(chart: Chart) -> tuple[set[str], set[str]]:
    """Findings that a chart's problems and its newest temperature show, and that they rule out."""
    problems = [one.text for one in chart.conditions or () if one.active]
    present = {one.finding for text in problems for one in mentions(text) if one.is_own_and_present}
    warm = [one for one in chart.measures.values() if "temperature" in one.name.lower()]
    for one in warm[-1:]:
        try:
            degrees = convert(one.value, "temperature", one.unit, "°C")
        except UnknownUnit:
            continue
        if degrees >= FEVER_FROM:
            present.add("fever")
        elif degrees < NO_FEVER_BELOW:
            return present, {"fever"}
    return present, set()


def _is_denied(one: Mention) -> bool:
    return one.assertion.status == "absent" and one.assertion.when != "past"


def _weighed(
    option: Mapping[str, Any], page: str, present: set[str], denied: set[str]
) -> Candidate | None:
    speaks_for = tuple(one for one in option["for"] if one in present)
    if not speaks_for:
        return None
    against = [one for one in option["against"] if one in present]
    against += [one for one in option["for"] if one in denied]
    return Candidate(
        option["name"], bool(option.get("miss")), speaks_for, tuple(against), page, option["quote"]
    )


def told_candidates(found: Sequence[Candidate], language: str, cited: Collection[int] = ()) -> str:
    """Options in words; where there are none, that the knowledge is silent.

    `cited` are the numbers from 1 of those whose page is there to be opened.
    """
    if not found:
        return phrase(language, "weigh.silent")
    shown = lexicon().shown
    gap = "、" if language == "zh-CN" else ", "

    def names(findings: Sequence[str]) -> str:
        return gap.join(shown[one][language] for one in findings) or "—"

    lines = [phrase(language, "weigh.head")]
    for number, one in enumerate(found, 1):
        mark = f" [{number}]" if number in cited else ""
        key = "weigh.miss" if one.must_not_miss else "weigh.option"
        lines.append(phrase(
            language, key, name=one.name[language], yes=names(one.speaks_for),
            no=names(one.against), page=one.page + mark, quote=one.quote,
        ))  # fmt: skip
    return "\n".join([*lines, "", phrase(language, "check.notice")])
