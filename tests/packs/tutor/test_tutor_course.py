"""The tutor's course: whole, solvable, in two languages; what is wrong with it is told."""

import shutil
from pathlib import Path

import pytest

from attenda.packs.tutor.course import COURSE, CourseMistake, read_course, school_course
from attenda.packs.tutor.course_lint import lint
from attenda.packs.tutor.grade import grade
from attenda.packs.tutor.hints import hint_text, leaks


def test_the_course_is_whole() -> None:
    course = school_course()
    assert (len(course.graph.skills), len(course.items)) == (25, 150)
    for item in course.items.values():
        for language in ("en", "zh-CN"):
            rungs = [hint_text(item, level, language) for level in (1, 2, 3)]
            assert all(rungs) and len(set(rungs)) == 3, item.id
    assert len({tag for item in course.items.values() for tag, _ in item.mistakes}) >= 40


def test_a_sum_of_halves_and_thirds_as_the_files_make_it() -> None:
    item = school_course().items["add_fractions-1"]
    assert item.prompt == {"en": "Work out 1/2 + 1/3.", "zh-CN": "计算 1/2 + 1/3。"}
    assert grade(item, "5/6").verdict == "right"
    assert grade(item, "2/5").mistake == "ADD-NUM-AND-DEN"
    assert hint_text(item, 4, "en") == "3/6 + 2/6 = 5/6."
    assert not any(leaks(item, hint_text(item, level, "zh-CN")) for level in (1, 2, 3))


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("2-fractions.yaml", "key: a/b + c/d", "key: a/b + c/x", "add_fractions: row 1: x"),
        ("2-fractions.yaml", "1 2 1 3 -1, 1 2 1 4 -1", "1 2 1 -1", "row 1 has 4 numbers, not 5"),
        ("2-fractions.yaml", "needs: [add_fractions]", "needs: [adding]", "needs adding, which"),
        ("2-fractions.yaml", "ADD-NUM-AND-DEN:", "ADD-SOMETHING:", "has no ADD-SOMETHING"),
        ("4-algebra.yaml", "  title: {", "  title: [{", "4-algebra.yaml: "),
        ("1-numbers.yaml", "needs: [decimals]", "needs: [percent_of, convert_units]", "circle"),
        ("3-percent.yaml", "key: a/b", "key: 9**9**9", "power"),
    ],
)
def test_a_wrong_file_is_told_by_place(
    tmp_path: Path, file: str, old: str, new: str, said: str
) -> None:
    folder = tmp_path / "course"
    shutil.copytree(COURSE, folder)
    text = (folder / file).read_text("utf-8")
    assert old in text
    (folder / file).write_text(text.replace(old, new, 1), "utf-8")
    with pytest.raises(ValueError, match=said):
        read_course(folder)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('step: {en: "Begin with', 'step: {en: "It is {a + b*c}. Begin with', "hint 2 tells"),
        ("4 2 3 -1, 5 3 4 -1, ", "", "4 exercises, at least 5"),
        ("5 3 4 -1", "4 2 3 -1", "asked twice"),
    ],
)
def test_the_linter_finds_what_no_learner_should(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    folder = tmp_path / "course"
    shutil.copytree(COURSE, folder)
    path = folder / "1-numbers.yaml"
    path.write_text(path.read_text("utf-8").replace(old, new, 1), "utf-8")
    found = lint(read_course(folder))
    assert any(said in one for one in found)


def test_what_is_no_file_of_names_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mistakes.yaml").write_text("- a list", "utf-8")
    with pytest.raises(CourseMistake, match="no names"):
        read_course(tmp_path)
