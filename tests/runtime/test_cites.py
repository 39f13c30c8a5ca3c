"""What a tool finds in the documents, by the rights of the person, and what a flow cites of it."""

import asyncio
from pathlib import Path
from typing import Any

from attenda.api import Command, Deed, Pack, Principal, Said, StartFlow, tool
from attenda.store import documents, schema, sessions
from tests.runtime.test_flows import ANA, Talk, _person
from tests.scripted_house import SAVINGS, add_text, scripted_house

FEE = "A savings account costs no monthly fee."
FLOW = """
tell:
  title: {en: tell}
  examples: {en: [tell]}
  steps:
    - call: look_up
      with: {words: '"monthly fee"'}
      into: found
    - say: {en: "{found.text}"}
      cite: found.cites
    - say: {en: "Once more: {found.text} See [7]."}
      cite: found.cites
"""


@tool()
def look_up(deed: Deed, words: str) -> dict[str, Any]:
    """A sentence of the documents."""
    cites = [one.cited(1, FEE) for one in deed.passages(words)]
    found = [one.model_dump(mode="json") for one in cites if one]
    return {"text": f"{FEE} [1]" if found else "Nothing is known.", "cites": found}


async def tell(_said: Said) -> list[Command]:
    return [StartFlow(flow="tell")]


def teller(home: Path) -> Pack:
    (home / "flows").mkdir(parents=True)
    (home / "flows" / "tell.yaml").write_text(FLOW, "utf-8")
    return Pack("teller", {"en": "Teller"}, home, tools=[look_up])


def test_a_flow_cites_what_its_tool_found_and_numbers_go_on(home: Path) -> None:
    async def story() -> None:
        pack = teller(home / "teller")
        async with scripted_house(home, packs=[pack], understand=tell) as (house, _):
            talk = await Talk.begin(house, pack=pack.name)
            assert "Nothing is known" in await talk.say("tell")
            document = await add_text(house, ANA, "savings.md", SAVINGS)
            answer = await talk.say("tell")
            assert f"{FEE} [1]" in answer and f"{FEE} [2] See [7]." in answer
            tree = await house.database.read(lambda c: sessions.message_tree(c, talk.session_id))
            cited = tree[-1].message.citations
            assert [(one.n, one.document_id, one.quote) for one in cited] == [
                (1, document, FEE), (2, document, FEE),
            ]  # fmt: skip
            stored = await house.database.read(
                lambda c: c.execute(schema.documents.select()).mappings().one()["text"]
            )
            assert all(stored[one.start : one.end] == FEE for one in cited)

    asyncio.run(story())


def test_a_tool_finds_what_its_person_may_read_and_no_more(home: Path) -> None:
    async def story() -> None:
        pack = teller(home / "teller")
        async with scripted_house(home, packs=[pack], understand=tell) as (house, _):
            other = Principal(id="usr_bob", role="agent")
            for who in (ANA, other):
                await _person(house, who)

            async def content() -> Any:
                yield b"The zanzibar plan is Ana's alone."

            own = lambda c: documents.ensure_collection(  # noqa: E731
                c, house.stamps, ANA, "Private", shared=False
            )
            await house.database.write(own)
            await house.ingester.add(ANA, "Private", "plan.md", content())
            await house.ingester.wait_idle()
            executor = house.packs["teller"].executor

            async def found(who: Principal) -> list[str]:
                return await executor.look(
                    who, "", lambda deed: [one.text for one in deed.passages("zanzibar plan")]
                )

            assert await found(ANA) == ["The zanzibar plan is Ana's alone."]
            assert await found(other) == []
            gone = schema.users.update().where(schema.users.c.id == ANA.id).values(disabled_at=1)
            await house.database.write(lambda c: c.execute(gone))
            assert await found(ANA) == []

    asyncio.run(story())
