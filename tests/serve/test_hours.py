"""Hours of the desk: when somebody is there, what is promised outside them, clocks put forward."""

import asyncio
import itertools
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from attenda.core.opening import Opening
from attenda.store.stamps import Stamps
from tests.serve.desk_people import DESK, shop

CLOSED: tuple[tuple[str, str], ...] = ()
WEEK = ((("09:00", "12:00"), ("13:00", "17:00")),) * 5 + (CLOSED, CLOSED)
BERLIN = Opening.model_validate({"zone": "Europe/Berlin", "week": WEEK, "holidays": ["2026-04-06"]})
NIGHT = Opening.model_validate({"zone": "Europe/Berlin", "week": ((("02:30", "03:30"),),) * 7})


def at(local: str, zone: str = "Europe/Berlin") -> int:
    return int(datetime.fromisoformat(local).replace(tzinfo=ZoneInfo(zone)).timestamp()) * 10**6


def in_utc(moment: int | None) -> str:
    assert moment is not None
    return datetime.fromtimestamp(moment // 10**6, UTC).strftime("%Y-%m-%d %H:%M")


@pytest.mark.parametrize(
    ("opening", "now", "opens"),
    [
        (BERLIN, "2026-03-10T10:00", "2026-03-10 09:00"),  # open: now
        (BERLIN, "2026-03-10T12:00", "2026-03-10 12:00"),  # the end is not in it
        (BERLIN, "2026-03-13T17:00", "2026-03-16 08:00"),  # over the week-end
        (BERLIN, "2026-03-27T18:00", "2026-03-30 07:00"),  # clocks go forward in between
        (BERLIN, "2026-10-23T18:00", "2026-10-26 08:00"),  # and back
        (BERLIN, "2026-04-03T18:00", "2026-04-07 07:00"),  # a holiday on Monday
        (
            NIGHT,
            "2026-03-29T00:00",
            "2026-03-30 00:30",
        ),  # the span is skipped that night
        (NIGHT, "2026-10-25T00:00", "2026-10-25 00:30"),  # 02:30 comes twice: the first
    ],
)
def test_when_somebody_is_there_next(opening: Opening, now: str, opens: str) -> None:
    assert in_utc(opening.opens(at(now))) == opens


def test_an_hour_that_comes_twice_is_open_twice() -> None:
    for fold in (0, 1):
        local = datetime(2026, 10, 25, 2, 45, fold=fold, tzinfo=ZoneInfo("Europe/Berlin"))
        now = int(local.timestamp()) * 10**6
        assert NIGHT.opens(now) == now


def test_outside_the_hours_a_ticket_says_when(home: Path, database_url: str) -> None:
    """Friday evening, a customer who writes Chinese, and the desk's hours in Shanghai."""
    clock = [at("2026-03-13T18:30", "Asia/Shanghai")]
    stamps = Stamps(lambda: clock[0], itertools.count(1).__next__)

    async def story() -> None:
        async with shop(home, database_url, stamps=stamps) as s:
            sue, sam, ana = s.who["sue"], s.who["sam"], s.who["ana"]
            week = ["09:00-12:00, 13:00 – 17:00"] * 5 + ["", ""]
            desk = {"zone": "Asia/Shanghai", "week": week}
            await sam("PUT", "/api/desk/hours", desk, expect=403)
            await sue("PUT", "/api/desk/hours", desk)
            seen = {one["pack"]: one for one in await sam("GET", "/api/desk/hours")}
            assert seen[""]["open"] is False and seen[""]["week"][0] == "09:00-12:00, 13:00-17:00"
            assert "zone" not in seen["shop"]

            asked = await s.begin()
            await s.say(asked, "person")
            said = [text for _, text in await ana.texts(asked)]
            assert "Monday, 2026-03-16 at 09:00 (Asia/Shanghai)" in said[-1]
            chinese = await s.begin()
            await s.say(chinese, "我要人工 person")
            assert "2026年03月16日（星期一）09:00" in (await ana.texts(chinese))[-1][1]
            button = await s.begin()
            await s.person(button)
            rows: list[dict[str, Any]] = (await sam("GET", "/api/desk"))["sessions"]
            promised = at("2026-03-16T09:00", "Asia/Shanghai")
            assert [one["promised_at"] for one in rows] == [promised] * 3

            await sam("POST", f"{DESK}/{asked}/claim")
            await sam("POST", f"{DESK}/{asked}/return")
            await sue(
                "PUT", "/api/desk/hours", {**desk, "pack": "shop", "week": ["00:00-24:00"] * 7}
            )
            await s.person(asked)
            assert "ticket" not in (await ana.texts(asked))[-1][1]
            assert (await ana.session(asked))["promised_at"] is None

            await sue("DELETE", "/api/desk/hours?pack=shop")
            await sam("POST", f"{DESK}/{asked}/claim")
            await sam("POST", f"{DESK}/{asked}/resolve")
            await ana("POST", f"/api/sessions/{asked}/messages", {"text": "one more thing"})
            assert "Monday, 2026-03-16" in (await ana.texts(asked))[-1][1]
            clock[0] = promised
            assert (await sam("GET", "/api/desk/hours"))[0]["open"] is True

    asyncio.run(story())


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"zone": "Mars/Olympus"}, "Mars/Olympus"),
        ({"week": ["17:00-09:00"] + [""] * 6}, "17:00-09:00"),
        ({"week": ["25:00-26:00"] + [""] * 6}, "25:00"),
        ({"week": ["nine to five"] + [""] * 6}, "nine to five"),
        ({"week": [""] * 7}, "at least one day"),
        ({"holidays": ["Christmas"]}, "Christmas"),
    ],
)
def test_hours_that_cannot_be_are_refused_by_name(
    home: Path, change: dict[str, Any], named: str
) -> None:
    async def story() -> None:
        async with shop(home) as s:
            body = {"zone": "UTC", "week": ["09:00-17:00"] * 7, **change}
            refused = await s.who["sue"]("PUT", "/api/desk/hours", body, expect=400)
            assert named in refused["error"]["message"]
            assert "zone" not in (await s.who["sue"]("GET", "/api/desk/hours"))[0]

    asyncio.run(story())
