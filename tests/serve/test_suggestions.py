"""Suggested answers: drafted from documents or the flow, cited, sent by the person alone."""

import asyncio
from pathlib import Path
from typing import Any

from attenda.api import Principal
from attenda.runtime.house import House
from attenda.store import documents, people, schema
from attenda.store.database import Connection
from tests.runtime.test_flows import rows
from tests.scripted_house import SAVINGS, add_text
from tests.serve.desk_people import DESK, Shop, shop

FEE = "A savings account costs no monthly fee."
OWNER = Principal(id=people.OWNER_ID, role="owner")


async def taken(s: Shop, *said: str) -> str:
    """A conversation that Sam has."""
    id_ = await s.begin()
    for text in said:
        await s.say(id_, text)
    await s.person(id_)
    await s.who["sam"]("POST", f"{DESK}/{id_}/claim")
    return id_


def test_a_draft_is_cited_edited_and_marked_and_never_sent_by_itself(
    home: Path, database_url: str
) -> None:
    async def story() -> None:
        async with shop(home, database_url, lambda _: FEE) as s:
            sam, kim, ana = s.who["sam"], s.who["kim"], s.who["ana"]
            await add_text(s.house, OWNER, "savings.md", SAVINGS)
            id_ = await taken(s, "hello", "What does a savings account cost a month?")
            before = await ana.texts(id_)
            draft = await sam("POST", f"{DESK}/{id_}/suggestion")
            assert FEE.removesuffix(".") in draft["text"] and "[1]" in draft["text"]
            assert "no monthly fee" in draft["citations"][0]["quote"]
            assert await ana.texts(id_) == before
            answer = {"text": draft["text"], "suggestion_id": draft["id"]}
            path = f"{DESK}/{id_}/messages"
            await kim("POST", path, answer, expect=403)
            await sam("POST", path, answer)
            await sam("POST", path, answer, expect=404)  # one draft, one answer

            second = await sam("POST", f"{DESK}/{id_}/suggestion")
            edited = {"text": "None at all.", "suggestion_id": second["id"]}
            await sam("POST", path, edited)
            await sam("POST", path, {"text": "Anything else?"})
            shown = (await sam("GET", f"{DESK}/{id_}"))["messages"][-3:]
            assert [one["drafted"] for one in shown] == ["suggested", "edited", ""]
            assert [len(one["citations"]) for one in shown] == [1, 0, 0]
            seen = (await ana.session(id_))["messages"]
            assert all("drafted" not in one for one in seen)
            kept = {one["id"]: one for one in await rows(s.house, "messages")}
            trust = [kept[one["id"]]["integrity"] for one in shown]
            assert trust == ["untrusted", "untrusted", "operator"]
            used = [one for one in await rows(s.house, "usage") if one["user_id"] == "usr_sam"]
            assert used and used[0]["prompt_tokens"] > 0

    asyncio.run(story())


def test_what_the_flow_asks_is_suggested_and_nothing_where_there_is_nothing(home: Path) -> None:
    async def story() -> None:
        async with shop(home) as s:
            sam = s.who["sam"]
            id_ = await taken(s, "refund order=O-1001")
            draft = await sam("POST", f"{DESK}/{id_}/suggestion")
            assert (draft["text"], draft["citations"]) == ("What is your e-mail address?", [])
            empty = await taken(s)
            none = await sam("POST", f"{DESK}/{empty}/suggestion")
            assert none["id"] == "" and "documents" in none["reason"]
            await s.who["li"]("POST", f"{DESK}/{id_}/suggestion", expect=403)

    asyncio.run(story())


def test_a_draft_rests_on_what_both_may_read(home: Path) -> None:
    """Neither the person's private documents reach the customer, nor the customer's the person."""

    async def story() -> None:
        async with shop(home, script=lambda _: FEE) as s:
            for name in ("sam", "ana"):
                await _private(s.house, f"usr_{name}")
            id_ = await taken(s, "hello", "What does a savings account cost a month?")
            told = [text for _, text in await s.who["ana"].texts(id_)]
            assert any("no monthly fee" in text for text in told)  # she may read hers
            none = await s.who["sam"]("POST", f"{DESK}/{id_}/suggestion")
            assert none["id"] == ""

    asyncio.run(story())


async def _private(house: House, user_id: str) -> None:
    who = Principal(id=user_id, role="agent")

    def shelve(c: Connection) -> Any:
        return documents.ensure_collection(c, house.stamps, who, "Private", shared=False)

    await house.database.write(shelve)
    await add_text(house, who, f"{user_id}.md", SAVINGS)
    own = schema.documents.update().where(schema.documents.c.owner_id == user_id)
    await house.database.write(lambda c: c.execute(own.values(team_id=None)))
