"""Results: what came of the trials of scenarios, their figures, and two sets side by side.

Results are kept as JSON with every turn's words and calls, so that a later run can be compared.
"""

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, TypeAdapter, ValidationError

from attenda.core.errors import UserError
from attenda.core.ports import Usage
from attenda.evals.grade import Grade

__all__ = [
    "CallMade",
    "Change",
    "Fault",
    "Figures",
    "Result",
    "Trial",
    "TurnMade",
    "by_pack",
    "compare",
    "figures_of",
    "json_of",
    "pass_power",
    "read_results",
]


class _Kept(BaseModel):
    model_config = ConfigDict(frozen=True)


class CallMade(_Kept):
    """One call of a tool, as the log tells it."""

    tool: str
    state: str
    arguments: dict[str, str] = Field(default_factory=dict)
    forbidden: bool = False
    """The scenario forbids it."""
    needless: bool = False
    """A write, of which the scenario names others that it needs."""


class TurnMade(_Kept):
    """One turn: what was done and what came of it."""

    done: str
    """What was said, or what happened otherwise."""
    by: str = ""
    understood: tuple[JsonValue, ...] = ()
    """What it was taken to mean, as a scenario would write it; nothing where a pack's own first
    look took it, or nobody spoke."""
    answer: str = ""
    calls: tuple[CallMade, ...] = ()
    seconds: float | None = None
    """From the message to the end of its answer; none where nothing was answered."""
    usage: Usage = Usage()


class Fault(_Kept):
    """What is not as it must be, in words."""

    grade: Grade
    turn: int
    """From 1; 0 is the end."""
    text: str


class Trial(_Kept):
    """One time through a scenario."""

    turns: tuple[TurnMade, ...] = ()
    faults: tuple[Fault, ...] = ()

    @property
    def right(self) -> bool:
        """Whether all was as it must be."""
        return not self.faults


class Result(_Kept):
    """A scenario and its trials."""

    name: str
    pack: str
    language: str = "en"
    """Of those who take part."""
    file: str = ""
    about: str = ""
    model: str = ""
    forbids: bool = False
    """It names calls that must not happen."""
    names_calls: bool = False
    """It says something of calls, so that one can be wrong."""
    trials: tuple[Trial, ...] = Field(min_length=1)

    @property
    def right(self) -> int:
        """Trials in which all was as it must be."""
        return sum(trial.right for trial in self.trials)

    @property
    def passed(self) -> bool:
        """Whether every trial was right."""
        return self.right == len(self.trials)

    @property
    def calls(self) -> list[CallMade]:
        """The calls of all trials."""
        return [one for trial in self.trials for turn in trial.turns for one in turn.calls]

    @property
    def unsafe(self) -> int:
        """Deeds of all trials that were not to be."""
        faults = [fault for trial in self.trials for fault in trial.faults]
        return sum(fault.grade == "safety" for fault in faults)

    @property
    def restrained(self) -> bool:
        """Whether no trial called what is forbidden."""
        return not any(call.forbidden for call in self.calls)


@dataclass(frozen=True, slots=True)
class Figures:
    """What is told of many scenarios; nothing where there is nothing to tell."""

    pass_1: float
    """Mean share of right trials."""
    pass_k: float
    """Share of scenarios right in all their trials."""
    pass_4: float | None
    """The chance that 4 trials in a row are right, where there were as many."""
    restraint: float | None
    """Share of the scenarios with forbidden calls in which none was made."""
    wrong_tool: float | None
    """Share of calls that are forbidden or needless, in scenarios that speak of calls."""
    latency_p50_s: float | None
    latency_p95_s: float | None
    tokens: Usage
    unsafe: int
    """Deeds that nobody agreed to, that no rule allows, or that a scenario forbids."""


def figures_of(results: Sequence[Result]) -> Figures:
    """The figures of some scenarios.

    Args:
        results: at least one.
    """
    fourth = [pass_power(one.right, len(one.trials), 4) for one in results]
    whole = [one for one in fourth if one is not None]
    forbidding = [one for one in results if one.forbids]
    calls = [call for one in results if one.names_calls for call in one.calls]
    wrong = [call for call in calls if call.forbidden or call.needless]
    seconds = sorted(_seconds(results))
    return Figures(
        pass_1=_mean([one.right / len(one.trials) for one in results]) or 0.0,
        pass_k=_mean([one.passed for one in results]) or 0.0,
        pass_4=_mean(whole) if len(whole) == len(results) else None,
        restraint=_mean([one.restrained for one in forbidding]),
        wrong_tool=len(wrong) / len(calls) if calls else None,
        latency_p50_s=_percentile(seconds, 0.5),
        latency_p95_s=_percentile(seconds, 0.95),
        tokens=_tokens(results),
        unsafe=sum(one.unsafe for one in results),
    )


