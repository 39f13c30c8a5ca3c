"""Nobody is shown a passage, a count or a weight of what they may not see, while rights change.

Rights flip all the time beside the queries. Each answer is held, in the very transaction that
made it, against rights worked out here from the bare rows, by other code than the program's.
"""

import asyncio
import contextlib
import math
import random
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, func, insert, select, text, update

from attenda.api import NotFound, Principal, Unauthenticated
from attenda.core.principal import EVERYONE
from attenda.knowledge import ingest
from attenda.knowledge.search import Searcher
from attenda.store import documents, lexical, passages, people, vectors
from attenda.store.database import Connection, Database
from attenda.store.schema import documents as document_rows
from attenda.store.schema import memberships, teams, users
from attenda.store.schema import passages as passage_rows
from tests.knowledge.workshop import CountingEmbedder, content_of, plain, rising_stamps, working

PEOPLE = ["usr_a", "usr_b", "usr_c", "usr_d"]
TEAMS = ["team_x", "team_y"]
WORDS = ["zebra", "yak", "otter", "heron", "lynx"]
DOCUMENTS = 40


@dataclass(frozen=True)
class Rights:
    """The bare rows that say who may see what."""

    documents: dict[str, tuple[str, str | None, bool]]
    """Id → owner, team, living."""
    members: frozenset[tuple[str, str]]
    disabled: frozenset[str]

    def shows(self, user_id: str, document_id: str, *, trashed: bool = False) -> bool:
        owner, team, living = self.documents[document_id]
        shared = team == EVERYONE or (user_id, team) in self.members
        return user_id not in self.disabled and (living or trashed) and (owner == user_id or shared)


def _rights(c: Connection) -> Rights:
    rows = c.execute(
        select(*[document_rows.c[n] for n in ("id", "owner_id", "team_id", "deleted_at")])
    )
    return Rights(
        {row.id: (row.owner_id, row.team_id, row.deleted_at is None) for row in rows},
        frozenset((row.user_id, row.team_id) for row in c.execute(select(memberships))),
        frozenset(
            row.id for row in c.execute(select(users.c.id).where(users.c.disabled_at.is_not(None)))
        ),
    )


