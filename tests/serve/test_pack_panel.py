"""What a pack sees of the house beside its own tables: the desk, conversations, its articles."""

import asyncio
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from attenda.api import Asked, Endpoint, Panel
from attenda.store import documents, sessions
from attenda.store.people import OWNER_ID, principal_of
from tests.scripted_house import add_text
from tests.serve.desk_people import DESK, SHOP, Shop, shop


async def beside(asked: Asked) -> Mapping[str, Any]:
    orders = await asked.read(lambda rows: rows("orders").find(customer_id="C-100"))
    return {"orders": orders, "customer": asked.values["customer"]}


async def talks(asked: Asked) -> Any:
    return [asdict(one) for one in await asked.talks()]


async def questions(asked: Asked) -> Any:
    return [one.text for one in await asked.open_questions()]


def articles(rows: Any) -> Mapping[str, str]:
    """The notes of orders stand for articles."""
    return {f"{one['id']}.md": one["note"] for one in rows("orders").find() if one["note"]}


WATCHING = replace(
    SHOP,
    panel=Panel({"en": "Orders", "zh-CN": "订单"}, "panel.html", beside),
    endpoints=(Endpoint("GET", "talks", talks), Endpoint("GET", "questions", questions)),
    articles=articles,
    asks_rating=True,
)


def test_a_panel_stands_beside_a_conversation_for_those_who_see_it(home: Path) -> None:
    async def story() -> None:
        async with shop(home, pack=WATCHING) as s:
            id_ = await s.begin()
            path = f"{DESK}/{id_}/panel"
            await s.say(id_, "refund order=O-1001 email=ana@example.test")
            await s.who["sam"]("GET", path, expect=404)  # the bot has it: on nobody's desk
            await s.person(id_)
            found = await s.who["sam"]("GET", path)
            assert found["title"] == "Orders"
            assert "Customer usr_ana" in found["html"]
            assert "O-1001 delivered" in found["html"]
            note = {"arguments": {"order": "O-1001", "note": "<b>x</b>"}, "once": "n"}
            await s.who["sam"]("POST", "/api/packs/shop/tools/note_order", note)
            again = (await s.who["sam"]("GET", path))["html"]
            assert "&lt;b&gt;x" in again
            assert "<b>" not in again
            await s.who["li"]("GET", path, expect=403)
            await s.who["ana"]("GET", path, expect=403)
            await _articles_follow_the_tables(s)

    asyncio.run(story())


async def _articles_follow_the_tables(s: Shop) -> None:
    name, said = "articles/O-1002.md", "# Umbrellas\n\nAn umbrella is dried before it is sent.\n"

    async def note(text: str, once: str) -> dict[str, str]:
        body = {"arguments": {"order": "O-1002", "note": text}, "once": once}
        await s.who["sam"]("POST", "/api/packs/shop/tools/note_order", body)
        await s.house.ingester.wait_idle()
        return await _living(s)

    assert "dried" in (await note(said, "1"))[name]
    assert "dried" not in (await note("# Umbrellas\n\nNone are left.\n", "2"))[name]
    assert name not in await note("", "3")
    assert "dried" in (await note(said, "4"))[name], "it comes back"


async def _living(s: Shop) -> dict[str, str]:
    """Texts of the pack's documents by name."""

    def look(c: Any) -> dict[str, str]:
        owner = principal_of(c, OWNER_ID)
        found = documents.documents_from(c, owner, "pack:shop/").values()
        living = [one for one in found if one.deleted_at is None]
        return {one.name: documents.document_text(c, owner, one.id) for one in living}

    return await s.house.database.read(look)


def test_figures_are_made_of_conversations_and_words_stay_where_they_may_be_read(
    home: Path, database_url: str
) -> None:
    async def story() -> None:
        async with shop(home, database_url, pack=WATCHING) as s:
            sue = s.who["sue"]
            await add_text(s.house, await _owner(s), "tea.md", "# Tea\n\nTea is green or black.\n")
            by_bot = await _helped_and_asked(s)
            asked = await s.begin()
            await s.say(asked, "docs who mends a broken umbrella")
            assert await sue("GET", "/packs/shop/api/questions") == []  # it is the bot's alone
            await s.person(asked)
            await s.who["sam"]("POST", f"{DESK}/{asked}/claim")
            await s.who["sam"]("POST", f"{DESK}/{asked}/messages", {"text": "We do."})
            assert not (await s.who["ana"].session(asked))["asks_rating"]
            await s.who["sam"]("POST", f"{DESK}/{asked}/resolve")
            assert (await s.who["ana"].session(asked))["asks_rating"]
            found = {one["id"]: one for one in await sue("GET", "/packs/shop/api/talks")}
            bot, person = found[by_bot], found[asked]
            assert (len(bot["asked_at"]), len(bot["answered_at"])) == (2, 2)
            assert (bot["score"], bot["comment"]) == (4, "quick")
            assert bot["handoffs"] == bot["person_at"] == bot["closed_at"] == []
            assert [why for _, why in person["handoffs"]] == ["asked"]
            assert (len(person["person_at"]), len(person["closed_at"])) == (1, 1)
            assert person["owner"] == "resolved"
            assert await sue("GET", "/packs/shop/api/questions") == [
                "docs who mends a broken umbrella"
            ]
            for path in ("talks", "questions"):
                await s.who["sam"]("GET", f"/packs/shop/api/{path}", expect=403)
            who = await _owner(s)
            await s.house.database.write(
                lambda c: sessions.update_session(
                    c, who.model_copy(update={"id": "usr_ana"}), by_bot, deleted_at=1
                )
            )
            assert [one["id"] for one in await sue("GET", "/packs/shop/api/talks")] == [asked]

    asyncio.run(story())


async def _helped_and_asked(s: Shop) -> str:
    """A wish that the bot alone brought to its end: whether its customer is asked, and once."""
    id_ = await s.begin()
    ana, path = s.who["ana"], f"/api/sessions/{id_}/rating"

    async def asks() -> bool:
        return bool((await ana.session(id_))["asks_rating"])

    await s.say(id_, "refund order=O-1001 email=ana@example.test")
    assert not await asks(), "nothing is done yet"
    await s.say(id_, "yes")
    assert await asks()
    await ana("PUT", path, {"score": 6}, expect=422)
    await s.who["sue"]("PUT", path, {"score": 1}, expect=404)
    await ana("PUT", path, {"score": 4, "comment": "quick"})
    assert not await asks(), "it was said"
    return id_


async def _owner(s: Shop) -> Any:
    return await s.house.database.read(lambda c: principal_of(c, OWNER_ID))
