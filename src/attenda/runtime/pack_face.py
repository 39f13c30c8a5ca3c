"""What a pack shows and takes in beside the talk: screens, ways in for programs, files read in.

A pack writes functions over these values; the house calls them, knows who asks, and holds every
change to the pack's policy and journal, as it does in a talk.
"""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from pydantic import JsonValue

from attenda.core.errors import Denied
from attenda.core.label import Integrity, Label, Labelled
from attenda.core.opening import Opening
from attenda.core.ports import Embedder
from attenda.core.principal import EVERYONE, Action, Principal
from attenda.store import hours, staff_mail, talks
from attenda.store.database import Connection, Database
from attenda.store.desk import desk_people, user_names
from attenda.store.pack_tables import Rows
from attenda.store.talks import OpenQuestion, Talk
from attenda.tools.call import Call, Outcome
from attenda.tools.effects import Executor

__all__ = [
    "Asked",
    "Download",
    "Endpoint",
    "Importer",
    "OpenQuestion",
    "Panel",
    "ReadIn",
    "Screen",
    "Tables",
    "Talk",
    "Told",
    "fitting",
]

T = TypeVar("T")
Tables = Callable[[str], Rows]
"""The rows of one of the pack's tables, by its name."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request for a screen or an endpoint, and what its answer may use."""

    who: Principal
    language: str
    now: int
    """Microseconds since 1970, UTC."""
    values: Mapping[str, str]
    """From the address: the parts in braces, and what stands behind its question mark."""
    executor: Executor
    database: Database
    body: JsonValue = None
    """What a program sent."""
    trust: Integrity = "user"
    """Of what came with it."""
    pack: str = ""
    embedder: Embedder | None = None
    mailboxes: Mapping[str, str] = field(default_factory=dict)
    """Addresses of the house's mailboxes, by name."""

    async def read(self, work: Callable[[Tables], T]) -> T:
        """What `work` finds in the pack's tables, as they are at one moment."""
        return await self.database.read(
            lambda connection: work(lambda name: self.executor.rows(connection, name))
        )

    async def talks(self, since: int = 0) -> list[Talk]:
        """The conversations with the pack's agents of which something is newer, for figures.

        Args:
            since: microseconds since 1970, UTC.

        Raises:
            Denied: who asks may not manage agents.
        """
        return await self._counted(lambda c: talks.talks_of(c, self.who, self.pack, since))

    async def open_questions(self, since: int = 0) -> list[OpenQuestion]:
        """What customers asked since then and no document answered, where staff may read it.

        Raises:
            Denied: who asks may not manage agents.
        """
        return await self._counted(lambda c: talks.open_questions(c, self.who, self.pack, since))

    async def _counted(self, work: Callable[[Connection], T]) -> T:
        if not self.who.may("manage_agents"):
            raise Denied("gate.not_allowed")
        return await self.database.read(work)

    async def names(self, ids: Sequence[str]) -> dict[str, str]:
        """The names of the house's people by id, for who works at the desk; others are missing.

        Raises:
            Denied: who asks does not.
        """
        if not self.who.may("desk"):
            raise Denied("gate.not_allowed")
        return await self.database.read(lambda c: user_names(c, list(set(ids))))

    async def vectors(self, texts: Sequence[str]) -> list[list[float]]:
        """Sentence vectors of length 1; none where the house has no model for them.

        Raises:
            ModelError: it failed.
        """
        if self.embedder is None or not texts:
            return []
        found: list[list[float]] = (await self.embedder.embed(texts)).tolist()
        return found

    async def staff(self) -> dict[str, str]:
        """The names of those who work at the desk by id, for who does so too.

        Raises:
            Denied: who asks does not.
        """
        if not self.who.may("desk"):
            raise Denied("gate.not_allowed")
        return await self.database.read(desk_people)

    async def opening(self) -> Opening | None:
        """The hours of the people behind the pack; none where somebody is always there."""
        return await self.database.read(lambda c: hours.opening_of(c, self.pack))

    async def mails_from(self) -> str:
        """The address that a deed's `mail` goes out from; empty where no mail goes out."""
        channel = await self.database.read(lambda c: staff_mail.channel_for(c, self.pack))
        return self.mailboxes.get(channel.mailbox, "") if channel else ""

    async def mail_states(self, message_ids: Sequence[str]) -> dict[str, str]:
        """What became of mails, for who works at the desk; of one that was erased nothing.

        `waiting` and `sending` are on their way, `unknown` may have gone; else `sent`, `refused`,
        `bounced`, `held` or `dropped`.

        Raises:
            Denied: who asks does not.
        """
        if not self.who.may("desk"):
            raise Denied("gate.not_allowed")
        return await self.database.read(lambda c: staff_mail.mail_states(c, list(message_ids)))

    async def do(
        self, tool: str, arguments: Mapping[str, JsonValue], once: str, *, shared: bool = False
    ) -> Outcome:
        """Call one of the pack's tools for who asks, under its policy and in its journal.

        Args:
            tool: its name.
            arguments: as JSON.
            once: names the deed: with the same one, the same call is done once.
            shared: whether it is the same deed whoever of the house asks for it, so that what one
                began, another may end; an approval is theirs alone who asked for it.
        """
        label = Label(
            integrity=self.trust, readers=frozenset({EVERYONE if shared else self.who.id})
        )
        call = Call(
            session_id="page",
            instance=f"{'' if shared else self.who.id}:{once}"[:200],
            step="",
            tool=tool,
            arguments={name: Labelled(value=one, label=label) for name, one in arguments.items()},
            because=label,
            who=self.who,
        )
        return await self.executor.perform(call)


