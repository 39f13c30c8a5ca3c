"""What stands in the way: a page for a person who follows a link, JSON for a program."""

import asyncio
from pathlib import Path

import httpx
import pytest

from attenda.serve.app import create_app
from tests.scripted_house import scripted_house

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.mark.parametrize("path", ["/nowhere", "/api/nowhere", "/<b>nowhere</b>"])
def test_an_address_that_is_none(home: Path, path: str) -> None:
    async def body() -> None:
        async with scripted_house(home) as (house, _):
            transport = httpx.ASGITransport(create_app(house))
            async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as ask:
                shown = await ask.get(path, headers={"Accept": BROWSER, "Accept-Language": "zh"})
                told = await ask.get(path, headers={"Accept": "*/*"})
                posted = await ask.post(path, headers={"Accept": BROWSER})
        assert (shown.status_code, told.status_code) == (404, 404)
        assert "没有这个页面。" in shown.text
        assert '<a class="button" href="/">前往对话</a>' in shown.text
        assert "nowhere" not in shown.text
        assert told.json() == {
            "error": {"key": "request.no_page", "message": "There is no such page."}
        }
        assert posted.headers["content-type"] == "application/json"

    asyncio.run(body())
