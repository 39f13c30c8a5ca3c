"""The tutor's plots: whole, escaped, in both languages, and nothing over something else."""

from xml.etree import ElementTree

import pytest

from attenda.packs.tutor.course import school_course
from attenda.packs.tutor.plots import heat_map, known_by_week, mastery_map, week_bars


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_plots_are_whole_escaped_and_apart(language: str) -> None:
    graph = school_course().graph
    known = {"decimals": 0.97, "ratio": 0.4, "percent_of": 1.0}
    root = ElementTree.fromstring(mastery_map(graph, known, language, "<b>&"))
    boxes = [
        (float(one.get("x", 0)), float(one.get("y", 0)))
        for one in root.iter("{http://www.w3.org/2000/svg}rect")
        if one.get("fill") == "none"
    ]
    assert len(boxes) == len(set(boxes)) == 25
    _, _, width, height = map(float, root.get("viewBox", "").split())
    assert all(x + 148 <= width + 2 and y + 32 <= height for x, y in boxes)
    rows = [("lea", "Lea <script>"), ("li", "")]
    skills = [(one, skill.title[language]) for one, skill in graph.skills.items()]
    map_ = heat_map(rows, skills, {"lea": known}, "about")
    assert "<script>" not in map_ and ElementTree.fromstring(map_).get("role") == "img"
    empty = [known_by_week([], "none"), week_bars([], "none"), heat_map([], [], {}, "none")]
    assert all(ElementTree.fromstring(one) is not None for one in empty)
    weeks = [("03-02", None), ("03-09", 0.3), ("<b>", 0.96)]
    curve = ElementTree.fromstring(known_by_week(weeks, "x"))
    marks = list(curve.iter("{http://www.w3.org/2000/svg}circle"))
    assert len(marks) == 2 and float(marks[0].get("cy", 0)) > float(marks[1].get("cy", 0))
    assert float(curve.get("width", 0)) <= 340  # a page of 360 pixels shows it whole
    bars = week_bars([("03-02", 4, 1), ("03-09", 0, 0)], "x")
    assert "03-02: 1 / 4" in bars and ElementTree.fromstring(bars) is not None
