"""E-mail in the database: what came in, each once; threads; and the outbox, written before sending.

A mail that went out is `waiting`, then `sending` before the first byte leaves, then `sent`,
`refused`, or `unknown` when nobody can tell whether it went. What is unknown is never sent again
but by a person's word.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, exists, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from attenda.core.errors import NotFound
from attenda.store.schema import messages
from attenda.store.schema_mail import mail_positions, mail_threads, mails, outbox
from attenda.store.stamps import Stamps

__all__ = [
    "Outgoing",
    "Position",
    "Received",
    "Thread",
    "add_mail",
    "add_outgoing",
    "begin_sending",
    "bounced",
    "claim_mails",
    "decide",
    "finish_sending",
    "forget_old",
    "forget_owners",
    "keep_position",
    "keep_thread",
    "position_of",
    "sent_lately",
    "settle_mail",
    "thread_of",
    "troubles",
    "unsent_messages",
    "waiting",
]

_STALE_US = 600_000_000
"""After ten minutes nobody is still at it."""


@dataclass(frozen=True, slots=True)
class Position:
    """How far a mailbox was read."""

    uidvalidity: int
    uid: int
    began_at: int


@dataclass(frozen=True, slots=True)
class Received:
    """A mail that came in and is not worked off; `body` is what was read of it."""

    id: str
    channel_id: str
    key: str
    session_id: str | None
    sender: str
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Thread:
    """Where the answers of a session go."""

    session_id: str
    channel_id: str
    address: str
    name: str
    subject: str
    last_id: str
    """Message-ID of the newest mail that came in."""
    untaken: list[str]
    """Names of attachments that were not taken, and of which the sender was not told."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A mail that is to go out."""

    id: str
    channel_id: str
    address: str
    raw: str
    tries: int


def position_of(connection: Connection, reader: str) -> Position | None:
    """How far `reader` has read its mailbox."""
    columns = [mail_positions.c[name] for name in Position.__slots__]
    row = connection.execute(select(*columns).where(mail_positions.c.reader == reader)).first()
    return Position(*row) if row else None


def keep_position(connection: Connection, reader: str, position: Position) -> None:
    """Note how far `reader` has read."""
    connection.execute(delete(mail_positions).where(mail_positions.c.reader == reader))
    values = {name: getattr(position, name) for name in Position.__slots__}
    connection.execute(insert(mail_positions).values(reader=reader, **values))


def add_mail(
    connection: Connection, stamps: Stamps, channel_id: str, key: str, state: str, **values: Any
) -> bool:
    """Keep a mail that came in, `new` or settled already; whether it had not come before.

    `values` are its `sender` and `body`.
    """
    now = stamps.now()
    row = {"id": stamps.new_id("mail"), "channel_id": channel_id, "key": key, "state": state}
    try:
        with connection.begin_nested():
            connection.execute(
                insert(mails).values(**row, **values, created_at=now, changed_at=now)
            )
    except IntegrityError:
        return False
    return True


def claim_mails(connection: Connection, stamps: Stamps, channel_id: str) -> list[Received]:
    """The mails to work off, oldest first; they are this process's for ten minutes."""
    now = stamps.now()
    free = or_(mails.c.state == "new", _stale(mails, "taking", now))
    ids = select(mails.c.id).where(mails.c.channel_id == channel_id, free)
    mine = update(mails).where(mails.c.id.in_(ids.order_by(mails.c.id).limit(20)), free)
    columns = [mails.c[name] for name in Received.__slots__]
    taken = mine.values(state="taking", changed_at=now).returning(*columns)
    return sorted((Received(*row) for row in connection.execute(taken)), key=lambda one: one.id)


def _stale(table: Any, state: str, now: int) -> Any:
    return (table.c.state == state) & (table.c.changed_at < now - _STALE_US)


def settle_mail(
    connection: Connection, stamps: Stamps, mail_id: str, state: str, session_id: str | None = None
) -> None:
    """Say what became of a mail; its body goes once it is taken, since the session has it."""
    values: dict[str, Any] = {"state": state, "changed_at": stamps.now()}
    if session_id is not None:
        values["session_id"] = session_id
    if state == "taken":
        values["body"] = None
    connection.execute(update(mails).where(mails.c.id == mail_id).values(**values))


def thread_of(connection: Connection, session_id: str) -> Thread | None:
    """The thread of a session that came by mail."""
    columns = [mail_threads.c[name] for name in Thread.__slots__]
    row = connection.execute(
        select(*columns).where(mail_threads.c.session_id == session_id)
    ).first()
    return Thread(*row) if row else None


def keep_thread(connection: Connection, thread: Thread) -> None:
    """Make a thread, or note what is new of it."""
    values = {name: getattr(thread, name) for name in Thread.__slots__}
    here = update(mail_threads).where(mail_threads.c.session_id == thread.session_id)
    if connection.execute(here.values(**values)).rowcount == 0:
        connection.execute(insert(mail_threads).values(**values))


def unsent_messages(connection: Connection, channel_id: str) -> list[dict[str, Any]]:
    """Answers in the channel's sessions that no row of the outbox stands for, oldest first.

    Each with its `id`, `session_id`, `status`, `parts` and `author_id`.
    """
    there = exists().where(outbox.c.message_id == messages.c.id)
    columns = [messages.c[name] for name in ("id", "session_id", "status", "parts", "author_id")]
    statement = (
        select(*columns)
        .join(mail_threads, mail_threads.c.session_id == messages.c.session_id)
        .where(mail_threads.c.channel_id == channel_id, messages.c.role == "assistant")
        .where(messages.c.status.in_(["done", "failed", "stopped"]), ~there)
        .order_by(messages.c.created_at, messages.c.id)
        .limit(50)
    )
    return [dict(row) for row in connection.execute(statement).mappings()]


