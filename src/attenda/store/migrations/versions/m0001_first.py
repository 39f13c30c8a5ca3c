"""Sessions, runs, events; documents, passages, vectors; agents; people, keys, audit."""

from alembic import op
from sqlalchemy import insert

from attenda.store.lexical import create_words
from attenda.store.schema import metadata

__all__: list[str] = []

revision = "0001"
down_revision = None

_TABLES = (
    "agents sessions messages runs events collections documents pages passages indexes vectors "
    "users teams memberships invitations logins keys audit access usage"
).split()


def upgrade() -> None:
    """Make the first tables."""
    connection = op.get_bind()
    metadata.create_all(connection, [metadata.tables[name] for name in _TABLES])
    create_words(connection)
    connection.execute(insert(metadata.tables["access"]).values(id=1, version=1))
