"""Automations as they are kept: which there are, their texts, when they are due, how runs begin.

A run begins by one row whose origin (a due time, a request's id, a file's content) is its own:
whoever begins it again, from whichever process, gets the row that is there. Each function works
on a connection inside someone's transaction.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from attenda.core.errors import NotFound
from attenda.core.label import SYSTEM, Labelled
from attenda.core.principal import EVERYONE, Principal
from attenda.store import audit
from attenda.store.people import OWNER_ID
from attenda.store.schema_automations import (
    automation_runs,
    automation_schedules,
    automation_texts,
    automations,
)
from attenda.store.stamps import Stamps

__all__ = [
    "AutomationRow",
    "Kept",
    "any_to_do",
    "begin_run",
    "for_webhook",
    "forget_packs",
    "get_automation",
    "get_automation_anyhow",
    "keep_automations",
    "kept_text",
    "list_automations",
    "move_due",
    "note_event",
    "pause_automation",
    "schedules_due",
]


@dataclass(frozen=True, slots=True)
class Kept:
    """An automation of a pack, as it is to be kept."""

    name: str
    title: dict[str, str]
    fingerprint: str
    body: str
    triggers: tuple[dict[str, Any], ...]
    due: Mapping[int, tuple[str, int]]
    """For each schedule among the triggers, by its place: its text, and when it is due next."""


@dataclass(frozen=True, slots=True)
class AutomationRow:
    """One automation."""

    name: str
    pack: str
    title: dict[str, str]
    fingerprint: str
    triggers: list[dict[str, Any]]
    paused: bool
    gone: bool
    """Its file is gone; runs that began before go on."""
    kept_at: int
    owner_id: str
    team_id: str | None


def keep_automations(
    connection: Connection, stamps: Stamps, pack: str, found: Sequence[Kept]
) -> None:
    """Keep the automations of a pack as its files have them now; what is paused stays so."""
    names = [one.name for one in found]
    missing = automations.c.pack == pack, automations.c.name.not_in(names)
    connection.execute(update(automations).where(*missing).values(gone=True))
    for one in found:
        _keep(connection, stamps, pack, one)


def forget_packs(connection: Connection, packs: Sequence[str]) -> None:
    """Let the automations of all packs but these be gone, since nobody could carry them out."""
    others = automations.c.pack.not_in(packs)
    connection.execute(update(automations).where(others).values(gone=True))


def _keep(connection: Connection, stamps: Stamps, pack: str, one: Kept) -> None:
    now = stamps.now()
    known = select(automation_texts.c.name).where(automation_texts.c.fingerprint == one.fingerprint)
    if connection.execute(known).first() is None:
        row = {"fingerprint": one.fingerprint, "name": one.name, "body": one.body}
        connection.execute(insert(automation_texts).values(**row, kept_at=now))
    values = {
        "pack": pack,
        "title": one.title,
        "fingerprint": one.fingerprint,
        "triggers": list(one.triggers),
        "gone": False,
    }
    changed = update(automations).where(automations.c.name == one.name).values(**values)
    if connection.execute(changed).rowcount == 0:
        owned = {"owner_id": OWNER_ID, "team_id": EVERYONE, "kept_at": now}
        connection.execute(insert(automations).values(name=one.name, **values, **owned))
    _keep_schedules(connection, one)


def _keep_schedules(connection: Connection, one: Kept) -> None:
    """A schedule that was changed is due as its new text says; the others stay as they are."""
    mine = automation_schedules.c.automation == one.name
    rows = connection.execute(select(automation_schedules).where(mine)).mappings()
    known = {row["place"]: row["spec"] for row in rows}
    for place in known.keys() - one.due.keys():
        connection.execute(
            delete(automation_schedules).where(mine, automation_schedules.c.place == place)
        )
    for place, (spec, due_at) in one.due.items():
        if known.get(place) == spec:
            continue
        here = mine, automation_schedules.c.place == place
        connection.execute(delete(automation_schedules).where(*here))
        row = {"automation": one.name, "place": place, "spec": spec, "due_at": due_at}
        connection.execute(insert(automation_schedules).values(**row))


def kept_text(connection: Connection, fingerprint: str) -> str:
    """The text of an automation as it was when a run of it began.

    Raises:
        NotFound: it is not kept.
    """
    statement = select(automation_texts.c.body).where(automation_texts.c.fingerprint == fingerprint)
    found = connection.execute(statement).scalar()
    if found is None:
        raise NotFound("automation.no_text")
    return str(found)


def list_automations(connection: Connection) -> list[AutomationRow]:
    """All that there are, by name; those whose file is gone last."""
    statement = select(automations).order_by(automations.c.gone, automations.c.name)
    return [AutomationRow(**row) for row in connection.execute(statement).mappings()]


def get_automation(connection: Connection, name: str) -> AutomationRow:
    """One automation that is there.

    Raises:
        NotFound: there is none, or its file is gone.
    """
    found = get_automation_anyhow(connection, name)
    if found.gone:
        raise NotFound("automation.none", name=name)
    return found


def get_automation_anyhow(connection: Connection, name: str) -> AutomationRow:
    """One automation, also one whose file is gone.

    Raises:
        NotFound: there never was one.
    """
    found = connection.execute(select(automations).where(automations.c.name == name)).mappings()
    row = found.first()
    if row is None:
        raise NotFound("automation.none", name=name)
    return AutomationRow(**row)


def for_webhook(connection: Connection, name: str) -> tuple[AutomationRow, dict[str, Any]]:
    """The automation that waits for requests of a name, and its trigger.

    Raises:
        NotFound: none does.
    """
    for row in list_automations(connection):
        for trigger in row.triggers:
            if trigger.get("webhook") == name and not row.gone:
                return row, trigger
    raise NotFound("automation.no_hook", name=name)


def pause_automation(
    connection: Connection, stamps: Stamps, who: Principal, name: str, *, paused: bool
) -> None:
    """Let nothing set it off, or let it again; runs under way are not touched.

    Raises:
        NotFound: there is none.
    """
    get_automation(connection, name)
    connection.execute(update(automations).where(automations.c.name == name).values(paused=paused))
    action = "automation.paused" if paused else "automation.resumed"
    audit.note(connection, stamps, who.id, action, name)


def begin_run(
    connection: Connection,
    stamps: Stamps,
    automation: AutomationRow,
    origin: str,
    given: Labelled,
    owner_id: str = "",
) -> tuple[str, bool]:
    """A run, and whether it is new: one of the same origin is there once.

    Args:
        connection: of a transaction that writes.
        stamps: time and ids.
        automation: whose run it is.
        origin: what set it off, in a form that is the same for the same cause.
        given: a record that it is told.
        owner_id: who began it; without one it is the installation's.
    """
    same = (
        automation_runs.c.automation == automation.name,
        automation_runs.c.origin == origin[:200],
    )
    known = select(automation_runs.c.id).where(*same)
    if (id_ := connection.execute(known).scalar()) is not None:
        return str(id_), False
    now = stamps.now()
    row = {
        "id": stamps.new_id("arn"),
        "automation": automation.name,
        "fingerprint": automation.fingerprint,
        "origin": origin[:200],
        "state": "queued",
        "wake_at": now,
        "because": [],
        "input": given.model_dump_json(),
        "owner_id": owner_id or OWNER_ID,
        "team_id": None if owner_id else EVERYONE,
        "created_at": now,
        "updated_at": now,
    }
    try:
        with connection.begin_nested():
            connection.execute(insert(automation_runs).values(**row))
    except IntegrityError:  # another process was quicker
        return str(connection.execute(known).scalar_one()), False
    return str(row["id"]), True


def note_event(
    connection: Connection, stamps: Stamps, event: str, subject: str, values: dict[str, Any]
) -> None:
    """Begin the automations that wait for an event, in the transaction that it happens in."""
    waiting = select(automations).where(~automations.c.paused, ~automations.c.gone)
    for row in connection.execute(waiting).mappings().all():
        if any(one.get("event") == event for one in row["triggers"]):
            origin = f"event:{event}:{subject}:{stamps.now()}"
            given = Labelled(value=values, label=SYSTEM)
            begin_run(connection, stamps, AutomationRow(**row), origin, given)


def schedules_due(connection: Connection) -> list[tuple[AutomationRow, int, int]]:
    """Every schedule that counts: its automation, its place and when it is due."""
    joined = select(automations, automation_schedules.c.place, automation_schedules.c.due_at).join(
        automation_schedules, automation_schedules.c.automation == automations.c.name
    )
    rows = connection.execute(joined.where(~automations.c.gone)).mappings().all()
    names = AutomationRow.__slots__
    return [
        (AutomationRow(**{name: row[name] for name in names}), row["place"], row["due_at"])
        for row in rows
    ]


def move_due(connection: Connection, automation: str, place: int, before: int, due_at: int) -> bool:
    """Let a schedule be due at another time; not if somebody has moved it meanwhile."""
    statement = update(automation_schedules).where(
        automation_schedules.c.automation == automation,
        automation_schedules.c.place == place,
        automation_schedules.c.due_at == before,
    )
    return connection.execute(statement.values(due_at=due_at)).rowcount == 1


def any_to_do(connection: Connection) -> bool:
    """Whether anything could ever have to be done: an automation, or a run that is not over."""
    open_run = automation_runs.c.state.in_(("queued", "running", "waiting", "paused"))
    here = connection.execute(select(automations.c.name).where(~automations.c.gone).limit(1))
    runs = connection.execute(select(automation_runs.c.id).where(open_run).limit(1))
    return here.first() is not None or runs.first() is not None
