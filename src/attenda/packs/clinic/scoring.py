"""Deeds about scores: values read from words, a rule reckoned, the result kept and told."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Literal

from attenda.api import Deed, Span, ToolRefused, tool
from attenda.packs.clinic.formulas import (
    Sex,
    body_mass_index,
    ckd_epi_2021,
    cockcroft_gault,
    corrected_qt,
)
from attenda.packs.clinic.measured import UNITS, readings, vitals_of, without_unit
from attenda.packs.clinic.result import Result
from attenda.packs.clinic.rules import NEWS2_SCALE_2, curb_65, news2, qsofa
from attenda.packs.clinic.words import both, catalogue, phrase

__all__ = ["BY_VALUES", "chosen_by_hand", "kept_and_told", "reckon", "shown_value",
           "told_result"]  # fmt: skip

Values = Mapping[str, Decimal | bool | str]


def _number(values: Values, name: str) -> Decimal | None:
    value = values.get(name)
    return value if isinstance(value, Decimal) else None


def _sex(values: Values) -> Sex | None:
    value = values.get("sex")
    return "female" if value == "female" else "male" if value == "male" else None


def _qtc(values: Values, method: Literal["bazett", "fridericia"]) -> Result:
    return corrected_qt(_number(values, "qt_ms"), _number(values, "pulse"), _sex(values), method)


BY_VALUES: Mapping[str, Callable[[Values], Result]] = {
    "news2": news2,
    "news2_scale2": lambda v: news2(v, scale_2=True),
    "qsofa": qsofa,
    "curb65": curb_65,
    "clearance": lambda v: cockcroft_gault(
        _number(v, "age"), _number(v, "weight_kg"), _number(v, "creatinine_mg_dl"), _sex(v)
    ),
    "egfr": lambda v: ckd_epi_2021(_number(v, "age"), _number(v, "creatinine_mg_dl"), _sex(v)),
    "qtc": lambda v: _qtc(v, "fridericia"),
    "qtc_bazett": lambda v: _qtc(v, "bazett"),
    "bmi": lambda v: body_mass_index(_number(v, "weight_kg"), _number(v, "height_cm")),
}
"""Scores that are reckoned from values in words, by what a flow or a page calls them."""


@tool(writes=True, free_text=frozenset({"values"}))
def reckon(deed: Deed, score: str, values: str) -> dict[str, Any]:
    """Reckon a score from the values in a person's words, and keep it."""
    if score not in BY_VALUES:
        raise ToolRefused(both("score.no_such", score=score, known=", ".join(BY_VALUES)))
    found = BY_VALUES[score](vitals_of(values))
    said = _said(values, found, deed.spans.get("values"))
    return kept_and_told(deed, found, said, without_unit(values))


def kept_and_told(
    deed: Deed,
    found: Result,
    said: Sequence[Sequence[object]],
    unitless: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, Any]:
    """Keep a result, with each input's message, place and words, and give its words.

    `unitless` are numbers by name that were said without a unit, and so are missing.
    """
    row = found.as_row()
    deed.rows("scores").add(
        id=f"SC-{deed.key[:10]}", user_id=deed.who.id, reckoned_at=deed.now,
        said=[list(one) for one in said], **row,
    )  # fmt: skip
    return {
        "state": found.state,
        "total": row["total"],
        "band": found.band,
        "en": told_result(found, "en", unitless),
        "zh": told_result(found, "zh-CN", unitless),
    }


def _said(values: str, found: Result, span: Span | None) -> list[list[object]]:
    """Each input with the message, the place and the words that gave it."""
    if span is None:
        return []
    last = {one.name: one for one in readings(values, pronouns=True)}
    return [
        [name, span.message_id, span.start + last[name].start, span.start + last[name].end,
         last[name].words]
        for name in found.inputs or {} if name in last
    ]  # fmt: skip


def shown_value(name: str, value: str, language: str) -> str:
    """An input as a reader of a language reads it: what is no number in words."""
    words = catalogue()["en"]
    keys = (f"value.{name}.{value}", f"value.{value}")
    return next((phrase(language, one) for one in keys if one in words), value)


def chosen_by_hand(rule: str, language: str) -> list[str]:
    """What is to be said of a rule that holds by a clinician's choice alone."""
    return [phrase(language, "score.scale_2")] if rule == NEWS2_SCALE_2 else []


def told_result(
    found: Result, language: str, unitless: Mapping[str, str] = MappingProxyType({})
) -> str:
    """A result in words: its total with its parts, or what is missing and no number at all."""
    gap = "、" if language == "zh-CN" else ", "
    if found.total is None:
        missing = gap.join(_lacking(one, unitless, language) for one in found.missing)
        lacks = phrase(language, f"score.{found.state}", rule=found.rule, missing=missing)
        return "\n".join([lacks, *chosen_by_hand(found.rule, language)])
    total = f"{found.shown_total} {found.unit}".strip()
    band = phrase(language, f"band.{found.band}")
    said = [phrase(language, "score.total", rule=found.rule, total=total, band=band)]
    said += chosen_by_hand(found.rule, language)
    said += [
        phrase(language, "score.part", name=phrase(language, f"name.{one.name}"),
               value=shown_value(one.name, one.value, language),
               points=one.points)
        for one in found.parts
    ]  # fmt: skip
    if not found.parts:
        inputs = (found.inputs or {}).items()
        said.append(gap.join(
            f"{phrase(language, f'name.{name}')} {shown_value(name, value, language)}"
            for name, value in inputs
        ))  # fmt: skip
    return "\n".join([*said, found.source])


def _lacking(name: str, unitless: Mapping[str, str], language: str) -> str:
    """What is missing: a value, or the unit of a number that was said."""
    shown = phrase(language, f"name.{name}")
    if name not in unitless:
        return shown
    one, other = UNITS[name]
    units = phrase(language, "score.or", one=one, other=other)
    return phrase(language, "score.unit_missing", name=shown, value=unitless[name], units=units)
