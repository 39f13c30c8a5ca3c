"""What packs keep about people comes with their export, goes with their erasure, and grows old."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from attenda.api import Pack, PackTable, Principal, check_pack
from attenda.packs.clinic.pack import PACK as CLINIC
from attenda.packs.tutor.pack import PACK as TUTOR
from attenda.serve.app import create_app
from attenda.store import inspection, keys, people, privacy, schema
from attenda.store.database import Connection
from tests.runtime.test_flows import understand
from tests.scripted_house import scripted_house
from tests.serve.desk_people import Person

PEOPLE = {"ann": "agent", "tom": "agent", "boss": "owner"}
TEACHER = [{"id": "K-9", "title": "Nine", "teacher": "usr_ann"}]
HER_WORDS = ("a cough from the zanzibar", "zanzibar answer", "zanzibar reason")


class House:
    """The house and its people."""

    def __init__(self, house: Any, who: dict[str, Person]) -> None:
        self.house, self.who = house, who

    async def call(self, name: str, pack: str, tool: str, once: str, **arguments: object) -> Any:
        body = {"arguments": arguments, "once": once}
        answer = await self.who[name]("POST", f"/api/packs/{pack}/tools/{tool}", body)
        assert answer["state"] == "done", answer
        return answer.get("result")

    async def rows(self, table: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = await self.house.database.read(
            lambda c: inspection.raw_rows(c, table)
        )
        return found

    async def live(self, name: str) -> None:
        """An interview, an exercise with an answer and a sign of danger, each of theirs."""
        await self.call(name, "clinic", "begin_intake", "i")
        mine = [one for one in await self.rows("clinic_intakes") if one["user_id"] == f"usr_{name}"]
        await self.call(name, "clinic", "hear", "h", intake=mine[0]["id"], number=0,
                        answer=HER_WORDS[0])  # fmt: skip
        await self.call(name, "clinic", "raise_alarm", "a", rule="RF-ACS", signs=HER_WORDS[2],
                        message=f"m-{name}")  # fmt: skip
        await self.call(name, "tutor", "give_task", "t")
        task = [one for one in await self.rows("tutor_tasks") if one["learner"] == f"usr_{name}"]
        await self.call(name, "tutor", "raise_concern", "c", words="I want to die")
        assert len(task) == 1


@contextlib.asynccontextmanager
async def two_packs(home: Path, url: str, packs: tuple[Pack, ...]) -> AsyncIterator[House]:
    async with scripted_house(
        home, lambda _: "", database=url, packs=packs, understand=understand
    ) as (house, _):

        def enrol(c: Connection) -> dict[str, str]:
            secrets = {}
            for name, role in PEOPLE.items():
                row = {"id": f"usr_{name}", "name": name, "role": role, "created_at": 0}
                c.execute(schema.users.insert().values(**row))
                who = people.principal_of(c, f"usr_{name}")
                secrets[name] = keys.create_key(c, house.stamps, who, "test")[1]
            return secrets

        secrets = await house.database.write(enrol)
        transport = httpx.ASGITransport(create_app(house))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            yield House(house, {name: Person(client, one) for name, one in secrets.items()})


def test_rows_of_packs_come_with_an_export_and_go_with_an_erasure(home: Path) -> None:
    exported_and_erased(home, "")


@pytest.mark.long
def test_they_do_on_either_database(home: Path, database_url: str) -> None:
    exported_and_erased(home, database_url)


def exported_and_erased(home: Path, database_url: str) -> None:
    samples = TUTOR.samples_on(0)
    samples = {**samples, "classes": [*samples["classes"], *TEACHER]}
    tutor = replace(TUTOR, samples=samples)

    async def story() -> None:
        async with two_packs(home, database_url, (CLINIC, tutor)) as h:
            await h.live("ann")
            await h.live("tom")
            found = (await h.who["ann"]("GET", "/api/me/export"))["packs"]
            assert {
                "clinic_intakes", "clinic_words", "clinic_escalations", "tutor_learners",
                "tutor_tasks", "tutor_concerns", "tutor_classes",
            } == found.keys()  # fmt: skip
            assert "usr_tom" not in json.dumps(found)
            (intake,) = found["clinic_intakes"]
            assert isinstance(intake["answers"], dict), "as values, not as text"
            assert found["clinic_words"][0]["text"] == HER_WORDS[0], "found through her interview"
            toms = (await h.who["tom"]("GET", "/api/me/export"))["packs"]

            await h.who["boss"]("DELETE", "/api/users/usr_ann")
            for table in ("intakes", "words"):
                (row,) = await h.rows(f"clinic_{table}")
                assert row["id"] in str(toms[f"clinic_{table}"])
            flags = await h.rows("clinic_escalations")
            assert sorted((one["user_id"] or "", one["words"] or "") for one in flags) == [
                ("", ""), ("usr_tom", HER_WORDS[2]),
            ], "that there was a red flag stays, not whose it was"  # fmt: skip
            assert {one["rule"] for one in flags} == {"RF-ACS"}
            left = [str(await h.rows(f"tutor_{one.name}")) for one in TUTOR.tables]
            kept = [one for one, text in zip(TUTOR.tables, left, strict=True) if "usr_ann" in text]
            assert [one.name for one in kept] == ["concerns"]
            (nine,) = [one for one in await h.rows("tutor_classes") if one["id"] == "K-9"]
            assert nine == {"id": "K-9", "title": "Nine", "teacher": None}
            assert (await h.who["tom"]("GET", "/api/me/export"))["packs"] == toms

    asyncio.run(story())


def test_rows_go_although_their_pack_was_taken_out(home: Path) -> None:
    async def story() -> None:
        url = f"sqlite:///{home}.db"
        async with two_packs(home, url, (CLINIC, TUTOR)) as h:
            await h.live("ann")
        async with scripted_house(home, database=url) as (house, _):
            boss = Principal(id=people.OWNER_ID, role="owner")
            await house.database.write(
                lambda c: privacy.erase_person(c, house.stamps, boss, "usr_ann")
            )
            for table in ("clinic_words", "clinic_intakes", "tutor_learners", "tutor_tasks"):
                found = await house.database.read(lambda c, t=table: inspection.raw_rows(c, t))
                assert "usr_ann" not in str(found) and HER_WORDS[0] not in str(found)

    asyncio.run(story())


@pytest.mark.long
def test_rows_grow_old_with_the_chats(home: Path) -> None:
    async def story() -> None:
        async with two_packs(home, "", (CLINIC, TUTOR)) as h:
            await h.live("ann")
            expire = h.house.database.write
            day_us = 86_400_000_000

            class Later:
                def now(self) -> int:
                    return int(h.house.stamps.now()) + 40 * day_us

            for days, left in ((90, 1), (0, 1), (30, 0)):
                await expire(
                    lambda c, d=days: privacy.expire(c, Later(), trash_days=0, chat_days=d)
                )
                for table in ("clinic_words", "clinic_intakes"):
                    assert len(await h.rows(table)) == left, (days, table)
                tasks = [one for one in await h.rows("tutor_tasks") if "usr" in one["learner"]]
                assert len(tasks) == left
            assert len(await h.rows("clinic_escalations")) == 1, "it names no age"
            assert await h.rows("clinic_patients")

    asyncio.run(story())


CASES = PackTable(
    "cases", {"id": "text", "talk": "text", "words": "text", "sum": "amount"},
    session="talk", redacted=("talk", "words"),
)  # fmt: skip
LINES = PackTable("lines", {"id": "text", "note": "text"}, person="note", through="talks")
TALKS = PackTable("talks", {"id": "text", "talk": "text"}, session="talk")


def test_rows_go_with_the_conversation_that_they_came_of(home: Path) -> None:
    mine = Pack("mine", {"en": "Mine"}, home / "mine", tables=[CASES, TALKS, LINES])

    async def story() -> None:
        async with two_packs(home, "", (mine,)) as h:
            talks = {}
            for name in ("ann", "tom", "old"):
                made = await h.who["tom" if name == "old" else name]("POST", "/api/sessions", {})
                talks[name] = made["id"]

            def fill(c: Connection) -> None:
                rows = lambda table: h.house.packs["mine"].executor.rows(c, table)  # noqa: E731
                for name, talk in talks.items():
                    rows("cases").add(id=name, talk=talk, words=f"{name} said", sum="5.00")
                    rows("talks").add(id=name, talk=talk)
                    rows("lines").add(id=name, note=name)

            await h.house.database.write(fill)
            found = (await h.who["ann"]("GET", "/api/me/export"))["packs"]
            assert {table: [one["id"] for one in rows] for table, rows in found.items()} == {
                "mine_cases": ["ann"], "mine_talks": ["ann"], "mine_lines": ["ann"],
            }  # fmt: skip
            await h.who["boss"]("DELETE", "/api/users/usr_ann")
            assert [one["id"] for one in await h.rows("mine_lines")] == ["old", "tom"]
            await h.who["tom"]("DELETE", f"/api/sessions/{talks['old']}")

            class Later:
                def now(self) -> int:
                    return int(h.house.stamps.now()) + 40 * 86_400_000_000

            await h.house.database.write(
                lambda c: privacy.expire(c, Later(), trash_days=30, chat_days=0)
            )
            assert [one["id"] for one in await h.rows("mine_talks")] == ["tom"]
            assert [one["id"] for one in await h.rows("mine_lines")] == ["tom"]
            kept = {one["id"]: (one["talk"], one["words"]) for one in await h.rows("mine_cases")}
            assert kept == {
                "ann": (None, None), "old": (None, None), "tom": (talks["tom"], "tom said"),
            }, "the sums stay"  # fmt: skip

    asyncio.run(story())


@pytest.mark.parametrize(
    "wrong",
    [
        {"person": "nobody"},
        {"person": "who", "redacted": ("id",)},
        {"person": "who", "redacted": ("gone",)},
        {"person": "who", "through": "elsewhere"},
        {"ages": "who"},
        {"person": "who", "session": "at"},
        {"indexes": (("gone",),)},
    ],
)
def test_what_a_table_says_of_its_people_is_checked(home: Path, wrong: dict[str, Any]) -> None:
    columns: Any = {"id": "text", "who": "text", "at": "time"}
    right = PackTable("notes", columns, person="who", redacted=("at",), ages="at")
    assert check_pack(Pack("mine", {"en": "Mine"}, home, tables=[right])) == []
    bad = PackTable("notes", columns, **wrong)
    told = check_pack(Pack("mine", {"en": "Mine"}, home, tables=[bad]))
    assert len(told) == 1 and "notes" in told[0]
