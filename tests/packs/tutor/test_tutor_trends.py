"""Trends over weeks and who needs a person, from attempts; what a parent sees of their child."""

import asyncio
import csv
import io
from pathlib import Path
from typing import Any

import pytest

from attenda.packs.tutor.course import school_course
from attenda.packs.tutor.trends import (
    answers_by_week,
    needs_of,
    skill_by_week,
    stands_still,
)
from tests.packs.tutor.test_tutor_pages import page, school

DAY = 86_400_000_000
NOW = 1_773_136_800_000_000  # Tuesday 2026-03-10T10:00:00Z
GRAPH = school_course().graph


def attempts(*made: tuple[int, str], skill: str = "ratio", **more: object) -> list[dict[str, Any]]:
    """Answers so many days ago, with their verdicts."""
    return [
        {"id": f"a{n:03}", "skill": skill, "at": NOW - days * DAY, "verdict": verdict, "hints": 0,
         "told": False, "scored": True, "mistake": "", **more}
        for n, (days, verdict) in enumerate(made)
    ]  # fmt: skip


def still(rows: list[dict[str, Any]], *by_hand: dict[str, Any]) -> bool:
    return stands_still(skill_by_week(GRAPH, "ratio", rows, by_hand, NOW))


def test_weeks_begin_on_monday_and_end_now() -> None:
    rows = attempts(
        (9, "right"), (8, "wrong"), (2, "right"), (1, "right"), (0, "wrong"), (80, "right")
    )
    weeks = answers_by_week(rows, NOW)
    assert [one.monday.isoformat() for one in weeks[-3:]] == [
        "2026-02-23",
        "2026-03-02",
        "2026-03-09",
    ]
    assert [(one.answers, one.right, one.days) for one in weeks[-3:]] == [
        (1, 1, 1), (2, 1, 2), (2, 1, 2)
    ]  # fmt: skip
    known = [one.known for one in skill_by_week(GRAPH, "ratio", rows[1:3], (), NOW)]
    assert known[:-2] == [None] * 6 and known[-2] is not None
    assert known[-1] == known[-2]  # nothing was answered since


def test_a_skill_stands_still_where_practice_does_not_raise_it() -> None:
    hard = attempts(*((days, "wrong") for days in (30, 14, 13, 9, 8, 2)))
    assert still(hard)
    assert not still(hard[:3])  # hardly tried lately
    assert not still(attempts(*((days, "right") for days in (14, 13, 9, 8, 2))))  # mastered
    rising = attempts((30, "wrong"), (14, "wrong"), (13, "wrong"), (9, "right"), (2, "right"))
    assert not still(rising)
    mark = {"skill": "ratio", "known": "0.97", "at": NOW - DAY}
    assert not still(hard[:-1], mark)  # a teacher saw that it is known


def test_who_needs_a_person_is_told_with_the_reason() -> None:
    told = attempts(*((1, "right"),) * 10, told=True)
    assert [one.why for one in needs_of(told, 2, 1, NOW)] == ["sign", "still", "told"]
    away = attempts((15, "right"))
    assert [(one.why, one.count) for one in needs_of(away, 0, 0, NOW)] == [("away", 15)]
    assert (
        needs_of(attempts((1, "right"), (1, "wrong")), 0, 0, NOW) == needs_of([], 0, 0, NOW) == []
    )


ROSTER = b"""class,title,teacher,learner,name,parent
K-1,7a,ms_kern,lea,Lea Duarte,new
K-1,7a,ms_kern,tom,Tom Berg,
"""


@pytest.mark.long
def test_a_parent_sees_their_child_alone_and_in_words(home: Path) -> None:
    async def story() -> None:
        async with school(home) as who:
            root, parent, kern = who["root"], who["new"], who["ms_kern"]
            head = {"Authorization": f"Bearer {root._key}"}
            assert "Your children" not in await page(parent, "")
            answer = await root._client.post(
                "/api/packs/tutor/imports/roster", files={"file": ("r.csv", ROSTER)}, headers=head
            )
            assert answer.json()["rejected"] == 0, answer.text
            assert "learners/lea" in await page(parent, "")
            seen = await page(parent, "learners/lea")
            assert "Goes well: least common multiple, what a fraction is." in seen
            assert "%" not in seen.split('id="screen"')[1].split("</main>")[0]
            assert "<svg" not in seen.split('id="screen"')[1] and "3/4" not in seen
            for path in (
                "learners/tom", "api/learners/lea/report", "api/learners/lea/report.csv", "class",
                "api/learners/tom/report.csv", "api/classes/K-1/report.csv",
            ):  # fmt: skip
                got = await parent.raw("GET", f"/packs/tutor/{path}")
                assert got.status_code == 403, path
            body = {"arguments": {"learner": "lea", "skill": "ratio", "percent": 99}, "once": "x"}
            tool = "/api/packs/tutor/tools/override_mastery"
            assert (await parent.raw("POST", tool, body)).status_code == 403
            whole = await page(kern, "learners/lea")
            assert whole.count("<svg") >= 5 and "As a table" in whole
            classes = await page(kern, "class")
            assert "Who needs a person" in classes and "Nobody just now." in classes
            made = (await kern.raw("GET", "/packs/tutor/api/classes/K-1/report.csv")).text
            rows = list(csv.DictReader(io.StringIO(made)))
            assert {one["learner"] for one in rows} == {"lea", "tom", "mei"}
            own = (await who["lea"].raw("GET", "/packs/tutor/api/learners/lea/report.csv")).text
            assert list(csv.DictReader(io.StringIO(own))) == [
                one for one in rows if one["learner"] == "lea"
            ]
            assert "Duarte" not in made

    asyncio.run(story())
