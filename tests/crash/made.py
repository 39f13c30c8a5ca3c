"""Homes made for crash tests: much data in little time, and a migration that the code lacks."""

import asyncio
import hashlib
import os
from pathlib import Path

import attenda.store.migrations as migrations
from attenda.store import schema, upgrade
from attenda.store.database import Connection, open_database
from attenda.store.upgrade import upgrade_database

__all__ = ["NEXT", "NOW", "know_next_revision", "made_home", "migrations_with"]

NOW, NEXT = upgrade.HEAD, "9000"
"""The program's newest revision, and one that only these tests have."""

_TEXT = "The fee is paid in dollars on the first day of the month. "


def made_home(home: Path, *, megabytes: int, copies: int = 20) -> None:
    """A home whose database has about that size, with some copies of documents."""
    home.mkdir(exist_ok=True)

    async def body() -> None:
        database = open_database(f"sqlite:///{home / 'attenda.db'}")
        await upgrade_database(database)
        await database.write(lambda c: _fill(c, home / "files", megabytes, copies))
        await database.close()

    asyncio.run(body())


def _fill(c: Connection, folder: Path, megabytes: int, copies: int) -> None:
    c.execute(schema.users.insert().values(id="usr_made", role="agent", created_at=1))
    c.execute(
        schema.collections.insert().values(
            id="col_made", name="Made", owner_id="usr_made", created_at=1
        )
    )
    for number in range(copies):
        body = os.urandom(megabytes * 500_000 // copies)
        digest = hashlib.sha256(body).hexdigest()
        path = folder / digest[:2] / digest
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
        c.execute(
            schema.documents.insert().values(
                id=f"doc_{number}", collection_id="col_made", name=f"{number}.bin", state="ready",
                content_hash=digest, owner_id="usr_made", created_at=1, updated_at=1,
            )
        )  # fmt: skip
    parts = [{"type": "text", "text": _TEXT * 150}]
    for number in range(megabytes * 50):
        c.execute(
            schema.sessions.insert().values(
                id=f"ses_{number}", owner_id="usr_made", created_at=1, updated_at=1
            )
        )
        rows = [
            {
                "id": f"msg_{number}_{turn}",
                "session_id": f"ses_{number}",
                "role": "user",
                "parts": parts,
                "created_at": 1,
            }
            for turn in range(2)
        ]
        c.execute(schema.messages.insert(), rows)


NEXT_REVISION = '''"""Makes a table, and another one anew: what real migrations do."""

import sqlalchemy as sa
from alembic import op

revision = "{next}"
down_revision = "{now}"


def upgrade() -> None:
    op.create_table(
        "scribbles", sa.Column("id", sa.Integer, primary_key=True), sa.Column("n", sa.Text)
    )
    for number in range({rows}):
        op.execute(sa.text("INSERT INTO scribbles (n) VALUES ('note')"))
    anew = "always" if op.get_bind().dialect.name == "sqlite" else "never"
    with op.batch_alter_table("sessions", recreate=anew) as batch:
        batch.add_column(sa.Column("mood", sa.String(10), server_default="calm"))
    {last}
'''


def migrations_with(folder: Path, *, rows: int = 0, last: str = "pass") -> Path:
    """A copy of the migrations with one more revision, whose last deed is given."""
    source = Path(migrations.__file__).parent
    for path in (*source.glob("*.py"), *source.glob("versions/*.py")):
        target = folder / path.relative_to(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(path.read_text())
    path = folder / "versions" / "m9000_next.py"
    path.write_text(NEXT_REVISION.format(now=NOW, next=NEXT, rows=rows, last=last))
    return folder


def know_next_revision(folder: Path) -> None:
    """Let this process believe that the migrations in `folder` are the program's own."""
    migrations.__file__ = str(folder / "__init__.py")
    upgrade.HEAD = NEXT
