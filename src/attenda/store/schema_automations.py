"""The tables of automations: what there is, their texts, schedules, runs, steps, forms; processes.

They are the truth about every run; whoever carries runs out keeps nothing that is not here.
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from attenda.store.schema import metadata

__all__ = [
    "automation_forms",
    "automation_runs",
    "automation_schedules",
    "automation_steps",
    "automation_texts",
    "automations",
    "processes",
]

_Id = String(40)
_Name = String(80)
_Time = BigInteger


def _owned() -> list[Column[object]]:
    return [
        Column("owner_id", _Id, nullable=False, index=True),
        Column("team_id", _Id, nullable=True, index=True),
    ]


automations = Table(
    "automations",
    metadata,
    Column("name", _Name, primary_key=True),
    Column("pack", _Name, nullable=False),
    Column("title", JSON, nullable=False),
    Column("fingerprint", _Id, nullable=False),
    Column("triggers", JSON, nullable=False),
    Column("paused", Boolean, nullable=False, server_default="0"),
    Column("gone", Boolean, nullable=False, server_default="0"),
    Column("kept_at", _Time, nullable=False),
    *_owned(),
)

automation_texts = Table(
    "automation_texts",
    metadata,
    Column("fingerprint", _Id, primary_key=True),
    Column("name", _Name, nullable=False),
    Column("body", Text, nullable=False),
    Column("kept_at", _Time, nullable=False),
)

automation_schedules = Table(
    "automation_schedules",
    metadata,
    Column("automation", _Name, primary_key=True),
    Column("place", Integer, primary_key=True, autoincrement=False),
    Column("spec", String(200), nullable=False),
    Column("due_at", _Time, nullable=False),
)

automation_runs = Table(
    "automation_runs",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("automation", _Name, nullable=False),
    Column("fingerprint", _Id, nullable=False),
    Column("origin", String(200), nullable=False),
    Column("state", String(12), nullable=False),
    Column("waits_for", String(12), nullable=False, server_default=""),
    Column("waits_id", _Id, nullable=False, server_default=""),
    Column("wake_at", _Time, nullable=True),
    Column("at", Integer, nullable=False, server_default="0"),
    Column("because", JSON, nullable=False),
    Column("input", Text, nullable=False),
    Column("segment", Integer, nullable=False, server_default="0"),
    Column("problem", JSON(none_as_null=True), nullable=True),
    Column("result", Text, nullable=False, server_default=""),
    Column("created_at", _Time, nullable=False, index=True),
    Column("updated_at", _Time, nullable=False),
    Column("ended_at", _Time, nullable=True),
    *_owned(),
    UniqueConstraint("automation", "origin"),
    Index("ix_automation_runs_state_wake_at", "state", "wake_at"),
)

automation_steps = Table(
    "automation_steps",
    metadata,
    Column("run_id", _Id, ForeignKey("automation_runs.id", ondelete="CASCADE"), primary_key=True),
    Column("place", Integer, primary_key=True, autoincrement=False),
    Column("step", _Name, nullable=False),
    Column("kind", String(12), nullable=False),
    Column("state", String(12), nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("input", Text, nullable=False, server_default=""),
    Column("output", Text, nullable=False, server_default=""),
    Column("problem", JSON(none_as_null=True), nullable=True),
    Column("began_at", _Time, nullable=False),
    Column("ended_at", _Time, nullable=True),
)

automation_forms = Table(
    "automation_forms",
    metadata,
    Column("id", _Id, primary_key=True),
    Column(
        "run_id",
        _Id,
        ForeignKey("automation_runs.id", ondelete="CASCADE"),
        nullable=False,
        index=True,
    ),
    Column("place", Integer, nullable=False),
    Column("role", String(12), nullable=False),
    Column("title", JSON, nullable=False),
    Column("fields", JSON, nullable=False),
    Column("state", String(12), nullable=False, index=True),
    Column("deadline_at", _Time, nullable=True),
    Column("answers", Text, nullable=False, server_default=""),
    Column("answered_by", _Id, nullable=True),
    Column("answered_at", _Time, nullable=True),
    Column("created_at", _Time, nullable=False),
    *_owned(),
)

processes = Table(
    "processes",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("beat", BigInteger, nullable=False),
)
