"""Grades: a trial held against what must be so.

A grade is state, calls, words or user; a problem says what was expected and what was there. It
reads records and knows no database.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import JsonValue

from attenda.core.event import Called
from attenda.core.words import sentence
from attenda.evals.scenario import (
    ANYTHING,
    Calls,
    Expected,
    RequiredCall,
    Row,
    SqlCheck,
    TableState,
)

__all__ = ["Found", "Problem", "State", "grade_state", "grade_calls", "grade_words"]

Grade = Literal["state", "calls", "words", "user", "safety"]
"""`user` is a fault of whoever simulates the user; the others are the agent's."""
Raw = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Problem:
    """What is not as it must be."""

    grade: Grade
    turn: int
    """Number of the turn after which it was seen, from 1; 0 is the end."""
    key: str
    """Of the catalogue."""
    values: dict[str, str]

    def text(self, language: str) -> str:
        """It as a sentence, with its turn."""
        said = sentence(language, self.key, **self.values)
        return sentence(language, "eval.turn", n=self.turn, text=said) if self.turn else said


@dataclass(frozen=True, slots=True)
class State:
    """What a database holds."""

    tables: Mapping[str, Sequence[Raw]]
    """Raw rows by table of the pack."""
    effects: Sequence[Raw] = ()
    approvals: Sequence[Raw] = ()
    owner: str = "bot"
    answers: Sequence[Sequence[Sequence[Any]] | str] = ()
    """What each query gave: rows, or why it could not be carried out."""


@dataclass(frozen=True, slots=True)
class Found:
    """What was seen and how it was before."""

    now: State
    seed: Mapping[str, Sequence[Raw]]
    kinds: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Kinds of columns by table."""


def grade_state(expected: Expected, found: Found, turn: int = 0) -> list[Problem]:
    """What is wrong with tables, queries and the session's owner."""
    tables = {} if expected.tables is None and not turn else expected.tables
    said = [] if tables is None else list(_tables(tables, found))
    said += _system(expected, found.now)
    said += _queries(expected.sql, found.now)
    if expected.owner and found.now.owner != expected.owner:
        said.append(("eval.owner", {"wanted": expected.owner, "found": found.now.owner}))
    return [Problem("state", turn, key, values) for key, values in said]


_Said = tuple[str, dict[str, str]]


def _tables(expected: Mapping[str, TableState], found: Found) -> Iterator[_Said]:
    for name, rows in found.now.tables.items():
        state, seed = expected.get(name), found.seed[name]
        if state is None:
            if list(rows) != list(seed):
                yield "eval.touched", {"table": name, "changes": _changes(seed, rows)}
            continue
        kinds = found.kinds.get(name, {})
        for key, values in _table(state, list(rows), list(seed), kinds):
            yield key, {"table": name, **values}


def _table(
    state: TableState, rows: list[Raw], seed: list[Raw], kinds: Mapping[str, str]
) -> Iterator[_Said]:
    if state.rows is not None:
        yield from _exactly(state.rows, rows, kinds)
        return
    by_key = {_key(row): row for row in rows}
    for key, cells in state.has.items():
        yield from _row_has(key, by_key.get(key), cells, kinds)
    if not state.has:
        yield from _beside_seed(state, by_key, seed, kinds)


def _beside_seed(
    state: TableState, rows: Mapping[str, Raw], seed: list[Raw], kinds: Mapping[str, str]
) -> Iterator[_Said]:
    """What differs from the seed otherwise than it must."""
    before = {_key(row): row for row in seed}
    for key in (*state.changed, *state.removed):
        if key not in before:
            yield "eval.no_seed_row", {"row": key}
    for key, row in before.items():
        now = rows.get(key)
        if key in state.removed:
            if now is not None:
                yield "eval.row_there", {"row": _shown(now)}
        elif now is None:
            yield "eval.row_missing", {"row": key}
        else:
            cells = state.changed.get(key, {})
            yield from _row_has(key, now, cells, kinds)
            yield from _differs({**row, **{name: now[name] for name in cells}}, now)
    fresh = [row for key, row in rows.items() if key not in before]
    if not isinstance(state.added, str):  # it is left open
        yield from _exactly(state.added, fresh, kinds)


def _exactly(wanted: Sequence[Row], rows: list[Raw], kinds: Mapping[str, str]) -> Iterator[_Said]:
    """Each wanted row is there once, and no other; a column that is not named is empty."""

    def is_row(cells: Row, row: Raw) -> bool:
        return all(_fits(cells.get(name, ""), row[name], kinds.get(name, "")) for name in row)

    yield from _unpaired(wanted, rows, _paired(wanted, rows, is_row))


def _unpaired(
    wanted: Sequence[Row], rows: Sequence[Raw], pairs: Mapping[int, int]
) -> Iterator[_Said]:
    for number, row in enumerate(wanted):
        if number not in pairs:
            yield "eval.row_missing", {"row": _shown(row)}
    for at in sorted(set(range(len(rows))) - set(pairs.values())):
        yield "eval.row_there", {"row": _shown(rows[at])}


def _paired(
    wanted: Sequence[Row], rows: Sequence[Raw], is_row: Callable[[Row, Raw], bool]
) -> dict[int, int]:
    """Rows that fit by wanted row: a largest matching (Kuhn, 1955), since `*` fits many."""
    fits = [[at for at, row in enumerate(rows) if is_row(cells, row)] for cells in wanted]
    taken: dict[int, int] = {}

    def place(number: int, seen: set[int]) -> bool:
        for at in fits[number]:
            if at not in seen:
                seen.add(at)
                if at not in taken or place(taken[at], seen):
                    taken[at] = number
                    return True
        return False

    for number in range(len(wanted)):
        place(number, set())
    return {number: at for at, number in taken.items()}


