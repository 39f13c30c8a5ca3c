"""Rows are written and read back whole, split without tearing a group, known by a fingerprint."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from attenda.core.errors import UserError
from attenda.core.message import text_message
from attenda.learn.dialogues import Dialogue, fingerprint, read, write
from attenda.learn.split import split, split_by_template, template_of
from tests.learn.rows import dialogue, dialogues, sorted_out

_relaxed = settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@_relaxed
@given(rows=dialogues)
def test_what_is_written_is_read_back(rows: list[Dialogue], tmp_path: Path) -> None:
    path = tmp_path / "ours.jsonl"
    write(path, rows)
    if rows:
        found, problems = sorted_out(path)
        assert [replace(row, place="made:1") for row in found] == rows
        assert all(one.severity == "warning" for one in problems)
        assert fingerprint(found) == fingerprint(rows)
    assert os.listdir(tmp_path) == [path.name]


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "ours.jsonl"
    write(path, [dialogue("a", "b")])
    before = path.read_bytes()

    def broken() -> Iterator[Dialogue]:
        yield dialogue("c", "d")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write(path, broken())
    assert path.read_bytes() == before and os.listdir(tmp_path) == [path.name]
    with pytest.raises(UserError, match="can't be written"):
        write(path / "under a file.jsonl", [])


_groups = st.lists(st.sampled_from("abcdefghijklmnop"), min_size=1, max_size=40)


@given(groups=_groups, seed=st.integers(0, 9), share=st.floats(0, 0.99))
def test_a_split_keeps_groups_whole_and_no_side_empty(
    groups: list[str], seed: int, share: float
) -> None:
    rows = [dialogue("q", "a", id=str(n), group=group) for n, group in enumerate(groups)]
    train, validation = split(rows, share, seed)
    sides = [{row.group for row in side} for side in (train, validation)]
    assert not sides[0] & sides[1]
    assert sorted((*train, *validation), key=lambda row: int(row.id)) == rows
    if share and len(set(groups)) > 1:
        assert train and validation


@given(groups=_groups, more=_groups, seed=st.integers(0, 9))
def test_rows_that_come_later_move_no_others(groups: list[str], more: list[str], seed: int) -> None:
    steady = ["first", "second", *(f"steady {n}" for n in range(40))]
    rows = [dialogue("q", "a", id=str(n), group=group) for n, group in enumerate(steady + groups)]
    added = [dialogue("q", "a", id=f"new {n}", group=group) for n, group in enumerate(more)]
    held = {row.id for row in split(rows, 0.3, seed)[1]}
    held_later = {row.id for row in split([*added, *rows], 0.3, seed)[1]}
    assert held == {one for one in held_later if not one.startswith("new")}


def test_a_share_is_a_share() -> None:
    rows = [dialogue("q", "a", group=str(n)) for n in range(2_000)]
    assert len(split(rows, 0.1, 1)[1]) == pytest.approx(200, abs=45)
    assert split(rows, 0.1, 1) != split(rows, 0.1, 2)
    assert split(rows, 0, 1) == (rows, [])
    with pytest.raises(UserError, match=r"1\.0"):
        split(rows, 1.0, 1)


FORMS = (
    "Where is my order {0}?",
    "Refund order {0} of {1}, please.",
    "Send it to {2} on {3}",
    "I said {4} to {5}!",
    "\u6211\u7684\u8ba2\u5355{0}\u5728{1}\u5230",
    "Thanks",
)
_filling = st.tuples(
    st.sampled_from(["#A-1234/5", "99", "a1b2", "INV-2024-07"]),
    st.sampled_from(["12", "3,000.50", "2024-03-05"]),
    st.sampled_from(["a.b@shop.example", "https://shop.example/x?q=1", "{{Name}}", "[ADDRESS]"]),
    st.sampled_from(["March 5th, 2024", "5th of May", "Monday", "05/03/2024"]),
    st.sampled_from(['"Leave me"', "\u201cyes, of course\u201d", "\u300c\u4f60\u597d\u300d"]),
    st.sampled_from(["{name}", "<NAME>", "[Customer Name]"]),
)


@given(
    drawn=st.lists(st.tuples(st.sampled_from(FORMS), _filling, st.integers(0, 30)), max_size=40),
    share=st.floats(0.05, 0.6),
    seed=st.integers(0, 9),
)
def test_no_template_and_no_group_stands_on_both_sides(
    drawn: list[tuple[str, tuple[str, ...], int]], share: float, seed: int
) -> None:
    rows = [
        dialogue(form.format(*filling), f"For {filling[0]}.", id=str(n), group=f"g{group}")
        for n, (form, filling, group) in enumerate(drawn)
    ]
    forms = {row.id: form for row, (form, _, _) in zip(rows, drawn, strict=True)}
    assert len({template_of(row) for row in rows}) == len(set(forms.values()))
    try:
        train, validation = split_by_template(rows, share, seed)
    except UserError as error:
        assert error.key == "learn.data.one_template"
        return
    assert not {forms[row.id] for row in train} & {forms[row.id] for row in validation}
    assert not {row.group for row in train} & {row.group for row in validation}
    assert sorted((*train, *validation), key=lambda row: int(row.id)) == rows
    assert not rows or (train and validation)
    again = split_by_template(rows[::-1], share, seed)[1]
    assert [row.id for row in again[::-1]] == [row.id for row in validation]


def test_one_form_cannot_be_parted() -> None:
    rows = [dialogue(f"Where is order {n}?", "On its way.", id=str(n)) for n in range(9)]
    with pytest.raises(UserError, match="9 conversations"):
        split_by_template(rows, 0.2, 0)
    assert split_by_template(rows, 0, 0) == (rows, [])


FINGERPRINT = "5cccaebff4ec1616ea45c41e49064d42dfe98e63d05ff1d538d9be0cbb2c7860"


def test_a_fingerprint_is_the_same_in_another_run() -> None:
    rows = [dialogue("Hi", "Hello!"), dialogue("你好", "您好")]
    assert fingerprint(rows) == FINGERPRINT
    assert fingerprint(replace(row, place="elsewhere:9") for row in rows) == FINGERPRINT


@given(rows=dialogues.filter(bool), data=st.data())
def test_any_change_changes_the_fingerprint(rows: list[Dialogue], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(rows) - 1))
    row = rows[at]
    last = row.messages[-1]
    changes = [
        [replace(row, id=f"{row.id}!")],
        [replace(row, group=f"{row.group}!")],
        [replace(row, messages=(*row.messages[:-1], text_message(last.role, f"{last.text} ")))],
        [replace(row, messages=row.messages[1:])],
        [replace(row, rejected=text_message("assistant", "another one entirely, and longer"))],
        [row, row],
        [],
    ]
    before = fingerprint(rows)
    for change in changes:
        assert fingerprint([*rows[:at], *change, *rows[at + 1 :]]) != before
    if rows != rows[::-1]:
        assert fingerprint(rows[::-1]) != before


def test_reading_is_lazy(tmp_path: Path) -> None:
    path = tmp_path / "ours.jsonl"
    write(path, [dialogue("a", "b"), dialogue("c", "d")])
    with path.open("ab") as file:
        file.write(b'{"messages": [')
    found = read(path)
    assert isinstance(next(found), Dialogue)