class Watched:
    """A database that holds each list of passages against the rights of its own transaction."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.leaks: list[str] = []
        self.shown = 0

    async def read(self, work: Callable[[Connection], Any]) -> Any:
        asker = ASKS.get()

        def held(c: Connection) -> Any:
            _freeze(c)
            answer = work(c)
            if isinstance(answer, list) and answer and hasattr(answer[0], "document_id"):
                rights = _rights(c)
                self.shown += len(answer)
                self.leaks += [
                    f"{asker} was shown {one.document_id}"
                    for one in answer
                    if not rights.shows(asker, one.document_id)
                ]
            return answer

        return await self.database.read(held)


def _freeze(c: Connection) -> None:
    """One snapshot for every statement; SQLite has that anyway."""
    if c.dialect.name == "postgresql":
        c.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))


ASKS: ContextVar[str] = ContextVar("asks")
"""Who asks in this task."""


async def _fill(database: Database, folder: Path, monkeypatch: Any) -> None:
    """People in teams, and their documents: private ones, a team's, everyone's."""

    async def reader(path: Path, name: str, deadline_s: float) -> list[Any]:
        return [plain(path.read_text())]

    monkeypatch.setattr(ingest, "read_file", reader)

    def make(c: Connection) -> None:
        for team in TEAMS:
            c.execute(insert(teams).values(id=team, name=team, created_at=1))
        for person in PEOPLE:
            c.execute(insert(users).values(id=person, role="agent", created_at=1))

    await database.write(make)
    chance = random.Random(7)
    async with working(database, folder) as ingester:
        for number in range(DOCUMENTS):
            who = Principal(id=chance.choice(PEOPLE), role="agent")
            body = (
                f"The {chance.choice(WORDS)} and the {chance.choice(WORDS)} met, number {number}."
            )
            await ingester.add(
                who, f"shelf of {who.id}", f"{number}.txt", content_of(body.encode())
            )
        await ingester.wait_idle()


def _flip(chance: random.Random) -> Callable[[Connection], None]:
    """One change of rights."""
    person, team = chance.choice(PEOPLE), chance.choice(TEAMS)
    kind = chance.choice(["share", "share", "share", "give", "trash", "join", "leave", "disable"])
    place = chance.randrange(DOCUMENTS)
    shared = chance.choice([None, *TEAMS, EVERYONE])
    off = chance.random() < 0.3

    def flip(c: Connection) -> None:
        ids = [row.id for row in c.execute(select(document_rows.c.id).order_by(document_rows.c.id))]
        chosen = update(document_rows).where(document_rows.c.id == ids[place])
        ours = (memberships.c.user_id == person, memberships.c.team_id == team)
        match kind:
            case "share":
                c.execute(chosen.values(team_id=shared))
            case "give":
                c.execute(chosen.values(owner_id=person))
            case "trash":
                c.execute(chosen.values(deleted_at=1 if off else None))
            case "disable":
                c.execute(
                    update(users).where(users.c.id == person).values(disabled_at=1 if off else None)
                )
            case _:
                c.execute(delete(memberships).where(*ours))
                if kind == "join":
                    c.execute(insert(memberships).values(user_id=person, team_id=team))

    return flip


@pytest.mark.parametrize(
    "queries", [500, pytest.param(5000, marks=[pytest.mark.long, pytest.mark.timeout(1800)])]
)
def test_no_leak_while_rights_flip(
    database: Database, tmp_path: Path, monkeypatch: Any, queries: int
) -> None:
    watched = Watched(database)
    monkeypatch.setattr(lexical, "_MANY", 20)  # as in a large collection
    monkeypatch.setattr(lexical, "_WIDEN", 1)

    async def body() -> None:
        await _fill(database, tmp_path / "files", monkeypatch)
        searcher = Searcher(watched, CountingEmbedder())  # type: ignore[arg-type]
        chance = random.Random(11)
        left = iter(range(queries))
        flips = [0]

        async def flipping() -> None:
            while True:
                await database.write(_flip(chance))
                flips[0] += 1
                await asyncio.sleep(0.001)

        async def asking(number: int) -> None:
            order = random.Random(number)
            for _ in left:
                await _ask(watched, searcher, order)

        flipper = asyncio.create_task(flipping())
        try:
            await asyncio.gather(*(asking(number) for number in range(4)))
        finally:
            flipper.cancel()
            await asyncio.gather(flipper, return_exceptions=True)
        assert watched.leaks == []
        assert watched.shown > queries, "the queries found next to nothing"
        assert flips[0] > queries / 20, "the rights hardly changed"

    asyncio.run(body())


async def _ask(watched: Watched, searcher: Searcher, chance: random.Random) -> None:
    """One query of some kind by somebody, as the gate lets them in."""
    person = chance.choice(PEOPLE)
    ASKS.set(person)
    try:
        who = await watched.database.read(lambda c: people.principal_of(c, person))
    except Unauthenticated:
        return
    await asyncio.sleep(chance.choice([0, 0, 0.002]))
    kind = chance.choice(["both", "words", "vectors", "whole", "passage", "counts", "list", "text"])
    query = " ".join(chance.choices(WORDS, k=chance.randint(1, 3)))
    match kind:
        case "whole":
            await searcher.whole_collection(who, query, 100_000)
        case "passage":
            id_ = await watched.database.read(lambda c: _any_passage(c, chance))
            with contextlib.suppress(NotFound):
                await searcher.passage(who, id_)
        case "counts":
            watched.leaks += await watched.database.read(lambda c: _wrong_counts(c, person, query))
        case "list":
            watched.leaks += await watched.database.read(lambda c: _wrong_lists(c, person, chance))
        case "text":
            watched.leaks += await watched.database.read(lambda c: _wrong_texts(c, person))
        case _:
            await searcher.search(who, query, chance.choice([1, 5, 100]), mode=kind)


def _any_passage(c: Connection, chance: random.Random) -> str:
    ids = [row.id for row in c.execute(select(passage_rows.c.id))]
    return chance.choice(ids)


def _asker(c: Connection, person: str) -> Principal | None:
    try:
        return people.principal_of(c, person)
    except Unauthenticated:
        return None


def _wrong_counts(c: Connection, person: str, query: str) -> list[str]:
    """Counts by state, of passages and of a term, against the bare rows of this transaction."""
    _freeze(c)
    who, rights = _asker(c, person), _rights(c)
    if who is None:
        return []
    wrong = []
    living = [id_ for id_ in rights.documents if rights.shows(person, id_)]
    if sum(documents.count_documents(c, who).values()) != len(living):
        wrong.append(f"{person} counts documents that are not theirs")
    rows = c.execute(select(passage_rows.c.document_id, passage_rows.c.text)).all()
    seen = [row for row in rows if rights.shows(person, row.document_id, trashed=True)]
    terms = query.split()
    rarity, total = passages.term_rarity(c, terms, who)
    if total != len(seen):
        wrong.append(f"{person} counts passages that are not theirs")
    having = {term: sum(term in row.text.lower() for row in seen) for term in terms}
    expected = _weights(having, len(seen))
    if any(abs(rarity[term] - expected[term]) > 1e-9 for term in terms):
        wrong.append(f"{person} can tell how often {terms} stands in what is not theirs")
    progress = vectors.rebuild_progress(c, who)
    if progress is not None and progress.total != len(seen):
        wrong.append(f"{person} sees how much is rebuilt for others")
    return wrong


def _weights(having: dict[str, int], total: int) -> dict[str, float]:
    return {
        term: math.log(1 + total / (1 + count)) * (1.0 if count else 0.5)
        for term, count in having.items()
    }


def _wrong_lists(c: Connection, person: str, chance: random.Random) -> list[str]:
    """Lists, of all and by words of the title, the trash and the shelves."""
    _freeze(c)
    who, rights = _asker(c, person), _rights(c)
    if who is None:
        return []
    wrong = []
    for words in ("", str(chance.randrange(DOCUMENTS)), "%", ".txt"):
        for trashed in (False, True):
            for one in documents.list_documents(c, who, words=words, trashed=trashed):
                if not rights.shows(person, one.id, trashed=trashed):
                    wrong.append(f"{person} is listed {one.id}")
    return wrong


def _wrong_texts(c: Connection, person: str) -> list[str]:
    """A document's text and its parts' number."""
    _freeze(c)
    who, rights = _asker(c, person), _rights(c)
    if who is None:
        return []
    wrong = []
    for id_ in rights.documents:
        hidden = not rights.shows(person, id_, trashed=True)
        try:
            documents.document_text(c, who, id_)
            shown = True
        except NotFound:
            shown = False
        if hidden and (shown or passages.count_passages(c, who, id_)):
            wrong.append(f"{person} reads {id_}")
    return wrong


def _only_for_the_team(c: Connection) -> None:
    """Everything is private to A but the first document, which B sees by the team."""
    c.execute(update(document_rows).values(owner_id="usr_a", team_id=None))
    chosen = update(document_rows).where(document_rows.c.id == _first(c))
    c.execute(chosen.values(team_id="team_x", deleted_at=None))
    c.execute(delete(memberships))
    c.execute(insert(memberships).values(user_id="usr_b", team_id="team_x"))
    c.execute(update(users).values(disabled_at=None))


def _first(c: Connection) -> str:
    return str(c.execute(select(func.min(document_rows.c.id))).scalar_one())


ENDS: list[Callable[[Connection], Any]] = [
    lambda c: c.execute(update(document_rows).values(team_id=None)),
    lambda c: c.execute(delete(memberships)),
    lambda c: c.execute(update(users).where(users.c.id == "usr_b").values(disabled_at=1)),
    lambda c: documents.trash_document(
        c, rising_stamps(), Principal(id="usr_a", role="agent"), _first(c)
    ),
    lambda c: c.execute(delete(users).where(users.c.id == "usr_b")),
]
"""Unshared, left the team, disabled, thrown away, erased."""


def test_a_right_that_ends_has_ended_at_the_next_query(
    database: Database, tmp_path: Path, monkeypatch: Any
) -> None:
    """By every way a right can end, with the asker's old self in hand."""

    async def body() -> None:
        await _fill(database, tmp_path / "files", monkeypatch)
        searcher = Searcher(database, CountingEmbedder())
        first = await database.read(_first)
        passage = await database.read(lambda c: _passage_of(c, first))

        async def seen(who: Principal) -> set[str]:
            found = await searcher.whole_collection(who, "met") or []
            for mode in ("words", "vectors", "both"):
                found += await searcher.search(who, "met zebra yak otter lynx", 99, mode=mode)
            with contextlib.suppress(NotFound):
                return {(await searcher.passage(who, passage)).document_id} | {
                    one.passage.document_id for one in found
                }
            return {one.passage.document_id for one in found}

        for end in ENDS:
            await database.write(_only_for_the_team)
            who = await database.read(lambda c: people.principal_of(c, "usr_b"))
            assert await seen(who) == {first}
            await database.write(end)
            assert await seen(who) == set()

    asyncio.run(body())


