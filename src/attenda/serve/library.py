"""Documents over HTTP: hand in files and pages, list with states, read, search, trash and undo."""

from collections.abc import AsyncIterator
from dataclasses import asdict, replace
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, UploadFile
from pydantic import BaseModel, Field

from attenda.core.errors import AttendaError
from attenda.core.principal import Principal
from attenda.core.words import sentence
from attenda.knowledge import web
from attenda.serve.gate import house_of, principal, require
from attenda.store import documents, passages, vectors
from attenda.store.database import Connection

__all__ = ["router"]

router = APIRouter(prefix="/api", tags=["documents"])
Who = Annotated[Principal, Depends(principal)]
CollectionName = Annotated[str, Field(min_length=1, max_length=120)]
Adder = Annotated[Principal, Depends(require("add_documents"))]
_BLOCK = 1 << 20


@router.post("/documents", status_code=202)
async def add(
    request: Request, who: Adder, files: list[UploadFile], collection: CollectionName = "Library"
) -> list[dict[str, Any]]:
    """Hand files in; each is queued, unchanged, updated, or refused with the reason."""
    house = house_of(request)
    outcomes: list[dict[str, Any]] = []
    for file in files:
        name = file.filename or "document"
        try:
            added = await house.ingester.add(who, collection, name, _blocks(file))
            outcomes.append(asdict(added))
        except AttendaError as error:
            problem = {"key": error.key, "message": error.text(who.language)}
            outcomes.append({"name": name, "outcome": "refused", "error": problem})
    return outcomes


class Page(BaseModel):
    """A page or file of the web to bring in."""

    url: Annotated[str, Field(min_length=1, max_length=2000)]
    collection: CollectionName = "Library"


@router.post("/documents/web", status_code=202)
async def add_page(request: Request, who: Adder, page: Page) -> dict[str, Any]:
    """Bring a page or file from the public web and hand it in like a file."""
    house = house_of(request)
    limits = web.Limits()
    most = min(limits.max_bytes, house.settings.max_upload_mb << 20)
    fetched = await web.fetch(
        page.url, replace(limits, max_bytes=most, ports=frozenset(house.settings.web_ports))
    )
    added = await house.ingester.add(
        who, page.collection, fetched.name, _once(fetched.body), source=fetched.final_url
    )
    return asdict(added)


@router.get("/documents")
async def list_(
    request: Request,
    who: Who,
    container: str | None = None,
    words: str = "",
    trashed: bool = False,
    limit: Annotated[int, Query(ge=1, le=2000)] = 500,
) -> dict[str, Any]:
    """Documents, newest first, with how many there are by state and how far a new index is."""

    def load(connection: Connection) -> dict[str, Any]:
        rebuilding = vectors.rebuild_progress(connection, who)
        rows = documents.list_documents(
            connection, who, container_id=container, words=words, trashed=trashed, limit=limit
        )
        return {
            "documents": [_row(row, who.language) for row in rows],
            "counts": documents.count_documents(connection, who),
            "reindexing": asdict(rebuilding) if rebuilding else None,
        }

    return await house_of(request).database.read(load)


@router.get("/documents/{document_id}")
async def read(request: Request, who: Who, document_id: str) -> dict[str, Any]:
    """A document with its text and how many passages it has."""

    def load(connection: Connection) -> dict[str, Any]:
        row = documents.get_document(connection, who, document_id)
        return {
            **_row(row, who.language),
            "text": documents.document_text(connection, who, document_id),
            "passages": passages.count_passages(connection, who, document_id),
        }

    return await house_of(request).database.read(load)


@router.get("/documents/{document_id}/state")
async def state(request: Request, who: Who, document_id: str) -> dict[str, Any]:
    """How far a document is, with how many records and passages it has."""

    def load(connection: Connection) -> dict[str, Any]:
        row = documents.get_document(connection, who, document_id)
        return {
            **_row(row, who.language),
            "records": documents.count_records(connection, who, document_id),
            "passages": passages.count_passages(connection, who, document_id),
        }

    return await house_of(request).database.read(load)


@router.delete("/documents/{document_id}", status_code=204)
async def trash(request: Request, who: Adder, document_id: str) -> None:
    """Put a document into the trash; it is gone from answers at once."""
    house = house_of(request)
    await house.database.write(
        lambda c: documents.trash_document(c, house.stamps, who, document_id)
    )


@router.post("/documents/{document_id}/restore", status_code=204)
async def restore(request: Request, who: Adder, document_id: str) -> None:
    """Bring a document back."""
    await house_of(request).ingester.restore(who, document_id)


@router.post("/documents/{document_id}/retry", status_code=202)
async def retry(request: Request, who: Adder, document_id: str) -> None:
    """Read a failed document again."""
    await house_of(request).ingester.retry(who, document_id)


class Hit(BaseModel):
    """One passage of a search."""

    passage: str
    document_id: str
    document: str
    heading: str
    page: int | None
    start: int
    end: int
    score: float
    text: str


@router.get("/search")
async def search(
    request: Request,
    who: Who,
    q: Annotated[str, Query(min_length=1, max_length=4000)],
    k: Annotated[int, Query(ge=1, le=100)] = 10,
    mode: Literal["both", "words", "vectors"] = "both",
) -> list[Hit]:
    """The best passages for a query."""
    ranked = await house_of(request).searcher.search(who, q, k, mode=mode)
    found = [one.found().model_dump() for one in ranked]
    return [Hit(passage=row.pop("passage_id"), **row) for row in found]


async def _once(body: bytes) -> AsyncIterator[bytes]:
    yield body


async def _blocks(file: UploadFile) -> AsyncIterator[bytes]:
    while block := await file.read(_BLOCK):
        yield block


def _row(document: documents.Document, language: str) -> dict[str, Any]:
    row = asdict(document)
    reason = row["reason"]
    row["reason"] = sentence(language, reason["key"], **reason["values"]) if reason else None
    return row
