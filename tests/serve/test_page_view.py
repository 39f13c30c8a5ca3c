"""A cited page: its picture is drawn, and the marks lie on the words that were cited."""

import asyncio
import io
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
from PIL import Image
from reportlab.pdfgen.canvas import Canvas

from attenda.api import Principal
from attenda.serve.app import create_app
from attenda.store import documents
from tests.scripted_house import scripted_house

WORDS = "The warranty lasts 24 months"


def two_pages() -> bytes:
    """A PDF whose second page has the words at a known place."""
    body = io.BytesIO()
    canvas = Canvas(body, pagesize=(400, 600))
    canvas.drawString(50, 500, "Nothing of interest stands on the first page.")
    canvas.showPage()
    canvas.setFont("Helvetica", 20)
    canvas.drawString(60, 300, WORDS)
    canvas.showPage()
    canvas.save()
    return body.getvalue()


def test_marks_lie_on_the_cited_words(home: Path, owner: Principal) -> None:
    async def content() -> AsyncIterator[bytes]:
        yield two_pages()

    async def body() -> None:
        async with scripted_house(home) as (house, _):
            added = await house.ingester.add(owner, "Library", "terms.pdf", content())
            await house.ingester.wait_idle()
            text = await house.database.read(
                lambda c: documents.document_text(c, owner, added.document_id)
            )
            start = text.index("24 months")
            where = f"/api/documents/{added.document_id}/pages/2"
            transport = httpx.ASGITransport(create_app(house))
            headers = {"Authorization": f"Bearer {house.owner_key}"}
            async with httpx.AsyncClient(
                transport=transport, base_url="http://localhost", headers=headers
            ) as client:
                span = {"start": start, "end": start + len("24 months")}
                page = (await client.get(where, params=span)).json()
                drawn = await client.get(f"{where}/image")
                missing = await client.get(where.replace("/2", "/3"))
            assert missing.status_code == 404
            (mark,) = page["marks"]
            assert 0.45 < mark["left"] < 0.65
            assert 0.46 < mark["top"] < 0.5
            picture = Image.open(io.BytesIO(drawn.content)).convert("L")
            left, top = mark["left"] * picture.width, mark["top"] * picture.height
            right = left + mark["width"] * picture.width
            bottom = top + mark["height"] * picture.height
            inside = picture.crop((int(left), int(top), int(right), int(bottom)))
            assert inside.getextrema()[0] < 100, "no ink under the mark"
            below = picture.crop((0, int(bottom) + 20, picture.width, picture.height))
            assert below.getextrema()[0] > 200

    asyncio.run(body())