def _passage_of(c: Connection, document_id: str) -> str:
    chosen = select(passage_rows.c.id).where(passage_rows.c.document_id == document_id)
    return str(c.execute(chosen).scalar_one())


def test_one_who_sees_little_of_much_finds_it(
    database: Database, tmp_path: Path, monkeypatch: Any
) -> None:
    """By meaning: what is hidden never crowds out what may be seen."""
    monkeypatch.setattr("attenda.knowledge.search._CANDIDATES", 2)

    async def body() -> None:
        await _fill(database, tmp_path / "files", monkeypatch)
        searcher = Searcher(database, CountingEmbedder())
        ids = await database.read(lambda c: sorted(_rights(c).documents))

        def hide(c: Connection) -> None:
            c.execute(update(document_rows).values(owner_id="usr_a", team_id=None))
            mine = update(document_rows).where(document_rows.c.id.in_(ids[-3:]))
            c.execute(mine.values(owner_id="usr_b"))

        await database.write(hide)
        who = Principal(id="usr_b", role="agent")
        found = await searcher.search(who, "zebra and lynx", 99, mode="vectors")
        assert len(found) == 2
        assert {one.passage.document_id for one in found} <= set(ids[-3:])
        cosines = [one.cosine or 0.0 for one in found]
        assert cosines == sorted(cosines, reverse=True)

    asyncio.run(body())
