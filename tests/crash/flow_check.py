"""Holds a home's history against what its people were told, and against what may never be.

No deed twice, none without its row in the journal, none lost; an approval counts once, and only as
it was given; a session has one holder at a time, and while a person has it the bot says nothing.
"""

import collections
import json
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, text

from attenda.store import audit
from attenda.store.database import open_database
from tests.crash.automation_check import begun_once, ended_right
from tests.crash.deeds import WANTED, World

__all__ = ["one_holder", "violations"]

Row = Mapping[str, Any]
_COUNTED = ("keyed", "hook")
"""Those outside count keys, and take the second for the first."""
_TABLES = {
    "effects": "SELECT * FROM effects",
    "approvals": "SELECT * FROM approvals",
    "refunds": "SELECT * FROM deeds_refunds UNION ALL SELECT * FROM loopdeeds_refunds",
    "sessions": "SELECT id, owner, claimed_by FROM sessions",
    "messages": "SELECT id, session_id, role, parts FROM messages",
    "runs": "SELECT id, session_id, message_id, state, finished_at FROM runs",
    "automation_runs": "SELECT id, automation, origin, state, input, problem FROM automation_runs",
    "forms": "SELECT id, run_id, state, answered_by FROM automation_forms",
}


def violations(url: str, world: World, told: Sequence[Row], *, settled: bool) -> list[str]:
    """What should never be; `settled` says that all stories have come to their end.

    People go on meanwhile: the database is read as of one moment, the world before and after it.
    """
    database, sent = open_database(url), world.lines()
    try:
        one_moment = {"isolation_level": "REPEATABLE READ"} if database.dialect != "sqlite" else {}
        with database.engine.connect().execution_options(**one_moment) as connection:
            rows = {name: _rows(connection, query) for name, query in _TABLES.items()}
            history = audit.audit_rows(connection, limit=10**9)
            broken_at = audit.verify(connection)
            found = [] if broken_at is None else [f"audit broken at {broken_at}"]
            if database.dialect == "sqlite":
                sound = connection.exec_driver_sql("PRAGMA integrity_check").scalars().all()
                found += [] if sound == ["ok"] else [f"integrity: {sound[:3]}"]
    finally:
        database.engine.dispose()
    found += _kept(rows, told)
    found += _once(rows, world, {tuple(one) for one in sent})
    found += _approved_once(rows, told)
    found += begun_once(rows, told)
    found += one_holder(rows, sorted(history, key=lambda one: one.number), told)
    if settled:
        found += _stories(rows, world, told)
        found += ended_right(rows, world)
    return found


def _rows(connection: Connection, query: str) -> list[Row]:
    return [dict(row) for row in connection.execute(text(query)).mappings()]


def _of(told: Iterable[Row], kind: str) -> list[Row]:
    return [one for one in told if one["kind"] == kind]


def _kept(rows: Mapping[str, list[Row]], told: Sequence[Row]) -> list[str]:
    """What was acknowledged is there once, as it was said."""
    found = [f"{one['path']} answered {one['status']}" for one in _of(told, "broken")]
    sessions = collections.Counter(one["id"] for one in rows["sessions"])
    found += [
        f"session {one['id']} is gone" for one in _of(told, "session") if sessions[one["id"]] != 1
    ]
    messages = {one["id"]: one for one in rows["messages"]}
    for one in _of(told, "message"):
        row = messages.get(one["id"])
        parts = row["parts"] if row else "[]"
        parts = json.loads(parts) if isinstance(parts, str) else parts
        if "".join(part.get("text", "") for part in parts) != one["text"]:
            found.append(f"message {one['id']} is gone or altered")
    return found


def _once(
    rows: Mapping[str, list[Row]], world: World, sent: Container[tuple[str, ...]]
) -> list[str]:
    """Each deed once, and each in the journal that was `sent` before that was read."""
    journal = {one["key"]: one for one in rows["effects"]}
    deeds = collections.Counter(("inside", one["id"], one["order_id"]) for one in rows["refunds"])
    deeds.update((kind, key, order) for kind, key, order in world.lines())
    found = []
    for (kind, key, order), times in deeds.items():
        if key not in journal and (kind == "inside" or (kind, key, order) in sent):
            found.append(f"{kind} for {order} is not in the journal")
        if times > 1 and kind not in (
            "keyed",
            "hook",
        ):  # who counts keys takes the second for the first
            found.append(f"{kind} for {order} happened {times} times")
    for kind in ("inside", "keyed", "queried", "blind", "hook"):
        keys = collections.defaultdict(set)
        for one, key, order in deeds:
            if one == kind:
                keys[order].add(key)
        found += [
            f"{kind} for {order} has {len(ks)} keys" for order, ks in keys.items() if len(ks) > 1
        ]
    there = {key for _, key, _ in deeds}
    found += [
        f"{one['tool']} is done and did not happen: {one['arguments']}"
        for one in rows["effects"]
        if one["state"] == "done" and one["key"] not in there
    ]
    return found


