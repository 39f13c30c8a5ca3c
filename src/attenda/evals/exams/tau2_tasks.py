"""The tasks of tau2-bench retail: the shop's database, and what is to be done in each task.

From `db.json` and `tasks.json` as the benchmark writes them (MIT licence). Of a task only the
expected actions are used; what its simulated user is told is not.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from attenda.core.errors import OperatorError
from attenda.evals.exams.retail.pack import retail_pack
from attenda.evals.exams.retail.tables import rows_of

__all__ = ["FINDS", "TO_PEOPLE", "Action", "Shop", "Task", "identify", "load_shop", "owner_of"]

FINDS = ("find_user_id_by_email", "find_user_id_by_name_zip")
"""The tools that say who somebody is."""
TO_PEOPLE = "transfer_to_human_agents"
"""The one tool that the shop does not bring: it is the loop's own `hand_over`."""


@dataclass(frozen=True, slots=True)
class Action:
    """One call of a tool."""

    name: str
    arguments: Mapping[str, Any]

    def but(self, **other: Any) -> "Action":
        """The same call with other values for some arguments."""
        return Action(self.name, {**self.arguments, **other})


@dataclass(frozen=True, slots=True)
class Task:
    """One task."""

    id: str
    actions: tuple[Action, ...]


@dataclass(frozen=True, slots=True)
class Shop:
    """The benchmark's data."""

    database: Mapping[str, Any]
    """`users`, `products` and `orders` by id; amounts are decimals."""
    rows: Mapping[str, list[dict[str, Any]]]
    """The same by table."""
    tasks: tuple[Task, ...]


def load_shop(folder: Path) -> Shop:
    """What is in a folder of the benchmark's retail domain.

    Raises:
        OperatorError: the files are not there, or not what they should be.
    """
    for name in ("db.json", "tasks.json"):
        if not (folder / name).is_file():
            raise OperatorError("exam.no_file", name="tau2", path=folder / name)
    try:
        database = _json(folder / "db.json")
        tasks = tuple(_task(one) for one in _json(folder / "tasks.json"))
        return Shop(database, rows_of(database), tasks)
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise OperatorError("exam.bad_data", name="tau2", reason=repr(error)) from error


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8"), parse_float=Decimal)
    except ValueError as error:
        raise ValueError(f"{path.name}: {error}") from error


def _task(written: Mapping[str, Any]) -> Task:
    actions = written["evaluation_criteria"]["actions"] or []
    found = tuple(Action(str(one["name"]), dict(one["arguments"])) for one in actions)
    known = {TO_PEOPLE, *(one.name for one in retail_pack({}).tools)}
    if strange := [one.name for one in found if one.name not in known]:
        raise ValueError(f"tasks.json: there is no tool {strange[0]}")
    return Task(str(written["id"]), found)


def owner_of(task: Task, database: Mapping[str, Any]) -> str | None:
    """Whom a task is about: who owns its orders, or is named or found in it."""
    for action in task.actions:
        given = action.arguments
        order = database["orders"].get(given.get("order_id"))
        if order is not None:
            return str(order["user_id"])
        if given.get("user_id") in database["users"]:
            return str(given["user_id"])
        for user_id, user in database["users"].items():
            if action.name in FINDS and _is(user, given):
                return str(user_id)
    return None


def _is(user: Mapping[str, Any], given: Mapping[str, Any]) -> bool:
    known = {"email": user["email"], **user["name"], "zip": user["address"]["zip"]}
    return all(str(known[name]).lower() == str(one).lower() for name, one in given.items())


def identify(user: Mapping[str, Any], *, by_email: bool = False) -> Action:
    """The call by which a user is found."""
    if by_email:
        return Action(FINDS[0], {"email": user["email"]})
    return Action(FINDS[1], {**user["name"], "zip": user["address"]["zip"]})
