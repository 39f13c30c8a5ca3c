"""The screen of trends: each thing that was measured as a plot over time, and as a table."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from attenda.api import Asked, NotFound, Tables
from attenda.packs.clinic.plots import over_time
from attenda.packs.clinic.sealed import LOOK_HOLDS, seal_of
from attenda.packs.clinic.trends import Trend, trends_of
from attenda.packs.clinic.words import catalogue, phrase

__all__ = ["trends"]


async def trends(asked: Asked) -> Mapping[str, Any]:
    """What was measured of a patient; of a sealed chart nothing."""
    patient = asked.values["patient"]

    def found(rows: Tables) -> tuple[str, list[dict[str, Any]], list[Trend]]:
        seal = seal_of(rows, asked.who.id, patient, asked.now)
        known = rows("patients").find(id=patient)
        own = rows("observations").find(patient_id=patient) if seal in ("none", "open") else []
        return seal, known, trends_of(own)

    seal, known, listed = await asked.read(found)
    if seal == "to_note":
        once = f"look {patient} {asked.now // LOOK_HOLDS}"
        await asked.do("note_look", {"patient": patient}, once=once)
        seal, known, listed = await asked.read(found)
    if not known:
        raise NotFound("request.no_page")
    sealed = seal not in ("none", "open")
    return {
        "id": patient, "sealed": sealed, "name": "" if sealed else known[0]["name"],
        "plots": [_shown(one, asked.language) for one in listed if one.has_plot],
        "single": [_shown(one, asked.language) for one in listed if not one.has_plot],
    }  # fmt: skip


def _shown(trend: Trend, language: str) -> dict[str, Any]:
    """A trend with its plot, its table with the newest values first, and both in words."""
    title = _title(trend.name, language)
    names = [_title(one.name, language) for one in trend.series]
    newest = [one.points[-1] for one in trend.series]
    times = sorted({point.said for one in trend.series for point in one.points}, reverse=True)
    cells = [{point.said: _plain(point.value) for point in one.points} for one in trend.series]
    about = phrase(language, "trend.about", name=title, count=len(times), unit=trend.unit,
                   value="/".join(_plain(one.value) for one in newest),
                   at=newest[0].said[:10] or "—")  # fmt: skip
    lines = [(name, one.dated) for name, one in zip(names, trend.series, strict=True) if one.dated]
    return {
        "title": title, "unit": trend.unit, "names": names, "about": about,
        "svg": over_time(lines, trend.unit, about) if trend.has_plot else "",
        "rows": [(at.replace("T", " ")[:16] or "—", [each.get(at, "") for each in cells])
                 for at in times],
    }  # fmt: skip


def _plain(value: Decimal) -> str:
    return format(value.normalize(), "f")


def _title(name: str, language: str) -> str:
    key = f"name.{name}"
    return phrase(language, key) if key in catalogue()["en"] else name
