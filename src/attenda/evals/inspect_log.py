"""Results as a log that Inspect reads (`inspect_ai`, version 2 of its JSON log).

Each scenario is a sample and each trial an epoch of it. Times of day are not kept with results, so
only how long turns took stands in the log.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from attenda import __version__
from attenda.core.ports import Usage
from attenda.evals.results import CallMade, Result, Trial, TurnMade, figures_of

__all__ = ["inspect_log"]

_SCORER = "scenario"
_RIGHT = {True: "C", False: "I"}


def inspect_log(results: Sequence[Result], made_at: str, run_id: str) -> dict[str, Any]:
    """The log, as what its JSON holds.

    Args:
        results: at least one.
        made_at: when they were, ISO 8601 with its zone.
        run_id: names this run among others.
    """
    model = f"attenda/{results[0].model or 'scripted'}"
    samples = [
        _sample(one, trial, epoch, model)
        for one in results
        for epoch, trial in enumerate(one.trials, start=1)
    ]
    epochs = max(len(one.trials) for one in results)
    return {
        "version": 2,
        "status": "success",
        "eval": {
            "eval_id": run_id,
            "run_id": run_id,
            "created": made_at,
            "task": "+".join(dict.fromkeys(one.pack for one in results)),
            "task_id": run_id,
            "task_version": 0,
            "dataset": {
                "name": "scenarios",
                "samples": len(results),
                "sample_ids": [_id(one) for one in results],
                "shuffled": False,
            },
            "model": model,
            "config": {"epochs": epochs},
            "packages": {"attenda": __version__},
        },
        "plan": {"name": "plan", "steps": [{"solver": "attenda"}]},
        "results": _results(results, len(samples)),
        "stats": {
            "started_at": made_at,
            "completed_at": made_at,
            "model_usage": {model: _usage(figures_of(results).tokens)},
        },
        "samples": samples,
    }


def _results(results: Sequence[Result], count: int) -> dict[str, Any]:
    found = figures_of(results)
    figures = {
        "accuracy": found.pass_1,
        "pass_k": found.pass_k,
        "pass_4": found.pass_4,
        "restraint": found.restraint,
        "wrong_tool": found.wrong_tool,
        "latency_p50_s": found.latency_p50_s,
        "latency_p95_s": found.latency_p95_s,
    }
    told = {name: value for name, value in figures.items() if value is not None}
    return {
        "total_samples": count,
        "completed_samples": count,
        "scores": [
            {
                "name": _SCORER,
                "scorer": _SCORER,
                "metrics": {name: {"name": name, "value": told[name]} for name in told},
            }
        ],
    }


def _id(result: Result) -> str:
    return f"{result.pack}/{result.name}"


def _sample(result: Result, trial: Trial, epoch: int, model: str) -> dict[str, Any]:
    messages = [one for number, turn in enumerate(trial.turns) for one in _messages(turn, number)]
    said = [turn.done for turn in trial.turns if turn.seconds is not None]
    answers = [turn.answer for turn in trial.turns if turn.seconds is not None]
    seconds = sum(turn.seconds or 0.0 for turn in trial.turns)
    usage = _usage(_tokens(trial))
    answer = answers[-1] if answers else ""
    score = {
        "value": _RIGHT[trial.right],
        "answer": answer,
        "explanation": "\n".join(fault.text for fault in trial.faults),
        "metadata": {"faults": [fault.model_dump() for fault in trial.faults]},
    }
    return {
        "id": _id(result),
        "epoch": epoch,
        "input": said[0] if said else result.about or result.name,
        "target": result.about,
        "messages": messages,
        "output": {
            "model": model,
            "choices": [{"message": _said("assistant", answer), "stop_reason": "stop"}],
            "completion": answer,
            "usage": usage,
        },
        "scores": {_SCORER: score},
        "metadata": {"pack": result.pack, "file": result.file},
        "model_usage": {model: usage},
        "total_time": seconds,
        "working_time": seconds,
    }


def _messages(turn: TurnMade, number: int) -> Iterator[dict[str, Any]]:
    """What was said, the calls with their ends, and the answer; what only happened is a note."""
    if turn.seconds is None:
        yield _said("system", f"{turn.by}: {turn.done}" if turn.by else turn.done)
        return
    yield _said("user", turn.done)
    calls = [(f"call_{number}_{place}", call) for place, call in enumerate(turn.calls)]
    if calls:
        asked = [
            {"id": id_, "function": call.tool, "arguments": call.arguments} for id_, call in calls
        ]
        yield _said("assistant", "") | {"tool_calls": asked}
        yield from (_ended(id_, call) for id_, call in calls)
    yield _said("assistant", turn.answer)


def _ended(id_: str, call: CallMade) -> dict[str, Any]:
    told = {"state": call.state, "forbidden": call.forbidden, "needless": call.needless}
    message = _said("tool", json.dumps(told))
    return message | {"tool_call_id": id_, "function": call.tool}


def _said(role: str, text: str) -> dict[str, Any]:
    return {"role": role, "content": text}


def _tokens(trial: Trial) -> Usage:
    return Usage(
        prompt_tokens=sum(turn.usage.prompt_tokens for turn in trial.turns),
        answer_tokens=sum(turn.usage.answer_tokens for turn in trial.turns),
    )


def _usage(tokens: Usage) -> dict[str, int]:
    read, written = tokens.prompt_tokens, tokens.answer_tokens
    return {"input_tokens": read, "output_tokens": written, "total_tokens": read + written}
