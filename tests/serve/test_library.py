"""The library over HTTP and from the command line: pages of the web, states, trash, odd input."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from attenda.api import ScriptedEmbedder
from attenda.cli.documents import add_paths
from attenda.knowledge import web
from attenda.runtime.house import House
from attenda.serve.app import create_app
from tests.knowledge.webhouse import PUBLIC, Site, names, public_site
from tests.scripted_house import scripted_house

OF_ONE = [("GET", ""), ("GET", "/state"), ("DELETE", ""), ("POST", "/restore"), ("POST", "/retry")]
HTML = b"<!doctype html><title>Fees</title><p>The account costs nothing a month.</p>"


@contextlib.asynccontextmanager
async def library(home: Path, database: str = "") -> AsyncIterator[tuple[House, httpx.AsyncClient]]:
    async with scripted_house(home, database=database) as (house, _):
        transport = httpx.ASGITransport(create_app(house), raise_app_exceptions=False)
        headers = {"Authorization": f"Bearer {house.owner_key}"}
        async with httpx.AsyncClient(
            transport=transport, base_url="http://localhost:80", headers=headers
        ) as client:
            yield house, client


@contextlib.asynccontextmanager
async def the_web(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Site]:
    """The public web is one small site; every other name leads inside."""
    resolver, _ = names({"good.example": [[str(PUBLIC)]], "bad.example": [["127.0.0.1"]]})
    async with public_site() as site:
        monkeypatch.setattr(web, "resolve", resolver)
        monkeypatch.setattr(web, "connect", site.connector)
        yield site


def test_a_page_of_the_web_becomes_a_document(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def body() -> None:
        async with the_web(monkeypatch) as site, library(home) as (house, client):
            site.pages["/fees"] = (200, {"Content-Type": "text/html"}, HTML)
            page = {"url": "http://good.example/fees", "collection": "Web"}
            answer = await client.post("/api/documents/web", json=page)
            assert (answer.status_code, answer.json()["outcome"]) == (202, "queued")
            await house.ingester.wait_idle()
            row = (await client.get(f"/api/documents/{answer.json()['document_id']}")).json()
            assert (row["title"], row["name"]) == ("Fees", "good.example/fees.html")
            assert (row["state"], row["source"]) == ("ready", "http://good.example/fees")
            again = await client.post("/api/documents/web", json=page)
            assert again.json()["outcome"] == "unchanged"
            site.pages["/fees"] = (200, {"Content-Type": "text/html"}, HTML + b"<p>More.</p>")
            again = await client.post("/api/documents/web", json=page)
            assert again.json()["outcome"] == "updated"
            assert again.json()["document_id"] == answer.json()["document_id"]

    asyncio.run(body())


@pytest.mark.parametrize(
    ("sent", "status", "key"),
    [
        ({"url": "http://bad.example/"}, 400, "web.inside"),
        ({"url": "http://127.0.0.1/"}, 400, "web.inside"),
        ({"url": "http://nowhere.example/"}, 400, "web.unknown_host"),
        ({"url": "http://good.example/none"}, 400, "web.status"),
        ({"url": "http://good.example:8017/"}, 400, "web.port"),
        ({"url": "file:///etc/passwd"}, 400, "web.not_an_address"),
        ({"url": ""}, 422, "request.invalid"),
        ({"url": "http://good.example/" + "x" * 2000}, 422, "request.invalid"),
        ({"url": "http://good.example/", "collection": ""}, 422, "request.invalid"),
        ({}, 422, "request.invalid"),
    ],
)
def test_a_refused_page_says_why(
    home: Path, monkeypatch: pytest.MonkeyPatch, sent: Any, status: int, key: str
) -> None:
    async def body() -> None:
        async with the_web(monkeypatch), library(home) as (_, client):
            answer = await client.post("/api/documents/web", json=sent)
            assert (answer.status_code, answer.json()["error"]["key"]) == (status, key)
            assert (await client.get("/api/documents")).json()["documents"] == []

    asyncio.run(body())


@pytest.mark.parametrize("kind", [str, Path])
def test_the_command_adds_pages_beside_files(
    home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: Any, kind: Any
) -> None:
    async def body() -> None:
        async with the_web(monkeypatch) as site, library(home) as (_, client):
            site.pages["/fees"] = (200, {"Content-Type": "text/html"}, HTML)
            file = tmp_path / "note.txt"
            file.write_text("A note.")
            named = [str(file), "http://good.example/fees", "http://bad.example/x"]
            code = await add_paths(client, [kind(one) for one in named], "Web", as_json=True)
            assert code == 1

    asyncio.run(body())
    note, page, refused = json.loads(capsys.readouterr().out)
    assert (note["state"], page["state"], refused["state"]) == ("ready", "ready", "failed")
    assert page["name"] == "good.example/fees.html"
    assert "never fetched" in refused["reason"]


def test_only_changed_records_are_embedded_again(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    embedded: list[str] = []
    plainly = ScriptedEmbedder.embed

    async def counted(self: ScriptedEmbedder, texts: Any) -> Any:
        embedded.extend(texts)
        return await plainly(self, texts)

    monkeypatch.setattr(ScriptedEmbedder, "embed", counted)

    async def body() -> None:
        async with library(home) as (house, client):
            for rows, fresh in ((range(5), 5), (range(5), 0), (range(1, 7), 2)):
                embedded.clear()
                lines = [json.dumps({"id": n, "text": f"This is row {n}."}) for n in rows]
                files = {"files": ("rows.jsonl", "\n".join(lines).encode())}
                answer = await client.post("/api/documents", files=files)
                await house.ingester.wait_idle()
                assert len(embedded) == fresh
                id_ = answer.json()[0]["document_id"]
                state = (await client.get(f"/api/documents/{id_}/state")).json()
                assert (state["state"], state["records"]) == ("ready", len(rows))
                assert state["passages"] == len(rows)

    asyncio.run(body())


def test_out_of_the_trash_again(home: Path, database_url: str) -> None:
    async def body() -> None:
        async with library(home, database_url) as (house, client):
            files = {"files": ("a.txt", b"The gate opens at noon.")}
            (added,) = (await client.post("/api/documents", files=files)).json()
            await house.ingester.wait_idle()
            path = f"/api/documents/{added['document_id']}"

            async def found() -> int:
                return len((await client.get("/api/search", params={"q": "gate"})).json())

            assert await found() == 1
            assert (await client.delete(path)).status_code == 204
            assert await found() == 0
            listed = (await client.get("/api/documents")).json()
            assert (listed["documents"], listed["counts"], listed["reindexing"]) == ([], {}, None)
            trashed = (await client.get("/api/documents", params={"trashed": True})).json()
            assert [one["name"] for one in trashed["documents"]] == ["a.txt"]
            assert (await client.post(f"{path}/restore")).status_code == 204
            assert await found() == 1

    asyncio.run(body())


def test_any_text_in_any_place_is_answered(home: Path, database_url: str) -> None:
    """Hypothesis strings into every parameter of the library: never a broken program."""
    texts = st.one_of(
        st.text(st.characters(codec="utf-8"), min_size=1, max_size=60),
        st.sampled_from(["\x00", "%", "_", "'", '"', "\\", "x" * 3999, "中" * 1300, "NEAR(", "a*"]),
    )
    tried: list[int] = []

    async def ask(text: str) -> None:
        async with library(home, database_url) as (_, client):
            for request in (
                client.get("/api/search", params={"q": text}),
                client.get("/api/search", params={"q": text, "mode": "words", "k": 1}),
                client.get("/api/documents", params={"words": text}),
                client.get("/api/documents", params={"container": text}),
                client.post("/api/documents/web", json={"url": text, "collection": text}),
                *(
                    client.request(method, f"/api/documents/{quote(text, safe='')}{end}")
                    for method, end in OF_ONE
                ),
            ):
                answer = await request
                tried.append(answer.status_code)
                assert answer.status_code < 500, (answer.url, answer.text)

    @settings(
        max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    @given(texts)
    def holds(text: str) -> None:
        asyncio.run(ask(text))

    holds()
    assert len(tried) >= 100
