"""A cited page over HTTP: its picture, and where the cited words stand on it."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response

from attenda.core.errors import NotFound
from attenda.core.principal import Principal
from attenda.knowledge import pages
from attenda.serve.gate import house_of, principal
from attenda.store import documents
from attenda.store.database import Connection

__all__ = ["router"]

router = APIRouter(prefix="/api/documents/{document_id}/pages/{number}", tags=["documents"])
Who = Annotated[Principal, Depends(principal)]


async def _page(
    request: Request, who: Principal, document_id: str, number: int
) -> tuple[documents.Document, documents.StoredPage]:
    def load(connection: Connection) -> tuple[documents.Document, documents.StoredPage]:
        document = documents.get_document(connection, who, document_id)
        page = documents.page_of(connection, document_id, number)
        if page is None:
            raise NotFound("page.not_drawn", number=number)
        return document, page

    return await house_of(request).database.read(load)


@router.get("")
async def where(
    request: Request,
    who: Who,
    document_id: str,
    number: int,
    start: Annotated[int, Query(ge=0)] = 0,
    end: Annotated[int, Query(ge=0)] = 0,
) -> dict[str, Any]:
    """The page's size in points, and boxes around the words of a span."""
    _, page = await _page(request, who, document_id, number)
    return {
        "number": number,
        "width": page.width,
        "height": page.height,
        "marks": pages.marks(page, start, end),
    }


@router.get("/image")
async def image(request: Request, who: Who, document_id: str, number: int) -> Response:
    """The page as PNG."""
    document, _ = await _page(request, who, document_id, number)
    path = house_of(request).ingester.path_of(document.content_hash)
    picture = await pages.draw_page(path, number)
    headers = {"Cache-Control": "private, max-age=3600"}
    return Response(picture, media_type="image/png", headers=headers)
