"""The tables. The migrations make them; this file is what the newest migration ends in.

Every row that a person can see has an owner and, where it is shared, a team; every message and
passage carries its label. Times are seconds since 1970 in UTC, as integers of microseconds.
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

__all__ = [
    "access",
    "agents",
    "audit",
    "collections",
    "documents",
    "events",
    "indexes",
    "invitations",
    "keys",
    "logins",
    "memberships",
    "messages",
    "metadata",
    "pages",
    "passages",
    "runs",
    "sessions",
    "teams",
    "usage",
    "users",
    "vectors",
]

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_Id = String(40)
_Time = BigInteger


def _label() -> list[Column[object]]:
    return [
        Column("integrity", String(12), nullable=False, server_default="untrusted"),
        Column("readers", JSON, nullable=False, server_default="[]"),
        Column("sources", JSON, nullable=False, server_default="[]"),
    ]


def _owned() -> list[Column[object]]:
    return [
        Column("owner_id", _Id, nullable=False, index=True),
        Column("team_id", _Id, nullable=True, index=True),
    ]


agents = Table(
    "agents",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("name", String(80), nullable=False),
    Column("tone", String(40), nullable=False, server_default=""),
    Column("instructions", Text, nullable=False, server_default=""),
    Column("model", String(200), nullable=False, server_default=""),
    Column("collection_ids", JSON, nullable=True),
    Column("pack", String(80), nullable=False, server_default=""),
    Column("mode", String(12), nullable=False, server_default="flows"),
    Column("flows", JSON, nullable=True),
    Column("tools", JSON, nullable=True),
    Column("created_at", _Time, nullable=False),
    Column("deleted_at", _Time),
    *_owned(),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("agent_id", _Id, nullable=True, index=True),
    Column("title", String(200), nullable=False, server_default=""),
    Column("pinned", Boolean, nullable=False, server_default="0"),
    Column("owner", String(12), nullable=False, server_default="bot"),
    Column("owner_at", _Time, nullable=False, server_default="0"),
    Column("claimed_by", _Id, nullable=True),
    Column("handoff_reason", Text, nullable=False, server_default=""),
    Column("promised_at", _Time),
    Column("uses_draft", Boolean, nullable=False, server_default="0"),
    Column("head_id", _Id, nullable=True),
    Column("last_event", Integer, nullable=False, server_default="0"),
    Column("created_at", _Time, nullable=False),
    Column("updated_at", _Time, nullable=False, index=True),
    Column("deleted_at", _Time),
    *_owned(),
    Index("ix_sessions_owner_owner_at", "owner", "owner_at"),
)

messages = Table(
    "messages",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("session_id", _Id, ForeignKey("sessions.id", ondelete="CASCADE"), nullable=False),
    Column("parent_id", _Id, nullable=True),
    Column("run_id", _Id, nullable=True),
    Column("author_id", _Id, nullable=True),
    Column("role", String(12), nullable=False),
    Column("parts", JSON, nullable=False),
    Column("status", String(12), nullable=False, server_default="done"),
    Column("thumb", Integer, nullable=False, server_default="0"),
    Column("thumb_reason", Text, nullable=False, server_default=""),
    Column("state", Text, nullable=True),
    Column("created_at", _Time, nullable=False),
    Column("client_id", String(64), nullable=True),
    *_label(),
    Index("ix_messages_session_id_created_at", "session_id", "created_at"),
    # NULL differs from NULL: only names that a client gave must differ within a session.
    Index("ix_messages_session_id_client_id", "session_id", "client_id", unique=True),
)

runs = Table(
    "runs",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("session_id", _Id, ForeignKey("sessions.id", ondelete="CASCADE"), nullable=False),
    Column("message_id", _Id, nullable=False),
    Column("model", String(200), nullable=False),
    Column("state", String(12), nullable=False),
    Column("error", JSON, nullable=True),
    Column("prompt_tokens", Integer, nullable=False, server_default="0"),
    Column("answer_tokens", Integer, nullable=False, server_default="0"),
    Column("started_at", _Time, nullable=False),
    Column("finished_at", _Time),
    Index("ix_runs_session_id_state", "session_id", "state"),
)

events = Table(
    "events",
    metadata,
    Column("session_id", _Id, ForeignKey("sessions.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("run_id", _Id, nullable=False),
    Column("kind", String(20), nullable=False),
    Column("body", Text, nullable=False),
    Column("at", _Time, nullable=False),
)

collections = Table(
    "collections",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("name", String(120), nullable=False),
    Column("created_at", _Time, nullable=False),
    *_owned(),
    UniqueConstraint("owner_id", "name"),
)

documents = Table(
    "documents",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("collection_id", _Id, ForeignKey("collections.id"), nullable=False, index=True),
    Column("container_id", _Id, nullable=True, index=True),
    Column("external_id", String(300), nullable=True),
    Column("name", String(300), nullable=False),
    Column("title", Text, nullable=False, server_default=""),
    Column("source", Text, nullable=False, server_default=""),
    Column("media_type", String(40), nullable=False, server_default=""),
    Column("content_hash", String(64), nullable=False, index=True),
    Column("size", BigInteger, nullable=False, server_default="0"),
    Column("version", Integer, nullable=False, server_default="1"),
    Column("state", String(12), nullable=False, index=True),
    Column("reason", JSON, nullable=True),
    Column("done", Integer, nullable=False, server_default="0"),
    Column("total", Integer, nullable=False, server_default="0"),
    Column("deadline_at", _Time),
    Column("text", Text, nullable=False, server_default=""),
    Column("created_at", _Time, nullable=False),
    Column("updated_at", _Time, nullable=False),
    Column("deleted_at", _Time, index=True),
    *_owned(),
    *_label(),
    # All that decides who may see it, so that nobody reads past a long text to find out.
    Index(
        "ix_documents_rights", "id", "state", "deleted_at", "owner_id", "team_id", "collection_id"
    ),
)

pages = Table(
    "pages",
    metadata,
    Column("document_id", _Id, ForeignKey("documents.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("start", Integer, nullable=False),
    Column("end", Integer, nullable=False),
    Column("width", Float, nullable=False),
    Column("height", Float, nullable=False),
    Column("boxes", LargeBinary, nullable=False),
)

passages = Table(
    "passages",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("id", String(64), nullable=False, unique=True),
    Column(
        "document_id",
        _Id,
        ForeignKey("documents.id", ondelete="CASCADE"),
        nullable=False,
        index=True,
    ),
    Column("start", Integer, nullable=False),
    Column("end", Integer, nullable=False),
    Column("page", Integer),
    Column("heading", Text, nullable=False, server_default=""),
    Column("text", Text, nullable=False),
    *_label(),
)

indexes = Table(
    "indexes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("embedder", String(200), nullable=False, unique=True),
    Column("width", Integer, nullable=False),
    Column("active", Boolean, nullable=False, server_default="0"),
    Column("added", Integer, nullable=False, server_default="0"),
    Column("removed", Integer, nullable=False, server_default="0"),
    Column("created_at", _Time, nullable=False),
)

vectors = Table(
    "vectors",
    metadata,
    Column("index_id", Integer, ForeignKey("indexes.id", ondelete="CASCADE"), primary_key=True),
    Column(
        "passage_number",
        Integer,
        ForeignKey("passages.number", ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
        index=True,
    ),
    Column("vector", LargeBinary, nullable=False),
)

users = Table(
    "users",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("email", String(254), unique=True),
    Column("name", String(120), nullable=False, server_default=""),
    Column("password_hash", String(200)),
    Column("role", String(12), nullable=False),
    Column("language", String(10), nullable=False, server_default="en"),
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("locked_until", _Time, nullable=False, server_default="0"),
    Column("tokens_a_day", BigInteger),
    Column("created_at", _Time, nullable=False),
    Column("disabled_at", _Time),
)

teams = Table(
    "teams",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("name", String(80), nullable=False, unique=True),
    Column("created_at", _Time, nullable=False),
)

memberships = Table(
    "memberships",
    metadata,
    Column("user_id", _Id, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("team_id", _Id, ForeignKey("teams.id", ondelete="CASCADE"), primary_key=True),
)

invitations = Table(
    "invitations",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("token_hash", String(64), nullable=False, unique=True),
    Column("user_id", _Id, ForeignKey("users.id", ondelete="CASCADE")),
    Column("role", String(12), nullable=False),
    Column("team_id", _Id),
    Column("invited_by", _Id, nullable=False),
    Column("created_at", _Time, nullable=False),
    Column("expires_at", _Time, nullable=False),
    Column("used_at", _Time),
)

logins = Table(
    "logins",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("token_hash", String(64), nullable=False, unique=True),
    Column("user_id", _Id, ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("created_at", _Time, nullable=False),
    Column("expires_at", _Time, nullable=False),
)

keys = Table(
    "keys",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("secret_hash", String(64), nullable=False, unique=True),
    Column("user_id", _Id, ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("name", String(80), nullable=False),
    Column("scopes", JSON(none_as_null=True)),
    Column("created_at", _Time, nullable=False),
    Column("expires_at", _Time),
    Column("revoked_at", _Time),
)

audit = Table(
    "audit",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("at", _Time, nullable=False),
    Column("actor_id", _Id, nullable=False),
    Column("action", String(40), nullable=False, index=True),
    Column("object_id", String(80), nullable=False, server_default=""),
    Column("detail", JSON, nullable=False),
    Column("hash", String(64), nullable=False),
)

usage = Table(
    "usage",
    metadata,
    Column("user_id", _Id, primary_key=True),
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("prompt_tokens", BigInteger, nullable=False, server_default="0"),
    Column("answer_tokens", BigInteger, nullable=False, server_default="0"),
)

access = Table(
    "access",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("version", Integer, nullable=False),
)