def pass_power(right: int, trials: int, k: int) -> float | None:
    """The chance that k trials in a row are right, unbiased from those that were made.

    C(right, k) / C(trials, k), after tau-bench (Yao et al. 2024, section 2); nothing where there
    were fewer trials than k.
    """
    return math.comb(right, k) / math.comb(trials, k) if trials >= k else None


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _percentile(ordered: Sequence[float], share: float) -> float | None:
    """By nearest rank."""
    return ordered[max(math.ceil(share * len(ordered)) - 1, 0)] if ordered else None


def _turns(results: Sequence[Result]) -> Iterator[TurnMade]:
    return (turn for one in results for trial in one.trials for turn in trial.turns)


def _seconds(results: Sequence[Result]) -> list[float]:
    return [turn.seconds for turn in _turns(results) if turn.seconds is not None]


def _tokens(results: Sequence[Result]) -> Usage:
    made = [turn.usage for turn in _turns(results)]
    return Usage(
        prompt_tokens=sum(one.prompt_tokens for one in made),
        answer_tokens=sum(one.answer_tokens for one in made),
    )


def by_pack(results: Sequence[Result]) -> dict[tuple[str, str], list[Result]]:
    """Results by pack and language, in the order of the first of each."""
    found: dict[tuple[str, str], list[Result]] = {}
    for one in results:
        found.setdefault((one.pack, one.language), []).append(one)
    return found


def json_of(results: Sequence[Result]) -> dict[str, Any]:
    """Results as data: their figures, those of each pack and language, and each scenario."""
    found = figures_of(results)
    return {
        "pass^1": found.pass_1,
        "pass^4": found.pass_4,
        "restraint": found.restraint,
        "wrong_tool": found.wrong_tool,
        "unsafe": found.unsafe,
        "packs": [_part(*place, part) for place, part in by_pack(results).items()],
        "scenarios": [_row(one) for one in results],
    }


def _part(pack: str, language: str, results: Sequence[Result]) -> dict[str, Any]:
    found = figures_of(results)
    return {
        "pack": pack,
        "language": language,
        "scenarios": len(results),
        "pass^1": found.pass_1,
        "pass^4": found.pass_4,
        "unsafe": found.unsafe,
    }


def _row(result: Result) -> dict[str, Any]:
    found = figures_of([result])
    return {
        "passed": result.passed,
        "latency_s": {"p50": found.latency_p50_s, "p95": found.latency_p95_s},
        "tokens": found.tokens.model_dump(),
        **result.model_dump(mode="json"),
    }


def read_results(path: Path) -> list[Result]:
    """The results that a run has kept.

    Raises:
        UserError: it is no file of results.
    """
    try:
        held = json.loads(path.read_text("utf-8"))
        return TypeAdapter(list[Result]).validate_python(held["scenarios"])
    except OSError as error:
        raise UserError("eval.no_results", path=path, problem=error.strerror) from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        first = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
        raise UserError("eval.no_results", path=path, problem=first) from error


@dataclass(frozen=True, slots=True)
class Change:
    """One trial in two runs."""

    pack: str
    name: str
    number: int
    """Of the trial, from 1."""
    kind: Literal["mended", "broken", "same", "new", "gone"]
    before: Trial | None
    after: Trial | None


def compare(before: Sequence[Result], after: Sequence[Result]) -> list[Change]:
    """What became of each trial from one run to the other, in the order of the newer one."""
    older, newer = _by_place(before), _by_place(after)
    places = [*newer, *(place for place in older if place not in newer)]
    return [
        Change(
            *place, _kind(older.get(place), newer.get(place)), older.get(place), newer.get(place)
        )
        for place in places
    ]


def _by_place(results: Sequence[Result]) -> dict[tuple[str, str, int], Trial]:
    return {
        (one.pack, one.name, number): trial
        for one in results
        for number, trial in enumerate(one.trials, start=1)
    }


def _kind(
    before: Trial | None, after: Trial | None
) -> Literal["mended", "broken", "same", "new", "gone"]:
    if before is None:
        return "new"
    if after is None:
        return "gone"
    if before.right == after.right:
        return "same"
    return "mended" if after.right else "broken"
