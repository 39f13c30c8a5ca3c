"""Alembic's entry: migrations run on the connection that `upgrade` was handed."""

from alembic import context

__all__: list[str] = []

context.configure(connection=context.config.attributes["connection"], transactional_ddl=True)
context.run_migrations()
