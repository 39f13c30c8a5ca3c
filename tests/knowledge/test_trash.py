"""The trash: gone from answers at once, back on demand, and after its days gone for good."""

import asyncio
import io
import json
from pathlib import Path
from typing import Any

import pytest
from reportlab.pdfgen import canvas
from sqlalchemy import func, select, text

from attenda.api import NotFound, Principal
from attenda.knowledge.search import Searcher
from attenda.store import documents, passages, privacy, schema
from attenda.store.database import Connection, Database
from attenda.store.stamps import Stamps
from tests.knowledge.workshop import CountingEmbedder, add, all_documents, rising_stamps, working

DAY_US = 86_400_000_000
ROWS = b"\n".join(json.dumps({"id": n, "text": f"zebra number {n}"}).encode() for n in range(4))


def _pdf(words: str) -> bytes:
    out = io.BytesIO()
    page = canvas.Canvas(out)
    page.drawString(72, 700, words)
    page.save()
    return out.getvalue()


def _counts(connection: Connection) -> dict[str, int]:
    tables = (schema.documents, schema.passages, schema.vectors, schema.pages)
    counts = {
        table.name: int(connection.execute(select(func.count()).select_from(table)).scalar_one())
        for table in tables
    }
    words = connection.execute(text("SELECT COUNT(*) FROM passage_words")).scalar_one()
    return {**counts, "words": int(words)}


async def _found(searcher: Searcher, who: Principal, query: str) -> set[str]:
    return {
        one.passage.text
        for mode in ("words", "vectors", "both")
        for one in await searcher.search(who, query, 50, mode=mode)
        if query in one.passage.text
    }


@pytest.mark.parametrize(
    ("name", "content", "of"),
    [("a.txt", b"One zebra stands here.", 1), ("a.jsonl", ROWS, 4), ("a.pdf", _pdf("zebra"), 1)],
)
def test_out_of_answers_back_again_and_gone(
    database: Database, owner: Principal, tmp_path: Path, name: str, content: bytes, of: int
) -> None:
    async def body() -> None:
        stamps = rising_stamps()
        searcher = Searcher(database, CountingEmbedder())
        async with working(database, tmp_path / "files", stamps=stamps) as ingester:
            await add(ingester, owner, "kept.txt", b"One yak stands here.")
            before = await database.read(_counts)
            added = await add(ingester, owner, name, content)
            id_ = added.document_id
            full = await database.read(_counts)
            for _ in range(2):
                assert len(await _found(searcher, owner, "zebra")) == of
                found = await searcher.search(owner, "zebra", 1)
                await database.write(lambda c: documents.trash_document(c, stamps, owner, id_))
                assert await _found(searcher, owner, "zebra") == set()
                with pytest.raises(NotFound):
                    await searcher.passage(owner, found[0].passage.id)
                assert (await database.read(_ready(owner))) == 1
                assert await database.read(_counts) == full
                await ingester.restore(owner, id_)
                assert (await database.read(_ready(owner))) == 1 + of
            await database.write(lambda c: documents.trash_document(c, stamps, owner, id_))
            assert await database.write(_expire(stamps, 30)) == 0
            assert await database.read(_counts) == full
            later = Stamps(clock=lambda: stamps.now() + 31 * DAY_US)
            assert await database.write(_expire(later, 0)) == 0
            assert await database.write(_expire(later, 30)) == (of if of == 1 else of + 1)
            assert await database.read(_counts) == before
            assert await _found(searcher, owner, "zebra") == set()
            assert len(await _found(searcher, owner, "yak")) == 1
            with pytest.raises(NotFound):
                await ingester.restore(owner, id_)
            again = await add(ingester, owner, name, content)
            assert again.outcome == "queued"
            assert len(await _found(searcher, owner, "zebra")) == of

    asyncio.run(body())


def _ready(who: Principal) -> Any:
    return lambda c: documents.count_documents(c, who).get("ready", 0)


def _expire(stamps: Stamps, days: int) -> Any:
    return lambda c: privacy.expire(c, stamps, trash_days=days, chat_days=0)


def test_one_record_may_go_without_its_file(
    database: Database, owner: Principal, tmp_path: Path
) -> None:
    async def body() -> None:
        stamps = rising_stamps()
        searcher = Searcher(database, CountingEmbedder())
        async with working(database, tmp_path / "files", stamps=stamps) as ingester:
            await add(ingester, owner, "a.jsonl", ROWS)
            record = next(one for one in await all_documents(database, owner) if one.name == "2")
            await database.write(lambda c: documents.trash_document(c, stamps, owner, record.id))
            assert "zebra number 2" not in await _found(searcher, owner, "zebra")
            assert len(await _found(searcher, owner, "zebra")) == 3
            count = await database.read(
                lambda c: documents.count_records(c, owner, record.container_id or "")
            )
            shown = await database.read(
                lambda c: passages.count_passages(c, owner, record.container_id or "")
            )
            assert (count, shown) == (3, 3)

    asyncio.run(body())


def test_nobody_throws_away_or_restores_what_they_may_not_change(
    database: Database, owner: Principal, tmp_path: Path
) -> None:
    reader = Principal(id="usr_reader", role="agent")

    async def body() -> None:
        stamps = rising_stamps()
        async with working(database, tmp_path / "files", stamps=stamps) as ingester:
            added = await add(ingester, owner, "a.txt", b"One zebra stands here.")
            with pytest.raises(NotFound):
                await database.write(
                    lambda c: documents.trash_document(c, stamps, reader, added.document_id)
                )
            await database.write(
                lambda c: documents.trash_document(c, stamps, owner, added.document_id)
            )
            with pytest.raises(NotFound):
                await ingester.restore(reader, added.document_id)

    asyncio.run(body())
