"""Examples learned: what nobody foresaw begins nothing, and an agent for it is not kept from it."""

import asyncio
from collections.abc import Sequence

from attenda.api import Principal, ScriptedEmbedder
from attenda.core.command import StartFlow
from attenda.core.label import said_by
from attenda.dialogue.book import FlowBook
from attenda.dialogue.flow import Flow, SayStep
from attenda.dialogue.outside import OUTSIDE
from attenda.dialogue.state import DialogueState
from attenda.runtime.flow_turn import given_for
from attenda.runtime.pack import Said
from attenda.runtime.understanding import learn_examples

REFUND = (
    "refund my order", "I want a refund", "give me a refund for my order", "refund the lamp",
    "can I get a refund", "please refund this order", "a refund please", "I need a refund",
    "refund the order I made", "could I get a refund for the lamp",
)  # fmt: skip
WHERE = (
    "where is my order", "has my order been sent", "where is the parcel", "track my parcel",
    "has the parcel been sent", "where is the lamp I ordered", "my parcel has not come",
    "when does my parcel come", "track my order", "where did you send my order",
)  # fmt: skip
WEATHER = (
    "what's the weather like today", "will it rain at the weekend", "how hot is it in Madrid",
    "do I need an umbrella", "is it raining", "will it snow", "how cold is it today",
    "what's the weather at the weekend", "will it be hot today", "is it windy in Madrid",
)  # fmt: skip


def flow(name: str, examples: tuple[str, ...]) -> Flow:
    steps = (SayStep(say={"en": "Done."}),)
    return Flow(name=name, title={"en": name}, examples={"en": examples}, steps=steps)


async def wanted(flows: dict[str, Flow], texts: Sequence[str]) -> list[str]:
    """The flow that each begins; empty where none."""
    understand = await learn_examples(ScriptedEmbedder(256), FlowBook(flows))
    found = []
    for text in texts:
        given = given_for(Principal(id="ana", role="viewer"), "m", [text], 0)
        said = Said(text, "m", said_by("ana", "m"), given, DialogueState())
        commands = await understand(said)
        found.append("".join(one.flow for one in commands if isinstance(one, StartFlow)))
    return found


def test_everyday_wishes_begin_nothing_unless_they_are_what_an_agent_is_for() -> None:
    shop = {one.name: one for one in (flow("refund", REFUND), flow("where", WHERE))}
    for flows, weather in ((shop, ""), ({**shop, "weather": flow("weather", WEATHER)}, "weather")):
        known = asyncio.run(wanted(flows, [*REFUND, *WHERE, *WEATHER[:3], *OUTSIDE["en"][30:60]]))
        assert known[:20] == ["refund"] * 10 + ["where"] * 10
        assert known[20:23] == [weather] * 3
        assert sum(map(bool, known[23:])) <= 3
