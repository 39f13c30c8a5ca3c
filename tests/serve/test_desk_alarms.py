"""Danger in what is said while people have a conversation: staff learn of it, and nobody is
talked over."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from attenda.api import Command, Said
from attenda.packs.clinic.pack import PACK as CLINIC
from attenda.runtime.announcing import customer_wrote
from tests.knowledge.webhouse import public_site
from tests.runtime.test_flows import rows
from tests.serve.desk_people import DESK, SHOP, shop
from tests.serve.test_notices import HOOK, by_hand, hooked

__all__ = ["by_hand"]

HURTS = "my chest hurts and I can hardly breathe"


def test_a_red_flag_of_somebody_who_waits_is_raised_once(home: Path, database_url: str) -> None:
    async def story() -> None:
        async with shop(home, database_url, pack=CLINIC) as s, public_site() as site:
            noticer, ana, sam = hooked(s, site), s.who["ana"], s.who["sam"]
            site.pages["/desk"] = (204, {}, b"")
            body = {"kind": "webhook", "target": HOOK, "after_s": 3600}
            await s.who["sue"]("POST", "/api/desk/notices", body)
            earlier, id_ = await s.begin(), await s.begin()
            for one in (earlier, id_):
                await s.person(one)
            await s.say(id_, "I brought my letter along")
            assert await rows(s.house, "alarms") == [] and await noticer.round() == 0

            await s.say(id_, HURTS)
            packs, stamps = s.house.packs, s.house.stamps  # a mail may be taken up twice
            await s.house.database.write(lambda c: customer_wrote(c, stamps, id_, packs))
            (kept,) = await rows(s.house, "clinic_escalations")
            assert kept["state"] == "open" and kept["user_id"] == "usr_ana"
            (alarm,) = await rows(s.house, "alarms")
            assert alarm["message_id"] == kept["message_id"]
            listed = (await sam("GET", "/api/desk"))["sessions"]
            assert [one["id"] for one in listed] == [id_, earlier]  # before who waits longer
            assert kept["rule"] in listed[0]["alarm"] and not listed[1]["alarm"]
            seen = (await sam("GET", f"{DESK}/{id_}"))["messages"]
            assert [bool(one["alarm"]) for one in seen if one["role"] == "user"] == [False, True]
            speaker, words = (await ana.texts(id_))[-1]
            assert speaker == "assistant" and "emergency" in words  # nobody else is there to say it
            assert (await noticer.round(), await noticer.round()) == (1, 0)
            told = json.loads(site.bodies[-1])
            assert (told["type"], told["session_id"]) == ("desk.alarm", id_)
            assert b"chest" not in site.bodies[-1]

            await sam("POST", f"{DESK}/{id_}/claim")
            assert (await sam("GET", "/api/desk"))["sessions"][0]["alarm"]  # taken is not seen to
            await s.say(id_, "it is getting worse, my chest hurts and I am sweating")
            assert (await ana.texts(id_))[-1][0] == "user"  # a person has it: the bot keeps silent
            assert len(await rows(s.house, "clinic_escalations")) == 2
            assert (await noticer.round(), await noticer.round()) == (1, 0)
            await sam("POST", f"{DESK}/{id_}/messages", {"text": "I am on my way."})
            assert not any(one["alarm"] for one in (await sam("GET", "/api/desk"))["sessions"])
            assert await noticer.round() == 0
            assert await rows(s.house, "runs") == []

    asyncio.run(story())


def test_a_red_flag_that_the_bot_hands_over_is_an_alarm_told_at_once(home: Path) -> None:
    async def story() -> None:
        async with shop(home, pack=CLINIC) as s, public_site() as site:
            noticer, sam = hooked(s, site), s.who["sam"]
            site.pages["/desk"] = (204, {}, b"")
            body = {"kind": "webhook", "target": HOOK, "after_s": 3600}
            await s.who["sue"]("POST", "/api/desk/notices", body)
            calm, id_ = await s.begin(), await s.begin()
            await s.person(calm)
            await s.say(id_, HURTS)
            (alarm,) = await rows(s.house, "alarms")
            (kept,) = await rows(s.house, "clinic_escalations")
            assert (alarm["session_id"], alarm["message_id"]) == (id_, kept["message_id"])
            assert [one["id"] for one in (await sam("GET", "/api/desk"))["sessions"]] == [id_, calm]
            assert (await noticer.round(), await noticer.round()) == (1, 0)
            assert json.loads(site.bodies[-1])["type"] == "desk.alarm"

    asyncio.run(story())


def test_a_look_that_breaks_loses_no_message_and_raises_nothing(home: Path) -> None:
    def breaks(_said: Said) -> Sequence[Command]:
        raise ValueError("broken")

    async def story() -> None:
        async with shop(home, pack=replace(SHOP, first=breaks, alarms=("refund",))) as s:
            id_ = await s.begin()
            await s.person(id_)
            await s.say(id_, HURTS)
            assert (await s.who["ana"].texts(id_))[-1] == ("user", HURTS)
            assert await rows(s.house, "alarms") == []

    asyncio.run(story())
