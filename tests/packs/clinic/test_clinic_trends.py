"""Trends: observations as series in one unit each, as lines between round numbers, on a page."""

import datetime
import json
import os
import re
from decimal import Decimal as D
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attenda.packs.clinic.plots import over_time
from attenda.packs.clinic.trends import ticks, trends_of
from attenda.packs.clinic.ways_in import read_fhir

DATA = Path(os.environ.get("ATTENDA_DATA", "nowhere")) / "synthea_fhir_r4"


def row(value: str, at: str, unit: str = "mg/dL", code: str = "2160-0", **more: str) -> Any:
    return {"name": "Creatinine", "value": value, "unit": unit, "at": at, "code": code, **more}


def test_values_are_one_line_only_in_one_unit() -> None:
    found = trends_of([
        row("1.6", "2026-02"), row("141.44", "2026-01-05T10:00:00+01:00", "umol/L"),
        row("9", "2026-03-01", "stone"), row("1.4", ""), row("", "2026-04-01"),
        row("7", "2026-01-01", "%", "", name="Blasts <b>"),
        row("130", "2026-01-01", "mm[Hg]", "8480-6"), row("80", "2026-01-01", "mm[Hg]", "8462-4"),
        row("16", "2026-01-01", "kPa", "8480-6"),
    ])  # fmt: skip
    assert [(one.name, one.unit, len(one.series), one.has_plot) for one in found] == [
        ("pressure", "mmHg", 2, False), ("creatinine_mg_dl", "mg/dL", 1, True),
        ("creatinine_mg_dl", "stone", 1, False), ("Blasts <b>", "%", 1, False),
    ]  # fmt: skip
    assert [(one.said, one.value) for one in found[1].series[0].points] == [
        ("", D("1.4")), ("2026-01-05T10:00:00+01:00", D("1.60")), ("2026-02", D("1.6")),
    ]  # fmt: skip
    at, _ = found[1].series[0].dated[0]
    assert at == datetime.datetime(2026, 1, 5, 9, tzinfo=datetime.UTC)
    systolic, diastolic = found[0].series
    assert (systolic.name, diastolic.name) == ("systolic", "diastolic")
    assert [one.value for one in systolic.points] == [D(130), D("120.01")]  # 16 kPa


@given(*[st.decimals(-(10**6), 10**6, places=2)] * 2)
def test_round_numbers_enclose_all_values(one: D, two: D) -> None:
    low, high = sorted((one, two))
    rungs = ticks(low, high)
    assert rungs[0] <= low and high <= rungs[-1] and 2 <= len(rungs) <= 7
    assert len({after - before for before, after in zip(rungs, rungs[1:], strict=False)}) == 1


def test_a_plot_says_what_it_shows_and_stays_within_its_frame() -> None:
    days = [datetime.datetime(2026, 1, day, tzinfo=datetime.UTC) for day in (1, 3, 9)]
    lines = [(name, list(zip(days, map(D, values.split()), strict=True)))
             for name, values in (("up & down", "120 150 90"), ("low", "80 60 70"))]  # fmt: skip
    made = over_time(lines, "mmHg", "pressure <of> Ada")
    assert "<title>pressure &lt;of&gt; Ada</title>" in made and "up &amp; down: 150 mmHg" in made
    assert "2026-01-01" in made and "2026-01-05" in made and "2026-01-09" in made
    spots = [(float(x), float(y)) for x, y in re.findall(r'cx="([\d.]+)" cy="([\d.]+)"', made)]
    assert len(spots) == 6 and made.count("stroke-dasharray") == 3
    assert all(44 <= x <= 284 and 10 <= y <= 130 for x, y in spots)
    assert spots[1][1] < spots[0][1] < spots[2][1]  # the greater, the higher up
    assert spots[1][0] - spots[0][0] == pytest.approx((spots[2][0] - spots[1][0]) / 3, abs=0.2)


@pytest.mark.skipif(not DATA.is_dir(), reason="the synthetic patients are not here")
def test_real_observations_give_trends() -> None:
    path = sorted(DATA.glob("*.json"))[0]
    rows = read_fhir(path.name, path.read_bytes()).rows["observations"]
    found = {one.name: one for one in trends_of(rows)}
    assert found["pressure"].has_plot and len(found["pressure"].series) == 2
    written = json.loads(path.read_text("utf-8"))
    numbers = [
        part for entry in written["entry"] if entry["resource"]["resourceType"] == "Observation"
        for part in (entry["resource"], *entry["resource"].get("component", ()))
        if "valueQuantity" in part
    ]  # fmt: skip
    kept = sum(len(one.points) for trend in found.values() for one in trend.series)
    assert kept == len(rows) == len(numbers)