@dataclass(frozen=True, slots=True)
class Screen:
    """A page of a pack's, in the house's frame; it stands at `/packs/NAME/PATH`."""

    path: str
    """Such as `patients/{patient}`; the empty one is where the pack begins."""
    title: Mapping[str, str]
    """By language."""
    template: str
    """A file in the pack's `screens/`, in Jinja2; a form with `data-tool` calls that tool."""
    view: Callable[[Asked], Awaitable[Mapping[str, Any]]]
    """What the template shows."""
    needs: Action = "desk"
    """What a reader's role must allow."""
    listed: bool = True
    """Whether the pack's menu has it; a screen of one thing is reached from another."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a page says to who called a tool from it, and whether a person must take over."""

    words: Mapping[str, str]
    """By language; empty where nothing is to be said."""
    on_page: bool = False
    """The page shows it by itself; it is only read out to who listens to the page."""
    said: str = ""
    """What they wrote, for the person who takes over."""
    hand_off: Mapping[str, str] = field(default_factory=dict)
    """By language: why a person of the desk must take over; empty where none must."""


@dataclass(frozen=True, slots=True)
class Panel:
    """What the desk shows beside a conversation with one of the pack's agents."""

    title: Mapping[str, str]
    """By language."""
    template: str
    """A file in the pack's `screens/`; it shows and links, forms are for screens."""
    view: Callable[[Asked], Awaitable[Mapping[str, Any]]]
    """What the template shows; `session` and `customer`, their ids, are among its values."""


@dataclass(frozen=True, slots=True)
class Download:
    """A file that an endpoint answers with."""

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A way in for programs, at `/packs/NAME/api/PATH`: JSON in, JSON or a file out."""

    method: Literal["GET", "POST"]
    path: str
    answer: Callable[[Asked], Awaitable[JsonValue | Download]]
    needs: Action = "desk"


@dataclass(frozen=True, slots=True)
class ReadIn:
    """What was read of a file."""

    rows: Mapping[str, Sequence[Mapping[str, object]]] = field(default_factory=dict)
    """By table; a row whose key is there already takes its place."""
    rejected: Sequence[tuple[str, str | Mapping[str, str]]] = ()
    """Place in the file and reason, perhaps by language, of all that was not."""
    same_by: Mapping[str, str] = field(default_factory=dict)
    """By table, a column whose value makes a row the same as one that is there already: that one
    keeps its key."""
    keeps: frozenset[str] = frozenset()
    """Tables whose rows stay as they are where they are there already."""
    refers: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """Table and column that hold a key of another table's, and which; they follow such keys. A
    table stands in `rows` after those that it refers to."""


@dataclass(frozen=True, slots=True)
class Importer:
    """A kind of file that a pack reads in."""

    name: str
    title: Mapping[str, str]
    suffixes: tuple[str, ...]
    """Endings of its files, such as `.csv`."""
    read: Callable[[str, bytes], ReadIn]
    """Name and content of a file; raises `UserError` where it is no such file at all."""


def fitting(path: str, pattern: str) -> dict[str, str] | None:
    """The parts in braces of a pattern that a path has; none where it is another path."""
    parts = re.split(r"\{(\w+)\}", pattern)
    made = "".join(
        f"(?P<{part}>[^/]+)" if n % 2 else re.escape(part) for n, part in enumerate(parts)
    )
    found = re.fullmatch(made, path)
    return found.groupdict() if found else None
