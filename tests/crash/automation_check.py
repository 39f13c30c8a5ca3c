"""Holds what automations did against what was told of them, and against what may never be.

What sets a run off begins it once; a form counts once, and only as it was filled in; in the end
each run came to its end, and its deeds happened once, by the way that it took and no other.
"""

import collections
import json
from collections.abc import Mapping, Sequence
from typing import Any

from tests.crash.deeds import World

__all__ = ["begun_once", "ended_right"]

Row = Mapping[str, Any]


def begun_once(rows: Mapping[str, list[Row]], told: Sequence[Row]) -> list[str]:
    """What was acknowledged of runs and forms is there, once, as it was said."""
    runs = {one["id"]: one for one in rows["automation_runs"]}
    found = []
    for one in told:
        if one["kind"] == "began" and one["run"] not in runs:
            found.append(f"the run {one['run']} for {one['order']} is gone")
        elif one["kind"] == "began" and _order(runs[one["run"]]) != one["order"]:
            found.append(f"the run {one['run']} was told {_order(runs[one['run']])}")
    orders = collections.Counter(_order(one) for one in runs.values())
    found += [f"{order} has {times} runs" for order, times in orders.items() if times > 1]
    forms = {one["id"]: one for one in rows["forms"]}
    filled = [one for one in told if one["kind"] == "filled"]
    times = collections.Counter(one["form"] for one in filled)
    found += [f"form {id_} was filled in {n} times" for id_, n in times.items() if n > 1]
    for one in filled:
        form = forms.get(one["form"], {})
        if (form.get("state"), form.get("answered_by")) != ("answered", one["by"]):
            found.append(f"form {one['form']} of {one['by']} is {form.get('state')}")
    asked = collections.Counter(one["run_id"] for one in forms.values())
    return found + [f"{run} has {n} forms" for run, n in asked.items() if n > 1]


def _order(run: Row) -> str:
    return str(json.loads(run["input"])["value"]["order"])


def ended_right(rows: Mapping[str, list[Row]], world: World) -> list[str]:
    """Each run is over, and each of its deeds happened once by the way that it took."""
    inside = collections.Counter(one["order_id"] for one in rows["refunds"])
    outside: dict[str, dict[str, set[str]]] = collections.defaultdict(dict)
    for kind, key, order in world.lines():
        outside[order].setdefault(kind, set()).add(key)
    answered = {one["run_id"] for one in rows["forms"] if one["state"] == "answered"}
    denied = {one["session_id"] for one in rows["approvals"] if one["state"] == "denied"}
    said = collections.Counter(
        one["session_id"] for one in rows["messages"] if one["role"] == "assistant"
    )
    found = []
    for run in rows["automation_runs"]:
        order = _order(run)
        happened = {kind: len(keys) for kind, keys in outside[order].items()}
        happened |= {"inside": inside[order]} if inside[order] else {}
        wanted = {"inside": 1, "hook": 1}
        if run["automation"] == "walked":
            wanted["queried" if run["id"] in answered else "keyed"] = 1
            session = json.loads(run["input"])["value"]["session"]
            happened["said"], wanted["said"] = said[session], 1
        no = run["id"] in denied
        state = "failed" if no else "done"
        if run["state"] != state or happened != ({} if no else wanted):
            found.append(
                f"{run['automation']} {order} is {run['state']} ({run['problem']}): {happened}"
            )
    return found
