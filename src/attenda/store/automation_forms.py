"""Forms that runs of automations wait for: shown to whom their role allows, answered once."""

import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, insert, or_, select, update

from attenda.core.errors import Conflict, NotFound
from attenda.core.label import Labelled
from attenda.core.principal import Principal, Role
from attenda.store import audit
from attenda.store.automation_runs import RunRow
from attenda.store.schema_automations import automation_forms as forms
from attenda.store.schema_automations import automation_runs as runs
from attenda.store.stamps import Stamps

__all__ = [
    "FormRow",
    "answer_form",
    "ask_form",
    "close_forms",
    "form_at",
    "forms_of",
    "get_form",
    "list_forms",
]


@dataclass(frozen=True, slots=True)
class FormRow:
    """A form."""

    id: str
    run_id: str
    place: int
    role: Role
    title: dict[str, str]
    fields: dict[str, Any]
    state: str
    """`pending`, `answered`, `expired` or `closed`."""
    deadline_at: int | None
    answers: str
    """A labelled record as JSON, once it is answered."""
    answered_by: str | None
    answered_at: int | None
    created_at: int
    owner_id: str
    team_id: str | None


def ask_form(
    connection: Connection, stamps: Stamps, run: RunRow, place: int, **values: object
) -> str:
    """Put a form before people; its id."""
    id_ = stamps.new_id("frm")
    owned = {"owner_id": run.owner_id, "team_id": run.team_id}
    row = {"id": id_, "run_id": run.id, "place": place, "state": "pending", **owned}
    connection.execute(insert(forms).values(**row, **values, created_at=stamps.now()))
    return id_


def form_at(connection: Connection, run_id: str, place: int) -> FormRow | None:
    """The newest form of a step."""
    statement = select(forms).where(forms.c.run_id == run_id, forms.c.place == place)
    newest = statement.order_by(forms.c.created_at.desc(), forms.c.id.desc()).limit(1)
    row = connection.execute(newest).mappings().first()
    return None if row is None else FormRow(**row)


def forms_of(connection: Connection, run_id: str) -> list[FormRow]:
    """All forms of a run, the oldest first."""
    statement = select(forms).where(forms.c.run_id == run_id)
    rows = connection.execute(statement.order_by(forms.c.created_at, forms.c.id)).mappings()
    return [FormRow(**row) for row in rows]


def list_forms(connection: Connection, who: Principal, now: int) -> list[FormRow]:
    """Forms that wait for somebody of their role, those with the nearest deadline first."""
    if not who.may("desk"):
        return []
    statement = select(forms).where(
        forms.c.state == "pending", or_(forms.c.deadline_at.is_(None), forms.c.deadline_at > now)
    )
    nearest = forms.c.deadline_at.is_(None), forms.c.deadline_at, forms.c.created_at
    rows = connection.execute(statement.order_by(*nearest)).mappings()
    return [one for one in (FormRow(**row) for row in rows) if who.ranks(one.role)]


def get_form(connection: Connection, who: Principal, form_id: str) -> FormRow:
    """A form, for those who may fill it in.

    Raises:
        NotFound: it is not there or not theirs to see.
    """
    row = connection.execute(select(forms).where(forms.c.id == form_id)).mappings().first()
    if row is None or not who.may("desk") or not who.ranks(row["role"]):
        raise NotFound("automation.no_form")
    return FormRow(**row)


def answer_form(
    connection: Connection, stamps: Stamps, who: Principal, form_id: str, answers: Labelled
) -> str:
    """Answer a form, once, and let its run go on; the run's id.

    Raises:
        NotFound: it is not there or not theirs to see.
        Conflict: it was answered, it is too late, or its run is over.
    """
    found = get_form(connection, who, form_id)
    now = stamps.now()
    if found.deadline_at is not None and found.deadline_at <= now:
        raise Conflict("automation.form_late")
    text = json.dumps(answers.model_dump(mode="json"), ensure_ascii=False)
    values = {"state": "answered", "answers": text, "answered_by": who.id, "answered_at": now}
    mine = forms.c.id == form_id, forms.c.state == "pending"
    if connection.execute(update(forms).where(*mine).values(**values)).rowcount == 0:
        raise Conflict("automation.form_closed")
    waiting = runs.c.id == found.run_id, runs.c.state == "waiting", runs.c.waits_id == form_id
    connection.execute(update(runs).where(*waiting).values(state="queued", wake_at=now))
    audit.note(connection, stamps, who.id, "automation.form_answered", form_id)
    return found.run_id


def close_forms(connection: Connection, run_id: str, state: str) -> None:
    """Let nobody answer the forms of a run any more."""
    pending = forms.c.run_id == run_id, forms.c.state == "pending"
    connection.execute(update(forms).where(*pending).values(state=state))
