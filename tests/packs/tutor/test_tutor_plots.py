"""The tutor's plots: whole, escaped, in both languages, and nothing over something else."""

from xml.etree import ElementTree

import pytest

from attenda.packs.tutor.course import school_course
from attenda.packs.tutor.plots import heat_map, mastery_map, progress_curve


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
    empty = [progress_curve([], "none"), heat_map([], [], {}, "none")]
    assert all(ElementTree.fromstring(one) is not None for one in empty)
    assert progress_curve([0.3, 0.7, 0.96], "x").count("<circle") == 3
