"""Automations: what there is, their texts, schedules, runs, steps and forms; processes at work.

Frozen: a later change of a table is a later migration, never an edit here.
"""

import sqlalchemy as sa
from alembic import op

__all__: list[str] = []

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Make the tables."""
    _kinds()
    _runs()
    _steps()
    _forms()


def _kinds() -> None:
    op.create_table(
        "automations",
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("pack", sa.String(length=80), nullable=False),
        sa.Column("title", sa.JSON(), nullable=False),
        sa.Column("fingerprint", sa.String(length=40), nullable=False),
        sa.Column("triggers", sa.JSON(), nullable=False),
        sa.Column("paused", sa.Boolean(), server_default="0", nullable=False),
        sa.Column("gone", sa.Boolean(), server_default="0", nullable=False),
        sa.Column("kept_at", sa.BigInteger(), nullable=False),
        sa.Column("owner_id", sa.String(length=40), nullable=False),
        sa.Column("team_id", sa.String(length=40), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_automations")),
    )
    op.create_index(op.f("ix_automations_owner_id"), "automations", ["owner_id"])
    op.create_index(op.f("ix_automations_team_id"), "automations", ["team_id"])
    op.create_table(
        "automation_texts",
        sa.Column("fingerprint", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("kept_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("fingerprint", name=op.f("pk_automation_texts")),
    )
    op.create_table(
        "automation_schedules",
        sa.Column("automation", sa.String(length=80), nullable=False),
        sa.Column("place", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("spec", sa.String(length=200), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("automation", "place", name=op.f("pk_automation_schedules")),
    )
    op.create_table(
        "processes",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("beat", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_processes")),
    )


def _runs() -> None:
    op.create_table(
        "automation_runs",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("automation", sa.String(length=80), nullable=False),
        sa.Column("fingerprint", sa.String(length=40), nullable=False),
        sa.Column("origin", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("waits_for", sa.String(length=12), server_default="", nullable=False),
        sa.Column("waits_id", sa.String(length=40), server_default="", nullable=False),
        sa.Column("wake_at", sa.BigInteger(), nullable=True),
        sa.Column("at", sa.Integer(), server_default="0", nullable=False),
        sa.Column("because", sa.JSON(), nullable=False),
        sa.Column("input", sa.Text(), nullable=False),
        sa.Column("segment", sa.Integer(), server_default="0", nullable=False),
        sa.Column("problem", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("result", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("owner_id", sa.String(length=40), nullable=False),
        sa.Column("team_id", sa.String(length=40), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_automation_runs")),
        sa.UniqueConstraint(
            "automation", "origin", name=op.f("uq_automation_runs_automation_origin")
        ),
    )
    op.create_index(op.f("ix_automation_runs_created_at"), "automation_runs", ["created_at"])
    op.create_index(op.f("ix_automation_runs_owner_id"), "automation_runs", ["owner_id"])
    op.create_index("ix_automation_runs_state_wake_at", "automation_runs", ["state", "wake_at"])
    op.create_index(op.f("ix_automation_runs_team_id"), "automation_runs", ["team_id"])


def _steps() -> None:
    op.create_table(
        "automation_steps",
        sa.Column("run_id", sa.String(length=40), nullable=False),
        sa.Column("place", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("step", sa.String(length=80), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("input", sa.Text(), server_default="", nullable=False),
        sa.Column("output", sa.Text(), server_default="", nullable=False),
        sa.Column("problem", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("began_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["run_id"],
            ["automation_runs.id"],
            name=op.f("fk_automation_steps_run_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("run_id", "place", name=op.f("pk_automation_steps")),
    )


def _forms() -> None:
    op.create_table(
        "automation_forms",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("run_id", sa.String(length=40), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("role", sa.String(length=12), nullable=False),
        sa.Column("title", sa.JSON(), nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("deadline_at", sa.BigInteger(), nullable=True),
        sa.Column("answers", sa.Text(), server_default="", nullable=False),
        sa.Column("answered_by", sa.String(length=40), nullable=True),
        sa.Column("answered_at", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("owner_id", sa.String(length=40), nullable=False),
        sa.Column("team_id", sa.String(length=40), nullable=True),
        sa.ForeignKeyConstraint(
            ["run_id"],
            ["automation_runs.id"],
            name=op.f("fk_automation_forms_run_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_automation_forms")),
    )
    op.create_index(op.f("ix_automation_forms_owner_id"), "automation_forms", ["owner_id"])
    op.create_index(op.f("ix_automation_forms_run_id"), "automation_forms", ["run_id"])
    op.create_index(op.f("ix_automation_forms_state"), "automation_forms", ["state"])
    op.create_index(op.f("ix_automation_forms_team_id"), "automation_forms", ["team_id"])
