"""The screen of scores: reckoned from values in words, each with its inputs or what is missing."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from attenda.api import Asked, Tables
from attenda.packs.clinic.scoring import BY_VALUES, chosen_by_hand, shown_value
from attenda.packs.clinic.tables import moment
from attenda.packs.clinic.words import phrase

__all__ = ["scores"]

_UNITS: Mapping[str, str] = {
    "respiratory_rate": "1/min", "spo2": "%", "systolic": "mmHg", "diastolic": "mmHg",
    "pulse": "1/min", "temperature_c": "°C", "weight_kg": "kg", "height_cm": "cm", "qt_ms": "ms",
    "creatinine_mg_dl": "mg/dL", "urea_mmol_l": "mmol/L",
}  # fmt: skip
_MOST_LISTED = 12
"""Results that are listed, the newest first."""


async def scores(asked: Asked) -> Mapping[str, Any]:
    """The scores there are, and what who asks has reckoned."""
    language = asked.language

    def found(rows: Tables) -> list[dict[str, Any]]:
        return rows("scores").find_sorted("-reckoned_at", limit=_MOST_LISTED, user_id=asked.who.id)

    return {
        "scores": [(one, phrase(language, f"score.{one}")) for one in BY_VALUES],
        "results": [_result(one, language) for one in await asked.read(found)],
    }


def _result(row: Mapping[str, Any], language: str) -> dict[str, Any]:
    """A kept result in words: its inputs with their points, and what is missing."""
    points = {name: points for name, _, points in row["parts"]}
    lacks = ("、" if language == "zh-CN" else ", ").join(
        phrase(language, f"name.{one}") for one in row["missing"]
    )
    return {
        "rule": row["rule"], "total": f"{row['total']} {row['unit']}".strip(),
        "band": phrase(language, f"band.{row['band']}") if row["band"] else "",
        "inputs": [
            (phrase(language, f"name.{name}"), _value(name, value, language), points.get(name, ""))
            for name, value in row["inputs"].items()
        ],
        "lacks": phrase(language, f"score.{row['state']}", rule=row["rule"], missing=lacks)
        if row["missing"] else "",
        "chosen": chosen_by_hand(row["rule"], language), "source": row["source"],
        "at": moment(row["reckoned_at"]).strftime("%Y-%m-%d %H:%M"),
    }  # fmt: skip


def _value(name: str, value: str, language: str) -> str:
    """An input with its unit."""
    try:
        number = format(Decimal(value).normalize(), "f")
    except InvalidOperation:
        return shown_value(name, value, language)
    return f"{number} {_UNITS.get(name, '')}".strip()
