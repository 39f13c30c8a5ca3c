"""The only room that writes SQL: sessions, documents, people, in SQLite or PostgreSQL."""

__all__: list[str] = []