def _row_has(key: str, row: Raw | None, cells: Row, kinds: Mapping[str, str]) -> Iterator[_Said]:
    if row is None:
        yield "eval.row_missing", {"row": key}
        return
    for name, wanted in cells.items():
        if not _fits(wanted, row[name], kinds.get(name, "")):
            yield _cell(f"{key}.{name}", row[name], wanted)


def _differs(wanted: Raw, row: Raw) -> Iterator[_Said]:
    for name, value in wanted.items():
        if row[name] != value:
            yield _cell(f"{_key(row)}.{name}", row[name], value)


def _cell(place: str, found: Any, wanted: Any) -> _Said:
    return "eval.cell", {"cell": place, "found": _shown(found), "wanted": _shown(wanted)}


def _changes(seed: Sequence[Raw], rows: Sequence[Raw]) -> str:
    """What became of a table, in a line."""
    before, now = {_key(row): row for row in seed}, {_key(row): row for row in rows}
    said = [f"+ {_shown(row)}" for key, row in now.items() if key not in before]
    said += [f"− {key}" for key in before.keys() - now.keys()]
    for key in before.keys() & now.keys():
        for _, cell in _differs(before[key], now[key]):
            said.append(f"{cell['cell']}: {cell['wanted']} → {cell['found']}")
    return "; ".join(said[:5])


def _key(row: Raw) -> str:
    return str(next(iter(row.values())))


def _fits(wanted: JsonValue, value: Any, kind: str) -> bool:
    if wanted == ANYTHING:
        return True
    if not isinstance(wanted, str):
        return bool(_texts(wanted) == _texts(_parsed(value)))
    if kind == "time" and value is not None and wanted != str(value):
        moment = datetime.fromtimestamp(int(value) / 1_000_000, UTC)
        return wanted == f"{moment:%Y-%m-%dT%H:%M:%SZ}"
    if kind == "flag" and value is not None:
        value = bool(value)
    return bool(wanted == _texts(value))


def _parsed(value: Any) -> Any:
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError:
        return value


def _texts(value: Any) -> Any:
    """The same with every number, truth and nothing as a file would write it."""
    if isinstance(value, dict):
        return {str(name): _texts(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_texts(one) for one in value]
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name}: {_shown(one)}" for name, one in value.items()) + "}"
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 200 else f"{text[:200]}…"


def _system(expected: Expected, now: State) -> Iterator[_Said]:
    """Rows of the system's tables, in any order; only cells that are named are looked at."""

    def is_row(cells: Row, row: Raw) -> bool:
        return all(_fits(value, row.get(cell), "") for cell, value in cells.items())

    for name, wanted, rows in (
        ("effects", expected.system.effects, now.effects),
        ("approvals", expected.system.approvals, now.approvals),
    ):
        if wanted is None:
            continue
        pairs = _paired(wanted, rows, is_row)
        if len(wanted) == len(rows) == 1 and not pairs:
            for key, values in _row_has(
                _key(rows[0])[:12], {**dict.fromkeys(wanted[0]), **rows[0]}, wanted[0], {}
            ):
                yield key, {"table": name, **values}
            continue
        for key, values in _unpaired(wanted, rows, pairs):
            yield key, {"table": name, **values}


def _queries(checks: Sequence[SqlCheck], now: State) -> Iterator[_Said]:
    for check, answer in zip(checks, now.answers, strict=True):
        query = " ".join(check.query.split())
        if isinstance(answer, str):
            yield "eval.query_failed", {"query": query, "problem": answer}
        elif check.value is None and answer:
            yield "eval.query_rows", {"query": query, "found": _shown(list(answer[0]))}
        elif check.value is not None and (
            [[_texts(one) for one in row] for row in answer] != [[check.value]]
        ):
            found = _shown(list(answer[0])) if answer else "—"
            yield "eval.query_value", {"query": query, "wanted": check.value, "found": found}


def grade_calls(expected: Calls, calls: Sequence[Called], turn: int = 0) -> list[Problem]:
    """What is wrong with the calls that were made."""
    made = [
        Problem("calls", turn, "eval.forbidden", {"tool": tool})
        for tool in dict.fromkeys(call.tool for call in calls if call.tool in expected.forbidden)
    ]
    at = 0
    for wanted in expected.required:
        places = [n for n in range(at, len(calls)) if _is_call(wanted, calls[n])]
        if places:
            at = places[0] + 1
            continue
        late = any(_is_call(wanted, call) for call in calls)
        key = "eval.call_order" if late else "eval.call_missing"
        values = {"tool": wanted.tool, "state": wanted.state}
        values["made"] = ", ".join(f"{call.tool} ({call.state})" for call in calls) or "—"
        made.append(Problem("calls", turn, key, values))
    return made


def _is_call(wanted: RequiredCall, call: Called) -> bool:
    return (
        call.tool == wanted.tool
        and call.state == wanted.state
        and all(call.arguments.get(name) == value for name, value in wanted.args.items())
    )


def grade_words(
    must: Sequence[str], must_not: Sequence[str], said: str, turn: int = 0
) -> list[Problem]:
    """What is wrong with what was said; capitals do not matter."""
    folded, shown = said.casefold(), " ".join(said.split())[:300]
    missing = [("eval.unsaid", text) for text in must if text.casefold() not in folded]
    too_much = [("eval.said", text) for text in must_not if text.casefold() in folded]
    return [
        Problem("words", turn, key, {"text": text, "answer": shown})
        for key, text in (*missing, *too_much)
    ]