def add_outgoing(
    connection: Connection, stamps: Stamps, thread: Thread, message_id: str, **values: Any
) -> bool:
    """Write a mail down that is to go out for a message; whether none stood for it before.

    `values` are its `id`, `raw` bytes as text, and `state`.
    """
    now = stamps.now()
    row = {"channel_id": thread.channel_id, "session_id": thread.session_id}
    times = {"not_before": now, "created_at": now, "changed_at": now}
    filled = {**row, **times, **values, "message_id": message_id, "address": thread.address}
    try:
        with connection.begin_nested():
            connection.execute(insert(outbox).values(**filled))
    except IntegrityError:
        return False
    return True


def waiting(connection: Connection, stamps: Stamps, channel_id: str) -> list[Outgoing]:
    """What is to go out now; what somebody was at and never finished becomes unknown first."""
    now = stamps.now()
    lost = update(outbox).where(outbox.c.channel_id == channel_id, _stale(outbox, "sending", now))
    connection.execute(lost.values(state="unknown", changed_at=now))
    columns = [outbox.c[name] for name in Outgoing.__slots__]
    due = outbox.c.state == "waiting", outbox.c.not_before <= now
    statement = select(*columns).where(outbox.c.channel_id == channel_id, *due)
    return [Outgoing(*row) for row in connection.execute(statement.order_by(outbox.c.id).limit(20))]


def begin_sending(connection: Connection, stamps: Stamps, id_: str) -> bool:
    """Say that a mail leaves now; of many processes that try, one may send it."""
    mine = update(outbox).where(outbox.c.id == id_, outbox.c.state == "waiting")
    values = {"state": "sending", "tries": outbox.c.tries + 1, "changed_at": stamps.now()}
    return connection.execute(mine.values(**values)).rowcount == 1


def finish_sending(
    connection: Connection, stamps: Stamps, id_: str, state: str, problem: str, wait_us: int = 0
) -> None:
    """Say what became of it: `sent`, `refused`, `unknown`, or `waiting` for the next try."""
    now = stamps.now()
    values: dict[str, Any] = {"state": state, "problem": problem[:500], "changed_at": now}
    if wait_us:
        values["not_before"] = now + wait_us
    if state == "sent":
        values["raw"] = ""  # the session has the words
    mine = update(outbox).where(outbox.c.id == id_, outbox.c.state == "sending")
    connection.execute(mine.values(**values))


def forget_owners(connection: Connection, stamps: Stamps) -> None:
    """Before the one process of a SQLite file begins: nobody is at anything any more."""
    now = stamps.now()
    out = update(outbox).where(outbox.c.state == "sending")
    connection.execute(out.values(state="unknown", changed_at=now))
    connection.execute(update(mails).where(mails.c.state == "taking").values(state="new"))


def sent_lately(connection: Connection, address: str, since: int) -> int:
    """How many mails to an address were written down since a time."""
    statement = select(func.count()).select_from(outbox)
    here = outbox.c.address == address, outbox.c.created_at > since
    return int(connection.execute(statement.where(*here)).scalar_one())


def bounced(connection: Connection, stamps: Stamps, channel_id: str, id_: str) -> None:
    """Note that a mail that was sent came back."""
    mine = outbox.c.id == id_, outbox.c.channel_id == channel_id
    done = update(outbox).where(*mine, outbox.c.state.in_(["sent", "unknown"]))
    connection.execute(done.values(state="bounced", changed_at=stamps.now()))


def forget_old(connection: Connection, before: int) -> None:
    """Erase what is left of mails that began no conversation and came before a time."""
    old = mails.c.session_id.is_(None), mails.c.created_at < before
    connection.execute(delete(mails).where(*old, mails.c.state.not_in(["new", "taking"])))


def troubles(connection: Connection, channel_id: str) -> list[dict[str, Any]]:
    """Mails of a channel that did not go out as they should, newest first; no words of theirs."""
    names = ("id", "session_id", "address", "state", "problem", "tries", "changed_at")
    states = outbox.c.state.in_(["unknown", "refused", "held", "bounced"])
    statement = select(*[outbox.c[name] for name in names]).where(states)
    here = statement.where(outbox.c.channel_id == channel_id).order_by(outbox.c.id.desc())
    return [dict(row) for row in connection.execute(here.limit(100)).mappings()]


def decide(
    connection: Connection, stamps: Stamps, channel_id: str, id_: str, *, again: bool
) -> None:
    """A person's word on a mail that is unknown, held or refused: send it (again), or let it be.

    Raises:
        NotFound: there is no such mail that waits for a word.
    """
    open_ = ["unknown", "held", "refused"] if again else ["unknown", "held", "refused", "bounced"]
    mine = outbox.c.id == id_, outbox.c.channel_id == channel_id, outbox.c.state.in_(open_)
    now = stamps.now()
    values = {"state": "waiting" if again else "dropped", "not_before": now, "changed_at": now}
    if connection.execute(update(outbox).where(*mine).values(**values)).rowcount == 0:
        raise NotFound("channel.no_mail")