def _approved_once(rows: Mapping[str, list[Row]], told: Sequence[Row]) -> list[str]:
    """A yes is one, is used once, and covers just one deed; a no is no deed."""
    effects: dict[tuple[str, ...], list[Row]] = collections.defaultdict(list)
    for one in rows["effects"]:
        if one["tool"] == "large":
            effects[_place(one)].append(one)
    found = []
    for one in rows["approvals"]:
        deeds = effects.get(_place(one), [])
        if (one["state"] == "used") != bool(deeds) or len(deeds) > 1:
            found.append(f"approval {one['id']} ({one['state']}) has {len(deeds)} deeds")
        if deeds and deeds[0]["approved_by"] != one["decided_by"]:
            found.append(f"approval {one['id']} was another's")
    asked = collections.Counter(map(_place, rows["approvals"]))
    found += [f"asked {times} times at {place}" for place, times in asked.items() if times > 1]
    found += [f"{place} was never approved" for place in effects.keys() - asked.keys()]
    states = {one["id"]: one["state"] for one in rows["approvals"]}
    yes = collections.Counter(one["approval"] for one in _of(told, "decided"))
    found += [
        f"approval {one} was decided {times} times" for one, times in yes.items() if times > 1
    ]
    for one in _of(told, "decided"):
        if states.get(one["approval"]) not in (("approved", "used") if one["yes"] else ("denied",)):
            found.append(f"approval {one['approval']} is {states.get(one['approval'])}")
    return found


def _place(row: Row) -> tuple[str, ...]:
    return row["session_id"], row["instance"], row["step"], row["arguments"]


def one_holder(
    rows: Mapping[str, list[Row]], history: Sequence[audit.AuditRow], told: Sequence[Row]
) -> list[str]:
    """Who holds a session changes hands one at a time; the bot is silent meanwhile."""
    holder: dict[str, tuple[str, int]] = {}
    held: dict[str, list[tuple[int, float]]] = collections.defaultdict(list)
    found = []
    for one in history:
        id_ = one.object_id
        if one.action == "session.claimed":
            if id_ in holder:
                found.append(f"{id_} was {holder[id_][0]}'s and {one.actor_id} took it")
            holder[id_] = (one.actor_id, one.at)
        elif one.action in ("session.returned", "session.resolved") and id_ in holder:
            name, since = holder.pop(id_)
            held[id_].append((since, one.at))
            if name != one.actor_id:
                found.append(f"{id_} was {name}'s and {one.actor_id} gave it away")
    for id_, (_, since) in holder.items():
        held[id_].append((since, float("inf")))
    for run in rows["runs"]:
        spans = held[run["session_id"]] if run["state"] == "done" else []
        if any(since < (run["finished_at"] or 0) < until for since, until in spans):
            found.append(f"the bot talked over a person in {run['session_id']}")
    claims = {(one.object_id, one.actor_id) for one in history if one.action == "session.claimed"}
    found += [
        f"{one['by']} was told to have {one['session']}"
        for one in _of(told, "claimed")
        if (one["session"], one["by"]) not in claims
    ]
    return found


def _of_session(rows: Mapping[str, list[Row]], session: str) -> list[str]:
    """What became of a session, to find out why."""
    mine = {
        name: [one for one in rows[name] if one.get("session_id") == session]
        for name in ("approvals", "effects", "runs", "messages")
    }
    return [
        *(f"approval {one['state']}" for one in mine["approvals"]),
        *(f"effect {one['state']} {one['problem']}" for one in mine["effects"]),
        *(f"run {one['state']}" for one in mine["runs"]),
        *(str(one["parts"]) for one in mine["messages"]),
    ]


def _stories(rows: Mapping[str, list[Row]], world: World, told: Sequence[Row]) -> list[str]:
    """In the end each story's deeds have happened, unless a person must look or decided so."""
    owners = {one["id"]: one["owner"] for one in rows["sessions"]}
    inside = collections.Counter(one["order_id"] for one in rows["refunds"])
    outside: dict[str, dict[str, set[str]]] = collections.defaultdict(
        lambda: collections.defaultdict(set)
    )
    for kind, key, order in world.lines():
        outside[order][kind].add(key)
    denied = {one["session_id"] for one in rows["approvals"] if one["state"] == "denied"}
    unknown = {one["session_id"] for one in rows["effects"] if one["state"] == "unknown"}
    done = {one["session"] for one in _of(told, "done")}
    found = [f"run {one['id']} still runs" for one in rows["runs"] if one["state"] == "running"]
    for one in _of(told, "wants"):
        happened = {kind: len(keys) for kind, keys in outside[one["order"]].items()}
        if inside[one["order"]]:
            happened["inside"] = inside[one["order"]]
        wanted, session = WANTED[one["story"]], one["session"]
        if one["story"] == "loop_approved" and session in denied:
            wanted = {"keyed": 1}  # the model goes on with what needs no yes
        excused = session in denied or session in unknown or owners.get(session) != "bot"
        if any(times > wanted.get(kind, 0) for kind, times in happened.items()):
            found.append(f"{one['story']} for {one['order']} happened as {happened}")
        elif happened != wanted and (session in done or not excused):
            known = _of_session(rows, session)
            found.append(f"{one['story']} for {one['order']} came to {happened} only: {known}")
    return found
